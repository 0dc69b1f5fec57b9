"""Win rate by count and by amount, and the average deal, against sums done by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import Row, by, make_book, records

from salesops.book.source import Book
from salesops.metrics.win_rate import win_rate
from salesops.periods import Period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
END = Q1.end


def closed(key: str, owner: str, amount: float | None, *, is_won: bool, day: str = "2026-02-01", **more: object) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "amount": amount, "close_date": day}
    return {**row, "is_closed": True, "is_won": is_won, **more}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    users: list[Row] = [
        {"user_id": key, "manager_id": "M", "territory_id": "N"} for key in ("WINS", "BOTH", "NONE", "FX")
    ]
    deals = [
        closed("W1", "WINS", 100, is_won=True),
        closed("W2", "WINS", 300, is_won=True),
        closed("B1", "BOTH", 50, is_won=True),
        closed("B2", "BOTH", 150, is_won=False),
        closed("B3", "BOTH", 0, is_won=False),
        closed("B4", "BOTH", None, is_won=False),
        closed("B5", "BOTH", None, is_won=True),
        closed("S1", "BOTH", 200, is_won=True),  # split with WINS
        closed("S2", "BOTH", 80, is_won=False),  # credits name the owner alone
        {"opportunity_id": "O1", "owner_id": "NONE", "amount": 900, "close_date": "2026-02-01"},
        {"opportunity_id": "O2", "owner_id": "WINS", "amount": 900, "close_date": "2026-02-01"},
        closed("P1", "WINS", 999, is_won=False, day="2025-12-31"),
        closed("P2", "WINS", 999, is_won=False, day="2026-04-01"),
        closed("F1", "FX", 70, is_won=True, currency="USD"),
        closed("F2", "FX", 30, is_won=True),
    ]
    credits = [
        {"opportunity_id": "S1", "user_id": "BOTH", "share": 0.75},
        {"opportunity_id": "S1", "user_id": "WINS", "share": 0.25},
        {"opportunity_id": "S2", "user_id": "BOTH", "share": 1.0},
    ]
    users.append({"user_id": "M", "role": "manager"})
    return make_book(tmp_path_factory.mktemp("b"), {"users": users, "opportunities": deals, "credits": credits})


@pytest.fixture(scope="module")
def rates(book: Book) -> dict[str, Row]:
    return by(win_rate(book, Q1, END), "user_id")


def test_wins_without_loss_are_all(rates: dict[str, Row]) -> None:
    """A rep with wins and no recorded loss has 100%, neither 0% nor null, by count and by amount."""
    wins = rates["WINS"]
    assert (wins["won"], wins["lost"], wins["win_rate"], wins["win_rate_amount"]) == (2.25, 0, 1, 1)


def test_nothing_decided_has_no_rate(rates: dict[str, Row]) -> None:
    """Without a decided deal there is no rate; the rep still has a row, and open deals are in neither side."""
    none = rates["NONE"]
    assert (none["won"], none["lost"], none["decided"]) == (0, 0, 0)
    assert (none["win_rate"], none["win_rate_amount"], none["average_deal"]) == (None, None, None)


def test_shares_weigh_both_sides(rates: dict[str, Row]) -> None:
    """Credit shares weigh counts and amounts; each rate has its own weights."""
    both = rates["BOTH"]
    assert (both["won"], both["lost"], both["decided"]) == (2.75, 4, 6.75)
    assert both["win_rate"] == pytest.approx(2.75 / 6.75)
    assert (both["won_amount"], both["lost_amount"]) == (50 + 150, 150 + 80)
    assert both["win_rate_amount"] == pytest.approx(200 / 430)
    assert both["lost_without_amount"] == 2


def test_average_deal_is_of_won_deals_with_an_amount(rates: dict[str, Row]) -> None:
    """Lost deals, often stored with amount 0, never enter the average; a split deal counts by its share."""
    assert rates["BOTH"]["average_deal"] == pytest.approx((50 + 0.75 * 200) / 1.75)
    assert rates["WINS"]["average_deal"] == pytest.approx((100 + 300 + 0.25 * 200) / 2.25)


def test_second_currency_counts_but_has_no_amount(rates: dict[str, Row]) -> None:
    """A won deal in a currency without a rate is won, but is in no amount and no average; it is counted."""
    fx = rates["FX"]
    assert (fx["won"], fx["won_amount"], fx["average_deal"], fx["no_rate"]) == (2, 30, 30, 1)


def test_team_counts_each_deal_once(book: Book) -> None:
    """The shares of a split deal add up to one deal in the team's figures."""
    (team,) = records(win_rate(book, Q1, END, by="team"))
    assert (team["won"], team["lost"]) == (7, 4)
    assert team["win_rate"] == pytest.approx(7 / 11)
    assert team["won_amount"] == 100 + 300 + 50 + 200 + 30
    assert team["average_deal"] == pytest.approx(680 / 5)


@pytest.mark.parametrize(("level", "key"), [("manager", "M"), ("territory", "N")])
def test_groups_hold_their_people(book: Book, level: str, key: str) -> None:
    """By manager and by territory the counts are the sums of the people below."""
    rows = by(win_rate(book, Q1, END, by=level), f"{level}_id")
    assert (rows[key]["won"], rows[key]["lost"]) == (7, 4)


def test_as_of_hides_what_closed_later(book: Book) -> None:
    """On a day before they closed, deals are open and in neither side."""
    (team,) = records(win_rate(book, Q1, date(2026, 1, 31), by="team"))
    assert (team["won"], team["lost"], team["win_rate"]) == (0, 0, None)


def test_losses_without_amounts_give_no_amount_rate(tmp_path: Path) -> None:
    """Where no lost deal carries an amount the rate by amount would be 100% whatever was lost: it is null."""
    deals = [closed("A", "U", 10, is_won=True), closed("B", "U", 0, is_won=False), closed("C", "U", 0, is_won=False)]
    bare = make_book(tmp_path, {"users": [{"user_id": "U"}], "opportunities": deals})
    (row,) = records(win_rate(bare, Q1, END))
    assert (row["win_rate"], row["win_rate_amount"], row["average_deal"]) == (pytest.approx(1 / 3), None, 10)


def test_losses_without_a_rate_are_no_losses_without_amount(tmp_path: Path) -> None:
    """A lost deal in a currency without a rate carries an amount; yet with no other loss no rate by amount is known."""
    deals = [closed("A", "U", 10, is_won=True), closed("B", "U", 20, is_won=False, currency="USD")]
    foreign = make_book(tmp_path, {"users": [{"user_id": "U"}], "opportunities": deals})
    (row,) = records(win_rate(foreign, Q1, END))
    assert (row["lost_without_amount"], row["no_rate"], row["win_rate_amount"]) == (0, 1, None)


def test_book_without_deals_has_rows_without_rates(tmp_path: Path) -> None:
    """A book without opportunities gives every rep a row of zeros and no rate."""
    bare = make_book(tmp_path, {"users": [{"user_id": "U"}]})
    (row,) = records(win_rate(bare, Q1, END))
    assert (row["won"], row["decided"], row["win_rate"]) == (0, 0, None)
