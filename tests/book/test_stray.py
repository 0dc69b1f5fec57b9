"""Rows dated far ahead of all others."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from books import Rows, make_book

from salesops.book.check import check_book

START = date(2026, 1, 1)


def orders(*late: datetime, days: int = 200) -> Rows:
    """An order a day, and those that are late."""
    when = [datetime(2026, 1, 1, 12) + timedelta(days=n) for n in range(days)]
    return [{"order_id": f"O{n:03}", "ordered_at": at} for n, at in enumerate([*when, *late])]


def strays(folder: Path, **tables: Rows) -> list[str]:
    return [str(finding) for finding in check_book(make_book(folder, tables)) if finding.rule == "stray date"]


def test_a_mistyped_year_is_named_with_what_it_does(tmp_path: Path) -> None:
    """One order of 2062 for 2026: the row, the day before the silence, and what becomes of it."""
    (told,) = strays(tmp_path, orders=orders(datetime(2062, 3, 1, 12)))
    assert told == (
        "orders: 1 of 201 rows is dated far ahead of all others, which end on 2026-07-19 (first: O200 '2062-03-01'). "
        "Correct the date in the source. The default date of a report leaves it out."
    )


def test_deals_and_orders_are_looked_at_together(tmp_path: Path) -> None:
    """A deal closed in the orders' time is no stray although no other deal is near; an activity beyond both is."""
    deals: Rows = [
        {"opportunity_id": name, "is_closed": True, "is_won": True, "close_date": day, "created_date": START}
        for name, day in (("D1", date(2026, 1, 2)), ("D2", date(2026, 7, 10)))
    ]
    done = datetime(2033, 1, 5, 9)
    acts: Rows = [{"activity_id": "A1", "type": "call", "due_date": START, "completed_at": done}]
    told = strays(tmp_path, orders=orders(), opportunities=deals, activities=acts)
    assert [sentence.partition(":")[0] for sentence in told] == ["activities"]


def test_a_stray_deal_hides_no_stray_call(tmp_path: Path) -> None:
    """What else is dated far ahead is held against the days before a deal that is so itself."""
    acts: Rows = [{"activity_id": "A1", "type": "call", "due_date": START, "completed_at": datetime(2033, 1, 5, 9)}]
    won: Rows = [{"opportunity_id": "D1", "is_closed": True, "is_won": True, "close_date": date(2040, 1, 1)}]
    told = strays(tmp_path, orders=orders(), opportunities=won, activities=acts)
    assert [sentence.partition(":")[0] for sentence in told] == ["opportunities", "activities"]


def test_a_pause_of_the_business_is_none(tmp_path: Path) -> None:
    """Several rows after a long silence, a short silence, planned dates and open deals are all in order."""
    again = [datetime(2027, 6, 1, 12) + timedelta(days=n) for n in range(10)]
    assert strays(tmp_path / "pause", orders=orders(*again)) == []
    assert strays(tmp_path / "short", orders=orders(datetime(2026, 10, 19, 12))) == []
    plan = date(2031, 1, 1)
    planned: Rows = [{"opportunity_id": "D1", "is_closed": False, "close_date": plan, "created_date": START}]
    assert strays(tmp_path / "open", orders=orders(), opportunities=planned) == []
    assert strays(tmp_path / "one", orders=orders(days=1)) == []
