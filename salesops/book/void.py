"""Orders, order lines and contracts that count nowhere, by the word of their status."""

from __future__ import annotations

import ibis.expr.types as ir

from salesops.book.source import Book

VOID = ("cancelled", "canceled", "cancel", "void", "voided", "refunded", "rejected", "unavailable", "draft")
NEVER_BEGAN = ("draft", "rejected", "void", "voided", "in approval", "in approval process")


def is_void(book: Book, name: str, table: ir.Table) -> ir.BooleanValue:
    """Tell of each row of orders, order_lines or contracts whether its status says that it counts nowhere.

    Orders and lines are void by the words VOID, contracts by NEVER_BEGAN: a contract that was cancelled ran and has
    ended. `not_counted` under [orders] or [contracts] in book.toml adds words. Case, spaces, _ and - do not matter.
    """
    settings = book.config.contracts if name == "contracts" else book.config.orders
    words = (*(NEVER_BEGAN if name == "contracts" else VOID), *map(plain_word, settings.get("not_counted", ())))
    return said(table.status).isin(words).fill_null(False)


def counted(book: Book, name: str) -> ir.Table:
    """Return a table of the book without its void rows; the lines of a void order are void with it."""
    table = book.table(name)
    if name in ("orders", "order_lines", "contracts") and book.has(name, "status"):
        table = table.filter(~is_void(book, name, table))
    if name == "order_lines" and book.has("orders", "status"):
        orders = book.table("orders")
        table = table.anti_join(orders.filter(is_void(book, "orders", orders)), "order_id")
    return table


def said(status: ir.Value) -> ir.Value:
    """Return a status as its plain word."""
    return status.lower().re_replace(r"[\s_-]+", " ").strip()


def plain_word(word: str) -> str:
    """Return a word of a status as `said` writes it."""
    return " ".join(word.casefold().replace("_", " ").replace("-", " ").split())
