"""Processes that a report started and did not end: they are found below the process that made it, and ended.

On Linux a process can take in whatever below it loses its parent. The process of each report does, and so do a worker
of the stock engine, the warm parent and the press itself: what a report starts stays below one of them, however it
detaches. Elsewhere only what still hangs on its parents is found.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36  # of prctl(2)
_LONGEST = 5.0  # seconds for what does not end although it is killed, as one that belongs to another user


def adopt_strays(*, adopt: bool = True) -> None:
    """Become the parent of every process below whose own parent has ended, also of one that left its group; or not."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def die_with(parent: int) -> None:
    """Let the system kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # too late
        os.kill(os.getpid(), signal.SIGKILL)


def end_all_below(spared: Callable[[int], bool] = lambda pid: False) -> None:
    """Kill the children of this process but those that are spared, and what they leave behind, until none is left."""
    until = time.monotonic() + _LONGEST
    while (strays := [pid for pid in _children() if not spared(pid)]) and time.monotonic() < until:
        killed = [process for pid in strays for process in _killed(pid)]
        psutil.wait_procs(killed, timeout=max(until - time.monotonic(), 0))


@contextmanager
def taking_in_strays() -> Iterator[Callable[[], None]]:
    """Take in what is left when a process of the press dies, and give what ends it; at the end nothing of it is left.

    The press may be part of a program with children of its own: those that are there before it begins or that are in
    its session. The press's processes stand apart in other sessions, and what they start cannot come into this one.
    """
    before = frozenset(_children())

    def own(pid: int) -> bool:
        return pid in before or pid in {child.pid for child in multiprocessing.active_children()} or _is_beside(pid)

    adopt_strays()
    try:
        yield lambda: end_all_below(own)
    finally:
        end_all_below(own)
        adopt_strays(adopt=False)


def _killed(pid: int) -> list[psutil.Process]:
    """Kill a process, and where what is below it would be lost, that before."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        below = [] if sys.platform == "linux" else process.children(recursive=True)
        for one in (*below, process):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        return [*below, process]
    return []


def _is_beside(pid: int) -> bool:
    """Tell whether a process is in the session of this one; where there are none, it is."""
    try:
        return not hasattr(os, "getsid") or os.getsid(pid) == os.getsid(0)
    except ProcessLookupError:
        return False


def _children() -> list[int]:
    """Return the processes whose parent is this one, without a look at all others of the machine where that can be."""
    try:
        lists = [task / "children" for task in Path("/proc/self/task").iterdir()]
        return [int(pid) for listed in lists for pid in listed.read_text().split()]
    except OSError:
        return [child.pid for child in psutil.Process().children()]
