"""What a command meets outside: signals that end it, and streams that are closed or know few letters."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

import typer

from salesops.errors import one_line

_ENDING = ("SIGTERM", "SIGHUP")  # by name: not every platform has both


@contextlib.contextmanager
def stoppable() -> Iterator[list[int]]:
    """Let the signals that end a program work as Ctrl-C does, and give those that came."""
    came: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        for ending in before:
            signal.signal(ending, signal.SIG_IGN)  # the first is enough, and what is stopping must not be cut short
        came.append(number)
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    in_main = threading.current_thread() is threading.main_thread()
    # nohup ignores SIGHUP, and so it stays
    before = {n: signal.getsignal(n) for n in numbers if in_main and signal.getsignal(n) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, stop)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def accept_all_letters() -> None:
    """Let the standard streams write question marks for letters that they do not know."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def tell(*lines: str, err: bool = False) -> None:
    """Print lines, whatever stands in them; where nobody reads any more, go on without a word."""
    try:
        typer.echo("\n".join(map(one_line, lines)), err=err)
    except OSError:
        stream = sys.stderr if err else sys.stdout
        with contextlib.suppress(OSError, ValueError):  # what it still holds must not fail again at the exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
