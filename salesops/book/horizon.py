"""How far a book reaches: its last date, and the last complete period with data."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.agreed import quotas_in_force
from salesops.book.schema import SCHEMA, Column
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.errors import BookError
from salesops.periods import Period, fiscal_quarter_of, named, parse_date, parse_period

RUNNING = "running"
SHORTEST = 27  # days from the first of a month to its last


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
    """Return the last date on which something happened in the book. Raises BookError if nothing did."""
    days = [day for name in book.names if (day := _last_date(book, name)) is not None]
    if not days:
        raise BookError(f"{book.location} {_undated(book)} Give the date of the report: --as-of 2026-09-30.")
    return max(days)


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
    return named(start, end) if end >= quarter.start else quarter


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
    return named(*min(whole, key=lambda span: (span[1] - span[0], span)))


def facts(book: Book) -> ir.Table:
    """Return the dates on which deals closed or orders came: one column `day` (date), a row each."""
    deals, orders = book.table("opportunities"), book.table("orders")
    closed = deals.filter(deals.is_closed).select(day="close_date")
    ordered = orders.select(day=local_date(orders.ordered_at, book.config.time_zone))
    return ibis.union(closed, ordered)


def happened_days(book: Book, name: str, table: ir.Table) -> list[ir.Value]:
    """Return the days on which something happened: the marked columns of the schema, and the close of closed deals."""
    days = [_day(book, table, column) for column in SCHEMA[name].columns if column.happened]
    if name == "opportunities":
        days.append(table.is_closed.ifelse(table.close_date, ibis.null("date")))
    return days


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


def _last_date(book: Book, name: str) -> date | None:
    if not any(column.happened for column in SCHEMA[name].columns):  # then the table need not be read
        return None
    table = book.table(name)
    days = happened_days(book, name, table)
    last = table.aggregate(**{f"d{n}": day.max() for n, day in enumerate(days)}).to_pyarrow().to_pylist()[0]
    return max((day for day in last.values() if day is not None), default=None)


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
