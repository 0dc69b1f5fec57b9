"""Rows that their source has marked as deleted: left out of every table, but for people whom other rows still name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from salesops.book.intake.map_columns import HISTORY
from salesops.book.intake.mapfile import TableMap
from salesops.book.intake.names import find_header, literal, quoted
from salesops.book.schema import SCHEMA
from salesops.book.values import FALSE_WORDS, TRUE_WORDS

GONE = "deleted in the source, says "
_TRUE = f"lower(trim(CAST({{cell}} AS VARCHAR))) IN ({', '.join(map(literal, TRUE_WORDS))})"
_FALSE = f"lower(trim(CAST({{cell}} AS VARCHAR))) IN ({', '.join(map(literal, FALSE_WORDS))})"
_FILLED = "nullif(trim(CAST({cell} AS VARCHAR)), '') IS NOT NULL"
# what systems write; Fivetran, whose versions are told apart where a source is read; Stitch; Airbyte
_MARKS = {
    "is_deleted": _TRUE,
    "_fivetran_deleted": _TRUE,
    "_fivetran_active": _FALSE,
    "_sdc_deleted_at": _FILLED,
    "_ab_cdc_deleted_at": _FILLED,
}


def without_gone(table: TableMap, headers: Mapping[str, str]) -> TableMap:
    """Return a table that leaves out what its source marks as deleted.

    Parameters
    ----------
    headers : mapping
        The headers of the source, each with the SQL of its cells.
    """
    if table.select:
        return table
    spared = {"is_deleted", "_fivetran_active"} if table.name == HISTORY else set(table.columns)
    gone = {
        f"{GONE}{header}": condition.format(cell=headers[header])
        for mark, condition in _MARKS.items()
        if mark not in spared and (header := find_header(mark, headers))
    }
    return replace(table, leave_out={**gone, **table.leave_out}) if gone else table


def keeps_gone(name: str) -> str:
    """Return SQL that is true for rows that are kept though they are marked, until `leave_out_idle` has looked."""
    return f"starts_with(_why, {literal(GONE)})" if name == "users" else "false"


def leave_out_idle(con: Any, tables: Mapping[str, object]) -> None:
    """Leave out the users marked as deleted whom no row names: a rep who left keeps the deals that were closed."""
    naming = [
        f"SELECT {quoted(column.name)} FROM _live_{name}"
        for name in tables
        for column in SCHEMA[name].columns
        if column.references == "users.user_id" and name != "users"
    ]
    if HISTORY in tables:
        naming.append(f"SELECT new_value FROM _live_{HISTORY} WHERE field_name = 'owner_id'")
    named = f"AND user_id NOT IN (SELECT * FROM ({' UNION ALL '.join(naming)}) t(id) WHERE id IS NOT NULL)"
    con.raw_sql(
        "INSERT INTO _rejected_users SELECT _row, _why, NULL FROM _raw_users "
        f"SEMI JOIN (SELECT _row FROM _live_users WHERE true {named if naming else ''}) USING (_row) "
        f"WHERE {keeps_gone('users')}"
    )
