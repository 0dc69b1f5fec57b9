"""The season of arrivals: how much more or less comes in each month of the year, drawn to none at all.

Months differ by luck alone, too. A month's ratio counts as far as the same month of other years agrees with it:
the credibility of Bühlmann and Straub, with the number expected of an even year as the weight.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops.models.forecast.to_come import Array

YEAR = 12
FEWEST_YEARS = 2
MOST_YEARS = 4


def month_factors(opened: pd.Series, first: date, as_of: date) -> Array:
    """Return a factor on the usual rate for each month of the year, January first; all 1 with under two years.

    Parameters
    ----------
    opened : pandas.Series
        Days on which deals were created, or orders came.
    first : date
        The first day on which the book saw everything.

    Returns
    -------
    array
        Twelve factors with mean 1.
    """
    months = _whole_months(first, as_of)
    if len(months) < FEWEST_YEARS * YEAR:
        return np.ones(YEAR)
    counts = opened.dt.to_period("M").value_counts().reindex(months, fill_value=0).to_numpy(float)
    if counts.sum() == 0:
        return np.ones(YEAR)
    even = _even(counts, months)
    factors = _shrunken(counts, even, months.month.to_numpy() - 1)
    return np.asarray(factors / factors.mean())


def season_of(factors: Array, weights: pd.Series) -> float:
    """Return the mean factor of days, given as the index of their weights; 1 without any."""
    if not weights.sum() > 0:
        return 1.0
    place = pd.DatetimeIndex(weights.index).month.to_numpy() - 1
    return float(factors[place] @ weights.to_numpy(float) / weights.sum())


def _whole_months(first: date, as_of: date) -> pd.PeriodIndex:
    """The last whole years of whole months, at most MOST_YEARS of them."""
    start = (pd.Timestamp(first) + pd.offsets.MonthBegin(0)).to_period("M")
    end = (pd.Timestamp(as_of) + pd.Timedelta(days=1)).to_period("M") - 1
    count = max(0, (end - start).n + 1) // YEAR * YEAR
    count = min(count, MOST_YEARS * YEAR)
    return pd.period_range(end - count + 1, end, freq="M") if count else pd.PeriodIndex([], freq="M")


def _even(counts: Array, months: pd.PeriodIndex) -> Array:
    """What each month would hold in years without a season: by its days, growing from year to year as they did."""
    years = counts.reshape(-1, YEAR).sum(axis=1)
    growth = (np.log(max(years[-1], 1.0)) - np.log(max(years[0], 1.0))) / max(YEAR * (len(years) - 1), 1)
    days = months.days_in_month.to_numpy(float)
    level = days * np.exp(growth * np.arange(len(months)))
    return np.asarray(counts.sum() * level / level.sum())


def _shrunken(counts: Array, even: Array, place: Array) -> Array:
    observed, expected = np.bincount(place, counts, YEAR), np.bincount(place, even, YEAR)
    ratio = observed / expected
    within = float(((counts - ratio[place] * even) ** 2 / even).sum()) / (len(counts) - YEAR)
    total = float(expected.sum())
    between = float((expected * (ratio - 1) ** 2).sum()) - (YEAR - 1) * within
    between /= total - float((expected**2).sum()) / total
    if between <= 0:
        return np.ones(YEAR)
    trust = expected / (expected + within / between)
    return np.asarray(1 + trust * (ratio - 1))
