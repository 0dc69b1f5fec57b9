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
from pathlib import Path
from typing import Any, TypeVar

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

T = TypeVar("T")

VARIABLE = "SALESOPS_SHELF"
_KEY = b"salesops"


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
    place = Path(folder, hashlib.sha256(label.encode()).hexdigest())
    try:
        found: T = _read(con, place, label)
    except (OSError, ValueError, TypeError, LookupError):  # not there, or not ours
        built = build()
        found = _read(con, place, label) if _put(place, label, built) else _in_memory(built)
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


def _read(con: Any, place: Path, label: str) -> Any:
    value = place.with_suffix(".json")
    if value.exists():
        held = json.loads(value.read_text(encoding="utf-8"))
        return _ours(held["key"], label, held["value"])
    table = place.with_suffix(".parquet")
    schema = pq.read_schema(table)
    name = glob.escape(str(table)).replace("'", "''")
    found = con.sql(f"select * from read_parquet('{name}')", schema=ibis.Schema.from_pyarrow(schema))
    return _ours((schema.metadata or {})[_KEY].decode(), label, found)


def _ours(found: str, label: str, held: Any) -> Any:
    if found != label:
        raise ValueError(found)
    return held


def _put(place: Path, label: str, built: Any) -> bool:
    """Put a table or a value on the shelf, whole or not at all; False where it has no place there."""
    if isinstance(built, ir.Table):
        rows: pa.Table = built.to_pyarrow()
        rows = rows.replace_schema_metadata({_KEY: label.encode()})
        return _whole(place.with_suffix(".parquet"), lambda file: pq.write_table(rows, file))
    try:
        text = json.dumps({"key": label, "value": built})
    except TypeError:
        return False
    if json.loads(text)["value"] != built:  # a tuple would come back as a list
        return False
    return _whole(place.with_suffix(".json"), lambda file: file.write_text(text, encoding="utf-8"))


def _whole(path: Path, write: Callable[[Path], object]) -> bool:
    part = path.with_name(f"{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(part)
        part.replace(path)  # two processes may both come here: each has the same to say
    except OSError:  # no folder, or no room
        return False
    finally:
        part.unlink(missing_ok=True)
    return True
