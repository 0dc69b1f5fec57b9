"""Page one of the forecast, block by block: where the period will end, for the company and for each rep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import altair as alt
import pandas as pd

from salesops import words
from salesops.models.forecast.sums import SHOCK
from salesops.pages.forecast.findings import ForecastReport
from salesops.views import table as t
from salesops.views.blocks import Block, definitions, headline, kpis, report_of
from salesops.views.day_chart import day_chart

DATED = {"bookings": "won deals by close date", "orders": "orders by order date"}
MOST_LINES = 120  # a page must stay small enough for a phone
FEW_WINS = 20
SILENT = 30  # days without any win after which silence is the book's, not the market's


def page_head(r: ForecastReport) -> Block:
    """Show where the period will end and the chance to reach the target, in one sentence."""
    return headline(
        _headline(r),
        eyebrow=f"Forecast · {r.company} · {words.period(r.period)}",
        meta=f"As of {words.day(r.as_of)}, with {words.percent(r.period.gone(r.as_of))} of the time gone. "
        f"Counted: {DATED[r.measure]}.{words.left_out_money(r.unrated)}{_silence(r)}",
    )


def key_figures(r: ForecastReport) -> Block:
    """Show target, what is closed, P10, P50 and P90, and P(make it)."""
    c = r.now.company
    scale = words.scale_for([c["target"], c["p90"]], currency=r.currency)
    share = f"{words.percent(c['closed'] / c['target'])} of target" if r.has_target else ""
    figures = [(f"Closed so far, {scale.unit}", scale.show(c["closed"]), share)]
    if r.has_target:
        figures.insert(0, (f"Target, {scale.unit}", scale.show(c["target"]), _target_note(r)))
    if r.over or r.blind:
        return kpis(figures)
    figures += [
        ("P10: nine times in ten more", scale.show(c["p10"]), ""),
        ("P50: as likely more as less", scale.show(c["p50"]), _against_target(r)),
        ("P90: nine times in ten less", scale.show(c["p90"]), ""),
    ]
    if r.has_target:
        figures.append(_make_it(r))
    return kpis(figures)


def picture(r: ForecastReport) -> alt.LayerChart | Block:
    """Draw the company's actual day by day, and the range of where it will stand at the end of each week."""
    c = r.now.company
    if len(r.fan):
        low, high = (words.money(c[name], currency=r.currency) for name in ("p10", "p90"))
        title = f"Eight times in ten the period ends between {low} and {high}"
    else:
        title = f"Day by day: {words.money(c['closed'], currency=r.currency)} since the start"
    return day_chart(r.days, r.fan, currency=r.currency, title=title)


def reps_table(r: ForecastReport) -> Block:
    """Show each rep's goal, what is closed, P10 to P90 and P(make it); the largest gap at P50 first."""
    reps = r.now.reps.assign(
        gap=r.now.reps.quota - r.now.reps.p50, remark=[_remark(row) for row in r.now.reps.to_dict("records")]
    )
    goals = bool(reps.quota.notna().any())
    order = ["gap", "p50", "user_name"] if goals else ["p50", "user_name"]
    reps = reps.sort_values(order, ascending=[False] * (len(order) - 1) + [True], na_position="last")
    shown = reps.head(MOST_LINES).assign(leads=lambda each: report_of("rep", each.user_id))
    scale = words.scale_for(pd.concat([reps.quota, reps.p90]), currency=r.currency)
    goal = [t.amount("quota", "Goal", scale=scale, phone=False)] if goals else []
    who = t.text("user_name", "Rep", note="remark", leads="leads")
    if r.blind:
        columns = [who, *goal, t.amount("closed", "Closed", scale=scale)]
        lead = "Largest goal first." if goals else "By name."
        return t.table(shown, columns, caption=f"{lead} Amounts in {scale.unit}.", total=_total(r))
    columns = [
        who,
        *goal,
        t.amount("closed", "Closed", scale=scale, phone=False),
        t.amount("p10", "P10", scale=scale),
        t.amount("p50", "P50", scale=scale),
        t.amount("p90", "P90", scale=scale),
        *([t.chance("p_attain", "P(make it)")] if goals and not r.over else []),
    ]
    lead = "Largest gap between goal and P50 first." if goals else "Largest P50 first. Without goals there is no gap."
    rest = f" The first {MOST_LINES} of {len(reps):,}; the others are in the total." if len(reps) > MOST_LINES else ""
    return t.table(
        shown,
        columns,
        caption=f"{lead} Amounts in {scale.unit}. P10 and P90 of reps do not add up to the company's.{rest}",
        total=_total(r),
    )


def limits(r: ForecastReport) -> list[str]:
    """Return what the numbers stand on, leave out and take for granted, a sentence each."""
    return list(_limits(r))


def how_defined(r: ForecastReport) -> Block:
    """Show the definitions behind the page."""
    return definitions(
        [
            ("Total", "closed + open deals won in the period + deals not yet created, the last two times a shock"),
            ("P10, P50, P90", "the total stays below with 10, 50 and 90% chance"),
            ("P(make it)", "chance that the total reaches the goal, or the target; in tables to 5 points"),
            ("The range of a chance", words.CHANCE_RANGE),
            (
                "Shock",
                f"what moves all reps alike: lognormal, standard deviation {r.now.shock:.2f} of its logarithm, learned "
                f"from past forecasts and drawn to {SHOCK:.2f}",
            ),
            ("Open deals", "Σ chance to win in the period × amount; the chance is learned from the book's own deals"),
            ("To be created", "deals or orders that nobody has entered yet, at each rep's own rate of the last year"),
            ("WAPE, bias", "Σ|F − A| ÷ ΣA and Σ(F − A) ÷ ΣA: forecast F, actual A"),
            ("Brier score", "mean squared error of the chances of deals; lower is better"),
        ]
    )


def _headline(r: ForecastReport) -> str:
    c = r.now.company
    closed, target = (words.money(c[name], currency=r.currency) for name in ("closed", "target"))
    if r.over:
        of = f" of the {target} target" if r.has_target else ""
        return f"The period is over with {closed}{of}. Nothing is left to forecast."
    if r.blind and r.ended_on:
        return f"Nothing is forecast past the end of the data: {r.now.inputs.why_not}"
    if r.blind:
        deals = len(r.now.inputs.deal_id)
        left = f"what chance the {words.plural(deals, 'open deal')} have is not known" if deals > 1 else ""
        left = left or ("what chance the only open deal has is not known" if deals else "no deal is open")
        never = f"{r.now.inputs.why_not[:-1]}" if r.wins else "nothing was ever won"
        return f"There is nothing to forecast from: {never}, and {left}."
    middle, low, high = (words.money(c[name], currency=r.currency) for name in ("p50", "p10", "p90"))
    span = f", with 80% chance between {low} and {high}" if low != high else ""
    lands = f"The period will end near {middle}{span}."
    if not r.has_target:
        return f"{lands} There is no target to compare it with."
    if c["target"] <= c["closed"]:
        return f"The {target} target is already met, with {closed} closed. {lands}"
    chance = words.chance_in_doubt(c["p_target"], c["p_low"], c["p_high"])
    return f"{lands} The chance to reach the {target} target is {chance}."


def _make_it(r: ForecastReport) -> tuple[str, str, str]:
    c = r.now.company
    if c["target"] <= c["closed"]:
        return "P(make it)", "made it", ""
    return "P(make it)", words.about(c["p_target"]), words.chance_range(c["p_low"], c["p_high"])


def _closed(r: ForecastReport) -> str:
    return "won" if r.measure == "bookings" else "ordered from the reps"


def _silence(r: ForecastReport) -> str:
    """Say on page one that the data end within the period, or that nothing was won for long."""
    if r.ended_on:
        what = "Deals" if r.measure == "bookings" else "Orders"
        part = f" {what} are known up to {words.day(r.ended_on)} only"
        return f"{part}, and what came later is not in it." if r.over else f"{part}: choose an earlier date."
    if r.silent > SILENT and not r.over:
        return f" Nothing was {_closed(r)} in the last {words.plural(r.silent, 'day')}."
    return ""


def _target_note(r: ForecastReport) -> str:
    goals = float(r.now.reps.quota.sum())
    return "sum of the reps’ goals" if abs(goals - r.now.company["target"]) < 1 else "as given"


def _against_target(r: ForecastReport) -> str:
    if not r.has_target:
        return ""
    missing = r.now.company["target"] - r.now.company["p50"]
    side = "below" if missing > 0 else "above"
    return f"{words.money(abs(missing), currency=r.currency)} {side} target"


def _remark(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["quota"]):
        return "no quota"
    return "quota of zero" if row["quota"] == 0 else ("made it" if row["closed"] >= row["quota"] else "")


def _total(r: ForecastReport) -> dict[str, object]:
    c = r.now.company
    named = {name: c[name] for name in ("closed", "p10", "p50", "p90")}
    return {"user_name": "Company", "quota": c["target"], **named, "p_attain": c["p_target"]}


def _limits(r: ForecastReport) -> Iterator[str]:
    what = "won deal" if r.measure == "bookings" else "order"
    end = r.ended_on or r.as_of
    holds = "They hold" if r.blind else "The forecast stands on"
    yield f"Data up to {words.day(end)}. {holds} {words.plural(r.wins, what)}."
    if r.blind and r.ended_on:
        yield (
            f"Nothing has come since {words.day(end)}, for longer than twice the longest pause before. Either the "
            "source ends there, or sales did. Choose an earlier date to see the forecast of then."
        )
    if r.as_of < r.period.start:
        yield f"The period has not begun: the forecast is made {_ahead(r)} before it."
    if r.wins < FEW_WINS and not r.over and not r.blind:
        yield f"With fewer than {FEW_WINS} {what}s the intervals are no more than a guess."
    if r.silent > SILENT and not r.over and not r.ended_on:
        yield (
            f"Nothing was {_closed(r)} in the last {words.plural(r.silent, 'day')} before {words.day(r.as_of)}. "
            "If the book ends earlier, the forecast takes its end for silence and is too low: choose an earlier date."
        )
    yield from r.now.notes
    level = r.now.inputs.level
    if level.forecasts and not r.over and not r.blind:
        yield (
            f"All that is still to come is multiplied by {level.factor:.2f}: how {_past(level.forecasts)} came out "
            "against what was expected, drawn to 1."
        )
    if not r.over:
        yield (
            "Months of the year count where two whole years are in the book and agree. Price changes and campaigns are "
            "not in the forecast; the shock makes room for what moves all at once. Reps who join later are left out."
        )
    yield "Reps, managers and territories are today's unless the book keeps their history."


def _past(forecasts: int) -> str:
    return words.plural(forecasts, "earlier forecast from this book", "earlier forecasts from this book")


def _ahead(r: ForecastReport) -> str:
    return words.plural((r.period.start - r.as_of).days, "day")
