"""The segment explorer: choose, see, brush, test, keep. A thin shell around Exploration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import altair as alt
import ipywidgets as ipw  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pandas as pd

from salesops.errors import SalesopsError
from salesops.models.segments import Clusters, Stability
from salesops.models.segments.grid import check_customers
from salesops.widgets import panels, scatter
from salesops.widgets.controls import Controls, Seen, arranged, options
from salesops.widgets.exploration import Exploration
from salesops.widgets.frontend import Bell, change_table, live_chart, live_table
from salesops.widgets.segmentation import Choice, Definition
from salesops.widgets.selection import Box, Plays
from salesops.widgets.stability_meter import measure_apart


def segment_explorer(
    customers: pd.DataFrame, *, folder: Path | str = ".", plays: Plays | None = None
) -> SegmentExplorer | ipw.HTML:
    """Show customers in segments that can be chosen, brushed, tested and saved, in JupyterLab.

    Without a front end it computes the first segments and draws nothing.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer: account_id, optionally account_name, and any of frequency, recency, T, monetary,
        total, median_gap, gap_spread, days_since, families, p_active, value, last_owner_name, as models.customers
        gives them. All are computed; at most 2,000 are drawn, and the caption says so.
    folder : path
        Where selections and definitions are written; made when the first one is.
    plays : mapping or callable, optional
        The play of each account_id. Or a function of the customers with their segment, one play a row.

    Returns
    -------
    SegmentExplorer
        `selection` is the table of the selected customers, `definition` what gives the segments. Without
        customers: a sentence.

    Raises
    ------
    BookError
        If an account stands twice, or there is no column to compare customers by.
    """
    check_customers(customers, [])
    if customers.empty:
        return ipw.HTML(str(panels.status("There are no customers to show.")))
    return SegmentExplorer(Exploration(customers, folder=Path(folder), plays=plays))


class SegmentExplorer(ipw.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """The explorer on the screen. Made by `segment_explorer`.

    Attributes
    ----------
    state : Exploration
        What is shown, and what may be done with it.
    controls, seen : Controls, Seen
        The inputs, and what is shown.
    """

    def __init__(self, state: Exploration) -> None:
        self.state = state
        self.controls = Controls(state.methods, state.features, state.segmentation.choice, state.axes)
        self._quiet = False
        self._chart: Any = None
        self._table: Any = None
        self._testing: Clusters | None = None
        self.seen = Seen()
        self._listen()
        self._show()
        super().__init__(arranged(self.controls, self.seen, Bell(self._first_look)))
        self.add_class("segment-explorer")

    @property
    def selection(self) -> pd.DataFrame:
        """The selected customers with their segment and play, in the order of the table that was given."""
        return self.state.selection

    @property
    def definition(self) -> Definition:
        """What gives the segments that are shown."""
        return self.state.definition

    def _listen(self) -> None:
        own = self.controls
        for control in (own.method, own.count, own.features):
            control.observe(self._heard(self._choose), "value")
        for control in (own.x, own.y):
            control.observe(self._heard(lambda: self.state.turn((own.x.value, own.y.value))), "value")
        own.segments.observe(self._heard(self._take_segments), "value")
        for control in own.limits:
            control.observe(self._heard(self._limit), "value")
        own.clear.on_click(self._heard(self._select_all))
        own.load.on_click(self._heard(self._load))
        own.save.on_click(self._heard(self._save, draw=False))
        own.export.on_click(self._heard(self._export, draw=False))
        own.test.on_click(self._heard(self._test, draw=False))

    def _heard(self, act: Callable[[], str | None], *, draw: bool = True) -> Callable[[Any], None]:
        """Return a listener that acts, draws what came of it, and says it or what went wrong."""

        def listener(_event: Any) -> None:
            if self._quiet:
                return
            try:
                said = act() or ""
            except SalesopsError as error:
                self.seen.said.value = str(panels.status(str(error), alert=True))
                return
            self.seen.said.value = str(panels.status(said))
            if draw:
                self._show()

        return listener

    def _choose(self) -> None:
        own = self.controls
        self.state.choose(Choice(own.method.value, tuple(own.features.value), own.count.value))

    def _take_segments(self) -> None:
        self.state.segments = tuple(self.controls.segments.value)

    def _limit(self) -> None:
        across_from, across_to, up_from, up_to = (control.value for control in self.controls.limits)
        self.state.limit((across_from, across_to, up_from, up_to))

    def _select_all(self) -> None:
        self.state.box, self.state.segments = None, ()

    def _export(self) -> str:
        path = self.state.export(self.controls.export_name.value)
        return f"Wrote {len(self.selection):,} customers to {path}."

    def _save(self) -> str:
        own = self.controls
        path = self.state.save(own.definition_name.value, replace=own.replace.value)
        return f"Saved the definition of {self.state.segmentation.headline} to {path}."

    def _load(self) -> str:
        self.state.load(self.controls.definition_name.value)
        return f"These are the segments of {self.controls.definition_name.value}."

    def _test(self) -> None:
        if isinstance(self.definition, Clusters) and self._testing is None:
            self._testing = self.definition
            self._show_stability()
            measure_apart(self.definition, self.state.customers, self._tested)

    def _tested(self, clusters: Clusters, found: Stability | str) -> None:
        self.state.judged(clusters, found)
        self._testing = None
        self._show_stability()

    def _show(self) -> None:
        """Draw everything anew, in place."""
        own, state = self.controls, self.state
        with self._silent():
            if len(own.method.options) != len(state.methods):
                own.method.options = options(state.methods)
            own.method.value = state.segmentation.choice.method
            if tuple(own.segments.options) != state.segmentation.names:
                own.segments.options = state.segmentation.names
            own.segments.value = state.segments
            own.count.disabled = own.features.disabled = not state.segmentation.choice.clusters
        if self._chart is not None:
            # its form is the same as the first one's, which was checked
            self._chart.spec = self._drawn().to_dict(validate=False)
        self.seen.caption.value = str(panels.status(scatter.caption(state.customers, state.segmentation, state.axes)))
        self.seen.sizes.value = str(panels.sizes_panel(state.customers, state.segmentation))
        self._show_stability()
        self._show_selection()

    def _show_stability(self) -> None:
        self.controls.test.disabled = not isinstance(self.definition, Clusters) or self._testing is not None
        self.seen.meter.value = str(panels.stability_panel(self.state, testing=self._testing is not None))

    def _show_selection(self) -> None:
        selected, state = self.selection, self.state
        with self._silent():
            for control, end in zip(self.controls.limits, _ends(state.box), strict=True):
                control.value = end
        self.seen.counted.value = str(panels.status(panels.selection_sentence(selected, len(state.customers))))
        if self._table is not None:
            change_table(self._table, panels.shown_rows(selected, state))

    def _first_look(self) -> None:
        """Make chart and table: a browser shows the explorer."""
        if self._chart is not None:
            return
        self._chart = live_chart(self._drawn())
        self._chart.observe(self._brushed, "_vl_selections")
        self._table = live_table(panels.shown_rows(self.selection, self.state))
        self.seen.chart.children, self.seen.table.children = [self._chart], [self._table]

    def _drawn(self) -> alt.LayerChart:
        state = self.state
        return scatter.scatter(state.customers, state.segmentation, state.axes, box=state.box, segments=state.segments)

    def _brushed(self, change: Any) -> None:
        """Follow the brush. A chart that was drawn anew tells of the brush that it was given: no news."""
        state = self.state
        brushed = (change["new"].get(scatter.BRUSH) or {}).get("value") or {}
        standing = scatter.brush_of(state.box, state.customers, state.axes)
        if not scatter.same_brush(brushed, standing):
            state.box = scatter.box_of(brushed, state.axes)
            self._show_selection()

    @contextmanager
    def _silent(self) -> Iterator[None]:
        """Set controls from here without hearing of it."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False


def _ends(box: Box | None) -> list[str]:
    """Return the limits of a box as the controls show them; open ends are empty."""
    if box is None:
        return [""] * 4
    return [f"{end:.6g}" if np.isfinite(end) else "" for side in (box.x, box.y) for end in side]
