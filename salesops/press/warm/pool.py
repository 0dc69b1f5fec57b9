"""The press's hold on the warm parent."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from salesops.errors import PressError
from salesops.press.pool import Ending, ending
from salesops.press.processes import starting
from salesops.press.task import Task
from salesops.press.warm import parent as said
from salesops.press.warm.parent import serve

_STARTS = 3


@dataclass(eq=False)
class _Parent:
    process: BaseProcess
    connection: Connection
    ready: bool = False
    retired: bool = False
    tasks: dict[str, Task] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)


class WarmPool:
    """Forks of a warm parent. A parent that may fork no more ends after its last report, and another takes over.

    Parameters
    ----------
    notebooks : iterable of Path
        What the parent learns from what it must import.
    look_every : float
        Seconds between two looks at whether the loaded code is still what is on disk.
    """

    def __init__(self, notebooks: Iterable[Path], *, look_every: float = 2.0) -> None:
        self._notebooks = tuple(dict.fromkeys(notebooks))
        self._look_every = look_every
        self._parents: list[_Parent] = []
        self._avoid: frozenset[str] = frozenset()
        self._failed = 0
        self._orphaned: set[str] = set()

    @property
    def running(self) -> int:
        """How many reports are being made."""
        return sum(len(parent.tasks) for parent in self._parents)

    def start(self, task: Task) -> None:
        """Begin a report."""
        parent = next((parent for parent in self._parents if not parent.retired), None) or self._begin()
        parent.tasks[task.key] = task
        with contextlib.suppress(OSError):  # a parent that has just died is noticed when its answer is awaited
            parent.connection.send(task)

    def wait(self, seconds: float) -> list[Ending]:
        """Wait until a report ends, at most so long, and return what has ended."""
        listening = {parent.connection: parent for parent in self._parents}
        endings = []
        for connection in wait(list(listening), seconds):
            endings += self._heard(listening[connection])  # type: ignore[index]  # these are connections
        for parent in [parent for parent in self._parents if parent.retired and not parent.tasks]:
            self._end(parent)
        return endings

    def kill(self, task: Task) -> None:
        """Kill the process of a report; its ending comes as any other."""
        for parent in self._parents:
            if task.key in parent.pids:
                with contextlib.suppress(OSError):  # as above
                    parent.connection.send(parent.pids[task.key])

    def close(self) -> None:
        """End the parent, which kills what runs."""
        for parent in list(self._parents):
            self._end(parent)

    def _begin(self) -> _Parent:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._notebooks, self._avoid, self._look_every))
        with starting():
            process.start()
        theirs.close()
        parent = _Parent(process, ours)
        self._parents.append(parent)
        return parent

    def _heard(self, parent: _Parent) -> list[Ending]:
        try:
            what, *rest = parent.connection.recv()
        except (EOFError, OSError):
            return self._died(parent)
        if what == said.READY:
            parent.ready, self._failed = True, 0
        elif what == said.BEGUN:
            key, pid = rest
            parent.pids[key] = pid
        elif what == said.RETIRE:
            parent.retired = True
            self._avoid |= frozenset(rest[0])
        elif what == said.REFUSED:
            self.start(parent.tasks.pop(rest[0]))
        elif what == said.ENDED:
            key, code = rest
            parent.pids.pop(key, None)
            return [ending(parent.tasks.pop(key), code)]
        return []

    def _died(self, parent: _Parent) -> list[Ending]:
        """Give the reports of a parent that died to a new one; one that loses its parent twice may be the reason."""
        self._end(parent)
        if parent.ready:
            again = [task for task in parent.tasks.values() if task.key not in self._orphaned]
            for task in again:
                self._orphaned.add(task.key)
                task.journal.unlink(missing_ok=True)
                self.start(task)
            return [ending(task, None) for task in parent.tasks.values() if task not in again]
        self._failed += 1
        if self._failed == _STARTS:
            code = parent.process.exitcode
            raise PressError(f"The warm engine does not start (exit code {code}). Run again with --engine stock.")
        time.sleep(2.0**self._failed / 4)
        for task in parent.tasks.values():
            self.start(task)
        return []

    def _end(self, parent: _Parent) -> None:
        self._parents.remove(parent)
        parent.connection.close()  # a parent that is ready hears that, kills what runs, and ends
        parent.process.join(timeout=5 if parent.ready else 0)
        parent.process.kill()
        parent.process.join()
