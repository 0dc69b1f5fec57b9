"""Charts as SVG, drawn by one process for all reports: the renderer takes longer to start than to draw."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import multiprocessing
import os
import shutil
import socket
from collections.abc import Iterator
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

from salesops.errors import PressError
from salesops.press.processes import end_with_the_press, keep_quiet, starting

_VERSION = "5.20"
_SPOTLESS = {"mark": "point", "data": {"values": [{}]}}
_MOST_BROKEN = 9
_LONGEST = 20.0  # seconds for one chart
_LONGEST_SOCKET = 100  # characters; systems allow about 104


def draw(spec: dict[str, Any], config: dict[str, Any], *, address: str = "") -> str:
    """Return a Vega-Lite chart as SVG.

    Parameters
    ----------
    config : dict
        For charts that bring no look of their own.
    address : str
        Of the process that draws; "", or one that does not answer, draws here.

    Raises
    ------
    PressError
        If the chart cannot be drawn, or wants data from outside.
    """
    drawn = _asked(spec, config, address) if address else None
    svg, problem = drawn if drawn is not None else _drawn(spec, config)
    if problem:
        raise PressError(f"The chart cannot be drawn: {problem}")
    return svg


@contextlib.contextmanager
def drawing_process(scratch: Path) -> Iterator[str]:
    """Start the process that draws, and give its address; "" where there are no sockets as files."""
    address = str(scratch / "drawing")
    if os.name != "posix" or len(address) > _LONGEST_SOCKET:
        yield ""
        return
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)  # who asks while the process starts waits, for to start another takes longer
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(listener, scratch), daemon=True)
        with starting():
            process.start()
    try:
        yield address
    finally:
        process.kill()
        process.join()


def _serve(listener: socket.socket, scratch: Path) -> None:
    keep_quiet()
    # a press that was killed leaves what it had noted of its reports, and this process is there until its end
    end_with_the_press(lambda: shutil.rmtree(scratch, ignore_errors=True))
    with listener:
        while True:
            with contextlib.suppress(OSError, EOFError), Connection(listener.accept()[0].detach()) as asker:
                spec, config = json.loads(asker.recv_bytes())
                faulthandler.dump_traceback_later(_LONGEST, exit=True)  # who waits then draws for itself
                drawn = _drawn(spec, config)
                faulthandler.cancel_dump_traceback_later()
                asker.send_bytes(json.dumps(drawn).encode())


def _asked(spec: dict[str, Any], config: dict[str, Any], address: str) -> tuple[str, str] | None:
    with contextlib.suppress(OSError, EOFError), Client(address) as drawer:
        drawer.send_bytes(json.dumps([spec, config]).encode())
        svg, problem = json.loads(drawer.recv_bytes())
        return svg, problem
    return None


def _drawn(spec: dict[str, Any], config: dict[str, Any]) -> tuple[str, str]:
    drawn, problem = _tried(spec, config)
    left = _MOST_BROKEN if problem else 0
    while left and _tried(_SPOTLESS, {})[1]:  # a chart that broke off may break others after it
        left -= 1
    return drawn, problem


def _tried(spec: dict[str, Any], config: dict[str, Any]) -> tuple[str, str]:
    import vl_convert  # starts threads when it is used, so a process that forks must not import it

    try:
        return vl_convert.vegalite_to_svg(spec, vl_version=_VERSION, config=config, allowed_base_urls=[]), ""
    except (ValueError, RuntimeError) as problem:
        return "", " ".join(line.strip() for line in str(problem).strip().splitlines()[:2])
