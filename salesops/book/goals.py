"""Quotas as they count for a period: prorated by days, allowing for ramp, in the book's currency."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from salesops.book.agreed import quotas_in_force
from salesops.book.money import in_book_currency
from salesops.book.source import Book
from salesops.periods import Period


def goals(book: Book, period: Period) -> ir.Table:
    """Return the quota of each person and measure for a period.

    Of several versions of a quota the one in force counts. A quota whose own period overlaps this one in part
    counts by its share of days. Where book.toml gives a ramp and `ramp_applied` is not set, the quota is
    multiplied by the mean ramp factor of those days. A rollup is never ramped: it sums quotas that already are.
    The rate of another currency is that of the quota's first day.

    Returns
    -------
    ir.Table
        user_id, measure, is_rollup (boolean), quota (money; null where every quota is in a currency without
        a rate), prorated (boolean: some quota counted in part), ramped (boolean), quotas_left_out (how many
        could not be converted).
    """
    return book.keep(("goals", period), lambda: _goals(book, period))


def _goals(book: Book, period: Period) -> ir.Table:
    quotas = quotas_in_force(book)
    first, last = ibis.literal(period.start), ibis.literal(period.end)
    rows = quotas.filter((quotas.period_start <= last) & (quotas.period_end >= first))
    users = book.table("users").select(_user="user_id", _hired="hire_date")
    rows = rows.left_join(users, rows.owner_id == users._user).mutate(
        _from=ibis.greatest(rows.period_start, first), _to=ibis.least(rows.period_end, last)
    )
    rolled = rows.is_rollup.fill_null(False)
    ramps = ~rows.ramp_applied.fill_null(False) & ~rolled
    share = _days(rows._from, rows._to) / _days(rows.period_start, rows.period_end)
    factor = ramps.ifelse(_ramp_factor(rows, book.config.ramp), 1.0)
    rows = rows.mutate(_share=share, _factor=factor, is_rollup=rolled)
    priced = in_book_currency(book, rows, "quota_amount", rows.period_start)
    return priced.group_by(user_id="owner_id", measure="measure", is_rollup="is_rollup").aggregate(
        quota=(priced.value * priced._share * priced._factor).sum(),
        prorated=(priced._share < 1).any(),
        ramped=(priced._factor < 1).any(),
        quotas_left_out=priced.no_rate.sum(),
    )


def _days(first: ir.Value, last: ir.Value) -> ir.Value:
    return last.delta(first, unit="day") + 1


def _ramp_factor(rows: ir.Table, ramp: tuple[float, ...]) -> ir.Value:
    """Mean factor over the days _from.._to: month k of tenure has ramp[k], later months have 1.

    Days before the hire count as the first month.
    """
    if not ramp:
        return ibis.literal(1.0)
    days = _days(rows._from, rows._to)
    missing = ibis.literal(0.0)
    for month, factor in enumerate(ramp):
        begins = rows._from if month == 0 else ibis.greatest(rows._from, _after_months(rows._hired, month))
        ends = ibis.least(rows._to, _after_months(rows._hired, month + 1) - ibis.interval(days=1))
        missing = missing + (1 - factor) * ibis.greatest(_days(begins, ends), 0)
    return rows._hired.isnull().ifelse(1.0, 1 - missing / days)


def _after_months(day: ir.Value, months: int) -> ir.Value:
    return (day + ibis.interval(months=months)).cast("date")
