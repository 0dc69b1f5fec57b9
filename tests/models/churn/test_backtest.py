"""The backtest: what it learns from, what it chooses, and what it says of slices of one kind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from salesops.models.churn.backtest import backtest_churn
from salesops.models.churn.calls import Terms
from salesops.models.churn.methods import METHODS
from salesops.models.churn.result import CALIBRATION, SCORES
from salesops.models.ranking import auc

NAMES = ["hiatus_days", "tenure_days", "late_share"]
TERMS = Terms(margin=1.0, capacity=10)


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
            "value": 10_000.0, "may_call": True,
        }
    )  # fmt: skip  # dates stand together
    table["hiatus_ratio"] = table.hiatus_days / rng.integers(10, 60, count)
    odds = -1.5 + 0.02 * table.hiatus_days + strength * (table.late_share - 0.5)
    return table.assign(churned=(rng.random(count) < 1 / (1 + np.exp(-odds))).astype(float))


def test_a_model_is_used_where_it_ranks_better() -> None:
    """Where something else than hiatus drives the loss, a model is chosen, and why says by how much."""
    backtest, choice = backtest_churn(units(strength=6), NAMES, TERMS)
    assert choice.method in ("logistic", "additive boosting")
    assert "ranks better by more than the noise. Over 3 test slices the ROC-AUC of the best model is 0." in choice.why
    scores = backtest.scores
    assert list(scores.columns) == list(SCORES)
    assert list(scores.method[:8]) == list(METHODS)
    assert scores.newest.sum() == 8
    assert set(scores[scores.chosen].method) == {choice.method}
    assert list(backtest.calibration.columns) == list(CALIBRATION)
    assert backtest.calibration.n.sum() == len(backtest.predictions) == 450
    assert backtest.gain_low <= backtest.gain_of_full <= backtest.gain_high


def test_the_rule_is_used_where_no_model_beats_it() -> None:
    """Where hiatus is all there is, the hiatus rule is used, and why says so."""
    backtest, choice = backtest_churn(units(clients=500, strength=0), NAMES, TERMS)
    assert (choice.method, choice.model) == ("hiatus", "hiatus rule")
    assert choice.why.startswith("The hiatus rule is used: no model beats it by more than the noise.")
    chosen = backtest.scores[backtest.scores.chosen]
    assert (chosen.method == "hiatus").all()
    # its chance is learnt from history: a probability, not days
    assert chosen.ece.max() < 0.12


def test_nothing_is_learnt_from_the_future() -> None:
    """What happens in a test slice, or after it, changes no chance of that slice."""
    table = units(strength=6)
    newest = table.slice == table.slice.max()
    turned = table.assign(churned=table.churned.where(~newest, 1 - table.churned))
    one, other = (backtest_churn(frame, NAMES, TERMS)[0].scores for frame in (table, turned))
    older = one.newest.eq(False).to_numpy()
    pd.testing.assert_frame_equal(one[older].drop(columns="chosen"), other[older].drop(columns="chosen"))
    assert not one.auc[~older].equals(other.auc[~older])


def test_labels_that_end_after_the_cut_are_not_learnt_from() -> None:
    """A training unit counts only if its outcome was known by the first cut of the test slice."""
    table = units(slices=2)
    table["due"] += pd.Timedelta(days=1)
    backtest, choice = backtest_churn(table, NAMES, TERMS)
    assert backtest.scores.empty
    assert choice.why == "The own-rhythm rule is used: there is no earlier slice of time to hold a model against."


@pytest.mark.parametrize(("value", "word"), [(0.0, "kept"), (1.0, "lost")])
def test_a_slice_of_one_kind_is_nan_with_a_reason(value: float, word: str) -> None:
    """A test slice in which all were kept, or all lost, has no AUC; the others stand, and the row says why."""
    table = units(strength=6)
    table.loc[table.slice == table.slice.max(), "churned"] = value
    backtest, choice = backtest_churn(table, NAMES, TERMS)
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
        ({"churned": np.nan}, "Nothing to learn from: on no earlier day whose horizon is over was there anybody to"),
        ({"account_id": "A"}, "Too few to model: the outcome of 1 is known, and it takes 50 clients."),
    ],
)
def test_too_little_to_learn_from(change: dict[str, object], why: str) -> None:
    """No churn, all churned, no outcome, and few clients give no method, and say why."""
    backtest, choice = backtest_churn(units().assign(**change), NAMES, TERMS)
    assert choice.method == ""
    assert choice.why.startswith(why)
    assert backtest.scores.empty


@pytest.mark.long
def test_missing_everywhere_is_no_error() -> None:
    """Features without any value, in all slices or in the early ones, stop nothing."""
    table = units(strength=6)
    late = table.late_share.where(table.slice == table.slice.max())
    for frame in (table.assign(late_share=np.nan), table.assign(late_share=late), table.assign(hiatus_days=np.nan)):
        backtest, _ = backtest_churn(frame, NAMES, TERMS)
        assert backtest.scores.auc.notna().sum() >= 18


def test_without_silence_the_same_chance_is_the_yardstick() -> None:
    """Units that know no silence, as contracts of a company without orders: models are held against a coin."""
    table = units(strength=6).drop(columns=["hiatus_days", "hiatus_ratio"])
    names = ["tenure_days", "late_share"]
    backtest, choice = backtest_churn(table, names, TERMS)
    assert choice.method in ("logistic", "additive boosting")
    assert "that of the same chance for all 0.500" in choice.why
    blind, rule = backtest_churn(table.assign(late_share=0.5, tenure_days=400.0), ["late_share"], TERMS)
    assert (rule.method, rule.model) == ("call the largest", "same chance for all")
    rows = blind.scores[blind.scores.chosen]
    assert (rows.auc == 0.5).all()
    assert np.isnan(backtest.scores[backtest.scores.method == "hiatus"].auc).all()


def test_a_rule_ranks_as_its_number_does() -> None:
    """The hiatus rule has the AUC of days since the last order, also for days longer than any learnt from.

    So it does where history turns it round: a slope of 0 in its chance never makes it a coin.
    """
    table = units()
    newest = table.slice == table.slice.max()
    table.loc[newest, "hiatus_days"] *= 5
    scores = backtest_churn(table, NAMES, TERMS)[0].scores
    rule = scores[scores.newest & (scores.method == "hiatus")].iloc[0]
    assert rule.auc == pytest.approx(auc(table.hiatus_days[newest], table.churned[newest]))
    turned = table.assign(hiatus_days=table.hiatus_days.where(newest, 90 - table.hiatus_days))
    rows = backtest_churn(turned, NAMES, TERMS)[0].scores
    rule = rows[rows.newest & (rows.method == "hiatus")].iloc[0]
    assert rule.auc == pytest.approx(auc(table.hiatus_days[newest], table.churned[newest]))
    assert rule.auc > 0.55
    own = rows[rows.newest & (rows.method == "own rhythm")].iloc[0]
    assert own.auc == pytest.approx(auc(table.hiatus_ratio[newest], table.churned[newest]))


def test_profit_is_that_of_the_page() -> None:
    """Each method calls its best within the terms, of those who may be called; brought is what the terms say."""
    table = units(strength=6)
    table["may_call"] = table.hiatus_days > 30
    rng = np.random.default_rng(8)
    table["value"] = rng.uniform(500, 50_000, len(table))
    backtest, choice = backtest_churn(table, NAMES, TERMS)
    newest = table[table.slice == table.slice.max()]
    scores = backtest.scores[backtest.scores.newest].set_index("method")
    worth = newest.value * TERMS.kept_days / 365
    largest = worth[newest.may_call].nlargest(10).index
    lost = newest.churned[largest]
    kept = 0.3 * (worth[largest] - 100) - 50
    assert scores.profit["call the largest"] == pytest.approx((lost * kept - (1 - lost) * 150).sum())
    assert (scores.calls.dropna() <= 10).all()
    assert backtest.profits()[choice.method] == pytest.approx(backtest.scores[backtest.scores.chosen].profit.sum())
    none = backtest_churn(table.assign(may_call=False), NAMES, TERMS)[0].scores
    assert (none.calls.dropna() == 0).all()
    assert (none.profit.dropna() == 0).all()


@pytest.mark.long
def test_range_holds_the_next_slice() -> None:
    """On worlds of one law the range printed from four slices holds the AUC of a fifth in about 9 of 10."""
    holds = []
    for seed in range(10):
        table = units(slices=6, strength=5, seed=seed)
        last = table.slice == table.slice.max()
        before = table.assign(churned=table.churned.where(~last))
        backtest, choice = backtest_churn(before, NAMES, TERMS)
        scores = backtest_churn(table, NAMES, TERMS)[0].scores
        came = scores[scores.newest & (scores.method == choice.method)].auc.iloc[0]
        assert backtest.auc_low < backtest.auc < backtest.auc_high
        holds.append(backtest.auc_low <= came <= backtest.auc_high)
    assert np.mean(holds) >= 0.8


def test_chances_are_shifted_by_what_slices_needed() -> None:
    """Where losses come at twice the pace in all slices than in the years learnt from, the chances follow."""
    table = units(slices=6, clients=400, strength=4)
    rng = np.random.default_rng(2)
    recent = table.slice >= sorted(table.slice.unique())[2]
    more = recent & (rng.random(len(table)) < 0.25)
    table.loc[more, "churned"] = 1.0
    backtest, choice = backtest_churn(table, NAMES, TERMS)
    assert choice.shift > 0.05
    # the oldest slice knows of no earlier one: its chances stand as the method gave them
    oldest = backtest.predictions[backtest.predictions.cut == backtest.predictions.cut.min()]
    row = backtest.scores[backtest.scores.chosen & (backtest.scores.cut == oldest.cut.iloc[0])].iloc[0]
    assert oldest.p.sum() / oldest.churned.sum() - 1 == pytest.approx(row.bias, abs=1e-6)
    assert backtest_churn(units(slices=6, clients=400, strength=4), NAMES, TERMS)[1].shift == pytest.approx(0, abs=0.15)
