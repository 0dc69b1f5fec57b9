"""A worker of the stock engine: makes one report after the other, each with a kernel of its own."""

from __future__ import annotations

import logging
from multiprocessing.connection import Connection

from salesops.press.processes import end_with_the_press, keep_quiet
from salesops.press.strays import adopt_strays, end_all_below


def work(press: Connection) -> None:
    """Make each report that the press sends, and answer when its outcome is left, until the connection closes."""
    end_with_the_press(end_all_below)
    adopt_strays()
    keep_quiet()
    logging.disable()  # what a log would say of a report stands in its page
    from salesops.press.execute import make_report  # heavy, and only workers need them
    from salesops.press.stock.kernel import run_in_kernel

    while True:
        try:
            task = press.recv()
        except (EOFError, OSError):
            return
        try:
            task.leave(make_report(task, run_in_kernel))
        except OSError as error:
            task.leave(error)
        press.send(task.key)
