"""The scatter of the explorer: every customer is computed, some thousand are drawn.

Money, counts and gaps spread over powers of ten, so their axes measure log10(1 + x), with the sign of x; time and
shares are measured plainly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from altair.utils.schemapi import debug_mode
from numpy.typing import NDArray

from salesops import words
from salesops.models.segments.grid import UNKNOWN, numbers
from salesops.views.look import ACCENT, ALERT, INK, SOFT, finish
from salesops.widgets.segmentation import FEATURES, Segmentation
from salesops.widgets.selection import Axes, Box

MOST_DRAWN = 2_000
BRUSH = "brush"
WIDTH, HEIGHT = 590, 450
PLAIN = frozenset({"days_since", "recency", "T", "families", "p_active"})
COLORS = (ACCENT, ALERT, "#2c8a63", "#8c62c4", "#a88512", "#c2557f")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
# what log10(1 + x) writes at its ticks: the value itself
_VALUE = "format((datum.value < 0 ? -1 : 1) * (pow(10, abs(datum.value)) - 1), '~s')"
_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own
Values = NDArray[np.float64]


@_WHOLE
def scatter(
    customers: pd.DataFrame,
    segmentation: Segmentation,
    axes: Axes,
    *,
    box: Box | None = None,
    segments: tuple[str, ...] = (),
    most: int = MOST_DRAWN,
) -> alt.LayerChart:
    """Draw customers as points, shape and colour by segment, with a box to brush.

    Parameters
    ----------
    axes : tuple of str
        Columns across and up.
    box : Box or None
        Where the brush stands.
    segments : tuple of str
        Segments that stand out; empty for all.
    most : int
        At most so many points are drawn, chosen by chance, always the same ones.
    """
    points = drawn(customers, segmentation, axes, most)
    look = alt.BrushConfig(stroke=INK, strokeWidth=1.5)
    standing: Any = brush_of(box, customers, axes) or alt.Undefined
    brush = alt.selection_interval(name=BRUSH, encodings=["x", "y"], mark=look, value=standing)
    bright = alt.when(brush & "datum.on").then(alt.value(0.9)).otherwise(alt.value(0.14))
    color, shape = _encodings(segmentation.definition.names, segmentation.names)
    chart = (
        alt.Chart()
        .mark_point(size=34, filled=True)
        .encode(
            x=_axis("x", axes[0], customers),
            y=_axis("y", axes[1], customers),
            color=color,
            shape=shape,
            opacity=bright,
            tooltip=[alt.Tooltip(f"{key}:N", title=title) for key, title in (
                ("n", "Customer"), ("s", "Segment"), ("a", FEATURES[axes[0]]), ("b", FEATURES[axes[1]]),
            )],
        )
        .add_params(brush)
    )  # fmt: skip  # the four tooltips read as one row
    across, up = FEATURES[axes[0]].lower(), FEATURES[axes[1]].lower()
    description = f"Customers by {across} and {up}. {segmentation.headline}. {len(points):,} points."
    shown = finish(alt.layer(chart), title=segmentation.headline, description=description, height=HEIGHT)
    shown.width = WIDTH
    # last: each step before would copy the data
    shown.data = alt.InlineData(values=_records(customers, segmentation, axes, points, segments))
    return shown


def drawn(customers: pd.DataFrame, segmentation: Segmentation, axes: Axes, most: int = MOST_DRAWN) -> NDArray[np.int64]:
    """Return the positions of the customers that are drawn: all with both values, or `most` of them by chance.

    Each segment keeps at least a few points, so that none goes unseen.
    """
    known = np.isfinite(numbers(customers, axes[0])) & np.isfinite(numbers(customers, axes[1]))
    places = np.flatnonzero(known)
    if len(places) <= most:
        return places
    mixed = np.random.default_rng(0).permutation(places)
    codes = segmentation.segment.cat.codes.to_numpy()
    few = max(1, most // 100)
    kept = [mixed[codes[mixed] == code][:few] for code in np.unique(codes)]
    first = np.concatenate(kept)
    rest = mixed[~np.isin(mixed, first)][: most - len(first)]
    return np.sort(np.concatenate([first, rest]))


def caption(customers: pd.DataFrame, segmentation: Segmentation, axes: Axes, most: int = MOST_DRAWN) -> str:
    """Say how many customers the scatter draws, how many it leaves out, and why."""
    known = np.isfinite(numbers(customers, axes[0])) & np.isfinite(numbers(customers, axes[1]))
    points, missing = len(drawn(customers, segmentation, axes, most)), int((~known).sum())
    parts = [f"{words.number(points)} of {words.plural(len(customers), 'customer')} are drawn"]
    if points < known.sum():
        parts.append(", chosen by chance; all are counted")
    if missing:
        lacking = words.plural(missing, "customer has", "customers have")
        parts.append(f". {lacking} no value on an axis, and none in a box")
    return "".join([*parts, "."])


def to_axis(column: str, values: Any) -> Values:
    """Return values of a column in the units of its axis."""
    given = np.asarray(values, dtype=float)
    result: Values = given if column in PLAIN else np.sign(given) * np.log10(1 + np.abs(given))
    return result


def from_axis(column: str, places: Any) -> Values:
    """Return the values that stand at places of an axis."""
    given = np.asarray(places, dtype=float)
    result: Values = given if column in PLAIN else np.sign(given) * (10 ** np.abs(given) - 1)
    return result


def brush_of(box: Box | None, customers: pd.DataFrame, axes: Axes) -> dict[str, list[float]]:
    """Return where a box stands on the scatter, in the units of the axes; an open end lies at the frame.

    {} for no box, and for one that lies beside the frame or has no area: nothing of it can be seen.
    """
    if box is None:
        return {}
    brush = {
        side: np.clip(to_axis(column, ends), *_frame(customers, column)).tolist()
        for side, column, ends in zip("xy", axes, (box.x, box.y), strict=True)
    }
    return brush if all(low < high for low, high in brush.values()) else {}


def same_brush(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two brushes differ by less than a person can draw."""
    return all(
        len(one.get(side) or ()) == len(other.get(side) or ())
        and np.allclose(sorted(one.get(side) or ()), sorted(other.get(side) or ()), rtol=0, atol=1e-6)
        for side in "xy"
    )


def box_of(brushed: dict[str, Any], axes: Axes) -> Box | None:
    """Return the box of a brush, in the units of the columns; None for no brush."""
    if not all(len(brushed.get(side) or ()) == 2 for side in ("x", "y")):
        return None
    sides = [sorted(from_axis(column, brushed[side]).tolist()) for side, column in zip("xy", axes, strict=True)]
    return Box((sides[0][0], sides[0][1]), (sides[1][0], sides[1][1]))


def _records(
    customers: pd.DataFrame,
    segmentation: Segmentation,
    axes: Axes,
    points: NDArray[np.int64],
    segments: tuple[str, ...],
) -> list[dict[str, Any]]:
    rows = customers.iloc[points]
    names = rows["account_name" if "account_name" in rows.columns else "account_id"].astype(str)
    own = [numbers(rows, column) for column in axes]
    segment = segmentation.segment.iloc[points].astype(str)
    columns = (
        *(to_axis(column, values).round(4).tolist() for column, values in zip(axes, own, strict=True)),
        segment,
        names,
        *([f"{value:,.4g}" for value in values] for values in own),
        segment.isin(segments) if segments else [True] * len(rows),
    )
    return [dict(zip("xysnab", row, strict=False), on=bool(row[-1])) for row in zip(*columns, strict=True)]


def _encodings(names: Sequence[str], held: Sequence[str]) -> tuple[alt.Color, alt.Shape]:
    """Return colour and shape of each segment: no two share both, and a segment keeps its own."""
    places = [names.index(name) for name in held]
    colors = [SOFT if names[place] == UNKNOWN else COLORS[place % len(COLORS)] for place in places]
    shapes = ["triangle-left" if names[p] == UNKNOWN else SHAPES[(p + p // len(COLORS)) % len(SHAPES)] for p in places]
    key = alt.Legend(columns=4, columnPadding=14, symbolOpacity=1, labelLimit=150)
    return (
        alt.Color("s:N", sort=None, scale=alt.Scale(domain=list(held), range=colors), legend=key),
        alt.Shape("s:N", sort=None, scale=alt.Scale(domain=list(held), range=shapes), legend=key),
    )


def _axis(channel: str, column: str, customers: pd.DataFrame) -> Any:
    ends = _frame(customers, column)
    form = alt.Axis(title=FEATURES[column])
    if column not in PLAIN:
        form = alt.Axis(title=FEATURES[column], values=_ticks(column, ends), labelExpr=_VALUE)
    kind = alt.X if channel == "x" else alt.Y
    return kind(f"{channel}:Q", axis=form, scale=alt.Scale(domain=list(ends), nice=False, zero=False))


def _frame(customers: pd.DataFrame, column: str) -> tuple[float, float]:
    """Return the ends of an axis, in its units, with some room beside the outermost customers."""
    values = numbers(customers, column)
    values = values[np.isfinite(values)]
    low, high = to_axis(column, [values.min(), values.max()]) if len(values) else (0.0, 1.0)
    room = max(0.03 * (high - low), 0.02)
    return float(low - room), float(high + room)


def _ticks(column: str, ends: tuple[float, float]) -> list[float]:
    """Return where ticks stand: at 0 and at powers of ten, with 3 between them where there is room."""
    steps = (1.0, 3.0) if ends[1] - ends[0] < 3 else (1.0,)
    sizes = [step * 10.0**power for power in range(13) for step in steps]
    marks = to_axis(column, sorted({0.0, *sizes, *(-size for size in sizes)}))
    return [float(mark) for mark in marks if ends[0] <= mark <= ends[1]]
