"""Deals and orders not yet created: how many each rep will bring, how soon they are won, and how large they are.

A compound Poisson process from the book's own last year. A rep's rate is drawn towards the team's as far as
the counts allow (gamma–Poisson), the size of deals as far as the amounts do (Bühlmann's credibility). The month
of the year counts where years agree on it (`season`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from salesops.models.forecast.season import month_factors, season_of
from salesops.models.forecast.to_come import Array, sizes_of

WINDOW = 365
CURVE_DAYS = 730
MONTH = 30.4375
LOOSEST, TIGHTEST = 0.05, 10.0


@dataclass(frozen=True, eq=False)
class Arrivals:
    """What is expected of each rep of a table (in its order).

    Attributes
    ----------
    per_day : array
        New deals (or orders) a day of a rep at full strength, in the season of the days to come.
    strength : array
        Share of a full rep that works in the days that come: ramp and absence (0–1).
    won_within : array
        P(won within d days of its creation), for d = 0 … CURVE_DAYS. All 1 for orders.
    wins : array
        Factor on `won_within` by each rep's skill.
    scale, sizes, weights : array
        Amounts of won deals, as `sums.ToCome` takes them.
    doubt : array
        Standard deviation of each rep's new money ÷ that money, as far as the rep's own rate and size are unsure.
    """

    per_day: Array
    strength: Array
    won_within: Array
    wins: Array
    scale: Array
    sizes: Array
    weights: Array
    doubt: Array

    def won_by(self, first: float, last: float, cycle: float = 1.0) -> float:
        """Return the expected wins between two days from now of a rep with one new deal a day.

        `cycle` is a factor on the time that deals take.
        """
        return cycle * (self._wins_until(last / cycle) - self._wins_until(first / cycle))

    def rate(self, first: float, last: float, cycle: float = 1.0) -> Array:
        """Return each rep's mean number of new deals won between two days from now."""
        return self.per_day * self.strength * self.wins * self.won_by(first, last, cycle)

    def _wins_until(self, days: float) -> float:
        total = np.concatenate([[0.0], np.cumsum((self.won_within[:-1] + self.won_within[1:]) / 2)])
        beyond = max(days - CURVE_DAYS, 0.0) * self.won_within[-1]
        return float(np.interp(days, np.arange(CURVE_DAYS + 1), total) + beyond)


def arrivals_of(
    reps: pd.DataFrame, events: pd.DataFrame, as_of: date, end: date, *, ramp: tuple[float, ...] = (), orders: bool
) -> Arrivals:
    """Learn what reps bring from their own last year.

    Parameters
    ----------
    reps : pandas.DataFrame
        user_id, hire_date, end_date (NaT where unknown), skill (log odds against the team).
    events : pandas.DataFrame
        A row for each credited deal or order: user_id, opened (day of creation, or of the order), closed (NaT while
        open), is_won, amount (credited money).
    ramp : tuple of float
        Share of a full rep in each month of tenure.
    orders : bool
        Orders are won on the day that they come.
    """
    first = max(as_of - timedelta(days=WINDOW - 1), _beginning(events, as_of))
    worked = strength(reps, first, as_of, ramp) * ((as_of - first).days + 1)
    recent = events[events.opened.between(pd.Timestamp(first), pd.Timestamp(as_of))]
    count = recent.groupby("user_id").size().reindex(reps.user_id).fillna(0.0).to_numpy(float)
    won = events[events.is_won & (events.amount > 0)]
    curve = np.ones(CURVE_DAYS + 1) if orders else _won_within(events, as_of, first)
    sizes, weights = sizes_of(won.amount.to_numpy(float))
    factors = month_factors(events.opened, _beginning(events, as_of), as_of)
    season = season_of(factors, _chance_by_day(curve, as_of, end))
    rates, unsure = _shrunken_rates(np.asarray(count), worked)
    scale, rough = _scales(won, reps)
    return Arrivals(
        rates * season,
        strength(reps, as_of + timedelta(days=1), max(end, as_of + timedelta(days=1)), ramp),
        curve,
        np.ones(len(reps)) if orders else _wins(reps.skill.to_numpy(float), curve[-1]),
        scale,
        sizes,
        weights,
        np.hypot(unsure, rough),
    )


def _chance_by_day(curve: Array, as_of: date, end: date) -> pd.Series:
    """Chance that a deal created on each day to come is won by the end."""
    days = pd.date_range(as_of + timedelta(days=1), max(end, as_of))
    left = np.minimum((pd.Timestamp(end) - days).days, CURVE_DAYS)
    return pd.Series(curve[left], index=days)


def thinned(arrivals: Arrivals, factor: float) -> Arrivals:
    """Return arrivals whose rates are multiplied by a factor."""
    return replace(arrivals, per_day=arrivals.per_day * factor)


def strength(reps: pd.DataFrame, first: date, last: date, ramp: tuple[float, ...]) -> Array:
    """Return the share of a full rep that each rep is in a span of days: hired, not gone, and ramped up."""
    days = pd.date_range(first, last).to_numpy()
    left = pd.to_datetime(reps.end_date).to_numpy()[:, None]
    tenure = _tenure(reps, days)
    there = (tenure >= 0) & ~(days > np.where(np.isnat(left), days, left))
    return np.asarray((_ramped(tenure, ramp) * there).mean(axis=1))


def ramp_factor(reps: pd.DataFrame, first: date, last: date, ramp: tuple[float, ...]) -> Array:
    """Return each rep's mean ramp factor in a span; days before the hire count as the first month."""
    days = pd.date_range(first, last).to_numpy()
    return np.asarray(_ramped(_tenure(reps, days), ramp).mean(axis=1))


def _tenure(reps: pd.DataFrame, days: Any) -> Array:
    """Days since the hire: reps × days; very many where it is not known."""
    hired = pd.to_datetime(reps.hire_date).to_numpy()[:, None]
    unknown = np.isnat(hired)
    since = (days - np.where(unknown, days, hired)).astype("timedelta64[D]").astype(float)
    return np.where(unknown, 1e6, since)


def _ramped(tenure: Array, ramp: tuple[float, ...]) -> Array:
    curve: Array = np.array([*ramp, 1.0])
    return np.asarray(curve[np.clip(tenure // MONTH, 0, len(ramp)).astype(int)])


def _beginning(events: pd.DataFrame, as_of: date) -> date:
    """The first day on which the book saw everything: deals that closed before it began are not in it."""
    closed = events.closed.dropna()
    return closed.min().date() if len(closed) else as_of


def _shrunken_rates(count: Array, worked: Array) -> tuple[Array, Array]:
    """Draw each rep's count a day to the team's: (count + mean · κ) ÷ (days + κ); and its relative doubt.

    The posterior is a gamma distribution; its standard deviation ÷ mean is 1 ÷ √(count + mean · κ).
    """
    some = worked > 0
    if not some.any() or count.sum() == 0:
        return np.zeros(len(count)), np.zeros(len(count))
    mean = count[some].sum() / worked[some].sum()
    own = count[some] / worked[some]
    weight = worked[some] / worked[some].sum()
    # what counts differ by beyond the luck of Poisson
    between = float(weight @ (own - mean) ** 2 - mean * some.sum() / worked[some].sum())
    days = np.clip(mean / between if between > 0 else np.inf, LOOSEST * WINDOW, TIGHTEST * WINDOW)
    shape = count + mean * days
    return np.asarray(shape / (worked + days)), np.asarray(1 / np.sqrt(shape))


def _won_within(events: pd.DataFrame, as_of: date, first: date) -> Array:
    """Share of deals won within each number of days of their creation: Aalen and Johansen's estimate."""
    since = pd.Timestamp(max(_beginning(events, as_of), as_of - timedelta(days=CURVE_DAYS)))
    cohort = events[(events.opened >= since) & (events.opened <= pd.Timestamp(as_of))]
    ended = cohort.closed.notna()
    days = (cohort.closed.fillna(pd.Timestamp(as_of)) - cohort.opened).dt.days.clip(0, CURVE_DAYS).to_numpy(int)
    at_risk = len(days) - np.concatenate([[0], np.cumsum(np.bincount(days, minlength=CURVE_DAYS + 1))[:-1]])
    safe = np.maximum(at_risk, 1)
    won = np.bincount(days[ended & cohort.is_won], minlength=CURVE_DAYS + 1) / safe
    every = np.bincount(days[ended], minlength=CURVE_DAYS + 1) / safe
    still = np.concatenate([[1.0], np.cumprod(1 - every)[:-1]])
    return np.asarray(np.cumsum(still * won))


def _wins(skill: Array, share: float) -> Array:
    if not 0 < share < 1:
        return np.ones(len(skill))
    odds = share / (1 - share) * np.exp(skill)
    return np.asarray(odds / (1 + odds) / share)


def _scales(won: pd.DataFrame, reps: pd.DataFrame) -> tuple[Array, Array]:
    """Each rep's mean amount against the team's, drawn to 1 by how much amounts scatter; and its relative doubt."""
    groups = won.groupby("user_id").amount
    count, mean, variance = groups.size(), groups.mean(), groups.var()
    if len(count) < 3 or not (count > 1).any():
        return np.ones(len(reps)), np.zeros(len(reps))
    team = float(won.amount.mean())
    within = float((variance * (count - 1)).sum() / (count - 1).clip(lower=0).sum())
    total = float(count.sum())
    between = float((count * (mean - team) ** 2).sum()) - (len(count) - 1) * within
    between = max(between / (total - float((count**2).sum()) / total), 0.0)
    own = count / (count + within / between) if between > 0 else count * 0.0
    scale = (1 + own * (mean / team - 1)).reindex(reps.user_id).fillna(1.0).to_numpy(float)
    left = (1 - own).reindex(reps.user_id).fillna(1.0).to_numpy(float)
    return scale, np.sqrt(between * left) / (team * scale)
