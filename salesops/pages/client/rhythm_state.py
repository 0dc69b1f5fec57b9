"""How a client stands by its own rhythm, and when the next purchase is expected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from salesops.models.rhythm import IN_RHYTHM, NO_RHYTHM, STATES

NEVER = "never bought"
LOST, PAUSE, OVERDUE = STATES["lost"], STATES["in_pause"], STATES["overdue"]


@dataclass(frozen=True)
class Rhythm:
    """When a client buys, by its own gaps between purchase days, as `models.rhythm.judged` says.

    Attributes
    ----------
    state : str
        never bought; no rhythm known (too few gaps, or it buys by deals); in its rhythm; overdue (silent beyond the
        80% point of its gaps); in its usual pause; lost.
    median_gap, spread : float or None
        Days: median of the gaps, and upper less lower quartile (None with fewer than two gaps).
    expected : date or None
        Last purchase + median gap, in whole days; None without a rhythm, and where the gaps spread as widely as the
        median gap or more, as with seasons.
    latest : date or None
        The last day on which it is still in its rhythm; None without one.
    lost_on : date or None
        The last day on which its silence is no loss yet; None without a rhythm.
    overdue_days : int
        Days since `latest`, where it is overdue or lost; 0 otherwise.
    """

    state: str
    median_gap: float | None = None
    spread: float | None = None
    expected: date | None = None
    latest: date | None = None
    lost_on: date | None = None
    overdue_days: int = 0

    @property
    def late(self) -> bool:
        """Whether its silence asks for a call."""
        return self.state in (OVERDUE, LOST)


def rhythm_of(client: dict[str, Any], last_purchase: date | None, as_of: date) -> Rhythm:
    """Return how a client stands.

    Parameters
    ----------
    client : dict
        rhythm, median_gap, gap_spread, late_after and lost_after (days; None where not known), as the client's row of
        `models.client.shared.clients` has them.
    last_purchase : date or None
        Last purchase day; None if there is none.
    """
    gap, spread = client["median_gap"], client["gap_spread"]
    if last_purchase is None:
        return Rhythm(NEVER)
    state = client["rhythm"] or NO_RHYTHM
    if state == NO_RHYTHM:
        return Rhythm(state, gap, spread)
    latest = last_purchase + timedelta(days=int(client["late_after"]))
    steady = state in (IN_RHYTHM, OVERDUE) and spread is not None and spread < gap
    return Rhythm(
        state,
        gap,
        spread,
        expected=last_purchase + timedelta(days=round(gap)) if steady else None,
        latest=latest,
        lost_on=last_purchase + timedelta(days=int(client["lost_after"])),
        overdue_days=(as_of - latest).days if state in (OVERDUE, LOST) else 0,
    )
