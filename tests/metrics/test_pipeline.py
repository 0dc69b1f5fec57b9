"""Open deals, coverage and pushes, against sums done by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import ibis
import pytest
from books import Row, by, make_book, records

from salesops.book.source import Book
from salesops.metrics.pipeline import coverage, coverage_state, open_deals, pipeline, pipeline_by_stage, pushes
from salesops.periods import Period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
NOW = date(2026, 2, 15)


def deal(key: str, owner: str, amount: float | None, close: str | None, chance: float | None, **more: object) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "amount": amount, "close_date": close, "probability": chance}
    return {**row, "account_id": "K", "created_date": "2026-01-10", **more}


DEALS = [
    deal("A1", "A", 1000, "2026-03-01", 0.5, stage_name="Offer"),
    deal("A2", "A", 10, "2026-02-01", 0.1, created_date="2025-10-01"),  # overdue, still due in the period
    deal("A3", "A", 500, "2026-06-01", 0.9, created_date="2025-12-20"),
    deal("A4", "A", None, "2026-03-02", 0.9),
    deal("A5", "A", 70, None, 0.9, created_date=None),
    deal("A6", "A", 30, "2026-03-03", None),
    deal("A7", "A", 40, "2026-03-03", 60),  # a percentage where a fraction belongs
    deal("LOST", "A", 9000, "2026-02-03", 1.0, is_closed=True),
    deal("WON", "A", 9000, "2026-02-03", 1.0, is_closed=True, is_won=True),
    deal("FX", "B", 300, "2026-03-01", 0.5, currency="USD"),
    deal("SPLIT", "B", 200, "2026-03-04", 0.5),
    deal("LATER", "B", 80, "2026-03-05", 0.5, created_date="2026-02-16"),
]
CREDITS = [{"opportunity_id": "SPLIT", "user_id": key, "share": share} for key, share in (("A", 0.25), ("B", 0.75))]


def moved(key: str, *steps: tuple[str, str]) -> list[Row]:
    return [{"opportunity_id": key, "field_name": "close_date", "new_value": to, "valid_from": on} for on, to in steps]


HISTORY = [
    *moved("A1", ("2026-01-10", "2026-01-20"), ("2026-01-15", "2026-02-20"), ("2026-01-20", "2026-02-10")),
    *moved("A1", ("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-09-01")),
    *moved("A3", ("2026-01-10", "2026-06-01"), ("2026-01-12", "2026-06-01")),
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    users = [{"user_id": key, "manager_id": "M"} for key in "ABC"] + [{"user_id": "M", "role": "manager"}]
    tables = {
        "users": users,
        "accounts": [{"account_id": "K", "account_name": "Kay"}],
        "opportunities": DEALS,
        "credits": CREDITS,
        "opportunity_history": HISTORY,
    }
    return make_book(tmp_path_factory.mktemp("p"), tables, stage_order=["Open", "Offer"])


@pytest.fixture(scope="module")
def rows(book: Book) -> dict[str, Row]:
    return by(pipeline(book, Q1, NOW), "user_id")


def test_open_deals_are_neither_won_nor_lost(rows: dict[str, Row]) -> None:
    """Closed deals are in no pipeline, whatever probability they carry; a lost one above all."""
    assert (rows["A"]["open_deals"], rows["A"]["open_amount"]) == (7.25, 1000 + 10 + 500 + 70 + 30 + 40 + 50)


def test_due_deals_close_in_the_period(rows: dict[str, Row]) -> None:
    """Due are open deals with a close date in the period, overdue ones with them; others only open."""
    a = rows["A"]
    assert (a["due_deals"], a["due_amount"]) == (5.25, 1000 + 10 + 30 + 40 + 50)
    assert (a["overdue_deals"], a["without_close_date"], a["without_amount"]) == (1, 1, 1)


def test_prorated_pipeline_is_the_sum_of_products(rows: dict[str, Row]) -> None:
    """Weighted is Σ amount × probability, never mean probability × Σ amount."""
    assert rows["A"]["weighted_amount"] == pytest.approx(500 + 1 + 450 + 63 + 25)
    assert rows["A"]["due_weighted"] == pytest.approx(500 + 1 + 25)
    mean = sum(deal["probability"] for deal in DEALS[:3]) / 3
    assert mean * (1000 + 10 + 500) != pytest.approx(500 + 1 + 450)


def test_deals_without_a_probability_are_counted(rows: dict[str, Row]) -> None:
    """A deal without a probability between 0 and 1 is in no weighted sum; it is counted, not guessed."""
    assert (rows["A"]["without_probability"], rows["B"]["without_probability"]) == (2, 0)


def test_split_deal_and_second_currency(rows: dict[str, Row]) -> None:
    """Each rep has the share of a split deal; a deal without rate is counted and in no amount."""
    b = rows["B"]
    assert (b["open_deals"], b["open_amount"], b["no_rate"]) == (1.75, 150, 1)


def test_deal_created_later_is_absent(book: Book) -> None:
    """A deal is in the pipeline from the day it was created."""
    assert by(pipeline(book, Q1, date(2026, 2, 16)), "user_id")["B"]["open_deals"] == 2.75


def test_rep_without_deals_has_a_row_of_zeros(rows: dict[str, Row]) -> None:
    """A rep without open deals is on the list with zeros."""
    assert (rows["C"]["open_deals"], rows["C"]["open_amount"], rows["C"]["due_weighted"]) == (0, 0, 0)


@pytest.mark.parametrize("level", ["manager", "team"])
def test_groups_count_each_deal_once(book: Book, level: str) -> None:
    """The team's pipeline is the sum of its people's, with a split deal once."""
    (team,) = records(pipeline(book, Q1, NOW, by=level))
    assert (team["open_deals"], team["due_amount"]) == (9, 1000 + 10 + 30 + 40 + 200)


def test_coverage_is_due_amount_by_gap() -> None:
    """Coverage is open amount due ÷ gap; "met" where the goal is made, and never negative."""
    cases = ibis.memtable(
        [(1, 300.0, 100.0), (2, 300.0, 0.0), (3, 300.0, -50.0), (4, 300.0, None), (5, 0.0, 100.0)],
        columns=["n", "due", "gap"],
    )
    shown = cases.select("n", x=coverage(cases.due, cases.gap), state=coverage_state(cases.gap)).order_by("n")
    assert [(row["x"], row["state"]) for row in records(shown)] == [
        (3, "open"),
        (None, "met"),
        (None, "met"),
        (None, "no quota"),
        (0, "open"),
    ]


def test_pipeline_by_stage_and_age(book: Book) -> None:
    """Each open deal stands once, by stage and by days since it was created."""
    cells = by(pipeline_by_stage(book, Q1, NOW), "stage_name", "age_band")
    assert {key: (cell["deals"], cell["amount"], cell["without_amount"]) for key, cell in cells.items()} == {
        ("Offer", "31–90 days"): (1, 1000, 0),
        ("Open", "31–90 days"): (6, 500 + 30 + 40 + 200, 1),
        ("Open", "over 90 days"): (1, 10, 0),
        ("Open", "unknown"): (1, 70, 0),
    }
    young = by(pipeline_by_stage(book, Q1, date(2026, 2, 9)), "stage_name", "age_band")
    assert young["Offer", "0–30 days"]["deals"] == 1


def test_reopened_deal_without_history_has_no_known_stage(book: Book) -> None:
    """A deal that closed later was open then; without history its stage is said to be unknown."""
    cells = by(pipeline_by_stage(book, Q1, date(2026, 2, 1)), "stage_name", "age_band")
    assert cells["not known then", "0–30 days"]["deals"] == 2
    assert cells["not known then", "0–30 days"]["amount"] == 0


def test_open_deals_of_one_person(book: Book) -> None:
    """The list holds the person's own deals by close date, undated ones last, with their own share."""
    deals = records(open_deals(book, NOW, users=("A",)))
    assert [row["opportunity_id"] for row in deals] == ["A2", "A1", "A4", "A7", "A6", "SPLIT", "A3", "A5"]
    first = deals[1]
    assert (first["account_name"], first["amount"], first["days_open"], first["pushes"]) == ("Kay", 1000, 36, 2)
    assert (deals[5]["amount"], deals[-1]["days_open"]) == (50, None)


def test_pushes_count_moves_to_a_later_day(book: Book) -> None:
    """A push is a close date moved out: not the first date, not one brought forward, not one repeated."""
    assert {row["_deal"]: row["pushes"] for row in records(pushes(book))} == {"A1": 3, "A3": 0}


def test_pushes_read_dates_as_the_book_writes_them(tmp_path: Path) -> None:
    """Dates in the history of a day-first CSV are read day first: 05/02 to 01/03 is one push."""
    (tmp_path / "opportunity_history.csv").write_text(
        "opportunity_id,field_name,new_value,valid_from\n"
        "D1,close_date,05/02/2026,13/01/2026\nD1,close_date,01/03/2026,14/01/2026\n",
        encoding="utf-8",
    )
    book = make_book(tmp_path, {"users": [{"user_id": "A"}]})
    assert [row["pushes"] for row in records(pushes(book))] == [1]


def test_open_deal_is_its_owners_of_that_day(tmp_path: Path) -> None:
    """While a deal was another's, a report as of that day lists it there; today's owner has it today."""
    deals = [{"opportunity_id": "D1", "owner_id": "NEW", "amount": 9, "close_date": "2026-03-01"}]
    owners = [("2026-01-05", "OLD"), ("2026-02-05", "NEW")]
    history = [
        {"opportunity_id": "D1", "field_name": "owner_id", "new_value": to, "valid_from": on} for on, to in owners
    ]
    users = [{"user_id": "OLD"}, {"user_id": "NEW"}]
    book = make_book(tmp_path, {"users": users, "opportunities": deals, "opportunity_history": history})
    for as_of, owner in ((date(2026, 2, 4), "OLD"), (date(2026, 2, 5), "NEW")):
        found = {row["user_id"]: row["open_deals"] for row in records(pipeline(book, Q1, as_of))}
        assert found == {"OLD": int(owner == "OLD"), "NEW": int(owner == "NEW")}
