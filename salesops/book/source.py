"""Opening a book: a folder of CSV and Parquet files, or a DuckDB database.

Nothing is read before it is needed. A table that the book does not have is an empty table with the
columns of the schema, so that a metric gives an empty result and need not ask; `has` tells.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

import ibis
import ibis.expr.types as ir

from salesops.book.config import BookConfig, read_config
from salesops.book.connection import connect, connect_database, database_files
from salesops.book.database_views import refuse_harmful_view
from salesops.book.delimited import load_delimited
from salesops.book.guard import Breach
from salesops.book.inside import SUFFIXES, beside_database, leading_out, of_book
from salesops.book.readings import Reading, number_readings
from salesops.book.replacement import settle_replacement
from salesops.book.schema import SCHEMA, Column, Type
from salesops.book.shelf import identity, shelved
from salesops.book.values import Format, to_type
from salesops.errors import BookError, did_you_mean

_IBIS_TYPES: dict[Type, str] = {
    "text": "string",
    "number": "float64",
    "integer": "int64",
    "boolean": "boolean",
    "date": "date",
    "instant": "timestamp('UTC')",
}

SMALL = 8_000_000  # bytes

T = TypeVar("T")


def open_book(where: str | os.PathLike[str]) -> Book:
    """Open a company's tables.

    Parameters
    ----------
    where : str or path
        A folder of CSV and Parquet files named like the tables (`opportunities.csv`), with an optional
        book.toml; or `duckdb://relative/path.duckdb`, `duckdb:///absolute/path.duckdb`, opened read-only,
        with an optional book.toml in the same folder.

    Returns
    -------
    Book
        Its tables are read when first used.

    Raises
    ------
    BookError
        If there is no such folder or file, or nothing in it is a table of the schema.
    """
    text = os.fspath(where)
    if text.startswith("duckdb://"):
        path = Path(unquote(text.removeprefix("duckdb://")))
        book = _open_database(path)
    else:
        path = Path(text)
        book = _open_folder(path)
    if not book.names:
        known = "', '".join(list(SCHEMA)[:6])
        raise BookError(f"{path} holds no table of a book. Expected at least one of '{known}', … See data/README.md.")
    return book


@dataclass(frozen=True)
class _Read:
    """A table as its source has it, how that writes numbers and dates, and what was detected."""

    table: ir.Table
    form: Format
    notes: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, eq=False)
class Book:
    """A company's tables, typed as the schema says.

    `notes` holds what was detected and ignored on opening, as sentences. `as_of` is None for the book as
    it stands; `salesops.book.snapshot.as_known` sets it, and `later`, the book of which this is a snapshot.
    `is_redacted`: ids and names are pseudonyms.
    """

    location: str
    config: BookConfig
    con: Any
    origins: dict[str, Path | str] = field(repr=False)
    as_of: date | None = None
    is_redacted: bool = False
    later: Book | None = field(default=None, repr=False)
    _identity: str = field(default="", repr=False)
    _build: Callable[[str], ir.Table] | None = field(default=None, repr=False)
    _raw: dict[str, _Read] = field(default_factory=dict, repr=False)
    _tables: dict[str, ir.Table] = field(default_factory=dict, repr=False)
    _kept: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _stores: bool = field(default=True, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The tables that the book has, in the order of the schema."""
        return tuple(name for name in SCHEMA if name in self.origins)

    @property
    def company(self) -> str:
        """The company's name."""
        return self.config.company or Path(self.location).stem

    @cached_property
    def currency(self) -> str:
        """The book's currency: from book.toml, else the one that most rows have, else "".

        It is that of all rows, whatever the date of a snapshot: a company does not change its currency with it.
        """
        return self.config.currency or self.keep("currency", self._usual_currency)

    def has(self, name: str, *columns: str) -> bool:
        """Tell whether the book has this table, and these columns in it."""
        if name not in self.origins:
            return False
        return not columns or set(columns) <= set(self.raw(name).columns)

    def table(self, name: str) -> ir.Table:
        """Return a table with every column of the schema, typed; what is absent is null."""
        if name not in SCHEMA:
            raise BookError(f"There is no table '{name}' in a book. {did_you_mean(name, SCHEMA)}")
        if name not in self._tables:
            table = self._build(name) if self._build else self._type(name)
            self._tables[name] = self.keep(("table", name), lambda: table) if self._stores and self._is_small else table
        return self._tables[name]

    def raw(self, name: str) -> ir.Table:
        """Return a table as its source has it, with the schema's names where they differ only by case."""
        return self._load(name).table

    def form(self, name: str) -> Format:
        """Return how the source of a table writes numbers and dates."""
        return self._load(name).form

    @property
    def history_form(self) -> Format:
        """How the values in opportunity_history are written."""
        return self.form("opportunity_history") if self.has("opportunity_history") else Format()

    def notes(self, name: str) -> tuple[str, ...]:
        """Return what was detected when the table was read, as sentences."""
        return self._load(name).notes

    def readings(self, name: str) -> tuple[Reading, ...]:
        """Return the numbers of a table that can be read in two ways, and how they are read."""
        return self._load(name).readings

    def with_tables(self, build: Callable[[str], ir.Table], *, variant: str = "", **changes: Any) -> Book:
        """Return a book of the same company whose tables are what `build` gives for their names, when first used.

        `variant` says in words how the tables differ from this book's, for other processes to know them by;
        without it they share nothing of the new book.
        """
        named = f"{self._identity}, {variant}" if self._identity and variant else ""
        return replace(self, _build=build, _tables={}, _kept={}, _identity=named, **changes)

    def through(self, con: Any) -> Book:
        """Return this book read through another connection, which may be closed: none of its tables is stored there."""
        return replace(self, con=con, _raw={}, _tables={}, _kept={}, _stores=False)

    def keep(self, key: Hashable, build: Callable[[], T]) -> T:
        """Return what `build` gives, built once for this book; a table is stored.

        Reports ask for the same intermediate tables again and again; stored, each is computed once and the
        queries on top of it stay short. With a shelf (`salesops.book.shelf`) it is computed once for all
        processes of a run. `key` must say in its repr all on which the result depends beside the book.
        """
        if key not in self._kept:
            self._kept[key] = shelved(self.con, self._identity, key, build)
        kept: T = self._kept[key]
        return kept

    @cached_property
    def _is_small(self) -> bool:
        files = [origin for origin in self.origins.values() if isinstance(origin, Path)]
        return _are_small(files or [Path(self.location)])

    def _usual_currency(self) -> str:
        for name in filter(self.has, ("opportunities", "orders", "quotas", "contracts")):
            table = self._type(name)
            rows = table.filter(table.currency.notnull())
            counts = rows.group_by("currency").aggregate(rows=rows.count())
            most = counts.order_by(ibis.desc("rows"), "currency").limit(1).to_pyarrow().to_pylist()
            if most:
                return str(most[0]["currency"])
        return ""

    def _type(self, name: str) -> ir.Table:
        schema = SCHEMA[name]
        if not self.has(name):
            return self._absent(name)
        raw, form = self.raw(name), self.form(name)
        missing = [column for column in schema.required if column not in raw.columns]
        if missing:
            raise BookError(missing_columns(name, missing, raw.columns))
        columns = {column.name: self.typed(raw, column, form) for column in schema.columns}
        return raw.select(**columns)

    def _absent(self, name: str) -> ir.Table:
        # a table of the connection, not a memtable: a query must belong to one backend
        schema = {column.name: _IBIS_TYPES[column.type] for column in SCHEMA[name].columns}
        return self.con.create_table(f"absent_{name}", schema=ibis.schema(schema), temp=True, overwrite=True)

    def typed(self, raw: ir.Table, column: Column, form: Format) -> ir.Value:
        """Return a column of a table as its source has it, typed as the schema says; null if it is absent."""
        if column.name not in raw.columns:
            return ibis.null(_IBIS_TYPES[column.type])
        return to_type(raw[column.name], column.type, form.of(column.name))

    def _load(self, name: str) -> _Read:
        if name not in self._raw:
            self._raw[name] = self._read(name)
        return self._raw[name]

    def _read(self, name: str) -> _Read:
        origin = self.origins[name]
        form = Format(time_zone=self.config.time_zone)
        if isinstance(origin, str):
            return _Read(_named_as_known(_read_relation(self.con, origin), name), form)
        if origin.suffix.lower() == ".parquet":
            return _Read(_named_as_known(_read_parquet(self.con, origin), name), form)
        loaded = load_delimited(self.con, origin, f"raw_{name}", self.config.csv)
        table = self.con.table(loaded.table)
        columns = {header: column for column in SCHEMA[name].columns for header in table.columns
                   if header.casefold() == column.name}  # fmt: skip  # one line too long
        readings = number_readings(loaded.groups, columns, self.config.currency)
        thousands = frozenset(reading.column for reading in readings if reading.thousands)
        form = replace(form, decimal=loaded.decimal, day_first=loaded.day_first, thousands=thousands)
        return _Read(_named_as_known(table, name), form, loaded.notes, readings)


def _named_as_known(table: ir.Table, name: str) -> ir.Table:
    """Return a table with the schema's names for columns that differ from them only by case."""
    known = {column.name.casefold(): column.name for column in SCHEMA[name].columns}
    renames = {known[c.casefold()]: c for c in table.columns if known.get(c.casefold(), c) != c}
    return table.rename(renames) if renames else table


def missing_columns(name: str, missing: list[str], found: tuple[str, ...]) -> str:
    """Say which required columns a table lacks, with the nearest header for each."""
    headers = [header for header in found if not header.startswith("_")]
    hints = " ".join(f"For '{column}': {did_you_mean(column, headers)}" for column in missing[:3])
    return (
        f"{name}: required column{'s' if len(missing) > 1 else ''} {', '.join(repr(m) for m in missing)} not found. "
        f"{hints} Rename the column, or import with a map."
    )


def _open_folder(path: Path) -> Book:
    if not path.exists():
        settle_replacement(path)
    if not path.exists():
        raise BookError(f"There is no folder '{path}'. Name the folder that holds the book's tables.")
    if not path.is_dir():
        raise BookError(
            f"'{path}' is a file. Name the folder that holds it, or import it: salesops import --map MAP {path} DEST."
        )
    _refuse_links(path, of_book(path))
    files = sorted(f for f in path.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file())
    if not files:
        raise BookError(f"The folder '{path}' holds no CSV or Parquet file. Expected files such as opportunities.csv.")
    origins: dict[str, Path | str] = {}
    for file in files:
        name = file.stem.casefold()
        if name in SCHEMA and name in origins:
            raise BookError(f"{name}: two files hold this table, {Path(origins[name]).name} and {file.name}. Keep one.")
        if name in SCHEMA:
            origins[name] = file
    settings, tables = path / "book.toml", [*map(Path, origins.values())]
    stands = identity(path, [*tables, settings])  # before anything is read
    con = connect(files=tables, threads=1 if _are_small(tables) else 0)
    return Book(str(path), read_config(settings), con, origins, _identity=stands)


def _are_small(files: Iterable[Path]) -> bool:
    """Tell whether tables are so small that a query of them takes longer to put together than to answer.

    They are stored once typed, and one thread reads them: two would wait for each other.
    """
    return sum(file.stat().st_size for file in files if file.is_file()) <= SMALL


def _open_database(path: Path) -> Book:
    if not path.is_file():
        raise BookError(
            f"There is no database file '{path}'. Check the address: duckdb:///absolute/path or duckdb://relative/path."
        )
    _refuse_links(path.parent, beside_database(path))
    settings = path.parent / "book.toml"
    stands = identity(path, [*database_files(path), settings])  # before anything is read
    con = connect_database(path)
    origins: dict[str, Path | str] = {t.casefold(): t for t in con.list_tables() if t.casefold() in SCHEMA}
    return Book(str(path), read_config(settings), con, origins, _identity=stands)


def _refuse_links(folder: Path, paths: Iterable[Path]) -> None:
    if sentence := leading_out(folder, paths):
        raise BookError(sentence)


def _read_relation(con: Any, name: str) -> ir.Table:
    try:
        refuse_harmful_view(con, con.current_catalog, name)
    except Breach as breach:
        raise BookError(
            f"The view '{name}' {breach}. A book reads tables, and views over tables of the same database. "
            f"Store it as a table: CREATE TABLE … AS FROM {name}."
        ) from None
    return con.table(name)


def _read_parquet(con: Any, path: Path) -> ir.Table:
    try:
        return con.read_parquet(glob.escape(str(path)))  # DuckDB takes brackets in a name for a pattern
    except Exception as error:  # DuckDB raises several kinds for a broken file
        raise BookError(f"{path.name} cannot be read as Parquet: {error}") from None
