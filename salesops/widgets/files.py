"""Files of the explorer: a selection as CSV, a definition as TOML; each whole or not at all."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from pathlib import Path

import pandas as pd

from salesops.book.spreadsheet import harmless
from salesops.errors import BookError, did_you_mean, system_reason
from salesops.files import file_in, read_toml, write_new
from salesops.models.segments import Clusters, read_clusters, read_grid, save_clusters, save_grid
from salesops.widgets.segmentation import Definition


def export_csv(table: pd.DataFrame, folder: Path, name: str, *, what: str = "selection") -> Path:
    """Write a table to a new file and return its path; a file that stands there keeps its name, ours gets a number.

    `what` is the table's name in errors.

    Raises
    ------
    BookError
        If the name is no plain file name, or the file cannot be written.
    """
    wanted = file_in(folder, name, ".csv", error=BookError)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return write_new(wanted, csv_text(table), encoding="utf-8-sig")
    except OSError as error:
        raise BookError(f"The {what} cannot be written to '{wanted}': {system_reason(error)}") from None


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
    path = file_in(folder, name, ".toml", error=BookError)
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
    path = file_in(folder, name, ".toml", error=BookError)
    if not path.exists():
        raise BookError(f"There is no file '{path}'. {did_you_mean(path.name, definition_names(folder))}".strip())
    return read_clusters(path) if "centres" in read_toml(path, error=BookError) else read_grid(path)


def definition_names(folder: Path) -> list[str]:
    """Return the names of the TOML files of a folder."""
    return sorted(path.name for path in folder.glob("*.toml")) if folder.is_dir() else []
