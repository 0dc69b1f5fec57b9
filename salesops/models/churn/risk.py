"""How many clients and how much money are expected to be lost, with an interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

from salesops.models.churn.encoding import Vector
from salesops.models.churn.result import AtRisk

LEVEL = 0.8
SHIFTS, SPREADS = 41, 101
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
        _shift(logit(np.clip(one.p.to_numpy(float), 1e-9, 1 - 1e-9)), float(one.churned.sum()))
        for _, one in predictions.groupby("cut")
    ]
    return float(np.sqrt(np.mean(np.square(shifts)))) if shifts else UNTESTED


def _shift(scores: Vector, lost: float) -> float:
    target = np.clip(lost, 0.5, len(scores) - 0.5)
    return float(brentq(lambda shift: expit(scores + shift).sum() - target, -40, 40))


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
