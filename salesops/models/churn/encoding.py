"""Columns of a table as numbers: what is missing, what is a category, what was never seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.errors import ChurnError, did_you_mean, first_few

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """Which columns a model was fitted on, and how each is read.

    `categories` maps a column of texts to the values seen at the fit; a numeric column is not in it. A value that
    was not seen is unknown, as a missing one is.
    """

    names: tuple[str, ...]
    categories: dict[str, pd.Index]

    def read(self, table: pd.DataFrame) -> Matrix:
        """Return the columns as numbers, a code for each category, NaN for what is missing or unknown.

        Raises
        ------
        ChurnError
            If a column is missing, or holds texts where numbers were fitted.
        """
        lacking = [name for name in self.names if name not in table]
        if lacking:
            raise ChurnError(
                f"The model was fitted on {len(self.names)} features; {len(lacking)} not found: {first_few(lacking)}. "
                f"For '{lacking[0]}': {did_you_mean(lacking[0], map(str, table.columns))} Compute them as for the fit."
            )
        numbers = np.empty((len(table), len(self.names)), order="F")
        for place, name in enumerate(self.names):
            numbers[:, place] = self._read(table[name])
        return numbers

    def _read(self, column: pd.Series) -> Vector:
        known = self.categories.get(str(column.name))
        if known is None:
            return _numbers(column)
        codes = known.get_indexer(pd.Index(_texts(column))).astype(float)
        return np.where(codes < 0, np.nan, codes)


def columns_of(table: pd.DataFrame) -> Columns:
    """Return how a table is to be read: numbers and booleans as numbers, all else as categories."""
    if not isinstance(table, pd.DataFrame):
        raise ChurnError(f"Features must be a pandas.DataFrame with named columns. Got {type(table).__name__}.")
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise ChurnError(f"Each feature needs a name of its own. Repeated: {first_few(repeated)}. Rename them.")
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    categories = {str(name): pd.Index(sorted(set(_texts(table[name]).dropna()))) for name in texts}
    return Columns(tuple(map(str, table.columns)), categories)


def read_labels(y: object, rows: int) -> NDArray[np.bool_]:
    """Return labels as booleans (true: lost).

    Raises
    ------
    ChurnError
        If there is another number of labels than rows, a label is missing or is neither 0 nor 1, or all are alike.
    """
    labels = pd.Series(np.asarray(y, dtype=object).ravel())
    if len(labels) != rows:
        raise ChurnError(f"Expected a label for each of {rows:,} rows, found {len(labels):,}.")
    missing = labels.isna()
    if missing.any():
        raise ChurnError(
            f"{int(missing.sum()):,} of {rows:,} labels are missing (first in row {labels.index[missing][0]}). "
            "Leave out the rows whose outcome is not yet known."
        )
    odd = ~labels.isin([0, 1])
    if odd.any():
        raise ChurnError(f"A label must be 0 (kept) or 1 (lost). Got {first_few(labels[odd].unique())}.")
    lost = labels.astype(bool).to_numpy()
    if rows and lost.all() | ~lost.any():
        raise ChurnError(
            f"All {rows:,} labels are {int(lost[0])}: a model needs some that were lost and some that were kept."
        )
    return np.asarray(lost, dtype=bool)


def _numbers(column: pd.Series) -> Vector:
    try:
        numbers = pd.to_numeric(column, errors="raise").to_numpy(dtype=float, na_value=np.nan)
    except (ValueError, TypeError):
        raise ChurnError(f"'{column.name}' was fitted as a number and now holds texts. Correct the column.") from None
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _texts(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), None).map(str, na_action="ignore")
