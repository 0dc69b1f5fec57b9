"""What the press's own processes have in common: how they begin, and that none outlives the press."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

# reports run side by side, so each has one thread for numbers; and pyarrow starts none at import
_CALM = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


@contextmanager
def starting() -> Iterator[None]:
    """Processes started meanwhile do not react to Ctrl-C, and their numeric libraries have one thread each.

    The caps stand in the environment before a process begins, for it imports the program's main module first.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    added = {name: value for name, value in _CALM.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
        signal.signal(signal.SIGINT, before)


def stand_apart() -> None:
    """Leave the terminal's group, where Ctrl-C is for the press."""
    if hasattr(os, "setsid"):
        os.setsid()


def keep_quiet() -> None:
    """Connect the standard streams to nothing: what a report prints belongs in its page, not in the terminal."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)


def end_with_the_press(last: Callable[[], None] = lambda: None) -> None:
    """Stand apart, and end this process when the press ends, however it does. Not for a process that forks.

    `last` is what is done before that.
    """
    stand_apart()
    press = multiprocessing.parent_process()
    if press is not None:
        threading.Thread(target=_end_after, args=(press, last), daemon=True).start()


def _end_after(press: BaseProcess, last: Callable[[], None]) -> None:
    try:
        press.join()
        last()
    finally:
        os._exit(1)
