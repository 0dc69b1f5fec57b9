"""95% intervals of a share and of the difference of two: Wilson's, the same on every page.

Wilson's score interval stays near 95% for the small counts of one rep and at 0 and 1, where Wald's collapses
(Brown, Cai and DasGupta, Interval estimation for a binomial proportion, 2001, recommend it and Jeffreys' for small
counts); it has a closed form, and Newcombe's interval of a difference is made of it. What shrinks a share towards
others' (`models.skill`) has intervals of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_Z = 1.959963984540054  # 97.5% quantile of the normal distribution

Ends = tuple[NDArray[np.float64], NDArray[np.float64]]


def wilson(successes: pd.Series, trials: pd.Series) -> Ends:
    """Return the 95% Wilson interval of successes ÷ trials; 0 to 1 where there was no trial."""
    n = trials.to_numpy(dtype=float)
    share = np.divide(successes.to_numpy(dtype=float), n, out=np.full(len(n), 0.5), where=n > 0)
    n, none = np.maximum(n, 1), n <= 0
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    # at 0 and at 1 the formula gives the end itself but for rounding
    low = np.where(none | (share == 0), 0.0, middle - half)
    high = np.where(none | (share == 1), 1.0, middle + half)
    return low, high


def with_interval(table: pd.DataFrame, yes: str, no: str) -> pd.DataFrame:
    """Add the 95% Wilson interval of yes ÷ (yes + no), two columns of counts: columns low and high (fractions)."""
    low, high = wilson(table[yes], table[yes] + table[no])
    return table.assign(low=low, high=high)


def newcombe(one: pd.Series, of_one: pd.Series, other: pd.Series, of_other: pd.Series) -> Ends:
    """Return the 95% interval of one ÷ of_one − other ÷ of_other; NaN where either has no trial.

    Newcombe, Interval estimation for the difference between independent proportions, 1998, method 10: the
    Wilson intervals of the two shares, put together.
    """
    first = one.to_numpy(dtype=float) / np.where(of_one > 0, of_one, np.nan)
    second = other.to_numpy(dtype=float) / np.where(of_other > 0, of_other, np.nan)
    (low1, high1), (low2, high2) = wilson(one, of_one), wilson(other, of_other)
    gap = first - second
    return (
        gap - np.sqrt((first - low1) ** 2 + (high2 - second) ** 2),
        gap + np.sqrt((high1 - first) ** 2 + (second - low2) ** 2),
    )
