"""Reading the tables of a source into the database, each when a map first asks for it."""

from __future__ import annotations

import glob
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from itertools import chain, islice
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa

from salesops.book.connection import attach
from salesops.book.database_views import refuse_harmful_view
from salesops.book.delimited import load_delimited
from salesops.book.guard import Breach
from salesops.book.intake.files import Item, matching, open_sqlite
from salesops.book.intake.mapfile import Map
from salesops.book.intake.names import clean_headers, literal, quoted
from salesops.book.intake.workbook import BROKEN, notes_on_cells, unreckoned, with_formulas
from salesops.book.surround import HEAD, cut_footer, filled, footer_notes, header_at, title_notes
from salesops.book.values import Format, detect_format
from salesops.errors import BookError, IntakeError

_BATCH = 20_000


@dataclass(frozen=True)
class Loaded:
    """A table of the source in the database.

    `relation` has the columns `headers` and `_row` (1 = first row of data). `cells` tells that all are text;
    `serials` that a number among dates is a day as Excel counts them.
    """

    label: str
    relation: str
    headers: tuple[str, ...]
    rows: int
    form: Format
    notes: tuple[str, ...] = ()
    cells: bool = False
    serials: bool = False


@dataclass
class Sources:
    """The tables of a source, by the names that a map gives them."""

    con: Any
    source: Path
    map: Map
    items: tuple[Item, ...]
    zone: str
    _loaded: dict[str, Loaded] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Return every name that a map may use: those that it declares and those of the files."""
        return [*self.map.sources, *(item.names[0] for item in self.items)]

    def find(self, name: str) -> tuple[Item, ...]:
        """Return the items that a name stands for; () if there is none.

        A single file that no pattern names is taken for the first source of the map.
        """
        declared = {key.casefold(): patterns for key, patterns in self.map.sources.items()}
        found = matching(declared.get(name.casefold(), (name,)), self.items)
        first = next(iter(self.map.sources), self._only_name())
        seen = tuple(item for item in self.items if not item.hidden)
        if not found and self.source.is_file() and len(seen) == 1 and name.casefold() == first.casefold():
            claimed = any(matching(patterns, self.items) for patterns in self.map.sources.values())
            return () if claimed else seen
        return found

    def _only_name(self) -> str:
        """Return the name that every table of the map reads, if it is one."""
        tables = [table for definitions in self.map.tables.values() for table in definitions]
        names = {name for table in tables for listed in table.sources for name in listed}
        return names.pop() if len(names) == 1 and not any(table.select for table in tables) else ""

    def load(self, name: str) -> Loaded:
        """Read what a name stands for. Raises IntakeError if it cannot be read or has no rows."""
        key = name.casefold()
        if key not in self._loaded:
            parts = [self._read(item) for item in self.find(name)]
            headers = [sorted(header.casefold() for header in part.headers) for part in parts]
            if any(other != headers[0] for other in headers):
                raise IntakeError(
                    f"The source '{name}' stands for {len(parts)} files whose headers differ: "
                    f"{', '.join(part.label for part in parts)}. Make the pattern in [sources] narrower, so that it "
                    "fits one, or give all the same columns."
                )
            loaded = parts[0] if len(parts) == 1 else self._stacked(parts)
            if not loaded.rows:
                raise IntakeError(f"{loaded.label} has a header but no rows. Export it again, with its rows.")
            self._loaded[key] = self._emptied(loaded)
        return self._loaded[key]

    def _emptied(self, loaded: Loaded) -> Loaded:
        """Empty the cells that stand for nothing by the word of the map, and count them."""
        if not (self.map.empty and loaded.cells):
            return loaded
        listed = ", ".join(literal(text.strip().lower()) for text in self.map.empty)
        nothing = {header: f"lower(trim({quoted(header)})) IN ({listed})" for header in loaded.headers}
        counts = " + ".join(f"count(*) FILTER (WHERE {test})" for test in nothing.values())
        found = self.con.raw_sql(f"SELECT {counts} FROM {loaded.relation}").fetchone()[0]
        cells = ", ".join(
            f"CASE WHEN {test} THEN NULL ELSE {quoted(h)} END AS {quoted(h)}" for h, test in nothing.items()
        )
        relation = f"{loaded.relation}_emptied"
        self.con.raw_sql(f"CREATE VIEW {relation} AS SELECT {cells}, _row FROM {loaded.relation}")
        words = "' or '".join(self.map.empty)
        note = f"{found:,} cell{'' if found == 1 else 's'} with '{words}' read as empty."
        return replace(loaded, relation=relation, notes=(*loaded.notes, *([note] if found else [])))

    def load_together(self, names: Sequence[str]) -> Loaded:
        """Read several sources, those of them that are there, as one; what one does not have is empty there."""
        parts = [self.load(name) for name in names if self.find(name)]
        return parts[0] if len(parts) == 1 else self._stacked(parts)

    def was_read(self, item: Item) -> bool:
        """Tell whether anything asked for an item."""
        return any(item in self.find(name) for name in self._loaded)

    def _read(self, item: Item) -> Loaded:
        readers = {
            "delimited": self._delimited, "workbook": self._workbook, "parquet": self._parquet,
            "sqlite": self._sqlite, "duckdb": self._duckdb,
        }  # fmt: skip  # reads as a table
        try:
            return readers[item.kind](item, f"_source_{self.items.index(item)}")
        except BookError as error:
            raise IntakeError(str(error).replace("in book.toml", "in [csv] of the map")) from None
        except (duckdb.Error, sqlite3.Error, *BROKEN) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise IntakeError(f"{item.label} cannot be read: {reason}. Export it again.") from None

    def _stacked(self, parts: Sequence[Loaded]) -> Loaded:
        """Put tables under one another by header; `_row` then counts through all of them."""
        first, labels = parts[0], ", ".join(part.label for part in parts)
        if any((part.form, part.cells) != (first.form, first.cells) for part in parts):
            raise IntakeError(
                f"The files {labels} write numbers or dates differently. Set decimal and day_first in [csv]."
            )
        headers: dict[str, str] = {}
        for header in (header for part in parts for header in part.headers):
            headers.setdefault(header.casefold(), header)
        columns = ", ".join(quoted(header) for header in headers.values())
        union = " UNION ALL BY NAME ".join(
            f"SELECT {number} AS _part, * FROM {part.relation}" for number, part in enumerate(parts)
        )
        relation = f"{'_'.join(part.relation for part in parts)}_stacked"
        self.con.raw_sql(
            f"CREATE TABLE IF NOT EXISTS {relation} AS SELECT {columns}, "
            f"row_number() OVER (ORDER BY _part, _row) AS _row FROM ({union})"
        )
        note = f"{len(parts)} files read as one, rows counted through: {labels}."
        notes = (note, *dict.fromkeys(text for part in parts for text in part.notes))
        rows, serials = sum(part.rows for part in parts), any(part.serials for part in parts)
        found = tuple(headers.values())
        return Loaded(labels, relation, found, rows, first.form, notes, cells=first.cells, serials=serials)

    def _delimited(self, item: Item, table: str) -> Loaded:
        read = load_delimited(self.con, item.path, table, self.map.csv)
        form = Format(decimal=read.decimal, day_first=read.day_first, time_zone=self.zone, local=True)
        notes = tuple(note.replace("in book.toml", "in [csv] of the map") for note in read.notes)
        return self._named(item, table, form, notes=notes, cells=True)

    def _workbook(self, item: Item, table: str) -> Loaded:
        with closing(openpyxl.load_workbook(item.path, read_only=True, data_only=True)) as book:
            sheet = book[item.inner]
            sheet.reset_dimensions()  # some writers store a wrong size, and rows would be cut
            part = sheet._worksheet_path.lstrip("/")  # its place in the file, which openpyxl tells nowhere else
            cells = with_formulas(sheet.iter_rows(values_only=True), unreckoned(item.path, part))
            above, header, rows = below_header(cells, item.label)
            notes = (*title_notes(above), *notes_on_cells(item.path, part))
            return self._cells(item, table, header, rows, notes=notes, serials=True)

    def _sqlite(self, item: Item, table: str) -> Loaded:
        with closing(open_sqlite(item.path)) as con:
            cursor = con.execute(f"SELECT * FROM {quoted(item.inner)}")
            return self._cells(item, table, [column[0] for column in cursor.description], cursor)

    def _parquet(self, item: Item, table: str) -> Loaded:
        scan = f"read_parquet({literal(glob.escape(str(item.path)))}, file_row_number = true)"
        query = f"SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS _row FROM {scan}"
        self.con.raw_sql(f"CREATE VIEW {table} AS {query}")
        return self._named(item, table, Format(time_zone=self.zone, local=True))

    def _duckdb(self, item: Item, table: str) -> Loaded:
        base = attach(self.con, item.path, f"_file_{[other.path for other in self.items].index(item.path)}")
        try:
            refuse_harmful_view(self.con, base, item.inner)
        except Breach as breach:
            raise IntakeError(
                f"{item.label} is a view that {breach}. An import reads tables, and views over tables of the same "
                f"file. Store it as a table: CREATE TABLE … AS FROM {item.inner}."
            ) from None
        query = f"SELECT *, row_number() OVER () AS _row FROM {base}.{quoted(item.inner)}"
        self.con.raw_sql(f"CREATE TABLE {table} AS {query}")
        return self._named(item, table, Format(time_zone=self.zone, local=True))

    def _cells(
        self, item: Item, table: str, header: Sequence[object], rows: Iterable[Sequence[object]],
        notes: tuple[str, ...] = (), serials: bool = False,
    ) -> Loaded:  # fmt: skip  # one line too long
        decimal = str(self.map.csv.get("decimal", "."))
        width = len(header)
        names = [f"c{number}" for number in range(width)]
        fields = [("_row", pa.int64()), *((name, pa.string()) for name in names)]
        kinds = ", ".join(["_row BIGINT", *(f"{name} VARCHAR" for name in names)])
        self.con.raw_sql(f"CREATE TABLE {table} ({kinds})")
        for batch in _batches(rows, width, decimal):
            columns = zip(*batch, strict=True)
            arrays = [pa.array(column, kind) for column, (_, kind) in zip(columns, fields, strict=True)]
            self.con.con.register("_block", pa.table(arrays, pa.schema(fields)))
            self.con.raw_sql(f"INSERT INTO {table} SELECT * FROM _block")
            self.con.con.unregister("_block")
        footer = cut_footer(self.con.con, table, self.map.csv.get("skip_footer")) if serials else ()
        headers = clean_headers(header)
        for old, new in zip(names, headers, strict=True):
            self.con.raw_sql(f"ALTER TABLE {table} RENAME COLUMN {old} TO {quoted(new)}")
        chosen = {"decimal": decimal, **{key: value for key, value in self.map.csv.items() if key == "day_first"}}
        found = detect_format(self.con.con, table, headers, name=item.label, european=False, chosen=chosen)
        form = Format(decimal, found.day_first, self.zone, local=True)
        notes = (*notes, *footer_notes(footer))
        return self._named(item, table, form, notes=notes, cells=True, serials=serials)

    def _named(self, item: Item, table: str, form: Format, **more: Any) -> Loaded:
        """Return the relation with clean headers."""
        found = [name for name in self.con.table(table).columns if name != "_row"]
        headers = clean_headers(found)
        if headers != found:
            renamed = ", ".join(f"{quoted(old)} AS {quoted(new)}" for old, new in zip(found, headers, strict=True))
            self.con.raw_sql(f"CREATE VIEW {table}_named AS SELECT {renamed}, _row FROM {table}")
            table = f"{table}_named"
        rows = self.con.raw_sql(f"SELECT count(*) FROM {table}").fetchone()[0]
        return Loaded(item.label, table, tuple(headers), rows, form, **more)


def below_header(
    rows: Iterable[Sequence[object]], label: str
) -> tuple[list[list[str | None]], Sequence[object], Iterator[Sequence[object]]]:
    """Return the rows above the header as text, the header, and the rows below it."""
    remaining = iter(rows)
    first = list(islice(remaining, HEAD))
    texts = [[_text(cell, ".") for cell in row] for row in first]
    if not any(filled(row) for row in texts):
        raise IntakeError(f"{label} is empty. Export it again, with its header and rows.")
    at = header_at(texts, even=True)
    width = max(number for number, cell in enumerate(texts[at], start=1) if cell)
    return texts[:at], first[at][:width], chain(first[at + 1 :], remaining)


def _batches(rows: Iterable[Sequence[object]], width: int, decimal: str) -> Iterator[list[list[Any]]]:
    """Yield blocks of rows as text, each row led by its number; blank rows count but are left out."""
    padding: list[object] = [None] * width
    texts = ([_text(cell, decimal) for cell in [*row, *padding][:width]] for row in rows)
    numbered = ([number, *cells] for number, cells in enumerate(texts, start=1) if any(cells))
    while batch := list(islice(numbered, _BATCH)):
        yield batch


def _text(cell: object, decimal: str) -> str | None:
    """Return a cell as text that reads back as the same value."""
    if cell is None or isinstance(cell, str):
        return (cell or "").strip() or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        whole = cell.is_integer() and abs(cell) < 1e15
        return str(int(cell)) if whole else repr(cell).replace(".", decimal)
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time() else cell.date().isoformat()
    return cell.hex() if isinstance(cell, bytes) else str(cell)
