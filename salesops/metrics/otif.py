"""OTIF: order lines delivered on time and in full."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.delivered import receipts
from salesops.book.snapshot import as_known
from salesops.book.source import Book


def due_lines(book: Book, as_of: date) -> ir.Table:
    """Return every order line that is due, and what came of it.

    A line is due on its promised date; where the order falls under a contract with a logistics term, the agreed
    days late and their tolerance are added. A term for the line's product goes before one for all products; a
    term whose unit is not days changes nothing. Lines without a promised date, and returns, are never due. In a
    book without deliveries no line is known to be late: the table is empty. Where the line or one of its deliveries
    has no quantity, the line is not counted: whether it came in full is not known.

    Returns
    -------
    ir.Table
        order_line_id, order_id, account_id, product_id, promised_date, due_on (dates), quantity, delivered (units up
        to `as_of`, at most quantity; null if not counted), rejected (units up to `as_of`; null if no delivery says),
        in_time (units delivered on or before due_on), last_delivered (date or null), counted (boolean), on_time
        (boolean: something came, and all that came did on or before due_on), otif (boolean: in_time reaches quantity;
        null where the line is on time and not counted), missing (boolean: delivered does not reach quantity yet, or
        nothing came), entered_twice (boolean: a delivery of the same day and quantities stands there twice, and with
        both more came than was ordered; it counts once).
    """
    known = as_known(book, as_of)
    promised = _promised(known)
    delivered = _delivered(known, promised)
    joined = promised.left_join(delivered, promised.order_line_id == delivered._line).drop("_line")
    nothing = joined.last_delivered.isnull()
    counted = nothing | (joined.sized & joined.quantity.notnull())
    lines = joined.filter((joined.due_on <= as_of) & ibis.literal(known.has("deliveries"))).mutate(
        counted=counted,
        delivered=counted.ifelse(joined.delivered.fill_null(0.0), ibis.null()),
        in_time=joined.in_time.fill_null(0.0),
        on_time=(joined.last_delivered <= joined.due_on).fill_null(False),
        entered_twice=joined.twice.fill_null(False),
    )
    came, full = lines.last_delivered.notnull(), lines.in_time >= lines.quantity
    judged = ibis.cases((~came, False), (lines.counted, full), (~lines.on_time, False))
    missing = ~came | (lines.delivered < lines.quantity).fill_null(False)
    return lines.mutate(otif=judged, missing=missing).select(
        "order_line_id", "order_id", "account_id", "product_id", "promised_date", "due_on", "quantity",
        "delivered", "rejected", "in_time", "last_delivered", "counted", "on_time", "otif", "missing",
        "entered_twice",
    )  # fmt: skip  # two lines read better than fifteen


def otif(lines: ir.Table, *by: str) -> ir.Table:
    """Return lines delivered on time and in full ÷ lines due: a count of lines, never of units.

    Parameters
    ----------
    lines : ir.Table
        As `due_lines` gives them; filter them by due_on for a period.
    by : str
        Columns of `lines`; none gives one row.

    Returns
    -------
    ir.Table
        The columns of `by`; due, on_time_in_full, on_time, uncounted (counts of lines); otif (on_time_in_full ÷ due;
        null if nothing was due, or a line is not counted), on_time_rate (on_time ÷ due; null if nothing was due).
    """
    counts = {
        "due": lines.count(),
        "on_time_in_full": lines.otif.sum().fill_null(0),
        "on_time": lines.on_time.sum().fill_null(0),
        "uncounted": (~lines.counted).sum().fill_null(0),
    }
    table = lines.group_by(*by).aggregate(**counts) if by else lines.aggregate(**counts)
    due = table.due.nullif(0)
    return table.mutate(
        otif=(table.uncounted == 0).ifelse(table.on_time_in_full / due, ibis.null()), on_time_rate=table.on_time / due
    )


def _promised(known: Book) -> ir.Table:
    orders, lines = known.table("orders"), known.table("order_lines")
    bought = ibis.coalesce(lines.quantity, lines.net_amount, 0) >= 0
    lines = lines.filter(lines.promised_date.notnull() & bought & (lines.quantity != 0).fill_null(True))
    joined = lines.inner_join(orders.select("order_id", "account_id", "contract_id"), "order_id")
    own, general = _allowed(known, own=True), _allowed(known, own=False)
    same = (joined.contract_id == own._own_contract) & (joined.product_id == own._own_product)
    joined = joined.left_join(own, same)
    joined = joined.left_join(general, joined.contract_id == general._contract)
    days = ibis.coalesce(joined._own_days, joined._days, 0)
    return joined.select(
        "order_line_id", "order_id", "account_id", "product_id", "promised_date", "quantity",
        due_on=(joined.promised_date + days.as_interval("D")).cast("date"),
    )  # fmt: skip  # one column list


def _allowed(known: Book, *, own: bool) -> ir.Table:
    """Return the days that a contract allows beyond the promised date, for single products or for all."""
    terms = known.table("contract_terms")
    in_days = terms.unit.isnull() | terms.unit.lower().contains("day")
    wanted = terms.filter((terms.term_type == "logistics") & in_days & (terms.product_id.notnull() == own))
    days = (wanted.agreed_value.fill_null(0) + wanted.tolerance.fill_null(0)).floor().cast("int64")
    if own:
        each = wanted.group_by(_own_contract="contract_id", _own_product="product_id")
        return each.aggregate(_own_days=days.max().clip(lower=0))
    return wanted.group_by(_contract="contract_id").aggregate(_days=days.max().clip(lower=0))


def _delivered(known: Book, promised: ir.Table) -> ir.Table:
    """Return what came of each line, never more than was ordered."""
    parts = receipts(known)
    due = promised.select(_due_line="order_line_id", _due_on="due_on", _ordered="quantity")
    both = parts.inner_join(due, parts.order_line_id == due._due_line)
    units = both.quantity_delivered * both.times
    sums = both.group_by(_line="order_line_id").aggregate(
        units=units.sum(),
        in_time=units.sum(where=both.delivered_date <= both._due_on),
        rejected=(both.quantity_rejected * both.times).sum(),
        _ordered=both._ordered.max(),
        sized=both.quantity_delivered.notnull().all(),
        last_delivered=both.delivered_date.max(),
        twice=both.twice.any(),
    )
    return sums.mutate(delivered=ibis.least(sums.units, sums._ordered)).drop("units", "_ordered")
