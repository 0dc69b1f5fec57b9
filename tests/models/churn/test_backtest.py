"""The backtest: what it learns from, what it chooses, and what it says of slices of one kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from salesops.models.churn.backtest import backtest_churn
from salesops.models.churn.methods import METHODS
from salesops.models.churn.result import CALIBRATION, SCORES
from salesops.models.churn.scores import auc

NAMES = ["hiatus_days", "tenure_days", "late_share"]


def units(slices: int = 4, clients: int = 150, *, strength: float = 2.0, seed: int = 1) -> pd.DataFrame:
    """Clients at cuts 90 days apart; lost by hiatus, and by late deliveries as far as `strength` says."""
    rng = np.random.default_rng(seed)
    count = slices * clients
    cut = pd.Timestamp("2026-01-01") - pd.to_timedelta(np.repeat(np.arange(slices)[::-1], clients) * 90, unit="D")
    table = pd.DataFrame(
        {
            "account_id": np.tile([f"A{n}" for n in range(clients)], slices),
            "cut": cut, "slice": cut, "due": cut + pd.Timedelta(days=90),
            "hiatus_days": rng.integers(0, 90, count).astype(float),
            "tenure_days": rng.integers(90, 700, count).astype(float),
            "late_share": rng.random(count),
            "value": 1000.0,
        }
    )  # fmt: skip  # dates stand together
    odds = -1.5 + 0.02 * table.hiatus_days + strength * (table.late_share - 0.5)
    return table.assign(churned=(rng.random(count) < 1 / (1 + np.exp(-odds))).astype(float))


def test_a_model_is_used_where_it_ranks_better() -> None:
    """Where something else than hiatus drives the loss, a model is chosen, and why says by how much."""
    backtest, choice = backtest_churn(units(strength=6), NAMES)
    assert choice.method in ("logistic", "additive boosting")
    assert "ranks better than days since the last order. Over 3 test slices its ROC-AUC is 0." in choice.why
    scores = backtest.scores
    assert list(scores.columns) == list(SCORES)
    assert list(scores.method[:7]) == list(METHODS)
    assert scores.newest.sum() == 7
    assert set(scores[scores.chosen].method) == {choice.method}
    assert list(backtest.calibration.columns) == list(CALIBRATION)
    assert backtest.calibration.n.sum() == len(backtest.predictions) == 450
    assert backtest.gain_low <= backtest.gain_of_full <= backtest.gain_high


def test_the_rule_is_used_where_no_model_beats_it() -> None:
    """Where hiatus is all there is, the hiatus rule is used, and why says so."""
    backtest, choice = backtest_churn(units(clients=500, strength=0), NAMES)
    assert (choice.method, choice.model) == ("hiatus", "hiatus rule")
    assert choice.why.startswith("The hiatus rule is used: no model beats it by more than the noise.")
    chosen = backtest.scores[backtest.scores.chosen]
    assert (chosen.method == "hiatus").all()
    # its chance is learnt from history: a probability, not days
    assert chosen.ece.max() < 0.08


def test_nothing_is_learnt_from_the_future() -> None:
    """What happens in a test slice, or after it, changes no chance of that slice."""
    table = units(strength=6)
    newest = table.slice == table.slice.max()
    turned = table.assign(churned=table.churned.where(~newest, 1 - table.churned))
    one, other = (backtest_churn(frame, NAMES)[0].scores for frame in (table, turned))
    older = one.newest.eq(False).to_numpy()
    pd.testing.assert_frame_equal(one[older].drop(columns="chosen"), other[older].drop(columns="chosen"))
    assert not one.auc[~older].equals(other.auc[~older])


def test_labels_that_end_after_the_cut_are_not_learnt_from() -> None:
    """A training unit counts only if its outcome was known by the first cut of the test slice."""
    table = units(slices=2)
    table["due"] += pd.Timedelta(days=1)
    backtest, choice = backtest_churn(table, NAMES)
    assert backtest.scores.empty
    assert choice.why == "The hiatus rule is used: there is no earlier slice of time to hold a model against."


@pytest.mark.parametrize(("value", "word"), [(0.0, "kept"), (1.0, "lost")])
def test_a_slice_of_one_kind_is_nan_with_a_reason(value: float, word: str) -> None:
    """A test slice in which all were kept, or all lost, has no AUC; the others stand, and the row says why."""
    table = units(strength=6)
    table.loc[table.slice == table.slice.max(), "churned"] = value
    backtest, choice = backtest_churn(table, NAMES)
    newest = backtest.scores[backtest.scores.newest & (backtest.scores.method == "logistic")].iloc[0]
    assert np.isnan([newest.auc, newest.auc_low, newest.pr_auc]).all()
    assert newest.note == f"all 150 were {word}: nothing can be ranked"
    assert newest.brier > 0
    assert "Over 2 test slices" in choice.why


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"churned": 0.0}, "Nothing to learn from: none of 600 was lost in any slice of time."),
        ({"churned": 1.0}, "Nothing to learn from: all of 600 were lost in every slice of time."),
        ({"churned": np.nan}, "Nothing to learn from: no outcome is known yet. The horizon reaches beyond the data."),
        ({"account_id": "A"}, "Too few to model: the outcome of 1 is known, and it takes 50 clients."),
    ],
)
def test_too_little_to_learn_from(change: dict[str, object], why: str) -> None:
    """No churn, all churned, no outcome, and few clients give no method, and say why."""
    backtest, choice = backtest_churn(units().assign(**change), NAMES)
    assert (choice.method, choice.why) == ("", why)
    assert backtest.scores.empty


def test_missing_everywhere_is_no_error() -> None:
    """Features without any value, in all slices or in the early ones, stop nothing."""
    table = units(strength=6)
    late = table.late_share.where(table.slice == table.slice.max())
    for frame in (table.assign(late_share=np.nan), table.assign(late_share=late), table.assign(hiatus_days=np.nan)):
        backtest, _ = backtest_churn(frame, NAMES)
        assert backtest.scores.auc.notna().sum() >= 18


def test_a_rule_ranks_as_its_number_does() -> None:
    """The hiatus rule has the AUC of days since the last order, also for days longer than any learnt from."""
    table = units()
    newest = table.slice == table.slice.max()
    table.loc[newest, "hiatus_days"] *= 5
    scores = backtest_churn(table, NAMES)[0].scores
    rule = scores[scores.newest & (scores.method == "hiatus")].iloc[0]
    assert rule.auc == pytest.approx(auc(table.hiatus_days[newest], table.churned[newest]))
