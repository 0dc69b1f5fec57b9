"""Running reports side by side, each in a process of its own, on the engine that fits the platform."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from salesops.files import UNFINISHED
from salesops.press.compare import Earlier
from salesops.press.drawing import drawing_process
from salesops.press.plan import Outcome, Report
from salesops.press.pool import Ending, Pool
from salesops.press.strays import taking_in_strays
from salesops.press.task import Death, Limits, Task

Done = Callable[[Report, Outcome], None]
Engine = Literal["auto", "warm", "stock"]

_GRACE = 15.0  # seconds beyond its limit until a report that did not end itself is killed
_SHELF = "SALESOPS_SHELF"  # where the reports of a run share what they compute of a book


def run_reports(
    reports: Sequence[Report],
    out: Path,
    *,
    jobs: int,
    done: Done,
    engine: Engine = "auto",
    limits: Limits | None = None,
    earlier: Callable[[Report], tuple[Earlier, ...]] = lambda report: (),
    turn: Callable[[], None] = lambda: None,
) -> None:
    """Make all reports in `out`, at most `jobs` at a time, and call `done` as each ends, in that order.

    Ctrl-C stops what runs and starts nothing more; what has ended stays.

    Parameters
    ----------
    engine : {"auto", "warm", "stock"}
        warm forks each report from a process that has everything imported, on Linux; stock starts a kernel
        for each; auto takes warm where it can.
    earlier : callable
        Gives the runs of a report among which is the one to compare with.
    turn : callable
        Is called each second, or more often, while reports are made.

    Raises
    ------
    OSError
        If `out` cannot be written; the run stops.
    PressError
        If the engine does not start.
    KeyboardInterrupt
        After everything has been stopped.
    """
    if not reports:
        return
    out = out.absolute()  # the processes of the reports work in other folders
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="salesops-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        try:
            with (
                _shelf(scratch),
                drawing_process(scratch) as drawing,
                taking_in_strays() as end_strays,
                closing(_pool(engine, reports)) as pool,
            ):
                tasks = (
                    Task(
                        report=report,
                        out=out,
                        scratch=scratch / str(number),
                        limits=limits or Limits(),
                        drawing=drawing,
                        earlier=earlier(report),
                    )
                    for number, report in enumerate(reports)
                )
                for ending in _side_by_side(tasks, pool, jobs, (end_strays, turn)):
                    done(ending.task.report, _outcome(ending))
        finally:
            for part in out.glob(UNFINISHED):
                part.unlink(missing_ok=True)


def warm_works() -> bool:
    """Tell whether this platform has what the warm engine needs: forks, and descriptors of processes."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


@contextmanager
def _shelf(scratch: Path) -> Iterator[None]:
    """Let the processes of this run, and only of this run, share what they compute of a book."""
    before = os.environ.get(_SHELF)
    (scratch / "shelf").mkdir()
    os.environ[_SHELF] = str(scratch / "shelf")
    try:
        yield
    finally:
        os.environ.pop(_SHELF)
        if before is not None:
            os.environ[_SHELF] = before


def _pool(engine: Engine, reports: Sequence[Report]) -> Pool:
    if engine == "warm" or (engine == "auto" and warm_works()):
        from salesops.press.warm.pool import WarmPool

        return WarmPool(report.notebook for report in reports)
    from salesops.press.stock.pool import StockPool

    return StockPool()


def _side_by_side(
    tasks: Iterator[Task], pool: Pool, jobs: int, each_turn: Sequence[Callable[[], None]]
) -> Iterator[Ending]:
    """Yield how each task ended. One whose process died is begun again, to make a page of what it had shown."""
    again: deque[Task] = deque()
    began: dict[str, tuple[float, Task]] = {}
    while True:
        while pool.running < max(1, jobs) and (task := again.popleft() if again else next(tasks, None)):
            task.scratch.mkdir(exist_ok=True)
            began[task.key] = (time.monotonic(), task)
            pool.start(task)
        if not pool.running:
            return
        for ending in pool.wait(1.0):
            del began[ending.task.key]
            if isinstance(ending.what, Death) and ending.task.death is None:
                again.append(replace(ending.task, death=ending.what))
                continue
            shutil.rmtree(ending.task.scratch, ignore_errors=True)
            yield ending
        _kill_late(began, pool)
        for call in each_turn:
            call()


def _kill_late(began: dict[str, tuple[float, Task]], pool: Pool) -> None:
    for start, task in began.values():
        if task.limits.report and time.monotonic() - start > task.limits.report + _GRACE:
            pool.kill(task)


def _outcome(ending: Ending) -> Outcome:
    what = ending.what
    if isinstance(what, OSError):
        raise what
    if isinstance(what, Death):
        return Outcome(status=what.status, started=datetime.now(UTC), seconds=0, error=what.why.format(cell="?"))
    return what
