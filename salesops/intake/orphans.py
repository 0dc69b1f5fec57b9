"""References to what is not there: emptied where a column may be empty, else the row goes with its parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from salesops.book.schema import SCHEMA, Column
from salesops.intake.convert import Bound
from salesops.intake.marks import GONE
from salesops.intake.names import literal, quoted
from salesops.intake.report import rows_text

_FOLLOWS = "that the map leaves out"


@dataclass(frozen=True)
class Emptied:
    """Cells of one column that named nothing and were emptied."""

    table: str
    column: str
    parent: str
    rows: int

    @property
    def reason(self) -> str:
        """What was done and why, in words that go after a number of rows."""
        return f"{self.column} emptied, it names nothing in {self.parent}"

    def __str__(self) -> str:
        return f"{rows_text(self.rows)}: {self.reason}"


def follow_left_out(con: Any, tables: Mapping[str, Bound]) -> list[Emptied]:
    """Let the rows that name what the map leaves out follow it.

    Where the reference may be empty it is emptied, so that no deal goes with its account. Other rows are set aside.
    """
    emptied: list[Emptied] = []
    found = any(bound.map.where or bound.map.leave_out for bound in tables.values())
    while found:
        found = False
        for name, column, parent in _references(tables):
            orphans = f"{_orphans(column, parent)} AND {quoted(column.name)} IN ({_left_out(parent)})"
            if _may_be_empty(name, column):
                emptied += _empty(con, name, column, parent, orphans)
            else:
                found = _set_aside(con, name, column, orphans) or found
    return emptied


def empty_orphans(con: Any, tables: Mapping[str, Bound]) -> list[Emptied]:
    """Empty every reference that names nothing, in the columns that may be empty."""
    return [
        done
        for name, column, parent in _references(tables)
        if _may_be_empty(name, column)
        for done in _empty(con, name, column, parent, _orphans(column, parent))
    ]


def _references(tables: Mapping[str, Bound]) -> Iterator[tuple[str, Column, str]]:
    """Yield each table, its columns that name rows of another table of the import, and that table."""
    for name, bound in tables.items():
        for column in SCHEMA[name].columns:
            parent = column.references.partition(".")[0]
            if parent in tables and column.name in bound.columns:
                yield name, column, parent


def _may_be_empty(table: str, column: Column) -> bool:
    # an empty part of a key says something: no product means all products
    return not column.filled and column.name not in SCHEMA[table].key


def _orphans(column: Column, parent: str) -> str:
    key = quoted(SCHEMA[parent].key[0])
    keys = f"SELECT {key} FROM _live_{parent} WHERE {key} IS NOT NULL"
    return f"{quoted(column.name)} IS NOT NULL AND {quoted(column.name)} NOT IN ({keys})"


def _left_out(parent: str) -> str:
    """Return SQL for the keys that the map leaves out, and those that followed what it leaves out."""
    key = quoted(SCHEMA[parent].key[0])
    followed = (
        f"SELECT _row FROM _rejected_{parent} WHERE reason LIKE '%{_FOLLOWS}' OR starts_with(reason, {literal(GONE)})"
    )
    return (
        f"SELECT trim(CAST({key} AS VARCHAR)) FROM _raw_{parent} WHERE NOT _kept AND {key} IS NOT NULL "
        f"UNION ALL SELECT {key} FROM _staged_{parent} SEMI JOIN ({followed}) USING (_row) WHERE {key} IS NOT NULL"
    )


def _empty(con: Any, name: str, column: Column, parent: str, orphans: str) -> list[Emptied]:
    live = f"SELECT _row FROM _live_{name} WHERE {orphans}"
    con.raw_sql(f"CREATE OR REPLACE TEMP TABLE _emptied AS {live}")
    emptied = con.raw_sql(
        f"UPDATE _staged_{name} SET {quoted(column.name)} = NULL WHERE _row IN (FROM _emptied)"
    ).fetchone()
    return [Emptied(name, column.name, parent, int(emptied[0]))] if emptied[0] else []


def _set_aside(con: Any, name: str, column: Column, orphans: str) -> bool:
    con.raw_sql(f"CREATE OR REPLACE TEMP TABLE _followers AS SELECT DISTINCT _row FROM _live_{name} WHERE {orphans}")
    reason = literal(f"names {'an' if column.name[0] in 'aeio' else 'a'} {column.name} {_FOLLOWS}")
    con.raw_sql(f"INSERT INTO _rejected_{name} SELECT _row, {reason}, NULL FROM _followers")
    return bool(con.raw_sql("SELECT count(*) FROM _followers").fetchone()[0])
