"""An IPython kernel without sockets: it lives in the process of the report and speaks to nbclient directly.

It is ipykernel's own kernel with ipykernel's own output streams, so a notebook behaves as in JupyterLab. Only
the wires differ: what the kernel would send over a socket is handed to the client in the same process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import traitlets
from ipykernel.iostream import IOPubThread
from ipykernel.ipkernel import IPythonKernel
from jupyter_client.client import KernelClient
from nbclient.exceptions import CellExecutionError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine
from tornado.ioloop import IOLoop
from traitlets.config import Config

from salesops.press.gate import Gate, Message
from salesops.press.warm.wires import LocalSession, Stream, Wire

_PLOTTING = "matplotlib_inline.backend_inline"


class WarmKernel(IPythonKernel):
    """ipykernel's kernel, served by one asyncio loop that it shares with its client."""

    # what ipykernel asks of the thread that reads its sockets
    shell_channel_thread = SimpleNamespace(parent_thread=threading.main_thread())
    _supports_kernel_subshells = False
    shell_stream = traitlets.Any()  # not a socket
    _execute_sleep = 0  # ipykernel waits for its sockets

    def _abort_queues(self, subshell_id: str | None = None) -> None:
        """Nothing is queued behind a failed cell."""


def build_kernel() -> WarmKernel:
    """Return the kernel of this process, before it is forked: nothing is connected, no thread runs."""
    os.environ.setdefault("MPLBACKEND", f"module://{_PLOTTING}")
    config = Config({"HistoryManager": {"enabled": False, "hist_file": ":memory:"}})
    config.IPKernelApp = Config({"quiet": True})  # tools look for it to tell that they are in a notebook
    with patch.dict(sys.modules, {"debugpy": None}):  # the debugger takes long to import, and nobody debugs here
        kernel: WarmKernel = WarmKernel.instance(
            session=LocalSession(key=b"", config=config), config=config, log=logging.getLogger("kernel")
        )
    return kernel


class WarmEngine(Engine):  # type: ignore[misc]  # papermill ships no types
    """A papermill engine that runs a notebook in the kernel of this process."""

    kernel: WarmKernel
    gate: Gate
    begun: Callable[..., None]

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
        """Run the cells of a managed notebook in their order, until one fails."""
        client = PapermillNotebookClient(nb_man, km=SimpleNamespace(has_kernel=True), on_cell_start=cls.begun)
        asyncio.run(_execute(client, nb_man, cls.kernel, cls.gate))


async def _execute(client: PapermillNotebookClient, nb_man: Any, kernel: WarmKernel, gate: Gate) -> None:
    kernel.io_loop = IOLoop.current()
    client.reset_execution_trackers()
    client.kc = _Client(kernel, gate)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(client.kc.serve())
        await _run_cells(client, nb_man)
        serving.cancel()
    client.nb.metadata["language_info"] = kernel.language_info
    client.set_widgets_metadata()


async def _run_cells(client: PapermillNotebookClient, nb_man: Any) -> None:
    for index, cell in enumerate(client.nb.cells):
        nb_man.cell_start(cell, index)
        try:
            await client.async_execute_cell(cell, index)
        except CellExecutionError as failure:
            nb_man.cell_exception(cell, cell_index=index, exception=failure)
            return
        finally:
            nb_man.cell_complete(cell, cell_index=index)


class _Client(KernelClient):
    """A kernel client whose channels are queues of this process."""

    shell_channel: Any = None
    iopub_channel: Any = None

    def __init__(self, kernel: WarmKernel, gate: Gate) -> None:
        super().__init__(session=kernel.session)
        self.allow_stdin = False
        self._kernel = kernel
        self._requests: asyncio.Queue[Message] = asyncio.Queue()
        self.shell_channel, self.iopub_channel = _Channel(self._requests.put_nowait), _Channel()
        self.session.pid = os.getpid()  # forked since it was made
        kernel.shell_stream = Wire(self.session, self.shell_channel.deliver)
        self._publish(Wire(self.session, lambda message: self._shown(gate.admit(message))))

    async def serve(self) -> None:
        """Answer requests one after the other."""
        while True:
            message = await self._requests.get()
            await self._kernel.dispatch_shell(message)

    async def is_alive(self) -> bool:
        """Return True: a kernel that dies takes its client with it."""
        return True

    def _shown(self, message: Message | None) -> None:
        if message is not None:
            self.iopub_channel.deliver(message)

    def _publish(self, wire: Wire) -> None:
        """Connect all that the kernel shows to a wire: its messages, its streams, and the file descriptors."""
        thread: Any = IOPubThread(wire, pipe=True, session=self.session)  # type: ignore[no-untyped-call]  # ipykernel annotates only some of its functions
        thread.start()
        kernel: Any = self._kernel
        shell = kernel.shell
        kernel.iopub_thread, kernel.iopub_socket = thread, thread.background_socket
        shell.displayhook.pub_socket = shell.display_pub.pub_socket = thread.background_socket
        sys.stdout = Stream(self.session, thread, "stdout", 1)
        sys.stderr = Stream(self.session, thread, "stderr", 2)
        if "matplotlib.pyplot" in sys.modules:
            # imported before the fork, it has lost sight of the shell and would drop figures without a word
            sys.modules[_PLOTTING]._enable_matplotlib_integration()


class _Channel:
    """One channel of a client: messages may come from any thread, and are read by the loop that made it."""

    def __init__(self, send: Callable[[Message], None] | None = None) -> None:
        self.send = send
        self._loop = asyncio.get_running_loop()
        self._messages: asyncio.Queue[Message] = asyncio.Queue()

    def deliver(self, message: Message) -> None:
        self._loop.call_soon_threadsafe(self._messages.put_nowait, message)

    async def get_msg(self, timeout: float | None = None) -> Message:
        try:
            return await asyncio.wait_for(self._messages.get(), timeout)
        except TimeoutError:
            raise queue.Empty from None
