"""The inputs of a forecast, with the level corrected by what past forecasts lay off.

Each past forecast reaches 13 weeks ahead, or as far as the forecast does if that is further, and ends where the next
one begins. They hang on no calendar, so that a book whose dates are all moved has the same forecast.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops.book.agreed import quotas_in_force
from salesops.book.lines import usual_measure
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.metrics.attainment import attainment
from salesops.models.deals.chances import chances_then
from salesops.models.deals.landmarks import read_ahead
from salesops.models.forecast.inputs import PERSON, Inputs, closed_by_user, ended, inputs_of
from salesops.models.forecast.level import Error, level_from
from salesops.models.threads import one_thread
from salesops.periods import Period

LEAST_REACH = 91
MOST_PAST = 6
LEAST_HISTORY = 180


def forecast_inputs(book: Book, period: Period, as_of: date) -> Inputs:
    """Collect what a forecast of a period stands on, as known on `as_of`.

    Raises
    ------
    BookError
        If nobody has a line in the period.
    """
    known = as_known(book, as_of)
    measure = usual_measure(known, period)
    lines = attainment(book, period, as_of)
    own = lines.filter(~lines.is_rollup).select(*PERSON, "measure", "quota", closed="booked").to_pandas()
    reps = own[own.measure == measure].drop(columns="measure").reset_index(drop=True)
    reps = reps.assign(ramp_applied=reps.user_id.isin(_ramp_applied(known, period)))
    if reps.empty:
        raise BookError(f"Nobody has a line in {period}: no rep, no quota, no deal. Choose another period.")
    closed = ended(book, as_of, measure)
    reach = _reach(period, as_of)
    days = _past_days(closed, as_of, reach)
    if measure == "bookings":
        read_ahead(book, [as_of, *days], closed)
    with one_thread():
        found = inputs_of(book, period, as_of, measure, reps, closed=closed)
        errors = known.keep(("past forecasts", measure, reach), lambda: _errors(book, found, closed, days, reach))
    others = int((own.quota.notna() & (own.measure != measure)).sum())
    if others:
        left_out = f"{others} {'quota counts' if others == 1 else 'quotas count'} another measure than {measure}"
        found = replace(found, notes=(*found.notes, f"{left_out} and {'is' if others == 1 else 'are'} left out."))
    return replace(found, level=level_from([Error(*error) for error in errors]))


def error_of(inputs: Inputs, came: float) -> Error | None:
    """Compare what came after a forecast (money) with what it expected; None where nothing was."""
    parts = inputs.to_come()
    expected = float((parts.expected_open + parts.expected_new).sum())
    return Error(came / expected, float(np.sqrt(parts.variance.sum())) / expected) if expected > 0 else None


def came_after(closed: pd.DataFrame, period: Period, day: date) -> float:
    """Return the money won in a period after a day; `closed` as `inputs.ended` gives it."""
    whole, before = (closed_by_user(closed, period, until).sum() for until in (period.end, day))
    return float(whole - before)


def people_then(book: Book, period: Period, day: date, so_far: pd.Series) -> pd.DataFrame:
    """Return who was there in a period as far as was known on a day, and all who had closed anything.

    `so_far` is what each user had closed, as `inputs.closed_by_user` gives it. The columns are those of `Inputs.reps`
    but skill.
    """
    users: pd.DataFrame = book.keep("people", lambda: book.table("users").select(*PERSON, "role").to_pandas())
    hired, left = (pd.to_datetime(users[name]) for name in ("hire_date", "end_date"))
    left = left.where(left <= pd.Timestamp(day))
    there = ~(hired > pd.Timestamp(period.end)) & ~(left < pd.Timestamp(period.start))
    wanted = users.assign(end_date=left)[((users.role == "rep") & there) | users.user_id.isin(so_far.index)]
    team = wanted.drop(columns="role").reset_index(drop=True)
    return team.assign(quota=np.nan, closed=team.user_id.map(so_far).fillna(0.0), ramp_applied=False)


def _reach(period: Period, as_of: date) -> int:
    """Days that a past forecast looks ahead: whole weeks; 0 where nothing is left to forecast."""
    ahead = (period.end - as_of).days
    return max(LEAST_REACH, -(-ahead // 7) * 7) if ahead > 0 else 0


def _past_days(closed: pd.DataFrame, as_of: date, reach: int) -> list[date]:
    """Days of past forecasts of which the end is known, with history enough before them; the last first."""
    if not reach or closed.empty:
        return []
    days = [as_of - timedelta(days=reach * number) for number in range(1, MOST_PAST + 1)]
    return [day for day in days if (day - closed.close_date.min().date()).days >= LEAST_HISTORY]


def _errors(book: Book, now: Inputs, closed: pd.DataFrame, days: list[date], reach: int) -> list[list[float]]:
    chances = chances_then(book, now.chances, closed, days) if now.chances else [None] * len(days)
    found = []
    for day, known in zip(days, chances, strict=True):
        span = Period(day + timedelta(days=1), day + timedelta(days=reach))
        people = people_then(book, span, day, closed_by_user(closed, span, day))
        # all of a deal is its owner's, which is the same to the company
        deals = (known, known.deals.assign(user_id=known.deals.owner_id, credited=known.deals.value)) if known else None
        then = inputs_of(book, span, day, now.measure, people, closed=closed, deals=deals)
        error = error_of(then, came_after(closed, span, day))
        if error is not None:
            found.append([error.ratio, error.noise])
    return found


def _ramp_applied(known: Book, period: Period) -> list[str]:
    quotas = quotas_in_force(known)
    inside = (quotas.period_start <= period.end) & (quotas.period_end >= period.start)
    rows = quotas.filter(inside & quotas.ramp_applied.fill_null(False)).select("owner_id").distinct()
    return [row["owner_id"] for row in rows.to_pyarrow().to_pylist()]
