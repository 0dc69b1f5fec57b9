"""Page one of the team's report, in words."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import make_book

from salesops.book.source import Book
from salesops.models.accountability import team_accountability
from salesops.periods import parse_period
from salesops.views.team_page import page_head

END = date(2026, 3, 31)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Two reps of two managers, who won 100 and 50."""
    users = [
        {"user_id": "M1", "user_name": "Eva Long", "role": "manager"},
        {"user_id": "M2", "user_name": "Max Kurz", "role": "manager"},
        {"user_id": "U1", "user_name": "Ana Lopes", "manager_id": "M1"},
        {"user_id": "U2", "user_name": "Bo Berg", "manager_id": "M2"},
    ]
    deals = [
        {"owner_id": user, "amount": amount, "close_date": "2026-02-03", "is_closed": True, "is_won": True}
        for user, amount in (("U1", 100), ("U2", 50))
    ]
    return make_book(tmp_path, {"users": users, "opportunities": deals}, company="Acme")


@pytest.mark.parametrize(
    ("manager", "sentence"),
    [("", "The team booked 150"), ("M1", "Eva Long’s team booked 100"), ("Max Kurz", "Max Kurz’s team booked 50")],
)
def test_the_headline_says_whose_team_it_is(book: Book, manager: str, sentence: str) -> None:
    """Whether the manager is asked for by id or by name; without one it is the whole team."""
    report = team_accountability(book, parse_period("2026-Q1"), END, manager=manager)
    assert sentence in page_head(report).text
