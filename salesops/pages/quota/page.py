"""The page of the quota plan, block by block: who can make the number, and what each scenario changes."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.models.quota import Outcome
from salesops.models.quota.levers import shock_of
from salesops.pages.quota.findings import QuotaPlan
from salesops.pages.quota.words import LINES, headline_words, outcome_words
from salesops.views import table as t
from salesops.views.blocks import Block, definitions, headline, kpis, nothing, sentence
from salesops.views.look import ACCENT, ALERT, INK, PAPER, ROW, SOFT, finish

TODAY = "today"
MOST_REPS = 40
_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own


def page_head(p: QuotaPlan) -> Block:
    """Show the chance to make the target, and how many reps are expected to make their quota."""
    said = headline_words(p.today, p.today, p.currency, same=True)
    some = int(np.isfinite(p.today.reps.p_attain.to_numpy(float)).sum())
    if some and not p.today.why_not:
        expected = words.number(p.today.reps.p_attain.sum(), decimals=1)
        said += f" {expected} of {words.plural(some, 'rep')} are expected to make their quota."
    return headline(
        said,
        eyebrow=f"Quota what-if · {p.company} · {p.period}",
        meta=f"As of {words.day(p.as_of)}; {words.plural(len(p.scenarios), 'saved scenario')}. In {p.currency}.",
    )


def key_figures(p: QuotaPlan) -> Block:
    """Show the figures of the baseline that a quota is judged by."""
    said = outcome_words(p.today, p.currency)
    shown = (
        ("p_target", "Chance of the target", said["target"]),
        ("quota_total", "Rep quotas together", f"{said['over_assignment']} above the target"),
        ("expected", "Expected in all", said["range"]),
        ("attaining", "Expected to make it", "reps"),
        ("fairness", "Between territories", "spread of P(attain)"),
    )
    return kpis([(label, said[name], remark) for name, label, remark in shown if said[name] != words.MISSING])


def scenarios_table(p: QuotaPlan) -> Block:
    """Show baseline and saved scenarios side by side, a line for each result."""
    outcomes = {"Baseline": p.today, **{found.scenario.name: found for found in p.scenarios}}
    columns = [outcome_words(found, p.currency) for found in outcomes.values()]
    rows = [
        {"line": label, **{f"c{n}": column[name] for n, column in enumerate(columns)}}
        for name, label in LINES.items()
        if any(column[name] != words.MISSING for column in columns)
    ]
    shown = [t.text("line", ""), *(_words(f"c{n}", name) for n, name in enumerate(outcomes))]
    return t.table(
        pd.DataFrame(rows), shown, caption="Today beside the saved scenarios. Ranges hold in 80 of 100 cases."
    )


def best_words(p: QuotaPlan) -> Block:
    """Say which scenario gives the target the best chance, and at what cost, if one does; or how to save one."""
    known = [found for found in p.scenarios if np.isfinite(found.p_target)]
    if p.scenarios and p.today.why_not:
        return sentence(f"What the saved scenarios change is not known: {p.today.why_not}")
    if not known:
        return sentence(
            "No scenario is saved yet. Open the what-if in JupyterLab, or with: salesops whatif --book BOOK. "
            "What is saved there stands here."
        )
    best = max(known, key=lambda found: found.p_target)
    if best.p_target < p.today.p_target + 0.005:
        return sentence("No saved scenario gives the target a better chance than today’s.")
    said = f"“{best.scenario.name}” gives the target a chance of {words.about(best.p_target)}"
    if np.isfinite(p.today.p_target):
        said += f", today {words.about(p.today.p_target)}"
    # NaN, and so not told, where one of the two has no pay plan
    cost = best.cost_of_sales * best.expected - p.today.cost_of_sales * p.today.expected
    if cost > 0:
        said += f"; pay and commission rise by {words.money(cost, currency=p.currency)}"
    return sentence(f"{said}.")


@_WHOLE
def attain_chart(p: QuotaPlan) -> alt.LayerChart | Block:
    """Draw P(attain) of each rep, today and under each scenario; nothing where nobody has a quota."""
    rows = _chances(p)
    if rows.empty:
        return nothing()
    names = list(dict.fromkeys(rows.label))
    kinds = [TODAY, *(found.scenario.name for found in p.scenarios)]
    y = alt.Y("label:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False))
    axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1], title="P(attain)")
    x = alt.X("chance:Q", axis=axis, scale=alt.Scale(domain=[0, 1], nice=False))
    shapes = ["circle", "diamond", "square", "triangle-up", "cross"][: len(kinds)]
    colors = [SOFT, ACCENT, ALERT, INK, ACCENT][: len(kinds)]
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=shapes))
    color = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=colors))
    fill = alt.Fill("kind:N", scale=alt.Scale(domain=kinds, range=[PAPER, *colors[1:]]))
    ends = rows.groupby("label", sort=False).chance.agg(["min", "max"]).reset_index()
    lines = alt.Chart(ends).mark_rule(color=SOFT).encode(y, alt.X("min:Q"), alt.X2("max"))
    dots = alt.Chart(rows).mark_point(size=60, opacity=1).encode(y, x, shape, color, fill)
    return finish(
        alt.layer(lines, dots),
        title=_chart_title(p, len(names)),
        description=f"P(attain) of {words.plural(len(names), 'rep')}. " + _chances_by_rep(rows),
        height=100 + 20 * len(names) + ROW * (len(kinds) // 2),
    )


def reps_table(p: QuotaPlan) -> Block:
    """Show each rep's quota, what is closed and expected, and P(attain), lowest first."""
    reps = p.today.reps.assign(today=p.today.reps.p_attain)
    columns = [t.text("user_name", "Rep"), t.text("territory_id", "Territory", phone=False)]
    scale = words.scale_for([*reps.quota, *reps.expected], currency=p.currency)
    columns += [
        t.amount("quota", "Quota", scale=scale),
        t.amount("closed", "Closed", scale=scale, phone=False),
        t.amount("expected", "Expected", scale=scale, phone=False),
        t.chance("today", "P(attain)"),
    ]
    for number, found in enumerate(p.scenarios):
        reps[f"s{number}"] = found.reps.set_index("user_id").p_attain.reindex(reps.user_id).to_numpy()
        columns.append(t.chance(f"s{number}", found.scenario.name, phone=number == 0))
    rows = reps.sort_values(["today", "user_name"], na_position="last")
    return t.table(rows, columns, caption=f"Lowest P(attain) first. Amounts in {scale.unit}.", empty="No reps.")


def limits(p: QuotaPlan) -> list[str]:
    """Return what the numbers take for granted, and which scenarios are not here, a sentence each."""
    shock = words.percent(shock_of(p.inputs, p.today.scenario))
    return [
        *p.today.notes,
        *p.refused,
        f"All money to come shares a shock of {shock}: good and bad times hit all at once.",
        "A quota does not change effort here. A discount raises wins by an assumption, not by an estimate.",
    ]


def how_defined(p: QuotaPlan) -> Block:
    """Show the definitions behind the page."""
    return definitions(
        [
            ("P(attain)", "chance that closed, open and new business of a rep together reach the quota; to 5 points"),
            ("The range of a chance", words.CHANCE_RANGE),
            ("Over-assignment", "Σ rep quotas ÷ company target − 1"),
            ("Fairness", "highest mean P(attain) of a territory − the lowest"),
            ("Commission", "rate × booked, with threshold, accelerator and cap as multiples of the quota"),
            ("Cost of sales", "(pay + expected commission) ÷ expected total"),
            ("Counts", f"{'won deals' if p.inputs.measure == 'bookings' else 'orders'} in {p.period}"),
        ]
    )


def _words(name: str, title: str) -> t.Column:
    plain = t.text(name, title)
    return t.Column(name, title, plain.html, plain.text)


def _chances(p: QuotaPlan) -> pd.DataFrame:
    """Return label, kind, chance: the reps with a quota, today's lowest chances first, at most MOST_REPS of them."""
    parts = [(TODAY, p.today), *((found.scenario.name, found) for found in p.scenarios)]
    order = _order(parts)
    rows = []
    for kind, found in parts:
        known = found.reps.set_index("user_id").p_attain.dropna()
        rows += [{"label": name, "kind": kind, "chance": known[user]} for user, name in order if user in known.index]
    return pd.DataFrame(rows, columns=["label", "kind", "chance"])


def _order(parts: list[tuple[str, Outcome]]) -> list[tuple[str, str]]:
    reps = parts[0][1].reps
    best = pd.concat([found.reps.set_index("user_id").p_attain for _, found in parts], axis=1).reindex(reps.user_id)
    first = best.bfill(axis=1).iloc[:, 0].to_numpy(float)
    rows = reps.assign(first=first).dropna(subset="first").sort_values(["first", "user_name"]).head(MOST_REPS)
    twice = rows.user_name.duplicated(keep=False)
    labels = rows.user_name.where(~twice, rows.user_name + " (" + rows.user_id + ")")
    return list(zip(rows.user_id, labels, strict=True))


def _chart_title(p: QuotaPlan, drawn: int) -> str:
    known = p.today.reps.p_attain.dropna()
    if known.empty:
        return "Who can make the quota, by scenario"
    low = int((known < 0.5).sum())
    part = f" The {drawn} lowest are drawn." if len(known) > drawn else ""
    return f"{words.plural(low, 'rep')} of {len(known)} more likely miss the quota than make it.{part}"


def _chances_by_rep(rows: pd.DataFrame) -> str:
    said: dict[str, list[str]] = {}
    for row in rows.itertuples():
        said.setdefault(str(row.label), []).append(f"{row.kind} {words.chance(row.chance)}")
    return "; ".join(f"{name} {', '.join(parts)}" for name, parts in said.items())
