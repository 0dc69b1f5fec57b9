"""Quotas as they count for a period: spread over days, allowing for ramp, in the book's currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.book.agreed import quotas_in_force
from salesops.book.money import in_book_currency
from salesops.book.source import Book
from salesops.periods import Period

Row = dict[str, Any]

_NOTHING = 0.005  # half a cent

_SPANS = {
    "owner_id": "string", "measure": "string", "is_rollup": "boolean", "period_start": "date", "period_end": "date",
    "amount": "float64", "since": "date", "until": "date", "ramps": "boolean", "is_rest": "boolean",
}  # fmt: skip  # reads as a table


def goals(book: Book, period: Period) -> ir.Table:
    """Return the quota of each person and measure for a period.

    Of several versions of a quota the one in force counts. Of quotas of one person and measure that overlap, the
    shorter goes before in its days; what is left of the longer one's money, never below 0, covers its other days
    evenly (`spread`). A quota whose own period overlaps this one in part counts by its share of days. Where book.toml
    gives a ramp and `ramp_applied` is not set, the quota is multiplied by the mean ramp factor of those days. A
    rollup is never ramped: it sums quotas that already are. The rate of another currency is that of the quota's
    first day.

    Returns
    -------
    ir.Table
        user_id, measure, is_rollup (boolean), quota (money; null where every quota is in a currency without
        a rate), prorated (boolean: some quota counted in part), is_rest (boolean: some of it is what a shorter quota
        left of a longer one), ramped (boolean), quotas_left_out (how many could not be converted).
    """
    return book.keep(("goals", period), lambda: _goals(book, period))


def spread(quotas: Sequence[Row]) -> Iterator[Row]:
    """Return the spans of days over which the quotas of one person and measure spread their money evenly.

    The shortest quota takes its days first, and of two as long the one that begins later. A longer one has what the
    shorter ones leave of its amount, and never less than 0, for the days that they leave. So the goal of its whole
    period stays what was agreed.

    Parameters
    ----------
    quotas : sequence of dict
        By period_start. Each with period_start, period_end, since, until (days), amount (money) and is_rest.

    Yields
    ------
    dict
        A quota with since and until of a run of its days, their amount, and is_rest: whether others have some of
        its days. Without a day of its own it comes once, with since and until None and the amount that is left.
    """
    if all(before["period_end"] < after["period_start"] for before, after in pairwise(quotas)):
        yield from quotas
        return
    taken: dict[date, float] = {}
    for quota in sorted(quotas, key=lambda row: (_length(row), -row["period_start"].toordinal())):
        length = _length(quota)
        every = [quota["period_start"] + timedelta(days=n) for n in range(length)]
        free = [day for day in every if day not in taken]
        left = max(0.0, quota["amount"] - sum(taken[day] for day in every if day in taken))
        if not free and left > _NOTHING:
            yield quota | {"since": None, "until": None, "amount": left, "is_rest": True}
        a_day = left / len(free) if free else 0.0
        taken |= dict.fromkeys(free, a_day)
        for since, until in _runs(free):
            amount = a_day * ((until - since).days + 1)
            yield quota | {"since": since, "until": until, "amount": amount, "is_rest": len(free) < length}


def unplaced_quotas(book: Book) -> list[Row]:
    """Return the quotas whose days all have shorter quotas that do not add up to it, with the amount that is left."""
    return [span for span in _spans(book) if span["since"] is None]


def _goals(book: Book, period: Period) -> ir.Table:
    spans = ibis.memtable(_spans(book), schema=_SPANS)
    rows = spans.filter((spans.since <= period.end) & (spans.until >= period.start))
    users = book.table("users").select(_user="user_id", _hired="hire_date")
    rows = rows.left_join(users, rows.owner_id == users._user).mutate(
        _from=ibis.greatest(rows.since, ibis.literal(period.start)),
        _to=ibis.least(rows.until, ibis.literal(period.end)),
    )
    rows = rows.mutate(
        _share=_days(rows._from, rows._to) / _days(rows.since, rows.until),
        _factor=rows.ramps.ifelse(_ramp_factor(rows, book.config.ramp), 1.0),
        _partly=(rows.period_start < period.start) | (rows.period_end > period.end),
    )
    return rows.group_by(user_id="owner_id", measure="measure", is_rollup="is_rollup").aggregate(
        quota=(rows.amount * rows._share * rows._factor).sum(),
        prorated=(rows._partly & rows.amount.notnull()).any(),
        is_rest=rows.is_rest.any(),
        ramped=(rows._factor < 1).any(),
        quotas_left_out=rows.amount.isnull().sum(),
    )


def _spans(book: Book) -> list[Row]:
    """Return the spans of days of all quotas in force; a quota without a rate is one span without an amount."""
    quotas = quotas_in_force(book)
    priced = in_book_currency(book, quotas, "quota_amount", quotas.period_start)
    rows = priced.select(
        "owner_id", "measure", "is_rollup", "period_start", "period_end", amount="value", since="period_start",
        until="period_end", ramps=~priced.ramp_applied.fill_null(False) & ~priced.is_rollup, is_rest=False,
    ).order_by("owner_id", "measure", "is_rollup", "period_start", "period_end")  # fmt: skip  # a list of names
    found, known = [], defaultdict(list)
    for row in rows.to_pyarrow().to_pylist():
        if row["amount"] is None:
            found.append(row)
        else:
            known[row["owner_id"], row["measure"], row["is_rollup"]].append(row)
    return [*found, *(span for quotas_of_one in known.values() for span in spread(quotas_of_one))]


def _length(quota: Row) -> int:
    return int((quota["period_end"] - quota["period_start"]).days) + 1


def _runs(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Return the first and last day of each run of days without a gap."""
    first: date | None = None
    for nth, day in enumerate(days, 1):
        first = first or day
        if nth == len(days) or (days[nth] - day).days > 1:
            yield first, day
            first = None


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
