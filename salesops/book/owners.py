"""Who looks after a contract or an order on a day: its owner; where that person has left, the account's owner."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError, did_you_mean, first_few


def responsible(known: Book, rows: ir.Table) -> ir.Table:
    """Say of each row who looks after it.

    Parameters
    ----------
    known : Book
        As known on a day.
    rows : ir.Table
        With account_id and owner_id.

    Returns
    -------
    ir.Table
        The same rows; owner_id (the row's owner; the account's owner where that one has left or none is named; null
        where nobody is), owner_name (the id where users does not know it), owner_left (boolean: who is named has left
        before the day, and the account has no other owner).
    """
    users = known.table("users")
    gone = (users.end_date < known.as_of).fill_null(False)
    people = users.select(_user="user_id", _name="user_name", _gone=gone)
    others = people.rename(_user2="_user", _name2="_name", _gone2="_gone")
    accounts = known.table("accounts").select(_account="account_id", _heir="owner_id")
    joined = rows.left_join(accounts, rows.account_id == accounts._account)
    joined = joined.left_join(people, joined.owner_id == people._user)
    joined = joined.left_join(others, joined._heir == others._user2)
    here = joined.owner_id.notnull() & ~joined._gone.fill_null(False)
    passes = ~here & joined._heir.notnull() & ~joined._gone2.fill_null(False)
    passes = passes | joined.owner_id.isnull()
    owner = passes.ifelse(joined._heir, joined.owner_id)
    name = passes.ifelse(joined._name2, joined._name).fill_null(owner)
    left = passes.ifelse(joined._gone2, joined._gone).fill_null(False)
    return joined.mutate(owner_id=owner, owner_name=name, owner_left=left).drop(
        "_account", "_heir", "_user", "_name", "_gone", "_user2", "_name2", "_gone2"
    )


def owners(book: Book, as_of: date) -> list[tuple[str, str]]:
    """Return (user_id, user_name) of everyone who looks after a contract or an order on a day, by name."""
    known = as_known(book, as_of)
    return [(key, name) for key, name in known.keep("owners", lambda: _owners(known))]


def owner_id_of(book: Book, owner: str, as_of: date) -> str:
    """Return the id of an owner by id or name; "" for "". Raises BookError if nobody, or several, are called so."""
    if not owner:
        return ""
    people = owners(book, as_of)
    found = [key for key, _ in people if key == owner] or [key for key, name in people if name == owner]
    if not found:
        hint = did_you_mean(owner, [word for person in people for word in person])
        raise BookError(f"Nobody called '{owner}' owns a contract or an order by {as_of}. {hint}")
    if len(found) > 1:
        raise BookError(f"{len(found)} people are called '{owner}'. Give the id instead: {first_few(found)}.")
    return found[0]


def _owners(known: Book) -> list[list[str]]:
    parts = (known.table(name).select("account_id", "owner_id").distinct() for name in ("contracts", "orders"))
    owned = responsible(known, ibis.union(*parts))
    people = owned.filter(owned.owner_id.notnull() & ~owned.owner_left).select("owner_id", "owner_name").distinct()
    rows = people.order_by("owner_name", "owner_id").to_pyarrow().to_pylist()
    return [[row["owner_id"], row["owner_name"]] for row in rows]
