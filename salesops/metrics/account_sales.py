"""What each account bought: by day, and by product family. Net of returns, in the book's currency."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir

from salesops.book.money import in_book_currency, net_amount
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date


def daily_sales(book: Book, as_of: date) -> ir.Table:
    """Return one row for each account, day and currency with an order line, up to `as_of`.

    `metrics.purchases.by_day` turns them into purchase days.

    Returns
    -------
    ir.Table
        account_id, day (date, in the book's time zone), value (money in the book's currency, negative for
        returns; null without a rate), units (negative for returns), no_rate (order lines without a rate).
    """
    known = as_known(book, as_of)
    sold = _sold(known)
    sums = sold.group_by("account_id", "day", "currency").aggregate(
        net=sold.net.sum(), units=sold.units.sum(), lines=sold.count()
    )
    priced = in_book_currency(known, sums, "net", sums.day)
    return priced.select("account_id", "day", "value", "units", no_rate=priced.no_rate.ifelse(priced.lines, 0))


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
    named = sold.left_join(families, "product_id").drop("product_id_right")
    # by day before any rate is looked up: lines are many, days are few
    days = named.group_by("account_id", "family", "day", "currency").aggregate(
        net=named.net.sum(), units=named.units.sum(), bought=(named.units > 0).any()
    )
    priced = in_book_currency(known, days, "net", days.day)
    return priced.group_by("account_id", "family").aggregate(
        value=priced.value.sum(), units=priced.units.sum(), last_day=priced.day.max(where=priced.bought)
    )


def _sold(known: Book) -> ir.Table:
    """Return every order line of a known account and day, with its net amount in its own currency."""
    lines, orders = known.table("order_lines"), known.table("orders")
    when = orders.select(
        "order_id", "account_id", "currency", day=local_date(orders.ordered_at, known.config.time_zone)
    )
    joined = lines.inner_join(when.filter(when.day.notnull() & when.account_id.notnull()), "order_id")
    return joined.select("account_id", "day", "currency", "product_id", units="quantity", net=net_amount(joined))
