"""The forecast at the end of each week to come: how the range opens from today to the end of the period."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from salesops.models.forecast.arrivals import strength
from salesops.models.forecast.inputs import Inputs
from salesops.models.forecast.outlook import LEVELS
from salesops.models.forecast.sums import GRID, Sums, company_sum, sums_of
from salesops.models.threads import one_thread
from salesops.periods import Period

MOST = 14  # points; a longer period has one every few weeks


def weekly_ranges(inputs: Inputs, users: tuple[str, ...] | None = None) -> list[list[object]]:
    """Return P10, P50 and P90 of what some people will have closed by the end of each week to come.

    Each is the forecast of a period that ends on that Sunday; the season of new deals is that of all the days to come.
    The last row is the forecast of the whole period.

    Parameters
    ----------
    users : tuple of str, optional
        Everyone of the inputs if left out.

    Returns
    -------
    list
        [ISO date, p10, p50, p90 (money)] of each; the first is the last day that is known, with what is closed.
    """
    inside = np.ones(len(inputs.reps), dtype=bool) if users is None else inputs.reps.user_id.isin(users).to_numpy(bool)
    return _ranges(inputs, [inside])[0]


def weekly_ranges_of_each(inputs: Inputs) -> list[list[object]]:
    """Return [user_id, what `weekly_ranges` gives for that rep alone] of every rep; most of the work serves all."""
    alone = list(np.eye(len(inputs.reps), dtype=bool))
    return [list(pair) for pair in zip(inputs.reps.user_id, _ranges(inputs, alone), strict=True)]


def _ranges(inputs: Inputs, groups: list[np.ndarray]) -> list[list[list[object]]]:
    begun = inputs.span[0]
    closed = [float(inputs.reps.closed[inside].sum()) for inside in groups]
    found: list[list[list[object]]] = [[[begun.isoformat(), money, money, money]] for money in closed]
    with one_thread():
        for day in _ends(begun, inputs.period.end):
            until = inputs if day == inputs.period.end else _ending(inputs, day)
            sums = sums_of(until.to_come(), GRID, inputs.level.shock)
            for rows, inside, money in zip(found, groups, closed, strict=True):
                total = company_sum(Sums(sums.mass[inside], sums.step[inside]))
                rows.append([day.isoformat(), *(money + total.quantile(LEVELS, inputs.level.shock)[0])])
    return found


def _ends(begun: date, end: date) -> list[date]:
    """Return the Sundays after a day and before the end, every few of them in a long period, and the end."""
    first = begun + timedelta(days=7 - (begun.isoweekday() % 7))
    sundays = [first + timedelta(days=days) for days in range(0, (end - first).days, 7)]
    step = -(-len(sundays) // (MOST - 1)) or 1
    return [*sundays[::-1][step - 1 :: step][::-1], end]


def _ending(inputs: Inputs, day: date) -> Inputs:
    """Return the inputs of a forecast that looks no further than a day: with who is there until then."""
    there = strength(inputs.reps, inputs.rest[0], day, inputs.ramp)
    period = Period(inputs.period.start, day)
    return replace(inputs, period=period, arrivals=replace(inputs.arrivals, strength=there))
