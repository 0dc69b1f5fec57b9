"""Charts of the churn page: survival by cohort, and calibration."""

from __future__ import annotations

import json

import altair as alt
import numpy as np
import pandas as pd
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.models.churn.survival import EVERYONE
from salesops.pages.churn.findings import ChurnReview
from salesops.pages.churn.words import unit
from salesops.views.blocks import Block, nothing
from salesops.views.look import ACCENT, INK, LINE, ROW, SOFT, finish

_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own
_PERCENT = alt.Axis(format=".0%", tickCount=5)
_CLIENTS = 12  # that are longest silent
_POINTS = 80  # of a curve that are drawn
_DASHES = ([1, 0], [1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
_COLORS = (INK, ACCENT, ACCENT, SOFT, SOFT)


@_WHOLE
def silence_chart(r: ChurnReview) -> alt.LayerChart | Block:
    """Draw how long clients are silent, and after how long each counts as lost; nothing where contracts count."""
    if r.now.setting != "orders":
        return nothing()
    table = r.calls.table[r.calls.table.lost_after.notna()]
    rows = table.sort_values(["hiatus_ratio", "account_id"], ascending=[False, True], kind="stable").head(_CLIENTS)
    if rows.empty:
        return nothing()
    days = rows[["hiatus_days", "lost_after"]].to_numpy(float)
    drawn = rows[["account_id", "account_name", "hiatus_days", "lost_after"]].assign(
        label=[f"{words.number(now)}, lost after {words.number(own)}" for now, own in days]
    )
    order = list(drawn.account_id)
    named = drawn.account_name.fillna(drawn.account_id).to_list()
    names = f"{json.dumps(dict(zip(order, named, strict=True)))}[datum.value]"
    axis = alt.Axis(ticks=False, domain=False, labelExpr=names, labelLimit=150)
    y = alt.Y("account_id:N", sort=order, title=None, axis=axis)
    most = float(days.max())
    room = alt.Scale(domain=[0, most], nice=False, rangeMin=0, rangeMax=alt.ExprRef("width - 124"))
    x = alt.X("hiatus_days:Q", title="Days since the last purchase", axis=alt.Axis(tickCount=4), scale=room)
    base = alt.Chart(drawn)
    bars = base.mark_bar(color=ACCENT, height=10).encode(y, x)
    points = base.mark_tick(color=INK, thickness=2, size=16).encode(y, alt.X("lost_after:Q"))
    furthest = drawn.assign(end=drawn[["hiatus_days", "lost_after"]].max(axis=1))
    labels = alt.Chart(furthest).mark_text(align="left", dx=6).encode(y, alt.X("end:Q"), text="label:N")
    beyond = int((table.hiatus_days > table.lost_after).sum())
    who = "No client is" if not beyond else words.plural(beyond, "client is", "clients are")
    own = "its own" if beyond < 2 else "their own"
    title = f"{who} silent for longer than {own} rhythm allows (the upright mark)"
    said = [f"{name} {label}" for name, label in zip(named, drawn.label, strict=True)]
    description = f"Days of silence, longest against the own gaps first: {'; '.join(said)}."
    height = 60 + ROW * len(drawn)
    return finish(alt.layer(bars, points, labels), title=title, description=description, height=height, wide=True)


@_WHOLE
def survival_chart(r: ChurnReview) -> alt.LayerChart | Block:
    """Draw the share of clients still there, everyone and by cohort; the band is everyone's interval."""
    curves = r.survival.curves
    if curves.empty:
        return nothing()
    names = list(dict.fromkeys(curves.cohort))
    rows = pd.concat([_thinned(curves[curves.cohort == name]) for name in names])
    since = "Days since the rhythm was known" if r.now.setting == "orders" else "Days since the first contract began"
    x = alt.X("days:Q", title=since, axis=alt.Axis(grid=False, tickCount=6))
    y = alt.Y("staying:Q", title="Still there", axis=_PERCENT, scale=alt.Scale(domain=[0, 1]))
    key = alt.Legend(symbolType="stroke", symbolSize=300, columns=3)
    color = alt.Color(
        "cohort:N", sort=names, scale=alt.Scale(domain=names, range=list(_COLORS[: len(names)])), legend=key
    )
    dashes = alt.Scale(domain=names, range=[list(dash) for dash in _DASHES[: len(names)]])
    lines = alt.Chart(rows).mark_line(interpolate="step-after", strokeWidth=2)
    lines = lines.encode(x, y, color, alt.StrokeDash("cohort:N", sort=names, scale=dashes, legend=key))
    whole = alt.Chart(rows[rows.cohort == EVERYONE]).mark_area(color=LINE, interpolate="step-after")
    band = whole.encode(x, alt.Y("low:Q", title="Still there", axis=_PERCENT), alt.Y2("high"))
    cohorts = r.survival.cohorts
    title = "How long clients stay, by the time of their start"
    year = cohorts.iloc[0].year
    if not words.is_missing(year):
        who = "clients with a rhythm" if r.now.setting == "orders" else "accounts"
        title = f"After a year {words.percent(year)} of {who} are still there"
    told = [
        f"{row.cohort}: {words.number(row.lost)} of {words.plural(row.clients, 'client')} lost"
        + ("" if words.is_missing(row.year) else f", {words.percent(row.year)} there after a year")
        for row in cohorts.itertuples()
    ]
    description = f"Share of clients still there against days since the start. {'; '.join(told)}."
    return finish(alt.layer(band, lines), title=title, description=description, height=290)


@_WHOLE
def calibration_chart(r: ChurnReview) -> alt.LayerChart | Block:
    """Draw observed against foretold shares with intervals, and the line on which they agree."""
    rows = r.now.backtest.calibration
    if rows.empty:
        return nothing()
    drawn = rows[["predicted", "observed", "low", "high", "n"]].astype(float)
    most = float(min(1.0, np.ceil(max(drawn.high.max(), drawn.predicted.max()) * 10) / 10))
    room = alt.Scale(domain=[0, most], nice=False)
    x = alt.X("predicted:Q", title="Foretold", axis=_PERCENT, scale=room)
    y = alt.Y("observed:Q", title="Lost", axis=_PERCENT, scale=room)
    base = alt.Chart(drawn)
    ends = base.mark_rule(color=ACCENT, strokeWidth=2)
    ends = ends.encode(x, alt.Y("low:Q", title="Lost", axis=_PERCENT, scale=room), alt.Y2("high"))
    dots = base.mark_point(size=70, filled=True, opacity=1, color=ACCENT).encode(x, y)
    line = alt.Chart(pd.DataFrame({"predicted": [0, most], "observed": [0, most]}))
    agree = line.mark_line(color=INK, strokeDash=[4, 3], strokeWidth=1).encode(x, y)
    within = int(((drawn.low <= drawn.predicted) & (drawn.predicted <= drawn.high)).sum())
    title = f"In {within} of {words.plural(len(drawn), 'group')} the share lost agrees with the share foretold"
    told = [
        f"{words.percent(row.predicted)} foretold, {words.percent(row.observed)} lost" for row in drawn.itertuples()
    ]
    description = (
        f"Share lost against share foretold, by groups of {unit(r.now)} of equal size, with 95% intervals: "
        f"{'; '.join(told)}."
    )
    return finish(alt.layer(agree, ends, dots), title=title, description=description, height=300)


def _thinned(curve: pd.DataFrame) -> pd.DataFrame:
    """Keep the values of a step curve at evenly spaced days, and its last."""
    if len(curve) <= _POINTS:
        return curve
    days = np.unique(np.append(np.linspace(0, curve.days.iloc[-1], _POINTS).round(), curve.days.iloc[-1]))
    place = np.searchsorted(curve.days.to_numpy(), days, side="right") - 1
    return curve.iloc[place].assign(days=days)
