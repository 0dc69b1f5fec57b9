"""How far clusters are to be trusted, worked out beside everything else: nobody waits for it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pandas as pd
from markupsafe import Markup

from salesops import words
from salesops.errors import SalesopsError
from salesops.models.segments import STABLE, Clusters, Stability, cluster_stability

Told = Callable[[Clusters, Stability | str], None]


def measure_apart(clusters: Clusters, customers: pd.DataFrame, told: Told) -> Thread:
    """Judge clusters in a thread of its own.

    Parameters
    ----------
    told : callable
        Called once, in that thread, with the clusters and their stability, or with a sentence if they have none.

    Returns
    -------
    threading.Thread
        Already running; it does not keep the process alive.
    """

    def measure() -> None:
        try:
            found: Stability | str = cluster_stability(clusters, customers)
        except (SalesopsError, ValueError, MemoryError) as error:
            found = f"The stability could not be computed: {error}"
        told(clusters, found)

    thread = Thread(target=measure, name="stability of clusters", daemon=True)
    thread.start()
    return thread


def meter(stability: Stability) -> Markup:
    """Show a stability as a bar with its verdict and the figures behind it."""
    ari = max(stability.mean_ari, 0.0)
    sample = (
        f" The index is of {stability.drawn:,} customers drawn once." if stability.drawn < stability.customers else ""
    )
    return Markup(
        '<p class="verdict"><meter min="0" max="1" low="{low}" optimum="1" value="{ari:.4f}" '
        'aria-label="Mean adjusted Rand index, stable from {low}"></meter> <b>{verdict}</b></p>'
        '<p class="soft">Mean adjusted Rand index of {resamples} resamples (5% quantile {least}); stable from {low}. '
        "Smallest cluster {smallest} ({share}). Silhouette {silhouette}. BIC {bic}.{sample}</p>"
    ).format(
        low=STABLE,
        ari=ari,
        verdict=stability.verdict,
        resamples=stability.resamples,
        least=words.number(stability.low_ari, decimals=2),
        smallest=words.plural(stability.smallest, "customer"),
        share=words.percent(stability.smallest_share),
        silhouette=words.number(stability.silhouette, decimals=2),
        bic=words.number(stability.bic),
        sample=sample,
    )
