"""Expected purchases of a customer who may leave after each: a mean over the beta distribution of p."""

from __future__ import annotations

import numpy as np
from scipy import special

from salesops.models.lifetime.rows import Vector, distinct

CHUNK = 200_000
TAIL = 27.6  # log of 10¹²: beyond, the integrand is a pure power to twelve digits
DECAY = 45.0  # log of 10¹⁹·⁵: below that share, the integrand is nothing
STEP = 0.25


def mean_purchases(z: Vector, k: Vector, a: float, b: Vector) -> Vector:
    """Return the mean of (1 − (1 + p·z)^−k) ÷ p over p from beta(a, b).

    This is c ÷ (a − 1) × [1 − (1 + z)^−k · ₂F₁(k, b; c; z ÷ (1 + z))] with c = a + b − 1, whose ₂F₁ overflows for
    large k and whose factor has a removable singularity at a = 1. Here the mean is taken by the trapezoidal rule
    over log(p ÷ (1 − p)), where every term is positive: its error falls exponentially with the step, and what lies
    beyond the ends is a geometric series.

    Parameters
    ----------
    z : numpy.ndarray
        Horizon ÷ (alpha + T) (no unit).
    k : numpy.ndarray
        r + x (count).
    a : float
        First parameter of p's distribution, the same for all.
    b : numpy.ndarray
        Second parameter of p's distribution, of the shape of z and k.

    Returns
    -------
    numpy.ndarray
        Purchases (count), of the shape of z and k.
    """
    flat = [np.ravel(column) for column in np.broadcast_arrays(z, k, b)]
    shape = np.broadcast_shapes(np.shape(z), np.shape(k), np.shape(b))
    if not flat[0].size:
        return np.zeros(shape)
    groups = distinct(flat)
    z, k, b = (column[groups.first] for column in flat)
    low, high, points = _grid(z, k, a, b)
    means = np.empty(len(z))
    rows = max(CHUNK // points, 1)
    for begin in range(0, len(z), rows):
        part = slice(begin, begin + rows)
        means[part] = _trapezoid(z[part], k[part], a, b[part], low[part], high[part], points)
    return groups.spread(means).reshape(shape)


def _grid(z: Vector, k: Vector, a: float, b: Vector) -> tuple[Vector, Vector, int]:
    """Ends of log(p ÷ (1 − p)) for each row, and a number of points that is enough for all."""
    peak, spread = np.log(a / b), np.sqrt(1 / a + 1 / b)
    reach = np.sqrt(2 * DECAY) * spread
    low = -np.log(np.maximum(k * z, 1) + a + b) - TAIL
    if a > 1:  # the purchases lower the power of p by one at most
        low = np.maximum(low, peak - DECAY / (a - 1) - reach)
    high = np.minimum(np.log(1 + a + b) + TAIL, peak + DECAY / b + reach)
    step = np.minimum(STEP, 0.6 * spread)
    return low, high, int(np.ceil(((high - low) / step).max())) + 1


def _trapezoid(z: Vector, k: Vector, a: float, b: Vector, low: Vector, high: Vector, points: int) -> Vector:
    step = (high - low) / (points - 1)
    logit = low[:, None] + step[:, None] * np.arange(points)
    p = special.expit(logit)
    log_density = a * logit - (a + b)[:, None] * np.logaddexp(0, logit)
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    density[:, 0] /= -np.expm1(-a * step)
    density[:, -1] /= -np.expm1(-b * step)
    purchases = -np.expm1(-k[:, None] * np.log1p(p * z[:, None])) / p
    mean: Vector = (density * purchases).sum(axis=1) / density.sum(axis=1)
    return mean
