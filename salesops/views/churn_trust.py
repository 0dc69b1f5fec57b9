"""How far to trust the churn scores: the method in use beside the baselines, on a slice of time not seen."""

from __future__ import annotations

from typing import Any

from salesops.models.churn.review import ChurnReview
from salesops.views import churn_words as say
from salesops.views import table as t
from salesops.views import words
from salesops.views.blocks import Block, note, sentence, together

_NAMES = {"BTYD P(active)": "P(active), MBG/NBD", "hiatus": "hiatus rule"}


def trust(r: ChurnReview) -> Block:
    """Say how the method did on a slice of time that it had not seen, and show it beside the baselines."""
    said = " ".join(part for part in (_tested(r), _rule(r), _full(r)) if part)
    return together(sentence(said), _methods_table(r)) if len(r.newest) else note(said)


def _tested(r: ChurnReview) -> str:
    """Say how the method in use did on the newest slice it had not seen, against the hiatus."""
    newest = r.newest
    if newest.empty:
        return "Nothing could be tested: no slice of time in this book has a known outcome."
    chosen = newest[newest.chosen.astype(bool)]
    row = (chosen if len(chosen) else newest).iloc[0]
    tested = (
        f"Tested on {say.unit(r.now, row.n)} of {words.day(row.cut)}, of whom {words.number(row.lost)} were lost by "
        "the end of the horizon"
    )
    if words.is_missing(row.auc):
        return f"{tested}. {say.ended(str(row.note or 'No ranking can be judged there.'))}"
    name = "the hiatus rule" if row.name == "hiatus" else _method(str(row.name))
    said = f"{tested}: {name} ranks with AUC {_auc(row.auc)} ({_ends(row.auc_low, row.auc_high)})"
    hiatus = newest.auc.get("hiatus")
    if row.name != "hiatus" and not words.is_missing(hiatus):
        said += f", the hiatus rule with {_auc(hiatus)}"
    lift = words.number(row.lift, decimals=1)
    return f"{said}. In the tenth it rates highest, {lift} times as many were lost as in all."


def _rule(r: ChurnReview) -> str:
    """Say which method is in use and why."""
    return say.ended(r.now.why)


def _full(r: ChurnReview) -> str:
    """Say what a boosting with interactions would gain; it is a yardstick and never used."""
    test = r.now.backtest
    if words.is_missing(test.gain_of_full):
        return ""
    ends = "" if words.is_missing(test.gain_low) else f" ({_points(test.gain_low)} to {_points(test.gain_high)})"
    return (
        f"Full boosting, whose reasons do not add up, would change the AUC by {_points(test.gain_of_full)}{ends}; "
        "it is a yardstick and never used."
    )


def _methods_table(r: ChurnReview) -> Block:
    newest = r.newest.reset_index()
    shown = newest.assign(
        name=[_NAMES.get(str(name), str(name)) for name in newest.method],
        use=["in use" if chosen else "" for chosen in newest.chosen.astype(bool)],
        ends=[_ends(row.auc_low, row.auc_high) for row in newest.itertuples()],
    )
    scale = words.scale_for(newest.profit, currency=r.currency)
    columns = [
        t.text("name", "Method", note="use"),
        t.number("auc", "AUC", decimals=2, note="ends"),
        t.number("pr_auc", "PR-AUC", decimals=2, phone=False),
        t.number("brier", "Brier", decimals=3, phone=False),
        t.number("ece", "ECE", decimals=3, phone=False),
        t.share("bias", "Bias", phone=False),
        t.number("lift", "Lift", decimals=1),
        t.amount("profit", "Profit", scale=scale, phone=False),
    ]
    slices = int(r.now.backtest.scores.cut.nunique())
    return t.table(
        shown,
        columns,
        caption=f"Newest of {words.plural(slices, 'test slice')}. AUC with its 95% interval. Bias: foretold ÷ observed "
        "losses − 1. Profit: what calling the tenth with the highest expected profit would have brought, in "
        f"{scale.unit}{_terms(r)}.",
    )


def _method(name: str) -> str:
    return _NAMES.get(name, name)


def _auc(value: Any) -> str:
    return words.number(value, decimals=2)


def _points(value: Any) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _ends(low: Any, high: Any) -> str:
    if words.is_missing(low) or words.is_missing(high):
        return ""
    return f"{words.number(low, decimals=2)} to {words.number(high, decimals=2)}"


def _terms(r: ChurnReview) -> str:
    taken = r.now.backtest.profit
    if not taken:
        return ""
    money = [words.money(taken[name], currency=r.currency) for name in ("contact_cost", "incentive")]
    return f", at a save rate of {words.percent(taken['save_rate'])}, {money[0]} a call and {money[1]} of incentive"
