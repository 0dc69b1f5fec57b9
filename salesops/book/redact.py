"""A book with people's words hidden and names replaced by stable pseudonyms."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from salesops.book.schema import KNOWN_FIELDS, SCHEMA, Table
from salesops.book.source import Book

PSEUDONYMS = {
    "users": ("Rep", "user_name"),
    "accounts": ("Account", "account_name"),
    "contacts": ("Contact", "contact_name"),
}


def redacted(book: Book) -> Book:
    """Return the book with pseudonyms for users, accounts and contacts, and without free text about people.

    A pseudonym ("Rep 4F2A91") depends on the id alone, so it is the same in every report. Ids change with
    the names, because many systems use names as ids; they are longer, so that no two become one.
    """
    return book.with_tables(lambda name: _table(book, name), variant="redacted", is_redacted=True)


def _table(book: Book, name: str) -> ir.Table:
    table = _columns(book.table(name), SCHEMA[name])
    if name == "opportunity_history":
        return _history(table)
    return _commitments(book, table) if name == "commitments" else table


def _columns(table: ir.Table, schema: Table) -> ir.Table:
    changes: dict[str, ir.Value] = {}
    for column in schema.columns:
        owner = column.references.partition(".")[0] or (schema.name if (column.name,) == schema.key else "")
        if owner in PSEUDONYMS:
            changes[column.name] = _pseudonym(table[column.name], owner)
        elif column.personal:
            changes[column.name] = ibis.null(table[column.name].type())
    if schema.name in PSEUDONYMS:
        changes[PSEUDONYMS[schema.name][1]] = _pseudonym(table[schema.key[0]], schema.name, digits=6)
    return table.mutate(**changes)


def _history(history: ir.Table) -> ir.Table:
    """Values of fields that the schema does not name may be anyone's words, so they go."""
    value = ibis.cases(
        (history.field_name == "owner_id", _pseudonym(history.new_value, "users")),
        (history.field_name.isin(KNOWN_FIELDS), history.new_value),
    )
    return history.mutate(new_value=value)


def _commitments(book: Book, commitments: ir.Table) -> ir.Table:
    """A subject may be an account or a contact; deals and orders keep their ids."""
    subject = commitments.subject_id
    for name in ("accounts", "contacts"):
        known = subject.isin(book.table(name)[SCHEMA[name].key[0]])
        subject = known.ifelse(_pseudonym(commitments.subject_id, name), subject)
    return commitments.mutate(subject_id=subject)


def _pseudonym(identifier: ir.Value, owner: str, *, digits: int = 16) -> ir.Value:
    return ibis.literal(f"{PSEUDONYMS[owner][0]} ") + identifier.hexdigest("md5").substr(0, digits).upper()
