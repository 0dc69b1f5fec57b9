"""What is expected to be lost, and its interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from salesops.models.churn.risk import UNTESTED, at_risk, calibration_doubt


def told(p: np.ndarray, lost: np.ndarray, cut: str = "2026-01-01") -> pd.DataFrame:
    """Predictions of one test slice."""
    return pd.DataFrame({"cut": pd.Timestamp(cut), "p": p, "churned": lost})


def test_interval_is_that_of_draws() -> None:
    """Mean and 80% interval of count and money are those of 40,000 simulated years."""
    rng = np.random.default_rng(1)
    p, money = rng.beta(1, 4, 200), rng.gamma(2, 500, 200)
    past = told(np.full(100, 0.3), np.arange(100) < 40)
    doubt = calibration_doubt(past)
    assert doubt == pytest.approx(np.log(0.4 / 0.6) - np.log(0.3 / 0.7))
    found = at_risk(p, money, past)
    odds = np.log(p / (1 - p)) + rng.normal(0, doubt, 40_000)[:, None]
    lost = rng.random((40_000, 200)) < 1 / (1 + np.exp(-odds))
    for middle, low, high, draws in (
        (found.clients, found.clients_low, found.clients_high, lost.sum(axis=1)),
        (found.value, found.value_low, found.value_high, lost @ money),
    ):
        assert middle == pytest.approx(np.sum(p * (money if middle is found.value else 1)))
        assert [low, high] == pytest.approx(np.quantile(draws, [0.1, 0.9]), rel=0.03)


def test_honest_chances_leave_little_doubt() -> None:
    """Where chances added up to what came there is no doubt; without a backtest a usual one is taken."""
    assert calibration_doubt(told(np.full(100, 0.3), np.arange(100) < 30)) == pytest.approx(0, abs=1e-9)
    assert calibration_doubt(pd.DataFrame({"cut": [], "p": [], "churned": []})) == UNTESTED


def test_more_doubt_is_a_wider_interval() -> None:
    """A backtest that was far off widens the interval on both sides, and leaves the middle."""
    p, money = np.full(100, 0.2), np.full(100, 10.0)
    near, far = (at_risk(p, money, told(np.full(100, 0.2), np.arange(100) < lost)) for lost in (20, 45))
    assert far.clients == near.clients == pytest.approx(20)
    assert far.clients_low < near.clients_low < 20 < near.clients_high < far.clients_high


def test_nothing_to_lose() -> None:
    """Without chances, or without clients, there is no figure."""
    empty = told(np.array([]), np.array([]))
    assert np.isnan(at_risk(np.array([np.nan]), np.array([1.0]), empty).clients)
    assert np.isnan(at_risk(np.array([]), np.array([]), empty).value)
