"""The clients of a company: the accounts that ordered, won a deal for an amount, or have a contract."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.snapshot import as_known
from salesops.book.sold import won_deals
from salesops.book.source import Book


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
