"""BG/NBD: customers buy at random and may leave after each repeat purchase.

Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24 (2005).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from salesops.models.lifetime.maximum import Matrix
from salesops.models.lifetime.purchase_model import PurchaseModel, ask, purchase_rate
from salesops.models.lifetime.rows import Histories, Vector, check_histories, distinct
from salesops.models.lifetime.sums import gram, tail_counts, weighted

CHUNK = 200_000
TAIL = 27.6  # log of 10¹²: beyond, the integrand is a pure power to twelve digits
DECAY = 45.0  # log of 10¹⁹·⁵: below that share, the integrand is nothing
STEP = 0.25


class BetaGeoNBD(PurchaseModel):
    """BG/NBD model of repeat purchases.

    While alive a customer buys at random at a rate λ per time unit; after each repeat purchase the customer leaves
    for ever with probability p. Over customers λ is gamma(r, alpha) and p beta(a, b). Who never bought again counts
    as alive with certainty: `probability_alive` is no sign of activity, `probability_active` is.

    Parameters
    ----------
    max_iter : int
        Most steps of a fit.
    tol : float
        A fit ends where a step changes no parameter by more than this fraction.

    Attributes
    ----------
    params_ : dict
        r (no unit), alpha (time units), a, b (no unit).
    """

    NAMES = ("r", "alpha", "a", "b")
    TIMES = ("alpha",)

    def expected_purchases(self, horizon: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Vector:
        """Return how many purchases each customer is expected to make within the horizon.

        Formula: P(alive) × the mean of (1 − (1 + p·t ÷ (alpha + T))^−(r + x)) ÷ p over p from beta(a, b + x), which
        holds for every x and at a = 1, where the published form with ₂F₁ overflows or divides by 0.

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
        r, alpha, a, b = self._values()
        alive = special.expit(-self._log_odds_left(x, t_x, age))
        expected: Vector = (alive * mean_purchases(time / (alpha + age), r + x, a, b + self._chances(x)))[()]
        return expected

    def probability_active(self, horizon: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Vector:
        """Return the probability (0–1) that each customer buys at least once within the horizon.

        Formula: P(alive) × [1 − ((alpha + T) ÷ (alpha + T + t))^(r + x)]. Columns as in `expected_purchases`.
        """
        time, x, t_x, age = ask(horizon, frequency, recency, T)
        r, alpha, _, _ = self._values()
        alive = special.expit(-self._log_odds_left(x, t_x, age))
        active: Vector = -alive * np.expm1(-(r + x) * np.log1p(time / (alpha + age)))
        return active

    def probability_alive(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Vector:
        """Return the probability (0–1) that each customer has not left for ever by T. Columns as in `fit`.

        It ranks customers badly: use `probability_active`.
        """
        alive: Vector = special.expit(-self._log_odds_left(*check_histories(frequency, recency, T)))
        return alive

    def _chances(self, x: Vector) -> Vector:
        """How often a customer with x repeat purchases could have left."""
        return x

    def _log_odds_left(self, x: Vector, t_x: Vector, age: Vector) -> Vector:
        r, alpha, a, b = self._values()
        chances = self._chances(x)
        odds = np.log(a / (b + np.maximum(chances - 1, 0))) + (r + x) * np.log1p((age - t_x) / (alpha + t_x))
        left: Vector = np.where(chances > 0, odds, -np.inf)
        return left

    def _shortest_time(self) -> float:
        return self.params_["alpha"]

    def _starts(self, rows: Histories) -> Iterable[Sequence[float]]:
        rate = purchase_rate(rows)
        # the last: most customers leave at once, and those who stay buy often
        starts = ((0.5, 1.0, 0.8, 2.0), (2.0, 1.0, 0.3, 3.0), (0.2, 1.0, 3.0, 3.0), (1.0, 0.2, 1.5, 0.4))
        return [(r, share * r / rate, a, b) for r, share, a, b in starts]

    def _log_likelihood(self, theta: Vector, rows: Histories) -> tuple[float, Vector, Matrix]:
        """Sum of the log-likelihood of each history times its count.

        One history: Σ log(r + j) over j < x, − r·log(1 + T ÷ alpha) − x·log(alpha + T), + Σ log((b + j) ÷ (a + b + j))
        over j < m, + log(1 + e^z), where m counts the chances to leave and z is the log odds of having left at t_x.
        """
        counts, times, left = (part(theta, rows) for part in (self._counts_part, self._times_part, self._left_part))
        return counts[0] + times[0] + left[0], counts[1] + times[1] + left[1], counts[2] + times[2] + left[2]

    def _counts_part(self, theta: Vector, rows: Histories) -> tuple[float, Vector, Matrix]:
        """Terms in x alone; sums over j keep their digits where differences of log Γ lose them."""
        r, _, a, b = np.exp(theta)
        bought, chances = tail_counts(rows.x, rows.n), tail_counts(self._chances(rows.x), rows.n)
        j, i = np.arange(len(bought)), np.arange(len(chances))
        value = weighted(bought, np.log(r + j)) - weighted(chances, np.log1p(a / (b + i)))
        gradient = np.zeros(4)
        gradient[0] = weighted(bought, r / (r + j))
        gradient[2] = -weighted(chances, a / (a + b + i))
        gradient[3] = weighted(chances, a * b / ((b + i) * (a + b + i)))
        hessian = np.zeros((4, 4))
        hessian[0, 0] = weighted(bought, r * j / (r + j) ** 2)
        hessian[2, 2] = -weighted(chances, a * (b + i) / (a + b + i) ** 2)
        hessian[2, 3] = hessian[3, 2] = weighted(chances, a * b / (a + b + i) ** 2)
        hessian[3, 3] = weighted(chances, b * i / (b + i) ** 2 - b * (a + i) / (a + b + i) ** 2)
        return float(value), gradient, hessian

    def _times_part(self, theta: Vector, rows: Histories) -> tuple[float, Vector, Matrix]:
        """Terms in the age T."""
        r, alpha, _, _ = np.exp(theta)
        x, n, later = rows.x, rows.n, alpha + rows.T
        age = np.log1p(rows.T / alpha)
        value = -float(weighted(n, r * age + x * (theta[1] + age)))
        gradient = np.array([-r * weighted(n, age), weighted(n, (r * rows.T - x * alpha) / later), 0.0, 0.0])
        hessian = np.zeros((4, 4))
        hessian[0, 0] = gradient[0]
        hessian[0, 1] = hessian[1, 0] = r * weighted(n, rows.T / later)
        hessian[1, 1] = -weighted(n, (r + x) * alpha * rows.T / later**2)
        return value, gradient, hessian

    def _left_part(self, theta: Vector, rows: Histories) -> tuple[float, Vector, Matrix]:
        """Σ n·log(1 + e^z) over the histories that can have ended."""
        r, alpha, a, b = np.exp(theta)
        able = self._chances(rows.x) > 0
        x, t_x, age, n = rows.x[able], rows.t_x[able], rows.T[able], rows.n[able]
        late, last, more = alpha + age, alpha + t_x, self._chances(x) - 1
        gap = np.log1p((age - t_x) / last)
        z = np.log(a / (b + more)) + (r + x) * gap
        slope = _slopes(r, alpha, b, x, t_x, age, more, gap)
        left = n * special.expit(z)
        hessian = gram(left * special.expit(-z), slope)
        hessian[0, 0] += weighted(left, slope[0])
        cross = weighted(left, slope[1] * (r / (r + x)))
        hessian[0, 1] += cross
        hessian[1, 0] += cross
        hessian[1, 1] += weighted(left, (r + x) * alpha * (age / late**2 - t_x / last**2))
        hessian[3, 3] -= weighted(left, b * more / (b + more) ** 2)
        return float(weighted(n, np.logaddexp(0, z))), weighted(left, slope), hessian


def _slopes(
    r: float, alpha: float, b: float, x: Vector, t_x: Vector, age: Vector, more: Vector, gap: Vector
) -> NDArray[np.float64]:
    """Slopes of z by the log parameters, one row each."""
    slope = np.ones((4, len(x)))
    slope[0] = r * gap
    slope[1] = -(r + x) * alpha * (age - t_x) / ((alpha + age) * (alpha + t_x))
    slope[3] = -b / (b + more)
    return slope


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


class ModifiedBetaGeoNBD(BetaGeoNBD):
    """MBG/NBD model of repeat purchases, the default here.

    While alive a customer buys at random at a rate λ per time unit; after each purchase, the first included, the
    customer leaves for ever with probability p. Over customers λ is gamma(r, alpha) and p beta(a, b). So who bought
    once can have left, which BG/NBD denies. Everything else is as in `BetaGeoNBD`, with b + x + 1 for b + x.

    Parameters
    ----------
    max_iter : int
        Most steps of a fit.
    tol : float
        A fit ends where a step changes no parameter by more than this fraction.

    Attributes
    ----------
    params_ : dict
        r (no unit), alpha (time units), a, b (no unit).
    """

    def _chances(self, x: Vector) -> Vector:
        return x + 1
