"""What the scatter draws, and what it says about it."""

from __future__ import annotations

import altair as alt
import numpy as np
import pytest
from customers import customers, drawn
from hypothesis import given
from hypothesis import strategies as st

from salesops.widgets.scatter import (
    MOST_DRAWN,
    box_of,
    brush_of,
    caption,
    from_axis,
    same_brush,
    scatter,
    to_axis,
)
from salesops.widgets.scatter import drawn as points_of
from salesops.widgets.segmentation import Choice, Method, segment_customers
from salesops.widgets.selection import Box

AXES = ("days_since", "total")


@given(st.floats(-1e9, 1e9), st.sampled_from(["total", "days_since"]))
def test_axis_and_back(value: float, column: str) -> None:
    """What stands at a place of an axis is the value that was put there."""
    assert float(from_axis(column, to_axis(column, value))) == pytest.approx(value, rel=1e-6, abs=1e-6)


@given(st.floats(1, 600), st.floats(1, 90), st.floats(50, 1e3), st.floats(1, 500))
def test_brush_and_back(left: float, across: float, low: float, up: float) -> None:
    """The box of a brush is the box that the brush was drawn for."""
    table = drawn(200)
    box = Box((left, min(left + across, 690)), (low, low + up))
    brush = brush_of(box, table, AXES)
    back = box_of(brush, AXES)
    assert back is not None
    assert [*back.x, *back.y] == pytest.approx([*sorted(box.x), *box.y], rel=1e-6)
    assert same_brush(brush, brush_of(back, table, AXES))
    assert not same_brush(brush, {})
    assert same_brush({}, {"x": []})


@pytest.mark.parametrize("box", [None, Box((1e6, 2e6), (0, 9)), Box((5, 5), (0, 900))])
def test_box_out_of_sight_has_no_brush(box: Box | None) -> None:
    """A box beside the frame, or without area, cannot be drawn; the chart then tells of no brush, which is no news."""
    assert brush_of(box, drawn(200), AXES) == {}


def test_large_tables_are_drawn_in_part_and_it_says_so() -> None:
    """Above the limit a fixed part is drawn, with every segment in it; the caption says how many of how many."""
    table = drawn(9_000)
    table.loc[:5, "total"] = np.nan
    segmentation = segment_customers(table, Choice("rfm"))
    points = points_of(table, segmentation, AXES)
    assert len(points) == MOST_DRAWN
    assert points.tolist() == points_of(table, segmentation, AXES).tolist()
    assert len(np.unique(points)) == MOST_DRAWN
    assert set(segmentation.segment.iloc[points]) == set(segmentation.names) - {"not enough data"}
    said = caption(table, segmentation, AXES)
    assert said.startswith("2,000 of 9,000 customers are drawn, chosen by chance; all are counted. 6 customers have no")


def test_small_tables_are_drawn_whole() -> None:
    """Below the limit everyone is drawn, but who has no value on an axis."""
    table = drawn(300)
    table.loc[7, "days_since"] = np.nan
    segmentation = segment_customers(table, Choice("rfm"))
    assert points_of(table, segmentation, AXES).tolist() == [row for row in range(300) if row != 7]
    assert caption(table, segmentation, AXES).startswith("299 of 300 customers are drawn. 1 customer has no value")


@pytest.mark.parametrize("method", ["rfm", "value_active", "kmeans", "mixture"])
def test_chart_is_valid_and_tells_segments_apart(method: Method) -> None:
    """The specification is valid, and no two segments share colour and shape."""
    table = drawn(150).assign(account_name="<b>Äda</b>")
    table.loc[3, ["total", "monetary"]] = np.nan
    segmentation = segment_customers(table, Choice(method, ("monetary", "total"), 12))
    spec = scatter(table, segmentation, AXES, box=Box((0, 9), (5, np.inf)), segments=("new",)).to_dict()
    alt.Chart.from_dict(spec)
    encoding = spec["layer"][0]["encoding"]
    looks = list(zip(encoding["color"]["scale"]["range"], encoding["shape"]["scale"]["range"], strict=True))
    assert len(set(looks)) == len(looks) == len(segmentation.names)
    assert segmentation.headline in spec["description"]


def test_customers_who_are_all_the_same_are_drawn() -> None:
    """An axis on which everyone stands at one value still has a width."""
    table = customers(total=[0.0] * 5, days_since=[0] * 5, frequency=[0] * 5)
    spec = scatter(table, segment_customers(table, Choice("rfm")), AXES).to_dict()
    for channel in ("x", "y"):
        low, high = spec["layer"][0]["encoding"][channel]["scale"]["domain"]
        assert low < 0 < high
