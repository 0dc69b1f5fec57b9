"""What an import did, as data and as lines to print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LISTED = 40


@dataclass(frozen=True, kw_only=True)
class TableResult:
    """What became of one table.

    Parameters
    ----------
    name, origin : str
        The table, and the file, sheet or query that it comes from.
    rows_in, rows_out : int
        Rows read and rows written.
    set_aside : tuple of (str, int)
        Reasons, with the rows that went to rejected/NAME.csv for each.
    share : str
        What part of the rows, and of the money, was set aside; "" if nothing.
    notes : tuple of str
        What was renamed, filled in, left empty and detected, as sentences.
    unused : tuple of str
        Headers that no table of the map uses, of those sources that no earlier table reads.
    """

    name: str
    origin: str
    rows_in: int
    rows_out: int
    set_aside: tuple[tuple[str, int], ...]
    share: str
    notes: tuple[str, ...]
    unused: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield the lines to print."""
        aside = sum(rows for _, rows in self.set_aside)
        counts = f"{rows_text(self.rows_in)} in, {self.rows_out:,} out, {aside:,} set aside"
        yield f"{self.name}: {counts} ({self.origin})"
        for reason, rows in self.set_aside:
            yield f"  set aside {rows:,}: {reason}"
        if self.share:
            yield f"  {self.share}"
        for note in self.notes:
            yield f"  {note}"
        if self.unused:
            more = f" and {len(self.unused) - _LISTED} more" if len(self.unused) > _LISTED else ""
            yield f"  source columns not used: {', '.join(self.unused[:_LISTED])}{more}"


def rows_text(number: int) -> str:
    """Return a number of rows as text: "1 row", "8,800 rows"."""
    return f"{number:,} row{'' if number == 1 else 's'}"


@dataclass(frozen=True, kw_only=True)
class Intake:
    """A finished import: the book at `dest`, its tables, and the tables that the source did not have."""

    title: str
    dest: Path
    tables: tuple[TableResult, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return the lines to print, without the warnings."""
        lines = [f"{self.title}: imported to {self.dest}"]
        for table in self.tables:
            lines.extend(table.lines())
        return [*lines, *self.skipped, *self.notes]
