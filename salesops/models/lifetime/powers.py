"""The integral behind Pareto/NBD: ∫ (1 + τ ÷ alpha)^−p · (1 + τ ÷ beta)^−q dτ, with its moments.

In closed form it is a difference of two ₂F₁, which overflow and cancel for customers with many purchases. Here it
is taken by Gauss–Legendre quadrature over y = log((c + τ) ÷ (c + from)) with c the smaller of alpha and beta: there
the integrand is log-concave and analytic within π of the real line, whatever the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesops.models.lifetime.rows import Vector

DECAY = 30.0  # beyond e^−30 of its peak the integrand is left out
SHORT, GENTLE = 2.0, 8.0  # length of y and fall of the log up to which a dozen points give full precision
FEW, MANY = 12, 24
PANEL = 8.0  # length of y that MANY points serve
CHUNK = 400_000


@dataclass(frozen=True)
class Nodes:
    """Quadrature of some rows.

    Attributes
    ----------
    rows : numpy.ndarray
        Positions of the rows.
    tau : numpy.ndarray
        Times τ, rows × points.
    by_alpha, by_beta : numpy.ndarray
        log(1 + τ ÷ alpha) and log(1 + τ ÷ beta), rows × points.
    share : numpy.ndarray
        Share of each point in the integral, rows × points; sums to 1 in each row.
    log_integral : numpy.ndarray
        Logarithm of the integral of each row; −∞ where its ends are equal.
    """

    rows: NDArray[np.intp]
    tau: Vector
    by_alpha: Vector
    by_beta: Vector
    share: Vector
    log_integral: Vector


@dataclass(frozen=True)
class Powers:
    """The integrand (1 + τ ÷ alpha)^−p · (1 + τ ÷ beta)^−q between start and end, each one a row."""

    alpha: Vector
    beta: Vector
    p: Vector
    q: Vector
    start: Vector
    end: Vector

    @classmethod
    def of(cls, *columns: Vector | float) -> Powers:
        """Return the integrands of columns alpha, beta, p, q, start and end, which may be single numbers."""
        return cls(*(np.ravel(column) for column in np.broadcast_arrays(*columns)))

    def at(self, rows: NDArray[np.intp]) -> Powers:
        """Return some of the rows."""
        return Powers(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def stretched(self, y: Vector) -> tuple[Vector, Vector, Vector, Vector]:
        """Return τ, both logs and the log of the integrand over y; y is rows, or rows × points."""
        column = (slice(None),) + (None,) * (y.ndim - 1)
        alpha, beta, p, q, start = (v[column] for v in (self.alpha, self.beta, self.p, self.q, self.start))
        scale = np.minimum(alpha, beta) + start
        tau = start + scale * np.expm1(y)
        by_alpha, by_beta = np.log1p(tau / alpha), np.log1p(tau / beta)
        return tau, by_alpha, by_beta, np.log(scale) + y - p * by_alpha - q * by_beta

    def length(self) -> tuple[Vector, Vector]:
        """Return how far y needs to go, and how far the log of the integrand falls on the way."""
        scale = np.minimum(self.alpha, self.beta) + self.start
        y = np.log1p((self.end - self.start) / scale)
        top = self.stretched(np.minimum(self._peak(), y))[3]
        fall = top - self.stretched(y)[3]
        for _ in range(40):  # Newton from the right never passes the root of a concave function
            far = np.flatnonzero(fall > 1.2 * DECAY)
            if not len(far):
                break
            some = self.at(far)
            y[far] += (fall[far] - DECAY) / some._slope(y[far])
            fall[far] = top[far] - some.stretched(y[far])[3]
        return y, np.maximum(fall, top - self.stretched(np.zeros(len(y)))[3])

    def _peak(self) -> Vector:
        """Where over y the integrand is largest; 0 where it falls from the start."""
        small = np.where(self.alpha <= self.beta, self.p, self.q)
        apart = np.abs(self.alpha - self.beta)
        scale = np.minimum(self.alpha, self.beta) + self.start
        peak: Vector = np.log(np.maximum((1 - small) * apart / (scale * (self.p + self.q - 1)), 1))
        return peak

    def _slope(self, y: Vector) -> Vector:
        scale = (np.minimum(self.alpha, self.beta) + self.start) * np.exp(y)
        tau = self.start + scale - (np.minimum(self.alpha, self.beta) + self.start)
        return 1 - self.p * scale / (self.alpha + tau) - self.q * scale / (self.beta + tau)


def quadrature(powers: Powers) -> Iterator[Nodes]:
    """Give the quadrature of all rows, some at a time: easy rows with few points, hard ones with more."""
    y, fall = powers.length()
    easy = (y <= SHORT) & (fall <= GENTLE)
    panels = np.where(easy, 0, np.ceil(np.maximum(y, 1) / PANEL)).astype(int)
    for count in np.unique(panels):
        places, weights = _points(int(count))
        rows = np.flatnonzero(panels == count)
        size = max(CHUNK // len(places), 1)
        for begin in range(0, len(rows), size):
            part = rows[begin : begin + size]
            yield _nodes(powers.at(part), part, y[part], places, weights)


def log_integral(powers: Powers) -> Vector:
    """Return the logarithm of the integral of each row; −∞ where its ends are equal."""
    result = np.empty(len(powers.p))
    for nodes in quadrature(powers):
        result[nodes.rows] = nodes.log_integral
    return result


def _points(panels: int) -> tuple[Vector, Vector]:
    """Places and weights on 0 … 1; without panels the few points of easy rows."""
    x, w = np.polynomial.legendre.leggauss(MANY if panels else FEW)
    count = max(panels, 1)
    places = (np.arange(count)[:, None] + (x + 1) / 2) / count
    return places.ravel(), np.tile(w / 2 / count, count)


def _nodes(powers: Powers, rows: NDArray[np.intp], y: Vector, places: Vector, weights: Vector) -> Nodes:
    tau, by_alpha, by_beta, height = powers.stretched(y[:, None] * places)
    top = height.max(axis=1)
    share = weights * np.exp(height - top[:, None])
    total = share.sum(axis=1)
    length = np.log(y, out=np.full(len(y), -np.inf), where=y > 0)
    return Nodes(rows, tau, by_alpha, by_beta, share / total[:, None], length + top + np.log(total))
