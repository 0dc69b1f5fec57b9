"""Periods as people write them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import PeriodError
from salesops.periods import Period, fiscal_quarter_of, named, parse_date, parse_period, quarter_of

DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))
MONTHS = st.integers(1, 12)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026-Q3", date(2026, 7, 1), date(2026, 9, 30)),
        ("2026-q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026-08", date(2026, 8, 1), date(2026, 8, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        (" 2013-09-29..2013-12-28 ", date(2013, 9, 29), date(2013, 12, 28)),
        ("2026-01-15..2026-01-15", date(2026, 1, 15), date(2026, 1, 15)),
    ],
)
def test_calendar_periods_and_spans(text: str, start: date, end: date) -> None:
    """Years, quarters and months are calendar; a span includes both ends, whatever the fiscal year."""
    for fiscal_year_start in (1, 4, 7):
        period = parse_period(text, fiscal_year_start)
        assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize(
    ("text", "month", "start", "end"),
    [
        ("FY2026", 1, date(2026, 1, 1), date(2026, 12, 31)),
        ("FY2026-Q2", 1, date(2026, 4, 1), date(2026, 6, 30)),
        ("FY2026", 4, date(2025, 4, 1), date(2026, 3, 31)),
        ("FY2026-Q1", 4, date(2025, 4, 1), date(2025, 6, 30)),
        ("FY2026-Q4", 4, date(2026, 1, 1), date(2026, 3, 31)),
        ("fy2013-q1", 7, date(2012, 7, 1), date(2012, 9, 30)),
        ("FY2024-Q1", 12, date(2023, 12, 1), date(2024, 2, 29)),
    ],
)
def test_fiscal_periods_are_named_for_the_year_in_which_they_end(text: str, month: int, start: date, end: date) -> None:
    """FY2026 is the fiscal year that ends in 2026, and its quarters count from its first month."""
    assert parse_period(text, month) == Period(start, end, text.upper())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "A period must be written like 2026, .*Got ''"),
        ("Q3", "must be written like"),
        ("last quarter", "must be written like .*Got 'last quarter'"),
        ("2026-Q5", "must be written like"),
        ("2026-8", "must be written like"),
        ("FY2026-08", "must be written like"),
        ("0000", "must be written like"),
        ("FY0001", "must be written like"),
        ("26", "must be written like"),
        ("2026-13", "A month must be 01 to 12. Got '2026-13'"),
        ("2026-00", "A month must be 01 to 12"),
        ("2026-02-01..2026-02-30", "A date must be a real day written like 2026-08-31. Got '2026-02-30'"),
        ("2026-02-01..", "A date must be a real day"),
        ("2026-03-01..2026-02-01", "must not end before it starts. Got 2026-03-01..2026-02-01"),
        ("2026..2027", "A date must be a real day"),
    ],
)
def test_other_texts_are_no_period(text: str, message: str) -> None:
    """A text in no known form is refused with the forms that are known; it never gives a traceback."""
    with pytest.raises(PeriodError, match=message):
        parse_period(text, 4)


@pytest.mark.parametrize(
    "text", ["20260831", "2026-W35-1", "2026-8-31", "31.08.2026", "0026-08-31", "2026-08-31T00:00"]
)
def test_dates_have_one_form(text: str) -> None:
    """A date is written like 2026-08-31 and in no other way, not even another one of ISO."""
    with pytest.raises(PeriodError, match=f"A date must be a real day written like 2026-08-31. Got '{text}'"):
        parse_date(text)


def test_date_may_have_blanks_around_it() -> None:
    """Blanks around a date do not matter."""
    assert parse_date(" 2026-08-31 ") == date(2026, 8, 31)


def test_label_is_what_the_user_wrote() -> None:
    """A period is shown as it was written, a span without blanks, so that it can name a file."""
    assert str(parse_period("fy2026-q1", 7)) == "FY2026-Q1"
    assert str(parse_period("2026-01-15 .. 2026-02-14")) == "2026-01-15..2026-02-14"
    assert str(Period(date(2026, 1, 1), date(2026, 1, 2))) == "2026-01-01..2026-01-02"


def test_share_gone_counts_the_last_day_as_gone() -> None:
    """The day of `as_of` has passed: of 2026-04 (30 days) a third is gone on the 10th, none before it began."""
    april = parse_period("2026-04")
    assert april.days == 30
    assert april.gone(date(2026, 4, 10)) == pytest.approx(1 / 3)
    assert april.gone(date(2026, 3, 31)) == 0
    assert april.gone(date(2026, 4, 1)) == pytest.approx(1 / 30)
    assert april.gone(date(2026, 4, 30)) == 1
    assert april.gone(date(2027, 1, 1)) == 1


def test_facts_count_to_the_earlier_of_as_of_and_end() -> None:
    """Actual is dated up to min(as_of, period end)."""
    april = parse_period("2026-04")
    assert april.cut(date(2026, 4, 10)) == date(2026, 4, 10)
    assert april.cut(date(2026, 5, 10)) == date(2026, 4, 30)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", date(2025, 1, 1), date(2025, 12, 31)),
        ("2026-Q1", date(2025, 10, 1), date(2025, 12, 31)),
        ("2024-03", date(2024, 2, 1), date(2024, 2, 29)),
        ("FY2026", date(2024, 4, 1), date(2025, 3, 31)),
        ("2026-01-15..2026-02-14", date(2025, 12, 15), date(2026, 1, 14)),
        ("2026-01-01..2026-02-28", date(2025, 11, 1), date(2025, 12, 31)),
    ],
)
def test_previous_is_of_the_same_kind(text: str, start: date, end: date) -> None:
    """Whole months stay whole months; another span keeps its number of days."""
    before = parse_period(text, 4).previous()
    assert (before.start, before.end) == (start, end)


@given(DAYS, st.integers(0, 500))
def test_previous_ends_the_day_before(start: date, length: int) -> None:
    """No day lies between a period and the one before, and none is in both."""
    period = Period(start, start + timedelta(days=length))
    assert period.previous().end + timedelta(days=1) == period.start
    assert period.previous().start <= period.previous().end


@given(DAYS, MONTHS)
def test_fiscal_quarter_holds_its_day(day: date, month: int) -> None:
    """Each day is in exactly the quarter that is found for it, which starts a multiple of 3 months into the year."""
    quarter = fiscal_quarter_of(day, month)
    assert quarter.start <= day <= quarter.end
    assert quarter.start.day == 1
    assert (quarter.start.month - month) % 3 == 0
    assert parse_period(quarter.label, month) == quarter


@given(st.integers(1900, 2200), MONTHS)
def test_quarters_make_up_the_year(year: int, month: int) -> None:
    """Four fiscal quarters follow each other without gap and cover the fiscal year; so do twelve months a year."""
    whole = parse_period(f"FY{year}", month)
    quarters = [parse_period(f"FY{year}-Q{number}", month) for number in (1, 2, 3, 4)]
    assert (quarters[0].start, quarters[-1].end) == (whole.start, whole.end)
    assert sum(quarter.days for quarter in quarters) == whole.days
    assert sum(parse_period(f"{year}-{n:02d}").days for n in range(1, 13)) == parse_period(f"{year}").days
    assert whole.end.year == year


def test_fiscal_quarter_in_january_is_the_calendar_quarter() -> None:
    """A fiscal year that starts in January needs no FY before its name."""
    assert fiscal_quarter_of(date(2026, 5, 5), 1).label == "2026-Q2"
    assert quarter_of(date(2026, 12, 31)) == parse_period("2026-Q4")
    assert fiscal_quarter_of(date(2026, 5, 5), 4).label == "FY2027-Q1"
    assert fiscal_quarter_of(date(2026, 3, 31), 4).label == "FY2026-Q4"


@pytest.mark.parametrize(
    ("start", "end", "label"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), "2026"),
        (date(2026, 7, 1), date(2026, 9, 30), "2026-Q3"),
        (date(2026, 2, 1), date(2026, 2, 28), "2026-02"),
        (date(2024, 2, 1), date(2024, 2, 28), "2024-02-01..2024-02-28"),
        (date(2013, 9, 29), date(2013, 12, 28), "2013-09-29..2013-12-28"),
        (date(2026, 5, 1), date(2026, 7, 31), "2026-05-01..2026-07-31"),
    ],
)
def test_spans_get_the_name_that_people_use(start: date, end: date, label: str) -> None:
    """A span that is a year, quarter or month is named so; any other is start..end."""
    assert named(start, end) == Period(start, end, label)


def test_the_last_quarter_that_a_calendar_has() -> None:
    """A period may end on the last day of the year 9999."""
    assert parse_period("9999-Q4").end == date(9999, 12, 31)


@pytest.mark.parametrize(
    ("start", "end", "label"),
    [
        (date(2019, 4, 1), date(2020, 3, 31), "FY2020"),
        (date(2019, 4, 1), date(2019, 6, 30), "FY2020-Q1"),
        (date(2020, 1, 1), date(2020, 3, 31), "FY2020-Q4"),
        (date(2020, 1, 1), date(2020, 12, 31), "2020"),
        (date(2019, 5, 1), date(2019, 5, 31), "2019-05"),
        (date(2019, 5, 1), date(2019, 7, 31), "2019-05-01..2019-07-31"),
    ],
)
def test_spans_of_a_fiscal_year_are_called_so(start: date, end: date, label: str) -> None:
    """Where the fiscal year starts in April, its year and quarters have its names, however they are asked for."""
    assert named(start, end, 4).label == label
    assert parse_period(f"{start}..{end}", 4).label == label
