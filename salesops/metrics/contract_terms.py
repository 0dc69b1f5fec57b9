"""Contract terms: what was invoiced and what was accepted, against what the contract says.

A term for the line's product goes before one for all products. A price is agreed for one unit, in the currency of the
contract; one in percent is no price. A quality is an agreed share of accepted units (98 is read as 98%).
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from salesops.book.delivered import receipts
from salesops.book.money import in_book_currency, net_amount
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.periods import Period

CENT = 0.01  # by how much rounding may part an amount from its price
_NO_PRICE = "%|percent|discount|share"
_NO_QUALITY = "reject|defect|ppm"


def price_lines(book: Book, period: Period) -> ir.Table:
    """Return every line that was ordered in a period under a contract with a price for its product.

    What is invoiced below the agreed price, beyond the tolerance and a cent, leaks: agreed − net. Returns are no sale.

    Returns
    -------
    ir.Table
        order_line_id, order_id, contract_id, product_id, ordered_on (date); quantity (units); net, agreed, listed
        (money: invoiced; agreed price × quantity; today's list price × quantity, null without one), leakage, above
        (money, 0 or more: what is missing from the agreed price, and what was invoiced beyond it), below (boolean:
        leakage is above 0). In an order of another currency than its contract's, or without a rate, the money is
        null, and so is below.
    """
    known = as_known(book, period.end)
    lines = _lines(known)
    lines = lines.filter(lines.ordered_on.between(period.start, period.end))
    priced = _with_term(known, lines, "price", _NO_PRICE)
    same = priced.currency.fill_null(book.currency) == priced.contract_currency.fill_null(book.currency)
    priced = in_book_currency(
        known, priced.mutate(one=same.ifelse(1.0, ibis.null("float64"))), "one", priced.ordered_on
    )
    products = known.table("products").select(_sold="product_id", list_price="list_price")
    priced = priced.left_join(products, priced.product_id == products._sold)
    short, allowed = priced.agreed * priced.quantity - priced.net, priced.tolerance * priced.quantity + CENT
    leakage = (short > allowed).ifelse(short, 0.0) * priced.value
    return priced.select(
        "order_line_id", "order_id", "contract_id", "product_id", "ordered_on", "quantity",
        net=priced.net * priced.value,
        agreed=priced.agreed * priced.quantity * priced.value,
        listed=priced.list_price * priced.quantity,
        leakage=leakage,
        above=(-short > allowed).ifelse(-short, 0.0) * priced.value,
        below=leakage > 0,
    )  # fmt: skip  # as it is, then what it becomes


def quality_lines(book: Book, period: Period) -> ir.Table:
    """Return every line of which something came in a period under a contract with a quality for its product.

    A delivery that was entered twice counts once (`receipts`). One that does not say what was rejected is left out.

    Returns
    -------
    ir.Table
        order_line_id, order_id, contract_id, product_id; delivered, rejected (units); agreed, tolerance (shares of
        accepted units); cost (money: rejected × invoiced price; null without a rate), rejected_on (date of the first
        rejection in the period; null without one).
    """
    known = as_known(book, period.end)
    parts = receipts(known)
    told = parts.filter(parts.quantity_rejected.notnull() & (parts.quantity_delivered > 0))
    told = told.filter(told.delivered_date.between(period.start, period.end))
    sums = told.group_by(_line="order_line_id").aggregate(
        delivered=(told.quantity_delivered * told.times).sum(),
        rejected=(told.quantity_rejected * told.times).sum(),
        rejected_on=told.delivered_date.min(where=told.quantity_rejected > 0),
    )
    termed = _with_term(known, _lines(known), "quality", _NO_QUALITY)
    both = in_book_currency(
        known, termed.inner_join(sums, termed.order_line_id == sums._line), "net", termed.ordered_on
    )
    percent = (both.agreed > 1).ifelse(100, 1)
    return both.select(
        "order_line_id", "order_id", "contract_id", "product_id", "delivered", "rejected", "rejected_on",
        agreed=both.agreed / percent, tolerance=both.tolerance / percent,
        cost=ibis.least(both.rejected, both.quantity) * both.value / both.quantity,
    )  # fmt: skip  # as it is, then what it becomes


def _lines(known: Book) -> ir.Table:
    """Return the lines of goods of the orders that name a contract, with its currency and their net amount."""
    lines, orders = known.table("order_lines"), known.table("orders")
    contracts = known.table("contracts").select(_contract="contract_id", contract_currency="currency")
    rows = lines.filter(lines.quantity > 0)
    rows = rows.select("order_line_id", "order_id", "product_id", "quantity", net=net_amount(rows))
    joined = rows.inner_join(orders.filter(orders.contract_id.notnull()), "order_id")
    joined = joined.inner_join(contracts, joined.contract_id == contracts._contract)
    return joined.select(
        "order_line_id", "order_id", "contract_id", "product_id", "quantity", "net", "currency", "contract_currency",
        ordered_on=local_date(joined.ordered_at, known.config.time_zone),
    )  # fmt: skip  # one column list


def _with_term(known: Book, lines: ir.Table, term_type: str, other_units: str) -> ir.Table:
    """Add agreed and tolerance to the lines that have such a term; the others are left out."""
    terms = known.table("contract_terms")
    readable = ~terms.unit.lower().re_search(other_units).fill_null(False) & terms.agreed_value.notnull()
    terms = terms.filter((terms.term_type == term_type) & readable)
    own = terms.filter(terms.product_id.notnull()).select(
        _c="contract_id", _p="product_id", _agreed="agreed_value", _tolerance=terms.tolerance.fill_null(0)
    )
    general = terms.filter(terms.product_id.isnull()).group_by(_g="contract_id").aggregate(
        _all_agreed=terms.agreed_value.max(), _all_tolerance=terms.tolerance.fill_null(0).max()
    )  # fmt: skip  # reads as one step
    joined = lines.left_join(own, [lines.contract_id == own._c, lines.product_id == own._p])
    joined = joined.left_join(general, joined.contract_id == general._g)
    agreed = ibis.coalesce(joined._agreed, joined._all_agreed)
    tolerance = joined._agreed.notnull().ifelse(joined._tolerance, joined._all_tolerance)
    return joined.mutate(agreed=agreed, tolerance=tolerance).filter(agreed.notnull()).drop(
        "_c", "_p", "_agreed", "_tolerance", "_g", "_all_agreed", "_all_tolerance"
    )  # fmt: skip  # reads as one step
