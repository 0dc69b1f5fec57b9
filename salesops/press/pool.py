"""What the press asks of an engine: a place where reports are made side by side, each apart from the others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from salesops.press.plan import Outcome
from salesops.press.task import Death, Task

UNTOLD = 70  # the exit code of a process that could not even leave how its report ended
_KILLED, _SEGMENTATION_FAULT = 9, 11  # signals, by number: not every platform names them
_SIGNALS = {
    _SEGMENTATION_FAULT: "A segmentation fault in cell {cell} ended the process.",
    _KILLED: "The process was killed in cell {cell}. It may have run out of memory.",
}


@dataclass(frozen=True)
class Ending:
    """How a task ended: with an outcome, with an error of the system, or with the death of its process."""

    task: Task
    what: Outcome | OSError | Death


class Pool(Protocol):
    """Makes reports side by side."""

    @property
    def running(self) -> int:
        """How many reports are being made."""

    def start(self, task: Task) -> None:
        """Begin a report."""

    def wait(self, seconds: float) -> list[Ending]:
        """Wait until a report ends, at most so long, and return what has ended."""

    def kill(self, task: Task) -> None:
        """Kill the process of a report; its ending comes as any other."""

    def close(self) -> None:
        """End all processes, also in the middle of a report."""


def ending(task: Task, code: int | None) -> Ending:
    """Return how a task ended whose process has gone; `code` is the exit code, None where there is none."""
    try:
        return Ending(task, task.left())
    except FileNotFoundError:
        return Ending(task, _death(task, code))


def why_it_ended(code: int | None) -> str:
    """Return in words why a process ended that ran a notebook, by its exit code; the cell's number is left open."""
    if code == UNTOLD:
        return f"The process ended with exit code {code}: its memory, or the temporary folder, may be too small."
    if code is not None and code >= 0:
        return f"Cell {{cell}} ended the process with exit code {code}."
    number = -code if code else _KILLED
    return _SIGNALS.get(number, f"Signal {number} ended the process in cell {{cell}}.")


def of_the_notebook(dumped: str) -> str:
    """Return the thread that ran the notebook, from where it stood up to its cell, out of what faulthandler wrote."""
    threads = re.split(r"\n\n|^(?=Thread |Current thread )", dumped, flags=re.MULTILINE)
    own = next((thread for thread in threads if "/ipykernel_" in thread), dumped)
    lines = own.strip().splitlines()
    end = next((n for n, line in enumerate(lines) if "/IPython/core/interactiveshell.py" in line), len(lines))
    return "\n".join(lines[:end])


def _death(task: Task, code: int | None) -> Death:
    dumped = task.traces.read_text(encoding="utf-8", errors="replace") if task.traces.exists() else ""
    traces = of_the_notebook(dumped)
    if dumped.startswith("Timeout ("):
        return Death("timeout", "Cell {cell} took longer than it may and was stopped.", traces)
    return Death("crashed", why_it_ended(code), traces)
