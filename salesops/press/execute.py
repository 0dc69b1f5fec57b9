"""One report, in a worker process: run the notebook, make the page, write it.

A report that fails leaves what it has: its notebook as far as it ran, and a page with the traceback. They
have names of their own, so that a failure never replaces the last good page.
"""

from __future__ import annotations

import ast
import json
import math
import os
import time
import traceback
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import NoSuchKernel, get_kernel_spec
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.engines import papermill_engines
from papermill.execute import execute_notebook
from traitlets.config import Config

from salesops.errors import PressError
from salesops.press import SLOW_IMPORT
from salesops.press.export import export_page
from salesops.press.plan import Outcome, Report
from salesops.press.writing import write_whole

_TURNED_TO_TEXT = ("nan", "inf", "-inf")  # what Jupyter makes of such numbers on their way out of the kernel
_LONGEST_SOCKET = 80  # characters of the folder; systems allow about 104 for the whole path


def make_report(report: Report, out: Path, sockets: Path) -> Outcome:
    """Run a report and write its page into `out`; `sockets` is a folder for the kernel's connections.

    A notebook that fails is an outcome, not an exception.

    Raises
    ------
    OSError
        If `out` cannot be written.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    notebook = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]  # nbformat annotates only some of its functions
    results: dict[str, Any] = {}
    page, error = "", ""
    try:
        notebook = _prepared(report)
        _run(notebook, report.notebook.parent, sockets)
        error = _failure(notebook)
        if not error:
            results = read_results(notebook)
            page = export_page(notebook, title=report.heading)
    except Exception as failure:  # whatever a notebook can cause must not end the other reports
        error = _told(notebook, failure)
    path = _write_failed(report, notebook, out) if error else _write_ok(report, page, out)
    return Outcome(
        status="failed" if error else "ok",
        started=started,
        seconds=round(time.monotonic() - clock, 3),
        path=path,
        results={} if error else results,
        error=error,
    )


def read_results(notebook: NotebookNode) -> dict[str, Any]:
    """Return the dict that the cell tagged `results` shows, or {} if there is no such cell.

    Raises
    ------
    PressError
        If the cell shows no dict, or one with NaN or Infinity in it, which JSON does not have.
    """
    tagged = [cell for cell in notebook.cells if "results" in cell.metadata.get("tags", ())]
    if not tagged:
        return {}
    shown = [output.data for output in tagged[0].outputs if "data" in output]
    found = [data["application/json"] for data in shown if "application/json" in data] or _literals(shown)
    if not found or not isinstance(found[-1], dict):
        raise PressError("The cell tagged 'results' must end with a dict that JSON can hold: JSON(results).")
    results: dict[str, Any] = json.loads(json.dumps(found[-1]))
    bad = next(_not_finite(results, "results"), None)
    if bad:
        raise PressError(f"{bad} is NaN or infinite, which no reader of the results can use. Give null instead.")
    return results


def _prepared(report: Report) -> NotebookNode:
    notebook = nbformat.read(report.notebook, as_version=4)  # type: ignore[no-untyped-call]  # as above
    notebook.metadata.setdefault("kernelspec", {"name": "python3", "language": "python", "display_name": "Python 3"})
    prepared: NotebookNode = execute_notebook(
        notebook, None, dict(report.parameters), prepare_only=True, progress_bar=False
    )
    return prepared


def _run(notebook: NotebookNode, folder: Path, sockets: Path) -> None:
    """Run a notebook in place with papermill's engine, so that it holds what it has when the kernel dies."""
    kernel = papermill_engines.nb_kernel_name(None, notebook)
    # sockets as files, where they can be: kernels that start together may take each other's ports
    transport = "ipc" if os.name == "posix" and len(str(sockets)) < _LONGEST_SOCKET else "tcp"
    connection = {"transport": transport, "connection_file": str(sockets / f"{uuid.uuid4().hex[:8]}.json")}
    is_python = get_kernel_spec(kernel).language == "python"
    quick = f"--IPKernelApp.exec_lines=__import__('sys').modules.update({SLOW_IMPORT}=None)"
    quiet = "--IPKernelApp.log_level=CRITICAL"
    papermill_engines.execute_notebook_with_engine(
        None,
        notebook,
        kernel_name=kernel,
        progress_bar=False,
        shutdown_kernel="immediate",
        config=Config({"KernelManager": connection}),
        extra_arguments=[quick, quiet] if is_python else [],
        resources={"metadata": {"path": str(folder)}},
    )


def _failure(notebook: NotebookNode) -> str:
    """Return the exception that ended the run, in one line, or ""."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.metadata.get("papermill", {}).get("exception"):
            raised = [output for output in cell.get("outputs", ()) if output.output_type == "error"]
            what = f"{raised[-1].ename}: {raised[-1].evalue}" if raised else "The cell failed."
            return f"{_one_line(what)} (cell {number})"
    return ""


def _told(notebook: NotebookNode, failure: Exception) -> str:
    """Put a failure that no cell shows into the notebook as a last cell, and return it in one line."""
    name, lines = type(failure).__name__, traceback.format_exception(failure)
    text = f"{name}: {failure}"
    if isinstance(failure, PressError):
        text = str(failure)
    elif isinstance(failure, NoSuchKernel):
        text = f"The kernel '{failure.name}' is not installed. Install it, or set the notebook's kernel to one that is."
    elif isinstance(failure, DeadKernelError):
        text = f"The kernel died in cell {_last_started(notebook)}. It may have run out of memory."
    if text != f"{name}: {failure}":
        lines = [text]
    cell = nbformat.v4.new_code_cell()  # type: ignore[no-untyped-call]  # as above
    output = nbformat.v4.new_output("error", ename=name, evalue=text, traceback=lines)  # type: ignore[no-untyped-call]  # as above
    cell.outputs = [output]
    notebook.cells.append(cell)
    return _one_line(text)


def _last_started(notebook: NotebookNode) -> int:
    started = [cell.metadata.get("papermill", {}).get("start_time") for cell in notebook.cells]
    return max((number for number, when in enumerate(started, start=1) if when), default=1)


def _write_ok(report: Report, page: str, out: Path) -> str:
    write_whole(out / f"{report.id}.html", page)
    for ending in ("html", "ipynb"):
        (out / f"{report.id}.failed.{ending}").unlink(missing_ok=True)
    return f"{report.id}.html"


def _write_failed(report: Report, notebook: NotebookNode, out: Path) -> str:
    partial = nbformat.writes(notebook)  # type: ignore[no-untyped-call]  # as above
    write_whole(out / f"{report.id}.failed.ipynb", partial)
    write_whole(out / f"{report.id}.failed.html", export_page(notebook, title=report.heading, status="failed"))
    return f"{report.id}.failed.html"


def _literals(shown: list[dict[str, Any]]) -> list[object]:
    """Return what the outputs show as plain text, where that is a literal."""
    try:
        return [ast.literal_eval(data["text/plain"]) for data in shown if "text/plain" in data]
    except (ValueError, SyntaxError):
        return []


def _not_finite(value: object, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _not_finite(part, f"{where}[{key!r}]")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _not_finite(part, f"{where}[{number}]")
    elif value in _TURNED_TO_TEXT or (isinstance(value, float) and not math.isfinite(value)):
        yield where


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:299]}…"
