"""A book with people's words hidden and names replaced by stable pseudonyms."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.book.schema import KNOWN_FIELDS, SCHEMA, Table
from salesops.book.source import Book
from salesops.errors import BookError

PSEUDONYMS = {
    "users": ("Rep", "user_name"),
    "accounts": ("Account", "account_name"),
    "contacts": ("Contact", "contact_name"),
}


Pseudonym = Callable[[ir.Value, str], ir.Value]  # of an id, in a table

_BLOCK = 64  # bytes that SHA-256 takes at once
VARIABLE = "SALESOPS_REDACT_KEY"
SHORTEST = 16  # characters; fewer can be guessed


def redacted(book: Book) -> Book:
    """Return the book with pseudonyms for users, accounts and contacts, and without free text about people.

    A pseudonym ("Rep 1E8K2OCE0V") stands for the name and for the id, because many systems use names as ids. It is
    the same wherever a report of the company speaks of the same user, account or contact. Its ten characters are the
    first of HMAC-SHA256 over company, table and id, in the base32 of RFC 4648 with the extended hex alphabet. The key
    is that of `salesops.book.redact`; where it is made for this book, a warning tells its place.
    """
    key = redact_key()
    if key.told:
        warnings.warn(key.told, stacklevel=2)
    keyed = _keyed_hash(book.con, key)

    def pseudonym(identifier: ir.Value, owner: str) -> ir.Value:
        # as JSON, no company and table of another name end in the same text
        message = ibis.literal(json.dumps([book.company, owner])) + identifier
        return ibis.literal(f"{PSEUDONYMS[owner][0]} ") + keyed(message)

    variant = f"redacted {key.mark}"
    return book.with_tables(lambda name: _table(book, name, pseudonym), variant=variant, is_redacted=True)


def _keyed_hash(con: Any, key: RedactKey) -> Callable[[ir.Value], ir.Value]:
    """Return what gives the hash of a text. It is a macro of the connection: no query, and no error, shows the key."""
    name, secret = f"pseudonym_{key.mark}", key.text.encode()
    block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block).hex() for pad in (0x36, 0x5C))  # as RFC 2104 has it
    digest = f"sha256(unhex('{outer}' || sha256(unhex('{inner}' || hex(message)))))"
    # the first 50 of 52 bits
    con.raw_sql(
        f"CREATE OR REPLACE TEMP MACRO {name}(message) AS to_base(('0x' || {digest}[1:13])::BIGINT // 4, 32, 10)"
    )
    return _function(name)


@cache
def _function(name: str) -> Callable[[ir.Value], ir.Value]:
    made: Callable[[ir.Value], ir.Value] = ibis.udf.scalar.builtin(
        lambda message: None, name=name, signature=(("string",), "string")
    )
    return made


def _table(book: Book, name: str, pseudonym: Pseudonym) -> ir.Table:
    table = _columns(book.table(name), SCHEMA[name], pseudonym)
    if name == "opportunity_history":
        return _history(table, pseudonym)
    return _commitments(book, table, pseudonym) if name == "commitments" else table


def _columns(table: ir.Table, schema: Table, pseudonym: Pseudonym) -> ir.Table:
    changes: dict[str, ir.Value] = {}
    for column in schema.columns:
        owner = column.references.partition(".")[0] or (schema.name if (column.name,) == schema.key else "")
        if owner in PSEUDONYMS:
            changes[column.name] = pseudonym(table[column.name], owner)
        elif column.personal:
            changes[column.name] = ibis.null(table[column.name].type())
    if schema.name in PSEUDONYMS:
        changes[PSEUDONYMS[schema.name][1]] = pseudonym(table[schema.key[0]], schema.name)
    return table.mutate(**changes)


def _history(history: ir.Table, pseudonym: Pseudonym) -> ir.Table:
    """Values of fields that the schema does not name may be anyone's words, so they go."""
    value = ibis.cases(
        (history.field_name == "owner_id", pseudonym(history.new_value, "users")),
        (history.field_name.isin(KNOWN_FIELDS), history.new_value),
    )
    return history.mutate(new_value=value)


def _commitments(book: Book, commitments: ir.Table, pseudonym: Pseudonym) -> ir.Table:
    """A subject may be an account or a contact; deals and orders keep their ids."""
    subject = commitments.subject_id
    for name in ("accounts", "contacts"):
        known = subject.isin(book.table(name)[SCHEMA[name].key[0]])
        subject = known.ifelse(pseudonym(commitments.subject_id, name), subject)
    return commitments.mutate(subject_id=subject)


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
        made = None if path.exists() else _new_key_file(path)
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


def _new_key_file(path: Path) -> Path | None:
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
