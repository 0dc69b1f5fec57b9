"""Running reports side by side, each with a kernel of its own, in a few worker processes."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

from salesops.press.plan import Outcome, Report
from salesops.press.writing import UNFINISHED

Done = Callable[[Report, Outcome], None]


def run_reports(reports: Sequence[Report], out: Path, *, jobs: int, done: Done) -> None:
    """Make all reports in `out`, at most `jobs` at a time, and call `done` as each ends, in that order.

    Ctrl-C stops what runs and starts nothing more; what has ended stays.

    Raises
    ------
    OSError
        If `out` cannot be written; the run stops.
    KeyboardInterrupt
        After everything has been stopped.
    """
    out.mkdir(parents=True, exist_ok=True)
    _try_to_write(out)
    with tempfile.TemporaryDirectory(prefix="salesops-") as sockets:
        try:
            with _workers(max(1, min(jobs, len(reports)))) as pool:
                with _uninterrupted():
                    running = {pool.submit(_make, report, out, Path(sockets)): report for report in reports}
                for future in as_completed(running):
                    done(running[future], _outcome(future))
        finally:
            for part in out.glob(UNFINISHED):
                part.unlink(missing_ok=True)


def _try_to_write(out: Path) -> None:
    # a folder that cannot be written is better known now than after the first report
    try:
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(out)) from None


@contextmanager
def _workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_stand_alone)
    try:
        yield pool
    except BaseException:
        for worker in multiprocessing.active_children():
            worker.kill()  # their kernels see it and end by themselves
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let no Ctrl-C through; processes started meanwhile begin life without reacting to it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stand_alone() -> None:
    """Make this worker end when the press ends, and not when the terminal says Ctrl-C: that is for the press."""
    logging.disable()  # what a log would say of a report stands in its page
    if hasattr(os, "setsid"):
        os.setsid()
    press = multiprocessing.parent_process()
    if press is not None:
        threading.Thread(target=_end_after, args=(press,), daemon=True).start()


def _end_after(press: BaseProcess) -> None:
    press.join()
    os._exit(1)


def _make(report: Report, out: Path, sockets: Path) -> Outcome:
    from salesops.press.execute import make_report  # its imports are heavy, and only workers need them

    return make_report(report, out, sockets)


def _outcome(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        error = "A worker process was killed from outside; memory may have run out. Run again with fewer --jobs."
        return Outcome(status="failed", started=datetime.now(UTC), seconds=0, error=error)
