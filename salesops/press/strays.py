"""Processes that a report started and did not end: found by a mark in their environment, and killed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path

import psutil

MARK = "SALESOPS_REPORT"
_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36  # of prctl(2)


def adopt_strays(*, adopt: bool = True) -> None:
    """Become the parent of every process below whose own parent has ended, also of one that left its group; or not."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def die_with(parent: int) -> None:
    """Let the system kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # too late
        os.kill(os.getpid(), signal.SIGKILL)


def kill_group(leader: int) -> None:
    """Kill a process and all that stayed in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill_strays(mark: str) -> None:
    """Kill the adopted processes of a report, and those below them."""
    for pid in _children():
        with contextlib.suppress(psutil.Error):
            child = psutil.Process(pid)
            if child.environ().get(MARK) == mark:
                for process in (*child.children(recursive=True), child):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
                child.wait(timeout=5)


def _children() -> list[int]:
    """Return the processes whose parent is this one, without a look at all others of the machine where that can be."""
    try:
        lists = [task / "children" for task in Path("/proc/self/task").iterdir()]
        return [int(pid) for listed in lists for pid in listed.read_text().split()]
    except OSError:
        return [child.pid for child in psutil.Process().children()]
