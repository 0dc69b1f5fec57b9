"""Whether churn scores still hold: have they drifted, are they still calibrated, and did the last alerts come true?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from salesops.models.intervals import wilson

BINS = 10
FEWEST = 50  # clients on either date, below which a drift is not judged
SMALL, LARGE = 0.1, 0.25  # the usual marks of the index: below the first is steady, above the second has moved


@dataclass(frozen=True)
class Drift:
    """How far the scores of two dates differ.

    Attributes
    ----------
    psi : float
        Population stability index, 0 for the same distribution; NaN where it cannot be told.
    chance : float
        What chance alone exceeds once in twenty if nothing has changed.
    before, now : int
        Clients with a score on either date.
    bins : pandas.DataFrame
        low, high (scores, 0–1), before, now (shares of the clients).
    verdict : str
        steady, moved a little, moved a lot, or too few to say.
    """

    psi: float
    chance: float
    before: int
    now: int
    bins: pd.DataFrame
    verdict: str


def drift(before: pd.Series, now: pd.Series) -> Drift:
    """Compare the scores of two dates by the population stability index, Σ (now − before)·ln(now ÷ before).

    The bins are tenths of the earlier scores; equal scores share a bin, so there may be fewer. Half a client is
    added to each bin, so that none is empty. Chance is the 95% quantile of the index without any change: about
    χ² with bins − 1 degrees of freedom, times 1 ÷ clients before + 1 ÷ clients now (Yurdakul, 2018).

    Parameters
    ----------
    before, now : pandas.Series
        Scores (0–1); missing ones are left out.
    """
    first, second = (scores.dropna().to_numpy(dtype=float) for scores in (before, now))
    nothing = pd.DataFrame({name: [] for name in ("low", "high", "before", "now")}, dtype=float)
    if not (len(first) and len(second)):
        return Drift(np.nan, np.nan, len(first), len(second), nothing, "too few to say")
    edges = np.unique(np.quantile(first, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    edges = edges[edges < first.max()]  # nobody would have been above
    shares = [_shares(scores, edges) for scores in (first, second)]
    psi = float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
    chance = float(stats.chi2.ppf(0.95, len(edges)) * (1 / len(first) + 1 / len(second)))
    bins = pd.DataFrame({"low": [0, *edges], "high": [*edges, 1], "before": shares[0], "now": shares[1]})
    return Drift(psi, chance, len(first), len(second), bins, _moved(psi, chance, min(len(first), len(second))))


def calibration_drift(predictions: pd.DataFrame) -> pd.DataFrame:
    """Compare, cut by cut, how many were lost with how many were foretold.

    Parameters
    ----------
    predictions : pandas.DataFrame
        cut (date), p (0–1: the chance to leave), churned (boolean); rows where either is missing are left out.

    Returns
    -------
    pandas.DataFrame
        cut, clients (count), expected (Σ p), observed (count lost), ratio (observed ÷ expected), low, high (95%
        interval: the Wilson interval of the share lost ÷ mean p), holds (boolean: 1 lies within).
    """
    known = predictions.dropna(subset=["p", "churned"])
    rows = known.assign(churned=known.churned.astype(float)).groupby("cut", sort=True)
    table = rows.agg(clients=("p", "size"), expected=("p", "sum"), observed=("churned", "sum")).reset_index()
    low, high = wilson(table.observed, table.clients)
    expected = table.expected.where(table.expected > 0)
    table = table.assign(
        ratio=table.observed / expected, low=low * table.clients / expected, high=high * table.clients / expected
    )
    return table.assign(holds=(table.low <= 1) & (table.high >= 1))


@dataclass(frozen=True)
class Alerts:
    """What became of those whom the earlier date would have called.

    Attributes
    ----------
    alerts : int
        Clients who would have been called, or left alone by chance, and of whom it is known what came.
    lost : int
        Of these, how many were lost: the alert came true.
    low, high : float
        95% interval of lost ÷ alerts (Wilson); 0 to 1 without alerts.
    expected : float
        Mean chance to leave that they had been given; NaN without alerts.
    everyone : float
        Share lost among all who were scored: what alerts by chance would have come to; NaN without any.
    """

    alerts: int
    lost: int
    low: float
    high: float
    expected: float
    everyone: float

    @property
    def share(self) -> float:
        """Share of the alerts that came true; NaN without alerts."""
        return self.lost / self.alerts if self.alerts else np.nan


def alerts_came_true(chosen: pd.Series, predictions: pd.DataFrame) -> Alerts:
    """Hold the earlier date's alerts against what happened.

    Parameters
    ----------
    chosen : pandas.Series
        Of each row of `predictions`, by its index, whether it was an alert (boolean).
    predictions : pandas.DataFrame
        p (0–1), churned (boolean); rows where churned is missing are not yet due and are left out.
    """
    known = predictions[predictions.churned.notna()]
    churned = known.churned.astype(float)
    mine = chosen.reindex(known.index, fill_value=False).to_numpy(dtype=bool)
    lost, alerts = int(churned[mine].sum()), int(mine.sum())
    (low,), (high,) = wilson(pd.Series([lost]), pd.Series([alerts]))
    expected = float(known.p[mine].mean()) if alerts else np.nan
    return Alerts(alerts, lost, float(low), float(high), expected, float(churned.mean()) if len(known) else np.nan)


def _shares(scores: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.bincount(np.searchsorted(edges, scores, side="left"), minlength=len(edges) + 1) + 0.5
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def _moved(psi: float, chance: float, fewest: int) -> str:
    if fewest < FEWEST:
        return "too few to say"
    if psi <= max(SMALL, chance):
        return "steady"
    return "moved a lot" if psi > LARGE else "moved a little"
