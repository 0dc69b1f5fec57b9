"""Notebooks written by tests, and the reports planned from them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import nbformat.v4 as v4

from salesops.press.alerts import Alert, read_alert
from salesops.press.catalog import read_notebook
from salesops.press.parameters import bind
from salesops.press.plan import Outcome, Report, plan_report
from salesops.press.run import Engine, run_reports
from salesops.press.task import Limits

Cell = str | tuple[str, ...]


def write_notebook(path: Path, *cells: Cell, says: dict[str, Any] | None = None, kernel: str = "python3") -> Path:
    """Write a notebook of code cells; a cell with tags is a tuple, a text that begins with "# " is markdown."""
    notebook = v4.new_notebook(metadata={"kernelspec": {"name": kernel, "language": "python", "display_name": kernel}})
    if says is not None:
        notebook.metadata["salesops"] = says
    for number, cell in enumerate(cells):
        source, *tags = (cell,) if isinstance(cell, str) else cell
        new = v4.new_markdown_cell if source.startswith("# ") else v4.new_code_cell
        notebook.cells.append(new(source, id=f"c{number}", metadata={"tags": tags} if tags else {}))
    nbformat.write(notebook, path)
    return path


def planned(path: Path, *, alerts: Sequence[str] = (), **given: object) -> Report:
    """Plan the report of a notebook."""
    notebook = read_notebook(path)
    values = bind(notebook.parameters, given, path.name)
    read: tuple[Alert, ...] = tuple(read_alert(alert, "test") for alert in alerts)
    return plan_report(notebook, values, asked=values, alerts=read)


def outcomes(
    reports: Sequence[Report], out: Path, *, engine: Engine, jobs: int = 2, **limits: Any
) -> dict[str, Outcome]:
    """Make reports, and return what became of each, by the name of its notebook."""
    made: dict[str, Outcome] = {}
    limits = {"cell": 60, "report": 120, **limits}  # a test that hangs says where

    def done(report: Report, outcome: Outcome) -> None:
        made[report.notebook.stem] = outcome

    run_reports(reports, out, jobs=jobs, engine=engine, limits=Limits(**limits), done=done)
    return made


def partial(out: Path, outcome: Outcome) -> list[dict[str, Any]]:
    """Return all outputs of the notebook that a failed report has left, in their order."""
    notebook = nbformat.read((out / outcome.path).with_suffix(".ipynb"), as_version=4)
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and is not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def quiet_environment() -> dict[str, str]:
    """Return the environment without pytest's own marks, which change how ipykernel treats streams."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
