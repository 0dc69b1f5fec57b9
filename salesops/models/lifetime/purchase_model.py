"""What the models of repeat purchases share: fitting, scoring and lifetime value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from salesops.models.lifetime.discount import discount_weights
from salesops.models.lifetime.likelihood_model import LikelihoodModel
from salesops.models.lifetime.maximum import Matrix
from salesops.models.lifetime.rows import (
    Histories,
    Vector,
    check_amounts,
    check_histories,
    numbers,
    read_histories,
)
from salesops.models.lifetime.sums import weighted


class PurchaseModel(LikelihoodModel, ABC):
    """A model of repeat purchases from frequency, recency and T; see the models themselves."""

    TIMES: ClassVar[tuple[str, ...]]
    """The parameters that are times."""

    def fit(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, counts: ArrayLike | None = None) -> Self:
        """Estimate the parameters by maximum likelihood over the distinct histories.

        Parameters
        ----------
        frequency : array_like
            Repeat purchases of each customer (count, 0 to 1,000,000; the first purchase is not one).
        recency : array_like
            Time from the first purchase to the last (time units; 0 without repeat purchase).
        T : array_like
            Time from the first purchase to the date of the summary (the same units). The unit is free, days or
            weeks; every later time and horizon is in it.
        counts : array_like, optional
            Customers that each row stands for; 1 by default.

        Returns
        -------
        self
            With `params_` (by name; alpha and beta are times), `standard_errors_` (the same units; infinite if not
            converged), `log_likelihood_`, `converged_`, `message_` (one sentence) and `n_iter_`. A fit without
            maximum does not raise: `converged_` is false and `message_` says why.

        Raises
        ------
        HistoryError
            If a history cannot be, or there is no customer.
        """
        rows = read_histories(frequency, recency, T, counts)
        scale = _mean_age(rows)
        scaled = rows.in_units(scale)
        return self._climb(
            lambda theta: self._log_likelihood(theta, scaled),
            self._starts(scaled),
            rows=len(rows.n),
            units=[scale if name in self.TIMES else 1.0 for name in self.NAMES],
            # times divided by the scale make the density of x purchases larger by the scale to the power x
            more=-weighted(rows.n, rows.x) * np.log(scale),
        )

    def score(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, counts: ArrayLike | None = None) -> float:
        """Return the mean log-likelihood per customer (higher is better). Columns as in `fit`."""
        rows = read_histories(frequency, recency, T, counts)
        value, _, _ = self._log_likelihood(np.log(self._values()), rows)
        return float(value / rows.n.sum())

    def lifetime_value(
        self,
        horizon: float,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        spend: ArrayLike,
        discount: float = 0.0,
    ) -> Vector:
        """Return the discounted value of the purchases that each customer is expected to make within the horizon.

        Formula: spend × Σ over j = 1 … J of (E(min(j, horizon)) − E(j − 1)) ÷ (1 + discount)^min(j, horizon), where
        E(t) is `expected_purchases` within t and J the horizon rounded up: purchases of a time unit count at its end.

        Parameters
        ----------
        horizon : float
            Time ahead of T (time units of the fit).
        frequency, recency, T : array_like
            As in `fit`.
        spend : array_like
            Value of one purchase (money), such as `GammaGamma.expected_spend` gives; times the margin, if the value
            is to be a margin.
        discount : float
            Fraction lost per time unit of the fit: of a yearly rate y, (1 + y)^(1/52) − 1 where the unit is a week.

        Returns
        -------
        numpy.ndarray
            Value at T (money).
        """
        check_is_fitted(self, "params_")
        x, t_x, age, money = numbers(frequency=frequency, recency=recency, T=T, spend=spend)
        times, weights = discount_weights(horizon, discount, self._shortest_time())
        purchases = np.zeros(x.shape)
        for time, weight in zip(times, weights, strict=True):
            purchases += weight * self.expected_purchases(time, x, t_x, age)
        value: Vector = (money * purchases)[()]
        return value

    @abstractmethod
    def expected_purchases(self, horizon: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Vector:
        """Return the purchases (count) expected within the horizon after T."""

    @abstractmethod
    def probability_active(self, horizon: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Vector:
        """Return the probability (0–1) to buy at least once within the horizon after T."""

    @abstractmethod
    def probability_alive(self, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Vector:
        """Return the probability (0–1) that the customer has not left for ever by T."""

    @abstractmethod
    def _log_likelihood(self, theta: Vector, rows: Histories) -> tuple[float, Vector, Matrix]:
        """Value, gradient and Hessian by the logarithms of the parameters."""

    @abstractmethod
    def _starts(self, rows: Histories) -> Iterable[Sequence[float]]:
        """Parameters to start from, for histories whose mean T is 1."""

    @abstractmethod
    def _shortest_time(self) -> float:
        """A time (units of the fit) below which expectations are all but linear in the horizon."""


def ask(
    horizon: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike
) -> tuple[Vector, Vector, Vector, Vector]:
    """Check a question about histories; return horizon, x, t_x and T as arrays of one shape."""
    x, t_x, age = check_histories(frequency, recency, T)
    time, x, t_x, age = numbers(horizon=horizon, frequency=x, recency=t_x, T=age)
    check_amounts("horizon", time)
    return time, x, t_x, age


def purchase_rate(rows: Histories) -> float:
    """Repeat purchases per time unit over all customers; a small one where there are none."""
    time = float(weighted(rows.n, rows.T))
    return max(float(weighted(rows.n, rows.x)), 0.1) / time if time > 0 else 1.0


def _mean_age(rows: Histories) -> float:
    mean = float(weighted(rows.n, rows.T) / rows.n.sum())
    return mean if mean > 0 else 1.0
