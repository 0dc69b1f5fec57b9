"""Notebooks written by tests, and the reports planned from them."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Sequence
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

PATIENCE = 600.0  # seconds until a test gives up that waits for something; no machine is so busy
Cell = str | tuple[str, ...]

# Five processes that wait for ten minutes, each detached in another way; their ids come into the file `running`. The
# last one is never the same for long: it forks, and the child goes on in its place.
DETACHES = """
import os, subprocess, sys, time
from pathlib import Path
def start(*before, **how):
    subprocess.Popen([*before, sys.executable, '-S', '-c', STAYS], cwd=HERE, **how)
HERE = str(Path.cwd())
STAYS = 'import os, time; open(f"{os.getpid()}.pid", "w").close(); time.sleep(600)'
TWICE = 'import os\\nif os.fork(): os._exit(0)\\nos.setsid()\\nif os.fork(): os._exit(0)\\n'
LOOP = 'import time\\nend = time.time() + 600\\nwhile time.time() < end:\\n    if os.fork(): os._exit(0)\\n'
HOPS = TWICE + 'open(f"{os.getsid(0)}.hops", "w").close()\\n' + LOOP
start()
start(start_new_session=True)
start('setsid', 'env', '-i')
subprocess.Popen([sys.executable, '-S', '-c', TWICE + STAYS], env={}, cwd=HERE).wait()
subprocess.Popen([sys.executable, '-S', '-c', HOPS], env={}, cwd=HERE).wait()
while len(list(Path().glob('*.pid'))) < 4 or not list(Path().glob('*.hops')): time.sleep(0.01)
Path('running.part').write_text(' '.join(path.stem for path in (*Path().glob('*.pid'), *Path().glob('*.hops'))))
os.rename('running.part', 'running')
"""


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
    limits = {"cell": PATIENCE, "report": PATIENCE, **limits}  # a test that hangs says where

    def done(report: Report, outcome: Outcome) -> None:
        made[report.notebook.stem] = outcome

    run_reports(reports, out, jobs=jobs, engine=engine, limits=Limits(**limits), done=done)
    return made


def partial(out: Path, outcome: Outcome) -> list[dict[str, Any]]:
    """Return all outputs of the notebook that a failed report has left, in their order."""
    notebook = nbformat.read((out / outcome.path).with_suffix(".ipynb"), as_version=4)
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def until(holds: Callable[[], bool]) -> bool:
    """Wait until something holds, and tell whether it does."""
    end = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < end:
        select.select([], [], [], 0.02)
    return holds()


def detached_alive(folder: Path) -> list[str]:
    """Return which of the processes that DETACHES started in a folder still run: their ids, or those of sessions."""
    started = (folder / "running").read_text().split()
    assert len(started) >= 5
    return [pid for pid in started if is_alive(int(pid)) or _session(int(pid))]


def _session(leader: int) -> list[int]:
    """Return the processes of a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.read_text().rpartition(")")[2].split()[3] == str(leader):
                found.append(int(path.parent.name))
    return [pid for pid in found if is_alive(pid)]


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and is not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def quiet_environment() -> dict[str, str]:
    """Return the environment without pytest's own marks, which change how ipykernel treats streams."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
