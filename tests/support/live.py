"""The living page served for a test, with limits of its own, and a line to it that can be cut."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from lab import ROOT

PATIENCE = 600.0  # seconds until a test gives up
_PROGRAM = """
import sys
from pathlib import Path
from salesops.cli.asking import prepare
from salesops.press.live import Limits, serve
from salesops.press.settings import Wanted
notebook, given, limits = eval(sys.argv[1])
(report,) = prepare([Wanted(notebook=notebook, given=given)], Path(sys.argv[2]))
serve(report, browse=False, port=int(sys.argv[3]), limits=Limits(**limits), tell=lambda said: print(said, flush=True))
"""


class Served:
    """A server of the living page: its address with the token, and its processes."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address
        self.port = int(re.findall(r":(\d+)/", address)[0])

    def kernels(self) -> set[int]:
        """Return the processes of kernels that run."""
        return {pid for pid, command in self._below() if "ipykernel" in command}

    def processes(self) -> list[psutil.Process]:
        """Return all processes below the command."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def memory(self) -> int:
        """Return the bytes that the server and all below it have to themselves."""
        sizes = 0
        for pid, _ in self._below():
            with contextlib.suppress(psutil.Error):
                sizes += psutil.Process(pid).memory_full_info().uss
        return sizes

    def _below(self) -> Iterator[tuple[int, str]]:
        for child in self.processes():
            with contextlib.suppress(psutil.Error):
                yield child.pid, " ".join(child.cmdline())


@contextmanager
def serving(notebook: str = "quota_whatif", given: dict[str, str] | None = None, **limits: float) -> Iterator[Served]:
    """Serve a notebook as `salesops whatif` does, with these limits."""
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        _PROGRAM,
        repr((notebook, given or {}, limits)),
        str(ROOT / "notebooks"),
        str(port),
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip  # one call
    assert process.stdout
    try:
        told = ""
        while "Ctrl-C" not in told:
            line = process.stdout.readline()
            assert line, told
            told += line
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/\?token=\S+", told)
        yield Served(process, address)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE)
        process.stdout.close()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            pytest.fail(f"Not in {PATIENCE:.0f} seconds: {what}")
        select.select([], [], [], 0.05)


class Line:
    """A line to a server, over which a browser comes: it can be cut as a tunnel cuts it, without a word to either."""

    def __init__(self, port: int) -> None:
        self._to, self._ends, self._is_cut = port, set[socket.socket](), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        self._is_cut.set()
        for end in list(self._ends):
            _break(end)

    def mend(self) -> None:
        """Let connections through again."""
        self._is_cut.clear()

    def close(self) -> None:
        """End for good."""
        self.cut()
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._is_cut.is_set():
                    _break(near)
                    continue
                far = socket.create_connection(("127.0.0.1", self._to))
                self._ends |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)
        one.close()
        self._ends.discard(one)


def _break(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # no farewell
        end.shutdown(socket.SHUT_RD)
        end.close()


@contextmanager
def line_to(served: Served) -> Iterator[tuple[Line, str]]:
    """Give a line to a server, and the address by which a browser takes it."""
    line = Line(served.port)
    try:
        yield line, served.address.replace(f":{served.port}/", f":{line.port}/")
    finally:
        line.close()


def tiny_notebook(folder: Path) -> Path:
    """Write a living page that does next to nothing: what the server costs is seen apart from the what-if."""
    import nbformat

    cells = [
        "name: str = 'x'  # a name",
        "import ipywidgets\nipywidgets.HTML(f'<p class=\"made\">made for {name}</p>')",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    book.cells[0].metadata.tags, book.cells[1].metadata.tags = ["parameters"], ["remove"]
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = folder / "tiny.ipynb"
    nbformat.write(book, path)
    return path
