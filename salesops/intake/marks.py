"""Rows that their source has marked as deleted: left out of every table, but for people whom other rows still name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from salesops.book.schema import SCHEMA
from salesops.book.values import FALSE_WORDS, TRUE_WORDS
from salesops.intake.mapfile import SourceMap, TableMap
from salesops.intake.names import HISTORY, find_header, found_headers, literal, quoted

GONE = "deleted in the source, says "
_TRUE = f"lower(trim(CAST({{cell}} AS VARCHAR))) IN ({', '.join(map(literal, TRUE_WORDS))})"
_FALSE = f"lower(trim(CAST({{cell}} AS VARCHAR))) IN ({', '.join(map(literal, FALSE_WORDS))})"
_FILLED = "nullif(trim(CAST({cell} AS VARCHAR)), '') IS NOT NULL"
_ACTIVE = "_fivetran_active"
# what systems write; Fivetran, whose versions are told apart where a source is read; Stitch; Airbyte
_MARKS = {
    "is_deleted": _TRUE,
    "_fivetran_deleted": _TRUE,
    _ACTIVE: _FALSE,
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
    spared = {"is_deleted", _ACTIVE} if table.name == HISTORY else set(table.columns)
    gone = {f"{GONE}{header}": condition for header, condition in _conditions(headers, spared)}
    return replace(table, leave_out={**gone, **table.leave_out}) if gone else table


def is_gone(headers: Mapping[str, str], source: SourceMap) -> str:
    """Return SQL that is true for rows of a source that are marked as deleted, by a mark that the map does not use."""
    used = {header for wanted in source.columns.values() for header in found_headers(wanted, list(headers))}
    spared = {mark for mark in _MARKS if find_header(mark, used) or (source.every_version and mark == _ACTIVE)}
    conditions = [f"coalesce({condition}, false)" for _, condition in _conditions(headers, spared)]
    return " OR ".join(conditions) or "false"


def _conditions(headers: Mapping[str, str], spared: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the headers that are marks, each with the SQL that is true for rows that are deleted."""
    for mark, condition in _MARKS.items():
        header = find_header(mark, headers)
        if header and mark not in spared:
            yield header, condition.format(cell=headers[header])


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
