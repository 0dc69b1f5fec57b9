"""How many clients and how much money are expected to be lost, with an interval."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

from salesops.models.churn.encoding import Vector
from salesops.models.churn.result import AtRisk, Quiet
from salesops.models.churn.scores import needed_shift

LEVEL = 0.8
SHIFTS, SPREADS = 41, 101
FEWEST_CUTS, FEW_CUTS = 3, 4
SILENCE = 90  # days: steps of silence by which clients without a rhythm are told apart
NAN = float("nan")
UNTESTED = 0.5  # doubt without a backtest: 50% may be 38% or 62%


def at_risk(p: Vector, value: Vector, predictions: pd.DataFrame) -> AtRisk:
    """Return the expected loss.

    The number lost is a sum of independent draws (Poisson-binomial, by its normal approximation), whose chances are
    all wrong by one shift of the log-odds: normal around 0, with the spread of the shifts that the test slices of
    the backtest would have needed.

    Parameters
    ----------
    p : numpy.ndarray
        Chance of each to be lost; NaN if not usable.
    value : numpy.ndarray
        Money lost with each; NaN counts as 0.
    predictions : pandas.DataFrame
        As ChurnBacktest.predictions.
    """
    if not len(p) or np.isnan(p).any():
        return AtRisk(*[float("nan")] * 6)
    money = np.nan_to_num(value)
    spread = calibration_doubt(predictions)
    return AtRisk(*_sum(p, np.ones(len(p)), spread), *_sum(p, money, spread))


def calibration_doubt(predictions: pd.DataFrame) -> float:
    """Return the spread (root mean square, log-odds) of the shifts that make chances add up to what came."""
    shifts = [
        needed_shift(logit(np.clip(one.p.to_numpy(float), 1e-9, 1 - 1e-9)), float(one.churned.sum()))
        for _, one in predictions.groupby("cut")
    ]
    return float(np.sqrt(np.mean(np.square(shifts)))) if shifts else UNTESTED


def _sum(p: Vector, weight: Vector, spread: float) -> tuple[float, float, float]:
    """Return mean, low and high of Σ weight × lost."""
    scores = logit(np.clip(p, 1e-9, 1 - 1e-9))
    grid = norm.ppf((np.arange(SHIFTS) + 0.5) / SHIFTS) * spread
    noise = norm.ppf((np.arange(SPREADS) + 0.5) / SPREADS)
    totals = []
    for shift in grid:
        chance = expit(scores + shift)
        totals.append(chance @ weight + noise * np.sqrt((chance * (1 - chance)) @ weight**2))
    low, high = np.quantile(np.clip(totals, 0, weight.sum()), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(p @ weight), float(low), float(high)


def buy_nothing(units: pd.DataFrame, as_of: date) -> Quiet:
    """Estimate how many of the clients who bought in the year before a day will buy nothing in the next horizon.

    Each kind of client keeps the share that bought nothing after the earlier cuts: lost; in its rhythm or late, by
    whether it bought in the same stretch of last year; without a rhythm, by its silence. The interval is that of the
    next cut: as far as the last FEW_CUTS totals lay from what all other cuts foretell for them.

    Parameters
    ----------
    units : pandas.DataFrame
        As `gather.gather_orders` gives them.
    """
    kinds = _kinds(units)
    now = units.cut == pd.Timestamp(as_of)
    past = pd.DataFrame({"kind": kinds, "cut": units.cut, "silent": units.bought == 0})[units.bought.notna() & ~now]
    if past.cut.nunique() < FEWEST_CUTS or not now.any():
        return Quiet(int(now.sum()), NAN, NAN, NAN)
    off = []
    for cut in sorted(past.cut.unique())[-FEW_CUTS:]:
        one = past[past.cut == cut]
        off.append(one.silent.mean() - _foretold(one.kind, past[past.cut != cut]))
    share = _foretold(kinds[now], past)
    half = float(norm.ppf((1 + LEVEL) / 2) * np.sqrt(np.mean(np.square(off)) * (1 + 1 / len(off))))
    many = int(now.sum())
    low, high = np.clip([share - half, share + half], 0, 1) * many
    return Quiet(many, share * many, float(low), float(high))


def _kinds(units: pd.DataFrame) -> pd.Series:
    late = units.overdue.astype(bool) | units.in_pause.astype(bool)
    season = np.sign(units.season_orders).map({0.0: ", not last year", 1.0: ", last year"}).fillna("")
    kinds: pd.Series[str] = late.map({True: "late", False: "in rhythm"}) + season
    kinds = kinds.mask(units.lost.astype(bool), "lost")
    return kinds.where(units.rhythm.astype(bool), "silent " + (units.hiatus_days // SILENCE).astype(int).astype(str))


def _foretold(kinds: pd.Series, past: pd.DataFrame) -> float:
    shares = past.groupby("kind").silent.mean()
    return float(kinds.map(shares).fillna(past.silent.mean()).mean())
