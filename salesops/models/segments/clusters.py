"""Clusters: KMeans and Gaussian mixture, kept as plain numbers.

Money, days and counts spread over powers of ten, so each column is taken as log(1 + x), with the sign of x, and
scaled to mean 0 and standard deviation 1. scikit-learn fits; what it found is kept here as arrays.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from salesops.errors import BookError
from salesops.models.segments.grid import UNKNOWN, check_customers, numbers, segment_column
from salesops.models.threads import one_thread

Method = Literal["kmeans", "mixture"]
Points = NDArray[np.float64]

RHYTHM = ("monetary", "median_gap", "gap_spread")
STARTS: dict[Method, int] = {"kmeans": 5, "mixture": 3}
# above so many points, starts are tried on that many of them, and the best start goes on with all
MOST_STARTED = 10_000
# no cluster is thinner than a thirtieth of the spread of all: duplicates must not make one of their own
THINNEST = 1e-3


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters of customers, largest first: `assign` gives the same cluster to the same figures at any time.

    Attributes
    ----------
    method : str
        kmeans or mixture.
    columns : tuple of str
        Columns of the customer table.
    shift, scale : numpy.ndarray
        Mean and standard deviation of each column, as log(1 + x).
    centres : numpy.ndarray
        clusters × columns, in scaled units.
    weights, factors : numpy.ndarray
        Of a mixture: the share of each cluster, and the Cholesky factors of its precision; else empty.
    converged : bool
        Whether the fit came to rest. If not, fit fewer clusters.
    """

    method: Method
    columns: tuple[str, ...]
    shift: Points
    scale: Points
    centres: Points
    weights: Points = field(default_factory=lambda: np.empty(0))
    factors: Points = field(default_factory=lambda: np.empty(0))
    converged: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the clusters, and UNKNOWN at the end."""
        return (*(f"cluster {number}" for number in range(1, len(self.centres) + 1)), UNKNOWN)

    def assign(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Return account_id and segment (categorical) of each customer, in the order of the rows.

        A customer without one of the columns, such as one who bought once and has no gap, is UNKNOWN.
        """
        known, points = self.points(customers)
        codes = np.full(len(customers), len(self.names) - 1)
        codes[known] = self.nearest(points)
        segment = segment_column(codes, self.names)
        return pd.DataFrame({"account_id": customers["account_id"], "segment": segment}, index=customers.index)

    def points(self, customers: pd.DataFrame) -> tuple[NDArray[np.bool_], Points]:
        """Return which customers have every column, and those as points in scaled units."""
        known, raw = _raw(customers, self.columns)
        return known, (raw - self.shift) / self.scale

    def nearest(self, points: Points) -> NDArray[np.int64]:
        """Return the position of the cluster of each point in scaled units."""
        return np.asarray(self.scores(points).argmax(axis=1), dtype=np.int64)

    def scores(self, points: Points) -> Points:
        """Return a score for each point in scaled units and each cluster; the highest is the point's own.

        For a mixture it is the log of weight × density, but for a constant.
        """
        if self.method == "kmeans":
            scores: Points = points @ self.centres.T - 0.5 * (self.centres**2).sum(axis=1)
            return scores
        columns = []
        for weight, centre, factor in zip(self.weights, self.centres, self.factors, strict=True):
            away = ((points - centre) @ factor) ** 2
            columns.append(np.log(weight) + np.log(np.diag(factor)).sum() - 0.5 * away.sum(axis=1))
        return np.column_stack(columns)


def fit_clusters(
    customers: pd.DataFrame, count: int, *, columns: Sequence[str] = RHYTHM, method: Method = "kmeans", seed: int = 0
) -> Clusters:
    """Find clusters of customers.

    Parameters
    ----------
    customers : pandas.DataFrame
        account_id and the columns, one row a customer. Customers without one of them are left out of the fit.
    count : int
        How many clusters.
    columns : sequence of str
        What customers are compared by. RHYTHM: money per purchase, median gap, spread of the gaps.
    method : str
        kmeans: round clusters of like size. mixture: a Gaussian of its own shape for each.
    seed : int
        The same seed and table give the same clusters.

    Raises
    ------
    BookError
        If a column is absent, or fewer customers differ in these columns than there are to be clusters.
    """
    if count < 1:
        raise BookError(f"The number of clusters must be 1 or more. Got {count}.")
    check_customers(customers, list(columns))
    _, raw = _raw(customers, columns)
    different = len(pd.DataFrame(raw).drop_duplicates())
    if different < count:
        raise BookError(
            f"{count} clusters need {count} different customers. The {len(customers):,} customers hold "
            f"{different:,} different known values of {', '.join(columns)}. "
            "Ask for fewer clusters, or use the rule grid."
        )
    shift, spread = raw.mean(axis=0), raw.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    return fit_points((raw - shift) / scale, count, tuple(columns), method, seed, (shift, scale))


def fit_points(
    points: Points, count: int, columns: tuple[str, ...], method: Method, seed: int, frame: tuple[Points, Points]
) -> Clusters:
    """Find clusters of points that are scaled already; `frame` is the shift and scale that did it."""
    start = None
    if len(points) > MOST_STARTED:
        drawn = np.random.default_rng(seed).permutation(len(points))[:MOST_STARTED]
        start = fit_points(points[drawn], count, columns, method, seed, frame)
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` says it
        model = _model(count, method, seed, start).fit(points)
    order = _largest_first(model.predict(points), count)
    if method == "kmeans":
        return Clusters(method, columns, *frame, centres=model.cluster_centers_[order])
    return Clusters(
        method,
        columns,
        *frame,
        centres=model.means_[order],
        weights=model.weights_[order],
        factors=model.precisions_cholesky_[order],
        converged=bool(model.converged_),
    )


def _model(count: int, method: Method, seed: int, start: Clusters | None) -> Any:
    """Return scikit-learn's estimator, which begins where `start` ended, else at several random starts."""
    starts = 1 if start else STARTS[method]
    if method == "kmeans":
        return KMeans(count, init=start.centres if start else "k-means++", n_init=starts, random_state=seed)
    begin = {}
    if start:
        precisions = start.factors @ start.factors.transpose(0, 2, 1)
        begin = {"means_init": start.centres, "weights_init": start.weights, "precisions_init": precisions}
    return GaussianMixture(count, n_init=starts, random_state=seed, reg_covar=THINNEST, **begin)


def _raw(customers: pd.DataFrame, columns: Sequence[str]) -> tuple[NDArray[np.bool_], Points]:
    check_customers(customers, list(columns))
    values = np.column_stack([numbers(customers, column) for column in columns])
    known = np.asarray(np.isfinite(values).all(axis=1))
    kept = values[known]
    return known, np.sign(kept) * np.log1p(np.abs(kept))


def _largest_first(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    return np.argsort(-np.bincount(labels, minlength=count), kind="stable")
