"""What the two churn models share: scikit-learn's manner, calibration on the log-odds, and contributions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from salesops.errors import ChurnError
from salesops.models.churn.encoding import Columns, Matrix, Vector, columns_of, read_labels
from salesops.models.segments.threads import one_thread

FEW_FOLDS_FROM = 50_000
FEWEST_TO_CALIBRATE = 10  # lost, and kept: fewer bend the line by chance


class AdditiveModel(ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn ships no types
    """A model whose log-odds are a base and one contribution a feature; see the models themselves.

    Calibration is by Platt: log-odds = a + b × raw, fitted on scores of rows that the raw model had not seen. A line
    through the log-odds keeps contributions exact: each is scaled by b, and the base takes a.
    """

    classes_: NDArray[np.int64]
    columns_: Columns
    base_: float
    slope_: float

    folds: int
    random_state: int

    def fit(self, X: pd.DataFrame, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fit and calibrate.

        Parameters
        ----------
        X : pandas.DataFrame
            A column a feature: numbers (NaN: missing), or texts (categories).
        y : array_like
            1 lost, 0 kept.
        groups : array_like, optional
            Whose row it is, such as account_id: rows of one client never calibrate what was fitted on the others.

        Returns
        -------
        self
            With `base_` (log-odds of the average row), `slope_` (b of the calibration; 1 without).

        Raises
        ------
        ChurnError
            If a label is missing or odd, all labels are alike, or there is no feature.
        """
        self.columns_ = columns_of(X)
        if not self.columns_.names:
            raise ChurnError("There is no feature to fit on. Give at least one column.")
        lost, values = read_labels(y, len(X)), self.columns_.read(X)
        self.classes_ = np.array([0, 1])
        with one_thread():
            shift, slope = self._calibrate(
                values, lost, None if groups is None else pd.factorize(np.asarray(groups))[0]
            )
            base = self._fit_raw(values, lost)
        self.base_, self.slope_ = shift + slope * base, slope
        return self

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return what each feature adds to the log-odds of each row, against the base.

        `base_` + the sum of a row = `decision_function` of it; the mean over the rows of the fit is 0 for each
        feature. A contribution is an association, not a cause.
        """
        check_is_fitted(self, "base_")
        parts = self._contributions(self.columns_.read(X))
        parts *= self.slope_
        return pd.DataFrame(parts, columns=list(self.columns_.names), index=X.index, copy=False)

    def decision_function(self, X: pd.DataFrame) -> Vector:
        """Return the calibrated log-odds to be lost."""
        check_is_fitted(self, "base_")
        found: Vector = self.base_ + self.slope_ * self._raw(self.columns_.read(X))
        return found

    def predict_proba(self, X: pd.DataFrame) -> Matrix:
        """Return P(kept) and P(lost) of each row."""
        lost = expit(self.decision_function(X))
        return np.column_stack([1 - lost, lost])

    def predict(self, X: pd.DataFrame) -> NDArray[np.int64]:
        """Return 1 for each row that is lost more likely than not, else 0."""
        return np.asarray(self.decision_function(X) > 0, dtype=np.int64)

    @abstractmethod
    def _fit_raw(self, values: Matrix, lost: NDArray[np.bool_]) -> float:
        """Fit on values (NaN: missing) and return the log-odds of the average row."""

    @abstractmethod
    def _contributions(self, values: Matrix) -> Matrix:
        """Return contributions before calibration; their mean over the rows of the fit is 0."""

    def _raw(self, values: Matrix) -> Vector:
        """Return the log-odds before calibration, less those of the average row."""
        return np.asarray(self._contributions(values).sum(axis=1))

    def _calibrate(self, values: Matrix, lost: NDArray[np.bool_], groups: Any) -> tuple[float, float]:
        """Return a and b of the calibration."""
        if not self.folds or min(lost.sum(), (~lost).sum()) < FEWEST_TO_CALIBRATE:
            return 0.0, 1.0
        scores, seen = np.full(len(lost), np.nan), 0
        for train, test in self._splits(values, lost, groups):
            if lost[train].all() or not lost[train].any():
                continue
            scores[test] = self._fit_raw(values[train], lost[train]) + self._raw(values[test])
            seen += 1
        held = ~np.isnan(scores)
        return platt(scores[held], lost[held]) if seen else (0.0, 1.0)

    def _splits(self, values: Matrix, lost: NDArray[np.bool_], groups: Any) -> list[tuple[Any, Any]]:
        if groups is not None and len(np.unique(groups)) >= self.folds:
            found = GroupKFold(self.folds, shuffle=True, random_state=self.random_state).split(values, lost, groups)
        else:
            found = StratifiedKFold(self.folds, shuffle=True, random_state=self.random_state).split(values, lost)
        splits = list(found)
        # of many rows one held slice says the same as all of them in turn
        return splits[:1] if len(lost) >= FEW_FOLDS_FROM else splits


def platt(scores: Vector, lost: NDArray[np.bool_]) -> tuple[float, float]:
    """Return a and b of P(lost) = 1 ÷ (1 + exp(−(a + b × score))) by maximum likelihood (Platt, 1999).

    A slope below 0 would turn the order round: then the score says nothing, and the base rate is returned with
    slope 0.
    """
    rate = float(logit(lost.mean()))
    if lost.all() or not lost.any():
        return 0.0, 1.0
    if np.ptp(scores) == 0:
        return rate, 0.0
    model = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(scores[:, None], lost)
    slope = float(model.coef_[0, 0])
    return (float(model.intercept_[0]), slope) if slope > 0 else (rate, 0.0)
