"""How far to trust the churn scores: the method in use beside the baselines, on a slice of time not seen."""

from __future__ import annotations

from typing import Any

from salesops import words
from salesops.models.churn.methods import BTYD, HIATUS, LARGEST, LOGISTIC, OVERDUE, TENURE
from salesops.pages.churn import words as say
from salesops.pages.churn.findings import ChurnReview
from salesops.views import table as t
from salesops.views.blocks import Block, note, sentence, together

_NAMES = {
    LOGISTIC: "logistic regression",
    BTYD: "P(active), MBG/NBD",
    HIATUS: "hiatus rule",
    OVERDUE: "own-rhythm rule",
}


def trust(r: ChurnReview) -> Block:
    """Say how the method did on a slice of time that it had not seen, and show it beside the baselines."""
    said = " ".join(part for part in (_tested(r), _rule(r), _profit(r), _full(r)) if part)
    return together(sentence(said), _methods_table(r)) if len(r.newest) else note(said)


def _tested(r: ChurnReview) -> str:
    """Say how the method in use did on the newest slice it had not seen, against the hiatus."""
    newest = r.newest
    if newest.empty:
        return "Nothing could be tested on a slice of time."
    row, test = newest[newest.chosen.astype(bool)].iloc[0], r.now.backtest
    tested = (
        f"Tested on {say.unit(r.now, row.n)} of {words.day(row.cut)} that could be lost by the end of the horizon, of "
        f"whom {words.number(row.lost)} {'was' if row.lost == 1 else 'were'}"
    )
    if words.is_missing(test.auc):
        return f"{tested}. {say.ended(str(row.note or 'No ranking can be judged there.'))}"
    slices = words.plural(int(test.scores.cut.nunique()), "slice")
    lift = words.number(row.lift, decimals=1)
    return (
        f"{tested}. Over {slices} of time {_the(str(row.name))} ranks with AUC {_auc(test.auc)}; the next one is "
        f"expected within {_auc(test.auc_low)} to {_auc(test.auc_high)}. In the tenth it rates highest, {lift} times "
        "as many were lost as in all."
    )


def _rule(r: ChurnReview) -> str:
    """Say which method is in use and why."""
    return say.ended(r.now.why)


def _profit(r: ChurnReview) -> str:
    """Say what the method in use would have brought on this page's terms, against two simple ways to choose."""
    if r.newest.empty:
        return ""
    found = r.now.backtest.profits()
    own = str(r.newest[r.newest.chosen.astype(bool)].index[0])
    others = [name for name in (LARGEST, TENURE) if name != own and not words.is_missing(found.get(name))]
    if words.is_missing(found[own]) or not others:
        return ""
    money = {name: words.money(found[name], currency=r.currency) for name in (own, *others)}
    more = found[own] - max(found[name] for name in others)
    verdict = (
        f"It adds {words.money(more, currency=r.currency)} to the better of the two."
        if more > 0
        else "It adds nothing to the better of the two: on these terms, call by that."
    )
    ways = {LARGEST: "to call the largest of those who may be called", TENURE: "to go by tenure"}
    against = words.and_list([f"{ways[name]} {money[name]}" for name in others])
    return (
        f"On this page’s terms, the calls that {_the(own)} chooses would have brought {money[own]} over all test "
        f"slices; {against}. {verdict}"
    )


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
        t.number("calls", "Calls", phone=False),
        t.amount("profit", "Profit", scale=scale, phone=False),
    ]
    slices = int(r.now.backtest.scores.cut.nunique())
    return t.table(
        shown,
        columns,
        caption=f"Newest of {words.plural(slices, 'test slice')}; AUC with its 95% interval there. Bias: foretold ÷ "
        "observed losses − 1. Profit: what the method’s calls would have brought on this page’s terms, in "
        f"{scale.unit}.",
    )


def _the(method: str) -> str:
    if method == LARGEST:
        return "the same chance for all"
    name = _NAMES.get(method, method)
    return f"the {name}" if name.endswith("rule") else name


def _auc(value: Any) -> str:
    return words.number(value, decimals=2)


def _points(value: Any) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _ends(low: Any, high: Any) -> str:
    if words.is_missing(low) or words.is_missing(high):
        return ""
    return f"{words.number(low, decimals=2)} to {words.number(high, decimals=2)}"
