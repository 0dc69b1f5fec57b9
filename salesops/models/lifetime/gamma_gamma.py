"""Gamma-Gamma: the spend of a purchase differs between customers and between purchases, whatever the frequency.

Fader and Hardie, "The gamma-gamma model of monetary value" (2013).
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from salesops.errors import HistoryError
from salesops.models.lifetime.likelihood_model import LikelihoodModel
from salesops.models.lifetime.maximum import Matrix
from salesops.models.lifetime.rows import Vector, check_purchases, distinct, numbers, read_counts, refuse
from salesops.models.lifetime.sums import weighted

STARTS = ((4.0, 3.0, 0.5), (1.0, 2.0, 1.0), (20.0, 10.0, 0.45))


class GammaGamma(LikelihoodModel):
    """Gamma-Gamma model of the spend of one purchase.

    The spend of a customer's purchases is gamma(p, ν), and over customers ν is gamma(q, v): a customer's mean spend
    lies the nearer to the own record, the more purchases that has. Spend is taken to be independent of frequency.

    Parameters
    ----------
    max_iter : int
        Most steps of a fit.
    tol : float
        A fit ends where a step changes no parameter by more than this fraction.

    Attributes
    ----------
    params_ : dict
        p, q (no unit), v (money).
    left_out_ : float
        Customers (count) without repeat purchase: they have no spend to learn from, and are left out of the fit.
    """

    NAMES = ("p", "q", "v")

    left_out_: float

    def fit(self, frequency: ArrayLike, monetary: ArrayLike, counts: ArrayLike | None = None) -> Self:
        """Estimate the parameters by maximum likelihood from the customers who bought again.

        Parameters
        ----------
        frequency : array_like
            Repeat purchases of each customer (count).
        monetary : array_like
            Mean spend of the repeat purchases (money, above 0 where frequency is).
        counts : array_like, optional
            Customers that each row stands for; 1 by default.

        Returns
        -------
        self
            With `params_`, `standard_errors_` (the same units; infinite if not converged), `log_likelihood_`,
            `converged_`, `message_` (one sentence), `n_iter_` and `left_out_`.

        Raises
        ------
        HistoryError
            If a frequency is no count, the spend of a customer with repeat purchases is not above 0, or no customer
            has repeat purchases.
        """
        x, spend, n, self.left_out_ = _read(frequency, monetary, counts)
        scale = float(weighted(n, spend) / n.sum())
        return self._climb(
            lambda theta: _log_likelihood(theta, x, spend / scale, n),
            STARTS,
            rows=len(n),
            units=[1.0, 1.0, scale],
            more=-n.sum() * np.log(scale),
        )

    def score(self, frequency: ArrayLike, monetary: ArrayLike, counts: ArrayLike | None = None) -> float:
        """Return the mean log-likelihood per customer with repeat purchases (higher is better)."""
        x, spend, n, _ = _read(frequency, monetary, counts)
        value, _, _ = _log_likelihood(np.log(self._values()), x, spend, n)
        return float(value / n.sum())

    def expected_spend(self, frequency: ArrayLike, monetary: ArrayLike) -> Vector:
        """Return the expected spend of each customer's next purchase.

        Formula: p·(v + x·m) ÷ (p·x + q − 1), with m the customer's mean spend so far: a mean of m and of the
        population's p·v ÷ (q − 1), weighted by what is known of the customer.

        Parameters
        ----------
        frequency : array_like
            Repeat purchases (count). 0 is a customer of whom only the population is known.
        monetary : array_like
            Mean spend of the repeat purchases (money); not looked at where frequency is 0.

        Returns
        -------
        numpy.ndarray
            Spend of a purchase (money). Infinite where p·x + q ≤ 1: then the model has no mean.
        """
        x, spend = _check(frequency, monetary)
        p, q, v = self._values()
        weight = p * x + q - 1
        total = p * (v + x * np.where(x > 0, spend, 0.0))
        expected: Vector = np.divide(total, weight, out=np.full(x.shape, np.inf), where=weight > 0)[()]
        return expected


def _read(frequency: ArrayLike, monetary: ArrayLike, counts: ArrayLike | None) -> tuple[Vector, Vector, Vector, float]:
    """Return distinct x and spend of repeaters with counts, and how many customers are left out."""
    x, spend = (np.ravel(column) for column in _check(frequency, monetary))
    weights = read_counts(counts, len(x))
    full = np.ones(len(x)) if weights is None else weights
    again = (x > 0) & (full > 0)
    if not again.any():
        raise HistoryError(
            f"A fit of spend needs customers with repeat purchases; found none in {len(x):,} rows. "
            "Take a longer time, or more customers."
        )
    groups = distinct([x[again], spend[again]])
    first = groups.first
    return x[again][first], spend[again][first], groups.sums(full[again]), float(full[x == 0].sum())


def _check(frequency: ArrayLike, monetary: ArrayLike) -> tuple[Vector, Vector]:
    x, spend = numbers(frequency=frequency, monetary=monetary)
    check_purchases(x)
    wrong = (x > 0) & ~((spend > 0) & (spend < np.inf))
    refuse("monetary", wrong, "a finite mean spend above 0 where frequency is above 0", spend)
    return x, spend


def _log_likelihood(theta: Vector, x: Vector, spend: Vector, n: Vector) -> tuple[float, Vector, Matrix]:
    """Sum of the log density of each mean spend times its count, with slopes by the log parameters.

    One customer: − log B(p·x, q) − log m − p·x·log(1 + v ÷ (x·m)) − q·log(1 + x·m ÷ v).
    """
    p, q, v = np.exp(theta)
    shape, total = p * x, x * spend
    own, rest = np.log1p(v / total), np.log1p(total / v)
    value = -weighted(n, special.betaln(shape, q) + np.log(spend) + shape * own + q * rest)
    both, alone = special.digamma(shape + q), special.digamma(shape)
    slope_p, slope_q = weighted(n, shape * (both - alone - own)), weighted(n, q * (both - special.digamma(q) - rest))
    part = v / (v + total)
    gradient = np.array([slope_p, slope_q, weighted(n, q - (shape + q) * part)])
    curve = special.polygamma(1, shape + q)
    hessian = np.empty((3, 3))
    hessian[0, 0] = slope_p + weighted(n, shape**2 * (curve - special.polygamma(1, shape)))
    hessian[1, 1] = slope_q + weighted(n, q**2 * (curve - special.polygamma(1, q)))
    hessian[2, 2] = -weighted(n, (shape + q) * part * (1 - part))
    hessian[0, 1] = hessian[1, 0] = weighted(n, shape * q * curve)
    hessian[0, 2] = hessian[2, 0] = -weighted(n, shape * part)
    hessian[1, 2] = hessian[2, 1] = weighted(n, q * (1 - part))
    return float(value), gradient, hessian
