"""How well chances agree with what came: ranking, calibration and money, with intervals by bootstrap over clients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.metrics import average_precision_score

from salesops.models.ranking import auc

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

BINS = 10
TOP = 0.1
MOST_DRAWS, FEWEST_DRAWS, MOST_NUMBERS = 500, 60, 5_000_000
RANGE = 1.645  # standard deviations on either side of 9 in 10
NAN = float("nan")


@dataclass(frozen=True)
class Draws:
    """Bootstrap draws of clients: how often each comes, draws × clients. One object for all that is compared."""

    accounts: pd.Index
    counts: NDArray[np.float64]

    def weights(self, accounts: pd.Series) -> NDArray[np.float64]:
        """Return the weights of rows by their client, draws × rows."""
        return self.counts[:, self.accounts.get_indexer(pd.Index(accounts))]


def draw(accounts: pd.Series, *, seed: int = 0) -> Draws:
    """Return draws of clients with replacement; fewer draws the more clients there are."""
    names = pd.Index(accounts.unique())
    number = int(np.clip(MOST_NUMBERS // max(len(names), 1), FEWEST_DRAWS, MOST_DRAWS))
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(names), np.full(len(names), 1 / max(len(names), 1)), size=number)
    return Draws(names, counts.astype(float))


def auc_draws(score: Vector, lost: Flags, weights: NDArray[np.float64]) -> Vector:
    """Return the ROC-AUC of each draw (draws × rows of weights); NaN where a draw has one class."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) > 0])
    ones = np.add.reduceat((weights * lost)[:, order], starts, axis=1)
    others = np.add.reduceat((weights * ~lost)[:, order], starts, axis=1)
    below = others.cumsum(axis=1) - others / 2
    pairs = ones.sum(axis=1) * others.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((ones * below).sum(axis=1) / np.where(pairs > 0, pairs, np.nan))


def lift(score: ArrayLike, lost: ArrayLike, *, top: float = TOP) -> float:
    """Return the share lost among the highest scores ÷ the share lost among all.

    The highest are the first `top` of all rows, rounded up; of equal scores at the edge each counts in part. NaN
    where nobody was lost.
    """
    found = lift_draws(np.asarray(score, dtype=float), np.asarray(lost, dtype=bool), None, top=top)
    return float(found[0])


def lift_draws(score: Vector, lost: Flags, weights: NDArray[np.float64] | None, *, top: float = TOP) -> Vector:
    """Return the lift of each draw; of the rows as they are without weights."""
    if not len(lost):
        return np.array([NAN])
    each = np.ones((1, len(lost))) if weights is None else weights
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(-score[order]) > 0])
    ones = np.add.reduceat((each * lost)[:, order], starts, axis=1).cumsum(axis=1)
    rows = np.add.reduceat(each[:, order], starts, axis=1).cumsum(axis=1)
    found = np.full(len(each), np.nan)
    for place in np.flatnonzero(ones[:, -1] > 0):
        size = np.ceil(top * rows[place, -1] - 1e-9)
        caught = np.interp(size, np.r_[0, rows[place]], np.r_[0, ones[place]])
        found[place] = caught / size / (ones[place, -1] / rows[place, -1])
    return found


def ece(p: ArrayLike, lost: ArrayLike, *, bins: int = BINS) -> float:
    """Return the expected calibration error (0–1): mean |predicted − observed| over bins of equal size, by rows.

    Equal chances are never put apart. NaN without rows.
    """
    table = calibration(p, lost, bins=bins)
    if table.empty:
        return NAN
    return float((table.n * (table.predicted - table.observed).abs()).sum() / table.n.sum())


def calibration(p: ArrayLike, lost: ArrayLike, *, bins: int = BINS) -> pd.DataFrame:
    """Return predicted (mean chance), observed (share lost) and n of bins of equal size, by rising chance."""
    chance, yes = np.asarray(p, dtype=float), np.asarray(lost, dtype=float)
    if not len(chance):
        return pd.DataFrame({"predicted": [], "observed": [], "n": []})
    # ranks of equals are the same, so they share a bin
    rank = stats.rankdata(chance, method="average")
    place = np.minimum((bins * (rank - 0.5) / len(chance)).astype(int), bins - 1)
    frame = pd.DataFrame({"place": place, "predicted": chance, "observed": yes})
    sums = frame.groupby("place").agg(
        predicted=("predicted", "mean"), observed=("observed", "mean"), n=("place", "size")
    )
    return sums.reset_index(drop=True)


def measures(score: Vector, p: Vector, lost: Flags) -> dict[str, float]:
    """Return auc, pr_auc and lift of a score, brier, ece and bias of chances; NaN where one has no meaning.

    auc and pr_auc need both classes, bias and lift somebody who was lost.
    """
    if not len(lost) or np.isnan(p).any():
        return dict.fromkeys(("auc", "pr_auc", "brier", "ece", "bias", "lift"), NAN)
    both = bool(lost.any() and not lost.all())
    return {
        "auc": auc(score, lost),
        "pr_auc": float(average_precision_score(lost, score)) if both else NAN,
        "brier": float(((p - lost) ** 2).mean()),
        "ece": ece(p, lost),
        "bias": float(p.sum() / lost.sum() - 1) if lost.any() else NAN,
        "lift": lift(score, lost),
    }


def needed_shift(log_odds: Vector, lost: float) -> float:
    """Return by how much all log-odds must be shifted for the chances to add up to so many lost."""
    target = np.clip(lost, 0.5, len(log_odds) - 0.5)
    return float(brentq(lambda shift: expit(log_odds + shift).sum() - target, -40, 40))


def next_range(found: Vector, spreads: Vector) -> tuple[float, float]:
    """Return the range that holds the next slice's ROC-AUC in 9 of 10 cases; NaN without a slice.

    The next one lies around the mean of those found, as far as they lie apart, or as far as chance within a slice
    moves one, whichever is more; the mean itself is known by so many slices alone.

    Parameters
    ----------
    found : numpy.ndarray
        ROC-AUC of each slice.
    spreads : numpy.ndarray
        Standard deviation of each over bootstrap draws of its clients.
    """
    if not len(found):
        return NAN, NAN
    apart = float(np.var(found, ddof=1)) if len(found) > 1 else 0.0
    half = RANGE * np.sqrt(max(apart, float(np.mean(spreads**2))) * (1 + 1 / len(found)))
    return float(max(found.mean() - half, 0.0)), float(min(found.mean() + half, 1.0))


def interval(draws: Vector, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval that holds the middle of the draws; NaN where none has a value."""
    seen = draws[~np.isnan(draws)]
    if not len(seen):
        return NAN, NAN
    low, high = np.quantile(seen, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
