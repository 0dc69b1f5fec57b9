"""The server of the living page: Voilà, with a kernel for each open page that ends when the page does.

It runs as a process of its own, started by `salesops.press.live`.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextvars import ContextVar
from typing import Any

import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.handlers import KernelHandler
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.routing import Matcher, Rule
from traitlets import Float, Integer
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from salesops.press.strays import adopt_strays, die_with, end_all_below

_HERE = r"(localhost|127\.0\.0\.1|\[?::1\]?)"  # what the header Host may say: other names lead here by a trick
_AGAIN = 1.0  # seconds
_GOING_AWAY = 1001  # with this code a browser closes the connections of a page that is closed


class LiveKernels(AsyncMappingKernelManager):
    """The kernels of the open pages."""

    most = Integer(8, help="Pages that may be open at a time.").tag(config=True)
    unvisited = Float(60.0, help="Seconds after which a page ends that was sent and never connected.").tag(config=True)
    lost = Float(900.0, help="Seconds after which a page ends whose connection is lost.").tag(config=True)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]  # jupyter_server annotates only some of it
        self._coming = 0
        self._was_connected: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}

    def take_place(self) -> bool:
        """Take a place for a page, if there is one."""
        free = self._coming + len(self) - len(self._ending) < self.most
        self._coming += free
        return free

    def leave_place(self) -> None:
        """Note that the place of a page is no longer taken: it has a kernel, or gets none."""
        self._coming -= 1

    async def start_kernel(self, **how: Any) -> str:  # type: ignore[override]  # as above
        """Start the kernel of the page that is being sent."""
        kernel_id = str(await super().start_kernel(**how))
        _PAGE.get().kernel_id = kernel_id
        self.leave_place()
        # what is restarted after it died knows nothing of its page
        self.add_restart_callback(kernel_id, lambda: self.end_in(kernel_id, 0))
        return kernel_id

    def notify_connect(self, kernel_id: str) -> None:
        """Let a kernel live whose page has connected."""
        super().notify_connect(kernel_id)  # type: ignore[no-untyped-call]  # as above
        self._was_connected.add(kernel_id)
        self._stop_timer(kernel_id)

    def notify_disconnect(self, kernel_id: str) -> None:
        """Give a kernel some time when its page has lost its last connection."""
        super().notify_disconnect(kernel_id)  # type: ignore[no-untyped-call]  # as above
        if not self._kernel_connections.get(kernel_id):
            self.end_in(kernel_id, self.lost)

    def was_seen(self, kernel_id: str) -> None:
        """Give a kernel some time whose page was sent, or has looked at it, and is not connected yet."""
        if not self._kernel_connections.get(kernel_id) and kernel_id not in self._was_connected:
            self.end_in(kernel_id, self.unvisited)

    def end_in(self, kernel_id: str, seconds: float) -> None:
        """End a kernel after some seconds, unless its page connects."""
        self._stop_timer(kernel_id)
        self._timers[kernel_id] = asyncio.get_running_loop().call_later(seconds, self._end, kernel_id)

    def _stop_timer(self, kernel_id: str) -> None:
        if timer := self._timers.pop(kernel_id, None):
            timer.cancel()

    def _end(self, kernel_id: str) -> None:
        self._stop_timer(kernel_id)
        if kernel_id in self and kernel_id not in self._ending:
            self._ending[kernel_id] = asyncio.get_running_loop().create_task(self._ended(kernel_id))

    async def _ended(self, kernel_id: str) -> None:
        while kernel_id in self:
            try:
                await self.shutdown_kernel(kernel_id, now=True)  # type: ignore[no-untyped-call]  # as above
            except Exception as error:  # Jupyter has many for a kernel that just starts, dies or is restarted
                self.log.warning("kernel %s does not end yet: %r", kernel_id, error)
                await asyncio.sleep(_AGAIN)
        self._was_connected.discard(kernel_id)
        del self._ending[kernel_id]


class _Page(TornadoVoilaHandler):  # type: ignore[misc]  # Voilà ships no types
    """The page: it runs the notebook in a kernel of its own as it is sent."""

    kernel_id = ""
    _has_left = False

    @tornado.web.authenticated
    async def get(self, path: str | None = None) -> None:
        if path:
            raise tornado.web.HTTPError(404)
        kernels: LiveKernels = self.kernel_manager
        if not kernels.take_place():
            self.set_status(503)
            self.write(self.render_template("full.html", most=kernels.most))
            return
        _PAGE.set(self)
        try:
            async for html in self.get_generator():
                if self._has_left or (self.kernel_id and self.kernel_id not in kernels):
                    break  # Voilà would wait for a kernel that is gone
                self.write(html)
                await self.flush()
        except StreamClosedError:
            self._has_left = True
        finally:
            if not self.kernel_id:
                kernels.leave_place()
            elif self._has_left:
                kernels.end_in(self.kernel_id, 0)
            else:
                kernels.was_seen(self.kernel_id)

    def on_connection_close(self) -> None:
        self._has_left = True
        if self.kernel_id:
            self.kernel_manager.end_in(self.kernel_id, 0)


_PAGE: ContextVar[_Page] = ContextVar("page")


class _Channels(VoilaKernelWebsocketHandler):  # type: ignore[misc]  # as above
    """The connection of a page to its kernel."""

    def on_close(self) -> None:
        super().on_close()
        if self.close_code == _GOING_AWAY:
            self.kernel_manager.end_in(self.kernel_id, 0)


class _Look(KernelHandler):
    """Where a page looks whether its kernel lives, also while it has not connected yet."""

    async def get(self, kernel_id: str) -> None:
        kernels: Any = self.kernel_manager
        if kernel_id in kernels:
            kernels.was_seen(kernel_id)
        answer: Any = super().get(kernel_id)
        await answer


class _Leave(JupyterHandler):
    """Where a page says, as its last word, that it is closed: our script does, and Voilà's own."""

    def check_xsrf_cookie(self) -> None:
        """Take it as it is: a last word has no headers, and nobody else knows the id of the kernel."""

    @tornado.web.authenticated
    async def post(self, kernel_id: str) -> None:
        kernels: Any = self.kernel_manager
        if kernel_id in kernels:
            kernels.end_in(kernel_id, 0)
        self.set_status(204)


class _OtherHost(Matcher):
    """What is asked of a machine that is not called as this one calls itself, on whatever path."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return None if re.fullmatch(_HERE, request.host_name) else {}


class _Stranger(tornado.web.RequestHandler):
    """The answer to a page elsewhere that gave this machine another name."""

    def prepare(self) -> None:
        raise tornado.web.HTTPError(403)


class LiveVoila(Voila):  # type: ignore[misc]  # as above
    """Voilà for one notebook on this machine alone."""

    def init_settings(self) -> dict[str, Any]:
        """Return the settings, with the kernels of open pages, and for this machine alone."""
        self.voila_configuration.multi_kernel_manager_class = LiveKernels
        return {**super().init_settings(), "allow_remote_access": False}

    def init_handlers(self) -> list[Any]:
        """Return Voilà's handlers, with our own where pages come and go, behind a look at who is asked."""
        own = {
            TornadoVoilaHandler: _Page,
            VoilaKernelWebsocketHandler: _Channels,
            KernelHandler: _Look,
            VoilaShutdownKernelHandler: _Leave,
        }
        handlers = [(path, own.get(handler, handler), *more) for path, handler, *more in super().init_handlers()]
        return [Rule(_OtherHost(), _Stranger), *handlers]


def main() -> None:
    """Serve until a signal ends it; on Linux also when the process that started it ends."""
    if sys.platform == "linux":
        die_with(os.getppid())
        adopt_strays()
    try:
        LiveVoila.launch_instance()
    finally:
        end_all_below()
