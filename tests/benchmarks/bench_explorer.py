"""The segment explorer in JupyterLab in a browser: first draw and changes, from the key to the drawn chart.

There is no other side: the times stand against what a person takes for at once.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import ROOT, Row, publish
from playwright.sync_api import Locator, Page

sys.path.insert(0, str(ROOT / "tests" / "support"))
from lab import browser_page, lab, open_notebook, run_cell, write_notebook

FIRST_DRAW = 1.0
CHANGE = {10_000: 0.3, 100_000: 1.0}
CELLS = (
    "import sys\nsys.path.insert(0, {tests!r})\nfrom customers import drawn\n"
    "from salesops.widgets import segment_explorer\n"
    "customers = drawn({count}).assign(account_name=lambda t: 'Customer ' + t.account_id)",
    "segment_explorer(customers)",
)
# begins with a key and ends when the chart, and the small table below it, say what is asked for
WATCH = """
([chart, table]) => { window.took = new Promise(done => {
    const shown = () => [...document.querySelectorAll('.segment-explorer')].some(explorer =>
        !explorer.dataset.old && explorer.querySelector('[role=graphics-document]')?.ariaLabel?.includes(chart)
        && explorer.querySelector('canvas') && explorer.querySelector('.dt-container tbody td')
        && explorer.innerText.includes(table));
    addEventListener('keydown', () => {
        const start = performance.now();
        const look = () => requestAnimationFrame(() => shown() ? done((performance.now() - start) / 1000) : look());
        look();
    }, {capture: true, once: true});
}); }
"""


def main() -> None:
    """Measure both sizes and publish the table."""
    publish("explorer", [row for count in CHANGE for row in _measure(count)])


def _measure(count: int) -> list[Row]:
    with TemporaryDirectory() as name, browser_page(1400, 1500) as (page, asked):
        cells = [cell.format(tests=str(ROOT / "tests" / "support"), count=count) for cell in CELLS]
        write_notebook(Path(name, "bench.ipynb"), cells)
        with lab(Path(name)) as address:
            open_notebook(page, address, "bench.ipynb")
            page.click(".jp-Notebook .jp-CodeCell .cm-content")
            run_cell(page)
            page.wait_for_function("document.querySelector('.jp-InputPrompt').innerText.includes('1')")
            first, second = [_draw(page) for _ in range(2)]
            rows = [
                _row(f"first draw, {count:,} customers, new on the machine", first, FIRST_DRAW),
                _row(f"first draw, {count:,} customers", second, FIRST_DRAW),
            ]
            for what, took in _changes(page).items():
                rows.append(_row(f"{what}, {count:,} customers", statistics.median(took), CHANGE[count]))
        assert asked == []
    return rows


def _draw(page: Page) -> float:
    """Return the time from Shift+Enter to the chart of a new explorer; one that is there does not count."""
    page.evaluate("document.querySelectorAll('.segment-explorer').forEach(old => { old.dataset.old = 'yes'; })")
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").nth(1).click()
    page.evaluate(WATCH, ["Rule grid", "Rule grid"])
    run_cell(page)
    return float(page.evaluate("window.took"))


def _changes(page: Page) -> dict[str, list[float]]:
    """Return the times of changes that were made by keyboard."""
    explorer = page.locator(".segment-explorer").last
    method, count = explorer.get_by_label("Method", exact=True), explorer.get_by_label("Clusters", exact=True)
    across = explorer.get_by_label("Across", exact=True)
    found: dict[str, list[float]] = {
        "another rule grid": [_press(page, method, "ArrowDown", "P(active), 4 segments")],
        "KMeans": [_press(page, method, "ArrowDown", "KMeans, 4 segments")],
        "KMeans, more clusters": [
            _press(page, count, "ArrowUp", f"KMeans, {number} segments") for number in (5, 6, 7, 8)
        ],
        "KMeans, seen before": [_press(page, count, "ArrowDown", f"KMeans, {number} segments") for number in (7, 6, 5)],
        "mixture": [_press(page, method, "ArrowDown", "mixture, 5 segments")],
        "mixture, more clusters": [
            _press(page, count, "ArrowUp", f"mixture, {number} segments") for number in (6, 7, 8)
        ],
        "another axis": [_press(page, across, "ArrowDown", "by repeat purchases", "mixture")],
    }
    return found


def _press(page: Page, control: Locator, key: str, chart: str, table: str = "") -> float:
    control.focus()
    page.evaluate(WATCH, [chart, table or chart])
    page.keyboard.press(key)
    return float(page.evaluate("window.took"))


def _row(what: str, took: float, limit: float) -> Row:
    return Row(what, took, None, "s", f"≤ {limit} s", took <= limit)


if __name__ == "__main__":
    main()
