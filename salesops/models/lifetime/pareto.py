"""Pareto/NBD: customers buy at random and may leave at any time.

Schmittlein, Morrison and Colombo, Management Science 33 (1987); Fader and Hardie, "A note on deriving the Pareto/NBD
model" (2005).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from salesops.models.lifetime.maximum import Matrix
from salesops.models.lifetime.powers import Nodes, Powers, log_integral, quadrature
from salesops.models.lifetime.purchase_model import PurchaseModel, ask, purchase_rate
from salesops.models.lifetime.rows import Histories, Vector, check_histories, distinct
from salesops.models.lifetime.sums import gram, tail_counts, weighted


class ParetoNBD(PurchaseModel):
    """Pareto/NBD model of repeat purchases.

    While alive a customer buys at random at a rate λ per time unit, and leaves for ever at a rate μ per time unit.
    Over customers λ is gamma(r, alpha) and μ gamma(s, beta).

    Parameters
    ----------
    max_iter : int
        Most steps of a fit.
    tol : float
        A fit ends where a step changes no parameter by more than this fraction.

    Attributes
    ----------
    params_ : dict
        r (no unit), alpha (time units), s (no unit), beta (time units).
    """

    NAMES = ("r", "alpha", "s", "beta")
    TIMES = ("alpha", "beta")

    def expected_purchases(self, horizon: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Vector:
        """Return how many purchases each customer is expected to make within the horizon.

        Formula: P(alive) × (r + x)(beta + T) ÷ ((alpha + T)(s − 1)) × [1 − ((beta + T) ÷ (beta + T + t))^(s − 1)];
        at s = 1 its limit.

        Parameters
        ----------
        horizon : array_like
            Time t ahead of T (time units of the fit).
        frequency, recency, T : array_like
            As in `fit`. 0, 0, 0 is a customer who has just bought for the first time.

        Returns
        -------
        numpy.ndarray
            Purchases (count, a mean) in (T, T + t].
        """
        time, x, t_x, age = ask(horizon, frequency, recency, T)
        r, alpha, s, beta = self._values()
        longer = np.log1p(time / (beta + age))
        # (1 − e^−v) ÷ v at v = (s − 1)·longer
        lifetime = (beta + age) * longer * special.exprel(-(s - 1) * longer)
        expected: Vector = (special.expit(-self._log_odds_left(x, t_x, age)) * (r + x) / (alpha + age) * lifetime)[()]
        return expected

    def probability_active(self, horizon: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Vector:
        """Return the probability (0–1) that each customer buys at least once within the horizon.

        Formula: P(alive) × ∫ over τ = 0 … t of (r + x) ÷ (alpha + T) × (1 + τ ÷ (alpha + T))^−(r + x + 1) ×
        (1 + τ ÷ (beta + T))^−s: the next purchase falls at τ and the customer is still there. Columns as in
        `expected_purchases`.
        """
        time, x, t_x, age = ask(horizon, frequency, recency, T)
        r, alpha, s, beta = self._values()
        waiting = _spread_log_integral(alpha + age, beta + age, r + x + 1, s, np.zeros(x.shape), time)
        buys = np.exp(np.log((r + x) / (alpha + age)) + waiting)
        active: Vector = (special.expit(-self._log_odds_left(x, t_x, age)) * np.minimum(buys, 1))[()]
        return active

    def probability_alive(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Vector:
        """Return the probability (0–1) that each customer has not left for ever by T. Columns as in `fit`."""
        alive: Vector = special.expit(-self._log_odds_left(*check_histories(frequency, recency, T)))[()]
        return alive

    def _shortest_time(self) -> float:
        return min(self.params_["alpha"], self.params_["beta"])

    def _log_odds_left(self, x: Vector, t_x: Vector, age: Vector) -> Vector:
        r, alpha, s, beta = self._values()
        gone = _spread_log_integral(alpha, beta, r + x, s + 1, t_x, age)
        odds: Vector = np.log(s / beta) + gone + (r + x) * np.log1p(age / alpha) + s * np.log1p(age / beta)
        return odds

    def _starts(self, rows: Histories) -> Iterable[Sequence[float]]:
        rate = purchase_rate(rows)
        return [(r, r / rate, s, beta) for r, s, beta in ((0.8, 0.6, 0.4), (2.0, 0.3, 2.0), (0.3, 2.0, 1.0))]

    def _log_likelihood(self, theta: Vector, rows: Histories) -> tuple[float, Vector, Matrix]:
        """Sum of the log-likelihood of each history times its count.

        One history: Σ log(r + j) over j < x, − x·log(alpha), + log(e^u + e^v), where e^u belongs to a customer who is
        alive at T and e^v to one who left between t_x and T.
        """
        r, alpha, s, beta = np.exp(theta)
        bought = tail_counts(rows.x, rows.n)
        j = np.arange(len(bought))
        purchases = float(weighted(rows.n, rows.x))
        value = float(weighted(bought, np.log(r + j))) - purchases * float(theta[1])
        gradient = np.array([weighted(bought, r / (r + j)), -purchases, 0.0, 0.0])
        hessian = np.zeros((4, 4))
        hessian[0, 0] = weighted(bought, r * j / (r + j) ** 2)
        for nodes in quadrature(Powers.of(alpha, beta, r + rows.x, s + 1, rows.t_x, rows.T)):
            some = Histories(*(column[nodes.rows] for column in (rows.x, rows.t_x, rows.T, rows.n)))
            part = _alive_or_left((r, alpha, s, beta), some, nodes)
            value, gradient, hessian = value + part[0], gradient + part[1], hessian + part[2]
        return value, gradient, hessian


def _spread_log_integral(*columns: Vector | float) -> Vector:
    """Return the logarithm of the integral, computed once for equal rows."""
    arrays = np.broadcast_arrays(*columns)
    if not arrays[0].size:
        return np.zeros(arrays[0].shape)
    flat = [np.ravel(column) for column in arrays]
    groups = distinct(flat)
    unique = Powers(*(column[groups.first] for column in flat))
    return groups.spread(log_integral(unique)).reshape(arrays[0].shape)


def _alive_or_left(
    values: tuple[float, float, float, float], rows: Histories, nodes: Nodes
) -> tuple[float, Vector, Matrix]:
    """Σ n·log(e^u + e^v) with gradient and Hessian by the log parameters.

    The moments of the quadrature give the slopes of v: the slope of the log of an integral is the mean of the slope
    of the log of its integrand, its curvature the mean of the curvature plus the variance of the slope.
    """
    r, alpha, s, beta = values
    age_a, age_b = np.log1p(rows.T / alpha), np.log1p(rows.T / beta)
    u = -(r + rows.x) * age_a - s * age_b
    v = np.log(s / beta) + nodes.log_integral
    left = special.expit(v - u)
    share = (rows.n * left)[:, None] * nodes.share
    power = (r + rows.x)[:, None]
    slopes = _slopes(values, power, s + 1, nodes.tau, nodes.by_alpha, nodes.by_beta)
    mean = weighted(nodes.share, slopes)
    alive_slopes = _slopes(values, r + rows.x, s, rows.T, age_a, age_b)
    hessian = gram(share.ravel(), slopes.reshape(4, -1)) - gram(rows.n * left, mean)
    hessian += _curvature(values, power, s + 1, nodes.tau, slopes, share)
    hessian += _curvature(values, r + rows.x, s, rows.T, alive_slopes, rows.n * (1 - left))
    mean += np.array([0.0, 0.0, 1.0, -1.0])[:, None]  # of log(s ÷ beta) before the integral
    apart = mean - alive_slopes
    hessian += gram(rows.n * left * (1 - left), apart)
    gradient = weighted(rows.n * left, mean) + weighted(rows.n * (1 - left), alive_slopes)
    return float(weighted(rows.n, np.logaddexp(u, v))), gradient, hessian


def _slopes(
    values: tuple[float, float, float, float], p: Vector, q: float, tau: Vector, by_alpha: Vector, by_beta: Vector
) -> Vector:
    """Slopes of −p·log(1 + τ ÷ alpha) − q·log(1 + τ ÷ beta) by the log parameters, which are also in p and q."""
    r, alpha, s, beta = values
    return np.stack([-r * by_alpha, p * (tau / (alpha + tau)), -s * by_beta, q * (tau / (beta + tau))])


def _curvature(
    values: tuple[float, float, float, float], p: Vector, q: float, tau: Vector, slopes: Vector, share: Vector
) -> Matrix:
    """Sum over the shares of the second slopes of the same."""
    r, alpha, s, beta = values
    sums = weighted(share.ravel(), slopes.reshape(4, -1))
    curvature = np.diag([sums[0], 0.0, sums[2], 0.0])
    near_a, near_b = tau / (alpha + tau), tau / (beta + tau)
    curvature[0, 1] = curvature[1, 0] = r * float((share * near_a).sum())
    curvature[2, 3] = curvature[3, 2] = s * float((share * near_b).sum())
    curvature[1, 1] = -float((share * p * near_a * (1 - near_a)).sum())
    curvature[3, 3] = -q * float((share * near_b * (1 - near_b)).sum())
    return curvature
