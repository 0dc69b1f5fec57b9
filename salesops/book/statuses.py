"""What the statuses of orders, order lines and contracts say, and which of them count nowhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.book.credits import credited_orders
from salesops.book.finding import Finding, in_number
from salesops.book.money import in_book_currency, net_amount
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.book.void import is_void, said

ENDED = ("cancelled", "canceled", "terminated", "expired")
_SHOWN = 3
_LISTED = 8


def statuses(book: Book, names: Collection[str]) -> Iterator[Finding]:
    """Return what the statuses of each table leave out, with rows and money, and what is counted beside it.

    Parameters
    ----------
    names : collection of str
        Tables that are checked and can be read.
    """
    for name, key in (("orders", "order_id"), ("order_lines", "order_line_id"), ("contracts", "contract_id")):
        if name in names and book.has(name, "status"):
            yield from _counted_by_status(book, name, key)
    if "contracts" in names and book.has("contracts", "status"):
        yield from _ended_without_day(book)


def _counted_by_status(book: Book, name: str, key: str) -> Iterator[Finding]:
    rows = _with_money(book, name).mutate(status=lambda t: t.status.fill_null("(none)"))
    groups = rows.group_by("status").aggregate(
        rows=rows.count(), money=rows.money.sum().fill_null(0), void=rows.void.any(), first=rows[key].min()
    )
    found = groups.order_by(ibis.desc("rows"), "status").to_pyarrow().to_pylist()
    void = [row for row in found if row["void"]]
    words = [_words(book, row) for row in found if not row["void"]]
    counted = f"counted are {_listed(words)}" if words else "nothing else is counted"
    if not void:
        yield Finding(name, "status", "note", f"by status: {_listed(words)}; all count", _repair(name))
        return
    affected = sum(row["rows"] for row in void)
    left = _listed([_words(book, row) for row in void])
    yield Finding(
        name, "status", "warning", f"{in_number('count', affected)} nowhere, by their status: {left}; {counted}",
        _repair(name), affected, sum(row["rows"] for row in found), tuple(str(row["first"]) for row in void[:_SHOWN]),
    )  # fmt: skip  # one finding reads as one row


def _with_money(book: Book, name: str) -> ir.Table:
    """Return the rows of a table with void (boolean) and money (their amount in the book's currency)."""
    table = book.table(name)
    table = table.mutate(void=is_void(book, name, table))
    if name == "contracts":
        day = ibis.coalesce(table.start_date, ibis.date(9999, 12, 31))
        return in_book_currency(book, table, "annual_amount", day).mutate(money=ibis._.value)
    if name == "orders":
        orders = credited_orders(book)
        sums = orders.group_by(_order="order_id").aggregate(money=orders.credited.sum())
        return table.left_join(sums, table.order_id == sums._order)
    orders = book.table("orders").select("order_id", "currency", "ordered_at")
    lines = table.mutate(net=net_amount(table)).left_join(orders, "order_id")
    day = local_date(lines.ordered_at, book.config.time_zone)
    return in_book_currency(book, lines, "net", day).mutate(money=ibis._.value)


def _ended_without_day(book: Book) -> Iterator[Finding]:
    contracts = book.table("contracts")
    open_ended = contracts.filter(said(contracts.status).isin(ENDED) & contracts.end_date.isnull())
    affected = int(open_ended.count().to_pyarrow().as_py())
    if affected:
        first = open_ended.order_by("contract_id").limit(_SHOWN).to_pyarrow()["contract_id"].to_pylist()
        yield Finding(
            "contracts", "ended without a day", "warning",
            in_number("have ended, by their status, but have no end_date; they are counted as running", affected),
            "Enter the day on which each ended.", affected, int(contracts.count().to_pyarrow().as_py()), tuple(first),
        )  # fmt: skip  # one finding reads as one row


def _words(book: Book, row: dict[str, Any]) -> str:
    rows = "1 row" if row["rows"] == 1 else f"{row['rows']:,} rows"
    return f"{row['status']} ({rows}, {row['money']:,.0f} {book.currency})"


def _repair(name: str) -> str:
    table = "contracts" if name == "contracts" else "orders"
    return f"Name further words that count nowhere as not_counted under [{table}] in book.toml."


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return ", ".join(words[:_LISTED]) + more
