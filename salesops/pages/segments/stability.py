"""Would other customers of the same kind give the same segments? Rules and clusters on one table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from salesops.errors import BookError
from salesops.models.customers import FEWEST
from salesops.models.segments import (
    STABLE,
    Clusters,
    Scheme,
    SegmentGrid,
    cluster_stability,
    fit_clusters,
    fit_grid,
)
from salesops.models.segments.clusters import Method
from salesops.models.segments.stability import ari_text

RESAMPLES = 20
FEWER = 10  # for what is tried beside: enough to see whether it is worth a closer look
MOST_POINTS = 5_000
TOO_FEW = "There are too few different customers to judge any segments."
COLUMNS = ("method", "count", "mean_ari", "low_ari", "smallest", "smallest_share", "silhouette", "bic", "customers")


def segment_stability(customers: pd.DataFrame, count: int, definition: SegmentGrid | Clusters | None) -> pd.DataFrame:
    """Judge a definition, and clusters of about `count` groups beside it, on customers drawn again and again.

    What is in use is judged on RESAMPLES draws, what is tried beside it on FEWER.

    Parameters
    ----------
    customers : pandas.DataFrame
        The table of `customers`.
    count : int
        Clusters of one fewer, as many and one more are tried.
    definition : SegmentGrid, Clusters or None
        What is in use. A grid is cut anew at each resample.

    Returns
    -------
    pandas.DataFrame
        A row for the grid, if there is one, and for each kind and number of clusters that the customers allow:
        method (rules, kmeans, mixture), count (segments), mean_ari, low_ari (mean and 5% quantile of the adjusted
        Rand index with the segments of all customers), smallest (customers in the smallest segment that holds any),
        smallest_share (of those in segments), silhouette (−1 to 1) and bic (lower is better within a method; both
        NaN for rules), customers (in segments). Empty below FEWEST customers; without the grid if it tells nobody
        apart.
    """
    if len(customers) < FEWEST:
        return pd.DataFrame(columns=list(COLUMNS))
    rows = list(_of_grid(definition, customers)) if isinstance(definition, SegmentGrid) else []
    chosen = definition if isinstance(definition, Clusters) else None
    rows += list(_of_clusters(customers, count, chosen))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def verdict(stability: pd.DataFrame, definition: SegmentGrid | Clusters | None) -> str:
    """Say in words whether a definition can be relied on, from the result of `segment_stability`."""
    own = in_use(stability, definition)
    if own.empty:
        return TOO_FEW
    if isinstance(definition, Clusters):
        return _of_own_clusters(own.iloc[0])
    rules = own.iloc[0]
    steady = rules.mean_ari >= STABLE
    return (
        "Rules give the same figures the same segment on any date, so segments are comparable by construction. "
        f"Cut anew at customers drawn again, they agree {'well' if steady else 'only in part'}: mean ARI "
        f"{ari_text(rules.mean_ari)}"
        f"{'.' if steady else ', so keep the cuts in a file and reuse them.'} {_of_others(stability)}"
    )


def in_use(stability: pd.DataFrame, definition: SegmentGrid | Clusters | None) -> pd.DataFrame:
    """Return the row of `segment_stability` for the definition itself; none if it was not judged."""
    if isinstance(definition, Clusters):
        return stability[(stability.method == definition.method) & (stability["count"] == len(definition.centres))]
    return stability[stability.method == "rules"]


def _of_own_clusters(row: pd.Series[Any]) -> str:
    if row.mean_ari < STABLE:
        return f"These clusters are not stable: mean ARI {ari_text(row.mean_ari)}; use the rule grid."
    return (
        f"These clusters are stable: mean ARI {ari_text(row.mean_ari)}. The smallest holds {row.smallest:,} customers "
        f"({row.smallest_share:.0%})."
    )


def _of_others(stability: pd.DataFrame) -> str:
    clusters = stability[stability.method != "rules"]
    if clusters.empty:
        return "The customers are too few or too alike for clusters."
    stable = clusters[clusters.mean_ari >= STABLE]
    if stable.empty:
        best = clusters.nlargest(1, "mean_ari").iloc[0]
        return f"No clusters tried are stable (best mean ARI {ari_text(best.mean_ari)}): stay with the rules."
    return f"{len(stable)} of {len(clusters)} clusterings tried are stable too; they ask who buys in which rhythm."


def _of_grid(grid: SegmentGrid, customers: pd.DataFrame) -> Iterator[dict[str, Any]]:
    sizes = grid.assign(customers).segment.value_counts()
    sizes = sizes[sizes > 0]
    if len(sizes) < 2:  # one segment always agrees with itself
        return
    rng = np.random.default_rng(0)
    scheme = _scheme(grid)
    drawn = customers.iloc[rng.permutation(len(customers))[:MOST_POINTS]]
    own = grid.assign(drawn).segment
    found = [_cut_anew(scheme, drawn, own, rng) for _ in range(RESAMPLES)]
    yield {
        "method": "rules",
        "count": len(sizes),
        "mean_ari": float(np.mean(found)),
        "low_ari": float(np.quantile(found, 0.05)),
        "smallest": int(sizes.min()),
        "smallest_share": float(sizes.min() / sizes.sum()),
        "silhouette": math.nan,
        "bic": math.nan,
        "customers": int(sizes.sum()),
    }


def _scheme(grid: SegmentGrid) -> Scheme:
    dimensions = tuple((d.name, d.column, d.best, d.unit, d.levels) for d in grid.dimensions)
    return Scheme(grid.scheme, dimensions, grid.segments)


def _cut_anew(scheme: Scheme, customers: pd.DataFrame, own: pd.Series[Any], rng: np.random.Generator) -> float:
    again = customers.iloc[rng.integers(0, len(customers), len(customers))].reset_index(drop=True)
    # one customer drawn twice is two customers to the cuts
    anew = fit_grid(again.assign(account_id=again.index.astype(str)), scheme)
    return float(adjusted_rand_score(own.astype(str), anew.assign(customers).segment.astype(str)))


def _of_clusters(customers: pd.DataFrame, count: int, chosen: Clusters | None) -> Iterator[dict[str, Any]]:
    counts = {max(2, count - 1), max(2, count), max(2, count + 1)}
    wanted = {(method, number) for method in get_args(Method) for number in counts}
    if chosen is not None:
        wanted.add((chosen.method, len(chosen.centres)))
    for method, number in sorted(wanted):
        try:
            if chosen is not None and (chosen.method, len(chosen.centres)) == (method, number):
                judged = cluster_stability(chosen, customers, resamples=RESAMPLES)
            else:
                judged = cluster_stability(fit_clusters(customers, number, method=method), customers, resamples=FEWER)
        except BookError:  # too few different customers for so many clusters
            continue
        yield {name: getattr(judged, name) for name in COLUMNS}
