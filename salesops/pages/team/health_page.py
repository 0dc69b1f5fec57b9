"""Pipeline and selling figures of a team."""

from __future__ import annotations

import altair as alt
import pandas as pd

from salesops import words
from salesops.metrics.pipeline import AGE_BANDS
from salesops.pages.team.findings import TeamAccountability
from salesops.pages.team.health import SalesHealth
from salesops.views import charts
from salesops.views import table as t
from salesops.views.blocks import Block, absent, note, nothing

NOT_YET = "No deal that reached a stage in the period is decided yet."
NO_DEALS = "This book holds no opportunities: win rate, pipeline, coverage and slippage are not shown."


def pipeline_chart(health: SalesHealth) -> alt.LayerChart | Block:
    """Draw open amounts by stage and age."""
    stages = health.stages
    if stages.empty:
        return note("No deal is open.") if health.has_deals else nothing()
    bare = stages.without_amount.sum()
    if stages.amount.sum() <= 0:
        count = words.plural(stages.deals.sum(), "deal")
        return note(f"{count} are open; none carries an amount, so there is no pipeline in money.")
    worth = words.money(stages.amount.sum(), currency=health.currency)
    title = f"{worth} open{_age(stages)}"
    if bare:
        title += f"; {words.plural(bare, 'deal')} without an amount"
    return charts.pipeline_by_stage(stages, stages=health.stage_order, currency=health.currency, title=title)


def conversion_chart(health: SalesHealth) -> alt.LayerChart | Block:
    """Draw the team's stage conversion, or say what it needs."""
    told = health.conversion[health.conversion.conversion.notna()]
    if told.empty and not health.has_deals:
        return nothing()
    if told.empty:
        return note(f"Stage conversion needs {health.stages_need}." if health.stages_need else NOT_YET)
    least = told.sort_values("conversion").iloc[0]
    title = f"Fewest deals go on from {least.stage_name}: {words.percent(least.conversion)} of those decided"
    return charts.conversion_plot(told, stages=health.stage_order, title=title)


def coverage_words(r: TeamAccountability, health: SalesHealth) -> Block:
    """Say whether the open deals due in the period cover the gap."""
    if not health.has_deals:
        return absent(NO_DEALS)
    total, own = r.total, r.own
    due, weighted = own.due_amount.sum(), own.due_weighted.sum()
    if total.get("quota") is None:
        return note("Without goals there is no gap to cover.")
    if r.as_of >= r.period.end:
        return note("The period is over: nothing that is open can still close in it.")
    if total["gap"] <= 0:
        return note("The goal is met; coverage is not needed.")
    worth, raw = words.money(due, currency=r.currency), due / total["gap"]
    said = [f"Open deals due in the period are worth {worth}: {raw:.1f} times the gap."]
    bare = health.open_deals["without_probability"]
    if weighted > 0:
        worth, odds = words.money(weighted, currency=r.currency), weighted / total["gap"]
        said.append(f"Weighted by the CRM's own probabilities {worth}: {odds:.1f} times.")
    if bare:
        said.append(f"{words.plural(bare, 'open deal')} without a probability from 0 to 1 count in no weighted amount.")
    return note(*said)


def health_table(health: SalesHealth) -> Block:
    """Show win rate, average deal, cycle, velocity, slippage and activities, each with what it stands on."""
    if not health.has_deals:
        return nothing()
    wins, speed, slips, done = health.wins, health.speed, health.slips, health.activities
    days = words.MISSING if health.median_cycle is None else words.plural(health.median_cycle, "day")
    rows = [
        ("Win rate, by count", words.percent(wins["win_rate"]), words.plural(wins["decided"], "decided deal")),
        ("Win rate, by amount", words.percent(wins["win_rate_amount"]), _amount_note(wins)),
        (
            "Average won deal",
            words.money(wins["average_deal"], currency=health.currency),
            words.plural(wins["won"], "won deal"),
        ),
        ("Sales cycle, median", days, _cycle_note(speed)),
        (
            "Sales velocity",
            words.MISSING
            if words.is_missing(speed["velocity"])
            else f"{words.money(speed['velocity'], currency=health.currency)} a day",
            "open deals past the first stage × win rate × average deal ÷ mean cycle",
        ),
        ("Slippage", words.percent(slips["slippage"]), _slip_note(health)),
    ]
    if health.has_activities:
        due = words.plural(done["due"], "activity", "activities")
        rows.append(("Activities on time", words.percent(done["on_time_rate"]), f"{due} due"))
    frame = pd.DataFrame(rows, columns=["figure", "value", "stands_on"])
    columns = [t.text("figure", "Figure"), t.text("value", "Value"), t.text("stands_on", "Stands on")]
    return t.table(frame, columns, caption="The team in the period. Counts are shares of split deals.")


def _age(stages: pd.DataFrame) -> str:
    """Say how much of the pipeline is old, of what has a known age; nothing where none has."""
    aged = stages[stages.age_band != AGE_BANDS[3]]
    if aged.amount.sum() <= 0:
        return ""
    old = aged[aged.age_band == AGE_BANDS[2]].amount.sum() / aged.amount.sum()
    of = "it" if len(aged) == len(stages) else "what has a known age"
    return f", {words.percent(old)} of {of} older than 90 days"


def _amount_note(wins: dict[str, float]) -> str:
    bare = wins["lost_without_amount"]
    return (
        f"{words.plural(bare, 'lost deal carries', 'lost deals carry')} no amount"
        if bare
        else "amounts won of amounts decided"
    )


def _cycle_note(speed: dict[str, float]) -> str:
    left = [
        f"{words.plural(speed[name], 'deal')} {why} left out"
        for name, why in (("negative", "closed before created"), ("undated", "without created date"))
        if speed[name]
    ]
    return "; ".join([words.plural(speed["cycle_deals"], "won deal"), *left])


def _slip_note(health: SalesHealth) -> str:
    if not health.has_history:
        return "needs history of close dates: snapshot the open deals regularly"
    unknown = health.slips["unknown_deals"]
    rest = f"; {words.plural(unknown, 'deal')} without a known close date then" if unknown else ""
    return f"{words.money(health.slips['due_amount'], currency=health.currency)} due at the start{rest}"
