"""A period day by day: what came in so far, the even pace, the same days a year before, and what is still to come."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from salesops.book.credits import credited_deals, credited_orders
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.metrics.attainment import cumulative
from salesops.models.make_it import forecast_of
from salesops.periods import Period

FIRST_WEEK = timedelta(days=7)  # a book whose first sale came within it still holds the days a year before
FAN = ["date", "p10", "p50", "p90"]


def day_by_day(
    book: Book,
    period: Period,
    as_of: date,
    *,
    users: tuple[str, ...],
    measure: str,
    quota: float | None,
    before: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """Return some people's running actual on each day of a period.

    Parameters
    ----------
    users, before : tuple of str
        Whose actual it is, and whose it was a year before; the same people if that is left out.
    quota : float or None
        Their goal (money); None or NaN without one.

    Returns
    -------
    pandas.DataFrame
        date; actual_cumulative (money; NaN after `as_of`), pace (money; NaN without a goal), quota, year_before (money
        up to the same day a year before; NaN where the book begins later): a row for each day of the period.
    """
    every, year_ago = pd.date_range(period.start, period.end), year_before(period)
    earlier = every - pd.DateOffset(years=1)
    goal = np.nan if quota is None else float(quota)
    actual = _running(book, period, as_of, users, measure).reindex(every, method="ffill").fillna(0.0)
    then = np.full(len(every), np.nan)
    if _begins(book, as_of, measure) <= year_ago.start + FIRST_WEEK:
        money = _running(book, year_ago, as_of, users if before is None else before, measure)
        then = money.reindex(earlier, method="ffill").fillna(0.0).to_numpy()
    return pd.DataFrame(
        {
            "date": every,
            "actual_cumulative": actual.where(every <= pd.Timestamp(as_of)).to_numpy(),
            "pace": np.arange(1, period.days + 1) / period.days * goal,
            "quota": goal,
            "year_before": then,
        }
    )


def year_before(period: Period) -> Period:
    """Return the same days a year before."""
    start, end = ((pd.Timestamp(day) - pd.DateOffset(years=1)).date() for day in (period.start, period.end))
    return Period(start, end)


def fan(book: Book, period: Period, as_of: date, *, measure: str, users: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Return where the running actual will stand at the end of each week to come, as the forecast sees it.

    Parameters
    ----------
    measure : str
        What the actual counts; the forecast of another measure is no fan for it.
    users : tuple of str, optional
        Whose actual it is; everyone's if left out.

    Returns
    -------
    pandas.DataFrame
        date; p10, p50, p90 (money): from the day before the first to come to the last of the period. Empty where the
        period is over, or nothing can be estimated.
    """
    if as_of >= period.end or users == ():
        return fan_of([])
    known = as_known(book, as_of)
    asked = None if users is None else tuple(sorted(users))
    forecast = forecast_of(book, period, as_of)
    if forecast is None or forecast.measure != measure:
        return fan_of([])

    def of_each() -> list[Any]:
        from salesops.models.forecast.weeks import weekly_ranges_of_each  # heavy, and most pages are of a period over

        return weekly_ranges_of_each(forecast.inputs())

    if asked is not None and len(asked) == 1:  # the first page of a rep serves all the others
        found = [rows for user, rows in known.keep(("fans", period), of_each) if user == asked[0]]
        return fan_of(found[0] if found else [])

    from salesops.models.forecast.weeks import weekly_ranges  # as above

    return fan_of(weekly_ranges(forecast.inputs(), asked))


def fan_of(rows: list[list[object]]) -> pd.DataFrame:
    """Return what `forecast.weeks.weekly_ranges` gives as the table of `fan`."""
    found = pd.DataFrame(rows, columns=FAN)
    return found.assign(date=pd.to_datetime(found.date)).astype(dict.fromkeys(FAN[1:], float))


def _running(book: Book, period: Period, as_of: date, users: tuple[str, ...], measure: str) -> pd.Series:
    sales = cumulative(book, period, as_of, users=users, measure=measure).to_pandas()
    return pd.Series(sales.booked.to_numpy(float), index=pd.to_datetime(sales.date)).sort_index()


def _begins(book: Book, as_of: date, measure: str) -> date:
    """The day of the first sale that the book holds; the last of all days without any."""
    known = as_known(book, as_of)
    day = known.keep(("first sale", measure), lambda: _first(known, measure))
    return date.fromisoformat(day) if day else date.max - FIRST_WEEK


def _first(known: Book, measure: str) -> str:
    deals = credited_deals(known)
    days = deals.filter(deals.is_won).close_date if measure == "bookings" else credited_orders(known).ordered_on
    first = days.min().to_pyarrow().as_py()
    return first.isoformat() if first else ""
