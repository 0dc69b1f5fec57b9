"""What all customers together are expected to spend, with an interval that its own past has held.

Estimates of single customers take them to buy at random at a steady rate; their sum knows no season and no growth, and
is held here against what came. Where the book reaches back far enough, the sum starts from the same stretch of last
year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.stats import norm

from salesops.book.source import Book
from salesops.metrics.account_sales import daily_sales
from salesops.metrics.purchases import by_day
from salesops.models.customers import Customers

LEVEL = 0.8
MOST_TESTS, FEWEST_TESTS = 4, 2
YEAR_WEEKS = 52


@dataclass(frozen=True)
class Outlook:
    """The money that the customers of a day are expected to spend within the horizon.

    Attributes
    ----------
    total, low, high : float
        Money, with an 80% interval; low and high are NaN where nothing could be tested.
    seasonal : bool
        Whether it starts from the same weeks of last year; else from the sum of the estimates of single customers.
    tests : pandas.DataFrame
        The earlier days that it stands on, the newest first: day (date), start (money: what it started from then), came
        (money), chance (by how much chance alone moves what came: its standard deviation ÷ what came).
    """

    total: float
    low: float
    high: float
    seasonal: bool
    tests: pd.DataFrame


def outlook(book: Book, now: Customers, before: Customers | None = None) -> Outlook | None:
    """Return what the customers of `now` are expected to spend within its horizon; None where nothing can be said.

    It starts from what they spent in the same weeks of last year, where at least FEWEST_TESTS earlier days a horizon
    apart can be tested in the same way; else from Σ value. The start is multiplied by the mean of came ÷ start over the
    earlier days (of the logarithms). The interval is that of the next such ratio: as far as they lay apart, or as far
    as chance moves what came, whichever is more.

    Parameters
    ----------
    now : Customers
        As `customers` gives them.
    before : Customers
        Those of a horizon earlier: what the sum of estimates is held against where last year is not known.
    """
    if now.table.empty or now.ended_on is not None:
        return None
    days = _days(book, now.as_of)
    weeks = now.horizon_weeks
    start, _, _ = _stretch(days, now.as_of, weeks)
    tests = _tests(days, now.as_of, weeks)
    if len(tests) >= FEWEST_TESTS and start > 0:
        return _foretold(start, tests, seasonal=True)
    if not now.usable:
        return None
    return _foretold(float(now.table.value.sum()), _test_of_estimates(days, now, before), seasonal=False)


def scaled(found: Customers, total: Outlook | None) -> pd.DataFrame:
    """Return the customers' table with values that add up to the outlook."""
    whole = float(found.table.value.sum())
    if total is None or not whole:
        return found.table
    return found.table.assign(value=found.table.value * total.total / whole)


def _days(book: Book, as_of: date) -> pd.DataFrame:
    table = by_day(daily_sales(book, as_of))
    days: pd.DataFrame = table.filter(table.account_id.notnull()).select("account_id", "day", "value").to_pandas()
    first = days.groupby("account_id").day.transform("min")
    return days.assign(day=pd.to_datetime(days.day), first=pd.to_datetime(first), value=days.value.astype(float))


def _stretch(days: pd.DataFrame, day: date, weeks: int) -> tuple[float, float, float]:
    """Return, of those who had bought by a day, the money of the same weeks of last year, what came, and its chance."""
    known = days[days["first"] <= pd.Timestamp(day)]
    then = day - timedelta(weeks=YEAR_WEEKS)
    came = _within(known, day, weeks).groupby("account_id").value.sum()
    whole = float(came.sum())
    chance = float(np.sqrt((came**2).sum()) / whole) if whole > 0 else np.nan
    return float(_within(known, then, weeks).value.sum()), whole, chance


def _within(days: pd.DataFrame, start: date, weeks: int) -> pd.DataFrame:
    first, last = pd.Timestamp(start), pd.Timestamp(start + timedelta(weeks=weeks))
    return days[(days.day > first) & (days.day <= last)]


def _tests(days: pd.DataFrame, as_of: date, weeks: int) -> pd.DataFrame:
    """Return the earlier days, a horizon apart, whose last year the book holds."""
    rows = []
    begins = days["first"].min() if len(days) else pd.NaT
    for number in range(1, MOST_TESTS + 1):
        day = as_of - timedelta(weeks=weeks * number)
        # a book whose first order came on the second day still holds that year
        then = pd.Timestamp(day - timedelta(weeks=YEAR_WEEKS)) + pd.Timedelta(weeks=1)
        if weeks > YEAR_WEEKS or not then >= begins:
            break
        rows.append((day, *_stretch(days, day, weeks)))
    return _usable(rows)


def _test_of_estimates(days: pd.DataFrame, now: Customers, before: Customers | None) -> pd.DataFrame:
    if before is None or not before.usable or now.as_of - before.as_of != timedelta(weeks=now.horizon_weeks):
        return _usable([])
    _, came, chance = _stretch(days, before.as_of, now.horizon_weeks)
    return _usable([(before.as_of, float(before.table.value.sum()), came, chance)])


def _usable(rows: list[tuple[date, float, float, float]]) -> pd.DataFrame:
    tests = pd.DataFrame(rows, columns=["day", "start", "came", "chance"])
    return tests[(tests.start > 0) & (tests.came > 0)].reset_index(drop=True)


def _foretold(start: float, tests: pd.DataFrame, *, seasonal: bool) -> Outlook:
    if tests.empty:
        return Outlook(start, np.nan, np.nan, seasonal, tests)
    ratios = np.log(tests.came.to_numpy(float) / tests.start.to_numpy(float))
    apart = float(np.var(ratios, ddof=1)) if len(ratios) > 1 else 0.0
    spread = np.sqrt(max(apart, float(np.mean(tests.chance.to_numpy(float) ** 2))) * (1 + 1 / len(ratios)))
    half = float(norm.ppf((1 + LEVEL) / 2) * spread)
    low, middle, high = (float(start * np.exp(ratios.mean() + step)) for step in (-half, 0, half))
    return Outlook(middle, low, high, seasonal, tests)
