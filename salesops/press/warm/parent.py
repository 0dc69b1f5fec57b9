"""The warm parent: it imports what the notebooks use, then forks a process for each report, and runs none itself.

It hears of the press over one connection: a Task is begun, a number is the process of a report to kill. It says
READY once, BEGUN and ENDED of each report, and RETIRE when it may fork no more: its code is no longer what is on
disk, or an import has started a thread. What it is then still asked for, it has REFUSED. When the connection
closes, it kills what runs and ends.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from salesops.press.pool import UNTOLD
from salesops.press.processes import keep_quiet, stand_apart
from salesops.press.strays import adopt_strays, die_with, end_all_below
from salesops.press.task import Task
from salesops.press.warm.preload import Stamps, any_changed, import_all, imported_by, new_modules, stamp_loaded

READY, BEGUN, ENDED, REFUSED, RETIRE = "ready", "begun", "ended", "refused", "retire"
LEARNED = "learned"  # in a report's scratch folder: the modules that it imported


def serve(press: Connection, notebooks: Sequence[Path], avoid: frozenset[str], look_every: float) -> None:
    """Import, then fork a process for each task that the press sends, until it closes the connection.

    Parameters
    ----------
    avoid : frozenset of str
        Modules that start threads when they are imported.
    look_every : float
        Seconds between two looks at the files of the loaded code.
    """
    stand_apart()
    adopt_strays()
    keep_quiet()
    sys.path[:] = [folder for folder in sys.path if folder]  # where the press was called is no place of code
    from salesops.press.warm.report import prepare  # heavy, and only the parent needs it

    kernel = prepare()
    threaded = import_all(imported_by(notebooks), avoid=avoid)
    _Parent(press, kernel, avoid, look_every).run(threaded)


class _Parent:
    def __init__(self, press: Connection, kernel: Any, avoid: frozenset[str], look_every: float) -> None:
        self._press = press
        self._kernel = kernel
        self._avoid = avoid
        self._look_every = look_every
        self._running: dict[int, tuple[int, Task]] = {}  # by process: the descriptor that tells of its end
        self._learned: set[Path] = set()
        self._retired = False
        self._stamps: Stamps = {}
        self._look_again = 0.0
        self._watched = selectors.DefaultSelector()

    def run(self, threaded: Sequence[str]) -> None:
        self._watched.register(self._press, selectors.EVENT_READ, None)
        self._settle()
        if threaded:
            self._retire(threaded)
        self._press.send((READY, os.getpid()))
        while True:
            for key, _ in self._watched.select():
                if key.data is not None:
                    self._ended(key.data)
                elif not self._heard():
                    end_all_below()
                    return

    def _heard(self) -> bool:
        """Do what the press asks; False when it has closed the connection."""
        try:
            asked = self._press.recv()
        except (EOFError, OSError):
            return False
        if isinstance(asked, int):
            if asked in self._running:  # else it has just ended
                os.kill(asked, signal.SIGKILL)
        else:
            self._begin(asked)
        return True

    def _begin(self, task: Task) -> None:
        if time.monotonic() > self._look_again:
            self._look_again = time.monotonic() + self._look_every
            if any_changed(self._stamps):
                self._retire()
        if self._retired:
            self._press.send((REFUSED, task.key))
            return
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            self._child(task, parent)
        watch = os.pidfd_open(pid)
        self._running[pid] = (watch, task)
        self._watched.register(watch, selectors.EVENT_READ, pid)
        self._press.send((BEGUN, task.key, pid))

    def _child(self, task: Task, parent: int) -> None:
        """Make the report in this process, a fork, and end it; nothing of the parent's loop is run again."""
        code = UNTOLD
        try:
            die_with(parent)  # whoever killed it, another parent begins the report anew
            os.setsid()
            adopt_strays()
            self._watched.close()
            self._press.close()
            for watch, _ in self._running.values():
                os.close(watch)
            from salesops.press.warm.report import make

            before = set(sys.modules)
            make(task, self._kernel)
            if task.report.notebook not in self._learned:
                names = new_modules(before, task.report.notebook.parent)
                (task.scratch / LEARNED).write_text("\n".join(names), encoding="utf-8")
            code = 0
        finally:
            try:
                end_all_below()
            finally:
                os._exit(code)  # no exit handlers: they belong to the parent, and libraries make noise there

    def _bury(self, pid: int) -> tuple[Task, int]:
        """Wait for the process of a report, and end what it could not end itself; return its task and exit code."""
        watch, task = self._running.pop(pid)
        self._watched.unregister(watch)
        os.close(watch)
        _, status = os.waitpid(pid, 0)
        end_all_below(self._running.__contains__)
        return task, os.waitstatus_to_exitcode(status)

    def _ended(self, pid: int) -> None:
        task, code = self._bury(pid)
        learned = task.scratch / LEARNED
        names = learned.read_text(encoding="utf-8").split() if learned.exists() else []
        self._press.send((ENDED, task.key, code))  # the press then clears the folder
        if names and task.report.notebook not in self._learned:
            self._learned.add(task.report.notebook)
            self._learn(names)

    def _learn(self, names: Sequence[str]) -> None:
        """Import what the first report of a notebook imported, so that the next ones need not."""
        threaded = import_all(names, avoid=self._avoid)
        self._settle()
        if threaded:
            self._retire(threaded)

    def _settle(self) -> None:
        """Set what is loaded apart from what the garbage collector looks at: forks then share its memory."""
        gc.collect()
        gc.freeze()
        stamp_loaded(self._stamps)
        self._look_again = time.monotonic() + self._look_every

    def _retire(self, threaded: Sequence[str] = ()) -> None:
        self._retired = True
        self._press.send((RETIRE, tuple(threaded)))
