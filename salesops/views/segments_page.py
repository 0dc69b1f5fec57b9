"""The page of the customer segments, block by block: who the customers are, and how far to trust it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import timedelta

import pandas as pd
from markupsafe import Markup

from salesops.book.finding import Finding
from salesops.models.customers import FEWEST, Customers
from salesops.models.customers_segments import CustomerSegments
from salesops.models.segments import UNKNOWN
from salesops.views import table as t
from salesops.views import words
from salesops.views.blocks import Block, definitions, headline, kpis, note, sentence

READ = ("accounts", "orders", "order_lines", "products", "playbook.toml", "overrides.csv")
SILENT = 30  # days without any purchase after which silence is the book's, not the customers'
_KINDS = {"rules": "Rules", "kmeans": "KMeans", "mixture": "Gaussian mixture"}


def page_head(s: CustomerSegments) -> Block:
    """Show how many customers there are, where the money is, and how many moved."""
    return headline(
        _headline(s),
        eyebrow=f"Customer segments · {s.company}",
        meta=f"As of {words.day(s.now.as_of)}; compared with {words.day(s.before.as_of)}. {_last_purchase(s.now)}",
    )


def key_figures(s: CustomerSegments) -> Block:
    """Show customers, the money expected, who is likely to buy, and who moved."""
    now, both = s.now, _on_both_dates(s)
    scale = words.scale_for([now.table.value.sum()], currency=s.currency)
    never = f"{words.plural(now.never_bought, 'account')} never bought" if now.never_bought else ""
    figures = [("Customers", words.number(len(now.table)), never)]
    if now.usable:
        figures += [
            (f"Expected in {_horizon(now)}, {scale.unit}", scale.show(now.table.value.sum()), _last_time(s)),
            ("Likely to buy in it", words.number(now.table.p_active.sum()), f"of {words.number(len(now.table))}"),
        ]
    if both:
        moved = f"{words.percent(len(s.movers) / both)} of {words.number(both)} customers of both dates"
        figures.append(("Changed segment", words.number(len(s.movers)), moved))
    if s.in_use is not None:
        figures.append(
            ("Drawn again, segments agree", words.number(_cut(s.in_use), decimals=2), "mean ARI; 1 is fully")
        )
    return kpis(figures)


def segments_table(s: CustomerSegments) -> Block:
    """Show each segment's size, money, activity and most frequent play."""
    plays = s.plays.main.set_index("segment")
    rows = s.segments.assign(
        play=[plays.play_name.get(name, "") for name in s.segments.segment],
        of=[_of_segment(plays.share.get(name)) for name in s.segments.segment],
    )
    value = "value" if s.now.usable else "money"
    scale = words.scale_for(rows[value], currency=s.currency)
    columns = [
        t.text("segment", "Segment"),
        t.number("customers", "Customers"),
        t.share("customer_share", "Share", phone=False),
        t.amount(value, "Expected" if s.now.usable else "Money so far", scale=scale),
        t.share(f"{value}_share", "Of money"),
        *([t.share("p_active", "P(active)", phone=False)] if s.now.usable else []),
        t.number("frequency", "Repeats", phone=False),
        t.number("days_since", "Days since", phone=False),
        *([t.text("play", "Most frequent play", note="of", phone=False)] if len(plays) else []),
    ]
    total = {"segment": "All", "customers": rows.customers.sum(), value: rows[value].sum()}
    lead = f"Money expected in {_horizon(s.now)}" if s.now.usable else "Money spent in all"
    return t.table(
        rows,
        columns,
        caption=f"{lead}, in {scale.unit}. Repeat purchases and days since the last one are medians.",
        total=total if len(rows) else None,
        empty=s.why_not or "No customers.",
    )


def estimates(s: CustomerSegments) -> Block:
    """Say what the estimates stand on and how they fared when put to the test, with the naive forecasts beside."""
    now = s.now
    if not now.usable:
        return note(f"There are no estimates. {now.why_not}")
    parts = [_model(now), _spend(now)]
    if now.backtest.empty:
        parts.append(f"They cannot be tested: fewer than {FEWEST} customers had bought a horizon earlier.")
    else:
        parts += [_purchases_test(now), _money_test(s)]
    return together(sentence(" ".join(part for part in parts if part)), _backtest_table(s))


def together(*blocks: Block) -> Block:
    """Show several blocks as one."""
    return Block(Markup("").join(block.html for block in blocks), "\n\n".join(block.text for block in blocks))


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
        caption=f"Fitted on {words.day(start)}, held against the purchases of the {_horizon(s.now)} since. "
        "AUC: the chance to rank a buyer above a non-buyer; .50 is a coin.",
        empty=f"No backtest: fewer than {FEWEST} customers had bought by {words.day(start)}.",
    )


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
        mean_ari=s.stability.mean_ari.map(_cut),
        low_ari=s.stability.low_ari.map(_cut),
        name=[f"{_KINDS[row.method]}, {words.plural(row.count_, 'segment')}" for row in _counted(s.stability)],
    )
    columns = [
        t.text("name", "Segments"),
        t.number("mean_ari", "Mean ARI", decimals=2),
        t.number("low_ari", "Low ARI", decimals=2, phone=False),
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


def limits(s: CustomerSegments, *warnings: Finding) -> Block:
    """Show what is left out, what the numbers take for granted, and the warnings about the tables that it reads."""
    return note(*_limits(s), *(str(finding) for finding in warnings if finding.table in READ))


def how_defined(s: CustomerSegments) -> Block:
    """Show the definitions behind the page."""
    return definitions(
        [
            ("Purchase", "all lines of one customer on one day, if more was bought than returned"),
            ("P(active)", f"chance to buy at least once in {_horizon(s.now)}"),
            ("Expected", f"purchases expected in {_horizon(s.now)} × money expected per purchase; not discounted"),
            ("Repeats", "purchases after the first"),
            ("Changed segment", "another segment than on the earlier date, by the same definition"),
            ("ARI", "adjusted Rand index: how far two divisions of the same customers agree beyond chance"),
        ]
    )


def _cut(value: float) -> float:
    """Cut a figure to two decimals, as the verdict does: .849 must not read as .85."""
    return math.floor(value * 100) / 100


def _headline(s: CustomerSegments) -> str:
    if s.now.table.empty:
        return s.now.why_not
    count = words.plural(len(s.now.table), "customer")
    named = s.segments[s.segments.segment.astype(str) != UNKNOWN]
    if named.empty:
        return f"{count}, and no segments: {s.why_not[:1].lower()}{s.why_not[1:]}"
    value, what = ("value", f"money expected in {_horizon(s.now)}") if s.now.usable else ("money", "money spent so far")
    best = named.nlargest(1, f"{value}_share").iloc[0] if named[f"{value}_share"].notna().any() else named.iloc[0]
    moved = f" {words.number(len(s.movers))} changed segment." if _on_both_dates(s) else ""
    return (
        f"{count} in {words.plural(len(named), 'segment')}. The {words.number(best.customers)} in “{best.segment}” "
        f"({words.percent(best.customer_share)}) hold {words.percent(best[f'{value}_share'])} of the {what}.{moved}"
    )


def _last_purchase(now: Customers) -> str:
    if now.table.empty:
        return ""
    return f"Last purchase {words.day(now.table.last_purchase.max())}."


def _on_both_dates(s: CustomerSegments) -> int:
    return int(s.now.table.account_id.isin(s.before.table.account_id).sum())


def _horizon(now: Customers) -> str:
    return words.plural(now.horizon_weeks, "week")


def _last_time(s: CustomerSegments) -> str:
    test = s.value_test
    if test is None or not test["came"] > 0:
        return ""
    off = test["expected"] / test["came"] - 1
    return f"last time {words.percent(abs(off))} too {'much' if off > 0 else 'little'}"


def _of_segment(share: float | None) -> str:
    return "" if share is None or words.is_missing(share) else words.percent(share)


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
    better = "better than" if model - hiatus >= 0.005 else "no better than"
    return (
        f"Put to the test over the last {_horizon(now)}: {words.number(foretold.total)} purchases foretold, "
        f"{words.number(foretold.actual)} came; the mean error is {words.number(foretold.mae, decimals=2)} "
        f"per customer (without any forecast: {words.number(scores.mae['predict zero'], decimals=2)}). "
        f"P(active) ranks buyers {better} the days since the last purchase "
        f"(AUC {words.number(model, decimals=2)} against {words.number(hiatus, decimals=2)})."
    )


def _money_test(s: CustomerSegments) -> str:
    test = s.value_test
    if test is None:
        return ""
    return (
        f"Money: {words.money(test['expected'], currency=s.currency)} was expected on {words.day(s.before.as_of)}, "
        f"{words.money(test['came'], currency=s.currency)} came; each customer's pace so far, carried on, would have "
        f"said {words.money(test['naive'], currency=s.currency)}. Rank correlation with what "
        f"came: {words.number(test['rank'], decimals=2)} and {words.number(test['naive_rank'], decimals=2)}."
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


def _limits(s: CustomerSegments) -> Iterator[str]:
    now, out = s.now, s.now.left_out
    if out["lines_without_customer"]:
        yield (
            f"{words.plural(out['lines_without_customer'], 'order line')} in "
            f"{words.plural(out['orders_without_customer'], 'order')} name no customer, "
            f"{words.money(out['value_without_customer'], currency=s.currency)} in all: they are in no segment."
        )
    if out["customers_without_purchase"]:
        yield (
            f"{words.plural(out['customers_without_purchase'], 'customer')} only returned goods or got worthless ones "
            f"({words.money(out['value_without_purchase'], currency=s.currency)}): no purchase, no segment."
        )
    if now.never_bought:
        yield f"{words.plural(now.never_bought, 'account')} never bought by this date and are in no segment."
    for name, what in (
        ("no_rate", "are in a currency without a rate: their money is in no amount"),
        ("undated", "have no date"),
    ):
        if out[name]:
            yield f"{words.plural(out[name], 'order line')} {what}."
    silent = 0 if now.table.empty else (pd.Timestamp(now.as_of) - now.table.last_purchase.max()).days
    if silent > SILENT:
        yield (
            f"Nobody bought in the last {words.plural(silent, 'day')} before {words.day(now.as_of)}. If the book ends "
            "earlier, this reads as the customers' silence: choose an earlier date."
        )
    unknown = int((now.table.segment.astype(str) == UNKNOWN).sum())
    if unknown and not s.why_not:
        yield f"{words.plural(unknown, 'customer')} cannot be placed: what the definition asks is not known of them."
    if now.usable:
        yield "Estimates take each customer to buy at random at a steady rate: seasons and growth are not in them."
    yield "Money and purchases are counted from the first purchase on, so customers also rise by age alone."
    yield "What an import set aside is in the folder rejected beside the book, not here."
