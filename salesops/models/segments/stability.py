"""Are the clusters real? How far they come back when the customers are drawn again.

Each resample draws customers with replacement, fits the clusters anew, and puts the original customers into
them; the adjusted Rand index (Hubert and Arabie, 1985) compares that with the original clusters: 1 is the
same, 0 is what chance gives. So Hennig, Cluster-wise assessment of cluster stability, 2007, in its spirit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score, silhouette_score

from salesops.models.segments.clusters import Clusters, Method, Points, fit_points
from salesops.models.threads import one_thread

STABLE = 0.85
MOST_POINTS = 5_000


@dataclass(frozen=True)
class Stability:
    """How far clusters are to be trusted.

    Attributes
    ----------
    method, count : str, int
        The clusters that were judged.
    mean_ari, low_ari : float
        Mean, and 5% quantile, of the adjusted Rand index over the resamples (1 = the same clusters again).
    resamples : int
        How often the customers were drawn again.
    smallest, smallest_share : int, float
        Customers in the smallest cluster, and their share of those in clusters.
    silhouette : float
        Mean silhouette (−1 to 1): how much nearer customers are to their own cluster than to the next. NaN
        with fewer than two clusters.
    bic : float
        Bayesian information criterion; lower is better. Compare it only within one method: for KMeans it is
        that of round Gaussians of one size (Pelleg and Moore, X-means, 2000).
    customers, drawn : int
        Customers in clusters, and how many of them the resamples and the silhouette were computed on.
    """

    method: Method
    count: int
    mean_ari: float
    low_ari: float
    resamples: int
    smallest: int
    smallest_share: float
    silhouette: float
    bic: float
    customers: int
    drawn: int

    @property
    def stable(self) -> bool:
        """Whether the mean adjusted Rand index reaches STABLE."""
        return self.mean_ari >= STABLE

    @property
    def verdict(self) -> str:
        """What to do, in a sentence."""
        ari = ari_text(self.mean_ari)
        if not self.stable:
            return f"These clusters are not stable: mean ARI {ari}; use the rule grid."
        return (
            f"These clusters are stable: mean ARI {ari}. "
            f"The smallest holds {self.smallest:,} customers ({self.smallest_share:.0%})."
        )


def ari_text(value: float) -> str:
    """Return an adjusted Rand index as text, rounded to thousandths: .849 must not read as .85, which is stable."""
    return f"{max(value, 0):.3f}".removeprefix("0")


def cluster_stability(clusters: Clusters, customers: pd.DataFrame, *, resamples: int = 20, seed: int = 0) -> Stability:
    """Judge clusters by drawing the customers again and again.

    Above MOST_POINTS customers, resamples and silhouette are computed on that many, drawn once; the sizes and
    the BIC on all.

    Parameters
    ----------
    clusters : Clusters
        As `fit_clusters` gives them.
    customers : pandas.DataFrame
        The table that they were fitted on.
    resamples : int
        How often to draw; 20 tell .71 from .85, more make the mean steadier.
    seed : int
        The same seed gives the same figures.
    """
    rng = np.random.default_rng(seed)
    _, points = clusters.points(customers)
    own = clusters.nearest(points)
    sizes = np.bincount(own, minlength=len(clusters.centres))
    with one_thread():
        bic = _bic(clusters, points, own)
        drawn = rng.permutation(len(points))[:MOST_POINTS]
        points, own = points[drawn], own[drawn]
        found = [_again(clusters, points, own, rng) for _ in range(resamples)]
        labels = len(np.unique(own))
        silhouette = float(silhouette_score(points, own)) if 1 < labels < len(points) else math.nan
    return Stability(
        method=clusters.method,
        count=len(clusters.centres),
        mean_ari=float(np.mean(found)),
        low_ari=float(np.quantile(found, 0.05)),
        resamples=resamples,
        smallest=int(sizes.min()),
        smallest_share=float(sizes.min() / sizes.sum()),
        silhouette=silhouette,
        bic=bic,
        customers=int(sizes.sum()),
        drawn=len(points),
    )


def _again(clusters: Clusters, points: Points, own: NDArray[np.int64], rng: np.random.Generator) -> float:
    resample = points[rng.integers(0, len(points), len(points))]
    count = min(len(clusters.centres), len(np.unique(resample, axis=0)))
    frame = (clusters.shift, clusters.scale)
    anew = fit_points(resample, count, clusters.columns, clusters.method, int(rng.integers(2**31)), frame)
    return float(adjusted_rand_score(own, anew.nearest(points)))


def _bic(clusters: Clusters, points: Points, own: NDArray[np.int64]) -> float:
    count, dimensions = clusters.centres.shape
    if clusters.method == "kmeans":
        sizes = np.bincount(own, minlength=count)
        spread = ((points - clusters.centres[own]) ** 2).sum() / points.size
        if spread <= 0:  # every customer sits on a centre
            return -math.inf
        shares = sizes[sizes > 0] / len(points)
        likelihood = len(points) * (shares * np.log(shares)).sum()
        likelihood -= points.size / 2 * (math.log(2 * math.pi * spread) + 1)
        return float((count - 1 + count * dimensions + 1) * math.log(len(points)) - 2 * likelihood)
    scores = clusters.scores(points) - dimensions / 2 * math.log(2 * math.pi)
    top = scores.max(axis=1, keepdims=True)
    likelihood = float((np.log(np.exp(scores - top).sum(axis=1)) + top[:, 0]).sum())
    free = count - 1 + count * dimensions + count * dimensions * (dimensions + 1) // 2
    return float(free * math.log(len(points)) - 2 * likelihood)
