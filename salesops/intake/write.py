"""Writing a book whole or not at all: into a folder beside the destination, renamed at the end."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from salesops.book.replacement import folders_beside, held
from salesops.book.spreadsheet import harmless, harmless_sql
from salesops.book.state import PEOPLES_OWN, SCENARIOS
from salesops.errors import IntakeError, one_line
from salesops.files import read_toml, toml_text
from salesops.intake.names import literal, quoted


def check_destination(dest: Path, source: Path, *, replace: bool) -> None:
    """Raise IntakeError if a book cannot or must not be written to `dest`. Nothing is written."""
    if dest.resolve() == source.resolve() or dest.resolve() in source.resolve().parents:
        raise IntakeError(f"DEST '{dest}' holds the source. Name another folder.")
    if dest.is_symlink() or (dest.exists() and not dest.is_dir()):
        raise IntakeError(f"DEST '{dest}' is not a folder. Name a folder that does not exist yet.")
    held = sorted(path.name for path in dest.iterdir()) if dest.exists() else []
    if held and not replace:
        raise IntakeError(f"DEST '{dest}' exists and is not empty. Name another folder, or replace it with --replace.")
    written = ("book.toml", "rejected", SCENARIOS, *PEOPLES_OWN["playbook"])
    foreign = [name for name in held if name not in written and not name.endswith(".parquet")]
    if foreign:
        raise IntakeError(
            f"DEST '{dest}' holds files that no import wrote (first: {foreign[0]}), so it is not replaced. "
            "Name another folder."
        )


@contextmanager
def new_folder(dest: Path) -> Iterator[Path]:
    """Give an empty folder; on leaving without an error it becomes `dest`, else nothing of it remains.

    A folder that stands at `dest` is moved aside and removed when the new one is in its place. What people wrote
    into it, the playbook and its records, is carried over. Of an import that was killed, `settle_replacement` takes
    care.
    """
    dest = dest.resolve()
    made, aside = folders_beside(dest, secrets.token_hex(4))
    parents = [parent for parent in dest.parents if not parent.exists()]
    try:
        made.mkdir(parents=True)
        with held(made):
            yield made
            _sync(made)  # what takes long, before what people may still be writing to
            _carry_over(dest, made)
            if dest.exists():
                dest.rename(aside)
            try:
                made.rename(dest)
            except FileNotFoundError:  # who wanted the book just now has finished this
                if not dest.is_dir():
                    raise
            _sync_folder(dest.parent)
    finally:
        if aside.exists() and not dest.exists():
            aside.rename(dest)
        for folder in (made, aside):
            shutil.rmtree(folder, ignore_errors=True)
        for parent in parents:
            with suppress(OSError):  # it holds the book, or others' files
                parent.rmdir()


def _carry_over(dest: Path, made: Path) -> None:
    """Copy what people wrote into a book to the one that takes its place."""
    for name in PEOPLES_OWN["playbook"]:
        if (dest / name).is_file():
            _sync_file(Path(shutil.copy2(dest / name, made / name)))
    if (dest / SCENARIOS).is_dir():
        _sync(Path(shutil.copytree(dest / SCENARIOS, made / SCENARIOS)))
    _sync_folder(made)


def write_table(con: Any, relation: str, columns: list[str], path: Path) -> None:
    """Write columns of a relation as Parquet."""
    listed = ", ".join(quoted(column) for column in columns)
    _copy(con, f"SELECT {listed} FROM {relation}", path, "FORMAT parquet, COMPRESSION zstd")


def write_rejected(con: Any, name: str, relation: str, headers: list[str], path: Path) -> None:
    """Write the rows set aside as CSV: reason, row and the cells of the source, safe to open in a spreadsheet."""
    cells = ", ".join(f"{harmless_sql(f's.{quoted(h)}')} AS {quoted(_harmless_header(h))}" for h in headers)
    reason = harmless_sql("r.reason || coalesce(': ' || r.shown, '')")
    rejected = f"SELECT {reason} AS reason, s._row AS row, {cells}"
    query = f"{rejected} FROM _rejected_{name} r JOIN {relation} s USING (_row) ORDER BY s._row"
    path.parent.mkdir(exist_ok=True)
    _copy(con, query, path, "FORMAT csv, HEADER")


def write_settings(
    values: Mapping[str, Any], title: str, path: Path, *, previous: Path, proposed: Mapping[str, tuple[Any, str]]
) -> tuple[str, ...]:
    """Write book.toml: the settings of the map, and those that people gave the previous book beside them.

    Parameters
    ----------
    values : mapping
        The [book] table of the map, which goes before.
    previous : Path
        The book.toml of the book to replace; it need not exist.
    proposed : mapping
        Settings that the data suggest, each with the sentence that says so; they count where nobody has said otherwise.

    Returns
    -------
    tuple of str
        Sentences that name the settings kept, and those proposed.

    Raises
    ------
    IntakeError
        If the previous book.toml cannot be read.
    """
    kept = {key: value for key, value in _settings(previous).items() if key not in (*values, "csv")}
    said = {**values, **kept}
    new = {key: value for key, value in proposed.items() if key not in said}
    heading = " ".join(one_line(title).split())
    settings = {**said, **{key: value for key, (value, _) in new.items()}}
    path.write_text(toml_text(settings, comment=f"Imported: {heading}"), encoding="utf-8")
    told = [f"book.toml: kept from the previous book: {', '.join(kept)}"] if kept else []
    return (*told, *(sentence for _, sentence in new.values()))


def _settings(path: Path) -> dict[str, Any]:
    return read_toml(path, error=IntakeError) if path.is_file() else {}


def _copy(con: Any, query: str, path: Path, options: str) -> None:
    try:
        con.raw_sql(f"COPY ({query}) TO {literal(str(path))} ({options})")
    except duckdb.IOException as error:
        raise OSError(str(error).splitlines()[0]) from None


def _harmless_header(header: str) -> str:
    name = str(harmless(header))
    return f"{name} (source)" if name.casefold() in ("reason", "row") else name


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            _sync_file(path)
    _sync_folder(folder)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # what was copied may be read-only
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system can
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
