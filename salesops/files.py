"""Files that are there whole, or not at all; TOML in and out; names that a file can have."""

from __future__ import annotations

import os
import secrets
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import tomlkit

from salesops.errors import SalesopsError, system_reason

UNFINISHED = ".*.part"  # what a killed run may leave behind
_FORBIDDEN = set('/\\:*?"<>|\0')


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; what was written takes the place of `path` at once, or is gone.

    Raises
    ------
    OSError
        If it cannot be written; the message names `path`, where what stood there still does.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):  # gone to its place, or never there
            part.unlink()


def write_whole(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    """Write a text file so that no reader ever sees half of it, with its line ends as they are; fails as `whole`."""
    with whole(path) as part, part.open("w", encoding=encoding, newline="") as file:
        file.write(text)


def write_new(path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    """Write a text file whole under a free name, `path` or the same with a number, and return its path."""
    number, free = 1, path
    while True:
        try:
            free.open("x").close()  # the name is ours from here on, whoever else writes
            break
        except FileExistsError:
            number += 1
            free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    try:
        write_whole(free, text, encoding=encoding)
    except BaseException:
        free.unlink(missing_ok=True)
        raise
    return free


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


def file_in(folder: Path, name: str, ending: str, *, error: type[SalesopsError]) -> Path:
    """Return the path of a file in a folder. Raises `error` unless the name is a plain one."""
    plain = name.strip()
    if not plain.removesuffix(ending) or plain.startswith(".") or _FORBIDDEN & set(plain) or not plain.isprintable():
        raise error(f"The file name must be a plain name such as 'segments{ending}'. Got {name!r}.")
    return folder / (plain if plain.endswith(ending) else plain + ending)


def toml_text(values: Mapping[str, Any], *, comment: str = "") -> str:
    """Return values as TOML that reads back as the same values, below a comment."""
    lines = [f"# {line}\n" for line in comment.splitlines()]
    return "".join([*lines, tomlkit.dumps(values)])


def read_toml(path: Path, *, error: type[SalesopsError]) -> dict[str, Any]:
    """Return the content of a TOML file. Raises `error` if it cannot be read or is none."""
    return toml_values(read_text(path, error=error), path.name, error=error)


def read_text(path: Path, *, error: type[SalesopsError]) -> str:
    """Return a text file in UTF-8, without the mark of order that some editors write. Raises `error`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as broken:
        raise error(f"'{path}' cannot be read: {system_reason(broken)}") from None
    except UnicodeDecodeError as broken:
        raise error(f"{path.name} is no text in UTF-8: {broken}. Correct the file.") from None


def toml_values(text: str, where: str, *, error: type[SalesopsError]) -> dict[str, Any]:
    """Return the content of a TOML text. Raises `error`, which names `where`, if it is none."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as broken:
        raise error(f"{where} is not valid TOML: {broken}. Correct the file.") from None
