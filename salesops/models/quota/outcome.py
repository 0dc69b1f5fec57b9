"""What a scenario leads to: one pure function from inputs and levers to the numbers that people read."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from scipy import special

from salesops.models.forecast.doubt import range_of_sum
from salesops.models.forecast.inputs import Inputs
from salesops.models.forecast.outlook import LEVELS, attain
from salesops.models.forecast.sums import GRID, Sums, company_sum, sums_of
from salesops.models.forecast.to_come import Array, Places, ToCome
from salesops.models.quota.levers import (
    NEW_HIRES,
    Quotas,
    check_fits,
    deal_levers,
    paid_reps,
    quotas_of,
    shock_of,
    to_come_of,
)
from salesops.models.quota.scenario import Scenario

DRAWS, DRAWS_OF_MANY = 2048, 512  # many reps even out what a few do not
MANY = 500
SEED = 6
TOP = 0.2
MOST_KEPT = 8
ESTIMATES = (
    "expected", "p10", "p50", "p90", "payout", "payout_p10", "payout_p50", "payout_p90", "payout_at_risk",
    "cost_of_sales", "concentration", "fairness",
)  # fmt: skip  # as Outcome names them


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of `outcome`. Money is in the book's currency, chances and shares are fractions.

    Attributes
    ----------
    reps : pandas.DataFrame
        user_id, user_name, territory_id, quota (money, NaN without one), closed, expected, p10, p50, p90 (of the
        total), p_attain (NaN without a quota above 0), attainment_p10, _p50, _p90 (total ÷ quota), payout_p10,
        payout_p50, payout_p90 (money). Hires are a last row without quota.
    territories : pandas.DataFrame
        territory_id, reps (with a quota above 0), p_attain (their mean).
    closed, expected, p10, p50, p90 : float
        The company's total.
    target, p_target, p_low, p_high : float
        The company's target, the chance to reach it, and the range of that chance (`doubt.range_of_sum`); NaN without
        one.
    quota_total, over_assignment : float
        Σ rep quotas, and that ÷ target − 1.
    pay : float
        Money for the period whatever is booked.
    payout, payout_p10, payout_p50, payout_p90 : float
        Commission of all reps together: expected, and its distribution.
    payout_at_risk : float
        payout_p90 − budget; NaN without a budget.
    cost_of_sales : float
        (pay + expected payout) ÷ expected total, of what is known of the two.
    concentration : float
        Share of the expected total that the best fifth of reps brings.
    fairness : float
        Spread of p_attain between territories: highest mean − lowest; NaN with fewer than two territories.
    notes : tuple of str
        What the reader must know, in sentences.
    why_not : str
        Why nothing that is still to come can be estimated, as a sentence; "" where it can. With a reason all that
        hangs on it is NaN, and only what is certain stands.
    """

    scenario: Scenario
    reps: pd.DataFrame
    territories: pd.DataFrame
    closed: float
    expected: float
    p10: float
    p50: float
    p90: float
    target: float
    p_target: float
    p_low: float
    p_high: float
    quota_total: float
    over_assignment: float
    pay: float
    payout: float
    payout_p10: float
    payout_p50: float
    payout_p90: float
    payout_at_risk: float
    cost_of_sales: float
    concentration: float
    fairness: float
    notes: tuple[str, ...]
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class _Totals:
    """The totals under a scenario, whatever the quotas: a row for each rep, and one for hires if there are any."""

    closed: Array
    expected: Array
    sums: Sums
    company: Sums
    levels: Array
    company_levels: Array
    draws: Array


_KEPT: WeakKeyDictionary[Inputs, dict[Hashable, _Totals]] = WeakKeyDictionary()


def outcome(inputs: Inputs, scenario: Scenario, *, grid: int = GRID) -> Outcome:
    """Return what a scenario leads to.

    The same inputs and scenario give the same outcome. Distributions are exact on a grid; only the range of all
    payouts together is drawn, with the same draws for every scenario, so that no lever jitters. Totals are kept
    for the last scenarios, so that a lever which leaves the deals alone is quick.

    Parameters
    ----------
    grid : int
        Cells of the grid; `sums.COARSE_GRID` is quicker while a slider moves.

    Raises
    ------
    ScenarioError
        If the scenario is about another period or other reps, or its quotas cannot be met.
    """
    check_fits(inputs, scenario)
    quotas = quotas_of(inputs, scenario)
    totals = _totals_once(inputs, scenario, quotas, grid)
    quota = np.append(quotas.quota, np.full(len(totals.closed) - len(quotas.quota), np.nan))
    p_attain = attain(totals.sums, quota, totals.closed, shock_of(inputs, scenario))
    reps = _reps(inputs, scenario, totals, quota, p_attain)
    territories = _territories(inputs, p_attain[: len(inputs.reps)])
    # without a rate or a pay nothing is known of it, which is not 0
    rate, paid = scenario.commission_rate > 0, scenario.pay > 0
    drawn = payout(totals.draws, quota[:, None], scenario).sum(axis=0) * (1.0 if rate else float("nan"))
    low, middle, high = (float(value) for value in np.quantile(drawn, LEVELS))
    closed, expected = float(totals.closed.sum()), float(totals.expected.sum())
    p_target, p_low, p_high = _company(inputs, scenario, totals, quotas.target - closed)
    pay, mean = scenario.pay * paid_reps(inputs, scenario) if paid else float("nan"), float(drawn.mean())
    cost = float(np.nansum([pay, mean])) if rate or paid else float("nan")
    quota_total = float(np.nansum(quota))
    known = len(territories) > 1
    found = Outcome(
        scenario=scenario, reps=reps, territories=territories, closed=closed, expected=expected,
        **dict(zip(("p10", "p50", "p90"), (closed + totals.company_levels).tolist(), strict=True)),
        target=quotas.target, p_target=p_target, p_low=p_low, p_high=p_high,
        quota_total=quota_total,
        over_assignment=quota_total / quotas.target - 1 if quotas.target > 0 else float("nan"),
        pay=pay, payout=mean, payout_p10=low, payout_p50=middle, payout_p90=high,
        payout_at_risk=high - scenario.budget if scenario.budget is not None else float("nan"),
        cost_of_sales=cost / expected if expected > 0 else float("nan"),
        concentration=_concentration(totals.expected[: len(inputs.reps)]),
        fairness=float(np.ptp(territories.p_attain)) if known else float("nan"),
        notes=tuple(_notes(inputs, quotas, closed)),
    )  # fmt: skip  # related numbers side by side
    return _without_estimates(found, inputs.why_not) if inputs.why_not else found


def _without_estimates(found: Outcome, why_not: str) -> Outcome:
    """Return an outcome in which only what is certain stands: quotas, what is closed, and goals that it reaches."""
    reps = found.reps.copy()
    made = (reps.quota > 0) & (reps.closed >= reps.quota)
    estimates = [name for name in reps.columns if name == "expected" or "p10" in name or "p50" in name or "p90" in name]
    reps[estimates] = np.nan
    reps["p_attain"] = np.where(made, 1.0, np.nan)
    unknown: dict[str, Any] = dict.fromkeys(ESTIMATES, float("nan"))
    met = 1.0 if found.target <= found.closed else float("nan")
    unknown |= dict.fromkeys(("p_target", "p_low", "p_high"), met)
    return replace(found, reps=reps, territories=found.territories.head(0), why_not=why_not, **unknown)


def _company(inputs: Inputs, scenario: Scenario, totals: _Totals, need: float) -> tuple[float, float, float]:
    if not np.isfinite(need):
        return float("nan"), float("nan"), float("nan")
    chance = float(totals.company.reach(np.array([need]), shock_of(inputs, scenario))[0])
    return chance, *range_of_sum(inputs, totals.company, need, shock=scenario.shock)


def _totals_once(inputs: Inputs, scenario: Scenario, quotas: Quotas, grid: int) -> _Totals:
    kept = _KEPT.setdefault(inputs, {})
    key = (grid, deal_levers(scenario, quotas))
    if key not in kept:
        while len(kept) >= MOST_KEPT:
            del kept[next(iter(kept))]
        kept[key] = _totals(inputs, to_come_of(inputs, scenario, quotas), shock_of(inputs, scenario), grid)
    return kept[key]


def _totals(inputs: Inputs, parts: ToCome, shock: float, grid: int) -> _Totals:
    sums = sums_of(parts, grid, shock)
    company = company_sum(sums)
    closed = np.append(inputs.reps.closed.to_numpy(float), np.zeros(parts.reps - len(inputs.reps)))
    order, shocks = _common(parts.reps, DRAWS if len(inputs.reps) < MANY else DRAWS_OF_MANY)
    money = sums.draw(order) * np.exp(shock * shocks - shock**2 / 2)
    return _Totals(
        closed,
        closed + parts.expected_open + parts.expected_new,
        sums,
        company,
        sums.quantile(LEVELS, shock),
        company.quantile(LEVELS, shock)[0],
        closed[:, None] + money,
    )


@lru_cache(maxsize=4)
def _common(reps: int, draws: int) -> tuple[Places, Array]:
    """The draws that all scenarios share: each rep's even levels in an order of its own, and the shocks."""
    rng = np.random.default_rng(SEED)
    shocks = special.ndtri(rng.permutation((np.arange(draws) + 0.5) / draws))
    order = rng.permuted(np.broadcast_to(np.arange(draws), (reps, draws)), axis=1)
    return order, shocks


def _reps(inputs: Inputs, scenario: Scenario, totals: _Totals, quota: Array, p_attain: Array) -> pd.DataFrame:
    people = inputs.reps[["user_id", "user_name", "territory_id"]]
    if len(quota) > len(people):
        hires = pd.DataFrame({"user_id": [NEW_HIRES], "user_name": [NEW_HIRES]})
        people = pd.concat([people, hires], ignore_index=True)
    levels = totals.closed[:, None] + totals.levels
    usable = np.where(quota > 0, quota, np.nan)
    paid = payout(levels, quota[:, None], scenario)
    columns = {"quota": quota, "closed": totals.closed, "expected": totals.expected, "p_attain": p_attain}
    for n, name in enumerate(("p10", "p50", "p90")):
        columns |= {name: levels[:, n], f"attainment_{name}": levels[:, n] / usable, f"payout_{name}": paid[:, n]}
    return pd.concat([people, pd.DataFrame(columns)], axis=1)


def _territories(inputs: Inputs, p_attain: Array) -> pd.DataFrame:
    names, place = inputs.territories
    known = np.isfinite(p_attain) & (place >= 0)
    count = np.bincount(place[known], minlength=len(names))
    total = np.bincount(place[known], p_attain[known], len(names))
    some = count > 0
    return pd.DataFrame({"territory_id": names[some], "reps": count[some], "p_attain": total[some] / count[some]})


def _concentration(expected: Array) -> float:
    best = np.sort(expected)[::-1][: max(1, int(np.ceil(TOP * len(expected))))]
    return float(best.sum() / expected.sum()) if expected.sum() > 0 else float("nan")


def _notes(inputs: Inputs, quotas: Quotas, closed: float) -> list[str]:
    notes = list(inputs.notes)
    if not (quotas.quota > 0).any():
        notes.append("No rep has a quota: give quotas to see who can make them.")
    elif (zero := int((quotas.quota == 0).sum())) > 0:
        notes.append(f"{zero} {'rep has' if zero == 1 else 'reps have'} a quota of zero, and no chance to make it.")
    if np.isnan(quotas.target):
        notes.append("There is no target: give one to see the company's chance to reach it.")
    elif quotas.target <= closed:
        notes.append("The target is already met by what is closed.")
    homeless = int(((inputs.territories[1] < 0) & (quotas.quota > 0)).sum())
    if homeless:
        notes.append(
            f"{homeless} {'rep has' if homeless == 1 else 'reps have'} no territory and no part in the fairness."
        )
    return notes


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
