"""Page one of the team's report, in words."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import make_book

from salesops.book.source import Book
from salesops.pages.rep import page as rep_page
from salesops.pages.rep.findings import rep_accountability
from salesops.pages.team.findings import team_accountability
from salesops.pages.team.page import key_figures, other_figures, page_head
from salesops.pages.team.people import other_lines
from salesops.periods import parse_period

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


@pytest.fixture
def broker(tmp_path: Path) -> Book:
    """Ten reps with goals in orders of 10,000 each, and six without a goal who invoice more, of whom two close deals.

    Of the ten one makes the goal, one sells 500, and the others nothing. One of the six has a goal in deals.
    """
    users = [{"user_id": f"U{n:02}", "user_name": f"Rep {n:02}"} for n in range(1, 17)]
    quotas = [
        {"owner_id": f"U{n:02}", "period_start": "2026-01-01", "period_end": "2026-03-31", "measure": "orders",
         "quota_amount": 10_000}
        for n in range(1, 11)
    ]  # fmt: skip  # one row
    quotas.append(quotas[0] | {"owner_id": "U16", "measure": "bookings", "quota_amount": 2_000})
    sold = {"U01": 10_500, "U02": 500, **{f"U{n}": 9_000 for n in range(11, 17)}}
    orders = [{"order_id": user, "owner_id": user, "ordered_at": "2026-02-03"} for user in sold]
    lines = [{"order_id": user, "product_id": "P", "net_amount": amount} for user, amount in sold.items()]
    deals = [
        {"owner_id": user, "amount": 700, "close_date": "2026-02-03", "is_closed": True, "is_won": True}
        for user in ("U15", "U16")
    ]
    tables = {"users": users, "quotas": quotas, "orders": orders, "order_lines": lines, "opportunities": deals}
    return make_book(tmp_path, tables, company="Broker")


def test_a_headline_speaks_of_one_measure(broker: Book) -> None:
    """Goal, actual, counts and lines are of the measure with the largest goal; the other stands in a row of its own."""
    report = team_accountability(broker, parse_period("2026-Q1"), END)
    said = "The team sold 65.0 k EUR, 11.0 k EUR of it by the 10 with a goal of 100 k EUR. One of 10 made it."
    assert said in page_head(report).text.replace("\xa0", " ")
    figures = key_figures(report).text
    assert "At goal: 1 of 10" in figures
    assert "9 below goal" in figures
    assert len(report.own) == 16
    assert set(report.own.measure) == {"orders"}
    other = other_figures(report).text.splitlines()
    assert other == [
        "Won deals, EUR: 1,400 (70% of goal)", "Goal, EUR: 2,000", "Gap: 600 (0 of 1 at goal)",
    ]  # fmt: skip  # three figures
    assert "Rep 16" in other_lines(report).text
    assert "Rep 15" not in other_lines(report).text


def test_a_rep_page_shows_both_measures(broker: Book) -> None:
    """The goal's measure leads, without a goal the book's usual one; what was done in the other stands below."""
    quarter = parse_period("2026-Q1")
    with_goal = rep_accountability(broker, "U16", quarter, END)
    assert (with_goal.line["measure"], with_goal.line["quota"]) == ("bookings", 2_000)
    assert rep_page.other_figures(with_goal).text == "Orders, EUR: 9,000 (no goal agreed in this measure)"
    without = rep_accountability(broker, "U15", quarter, END)
    assert without.line["measure"] == "orders"
    assert rep_page.other_figures(without).text == "Won deals, EUR: 700 (no goal agreed in this measure)"
    assert rep_page.other_figures(rep_accountability(broker, "U01", quarter, END)).text == ""
