"""The clients of a company: the accounts that have bought or have a contract."""

from __future__ import annotations

from datetime import date

from salesops.book.snapshot import as_known
from salesops.book.source import Book


def clients(book: Book, as_of: date) -> list[tuple[str, str]]:
    """Return (account_id, account_name) of every account with an order or a contract known on a day, by name."""
    known = as_known(book, as_of)
    accounts, orders, contracts = (known.table(name) for name in ("accounts", "orders", "contracts"))
    bought = accounts.account_id.isin(orders.account_id) | accounts.account_id.isin(contracts.account_id)
    named = accounts.filter(bought).select("account_id", "account_name").order_by("account_name", "account_id")
    return [(row["account_id"], row["account_name"]) for row in named.to_pyarrow().to_pylist()]
