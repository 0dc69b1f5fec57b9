"""Rows dated far ahead of all others: the default date of a report leaves them out, and its page names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date

import ibis.expr.types as ir

from salesops.book.finding import Finding, in_number
from salesops.book.horizon import dated, fact_days, fact_rows, last_before_far, rows_by_day
from salesops.book.source import Book

_SHOWN = 3
_FACTS = ("opportunities", "orders")


def stray_dates(book: Book, names: Collection[str]) -> Iterator[Finding]:
    """Return the tables with rows that are dated far ahead of all others, as `last_before_far` tells.

    Closed deals and orders are held against one another; what else happened is held against the days of all tables.

    Parameters
    ----------
    names : collection of str
        Tables that are checked and can be read.
    """
    days = fact_days(book)
    last = last_before_far(days)
    if last is not None:
        for name in _FACTS:
            yield from _finding(book, name, fact_rows(book, name), last)
    others = {name: dated(book, name) for name in names if name not in _FACTS}
    counts = (rows_by_day(rows) for rows in others.values())
    known = Counter({day: rows for day, rows in days.items() if last is None or day <= last})
    end = last_before_far(sum(counts, known))
    if end is not None:
        for name, rows in others.items():
            yield from _finding(book, name, rows, end)


def _finding(book: Book, name: str, rows: ir.Table, last: date) -> Iterator[Finding]:
    """Name the rows of a table (key, day) that come after a day, if there are any."""
    late = rows.filter(rows.day > last)
    affected = int(late.count().to_pyarrow().as_py())
    if affected:
        found = in_number(f"are dated far ahead of all others, which end on {last}", affected)
        first = late.order_by("day", "key").limit(_SHOWN).to_pyarrow().to_pylist()
        yield Finding(
            name, "stray date", "warning", found,
            "Correct the date in the source. The default date of a report leaves it out.",
            affected, int(book.table(name).count().to_pyarrow().as_py()),
            tuple(f"{row['key']} '{row['day']}'" for row in first),
        )  # fmt: skip  # one finding reads as one row
