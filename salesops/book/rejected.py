"""What an import set aside, kept beside the book, so that every page can say it."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from pathlib import Path

from salesops.book.finding import Finding, in_number
from salesops.book.source import Book

FOLDER = "rejected"
COUNTS = "counts.csv"
EMPTIED = "emptied.csv"
DOUBLED = "doubled.csv"
READINGS = "readings.csv"
NOT_READ = "not_read.csv"
_HEADER = ("table", "reason", "rows", "of")


def write_counts(folder: Path, counts: Iterable[tuple[str, str, int, int]], name: str = COUNTS) -> None:
    """Write how many rows of each table were set aside or had a cell emptied, and why, into a new book's rejected/.

    Parameters
    ----------
    folder : Path
        The book's.
    counts : iterable of tuple
        Table, reason, rows concerned, rows of the source.
    name : str
        `COUNTS` for rows set aside, `EMPTIED` for cells emptied, `DOUBLED` for rows that stand twice, `READINGS` for
        numbers that can be read in two ways, `NOT_READ` for rows of a second table on a sheet.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    with (folder / FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([_HEADER, *counts])


def rejected_findings(book: Book, tables: Collection[str]) -> list[Finding]:
    """Return a warning for each reason for which the import set rows aside, emptied a cell, or kept rows in doubt."""
    findings = []
    for name, kind, done, repair in _KINDS:
        path = Path(book.location) / FOLDER / name
        try:
            counts = _read(path) if path.is_file() else []
        except (OSError, ValueError, csv.Error):  # a file that somebody changed
            found = f"what the import {done} is not known: {FOLDER}/{name} cannot be read"
            findings.append(Finding("book", kind, "warning", found, "Import again with --replace."))
            continue
        findings += [
            Finding(table, kind, "warning", in_number(f"were {done} by the import: {reason}", rows),
                    repair.format(table=table), rows, of)
            for table, reason, rows, of in counts
            if table in tables
        ]  # fmt: skip  # one finding reads as one row
    return findings


_KINDS = (
    (COUNTS, "set aside", "set aside", f"They stand in {FOLDER}/{{table}}.csv."),
    (EMPTIED, "emptied", "changed", "Add what is missing to the export."),
    (DOUBLED, "doubled", "kept", "If they are copies, leave them out in the map."),
    (NOT_READ, "not read", "left in the source", "Put each table on a sheet of its own."),
    (READINGS, "reading", "read", "Set decimal in [csv] of the map if that is wrong."),
)


def _read(path: Path) -> list[tuple[str, str, int, int]]:
    with path.open(encoding="utf-8", newline="") as file:
        _, *lines = csv.reader(file)
    return [(table, reason, int(rows), int(of)) for table, reason, rows, of in lines]
