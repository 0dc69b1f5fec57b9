"""Slippage: what was due at the start of the period and moved out of it."""

from __future__ import annotations

from datetime import date, timedelta

import ibis.expr.types as ir

from salesops.book.credits import credited_deals
from salesops.book.lines import PERSON, By, report_people, roll_up
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import Period

SUMS = ("due_deals", "due_amount", "slipped_deals", "slipped_amount", "unknown_deals")


def slippage(book: Book, period: Period, as_of: date, *, by: By = "rep", manager: str = "") -> ir.Table:
    """Return the amount due in the period at its start whose close date later moved out of it.

    The start is the book as known the day before the period, or on `as_of` if that is earlier. Deals whose
    close date then is not known (no history) are counted, not guessed.

    Returns
    -------
    ir.Table
        By rep the columns of `report_people`, else the group. due_deals, due_amount (open at the start and
        due in the period), slipped_deals, slipped_amount (of those, with a close date after the period on
        the earlier of `as_of` and its end), slippage (slipped ÷ due amount; null if nothing was due),
        unknown_deals (open at the start, close date then not known: needs history).
    """
    return book.keep(("slippage", period, as_of, by, manager), lambda: _slips(book, period, as_of, by, manager))


def can_slip(book: Book) -> bool:
    """Tell whether the book has history of close dates; without it there is no slippage."""
    return book.keep("can slip", lambda: _has_dates(book.table("opportunity_history")))


def _slips(book: Book, period: Period, as_of: date, by: By, manager: str) -> ir.Table:
    start = credited_deals(as_known(book, min(as_of, period.start - timedelta(days=1))))
    opened = start.filter(~start.is_closed)
    later = as_known(book, period.cut(as_of)).table("opportunities")
    later = later.select(_deal="opportunity_id", _closes="close_date")
    joined = opened.left_join(later, opened.opportunity_id == later._deal)
    due = joined.close_date.between(period.start, period.end).fill_null(False)
    slipped = due & (joined._closes > period.end).fill_null(False)
    sums = joined.group_by(_user="user_id").aggregate(
        due_deals=joined.share.sum(where=due),
        due_amount=joined.credited.sum(where=due),
        slipped_deals=joined.share.sum(where=slipped),
        slipped_amount=joined.credited.sum(where=slipped),
        unknown_deals=joined.share.sum(where=joined.close_date.isnull()),
    )
    people = report_people(book, period, as_of, manager=manager)
    both = people.left_join(sums, people.user_id == sums._user)
    table = roll_up(both.select(*PERSON, *(both[name].fill_null(0).name(name) for name in SUMS)), by, SUMS)
    return table.mutate(slippage=table.slipped_amount / table.due_amount.nullif(0))


def _has_dates(history: ir.Table) -> bool:
    return bool((history.field_name == "close_date").any().to_pyarrow().as_py())
