"""What all models fitted by maximum likelihood share: the climb, what it leaves, and the values to compute with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from salesops.models.lifetime.maximum import Likelihood, maximise
from salesops.models.lifetime.rows import Vector


class LikelihoodModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A model with positive parameters, fitted in their logarithms; see the models themselves."""

    NAMES: ClassVar[tuple[str, ...]]

    params_: dict[str, float]
    standard_errors_: dict[str, float]
    log_likelihood_: float
    converged_: bool
    message_: str
    n_iter_: int

    def __init__(self, *, max_iter: int = 100, tol: float = 1e-7) -> None:
        self.max_iter = max_iter
        self.tol = tol

    def _climb(
        self,
        likelihood: Likelihood,
        starts: Iterable[Sequence[float]],
        *,
        rows: int,
        units: Sequence[float] | float = 1.0,
        more: float = 0.0,
    ) -> Self:
        """Fit; `units` turn the parameters, and `more` the log-likelihood, into those of the data as they came."""
        found = maximise(likelihood, starts, names=self.NAMES, max_iter=self.max_iter, tol=self.tol, rows=rows)
        values = np.exp(found.theta) * units
        self.params_ = dict(zip(self.NAMES, values.tolist(), strict=True))
        self.standard_errors_ = dict(zip(self.NAMES, (values * found.deviations).tolist(), strict=True))
        self.log_likelihood_ = float(found.value + more)
        self.converged_, self.message_, self.n_iter_ = found.converged, found.message, found.iterations
        return self

    def _values(self) -> Vector:
        check_is_fitted(self, "params_")
        return np.array([self.params_[name] for name in self.NAMES])
