"""What the levers do: to quotas, and to the money that is still to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.errors import ScenarioError, did_you_mean
from salesops.models.forecast.arrivals import ramp_factor, strength
from salesops.models.forecast.inputs import Inputs
from salesops.models.forecast.to_come import Array, ToCome
from salesops.models.quota.scenario import Scenario

YEAR = 365.25
NEW_HIRES = "New hires"


@dataclass(frozen=True, eq=False)
class Quotas:
    """Each rep's quota (money; NaN without one), the company's target (NaN without one), and today's of both."""

    quota: Array
    target: float
    today: Array


def check_fits(inputs: Inputs, scenario: Scenario) -> None:
    """Raise ScenarioError if a scenario is about another period, or names a rep that the forecast has not."""
    period = inputs.period
    if (scenario.period_start, scenario.period_end) != (period.start, period.end):
        raise ScenarioError(
            f"The scenario '{scenario.name}' is about {scenario.period_start}..{scenario.period_end}, "
            f"and the forecast about {period}. Take the scenario's own period."
        )
    named = {user for user, _ in scenario.quotas}
    named.update(user for move in scenario.moves for user in (move.giver, move.receiver))
    unknown = sorted(named - set(inputs.reps.user_id)) if named else []
    if unknown:
        who = "1 rep that has" if len(unknown) == 1 else f"{len(unknown)} reps that have"
        raise ScenarioError(
            f"The scenario '{scenario.name}' names {who} no line in {period}: '{unknown[0]}'. "
            f"{did_you_mean(unknown[0], inputs.reps.user_id)} Remove such quotas and moves."
        )


def quotas_of(inputs: Inputs, scenario: Scenario) -> Quotas:
    """Return the quotas of a scenario: today's, ramped as it says, then the fixed ones, then over-assignment."""
    today = inputs.reps.quota.to_numpy(float)
    target = scenario.target
    if target is None:
        target = float(np.nansum(today)) if np.isfinite(today).any() else float("nan")
    quota = today * _quota_ramp(inputs, scenario.ramp)
    fixed = inputs.reps.user_id.map(dict(scenario.quotas)).to_numpy(float) if scenario.quotas else quota * np.nan
    quota = np.where(np.isnan(fixed), quota, fixed)
    if scenario.over_assignment is not None:
        quota = _over_assigned(quota, ~np.isnan(fixed), target, scenario.over_assignment)
    return Quotas(quota, target, today)


def to_come_of(inputs: Inputs, scenario: Scenario, quotas: Quotas) -> ToCome:
    """Return the money that may still come under a scenario; new hires are one row after the reps."""
    first, last = inputs.time
    price = scenario.deal_size * (1 - scenario.discount)
    wins = scenario.win_rate * (1 + scenario.discount_lift * scenario.discount)
    new, ramp = inputs.arrivals, inputs.ramp if scenario.ramp is None else scenario.ramp
    working = new.strength if scenario.ramp is None else strength(inputs.reps, *inputs.rest, ramp)
    wins_of_one = new.won_by(first, last, scenario.cycle) * wins * inputs.level.factor
    rate = new.per_day * working * new.wins * wins_of_one
    rate = rate * _staying(scenario, inputs.window[1], ramp)[0] * _effort(quotas, scenario.quota_response)
    rate = _moved(inputs, scenario, rate, new.scale)
    chance = np.minimum(inputs.closing(scenario.cycle) * wins, 1.0)
    factor = inputs.chances.amount_factor if inputs.chances else 1.0
    amount = inputs.deal_amount * (factor * price)
    scale = new.scale * price
    if scenario.hires:
        hired = _hired(inputs, scenario, ramp) * wins * inputs.level.factor
        rate, scale = np.append(rate, hired), np.append(scale, price)
    return ToCome(inputs.deal_rep, chance, amount, rate, new.sizes, new.weights, scale)


def paid_reps(inputs: Inputs, scenario: Scenario) -> float:
    """Return how many reps are paid for the period: those there, less those who leave, and the hires' days."""
    period = inputs.period
    there = float(inputs.employed.sum())
    leaving = 1 - _staying(scenario, inputs.window[1], ())[1]
    rest = min(inputs.window[1] / period.days, 1.0)
    days = max((period.end - max(_hire_date(inputs, scenario), period.start)).days + 1, 0)
    return there * (1 - leaving * rest) + scenario.hires * days / period.days


def shock_of(inputs: Inputs, scenario: Scenario) -> float:
    """Return the shock of a scenario: its own, or that of the forecast."""
    return inputs.level.shock if scenario.shock is None else scenario.shock


def deal_levers(scenario: Scenario, quotas: Quotas) -> tuple[Any, ...]:
    """Return all on which the money to come depends: two scenarios that agree in it share its distribution."""
    s = scenario
    effort = _effort(quotas, s.quota_response).tobytes() if s.quota_response else b""
    people = (s.ramp, s.attrition, s.backfill_days, s.moves, s.hires, s.hire_date)
    return (*people, s.win_rate, s.deal_size, s.cycle, s.discount, s.discount_lift, s.shock, effort)


def _quota_ramp(inputs: Inputs, ramp: tuple[float, ...] | None) -> Array:
    if ramp is None or ramp == inputs.ramp:
        return np.ones(len(inputs.reps))
    span = (inputs.period.start, inputs.period.end)
    today, then = (ramp_factor(inputs.reps, *span, curve) for curve in (inputs.ramp, ramp))
    ratio = np.where(today > 0, then / np.where(today > 0, today, 1.0), 1.0)
    return np.where(inputs.reps.ramp_applied.to_numpy(bool), 1.0, ratio)


def _over_assigned(quota: Array, fixed: NDArray[np.bool_], target: float, over: float) -> Array:
    if not np.isfinite(target) or target <= 0:
        raise ScenarioError("over_assignment needs a target above 0. Give the company's target.")
    kept = float(np.nansum(quota[fixed]))
    others = float(np.nansum(quota[~fixed]))
    wanted = target * (1 + over) - kept
    if wanted < 0:
        raise ScenarioError(
            f"The fixed quotas add up to {kept:,.0f}, more than target and over-assignment allow "
            f"({target * (1 + over):,.0f}). Lower them, or free some."
        )
    if others <= 0:
        raise ScenarioError("over_assignment finds no quota to scale. Give the reps quotas, or free some.")
    return np.where(fixed, quota, quota * (wanted / others))


def _staying(scenario: Scenario, days: int, ramp: tuple[float, ...]) -> tuple[float, float]:
    """Share of new business that stays when reps leave and are replaced, and of days on which a place is taken."""
    if not scenario.attrition or days <= 0:
        return 1.0, 1.0
    hazard = -np.log(max(1 - scenario.attrition, 1e-6)) / YEAR
    left = np.exp(-hazard * np.arange(days)) * (1 - np.exp(-hazard))  # leaves on this day
    since = np.arange(days) - scenario.backfill_days
    curve = np.array([*ramp, 1.0])
    successor = np.where(since < 0, 0.0, curve[np.clip(since // 30.4375, 0, len(ramp)).astype(int)])
    lost, vacant = (np.cumsum(1 - taken) for taken in (successor, (since >= 0).astype(float)))
    # who leaves on day n of the rest has days − n days to be replaced in
    return 1 - float(left @ lost[::-1]) / days, 1 - float(left @ vacant[::-1]) / days


def _effort(quotas: Quotas, response: float) -> Array:
    both = (quotas.today > 0) & (quotas.quota > 0)
    ratio = np.where(both, quotas.quota / np.where(both, quotas.today, 1.0), 1.0)
    return np.asarray(ratio**response)


def _moved(inputs: Inputs, scenario: Scenario, rate: Array, scale: Array) -> Array:
    """Move new business as money: a receiver with larger deals needs fewer of them for as much."""
    place = {user: n for n, user in enumerate(inputs.reps.user_id)} if scenario.moves else {}
    moved = rate.copy()
    for move in scenario.moves:
        giver, receiver = place[move.giver], place[move.receiver]
        moved[giver] -= move.share * rate[giver]
        moved[receiver] += move.share * rate[giver] * scale[giver] / scale[receiver]
    return np.maximum(moved, 0.0)


def _hired(inputs: Inputs, scenario: Scenario, ramp: tuple[float, ...]) -> float:
    """Expected number of deals that the hires win in the period."""
    new, (first, last) = inputs.arrivals, inputs.window
    begins = (_hire_date(inputs, scenario) - inputs.as_of).days - 1
    usual = new.per_day[new.strength > 0]
    if begins >= last or not len(usual):
        return 0.0
    start = _hire_date(inputs, scenario)
    one = pd.DataFrame({"hire_date": [start], "end_date": [None]})
    working = float(strength(one, start, inputs.period.end, ramp)[0])
    won = new.won_by(max(first - begins, 0), last - begins, scenario.cycle)
    return scenario.hires * float(usual.mean()) * working * won


def _hire_date(inputs: Inputs, scenario: Scenario) -> date:
    earliest = inputs.as_of + timedelta(days=1)
    return max(scenario.hire_date or earliest, earliest)
