"""Reports made, with a progress bar, and entered in the index of their folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from salesops.press.plan import Outcome, Report
from salesops.press.run import run_reports
from salesops.press.site import Entry, entry_of, read_index, write_index


@dataclass(frozen=True)
class Delivery:
    """How many reports are made, how many of them failed, and the page that lists them."""

    made: int
    failed: int
    index: Path


def deliver(reports: Sequence[Report], out: Path, *, jobs: int) -> Delivery:
    """Make reports in `out`, at most `jobs` at a time, and enter them in its index.

    A progress bar and a line for each failure go to stderr. The index is written when the run ends, also by
    Ctrl-C or an error, with the reports that were made by then.

    Raises
    ------
    PressError
        Before anything runs, if `out` holds an index that is not of the press.
    OSError
        If `out` cannot be written.
    KeyboardInterrupt
        After Ctrl-C, when everything has been stopped.
    """
    entries = read_index(out)
    made: list[Entry] = []
    console = Console(stderr=True, highlight=False)
    with _progress(console) as progress:
        bar = progress.add_task("", total=len(reports))

        def done(report: Report, outcome: Outcome) -> None:
            made.append(entry_of(report, outcome))
            progress.advance(bar)
            if outcome.error:
                console.print(f"failed: {_named(report)}: {outcome.error}", markup=False, soft_wrap=True)

        try:
            run_reports(reports, out, jobs=jobs, done=done)
        finally:
            if made or not reports:
                write_index(out, [*entries, *made])
    failed = sum(entry["status"] != "ok" for entry in made)
    return Delivery(len(made), failed, out / "index.html")


def _progress(console: Console) -> Progress:
    columns = (TextColumn("Reports"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _named(report: Report) -> str:
    return " ".join(part for part in (report.notebook.stem, report.period, report.person) if part)
