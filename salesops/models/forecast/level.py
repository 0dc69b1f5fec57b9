"""What past forecasts teach of the next one: how far they lay off, and by how much the company scatters as a whole.

Of each past forecast the ratio x = money that came ÷ money expected is known, and the noise s that chance alone gives
it, deal by deal. Beyond it a ratio holds what moves all deals of its time alike. The model, for each forecast i,

    x_i = 1 + δ + error,   error ~ N(0, s_i² + σ²),   δ ~ N(0, USUAL_LEVEL²),   log σ ~ N(log USUAL, SPREAD²)

is a meta-analysis with random effects (DerSimonian and Laird 1986), with priors in place of the many studies that a
book does not have (Gelman 2006; Röver, Bayesian random-effects meta-analysis, 2020). δ is how far the level lies off:
given σ it has a normal posterior. The posterior of σ lies on a grid. Without past forecasts the two together make
SHOCK, the scatter of companies' totals beyond what independent deals would give (.1 to .2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from salesops.models.forecast.sums import SHOCK

USUAL_LEVEL = 0.08
SPREAD = 0.5
USUAL = float(np.sqrt(SHOCK**2 - USUAL_LEVEL**2) * np.exp(-(SPREAD**2)))  # so that the prior's mean square is right
GRID = np.geomspace(USUAL / 10, USUAL * 10, 81)
LEAST, MOST = 0.5, 2.0  # a level is corrected by no more than that

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Error:
    """One past forecast: the money that came ÷ that expected, and the standard deviation that luck gives it."""

    ratio: float
    noise: float


@dataclass(frozen=True, eq=False)
class Level:
    """What expected money is multiplied by, and the shock that all of it shares.

    Attributes
    ----------
    factor : float
        1 + δ: what the money to come is multiplied by.
    doubt : float
        Standard deviation of the factor.
    shocks : array
        The posterior of σ on GRID (sums to 1); nothing where SHOCK is taken as given.
    forecasts : int
        Past forecasts that it rests on.
    """

    factor: float = 1.0
    doubt: float = 0.0
    shocks: Array = field(default_factory=lambda: np.zeros(0))
    forecasts: int = 0

    @property
    def shock(self) -> float:
        """The shock to reckon with: what moves all at once, and the doubt about the level, which does so too."""
        if not len(self.shocks):
            return SHOCK
        return float(np.sqrt(self.shocks @ GRID**2 + (self.doubt / self.factor) ** 2))

    def shock_at(self, shares: Array) -> Array:
        """Return the σ below which these shares of its posterior lie."""
        if not len(self.shocks):
            return np.full(len(shares), SHOCK)
        return np.asarray(np.interp(shares, np.cumsum(self.shocks) - self.shocks / 2, GRID))


def level_from(errors: Sequence[Error]) -> Level:
    """Learn the level and the shock from past forecasts."""
    ratio, noise = (np.array([getattr(error, name) for error in errors]) for name in ("ratio", "noise"))
    variance = noise**2 + GRID[:, None] ** 2
    precision = (1 / variance).sum(axis=1) + USUAL_LEVEL**-2
    off = ((ratio - 1) / variance).sum(axis=1)
    fits = -(np.log(variance) + (ratio - 1) ** 2 / variance).sum(axis=1) / 2
    fits += (off**2 / precision - np.log(precision)) / 2 - (np.log(GRID / USUAL) / SPREAD) ** 2 / 2
    shocks = special.softmax(fits)
    mean = off / precision
    delta = float(shocks @ mean)
    doubt = float(np.sqrt(shocks @ (1 / precision + (mean - delta) ** 2)))
    return Level(float(np.clip(1 + delta, LEAST, MOST)), doubt, shocks, len(ratio))
