"""Rows dated long after all others: one mistyped year moves every report there, for its date is the book's last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date

import ibis

from salesops.book.finding import Finding, in_number
from salesops.book.horizon import happened_days
from salesops.book.schema import SCHEMA
from salesops.book.source import Book

SILENCE = 183  # days without any row, after which a few rows are strays
FEW = 0.01  # of all dated rows: more of them are the business, after a pause
_SHOWN = 3


def stray_dates(book: Book, names: Collection[str]) -> Iterator[Finding]:
    """Return the tables with rows that happened more than SILENCE days after all but a FEW of the book.

    Parameters
    ----------
    names : collection of str
        Tables that are checked and can be read.
    """
    counted = {name: _rows_by_day(book, name) for name in names}
    last = _last_before_silence(sum(counted.values(), Counter()))
    if last is None:
        return
    for name, days in counted.items():
        if any(day > last for day in days):
            yield _finding(book, name, last, max(day for days in counted.values() for day in days))


def _rows_by_day(book: Book, name: str) -> Counter[date]:
    """Return how many rows of a table have their last date on each day."""
    table = book.table(name)
    days = happened_days(book, name, table)
    if not days:
        return Counter()
    day = ibis.greatest(*days) if len(days) > 1 else days[0]
    rows = table.select(day=day).filter(ibis._.day.notnull()).group_by("day").aggregate(rows=ibis._.count())
    return Counter({row["day"]: row["rows"] for row in rows.to_pyarrow().to_pylist()})


def _last_before_silence(rows: Counter[date]) -> date | None:
    """Return the last day before a silence that only a few rows follow; None if there is none."""
    days, after, few = sorted(rows), 0, FEW * rows.total()
    for earlier, later in zip(reversed(days[:-1]), reversed(days), strict=False):
        after += rows[later]
        if after > few:
            return None
        if (later - earlier).days > SILENCE:
            return earlier
    return None


def _finding(book: Book, name: str, last: date, as_of: date) -> Finding:
    table, key = book.table(name), SCHEMA[name].key[0]
    days = happened_days(book, name, table)
    late = table.select(key=table[key], day=ibis.greatest(*days) if len(days) > 1 else days[0])
    late = late.filter(late.day > last)
    first = late.order_by("day", "key").limit(_SHOWN).to_pyarrow().to_pylist()
    affected = int(late.count().to_pyarrow().as_py())
    return Finding(
        name, "stray date", "warning", in_number(f"are dated over {SILENCE} days after all others", affected),
        f"Correct the date, or give --as-of {last}: without it every report is as of {as_of}.",
        affected, int(table.count().to_pyarrow().as_py()), tuple(f"{row['key']} '{row['day']}'" for row in first),
    )  # fmt: skip  # one finding reads as one row
