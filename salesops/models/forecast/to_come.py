"""What may still come of a period: open deals with their chances, and deals not yet created."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

MOST_SIZES = 256

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ToCome:
    """Money that may still come, of some reps.

    Attributes
    ----------
    deal_rep : array of int
        The rep (0 … reps − 1) of each open deal, ascending.
    chance, amount : array
        P(won in the period), and money; NaN for an amount that is not known, which is drawn as new deals are.
    rate : array
        For each rep the mean number of new deals won in the period.
    sizes, weights : array
        Amounts of new deals (money, above 0) and their shares, which sum to 1; the same for all reps.
    scale : array
        For each rep the factor on `sizes`.
    """

    deal_rep: Places
    chance: Array
    amount: Array
    rate: Array
    sizes: Array
    weights: Array
    scale: Array

    @property
    def reps(self) -> int:
        """How many reps there are."""
        return len(self.rate)

    @cached_property
    def usual(self) -> Array:
        """Each rep's mean amount of a new deal."""
        return self.scale * float(self.sizes @ self.weights if len(self.sizes) else 0.0)

    @cached_property
    def expected_open(self) -> Array:
        """Each rep's expected money from open deals."""
        amount = np.where(np.isnan(self.amount), self.usual[self.deal_rep], self.amount)
        return np.asarray(np.bincount(self.deal_rep, self.chance * amount, self.reps), dtype=float)

    @cached_property
    def expected_new(self) -> Array:
        """Each rep's expected money from deals not yet created."""
        return self.rate * self.usual

    @cached_property
    def variance(self) -> Array:
        """Each rep's variance of the money to come (money²), all deals independent."""
        square = self.scale**2 * float(self.sizes**2 @ self.weights if len(self.sizes) else 0.0)
        unknown = np.isnan(self.amount)
        amount = np.where(unknown, self.usual[self.deal_rep], self.amount)
        second = np.where(unknown, square[self.deal_rep], amount**2)
        own = np.bincount(self.deal_rep, self.chance * (second - self.chance * amount**2), self.reps)
        return np.asarray(own + self.rate * square)


def sizes_of(amounts: Array) -> tuple[Array, Array]:
    """Return at most MOST_SIZES sizes and their shares: each stands for amounts that add up to as much money."""
    values = np.sort(amounts[np.isfinite(amounts) & (amounts > 0)])
    if len(values) <= MOST_SIZES:
        return values, np.full(len(values), 1 / max(len(values), 1))
    group = np.minimum((np.cumsum(values) / values.sum() * MOST_SIZES).astype(int), MOST_SIZES - 1)
    count = np.bincount(group, minlength=MOST_SIZES)
    total = np.bincount(group, values, MOST_SIZES)
    return total[count > 0] / count[count > 0], count[count > 0] / len(values)
