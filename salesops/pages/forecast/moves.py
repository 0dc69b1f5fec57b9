"""What moves the forecast: the bridge, deals that count most, deals that moved out, and what reps call."""

from __future__ import annotations

import altair as alt
import pandas as pd
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.models.forecast.moves import Moves
from salesops.pages.forecast.findings import ForecastReport
from salesops.views import table as t
from salesops.views.blocks import Block, absent, note, nothing, sentence, together
from salesops.views.look import ACCENT, INK, PAPER, finish

_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own
_ROOM = 1.2  # the axis reaches so far beyond the largest amount, for the figures beside the bars
_PLOT = 300  # pixels of the axis, about
_PARTS = {"closed": "Closed", "open": "Open deals", "new": "To be created"}


@_WHOLE
def bridge(r: ForecastReport) -> alt.LayerChart | Block:
    """Draw how closed, open and new business add up, with P10 to P90 of the total and the target."""
    c = r.now.company
    if r.over or r.blind:
        return nothing()
    parts = {name: said for name, said in _PARTS.items() if name != "open" or r.measure == "bookings"}
    rows = pd.DataFrame({"part": list(parts.values()), "amount": [c[name] for name in parts]})
    rows["to"] = rows.amount.cumsum()
    rows["start"] = rows.to - rows.amount
    scale = words.scale_for([c["p90"], c["target"]], currency=r.currency)
    rows["label"] = [scale.show(amount) for amount in rows.amount]
    top = max(c["p90"], c["target"] if r.has_target else 0.0, 1.0)
    rows["kind"] = ["closed", *["expected"] * (len(rows) - 1)]
    names = [*parts.values(), "Total"]
    total = pd.DataFrame({"part": names[-1:], "p10": [c["p10"]], "p50": [c["p50"]], "p90": [c["p90"]]})
    total["label"] = scale.show(c["p50"])
    meets = [_meets(end, label, r, top) for end, label in zip(rows["to"], rows["label"], strict=True)]
    rows["at"] = rows.to.mask(pd.Series(meets), c["target"])
    y = alt.Y("part:N", sort=names, title=None, scale=alt.Scale(domain=names), axis=alt.Axis(ticks=False, domain=False))
    axis = alt.Axis(labelExpr=f"format(datum.value / {scale.divisor}, ',')", tickCount=4)
    x = alt.X("start:Q", title=scale.unit, axis=axis, scale=alt.Scale(domain=[0, top * _ROOM], nice=False))
    opacity = alt.Opacity(
        "kind:N", scale=alt.Scale(domain=["closed", "expected"], range=[1, 0.45]), legend=alt.Legend(title=None)
    )
    bars = alt.Chart(rows).mark_bar(height=20, color=ACCENT, stroke=PAPER).encode(y, x, alt.X2("to"), opacity)
    labels = alt.Chart(rows).mark_text(align="left", dx=6).encode(y, alt.X("at:Q"), text="label:N")
    line = alt.Chart(total).mark_rule(strokeWidth=3, color=ACCENT).encode(y, alt.X("p10:Q"), alt.X2("p90"))
    dot = alt.Chart(total).mark_point(size=90, filled=True, opacity=1, color=ACCENT).encode(y, alt.X("p50:Q"))
    said = alt.Chart(total).mark_text(dy=-14).encode(y, alt.X("p50:Q"), text="label:N")
    layers = [bars, labels, line, dot, said]
    if r.has_target:
        goal = alt.Chart(pd.DataFrame({"x": [c["target"]]})).mark_rule(color=INK, strokeDash=[4, 3])
        layers.append(goal.encode(alt.X("x:Q")))
    description = (
        f"In {scale.unit}: "
        + "; ".join(f"{row.part} {row.label}" for row in rows.itertuples())
        + f"; total {total.label[0]}, from {scale.show(c['p10'])} to {scale.show(c['p90'])}"
        + (f"; target {scale.show(c['target'])}" if r.has_target else "")
    )
    return finish(alt.layer(*layers), title=_bridge_title(r), description=description, height=230)


def _meets(end: float, label: str, r: ForecastReport, top: float) -> bool:
    """Whether the amount to the right of a bar would lie on the line of the target, and so stands right of that."""
    wide = (8 * len(label) + 12) / _PLOT * _ROOM * top
    return r.has_target and end <= r.now.company["target"] < end + wide


def movers_table(r: ForecastReport) -> Block:
    """Show the open deals that move the company's number most, each decided both ways."""
    if r.over:
        return note("The period is over: no open deal can still close in it.")
    if r.measure == "orders":
        return absent("Orders count in this book, and no deals: there is none that could move the number.")
    if r.blind:
        return note(f"What an open deal would move is not known: {r.now.inputs.why_not}")
    deals = r.movers.assign(
        name=r.movers.account_name.fillna("no account"),
        under=[
            " · ".join(str(part) for part in parts if not words.is_missing(part))
            for parts in zip(r.movers.opportunity_id, r.movers.owner_name, strict=True)
        ],
        step=r.movers.next_step.fillna("none noted"),
    )
    scale = words.scale_for(pd.concat([deals.amount, deals.swing]), currency=r.currency)
    both = (
        [t.chance("p_target_won", "Target if won"), t.chance("p_target_lost", "if lost")]
        if r.has_target
        else [t.amount("swing", "P50 moves by", scale=scale)]
    )
    columns = [
        t.text("name", "Deal", note="under"),
        t.amount("amount", "Amount", scale=scale),
        t.chance("chance", "P(win in period)", phone=False),
        *both,
        t.day("close_date", "Close date", phone=False),
        t.text("step", "Next step", phone=False),
    ]
    explain = (
        "Target if won, if lost: P(make it) of the company when this deal is decided, all else as before. "
        if r.has_target
        else "P50 moves by: the company's P50 with the deal won, less that with it lost. "
    )
    return t.table(
        deals,
        columns,
        caption=f"{explain}Amounts in {scale.unit}. Large deals with an open end come first.",
        empty="No open deal with an amount can close in the period.",
    )


def slips(r: ForecastReport) -> Block:
    """Say what became of the deals that were due: won, lost, moved out, or still due."""
    if r.measure == "orders":
        return absent("Orders have no close date that could move: there is no slippage.")
    told = [moves for moves in (r.from_start, r.since) if moves is not None]
    if not told:
        return absent(
            "There is no slippage to show: it needs opportunity_history of close dates, and days of the period gone."
        )
    return together(*(sentence(_moved(moves, r.currency)) for moves in told), _fates(r, told))


def commits(r: ForecastReport) -> Block:
    """Show what each rep called in past quarters against what came, and what is called now."""
    found = r.commits
    if found is None:
        return absent("Orders count in this book: there are no commits.")
    if found.why_not:
        return absent(f"There is no commit bias. {found.why_not}")
    reps = found.reps[found.reps.actual > 0]
    apart = bool((reps.bias.max() - reps.bias.min()) > 0.005)
    words_of = (
        "" if apart else " The reps differ by no more than luck explains, so that the team’s bias stands for everyone."
    )
    said = sentence(
        f"On day {found.day} of {words.plural(found.quarters, 'past quarter')} the reps called "
        f"{words.percent(found.team)} of what then came.{words_of}"
    )
    scale = words.scale_for(pd.concat([reps.commit, reps.actual]), currency=r.currency)
    columns = [
        t.text("user_name", "Rep"),
        t.number("periods", "Quarters", phone=False),
        t.amount("commit", "Called", scale=scale, phone=False),
        t.amount("actual", "Came", scale=scale, phone=False),
        t.share("raw", "Own"),
        t.share("bias", "Fair"),
        t.share("low", "from", phone=False),
        t.share("high", "to", phone=False),
        t.amount("commit_now", "In Commit now", scale=scale),
    ]
    table = t.table(
        reps,
        columns,
        caption="Called: closed by that day, and open deals in Commit that were due. Own: called ÷ came; above 100% "
        f"more was called. Fair: drawn to the team, with its 95% interval. In Commit now: due in the running quarter. "
        f"Amounts in {scale.unit}. By name.",
        empty="No rep has a past quarter.",
    )
    return together(said, table)


def _bridge_title(r: ForecastReport) -> str:
    c = r.now.company
    sure = c["closed"] / c["expected"] if c["expected"] > 0 else 0.0
    rest = f", {words.percent(c['new'] / c['expected'])} not yet created" if c["expected"] > 0 else ""
    goal = "; the dashed line is the target" if r.has_target else ""
    return f"{words.percent(sure)} of what is expected is closed{rest}{goal}"


def _moved(moves: Moves, currency: str) -> str:
    if not moves.due:
        return f"On {words.day(moves.since)} no open deal was due in the period."
    unknown = (
        f" {words.plural(moves.unknown, 'open deal')} had no known close date then and {_verb(moves.unknown)} left out."
        if moves.unknown
        else ""
    )
    return (
        f"Of {words.money(moves.due, currency=currency)} due in the period on {words.day(moves.since)}, "
        f"{words.percent(moves.slipped)} moved out of it. Deals worth "
        f"{words.money(moves.created, currency=currency)} that are due now were not in the book then.{unknown}"
    )


def _fates(r: ForecastReport, told: list[Moves]) -> Block:
    frames = [moves.fates.assign(since=words.day(moves.since), share=moves.fates.amount / (moves.due or float("nan")))
              for moves in told]  # fmt: skip  # one table for each day
    rows = pd.concat(frames, ignore_index=True)
    scale = words.scale_for(rows.amount, currency=r.currency)
    columns = [
        t.text("fate", "Became"),
        t.text("since", "Due on"),
        t.number("deals", "Deals"),
        t.amount("amount", "Amount", scale=scale),
        t.share("share", "Share"),
    ]
    return t.table(rows, columns, caption=f"What was due in the period, and what became of it, in {scale.unit}.")


def _verb(count: int) -> str:
    return "is" if count == 1 else "are"
