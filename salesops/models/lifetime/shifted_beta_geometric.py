"""sBG: contracts that are renewed or not, period by period.

Fader and Hardie, "How to project customer retention", Journal of Interactive Marketing 21 (2007).
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from salesops.errors import HistoryError
from salesops.models.lifetime.likelihood_model import LikelihoodModel
from salesops.models.lifetime.maximum import Matrix
from salesops.models.lifetime.rows import MOST_PURCHASES, Vector, numbers, read_counts, refuse
from salesops.models.lifetime.sums import tail_counts, weighted

STARTS = ((1.0, 3.0), (0.5, 1.0), (3.0, 20.0))


class ShiftedBetaGeometric(LikelihoodModel):
    """Shifted beta-geometric model of contract renewals.

    At the end of each period a customer ends the contract with probability θ, and over customers θ is
    beta(alpha, beta). So the renewal rate rises with tenure although no customer changes: the fickle leave first.

    Parameters
    ----------
    max_iter : int
        Most steps of a fit.
    tol : float
        A fit ends where a step changes no parameter by more than this fraction.

    Attributes
    ----------
    params_ : dict
        alpha, beta (no unit).
    """

    NAMES = ("alpha", "beta")

    def fit(self, tenure: ArrayLike, churned: ArrayLike, counts: ArrayLike | None = None) -> Self:
        """Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        tenure : array_like
            Contract periods (whole number). Of a customer who left, the period at whose end that was: 1 for one who
            never renewed. Of a customer who is still here, the renewals so far.
        churned : array_like
            True, or 1, for customers who left.
        counts : array_like, optional
            Customers that each row stands for; 1 by default.

        Returns
        -------
        self
            With `params_`, `standard_errors_` (infinite if not converged), `log_likelihood_`, `converged_`,
            `message_` (one sentence) and `n_iter_`.

        Raises
        ------
        HistoryError
            If a tenure is no whole number, or 0 of a customer who left; if churned is neither true nor false; if
            there is no customer.
        """
        renewed, ended, _ = _read(tenure, churned, counts)
        return self._climb(lambda theta: _log_likelihood(theta, renewed, ended), STARTS, rows=len(renewed))

    def score(self, tenure: ArrayLike, churned: ArrayLike, counts: ArrayLike | None = None) -> float:
        """Return the mean log-likelihood per customer (higher is better). Columns as in `fit`."""
        renewed, ended, customers = _read(tenure, churned, counts)
        value, _, _ = _log_likelihood(np.log(self._values()), renewed, ended)
        return float(value / customers)

    def survival(self, tenure: ArrayLike) -> Vector:
        """Return the fraction (0–1) of new customers who renew at least `tenure` times (periods, a whole number).

        Formula: B(alpha, beta + tenure) ÷ B(alpha, beta).
        """
        (periods,) = numbers(tenure=tenure)
        _check_periods("tenure", periods)
        return self._survival(periods, 0.0)

    def retention_rate(self, tenure: ArrayLike) -> Vector:
        """Return the probability (0–1) of the next renewal after `tenure` renewals (whole number).

        Formula: (beta + tenure) ÷ (alpha + beta + tenure).
        """
        (periods,) = numbers(tenure=tenure)
        _check_periods("tenure", periods)
        alpha, beta = self._values()
        rate: Vector = ((beta + periods) / (alpha + beta + periods))[()]
        return rate

    def probability_active(self, horizon: ArrayLike, tenure: ArrayLike) -> Vector:
        """Return the probability (0–1) that customers with `tenure` renewals are still here `horizon` renewals later.

        Formula: survival(tenure + horizon) ÷ survival(tenure). Both are periods (whole numbers).
        """
        ahead, periods = numbers(horizon=horizon, tenure=tenure)
        _check_periods("horizon", ahead)
        _check_periods("tenure", periods)
        return self._survival(ahead, periods)

    def lifetime_value(self, horizon: int, tenure: ArrayLike, amount: ArrayLike, discount: float = 0.0) -> Vector:
        """Return the discounted value of the renewals that each customer is expected to make.

        Formula: amount × Σ over j = 1 … horizon of `probability_active(j, tenure)` ÷ (1 + discount)^j.

        Parameters
        ----------
        horizon : int
            Renewals ahead (periods; at most 10,000).
        tenure : array_like
            Renewals so far (periods, a whole number).
        amount : array_like
            Value of one period (money).
        discount : float
            Fraction lost per period.

        Returns
        -------
        numpy.ndarray
            Value now (money); the period already paid is not in it.
        """
        periods, money = numbers(tenure=tenure, amount=amount)
        _check_periods("tenure", periods)
        if not (0 <= horizon <= 10_000 and horizon == int(horizon) and 0 <= discount < np.inf):
            raise HistoryError(
                f"Expected a horizon of 0 to 10,000 whole periods and a discount of 0 or more per period, "
                f"found {horizon:g} and {discount:g}. Give .01 for 1%."
            )
        renewals = np.zeros(periods.shape)
        for j in range(1, int(horizon) + 1):
            renewals += self._survival(np.full(periods.shape, float(j)), periods) * np.exp(-j * np.log1p(discount))
        value: Vector = (money * renewals)[()]
        return value

    def _survival(self, ahead: Vector, since: Vector | float) -> Vector:
        alpha, beta = self._values()
        # B(alpha, beta + since + ahead) ÷ B(alpha, beta + since)
        log_share = special.betaln(alpha, beta + since + ahead) - special.betaln(alpha, beta + since)
        share: Vector = np.exp(np.minimum(log_share, 0.0))[()]
        return share


def _read(tenure: ArrayLike, churned: ArrayLike, counts: ArrayLike | None) -> tuple[Vector, Vector, float]:
    """Return for j = 0, 1, … how many customers renewed after j renewals and how many ended, and the customers."""
    periods, left = (np.ravel(column) for column in numbers(tenure=tenure, churned=churned))
    _check_periods("tenure", periods)
    refuse("churned", (left != 0) & (left != 1), "true or false", left)
    refuse("tenure", (left == 1) & (periods < 1), "1 or more of customers who left (1: never renewed)", periods)
    given = read_counts(counts, len(periods))
    n = np.ones(len(periods)) if given is None else given
    size = int(periods.max()) + 1
    renewed = tail_counts(np.append(periods - left, size), np.append(n, 0.0))
    ended: Vector = np.bincount((periods - left).astype(np.intp), weights=n * left, minlength=size).astype(float)
    return renewed, ended, float(n.sum())


def _check_periods(name: str, periods: Vector) -> None:
    whole = (periods >= 0) & (periods <= MOST_PURCHASES) & (np.floor(periods) == periods)
    refuse(name, ~whole, f"whole numbers of contract periods from 0 to {MOST_PURCHASES:,}", periods)


def _log_likelihood(theta: Vector, renewed: Vector, ended: Vector) -> tuple[float, Vector, Matrix]:
    """Σ over j of renewed·log((beta + j) ÷ (alpha + beta + j)) + ended·log(alpha ÷ (alpha + beta + j))."""
    alpha, beta = np.exp(theta)
    j = np.arange(len(renewed))
    stay, both, due = beta + j, alpha + beta + j, renewed + ended
    value = -weighted(renewed, np.log1p(alpha / stay)) - weighted(ended, np.log1p(stay / alpha))
    gradient = np.array(
        [ended.sum() - weighted(due, alpha / both), weighted(renewed, beta / stay) - weighted(due, beta / both)]
    )
    cross = weighted(due, alpha * beta / both**2)
    hessian = np.array([[-weighted(due, alpha * stay / both**2), cross], [cross, 0.0]])
    hessian[1, 1] = weighted(renewed, beta * j / stay**2) - weighted(due, beta * (alpha + j) / both**2)
    return float(value), gradient, hessian
