"""On-time activity rate: what was done when it was due."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir

from salesops.book.lines import PERSON, By, report_people, roll_up
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.periods import Period

SUMS = ("due", "on_time", "late", "not_done")


def on_time_activities(book: Book, period: Period, as_of: date, *, by: By = "rep", manager: str = "") -> ir.Table:
    """Return activities completed by their due date ÷ activities due.

    Due are activities with a due date in the period and not after `as_of`.

    Returns
    -------
    ir.Table
        By rep the columns of `report_people`, else the group. due, on_time, late (done after the due date),
        not_done, on_time_rate (on_time ÷ due; null if nothing was due). Without `completions_known` they mean nothing.
    """
    known = as_known(book, as_of)
    return known.keep(("on-time activities", period, by, manager), lambda: _rates(known, period, as_of, by, manager))


def completions_known(book: Book, as_of: date) -> bool:
    """Tell whether the book says of any activity that it was done; else nothing tells which are on time."""
    known = as_known(book, as_of)
    return known.keep("completions known", lambda: _any_done(known.table("activities")))


def _any_done(activities: ir.Table) -> bool:
    return bool(activities.completed_at.notnull().any().to_pyarrow().as_py())


def _rates(known: Book, period: Period, as_of: date, by: By, manager: str) -> ir.Table:
    activities = known.table("activities")
    due = activities.filter(activities.due_date.between(period.start, period.cut(as_of)))
    done = local_date(due.completed_at, known.config.time_zone)
    sums = due.group_by(_user="owner_id").aggregate(
        due=due.count(),
        on_time=(done <= due.due_date).sum(),
        late=(done > due.due_date).sum(),
        not_done=done.isnull().sum(),
    )
    people = report_people(known, period, as_of, manager=manager)
    both = people.left_join(sums, people.user_id == sums._user)
    table = roll_up(both.select(*PERSON, *(both[name].fill_null(0).name(name) for name in SUMS)), by, SUMS)
    return table.mutate(on_time_rate=table.on_time / table.due.nullif(0))
