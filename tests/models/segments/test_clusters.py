"""Clusters: what scikit-learn found, kept as numbers."""

from __future__ import annotations

import json
from pathlib import Path

import examples
import numpy as np
import pandas as pd
import pytest
from customers import customers, drawn, grouped, sample_customers
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from salesops.errors import BookError
from salesops.models.segments import RHYTHM, UNKNOWN, fit_clusters, fit_grid
from salesops.models.segments.clusters import STARTS, THINNEST, Method

BOTH = pytest.mark.parametrize("method", ["kmeans", "mixture"])


@BOTH
def test_planted_groups_are_found(method: Method) -> None:
    """Groups that lie far from each other are found without an error."""
    table, group = grouped(400, 4)
    found = fit_clusters(table, 4, method=method).assign(table)
    assert adjusted_rand_score(group, found.segment) == 1


@BOTH
def test_assignment_is_scikit_learns(method: Method) -> None:
    """The kept numbers put customers where scikit-learn's own model puts them, also customers it never saw."""
    table, later = drawn(600), drawn(200, seed=8)
    scaler = StandardScaler().fit(np.log1p(table[[*RHYTHM]]))
    points, others = (scaler.transform(np.log1p(t[[*RHYTHM]])) for t in (table, later))
    if method == "kmeans":
        model = KMeans(4, n_init=STARTS[method], random_state=0).fit(points)
    else:
        model = GaussianMixture(4, n_init=STARTS[method], random_state=0, reg_covar=THINNEST).fit(points)
    clusters = fit_clusters(table, 4, method=method)
    for rows, seen in ((points, table), (others, later)):
        assert adjusted_rand_score(model.predict(rows), clusters.assign(seen).segment) == 1


@BOTH
def test_many_customers_end_where_few_starts_lead(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit, starts are tried on a part, but the clusters are an optimum of all customers.

    They are the ones that scikit-learn finds on all of them, and no further step moves their centres.
    """
    table, group = grouped(2000, 4)
    monkeypatch.setattr("salesops.models.segments.clusters.MOST_STARTED", 200)
    clusters = fit_clusters(table, 4, method=method)
    assert adjusted_rand_score(group, clusters.assign(table).segment) == 1
    _, points = clusters.points(table)
    own = clusters.nearest(points)
    means = np.array([points[own == place].mean(axis=0) for place in range(4)])
    assert clusters.centres == pytest.approx(means, abs=1e-3)


@BOTH
def test_the_largest_cluster_stands_first(method: Method) -> None:
    """Clusters are named by their size, so that a name does not depend on a random start."""
    table, group = grouped(300, 3)
    table = table[(group != 2) | (table.index % 9 == 2)]
    sizes = fit_clusters(table, 3, method=method).assign(table).segment.value_counts(sort=False)
    assert list(sizes.index) == ["cluster 1", "cluster 2", "cluster 3", UNKNOWN]
    assert sizes.iloc[0] >= sizes.iloc[1] > sizes.iloc[2] > sizes.iloc[3] == 0


@BOTH
def test_the_same_seed_gives_the_same_clusters(method: Method) -> None:
    """Fitted twice, also among other random numbers, the clusters are the same to the last bit."""
    table = drawn(200)
    first = fit_clusters(table, 3, method=method, seed=5)
    np.random.default_rng(1).random(100)
    second = fit_clusters(table, 3, method=method, seed=5)
    assert np.array_equal(first.centres, second.centres)


def test_customers_without_a_rhythm_are_set_aside() -> None:
    """Who lacks a column has no cluster, and moves none."""
    table, _ = grouped(60, 2)
    more = pd.concat([table, customers(account_id=["B"], monetary=[5.0], median_gap=[np.nan], gap_spread=[np.nan])])
    clusters = fit_clusters(more, 2)
    assert np.array_equal(clusters.centres, fit_clusters(table, 2).centres)
    assert clusters.assign(more).segment.iloc[-1] == UNKNOWN


@settings(max_examples=examples.of(50), deadline=None)
@given(
    st.lists(st.tuples(*3 * [st.floats(-1e9, 1e9)]), min_size=2, max_size=30), st.sampled_from(["kmeans", "mixture"])
)
def test_every_customer_has_one_cluster(rows: list[tuple[float, float, float]], method: Method) -> None:
    """Whatever the figures, also negative ones: one cluster each, or a refusal where customers do not differ."""
    table = customers(**dict(zip(RHYTHM, map(list, zip(*rows, strict=True)), strict=True)))
    different = len(np.unique(np.sign(table[[*RHYTHM]]) * np.log1p(table[[*RHYTHM]].abs()), axis=0))
    if different < 2:
        with pytest.raises(BookError, match="2 clusters need 2 different customers"):
            fit_clusters(table, 2, method=method)
        return
    found = fit_clusters(table, 2, method=method).assign(table)
    assert list(found.account_id) == list(table.account_id)
    assert found.segment.isin(["cluster 1", "cluster 2"]).all()


@pytest.mark.parametrize("count", [1, 5])
def test_identical_customers_are_one_cluster_at_most(count: int) -> None:
    """Customers who are all the same make one cluster; more are refused with what to do."""
    table = customers(monetary=[5.0] * 20, median_gap=[7] * 20, gap_spread=[1.0] * 20)
    if count == 1:
        assert set(fit_clusters(table, 1).assign(table).segment) == {"cluster 1"}
        return
    with pytest.raises(BookError, match=r"hold 1 different known values .* Ask for fewer clusters"):
        fit_clusters(table, count)


@pytest.mark.parametrize(
    ("table", "count", "message"),
    [
        (drawn(9), 0, "must be 1 or more. Got 0"),
        (drawn(9).drop(columns="gap_spread"), 2, "no column 'gap_spread'"),
        (drawn(9).assign(median_gap=np.nan), 1, "hold 0 different known values"),
    ],
)
def test_what_cannot_be_clustered_is_refused(table: pd.DataFrame, count: int, message: str) -> None:
    """Too few clusters, an absent column, nothing known: each is named."""
    with pytest.raises(BookError, match=message):
        fit_clusters(table, count)


@BOTH
def test_sample_segments_are_recovered(sample: Path, method: Method) -> None:
    """Five clusters of size, gap and spread recover the planted segments: adjusted Rand index of .8 or more.

    It is taken over every customer with a purchase; those with too few purchases to have a rhythm count as one
    group of their own. The accounts that never bought have no figures and are no customers.
    """
    table = sample_customers(sample)
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))["segments"]
    found = fit_clusters(table, 5, method=method).assign(table)
    assert len(found) >= 500
    assert adjusted_rand_score(table.account_id.map(truth), found.segment) >= 0.8


def test_the_rule_grid_answers_another_question(sample: Path) -> None:
    """The grid says where a customer stands today, not in which rhythm it buys: it does not recover the rhythms."""
    table = sample_customers(sample)
    truth = json.loads((sample / "truth.json").read_text(encoding="utf-8"))["segments"]
    found = fit_grid(table).assign(table)
    assert 0.1 < adjusted_rand_score(table.account_id.map(truth), found.segment) < 0.8
