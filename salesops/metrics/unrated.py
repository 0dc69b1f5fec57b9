"""Money that is in no total: sales in a currency without a rate."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.credits import credited_deals, credited_orders
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import Period


def unrated(
    book: Book, period: Period, as_of: date, *, measure: str, users: Collection[str], due: bool = False
) -> ir.Table:
    """Return the sales of a period that no actual holds, since no rate is known for their currency on their day.

    Amount is Σ share × amount of won deals by close date (measure bookings), or of orders by order date (measure
    orders), dated in the period and not after `as_of`.

    Parameters
    ----------
    users : collection of str
        Whose sales.
    due : bool
        Also open deals due in the period, which a forecast leaves out.

    Returns
    -------
    ir.Table
        currency (ISO code), amount (money in that currency), deals (credited count of deals or orders); the currency
        with most of them first.
    """
    known = as_known(book, as_of)
    if measure == "orders":
        rows = credited_orders(known).mutate(day=ibis._.ordered_on, open=False)
    else:
        deals = credited_deals(known)
        rows = deals.filter(deals.is_won | ~deals.is_closed).mutate(day=deals.close_date, open=~deals.is_closed)
    dated = rows.day.between(period.start, period.cut(as_of)) & ~rows.open
    if due:
        dated |= rows.open & rows.day.between(period.start, period.end)
    left = rows.filter(dated & rows.no_rate & rows.user_id.isin(list(users)))
    sums = left.group_by("currency").aggregate(amount=(left.share * left.amount).sum(), deals=left.share.sum())
    return sums.order_by(ibis.desc("deals"), "currency")
