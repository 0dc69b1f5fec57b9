"""Links: a file of a folder that is handed over may in truth be any file of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from salesops.book.connection import database_files

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
BESIDE = ("book.toml", "playbook.toml", "overrides.csv", "play_log.csv")  # what people keep beside a book
FOLDERS = ("scenarios", "rejected")


def leading_out(folder: Path, paths: Iterable[Path]) -> str:
    """Return a sentence about the first of these paths that is a link out of the folder, or ""."""
    inside = folder.resolve()
    for path in paths:
        real = path.resolve()
        if not real.is_relative_to(inside):
            return f"'{path.name}' in '{folder}' is a link to '{real}', outside of it. Put the file itself there."
    return ""


def of_book(folder: Path) -> Iterator[Path]:
    """Yield what is read or written in a folder that is a book."""
    yield from (path for path in sorted(folder.iterdir()) if path.suffix.lower() in (*SUFFIXES, ".toml"))
    yield from _in_folders(folder)


def beside_database(path: Path) -> Iterator[Path]:
    """Yield what is read or written beside a book that is a database."""
    yield from (database_files(path)[1], *(path.with_name(name) for name in BESIDE))
    yield from _in_folders(path.parent)


def _in_folders(folder: Path) -> Iterator[Path]:
    yield from (path for name in FOLDERS for path in (folder / name, *(folder / name).glob("*")))
