"""The press's file in a folder of reports: SQLite in the folder's `.press`, and what is told when it fails."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from salesops.errors import PressError
from salesops.files import make_writable

FOLDER = ".press"

_REASONS = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS}


class Store:
    """Tables of the press in a folder of reports, which must exist.

    Raises
    ------
    PressError
        If the file is no such store, or leads elsewhere.
    OSError
        If it cannot be written.
    """

    def __init__(self, out: Path, tables: str) -> None:
        self._path = own_folder(out) / "ledger.sqlite"
        with self._errors_in_words(), ExitStack() as unusable:
            self._db = unusable.enter_context(closing(sqlite3.connect(self._path)))
            self._db.executescript(tables)
            unusable.pop_all()  # it is a store, and stays open

    def rows(self, query: str, *values: Any) -> list[Any]:
        """Return what a query finds."""
        with self._errors_in_words():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Give what changes tables; all of the changes count at the end, or none."""
        with self._errors_in_words(), self._db:
            yield self._db

    def put(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement for each row; all count, or none."""
        with self.change() as db:
            db.executemany(statement, rows)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def damaged(self, which: str) -> PressError:
        """Return the error for an entry that cannot be read."""
        return PressError(
            f"'{self._path}' has a damaged entry, that {which}. Move the file away: its pages stay, and are made anew."
        )

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        """Turn SQLite's errors into ours: a file that is none, or a folder that cannot be written."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                reason = _REASONS.get(getattr(error, "sqlite_errorcode", 0), 0)
                raise OSError(reason, f"The ledger cannot be written ({error})", str(self._path)) from error
            raise PressError(
                f"'{self._path}' is not a ledger of reports ({error}). Move it away: its pages stay, and are made anew."
            ) from error


def own_folder(out: Path) -> Path:
    """Return the folder of the press in a folder of reports; it is made if it is not there.

    Raises
    ------
    PressError
        If it or a file in it is a link, or a file stands there: the press writes nowhere else.
    OSError
        If it cannot be made or written.
    """
    folder = out / FOLDER
    links = [path for path in (folder, *(folder.iterdir() if folder.is_dir() else ())) if path.is_symlink()]
    if links:
        raise PressError(
            f"'{links[0]}' is a link, and the press keeps its ledger in the folder itself. Remove the link, or choose "
            "another folder with --out."
        )
    if folder.exists() and not folder.is_dir():
        raise PressError(f"'{folder}' is no folder, and the press keeps its ledger there. Move it away.")
    make_writable(folder)
    return folder
