"""How long clients stay: the published curve, histories by hand, and cohorts."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from books import make_book
from hypothesis import given
from hypothesis import strategies as st

from salesops.metrics.contracts import account_spells
from salesops.models.churn.survival import EVERYONE, contract_histories, order_histories, survival

DAY = date(2026, 12, 31)


def histories(days: list[float], lost: list[bool], started: str = "2026-01-01") -> pd.DataFrame:
    return pd.DataFrame({"started": pd.Timestamp(started), "days": np.array(days, float), "lost": lost})


def everyone(found: pd.DataFrame) -> pd.DataFrame:
    curve = survival(found).curves
    return curve[curve.cohort == EVERYONE]


def test_freireich_6mp_is_reproduced() -> None:
    """The remission times of Freireich and others (1963): the curve of 6-MP as every textbook prints it."""
    lost = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    there = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    found = everyone(histories([*lost, *there], [True] * len(lost) + [False] * len(there))).set_index("days")
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    for day, staying in published.items():
        assert found.staying[day] == pytest.approx(staying, abs=5e-4)
    assert found.at_risk[[6, 7, 10, 13, 16, 22, 23]].tolist() == [21, 17, 15, 12, 11, 7, 6]
    # Kalbfleisch and Prentice's interval at 6 days, worked out from Greenwood's sum
    greenwood = 3 / (21 * 18)
    half = 1.959964 * np.sqrt(greenwood) / abs(np.log(18 / 21))
    assert found.low[6] == pytest.approx((18 / 21) ** np.exp(half), abs=1e-5)
    assert found.high[6] == pytest.approx((18 / 21) ** np.exp(-half), abs=1e-5)


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=40))
def test_a_curve_falls_within_its_interval(rows: list[tuple[int, bool]]) -> None:
    """It starts at day 0, never rises, and lies between its ends, which are never missing."""
    found = everyone(histories([row[0] for row in rows], [row[1] for row in rows]))
    assert found.days.iloc[0] == 0
    assert (found.staying.diff().dropna() <= 1e-12).all()
    assert (found.low <= found.staying + 1e-12).all()
    assert (found.high >= found.staying - 1e-12).all()
    assert found.notna().all().all()


def test_orders_by_hand() -> None:
    """Silent for longer than its own limit is lost on the last purchase; the others leave the view so long ago."""
    clients = pd.DataFrame(
        {
            "account_id": ["silent", "slow", "buys", "edge", "new"],
            "known_since": ["2026-01-01", "2026-01-01", "2026-01-01", "2026-01-01", "2026-11-01"],
            "last_purchase": ["2026-03-02", "2026-03-02", "2026-12-20", "2026-10-02", "2026-11-01"],
            "lost_after": [90.0, 310.0, 90.0, 90.0, 90.0],
        }
    )
    found = order_histories(clients, DAY).set_index("account_id")
    assert found.lost.to_dict() == {"silent": True, "slow": False, "buys": False, "edge": False, "new": False}
    assert found.days.drop("new").to_dict() == {"silent": 60, "slow": 54, "buys": 274, "edge": 274}
    assert np.isnan(found.days["new"])
    assert survival(found).too_new == 1


def test_contracts_by_hand() -> None:
    """The clock runs over the first stretch; a contract without an end runs, and within the grace nobody is lost."""
    spells = pd.DataFrame(
        [
            ("left", 0, "2025-01-01", "2025-12-31", "2026-01-30"),
            ("left", 1, "2026-06-01", None, None),
            ("runs", 0, "2025-01-01", None, None),
            ("grace", 0, "2025-12-20", "2026-12-19", "2027-01-18"),
            ("undated", 0, None, "2026-01-01", "2026-01-31"),
        ],
        columns=["account_id", "spell", "started", "ended", "due"],
    )
    found = contract_histories(spells, DAY).set_index("account_id")
    assert sorted(found.index) == ["grace", "left", "runs"]
    assert found.lost.to_dict() == {"left": True, "runs": False, "grace": False}
    assert (found.days["left"], found.days["runs"], found.days["grace"]) == (364, 729, 364)


def test_subscriptions_without_end_stay(tmp_path: Path) -> None:
    """Of 40 subscriptions that began three years ago 4 ended: after a year 95% are there, and half is never gone."""
    rows = [
        {"contract_id": f"C{n}", "account_id": f"A{n}", "start_date": date(2024, 1, 1),
         "end_date": date(2024, 6, 1) + timedelta(days=n * 150) if n < 4 else None}
        for n in range(40)
    ]  # fmt: skip  # one contract a row
    book = make_book(tmp_path, {"contracts": rows})
    found = survival(contract_histories(account_spells(book, DAY).to_pandas(), DAY)).cohorts.iloc[0]
    assert (found.clients, found.lost) == (40, 4)
    assert found.year == pytest.approx(38 / 40)
    assert np.isnan(found.median_days)


@pytest.mark.parametrize(
    ("starts", "names"),
    [
        (["2026-01-10", "2026-04-10", "2026-08-10"], ["2026 Q1", "2026 Q2", "2026 Q3"]),
        (["2025-01-10", "2025-04-10", "2025-08-10", "2025-11-01", "2026-02-01"], ["2025 H1", "2025 H2", "2026 H1"]),
        ([f"{year}-05-05" for year in range(2019, 2027)], ["before 2024", "2024", "2025", "2026"]),
    ],
)
def test_cohorts_are_as_fine_as_can_be_shown(starts: list[str], names: list[str]) -> None:
    """Quarters, half-years or years, at most four and in the order of time; their clients add up to everyone."""
    parts = [histories(list(range(1, 21)), [True] * 20, start) for start in starts]
    found = survival(pd.concat(parts)).cohorts
    assert found.cohort.tolist() == [EVERYONE, *names]
    assert found.clients.iloc[1:].sum() == found.clients.iloc[0] == 20 * len(starts)


def test_what_nobody_has_reached_is_not_told() -> None:
    """Half-life and the share after a year are missing where no client was in view for so long."""
    found = survival(histories([10.0] * 30, [False] * 30)).cohorts.iloc[0]
    assert np.isnan(found.median_days)
    assert np.isnan(found.year)
    long = survival(histories([400.0] * 15 + [100.0] * 15, [False] * 15 + [True] * 15)).cohorts.iloc[0]
    assert long.year == pytest.approx(0.5)
    assert long.median_days == 100


def test_nobody_gives_an_empty_result() -> None:
    """Without clients there is no curve, and no error."""
    columns = ["account_id", "known_since", "last_purchase", "lost_after"]
    found = survival(order_histories(pd.DataFrame(columns=columns), DAY))
    assert found.curves.empty
    assert found.cohorts.empty or found.cohorts.clients.sum() == 0
