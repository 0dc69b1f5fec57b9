"""Reading one table of a source into the database: a file, the sheet of a workbook, the table of a database."""

from __future__ import annotations

import glob
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, time
from itertools import chain, islice
from typing import Any

import duckdb
import openpyxl
import pyarrow as pa

from salesops.book.connection import attach
from salesops.book.database_views import refuse_harmful_view
from salesops.book.delimited import load_delimited
from salesops.book.detect import Group, detect_format, find_groups
from salesops.book.guard import Breach
from salesops.book.limits import refuse_wide
from salesops.book.surround import HEAD, cut_footer, filled, footer_notes, header_at, title_notes
from salesops.book.values import Format
from salesops.errors import BookError, IntakeError
from salesops.intake.files import Item, open_sqlite
from salesops.intake.names import clean_headers, literal, quoted
from salesops.intake.second_table import NotRead, cut_below, cut_beside
from salesops.intake.workbook import BROKEN, day_zero, notes_on_cells, unreckoned, with_formulas

_BATCH = 20_000
_CONNECTOR = "_fivetran_synced"  # whoever has this column writes times in UTC


@dataclass(frozen=True)
class Loaded:
    """A table of the source in the database.

    `relation` has the columns `headers` and `_row` (1 = first row of data). `cells` tells that all are text;
    `day_zero` is the day from which numbers among dates count in it, "" where they do not. `shown` and `groups` are
    those of `salesops.book.detect.Detected`; `not_read` are rows of a second table that stands on the same sheet.
    """

    label: str
    relation: str
    headers: tuple[str, ...]
    rows: int
    form: Format
    notes: tuple[str, ...] = ()
    cells: bool = False
    day_zero: str = ""
    shown: frozenset[str] = frozenset()
    groups: tuple[Group, ...] = ()
    not_read: tuple[NotRead, ...] = ()


def read_item(con: Any, item: Item, table: str, options: Mapping[str, Any], zone: str) -> Loaded:
    """Read one table of a source.

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
        Where it is read.
    table : str
        A name in the database that no other item has.
    options : mapping
        The [csv] table of the map.
    zone : str
        Whose clock a time without an offset shows; UTC for what a connector wrote.

    Raises
    ------
    IntakeError
        If the item cannot be read.
    """
    try:
        loaded = _READERS[item.kind](_Place(con, item, table, options, zone))
    except BookError as error:
        raise IntakeError(str(error).replace("in book.toml", "in [csv] of the map")) from None
    except (duckdb.Error, sqlite3.Error, *BROKEN) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise IntakeError(f"{item.label} cannot be read: {reason}. Export it again.") from None
    synced = _CONNECTOR in (header.casefold() for header in loaded.headers)
    return replace(loaded, form=replace(loaded.form, local=False)) if synced else loaded


@dataclass(frozen=True)
class _Place:
    """What is to be read, and where to."""

    con: Any
    item: Item
    table: str
    options: Mapping[str, Any]
    zone: str

    @property
    def form(self) -> Format:
        """The format of values that are not text."""
        return Format(time_zone=self.zone, local=True)


def _delimited(place: _Place) -> Loaded:
    read = load_delimited(place.con, place.item.path, place.table, place.options)
    form = replace(place.form, decimal=read.decimal, day_first=read.day_first)
    notes = tuple(note.replace("in book.toml", "in [csv] of the map") for note in read.notes)
    return _named(place, form, notes=notes, cells=True, shown=read.shown, groups=read.groups)


def _workbook(place: _Place) -> Loaded:
    item = place.item
    with closing(openpyxl.load_workbook(item.path, read_only=True, data_only=True)) as book:
        sheet = book[item.inner]
        sheet.reset_dimensions()  # some writers store a wrong size, and rows would be cut
        part = sheet._worksheet_path.lstrip("/")  # its place in the file, which openpyxl tells nowhere else
        cells = with_formulas(sheet.iter_rows(values_only=True), unreckoned(item.path, part))
        above, header, rows = below_header(cells, item.label)
        headers, numeric = _fill(place, header, rows)
        below = cut_below(place.con.con, place.table, headers)
        headers, beside = cut_beside(place.con.con, place.table, headers, header)
        footer = cut_footer(place.con.con, place.table, place.options.get("skip_footer"))
        notes = (*title_notes(above), *notes_on_cells(item.path, part), *footer_notes(footer))
        left = (*below, *beside)
        return _text_table(place, headers, numeric, notes=notes, day_zero=day_zero(book), not_read=left)


def _sqlite(place: _Place) -> Loaded:
    with closing(open_sqlite(place.item.path)) as con:
        cursor = con.execute(f"SELECT * FROM {quoted(place.item.inner)}")
        return _text_table(place, *_fill(place, [column[0] for column in cursor.description], cursor))


def _parquet(place: _Place) -> Loaded:
    scan = f"read_parquet({literal(glob.escape(str(place.item.path)))}, file_row_number = true)"
    query = f"SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS _row FROM {scan}"
    place.con.raw_sql(f"CREATE VIEW {place.table} AS {query}")
    return _named(place, place.form)


def _duckdb(place: _Place) -> Loaded:
    item = place.item
    path = literal(str(item.path.absolute()))
    attached = place.con.raw_sql(f"SELECT database_name FROM duckdb_databases() WHERE path = {path}").fetchone()
    base = attached[0] if attached else attach(place.con, item.path, f"{place.table}_file")
    try:
        refuse_harmful_view(place.con, base, item.inner)
    except Breach as breach:
        raise IntakeError(
            f"{item.label} is a view that {breach}. An import reads tables, and views over tables of the same "
            f"file. Store it as a table: CREATE TABLE … AS FROM {item.inner}."
        ) from None
    query = f"SELECT *, row_number() OVER () AS _row FROM {base}.{quoted(place.item.inner)}"
    place.con.raw_sql(f"CREATE TABLE {place.table} AS {query}")
    return _named(place, place.form)


_READERS = {"delimited": _delimited, "workbook": _workbook, "parquet": _parquet, "sqlite": _sqlite, "duckdb": _duckdb}


def _fill(place: _Place, header: Sequence[object], rows: Iterable[Sequence[object]]) -> tuple[list[str], set[str]]:
    """Make a table of text from rows and return its headers, and those of them below which numbers stand."""
    refuse_wide(place.item.label, len(header))
    headers = clean_headers(header)
    fields = [("_row", pa.int64()), *((name, pa.string()) for name in headers)]
    kinds = ", ".join(["_row BIGINT", *(f"{quoted(name)} VARCHAR" for name in headers)])
    place.con.raw_sql(f"CREATE TABLE {place.table} ({kinds})")
    numeric: set[int] = set()
    for batch in _batches(_noting(rows, numeric), len(headers), str(place.options.get("decimal", "."))):
        columns = zip(*batch, strict=True)
        arrays = [pa.array(column, kind) for column, (_, kind) in zip(columns, fields, strict=True)]
        place.con.con.register("_block", pa.table(arrays, pa.schema(fields)))
        place.con.raw_sql(f"INSERT INTO {place.table} SELECT * FROM _block")
        place.con.con.unregister("_block")
    return headers, {header for number, header in enumerate(headers) if number in numeric}


def _noting(rows: Iterable[Sequence[object]], numeric: set[int]) -> Iterator[Sequence[object]]:
    """Yield rows, and note in which columns numbers stand."""
    for row in rows:
        numeric.update(number for number, cell in enumerate(row) if isinstance(cell, int | float))
        yield row


def _text_table(place: _Place, headers: Sequence[str], numeric: set[str], **more: Any) -> Loaded:
    """Return the table with the way in which it writes dates; its `numeric` columns are as `_text` wrote them."""
    decimal = str(place.options.get("decimal", "."))
    chosen = {"decimal": decimal, **{key: value for key, value in place.options.items() if key == "day_first"}}
    found = detect_format(place.con.con, place.table, headers, name=place.item.label, european=False, chosen=chosen)
    texts = [] if "decimal" in place.options else [header for header in headers if header not in numeric]
    groups = find_groups(place.con.con, place.table, texts, decimal) if texts else ()
    form = replace(place.form, decimal=decimal, day_first=found.day_first)
    return _named(place, form, cells=True, shown=found.shown, groups=groups, **more)


def _named(place: _Place, form: Format, **more: Any) -> Loaded:
    """Return the relation with clean headers."""
    table = place.table
    found = [name for name in place.con.table(table).columns if name != "_row"]
    headers = clean_headers(found)
    if headers != found:
        renamed = ", ".join(f"{quoted(old)} AS {quoted(new)}" for old, new in zip(found, headers, strict=True))
        place.con.raw_sql(f"CREATE VIEW {table}_named AS SELECT {renamed}, _row FROM {table}")
        table = f"{table}_named"
        clean = dict(zip(found, headers, strict=True))
        more["groups"] = tuple(replace(group, column=clean[group.column]) for group in more.get("groups", ()))
    rows = place.con.raw_sql(f"SELECT count(*) FROM {table}").fetchone()[0]
    return Loaded(place.item.label, table, tuple(headers), rows, form, **more)


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
