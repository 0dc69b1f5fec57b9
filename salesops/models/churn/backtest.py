"""The backtest: every method on slices of time that it had not seen, and which one is used.

A method learns from units whose outcome was known by the first cut of the test slice, and is held against that
slice. The newest slices are tested in turn. A model is used only if it ranks better than days since the last purchase
by more than the noise: the 95% interval of the difference in ROC-AUC, averaged over the slices, lies above 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from salesops.models.churn.methods import ADDITIVE, FULL, HIATUS, METHODS, MODELS, RULE, chances
from salesops.models.churn.profit import CONTACT_COST, INCENTIVE, SAVE_RATE, expected_profit, realised_profit
from salesops.models.churn.result import SCORES, ChurnBacktest, no_backtest
from salesops.models.churn.scores import TOP, Draws, auc_draws, calibration, draw, interval, lift_draws, measures
from salesops.models.wilson import wilson

TESTS = 3
FEWEST_CLIENTS = 50
FEWEST_OF_A_KIND = 10
NAN = float("nan")


@dataclass(frozen=True)
class Choice:
    """Which method is used ("" for none) and why, in words."""

    method: str
    why: str

    @property
    def model(self) -> str:
        """The method as a reader knows it."""
        return RULE if self.method == HIATUS else self.method


@dataclass(frozen=True)
class _Slice:
    cut: pd.Timestamp
    test: pd.DataFrame
    weights: Any
    p: dict[str, Any]
    areas: dict[str, Any]

    @property
    def lost(self) -> Any:
        return self.test.churned.to_numpy(bool)


def backtest_churn(units: pd.DataFrame, names: list[str], *, tests: int = TESTS) -> tuple[ChurnBacktest, Choice]:
    """Compare all methods on the newest slices and choose one.

    Parameters
    ----------
    units : pandas.DataFrame
        By unit_id: account_id, cut and due (dates), slice (date: which units are judged together), churned (1, 0; NaN
        where not yet known), value (money: what keeping the client for a year is worth), the features `names` with
        hiatus_days and tenure_days; optionally contract_id, and p_btyd (chance to buy within the horizon).
    names : list of str
        Features of the models.
    tests : int
        How many slices to test on, at most.

    Returns
    -------
    (ChurnBacktest, Choice)
        Without a slice to test on, the backtest is empty, and the choice is the hiatus rule if history carries it.
    """
    known = units[units.churned.notna()]
    reason = too_few(known)
    if reason:
        return no_backtest(), Choice("", reason)
    drawn = draw(known.account_id)
    found = [_judge(known, cut, names, drawn) for cut in _testable(known)[:tests]]
    if not found:
        return no_backtest(), Choice(
            HIATUS, "The hiatus rule is used: there is no earlier slice of time to hold a model against."
        )
    choice = _choose(found)
    gain = np.array(found[0].areas[FULL]) - found[0].areas[choice.method]
    scores = pd.concat([_scores(one, choice, newest=place == 0) for place, one in enumerate(found)], ignore_index=True)
    predictions = pd.concat([_predictions(one, choice) for one in found])
    newest = scores[scores.newest].set_index("method").auc
    return ChurnBacktest(
        scores=scores[list(SCORES)],
        calibration=_calibration(predictions),
        cuts=_cuts(known, [one.cut for one in found]),
        predictions=predictions,
        gain_of_full=float(newest[FULL] - newest[choice.method]),
        gain_low=interval(gain)[0],
        gain_high=interval(gain)[1],
        profit={"save_rate": SAVE_RATE, "contact_cost": CONTACT_COST, "incentive": INCENTIVE},
    ), choice


def too_few(known: pd.DataFrame) -> str:
    """Return why units with a known outcome carry no model, in words; "" if they do."""
    clients, rows, lost = known.account_id.nunique(), len(known), int(known.churned.sum())
    if not rows:
        return "Nothing to learn from: no outcome is known yet. The horizon reaches beyond the data."
    if clients < FEWEST_CLIENTS:
        return f"Too few to model: the outcome of {clients:,} is known, and it takes {FEWEST_CLIENTS} clients."
    if not lost:
        return f"Nothing to learn from: none of {rows:,} was lost in any slice of time."
    if lost == rows:
        return f"Nothing to learn from: all of {rows:,} were lost in every slice of time."
    if min(lost, rows - lost) < FEWEST_OF_A_KIND:
        kind = "lost" if lost < rows - lost else "kept"
        return f"Too few to model: {min(lost, rows - lost):,} {kind} of {rows:,}; {FEWEST_OF_A_KIND} are needed."
    return ""


def _testable(known: pd.DataFrame) -> list[pd.Timestamp]:
    """Return the slices before which enough is known to learn from, the newest first."""
    cuts = sorted(known.slice.unique(), reverse=True)
    return [cut for cut in cuts if not too_few(_before(known, cut))]


def _before(known: pd.DataFrame, cut: pd.Timestamp) -> pd.DataFrame:
    before: pd.DataFrame = known[known.due <= known.cut[known.slice == cut].min()]
    return before


def _judge(known: pd.DataFrame, cut: pd.Timestamp, names: list[str], drawn: Draws) -> _Slice:
    train, test = _before(known, cut), known[known.slice == cut]
    weights = drawn.weights(test.account_id)
    p = {method: chances(method, train, test, names) for method in METHODS}
    lost = test.churned.to_numpy(bool)
    areas = {method: _areas(chance, lost, weights) for method, chance in p.items()}
    return _Slice(cut, test, weights, p, areas)


def _areas(p: Any, lost: Any, weights: Any) -> Any:
    return np.full(len(weights), np.nan) if np.isnan(p).any() else auc_draws(p, lost, weights)


def _choose(found: list[_Slice]) -> Choice:
    usable = [one for one in found if one.lost.any() and not one.lost.all()]
    if not usable:
        return Choice(HIATUS, "The hiatus rule is used: each test slice has one outcome alone, so nothing is ranked.")
    mean = {m: float(np.mean([measures(one.p[m], one.lost)["auc"] for one in usable])) for m in (*MODELS, HIATUS)}
    best = max(MODELS, key=lambda method: mean[method])
    low, high = interval(np.mean([one.areas[best] - one.areas[HIATUS] for one in usable], axis=0))
    slices = f"{len(usable)} test slice{'s' if len(usable) > 1 else ''}"
    figures = (
        f"Over {slices} its ROC-AUC is {mean[best]:.3f}, that of the hiatus rule {mean[HIATUS]:.3f}; the difference is "
        f"{_signed(mean[best] - mean[HIATUS])} (95% interval {_signed(low)} to {_signed(high)})."
    )
    if low > 0:
        named = "Additive boosting" if best == ADDITIVE else "Logistic regression"
        return Choice(best, f"{named} is used: it ranks better than days since the last order. {figures}")
    return Choice(
        HIATUS,
        f"The hiatus rule is used: no model beats it by more than the noise. The best was {best}. {figures}",
    )


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _scores(one: _Slice, choice: Choice, *, newest: bool) -> pd.DataFrame:
    rows = []
    for method in METHODS:
        p, lost = one.p[method], one.lost
        found: dict[str, Any] = measures(p, lost) | {
            "cut": one.cut, "newest": newest, "method": method, "n": len(lost), "lost": int(lost.sum()),
            "base_rate": float(lost.mean()), "chosen": method == choice.method, "note": _note(p, lost, method),
        }  # fmt: skip  # what it is, then how it did
        found["auc_low"], found["auc_high"] = interval(one.areas[method])
        lifts = np.full(1, np.nan) if np.isnan(p).any() else lift_draws(p, lost, one.weights)
        found["lift_low"], found["lift_high"] = interval(lifts)
        found["profit"], found["profit_low"], found["profit_high"] = _profit(p, one)
        rows.append(found)
    return pd.DataFrame(rows)


def _note(p: Any, lost: Any, method: str) -> str:
    if np.isnan(p).any():
        return "has nothing to say here"
    if lost.all() or not lost.any():
        return f"all {len(lost):,} were {'lost' if lost.all() else 'kept'}: nothing can be ranked"
    return "not calibrated" if method == FULL else ""


def _profit(p: Any, one: _Slice) -> tuple[float, float, float]:
    """Return what calling the top tenth by expected profit would have brought; the interval holds for these clients."""
    if np.isnan(p).any():
        return NAN, NAN, NAN
    value = one.test.value.fillna(0.0).to_numpy(float)
    expected = expected_profit(p, value)
    size = int(np.ceil(TOP * len(p)))
    called = np.argsort(-expected, kind="stable")[:size]
    called = called[expected[called] > 0]
    brought = realised_profit(one.lost[called], value[called])
    return (float(brought.sum()), *interval(one.weights[:, called] @ brought))


def _predictions(one: _Slice, choice: Choice) -> pd.DataFrame:
    keys = [name for name in ("account_id", "contract_id") if name in one.test]
    return one.test[keys].assign(cut=one.cut, p=one.p[choice.method], churned=one.lost).reset_index(drop=True)


def _calibration(predictions: pd.DataFrame) -> pd.DataFrame:
    table = calibration(predictions.p, predictions.churned)
    low, high = wilson(table.observed * table.n, table.n)
    return table.assign(low=low, high=high)[["predicted", "observed", "low", "high", "n"]]


def _cuts(known: pd.DataFrame, tested: list[pd.Timestamp]) -> pd.DataFrame:
    sums = known.groupby("slice").agg(n=("churned", "size"), lost=("churned", "sum")).reset_index(names="cut")
    role = np.where(sums.cut.isin(tested), "test", "train")
    return sums.assign(lost=sums.lost.astype(int), role=role)
