"""A notebook as a living page for people without Jupyter: served on this machine alone, behind a token.

Voilà runs the notebook anew for each page that is opened, and its kernel ends with the page (`live_server`). The page
holds the cells that a static page leaves out: what people move. It loads nothing that is not on this machine.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import mistune
import nbformat

from salesops.errors import PressError
from salesops.press.export import TEMPLATE
from salesops.press.parameters import Value
from salesops.press.plan import Report

PORT = 8866
TRIED = 20  # further ports, one after the other
MOST = 8  # pages at a time; each has a process with the book in it
STARTS = 180  # seconds in which the server must answer
_SERVER = "from salesops.press.live_server import main; main()"
_KEPT = frozenset({"setup", "remove"})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many pages may be open, and when one ends that was never looked at, or whose connection is lost (seconds)."""

    most: int = MOST
    unvisited: float = 60.0
    lost: float = 900.0


def serve(
    report: Report,
    *,
    port: int = PORT,
    browse: bool = True,
    limits: Limits | None = None,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the living part of a notebook on 127.0.0.1 until somebody presses Ctrl-C.

    Parameters
    ----------
    report : Report
        The notebook, and the parameters that it gets.
    port : int
        Where to listen; the next free one is taken if it is not free.
    browse : bool
        Open the page in the machine's browser.
    limits : Limits, optional
    tell : callable
        Takes the sentences for the person at the terminal.

    Raises
    ------
    PressError
        If Voilà is not installed, no port is free, or the server does not start.
    """
    if find_spec("voila") is None:
        raise PressError("The living page needs Voilà. Install it: pip install 'voila>=0.5'.")
    found = free_port(port)
    if found != port:
        tell(f"Port {port} is taken; {found} is used.")
    token = secrets.token_urlsafe(24)
    with TemporaryDirectory(prefix="salesops-live-") as folder:
        notebook = Path(folder, "live.ipynb")
        nbformat.write(living(report), notebook)  # type: ignore[no-untyped-call]  # no types
        with Path(folder, "log").open("wb+") as log:
            server = subprocess.Popen(
                _command(notebook, found, limits or Limits()), env=_environment(token), stdout=log, stderr=log
            )
            try:
                _await(server, found, Path(folder, "log"))
                address = f"http://127.0.0.1:{found}/?token={token}"
                tell(f"Open {address}\nOnly this machine reaches it. Ctrl-C ends it.")
                if browse:
                    webbrowser.open(address)
                server.wait()
            except KeyboardInterrupt:
                tell("\nThe page is closed. What was saved is kept.")
            finally:
                _end(server)


def living(report: Report) -> nbformat.NotebookNode:
    """Return the notebook with its parameters set, and only the cells that the living page needs."""
    notebook: nbformat.NotebookNode = nbformat.read(report.notebook, 4)  # type: ignore[no-untyped-call]  # no types
    about = "\n".join(cell.source for cell in notebook.cells if "about" in _tags(cell))
    shown: nbformat.NotebookNode = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]  # no types
    shown.metadata.update({**notebook.metadata, "title": report.title, "about": _prose(about)})
    shown.cells.append(nbformat.v4.new_code_cell("import salesops"))  # type: ignore[no-untyped-call]  # before altair: it spares a slow import
    for cell in notebook.cells:
        if cell.cell_type == "code" and "parameters" in _tags(cell):
            given = _assigned({**report.parameters, **report.secrets})
            shown.cells += [cell, nbformat.v4.new_code_cell(given)]  # type: ignore[no-untyped-call]  # no types
        elif cell.cell_type == "code" and _tags(cell) & _KEPT:
            shown.cells.append(cell)
    for cell in shown.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return shown


def free_port(wanted: int) -> int:
    """Return the first port from `wanted` on that nobody listens on. Raises PressError if there is none."""
    for port in range(wanted, min(wanted + TRIED, 65_535) + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise PressError(f"No port from {wanted} to {wanted + TRIED} is free. Name another: --port 9000.")


def _prose(source: str) -> str:
    """Return markdown as HTML without its first heading, which stands above the page."""
    without = "\n".join(line for line in source.splitlines() if not line.startswith("# "))
    return str(mistune.create_markdown(escape=False)(without))


def _tags(cell: nbformat.NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _assigned(values: Mapping[str, Value]) -> str:
    return "\n".join(f"{name} = {value!r}" for name, value in values.items())


def _command(notebook: Path, port: int, limits: Limits) -> list[str]:
    return [
        sys.executable, "-c", _SERVER, str(notebook), "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1",
        "--Voila.port_retries=0", "--Voila.auto_token=True", "--template=live", "--show_tracebacks=False",
        "--VoilaConfiguration.allow_template_override=NO",
        f"--LiveKernels.most={limits.most}", f"--LiveKernels.unvisited={limits.unvisited}",
        f"--LiveKernels.lost={limits.lost}",
    ]  # fmt: skip  # one option after the other


def _environment(token: str) -> dict[str, str]:
    templates = os.pathsep.join(filter(None, [str(TEMPLATE / "live"), os.environ.get("JUPYTER_PATH")]))
    # by the environment: a command line is read by everyone on the machine
    # one thread a kernel: more of them than cores make small computations many times slower
    own = {"JUPYTER_TOKEN": token, "JUPYTER_PATH": templates, "OMP_NUM_THREADS": "1"}
    return {**os.environ, **own}


def _await(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return once the server answers; PressError with its last words if it ends or takes too long."""
    until = time.monotonic() + STARTS
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/voila/static/voila.js", timeout=5).close()
        except urllib.error.HTTPError:
            return  # it answers, and keeps strangers out
        except OSError:
            time.sleep(0.1)
        else:
            return
    lines = log.read_text(errors="replace").strip().splitlines()
    raise PressError(f"The server did not start: {lines[-1] if lines else 'it said nothing'}. Try another port.")


def _end(server: subprocess.Popen[bytes]) -> None:
    """Stop the server, and with it its kernels."""
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    try:
        server.wait(15)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
