"""Whether a source still speaks: how long ago anything happened, against its own longest pause."""

from __future__ import annotations

from datetime import date

import pandas as pd

SILENT = 45  # days, half a quarter; a shorter silence is never taken for the end
FEWEST_DAYS = 5
LOOK_BACK = 730


def last_heard(days: pd.Series, as_of: date) -> date | None:
    """Return the last day on which anything happened, if the silence since tells that the source ends there.

    It does if it is longer than SILENT days and than twice the longest pause of the LOOK_BACK days before it. A
    date on which a report looks may lie far behind the end of one of its sources: another table goes on.

    Parameters
    ----------
    days : pandas.Series
        Days on which something happened, in any order; what is missing or lies after `as_of` does not count.

    Returns
    -------
    date or None
        None where the source goes on, and where it has fewer than FEWEST_DAYS days to know its pauses by.
    """
    known = pd.to_datetime(days).dropna()
    known = known[known <= pd.Timestamp(as_of)].drop_duplicates().sort_values()
    if known.empty:
        return None
    last = known.iloc[-1]
    known = known[known >= last - pd.Timedelta(days=LOOK_BACK)]
    silent = (pd.Timestamp(as_of) - last).days
    if len(known) < FEWEST_DAYS or silent <= max(SILENT, 2 * known.diff().max().days):
        return None
    found: date = last.date()
    return found
