"""Rows that stand twice in an export and go in twice, since the map gives each an id of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from salesops.book.schema import SCHEMA
from salesops.errors import first_few
from salesops.intake.convert import Bound
from salesops.intake.names import quoted, words_of
from salesops.intake.sources import Sources

_GENERATED = {"_row", "row_number", "uuid", "gen_random_uuid"}
REASON = "equal to an earlier row in every cell of the source, and counted again"


@dataclass(frozen=True)
class Doubled:
    """How many rows of a table are equal to an earlier one, and the first of them by number."""

    table: str
    rows: int
    of: int
    first: tuple[int, ...]

    def __str__(self) -> str:
        have = "row is" if self.rows == 1 else "rows are"
        return (
            f"{self.table}: {self.rows:,} {have} {REASON}, since the map gives each an id of its own (first: row "
            f"{first_few([f'{row:,}' for row in self.first], self.rows)}). If these are copies, leave them out: see "
            '"Rows that stand twice" in data/maps/README.md.'
        )


def doubled_rows(con: Any, bound: Bound, sources: Sources) -> Doubled | None:
    """Return the rows of the source that are equal to an earlier one in every cell; None without any.

    Rows that have a key in the source are told apart by it, so only a key that the map makes up is asked about. A
    query may take a part of the columns, or put rows together: then those of its sources are compared.
    """
    key = SCHEMA[bound.name].key[0]
    given = bound.map.columns.get(key)
    made_up = given.sql if given else bound.map.select
    if bound.map.distinct or not made_up or not words_of(made_up) & _GENERATED:
        return None
    cells = [cell for header, cell in bound.view.cells.items() if header.casefold() != key or given]
    if not cells:
        return None
    live = f"SEMI JOIN _live_{bound.name} USING (_row)"
    found = _doubled(con, bound.name, bound.view.relation, cells, live)
    if not (found and bound.map.select):
        return found
    loaded = [sources.load(name) for name in bound.view.sources]
    parts = [_doubled(con, bound.name, item.relation, [quoted(h) for h in item.headers], "") for item in loaded]
    return next((part for part in parts if part), None)


def _doubled(con: Any, table: str, relation: str, cells: Sequence[str], kept: str) -> Doubled | None:
    """Return the rows of a relation that are equal to an earlier one in these cells."""
    same = ", ".join(cells)
    numbered = f"SELECT _row, row_number() OVER (PARTITION BY {same} ORDER BY _row) AS nth FROM {relation} {kept}"
    later = "FILTER (nth > 1)"
    query = f"SELECT count(*), count(*) {later}, list(_row ORDER BY _row) {later} FROM ({numbered})"
    of, rows, first = con.raw_sql(query).fetchone()
    return Doubled(table, rows, of, tuple(first[:4])) if rows else None
