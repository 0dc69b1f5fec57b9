"""Metrics over several periods."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from books import make_book, records

from salesops.book.source import Book
from salesops.metrics.activities import on_time_activities
from salesops.metrics.attainment import attainment
from salesops.metrics.commitments import commitments
from salesops.metrics.conversion import stage_conversion
from salesops.metrics.over_time import over_time
from salesops.metrics.pipeline import pipeline, pipeline_by_stage
from salesops.metrics.slippage import slippage
from salesops.metrics.velocity import velocity
from salesops.metrics.win_rate import win_rate
from salesops.periods import Period, parse_period

QUARTERS = [parse_period(f"2026-Q{n}") for n in (1, 2, 3)]
METRICS = [
    on_time_activities,
    attainment,
    commitments,
    stage_conversion,
    pipeline,
    pipeline_by_stage,
    slippage,
    velocity,
    win_rate,
]


@pytest.fixture(scope="module")
def company(company_book: Book) -> Book:
    return company_book


@pytest.mark.long
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.__name__)
def test_each_period_gives_what_the_metric_gives_alone(company: Book, metric: Any) -> None:
    """Over time a metric has, under each period, the rows that it gives for that period alone."""
    as_of = date(2026, 9, 30)
    together = over_time(metric, company, QUARTERS, as_of)
    assert together.columns[:2] == ("period", "period_start")
    rows = records(together)
    assert {row["period"] for row in rows} == {quarter.label for quarter in QUARTERS}
    alone = records(metric(company, QUARTERS[1], as_of))
    inside = [row for row in rows if row["period_start"] == QUARTERS[1].start]
    assert len(inside) == len(alone) > 0


def test_options_reach_the_metric(tmp_path: Path) -> None:
    """Options such as `by` go to the metric; one period gives a table too."""
    deals = [
        {"opportunity_id": key, "owner_id": "A", "amount": amount, "close_date": day, "is_closed": True, "is_won": True}
        for key, amount, day in (("D1", 10, "2026-01-31"), ("D2", 5, "2026-02-01"))
    ]
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "opportunities": deals})
    months = [parse_period("2026-01"), parse_period("2026-02"), Period(date(2026, 3, 1), date(2026, 3, 31), "March")]
    rows = records(over_time(attainment, book, months, date(2026, 12, 31), by="team"))
    assert {row["period"]: row["booked"] for row in rows} == {"2026-01": 10, "2026-02": 5, "March": 0}
    (first,) = records(over_time(attainment, book, months[:1], date(2026, 12, 31), by="team"))
    assert (first["period"], first["period_start"], first["booked"]) == ("2026-01", date(2026, 1, 1), 10)
