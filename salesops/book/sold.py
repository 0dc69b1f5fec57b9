"""What was sold to whom and when: order lines; in a book without them, won deals with an amount."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.money import net_amount
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date


def sales(known: Book) -> ir.Table:
    """Return one row for each order, or for each won deal with an amount above 0 where the book has no order lines.

    Returns
    -------
    ir.Table
        sale_id, account_id (null: nobody), owner_id (null: a house sale), currency, at (instant of the order; date of
        the deal's close), day (date in the book's time zone; null without one), by_deal (boolean: it is a deal, or
        the order names one).
    """
    if not known.has("order_lines"):
        won = won_deals(known)
        return won.select(
            "account_id", "owner_id", "currency", sale_id="opportunity_id", at="close_date", day="close_date",
            by_deal=ibis.literal(True),
        )  # fmt: skip  # as it is, then what it becomes
    orders = known.table("orders")
    return orders.select(
        "account_id", "owner_id", "currency", sale_id="order_id", at="ordered_at",
        day=local_date(orders.ordered_at, known.config.time_zone), by_deal=orders.opportunity_id.notnull(),
    )  # fmt: skip  # as it is, then what it becomes


def sold_lines(known: Book) -> ir.Table:
    """Return every line of `sales`: its columns, product_id, units (negative for returns), net (own currency)."""
    heads = sales(known)
    if not known.has("order_lines"):
        amounts = won_deals(known).select(sale_id="opportunity_id", product_id="product_id", net="amount")
        return heads.inner_join(amounts, "sale_id").mutate(units=ibis.literal(1.0))
    lines = known.table("order_lines")
    sold = lines.select(_order="order_id", product_id="product_id", units="quantity", net=net_amount(lines))
    return sold.inner_join(heads, sold._order == heads.sale_id).drop("_order")


def won_deals(known: Book) -> ir.Table:
    """Return the won deals with an amount above 0: every column of opportunities."""
    deals = known.table("opportunities")
    return deals.filter(deals.is_closed & deals.is_won & (deals.amount > 0))


def clients(book: Book, as_of: date) -> list[tuple[str, str]]:
    """Return (account_id, account_name) of every client on a day, by name; the id where accounts does not know it."""
    known = as_known(book, as_of)
    ids, accounts = client_ids(known, as_of), known.table("accounts").select("account_id", "account_name")
    joined = ids.left_join(accounts, "account_id")
    named = joined.select("account_id", account_name=joined.account_name.fill_null(joined.account_id))
    rows = named.order_by("account_name", "account_id").to_pyarrow().to_pylist()
    return [(row["account_id"], row["account_name"]) for row in rows]


def client_ids(known: Book, as_of: date) -> ir.Table:
    """Return account_id of every client on a day, each once: an order, a won deal with an amount, a contract begun."""
    contracts = known.table("contracts")
    begun = contracts.filter(contracts.start_date.isnull() | (contracts.start_date <= as_of))
    every = ibis.union(*(t.select("account_id") for t in (known.table("orders"), won_deals(known), begun)))
    return every.filter(every.account_id.notnull()).distinct()
