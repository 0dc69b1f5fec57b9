"""The key of pseudonyms: who does not have it cannot tell whom they stand for, not even by trying every name."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from salesops.errors import BookError

VARIABLE = "SALESOPS_REDACT_KEY"
SHORTEST = 16  # characters; fewer can be guessed


@dataclass(frozen=True)
class RedactKey:
    """A key, and the file in which it was kept just now; None if it was there before."""

    text: str
    made: Path | None = None

    @property
    def mark(self) -> str:
        """What tells this key from others, and does not give it away."""
        return hashlib.sha256(b"mark of " + self.text.encode()).hexdigest()[:12]

    @property
    def told(self) -> str:
        """A sentence about where a new key is kept; "" for one that was there before."""
        if self.made is None:
            return ""
        return f"Pseudonyms have a new key, kept in '{self.made}'. Keep that file: another key gives other pseudonyms."


def redact_key() -> RedactKey:
    """Return the key: that of the environment variable SALESOPS_REDACT_KEY, else the user's own.

    The user's own is made once, in salesops/redact.key of the state folder (XDG_STATE_HOME, ~/.local/state), for
    nobody else to read.

    Raises
    ------
    BookError
        If the key is too short, or the user's own can be neither read nor made.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return RedactKey(_long_enough(given, VARIABLE))
    state = os.environ.get("XDG_STATE_HOME", "")
    path = (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "salesops" / "redact.key"
    try:
        made = None if path.exists() else _made(path)
        return RedactKey(_long_enough(path.read_text(encoding="utf-8"), f"'{path}'"), made)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BookError(f"The key of pseudonyms is in '{path}': {reason}. Or give one as {VARIABLE}.") from None


def use_key_of(file: Path) -> None:
    """Take the key from a file, for this process and those that it starts. Raises BookError if it holds none."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BookError(f"The key of pseudonyms in '{file}' cannot be read: {reason}. It must be a text.") from None
    os.environ[VARIABLE] = _long_enough(text, f"'{file}'")


def _long_enough(text: str, where: str) -> str:
    key = text.strip()
    if len(key) < SHORTEST:
        raise BookError(
            f"The key of pseudonyms in {where} has {len(key)} characters, and needs {SHORTEST}. Make one: "
            "python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    return key


def _made(path: Path) -> Path | None:
    """Make the key and return its file; None if another process was quicker."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{secrets.token_hex(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(part, path)  # a whole file or none, and never over one that is there
            return path
        return None
    finally:
        part.unlink()
