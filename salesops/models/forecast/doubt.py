"""How sure a chance is: the range in which it lies if other deals of the same kind had been there to learn from.

A chance hangs on what is learned: the chances of deals, each rep's arrivals and sizes, the level, and the shock that
all share. Each is drawn from its own doubt, DRAWS times, and the chance is worked out with each draw. Chances lie
unevenly about one that is near 0 or 1. The draws are therefore read as normal scores (probit), where they lie evenly:
the range goes as far to both sides as holds 80 of 100 draws. For the company, whose money is the sum of many deals,
the draws of its expected money do: one step of the delta method leads from there to its chance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import special

from salesops.models.deals.hazards import DRAWS, both_ways
from salesops.models.forecast.inputs import Inputs
from salesops.models.forecast.sums import COARSE_GRID, Sums, sums_of
from salesops.models.forecast.to_come import Array, ToCome

SIDE = float(special.ndtri(0.9))  # 80% of a normal distribution lie within so many standard deviations
FARTHEST = float(special.ndtri(1 - 1e-6))
MOST_SUMS = 20_000  # reps × draws
FEWEST_DRAWS = 16
SEED = 6


@dataclass(frozen=True, eq=False)
class Draws:
    """What may come of each rep, drawn DRAWS times from what is known of it.

    Attributes
    ----------
    chance : array
        P(won in the period) of each open deal and credited user: deals × DRAWS.
    rate : array
        The mean number of new deals won in the period: reps × DRAWS.
    shock : array
        The standard deviation of the logarithm of the shock.
    expected : array
        Expected money to come of each rep, but for the doubt that is the rep's own: reps × DRAWS.
    own : array
        Variance (money²) of each rep's expected money from that doubt: its rate and size of new deals.
    """

    chance: Array
    rate: Array
    shock: Array
    expected: Array
    own: Array


_KEPT: WeakKeyDictionary[Inputs, Draws] = WeakKeyDictionary()


def draws_of(inputs: Inputs) -> Draws:
    """Draw what the forecast stands on: chances, arrivals, level and shock. The same inputs give the same draws."""
    if inputs not in _KEPT:
        _KEPT[inputs] = _drawn(inputs)
    return _KEPT[inputs]


def ranges(inputs: Inputs, need: Array, chance: Array) -> tuple[Array, Array]:
    """Return the range of each rep's chance (given) that the money to come reaches a need."""
    parts, draws = inputs.to_come(), draws_of(inputs)
    found = []
    for n in _some(parts.reps):
        sums = sums_of(replace(parts, chance=draws.chance[:, n], rate=draws.rate[:, n]), COARSE_GRID, draws.shock[n])
        found.append(_score(sums.reach(need, draws.shock[n])))
    return _about(chance, np.std(found, axis=0))


def range_of_sum(
    inputs: Inputs, total: Sums, need: float, *, some: NDArray[np.bool_] | None = None, shock: float | None = None
) -> tuple[float, float]:
    """Return the range of the chance that the sum of many deals reaches a need (money).

    Parameters
    ----------
    total : Sums
        The sum: of all reps, or of `some` (booleans).
    shock : float, optional
        A shock that is taken for granted, and has no doubt.
    """
    draws, which = draws_of(inputs), slice(None) if some is None else some
    expected = draws.expected[which].sum(axis=0)
    level = float(np.sqrt(np.var(expected) + draws.own[which].sum()) / max(np.mean(expected), 1e-9))
    usual = inputs.level.shock if shock is None else shock
    apart = float(np.std(draws.shock)) if shock is None else 0.0
    levels = _spread(total, [(need / (1 + level), usual), (need / max(1 - level, 0.1), usual)])
    shocks = _spread(total, [(need, usual + apart), (need, max(usual - apart, 0.0))])
    low, high = _about(total.reach(np.array([need]), usual), np.hypot(levels, shocks))
    return float(low[0]), float(high[0])


def _drawn(inputs: Inputs) -> Draws:
    parts, luck = inputs.to_come(), both_ways(3, SEED)
    level = np.clip(1 + inputs.level.doubt / inputs.level.factor * luck[0], 0.2, 5)
    chance = parts.chance[:, None] * level
    if inputs.chances is not None and len(inputs.deal_row):
        won = inputs.chances.drawn_between(*inputs.span)[inputs.deal_row]
        chance = np.clip(won * (inputs.level.factor * level), 0, 1)
    rate, new = parts.rate[:, None] * level, inputs.arrivals.doubt[:, None]
    return Draws(
        chance,
        rate * np.exp(new * luck[2] - new**2 / 2),
        inputs.level.shock_at(special.ndtr(luck[1])),
        _expected(parts, chance, rate),
        (parts.expected_new * inputs.arrivals.doubt) ** 2,
    )


def _some(reps: int) -> range:
    """Draws that are worked out: of a large company fewer. Their number halves, so that each keeps its opposite."""
    step = 1
    while reps * DRAWS > MOST_SUMS * step and FEWEST_DRAWS * step < DRAWS:
        step *= 2
    return range(0, DRAWS, step)


def _expected(parts: ToCome, chance: Array, rate: Array) -> Array:
    """Expected money to come of each rep by each draw: reps × DRAWS."""
    amount = np.where(np.isnan(parts.amount), parts.usual[parts.deal_rep], parts.amount)
    ends = np.searchsorted(parts.deal_rep, np.arange(parts.reps + 1))
    sums = np.vstack([np.zeros(DRAWS), np.cumsum(chance * amount[:, None], axis=0)])
    return np.asarray(rate * parts.usual[:, None] + np.diff(sums[ends], axis=0))


def _spread(total: Sums, sides: list[tuple[float, float]]) -> float:
    """Half the distance between the scores of two needs and shocks."""
    first, second = (float(_score(total.reach(np.array([need]), shock))[0]) for need, shock in sides)
    return abs(first - second) / 2


def _score(chance: Array) -> Array:
    return np.asarray(np.clip(special.ndtri(np.clip(chance, 0, 1)), -FARTHEST, FARTHEST))


def _about(chance: Array, spread: Array | float) -> tuple[Array, Array]:
    """Return the range about chances; one that is certain, or not known, has none."""
    open_end = (chance > 0) & (chance < 1)
    score = _score(np.where(open_end, chance, 0.5))
    low, high = (np.where(open_end, special.ndtr(score + side * SIDE * spread), chance) for side in (-1, 1))
    return low, high
