"""Who is judged, when, and what came of it: clients and accounts at cuts, contracts at their day of action.

A unit's features are what is known on its cut, its label is what came in the days after it. `due` is the last day on
which the label hangs; a label counts only when that has passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from salesops.book.source import Book
from salesops.metrics.contracts import GRACE_DAYS, account_spells, contract_spans
from salesops.models.rhythm import YEAR, purchase_days


def order_units(book: Book, as_of: date, cuts: Sequence[date], *, horizon_days: int) -> ir.Table:
    """Return every client that bought in the year before a cut.

    Parameters
    ----------
    as_of : date
        Last day of which anything is known.
    cuts : sequence of date
        Days on which clients are judged, `as_of` at the latest.
    horizon_days : int
        Days after the cut that are looked at.

    Returns
    -------
    ir.Table
        unit_id (text: account_id and cut), account_id, cut, due (cut + horizon), last_purchase (dates; up to the cut),
        bought (boolean: a purchase in (cut, due]; null where `due` is after `as_of`).
    """
    days = purchase_days(book, as_of)
    purchases = days.filter(days.is_purchase & days.account_id.notnull()).select("account_id", "day")
    both = purchases.cross_join(_dates(cuts)).mutate(due=lambda t: _plus(t.cut, horizon_days))
    sums = both.group_by("account_id", "cut", "due").aggregate(
        last_purchase=both.day.max(where=both.day <= both.cut),
        again=((both.day > both.cut) & (both.day <= both.due)).any(),
    )
    recent = sums.filter(sums.last_purchase > _plus(sums.cut, -YEAR))
    return recent.select(
        "account_id", "cut", "due", "last_purchase",
        unit_id=recent.account_id + " " + recent.cut.cast("string"),
        bought=(recent.due <= as_of).ifelse(recent.again, ibis.null("boolean")),
    )  # fmt: skip  # the keys stand together


def contract_units(book: Book, as_of: date, *, horizon_days: int) -> ir.Table:
    """Return every contract with a term that is up for renewal by the horizon, or was.

    Whether it is renewed is as `metrics.contracts` decides. Amount and notice have no history, and are taken as they
    stand: they are part of what was signed.

    Parameters
    ----------
    horizon_days : int
        Contracts whose day of action lies up to so many days after `as_of` are in.

    Returns
    -------
    ir.Table
        unit_id (the contract_id), contract_id, account_id, owner_id, start_date, end_date, action_date (end_date −
        notice), annual_amount (money), others_run (boolean: another contract of the client runs on at its end), cut
        (the day of action, at most `as_of`), due (end_date + grace), renewed, churned (booleans; churned is null where
        `due` is after `as_of`).
    """
    spans = contract_spans(book, as_of)
    units = spans.filter(spans.term & spans.start_date.notnull())
    units = units.filter(units.action_date <= as_of + timedelta(days=horizon_days))
    return units.select(
        "contract_id", "account_id", "owner_id", "start_date", "end_date", "action_date", "others_run", "due",
        "renewed",
        unit_id="contract_id",
        annual_amount="value",
        cut=ibis.least(units.action_date, ibis.literal(as_of)),
        churned=(units.due <= as_of).ifelse(~units.renewed, ibis.null("boolean")),
    )  # fmt: skip  # the keys stand together


def account_units(book: Book, as_of: date, cuts: Sequence[date], *, horizon_days: int) -> ir.Table:
    """Return every account whose running contracts have no term, at each cut: does the last one end in the horizon?

    An account whose last contract is known at the cut to end is no unit.

    Parameters
    ----------
    cuts : sequence of date
        Days on which accounts are judged, `as_of` at the latest.
    horizon_days : int
        The label: the last contract ends in (cut, cut + horizon], and nothing follows within the grace.

    Returns
    -------
    ir.Table
        unit_id (text: account_id and cut), account_id, owner_id (of the contract that began last), start_date (of the
        running stretch), annual_amount (money, of the contracts that run at the cut), cut, due (cut + horizon +
        grace), churned (boolean; null where `due` is after `as_of`).
    """
    spans = contract_spans(book, as_of)
    both = spans.cross_join(_dates(cuts))
    # a gap that a later contract bridges is a gap at the cut
    runs = both.filter(
        (both.start_date <= both.cut)
        & (both.until.isnull() | (both.until > both.cut))
        & (both.end_date.isnull() | (both.end_date > both.cut))
    )
    open_ = runs.until.isnull() | (runs.known_on > runs.cut).fill_null(True)
    at = runs.group_by("account_id", "cut").aggregate(
        owner_id=runs.owner_id.last(order_by=[runs.start_date, runs.contract_id], where=runs.owner_id.notnull()),
        annual_amount=runs.value.sum(), _term=runs.term.any(), _open=open_.any(),
    )  # fmt: skip  # two lines read better than four
    at = at.filter(~at._term & at._open)
    spells = account_spells(book, as_of).select(_account="account_id", start_date="started", _ended="ended")
    joined = at.inner_join(
        spells,
        [
            at.account_id == spells._account,
            spells.start_date <= at.cut,
            spells._ended.isnull() | (spells._ended > at.cut),
        ],
    )
    last = _plus(joined.cut, horizon_days)
    due = _plus(last, GRACE_DAYS)
    ended = (joined._ended <= last).fill_null(False)
    return joined.select(
        "account_id", "owner_id", "start_date", "annual_amount", "cut",
        unit_id=joined.account_id + " " + joined.cut.cast("string"),
        due=due,
        churned=(due <= as_of).ifelse(ended, ibis.null("boolean")),
    )  # fmt: skip  # the keys stand together


def _dates(days: Sequence[date]) -> ir.Table:
    return ibis.memtable({"cut": list(days)}, schema={"cut": "date"})


def _plus(day: ir.Value, days: int) -> ir.Value:
    return (day + ibis.interval(days=days)).cast("date")
