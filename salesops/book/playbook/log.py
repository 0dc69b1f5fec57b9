"""play_log.csv: which client was given which play, what was done, and what came of it.

The file lies beside the book's tables. Lines are only ever added at its end. It is the one record of who was
held out, so that a play can be judged later. Purchases are not logged: the orders of the book tell of them.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from salesops.book.spreadsheet import harmless
from salesops.errors import BookError, system_reason

FILE = "play_log.csv"
EVENTS = ("assigned", "done", "outcome")
ARMS = ("play", "hold-out", "override")
LOG_COLUMNS = ("logged_on", "account_id", "play_id", "version", "event", "arm", "note")

Entry = dict[str, str]


def append_log(folder: Path, entries: Iterable[Mapping[str, str | date]]) -> int:
    """Add entries at the end of the log in a folder and return how many.

    Parameters
    ----------
    entries : iterable of mapping
        LOG_COLUMNS as keys: logged_on (date), account_id, play_id, version of the playbook, event (assigned: the
        play was given; done: an action, described in note; outcome: what came of it, in note), arm (play,
        hold-out, override). note may be absent.

    Raises
    ------
    BookError
        If an entry cannot be logged, or the file cannot be written. Then nothing is added.
    """
    rows = [_row(entry) for entry in entries]
    if not rows:
        return 0
    path = folder / FILE
    try:
        # one write at the end of the file: two reports at a time never mix their lines
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            head = [] if os.fstat(handle).st_size else [list(LOG_COLUMNS)]
            os.write(handle, _csv([*head, *rows]).encode("utf-8"))
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise BookError(f"The log cannot be written to '{path}': {system_reason(error)}") from None
    return len(rows)


def read_log(folder: Path) -> list[Entry]:
    """Return the entries of the log in a folder, oldest first; none where there is no log.

    Raises
    ------
    BookError
        If the file cannot be read, or lacks a column.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            lines = [line for line in reader if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BookError(f"{FILE} cannot be read: {error}. Restore it from a copy.") from None
    if tuple(header) != LOG_COLUMNS or any(len(line) != len(LOG_COLUMNS) for line in lines):
        raise BookError(
            f"{FILE} must have the columns {', '.join(LOG_COLUMNS)} in every line. Found {', '.join(header)}. "
            "Restore it from a copy."
        )
    return [dict(zip(LOG_COLUMNS, (_plain(cell) for cell in line), strict=True)) for line in lines]


def _row(entry: Mapping[str, str | date]) -> list[str]:
    day = entry.get("logged_on")
    if not isinstance(day, date):
        raise BookError(f"A log entry needs a day as logged_on. Got {day!r}.")
    for name, known in (("event", EVENTS), ("arm", ARMS)):
        if entry.get(name) not in known:
            raise BookError(f"A log entry needs one of {', '.join(known)} as {name}. Got {entry.get(name)!r}.")
    for name in ("account_id", "play_id", "version"):
        if not entry.get(name):
            raise BookError(f"A log entry needs {name}. Got {entry.get(name)!r}.")
    values = {**entry, "logged_on": date.isoformat(day), "note": entry.get("note", "")}
    return [_harmless(str(values[name])) for name in LOG_COLUMNS]


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    # all quoted: a lone carriage return in a note would else end the line for whoever reads it
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula; `_plain` undoes it, so an apostrophe gets another."""
    return f"'{cell}" if cell.startswith("'") else str(harmless(cell))


def _plain(cell: str) -> str:
    return cell.removeprefix("'")
