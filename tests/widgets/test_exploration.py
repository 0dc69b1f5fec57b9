"""The state of the segment explorer, without a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from customers import customers, drawn, grouped
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import BookError
from salesops.models.segments import RFM, UNKNOWN, Clusters, fit_clusters, fit_grid
from salesops.widgets.exploration import Exploration
from salesops.widgets.segmentation import Choice, segment_customers, segment_sizes
from salesops.widgets.selection import Box, play_counts, plays_of, select


def test_segments_are_those_of_the_models() -> None:
    """Every customer has the segment that the models give, whatever is drawn: nothing is sampled."""
    table = drawn(5_000)
    state = Exploration(table)
    assert state.segmentation.segment.tolist() == fit_grid(table, RFM).assign(table).segment.tolist()
    state.choose(Choice("kmeans", ("monetary", "median_gap"), 5))
    wanted = fit_clusters(table, 5, columns=("monetary", "median_gap")).assign(table)
    assert state.segmentation.segment.tolist() == wanted.segment.tolist()


def test_methods_are_those_that_the_columns_allow() -> None:
    """A method is offered only where the table holds its columns."""
    table = drawn(50)
    assert Exploration(table).methods == ("rfm", "value_active", "kmeans", "mixture")
    assert Exploration(table.drop(columns="p_active")).methods == ("rfm", "kmeans", "mixture")
    assert Exploration(table[["account_id", "monetary"]]).methods == ("kmeans", "mixture")


def test_table_without_figures_is_refused() -> None:
    """Without a column to compare customers by there is nothing to explore, and the message names the columns."""
    with pytest.raises(BookError, match="no figures to compare them by"):
        Exploration(customers(last_owner=["Ada", "Bo"]))


def test_failed_step_changes_nothing() -> None:
    """Where clusters cannot be made, the segments that were there stay."""
    state = Exploration(customers(total=[5.0] * 9, monetary=[1.0] * 9, days_since=[3] * 9, frequency=[0] * 9))
    before = state.segmentation
    with pytest.raises(BookError, match="4 clusters need 4 different customers"):
        state.choose(Choice("kmeans", ("monetary",), 4))
    with pytest.raises(BookError, match="at least one feature"):
        state.choose(Choice("kmeans", (), 4))
    with pytest.raises(BookError, match="No definition is loaded"):
        state.choose(Choice("saved"))
    assert state.segmentation is before


def test_one_customer_can_be_explored() -> None:
    """A single customer has a segment, is selected and can be drawn."""
    state = Exploration(drawn(1))
    assert len(state.selection) == 1
    assert state.segmentation.names == ("new",)


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(float("nan"))), min_size=4, max_size=30),
    st.floats(-1e6, 1e6),
    st.floats(0, 1e6),
)
def test_box_selects_by_its_limits_alone(values: list[float], low: float, width: float) -> None:
    """A customer is in a box if both values lie between its limits, ends included; a missing value is in none."""
    table = customers(total=values, monetary=values[::-1], days_since=1, frequency=np.arange(len(values)))
    segmentation = segment_customers(table, Choice("rfm")) if pd.notna(values).any() else None
    if segmentation is None:
        return
    box = Box((low, low + width), (-np.inf, np.inf))
    found = select(table, segmentation, ("total", "monetary"), box)
    pairs = zip(values, values[::-1], strict=True)
    assert found.tolist() == [low <= a <= low + width and b == b for a, b in pairs]


def test_selection_is_box_and_segments() -> None:
    """The selection holds who is in the box and in one of the segments, in the order of the table."""
    table = drawn(400)
    state = Exploration(table)
    state.limit(("", "300", "200", ""))
    state.segments = ("loyal", "champions")
    segment = fit_grid(table).assign(table).segment
    wanted = table[(table.days_since <= 300) & (table.total >= 200) & segment.isin(["loyal", "champions"])]
    assert len(wanted) > 5
    assert state.selection.account_id.tolist() == wanted.account_id.tolist()


def test_limits_that_are_no_numbers_are_refused() -> None:
    """A limit must be a number; the box that stood there stays."""
    state = Exploration(drawn(40))
    state.limit(("10", "1,000", "", "−5"))
    box = state.box
    assert box == Box((10, 1000), (-np.inf, -5))
    with pytest.raises(BookError, match="must be a number such as 1000"):
        state.limit(("ten", "", "", ""))
    assert state.box == box
    state.limit(("", " ", "", ""))
    assert state.box is None


def test_other_axes_drop_the_box() -> None:
    """A box means its columns: on others it is gone, on the same ones it stays."""
    state = Exploration(drawn(40))
    state.limit(("10", "", "", ""))
    state.turn(state.axes)
    assert state.box is not None
    state.turn(("frequency", "total"))
    assert state.box is None


def test_sizes_add_up_to_all_customers() -> None:
    """Segment sizes, shares and money add up to those of all customers, those without a segment included."""
    table = drawn(300)
    table.loc[::9, "total"] = np.nan
    sizes = segment_sizes(table, segment_customers(table, Choice("rfm")))
    assert sizes.customers.sum() == 300
    assert sizes.share.sum() == pytest.approx(1)
    assert sizes.total.sum() == pytest.approx(table.total.sum())
    assert sizes.segment.tolist()[-1] == UNKNOWN


def test_plays_come_by_account_or_by_segment() -> None:
    """A mapping gives plays by account, a function by row; who has none is counted as such."""
    table, _ = grouped(12, 2)
    segmentation = segment_customers(table, Choice("kmeans", ("monetary",), 2))
    by_account = plays_of(table, segmentation, {"A0": "call", "A1": "wait", "A2": "call"})
    assert by_account is not None
    assert by_account.tolist() == ["call", "wait", "call", *[""] * 9]
    assert play_counts(table.assign(play=by_account)) == [("no play", 9), ("call", 2), ("wait", 1)]
    by_segment = plays_of(table, segmentation, lambda rows: "play of " + rows.segment)
    assert by_segment is not None
    assert by_segment.tolist() == [f"play of {name}" for name in segmentation.segment]
    with pytest.raises(BookError, match="gave 1 plays for 12 customers"):
        plays_of(table, segmentation, lambda rows: ["call"])


@pytest.mark.parametrize("choice", [Choice("rfm"), Choice("value_active"), Choice("kmeans"), Choice("mixture")])
def test_saved_definition_gives_the_same_segments(tmp_path: Path, choice: Choice) -> None:
    """Saved and loaded, a definition puts every customer where it did before, also customers it never saw."""
    table = drawn(300)
    state = Exploration(table, folder=tmp_path / "new")
    state.choose(choice)
    path = state.save("mine")
    assert path == tmp_path / "new" / "mine.toml"
    later = drawn(120, seed=8)
    other = Exploration(later, folder=tmp_path / "new")
    other.load("mine.toml")
    assert other.segmentation.segment.tolist() == state.definition.assign(later).segment.tolist()
    assert "saved" in other.methods
    assert isinstance(other.definition, Clusters) == choice.clusters


def test_load_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    """A definition whose columns this table lacks is refused, and the method is not offered."""
    state = Exploration(drawn(60), folder=tmp_path)
    state.choose(Choice("value_active"))
    state.save("worth")
    other = Exploration(drawn(60).drop(columns="p_active"), folder=tmp_path)
    with pytest.raises(BookError, match="no column 'p_active'"):
        other.load("worth")
    assert "saved" not in other.methods
    assert other.segmentation.choice.method == "rfm"


def test_empty_selection_is_not_exported(tmp_path: Path) -> None:
    """A file without customers would be taken for a finished export, so none is written."""
    state = Exploration(drawn(60), folder=tmp_path)
    state.limit(("1e9", "", "", ""))
    with pytest.raises(BookError, match="No customer is selected"):
        state.export("none")
    assert list(tmp_path.iterdir()) == []
