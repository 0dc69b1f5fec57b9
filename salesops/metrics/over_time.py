"""A metric over several periods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.book.source import Book
from salesops.periods import Period


def over_time(
    metric: Callable[..., ir.Table], book: Book, periods: Sequence[Period], as_of: date, **options: Any
) -> ir.Table:
    """Return a metric for each of several periods, one below the other.

    Returns
    -------
    ir.Table
        The columns of the metric, before them period (text) and period_start (date).
    """
    tables = [
        metric(book, period, as_of, **options).mutate(
            period=ibis.literal(period.label), period_start=ibis.literal(period.start)
        )
        for period in periods
    ]
    table = tables[0] if len(tables) == 1 else ibis.union(*tables)
    return table.relocate("period", "period_start")
