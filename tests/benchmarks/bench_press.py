"""The press: many rep reports against the loop of `papermill` and `jupyter nbconvert`, in one run.

The loop is timed on a few reports and extrapolated; it draws no charts, and its pages load them from elsewhere.
The floor is the same cells in a process that has everything imported and has run them before, and the writing of
the page. `SALESOPS_BENCH_REPORTS` and `SALESOPS_BENCH_THOUSAND` set other numbers of reports than 200 and 1000.
"""

from __future__ import annotations

import ast
import io
import itertools
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stderr
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import nbformat.v4 as v4
import psutil
from IPython.core.interactiveshell import InteractiveShell
from measure import ROOT, Row, publish, say, seconds, timed

from salesops.book.shelf import VARIABLE
from salesops.cli.asking import prepare
from salesops.files import write_whole
from salesops.press.drawing import drawing_process
from salesops.press.export import export_page
from salesops.press.plan import Outcome, Report
from salesops.press.pool import Ending
from salesops.press.run import run_reports
from salesops.press.settings import Wanted
from salesops.press.task import Task
from salesops.press.warm.pool import WarmPool

Make = Callable[[Report], tuple[float, float]]

BIN = Path(sys.executable).parent
SAMPLE = ROOT / "data" / "sample"
PERIODS = ("2026-Q4", "2026-Q3", "2026-Q2", "2026-Q1", "2025-Q4")
REPORTS = int(os.environ.get("SALESOPS_BENCH_REPORTS", "200"))
LOOPED = 5
THOUSAND = int(os.environ.get("SALESOPS_BENCH_THOUSAND", "1000"))


def main() -> None:
    """Run both sides and publish the table."""
    with tempfile.TemporaryDirectory() as name:
        publish("press", measured(Path(name)))


def measured(scratch: Path) -> Iterator[Row]:
    """Measure all that has a target, both sides one after the other."""
    plain = without_charts(scratch)
    drawn, bare = planned("rep_accountability"), planned(str(plain))
    apart = len(drawn) // LOOPED  # so that each period is in it
    loop = median_of(lambda number: looped(drawn[number * apart], scratch), LOOPED)
    stock_once = median_of(lambda number: papermill(drawn[number * apart], scratch), 3)
    say(f"the loop takes {loop:.1f} s for one report, {stock_once:.1f} s of them papermill")
    yield against_loop(f"{REPORTS} reports, warm, without charts, per report", bare, loop, scratch, 50)
    yield against_loop(f"{REPORTS} reports, warm, SVG charts, per report", drawn, loop, scratch, 40)
    yield against_loop("20 reports, stock engine, pool of 2, per report", drawn[:20], loop, scratch, 2.5, "stock")
    yield from one_by_one(drawn, stock_once, scratch)


def planned(notebook: str) -> list[Report]:
    """Plan reports of every rep, period after period, until there are enough."""
    reports: list[Report] = []
    for period in PERIODS:
        wanted = Wanted(notebook=notebook, given={"book": str(SAMPLE), "period": period}, for_each="rep")
        with redirect_stderr(io.StringIO()):  # the sample's warnings, period after period
            reports += prepare([wanted], ROOT / "notebooks")
    return [replace(report, id=f"{report.id}-{number}") for number, report in enumerate((reports * REPORTS)[:REPORTS])]


def without_charts(scratch: Path) -> Path:
    """Write the rep's notebook without the cells that show a chart."""
    notebook = nbformat.read(ROOT / "notebooks" / "rep_accountability.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "nbval-ignore-output" not in cell.metadata.get("tags", ())]
    path = scratch / "rep_accountability.ipynb"
    nbformat.write(notebook, path)
    return path


def median_of(work: Callable[[int], float], times: int) -> float:
    """Return the median of what some calls give."""
    return sorted(work(number) for number in range(times))[times // 2]


def papermill(report: Report, scratch: Path) -> float:
    """Return the seconds of one papermill run, as people start it."""
    values = [word for name, value in report.parameters.items() if value for word in ("-p", name, str(value))]
    return seconds([BIN / "papermill", report.notebook, scratch / "loop.ipynb", *values], runs=1)


def looped(report: Report, scratch: Path) -> float:
    """Return the seconds that one report takes in a loop of papermill and nbconvert."""
    ran = papermill(report, scratch)
    return ran + seconds([BIN / "jupyter", "nbconvert", "--to", "html", "--no-input", scratch / "loop.ipynb"], runs=1)


def against_loop(
    what: str, reports: Sequence[Report], loop: float, scratch: Path, factor: float, engine: Any = "warm"
) -> Row:
    """Time a run of the press, start included, beside the loop."""
    outcomes: list[Outcome] = []
    wall = timed(
        lambda: run_reports(
            reports, scratch / "site", jobs=2, engine=engine, done=lambda _, outcome: outcomes.append(outcome)
        )
    )
    refuse_failures(outcomes)
    shutil.rmtree(scratch / "site")
    return Row(what, wall / len(reports), loop, "s", f"≥ {factor:g}× the loop", loop / (wall / len(reports)) >= factor)


def one_by_one(reports: Sequence[Report], stock_once: float, scratch: Path) -> Iterator[Row]:
    """One report cold and warm, its processor time against the floor, and the parent after a thousand."""
    apart = len(reports) // LOOPED
    cold = median_of(lambda number: run_alone(reports[number * apart : number * apart + 1], scratch), 3)
    yield Row(
        "one report, cold / one papermill run", cold, stock_once, "s", "≤ 1.5 × papermill", cold <= 1.5 * stock_once
    )
    with pool_of_one(WarmPool({report.notebook for report in reports}), scratch) as make:
        first = make(reports[0])
        warm = [make(report) for report in reports[1:30]]
        quick = sorted(wall for wall, _ in warm)[len(warm) // 2]
        yield Row("one report, parent up, first of its book", first[0], None, "s", "–", None)
        yield Row("one report, parent up", quick, None, "s", "≤ 0.5 s", quick <= 0.5)
        spent = sorted(cpu for _, cpu in warm)[len(warm) // 2]
        ground = floor(reports[1:12])
        yield Row("CPU of a report / the floor", spent, ground, "s", "≤ 1.6 × the floor", spent <= 1.6 * ground)
        yield from after_a_thousand(reports, make)


def run_alone(reports: Sequence[Report], scratch: Path) -> float:
    """Return the seconds of a run of the press, start included."""
    outcomes: list[Outcome] = []
    wall = timed(
        lambda: run_reports(reports, scratch / "site", jobs=1, done=lambda _, outcome: outcomes.append(outcome))
    )
    refuse_failures(outcomes)
    return wall


@contextmanager
def pool_of_one(pool: WarmPool, scratch: Path) -> Iterator[Make]:
    """Give a function that makes one report with a warm parent, and returns its seconds and its processor time."""
    numbers = itertools.count()
    out = scratch / "one"
    out.mkdir()
    shelf = scratch / "shelf"
    shelf.mkdir()
    os.environ[VARIABLE] = str(shelf)
    with drawing_process(scratch) as drawing, closing(pool):

        def make(report: Report) -> tuple[float, float]:
            folder = scratch / f"task{next(numbers)}"
            folder.mkdir()
            task = Task(report=report, out=out, scratch=folder, drawing=drawing)
            before, start = processor_time(), time.perf_counter()
            pool.start(task)
            endings: list[Ending] = []
            while not endings:
                endings = pool.wait(60)
            wall = time.perf_counter() - start
            refuse_failures([what for what in (ending.what for ending in endings) if isinstance(what, Outcome)])
            return wall, processor_time() - before

        yield make


def processor_time() -> float:
    """Return the processor time of the press's processes: the parent, its forks that have ended, and the drawing."""
    times = [child.cpu_times() for child in psutil.Process().children()]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def floor(reports: Sequence[Report]) -> float:
    """Return the processor seconds of the same cells in this process, warm, and of writing the page."""
    shell = InteractiveShell.instance()
    spent = []
    with tempfile.TemporaryDirectory() as folder:
        for report in reports:
            notebook = nbformat.read(report.notebook, as_version=4)
            start = time.process_time()
            run_cells(notebook, report, shell)
            write_whole(Path(folder) / "page.html", export_page(notebook, title=report.heading))
            spent.append(time.process_time() - start)
    return statistics.median(spent[2:])


def run_cells(notebook: Any, report: Report, shell: InteractiveShell) -> None:
    """Run the code cells of a notebook in this process, and keep what each shows."""
    names: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            *before, last = ast.parse(cell.source).body
            exec(compile(ast.Module(before, []), "cell", "exec"), names)
            if isinstance(last, ast.Expr):
                shown = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
                data, metadata = shell.display_formatter.format(shown)
                cell.outputs = [v4.new_output("display_data", data=data, metadata=metadata)]
            else:
                exec(compile(ast.Module([last], []), "cell", "exec"), names)
            if "parameters" in cell.metadata.get("tags", ()):
                names.update(report.parameters)


def after_a_thousand(reports: Sequence[Report], make: Make) -> Iterator[Row]:
    """Make a thousand reports of a small notebook in a row, and compare the parent with what it was."""
    parent = psutil.Process(max((child.create_time(), child.pid) for child in warm_parents())[1])
    before = parent.memory_info().rss, parent.num_fds()
    for number in range(THOUSAND):
        make(reports[number % len(reports)])
    grown = (parent.memory_info().rss - before[0]) / 1e6
    yield Row(f"memory that the parent gained in {THOUSAND} reports", grown, None, "MB", "unchanged", abs(grown) < 1)
    gained = parent.num_fds() - before[1]
    yield Row(f"descriptors that it gained in {THOUSAND} reports", gained, None, "", "unchanged", gained == 0)


def warm_parents() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.memory_info().rss > 100_000_000]


def refuse_failures(outcomes: Sequence[Outcome]) -> None:
    """Stop where a report failed: a page that is not there was made quickly."""
    failed = [outcome.error for outcome in outcomes if outcome.status != "ok"]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(outcomes)} reports failed, first: {failed[0]}")


if __name__ == "__main__":
    main()
