"""The season of arrivals: found where years agree, drawn to none where they do not, and silent with short history."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from salesops.book.source import open_book
from salesops.intake import import_book
from salesops.models.forecast import backtest_forecast
from salesops.models.forecast.season import month_factors, season_of

FIRST, LAST = date(2023, 1, 1), date(2026, 12, 31)
PLANTED = np.array([1.4, 1.2, 1.0, 0.9, 0.8, 0.7, 0.6, 0.8, 1.0, 1.1, 1.2, 1.3])


def arrivals(factors: np.ndarray, rate: float, *, growth: float = 0.0, seed: int = 1) -> pd.Series:
    """Days of arrivals: Poisson, so many a day on average, by the factor of the month, growing by the day."""
    days = pd.date_range(FIRST, LAST)
    level = rate * factors[days.month.to_numpy() - 1] * np.exp(growth * np.arange(len(days)))
    return pd.Series(np.repeat(days, np.random.default_rng(seed).poisson(level)))


@pytest.mark.parametrize("growth", [0.0, 0.0006])
def test_a_planted_season_is_found(growth: float) -> None:
    """Four years of many arrivals give the planted factors back, whether the business grows or not."""
    found = month_factors(arrivals(PLANTED, 6.0, growth=growth), FIRST, LAST)
    assert np.abs(found - PLANTED / PLANTED.mean()).max() < 0.12
    assert found.mean() == pytest.approx(1)


def test_luck_alone_is_no_season() -> None:
    """Without a season the factors stay at 1 or near it, far nearer than the counts of the months do."""
    for seed in range(5):
        days = arrivals(np.ones(12), 0.4, seed=seed)
        raw = days.dt.month.value_counts() / (len(days) / 12)
        found = month_factors(days, FIRST, LAST)
        assert np.abs(found - 1).max() < 0.6 * np.abs(raw - 1).max()


def test_one_wild_month_is_no_season() -> None:
    """A month that stood out in one year of four, and not in the others, moves its factor by little."""
    days = arrivals(np.ones(12), 2.0)
    burst = pd.Series(pd.date_range("2025-05-01", periods=60, freq="12h"))
    found = month_factors(pd.concat([days, burst, burst]), FIRST, LAST)
    assert found[4] < 1.2


@pytest.mark.parametrize(("first", "last"), [(date(2025, 2, 1), LAST), (date(2024, 1, 2), date(2025, 12, 30))])
def test_under_two_whole_years_there_is_no_season(first: date, last: date) -> None:
    """With 23 whole months or fewer all factors are 1."""
    assert (month_factors(arrivals(PLANTED, 6.0), first, last) == 1).all()
    assert (month_factors(pd.Series(dtype="datetime64[ns]"), FIRST, LAST) == 1).all()


def test_days_count_by_their_weight() -> None:
    """The season of days is the mean of their months' factors by weight, and 1 without any."""
    days = pd.Series([1.0, 3.0], index=pd.to_datetime(["2027-01-31", "2027-02-01"]))
    assert season_of(PLANTED, days) == pytest.approx((1.4 + 3 * 1.2) / 4)
    assert season_of(PLANTED, days * 0) == 1


def test_adventureworks_is_forecast_better_with_it(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where years agree on their months, past quarters are off by less than with a flat year, reps' too."""
    import_book("adventureworks", shared / "data" / "adventureworks_dw", tmp_path / "book")
    wape = {}
    for name in ("season", "flat"):
        if name == "flat":
            monkeypatch.setattr("salesops.models.forecast.arrivals.month_factors", lambda *_: np.ones(12))
        found = backtest_forecast(open_book(tmp_path / "book"), date(2013, 11, 29), quarters=4)
        assert found is not None
        scores = found.scores[(found.scores.forecaster == "model") & (found.scores.week == 0)]
        wape[name] = scores.set_index("level").wape
    assert wape["season"]["company"] < 0.9 * wape["flat"]["company"]
    assert wape["season"]["rep"] < wape["flat"]["rep"]
