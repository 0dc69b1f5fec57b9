"""Which client a page is about."""

from __future__ import annotations

from datetime import date
from typing import Any

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError, did_you_mean, first_few
from salesops.pages.client.shared import clients


def find_client(book: Book, account: str, as_of: date, *, horizon_weeks: int = 13) -> dict[str, Any]:
    """Return the row of `clients` of one client, by id or by name.

    Parameters
    ----------
    account : str
        An account_id, or a name that only one account has; "" takes the first by name among the clients, or among all
        accounts if there are none.
    horizon_weeks : int
        How far ahead its estimates look.

    Raises
    ------
    BookError
        If the book knows no client on that day, none of that id or name, or several of that name.
    """
    table = clients(book, as_of, horizon_weeks)
    if not account:
        return _first(table, as_of)
    found = _rows(table.filter(table.account_id == account))
    if not found:
        named = table.filter(table.account_name.lower() == account.lower())
        found = _rows(named.order_by("account_id").limit(4))
    if len(found) == 1:
        return found[0]
    if found:
        ids = [row["account_id"] for row in found]
        raise BookError(f"{len(ids)} clients or more are called '{account}'. Use the id: {first_few(ids)}.")
    raise _unknown(book, account, as_of)


def _first(table: Any, as_of: date) -> dict[str, Any]:
    found = _rows(table.order_by(~table.is_client, table.account_name.isnull(), "account_name", "account_id").limit(1))
    if not found:
        raise BookError(f"The book knows no client by {as_of}. Choose a later day, or another book.")
    return found[0]


def _unknown(book: Book, account: str, as_of: date) -> BookError:
    accounts = book.table("accounts").select("account_id", "account_name").to_pyarrow().to_pylist()
    orders = as_known(book, as_of).table("orders").select("account_id").distinct().to_pyarrow().to_pylist()
    names = {word for row in (*accounts, *orders) for word in row.values() if word}
    if account in names:
        return BookError(f"The account '{account}' was not known yet on {as_of}. Choose a later day.")
    return BookError(f"No client known by {as_of} has the id or name '{account}'. {did_you_mean(account, names)}")


def _rows(table: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pyarrow().to_pylist()
    for row in rows:
        row["account_name"] = row["account_name"] or row["account_id"]
    return rows
