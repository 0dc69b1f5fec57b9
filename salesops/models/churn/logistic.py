"""Logistic regression whose features bend: each number counts as it is and as its logarithm."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from salesops.models.churn.calibrated import AdditiveModel
from salesops.models.churn.encoding import Matrix, Vector

TAIL = 0.01
FEW_VALUES = 20


class Transform(NamedTuple):
    """One column of the design: (x − centre) ÷ scale with x in low..high, or an indicator."""

    kind: str
    centre: float = 0.0
    scale: float = 1.0
    low: float = -np.inf
    high: float = np.inf


class LogisticChurn(AdditiveModel):
    """Logistic regression with a penalty on squared coefficients (ridge), calibrated.

    A number x counts as x and as sign(x)·log(1 + |x|), each standardised, missing ones as the mean and with an
    indicator. Numbers beyond the 1% and 99% quantiles of the fit count as these, so that no line runs on into what
    was never seen: every client of today is older than those of the cuts learnt from. A category counts as one
    indicator for each value seen. A constant column counts as nothing.

    Parameters
    ----------
    C : float
        Inverse of the penalty.
    shapes : tuple of {"as is", "log"}
        How numbers count.
    clip : bool
        Whether numbers stay within the range of the fit; a rule on one number must not, or it ranks no more as it does.
    folds : int
        Slices of the calibration; 0 leaves it out.
    random_state : int
        Of the slices.
    """

    def __init__(
        self,
        *,
        C: float = 0.3,
        shapes: tuple[str, ...] = ("as is", "log"),
        clip: bool = True,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.shapes = shapes
        self.clip = clip
        self.folds = folds
        self.random_state = random_state

    def _fit_raw(self, values: Matrix, lost: NDArray[np.bool_]) -> float:
        self.owners_, self.transforms_ = self._plan(values)
        design = self._design(values)
        self.means_ = design.mean(axis=0)
        model = LogisticRegression(C=self.C, max_iter=500, tol=1e-5)
        if not design.shape[1]:
            self.coef_ = np.empty(0)
            return float(np.log(lost.mean() / (1 - lost.mean())))
        model.fit(design, lost)
        self.coef_ = model.coef_[0].astype(float)
        return float(model.intercept_[0] + self.means_ @ self.coef_)

    def _contributions(self, values: Matrix) -> Matrix:
        parts = np.zeros((len(values), len(self.columns_.names)))
        for coefficient, mean, owner, transform in zip(
            self.coef_, self.means_, self.owners_, self.transforms_, strict=True
        ):
            parts[:, owner] += coefficient * (_apply(values[:, owner], transform) - mean)
        return parts

    def _design(self, values: Matrix) -> NDArray[np.float32]:
        design = np.empty((len(values), len(self.owners_)), dtype=np.float32, order="F")
        for place, (owner, transform) in enumerate(zip(self.owners_, self.transforms_, strict=True)):
            design[:, place] = _apply(values[:, owner], transform)
        return design

    def _plan(self, values: Matrix) -> tuple[list[int], list[Transform]]:
        """Return for each column of the design the feature that it comes from, and what is done to it."""
        owners: list[int] = []
        transforms: list[Transform] = []
        for place, name in enumerate(self.columns_.names):
            column = values[:, place]
            if name in self.columns_.categories:
                seen = np.unique(column)  # a missing value is one too
                found = [Transform("is", float(code)) for code in seen[~np.isnan(seen)] if len(seen) > 1]
            else:
                found = _of_numbers(column, self.shapes, self.clip)
            owners += [place] * len(found)
            transforms += found
        return owners, transforms


def _of_numbers(column: Vector, shapes: tuple[str, ...], clip: bool) -> list[Transform]:
    missing = np.isnan(column)
    seen = column[~missing]
    found = [Transform("missing")] if 0 < missing.sum() < len(column) else []
    if not len(seen):
        return found
    low, high = np.quantile(seen, [TAIL, 1 - TAIL]) if len(np.unique(seen)) > FEW_VALUES else (seen.min(), seen.max())
    if not clip:
        low, high = -np.inf, np.inf
    # two values are one indicator, however they are bent
    for kind in shapes if len(np.unique(seen)) > 2 else shapes[:1]:
        shown = _bent(np.clip(seen, low, high), kind)
        spread = float(shown.std())
        if spread > 1e-9 * max(1.0, float(np.abs(shown).max())):
            found.append(Transform(kind, float(shown.mean()), spread, float(low), float(high)))
    return found


def _apply(column: Vector, transform: Transform) -> Vector:
    if transform.kind == "missing":
        return np.isnan(column).astype(float)
    if transform.kind == "is":
        return np.asarray(column == transform.centre, dtype=float)
    shown = _bent(np.clip(column, transform.low, transform.high), transform.kind)
    return np.asarray(np.nan_to_num((shown - transform.centre) / transform.scale))


def _bent(column: Vector, kind: str) -> Vector:
    return np.asarray(np.sign(column) * np.log1p(np.abs(column))) if kind == "log" else column
