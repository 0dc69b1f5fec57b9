"""The backtest and its measures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from models.lifetime.worlds import draw
from salesops.models.lifetime import BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD
from salesops.models.lifetime.backtest import backtest
from salesops.models.ranking import auc, auc_lead

PARAMS = {"r": 0.6, "alpha": 5.0, "a": 0.8, "b": 2.5}


@pytest.fixture(scope="module")
def customers() -> tuple[pd.DataFrame, np.ndarray]:
    world = draw("ModifiedBetaGeoNBD", PARAMS, 3000, age=40, ahead=25, seed=3)
    return pd.DataFrame({"frequency": world.x, "recency": world.t_x, "T": world.T}), world.later


@given(rows=st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.5, 2.0]), st.booleans()), min_size=1, max_size=40))
def test_auc_is_that_of_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    """Ties count half, as in scikit-learn; with one kind of customer alone there is no AUC."""
    score, buys = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if buys.all() or not buys.any():
        assert np.isnan(auc(score, buys))
    else:
        assert auc(score, buys) == pytest.approx(roc_auc_score(buys, score))


def test_measures_by_hand(customers: tuple[pd.DataFrame, np.ndarray]) -> None:
    """Each column is what its name says, computed anew from the forecast of a model fitted on the calibration."""
    table, bought = customers
    found = backtest(ModifiedBetaGeoNBD(), table, bought, 25).set_index("forecast")
    told = ModifiedBetaGeoNBD().fit(table.frequency, table.recency, table["T"])
    purchases = pd.Series(told.expected_purchases(25, table.frequency, table.recency, table["T"]))
    row = found.loc["expected purchases"]
    assert row.total == pytest.approx(purchases.sum())
    assert row.bias == pytest.approx(purchases.sum() / bought.sum() - 1)
    assert row.mae == pytest.approx((purchases - bought).abs().mean())
    assert row.rmse == pytest.approx(((purchases - bought) ** 2).mean() ** 0.5)
    assert row.correlation == pytest.approx(purchases.corr(pd.Series(bought)))
    assert row.rank_correlation == pytest.approx(purchases.corr(pd.Series(bought), method="spearman"))
    assert row.auc == pytest.approx(roc_auc_score(bought > 0, purchases))
    silence = found.loc["time since last purchase"]
    assert silence.auc == pytest.approx(roc_auc_score(bought > 0, table.recency - table["T"]))


def test_the_true_model_is_unbiased_and_beats_the_baselines() -> None:
    """On customers drawn from the model the total is right, and errors and ranks are better than the naive ones."""
    world = draw("ModifiedBetaGeoNBD", PARAMS, 40_000, age=40, ahead=25, seed=4)
    table = pd.DataFrame({"frequency": world.x, "recency": world.t_x, "T": world.T})
    found = backtest(ModifiedBetaGeoNBD(), table, world.later, 25).set_index("forecast")
    assert abs(found.bias["expected purchases"]) < 0.05
    assert found.rmse["expected purchases"] < found.rmse["predict zero"]
    assert found.auc["probability active"] > found.auc["time since last purchase"]


def test_what_has_no_meaning_is_empty(customers: tuple[pd.DataFrame, np.ndarray]) -> None:
    """Forecasts that only rank have no total; a constant has no correlation, and ranks like a coin."""
    found = backtest(BetaGeoNBD(), *customers, 25).set_index("forecast")
    ranks = found.loc[["probability active", "time since last purchase"]]
    assert ranks[["total", "bias", "mae", "rmse", "correlation"]].isna().all(axis=None)
    zero = found.loc["predict zero"]
    assert np.isnan(zero.correlation)
    assert np.isnan(zero.rank_correlation)
    assert (zero.total, zero.bias, zero.auc) == (0, -1, 0.5)


def test_nothing_bought_gives_no_bias_and_no_auc(customers: tuple[pd.DataFrame, np.ndarray]) -> None:
    """A holdout without purchases has no bias, as a fraction of nothing, and no AUC."""
    table, bought = customers
    found = backtest(ParetoNBD(), table, bought * 0, 25)
    assert found.bias.isna().all()
    assert found.auc.isna().all()
    assert (found.actual == 0).all()


def test_the_model_given_stays_as_it_is(customers: tuple[pd.DataFrame, np.ndarray]) -> None:
    """The backtest fits a copy: the model that was given is neither fitted nor changed."""
    model = ModifiedBetaGeoNBD(max_iter=60)
    backtest(model, *customers, 25)
    assert not hasattr(model, "params_")
    assert clone(model).get_params() == {"max_iter": 60, "tol": 1e-7}


def test_a_fit_without_maximum_is_shown() -> None:
    """Customers who all bought once: the table says that the fit did not converge."""
    table = pd.DataFrame({"frequency": np.zeros(50), "recency": np.zeros(50), "T": np.arange(1, 51)})
    found = backtest(ModifiedBetaGeoNBD(), table, np.arange(50) % 2, 10)
    assert not found.converged.any()


def test_lead_is_that_of_draws() -> None:
    """The interval of the lead of one score over another is near that of customers drawn again."""
    rng = np.random.default_rng(4)
    bought = rng.random(400) < 0.3
    other = np.round(bought + rng.normal(0, 1.5, 400), 1)  # with ties
    score = 0.7 * other + 0.5 * bought + rng.normal(0, 0.5, 400)
    drawn = [rng.integers(0, 400, 400) for _ in range(2000)]
    leads = [auc(score[rows], bought[rows]) - auc(other[rows], bought[rows]) for rows in drawn]
    found = auc_lead(score, other, bought)
    assert np.mean(found) == pytest.approx(auc(score, bought) - auc(other, bought))
    assert found == pytest.approx(np.quantile(leads, (0.025, 0.975)), abs=0.01)
    assert auc_lead(other, other, bought) == (0, 0)
    assert np.isnan(auc_lead(score, other, np.arange(400) == 0)).all()
