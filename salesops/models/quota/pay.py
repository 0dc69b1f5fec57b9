"""What reps are paid for what they book."""

from __future__ import annotations

import numpy as np

from salesops.models.forecast.to_come import Array
from salesops.models.quota.scenario import Scenario


def payout(booked: Array, quota: Array, scenario: Scenario) -> Array:
    """Return the commission on what is booked (money); both arrays broadcast.

    commission_rate · (booked up to the quota + accelerator · booked above it), where what is above cap · quota
    does not count, and nothing is paid below threshold · quota. Without a quota above 0 the rate alone holds.
    """
    has = np.isfinite(quota) & (quota > 0)
    goal = np.where(has, quota, np.inf)
    counts = booked if scenario.cap is None else np.minimum(booked, np.where(has, scenario.cap * quota, np.inf))
    above = np.maximum(counts - goal, 0.0)
    due = scenario.commission_rate * (counts + (scenario.accelerator - 1) * above)
    if scenario.threshold > 0:
        due = np.where(booked >= np.where(has, scenario.threshold * quota, -np.inf), due, 0.0)
    return np.asarray(due)
