"""Slippage from the book as known at the period's start."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import Row, by, make_book, records

from salesops.book.source import Book
from salesops.metrics.slippage import can_slip, slippage
from salesops.periods import Period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
END = Q1.end


def deal(key: str, owner: str, amount: float, close: str, **more: object) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "amount": amount, "close_date": close}
    return {**row, "created_date": "2025-10-01", **more}


def moved(key: str, *steps: tuple[str, str], field: str = "close_date") -> list[Row]:
    return [{"opportunity_id": key, "field_name": field, "new_value": to, "valid_from": on} for on, to in steps]


WON = {"is_closed": True, "is_won": True}
DEALS = [
    deal("KEPT", "A", 100, "2026-02-01", **WON),
    deal("SLIPPED", "A", 300, "2026-05-01"),
    deal("BACK", "A", 50, "2026-03-20", **WON),
    deal("WITHIN", "A", 20, "2026-03-30"),
    deal("NOT_DUE", "A", 900, "2026-07-01"),
    deal("LOST", "B", 40, "2026-02-01", is_closed=True),
    deal("LATER", "B", 70, "2026-06-15", **WON),
    deal("DARK", "B", 5, "2026-02-15", **WON),  # without history its date at the start is not known
    deal("YOUNG", "B", 600, "2026-05-01", created_date="2026-01-15"),
]
HISTORY = [
    *moved("KEPT", ("2025-10-01", "2026-02-01")),
    *moved("SLIPPED", ("2025-10-01", "2026-02-10"), ("2026-02-09", "2026-03-20"), ("2026-03-19", "2026-05-01")),
    *moved("BACK", ("2025-10-01", "2026-02-10"), ("2026-02-09", "2026-04-20"), ("2026-03-01", "2026-03-20")),
    *moved("WITHIN", ("2025-10-01", "2026-01-10"), ("2026-01-10", "2026-03-30")),
    *moved("NOT_DUE", ("2025-10-01", "2026-07-01")),
    *moved("LOST", ("2025-10-01", "2026-02-01")),
    *moved("LATER", ("2025-10-01", "2026-03-01"), ("2026-02-20", "2026-06-15")),
    *moved("YOUNG", ("2026-01-15", "2026-03-01"), ("2026-02-15", "2026-05-01")),
]
AMOUNTS = [
    row
    for known in DEALS
    if known["opportunity_id"] != "DARK"
    for row in moved(known["opportunity_id"], ("2025-10-01", str(known["amount"])), field="amount")
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    users = [{"user_id": "A"}, {"user_id": "B"}, {"user_id": "C"}]
    tables = {"users": users, "opportunities": DEALS, "opportunity_history": HISTORY + AMOUNTS}
    return make_book(tmp_path_factory.mktemp("s"), tables)


def test_slippage_compares_the_start_with_the_end(book: Book) -> None:
    """Due are deals open at the start and due in the period; slipped those whose date at the end lies after it.

    A deal moved within the period, or out and back, has not slipped; one created since the start was not due.
    """
    rows = by(slippage(book, Q1, END), "user_id")
    a, b = rows["A"], rows["B"]
    assert (a["due_deals"], a["due_amount"]) == (4, 100 + 300 + 50 + 20)
    assert (a["slipped_deals"], a["slipped_amount"]) == (1, 300)
    assert a["slippage"] == pytest.approx(300 / 470)
    assert (b["due_deals"], b["due_amount"], b["slipped_deals"], b["slipped_amount"]) == (2, 110, 1, 70)


def test_nothing_due_has_no_slippage(book: Book) -> None:
    """A rep with nothing due at the start has a row and no slippage."""
    c = by(slippage(book, Q1, END), "user_id")["C"]
    assert (c["due_amount"], c["slippage"]) == (0, None)


def test_unknown_dates_are_counted_and_not_guessed(book: Book) -> None:
    """A deal whose date at the start no history tells is neither due nor slipped, but counted."""
    rows = by(slippage(book, Q1, END), "user_id")
    assert (rows["A"]["unknown_deals"], rows["B"]["unknown_deals"]) == (0, 1)


def test_team_slippage_is_of_team_sums(book: Book) -> None:
    """The team's slippage is its slipped amount ÷ its due amount."""
    (team,) = records(slippage(book, Q1, END, by="team"))
    assert team["slippage"] == pytest.approx((300 + 70) / (470 + 110))


def test_slippage_in_mid_period_knows_only_what_was_known(book: Book) -> None:
    """On 1 March the deal that came back later is still out, and the one that slips later is still in."""
    a = by(slippage(book, Q1, date(2026, 2, 28)), "user_id")["A"]
    assert (a["due_amount"], a["slipped_amount"]) == (470, 50)


def test_later_moves_never_change_a_report(book: Book) -> None:
    """A report as of the period's end is the same whenever it is run: later moves are not in it."""
    at_end = by(slippage(book, Q1, END), "user_id")
    assert by(slippage(book, Q1, date(2026, 12, 31)), "user_id")["A"]["slipped_amount"] == 300
    assert at_end["A"]["slipped_amount"] == 300


def test_future_period_starts_from_what_is_known_today(book: Book) -> None:
    """Before the period begins its due deals are those known on as_of: no later date leaks in."""
    second = Period(date(2026, 4, 1), date(2026, 6, 30), "2026-Q2")
    a = by(slippage(book, second, date(2026, 2, 28)), "user_id")["A"]
    assert (a["due_deals"], a["due_amount"]) == (1, 50)  # only BACK is due in April on that day


def test_without_history_slippage_is_not_told(tmp_path: Path) -> None:
    """A book without history of close dates cannot tell slippage, and says so."""
    users = [{"user_id": "A"}]
    bare = make_book(tmp_path / "bare", {"users": users, "opportunities": DEALS[:1]})
    staged = moved("KEPT", ("2025-10-01", "Open"), field="stage_name")
    tables = {"users": users, "opportunities": DEALS[:1], "opportunity_history": staged}
    assert not can_slip(bare)
    assert not can_slip(make_book(tmp_path / "staged", tables))
    (row,) = records(slippage(bare, Q1, END))
    assert (row["slippage"], row["unknown_deals"]) == (None, 1)


def test_book_with_dated_history_can_slip(book: Book) -> None:
    """History of close dates is what slippage needs."""
    assert can_slip(book)
