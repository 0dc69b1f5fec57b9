"""The two models: contributions that add up, calibration, and tables that are not as they should be."""

from __future__ import annotations

import examples
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from models.churn.worlds import drawn
from salesops.errors import ChurnError
from salesops.models.churn import AdditiveChurn, LogisticChurn
from salesops.models.churn.calibrated import platt
from salesops.models.churn.scores import ece
from salesops.models.ranking import auc

MODELS = [LogisticChurn(), AdditiveChurn(max_iter=40)]
both = pytest.mark.parametrize("model", MODELS, ids=["logistic", "additive"])


@both
def test_base_and_contributions_add_up(model: LogisticChurn | AdditiveChurn) -> None:
    """Base + Σ contributions is the log-odds of predict_proba, to 1e-9, also for rows unlike those of the fit."""
    table, lost, _ = drawn(600)
    fitted = clone(model).fit(table, lost)
    strange = table.assign(hiatus_days=table.hiatus_days * 50, trade="Wind", talks=np.nan)
    for asked in (table, strange):
        p = fitted.predict_proba(asked)[:, 1]
        added = fitted.base_ + fitted.contributions(asked).sum(axis=1)
        np.testing.assert_allclose(np.log(p / (1 - p)), added, atol=1e-9)
        np.testing.assert_allclose(fitted.decision_function(asked), added, atol=1e-9)


@both
def test_contributions_are_against_the_average_row(model: LogisticChurn | AdditiveChurn) -> None:
    """Over the rows of the fit the contributions of each feature have mean 0."""
    table, lost, _ = drawn(600)
    parts = clone(model).fit(table, lost).contributions(table)
    np.testing.assert_allclose(parts.mean(), 0, atol=1e-6)


def test_look_up_is_what_the_trees_say() -> None:
    """The table of each feature gives what scikit-learn's trees give, whatever the other features are."""
    table, lost, _ = drawn(800)
    model = AdditiveChurn(max_iter=60, folds=0).fit(table, lost)
    values = model.columns_.read(table)
    bins = model._with_gaps(model._bins(values))
    np.testing.assert_allclose(model.decision_function(table), model.booster_.decision_function(bins), atol=1e-9)


def test_contribution_is_the_partial_dependence() -> None:
    """A contribution is the booster's score with only that feature changed, less its mean over the rows of the fit."""
    table, lost, _ = drawn(500)
    model = AdditiveChurn(max_iter=60, folds=0).fit(table, lost)
    bins = model._with_gaps(model._bins(model.columns_.read(table)))
    parts = model.contributions(table)
    for place, name in enumerate(table):
        held = np.tile(bins[7], (len(bins), 1))
        held[:, place] = bins[:, place]
        score = model.booster_.decision_function(held)
        np.testing.assert_allclose(parts[name], score - score.mean(), atol=1e-9)


def test_logistic_is_the_regression_that_it_says() -> None:
    """Without bends and gaps the log-odds are those of a logistic regression on standardised columns."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(400, 2)), columns=["a", "b"]).clip(-1.5, 1.5)
    lost = rng.random(400) < 1 / (1 + np.exp(-table.a.to_numpy() + 1))
    model = LogisticChurn(C=np.inf, shapes=("as is",), folds=0).fit(table, lost)
    # the maximum of the likelihood: residuals are orthogonal to the columns
    left = lost - model.predict_proba(table)[:, 1]
    np.testing.assert_allclose([left.sum(), left @ table.a, left @ table.b], 0, atol=0.05)


@both
def test_chances_are_calibrated(model: LogisticChurn | AdditiveChurn) -> None:
    """On rows that it has not seen, chances are those that were drawn with: small ECE, near the best AUC."""
    table, lost, _ = drawn(4000)
    fresh, came, chance = drawn(4000, seed=6)
    p = clone(model).fit(table, lost).predict_proba(fresh)[:, 1]
    assert ece(p, came) < 0.03
    assert auc(p, came) > auc(chance, came) - 0.02


def test_calibration_flattens_what_is_overfitted() -> None:
    """Trees that learn noise by heart are too sure; calibration scales their log-odds, and reasons with them."""
    table, lost, _ = drawn(300)
    rough = {"max_iter": 300, "max_leaf_nodes": 16, "min_samples_leaf": 2, "learning_rate": 0.3}
    sure, honest = (AdditiveChurn(folds=folds, **rough).fit(table, lost) for folds in (0, 5))
    assert 0 < honest.slope_ < 0.6
    np.testing.assert_allclose(honest.contributions(table), honest.slope_ * sure.contributions(table), atol=1e-9)


def test_platt_finds_the_line() -> None:
    """Scores that are 2 × log-odds + 1 get slope ½ and shift −½, within sampling error; useless ones get slope 0."""
    rng = np.random.default_rng(3)
    odds = rng.normal(size=50_000)
    lost = rng.random(50_000) < 1 / (1 + np.exp(-odds))
    assert platt(2 * odds + 1, lost) == pytest.approx((-0.5, 0.5), abs=0.03)
    shift, slope = platt(-odds, lost)
    assert (slope, shift) == (0.0, pytest.approx(np.log(lost.mean() / (1 - lost.mean()))))


def test_rows_of_one_client_calibrate_nothing_of_their_own() -> None:
    """With groups no client is in two folds: a client's own fingerprint, which says nothing of others, counts for 0."""
    rng = np.random.default_rng(4)
    client = np.repeat(np.arange(60), 10)
    lost = np.repeat(rng.random(60) < 0.4, 10)
    table = pd.DataFrame({"fingerprint": np.repeat(rng.random(60), 10)})
    rough = AdditiveChurn(max_iter=200, max_leaf_nodes=16, min_samples_leaf=2, folds=5)
    assert clone(rough).fit(table, lost).slope_ > 0.5
    assert clone(rough).fit(table, lost, groups=client).slope_ < 0.2


@both
def test_new_category_is_unknown(model: LogisticChurn | AdditiveChurn) -> None:
    """A category that was not in the fit is scored as a missing one, without an error."""
    table, lost, _ = drawn(400)
    fitted = clone(model).fit(table, lost)
    new, none = (fitted.decision_function(table.assign(trade=value)) for value in ("Wind", None))
    np.testing.assert_array_equal(new, none)


@both
def test_columns_that_say_nothing_add_nothing(model: LogisticChurn | AdditiveChurn) -> None:
    """A constant column, and one without any value, contribute 0 and change no chance."""
    table, lost, _ = drawn(400)
    wide = table.assign(same=3.0, empty=np.nan, word="all")
    fitted = clone(model).fit(wide, lost)
    assert (fitted.contributions(wide)[["same", "empty", "word"]].abs() < 1e-12).all(axis=None)
    np.testing.assert_allclose(
        fitted.decision_function(wide), clone(model).fit(table, lost).decision_function(table), atol=1e-6
    )


@both
def test_missing_everywhere_is_the_base_rate(model: LogisticChurn | AdditiveChurn) -> None:
    """Where nothing is known of anyone, everyone has the share that was lost."""
    lost = np.arange(100) < 30
    table = pd.DataFrame({"a": np.full(100, np.nan), "b": np.full(100, np.nan)})
    p = clone(model).fit(table, lost).predict_proba(table)[:, 1]
    np.testing.assert_allclose(p, 0.3, atol=0.01)


@both
def test_like_any_estimator(model: LogisticChurn | AdditiveChurn) -> None:
    """Parameters can be read and set, a clone is not fitted, fits repeat, and predict follows the chance."""
    table, lost, _ = drawn(300)
    same = clone(model).set_params(folds=2)
    assert same.get_params()["folds"] == 2
    assert not hasattr(same, "base_")
    one, two = (clone(same).fit(table, lost) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(table), two.predict_proba(table))
    np.testing.assert_array_equal(one.predict(table), one.predict_proba(table)[:, 1] > 0.5)
    np.testing.assert_array_equal(one.classes_, [0, 1])


@both
@settings(max_examples=examples.of(15), deadline=None)
@given(
    data=st.lists(
        st.tuples(st.one_of(st.none(), st.floats(-1e6, 1e6)), st.sampled_from(["x", "y", None]), st.booleans()),
        min_size=4,
        max_size=60,
    ).filter(lambda rows: len({row[2] for row in rows}) == 2)
)
def test_any_table_gives_chances(model: LogisticChurn | AdditiveChurn, data: list[tuple[object, object, bool]]) -> None:
    """Whatever the values, chances lie between 0 and 1 and contributions add up."""
    table = pd.DataFrame({"a": [row[0] for row in data], "b": [row[1] for row in data]}).astype({"a": float})
    fitted = clone(model).fit(table, [row[2] for row in data])
    p = fitted.predict_proba(table)[:, 1]
    assert ((p >= 0) & (p <= 1)).all()
    added = fitted.base_ + fitted.contributions(table).sum(axis=1)
    np.testing.assert_allclose(fitted.decision_function(table), added, atol=1e-9)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ([0, 0, 0, 0], "All 4 labels are 0: a model needs some that were lost and some that were kept"),
        ([1, 1, 1, 1], "All 4 labels are 1"),
        ([0, 1, None, 1], r"1 of 4 labels are missing \(first in row 2\)"),
        ([0, 1, 2, 1], "A label must be 0 .kept. or 1 .lost.. Got 2"),
        ([0, 1], "Expected a label for each of 4 rows, found 2"),
    ],
)
def test_labels_that_no_model_fits(lost: list[object], message: str) -> None:
    """Labels of one kind, missing, odd or too few are refused, with what was found."""
    with pytest.raises(ChurnError, match=message):
        LogisticChurn().fit(pd.DataFrame({"a": [1.0, 2, 3, 4]}), lost)


def test_columns_that_do_not_fit() -> None:
    """A feature that is gone, doubled, or now a text is named; so is a table that is none."""
    table, lost, _ = drawn(100)
    fitted = LogisticChurn().fit(table, lost)
    with pytest.raises(ChurnError, match=r"4 features; 1 not found: talks. For 'talks': Did you mean 'talk'\?"):
        fitted.predict_proba(table.rename(columns={"talks": "talk"}))
    with pytest.raises(ChurnError, match="'talks' was fitted as a number and now holds texts"):
        fitted.predict_proba(table.assign(talks="many"))
    with pytest.raises(ChurnError, match=r"Each feature needs a name of its own\. Repeated: talks"):
        LogisticChurn().fit(table.rename(columns={"trade": "talks"}), lost)
    with pytest.raises(ChurnError, match="There is no feature to fit on"):
        LogisticChurn().fit(table[[]], lost)
    with pytest.raises(ChurnError, match=r"Features must be a pandas\.DataFrame with named columns\. Got ndarray"):
        LogisticChurn().fit(np.ones((3, 2)), [0, 1, 1])
