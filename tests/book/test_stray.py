"""Rows dated long after all others."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from books import make_book

from salesops.book.check import check_book
from salesops.book.horizon import default_as_of

START = date(2026, 1, 1)


def orders(*late: datetime, days: int = 200) -> list[dict[str, object]]:
    """An order a day, and those that are late."""
    when = [datetime(2026, 1, 1, 12) + timedelta(days=n) for n in range(days)]
    return [{"order_id": f"O{n:03}", "ordered_at": at} for n, at in enumerate([*when, *late])]


def strays(folder: Path, **tables: list[dict[str, object]]) -> list[str]:
    return [str(finding) for finding in check_book(make_book(folder, tables)) if finding.rule == "stray date"]


def test_a_mistyped_year_is_named_with_what_it_does(tmp_path: Path) -> None:
    """One order of 2062 for 2026: the row, the day before the silence, and the day that reports would speak of."""
    tables = {"orders": orders(datetime(2062, 3, 1, 12))}
    (told,) = strays(tmp_path, **tables)
    assert told == (
        "orders: 1 of 201 rows is dated over 183 days after all others (first: O200 '2062-03-01'). "
        "Correct the date, or give --as-of 2026-07-19: without it every report is as of 2062-03-01."
    )
    assert default_as_of(make_book(tmp_path / "again", tables)) == date(2062, 3, 1)


def test_all_tables_are_looked_at_together(tmp_path: Path) -> None:
    """A deal closed in the orders' time is no stray although no other deal is near; an activity beyond both is."""
    deals: list[dict[str, object]] = [
        {"opportunity_id": name, "is_closed": True, "is_won": True, "close_date": day, "created_date": START}
        for name, day in (("D1", date(2026, 1, 2)), ("D2", date(2026, 7, 10)))
    ]
    done = datetime(2033, 1, 5, 9)
    acts: list[dict[str, object]] = [{"activity_id": "A1", "type": "call", "due_date": START, "completed_at": done}]
    told = strays(tmp_path, orders=orders(), opportunities=deals, activities=acts)
    assert [sentence.partition(":")[0] for sentence in told] == ["activities"]


def test_a_pause_of_the_business_is_none(tmp_path: Path) -> None:
    """Many rows after a long silence, a short silence, planned dates and open deals are all in order."""
    again = [datetime(2027, 6, 1, 12) + timedelta(days=n) for n in range(10)]
    assert strays(tmp_path / "pause", orders=orders(*again)) == []
    assert strays(tmp_path / "short", orders=orders(datetime(2027, 1, 18, 12))) == []
    planned: list[dict[str, object]] = [
        {"opportunity_id": "D1", "is_closed": False, "close_date": date(2031, 1, 1), "created_date": START}
    ]
    assert strays(tmp_path / "open", orders=orders(), opportunities=planned) == []
    assert strays(tmp_path / "one", orders=orders(days=1)) == []
