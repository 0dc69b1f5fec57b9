"""Charts for win rates, conversion and pipeline. Each takes a table of results and a title in words.

Colour never stands alone: shape, dash, position or a label says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.views.look import ACCENT, ALERT, INK, LINE, PAPER, ROW, SOFT, finish

AGE_BANDS = ("0–30 days", "31–90 days", "over 90 days", "unknown")
_LABEL = 0.06  # height of a label on the scale of rates
_PERCENT = alt.Axis(format=".0%", tickCount=5)
_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own


@_WHOLE
def funnel_plot(reps: pd.DataFrame, limits: pd.DataFrame, *, team_rate: float, title: str) -> alt.LayerChart:
    """Show win rates against the number of decided deals, with the limits that chance alone would keep.

    Parameters
    ----------
    reps : DataFrame
        user_name; decided (deals); win_rate (0 to 1, null without decided deals: not drawn);
        flag: "above", "below" or "within" the limits.
    limits : DataFrame
        decided (deals); low95, high95, low998, high998 (0 to 1).
    team_rate : float
        Win rate of the team (0 to 1).
    title : str
        What the chart shows, as a sentence.
    """
    drawn = reps[reps["win_rate"].notna()].assign(place=lambda t: t["flag"].map(_PLACES))
    most = limits["decided"].max()
    axis = alt.Axis(grid=False, tickCount=5, tickMinStep=1)
    x = alt.X("decided:Q", title="Decided deals", axis=axis, scale=alt.Scale(domain=[0, most * 1.14], nice=False))
    band = alt.Chart(limits).encode(x=x)
    edges = [
        band.mark_line(color=SOFT, strokeWidth=1, strokeDash=dash).encode(alt.Y(name, type="quantitative"))
        for name, dash in {"low95": [1, 0], "high95": [1, 0], "low998": [4, 3], "high998": [4, 3]}.items()
    ]
    area = band.mark_area(color=LINE).encode(_rate("low95"), alt.Y2("high95"))
    places = list(_PLACES.values())
    shapes = ["triangle-up", "circle", "triangle-down"]
    key = alt.Legend(columns=3)
    shape = alt.Shape("place:N", scale=alt.Scale(domain=places, range=shapes), legend=key)
    color = alt.Color("place:N", scale=alt.Scale(domain=places, range=[ACCENT, INK, ALERT]), legend=key)
    dots = alt.Chart(drawn).mark_point(size=70, filled=True, opacity=1).encode(x, _rate("win_rate"), shape, color)
    outside = drawn[drawn["flag"] != "within"]
    named = outside[_apart(outside["win_rate"], team_rate)]
    right = named["decided"] > 0.55 * most  # there a name stands left of its point
    base = alt.Chart(named[~right]).mark_text(align="left", dx=9, limit=170)
    names = base.encode(x, _rate("win_rate"), text="user_name:N")
    names_left = alt.Chart(named[right]).mark_text(align="right", dx=-9, limit=170)
    last = limits[limits["decided"] == most]
    ends = {"team": team_rate, "95%": last["high95"].max(), "99.8%": last["high998"].max()}
    marks = pd.DataFrame({"name": list(ends), "rate": list(ends.values()), "decided": most})
    labels = (
        alt.Chart(marks[_apart(marks["rate"], 1.0)])
        .mark_text(align="left", dx=4, color=SOFT)
        .encode(x, _rate("rate"), text="name:N")
    )
    team = band.mark_line(color=INK, strokeWidth=1).encode(alt.YDatum(team_rate))
    layers = (area, *edges, team, labels, dots, names, names_left.encode(x, _rate("win_rate"), text="user_name:N"))
    said = [f"{row.user_name} {row.flag} with {words.percent(row.win_rate)}" for row in outside.itertuples()]
    description = (
        f"Win rates of {words.plural(len(drawn), 'person', 'people')} against their number of decided deals. "
        f"The team wins {words.percent(team_rate)}. "
        + (f"Outside the limits: {words.and_list(said)}." if said else "All lie within the limits.")
    )
    return finish(alt.layer(*layers), title=title, description=description, height=320)


@_WHOLE
def interval_plot(reps: pd.DataFrame, *, team_rate: float, title: str) -> alt.LayerChart:
    """Show fair win rates with their intervals, by name: overlapping intervals make no ranking.

    Parameters
    ----------
    reps : DataFrame
        user_name; fair, low, high (shrunken rate and its interval, 0 to 1); raw (0 to 1 or null);
        decided (deals); enough (bool: false is drawn hollow and reads "too early to say").
    team_rate : float
        Win rate of the team (0 to 1), drawn as a line.
    title : str
        What the chart shows, as a sentence.
    """
    kinds = ("fair rate and interval", "too early to say", "own rate")
    rows = reps.sort_values("user_name").assign(label=lambda t: _distinct(t["user_name"]))
    rows["kind"] = rows["enough"].map({True: kinds[0], False: kinds[1]})
    y = alt.Y("label:N", sort=list(rows["label"]), title=None, axis=alt.Axis(ticks=False, domain=False))
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=list(kinds), range=["circle", "circle", "diamond"]))
    color = alt.Color("kind:N", scale=alt.Scale(domain=list(kinds), range=[ACCENT, SOFT, INK]))
    fill = alt.Fill("kind:N", scale=alt.Scale(domain=list(kinds), range=[ACCENT, PAPER, PAPER]))
    lines = alt.Chart(rows).mark_rule(strokeWidth=2).encode(y, _across("low"), alt.X2("high"), color)
    fair = alt.Chart(rows).mark_point(size=70, opacity=1).encode(y, _across("fair"), shape, color, fill)
    raw = alt.Chart(rows.assign(kind=kinds[2])).mark_point(size=35, opacity=1)
    own = raw.encode(y, _across("raw"), shape, color, fill)
    team = (
        alt.Chart(pd.DataFrame({"rate": [team_rate]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(alt.X("rate:Q"))
    )
    description = f"Fair win rates with intervals, by name; the team wins {words.percent(team_rate)}. " + "; ".join(
        f"{row.label} {words.percent(row.fair)}, {words.percent(row.low)} to {words.percent(row.high)}"
        + ("" if row.enough else ", too early to say")
        for row in rows.itertuples()
    )
    return finish(alt.layer(team, lines, own, fair), title=title, description=description, height=90 + ROW * len(rows))


@_WHOLE
def conversion_plot(conversion: pd.DataFrame, *, stages: Sequence[str], title: str) -> alt.LayerChart:
    """Show how many of the deals decided in a stage went on, one person beside the team.

    Parameters
    ----------
    conversion : DataFrame
        stage_name; who (two kinds; the first in the table is drawn strong); conversion, low, high (0 to 1 or
        null); advanced, lost (deals: those that are decided).
    stages : sequence of str
        Stage names, first to last.
    title : str
        What the chart shows, as a sentence.
    """
    who = list(dict.fromkeys(conversion["who"]))
    decided = conversion["advanced"] + conversion["lost"]
    rows = conversion.assign(decided=decided, count=[f"of {words.number(value)}" for value in decided])
    y = alt.Y("stage_name:N", sort=list(stages), title=None, axis=alt.Axis(ticks=False, domain=False))
    offset = alt.YOffset("who:N", sort=who, scale=alt.Scale(paddingOuter=0.6))
    shape = alt.Shape("who:N", sort=who, scale=alt.Scale(domain=who, range=["circle", "diamond"]))
    color = alt.Color("who:N", sort=who, scale=alt.Scale(domain=who, range=[ACCENT, INK]))
    axis = alt.Axis(format=".0%", values=[0, 0.25, 0.5, 0.75, 1])
    room = alt.Scale(domain=[0, 1.2], nice=False)  # for the counts right of the intervals
    base = alt.Chart(rows)
    lines = base.mark_rule(strokeWidth=2).encode(y, _across("low", axis, room), alt.X2("high"), offset, color)
    dots = base.mark_point(size=70, filled=True, opacity=1).encode(
        y, _across("conversion", axis, room), offset, shape, color
    )
    counts = base.mark_text(align="left", dx=6).encode(y, alt.X("high:Q"), offset, alt.Text("count:N"))
    description = "Conversion by stage with intervals. " + "; ".join(
        f"{row.stage_name}, {row.who}: {words.percent(row.conversion)} of {words.number(row.decided)}"
        for row in rows.itertuples()
    )
    height = 90 + 2 * ROW * len(stages)
    return finish(alt.layer(lines, dots, counts), title=title, description=description, height=height)


@_WHOLE
def pipeline_by_stage(pipeline: pd.DataFrame, *, stages: Sequence[str], currency: str, title: str) -> alt.LayerChart:
    """Show the open amount in each stage, split by how long the deals have been open.

    Parameters
    ----------
    pipeline : DataFrame
        stage_name; age_band (one of AGE_BANDS); amount (money); deals (count).
    stages : sequence of str
        Stage names, first to last.
    currency : str
        ISO code of the amounts.
    title : str
        What the chart shows, as a sentence.
    """
    sums = pipeline.groupby("stage_name")[["amount", "deals"]].sum().reindex(list(stages), fill_value=0).reset_index()
    scale = words.scale_for(sums["amount"], currency=currency)
    sums["label"] = [f"{scale.show(row.amount)} · {words.plural(row.deals, 'deal')}" for row in sums.itertuples()]
    rows = pipeline.assign(order=pipeline["age_band"].map({band: place for place, band in enumerate(AGE_BANDS)}))
    y = alt.Y("stage_name:N", sort=list(stages), title=None, axis=alt.Axis(ticks=False, domain=False))
    axis = alt.Axis(labelExpr=f"format(datum.value / {scale.divisor}, ',')", tickCount=4)
    room = alt.Scale(domainMax=float(sums["amount"].max()) * 1.7 or 1.0)
    x = alt.X("amount:Q", title=f"Open amount, {scale.unit}", axis=axis, scale=room, stack="zero")
    color = alt.Color("age_band:N", scale=alt.Scale(domain=list(AGE_BANDS), range=[ACCENT, ACCENT, ALERT, SOFT]))
    opacity = alt.Opacity("age_band:N", scale=alt.Scale(domain=list(AGE_BANDS), range=[0.45, 1, 1, 0.35]))
    bars = (
        alt.Chart(rows).mark_bar(stroke=PAPER, strokeWidth=1.5, height=18).encode(y, x, color, opacity, order="order:Q")
    )
    labels = alt.Chart(sums).mark_text(align="left", dx=6).encode(y, alt.X("amount:Q"), text="label:N")
    description = f"Open amount by stage and age in {scale.unit}. " + "; ".join(
        f"{row.stage_name}: {row.label}" for row in sums.itertuples()
    )
    height = 80 + 32 * len(stages)
    return finish(alt.layer(bars, labels), title=title, description=description, height=height)


_PLACES = {"above": "above limits", "within": "within", "below": "below limits"}


def _apart(rates: pd.Series[float], middle: float) -> pd.Series[bool]:
    """Choose the rates whose labels can stand without touching, those farthest from the middle first."""
    chosen: dict[Any, float] = {}
    for place, rate in sorted(rates.items(), key=lambda item: -abs(item[1] - middle)):
        if all(abs(rate - other) >= _LABEL for other in chosen.values()):
            chosen[place] = rate
    return pd.Series([place in chosen for place in rates.index], index=rates.index, dtype=bool)


def _rate(column: str) -> alt.Y:
    return alt.Y(column, type="quantitative", title="Win rate", axis=_PERCENT, scale=alt.Scale(domain=[0, 1]))


def _across(column: str, axis: alt.Axis = _PERCENT, scale: Any = alt.Undefined) -> alt.X:
    return alt.X(column, type="quantitative", title=None, axis=axis, scale=scale)


def _distinct(names: pd.Series[str]) -> list[str]:
    """Two people of one name keep two lines: the second reads "Ann Lee (2)"."""
    count: dict[str, int] = {}
    labels = []
    for name in names:
        count[name] = count.get(name, 0) + 1
        labels.append(f"{name} ({count[name]})" if count[name] > 1 else name)
    return labels
