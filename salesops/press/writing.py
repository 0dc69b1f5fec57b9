"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

UNFINISHED = ".*.part"  # what a killed run may leave behind


def make_writable(folder: Path) -> None:
    """Make a folder if it is not there, and write in it once: better known now than after the first report.

    Raises
    ------
    OSError
        If it cannot be made or written; the message names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from None


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that no reader ever sees half of it, and a failure leaves the old one.

    Raises
    ------
    OSError
        If the folder cannot be written, or the disk is full; the message names the file.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:  # also Ctrl-C
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
