"""The picture of page one where money counts: a period day by day, with the goal and what may still come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.views.blocks import Block, absent
from salesops.views.look import ACCENT, INK, SOFT, finish

Lines = Mapping[str, Any]  # a series by day for each name
_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own
_HEIGHT = 300
_NAMES = 112  # pixels right of the last day, for the names of the lines
_APART = 0.062  # height of a name on the scale of money
_LOOKS = {"goal": (INK, [1, 0], 1.0), "even pace": (SOFT, [4, 3], 1.5), "last year": (SOFT, [1, 0], 1.5)}
_COLUMNS = {"goal": "quota", "even pace": "pace", "last year": "year_before", "actual": "actual_cumulative"}


@_WHOLE
def day_chart(
    days: pd.DataFrame, fan: pd.DataFrame | None = None, *, currency: str, title: str
) -> alt.LayerChart | Block:
    """Show the running actual of a period against the goal, the even pace, the year before and the forecast.

    Parameters
    ----------
    days : DataFrame
        As `models.day_by_day.day_by_day` gives it; year_before may be left out.
    fan : DataFrame, optional
        date, p10, p50, p90 (money): where the actual will stand; nothing is drawn where it is empty.
    currency : str
        ISO code of the amounts.
    title : str
        What the chart shows, as a sentence.
    """
    days = days.assign(date=pd.to_datetime(days.date))
    lines = {name: days.set_index("date")[column].dropna() for name, column in _COLUMNS.items() if column in days}
    lines = {name: line for name, line in lines.items() if len(line)}
    fan = fan if fan is not None and len(fan) else None
    if not lines and fan is None:
        return absent("The period has neither an actual nor a goal nor a forecast yet.")
    highest = [line.max() for line in lines.values()] + ([] if fan is None else [fan.p90.max()])
    top, scale = (max(highest) or 1.0) * 1.04, words.scale_for(highest, currency=currency)
    x = alt.X(
        "date:T",
        title=None,
        axis=alt.Axis(format="%-d %b", tickCount=5, grid=False),
        scale=alt.Scale(
            domain=[_day(days.date.iloc[0]), _day(days.date.iloc[-1])],
            rangeMin=0,
            rangeMax=alt.ExprRef(f"width - {_NAMES}"),
        ),
    )
    axis = alt.Axis(labelExpr=f"format(datum.value / {scale.divisor}, ',')", tickCount=5)
    room = alt.Scale(domain=[min([0.0, *(line.min() for line in lines.values())]), top], nice=False)
    y = alt.Y("value:Q", title=scale.unit[:1].upper() + scale.unit[1:], axis=axis, scale=room)
    layers = [_line(lines[name], x, y, *look) for name, look in _LOOKS.items() if name in lines]
    layers += [] if fan is None else _fan(fan, x)
    if "actual" in lines:
        now = lines["actual"].tail(1)
        layers.append(_line(lines["actual"], x, y, ACCENT, [1, 0], 2.5))
        layers.append(alt.Chart(_rows(now)).mark_point(size=60, filled=True, opacity=1, color=ACCENT).encode(x, y))
    layers += _names(lines, fan, scale, x, y, top)
    described = _description(lines, fan, scale)
    return finish(alt.layer(*layers), title=title, description=described, height=_HEIGHT, wide=True)


def _day(day: pd.Timestamp) -> alt.DateTime:
    return alt.DateTime(year=day.year, month=day.month, date=day.day)


def _rows(line: Any) -> pd.DataFrame:
    return pd.DataFrame({"date": line.index, "value": line.to_numpy(float)})


def _line(line: Any, x: alt.X, y: alt.Y, color: str, dash: list[int], width: float) -> alt.Chart:
    ends = line if len(line.unique()) > 1 else line.iloc[[0, -1]]
    chart: alt.Chart = alt.Chart(_rows(ends)).mark_line(color=color, strokeDash=dash, strokeWidth=width).encode(x, y)
    return chart


def _fan(fan: pd.DataFrame, x: alt.X) -> list[alt.Chart]:
    base = alt.Chart(fan)
    area = base.mark_area(color=ACCENT, opacity=0.18).encode(x, alt.Y("p10:Q"), alt.Y2("p90"))
    middle = base.mark_line(color=ACCENT, strokeDash=[2, 3], strokeWidth=1.5).encode(x, alt.Y("p50:Q"))
    return [area, middle]


def _names(
    lines: Lines, fan: pd.DataFrame | None, scale: words.Scale, x: alt.X, y: alt.Y, top: float
) -> list[alt.Chart]:
    """Name each line at its end; the even pace, which ends at the goal, stands where it is far from the others."""
    end = _end(lines, fan)
    over = fan is None and "actual" in lines and lines["actual"].index[-1] == end
    ends = {name: lines[name].iloc[-1] for name in ("goal", "last year") if name in lines}
    if over:
        ends["actual"] = lines["actual"].iloc[-1]
    if fan is not None:
        ends |= {name.upper(): fan[name].iloc[-1] for name in ("p10", "p50", "p90")}
    spread = _spread(pd.Series(ends, dtype=float), top * _APART)
    rows = pd.DataFrame({"date": end, "value": spread.to_numpy(), "name": list(spread.index)})
    rows["name"] = [f"{name} {scale.show(ends[name])}" for name in rows["name"]]
    strong = rows.assign(color=[ACCENT if name in ("actual", "P10", "P50", "P90") else INK for name in spread.index])
    named = [
        alt.Chart(part).mark_text(align="left", dx=7, color=color, limit=_NAMES - 4).encode(x, y, text="name:N")
        for color, part in strong.groupby("color")
    ]
    if "actual" in lines and not over:
        named.append(_actual_name(lines, scale, x, y, top))
    return [*named, *_pace_name(lines, x, y)]


def _spread(ends: pd.Series, least: float) -> pd.Series:
    """Return heights for the names of lines near the lines' ends, none closer to another than `least`."""
    ranked = ends.sort_values()
    places = ranked.to_numpy(float).copy()
    for _ in range(10 * len(places)):  # two that touch push each other apart, and may touch the next
        lack = np.maximum(least - np.diff(places), 0) / 2
        places[:-1] -= lack
        places[1:] += lack
    return pd.Series(places, index=ranked.index)


def _actual_name(lines: Lines, scale: words.Scale, x: alt.X, y: alt.Y, top: float) -> alt.Chart:
    day, value = lines["actual"].index[-1], lines["actual"].iloc[-1]
    others = [float(line.asof(day)) for name, line in lines.items() if name in ("even pace", "last year")]
    below = 0.12 * top < value <= min(others, default=np.inf)  # not on the axis
    row = _rows(lines["actual"].tail(1)).assign(name=f"actual {scale.show(value)}")
    side = {"align": "left", "dx": 6, "dy": 13} if below else {"align": "right", "dx": -8, "dy": -10}
    if (day - _start(lines)).days < 0.2 * (_end(lines) - _start(lines)).days:
        side = {"align": "left", "dx": 8, "dy": 13 if below else -13}
    named: alt.Chart = alt.Chart(row).mark_text(color=ACCENT, fontWeight="bold", **side).encode(x, y, text="name:N")
    return named


def _pace_name(lines: Lines, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    if "even pace" not in lines:
        return []
    pace = lines["even pace"]
    inside = pace.iloc[len(pace) // 5 : -(len(pace) // 4) or None]
    others = [lines[name].reindex(inside.index) for name in ("actual", "last year") if name in lines]
    free = pd.concat([(line - inside).abs() for line in others], axis=1).min(axis=1) if others else inside
    day: Any = free.idxmax() if free.notna().any() else inside.index[0]
    above = all(not line[day] > pace[day] for line in others)
    side = {"align": "right", "dx": -6, "dy": -8} if above else {"align": "left", "dx": 6, "dy": 11}
    row = pd.DataFrame({"date": [day], "value": [pace[day]], "name": ["even pace"]})
    return [alt.Chart(row).mark_text(color=SOFT, **side).encode(x, y, text="name:N")]


def _start(lines: Lines) -> pd.Timestamp:
    first: pd.Timestamp = min(line.index[0] for line in lines.values())
    return first


def _end(lines: Lines, fan: pd.DataFrame | None = None) -> pd.Timestamp:
    ends = [line.index[-1] for line in lines.values()]
    last: pd.Timestamp = max(ends + ([] if fan is None else [pd.Timestamp(fan.date.iloc[-1])]))
    return last


def _description(lines: Lines, fan: pd.DataFrame | None, scale: words.Scale) -> str:
    said = [f"{name} {scale.show(line.iloc[-1])} on {words.day(line.index[-1])}" for name, line in lines.items()]
    text = f"Amounts since the start in {scale.unit}{': ' if said else ''}{words.and_list(said)}."
    if fan is None:
        return text
    low, middle, high = (scale.show(fan[name].iloc[-1]) for name in ("p10", "p50", "p90"))
    weeks = words.plural(len(fan) - 1, "point")
    return f"{text} Forecast at the end: {low} to {high}, middle {middle}, in {weeks} from week to week."
