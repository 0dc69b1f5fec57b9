"""How far to trust the segments and the estimates: rules, stability and backtest, in words and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pandas as pd

from salesops import words
from salesops.models.customers import FEWEST, Customers
from salesops.pages.segments.findings import CustomerSegments
from salesops.views import table as t
from salesops.views.blocks import Block, note, sentence, together

_KINDS = {"rules": "Rules", "kmeans": "KMeans", "mixture": "Gaussian mixture"}


def rules_list(s: CustomerSegments) -> Block:
    """Show what each segment means, and where the cuts tell nobody apart."""
    if s.why_not:
        return note(f"There are no segments. {s.why_not}")
    source = "The definition was read from a file" if s.reused else f"Cut at the customers of {words.day(s.now.as_of)}"
    rules = [_short(rule) for rule in s.rules]
    return note(f"{source}, and used for both dates.", *rules, *map(_short, s.notes))


def stability(s: CustomerSegments) -> Block:
    """Say whether the segments are to be relied on, and show them beside clusters of the same customers."""
    rows = s.stability.assign(
        name=[f"{_KINDS[row.method]}, {words.plural(row.count_, 'segment')}" for row in _counted(s.stability)],
    )
    columns = [
        t.text("name", "Segments"),
        t.number("mean_ari", "Mean ARI", decimals=3),
        t.number("low_ari", "Low ARI", decimals=3, phone=False),
        t.number("smallest", "Smallest"),
        t.number("silhouette", "Silhouette", decimals=2, phone=False),
        t.number("bic", "BIC", phone=False),
        t.number("customers", "Customers", phone=False),
    ]
    table = t.table(
        rows,
        columns,
        caption="Customers are drawn again and segments made anew. ARI: 1 is the same segments again, 0 is chance; "
        "from .85 on they are called stable. Low: one draw in twenty is worse. BIC: lower is better, within one kind.",
        empty="There are too few different customers to compare.",
    )
    return together(sentence(s.verdict), table)


def estimates(s: CustomerSegments) -> Block:
    """Say what the estimates stand on and how they fared when put to the test, with the naive forecasts beside."""
    now = s.now
    if not now.usable:
        return note(f"There are no estimates. {now.why_not}")
    parts = [_model(now), _spend(now)]
    if now.backtest.empty:
        parts.append(f"They cannot be tested: fewer than {FEWEST} customers had bought a horizon earlier.")
    else:
        parts += [_purchases_test(now), _outlook(s), _money_test(s)]
    return together(sentence(" ".join(part for part in parts if part)), _backtest_table(s))


def horizon(now: Customers) -> str:
    """Return how far the estimates look ahead, in words."""
    return words.plural(now.horizon_weeks, "week")


def _backtest_table(s: CustomerSegments) -> Block:
    table = s.now.backtest
    columns = [
        t.text("forecast", "Forecast"),
        t.number("total", "Purchases foretold"),
        t.number("actual", "Came", phone=False),
        t.number("mae", "Mean error", decimals=2, phone=False),
        t.number("rmse", "RMSE", decimals=2, phone=False),
        t.number("rank_correlation", "Rank", decimals=2, phone=False),
        t.number("auc", "AUC", decimals=2),
    ]
    start = s.now.as_of - timedelta(weeks=s.now.horizon_weeks)
    return t.table(
        table,
        columns,
        caption=f"Fitted on {words.day(start)}, held against the purchases of the {horizon(s.now)} since. "
        "AUC: the chance to rank a buyer above a non-buyer; .50 is a coin.",
        empty=f"No backtest: fewer than {FEWEST} customers had bought by {words.day(start)}.",
    )


def _model(now: Customers) -> str:
    fit = now.purchase_fit
    assert fit is not None  # usable
    params = ", ".join(
        f"{name} {words.number(value, decimals=2)} ± {words.number(fit.standard_errors[name], decimals=2)}"
        for name, value in fit.params.items()
    )
    return f"Purchases: {fit.model} on {words.plural(fit.customers, 'customer')} ({params}; in weeks)."


def _spend(now: Customers) -> str:
    if now.spend_from == "gamma-gamma" and now.spend_fit is not None:
        return (
            f"Money per purchase: Gamma-Gamma on {words.plural(now.spend_fit.customers, 'customer')} who bought again."
        )
    return (
        "Money per purchase: each customer's own mean so far, since Gamma-Gamma finds no common pattern in it; "
        "a customer's one large purchase counts in full."
    )


def _purchases_test(now: Customers) -> str:
    scores = now.backtest.set_index("forecast")
    foretold = scores.loc["expected purchases"]
    model, hiatus = scores.auc["probability active"], scores.auc["time since last purchase"]
    better = words.ranking(*(dict(scores.loc[name]) for name in ("probability active", "time since last purchase")))
    return (
        f"Put to the test over the last {horizon(now)}: {words.number(foretold.total)} purchases foretold, "
        f"{words.number(foretold.actual)} came; the mean error is {words.number(foretold.mae, decimals=2)} "
        f"per customer (without any forecast: {words.number(scores.mae['predict zero'], decimals=2)}). "
        f"P(active) ranks buyers {better} the days since the last purchase "
        f"(AUC {words.number(model, decimals=2)} against {words.number(hiatus, decimals=2)})."
    )


def _outlook(s: CustomerSegments) -> str:
    """Say what the sum of money stands on."""
    found = s.outlook
    if found is None or words.is_missing(found.low):
        return ""
    start = (
        "what the same customers spent in these weeks of last year" if found.seasonal else "the sum of the estimates"
    )
    days = words.plural(len(found.tests), "earlier day")
    return (
        f"Their sum, {words.money(found.total, currency=s.currency)} ({words.money(found.low)} to "
        f"{words.money(found.high, currency=s.currency)} in 4 of 5 cases), starts from {start}, times what came "
        f"against that on {days}."
    )


def _money_test(s: CustomerSegments) -> str:
    test = s.value_test
    if test is None:
        return ""
    nearer = abs(test["naive"] - test["came"]) < abs(test["expected"] - test["came"])
    advice = " As a sum the pace was nearer: plan no total on the estimate." if nearer else ""
    ends = ""
    if not words.is_missing(test["low"]):
        ends = f" ({words.money(test['low'])} to {words.money(test['high'], currency=s.currency)})"
    return (
        f"Money: {words.money(test['expected'], currency=s.currency)}{ends} was expected on "
        f"{words.day(s.before.as_of)}, {words.money(test['came'], currency=s.currency)} came; each customer's pace so "
        f"far, carried on, would have said {words.money(test['naive'], currency=s.currency)}. Rank correlation with "
        f"what came: {words.number(test['rank'], decimals=2)} and {words.number(test['naive_rank'], decimals=2)}."
        f"{advice}"
    )


def _short(rule: str) -> str:
    """Cut the long tails of numbers: the file of the definition holds them in full."""
    return re.sub(
        r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.4g}" if float(found[0]) < 1 else _cents(found[0]), rule
    )


def _cents(number: str) -> str:
    return f"{float(number):.2f}"


def _counted(stability: pd.DataFrame) -> Iterator[pd.Series]:
    renamed = stability.rename(columns={"count": "count_"})
    return (row for _, row in renamed.iterrows())
