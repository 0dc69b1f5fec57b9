"""The level and the shock that past forecasts teach: drawn to what is usual, and as unsure as they are few."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from salesops.models.forecast.level import SPREAD, USUAL, USUAL_LEVEL, Error, Level, level_from
from salesops.models.forecast.sums import SHOCK


def test_without_a_past_all_is_as_usual() -> None:
    """No past forecast: nothing is corrected, and level and shock together scatter as companies' totals usually do."""
    level = level_from([])
    assert level.factor == 1
    assert level.shock == pytest.approx(SHOCK, rel=0.01)
    assert Level().shock == SHOCK
    assert Level().shock_at(np.array([0.1, 0.9])) == pytest.approx([SHOCK, SHOCK])


def test_many_sure_forecasts_speak_for_themselves() -> None:
    """Forty forecasts without luck in them, 20% too low and within 5% of each other, leave little of what is usual."""
    rng = np.random.default_rng(2)
    level = level_from([Error(ratio, 0.01) for ratio in 1.2 + 0.05 * rng.standard_normal(40)])
    assert level.factor == pytest.approx(1.2, abs=0.05)
    assert 0.03 < level.shock < 0.09


def test_lucky_forecasts_teach_little() -> None:
    """Where luck alone makes totals scatter by half, three forecasts that were too low by a third move little."""
    level = level_from([Error(1.5, 0.5)] * 3)
    assert 1 < level.factor < 1.05
    assert level.shock == pytest.approx(SHOCK, rel=0.1)


def test_a_wild_past_is_not_followed_beyond_reason() -> None:
    """Ratios of 0 and of 50 give a level within its bounds, and a shock that is a number."""
    for ratio in (0.0, 50.0):
        level = level_from([Error(ratio, 0.1)] * 6)
        assert 0.5 <= level.factor <= 2
        assert 0 < level.shock < 2


def test_the_level_is_as_sure_as_it_says() -> None:
    """In worlds drawn from the model, 80% of levels and shocks lie within the middle 80% of what is said of them."""
    rng = np.random.default_rng(7)
    inside_level, inside_shock = [], []
    for _ in range(400):
        delta, sigma = USUAL_LEVEL * rng.standard_normal(), USUAL * np.exp(SPREAD * rng.standard_normal())
        noise = rng.uniform(0.08, 0.25, 5)
        ratio = 1 + delta + np.hypot(noise, sigma) * rng.standard_normal(5)
        level = level_from([Error(*error) for error in zip(ratio, noise, strict=True)])
        inside_level.append(abs(1 + delta - level.factor) < special.ndtri(0.9) * level.doubt)
        low, high = level.shock_at(np.array([0.1, 0.9]))
        inside_shock.append(low < sigma < high)
    assert np.mean(inside_level) == pytest.approx(0.8, abs=0.05)
    assert np.mean(inside_shock) == pytest.approx(0.8, abs=0.05)
