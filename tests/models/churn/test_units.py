"""Who is judged and what came of it, by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from books import Rows, by, make_book

from models.churn.worlds import DAY, orders_book
from salesops.models.churn.gather import gather_contracts, order_cuts
from salesops.models.churn.units import contract_units, order_units

CUT = date(2026, 1, 1)


def judged(folder: Path, *days: str, as_of: date = DAY) -> dict[str, object] | None:
    """The unit of a client that ordered on these days, at CUT: horizon 60 days, window 90."""
    book = orders_book(folder, {"A": [date.fromisoformat(day) for day in days], "B": [CUT]})
    units = by(order_units(book, as_of, [CUT], horizon_days=60, window_days=90), "account_id")
    return units.get("A")


@pytest.mark.parametrize(
    ("days", "churned"),
    [
        (["2026-01-01"], True),  # the cut itself is known, and is no purchase after it
        (["2026-01-01", "2026-01-02"], False),
        (["2025-12-01", "2026-03-02"], False),  # the last day of the horizon
        (["2025-12-01", "2026-03-03"], True),  # the day after it
        (["2025-10-04"], True),  # the first day of the window
    ],
)
def test_lost_is_no_purchase_in_the_horizon(tmp_path: Path, days: list[str], churned: bool) -> None:
    """A client is lost if it does not order in (cut, cut + horizon]; both ends are exact."""
    unit = judged(tmp_path, *days)
    assert unit is not None
    assert unit["churned"] is churned
    assert unit["due"] == date(2026, 3, 2)


@pytest.mark.parametrize("day", ["2025-10-03", "2026-01-02"])
def test_who_did_not_buy_in_the_window_is_not_judged(tmp_path: Path, day: str) -> None:
    """A last purchase before the window, or a first one after the cut, makes no unit."""
    assert judged(tmp_path, day) is None


def test_label_waits_for_its_day(tmp_path: Path) -> None:
    """As long as the horizon has not passed there is no label, even if the client has ordered again."""
    waiting = judged(tmp_path / "a", "2025-12-31", "2026-02-01", as_of=date(2026, 3, 1))
    assert waiting is not None
    assert waiting["churned"] is None
    passed = judged(tmp_path / "b", "2025-12-31", "2026-02-01", as_of=date(2026, 3, 2))
    assert passed is not None
    assert passed["churned"] is False


def test_labels_of_cuts_do_not_overlap(tmp_path: Path) -> None:
    """Cuts lie a horizon apart, back to a horizon after the first purchase, and never before it."""
    book = orders_book(tmp_path, {"A": [date(2025, 12, 31), DAY]})
    assert order_cuts(book, DAY, 30) == [DAY, date(2026, 3, 1), date(2026, 1, 30)]
    assert order_cuts(book, DAY, 400) == [DAY]


def contract(key: str, start: str, end: str, account: str = "A", **more: object) -> dict[str, object]:
    """A contract with 30 days of notice and an amount of 1,200."""
    row = {"contract_id": key, "account_id": account, "start_date": start, "end_date": end}
    return {**row, "notice_days": 30, "annual_amount": 1200, **more}


def renewals(folder: Path, contracts: Rows, as_of: date = DAY) -> dict[object, dict[str, object]]:
    """The units of these contracts, by key."""
    book = make_book(folder, {"contracts": contracts, "accounts": [{"account_id": "A"}, {"account_id": "B"}]})
    return by(contract_units(book, as_of, horizon_days=90, grace_days=30), "contract_id")


@pytest.mark.parametrize(
    ("start", "end", "churned"),
    [
        ("2026-01-01", "2026-12-31", False),
        ("2026-01-30", "2026-12-31", False),  # the last day of the grace
        ("2026-01-31", "2026-12-31", True),  # the day after it
        ("2025-07-01", "2025-12-31", True),  # begun later, and ended no later: no renewal
        ("2025-07-01", "2026-06-30", False),  # signed ahead
    ],
)
def test_renewed_is_a_next_contract_within_the_grace(tmp_path: Path, start: str, end: str, churned: bool) -> None:
    """A contract is renewed by one that begins after it, ends after it, and starts by its end + grace."""
    units = renewals(tmp_path, [contract("C1", "2025-01-01", "2025-12-31"), contract("C2", start, end)])
    assert units["C1"]["churned"] is churned
    assert units["C1"]["action_date"] == units["C1"]["cut"] == date(2025, 12, 1)


def test_what_the_book_says_today_is_no_label(tmp_path: Path) -> None:
    """Status and successor are those of today: they make no renewal of a contract that nothing followed."""
    rows = [contract("C1", "2025-01-01", "2025-12-31", status="renewed", renewed_by_contract_id="C9")]
    assert renewals(tmp_path, rows)["C1"]["churned"] is True


def test_signed_ahead_is_renewed_on_the_last_day_alone(tmp_path: Path) -> None:
    """A contract that begins after the book's last day stands there signed; a day earlier nobody could know it."""
    rows = [contract("C1", "2025-04-01", "2026-03-31"), contract("C2", "2026-04-01", "2027-03-31")]
    sale = {"order_id": "O", "account_id": "A", "ordered_at": "2026-03-31"}
    line = {"order_id": "O", "quantity": 1, "unit_price": 1}
    book = make_book(tmp_path, {"contracts": rows, "orders": [sale], "order_lines": [line]})
    for day, renewed in ((date(2026, 3, 30), False), (date(2026, 3, 31), True)):
        unit = by(contract_units(book, day, horizon_days=90, grace_days=30), "contract_id")["C1"]
        assert (unit["renewed"], unit["churned"]) == (renewed, None)


def test_another_client_renews_nothing(tmp_path: Path) -> None:
    """A contract of another client is no renewal."""
    rows = [contract("C1", "2025-01-01", "2025-12-31"), contract("C2", "2026-01-01", "2026-12-31", account="B")]
    assert renewals(tmp_path, rows)["C1"]["churned"] is True


def test_not_yet_due_is_censored(tmp_path: Path) -> None:
    """A contract whose grace has not passed has no label; one beyond the horizon is no unit."""
    rows = [contract("C1", "2025-03-01", "2026-03-01"), contract("C2", "2026-01-01", "2026-12-31", account="B")]
    units = renewals(tmp_path, rows, as_of=date(2026, 3, 30))
    assert units["C1"]["churned"] is None
    assert "C2" not in units


def test_contracts_are_split_by_month_of_renewal(tmp_path: Path) -> None:
    """Slices are quarters of renewal, counted back from the newest outcome."""
    ends = ["2025-05-31", "2025-06-01", "2025-08-31", "2025-09-30"]
    rows = [contract(f"C{n}", "2024-10-01", end, account=f"A{n}") for n, end in enumerate(ends)]
    book = make_book(tmp_path, {"contracts": rows})
    found = gather_contracts(book, DAY, horizon_days=90).slice.to_dict()
    july, april = pd.Timestamp("2025-07-01"), pd.Timestamp("2025-04-01")
    assert found == {"C0": april, "C1": april, "C2": july, "C3": july}
