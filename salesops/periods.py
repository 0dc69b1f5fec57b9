"""Periods of time: months, quarters, years, fiscal years, and spans of dates.

Both ends of a period belong to it. Nothing here reads the clock.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

from salesops.errors import PeriodError

FORMS = "2026, 2026-Q3, 2026-08, FY2026, FY2026-Q1 or 2026-01-15..2026-02-14"

_ISO_DAY = r"[1-9]\d{3}-\d{2}-\d{2}"


@dataclass(frozen=True, order=True)
class Period:
    """A span of days, both ends included.

    Parameters
    ----------
    start, end : date
        First and last day.
    label : str
        The period as the user wrote it, for titles and file names.
    """

    start: date
    end: date
    label: str = ""

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise PeriodError(f"A period must not end before it starts. Got {self.start}..{self.end}.")
        if not self.label:
            object.__setattr__(self, "label", f"{self.start}..{self.end}")

    @property
    def days(self) -> int:
        """Number of days, both ends counted."""
        return (self.end - self.start).days + 1

    def cut(self, as_of: date) -> date:
        """Return the last day of which facts count: the earlier of `as_of` and the period's end."""
        return min(as_of, self.end)

    def gone(self, as_of: date) -> float:
        """Return the share of the period's days that have passed at the end of `as_of` (0 to 1)."""
        return max(0, (self.cut(as_of) - self.start).days + 1) / self.days

    def previous(self) -> Period:
        """Return the span of the same kind that ends the day before this one starts.

        Whole months stay whole months; any other span keeps its number of days.
        """
        end = self.start - timedelta(days=1)
        months = _whole_months(self)
        if months:
            return Period(_add_months(self.start, -months), end)
        return Period(end - timedelta(days=self.days - 1), end)

    def __str__(self) -> str:
        return self.label


def parse_period(text: str, fiscal_year_start: int = 1) -> Period:
    """Read a period as people write it.

    Parameters
    ----------
    text : str
        `2026`, `2026-Q3`, `2026-08` (calendar); `FY2026`, `FY2026-Q1` (fiscal, named for the year in
        which they end); `2026-01-15..2026-02-14` (both ends included).
    fiscal_year_start : int
        Month, 1 to 12, in which the fiscal year begins.

    Raises
    ------
    PeriodError
        If the text has none of these forms, or names a day that does not exist.
    """
    cleaned = text.strip().upper()
    if ".." in cleaned:
        start, _, end = cleaned.partition("..")
        return named(parse_date(start), parse_date(end), fiscal_year_start)
    match = re.fullmatch(r"(FY)?([1-9]\d{3})(?:-Q([1-4])|-(\d{2}))?", cleaned)
    if match is None or (match[1] and match[4]):
        raise PeriodError(f"A period must be written like {FORMS}. Got '{text}'.")
    year, quarter, month = int(match[2]), match[3], match[4]
    if month:
        if not 1 <= int(month) <= 12:
            raise PeriodError(f"A month must be 01 to 12. Got '{text}'.")
        return _months(date(year, int(month), 1), 1, cleaned)
    first = date(year, 1, 1)
    if match[1] and fiscal_year_start > 1:
        first = date(year - 1, fiscal_year_start, 1)
    if quarter:
        return _months(_add_months(first, 3 * (int(quarter) - 1)), 3, cleaned)
    return _months(first, 12, cleaned)


def parse_date(text: str) -> date:
    """Read an ISO date (`2026-08-31`). Raises PeriodError for anything else."""
    try:
        # fromisoformat alone would also read 20260831 and 2026-W35-1
        return date.fromisoformat(text.strip() if re.fullmatch(_ISO_DAY, text.strip()) else "")
    except ValueError:
        raise PeriodError(f"A date must be a real day written like 2026-08-31. Got '{text}'.") from None


def quarter_of(day: date) -> Period:
    """Return the calendar quarter that holds `day`."""
    number = (day.month - 1) // 3
    return _months(date(day.year, 3 * number + 1, 1), 3, f"{day.year}-Q{number + 1}")


def fiscal_quarter_of(day: date, fiscal_year_start: int = 1) -> Period:
    """Return the quarter that holds `day`: calendar if the fiscal year starts in January, else fiscal."""
    if fiscal_year_start == 1:
        return quarter_of(day)
    year = day.year + (day.month >= fiscal_year_start)
    quarters = (parse_period(f"FY{year}-Q{number}", fiscal_year_start) for number in (1, 2, 3, 4))
    return next(quarter for quarter in quarters if day <= quarter.end)


def fiscal_year_of(day: date, fiscal_year_start: int = 1) -> Period:
    """Return the year that holds `day`: calendar if the fiscal year starts in January, else fiscal."""
    year = day.year + (fiscal_year_start > 1 and day.month >= fiscal_year_start)
    return parse_period(f"FY{year}" if fiscal_year_start > 1 else f"{year}", fiscal_year_start)


def named(start: date, end: date, fiscal_year_start: int = 1) -> Period:
    """Return the span with the name that people use for it: FY2026-Q1, 2026, 2026-Q3, 2026-08, else start..end."""
    span = Period(start, end)
    candidates = [fiscal_quarter_of(start, fiscal_year_start), fiscal_year_of(start, fiscal_year_start)]
    candidates += [quarter_of(start), fiscal_year_of(start), _months(start.replace(day=1), 1, f"{start:%Y-%m}")]
    return next((found for found in candidates if (found.start, found.end) == (start, end)), span)


def months_to(day: date, count: int) -> Period:
    """Return the months up to a day, which is the last of them: a year to 31 October begins on 1 November."""
    after = day + timedelta(days=1)
    month = 12 * after.year + after.month - 1 - count
    year, month = month // 12, month % 12 + 1
    return Period(date(year, month, min(after.day, calendar.monthrange(year, month)[1])), day)


def _months(first: date, count: int, label: str) -> Period:
    last = _add_months(first, count - 1)
    return Period(first, last.replace(day=calendar.monthrange(last.year, last.month)[1]), label)


def _add_months(first: date, count: int) -> date:
    month = first.year * 12 + first.month - 1 + count
    try:
        return date(month // 12, month % 12 + 1, first.day)
    except ValueError:
        raise PeriodError(f"The year {month // 12} is out of range.") from None


def _whole_months(period: Period) -> int:
    last_day = calendar.monthrange(period.end.year, period.end.month)[1]
    if period.start.day != 1 or period.end.day != last_day:
        return 0
    return (period.end.year - period.start.year) * 12 + period.end.month - period.start.month + 1
