"""What no term of a contract can judge: contracts without terms, lines without contract, lines outside its dates."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.periods import Period

NO_TERMS, NO_VALUE, BACKWARDS = "no terms", "term without a value", "ends before it starts"
OUTSIDE, UNKNOWN, NO_CONTRACT = "line outside the dates", "unknown contract", "line without contract"


def contract_gaps(book: Book, period: Period) -> ir.Table:
    """Return what cannot be judged, by kind and by what it is about, of contracts and orders of a period.

    Contracts are those that ran on a day of the period, or end before they start. A line is without contract if its
    order names none although its account had a contract on that day. Voided orders are not there at all.

    Returns
    -------
    ir.Table
        kind (one of the names above), subject (contract_id; account_id of a line without contract), rows (count of
        contracts, terms or order lines).
    """
    known = as_known(book, period.end)
    contracts, terms = known.table("contracts"), known.table("contract_terms")
    backwards = (contracts.end_date < contracts.start_date).fill_null(False)
    began = contracts.start_date.isnull() | (contracts.start_date <= period.end)
    ran = began & (contracts.end_date.isnull() | (contracts.end_date >= period.start)) & ~backwards
    of_period = contracts.filter(ran)
    empty = terms.filter(terms.agreed_value.isnull()).semi_join(of_period, "contract_id")
    lines = _lines(known, period)
    named, bare = lines.filter(lines.contract_id.notnull()), lines.filter(lines.contract_id.isnull())
    spans = contracts.filter(~backwards).select(
        _contract="contract_id", _account="account_id", _from="start_date", _until="end_date"
    )
    dated = named.inner_join(spans, named.contract_id == spans._contract)
    on = [bare.account_id == spans._account, *_within(bare, spans)]
    kinds = {
        NO_TERMS: of_period.anti_join(terms, "contract_id").select(subject="contract_id"),
        NO_VALUE: empty.select(subject="contract_id"),
        BACKWARDS: contracts.filter(backwards).select(subject="contract_id"),
        OUTSIDE: dated.filter(~ibis.and_(*_within(dated, dated))).select(subject="contract_id"),
        UNKNOWN: named.anti_join(contracts, "contract_id").select(subject="contract_id"),
        NO_CONTRACT: bare.semi_join(spans, on).select(subject="account_id"),
    }
    every = ibis.union(*(rows.mutate(kind=ibis.literal(kind)) for kind, rows in kinds.items()))
    return every.group_by("kind", "subject").aggregate(rows=_.count()).order_by("kind", "subject")


def _within(lines: ir.Table, spans: ir.Table) -> tuple[ir.BooleanValue, ...]:
    after = spans._from.isnull() | (lines.ordered_on >= spans._from)
    return after, spans._until.isnull() | (lines.ordered_on <= spans._until)


def _lines(known: Book, period: Period) -> ir.Table:
    """Return the lines of goods that were ordered in a period: contract_id, account_id, ordered_on."""
    orders, lines = known.table("orders"), known.table("order_lines")
    orders = orders.mutate(ordered_on=local_date(orders.ordered_at, known.config.time_zone))
    orders = orders.filter(orders.ordered_on.between(period.start, period.end))
    goods = lines.filter((lines.quantity > 0).fill_null(True)).select("order_id")
    return goods.inner_join(orders, "order_id").select("contract_id", "account_id", "ordered_on")
