"""How chances are scored: by hand, against scikit-learn, and against rows that are written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from salesops.models.churn.profit import expected_profit, realised_profit
from salesops.models.churn.scores import auc_draws, calibration, draw, ece, interval, lift, lift_draws, measures
from salesops.models.ranking import auc

scored = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40)


@given(scored.filter(lambda rows: len({row[1] for row in rows}) == 2))
def test_auc_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    """With ties, the area is the one that scikit-learn gives."""
    score, lost = zip(*rows, strict=True)
    assert auc(score, lost) == pytest.approx(roc_auc_score(lost, score))


@given(scored, st.integers(0, 5))
def test_a_weight_is_so_many_rows(rows: list[tuple[int, bool]], seed: int) -> None:
    """AUC and lift of a draw are those of the rows written out as often as they were drawn."""
    score, lost = (np.array(column) for column in zip(*rows, strict=True))
    times = np.random.default_rng(seed).integers(0, 4, len(rows))
    times[0] += 1
    found = auc_draws(score.astype(float), lost, times[None, :].astype(float))[0]
    wide, came = np.repeat(score, times), np.repeat(lost, times)
    assert found == pytest.approx(auc(wide, came), nan_ok=True)
    raised = lift_draws(score.astype(float), lost, times[None, :].astype(float))[0]
    assert raised == pytest.approx(lift(wide, came), nan_ok=True)


def test_lift_by_hand() -> None:
    """Two of 20 are the top tenth; with one of them lost and 4 lost in all the lift is (1/2) ÷ (4/20)."""
    lost = np.zeros(20, dtype=bool)
    lost[[0, 5, 6, 7]] = True
    assert lift(np.arange(20, 0, -1), lost) == pytest.approx(2.5)


def test_equal_scores_have_no_lift() -> None:
    """Where all scores are equal the top tenth is like all, in whatever order the rows stand."""
    lost = np.arange(50) < 10
    assert lift(np.ones(50), lost) == pytest.approx(1)
    assert lift(np.ones(50), lost[::-1]) == pytest.approx(1)


def test_calibration_by_hand() -> None:
    """Bins of equal size: ECE is the mean distance of predicted and observed, weighted by rows."""
    p, lost = np.repeat([0.1, 0.5, 0.9, 0.95], 5), np.r_[[0] * 5, [1] * 5, [1] * 5, [0] * 5]
    table = calibration(p, lost, bins=4)
    assert table.predicted.tolist() == pytest.approx([0.1, 0.5, 0.9, 0.95])
    assert table.observed.tolist() == [0, 1, 1, 0]
    assert ece(p, lost, bins=4) == pytest.approx((0.1 + 0.5 + 0.1 + 0.95) / 4)


def test_measures_of_one_class_are_nan() -> None:
    """Where nobody or everybody was lost nothing can be ranked: NaN, no error; Brier and ECE still stand."""
    p = np.array([0.2, 0.4, 0.6])
    none, everyone = measures(p, p, np.zeros(3, bool)), measures(p, p, np.ones(3, bool))
    assert np.isnan([none[name] for name in ("auc", "pr_auc", "bias", "lift")]).all()
    assert np.isnan([everyone[name] for name in ("auc", "pr_auc")]).all()
    assert none["brier"] == pytest.approx((0.04 + 0.16 + 0.36) / 3)
    assert everyone["bias"] == pytest.approx(1.2 / 3 - 1)
    assert np.isnan(list(measures(np.array([]), np.array([]), np.array([], bool)).values())).all()


def test_intervals_hold_the_truth() -> None:
    """Of 95% bootstrap intervals of the AUC about 95 in 100 hold the true area (a normal shift of 1: 0.7602)."""
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        lost = rng.random(300) < 0.4
        score = rng.normal(size=300) + lost
        weights = draw(pd.Series(np.arange(300)), seed=seed).weights(pd.Series(np.arange(300)))
        low, high = interval(auc_draws(score, lost, weights))
        held += low <= 0.7602 <= high
    assert 51 <= held <= 60


def test_rows_of_a_client_are_drawn_together() -> None:
    """The bootstrap draws clients: all rows of one have the same weight in every draw."""
    accounts = pd.Series(["A", "B", "A", "C"])
    weights = draw(accounts).weights(accounts)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    assert weights.sum(axis=1).std() > 0
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_profit_by_hand() -> None:
    """p·[γ(CLV − d) − f] − (1 − p)(d + f); realised is the same with p = 1 for the lost and 0 for the kept."""
    terms = {"save_rate": 0.3, "contact_cost": 1.0, "incentive": 30.0}
    assert expected_profit(0.5, 630, **terms) == pytest.approx(0.5 * (0.3 * 600 - 1) - 0.5 * 31)
    np.testing.assert_allclose(realised_profit([True, False], [630, 630], **terms), [179, -31])
