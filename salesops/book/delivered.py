"""What was delivered of each line, and when orders were delivered, and how late."""

from __future__ import annotations

import ibis.expr.types as ir

from salesops.book.source import Book

CONTACTS = ("call", "email", "meeting", "follow_up")


def receipts(known: Book) -> ir.Table:
    """Return the deliveries, each with how often it counts.

    The same line, day and quantities twice were entered twice if with both more came than was ordered: they count once.
    Equal parts of what was ordered add up.

    Returns
    -------
    ir.Table
        order_line_id, delivered_date, quantity_delivered, quantity_rejected; times (count of rows that count), twice
        (boolean: one of several equal rows counts).
    """
    deliveries, lines = known.table("deliveries"), known.table("order_lines")
    each = ["order_line_id", "delivered_date", "quantity_delivered", "quantity_rejected"]
    parts = deliveries.group_by(each).aggregate(_rows=deliveries.count())
    sums = parts.group_by(_line="order_line_id").aggregate(
        _all=(parts.quantity_delivered * parts._rows).sum(), _once=parts.quantity_delivered.sum()
    )
    ordered = lines.select(_ordered="order_line_id", quantity="quantity")
    both = sums.filter(sums._all > sums._once).inner_join(ordered, sums._line == ordered._ordered)
    over = both.filter(both._all > both.quantity).select("_line")
    joined = parts.left_join(over, parts.order_line_id == over._line)
    twice = joined._line.notnull() & (joined._rows > 1)
    return joined.select(*each, times=twice.ifelse(1, joined._rows), twice=twice)


def delivered_orders(known: Book) -> ir.Table:
    """Return one row for each order with lines of goods; returns and lines of quantity 0 are none.

    Returns
    -------
    ir.Table
        order_id, account_id, owner_id; delivered_on (date on which its last line came; null while a line has not),
        promised_on (date, the last of its lines; null if nothing was promised), days_late (days; the latest line
        against its own promised day, below 0 if all came early; null while undelivered or without a promise).
    """
    orders, lines, deliveries = (known.table(name) for name in ("orders", "order_lines", "deliveries"))
    last = deliveries.group_by(_line="order_line_id").aggregate(_came=deliveries.delivered_date.max())
    goods = lines.filter((lines.quantity > 0).fill_null(True))
    joined = goods.left_join(last, goods.order_line_id == last._line)
    late = joined._came.delta(joined.promised_date, unit="day")
    sums = joined.group_by(_order="order_id").aggregate(
        all_came=joined._came.notnull().all(), last=joined._came.max(), promised_on=joined.promised_date.max(),
        late=late.max(),
    )  # fmt: skip  # one column list
    both = orders.select("order_id", "account_id", "owner_id").inner_join(sums, orders.order_id == sums._order)
    return both.select(
        "order_id", "account_id", "owner_id", "promised_on",
        delivered_on=both.all_came.ifelse(both["last"], None), days_late=both.all_came.ifelse(both.late, None),
    )  # fmt: skip  # as it is, then what it becomes
