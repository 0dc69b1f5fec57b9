"""Files of the explorer: a selection as CSV, a definition as TOML; each whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import secrets
from contextlib import suppress
from pathlib import Path

import pandas as pd

from salesops.book.spreadsheet import harmless
from salesops.errors import BookError, did_you_mean, system_repair
from salesops.models.segments import Clusters, read_clusters, read_grid, save_clusters, save_grid
from salesops.models.segments.definition import read_values
from salesops.widgets.segmentation import Definition

_FORBIDDEN = set('/\\:*?"<>|\0')


def export_csv(table: pd.DataFrame, folder: Path, name: str, *, what: str = "selection") -> Path:
    """Write a table to a new file and return its path; a file that stands there keeps its name, ours gets a number.

    `what` is the table's name in errors.

    Raises
    ------
    BookError
        If the name is no plain file name, or the file cannot be written.
    """
    wanted = file_in(folder, name, ".csv")
    text = csv_text(table)
    made = wanted.with_name(f".{wanted.name}.{secrets.token_hex(4)}.new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with made.open("w", encoding="utf-8-sig", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return _put(made, wanted)
    except OSError as error:
        reason = f"{error.strerror or error}. {system_repair(error)}".rstrip()
        raise BookError(f"The {what} cannot be written to '{wanted}': {reason}") from None
    finally:
        with suppress(OSError):
            made.unlink(missing_ok=True)


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV that no spreadsheet takes for formulas.

    Texts and column names that begin like one get an apostrophe before them (`book.spreadsheet`). Numbers stay
    numbers. Missing values are empty.
    """
    shown = table.copy()
    for column in table.columns:
        if not pd.api.types.is_numeric_dtype(table[column]):
            shown[column] = table[column].astype(object).map(harmless)
    shown.columns = [harmless(str(name)) for name in shown.columns]
    text = io.StringIO()
    # all texts quoted: a lone carriage return in a name would else end the line for whoever reads it
    shown.to_csv(text, index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    return text.getvalue()


def save_definition(definition: Definition, folder: Path, name: str, *, replace: bool = False) -> Path:
    """Write a definition of segments to a file and return its path.

    Raises
    ------
    BookError
        If the name is no plain file name, the file is there already and is not to be replaced, or it cannot be
        written.
    """
    path = file_in(folder, name, ".toml")
    if path.exists() and not replace:
        raise BookError(
            f"'{path}' is there already. Choose another name, or tick 'Replace' to give its segments a new meaning."
        )
    with suppress(OSError):  # what it cannot make, it cannot write to: said below
        folder.mkdir(parents=True, exist_ok=True)
    if isinstance(definition, Clusters):
        save_clusters(definition, path)
    else:
        save_grid(definition, path)
    return path


def load_definition(folder: Path, name: str) -> Definition:
    """Read a definition of segments, a grid or clusters. Raises BookError if it cannot be read."""
    path = file_in(folder, name, ".toml")
    if not path.exists():
        raise BookError(f"There is no file '{path}'. {did_you_mean(path.name, definition_names(folder))}".strip())
    return read_clusters(path) if "centres" in read_values(path) else read_grid(path)


def definition_names(folder: Path) -> list[str]:
    """Return the names of the TOML files of a folder."""
    return sorted(path.name for path in folder.glob("*.toml")) if folder.is_dir() else []


def file_in(folder: Path, name: str, ending: str) -> Path:
    """Return the path of a file in a folder. Raises BookError unless the name is a plain one."""
    plain = name.strip()
    if not plain.removesuffix(ending) or plain.startswith(".") or _FORBIDDEN & set(plain) or not plain.isprintable():
        raise BookError(f"The file name must be a plain name such as 'segments{ending}'. Got {name!r}.")
    return folder / (plain if plain.endswith(ending) else plain + ending)


def _put(made: Path, wanted: Path) -> Path:
    """Give a written file the wanted name, or the next one that is free."""
    number, path = 1, wanted
    while True:
        try:
            path.open("x").close()  # the name is ours from here on, whoever else exports
        except FileExistsError:
            number += 1
            path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        else:
            return made.replace(path)
