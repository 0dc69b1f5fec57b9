"""Amounts in the book's currency."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from salesops.book.source import Book


def net_amount(lines: ir.Table) -> ir.Value:
    """Return the value of each order line in its own currency: net_amount, else quantity × price × (1 − discount)."""
    return ibis.coalesce(lines.net_amount, lines.quantity * lines.unit_price * (1 - lines.discount.fill_null(0)))


def in_book_currency(book: Book, table: ir.Table, amount: str, day: ir.Value) -> ir.Table:
    """Add `value`: the amount in the book's currency; null where no rate is known on that day.

    A rate holds from its date until the next. A row without a currency counts as the book's own.

    Parameters
    ----------
    table : ir.Table
        With a column `currency`.
    amount : str
        Name of the amount column.
    day : ir.Value
        Date whose rate is taken.

    Returns
    -------
    ir.Table
        The same rows, with `value` (number) and `no_rate` (boolean: an amount that could not be converted).
    """
    if not book.has("fx_rates"):
        own = _own(book, table)
        value = own.ifelse(table[amount], ibis.null("float64"))
        return table.mutate(value=value, no_rate=~own & table[amount].notnull())
    rates = book.table("fx_rates")
    until = rates.date.lead().over(group_by=rates.currency, order_by=rates.date)
    spans = rates.select(_currency="currency", _from="date", _until=until, _rate="rate")
    table = table.mutate(_day=day)
    joined = table.left_join(
        spans,
        [
            table.currency == spans._currency,
            table._day >= spans._from,
            spans._until.isnull() | (table._day < spans._until),
        ],
    )
    factor = _own(book, joined).ifelse(1.0, joined._rate)
    value = joined[amount] * factor
    return joined.mutate(value=value, no_rate=factor.isnull() & joined[amount].notnull()).drop(
        "_day", "_currency", "_from", "_until", "_rate"
    )


def _own(book: Book, table: ir.Table) -> ir.BooleanValue:
    return table.currency.isnull() | (table.currency == book.currency)
