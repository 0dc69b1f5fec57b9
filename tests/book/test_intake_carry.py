"""A book that is replaced hands on what it knew of its deals."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import examples
import pytest
from books import Row, Rows, by, make_book, records
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.check import check_book
from salesops.book.horizon import last_day
from salesops.book.schema import KNOWN_FIELDS
from salesops.book.snapshot import as_known
from salesops.book.source import Book, open_book
from salesops.errors import IntakeError
from salesops.intake import Intake, import_book
from salesops.intake.carry import carry_history
from salesops.metrics.pipeline import open_deals
from salesops.metrics.slippage import slippage
from salesops.periods import parse_period

MAP = """
title = "Weekly export"
[book]
currency = "EUR"
time_zone = "America/New_York"
[stages]
won = ["Won"]
lost = ["Lost"]
[tables.users]
from = "deals"
distinct = true
columns = { user_id = "rep", user_name = "rep" }
[tables.opportunities]
from = "deals"
[tables.opportunities.columns]
opportunity_id = "id"
owner_id = "rep"
stage_name = "stage"
amount = "amount"
created_date = "created"
close_date = "closes"
"""
HISTORY = '[tables.opportunity_history]\nselect = "FROM history"\n'
HEADER = "id,rep,stage,amount,created,closes\n"
DAY_0, DAY_1, DAY_2 = date(2026, 9, 25), date(2026, 10, 2), date(2026, 10, 9)
# the deals called T were entered on the last day of each export and give it its date
WEEK_0 = """D1,Ann,Open,100,2026-09-01,2026-10-15
D2,Ann,Open,200,2026-09-01,2026-11-01
D3,Bob,Open,,2026-09-01,
D4,Bob,Won,50.5,2026-08-01,2026-09-10
T0,Bob,Open,1,2026-09-25,2026-12-01
"""
WEEK_1 = """D1,Ann,Offer,120.25,2026-09-01,2026-11-20
D2,Ann,Open,200,2026-09-01,2026-11-01
D3,Ann,Open,70,2026-09-01,2026-12-24
D4,Bob,Won,50.5,2026-08-01,2026-09-10
T0,Bob,Open,1,2026-09-25,2026-12-01
T1,Bob,Open,1,2026-10-02,2026-12-01
"""
WEEK_2 = """D1,Ann,Offer,120.25,2026-09-01,2027-01-31
D2,Ann,Won,250,2026-09-01,2026-10-07
D3,Ann,Open,70,2026-09-01,2026-12-24
D4,Bob,Won,50.5,2026-08-01,2026-09-10
T1,Bob,Open,1,2026-10-02,2026-12-01
T2,Bob,Open,1,2026-10-09,2026-12-01
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a map and an empty export."""
    (tmp_path / "export").mkdir()
    (tmp_path / "map.toml").write_text(MAP)
    return tmp_path


def week(place: Path, deals: str) -> Intake:
    """Import an export in the place of the last one."""
    (place / "export" / "deals.csv").write_text(HEADER + deals)
    return import_book(place / "map.toml", place / "export", place / "book", replace=True)


def told(intake: Intake) -> list[str]:
    """Return what an import says of the book that it replaced."""
    return [line for line in intake.lines() if line.startswith(("opportunity_history:", "opportunities: "))][1:]


def history(place: Path) -> Rows:
    """Return the rows of the book's history."""
    return records(open_book(place / "book").table("opportunity_history"))


def deals(book: Book, *fields: str) -> dict[Any, tuple[Any, ...]]:
    """Return fields of the deals of a book, by deal."""
    rows = by(book.table("opportunities"), "opportunity_id")
    return {key: tuple(row[field] for field in fields) for key, row in rows.items()}


def test_a_first_import_has_no_history(place: Path) -> None:
    """One export says nothing of the past; the same one again neither, and no table is made up."""
    for _ in range(2):
        assert told(week(place, WEEK_0)) == []
        assert not (place / "book" / "opportunity_history.parquet").exists()


def test_a_second_import_knows_both_weeks(place: Path) -> None:
    """Changed fields have their old value on the first export's last day and the new one on the second's."""
    week(place, WEEK_0)
    intake = week(place, WEEK_1)
    # changed: stage, amount, close date of D1; owner, amount, close date of D3
    # as of the first week: stage, amount, close date, owner of the four open deals
    assert told(intake) == ["opportunity_history: 6 changes since 2026-09-25 recorded, 22 rows in all"]
    book = open_book(place / "book")
    fields = ("stage_name", "amount", "close_date", "owner_id")
    then, now = deals(as_known(book, DAY_0), *fields), deals(as_known(book, DAY_1), *fields)
    assert then["D1"] == ("Open", 100.0, date(2026, 10, 15), "Ann")
    assert then["D3"] == ("Open", None, None, "Bob")
    assert now["D1"] == ("Offer", 120.25, date(2026, 11, 20), "Ann")
    assert now["D3"] == ("Open", 70.0, date(2026, 12, 24), "Ann")
    assert set(then) == {"D1", "D2", "D3", "D4", "T0"}


def test_values_are_plain_text_at_the_edges_of_the_day(place: Path) -> None:
    """Old values end the first day, new ones begin the last, by the book's clock; text is plain, empty is ''."""
    week(place, WEEK_0)
    week(place, WEEK_1)
    rows = [row for row in history(place) if row["opportunity_id"] in ("D1", "D3") and row["field_name"] == "amount"]
    assert [(row["opportunity_id"], row["new_value"], row["valid_from"].isoformat()) for row in rows] == [
        ("D1", "100", "2026-09-26T03:59:59.999999+00:00"),
        ("D1", "120.25", "2026-10-02T04:00:00+00:00"),
        ("D3", None, "2026-09-26T03:59:59.999999+00:00"),
        ("D3", "70", "2026-10-02T04:00:00+00:00"),
    ]


def test_three_imports_give_pushes_and_slippage(place: Path) -> None:
    """Push counts and slippage need no more than the weekly exports."""
    for export in (WEEK_0, WEEK_1, WEEK_2):
        intake = week(place, export)
    gone = "opportunities: 1 deal of the previous book is not in the new one, and counted as deleted: T0"
    assert told(intake)[0] == gone
    book = open_book(place / "book")
    pushes = by(open_deals(book, DAY_2, users=("Ann", "Bob")), "opportunity_id")
    # an expected day where there was none is no push
    assert {key: row["pushes"] for key, row in pushes.items()} == {"D1": 2, "D3": 0, "T1": 0, "T2": 0}
    # on September 30 D1 (100) and D2 (200) were due in the quarter; D1 went to 2027; D3 had no day
    ann = by(slippage(book, parse_period("2026-Q4"), DAY_2), "user_id")["Ann"]
    assert (ann["due_amount"], ann["slipped_amount"], ann["slippage"]) == (300.0, 100.0, pytest.approx(1 / 3))
    assert {finding.table for finding in check_book(book) if finding.severity == "error"} == set()


def test_a_deal_has_its_last_values_from_the_day_it_closed(place: Path) -> None:
    """A deal won between two exports counts in full from the day it was won, not from the next export."""
    for export in (WEEK_0, WEEK_1, WEEK_2):
        week(place, export)
    book = open_book(place / "book")
    states = [
        deals(as_known(book, day), "is_won", "stage_name", "amount", "close_date")["D2"]
        for day in (DAY_0, date(2026, 10, 6), date(2026, 10, 7), DAY_2)
    ]
    was, is_ = (False, "Open", 200.0, date(2026, 11, 1)), (True, "Won", 250.0, date(2026, 10, 7))
    assert states == [was, was, is_, is_]


@pytest.mark.long
def test_a_deal_dated_before_the_old_export_ended(place: Path) -> None:
    """A deal that is entered as won some days late was open till then, as earlier reports said; then it is won in full.

    It counts on the day of which it is dated.
    """
    late = "D1,Ann,Won,{},2026-09-01,2026-09-30\nD3,Ann,Won,{},2026-09-01,2026-09-30\nT2,Bob,Open,1,{},2026-12-01\n"
    week(place, WEEK_0)
    week(place, WEEK_1.replace("D1,Ann,Offer,120.25,", "D1,Ann,Offer,130,"))
    week(place, late.format(130, 75, "2026-10-09"))
    week(place, late.format(140, 80, "2026-10-09") + "T3,Bob,Open,1,2026-10-16,2026-12-01\n")
    book, days = open_book(place / "book"), (DAY_0, date(2026, 9, 30), DAY_1, DAY_2, date(2026, 10, 16))
    known = [deals(as_known(book, day), "stage_name", "amount") for day in days]
    assert [then["D1"] for then in known] == [*[("Open", 100.0)] * 2, ("Offer", 130.0), ("Won", 130.0), ("Won", 140.0)]
    assert [then["D3"] for then in known] == [*[("Open", None)] * 2, ("Open", 70.0), ("Won", 75.0), ("Won", 80.0)]
    assert deals(as_known(book, DAY_2), "is_won", "close_date")["D1"] == (True, date(2026, 9, 30))
    assert deals(as_known(book, DAY_1), "is_won", "close_date")["D1"] == (False, date(2026, 11, 20))


def test_a_correction_after_closing_leaves_earlier_reports(place: Path) -> None:
    """A closed deal's amount counts as it was until the export that corrects it; its owner is stamped for good."""
    week(place, WEEK_0)
    week(place, WEEK_1.replace("D4,Bob,Won,50.5", "D4,Ann,Won,60"))
    book = open_book(place / "book")
    days = (date(2026, 9, 10), DAY_0, date(2026, 10, 1), DAY_1)
    assert [deals(as_known(book, day), "amount", "owner_id")["D4"] for day in days] == [
        (50.5, "Bob"), (50.5, "Bob"), (50.5, "Bob"), (60.0, "Bob"),
    ]  # fmt: skip  # a day each


def test_an_unchanged_import_changes_nothing(place: Path) -> None:
    """The same export twice gives the same history, row for row."""
    for export in (WEEK_0, WEEK_1, WEEK_2):
        week(place, export)
    first = history(place)
    intake = week(place, WEEK_2)
    assert history(place) == first
    assert told(intake) == [f"opportunity_history: {len(first)} rows kept from the previous book"]


@pytest.mark.long
def test_vanished_deals_stay_for_earlier_reports(place: Path) -> None:
    """Deals that the export no longer holds are counted and named; they and their people stand in earlier reports."""
    week(place, WEEK_0)
    week(place, WEEK_1)
    last = "T2,Bob,Open,1,2026-10-09,2026-12-01\n"
    intake = week(place, last)
    gone = "opportunities: 6 deals of the previous book are not in the new one, and counted as deleted: D1, D2, D3, …"
    assert told(intake)[0] == gone
    book = open_book(place / "book")
    assert set(deals(as_known(book, DAY_2))) == {"T2"}
    assert deals(as_known(book, DAY_1), "owner_id", "stage_name", "amount")["D3"] == ("Ann", "Open", 70.0)
    assert deals(as_known(book, DAY_0), "owner_id", "stage_name", "amount")["D3"] == ("Bob", "Open", None)
    assert set(by(book.table("users"), "user_id")) == {"Ann", "Bob"}
    assert {finding.table for finding in check_book(book) if finding.severity == "error"} == set()
    # once more without them: they are told of once
    assert told(week(place, last))[0].startswith("opportunity_history:")
    # and back again
    week(place, WEEK_1 + last + "T3,Bob,Open,1,2026-10-16,2026-12-01\n")
    book = open_book(place / "book")
    known = [set(deals(as_known(book, day))) for day in (DAY_1, DAY_2, date(2026, 10, 16))]
    assert [("D1" in then, "T2" in then) for then in known] == [(True, False), (False, True), (True, True)]


def test_changes_without_a_later_date_are_not_recorded(place: Path) -> None:
    """Where the export ends no later than the last one, what changed in it has no date, and that is said."""
    week(place, WEEK_0)
    intake = week(place, WEEK_0.replace("D1,Ann,Open,100,", "D1,Ann,Open,110,"))
    assert told(intake) == [
        "opportunity_history: 1 change not recorded, because the last date in the new book, 2026-09-25, "
        "is not after 2026-09-25, the last in the previous one"
    ]
    week(place, WEEK_1)  # the next export finds the corrected value as the old one
    assert deals(as_known(open_book(place / "book"), DAY_0), "amount")["D1"] == (110.0,)


def test_exports_without_dates(place: Path) -> None:
    """An export in which nothing has a date is imported, and what changed in it is said not to be recorded."""
    week(place, "D1,Ann,Open,100,,2026-10-15\n")
    intake = week(place, "D1,Ann,Open,120,,2026-10-15\n")
    why = "because the previous book has no dated row"
    assert told(intake) == [f"opportunity_history: 1 change not recorded, {why}"]


def test_a_history_of_its_own_is_left_alone(place: Path) -> None:
    """An export that brings its history needs no other."""
    week(place, WEEK_0)
    (place / "map.toml").write_text(MAP + HISTORY)
    (place / "export" / "history.csv").write_text(
        "opportunity_id,field_name,new_value,valid_from\nD1,amount,90,2026-09-02T10:00:00Z\n"
    )
    intake = week(place, WEEK_1)
    assert [row["new_value"] for row in history(place)] == ["90"]
    assert told(intake)[0].startswith("opportunity_history: 1 row in, 1 out")


def test_a_history_of_its_own_is_carried_on(place: Path) -> None:
    """What an export once brought as history stays when the next one brings none, and is continued."""
    (place / "map.toml").write_text(MAP + HISTORY)
    (place / "export" / "history.csv").write_text(
        "opportunity_id,field_name,new_value,valid_from\nD1,amount,90,2026-09-02T10:00:00Z\n"
        "D1,amount,100,2026-09-25T16:00:00Z\n"
    )
    week(place, WEEK_0)
    (place / "map.toml").write_text(MAP)
    week(place, WEEK_1)
    amounts = [row for row in history(place) if (row["opportunity_id"], row["field_name"]) == ("D1", "amount")]
    assert [row["new_value"] for row in amounts] == ["90", "100", "120.25"]


def test_a_book_that_cannot_be_read_is_not_replaced(place: Path) -> None:
    """What a damaged book knew would be lost, so the import is refused with the way out, and nothing changes."""
    week(place, WEEK_0)
    table = place / "book" / "opportunities.parquet"
    table.write_bytes(b"PAR1 no more")
    with pytest.raises(IntakeError, match=r"cannot be read, so what it knew cannot be kept.*move that book away"):
        week(place, WEEK_1)
    assert table.read_bytes() == b"PAR1 no more"
    assert sorted(path.name for path in place.iterdir()) == ["book", "export", "map.toml"]


START = date(2026, 1, 5)
DEALS = ("U", "V", "W", "X", "Y")
OPEN = st.fixed_dictionaries(
    {
        "stage_name": st.sampled_from(["Open", "Offer"]),
        "owner_id": st.sampled_from(["A", "B"]),
        "amount": st.none() | st.floats(-1e9, 1e9) | st.integers(0, 10**6),
        "probability": st.none() | st.floats(0, 1),
        "forecast_category": st.sampled_from([None, "Commit", "Best case"]),
        "close_date": st.none() | st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    }
)


@st.composite
def weeks(draw: st.DrawFn) -> list[list[Row]]:
    """Three exports a week apart of some deals.

    A deal may close, dated up to three weeks before the export; then be reopened; be changed after its close; or be
    missing from an export and come back.
    """
    exports: list[list[Row]] = []
    entered: dict[str, date] = {}
    for number in range(3):
        last = START + timedelta(weeks=number)
        rows: list[Row] = [
            {"opportunity_id": f"T{n}", "created_date": START + timedelta(weeks=n), "owner_id": "A"}
            for n in range(number + 1)
        ]
        for key in DEALS:
            before = next((row for row in (exports[-1] if exports else []) if row["opportunity_id"] == key), {})
            row = dict(before) if before and draw(st.booleans()) else {"opportunity_id": key, **draw(OPEN)}
            if before.get("is_closed") and draw(st.booleans()):
                row = {**before, "amount": draw(st.sampled_from([1.0, 2.0])), "owner_id": before["owner_id"]}
            elif draw(st.integers(0, 3)) == 0:
                closed = last - timedelta(days=draw(st.integers(0, 20)))
                row |= {"is_closed": True, "is_won": draw(st.booleans()), "close_date": closed}
                row["stage_name"] = "Won" if row["is_won"] else "Lost"
            if draw(st.integers(0, 5)):
                rows.append(row | {"created_date": entered.setdefault(key, last)})
        exports.append(rows)
    return exports


@pytest.mark.long
@settings(max_examples=examples.of(6), deadline=None)
@given(weeks(), st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"]))
def test_every_export_can_be_recalled(exports: list[list[Row]], zone: str) -> None:
    """After any number of imports, the book as known on the last day of each export holds its deals as it did.

    But for the owner of a closed deal, which is stamped: one that is reopened and given to another is not.
    """
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / str(number) for number in range(len(exports))]
        for number, (folder, rows) in enumerate(zip(folders, exports, strict=True)):
            make_book(folder, {"opportunities": rows}, time_zone=zone)
            if number:
                carry_history(folders[number - 1], folder, own=False)
        last = open_book(folders[-1])
        keys = [(row["opportunity_id"], row["field_name"], row["valid_from"]) for row in _history(last)]
        assert len(set(keys)) == len(keys)
        assert all(isinstance(since, datetime) for _, _, since in keys)
        for number, folder in enumerate(folders):
            day = START + timedelta(weeks=number)
            assert last_day(open_book(folder)) == day
            assert deals(as_known(last, day), *KNOWN_FIELDS) == deals(as_known(open_book(folder), day), *KNOWN_FIELDS)


def _history(book: Book) -> Rows:
    return records(book.table("opportunity_history"))
