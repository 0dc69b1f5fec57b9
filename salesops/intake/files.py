"""What a source holds: the files of a folder, the sheets of a workbook, the tables of a database."""

from __future__ import annotations

import fnmatch
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import openpyxl

from salesops.book.connection import attach, connect, database_files
from salesops.book.inside import leading_out
from salesops.errors import IntakeError
from salesops.intake.workbook import refuse_locked

Kind = Literal["delimited", "workbook", "parquet", "sqlite", "duckdb"]

_KINDS: dict[str, Kind] = {
    ".csv": "delimited", ".tsv": "delimited", ".txt": "delimited", ".xlsx": "workbook", ".xlsm": "workbook",
    ".parquet": "parquet", ".sqlite": "sqlite", ".sqlite3": "sqlite", ".duckdb": "duckdb", ".ddb": "duckdb",
}  # fmt: skip  # reads as a table
_SIGNATURES: tuple[tuple[int, bytes, Kind], ...] = ((0, b"SQLite format 3\0", "sqlite"), (8, b"DUCK", "duckdb"))
READABLE = "CSV, TSV, TXT, XLSX, Parquet, SQLite or DuckDB"


@dataclass(frozen=True)
class Item:
    """One table of a source. `inner` names the sheet or table within the file; `names` are what it answers to.

    A `hidden` sheet is read only where it is named in full.
    """

    path: Path
    kind: Kind
    inner: str = ""
    names: tuple[str, ...] = ()
    hidden: bool = False

    @property
    def label(self) -> str:
        """The item as people would name it."""
        return f"{self.inner} in {self.path.name}" if self.inner else self.path.name


def list_items(source: Path) -> tuple[Item, ...]:
    """Return the tables of a folder or file. Raises IntakeError if there is none."""
    if not source.exists():
        raise IntakeError(f"There is no folder or file '{source}'. Name the export to import.")
    if source.is_file():
        kind = _kind(source)
        if kind is None:
            raise IntakeError(f"'{source.name}' cannot be imported. Expected {READABLE}. Save it as one of these.")
        _refuse_links(source.resolve().parent, database_files(source.resolve()))
        return tuple(_items_of(source, kind))
    files = sorted(path for path in source.iterdir() if path.is_file() and not path.name.startswith((".", "~$")))
    read = {path: kind for path in files if (kind := _kind(path))}
    _refuse_links(source, (file for path in read for file in database_files(path)))
    items = tuple(item for path, kind in read.items() for item in _items_of(path, kind))
    if not items:
        held = f"It holds {len(files)} other file{'' if len(files) == 1 else 's'}." if files else "It is empty."
        raise IntakeError(f"The folder '{source}' holds no {READABLE} file. {held}")
    return items


def _refuse_links(folder: Path, paths: Iterable[Path]) -> None:
    if sentence := leading_out(folder, paths):
        raise IntakeError(sentence)


def open_sqlite(path: Path) -> sqlite3.Connection:
    """Open an SQLite file to read it; what its views call must not reach beyond it."""
    con = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    con.execute("PRAGMA trusted_schema = OFF")
    return con


def matching(
    patterns: Iterable[str], items: Iterable[Item], serves: Callable[[Item], bool] = lambda _: True
) -> tuple[Item, ...]:
    """Return the items that the first pattern with any match fits; case is ignored. No `*` finds a hidden sheet.

    Of those that a pattern fits only the ones count that `serves` is true for.
    """
    listed = list(items)
    for pattern in patterns:
        seen = [item for item in listed if not item.hidden or "*" not in pattern]
        found = [item for item in seen if any(_fits(name, pattern) for name in item.names) and serves(item)]
        if found:
            return tuple(found)
    return ()


def _fits(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name.casefold(), pattern.casefold())


def _kind(path: Path) -> Kind | None:
    suffix = path.suffix.lower()
    if suffix in _KINDS:
        return _KINDS[suffix]
    if suffix == ".db":
        with path.open("rb") as file:
            head = file.read(16)
        return next((kind for at, mark, kind in _SIGNATURES if head[at : at + len(mark)] == mark), None)
    return None


def _items_of(path: Path, kind: Kind) -> list[Item]:
    if kind in ("delimited", "parquet"):
        return [Item(path, kind, "", (path.stem, path.name))]
    if kind == "workbook":
        refuse_locked(path)
    readers = {"workbook": _sheets, "sqlite": _sqlite_tables, "duckdb": _duckdb_tables}
    try:
        inner = readers[kind](path)
    except Exception as error:  # each reader has its own kinds of error for a broken file
        raise IntakeError(f"{path.name} cannot be read: {str(error).rstrip('.')}. Export it again.") from None
    alone = (path.stem, path.name) if sum(not hidden for hidden in inner.values()) == 1 else ()
    return [
        Item(path, kind, name, (name, f"{path.stem}.{name}", *(() if hidden else alone)), hidden)
        for name, hidden in inner.items()
    ]


def _sheets(path: Path) -> dict[str, bool]:
    """Return the sheets of a workbook, and whether each is hidden."""
    with closing(openpyxl.load_workbook(path, read_only=True)) as book:
        return {sheet.title: sheet.sheet_state != "visible" for sheet in book.worksheets}


def _sqlite_tables(path: Path) -> dict[str, bool]:
    with closing(open_sqlite(path)) as con:
        query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
        return {row[0]: False for row in con.execute(query)}


def _duckdb_tables(path: Path) -> dict[str, bool]:
    con = connect(files=database_files(path))
    query = "SELECT table_name FROM information_schema.tables WHERE table_catalog = ? ORDER BY 1"
    return {row[0]: False for row in con.raw_sql(query, parameters=[attach(con, path)]).fetchall()}
