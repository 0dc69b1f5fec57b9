"""Whether a deal was open, won or lost on a day, by its history."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from books import Row, Rows, by, make_book

from salesops.book.deal_states import stage_states, unsure_states
from salesops.book.snapshot import as_known, unknown_then
from salesops.book.source import Book
from salesops.metrics.attainment import attainment
from salesops.metrics.pipeline import pipeline
from salesops.metrics.win_rate import win_rate
from salesops.periods import parse_period

WON = {"stage_name": "Closed Won", "is_closed": True, "is_won": True}
LOST = {"stage_name": "Closed Lost", "is_closed": True, "is_won": False}


def deal(key: str, owner: str, close: str, **more: Any) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "close_date": close, "created_date": "2026-01-05"}
    return {**row, "amount": 1000, **more}


def stages(key: str, *changes: tuple[str, str, str]) -> Rows:
    """Return the history of a deal of 1,000: (day, stage, close date)."""
    rows: Rows = [change(key, "amount", "1000", changes[0][0])]
    for day, stage, close in changes:
        rows += [change(key, "stage_name", stage, day), change(key, "close_date", close, day)]
    return rows


def change(key: str, field: str, value: str, day: str) -> Row:
    return {"opportunity_id": key, "field_name": field, "new_value": value, "valid_from": day}


def book_of(folder: Path, deals: Rows, history: Rows, **config: Any) -> Book:
    quotas = [
        {"owner_id": "a", "period_start": f"2026-{first}", "period_end": f"2026-{last}", "quota_amount": 1000}
        for first, last in (("01-01", "03-31"), ("04-01", "06-30"), ("07-01", "09-30"))
    ]
    tables: dict[str, Rows] = {
        "users": [{"user_id": "a"}, {"user_id": "b"}], "quotas": quotas, "opportunities": deals,
        "opportunity_history": history,
    }  # fmt: skip  # one book
    return make_book(folder, tables, **config)


def booked(book: Book, quarter: str, as_of: str, who: str = "a") -> float:
    period = parse_period(f"2026-{quarter}")
    return float(by(attainment(book, period, date.fromisoformat(as_of)), "user_id")[who]["booked"])


def due(book: Book, quarter: str, as_of: str) -> float:
    period = parse_period(f"2026-{quarter}")
    return float(by(pipeline(book, period, date.fromisoformat(as_of)), "user_id")["a"]["due_amount"])


def test_a_win_that_is_reopened_and_won_again(tmp_path: Path) -> None:
    """Each report shows what stood on its day: won in March, open in June, won in July for good."""
    history = stages(
        "1", ("2026-01-05", "Proposal", "2026-03-31"), ("2026-03-20", "Closed Won", "2026-03-20"),
        ("2026-05-05", "Proposal", "2026-07-31"), ("2026-07-10", "Closed Won", "2026-07-10"),
    )  # fmt: skip  # one history
    deals = [deal("1", "a", "2026-07-10", **WON), deal("2", "b", "2026-02-10", **WON)]
    book = book_of(tmp_path, deals, history)
    assert booked(book, "Q1", "2026-03-31") == 1000
    assert (booked(book, "Q1", "2026-06-30"), due(book, "Q3", "2026-06-30")) == (0, 1000)
    row = by(as_known(book, date(2026, 6, 30)).table("opportunities"), "opportunity_id")["1"]
    assert (row["is_closed"], row["close_date"], row["stage_name"]) == (False, date(2026, 7, 31), "Proposal")
    assert (booked(book, "Q3", "2026-07-10"), booked(book, "Q1", "2026-07-10")) == (1000, 0)


def test_a_win_that_is_cancelled_later(tmp_path: Path) -> None:
    """A deal that was won in March and is lost in May counts as won on the report of March, as lost on later ones."""
    history = stages(
        "1", ("2026-01-05", "Proposal", "2026-03-31"), ("2026-03-20", "Closed Won", "2026-03-20"),
        ("2026-05-05", "Closed Lost", "2026-03-20"),
    )  # fmt: skip  # one history
    deals = [deal("1", "a", "2026-03-20", **LOST), deal("2", "b", "2026-06-10", **WON)]
    book = book_of(tmp_path, deals, history)
    quarter = parse_period("2026-Q1")
    counts = [
        by(win_rate(book, quarter, date.fromisoformat(day)), "user_id")["a"] for day in ("2026-03-31", "2026-06-30")
    ]
    assert [(row["won"], row["lost"]) for row in counts] == [(1, 0), (0, 1)]
    assert (booked(book, "Q1", "2026-03-31"), booked(book, "Q1", "2026-06-30")) == (1000, 0)


@pytest.mark.long
def test_a_win_that_is_entered_late(tmp_path: Path) -> None:
    """A deal dated 31 March and closed on 3 April was open till then; then it counts in the quarter of its date."""
    history = stages("1", ("2026-01-05", "Proposal", "2026-04-30"), ("2026-04-03", "Closed Won", "2026-03-31"))
    book = book_of(tmp_path, [deal("1", "a", "2026-03-31", **WON), deal("2", "b", "2026-06-10", **WON)], history)
    for day in ("2026-03-31", "2026-04-01", "2026-04-02"):
        assert (booked(book, "Q1", day), due(book, "Q1", day), due(book, "Q2", day)) == (0, 0, 1000)
    assert (booked(book, "Q1", "2026-04-03"), due(book, "Q2", "2026-04-03")) == (1000, 0)


def test_a_stage_says_what_its_deals_say(tmp_path: Path) -> None:
    """A stage says closed, won, lost or open if all its deals do; without deals it says what its name does, or open."""
    deals = [
        deal("1", "a", "2026-02-01", stage_name="Signed", is_closed=True, is_won=True),
        deal("2", "a", "2026-02-01", stage_name="Done", is_closed=True, is_won=True),
        deal("3", "a", "2026-02-01", stage_name="Done", is_closed=True, is_won=False),
        deal("4", "a", "2026-02-01", stage_name="Demo", is_closed=True, is_won=False),
        deal("5", "a", "2026-09-01", stage_name="Demo"),
        deal("6", "a", "2026-09-01", stage_name="Lead"),
    ]
    gone = [
        change("6", "stage_name", name, "2026-01-05") for name in ("closedwon", "Lost (old)", "Proposal", "Verloren")
    ]
    stages_ = {"lost": ["verloren"], "open": ["Sign*"]}
    assert stage_states(book_of(tmp_path, deals, gone, stages=stages_)) == {
        "Signed": (False, False),
        "Done": (True, None),
        "Demo": (None, None),
        "Lead": (False, False),
        "closedwon": (True, True),
        "Lost (old)": (True, False),
        "Proposal": (False, False),
        "Verloren": (True, False),
    }


def test_the_history_may_say_it_outright(tmp_path: Path) -> None:
    """Rows of is_closed and is_won go before the stage, which may be the same for open and closed deals."""
    history = [
        change("1", "stage_name", "Demo", "2026-01-05"),
        change("1", "is_closed", "false", "2026-01-05"),
        change("1", "is_closed", "true", "2026-02-10"),
        change("1", "is_won", "true", "2026-02-10"),
        change("1", "close_date", "2026-02-09", "2026-02-10"),
        change("1", "is_closed", "false", "2026-04-10"),
        change("1", "close_date", "2026-09-01", "2026-04-10"),
    ]
    deals = [
        deal("1", "a", "2026-09-01", stage_name="Demo"),
        deal("2", "a", "2026-02-01", **WON | {"stage_name": "Demo"}),
    ]
    book = book_of(tmp_path, deals, history)
    known = [
        by(as_known(book, date(2026, month, 28)).table("opportunities"), "opportunity_id")["1"] for month in (1, 2, 4)
    ]
    assert [(row["is_closed"], row["is_won"]) for row in known] == [(False, False), (True, True), (False, False)]
    assert unsure_states(book, date(2026, 2, 28)) == 0


def test_a_state_that_no_stage_tells_is_counted(tmp_path: Path) -> None:
    """Where a deal stood in a stage of open and closed deals, today's state stands, and the report says how often."""
    deals = [
        deal("1", "a", "2026-02-10", **WON),
        deal("2", "a", "2026-02-01", stage_name="Demo", is_closed=True),
        deal("3", "a", "2026-08-01", stage_name="Demo"),
    ]
    history = [change("1", "stage_name", "Demo", "2026-01-05"), change("1", "stage_name", "Closed Won", "2026-04-05")]
    book = book_of(tmp_path, deals, history)
    assert by(as_known(book, date(2026, 3, 31)).table("opportunities"), "opportunity_id")["1"]["is_won"]
    assert [unsure_states(book, date(2026, month, 20)) for month in (3, 4)] == [1, 0]
    assert unknown_then(book, date(2026, 3, 31)).states == 1


@pytest.mark.parametrize(("stage", "closed"), [("Proposal", False), ("Won (old)", True)])
def test_a_renamed_stage_of_the_won_reopens_no_deal(tmp_path: Path, stage: str, closed: bool) -> None:
    """A stage that no deal is in any more says by its name whether it was that of won deals."""
    history = [change("1", "stage_name", stage, "2026-01-05"), change("1", "stage_name", "Closed Won", "2026-05-05")]
    book = book_of(tmp_path, [deal("1", "a", "2026-01-31", **WON)], history)
    assert by(as_known(book, date(2026, 3, 31)).table("opportunities"), "opportunity_id")["1"]["is_closed"] is closed


def test_an_owner_without_a_record_is_unknown_then(tmp_path: Path) -> None:
    """A deal given to somebody later, with nothing said of who had it, is in nobody's figures, and is named."""
    history = [change(key, "owner_id", "b", "2026-05-05") for key in ("1", "2")]
    history.append(change("2", "owner_id", "a", "2026-01-05"))
    deals = [
        deal("1", "b", "2026-02-10", **WON),
        deal("2", "b", "2026-02-10", **WON),
        deal("3", "b", "2026-02-10", **WON),
    ]
    book = book_of(tmp_path, deals, history)
    as_of = date(2026, 3, 31)
    owners = {
        key: row["owner_id"] for key, row in by(as_known(book, as_of).table("opportunities"), "opportunity_id").items()
    }
    assert owners == {"1": None, "2": "a", "3": "b"}
    assert (unknown_then(book, as_of).owners, unknown_then(book, as_of).first) == (1, ("1",))
    assert (booked(book, "Q1", "2026-03-31"), booked(book, "Q1", "2026-03-31", "b")) == (1000, 1000)


def test_a_deleted_deal_stands_in_earlier_reports_only(tmp_path: Path) -> None:
    """A deal that is deleted on 5 May is there until then; one that is brought back is there again."""
    history = [
        change("1", "is_deleted", "true", "2026-05-05"),
        change("2", "is_deleted", "true", "2026-05-05"),
        change("2", "is_deleted", "false", "2026-06-05"),
    ]
    deals = [deal("1", "a", "2026-02-10", is_deleted=True, **WON), deal("2", "a", "2026-02-10", **WON)]
    book = book_of(tmp_path, deals, history)
    assert [booked(book, "Q1", day) for day in ("2026-03-31", "2026-05-31", "2026-06-30")] == [2000, 0, 1000]
