"""The book as known on a date."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import examples
import pandas as pd
import pytest
from books import Row, Rows, by, make_book, records
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.credits import credited_deals, credited_open
from salesops.book.lines import report_lines
from salesops.book.snapshot import as_known, open_known, unknown_then
from salesops.book.source import Book, open_book
from salesops.periods import Period, parse_period

AS_OF = date(2026, 3, 31)
WON = {"is_closed": True, "is_won": True, "stage_name": "Won"}
LOST = {"is_closed": True, "is_won": False, "stage_name": "Lost"}


def deal(key: str, **more: Any) -> Row:
    return {"opportunity_id": key, "owner_id": "A", "amount": 100, "created_date": "2026-01-05", **more}


def change(key: str, field: str, value: object, since: str) -> Row:
    return {"opportunity_id": key, "field_name": field, "new_value": value, "valid_from": since}


def known(folder: Path, deals: Rows, history: Rows | None = None, **config: Any) -> dict[str, Row]:
    tables = {"opportunities": deals} | ({} if history is None else {"opportunity_history": history})
    return by(as_known(make_book(folder, tables, **config), AS_OF).table("opportunities"), "opportunity_id")


def test_deals_created_later_are_absent(tmp_path: Path) -> None:
    """A deal exists from its created_date, that day included; one without a created_date always did."""
    deals = [
        deal("early"),
        deal("that day", created_date="2026-03-31"),
        deal("next day", created_date="2026-04-01"),
        deal("undated", created_date=None),
    ]
    assert set(known(tmp_path, deals)) == {"early", "that day", "undated"}


def test_deals_closed_later_are_open_then(tmp_path: Path) -> None:
    """Closed later = open then, and not won; closed up to that day stays closed, won or lost."""
    deals = [
        deal("won that day", close_date="2026-03-31", **WON),
        deal("lost before", close_date="2026-03-01", **LOST),
        deal("won later", close_date="2026-04-01", **WON),
        deal("lost later", close_date="2026-04-01", **LOST),
        deal("open", close_date="2026-05-01"),
        deal("closed without a date", **WON),
    ]
    found = known(tmp_path, deals)
    assert {key: (row["is_closed"], row["is_won"]) for key, row in found.items()} == {
        "won that day": (True, True),
        "lost before": (True, False),
        "won later": (False, False),
        "lost later": (False, False),
        "open": (False, False),
        "closed without a date": (True, True),
    }
    assert (found["won that day"]["stage_name"], found["won that day"]["amount"]) == ("Won", 100.0)
    assert (found["open"]["stage_name"], found["open"]["close_date"]) == ("Open", date(2026, 5, 1))


def test_what_reopening_reveals_is_null_without_history(tmp_path: Path) -> None:
    """Stage, amount, close date and chance of a reopened deal are unknown without history; so is why it was lost."""
    more = {"probability": 0.0, "forecast_category": "Omitted", "lost_reason": "price", "next_step": "none"}
    row = known(tmp_path, [deal("D", close_date="2026-04-01", lead_source="Web", **LOST, **more)])["D"]
    unknown = ("stage_name", "amount", "close_date", "probability", "forecast_category", "lost_reason", "next_step")
    assert [row[name] for name in unknown] == [None] * 7
    assert (row["owner_id"], row["lead_source"], row["created_date"]) == ("A", "Web", date(2026, 1, 5))


def test_reopened_deal_has_the_values_of_its_history(tmp_path: Path) -> None:
    """The last value up to the date counts, later ones do not, and a field without history is null."""
    history = [
        change("D", "stage_name", "Lead", "2026-01-05T08:00:00Z"),
        change("D", "stage_name", "Offer", "2026-03-31T21:00:00Z"),
        change("D", "stage_name", "Won", "2026-04-10T08:00:00Z"),
        change("D", "amount", "80.5", "2026-01-05T08:00:00Z"),
        change("D", "amount", "100", "2026-04-10T08:00:00Z"),
        change("D", "close_date", "2026-03-15", "2026-01-05T08:00:00Z"),
        change("D", "close_date", "2026-04-20", "2026-03-20T08:00:00Z"),
        change("D", "probability", "0.4", "2026-01-05T08:00:00Z"),
        change("D", "owner_id", "B", "2026-01-05T08:00:00Z"),
        change("D", "owner_id", "A", "2026-04-05T08:00:00Z"),
        change("other", "stage_name", "Demo", "2026-01-05T08:00:00Z"),
    ]
    row = known(tmp_path, [deal("D", close_date="2026-04-10", **WON, forecast_category="Closed")], history)["D"]
    assert (row["stage_name"], row["amount"], row["close_date"]) == ("Offer", 80.5, date(2026, 4, 20))
    assert (row["probability"], row["forecast_category"], row["owner_id"]) == (0.4, None, "B")
    assert (row["is_closed"], row["is_won"]) == (False, False)


def test_later_changes_of_open_deals_are_undone(tmp_path: Path) -> None:
    """An open deal shows what it showed then: today's value where nothing changed, null where only later is known."""
    deals = [deal(key, stage_name="Offer", close_date="2026-06-30") for key in ("moved", "still", "unknown", "cleared")]
    history = [
        change("moved", "close_date", "2026-03-31", "2026-01-05"),
        change("moved", "close_date", "2026-06-30", "2026-04-01"),
        change("still", "stage_name", "Offer", "2026-02-01"),
        change("unknown", "close_date", "2026-06-30", "2026-04-01"),
        change("unknown", "owner_id", "A", "2026-04-01"),
        change("cleared", "amount", "70", "2026-01-05"),
        change("cleared", "amount", None, "2026-02-05"),
        change("cleared", "amount", "100", "2026-05-05"),
    ]
    found = known(tmp_path, deals, history)
    assert {key: row["close_date"] for key, row in found.items()} == {
        "moved": date(2026, 3, 31),
        "still": date(2026, 6, 30),
        "unknown": None,
        "cleared": date(2026, 6, 30),
    }
    assert {key: row["amount"] for key, row in found.items()} == {
        "moved": 100.0,
        "still": 100.0,
        "unknown": 100.0,
        "cleared": None,
    }
    assert {row["stage_name"] for row in found.values()} == {"Offer"}
    assert found["unknown"]["owner_id"] is None


def test_turnover_after_the_close_does_not_rewrite_it(tmp_path: Path) -> None:
    """A closed deal that is handed over or corrected later belongs to its owner, and is worth its amount, of then."""
    deals = [deal("D", owner_id="B", amount=120, close_date="2026-02-10", **WON)]
    history = [
        change("D", "owner_id", "A", "2026-01-05"),
        change("D", "owner_id", "B", "2026-04-05"),
        change("D", "amount", "100", "2026-01-05"),
        change("D", "amount", "120", "2026-04-05"),
        change("D", "stage_name", "Lead", "2026-01-05"),
    ]
    row = known(tmp_path, deals, history)["D"]
    assert (row["owner_id"], row["amount"], row["stage_name"], row["is_won"]) == ("A", 100.0, "Won", True)


def test_handover_after_the_close_never_moves_the_credit(tmp_path: Path) -> None:
    """A closed deal stays with who owned it when it closed, also once the handover itself is history."""
    deals = [deal("D", owner_id="B", close_date="2026-02-10", **WON), deal("open", owner_id="B")]
    history = [
        change(key, "owner_id", owner, since)
        for key in ("D", "open")
        for owner, since in (("A", "2026-01-05T09:00:00Z"), ("B", "2026-03-01T09:00:00Z"))
    ]
    rows = known(tmp_path, deals, history)
    assert rows["D"]["owner_id"] == "A"
    assert rows["open"]["owner_id"] == "B"


@pytest.mark.parametrize(
    ("zone", "stage"), [("UTC", "Offer"), ("Europe/Berlin", "Lead"), ("America/New_York", "Offer")]
)
def test_day_ends_in_the_book_s_time_zone(tmp_path: Path, zone: str, stage: str) -> None:
    """A change at 22:30 UTC on 31 March is known that day in London and New York; in Berlin it is already April."""
    history = [
        change("D", "stage_name", "Lead", "2026-01-05T08:00:00Z"),
        change("D", "stage_name", "Offer", "2026-03-31T22:30:00Z"),
        change("D", "stage_name", "Demo", "2026-04-01"),
    ]
    assert known(tmp_path, [deal("D", stage_name="Demo")], history, time_zone=zone)["D"]["stage_name"] == stage


def test_orders_and_their_lines_exist_from_ordered_at(tmp_path: Path) -> None:
    """Later orders are absent with their lines; deliveries come with their day; the status stays today's."""
    tables: dict[str, Rows] = {
        "orders": [
            {"order_id": "then", "ordered_at": "2026-03-31T23:59:59Z", "status": "shipped"},
            {"order_id": "later", "ordered_at": "2026-04-01T00:00:00Z"},
        ],
        "order_lines": [
            {"order_line_id": "1", "order_id": "then", "product_id": "P"},
            {"order_line_id": "2", "order_id": "later", "product_id": "P"},
        ],
        "deliveries": [
            {"delivery_id": "on the day", "order_line_id": "1", "delivered_date": "2026-03-31"},
            {"delivery_id": "late", "order_line_id": "1", "delivered_date": "2026-04-01"},
        ],
    }
    book = as_known(make_book(tmp_path, tables), AS_OF)
    assert {key: row["status"] for key, row in by(book.table("orders"), "order_id").items()} == {"then": "shipped"}
    assert set(by(book.table("order_lines"), "order_line_id")) == {"1"}
    assert set(by(book.table("deliveries"), "delivery_id")) == {"on the day"}


def test_what_happened_later_is_not_known(tmp_path: Path) -> None:
    """Completions, answers, departures and withdrawals of later are null, with what came with them."""
    tables: dict[str, Rows] = {
        "activities": [
            {"activity_id": "done", "owner_id": "A", "completed_at": "2026-03-31T12:00:00Z", "outcome": "yes"},
            {"activity_id": "done later", "owner_id": "A", "completed_at": "2026-04-01T12:00:00Z", "outcome": "no"},
            {"activity_id": "open", "owner_id": "A", "due_date": "2026-04-09"},
        ],
        "survey_responses": [
            {"survey_id": "S", "sent_at": "2026-03-01", "responded_at": "2026-04-02", "score": 3, "comment": "late"},
            {"survey_id": "sent later", "sent_at": "2026-04-01"},
        ],
        "users": [{"user_id": "A", "end_date": "2026-04-30"}, {"user_id": "B", "end_date": "2026-03-31"}],
        "commitments": [
            {
                "commitment_id": "C",
                "owner_id": "A",
                "agreed_with": "M",
                "agreed_at": "2026-03-31",
                "original_due_date": "2026-06-30",
                "withdrawn_at": "2026-05-01",
                "cause": "ill",
            },
            {
                "commitment_id": "agreed later",
                "owner_id": "A",
                "agreed_with": "M",
                "agreed_at": "2026-04-01",
                "original_due_date": "2026-06-30",
            },
        ],
        "fx_rates": [{"currency": "USD", "date": day, "rate": 0.9} for day in ("2026-03-31", "2026-04-01")],
    }
    book = as_known(make_book(tmp_path, tables), AS_OF)
    activities = by(book.table("activities"), "activity_id")
    assert {key: row["outcome"] for key, row in activities.items()} == {"done": "yes", "done later": None, "open": None}
    assert [key for key, row in activities.items() if row["completed_at"]] == ["done"]
    (survey,) = records(book.table("survey_responses"))
    assert (survey["survey_id"], survey["responded_at"], survey["score"], survey["comment"]) == ("S", None, None, None)
    users = by(book.table("users"), "user_id")
    assert {key: row["end_date"] for key, row in users.items()} == {"A": None, "B": date(2026, 3, 31)}
    (commitment,) = records(book.table("commitments"))
    assert (commitment["commitment_id"], commitment["withdrawn_at"], commitment["cause"]) == ("C", None, None)
    assert len(records(book.table("fx_rates"))) == 1


def test_users_report_to_whom_they_did_then(tmp_path: Path) -> None:
    """Managers and territories come from user_history where it knows the user then, else they are today's."""
    tables: dict[str, Rows] = {
        "users": [
            {"user_id": user, "manager_id": "M2", "territory_id": "T2"} for user in ("moved", "led", "new", "plain")
        ],
        "user_history": [
            {"user_id": "moved", "valid_from": "2025-01-01", "manager_id": "M0", "territory_id": "T0"},
            {"user_id": "moved", "valid_from": "2026-03-31", "manager_id": "M1", "territory_id": "T1"},
            {"user_id": "moved", "valid_from": "2026-04-01", "manager_id": "M2", "territory_id": "T2"},
            {"user_id": "led", "valid_from": "2025-01-01", "manager_id": "M0"},
            {"user_id": "led", "valid_from": "2026-01-01", "manager_id": None},
            {"user_id": "new", "valid_from": "2026-04-01", "manager_id": "M2"},
        ],
    }
    users = by(as_known(make_book(tmp_path, tables), AS_OF).table("users"), "user_id")
    assert {key: (row["manager_id"], row["territory_id"]) for key, row in users.items()} == {
        "moved": ("M1", "T1"),
        "led": (None, "T2"),
        "new": ("M2", "T2"),
        "plain": ("M2", "T2"),
    }


def test_snapshot_remembers_its_date(tmp_path: Path) -> None:
    """A snapshot knows its date, is made once, and taken again at the same date it is itself."""
    book = make_book(tmp_path, {"opportunities": [deal("D")]})
    then = as_known(book, AS_OF)
    assert (book.as_of, then.as_of) == (None, AS_OF)
    assert as_known(book, AS_OF) is then
    assert as_known(then, AS_OF) is then


def test_currency_is_the_same_on_every_date(tmp_path: Path) -> None:
    """A snapshot counts in the book's currency, even where most of the deals known then were in another."""
    deals = [deal("early", currency="USD"), *(deal(f"late {n}", created_date="2026-06-01") for n in range(3))]
    book = make_book(tmp_path, {"opportunities": deals}, currency=None)
    assert (book.currency, as_known(book, AS_OF).currency) == ("EUR", "EUR")


def test_reopened_deals_without_history_are_counted(tmp_path: Path) -> None:
    """Coverage and slippage can say how many deals they cannot see: reopened, with an unknown stage, amount or day."""
    history = [
        change(key, field, value, "2026-01-05")
        for key in ("whole", "no amount")
        for field, value in (("stage_name", "Lead"), ("close_date", "2026-03-15"), ("amount", "80"))
        if (key, field) != ("no amount", "amount")
    ]
    deals = [
        *(deal(key, close_date="2026-05-01", **WON) for key in ("whole", "no amount", "nothing")),
        deal("open", amount=None),
        deal("closed", close_date="2026-03-01", **WON),
    ]
    book = make_book(tmp_path, {"opportunities": deals, "opportunity_history": history})
    assert unknown_then(book, AS_OF).values == 2
    assert unknown_then(book, date(2026, 12, 31)).values == 0


@dataclass(frozen=True)
class Life:
    """A deal as it happens: day of entry, and what is done to it, in order: (day, what, a number)."""

    created: int
    events: tuple[tuple[int, str, int], ...]


FIRST = date(2026, 1, 1)
DEEDS = ("win", "lose", "reopen", "move", "hand over", "re-amount", "re-stage", "delete", "bring back")
EVENTS = st.tuples(st.integers(0, 60), st.sampled_from(DEEDS), st.integers(0, 5))
LIVES = st.builds(
    Life,
    st.integers(0, 60),
    st.lists(EVENTS, max_size=7).map(lambda found: tuple(sorted(found, key=lambda each: each[0]))),
)


def written_on(folder: Path, lives: list[Life], today: int, *, outright: bool) -> Book:
    """Return the book that a company would have had on a day: its deals as they stood, with their whole history.

    Parameters
    ----------
    outright : bool
        Whether the history tells is_closed and is_won, in stages that do not; else the stages alone tell them.
    """
    tables: dict[str, Rows] = {"users": [{"user_id": "A"}, {"user_id": "B"}]}
    tables |= {"opportunities": [], "opportunity_history": []}
    for number, life in enumerate(lives):
        if life.created <= today:
            row, history = _stand(f"D{number}", life, today, outright=outright)
            tables["opportunities"].append(row)
            tables["opportunity_history"] += history
    return make_book(folder, tables, stages={"won": ["Signed"], "lost": ["Gone"]})


def _stand(key: str, life: Life, today: int, *, outright: bool) -> tuple[Row, Rows]:
    start = {"stage_name": "Lead", "amount": 5.0, "owner_id": "A", "close_date": FIRST + timedelta(days=45)}
    row: Row = start | {"is_closed": False, "is_won": False, "is_deleted": False}
    rows: Rows = [change(key, field, value, _moment(life.created, 0)) for field, value in row.items()]
    for nth, (day, deed, number) in enumerate(life.events, 1):
        if life.created <= day <= today:
            changes = _done(deed, number, day, outright=outright)
            changes = {field: value for field, value in changes.items() if row[field] != value}
            row |= changes
            rows += [change(key, field, value, _moment(day, nth)) for field, value in changes.items()]
    told = [r for r in rows if outright or r["field_name"] not in ("is_closed", "is_won")]
    written = [r | {"new_value": None if r["new_value"] is None else str(r["new_value"])} for r in told]
    return {"opportunity_id": key, "created_date": FIRST + timedelta(days=life.created), **row}, written


def _moment(day: int, nth: int) -> str:
    return f"{datetime(2026, 1, 1, 8) + timedelta(days=day, minutes=nth)}Z"


def _done(deed: str, number: int, day: int, *, outright: bool) -> Row:
    # a win or a loss may be dated some days before or after the day on which it is entered
    dated: Row = {"close_date": FIRST + timedelta(days=day + 4 * (number - 2))}
    if deed in ("win", "lose"):
        stage = {} if outright else {"stage_name": "Signed" if deed == "win" else "Gone"}
        return {"is_closed": True, "is_won": deed == "win", **dated, **stage}
    if deed == "reopen":
        return {"is_closed": False, "is_won": False, **dated, **({} if outright else {"stage_name": "Offer"})}
    if deed == "re-stage":
        return {"stage_name": ("Lead", "Demo", "Offer")[number % 3]} if outright else {}
    return {
        "move": {"close_date": None if number == 5 else FIRST + timedelta(days=20 * number)},
        "hand over": {"owner_id": "AB"[number % 2]},
        "re-amount": {"amount": (None, 10.0, 20.5)[number % 3]},
        "delete": {"is_deleted": True},
        "bring back": {"is_deleted": False},
    }[deed]


@pytest.mark.long
@settings(max_examples=examples.of(8), deadline=None)
@given(
    st.lists(LIVES, min_size=6, max_size=12),
    st.lists(st.integers(0, 62), min_size=3, max_size=3).map(sorted),
    st.booleans(),
)
def test_later_events_never_change_an_earlier_report(lives: list[Life], days: list[int], outright: bool) -> None:
    """The book of a later day, seen as known on an earlier one, is the book of that day; so is a snapshot of one.

    Deals are won, lost, reopened, moved, handed over, re-amounted, deleted and brought back, on any day, and dated
    before or after the day on which it is done.
    """
    then, middle, now = days
    as_of = FIRST + timedelta(days=then)
    with tempfile.TemporaryDirectory() as folder:
        books = [written_on(Path(folder, str(day)), lives, day, outright=outright) for day in (then, middle, now)]
        twice = as_known(as_known(books[2], FIRST + timedelta(days=middle)), as_of)
        expected = by(as_known(books[0], as_of).table("opportunities"), "opportunity_id")
        for book in (as_known(books[1], as_of), as_known(books[2], as_of), twice):
            assert by(book.table("opportunities"), "opportunity_id") == expected
            assert unknown_then(book, as_of).values == 0
        standing = {key: row for key, row in expected.items() if not row["is_closed"]}
        for book in books:
            assert by(open_known(book, (as_of,)).drop("known_on"), "opportunity_id") == standing


@pytest.mark.long
@settings(max_examples=examples.of(12), deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 89), st.integers(0, 200), st.booleans(), st.sampled_from("ABC")), max_size=5),
    st.lists(st.tuples(st.integers(90, 200), st.integers(0, 400), st.booleans(), st.sampled_from("ABC")), max_size=5),
)
def test_later_rows_change_neither_lines_nor_credits(
    early: list[tuple[int, int, bool, str]], late: list[tuple[int, int, bool, str]]
) -> None:
    """Deals and orders that come after the date leave the report's lines and credits of that date as they are."""
    quarter = parse_period("2026-Q1")
    with tempfile.TemporaryDirectory() as folder:
        before, after = (
            _trading(Path(folder, str(len(rows))), rows)
            for rows in ([*early, (0, 0, True, "A")], [*early, (0, 0, True, "A"), *late, (91, 91, True, "C")])
        )
        assert _lines(before, quarter) == _lines(after, quarter)
        assert _credits(before) == _credits(after)


def _trading(folder: Path, rows: list[tuple[int, int, bool, str]]) -> Book:
    day = [
        (FIRST + timedelta(days=a), FIRST + timedelta(days=max(a, b)), is_won, owner) for a, b, is_won, owner in rows
    ]
    return make_book(
        folder,
        {
            "users": [{"user_id": "A"}, {"user_id": "B"}, {"user_id": "C", "role": "manager"}],
            "opportunities": [
                deal(f"D{n}", owner_id=owner, created_date=a, close_date=b, is_closed=True, is_won=is_won)
                for n, (a, b, is_won, owner) in enumerate(day)
            ],
            "orders": [
                {"order_id": f"O{n}", "owner_id": owner, "ordered_at": a} for n, (a, _, _, owner) in enumerate(day)
            ],
            "order_lines": [{"order_id": f"O{n}", "product_id": "P", "net_amount": 10} for n in range(len(day))],
            "credits": [
                {"opportunity_id": f"D{n}", "user_id": user, "share": 0.5}
                for n in range(0, len(day), 2)
                for user in "AC"
            ],
        },
    )


def _lines(book: Book, period: Period) -> dict[Any, Row]:
    return by(report_lines(book, period, AS_OF), "user_id", "measure")


def _credits(book: Book) -> dict[Any, Row]:
    return by(credited_deals(as_known(book, AS_OF)), "opportunity_id", "user_id")


def test_open_deals_of_many_days_are_those_of_each_day(sample: Path) -> None:
    """One query for many days gives the open deals, credited users and amounts that each day's book gives."""
    days = tuple(date(2025, 1, 15) + timedelta(days=61 * n) for n in range(10))
    book = open_book(sample)
    order = ["opportunity_id", "user_id"]
    many = credited_open(book, days).to_pandas()
    for day in days:
        each = credited_deals(as_known(book, day)).filter(lambda deals: ~deals.is_closed).to_pandas()
        found = many[pd.to_datetime(many.known_on) == pd.Timestamp(day)].drop(columns="known_on")
        assert len(each) > 100
        frames = [frame.sort_values(order, ignore_index=True) for frame in (found[each.columns], each)]
        pd.testing.assert_frame_equal(*frames)
