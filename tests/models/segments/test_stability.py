"""Whether clusters are real."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from customers import customers, drawn, grouped, sample_customers
from scipy import stats
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

from salesops.models.segments import RHYTHM, STABLE, Stability, cluster_stability, fit_clusters
from salesops.models.segments.clusters import STARTS, THINNEST, Method

BOTH = pytest.mark.parametrize("method", ["kmeans", "mixture"])


@BOTH
def test_real_groups_come_back(method: Method) -> None:
    """Groups far from each other come back in every resample, and the verdict says so with the smallest."""
    table, _ = grouped(200, 4)
    found = cluster_stability(fit_clusters(table, 4, method=method), table)
    assert found.mean_ari == found.low_ari == 1
    assert found.verdict == "These clusters are stable: mean ARI 1.000. The smallest holds 50 customers (25%)."
    assert (found.smallest, found.smallest_share, found.customers) == (50, 0.25, 200)


@BOTH
def test_clusters_of_nothing_do_not_come_back(method: Method) -> None:
    """Six clusters in one cloud without groups are called unstable, and the rule grid is named."""
    table = drawn(500)
    found = cluster_stability(fit_clusters(table, 6, method=method), table)
    assert found.mean_ari < STABLE
    assert found.verdict.startswith("These clusters are not stable: mean ARI .")
    assert found.verdict.endswith("; use the rule grid.")


@pytest.mark.parametrize(
    ("ari", "verdict"),
    [
        (0.7149, "These clusters are not stable: mean ARI .715; use the rule grid."),
        (0.8494, "These clusters are not stable: mean ARI .849; use the rule grid."),
        (0.85, "These clusters are stable: mean ARI .850. The smallest holds 1,200 customers (12%)."),
        (-0.001, "These clusters are not stable: mean ARI .000; use the rule grid."),
    ],
)
def test_the_verdict_never_rounds_across_the_limit(ari: float, verdict: str) -> None:
    """.85 is stable and .8499 is not, in the number and in the word."""
    found = Stability("kmeans", 3, ari, ari, 20, 1200, 0.12, 0.3, 1.0, 10_000, 5_000)
    assert found.verdict == verdict
    assert found.stable == (ari >= 0.85)


def test_bic_and_silhouette_are_scikit_learns() -> None:
    """For a mixture both figures are those of scikit-learn on the same points."""
    table = drawn(400)
    clusters = fit_clusters(table, 3, method="mixture")
    found = cluster_stability(clusters, table, resamples=1)
    _, points = clusters.points(table)
    model = GaussianMixture(3, n_init=STARTS["mixture"], random_state=0, reg_covar=THINNEST).fit(points)
    assert found.bic == pytest.approx(model.bic(points))
    assert found.silhouette == pytest.approx(silhouette_score(points, clusters.nearest(points)))


def test_bic_of_kmeans_is_that_of_round_gaussians() -> None:
    """For KMeans: −2 × the log-likelihood of each point in its own round Gaussian + ln n for each free number."""
    table, _ = grouped(90, 3)
    clusters = fit_clusters(table, 3)
    _, points = clusters.points(table)
    own = clusters.nearest(points)
    spread = math.sqrt(((points - clusters.centres[own]) ** 2).mean())
    density = stats.norm.logpdf(points, clusters.centres[own], spread).sum() + 90 * math.log(1 / 3)
    free = 2 + 3 * len(RHYTHM) + 1
    assert cluster_stability(clusters, table, resamples=1).bic == pytest.approx(free * math.log(90) - 2 * density)


def test_bic_prefers_the_planted_number() -> None:
    """Of two to six clusters, the lowest BIC is that of the four planted groups, for both methods."""
    table, _ = grouped(400, 4)
    for method in ("kmeans", "mixture"):
        fits = {k: fit_clusters(table, k, method=method) for k in range(2, 7)}  # type: ignore[arg-type]  # one of the two
        scores = {k: cluster_stability(fit, table, resamples=1).bic for k, fit in fits.items()}
        assert min(scores, key=lambda k: scores[k]) == 4


def test_the_same_seed_gives_the_same_figures() -> None:
    """The resamples do not change from call to call."""
    table = drawn(150)
    clusters = fit_clusters(table, 3)
    assert cluster_stability(clusters, table, seed=2) == cluster_stability(clusters, table, seed=2)


def test_large_tables_are_drawn_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit the resamples use that many customers; sizes still count everyone."""
    monkeypatch.setattr("salesops.models.segments.stability.MOST_POINTS", 100)
    table, _ = grouped(300, 3)
    found = cluster_stability(fit_clusters(table, 3), table, resamples=3)
    assert (found.customers, found.drawn, found.smallest) == (300, 100, 100)
    assert found.mean_ari == 1


def test_one_cluster_is_always_the_same() -> None:
    """One cluster comes back always, and has no silhouette."""
    table = customers(monetary=[5.0] * 20, median_gap=[7] * 20, gap_spread=[1.0] * 20)
    found = cluster_stability(fit_clusters(table, 1), table, resamples=2)
    assert (found.mean_ari, found.smallest) == (1, 20)
    assert math.isnan(found.silhouette)
    assert np.isneginf(found.bic)


@BOTH
def test_sample_clusters_are_stable(sample: Path, method: Method) -> None:
    """The five clusters that recover the planted rhythms of data/sample come back when it is drawn again."""
    table = sample_customers(sample)
    assert cluster_stability(fit_clusters(table, 5, method=method), table, resamples=10).stable
