"""Who moved between two dates."""

from __future__ import annotations

from pathlib import Path

import examples
import pandas as pd
import pytest
from customers import customers, rfm_tables, sample_customers
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.errors import BookError
from salesops.models.segments import fit_grid, migrate
from salesops.models.segments.migration import ABSENT, GONE

NAMES = ["high", "low"]


def assigned(**segments: str) -> pd.DataFrame:
    column = pd.Categorical(list(segments.values()), categories=NAMES, ordered=True)
    return pd.DataFrame({"account_id": list(segments), "segment": column})


def test_moves_by_hand() -> None:
    """Four customers, one falls, one is new, one is gone: counts, shares and names."""
    found = migrate(assigned(A="high", B="high", C="low", D="low"), assigned(A="high", B="low", C="low", E="high"))
    pairs = found.transitions.set_index(["before", "after"])
    assert pairs.customers.to_dict() == {
        ("high", "high"): 1, ("high", "low"): 1, ("high", GONE): 0,
        ("low", "high"): 0, ("low", "low"): 1, ("low", GONE): 1,
        (ABSENT, "high"): 1, (ABSENT, "low"): 0,
    }  # fmt: skip  # one line a segment before
    assert pairs.share["high", "low"] == 0.5
    assert list(pairs["of"]) == [2, 2, 2, 2, 2, 2, 1, 1]
    assert found.moved.to_dict("list") == {
        "account_id": ["B", "D", "E"], "before": ["high", "low", ABSENT], "after": ["low", GONE, "high"],
    }  # fmt: skip  # one line a table
    assert found.matrix.loc["high", "low"] == 1


@settings(max_examples=examples.of(50), deadline=None)
@given(rfm_tables(), rfm_tables(), st.integers(0, 20))
def test_nobody_is_lost_on_the_way(before: pd.DataFrame, after: pd.DataFrame, shift: int) -> None:
    """Every customer of either date is in exactly one pair; shares of a segment sum to 1; movers are the others."""
    before, after = (table.assign(frequency=table.frequency.fillna(1)) for table in (before, after))
    after = after.assign(account_id=[f"A{n + shift}" for n in after.index])
    grid = fit_grid(before)
    found = migrate(grid.assign(before), grid.assign(after))
    everyone = set(before.account_id) | set(after.account_id)
    assert found.transitions.customers.sum() == len(everyone)
    assert found.moved.account_id.is_unique
    stayed = found.transitions[found.transitions.before.astype(str) == found.transitions.after.astype(str)]
    assert len(found.moved) + stayed.customers.sum() == len(everyone)
    shares = found.transitions.groupby("before", observed=True).share.sum(min_count=1).dropna()
    assert shares.to_numpy() == pytest.approx(1)
    assert (found.transitions.low <= found.transitions.high).all()


def test_shares_carry_their_wilson_interval() -> None:
    """One of two moved: 50%, from 9% to 91%; nobody of two: from 0 to 66%."""
    found = migrate(assigned(A="high", B="high"), assigned(A="high", B="low"))
    pairs = found.transitions.set_index(["before", "after"])
    assert tuple(pairs.loc[("high", "low"), ["low", "high"]]) == pytest.approx((0.0945, 0.9055), abs=1e-4)
    assert tuple(pairs.loc[("high", GONE), ["low", "high"]]) == pytest.approx((0, 0.6576), abs=1e-4)


def test_without_change_nobody_moved() -> None:
    """Two times the same date: no movers, and every share is 0 or 1."""
    table = customers(days_since=range(20), frequency=range(20), total=range(20))
    found = fit_grid(table).assign(table)
    moves = migrate(found, found)
    assert moves.moved.empty
    assert set(moves.transitions.share.dropna()) <= {0, 1}


def test_an_account_twice_is_refused() -> None:
    """Two rows of one account cannot be compared."""
    with pytest.raises(BookError, match="more than once"):
        migrate(pd.concat([assigned(A="high"), assigned(A="low")]), assigned(A="low"))


def test_sample_churners_leave_the_good_segments(sample: Path) -> None:
    """Planted churners who were in a good segment half a year before are, for the most part, no longer in one."""
    good = ("champions", "loyal")
    truth = pd.read_json(sample / "truth.json", typ="series")["churned"]
    stopped = {account for account, story in truth.items() if "2026-01-01" <= story["stopped_on"] <= "2026-07-31"}
    earlier, now = sample_customers(sample, "2025-12-31"), sample_customers(sample)
    grid = fit_grid(earlier)
    before, after = (grid.assign(table).set_index("account_id").segment for table in (earlier, now))
    were = [account for account in stopped if before.get(account) in good]
    assert len(were) >= 8
    assert sum(after[account] in good for account in were) <= len(were) / 5
