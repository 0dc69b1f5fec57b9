"""On-time activities, against counts done by hand."""

from __future__ import annotations

from datetime import date

import pytest
from books import Row, by, make_book, records

from salesops.book.source import Book
from salesops.metrics.activities import on_time_activities
from salesops.periods import Period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
END = Q1.end


def task(owner: str, due: str | None, done: str | None) -> Row:
    return {"owner_id": owner, "due_date": due, "completed_at": done}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    users = [{"user_id": key, "territory_id": "N"} for key in "ABC"]
    activities = [
        task("A", "2026-01-10", "2026-01-10T22:30:00Z"),  # half past eleven at night in Berlin
        task("A", "2026-01-10", "2026-01-10T23:30:00Z"),  # the next day there
        task("A", "2026-01-10", "2026-01-02T10:00:00Z"),
        task("A", "2026-03-31", None),
        task("A", "2026-02-01", "2026-04-02T10:00:00Z"),
        task("A", "2025-12-31", None),
        task("A", "2026-04-01", None),
        task("A", None, "2026-02-01T10:00:00Z"),
        task("B", "2026-01-01", None),
    ]
    tables = {"users": users, "activities": activities}
    return make_book(tmp_path_factory.mktemp("a"), tables, time_zone="Europe/Berlin")


def test_on_time_late_and_not_done_make_up_due(book: Book) -> None:
    """Due in the period is done by its day, done later, or not done; days are those of the book's time zone."""
    rows = by(on_time_activities(book, Q1, date(2026, 12, 31)), "user_id")
    a = rows["A"]
    assert (a["due"], a["on_time"], a["late"], a["not_done"], a["on_time_rate"]) == (5, 2, 2, 1, 0.4)
    assert (rows["B"]["due"], rows["B"]["not_done"], rows["B"]["on_time_rate"]) == (1, 1, 0)


def test_nothing_due_has_no_rate(book: Book) -> None:
    """A rep with nothing due has a row and no rate."""
    c = by(on_time_activities(book, Q1, END), "user_id")["C"]
    assert (c["due"], c["on_time_rate"]) == (0, None)


def test_what_was_done_later_was_not_done_then(book: Book) -> None:
    """On the period's last day, what was completed in April is not done; what is due later is not due."""
    a = by(on_time_activities(book, Q1, END), "user_id")["A"]
    assert (a["due"], a["late"], a["not_done"]) == (5, 1, 2)
    assert by(on_time_activities(book, Q1, date(2026, 1, 31)), "user_id")["A"]["due"] == 3


@pytest.mark.parametrize("level", ["team", "territory"])
def test_groups_are_sums(book: Book, level: str) -> None:
    """The group's rate is its on-time count ÷ its due count, not a mean of rates."""
    (row,) = records(on_time_activities(book, Q1, END, by=level))
    assert (row["due"], row["on_time"], row["on_time_rate"]) == (6, 2, pytest.approx(2 / 6))
