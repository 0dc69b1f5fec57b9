"""How well a score ranks those of whom something came true above the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Vector = NDArray[np.float64]


def auc(score: ArrayLike, came: ArrayLike) -> float:
    """Return the ROC-AUC (0–1): the chance that one of whom it came true scores above another; ties count half.

    NaN where it came true of all or of none.
    """
    rank, yes = stats.rankdata(np.asarray(score, dtype=float)), np.asarray(came, dtype=float) > 0
    ones, others = int(yes.sum()), int((~yes).sum())
    if not ones or not others:
        return float("nan")
    return float((rank[yes].sum() - ones * (ones + 1) / 2) / (ones * others))


def auc_lead(score: ArrayLike, other: ArrayLike, came: ArrayLike) -> tuple[float, float]:
    """Return the 95% interval of auc(score) − auc(other) on the same cases, by DeLong's variance.

    NaN where it came true of fewer than two, or failed in fewer than two.
    """
    yes = np.asarray(came, dtype=float) > 0
    ones, others = int(yes.sum()), int((~yes).sum())
    if min(ones, others) < 2:
        return float("nan"), float("nan")
    places = [_placements(np.asarray(one, dtype=float), yes) for one in (score, other)]
    ahead = [first - second for first, second in zip(*places, strict=True)]
    error = np.sqrt(ahead[0].var(ddof=1) / ones + ahead[1].var(ddof=1) / others)
    lead, half = float(ahead[0].mean()), float(stats.norm.ppf(0.975) * error)
    return lead - half, lead + half


def _placements(score: Vector, yes: NDArray[np.bool_]) -> tuple[Vector, Vector]:
    """Return, of each one, the share of others that it outranks; and of each other, the share of ones above it."""
    rank = stats.rankdata(score)
    within = np.empty(len(score))
    within[yes], within[~yes] = stats.rankdata(score[yes]), stats.rankdata(score[~yes])
    beaten = rank - within
    return beaten[yes] / (~yes).sum(), 1 - beaten[~yes] / yes.sum()
