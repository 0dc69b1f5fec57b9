"""A notebook run by a kernel process of its own, as papermill runs it."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import get_kernel_spec
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.log import logger
from traitlets.config import Config

from salesops.errors import PressError
from salesops.press.gate import Gate, Message
from salesops.press.strays import end_all_below
from salesops.press.task import Task

_ENGINE = "salesops-stock"
_LONGEST_SOCKET = 80  # characters of the folder; systems allow about 104 for the whole path
_STARTS = 3


def run_in_kernel(notebook: NotebookNode, gate: Gate, task: Task) -> None:
    """Run a notebook in place; what the kernel leaves behind is ended with it.

    Raises
    ------
    NoSuchKernel
        If the notebook's kernel is not installed.
    DeadKernelError, CellTimeoutError
        If the kernel ends, or a cell or the report takes longer than it may.
    """
    papermill_engines.register(_ENGINE, StockEngine)
    kernel = papermill_engines.nb_kernel_name(None, notebook)
    is_python = get_kernel_spec(kernel).language == "python"
    try:
        papermill_engines.execute_notebook_with_engine(
            _ENGINE,
            notebook,
            kernel_name=kernel,
            progress_bar=False,
            gate=gate,
            task=task,
            arguments=_arguments(task) if is_python else [],
        )
    finally:
        end_all_below()


class StockEngine(Engine):  # type: ignore[misc]  # papermill ships no types
    """papermill's engine with a client that asks the gate, and starts that are tried again."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, gate: Gate, task: Task, arguments: list[str], **kwargs: Any
    ) -> None:
        """Run the cells of a managed notebook in their order, until one fails."""
        client = _Client(
            nb_man,
            gate,
            kernel_name=kernel_name,
            timeout_func=_deadline(task),
            shutdown_kernel="immediate",
            config=Config({"KernelManager": _connection(task.scratch)}),
            extra_arguments=arguments,
            resources={"metadata": {"path": str(task.report.notebook.parent)}},
            log=logger,
        )
        try:
            client.execute()
        except DeadKernelError as death:
            raise _KernelDied(client.process) from death


class _KernelDied(DeadKernelError):
    """A kernel that ended by itself; papermill has no eye for its exit code."""

    def __init__(self, process: subprocess.Popen[bytes] | None) -> None:
        super().__init__("Kernel died")
        self.exit_code = process.poll() if process else None


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # as above
    km: Any

    def __init__(self, nb_man: Any, gate: Gate, **traits: Any) -> None:
        super().__init__(nb_man, on_cell_start=lambda cell, cell_index: gate.begin(cell_index), **traits)
        self._gate = gate
        self.process: subprocess.Popen[bytes] | None = None

    def start_new_kernel_client(self, **kwargs: Any) -> Any:
        """Start the kernel's client; a kernel that does not answer is started again, at most twice."""
        for start in range(1, _STARTS + 1):
            try:
                client = super().start_new_kernel_client(**kwargs)
                self.process = getattr(self.km.provisioner, "process", None)
                return client
            except RuntimeError as error:  # "Kernel died before replying", "Kernel didn't respond"
                if start == _STARTS:
                    raise PressError(
                        f"The kernel '{self.kernel_name}' does not start ({error}). To see why, start it by hand: "
                        f"jupyter console --kernel {self.kernel_name}"
                    ) from None
                time.sleep(2.0**start / 4)
                self.km = self.create_kernel_manager()
                self.start_new_kernel()
        return None

    def process_message(self, msg: Message, cell: NotebookNode, cell_index: int) -> Any:
        admitted = self._gate.admit(msg)
        return super().process_message(admitted, cell, cell_index) if admitted else None


def _deadline(task: Task) -> Any:
    """Return how long a cell may run, in whole seconds: as long as a cell may, or as is left for the report."""
    ends = time.monotonic() + task.limits.report if task.limits.report else float("inf")

    def seconds(cell: NotebookNode) -> float | None:
        longest = min(task.limits.cell or float("inf"), max(ends - time.monotonic(), 0.01))
        return None if longest == float("inf") else longest

    return seconds


def _connection(folder: Path) -> dict[str, str]:
    # sockets as files, where they can be: kernels that start together may take each other's ports
    transport = "ipc" if os.name == "posix" and len(str(folder)) < _LONGEST_SOCKET else "tcp"
    return {"transport": transport, "connection_file": str(folder / f"{uuid.uuid4().hex[:8]}.json")}


def _arguments(task: Task) -> list[str]:
    lines = ["__import__('salesops')"]  # before altair: it spares a slow import
    if task.limits.memory and os.name == "posix":
        module = "__import__('resource')"
        lines.append(f"{module}.setrlimit({module}.RLIMIT_DATA, ({task.limits.memory},) * 2)")
    return [f"--IPKernelApp.exec_lines={line}" for line in lines] + ["--IPKernelApp.log_level=CRITICAL"]
