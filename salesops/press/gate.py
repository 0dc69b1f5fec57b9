"""What a kernel says, on its way into a report: secrets hidden, floods cut, everything noted for the worst case."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

TEXT = 64_000  # characters that one cell may print; a page of more is no reading
OUTPUTS = 8_000_000  # characters of all that one cell may show; what is larger would not fit a page either
HIDDEN = "•••"
_LEAST_ENCODED = 6  # bytes
_SHOWN = ("stream", "display_data", "execute_result", "update_display_data", "error", "clear_output")

Message = dict[str, Any]


class Gate:
    """Lets a kernel's messages through, each as a report may hold it.

    Parameters
    ----------
    journal : Path
        Where what is shown is noted, a line each, so that it survives the death of the process.
    secrets : sequence of str
        Texts that must not appear anywhere, in the forms that `forms` gives.
    """

    def __init__(self, journal: Path, secrets: Sequence[str] = ()) -> None:
        self._journal = journal.open("ab", buffering=0)
        self._secrets = secrets
        self._room: dict[str, int] = {}
        self._turn = threading.Lock()  # threads of a notebook may show things, too

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    def begin(self, cell: int) -> None:
        """Note that a cell begins; each has room of its own."""
        self._fresh()
        self._note({"cell": cell, "at": datetime.now(UTC).isoformat()})

    def admit(self, message: Message) -> Message | None:
        """Return a message as the report may hold it, or None if there is no room left for it."""
        if message["header"]["msg_type"] not in _SHOWN:
            return message
        with self._turn:
            return self._admitted(message)

    def _admitted(self, message: Message) -> Message | None:
        kind = message["header"]["msg_type"]
        content = hide(message["content"], self._secrets) if self._secrets else message["content"]
        if kind == "clear_output":
            self._fresh()
        elif kind == "stream":
            content = self._cut_text(content)
        elif kind != "error":
            content = self._cut_output(content)
        if content is None:
            return None
        admitted = {**message, "content": content}
        self._note({"kind": kind, "content": content})
        return admitted

    def _fresh(self) -> None:
        self._room = {"stdout": TEXT, "stderr": TEXT, "outputs": OUTPUTS}

    def _cut_text(self, content: Message) -> Message | None:
        name, text = content["name"], content["text"]
        room = self._room.get(name, 0)
        if room <= 0:
            return None
        self._room[name] = room - len(text)
        if len(text) <= room:
            return content
        return {**content, "text": f"{text[:room]}\n[Cut here: a cell may print {TEXT:,} characters.]\n"}

    def _cut_output(self, content: Message) -> Message | None:
        size = sum(len(part) if isinstance(part, str) else len(json.dumps(part)) for part in content["data"].values())
        room = self._room.get("outputs", 0)
        if room <= 0:
            return None
        if size <= room:
            self._room["outputs"] = room - size
            return content
        self._room["outputs"] = 0
        left_out = f"[Left out: an output of {size:,} characters. A cell may show {OUTPUTS:,}.]"
        return {**content, "data": {"text/plain": left_out}, "metadata": {}}

    def _note(self, line: Message) -> None:
        with contextlib.suppress(OSError):  # a report is not worse for a full temporary folder, only its notes are
            self._journal.write(json.dumps(line).encode() + b"\n")


def forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Return secrets as they are and as repr, JSON, HTML and addresses write them, also one in another; longest first.

    In base64, as in a header of HTTP, they are found too, whatever stands before. What else is made of a secret (turned
    round, encrypted) is the notebook's own doing.
    """
    written = set(secrets)
    written |= {form for text in written for form in _in_base64(text.encode())}
    for _ in range(2):
        written |= {form for text in written for form in _written(text)}
    return tuple(sorted(written, key=lambda form: (-len(form), form)))


def _written(text: str) -> Iterator[str]:
    yield from (repr(text)[1:-1], ascii(text)[1:-1], repr(text.encode())[2:-1])
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    yield from (html.escape(text), quote(text), quote(text, safe=""), quote_plus(text))


def _in_base64(secret: bytes) -> Iterator[str]:
    """Yield the letters that a secret leads to, wherever in an encoded text it stands; of a short one they are few."""
    if len(secret) < _LEAST_ENCODED:
        return
    for before in range(3):
        own = slice(-(-before * 8 // 6), (before + len(secret)) * 8 // 6)
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + secret)[own].decode()


def hide(part: Any, secrets: Sequence[str]) -> Any:
    """Return texts, and lists and dicts of them, with dots in place of secrets."""
    if isinstance(part, str):
        for secret in secrets:
            part = part.replace(secret, HIDDEN)
        return part
    if isinstance(part, dict):
        return {hide(key, secrets): hide(value, secrets) for key, value in part.items()}
    return [hide(value, secrets) for value in part] if isinstance(part, list) else part
