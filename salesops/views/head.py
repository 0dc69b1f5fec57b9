"""How every notebook begins: the book, the day and period of the report, and what the book's checks warn of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from salesops.book.check import check_book
from salesops.book.horizon import default_as_of, resolve
from salesops.book.redact import redacted
from salesops.book.schema import SCHEMA
from salesops.book.source import Book, open_book
from salesops.periods import Period, parse_date
from salesops.views.blocks import Block, note


@dataclass(frozen=True)
class Head:
    """What stands above each report, whatever it is about.

    Attributes
    ----------
    book : Book
        The open book; with pseudonyms in place of names where the report is redacted.
    day : date
        The report tells what was known on this day.
    tables : tuple of str
        The tables that the notebook reads, as its metadata lists them; () means every table.
    redacted : bool
        Whether names are replaced by pseudonyms.
    """

    book: Book
    day: date
    tables: tuple[str, ...] = ()
    redacted: bool = False
    _period: str = field(default="", repr=False)

    @cached_property
    def period(self) -> Period:
        """The period of the report: the one asked for, else the last complete one with data."""
        return resolve(self.book, self._period, self.day.isoformat())[0]

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What the checks of the book warn of in the tables that the notebook reads, a sentence each."""
        found = check_book(self.book, self.tables or None)
        warned = [finding for finding in found if finding.severity == "warning"]
        read = {*(self.tables or SCHEMA), "book"}
        return tuple(str(finding) for finding in warned if finding.table in read)

    @staticmethod
    def earlier(day: str) -> date | None:
        """Return an earlier day to compare with, from ISO text; None where none is asked for."""
        return parse_date(day) if day else None

    def results(self, *, period: bool = True) -> dict[str, Any]:
        """Return what the results of every report begin with: company, currency, as_of, and with `period` its days."""
        known = {"company": self.book.company, "currency": self.book.currency, "as_of": self.day.isoformat()}
        if not period:
            return known
        span = {"period_start": self.period.start.isoformat(), "period_end": self.period.end.isoformat()}
        return {**known, "period": self.period.label, **span}

    def limits(self, *sentences: str) -> Block:
        """Show what a report leaves out and takes for granted, and what the checks of its tables warn of."""
        return note(*sentences, *self.warnings)


def begin(notebook: str, book: str, *, period: str = "", as_of: str = "", redact: bool = False) -> Head:
    """Open the book of a notebook, and settle the day and the period of its report.

    Parameters
    ----------
    notebook : str
        The name of the notebook, whose metadata list the tables that it reads.
    book : str
        Folder of tables, or an address such as `duckdb://company.duckdb`.
    period : str
        As `salesops.resolve` reads it; "" means the last complete period with data.
    as_of : str
        ISO date; "" means the last day of the book.
    redact : bool
        Show pseudonyms in place of names.

    Raises
    ------
    BookError
        If the book cannot be opened, or holds no dated row and no day is given.
    PeriodError
        If the period or the day cannot be read.
    """
    opened = redacted(open_book(book)) if redact else open_book(book)
    day = parse_date(as_of) if as_of else default_as_of(opened)
    head = Head(opened, day, _tables(notebook), redact, period)
    if period:
        head.period  # noqa: B018  what cannot be read is told here
    return head


def _tables(notebook: str) -> tuple[str, ...]:
    """Return the tables that the metadata of a notebook beside the running one list; () where it is not there."""
    path = Path(f"{notebook}.ipynb")
    if not path.is_file():
        return ()
    says = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("salesops", {})
    groups = (says.get("tables", ()), *says.get("any_of", ()), says.get("uses", ()))
    return tuple(dict.fromkeys(name for names in groups for name in names))
