"""The process that draws charts for all reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from salesops.errors import PressError
from salesops.press import drawing
from salesops.press.drawing import draw, drawing_process

SPEC = {"mark": "point", "data": {"values": [{"a": 1}]}, "encoding": {"x": {"field": "a", "type": "quantitative"}}}


def test_who_asks_while_it_starts_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chart wanted at once is drawn by the process, not by the report: a second renderer would start for nothing."""
    monkeypatch.setattr(drawing, "_drawn", lambda *_: pytest.fail("drawn by the one who asked"))
    with drawing_process(tmp_path) as address:
        assert draw(SPEC, {}, address=address).startswith("<svg")


def test_where_nothing_answers_the_report_draws(tmp_path: Path) -> None:
    """A drawing process that is gone costs time, not the chart."""
    with drawing_process(tmp_path) as address:
        pass
    assert draw(SPEC, {}, address=address).startswith("<svg")


def test_a_chart_that_breaks_off_spoils_no_other(tmp_path: Path) -> None:
    """A chart that cannot be drawn, here for an address in its data, leaves the renderer of all reports as it was."""
    row = {"a": 1, "u": "javascript:ran()"}
    broken = {**SPEC, "data": {"values": [row]}, "encoding": {**SPEC["encoding"], "href": {"field": "u"}}}  # type: ignore[dict-item]  # a chart is any JSON
    with drawing_process(tmp_path) as address:
        for _ in range(2):
            with pytest.raises(PressError, match="The chart cannot be drawn: Vega-Lite to SVG conversion failed: "):
                draw(broken, {}, address=address)
            assert draw(SPEC, {}, address=address).startswith("<svg")
