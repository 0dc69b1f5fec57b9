"""The segment explorer in a real JupyterLab, in a real browser that reaches nothing but this machine."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from customers import drawn
from lab import ROOT, browser_page, lab, open_notebook, run_cell, write_notebook
from playwright.sync_api import Locator, Page, expect

from salesops.models.segments import fit_clusters, read_clusters
from salesops.widgets.exploration import Exploration
from salesops.widgets.files import csv_text
from salesops.widgets.segmentation import Choice
from salesops.widgets.selection import Box

pytestmark = pytest.mark.browser
COUNT = 600
CELL = f"""import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests" / "support")!r}]
from customers import drawn
from salesops.widgets import segment_explorer
explorer = segment_explorer(drawn({COUNT}).assign(account_name="=1+1 <b>Bo</b>"), folder="kept", plays={{"A1": "call"}})
explorer"""

# the press of the mouse alone already tells of a box, of no size
AREA = """() => {
    const [left, right, low, high] =
        [...document.querySelectorAll(".segment-explorer [placeholder='no limit']")].map(limit => limit.value);
    return left && left !== right && low !== high;
}"""


@pytest.mark.long
def test_explorer_in_jupyterlab(tmp_path: Path) -> None:
    """Mouse and keyboard select, segment, export, save and load; table and files follow; no request leaves."""
    write_notebook(tmp_path / "explore.ipynb", [CELL])
    with lab(tmp_path) as address, browser_page() as (page, asked):
        open_notebook(page, address, "explore.ipynb")
        page.click(".jp-Notebook .jp-CodeCell .cm-content")
        run_cell(page)
        explorer = page.locator(".segment-explorer")
        expect(explorer.locator("canvas")).to_be_visible()
        expect(explorer.get_by_text("Showing 1 to 10 of 200 entries")).to_be_visible()
        expect(explorer.locator(".dt-container b")).to_have_count(0)  # a name is never markup
        box = _brush(page, explorer)
        _change_by_keyboard(explorer)
        _export(explorer, tmp_path, box)
        _save_and_load(explorer, tmp_path)
        _type_limits(explorer)
        assert asked == []


def _brush(page: Page, explorer: Locator) -> Box:
    """Draw a box by mouse; return it as the explorer read it, once sentence and table follow."""
    place = explorer.locator("canvas").bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 120, place["y"] + 150)
    page.mouse.down()
    page.mouse.move(place["x"] + 300, place["y"] + 330)  # at once: the explorer also follows boxes on the way
    page.mouse.up()
    limits = [explorer.get_by_placeholder("no limit").nth(number) for number in range(4)]
    page.wait_for_function(AREA)
    state = Exploration(drawn(COUNT))
    # the mouse rests: what the limits say is what the explorer has
    state.limit(tuple(limit.input_value() for limit in limits))  # type: ignore[arg-type]  # four of them
    count = len(state.selection)
    assert 0 < count < COUNT
    expect(explorer.get_by_text(re.compile(f"Selected: {count} of {COUNT} customers"))).to_be_visible()
    expect(explorer.get_by_text(f"of {min(count, 200)} entries")).to_be_visible()
    first = state.selection.sort_values("total", ascending=False).account_id.iloc[0]
    expect(explorer.locator(".dt-container tbody tr").first).to_contain_text(first)
    assert state.box is not None
    return state.box


def _change_by_keyboard(explorer: Locator) -> None:
    """Choose KMeans and five clusters by arrow keys; JupyterLab must leave them to the explorer."""
    method, count = explorer.get_by_label("Method", exact=True), explorer.get_by_label("Clusters", exact=True)
    method.focus()
    for shown in ("P(active), 4 segments", "KMeans, 4 segments"):
        method.press("ArrowDown")
        expect(_chart(explorer, shown)).to_be_visible()
    expect(count).to_be_enabled()
    count.press("ArrowUp")
    expect(_chart(explorer, "KMeans, 5 segments")).to_be_visible()
    expect(explorer.get_by_label("Only", exact=True)).to_contain_text("cluster 5")
    explorer.get_by_role("button", name="Test stability").press("Enter")
    expect(explorer.locator("meter")).to_be_visible()
    expect(explorer.get_by_text("These clusters are not stable")).to_be_visible()


def _export(explorer: Locator, folder: Path, box: Box) -> None:
    """Export by keyboard; the file is what the pure functions give for the same box and clusters."""
    explorer.get_by_role("button", name="Export selection").press("Enter")
    expect(explorer.get_by_text(re.compile(r"Wrote \d+ customers to .*selection\.csv"))).to_be_visible()
    state = Exploration(drawn(COUNT).assign(account_name="=1+1 <b>Bo</b>"), plays={"A1": "call"})
    state.choose(Choice("kmeans", count=5))
    state.box = box
    text = (folder / "kept" / "selection.csv").read_text(encoding="utf-8-sig")
    assert text == csv_text(state.selection)
    assert '"\'=1+1 <b>Bo</b>"' in text


def _save_and_load(explorer: Locator, folder: Path) -> None:
    """Save the clusters under a name that is typed, leave them, and load them again."""
    name = explorer.get_by_label("Definition", exact=True)
    name.fill("five")
    name.press("Tab")
    explorer.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(explorer.get_by_text(re.compile(r"Saved the definition .*five\.toml"))).to_be_visible()
    table = drawn(COUNT)
    wanted = fit_clusters(table, 5).assign(table)
    pd.testing.assert_frame_equal(read_clusters(folder / "kept" / "five.toml").assign(table), wanted)
    explorer.get_by_label("Method", exact=True).select_option(label="Rule grid: recency, frequency, value")
    expect(_chart(explorer, "Rule grid")).to_be_visible()
    explorer.get_by_role("button", name="Load", exact=True).press("Enter")
    expect(_chart(explorer, "Saved definition, clusters, 5 segments")).to_be_visible()


def _type_limits(explorer: Locator) -> None:
    """Select without a mouse: a segment and a limit, typed."""
    explorer.get_by_role("button", name="Select all").press("Enter")
    expect(explorer.get_by_text(f"Selected: {COUNT} of {COUNT} customers")).to_be_visible()
    limit = explorer.get_by_label("Across from", exact=True)
    limit.fill("350")
    limit.press("Enter")
    count = int((drawn(COUNT).days_since >= 350).sum())
    expect(explorer.get_by_text(f"Selected: {count} of {COUNT} customers")).to_be_visible()


def _chart(explorer: Locator, words: str) -> Locator:
    return explorer.locator(f"[role=graphics-document][aria-label*='{words}']")
