"""Discounted sums over the time units of a horizon."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev

from salesops.errors import HistoryError
from salesops.models.lifetime.rows import Vector

MOST_UNITS = 1_000_000
DIGITS = 25.0  # the interpolation errs by e^−25
CHUNK = 50_000


def discount_weights(horizon: float, discount: float, shortest: float) -> tuple[Vector, Vector]:
    """Return times t and weights w so that Σ w·E(t) is the discounted sum of E's increments.

    The sum is Σ over j = 1 … J of (E(min(j, horizon)) − E(j − 1)) ÷ (1 + discount)^min(j, horizon), with E(0) = 0.
    Over few units the times are the units' ends. Over many, E is interpolated between Chebyshev points in
    log(1 + t ÷ shortest), where the expectation of a purchase model is smooth, and the sum is taken over that.

    Parameters
    ----------
    horizon : float
        Time ahead (time units of the fit; at most 1,000,000).
    discount : float
        Fraction lost per time unit.
    shortest : float
        Time (units of the fit) below which E is all but linear.

    Raises
    ------
    HistoryError
        If the horizon or the discount is not finite or negative, or the horizon has more than 1,000,000 units.
    """
    if not 0 <= horizon <= MOST_UNITS:
        raise HistoryError(
            f"horizon: expected a time from 0 to {MOST_UNITS:,} units of the fit, found {horizon:g}. "
            "Fit in larger units, such as weeks."
        )
    if not 0 <= discount < np.inf:
        raise HistoryError(
            f"discount: expected a fraction per time unit, 0 or more, found {discount:g}. Give .01 for 1%."
        )
    ends = np.append(np.arange(1.0, np.ceil(horizon)), horizon)
    if horizon == 0:
        return ends, np.zeros(1)
    factors = np.exp(-ends * np.log1p(discount))
    # each E(t) counts at its own factor, and is taken off again at the next
    weights = factors - np.append(factors[1:], 0.0)
    span = np.log1p(horizon / shortest)
    # in this logarithm the nearest singularity lies π beside the real line
    points = int(np.ceil(DIGITS / np.arcsinh(2 * np.pi / span)))
    return (ends, weights) if len(ends) <= points else _gathered(ends, weights, shortest, points)


def _gathered(ends: Vector, weights: Vector, shortest: float, count: int) -> tuple[Vector, Vector]:
    """Carry the weights of many times over to the points that interpolate between them."""
    span = np.log1p(ends[-1] / shortest)
    points = (chebyshev.chebpts1(count) + 1) / 2
    # values at the points → coefficients: the transpose of this matrix takes weights back to the points
    basis = chebyshev.chebvander(2 * points - 1, count - 1)
    moments = np.zeros(count)
    for begin in range(0, len(ends), CHUNK):
        part = slice(begin, begin + CHUNK)
        at = 2 * np.log1p(ends[part] / shortest) / span - 1
        moments += weights[part] @ chebyshev.chebvander(at, count - 1)
    gathered: Vector = np.linalg.solve(basis.T, moments).astype(float)
    return shortest * np.expm1(span * points), gathered
