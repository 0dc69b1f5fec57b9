"""Whether scores still hold: drift, calibration and alerts, each against a computation of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.models.churn.health import alerts_came_true, calibration_drift, drift


def uniform(count: int, seed: int) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).uniform(size=count))


def test_the_index_by_hand() -> None:
    """Two bins of equal share before, 25 to 75 now: .25 × ln 3, but for half a client in each bin."""
    before = pd.Series([0.1] * 5000 + [0.9] * 5000)
    now = pd.Series([0.1] * 2500 + [0.9] * 7500)
    found = drift(before, now)
    assert len(found.bins) == 2
    assert found.psi == pytest.approx(0.25 * np.log(3), abs=1e-3)
    assert found.verdict == "moved a lot"
    assert found.bins.before.tolist() == pytest.approx([0.5, 0.5])
    assert found.bins.now.tolist() == pytest.approx([0.25, 0.75], abs=1e-4)


def test_chance_is_exceeded_once_in_twenty() -> None:
    """Without any change, the index of drawn scores passes what chance alone gives in about 5 of 100 draws."""
    found = [drift(uniform(400, n), uniform(300, 10_000 + n)) for n in range(600)]
    assert 0.03 <= np.mean([each.psi > each.chance for each in found]) <= 0.08


def test_equal_scores_share_a_bin() -> None:
    """Scores with few different values, as the hiatus rule gives, drift nowhere if they are the same."""
    steps = pd.Series([0.1, 0.2, 0.5] * 50)
    found = drift(steps, steps)
    assert found.psi == pytest.approx(0)
    assert found.verdict == "steady"
    assert len(found.bins) <= 3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_index_is_never_negative(before: list[float], now: list[float]) -> None:
    """Whatever the scores: the index is 0 or more, and both dates' shares add up to 1."""
    found = drift(pd.Series(before), pd.Series(now))
    assert found.psi >= -1e-12
    assert found.bins.before.sum() == pytest.approx(1)
    assert found.bins.now.sum() == pytest.approx(1)


def test_no_scores_and_few_scores_are_not_judged() -> None:
    """Without scores there is no index; with few it is given, and not judged."""
    nothing = pd.Series([np.nan, np.nan])
    assert np.isnan(drift(nothing, uniform(100, 1)).psi)
    assert drift(uniform(100, 1), nothing).verdict == "too few to say"
    assert drift(uniform(20, 1), uniform(200, 2)).verdict == "too few to say"


def test_lost_against_foretold_by_cut() -> None:
    """Each cut has its own sums; the interval is that of the share lost, over the mean chance."""
    rows = pd.DataFrame(
        {
            "cut": ["2026-01-31"] * 100 + ["2026-04-30"] * 100,
            "p": [0.2] * 200,
            "churned": [True] * 20 + [False] * 80 + [True] * 45 + [False] * 55,
        }
    )
    found = calibration_drift(rows)
    assert found.observed.tolist() == [20, 45]
    assert found.expected.tolist() == pytest.approx([20, 20])
    assert found.ratio.tolist() == pytest.approx([1, 2.25])
    assert found.holds.tolist() == [True, False]
    # the Wilson interval of 45 in 100 is .3561 to .5476 (Newcombe, 1998, formula without correction)
    assert found.low[1] == pytest.approx(0.3561 / 0.2, abs=1e-3)
    assert found.high[1] == pytest.approx(0.5476 / 0.2, abs=1e-3)


def test_no_predictions_give_no_slices() -> None:
    """Where nothing was tested there is nothing to show, and no error."""
    nothing = pd.DataFrame({"cut": [], "p": [], "churned": []})
    assert calibration_drift(nothing).empty
    found = calibration_drift(pd.DataFrame({"cut": ["a"], "p": [0.0], "churned": [False]}))
    assert np.isnan(found.ratio[0])


def test_alerts_are_held_against_what_came() -> None:
    """Of three alerts of whom it is known two were lost; who is not yet due does not count."""
    known = pd.DataFrame({"p": [0.9, 0.8, 0.7, 0.2, 0.9], "churned": [1, 1, 0, 0, np.nan]}, index=[4, 3, 2, 1, 0])
    found = alerts_came_true(pd.Series([True, True, True, False, True], index=[4, 3, 2, 1, 0]), known)
    assert (found.alerts, found.lost) == (3, 2)
    assert found.share == pytest.approx(2 / 3)
    assert found.expected == pytest.approx(0.8)
    assert found.everyone == pytest.approx(0.5)
    assert found.low < 2 / 3 < found.high


def test_without_alerts_nothing_came_true() -> None:
    """No alert, or no outcome: the share is not known and its interval is everything."""
    known = pd.DataFrame({"p": [0.5], "churned": [0.0]})
    found = alerts_came_true(pd.Series([False]), known)
    assert np.isnan(found.share)
    assert (found.low, found.high) == (0, 1)
    none = alerts_came_true(pd.Series([True]), known.assign(churned=np.nan))
    assert none.alerts == 0
    assert np.isnan(none.everyone)
