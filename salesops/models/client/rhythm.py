"""A client's own rhythm: when the next purchase is expected, and whether it is late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

State = Literal["never bought", "one purchase", "no steady gap", "ahead", "due", "overdue"]


@dataclass(frozen=True)
class Rhythm:
    """When a client buys, by its own gaps between purchase days.

    Attributes
    ----------
    state : str
        never bought; one purchase; no steady gap (the spread is as long as the median gap or longer, as with seasons
        and projects: no day is expected); ahead, due or overdue (before, in or after the window).
    median_gap, spread : float or None
        Days: median of the gaps, and upper less lower quartile (None with fewer than two gaps).
    expected : date or None
        Last purchase + median gap, in whole days.
    earliest, latest : date or None
        The window: expected − spread (but after the last purchase) to expected + spread; without a spread the
        expected day alone.
    overdue_days : int
        Days from the end of the window to the day of the report; 0 up to its end.
    """

    state: State
    median_gap: float | None = None
    spread: float | None = None
    expected: date | None = None
    earliest: date | None = None
    latest: date | None = None
    overdue_days: int = 0

    @property
    def steady(self) -> bool:
        """Whether a day can be expected."""
        return self.state in ("ahead", "due", "overdue")


def rhythm_of(last_purchase: date | None, median_gap: float | None, spread: float | None, as_of: date) -> Rhythm:
    """Work out the window of the next purchase, and how far it lies back.

    Parameters
    ----------
    last_purchase : date or None
        Last purchase day; None if there is none.
    median_gap, spread : float or None
        Days, as `metrics.purchases` gives them (median_gap, gap_spread).
    """
    if last_purchase is None:
        return Rhythm("never bought")
    if median_gap is None:
        return Rhythm("one purchase")
    if spread is not None and spread >= median_gap:
        return Rhythm("no steady gap", median_gap, spread)
    around = timedelta(days=round(spread or 0))
    expected = last_purchase + timedelta(days=round(median_gap))
    earliest, latest = max(expected - around, last_purchase + timedelta(days=1)), expected + around
    state: State = "ahead" if as_of < earliest else "due" if as_of <= latest else "overdue"
    return Rhythm(state, median_gap, spread, expected, earliest, latest, max((as_of - latest).days, 0))
