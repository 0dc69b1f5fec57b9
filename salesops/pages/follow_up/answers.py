"""What clients answer: the score on its scale, what lateness does to it, and what follows a low score."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from salesops.book.scale import NPS
from salesops.models.intervals import with_interval

FEWEST = 5  # answers: of fewer there is no score
AGAIN = 90  # days after a low score in which an order counts as coming back
BANDS = {"on time": (-np.inf, 0), "1–3": (0, 3), "4–7": (3, 7), "8–14": (7, 14), "15 or more": (14, np.inf)}
_Z = 1.96


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The answers, on the scale that most of them have.

    Attributes
    ----------
    asked, answered, on_scale : int
        Surveys sent; those with a score; those on `scale`.
    scale : str
        The scale of most answers; "" without one.
    csat, nps : float or None
        Share of content answers, where the scale is one of satisfaction; promoters less detractors, where it is
        that of the net promoter score. None with fewer than FEWEST answers.
    lateness : pandas.DataFrame
        days (one of BANDS), answers, mean, low, high (score; 95%): answers about a delivery.
    quarters : pandas.DataFrame
        quarter (text), answers, mean, unhappy, rate (share unhappy), low, high.
    recovery : pandas.DataFrame
        contacted (boolean), answers, bought (low scores AGAIN days old, and those followed by an order within them),
        rate, low, high; empty where nothing tells who was contacted.
    """

    asked: int
    answered: int
    on_scale: int
    scale: str
    csat: float | None
    nps: float | None
    lateness: pd.DataFrame
    quarters: pd.DataFrame
    recovery: pd.DataFrame

    def results(self) -> dict[str, Any]:
        """Return the numbers as JSON can hold them; None where nobody was asked."""
        bands = self.lateness.assign(mean=self.lateness["mean"].round(6))[["days", "answers", "mean"]]
        return {
            "asked": self.asked or None,
            "answered": self.answered if self.asked else None,
            "scale": self.scale or None,
            "csat": self.csat,
            "nps": self.nps,
            "score_by_lateness": bands.to_dict("records"),
        }


def answers_found(rows: pd.DataFrame, as_of: date, *, contacts_known: bool) -> Answers:
    """Sum up surveys, as `metrics.delivery_answers` gives them."""
    scored = rows[rows.score.notna()]
    counts = scored.scale.value_counts()
    scale = str(min(counts[counts == counts.max()].index)) if len(counts) else ""
    told = scored[scored.scale == scale]
    enough = len(told) >= FEWEST
    nps = (told.promoter.sum() - told.detractor.sum()) / len(told) if enough and scale == NPS else None
    csat = told.content.sum() / len(told) if enough and scale.startswith("csat") else None
    low = told[
        told.unhappy.eq(True) & (pd.to_datetime(told.answered_on) <= pd.Timestamp(as_of) - pd.Timedelta(AGAIN, "D"))
    ]
    return Answers(
        asked=len(rows),
        answered=len(scored),
        on_scale=len(told),
        scale=scale,
        csat=None if csat is None else round(float(csat), 6),
        nps=None if nps is None else round(float(nps), 6),
        lateness=_by_lateness(told[told.days_late.notna()]),
        quarters=_by_quarter(told),
        recovery=_recovery(low) if contacts_known else _recovery(low.head(0)),
    )


def _by_lateness(about: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, (above, last) in BANDS.items():
        scores = about.score[(about.days_late > above) & (about.days_late <= last)]
        if len(scores):
            half = _Z * scores.std(ddof=1) / np.sqrt(len(scores)) if len(scores) >= FEWEST else np.nan
            rows.append((name, len(scores), scores.mean(), scores.mean() - half, scores.mean() + half))
    return pd.DataFrame(rows, columns=["days", "answers", "mean", "low", "high"])


def _by_quarter(told: pd.DataFrame) -> pd.DataFrame:
    dated = told[told.answered_on.notna()]
    quarter = pd.to_datetime(dated.answered_on).dt.to_period("Q").astype(str)
    sums = dated.groupby(quarter).agg(answers=("score", "size"), mean=("score", "mean"), unhappy=("unhappy", "sum"))
    sums = sums.rename_axis("quarter").reset_index()
    sums = sums[sums.answers >= FEWEST].astype({"unhappy": float})
    sums = sums.assign(others=sums.answers - sums.unhappy, rate=sums.unhappy / sums.answers)
    return with_interval(sums, "unhappy", "others").reset_index(drop=True)


def _recovery(low: pd.DataFrame) -> pd.DataFrame:
    days = (pd.to_datetime(low.bought_on) - pd.to_datetime(low.answered_on)).dt.days
    sums = (
        low.assign(bought=days <= AGAIN).groupby("contacted").agg(answers=("bought", "size"), bought=("bought", "sum"))
    )
    sums = sums.reset_index().astype({"answers": float, "bought": float})
    sums = sums.assign(silent=sums.answers - sums.bought, rate=sums.bought / sums.answers)
    return with_interval(sums, "bought", "silent")
