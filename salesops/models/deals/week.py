"""The book's own week: time that runs while deals close, and stands still on days on which none ever does.

By the calendar a forecast made on Sunday evening has two days less than one made on the Friday before, although
nothing happens in between in a company that rests at the weekend. Counted in the book's own week it has the same
time left: seven days go by in each week, spread over its days as the closings are. Whole weeks stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DAYS = 7
EVEN_CLOSINGS = 20.0  # that many closings spread evenly are added: a few say little of the week
FIRST_MONDAY = 4  # days from 1970-01-01

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Week:
    """How far a week has run by the end of each day, Monday first: eight numbers from 0 to 7."""

    ends: Array

    def at(self, days: Any) -> Array:
        """Return the time at the end of days (dates of any kind): only differences mean anything; NaN for NaT."""
        day = np.asarray(days, dtype="datetime64[D]")
        known = ~np.isnat(day)
        number = np.where(known, day, np.datetime64(0, "D")).astype(np.int64) - FIRST_MONDAY
        weeks, place = np.divmod(number, DAYS)
        return np.where(known, DAYS * weeks + self.ends[place + 1], np.nan)

    def between(self, first: Any, last: Any) -> Array:
        """Return the time from the end of one day to the end of another."""
        return self.at(last) - self.at(first)


EVEN = Week(np.arange(DAYS + 1.0))


def week_of(days: pd.Series) -> Week:
    """Return the week in which the closings (days of orders or closed deals) fall; even without any."""
    count = np.bincount(pd.to_datetime(days).dropna().dt.dayofweek, minlength=DAYS) + EVEN_CLOSINGS / DAYS
    return Week(np.concatenate([[0.0], np.cumsum(count) / count.sum() * DAYS]))
