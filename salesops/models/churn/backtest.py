"""The backtest: every method on slices of time that it had not seen, and which one is used.

A method learns from units whose outcome was known by the first cut of the test slice, and is held against that
slice. The newest slices are tested in turn. A model is used only if it ranks better than the better of the two rules
on silence by more than the noise: the 95% interval of the difference in ROC-AUC, averaged over the slices, is above 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from salesops.models.churn.calls import Terms
from salesops.models.churn.methods import ADDITIVE, FULL, LARGEST, METHODS, MODELS, OVERDUE, RULES, Scored, scored
from salesops.models.churn.profit import expected_profit, realised_profit
from salesops.models.churn.result import SCORES, ChurnBacktest, no_backtest
from salesops.models.churn.scores import (
    TOP,
    Draws,
    auc_draws,
    calibration,
    draw,
    interval,
    lift_draws,
    measures,
    needed_shift,
    next_range,
)
from salesops.models.intervals import wilson
from salesops.models.rhythm import YEAR

TESTS = 4
FEWEST_CLIENTS = 50
FEWEST_OF_A_KIND = 10
NAN = float("nan")


@dataclass(frozen=True)
class Choice:
    """Which method is used ("" for none), why in words, and how far its chances are shifted (log-odds).

    Losses come faster or slower than in the years learnt from, and seasons come back: the shift is what the test slices
    would have needed on average, drawn towards 0 as if one more had needed none.
    """

    method: str
    why: str
    shift: float = 0.0

    @property
    def model(self) -> str:
        """The method as a reader knows it."""
        return RULES.get(self.method, self.method)


@dataclass(frozen=True)
class _Slice:
    cut: pd.Timestamp
    test: pd.DataFrame
    weights: Any
    found: dict[str, Scored]
    areas: dict[str, Any]

    @property
    def lost(self) -> Any:
        return self.test.churned.to_numpy(bool)

    @property
    def ranked(self) -> bool:
        """Whether it has both outcomes, so that a ranking can be judged."""
        return bool(self.lost.any() and not self.lost.all())

    def measures(self, method: str) -> dict[str, float]:
        return measures(*self.found[method], self.lost)


def backtest_churn(
    units: pd.DataFrame, names: list[str], terms: Terms, *, tests: int = TESTS
) -> tuple[ChurnBacktest, Choice]:
    """Compare all methods on the newest slices and choose one.

    Parameters
    ----------
    units : pandas.DataFrame
        By unit_id: account_id, cut and due (dates), slice (date: which units are judged together), churned (1, 0; NaN
        where not yet known), value (money of a year), may_call (boolean), the features `names`, tenure_days and, for
        the rules, hiatus_days and hiatus_ratio; optionally contract_id, and p_btyd (chance to buy within the horizon).
    names : list of str
        Features of the models.
    terms : Terms
        What a call is taken to do and to cost: every method's calls are judged by it.
    tests : int
        How many slices to test on, at most.

    Returns
    -------
    (ChurnBacktest, Choice)
        Without a slice to test on, the backtest is empty, and the choice is the own-rhythm rule if history carries it.
    """
    known = units[units.churned.notna()]
    reason = too_few(known)
    if reason:
        return no_backtest(), Choice("", reason)
    drawn = draw(known.account_id)
    found = [_judge(known, cut, names, drawn) for cut in _testable(known)[:tests]]
    if not found:
        why = "is used: there is no earlier slice of time to hold a model against."
        rule = OVERDUE if "hiatus_ratio" in known and known.hiatus_ratio.notna().any() else LARGEST
        return no_backtest(), Choice(rule, f"The {RULES[rule]} {why}")
    choice = _choose(found)
    needed = [_needed_shift(one, choice) for one in found]
    choice = replace(choice, shift=_mean_shift(needed))
    gain = np.array(found[0].areas[FULL]) - found[0].areas[choice.method]
    scores = pd.concat([_scores(one, choice, terms, newest=place == 0) for place, one in enumerate(found)])
    # each slice is shifted by what the older ones had needed, as a page of its day would have been
    predictions = pd.concat(
        [_predictions(one, choice, _mean_shift(needed[place + 1 :])) for place, one in enumerate(found)]
    )
    newest = scores[scores.newest].set_index("method").auc
    areas = [(one.measures(choice.method)["auc"], one.areas[choice.method]) for one in found if one.ranked]
    low, high = next_range(np.array([auc for auc, _ in areas]), np.array([np.nanstd(draws) for _, draws in areas]))
    return ChurnBacktest(
        scores=scores[list(SCORES)].reset_index(drop=True),
        calibration=_calibration(predictions),
        cuts=_cuts(known, [one.cut for one in found]),
        predictions=predictions,
        auc=float(np.mean([auc for auc, _ in areas])) if areas else NAN,
        auc_low=low,
        auc_high=high,
        gain_of_full=float(newest[FULL] - newest[choice.method]),
        gain_low=interval(gain)[0],
        gain_high=interval(gain)[1],
    ), choice


def too_few(known: pd.DataFrame) -> str:
    """Return why units with a known outcome carry no model, in words; "" if they do."""
    clients, rows, lost = known.account_id.nunique(), len(known), int(known.churned.sum())
    if not rows:
        return "Nothing to learn from: on no earlier day whose horizon is over was there anybody to score."
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
    found = {method: scored(method, train, test, names) for method in METHODS}
    lost = test.churned.to_numpy(bool)
    areas = {method: _areas(one.score, lost, weights) for method, one in found.items()}
    return _Slice(cut, test, weights, found, areas)


def _areas(score: Any, lost: Any, weights: Any) -> Any:
    return np.full(len(weights), np.nan) if np.isnan(score).any() else auc_draws(score, lost, weights)


def _choose(found: list[_Slice]) -> Choice:
    usable = [one for one in found if one.ranked]
    # what has nothing to say ranks no better than chance: a company of contracts alone has no silence
    rules = [rule for rule in RULES if not any(np.isnan(one.found[rule].score).any() for one in found)]
    if not usable:
        why = "is used: each test slice has one outcome alone, so nothing is ranked."
        return Choice(rules[-1], f"The {RULES[rules[-1]]} {why}")
    mean = {m: float(np.mean([one.measures(m)["auc"] for one in usable])) for m in (*MODELS, *rules)}
    best = max(MODELS, key=lambda method: mean[method])
    rule = max(rules, key=lambda method: mean[method])
    low, high = interval(np.mean([one.areas[best] - one.areas[rule] for one in usable], axis=0))
    slices = f"{len(usable)} test slice{'s' if len(usable) > 1 else ''}"
    figures = (
        f"Over {slices} the ROC-AUC of the best model is {mean[best]:.3f}, that of the {RULES[rule]} {mean[rule]:.3f}; "
        f"the difference is {_signed(mean[best] - mean[rule])} (95% interval {_signed(low)} to {_signed(high)})."
    )
    if low > 0:
        model = "Additive boosting" if best == ADDITIVE else "Logistic regression"
        return Choice(best, f"{model} is used: it ranks better by more than the noise. {figures}")
    return Choice(rule, f"The {RULES[rule]} is used: no model beats it by more than the noise. {figures}")


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _scores(one: _Slice, choice: Choice, terms: Terms, *, newest: bool) -> pd.DataFrame:
    rows = []
    for method in METHODS:
        lost, p = one.lost, one.found[method].p
        found: dict[str, Any] = one.measures(method) | {
            "cut": one.cut, "newest": newest, "method": method, "n": len(lost), "lost": int(lost.sum()),
            "base_rate": float(lost.mean()), "chosen": method == choice.method, "note": _note(p, lost, method),
        }  # fmt: skip  # what it is, then how it did
        found["auc_low"], found["auc_high"] = interval(one.areas[method])
        blank = np.isnan(p).any()
        lifts = np.full(1, np.nan) if blank else lift_draws(one.found[method].score, lost, one.weights)
        found["lift_low"], found["lift_high"] = interval(lifts)
        found["calls"], found["profit"] = (NAN, NAN) if blank else _profit(method, one, terms)
        rows.append(found)
    return pd.DataFrame(rows)


def _note(p: Any, lost: Any, method: str) -> str:
    if np.isnan(p).any():
        return "has nothing to say here"
    if lost.all() or not lost.any():
        return f"all {len(lost):,} were {'lost' if lost.all() else 'kept'}: nothing can be ranked"
    return "not calibrated" if method == FULL else ""


def _profit(method: str, one: _Slice, terms: Terms) -> tuple[float, float]:
    """Return how many calls a method would have made on the page's own terms, and what they would have brought.

    It calls those of the highest expected profit above 0 whom the page would call at all, as many as the terms allow;
    a tenth of the units where they set no limit. LARGEST asks for no chance, and calls those of the highest worth.
    """
    p = one.found[method].p
    worth = one.test.value.fillna(0.0).to_numpy(float) * terms.kept_days / YEAR * terms.margin
    costs = {"save_rate": terms.save_rate, "contact_cost": terms.contact_cost, "incentive": terms.incentive}
    expected = worth if method == LARGEST else expected_profit(p, worth, **costs)
    expected = np.where(one.test.may_call.to_numpy(bool), expected, -np.inf)
    size = int(np.ceil(TOP * len(p)) if np.isinf(terms.most_calls) else terms.most_calls)
    called = np.argsort(-expected, kind="stable")[:size]
    called = called[expected[called] > 0]
    return len(called), float(realised_profit(one.lost[called], worth[called], **costs).sum())


def _needed_shift(one: _Slice, choice: Choice) -> float:
    return needed_shift(_log_odds(one, choice), float(one.lost.sum()))


def _log_odds(one: _Slice, choice: Choice) -> Any:
    return logit(np.clip(one.found[choice.method].p, 1e-9, 1 - 1e-9))


def _mean_shift(needed: list[float]) -> float:
    return float(np.sum(needed) / (len(needed) + 1))


def _predictions(one: _Slice, choice: Choice, shift: float) -> pd.DataFrame:
    keys = [name for name in ("account_id", "contract_id") if name in one.test]
    p = expit(_log_odds(one, choice) + shift)
    return one.test[keys].assign(cut=one.cut, p=p, churned=one.lost).reset_index(drop=True)


def _calibration(predictions: pd.DataFrame) -> pd.DataFrame:
    table = calibration(predictions.p, predictions.churned)
    low, high = wilson(table.observed * table.n, table.n)
    return table.assign(low=low, high=high)[["predicted", "observed", "low", "high", "n"]]


def _cuts(known: pd.DataFrame, tested: list[pd.Timestamp]) -> pd.DataFrame:
    sums = known.groupby("slice").agg(n=("churned", "size"), lost=("churned", "sum")).reset_index(names="cut")
    role = np.where(sums.cut.isin(tested), "test", "train")
    return sums.assign(lost=sums.lost.astype(int), role=role)
