"""The state of a book's files: as long as it is the same, what was computed from them still holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from salesops.book.playbook import log, overrides, read
from salesops.book.source import Book

SCENARIOS = "scenarios"
# people's own files beside the tables, by the names that a notebook gives among what it uses
PEOPLES_OWN = {
    SCENARIOS: (f"{SCENARIOS}/*.toml",),  # of the quota what-if
    "playbook": (read.FILE, overrides.FILE, log.FILE),
}


def state_of(book: Book, tables: Iterable[str] = ()) -> str:
    """Return a digest of the names, sizes and times of the files that hold these tables, and of book.toml.

    Parameters
    ----------
    tables : iterable of str
        Names of tables; one that the book does not have counts as absent. Names of PEOPLES_OWN mean the files that
        people keep beside the tables. Empty means all tables.
    """
    location = Path(book.location)
    folder = location if location.is_dir() else location.parent
    wanted = tuple(tables) or book.names
    files = {origin if isinstance(origin, Path) else location for name in wanted if (origin := book.origins.get(name))}
    files |= {path for name in wanted for pattern in PEOPLES_OWN.get(name, ()) for path in folder.glob(pattern)}
    told = sorted(f"{path.name} {_stamp(path)}" for path in {*files, folder / "book.toml"})
    return hashlib.sha256("\n".join([*told, *sorted(set(wanted) & set(book.names))]).encode()).hexdigest()[:16]


def _stamp(path: Path) -> str:
    if not path.exists():
        return "absent"
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"
