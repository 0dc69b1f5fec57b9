"""How the team sells, in one place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from books import make_book

from salesops.book.horizon import resolve
from salesops.book.source import open_book
from salesops.metrics.pipeline import pipeline
from salesops.metrics.slippage import slippage
from salesops.metrics.win_rate import win_rate
from salesops.pages.team.health import sales_health
from salesops.periods import parse_period


def test_figures_are_those_of_the_metrics(sample: Path) -> None:
    """Every figure is what its metric gives for the team, and each stage of the book has a conversion."""
    book = open_book(sample)
    period, as_of = resolve(book)
    health = sales_health(book, period, as_of)
    for found, metric in ((health.wins, win_rate), (health.slips, slippage), (health.open_deals, pipeline)):
        expected = metric(book, period, as_of, by="team").to_pandas().iloc[0]
        pd.testing.assert_series_equal(pd.Series(found), expected, check_names=False, check_dtype=False)
    assert (health.has_deals, health.has_history) == (True, True)
    assert tuple(health.conversion.stage_name) == book.config.stage_order
    assert set(health.conversion.who) == {"Team"}
    assert health.stages.deals.sum() == pytest.approx(health.open_deals["open_deals"])


def test_book_without_deals_says_so(tmp_path: Path) -> None:
    """A book of users alone gives empty figures, not an error."""
    book = make_book(tmp_path, {"users": [{"user_id": "A"}]}, stage_order=["Lead", "Offer"])
    health = sales_health(book, parse_period("2026-Q1"), date(2026, 3, 31))
    assert (health.has_deals, health.has_history, health.median_cycle) == (False, False, None)
    assert pd.isna(health.wins["win_rate"])
    assert health.conversion.empty
    assert {"low", "high", "who"} <= set(health.conversion)


def test_stages_outside_the_order_come_last(tmp_path: Path) -> None:
    """A stage that the book does not order is shown after those that it does."""
    deals = [
        {"opportunity_id": stage, "owner_id": "A", "stage_name": stage, "amount": 1}
        for stage in ("Odd", "Offer", "Another")
    ]
    tables = {"users": [{"user_id": "A"}], "opportunities": deals}
    health = sales_health(
        make_book(tmp_path, tables, stage_order=["Lead", "Offer"]), parse_period("2026-Q1"), date(2026, 3, 31)
    )
    assert health.stage_order == ("Lead", "Offer", "Another", "Odd")
