"""Intervals for rates from counts."""

from __future__ import annotations

import pandas as pd
from scipy import stats


def with_interval(table: pd.DataFrame, yes: str, no: str) -> pd.DataFrame:
    """Add the 95% Jeffreys interval of yes ÷ (yes + no): columns low and high (fractions).

    The Jeffreys interval stays sound for the small counts of one rep.
    """
    a, b = table[yes] + 0.5, table[no] + 0.5
    return table.assign(low=stats.beta.ppf(0.025, a, b), high=stats.beta.ppf(0.975, a, b))
