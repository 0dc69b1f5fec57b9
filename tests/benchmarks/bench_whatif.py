"""The quota what-if in JupyterLab in a browser: from the event of a lever to the changed text, at 200 reps.

There is no other side: the times stand against what a person takes for at once. The text is that of the headline
and of every rep; a time counts once both are changed and a frame is drawn.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measure import ROOT, Row, publish
from playwright.sync_api import Page

sys.path.insert(0, str(ROOT / "tests" / "support"))
from lab import browser_page, lab, open_notebook, run_cell, write_notebook

REPS = 200
TIMES = 20
AT_ONCE = 100.0
HOMES = [str(ROOT / place) for place in (".", "tests/support", "tests/benchmarks")]
CELL = f"""import sys; sys.path[:0] = {HOMES!r}
from datetime import date
from pathlib import Path
from bench_quota import QUARTER, company
from whatif_books import book_of
from salesops.widgets import quota_whatif
quota_whatif(book_of(Path("book")), QUARTER, date(2026, 10, 31), inputs=company({REPS}), folder="book/scenarios")"""
# sets a lever as a hand does, and ends when the numbers of the reps and of the company are drawn
CHANGE = """([lever, value, drags]) => new Promise(done => {
    const face = document.querySelector('.quota-whatif'), slider = face.querySelector(`[data-lever=${lever}]`);
    const rows = face.querySelectorAll('.sums .now');
    const told = () => [...rows].map(row => row.textContent).join('|');
    const before = told();
    if (drags) slider.dispatchEvent(new PointerEvent('pointerdown'));
    slider.value = value;
    const start = performance.now();
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    const look = () => requestAnimationFrame(() => told() === before ? look() : done(performance.now() - start));
    look();
})"""
REST = """() => new Promise(done => {
    const face = document.querySelector('.quota-whatif');
    const look = () => face.dataset.busy === 'false' && face.dataset.exact === 'true'
        ? setTimeout(done, 400) : setTimeout(look, 20);
    setTimeout(look, 300);
})"""


def main() -> None:
    """Measure a lever that moves the deals, one that moves the quotas, and a drag; publish the table."""
    with TemporaryDirectory() as name, browser_page(1400, 1200) as (page, asked):
        write_notebook(Path(name, "bench.ipynb"), [CELL])
        with lab(Path(name)) as address:
            open_notebook(page, address, "bench.ipynb")
            page.click(".jp-Notebook .jp-CodeCell .cm-content")
            run_cell(page)
            page.wait_for_selector(".quota-whatif .headline")
            page.evaluate(REST)
            rows = [
                _row("lever that changes deals", _times(page, "win_rate", 101, drags=False)),
                _row("the same while it is dragged, coarse grid", _times(page, "deal_size", 101, drags=True)),
                _row("lever that changes quotas", _times(page, "over_assignment", 1, drags=False)),
                _row("lever that changes pay", _times(page, "commission_rate", 1, drags=False)),
            ]
        assert asked == []
    publish("whatif", rows)


def _times(page: Page, lever: str, first: int, *, drags: bool) -> list[float]:
    found = []
    for value in range(first, first + TIMES):
        found.append(float(page.evaluate(CHANGE, [lever, value, drags])))
        page.evaluate(REST)
    return found


def _row(what: str, took: list[float]) -> Row:
    median = statistics.median(took)
    return Row(f"{what}, {REPS} reps", median, None, "ms", f"≤ {AT_ONCE:.0f} ms", median <= AT_ONCE)


if __name__ == "__main__":
    main()
