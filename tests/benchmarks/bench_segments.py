"""Segments and plays at the pace of a live widget: the grid, the clusters, the playbook.

The other side is what an analyst would write: pandas' qcut for the grid, scikit-learn's own defaults (ten
starts, all threads) for KMeans, one pass of Python rules a client for the plays.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from measure import ROOT, Row, publish, timed
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

from salesops.book.playbook import Playbook, read_playbook
from salesops.models.plays import assign_plays
from salesops.models.segments import RHYTHM, cluster_stability, fit_clusters, fit_grid

LIMITS = {10_000: (0.1, 0.3), 100_000: (0.4, 1.0)}
RUNS = 5


def main() -> None:
    """Run both sides and publish the table."""
    playbook = read_playbook(ROOT / "data" / "sample" / "playbook.toml")
    publish("segments", [row for count, limits in LIMITS.items() for row in _compare(count, *limits, playbook)])


def _compare(count: int, grid_limit: float, clusters_limit: float, playbook: Playbook) -> list[Row]:
    table = _customers(count)
    grid = _median(lambda: fit_grid(table).assign(table))
    clusters = _median(lambda: fit_clusters(table, 5).assign(table))
    fitted = fit_clusters(table, 5)
    plays = _median(lambda: assign_plays(playbook, table, as_of=date(2026, 10, 31)), runs=3)
    by_hand = _median(lambda: [_first(playbook, row) for row in table.to_dict("records")], runs=1)
    size = f"{count:,} customers"
    return [
        Row(f"grid cut and assigned, {size} / pandas qcut", grid, _median(lambda: _qcut(table)), "s",
            f"≤ {grid_limit} s", grid <= grid_limit),
        Row(f"KMeans refit and assigned, {size} / ten starts", clusters, _median(lambda: _kmeans(table), runs=2), "s",
            f"≤ {clusters_limit} s", clusters <= clusters_limit),
        Row(f"stability, 20 resamples, {size}", _median(lambda: cluster_stability(fitted, table), runs=1), None, "s",
            "–", None),
        Row(f"plays with reasons, {size} / rules alone by hand", plays, by_hand, "s", "–", None),
    ]  # fmt: skip  # one line a comparison or two


def _median(work: Callable[[], object], runs: int = RUNS) -> float:
    return statistics.median(timed(work) for _ in range(runs))


def _customers(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    gap = np.exp(rng.normal(3, 0.7, count))
    since = rng.integers(0, 700, count)
    return pd.DataFrame(
        {
            "account_id": [f"A-{number:07d}" for number in range(count)],
            "frequency": rng.geometric(0.2, count) - 1,
            "days_since": since,
            "total": np.exp(rng.normal(6, 1, count)).round(2),
            "monetary": np.exp(rng.normal(5, 1, count)),
            "median_gap": gap,
            "gap_spread": np.exp(rng.normal(2, 0.7, count)),
            "gaps_since": since / gap,
            "value_band": rng.choice(["high", "middle", "low"], count),
        }
    )


def _qcut(table: pd.DataFrame) -> list[pd.Series]:
    fifths = [pd.qcut(table[name], 5, labels=False, duplicates="drop") for name in ("days_since", "frequency", "total")]
    return [*fifths, fifths[0].astype(str) + fifths[1].astype(str) + fifths[2].astype(str)]


def _kmeans(table: pd.DataFrame) -> KMeans:
    return KMeans(5, n_init=10, random_state=0).fit(StandardScaler().fit_transform(np.log1p(table[[*RHYTHM]])))


def _first(playbook: Playbook, row: dict[Any, Any]) -> str:
    return next(
        play.id for play in playbook.plays if all(condition.holds(row.get(condition.column)) for condition in play.when)
    )


if __name__ == "__main__":
    main()
