"""An IPython kernel without sockets: it lives in the process of the report and speaks to nbclient directly.

It is ipykernel's own kernel with ipykernel's own output streams, so a notebook behaves as in JupyterLab. Only
the wires differ: what the kernel would send over a socket is handed to the client in the same process.
"""

from __future__ import annotations

import asyncio
import codecs
import logging
import os
import queue
import select
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import traitlets
import zmq
from ipykernel.iostream import IOPubThread, OutStream
from ipykernel.ipkernel import IPythonKernel
from jupyter_client.client import KernelClient
from jupyter_client.session import Session
from nbclient.exceptions import CellExecutionError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine
from tornado.ioloop import IOLoop
from traitlets.config import Config

from salesops.press.gate import Gate, Message

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
            session=Session(key=b"", config=config), config=config, log=logging.getLogger("kernel")
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
        kernel.shell_stream = _Wire(self.session, self.shell_channel.deliver)
        self._publish(_Wire(self.session, lambda message: self._shown(gate.admit(message))))

    async def serve(self) -> None:
        """Answer requests one after the other."""
        while True:
            message = await self._requests.get()
            await self._kernel.dispatch_shell([zmq.Message(part) for part in self.session.serialize(message)])

    async def is_alive(self) -> bool:
        """Return True: a kernel that dies takes its client with it."""
        return True

    def _shown(self, message: Message | None) -> None:
        if message is not None:
            self.iopub_channel.deliver(message)

    def _publish(self, wire: _Wire) -> None:
        """Connect all that the kernel shows to a wire: its messages, its streams, and the file descriptors."""
        thread: Any = IOPubThread(wire, pipe=True, session=self.session)  # type: ignore[no-untyped-call]  # ipykernel annotates only some of its functions
        thread.start()
        kernel: Any = self._kernel
        shell = kernel.shell
        kernel.iopub_thread, kernel.iopub_socket = thread, thread.background_socket
        shell.displayhook.pub_socket = shell.display_pub.pub_socket = thread.background_socket
        sys.stdout = _Stream(self.session, thread, "stdout", 1)
        sys.stderr = _Stream(self.session, thread, "stderr", 2)
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


class _Wire:
    """Stands where a kernel has a socket: reads each message that is sent, and hands it on."""

    def __init__(self, session: Session, deliver: Callable[[Message], None]) -> None:
        self._session = session
        self._deliver = deliver
        self.context: Any = zmq.Context.instance()  # for the pipes of ipykernel's own threads

    def send_multipart(self, parts: list[bytes], *_: Any, **__: Any) -> None:
        self._deliver(self._session.deserialize(self._session.feed_identities(parts)[1]))


class _Stream(OutStream):
    """ipykernel's output stream, which also catches what other code writes to the file descriptor.

    ipykernel's own watch of the descriptor may still be reading when a cell ends, and the rest is lost. Here
    every flush first takes what is in the pipe.
    """

    def __init__(self, session: Session, thread: IOPubThread, name: str, fd: int) -> None:
        super().__init__(session, thread, name, watchfd=False)  # type: ignore[no-untyped-call]  # as above
        self._original_stdstream_copy = os.dup(fd)
        self._pipe, end = os.pipe()
        os.set_blocking(self._pipe, False)
        os.dup2(end, fd)
        os.close(end)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._taking = threading.Lock()
        threading.Thread(target=self._watch, name=f"watch-{name}", daemon=True).start()

    def flush(self) -> None:
        if os.getpid() == self._master_pid:  # a process forked by a cell has a copy of the lock, perhaps held
            self._take()
        if self._buffers:  # else there is no need to wake the thread that sends
            super().flush()  # type: ignore[no-untyped-call]  # as above

    def _watch(self) -> None:
        # without this a process that writes much would wait for a flush that waits for the process
        while select.select([self._pipe], [], []):
            self._take()

    def _take(self) -> None:
        with self._taking:
            try:
                while data := os.read(self._pipe, 65536):
                    self.write(self._decoder.decode(data))
            except BlockingIOError:
                return
