"""What was agreed: quarterly quotas, set so that a known share of rep-quarters is attained."""

from __future__ import annotations

import numpy as np

from salesops.sample.company import (
    CURRENCY,
    LAST_QUARTER_END,
    MANAGERS,
    NEVER,
    POTENTIAL,
    QUARTERS,
    REPS,
    Array,
    Columns,
    dates,
    workday,
)
from salesops.sample.deals import Deals
from salesops.sample.people import Team

ATTAINED = 0.425
SEASON = (0.9, 1.0, 0.95, 1.2)
GROWTH = 1.08  # of the second year over the first
ENDS = (*(start - 1 for start in QUARTERS[1:]), LAST_QUARTER_END)


def agree_quotas(team: Team, deals: Deals, owner: Array) -> Array:
    """Return the quota of each rep (rows) in each quarter (columns); NaN where none was agreed.

    A quota lies between what the rep can do and what the territory should give. One factor scales them all
    so that ATTAINED of the full rep-quarters before the running one are attained.
    """
    territory = np.array(POTENTIAL)[team.territory] / np.mean(POTENTIAL)
    able = 0.5 * team.skill + 0.5 * team.skill.mean()
    base = (able * np.sqrt(territory))[:, None] * np.outer((1, GROWTH), SEASON).ravel()
    booked = bookings(deals, owner)
    due = (team.hired[:, None] <= np.array(QUARTERS)) & (team.left[:, None] >= np.array(QUARTERS) + 30)
    due[team.no_quota] = False
    judged = due & (team.left[:, None] >= np.array(ENDS))
    judged[:, -1] = False
    judged[team.hired > 0] = False
    factor = np.quantile((booked / base)[judged], 1 - ATTAINED)
    quota = np.where(due, (base * factor).round(-3), np.nan)
    quota[team.stand_in[team.leaver], -1] += quota[team.leaver, -2]
    return np.asarray(quota)


def bookings(deals: Deals, owner: Array) -> Array:
    """Return won amounts in the book's currency by rep and quarter, whole deals to their owner."""
    booked = np.zeros((REPS, len(QUARTERS)))
    won = np.flatnonzero(deals.closed & deals.won & (deals.currency == CURRENCY) & (deals.end >= QUARTERS[0]))
    quarter = np.searchsorted(QUARTERS, deals.end[won], side="right") - 1
    np.add.at(booked, (owner[won], quarter), deals.amount[won])
    return booked


def quota_table(team: Team, quotas: Array) -> dict[str, Columns]:
    """Return quotas: each rep's, then the managers' sums, quarter by quarter."""
    parts = [_of_quarter(team, quotas[:, quarter], quarter) for quarter in range(len(QUARTERS))]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {"quotas": columns}


def _of_quarter(team: Team, quota: Array, quarter: int) -> Columns:
    reps = np.flatnonzero(~np.isnan(quota))
    amounts = quota[reps]
    leads = team.manager_on(QUARTERS[quarter])[reps]
    sums = np.bincount(leads, amounts, MANAGERS)
    owners = np.concatenate([team.keys[reps], team.managers])
    partners = np.concatenate([team.managers[leads], np.full(MANAGERS, team.head, dtype=object)])
    count = len(owners)
    start = QUARTERS[quarter]
    agreed = workday(start - 6 - np.arange(count) % 9)
    # who came later agreed in the first days
    agreed = np.maximum(agreed, np.concatenate([team.hired[reps], np.full(MANAGERS, -NEVER)]))
    return {
        "owner_id": owners,
        "period_start": dates(np.full(count, start)),
        "period_end": dates(np.full(count, ENDS[quarter])),
        "measure": np.full(count, "bookings", dtype=object),
        "quota_amount": np.concatenate([amounts, sums]),
        "currency": np.full(count, CURRENCY, dtype=object),
        "is_rollup": np.arange(count) >= len(reps),
        "ramp_applied": np.zeros(count, dtype=bool),
        "agreed_at": dates(agreed),
        "agreed_with": partners,
        "version": np.full(count, "2025" if quarter < 4 else "2026", dtype=object),
    }
