"""A book's folder is replaced by two renames; what stands beside it after a kill is put in order by whoever comes next.

Beside the book `b` an import writes `.b.MARK.new`. When that is whole, `b` becomes `.b.MARK.old`, the new folder
becomes `b`, and the old one goes. A folder that an import is writing is locked.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such locks: there nobody can tell who is at work, and folders are left alone
    fcntl = None  # type: ignore[assignment]  # as above


def folders_beside(dest: Path, mark: str) -> tuple[Path, Path]:
    """Return where an import writes the new book, and where it moves the old one."""
    return dest.with_name(f".{dest.name}.{mark}.new"), dest.with_name(f".{dest.name}.{mark}.old")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a folder from being taken for one that a killed import has left; a rename does not end that."""
    handle = _lock(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def settle_replacement(dest: Path) -> None:
    """Finish or undo what a killed import has left beside a book, which need not be there; else nothing happens.

    Where the old book was moved away, the new one is whole and takes its place. Where the new one is not whole, it
    goes. An import that is at work is left alone, and so is all where nothing may be renamed.
    """
    dest = dest.resolve()
    marks = _marks_beside(dest)
    if not dest.exists():
        for mark in marks:
            _into_place(dest, *folders_beside(dest, mark))
    for mark in marks:
        new, old = folders_beside(dest, mark)
        if _is_in_use(new) or (old.exists() and not dest.exists()):
            continue
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _marks_beside(dest: Path) -> list[str]:
    name = re.compile(rf"\.{re.escape(dest.name)}\.([0-9a-f]+)\.(?:new|old)")
    with suppress(OSError):
        found = (name.fullmatch(path.name) for path in dest.parent.iterdir())
        return sorted({match[1] for match in found if match})
    return []


def _into_place(dest: Path, new: Path, old: Path) -> None:
    if old.is_dir():
        with suppress(OSError):  # the import itself, or somebody else, was quicker
            (new if new.is_dir() else old).rename(dest)


def _is_in_use(folder: Path) -> bool:
    if not folder.exists():
        return False
    handle = _lock(folder)
    if handle is not None:
        os.close(handle)
    return handle is None


def _lock(folder: Path) -> int | None:
    """Return the handle of a folder locked, or None if it is locked already or cannot be."""
    if fcntl is None:
        return None
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise
        return handle
    return None
