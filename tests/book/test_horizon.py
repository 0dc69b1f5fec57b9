"""How far a book reaches, and what a report speaks of unless told."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from books import Row, Rows, make_book, records

from salesops.book.horizon import default_as_of, default_period, facts, resolve, running_period
from salesops.book.snapshot import as_known
from salesops.errors import BookError, PeriodError
from salesops.periods import parse_period


def closed(day: str | None, **more: Any) -> Row:
    return {"owner_id": "A", "close_date": day, "is_closed": True, "is_won": True, **more}


def quota(start: str, end: str) -> Row:
    return {"owner_id": "A", "period_start": start, "period_end": end, "quota_amount": 1}


def order(moment: str) -> Row:
    return {"owner_id": "A", "ordered_at": moment}


@pytest.mark.parametrize(
    ("tables", "day"),
    [
        ({"opportunities": [closed("2026-03-05"), closed("2026-02-01")]}, date(2026, 3, 5)),
        ({"opportunities": [closed("2026-03-05"), {"created_date": "2026-03-06"}]}, date(2026, 3, 5)),
        ({"opportunities": [{"created_date": "2026-03-06"}]}, date(2026, 3, 6)),
        ({"opportunities": [closed("2026-03-05"), closed("2026-03-09", is_deleted=True)]}, date(2026, 3, 5)),
        (
            {"orders": [order("2026-03-05T12:00:00Z"), order("2026-03-06T12:00:00Z") | {"status": "Cancelled"}]},
            date(2026, 3, 5),
        ),
        # the day on which an open deal is expected to close has not happened
        ({"opportunities": [closed("2026-03-05"), {"close_date": "2027-01-01"}]}, date(2026, 3, 5)),
        ({"orders": [order("2026-03-05T12:00:00Z")]}, date(2026, 3, 5)),
        ({"activities": [{"due_date": "2026-12-31", "completed_at": "2026-03-07T10:00:00Z"}]}, date(2026, 3, 7)),
        # deliveries, calls and answers come before or after what is sold, some of them with a wrong year
        ({"deliveries": [{"delivered_date": "2026-03-08"}], "opportunities": [closed("2026-03-05")]}, date(2026, 3, 5)),
        ({"deliveries": [{"delivered_date": "2026-03-08"}]}, date(2026, 3, 8)),
        ({"survey_responses": [{"sent_at": "2026-03-01", "responded_at": "2026-03-09"}]}, date(2026, 3, 9)),
        # goals, rates and reorganisations may lie ahead
        (
            {
                "opportunities": [closed("2026-03-05")],
                "quotas": [quota("2026-04-01", "2026-12-31")],
                "fx_rates": [{"currency": "USD", "date": "2026-06-01", "rate": 1}],
            },
            date(2026, 3, 5),
        ),
    ],
)
def test_last_date_is_that_of_the_last_thing_that_happened(tmp_path: Path, tables: dict[str, Rows], day: date) -> None:
    """The default as-of date is the last on which something happened in the book, never today and never a plan."""
    assert default_as_of(make_book(tmp_path, tables)) == day


@pytest.mark.parametrize(
    ("days", "last"),
    [
        (["2026-01-05", "2026-02-10", "2027-12-31"], date(2026, 2, 10)),
        # 92 days are a pause of the business, 93 are not
        (["2026-01-05", "2026-04-07"], date(2026, 4, 7)),
        (["2026-01-05", "2026-04-08"], date(2026, 1, 5)),
        # no longer than the longest pause before
        (["2025-01-05", "2025-08-05", "2026-03-05"], date(2026, 3, 5)),
        (["2025-01-05", "2025-08-05", "2026-03-06"], date(2025, 8, 5)),
        # two of a few are the business, after a pause; two of two thousand are not
        (["2026-01-05", "2027-01-05", "2027-01-06"], date(2027, 1, 6)),
        (["2026-01-05"] * 1998 + ["2027-01-05", "2027-01-06"], date(2026, 1, 5)),
        (["2026-01-05"] * 1997 + ["2027-01-05", "2027-01-06", "2028-01-06"], date(2028, 1, 6)),
    ],
)
def test_what_is_dated_far_ahead_is_left_out(tmp_path: Path, days: list[str], last: date) -> None:
    """After a gap of over 92 days, longer than any before, one row in a thousand or a single one moves no default."""
    assert default_as_of(make_book(tmp_path, {"opportunities": [closed(day) for day in days]})) == last


@pytest.mark.parametrize(("zone", "day"), [("UTC", date(2026, 3, 31)), ("Asia/Tokyo", date(2026, 4, 1))])
def test_last_date_is_local(tmp_path: Path, zone: str, day: date) -> None:
    """The last instant counts on the day that the book's time zone shows."""
    book = make_book(tmp_path, {"orders": [order("2026-03-31T20:00:00Z")]}, time_zone=zone)
    assert default_as_of(book) == day


def test_book_without_dates_needs_one(tmp_path: Path) -> None:
    """Where nothing happened there is no default date, and the error says how to give one."""
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "opportunities": [], "accounts": [{}]})
    with pytest.raises(BookError, match=r"holds no dated row\. Give the date of the report with --as-of\."):
        default_as_of(book)


def test_contracts_alone_give_no_last_date(tmp_path: Path) -> None:
    """A contract may be agreed long before it starts: the error says so, and when the last one starts."""
    rows: Rows = [{"account_id": "A", "start_date": "2026-01-01"}, {"account_id": "B", "start_date": "2027-01-01"}]
    book = make_book(tmp_path, {"contracts": rows})
    with pytest.raises(BookError, match=r"the last of its contracts starts on 2027-01-01, .* with --as-of\."):
        default_as_of(book)


@pytest.mark.parametrize(
    ("days", "as_of", "label"),
    [
        (["2026-02-01"], "2026-03-31", "2026-Q1"),
        (["2026-02-01"], "2026-03-30", "2026-Q1"),  # not complete, but the only one with data
        (["2025-11-01", "2026-02-01"], "2026-03-30", "2025-Q4"),
        (["2025-11-01", "2026-02-01"], "2026-05-15", "2026-Q1"),
        (["2024-11-01"], "2026-05-15", "2024-Q4"),  # later quarters are complete but empty
        (["2025-12-31", "2026-01-01"], "2026-03-31", "2026-Q1"),
        ([], "2026-05-15", "2026-Q2"),
    ],
)
def test_default_period_is_the_last_complete_quarter_with_data(
    tmp_path: Path, days: list[str], as_of: str, label: str
) -> None:
    """Without quotas it is the last quarter that ended by the as-of date and in which a deal closed."""
    book = make_book(tmp_path, {"opportunities": [closed(day) for day in days]})
    period = default_period(book, date.fromisoformat(as_of))
    assert (period.label, period) == (label, parse_period(label))


def test_default_quarter_is_fiscal_where_the_year_is(tmp_path: Path) -> None:
    """A company whose year starts in April is shown fiscal quarters: January to March 2026 ends FY2026."""
    book = make_book(tmp_path, {"orders": [order("2026-02-01"), order("2026-04-20")]}, fiscal_year_start=4)
    assert default_period(book, date(2026, 4, 20)) == parse_period("FY2026-Q4", 4)


def test_quota_periods_go_before_quarters(tmp_path: Path) -> None:
    """Where quotas have their own periods, the last complete one with data is the default; it is named by its days."""
    tables: dict[str, Rows] = {
        "quotas": [
            quota("2013-06-30", "2013-09-28"),
            quota("2013-09-29", "2013-12-28"),
            quota("2013-12-29", "2014-03-29"),
            quota("2014-03-30", "2014-06-28"),
        ],
        "orders": [order("2013-08-01"), order("2013-12-28"), order("2014-06-01")],
    }
    book = make_book(tmp_path, tables)
    assert default_period(book, date(2014, 6, 1)).label == "2013-09-29..2013-12-28"
    assert default_period(book, date(2014, 6, 28)).label == "2014-03-30..2014-06-28"
    assert default_period(book, date(2013, 12, 27)).label == "2013-06-30..2013-09-28"


def test_quota_periods_that_are_quarters_are_named_so(tmp_path: Path) -> None:
    """A quota period that is a quarter, month or year is called by its name."""
    tables: dict[str, Rows] = {"quotas": [quota("2026-01-01", "2026-03-31")], "orders": [order("2026-02-01")]}
    assert default_period(make_book(tmp_path, tables), date(2026, 4, 2)) == parse_period("2026-Q1")


def test_quotas_of_the_future_do_not_matter(tmp_path: Path) -> None:
    """Where no quota period is complete with data, the last complete quarter is taken."""
    tables: dict[str, Rows] = {"quotas": [quota("2026-01-01", "2026-12-31")], "orders": [order("2026-02-01")]}
    assert default_period(make_book(tmp_path, tables), date(2026, 5, 2)) == parse_period("2026-Q1")


def test_resolve_reads_what_is_given(tmp_path: Path) -> None:
    """A given period or date goes before the defaults; fiscal names follow the book's year; both may lie ahead."""
    book = make_book(tmp_path, {"orders": [order("2026-02-01")]}, fiscal_year_start=7)
    assert resolve(book, "FY2026-Q1", "2026-03-15") == (parse_period("FY2026-Q1", 7), date(2026, 3, 15))
    assert resolve(book, "2031", "") == (parse_period("2031"), date(2026, 2, 1))
    assert resolve(book, "", "2026-09-30") == (parse_period("FY2026-Q3", 7), date(2026, 9, 30))
    assert resolve(book) == (parse_period("FY2026-Q3", 7), date(2026, 2, 1))


def test_resolve_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    """A period or date in no known form is an error before anything is computed."""
    book = make_book(tmp_path, {"orders": [order("2026-02-01")]})
    with pytest.raises(PeriodError, match="A date must be a real day"):
        resolve(book, as_of="yesterday")
    with pytest.raises(PeriodError, match="A period must be written like"):
        resolve(book, "last quarter")


def test_facts_are_closed_deals_and_orders(tmp_path: Path) -> None:
    """Data of a period are the days on which deals closed, won or lost, and orders came; open deals are none."""
    tables: dict[str, Rows] = {
        "opportunities": [closed("2026-01-05"), closed("2026-01-06", is_won=False), {"close_date": "2026-01-07"}],
        "orders": [order("2026-01-08T23:30:00Z")],
    }
    book = make_book(tmp_path, tables, time_zone="Europe/Berlin")
    days = sorted(row["day"] for row in records(facts(book)))
    assert days == [date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 9)]
    known = as_known(book, date(2026, 1, 5))
    assert [row["day"] for row in records(facts(known))] == [date(2026, 1, 5)]


def test_old_quotas_do_not_hold_the_default_back(tmp_path: Path) -> None:
    """Where quotas end and data goes on, the default is the last complete quarter with data."""
    tables = {
        "quotas": [quota("2025-01-01", "2025-03-31")],
        "opportunities": [closed("2025-02-01"), closed("2026-05-05"), closed("2026-07-20")],
    }
    period, _ = resolve(make_book(tmp_path, tables))
    assert period.label == "2026-Q2"


@pytest.mark.parametrize(
    ("quotas", "as_of", "span"),
    [
        ([], date(2026, 8, 15), "2026-07-01..2026-09-30"),
        # on its last day a quarter is over
        ([], date(2026, 9, 30), "2026-10-01..2026-12-31"),
        ([quota("2026-01-01", "2026-12-31")], date(2026, 8, 15), "2026-01-01..2026-12-31"),
        ([quota("2026-01-01", "2026-12-31"), quota("2026-07-01", "2026-09-30")], date(2026, 8, 15),
         "2026-07-01..2026-09-30"),
        ([quota("2026-06-28", "2026-09-26"), quota("2026-08-10", "2026-08-16")], date(2026, 8, 15),
         "2026-06-28..2026-09-26"),
    ],
)  # fmt: skip  # one case a line
def test_running_is_the_period_under_way(tmp_path: Path, quotas: Rows, as_of: date, span: str) -> None:
    """The running period holds the day after as_of: the quarter, or the shortest quota period of a month or more."""
    book = make_book(tmp_path, {"opportunities": [closed("2026-03-05")], "quotas": quotas})
    found = running_period(book, as_of)
    assert f"{found.start}..{found.end}" == span
    assert resolve(book, "running", as_of.isoformat()) == (found, as_of)
