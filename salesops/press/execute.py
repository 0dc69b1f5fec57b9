"""One report, in the process that makes it: run the notebook, make the page, write it.

A report that fails leaves what it has: its notebook as far as it ran, and a page with the traceback. They
have names of their own, so that a failure never replaces the last good page.
"""

from __future__ import annotations

import contextlib
import json
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import nbformat.v4 as v4
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from nbformat import NotebookNode
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

from salesops.errors import PressError, one_line
from salesops.files import write_whole
from salesops.press.alerts import raised
from salesops.press.compare import Earlier, News, changes, to_compare
from salesops.press.export import export_page, headline_of
from salesops.press.gate import Gate, forms, hide
from salesops.press.plan import Outcome, Report, Status
from salesops.press.pool import why_it_ended
from salesops.press.results import read_results
from salesops.press.secrets import in_environment, take_from_environment
from salesops.press.task import Task

Run = Callable[[NotebookNode, Gate, Task], None]


def make_report(task: Task, run: Run) -> Outcome:
    """Make one report: `run` executes its notebook in place; where it stops, the notebook holds what it has.

    A notebook that fails is an outcome, not an exception.

    Raises
    ------
    OSError
        If the folder for the pages cannot be written.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    notebook = v4.new_notebook()  # type: ignore[no-untyped-call]  # nbformat annotates only some of its functions
    outcome, page = Outcome(status="ok", started=started, seconds=0), ""
    try:
        notebook = _prepared(task.report)
        _run(task, notebook, run)
        error = _failure(notebook)
        if error:
            outcome = replace(outcome, status="failed", error=error)
        else:
            outcome, page = _finished(task, notebook, outcome)
    except Exception as failure:  # whatever a notebook can cause must not end the other reports
        status, error = _failure_shown_in(task, notebook, failure)
        outcome = replace(outcome, status=status, error=error)
    path = _write_ok(task, page) if outcome.status == "ok" else _write_failed(task, notebook, outcome.status)
    return replace(outcome, path=path, seconds=round(time.monotonic() - clock, 3))


def _run(task: Task, notebook: NotebookNode, run: Run) -> None:
    texts = _texts(task)
    try:
        if task.death:
            replay(task.journal, notebook)
            raise _Died
        with in_environment(task.report.secrets), Gate(task.journal, texts) as gate:
            run(notebook, gate, task)
    finally:
        if texts:
            _hide_across(notebook, texts)


def _hide_across(notebook: NotebookNode, texts: Sequence[str]) -> None:
    """Hide secrets that span several messages: the gate saw them one by one, and the state of widgets not at all."""
    notebook.metadata = nbformat.from_dict(hide(notebook.metadata, texts))  # type: ignore[no-untyped-call]  # as above
    joiner: Any = CoalesceStreamsPreprocessor()  # type: ignore[no-untyped-call]  # as above
    for cell in notebook.cells:
        if "outputs" in cell:
            joiner.preprocess_cell(cell, {}, 0)
            cell.outputs = nbformat.from_dict(hide(cell.outputs, texts))  # type: ignore[no-untyped-call]  # as above


class _Died(Exception):
    """An earlier try ended its process; the task says how."""


def _prepared(report: Report) -> NotebookNode:
    notebook: NotebookNode = load_notebook_node(str(report.notebook))
    notebook.metadata.setdefault("kernelspec", {"name": "python3", "language": "python", "display_name": "Python 3"})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None  # of the run before it was saved
    if report.parameters:
        notebook = parameterize_notebook(notebook, dict(report.parameters))
    take_from_environment(notebook, report.secrets)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        raise PressError(f"{report.notebook.name} is not as JupyterLab writes a notebook: {error.message}.") from None
    return notebook


def _failure(notebook: NotebookNode) -> str:
    """Return the exception that ended the run, in one line, or ""."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.metadata.get("papermill", {}).get("exception"):
            raised_ = [output for output in cell.get("outputs", ()) if output.output_type == "error"]
            what = f"{raised_[-1].ename}: {raised_[-1].evalue}" if raised_ else "The cell failed."
            return f"{_one_line(what)} (cell {number})"
    return ""


def _finished(task: Task, notebook: NotebookNode, outcome: Outcome) -> tuple[Outcome, str]:
    report, results = task.report, read_results(notebook)
    now = Earlier(made="", period=report.period, as_of=str(report.parameters.get("as_of", "")), results=results)
    earlier = to_compare(now, task.earlier)
    news = News(
        alerts=raised(report.alerts, results),
        changes=changes(results, earlier, report.watch) if earlier else (),
        since=earlier.label if earlier else "",
    )
    page = export_page(notebook, title=report.heading, drawing=task.drawing, news=news)
    return replace(outcome, results=results, news=news, headline=headline_of(page)), page


def _failure_shown_in(task: Task, notebook: NotebookNode, failure: Exception) -> tuple[Status, str]:
    """Put a failure that no cell shows into the notebook; return its status and the failure in one line.

    It stands in the cell that ran when the process died or was stopped, otherwise in a cell of its own at the end.
    """
    while isinstance(failure, ExceptionGroup) and len(failure.exceptions) == 1:
        failure = failure.exceptions[0]
    status, text = _in_words(task, notebook, failure)
    lines = [text] if text else traceback.format_exception(failure)
    if task.death and task.death.traces:
        lines += ["", "Traceback, where it stood:", task.death.traces]
    output = v4.new_output(  # type: ignore[no-untyped-call]  # as above
        "error",
        ename="" if text else type(failure).__name__,
        evalue=hide(text or str(failure), _texts(task)),
        traceback=[hide(line, _texts(task)) for line in lines],
    )
    if status == "failed" or not notebook.cells:
        notebook.cells.append(v4.new_code_cell(outputs=[output]))  # type: ignore[no-untyped-call]  # as above
    else:
        cell = notebook.cells[_last_started(notebook) - 1]
        cell.outputs = [*cell.get("outputs", ()), output]
    return status, _one_line(f"{output.ename}: {output.evalue}" if output.ename else output.evalue)


def _in_words(task: Task, notebook: NotebookNode, failure: Exception) -> tuple[Status, str]:
    """Return the status of a failure, and what a person is told in place of a traceback, or ""."""
    if isinstance(failure, _Died) and task.death:
        return task.death.status, task.death.why.format(cell=_last_started(notebook))
    if isinstance(failure, DeadKernelError):
        code = getattr(failure, "exit_code", None)  # where the engine knows it
        return "crashed", why_it_ended(code).format(cell=_last_started(notebook))
    if isinstance(failure, CellTimeoutError):
        return "timeout", f"Cell {_last_started(notebook)} took longer than it may and was stopped."
    if isinstance(failure, NoSuchKernel):
        name = failure.name
        return (
            "failed",
            f"The kernel '{name}' is not installed. Install it, or set the notebook's kernel to one that is.",
        )
    return "failed", str(failure) if isinstance(failure, PressError) else ""


def _last_started(notebook: NotebookNode) -> int:
    started = [cell.metadata.get("papermill", {}).get("start_time") for cell in notebook.cells]
    return max((number for number, when in enumerate(started, start=1) if when), default=1)


def _write_ok(task: Task, page: str) -> str:
    report = task.report
    write_whole(task.out / f"{report.id}.html", page)
    for ending in ("html", "ipynb"):
        (task.out / f"{report.id}.failed.{ending}").unlink(missing_ok=True)
    return f"{report.id}.html"


def _write_failed(task: Task, notebook: NotebookNode, status: Status) -> str:
    report = task.report
    partial = nbformat.writes(notebook)  # type: ignore[no-untyped-call]  # as above
    write_whole(task.out / f"{report.id}.failed.ipynb", partial)
    write_whole(task.out / f"{report.id}.failed.html", _failed_page(task, notebook, status))
    return f"{report.id}.failed.html"


def _failed_page(task: Task, notebook: NotebookNode, status: Status) -> str:
    title, drawing = task.report.heading, task.drawing
    try:
        return export_page(notebook, title=title, status=status, drawing=drawing)
    except Exception:  # an output that not even the page of a failure can show: then it shows the failure alone
        for cell in notebook.cells:
            cell.outputs = [output for output in cell.get("outputs", ()) if output.output_type == "error"]
        return export_page(notebook, title=title, status=status, drawing=drawing)


def _texts(task: Task) -> tuple[str, ...]:
    return forms(filter(None, task.report.secrets.values()))


def _one_line(text: str) -> str:
    line = " ".join(one_line(text).split())
    return line if len(line) <= 300 else f"{line[:299]}…"


def replay(journal: Path, notebook: NotebookNode) -> None:
    """Give each cell the outputs that the journal notes, as the client of a living kernel would."""
    client = NotebookClient(notebook)
    cell, index = None, 0
    for line in _lines(journal):
        if "cell" in line:
            index = line["cell"]
            cell = notebook.cells[index]
            cell.outputs = []
            client.clear_before_next_output = False
            cell.metadata.setdefault("papermill", {})["start_time"] = line["at"]
        elif cell is not None:
            message = {"msg_type": line["kind"], "header": {"msg_type": line["kind"]}, "parent_header": {}}
            client.process_message({**message, "content": line["content"]}, cell, index)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what is noted; the last line may be torn."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError):
            yield json.loads(line)
