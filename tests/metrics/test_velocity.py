"""Sales cycle and velocity, against sums done by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import Row, by, make_book, records

from salesops.book.source import Book
from salesops.metrics.velocity import median_cycle, velocity
from salesops.periods import Period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
END = Q1.end
USERS = [{"user_id": key} for key in "ABC"]


def won(key: str, owner: str, created: str | None, close: str, amount: float = 100, **more: object) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "created_date": created, "close_date": close, "amount": amount}
    return {**row, "is_closed": True, "is_won": True, **more}


def opened(key: str, owner: str, stage: str) -> Row:
    return {"opportunity_id": key, "owner_id": owner, "stage_name": stage, "amount": 1}


DEALS = [
    won("A1", "A", "2026-01-01", "2026-01-11"),
    won("A2", "A", "2026-01-01", "2026-02-10", 300),
    won("A3", "A", "2026-01-01", "2026-01-03", is_won=False),  # lost: no cycle
    won("A4", "A", "2026-01-01", "2026-01-03", is_won=False),
    opened("A5", "A", "Lead"),
    opened("A6", "A", "Offer"),
    opened("A7", "A", "Talk"),
    opened("A8", "A", "Somewhere"),
    won("B1", "B", "2026-02-10", "2026-02-01"),  # closes before it was created
    won("B2", "B", None, "2026-02-01"),
    won("B3", "B", "2026-02-01", "2026-02-01"),
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    order = ["Lead", "Talk", "Offer"]
    return make_book(tmp_path_factory.mktemp("v"), {"users": USERS, "opportunities": DEALS}, stage_order=order)


def test_cycle_runs_from_created_to_close_of_won_deals(book: Book) -> None:
    """The cycle is close − created in days, of won deals only: 10 and 40 give 25."""
    a = by(velocity(book, Q1, END), "user_id")["A"]
    assert (a["cycle_days"], a["cycle_deals"]) == (25, 2)


def test_cycle_is_never_negative(book: Book) -> None:
    """A deal that closes before it was created, or has no created date, is counted apart and not averaged."""
    b = by(velocity(book, Q1, END), "user_id")["B"]
    assert (b["cycle_days"], b["cycle_deals"], b["negative"], b["undated"]) == (0, 1, 1, 1)


def test_velocity_multiplies_its_four_parts(book: Book) -> None:
    """Deals open in the second stage or later × win rate × average won amount ÷ cycle days."""
    a = by(velocity(book, Q1, END), "user_id")["A"]
    assert a["qualified"] == 2
    assert a["velocity"] == pytest.approx(2 * (2 / 4) * 200 / 25)


def test_velocity_is_unknown_without_a_part_of_it(book: Book) -> None:
    """Without won deals, or with a cycle of no days, there is no velocity rather than an infinite one."""
    rows = by(velocity(book, Q1, END), "user_id")
    assert (rows["B"]["velocity"], rows["C"]["velocity"], rows["C"]["cycle_days"]) == (None, None, None)


def test_team_velocity_is_computed_from_team_sums(book: Book) -> None:
    """The team's figures come from the deals of all, not from a mean of the reps' figures."""
    (team,) = records(velocity(book, Q1, END, by="team"))
    cycle = (10 + 40 + 0) / 3
    assert team["cycle_days"] == pytest.approx(cycle)
    assert (team["negative"], team["undated"]) == (1, 1)
    assert team["velocity"] == pytest.approx(2 * (5 / 7) * (700 / 5) / cycle)


def test_median_cycle_passes_over_negative_ones(book: Book) -> None:
    """The median is of won deals whose days are known and not negative: 0, 10, 40."""
    assert median_cycle(book, Q1, END) == 10
    assert median_cycle(book, Q1, date(2025, 12, 31)) is None


def test_without_stage_order_nothing_is_qualified(tmp_path: Path) -> None:
    """A book that does not order its stages has a cycle, but no qualified deals and no velocity."""
    book = make_book(tmp_path, {"users": USERS, "opportunities": DEALS})
    a = by(velocity(book, Q1, END), "user_id")["A"]
    assert (a["cycle_days"], a["qualified"], a["velocity"]) == (25, None, None)


def test_split_deals_weigh_by_share(tmp_path: Path) -> None:
    """A split deal's days weigh by the share of each rep."""
    deals = [won("D1", "A", "2026-01-01", "2026-01-11"), won("D2", "A", "2026-01-01", "2026-01-31")]
    credits = [{"opportunity_id": "D2", "user_id": key, "share": 0.5} for key in "AB"]
    book = make_book(tmp_path, {"users": USERS, "opportunities": deals, "credits": credits})
    rows = by(velocity(book, Q1, END), "user_id")
    assert (rows["A"]["cycle_days"], rows["A"]["cycle_deals"]) == (pytest.approx((10 + 15) / 1.5), 1.5)
    assert (rows["B"]["cycle_days"], rows["B"]["cycle_deals"]) == (30, 0.5)
