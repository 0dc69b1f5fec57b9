"""Whether a source still speaks: how long ago anything happened, against its own longest pause."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd

from salesops.book.credits import credited_orders
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import Period

SILENT = 45  # days, half a quarter; a shorter silence is never taken for the end
FEWEST_DAYS = 5
LOOK_BACK = 730


def last_heard(days: pd.Series, as_of: date) -> date | None:
    """Return the last day on which anything happened, if the silence since tells that the source ends there.

    It does if it is longer than SILENT days and than twice the longest pause of the LOOK_BACK days before it. A
    date on which a report looks may lie far behind the end of one of its sources: another table goes on.

    Parameters
    ----------
    days : pandas.Series
        Days on which something happened, in any order; what is missing or lies after `as_of` does not count.

    Returns
    -------
    date or None
        None where the source goes on, and where it has fewer than FEWEST_DAYS days to know its pauses by.
    """
    known = pd.to_datetime(days).dropna()
    known = known[known <= pd.Timestamp(as_of)].drop_duplicates().sort_values()
    if known.empty:
        return None
    last = known.iloc[-1]
    known = known[known >= last - pd.Timedelta(days=LOOK_BACK)]
    silent = (pd.Timestamp(as_of) - last).days
    if len(known) < FEWEST_DAYS or silent <= max(SILENT, 2 * known.diff().max().days):
        return None
    found: date = last.date()
    return found


def source_end(book: Book, measure: str, as_of: date) -> date | None:
    """Return the last day of which a book's deals (bookings) or orders tell anything, if they end long before `as_of`.

    Deals speak when they are created or closed; house sales do not speak for the reps' orders.
    """
    known = as_known(book, as_of)
    end = known.keep(("source end", measure), lambda: _iso(_source_end(known, measure, as_of)))
    return date.fromisoformat(end) if end else None


def ended_within(book: Book, measure: str, period: Period, as_of: date) -> date | None:
    """Return `source_end` where the source ends before what the period counts does, so that a report must say it."""
    end = source_end(book, measure, as_of)
    return end if end is not None and end < period.cut(as_of) else None


def _source_end(known: Book, measure: str, as_of: date) -> date | None:
    if measure == "bookings":
        deals = known.table("opportunities")
        closed = deals.filter(deals.is_closed).select(day="close_date")
        days = ibis.union(deals.select(day="created_date"), closed)
    else:
        orders = credited_orders(known)
        days = orders.filter(orders.user_id.notnull()).select(day="ordered_on")
    return last_heard(days.distinct().to_pandas().day, as_of)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
