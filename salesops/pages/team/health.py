"""How the team sells: win rate, cycle, velocity, slippage and activity, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from salesops.book.source import Book
from salesops.metrics.activities import completions_known, on_time_activities
from salesops.metrics.conversion import stage_conversion, stages_need
from salesops.metrics.pipeline import pipeline, pipeline_by_stage
from salesops.metrics.slippage import can_slip, slippage
from salesops.metrics.velocity import median_cycle, velocity
from salesops.metrics.win_rate import win_rate
from salesops.models.intervals import with_interval
from salesops.periods import Period


@dataclass(frozen=True)
class SalesHealth:
    """Team figures of a period.

    Attributes
    ----------
    wins, speed, slips, activities, open_deals : dict
        The one row that the metric of this name gives by team; NaN where it has nothing to say.
    median_cycle : float or None
        Days from created to close of won deals.
    has_activities : bool
        Whether the book says which activities were done.
    has_history : bool
        Whether close dates have history; without it slippage and push counts are unknown.
    stages : pandas.DataFrame
        As `metrics.pipeline.pipeline_by_stage` gives it.
    conversion : pandas.DataFrame
        As `metrics.conversion.stage_conversion` gives it, with low and high (95% interval) and who ("Team").
    stages_need : str
        What stage conversion lacks, in words; "" if nothing.
    """

    currency: str
    has_deals: bool
    has_history: bool
    has_activities: bool
    wins: dict[str, Any]
    speed: dict[str, Any]
    slips: dict[str, Any]
    activities: dict[str, Any]
    open_deals: dict[str, Any]
    median_cycle: float | None
    stages: pd.DataFrame
    stage_order: tuple[str, ...]
    conversion: pd.DataFrame
    stages_need: str


def sales_health(book: Book, period: Period, as_of: date, *, manager: str = "") -> SalesHealth:
    """Put together how the team sold in a period, as known on `as_of`."""
    metrics = (win_rate, velocity, slippage, on_time_activities, pipeline)
    rows = [
        {
            str(name): value
            for name, value in metric(book, period, as_of, by="team", manager=manager).to_pandas().iloc[0].items()
        }
        for metric in metrics
    ]
    stages = pipeline_by_stage(book, period, as_of, manager=manager).to_pandas()
    conversion = stage_conversion(book, period, as_of, manager=manager).to_pandas()
    order = book.config.stage_order
    others = sorted(set(stages.stage_name) - set(order))
    return SalesHealth(
        currency=book.currency,
        has_deals=book.has("opportunities"),
        has_history=can_slip(book),
        has_activities=completions_known(book, as_of),
        wins=rows[0],
        speed=rows[1],
        slips=rows[2],
        activities=rows[3],
        open_deals=rows[4],
        median_cycle=median_cycle(book, period, as_of),
        stages=stages,
        stage_order=(*order, *others),
        stages_need=stages_need(book),
        conversion=with_interval(conversion, "advanced", "lost").assign(who="Team"),
    )
