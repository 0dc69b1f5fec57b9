"""Who gets which share of a deal or an order, in the book's currency."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.money import in_book_currency, net_amount
from salesops.book.snapshot import open_known
from salesops.book.source import Book
from salesops.book.values import local_date


def credited_deals(book: Book) -> ir.Table:
    """Return one row for each deal and credited user.

    Returns
    -------
    ir.Table
        Every column of opportunities, and: user_id (who is credited; the owner where no credits are given),
        share (fraction; the shares of a deal sum to 1), value (whole amount in the book's currency, null
        without amount or rate), no_rate (boolean), credited (share × value).
    """
    return book.keep("credited deals", lambda: _deals(book))


def credited_open(book: Book, days: tuple[date, ...]) -> ir.Table:
    """Return one row for each of some days, deal open on it, and credited user: known_on and `credited_deals`."""
    deals = open_known(book, days)
    due = ibis.coalesce(deals.close_date, ibis.literal(date.max))
    priced = in_book_currency(book, deals, "amount", ibis.least(due, deals.known_on))
    return _credited(book, priced, "opportunity_id")


def credited_orders(book: Book) -> ir.Table:
    """Return one row for each order and credited user; an order without owner or credits has a null user_id.

    Returns
    -------
    ir.Table
        order_id, account_id, opportunity_id, owner_id, ordered_on (date in the book's time zone), user_id,
        share, amount (net, in the order's currency), value (in the book's currency), no_rate, credited
        (share × value).
    """
    return book.keep("credited orders", lambda: _orders(book))


def _deals(book: Book) -> ir.Table:
    deals = book.table("opportunities")
    # the future has the latest rate known: a snapshot holds no later one
    priced = in_book_currency(book, deals, "amount", ibis.coalesce(deals.close_date, ibis.literal(date.max)))
    return _credited(book, priced, "opportunity_id")


def _orders(book: Book) -> ir.Table:
    lines, orders = book.table("order_lines"), book.table("orders")
    amounts = lines.group_by(_order="order_id").aggregate(amount=net_amount(lines).sum())
    joined = orders.left_join(amounts, orders.order_id == amounts._order).select(
        "order_id",
        "account_id",
        "opportunity_id",
        "owner_id",
        "currency",
        "amount",
        ordered_on=local_date(orders.ordered_at, book.config.time_zone),
    )
    priced = in_book_currency(book, joined, "amount", joined.ordered_on)
    return _credited(book, priced, "order_id")


def _credited(book: Book, rows: ir.Table, key: str) -> ir.Table:
    credits = book.table("credits")
    given = credits.filter(credits[key].notnull()).select(_key=credits[key], _user="user_id", _share="share")
    joined = rows.left_join(given, rows[key] == given._key)
    share = joined._share.fill_null(1.0)
    return joined.mutate(
        user_id=ibis.coalesce(joined._user, joined.owner_id), share=share, credited=share * joined.value
    ).drop("_key", "_user", "_share")
