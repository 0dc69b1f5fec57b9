"""What a kernel says without a socket: its messages are handed on in the process, from whatever thread they come."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import threading
from collections.abc import Callable
from typing import Any

import zmq
from ipykernel.iostream import BackgroundSocket, IOPubThread, OutStream
from jupyter_client.session import Session

from salesops.press.gate import Message

_AROUND = ("header", "parent_header", "metadata")  # what a message has beside its content


class LocalSession(Session):
    """Messages stay in this process: only their contents go through JSON, to be what a socket would bring."""

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        ident: Any = None,
        buffers: Any = None,
        track: bool = False,
        header: Any = None,
        metadata: Any = None,
    ) -> dict[str, Any] | None:
        """Hand a message on; what a process forked by a cell says takes ipykernel's own way to this one."""
        wire = _end_of(stream)
        if not isinstance(wire, Wire) or wire.process != os.getpid():
            return super().send(stream, msg_or_type, content, parent, ident, buffers, track, header, metadata)
        told = isinstance(msg_or_type, dict)
        message: Message = msg_or_type if told else self.msg(msg_or_type, content, parent, header, metadata)
        packed = self._packed(message["content"])
        buffers = list(buffers or message.get("buffers", ()))
        wire.deliver({**message, "content": self.unpack(packed), "buffers": buffers})
        return message

    def _packed(self, content: Any) -> bytes:
        try:
            packed: bytes = self.serialize({**dict.fromkeys(_AROUND), "content": content})[-1]
        except UnicodeEncodeError:  # half of a pair of surrogates: nobody can send that, and a cell would wait for ever
            return self._packed(_whole(content))
        return packed

    def feed_identities(self, msg_list: Any, copy: bool = True) -> Any:
        """Return that a message which is whole comes from nobody else."""
        return ([], msg_list) if isinstance(msg_list, dict) else super().feed_identities(msg_list, copy)

    def deserialize(self, msg_list: Any, content: bool = True, copy: bool = True) -> Any:
        """Return a message that is whole as it is."""
        return msg_list if isinstance(msg_list, dict) else super().deserialize(msg_list, content, copy)


class Wire:
    """Stands where a kernel has a socket, and hands each message on."""

    def __init__(self, session: Session, deliver: Callable[[Message], None]) -> None:
        self.deliver = deliver
        self.process = os.getpid()
        self.context: Any = zmq.Context.instance()  # for the pipes of ipykernel's own threads
        self._session = session

    def send_multipart(self, parts: list[bytes], *_: Any, **__: Any) -> None:
        """Read a message that a forked process has sent through a pipe."""
        self.deliver(self._session.deserialize(self._session.feed_identities(parts)[1]))


def _whole(part: Any) -> Any:
    """Return texts, and lists and dicts of them, with question marks for what is no Unicode."""
    if isinstance(part, str):
        return part.encode("utf-8", "replace").decode("utf-8")
    if isinstance(part, dict):
        return {_whole(key): _whole(value) for key, value in part.items()}
    return [_whole(value) for value in part] if isinstance(part, list | tuple) else part


def _end_of(stream: Any) -> Any:
    """Return what a stream leads to. To take ipykernel's thread on the way costs more than to send."""
    thread = stream.io_thread if isinstance(stream, BackgroundSocket) else stream
    return thread.socket if isinstance(thread, IOPubThread) else thread


class Stream(OutStream):
    """ipykernel's output stream, which also catches what other code writes to the file descriptor.

    ipykernel's own watch of the descriptor may still be reading when a cell ends, and the rest is lost. Here
    every flush first takes what is in the pipe. And it sends by itself: to wait for ipykernel's thread takes longer.
    """

    def __init__(self, session: Session, thread: IOPubThread, name: str, fd: int) -> None:
        super().__init__(session, thread, name, watchfd=False)  # type: ignore[no-untyped-call]  # ipykernel annotates only some of its functions
        self._original_stdstream_copy = os.dup(fd)
        self._pipe, end = os.pipe()
        os.set_blocking(self._pipe, False)
        os.dup2(end, fd)
        os.close(end)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._taking, self._sending = threading.Lock(), threading.RLock()
        threading.Thread(target=self._watch, name=f"watch-{name}", daemon=True).start()

    def flush(self) -> None:
        """Send all that was written so far."""
        if self._is_master_process():  # type: ignore[no-untyped-call]  # as above
            self._take()
        self._flush()

    def _flush(self) -> None:
        # a process forked by a cell has copies of the locks, perhaps held
        alone = self._sending if self._is_master_process() else contextlib.nullcontext()  # type: ignore[no-untyped-call]  # as above
        with alone:
            super()._flush()  # type: ignore[no-untyped-call]  # as above

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
