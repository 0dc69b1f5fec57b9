"""The shelf: a folder in which the processes of one run share what each of them would compute again.

The environment variable SALESOPS_SHELF names the folder. A file on it is named by what it holds: the book as
its files stand, the variant of the book (known on a day, redacted), and the key; so a book that changes never
meets a table of before. A shelf is made for one run and thrown away after it: of the program only the version
is known, and of a view in a database not what it reads elsewhere.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import sys
import uuid
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

T = TypeVar("T")

VARIABLE = "SALESOPS_SHELF"
_LABEL, _VALUE = b"salesops", b"salesops value"


def shelved(con: Any, book: str, key: Hashable, build: Callable[[], T]) -> T:
    """Return what `build` gives: read from the shelf, or else built and put there for the others.

    A table comes back with the same rows and types. What is neither table nor JSON stays with the caller, as
    does everything where there is no shelf or no room on it: a table then in the memory of the connection.

    Parameters
    ----------
    con : Ibis connection
        The one to which a table belongs.
    book : str
        What tells the book from any other, as `identity` gives it, with the variant; "" keeps all off the shelf.
    key : hashable
        What is asked of the book; its repr must say all of it.
    """
    folder = os.environ.get(VARIABLE, "")
    if not folder or not book:
        return _in_memory(build())
    label = f"{book} {key!r}"
    path = Path(folder, hashlib.sha256(label.encode()).hexdigest()).with_suffix(".parquet")
    found: T
    with suppress(OSError, ValueError):  # not there, or not ours
        found = _read(con, path, label)
        return found
    built = build()
    found = _read(con, path, label) if _put(path, label, built) else _in_memory(built)
    return found


def identity(location: Path, files: Iterable[Path]) -> str:
    """Return what tells a book from any other: its place, and each file's name, size and times of change."""
    # the face of the package is no layer that the book may import
    version = sys.modules[__name__.partition(".")[0]].__version__
    stands = [(file.name, *_stand(file)) for file in sorted(files)]
    return repr((version, str(location.resolve()), stands))


def _stand(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:  # an optional file
        return ()
    # an older file put in place of a newer one changes the inode's time, whatever it says of its own
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _in_memory(built: T) -> T:
    return built.cache() if isinstance(built, ir.Table) else built


def _read(con: Any, path: Path, label: str) -> Any:
    schema = pq.read_schema(path)
    notes = schema.metadata or {}
    if notes.get(_LABEL) != label.encode():
        raise ValueError(f"{path} holds something else than {label}")
    if _VALUE in notes:
        return json.loads(notes[_VALUE])
    name = glob.escape(str(path)).replace("'", "''")
    query = f"select * from read_parquet('{name}', hive_partitioning = false)"
    return con.sql(query, schema=ibis.Schema.from_pyarrow(schema))


def _put(path: Path, label: str, built: Any) -> bool:
    """Put a table, or a value as the note of a table without columns, on the shelf; False if it has no place there."""
    notes = {_LABEL: label.encode()}
    rows: pa.Table
    if isinstance(built, ir.Table):
        rows = built.to_pyarrow()
    else:
        rows, value = pa.table({}), _as_json(built)
        if value is None:
            return False
        notes[_VALUE] = value.encode()
    return _whole(path, rows.replace_schema_metadata(notes))


def _as_json(value: Any) -> str | None:
    try:
        text = json.dumps(value)
    except TypeError:
        return None
    return text if json.loads(text) == value else None  # a tuple would come back as a list


def _whole(path: Path, rows: pa.Table) -> bool:
    part = path.with_name(f"{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pq.write_table(rows, part)
        part.replace(path)  # two processes may both come here: each has the same to say
    except OSError:  # no folder, or no room
        return False
    finally:
        with suppress(OSError):  # gone to its place, or never there
            part.unlink()
    return True
