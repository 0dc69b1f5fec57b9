"""One report in a fork of the warm parent, and what the parent prepares for it."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import resource
import signal
import sys
import time
from functools import cache
from multiprocessing import resource_tracker
from types import SimpleNamespace
from typing import Any

import nbformat.v4 as v4
from IPython.core.shellapp import InteractiveShellApp
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, get_kernel_spec
from nbformat import NotebookNode
from papermill.engines import papermill_engines

from salesops.press.execute import make_report
from salesops.press.export import export_page
from salesops.press.gate import Gate
from salesops.press.stock.kernel import run_in_kernel
from salesops.press.task import Task
from salesops.press.warm.kernel import WarmEngine, WarmKernel, build_kernel

_ENGINE = "salesops-warm"
_FOREVER = 10**7  # seconds
_SLACK = 0.002  # of a limit: to set the alarm anew for each short cell takes longer than some cells
_OURS = ("papermill", "traitlets", "kernel", "asyncio")


def prepare() -> WarmKernel:
    """Return the kernel that forks inherit, with all loaded that every report needs."""
    for name in _OURS:  # what they would say of a report stands in its page; a notebook's own logs are its output
        logging.getLogger(name).setLevel(logging.CRITICAL)
    papermill_engines.register(_ENGINE, WarmEngine)
    _is_ours(NATIVE_KERNEL_NAME)  # looks through all that is installed, once
    export_page(v4.new_notebook(cells=[v4.new_markdown_cell("# Warm")]), title="")  # type: ignore[no-untyped-call]  # nbformat annotates only some of its functions
    return build_kernel()


def make(task: Task, kernel: WarmKernel) -> None:
    """Make a report in this process, which is a fork, and leave its outcome in the scratch folder."""
    _stand_alone(task)
    with task.traces.open("w") as traces:
        watch = _Watch(task, traces)
        watch.begin()
        try:
            task.leave(make_report(task, lambda notebook, gate, task: _run(notebook, gate, task, kernel, watch)))
        except OSError as error:
            task.leave(error)


def _stand_alone(task: Task) -> None:
    """Make the fork as separate as a fresh kernel: its own environment, folder, random numbers and limits."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    os.chdir(task.report.notebook.parent)
    untyped: Any = InteractiveShellApp
    untyped.init_path(SimpleNamespace(ignore_cwd=False))  # as in a kernel: a notebook finds what lies beside it
    gc.set_threshold(50_000, 20, 50)  # a report is short, and its process ends with it
    resource_tracker._resource_tracker.__init__()  # type: ignore[misc]  # its semaphores are not the press's
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # the random module does so by itself after a fork
    if task.limits.memory:
        resource.setrlimit(resource.RLIMIT_DATA, (task.limits.memory, task.limits.memory))


def _run(notebook: NotebookNode, gate: Gate, task: Task, kernel: WarmKernel, watch: _Watch) -> None:
    if not _is_ours(papermill_engines.nb_kernel_name(None, notebook)):
        return run_in_kernel(notebook, gate, task)
    WarmEngine.kernel, WarmEngine.gate = kernel, gate
    WarmEngine.begun = watch.cell
    papermill_engines.execute_notebook_with_engine(_ENGINE, notebook, kernel_name="python3", progress_bar=False)
    return watch.begin()


@cache
def _is_ours(kernel: str) -> bool:
    """Tell whether a kernel is the Python of this process; another runs by itself."""
    spec = get_kernel_spec(kernel)
    return spec.language == "python" and spec.argv[0] in (sys.executable, "python", "python3")


class _Watch:
    """Ends the process when a cell or the report takes too long, wherever it hangs, and notes where that was."""

    def __init__(self, task: Task, traces: Any) -> None:
        self._limits = task.limits
        self._ends = time.monotonic() + (task.limits.report or _FOREVER)
        self._traces = traces
        self._rings = 0.0
        faulthandler.enable(file=traces)

    def begin(self, longest: float = _FOREVER) -> None:
        """Ring after so many seconds, or a little later, and at the end of the report's time."""
        now = time.monotonic()
        rings = min(now + longest, self._ends)
        if not rings <= self._rings <= rings + _SLACK * longest:
            self._rings = min(now + longest * (1 + _SLACK), self._ends)
            faulthandler.dump_traceback_later(max(self._rings - now, 0.01), exit=True, file=self._traces)

    def cell(self, cell: NotebookNode, cell_index: int) -> None:
        WarmEngine.gate.begin(cell_index)
        self.begin(self._limits.cell or _FOREVER)
