"""The forecast of a period: each rep and the company, with the chance to make the goal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from salesops.book.source import Book
from salesops.models.forecast.corrected import forecast_inputs
from salesops.models.forecast.doubt import range_of_sum, ranges
from salesops.models.forecast.inputs import Inputs
from salesops.models.forecast.sums import GRID, Sums, company_sum, sums_of
from salesops.models.threads import one_thread
from salesops.periods import Period

LEVELS = (0.1, 0.5, 0.9)


@dataclass(frozen=True, eq=False)
class Forecast:
    """The result of `forecast`.

    Attributes
    ----------
    reps : pandas.DataFrame
        user_id, user_name, territory_id, quota, closed (money so far), open (expected of open deals), new (expected
        of deals not yet created), expected (their sum), p10, p50, p90 (of the total), p_attain (chance that the total
        reaches the quota; NaN without a quota or with a quota of zero), p_low and p_high (the range of p_attain, as
        `doubt.ranges` gives it). All but what is closed, and a chance that is certain already, is NaN where
        `inputs.why_not` says why nothing can be estimated.
    company : dict
        The same of all reps together; target (sum of the reps' quotas, or as given), p_target, p_low, p_high.
    shock : float
        Standard deviation of the logarithm of the shock that all money to come shares.
    notes : tuple of str
        What the reader must know, in sentences.
    """

    inputs: Inputs
    reps: pd.DataFrame
    company: dict[str, float]
    shock: float
    notes: tuple[str, ...]


def forecast(
    book: Book, period: Period, as_of: date, *, shock: float | None = None, target: float | None = None
) -> Forecast:
    """Forecast the totals of a period from what is known on `as_of`.

    A rep's total = closed + shock · (Σ open deals won in the period + deals not yet created). Chances are exact
    on a grid of money. The level of what is to come, and the shock, are those that past forecasts of the same book
    teach (`level`).

    Parameters
    ----------
    shock : float, optional
        Standard deviation of the logarithm of the shared shock, 0 to 1. It stands for all that moves every rep
        alike.
    target : float, optional
        The company's target (money); without one, the sum of the reps' quotas.

    Raises
    ------
    ValueError
        If the shock is not from 0 to 1.
    """
    if shock is not None and not 0 <= shock <= 1:
        raise ValueError(f"The shock must be a standard deviation from 0 to 1. Got {shock}.")
    with one_thread():
        found = with_doubt(outlook(forecast_inputs(book, period, as_of), shock=shock, target=target), shock=shock)
    return without_estimates(found) if found.inputs.why_not else found


def outlook(inputs: Inputs, *, shock: float | None = None, target: float | None = None) -> Forecast:
    """Forecast from inputs that are already collected, without the ranges of chances."""
    parts, shock = inputs.to_come(), inputs.level.shock if shock is None else shock
    sums = sums_of(parts, GRID, shock)
    reps = inputs.reps[["user_id", "user_name", "territory_id", "quota", "closed"]].assign(
        open=parts.expected_open, new=parts.expected_new
    )
    reps = reps.assign(expected=reps.closed + reps.open + reps.new)
    closed, quota = reps.closed.to_numpy(float), reps.quota.to_numpy(float)
    totals = closed[:, None] + sums.quantile(LEVELS, shock)
    p_attain = attain(sums, quota, closed, shock)
    reps = reps.assign(p10=totals[:, 0], p50=totals[:, 1], p90=totals[:, 2], p_attain=p_attain)
    goal = float(np.nansum(quota)) if target is None and np.isfinite(quota).any() else target
    company = _company(reps, company_sum(sums), goal, shock)
    return Forecast(inputs, reps, company, shock, (*inputs.notes, *_notes(reps, inputs, company)))


def with_doubt(found: Forecast, *, shock: float | None = None) -> Forecast:
    """Add the range of each chance; a `shock` that was given has no doubt."""
    inputs, reps, company = found.inputs, found.reps, found.company
    need = np.nan_to_num(reps.quota.to_numpy(float)) - reps.closed.to_numpy(float)
    low, high = ranges(inputs, need, reps.p_attain.to_numpy(float))
    both = (np.nan, np.nan)
    if np.isfinite(company["target"]):
        total = company_sum(sums_of(inputs.to_come(), GRID, found.shock))
        both = range_of_sum(inputs, total, company["target"] - company["closed"], shock=shock)
    whole = {**company, "p_low": both[0], "p_high": both[1]}
    return replace(found, reps=reps.assign(p_low=low, p_high=high), company=whole)


def without_estimates(found: Forecast) -> Forecast:
    """Return a forecast in which only what is certain stands: what is closed, and goals that it reaches."""
    unknown = dict.fromkeys(("open", "new", "expected", "p10", "p50", "p90"), np.nan)
    made = np.where((found.reps.quota > 0) & (found.reps.closed >= found.reps.quota), 1.0, np.nan)
    met = dict.fromkeys(("p_target", "p_low", "p_high"), 1.0 if _is_met(found.company) else np.nan)
    company = {**found.company, **unknown, **met}
    reps = found.reps.assign(**unknown, p_attain=made, p_low=made, p_high=made)
    return replace(found, reps=reps, company=company)


def team_chance(inputs: Inputs, users: tuple[str, ...]) -> tuple[float, float, float] | None:
    """Return P(total of some reps ≥ sum of their quotas) and its range; None if none has a quota above zero."""
    shock = inputs.level.shock
    sums = sums_of(inputs.to_come(), GRID, shock)
    inside = inputs.reps.user_id.isin(users).to_numpy(bool)
    reps = inputs.reps[inside]
    goal = float(reps.quota.sum())
    if not goal > 0:
        return None
    total, need = company_sum(Sums(sums.mass[inside], sums.step[inside])), goal - float(reps.closed.sum())
    return float(total.reach(np.array([need]), shock)[0]), *range_of_sum(inputs, total, need, some=inside)


def attain(sums: Sums, quota: np.ndarray, closed: np.ndarray, shock: float) -> np.ndarray:
    """Return P(closed + money to come ≥ quota) of each row; NaN where the quota is NaN or zero."""
    known = np.isfinite(quota) & (quota > 0)
    return np.where(known, sums.reach(np.where(known, quota, 0.0) - closed, shock), np.nan)


def _company(reps: pd.DataFrame, total: Sums, target: float | None, shock: float) -> dict[str, float]:
    sums = {name: float(reps[name].sum()) for name in ("closed", "open", "new", "expected")}
    low, middle, high = sums["closed"] + total.quantile(LEVELS, shock)[0]
    goal = float("nan") if target is None else float(target)
    reached = total.reach(np.array([goal - sums["closed"]]), shock)[0] if np.isfinite(goal) else float("nan")
    return {
        **sums,
        "p10": float(low),
        "p50": float(middle),
        "p90": float(high),
        "target": goal,
        "p_target": float(reached),
    }


def _notes(reps: pd.DataFrame, inputs: Inputs, company: dict[str, float]) -> list[str]:
    notes = []
    if not (reps.quota > 0).any():
        notes.append("No rep has a quota, so that no chance to make it is given.")
    elif (zero := int((reps.quota == 0).sum())) > 0:
        notes.append(f"{zero} {'rep has' if zero == 1 else 'reps have'} a quota of zero, and no chance to make it.")
    if _is_met(company):
        notes.append("The target is already met by what is closed.")
    unknown = int(np.isnan(inputs.deal_amount).sum())
    if unknown:
        which = "open deal has no amount: it" if unknown == 1 else "open deals have no amount: each"
        notes.append(f"{unknown:,} {which} is drawn from the amounts of won deals.")
    return notes


def _is_met(company: dict[str, float]) -> bool:
    return company["target"] <= company["closed"]
