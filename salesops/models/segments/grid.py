"""A rule grid: cuts on a few columns, and names for the boxes between them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.errors import BookError, did_you_mean, first_few

UNKNOWN = "not enough data"
# words that say of a client what only its own rhythm can tell
NEW, PROMISING, IN_RHYTHM, TOO_FEW = "new", "promising", "in its rhythm", "too few purchases to say"
SILENT = ("about to sleep", "cannot lose", "at risk", "hibernating")
FACTS = ("has_rhythm", "fresh", "late")

Best = Literal["high", "low"]


@dataclass(frozen=True)
class Dimension:
    """One column, cut into levels: 1 is the worst, the number of cuts + 1 the best.

    Attributes
    ----------
    name : str
        The word for it: recency, frequency, value.
    column : str
        Column of the customer table.
    best : str
        "high" if a high value is good, "low" if a low one is.
    unit : str
        What the column counts, as rules say it: "days since the last purchase".
    cuts : tuple of float
        Ascending. A value that equals a cut lies below it, so equal values are never split. Equal cuts leave
        the level between them empty.
    """

    name: str
    column: str
    best: Best
    unit: str
    cuts: tuple[float, ...]

    @property
    def levels(self) -> int:
        """How many levels there are."""
        return len(self.cuts) + 1

    def level(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the level of each value, 1 to `levels`; 0 where it is missing or not finite."""
        above = np.searchsorted(np.asarray(self.cuts, dtype=float), values, side="left")
        level = above + 1 if self.best == "high" else self.levels - above
        return np.where(np.isfinite(values), level, 0).astype(np.int64)


@dataclass(frozen=True)
class Segment:
    """A name for the customers whose levels lie in a box; a dimension that is not named does not matter.

    `levels` maps the name of a dimension to its lowest and highest level, both included.
    """

    name: str
    levels: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class SegmentGrid:
    """A frozen definition of segments: `assign` gives the same segment to the same figures at any time.

    Attributes
    ----------
    scheme : str
        What the grid is made of: "recency × frequency × value".
    version : int
        Raised by whoever cuts anew, so that two definitions are never mistaken for one another.
    fitted_on : date or None
        The day of the customer table that the cuts come from.
    customers : int
        How many customers that table had.
    dimensions, segments : tuple
        Segments in their order: the first whose box holds a customer is the customer's. A name may stand on
        several boxes. The boxes cover the grid, so that every customer has exactly one segment.
    """

    scheme: str
    version: int
    fitted_on: date | None
    customers: int
    dimensions: tuple[Dimension, ...]
    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        if (self._lookup < 0).any():
            gaps = [f"{name} {level}" for name, level in self._first_gap()]
            raise BookError(
                f"The segments leave customers out: none holds {', '.join(gaps)}. Widen one, or add one without levels."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the segments in their order, each once, those of `assign`'s facts, and UNKNOWN at the end."""
        names = dict.fromkeys(segment.name for segment in self.segments)
        return (*names, *((IN_RHYTHM, TOO_FEW) if self.speaks_of_silence else ()), UNKNOWN)

    @property
    def speaks_of_silence(self) -> bool:
        """Whether a segment's name says that its clients have fallen silent."""
        return any(segment.name in SILENT for segment in self.segments)

    def assign(self, customers: pd.DataFrame) -> pd.DataFrame:
        """Return the segment of each customer.

        Where the table holds FACTS, the words of silence are held to them: "new" is who bought first within the
        horizon; of others without a rhythm there are too few purchases to say; and who is not late by its own gaps is
        in its rhythm, however long it has been silent.

        Parameters
        ----------
        customers : pandas.DataFrame
            account_id and the columns of the dimensions, one row a customer; today's or any later one. Optionally
            has_rhythm, fresh and late (booleans), as `models.customers.customer_summary` has them.

        Returns
        -------
        pandas.DataFrame
            In the order of the rows, with their index: account_id, segment (categorical, in the order of
            `names`; UNKNOWN where a column is missing), and the level in each dimension (0 where missing).

        Raises
        ------
        BookError
            If a column is absent, does not hold numbers, or an account stands twice.
        """
        check_customers(customers, [dimension.column for dimension in self.dimensions])
        levels = [dimension.level(numbers(customers, dimension.column)) for dimension in self.dimensions]
        known = np.all([level > 0 for level in levels], axis=0)
        shape = self._lookup.shape
        flat = np.ravel_multi_index([np.maximum(level - 1, 0) for level in levels], shape)
        codes = np.where(known, self._lookup.ravel()[flat], len(self.names) - 1)
        if self.speaks_of_silence and set(FACTS) <= set(customers.columns):
            codes = _held_to_facts(codes, known, customers, self.names)
        columns = {dimension.name: level for dimension, level in zip(self.dimensions, levels, strict=True)}
        segment = segment_column(codes, self.names)
        return pd.DataFrame(
            {"account_id": customers["account_id"], "segment": segment, **columns}, index=customers.index
        )

    @cached_property
    def _lookup(self) -> NDArray[np.int64]:
        """The position in `names` of the segment that holds each cell; -1 where none does."""
        names = self.names
        lookup = np.full([dimension.levels for dimension in self.dimensions], -1)
        for segment in reversed(self.segments):
            box = [segment.levels.get(dimension.name, (1, dimension.levels)) for dimension in self.dimensions]
            lookup[tuple(slice(low - 1, high) for low, high in box)] = names.index(segment.name)
        return lookup

    def _first_gap(self) -> list[tuple[str, int]]:
        cell = next(cell for cell in itertools.product(*map(range, self._lookup.shape)) if self._lookup[cell] < 0)
        return [(dimension.name, place + 1) for dimension, place in zip(self.dimensions, cell, strict=True)]


def _held_to_facts(
    codes: NDArray[np.int64], known: NDArray[np.bool_], customers: pd.DataFrame, names: tuple[str, ...]
) -> NDArray[np.int64]:
    place = {name: names.index(name) for name in names}
    rhythm, fresh, late = (customers[name].to_numpy(dtype=bool) for name in FACTS)
    silent = np.isin(codes, [place[name] for name in SILENT if name in place])
    found = np.where(rhythm & silent & ~late, place[IN_RHYTHM], codes)
    if NEW in place:
        found = np.where(found == place[NEW], place.get(PROMISING, place[IN_RHYTHM]), found)
    found = np.where(rhythm, found, place[TOO_FEW])
    found = np.where(fresh & (NEW in place), place.get(NEW, 0), found)
    return np.where(known, found, codes)


def segment_column(codes: NDArray[np.int64], names: tuple[str, ...]) -> pd.Categorical:
    """Return positions in `names` as a categorical column, in their order."""
    dtype: Any = pd.CategoricalDtype(list(names), ordered=True)
    return pd.Categorical.from_codes(codes, dtype=dtype)


def check_customers(customers: pd.DataFrame, columns: list[str]) -> None:
    """Raise BookError unless the table has account_id and these columns, and no account twice."""
    for column in ("account_id", *columns):
        if column not in customers.columns:
            hint = did_you_mean(column, [str(name) for name in customers.columns])
            raise BookError(f"The customer table has no column '{column}'. {hint}")
    accounts = customers["account_id"]
    if not accounts.is_unique:
        twice = accounts[accounts.duplicated()]
        raise BookError(
            f"The customer table names {len(twice):,} of {len(accounts):,} accounts more than once "
            f"(first: {first_few(twice)}). Keep one row a customer."
        )


def numbers(customers: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Return a column as floats, NaN where it is missing. Raises BookError where it holds no numbers."""
    values: Any = customers[column]
    try:
        found: NDArray[np.float64] = values.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise BookError(f"The column '{column}' of the customer table must hold numbers. Got {values.dtype}.") from None
    return found
