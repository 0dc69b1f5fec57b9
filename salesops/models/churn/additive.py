"""Gradient boosting without interactions: a curve for each feature, read from a table when scoring."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from salesops.models.churn.calibrated import AdditiveModel
from salesops.models.churn.encoding import Matrix, Vector

MOST_CATEGORIES = 254


class AdditiveChurn(AdditiveModel):
    """HistGradientBoostingClassifier whose trees may each split on one feature alone, calibrated.

    Numbers are cut into bins of equal size first, so that a feature takes few values; the sum of all trees is then
    tabulated once, by bin and feature, and a contribution is a look-up. A missing value has a bin of its own.

    Parameters
    ----------
    learning_rate, max_iter, max_leaf_nodes, min_samples_leaf, l2_regularization
        As scikit-learn names them.
    max_bins : int
        Bins of a number, 2 to 254.
    folds : int
        Slices of the calibration; 0 leaves it out.
    random_state : int
        Of the slices.
    """

    def __init__(
        self,
        *,
        learning_rate: float = 0.1,
        max_iter: int = 120,
        max_leaf_nodes: int = 3,
        min_samples_leaf: int = 20,
        l2_regularization: float = 1.0,
        max_bins: int = 64,
        folds: int = 3,
        random_state: int = 0,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_bins = max_bins
        self.folds = folds
        self.random_state = random_state

    def _fit_raw(self, values: Matrix, lost: NDArray[np.bool_]) -> float:
        self.edges_ = [self._cut(values[:, place], name) for place, name in enumerate(self.columns_.names)]
        bins = self._bins(values)
        # the booster cannot cut a column without any value
        self.blind_ = (bins == self._missing).all(axis=0)
        model = self._boosting()
        model.fit(self._with_gaps(bins), lost)
        self.booster_ = model
        base, tables = self._tabulate(model)
        means = [table[column].mean() for table, column in zip(tables, bins.T, strict=True)]
        found = [_merged(edges, table - mean) for edges, table, mean in zip(self.edges_, tables, means, strict=True)]
        self.steps_, self.tables_ = [edges for edges, _ in found], [table for _, table in found]
        return float(base + sum(means))

    def _contributions(self, values: Matrix) -> Matrix:
        parts = np.empty(values.shape, order="F")
        for place, table in enumerate(self.tables_):
            parts[:, place] = table[_bin(values[:, place], self.steps_[place])]
        return parts

    @property
    def _missing(self) -> NDArray[np.int64]:
        """The bin of what is missing, for each feature: the one after all others."""
        return np.array([len(edges) + 1 for edges in self.edges_])

    def _boosting(self) -> Any:
        return HistGradientBoostingClassifier(
            learning_rate=self.learning_rate,
            max_iter=self.max_iter,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            interaction_cst="no_interactions",
            categorical_features=[name in self.columns_.categories for name in self.columns_.names],
            early_stopping=False,
            random_state=self.random_state,
        )

    def _cut(self, column: Vector, name: str) -> Vector:
        """Return the upper edges of all bins but the last; categories are bins already."""
        seen = column[~np.isnan(column)]
        if name in self.columns_.categories:
            return np.arange(min(len(self.columns_.categories[name]), MOST_CATEGORIES) - 1, dtype=float)
        distinct = np.unique(seen)
        if len(distinct) <= self.max_bins:
            return (distinct[:-1] + distinct[1:]) / 2
        shares = np.linspace(0, 1, self.max_bins + 1)[1:-1]
        return np.unique(np.quantile(seen, shares, method="lower"))

    def _bins(self, values: Matrix) -> NDArray[np.int64]:
        return np.column_stack([_bin(column, edges) for column, edges in zip(values.T, self.edges_, strict=True)])

    def _tabulate(self, model: Any) -> tuple[float, list[Vector]]:
        """Return the log-odds where every feature is in its first bin, and what each other bin adds."""
        sizes = self._missing + 1
        probe = np.zeros((1 + int(sizes.sum()), len(sizes)))
        start = 1
        for place, size in enumerate(sizes):
            probe[start : start + size, place] = np.arange(size)
            start += size
        scores = model.decision_function(self._with_gaps(probe.astype(int)))
        parts = np.split(scores[1:] - scores[0], np.cumsum(sizes)[:-1])
        return float(scores[0]), [np.asarray(part) for part in parts]

    def _with_gaps(self, bins: NDArray[np.int64]) -> Matrix:
        """Return bins as the booster reads them: NaN for the bin of what is missing."""
        numbers = bins.astype(float)
        numbers[bins == self._missing] = np.nan
        numbers[:, self.blind_] = 0.0
        return numbers


def _bin(column: Vector, edges: Vector) -> NDArray[np.int64]:
    # NaN sorts after every number, but into the last bin
    found = np.searchsorted(edges, column, side="left")
    missing = np.isnan(column)
    if missing.any():
        found[missing] = len(edges) + 1
    return np.asarray(found)


def _merged(edges: Vector, table: Vector) -> tuple[Vector, Vector]:
    """Return the steps of a curve: edges between bins of one value are left out, so that a look-up is short."""
    steps = np.flatnonzero(np.diff(table[:-1]) != 0)
    return edges[steps], table[[*steps, len(table) - 2, len(table) - 1]]
