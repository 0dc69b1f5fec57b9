"""What an import set aside, kept beside the book, so that every page can say it."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from pathlib import Path

from salesops.book.finding import Finding, in_number
from salesops.book.source import Book

FOLDER = "rejected"
COUNTS = "counts.csv"
_HEADER = ("table", "reason", "rows", "of")


def write_counts(folder: Path, counts: Iterable[tuple[str, str, int, int]]) -> None:
    """Write how many rows of each table were set aside, and why, into rejected/counts.csv of a new book.

    Parameters
    ----------
    folder : Path
        The book's; it has a folder of rejected rows.
    counts : iterable of tuple
        Table, reason, rows set aside for it, rows of the source.
    """
    with (folder / FOLDER / COUNTS).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([_HEADER, *counts])


def rejected_findings(book: Book, tables: Collection[str]) -> list[Finding]:
    """Return a warning for each reason for which the import set rows of these tables aside."""
    path = Path(book.location) / FOLDER / COUNTS
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            _, *lines = csv.reader(file)
        counts = [(table, reason, int(rows), int(of)) for table, reason, rows, of in lines]
    except (OSError, ValueError, csv.Error):  # a file that somebody changed
        found = f"what the import set aside is not known: {FOLDER}/{COUNTS} cannot be read"
        return [Finding("book", "set aside", "warning", found, "Import again with --replace.")]
    return [
        Finding(table, "set aside", "warning", in_number(f"were set aside by the import: {reason}", rows),
                f"They stand in {FOLDER}/{table}.csv.", rows, of)
        for table, reason, rows, of in counts
        if table in tables
    ]  # fmt: skip  # one finding reads as one row
