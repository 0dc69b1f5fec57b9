"""Connections to DuckDB that do no harm, whoever wrote the files and the SQL that meet on them.

Each is in memory and locked from its first moment: of the machine's files it reaches those that were named for it,
and no network, extension or setting at all. A database is attached to it, read-only.
"""

from __future__ import annotations

import glob
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ibis.backends.duckdb import Backend

from salesops.book.shelf import VARIABLE
from salesops.book.values import literal, quoted
from salesops.errors import BookError, first_few

_OWN_NAMES = ("memory", "system", "temp")  # DuckDB's own databases
_SEALED = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
}


def connect(*, files: Iterable[Path] = (), folders: Iterable[Path] = (), memory: str = "", threads: int = 0) -> Any:
    """Return a locked Ibis connection to DuckDB, in memory.

    OMP_NUM_THREADS, the usual cap on threads, holds for the database too if it is a whole number above 0.

    Parameters
    ----------
    files : iterable of Path
        What it may read (and, as far as the database goes, write): CSV, Parquet, databases.
    folders : iterable of Path
        Where it may read and write; they need not exist yet. The shelf of a run is always one of them.
    memory : str
        How much it may take before it spills to disk, such as "3GB"; DuckDB's own limit without it.
    threads : int
        How many threads it has; 0 is one for each processor.
    """
    # a folder for each: two databases that spill into one folder overwrite each other's files
    spill = Path(tempfile.gettempdir()).resolve() / f"salesops-{os.getpid()}-{secrets.token_hex(6)}"
    settings: dict[str, Any] = {**_SEALED, "temp_directory": str(spill)}
    if memory:
        settings["memory_limit"] = memory
    if threads:
        settings["threads"] = threads
    cap = os.environ.get("OMP_NUM_THREADS", "")
    if cap.isascii() and cap.isdigit() and int(cap) > 0:
        settings["threads"] = int(cap)
    # the backend by its name, not by ibis.duckdb: that looks through the metadata of every installed package
    con = Backend().connect(**settings)
    shelf = os.environ.get(VARIABLE, "")
    _lock(con, allowed_paths=files, allowed_directories=[_beside(spill), *folders, *([Path(shelf)] if shelf else [])])
    return con


def connect_database(path: Path) -> Any:
    """Return a locked connection whose own database is a DuckDB file, read-only, under the name that DuckDB gives it.

    Raises
    ------
    BookError
        If the file is no such database, or would change what DuckDB's own functions do.
    """
    con = connect(files=database_files(path))
    try:
        con.raw_sql(f"USE {quoted(attach(con, path))}")
    except Exception as error:  # DuckDB raises several kinds for a file that is not its own
        raise BookError(f"'{path}' cannot be opened as a DuckDB database: {error}") from None
    shadows = sorted(own_functions(con) & builtin_functions(con, tables=True))
    if shadows:
        raise BookError(
            f"'{path}' has functions of its own in the place of DuckDB's: {first_few(shadows)}. No number could be "
            f'trusted. Remove them: DROP MACRO "{shadows[0]}".'
        )
    return con


def attach(con: Any, path: Path, name: str = "") -> str:
    """Attach a DuckDB file, read-only, and return its name; it must be among the files of the connection."""
    known = _databases(con)
    wanted = name or ("book" if path.stem.casefold() in _OWN_NAMES else "")
    called = f" AS {quoted(wanted)}" if wanted else ""
    con.raw_sql(f"ATTACH IF NOT EXISTS {literal(str(path.absolute()))}{called} (READ_ONLY, TYPE duckdb)")
    return wanted or next(iter(_databases(con) - known))


def database_files(path: Path) -> tuple[Path, Path]:
    """Return the files of which a DuckDB database consists; the second is there only after a crash."""
    return path, path.with_name(f"{path.name}.wal")


def builtin_functions(con: Any, *, tables: bool = False) -> frozenset[str]:
    """Return the names of DuckDB's functions that compute a value, with `tables` also those that give one."""
    kinds = "('scalar', 'aggregate', 'macro'" + (", 'table', 'table_macro')" if tables else ")")
    return _names(con, f"SELECT function_name FROM duckdb_functions() WHERE internal AND function_type IN {kinds}")


def own_functions(con: Any) -> frozenset[str]:
    """Return the names of the functions that an attached database brings."""
    return _names(con, "SELECT function_name FROM duckdb_functions() WHERE NOT internal")


@contextmanager
def scratch(con: Any) -> Iterator[Path]:
    """Give a folder for passing files that the connection, of Ibis or DuckDB, may read; afterwards it is gone."""
    (spill,) = getattr(con, "con", con).execute("SELECT current_setting('temp_directory')").fetchone()
    place = _beside(Path(spill))
    place.mkdir(mode=0o700, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=place) as folder:
            yield Path(folder)
    finally:
        with suppress(OSError):  # another is in it
            place.rmdir()


def _beside(spill: Path) -> Path:
    # not in it: DuckDB clears that folder away, and spills only where it made it
    return spill.with_name(f"{spill.name}-text")


def _lock(con: Any, **allowed: Iterable[Path]) -> None:
    for name, paths in allowed.items():
        whole = [str(path.absolute()) for path in paths]
        # DuckDB judges a name before it looks for brackets and stars in it, and again after
        listed = ", ".join(literal(text) for path in whole for text in (path, glob.escape(path)))
        con.raw_sql(f"SET {name} = [{listed}]")
    con.raw_sql("SET enable_progress_bar = false")  # in a notebook it is a widget, which no page can show
    con.raw_sql("SET enable_external_access = false")
    con.raw_sql("SET lock_configuration = true")


def _databases(con: Any) -> frozenset[str]:
    return frozenset(name for (name,) in con.raw_sql("SELECT database_name FROM duckdb_databases()").fetchall())


def _names(con: Any, query: str) -> frozenset[str]:
    return frozenset(str(name).lower() for (name,) in con.raw_sql(query).fetchall())
