"""What one converted table takes from another: names looked up as ids, and who is a manager."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from salesops.book.schema import SCHEMA
from salesops.intake.convert import Bound
from salesops.intake.names import HISTORY, quoted
from salesops.intake.report import rows_text


def look_up(con: Any, bound: Bound, tables: Collection[str]) -> list[str]:
    """Turn names into ids in the columns with `lookup`; return a sentence for each.

    A value that is an id stays. A name that no row or several rows have stays too: it is an orphan then.
    """
    notes: list[str] = []
    if bound.name == HISTORY:  # its values are ids only where a deal changed hands
        return notes
    for column, how in bound.map.columns.items():
        parent, _, key = SCHEMA[bound.name].column(column).references.partition(".")
        if not how.lookup or parent not in tables or column not in bound.columns:
            continue
        for name in how.lookup:
            found = _replace(con, bound.name, column, parent, key, name)
            if found:
                notes.append(f"{rows_text(found)}: {column} looked up by {name} in {parent}")
    return notes


def name_managers(con: Any) -> None:
    """Make those users managers to whom others report."""
    con.raw_sql(
        "UPDATE _staged_users SET role = 'manager' "
        "WHERE user_id IN (SELECT manager_id FROM _live_users WHERE manager_id <> user_id)"
    )


def _replace(con: Any, table: str, column: str, parent: str, key: str, name: str) -> int:
    cell, folded = quoted(column), f"lower(trim({quoted(name)}))"
    con.raw_sql(
        f"CREATE OR REPLACE TEMP TABLE _names AS SELECT {folded} AS name, min({key}) AS key FROM _live_{parent} "
        f"WHERE {folded} IS NOT NULL GROUP BY 1 HAVING count(DISTINCT {key}) = 1"
    )
    updated = con.raw_sql(
        f"UPDATE _staged_{table} SET {cell} = _names.key FROM _names WHERE _names.name = lower(trim({cell})) "
        f"AND {cell} NOT IN (SELECT {key} FROM _staged_{parent} WHERE {key} IS NOT NULL)"
    )
    return int(updated.fetchone()[0])
