"""Who is judged, when, and what came of it: clients at cuts, and contracts at their day of action.

A unit is a client (or contract) at a cut: its features are what is known on the cut, its label is what came in the
days after it. `due` is the last of these days; a label counts only when it has passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from salesops.book.horizon import default_as_of
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.metrics.account_sales import daily_sales
from salesops.metrics.purchases import by_day

GRACE_DAYS = 30


def sales_days(book: Book, as_of: date) -> ir.Table:
    """Return account_id, day, value and is_purchase of each client and day up to `as_of`; computed once."""
    return as_known(book, as_of).keep(("churn days", as_of), lambda: by_day(daily_sales(book, as_of)))


def order_units(book: Book, as_of: date, cuts: Sequence[date], *, horizon_days: int, window_days: int) -> ir.Table:
    """Return every client that bought in the window before a cut.

    Parameters
    ----------
    as_of : date
        Last day of which anything is known.
    cuts : sequence of date
        Days on which clients are judged, `as_of` at the latest.
    horizon_days : int
        The label: no purchase in (cut, cut + horizon].
    window_days : int
        A client counts if its last purchase lies in (cut − window, cut].

    Returns
    -------
    ir.Table
        unit_id (text: account_id and cut), account_id, cut, due (dates), churned (boolean; null where `due` is after
        `as_of`).
    """
    days = sales_days(book, as_of)
    bought = days.filter(days.is_purchase).select("account_id", "day")
    both = bought.cross_join(_dates(cuts)).mutate(due=lambda t: _plus(t.cut, horizon_days))
    sums = both.group_by("account_id", "cut", "due").aggregate(
        last=both.day.max(where=both.day <= both.cut),
        again=((both.day > both.cut) & (both.day <= both.due)).any(),
    )
    recent = sums.filter(sums.last > _plus(sums.cut, -window_days))
    return recent.select(
        "account_id", "cut", "due",
        unit_id=recent.account_id + " " + recent.cut.cast("string"),
        churned=(recent.due <= as_of).ifelse(~recent.again, ibis.null("boolean")),
    )  # fmt: skip  # the keys stand together


def contract_units(book: Book, as_of: date, *, horizon_days: int, grace_days: int = GRACE_DAYS) -> ir.Table:
    """Return every contract that is up for renewal by the horizon, or was.

    A contract is renewed if another contract of the client, begun after it and ending after it, starts no later
    than `grace_days` after its end. What the book says today of its status or successor is not used: it is not
    known on the day of action. Amount and notice have no history either, and are taken as they stand: they are part
    of what was signed. Nor has a contract a day of signing: one that begins later counts as signed on the last day
    of the book, when it stands there, and as not yet known on any day before.

    Parameters
    ----------
    horizon_days : int
        Contracts whose day of action lies up to so many days after `as_of` are in.

    Returns
    -------
    ir.Table
        unit_id (the contract_id), contract_id, account_id, start_date, end_date, action_date (end_date −
        notice_days; without notice the end_date), annual_amount (money, in the currency of the contract), cut (the
        day of action, at most `as_of`), due (end_date + grace), churned (boolean: not renewed; null where `due` is
        after `as_of`).
    """
    contracts = as_known(book, as_of).table("contracts")
    signed = contracts.filter(
        contracts.contract_id.notnull() & (contracts.start_date <= as_of) & (contracts.end_date >= contracts.start_date)
    )
    notice = signed.notice_days.fill_null(0).round().cast("int64").clip(lower=0)
    units = signed.select(
        "contract_id", "account_id", "start_date", "end_date", "annual_amount", "currency",
        unit_id="contract_id",
        action_date=ibis.greatest(_back(signed.end_date, notice), signed.start_date),
        due=_plus(signed.end_date, grace_days),
    )  # fmt: skip  # the keys stand together
    units = units.filter(units.action_date <= as_of + timedelta(days=horizon_days))
    followers = contracts.filter(contracts.end_date >= contracts.start_date) if _is_last_day(book, as_of) else signed
    others = followers.select(_account="account_id", _start="start_date", _end="end_date")
    next_ones = units.inner_join(
        others,
        [
            units.account_id == others._account,
            others._start > units.start_date,
            others._start <= units.due,
            others._end > units.end_date,
        ],
    ).select("unit_id")
    renewed = units.unit_id.isin(next_ones.unit_id)
    return units.mutate(
        cut=ibis.least(units.action_date, ibis.literal(as_of)),
        churned=(units.due <= as_of).ifelse(~renewed, ibis.null("boolean")),
        renewed=renewed,
    )


def _is_last_day(book: Book, as_of: date) -> bool:
    with suppress(BookError):  # a book of contracts alone has no day on which something happened
        return as_of >= default_as_of(book)
    return True


def _dates(days: Sequence[date]) -> ir.Table:
    return ibis.memtable({"cut": list(days)}, schema={"cut": "date"})


def _plus(day: ir.Value, days: int) -> ir.Value:
    return (day + ibis.interval(days=days)).cast("date")


def _back(day: ir.Value, days: ir.Value) -> ir.Value:
    return (day - days.as_interval("D")).cast("date")
