"""How far a book reaches: its last date, and the last complete period with data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from itertools import pairwise

import ibis
import ibis.expr.types as ir

from salesops.book.agreed import quotas_in_force
from salesops.book.schema import SCHEMA, Column
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.book.void import counted
from salesops.errors import BookError
from salesops.periods import Period, fiscal_quarter_of, named, parse_date, parse_period

RUNNING = "running"
SHORTEST = 27  # days from the first of a month to its last
GAP = 92  # days, the longest quarter
FEW = 1000
_ANSWERING = ("activities", "deliveries", "survey_responses")


def resolve(book: Book, period: str = "", as_of: str = "") -> tuple[Period, date]:
    """Read the period and the as-of date of a report; "" means the defaults.

    Returns
    -------
    (Period, date)
        Default as-of: `default_as_of`. Default period: `default_period` at that date. The period "running" is
        `running_period`.
    """
    day = parse_date(as_of) if as_of else default_as_of(book)
    if period == RUNNING:
        return running_period(book, day), day
    if period:
        return parse_period(period, book.config.fiscal_year_start), day
    return default_period(book, day), day


def default_as_of(book: Book) -> date:
    """Return the last day on which a deal closed or an order came, leaving out what is dated far ahead of the rest.

    Without either it is the last day of an activity, a delivery or an answer; without these the last day on which
    anything at all was entered. Plans, and calls or deliveries dated ahead, do not move it.

    Raises
    ------
    BookError
        If nothing in the book has a date.
    """
    for days in (fact_days(book), _pooled(book, _ANSWERING), _pooled(book, book.names)):
        if days:
            return last_before_far(days) or max(days)
    raise BookError(f"{book.location} {_undated(book)} Give the date of the report with --as-of.")


def last_day(book: Book) -> date | None:
    """Return the last day on which anything happened or was entered, without what is dated far ahead of the rest."""
    days = _pooled(book, book.names)
    return last_before_far(days) or max(days, default=None)


def last_before_far(rows: Counter[date]) -> date | None:
    """Return the last day before rows that are dated far ahead of the rest; None if there are none.

    They come after a gap of more than GAP days that is longer than any before it, and are at most one row in FEW, or
    a single one.

    Parameters
    ----------
    rows : Counter
        How many rows fall on each day.
    """
    days, after, longest = sorted(rows), rows.total(), 0
    for earlier, later in pairwise(days):
        after -= rows[earlier]
        gap = (later - earlier).days
        if gap > max(GAP, longest) and after <= max(1, rows.total() // FEW):
            return earlier
        longest = max(longest, gap)
    return None


def rows_by_day(days: ir.Table) -> Counter[date]:
    """Return how many rows of a table fall on each `day`; those without one are left out."""
    known = days.filter(days.day.notnull())
    counts = known.group_by("day").aggregate(rows=known.count())
    return Counter({row["day"]: row["rows"] for row in counts.to_pyarrow().to_pylist()})


def fact_days(book: Book) -> Counter[date]:
    """Return how many deals closed and orders came on each day."""
    return rows_by_day(facts(book))


def is_last_day(book: Book, as_of: date) -> bool:
    """Tell whether a book knows nothing of what came after a day: then what it holds of later days stood there on it.

    A book of contracts alone has no date on which something happened, and is taken to end on the day of the report.
    """
    with suppress(BookError):
        return as_of >= default_as_of(book)
    return True


def default_period(book: Book, as_of: date) -> Period:
    """Return the last complete period with data: a quota period, or the quarter if it began later.

    A period is complete if it ended on or before `as_of`, and has data if a deal closed or an order came
    in it. If no period is complete, the quarter that holds `as_of` is returned.
    """
    first_month = book.config.fiscal_year_start
    current = fiscal_quarter_of(as_of, first_month)
    until = as_of if current.end == as_of else date.fromordinal(current.start.toordinal() - 1)
    last = _last_fact(book, date.min, until)
    quarter = fiscal_quarter_of(last, first_month) if last else current
    spans = (span for span in _quota_periods(book, as_of) if _last_fact(book, *span))
    start, end = next(spans, (quarter.start, date.min))
    return named(start, end, first_month) if end >= quarter.start else quarter


def running_period(book: Book, as_of: date) -> Period:
    """Return the period to look ahead in: the quota period that holds the day after `as_of`, else the quarter.

    Of several quota periods the shortest of a month or longer is taken, so that a quarter goes before its year.
    """
    day = date.fromordinal(as_of.toordinal() + 1)
    quotas = quotas_in_force(book)
    spans = quotas.filter((quotas.period_start <= day) & (quotas.period_end >= day))
    rows = spans.select("period_start", "period_end").distinct().to_pyarrow().to_pylist()
    found = [(row["period_start"], row["period_end"]) for row in rows]
    whole = [span for span in found if (span[1] - span[0]).days >= SHORTEST]
    quarter = fiscal_quarter_of(day, book.config.fiscal_year_start)
    if not whole or (quarter.start, quarter.end) in whole:
        return quarter
    return named(*min(whole, key=lambda span: (span[1] - span[0], span)), book.config.fiscal_year_start)


def facts(book: Book) -> ir.Table:
    """Return the dates on which deals closed or orders came: one column `day` (date), a row each."""
    return ibis.union(fact_rows(book, "opportunities"), fact_rows(book, "orders")).select("day")


def fact_rows(book: Book, name: str) -> ir.Table:
    """Return the closed deals (opportunities), or the orders, that count: key, and day (date)."""
    if name == "opportunities":
        deals = book.table(name)
        closed = deals.filter(deals.is_closed & ~deals.is_deleted.fill_null(False))
        return closed.select(key="opportunity_id", day="close_date")
    orders = counted(book, name)
    return orders.select(key="order_id", day=local_date(orders.ordered_at, book.config.time_zone))


def dated(book: Book, name: str) -> ir.Table:
    """Return the rows of a table by the last of the days on which they happened: key, and day (date).

    That is the latest of the columns that the schema marks, and of a closed deal the day on which it closed.
    """
    table = book.table(name)
    days = [_day(book, table, column) for column in SCHEMA[name].columns if column.happened]
    if name == "opportunities":
        days.append(table.is_closed.ifelse(table.close_date, ibis.null("date")))
    day = ibis.greatest(*days) if len(days) > 1 else days[0] if days else ibis.null("date")
    return table.select(key=table[SCHEMA[name].key[0]], day=day)


def _undated(book: Book) -> str:
    """Say why there is no last date: contracts have dates, but one may be agreed long before it starts."""
    contracts = book.table("contracts")
    last = contracts.start_date.max().to_pyarrow().as_py() if book.has("contracts") else None
    if last is None:
        return "holds no dated row."
    return (
        f"holds no date on which something happened: the last of its contracts starts on {last}, but contracts are "
        "agreed before they start, so that this may lie ahead of what the book knows."
    )


def _pooled(book: Book, names: Iterable[str]) -> Counter[date]:
    return sum((rows_by_day(dated(book, name)) for name in names if _has_days(name)), Counter())


def _has_days(name: str) -> bool:
    return any(column.happened for column in SCHEMA[name].columns)  # else the table need not be read


def _day(book: Book, table: ir.Table, column: Column) -> ir.Value:
    value = table[column.name]
    return local_date(value, book.config.time_zone) if column.type == "instant" else value


def _quota_periods(book: Book, as_of: date) -> list[tuple[date, date]]:
    quotas = quotas_in_force(book)
    spans = quotas.filter(quotas.period_end <= as_of).select("period_start", "period_end").distinct()
    rows = spans.to_pyarrow().to_pylist()
    return sorted(
        ((row["period_start"], row["period_end"]) for row in rows), key=lambda s: (s[1], s[1] - s[0]), reverse=True
    )


def _last_fact(book: Book, start: date, end: date) -> date | None:
    happened = facts(book)
    day = happened.filter(happened.day.between(start, end)).day.max().to_pyarrow().as_py()
    return day if isinstance(day, date) else None
