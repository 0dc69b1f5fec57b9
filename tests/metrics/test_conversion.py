"""Stage conversion by cohort, with censoring."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import Row, by, make_book, records

from salesops.book.source import Book
from salesops.metrics.conversion import stage_conversion
from salesops.periods import Period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
END = Q1.end
ORDER = ["Lead", "Talk", "Offer"]


def deal(key: str, owner: str = "A", stage: str = "Lead", **more: object) -> Row:
    return {"opportunity_id": key, "owner_id": owner, "stage_name": stage, "amount": 1, "close_date": None, **more}


def stages(key: str, *steps: tuple[str, str]) -> list[Row]:
    return [{"opportunity_id": key, "field_name": "stage_name", "new_value": to, "valid_from": on} for on, to in steps]


def decided(key: str, day: str, *, is_won: bool, owner: str = "A") -> Row:
    return deal(key, owner, "Won" if is_won else "Lost", close_date=day, is_closed=True, is_won=is_won)


DEALS = [
    deal("OPEN"),
    deal("WALKED", stage="Offer"),
    deal("SKIPPED", stage="Offer"),
    decided("LOST", "2026-02-20", is_won=False),
    decided("WON", "2026-03-10", is_won=True),
    decided("STRAIGHT", "2026-03-15", is_won=True),
    deal("BEFORE", stage="Talk"),
    deal("AFTER", stage="Lead"),
    deal("FELL_BACK", stage="Lead"),
    decided("B_LOST", "2026-03-01", is_won=False, owner="B"),
    deal("NO_HISTORY", stage="Talk"),
]
HISTORY = [
    *stages("OPEN", ("2026-01-05", "Lead")),
    *stages("WALKED", ("2026-01-05", "Lead"), ("2026-01-20", "Talk"), ("2026-02-05", "Offer")),
    *stages("SKIPPED", ("2026-01-06", "Lead"), ("2026-02-01", "Offer")),
    *stages("LOST", ("2026-01-07", "Lead"), ("2026-01-30", "Talk"), ("2026-02-20", "Lost")),
    *stages("WON", ("2026-01-08", "Lead"), ("2026-02-08", "Talk"), ("2026-02-09", "Offer"), ("2026-03-10", "Won")),
    *stages("STRAIGHT", ("2026-01-09", "Lead"), ("2026-03-15", "Won")),
    *stages("BEFORE", ("2025-12-31", "Lead"), ("2026-01-02", "Talk")),
    *stages("AFTER", ("2026-04-01", "Lead")),
    *stages("FELL_BACK", ("2026-01-10", "Lead"), ("2026-01-11", "Talk"), ("2026-01-12", "Lead")),
    *stages("B_LOST", ("2026-02-01", "Lead"), ("2026-03-01", "Lost")),
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    users = [{"user_id": "A", "manager_id": "M"}, {"user_id": "B"}, {"user_id": "M", "role": "manager"}]
    tables = {"users": users, "opportunities": DEALS, "opportunity_history": HISTORY}
    return make_book(tmp_path_factory.mktemp("c"), tables, stage_order=ORDER)


def counts(row: Row) -> tuple[int, int, int, int]:
    return row["entered"], row["advanced"], row["lost"], row["still_open"]


def test_conversion_by_cohort_of_entry(book: Book) -> None:
    """Of the deals that reached a stage in the period: gone further, lost, or still open, each once."""
    rows = by(stage_conversion(book, Q1, END), "stage_name")
    # Lead: OPEN, WALKED, SKIPPED, LOST, WON, STRAIGHT, FELL_BACK, B_LOST
    assert counts(rows["Lead"]) == (8, 6, 1, 1)
    # Talk: WALKED, SKIPPED, LOST, WON, STRAIGHT, BEFORE, FELL_BACK
    assert counts(rows["Talk"]) == (7, 4, 1, 2)
    # Offer: WALKED, SKIPPED, WON, STRAIGHT; winning comes after it
    assert counts(rows["Offer"]) == (4, 2, 0, 2)


def test_open_deals_are_censored_and_never_lost(book: Book) -> None:
    """Deals still open in a stage are in neither side of its conversion."""
    rows = by(stage_conversion(book, Q1, END), "stage_name")
    assert rows["Lead"]["conversion"] == pytest.approx(6 / 7)
    assert rows["Talk"]["conversion"] == pytest.approx(4 / 5)
    assert rows["Offer"]["conversion"] == 1
    assert all(row["entered"] == row["advanced"] + row["lost"] + row["still_open"] for row in rows.values())


def test_skipped_stage_counts_as_reached(book: Book) -> None:
    """A deal that jumps from Lead to Offer, or is won from Lead, has reached Talk on that day."""
    before = by(stage_conversion(book, Period(date(2026, 2, 1), date(2026, 2, 1)), END), "stage_name")
    assert counts(before["Talk"]) == (1, 1, 0, 0)
    assert counts(before["Offer"]) == (1, 0, 0, 1)
    won = by(stage_conversion(book, Period(date(2026, 3, 15), date(2026, 3, 15)), END), "stage_name")
    assert [counts(won[name]) for name in ORDER] == [(0, 0, 0, 0), (1, 1, 0, 0), (1, 1, 0, 0)]


def test_conversion_as_of_an_earlier_day(book: Book) -> None:
    """As of 1 February nothing is decided: what was won or lost later is still open."""
    rows = by(stage_conversion(book, Q1, date(2026, 1, 31)), "stage_name")
    # reached Lead: OPEN, WALKED, SKIPPED, LOST, WON, STRAIGHT, FELL_BACK; further: WALKED, LOST, FELL_BACK
    assert counts(rows["Lead"]) == (7, 3, 0, 4)
    assert rows["Offer"]["conversion"] is None


def test_order_is_that_of_the_book(book: Book) -> None:
    """Stages stand in the book's order, each with its position."""
    rows = records(stage_conversion(book, Q1, END))
    assert [(row["position"], row["stage_name"]) for row in rows] == list(enumerate(ORDER))


def test_users_and_manager_choose_owners(book: Book) -> None:
    """`users` keeps these owners' deals and `manager` those of the team below."""
    own = by(stage_conversion(book, Q1, END, users=("B",)), "stage_name")
    assert counts(own["Lead"]) == (1, 0, 1, 0)
    team = by(stage_conversion(book, Q1, END, manager="M"), "stage_name")
    assert counts(team["Lead"]) == (7, 6, 0, 1)


def test_without_order_or_history_the_table_is_empty(tmp_path: Path) -> None:
    """Without a stage order, or without history, there is no conversion to tell: no row."""
    users = [{"user_id": "A"}]
    unordered = {"users": users, "opportunities": DEALS, "opportunity_history": HISTORY}
    assert records(stage_conversion(make_book(tmp_path / "u", unordered), Q1, END)) == []
    bare = make_book(tmp_path / "b", {"users": users, "opportunities": DEALS}, stage_order=ORDER)
    assert records(stage_conversion(bare, Q1, END)) == []
