"""What each account bought: by day, and by product family. Net of returns, in the book's currency.

In a book without order lines a won deal with an amount is a sale.
"""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir

from salesops.book.money import in_book_currency
from salesops.book.snapshot import as_known
from salesops.book.sold import sold_lines
from salesops.book.source import Book


def daily_sales(book: Book, as_of: date) -> ir.Table:
    """Return one row for each account, day and currency with a sale or return, up to `as_of`.

    `metrics.purchases.by_day` turns them into purchase days.

    Returns
    -------
    ir.Table
        account_id, day (date, in the book's time zone), value (money in the book's currency, negative for
        returns; null without a rate), units (negative for returns), no_rate (order lines without a rate), by_deal
        (boolean: all that was sold came from deals).
    """
    known = as_known(book, as_of)
    sold = _sold(known)
    sums = sold.group_by("account_id", "day", "currency").aggregate(
        net=sold.net.sum(), units=sold.units.sum(), lines=sold.count(), by_deal=sold.by_deal.all()
    )
    priced = in_book_currency(known, sums, "net", sums.day)
    no_rate = priced.no_rate.ifelse(priced.lines, 0)
    return priced.select("account_id", "day", "value", "units", "by_deal", no_rate=no_rate)


def family_sales(book: Book, as_of: date) -> ir.Table:
    """Return what each account bought of each product family, up to `as_of`.

    Returns
    -------
    ir.Table
        account_id; family (null for products that `products` does not know); value (money, net of returns),
        units (net of returns), last_day (date of the last line with a quantity above 0; null if none).
    """
    known = as_known(book, as_of)
    sold = _sold(known)
    families = known.table("products").select("product_id", "family")
    named = sold.select("account_id", "day", "currency", "product_id", "units", "net")
    named = named.left_join(families, "product_id").drop("product_id_right")
    # by day before any rate is looked up: lines are many, days are few
    days = named.group_by("account_id", "family", "day", "currency").aggregate(
        net=named.net.sum(), units=named.units.sum(), bought=(named.units > 0).any()
    )
    priced = in_book_currency(known, days, "net", days.day)
    return priced.group_by("account_id", "family").aggregate(
        value=priced.value.sum(), units=priced.units.sum(), last_day=priced.day.max(where=priced.bought)
    )


def _sold(known: Book) -> ir.Table:
    """Return every line that was sold to a known account on a known day."""
    sold = sold_lines(known)
    return sold.filter(sold.day.notnull() & sold.account_id.notnull())
