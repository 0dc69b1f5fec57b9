"""What a warm kernel says, in its order, without a socket."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

from ipykernel.iostream import IOPubThread

from salesops.press.warm.wires import LocalSession, Stream, Wire


def test_contents_are_what_a_socket_would_bring() -> None:
    """Tuples become lists, keys texts and dates texts; what the sender changes later does not reach the receiver."""
    got: list[dict[str, Any]] = []
    session = LocalSession(key=b"")
    content = {"a": (1, 2), 3: date(2026, 1, 31), "deep": {"x": [1]}}
    session.send(Wire(session, got.append), "display_data", content, metadata={"m": 1}, buffers=[b"raw"])
    content["deep"]["x"].append(2)  # type: ignore[index]  # a dict
    (message,) = got
    assert message["content"] == {"a": [1, 2], "3": "2026-01-31", "deep": {"x": [1]}}
    assert (message["header"]["msg_type"], message["metadata"], message["buffers"]) == (
        "display_data",
        {"m": 1},
        [b"raw"],
    )


def test_what_is_no_unicode_is_sent_all_the_same() -> None:
    """Half a pair of surrogates, in a text or as a key, becomes a question mark: to send nothing would end the run."""
    got: list[dict[str, Any]] = []
    LocalSession(key=b"").send(Wire(LocalSession(key=b""), got.append), "stream", {"text": ["a\ud800é"], "\udfff": 1})
    assert got[0]["content"] == {"text": ["a?é"], "?": 1}


def test_bytes_of_a_forked_process_are_read() -> None:
    """They come through a pipe, as they would through a socket, with their own header and content."""
    got: list[dict[str, Any]] = []
    session = LocalSession(key=b"")
    sent = session.msg("stream", {"name": "stdout", "text": "Zoë"})
    Wire(session, got.append).send_multipart([b"stream.stdout", *session.serialize(sent)])
    (message,) = got
    assert message["content"] == sent["content"]
    assert message["header"]["msg_id"] == sent["msg_id"]


def test_a_flush_waits_for_one_that_has_begun(tmp_path: Path) -> None:
    """When flush returns, everything written before has been sent, also what another thread was sending: what a
    kernel says next is then behind it."""
    began, may, told = threading.Event(), threading.Event(), list[str]()

    def deliver(message: dict[str, Any]) -> None:
        began.set()
        may.wait(10)
        told.append(message["content"]["text"])

    session = LocalSession(key=b"")
    thread: Any = IOPubThread(Wire(session, deliver), session=session)  # type: ignore[no-untyped-call]  # annotated in parts
    thread.start()

    def flush() -> None:
        stream.flush()
        told.append("flushed")

    with (tmp_path / "out").open("w") as file:
        stream = Stream(session, thread, "stdout", file.fileno())
        stream.write("text")  # ipykernel's thread sends it after a moment
        assert began.wait(10)
        flushing = threading.Thread(target=flush)
        flushing.start()
        flushing.join(0.5)  # a flush that does not wait ends now
        may.set()
        flushing.join(10)
        thread.stop()
    assert told == ["text", "flushed"]
