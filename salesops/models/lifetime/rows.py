"""Purchase histories, checked; and the distinct rows among them, with counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from salesops.errors import HistoryError, first_few

Vector = NDArray[np.float64]
MOST_PURCHASES = 1_000_000
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


@dataclass(frozen=True)
class Histories:
    """Distinct purchase histories.

    Attributes
    ----------
    x : numpy.ndarray
        Repeat purchases (count).
    t_x : numpy.ndarray
        Time from the first purchase to the last (time units).
    T : numpy.ndarray
        Time from the first purchase to the date of the summary (time units).
    n : numpy.ndarray
        How many customers have this history.
    """

    x: Vector
    t_x: Vector
    T: Vector
    n: Vector

    def in_units(self, scale: float) -> Histories:
        """Return the same histories with times divided by `scale`."""
        return Histories(self.x, self.t_x / scale, self.T / scale, self.n)


@dataclass(frozen=True)
class Distinct:
    """Which rows are equal: `order` sorts equal rows side by side, `start` is where each group begins in it."""

    order: NDArray[np.intp]
    start: NDArray[np.intp]

    @property
    def first(self) -> NDArray[np.intp]:
        """Position of one row of each group."""
        return self.order[self.start]

    def sums(self, counts: Vector | None) -> Vector:
        """Return the sum of the counts in each group; without counts, its number of rows."""
        if counts is None:
            return np.diff(self.start, append=len(self.order)).astype(float)
        total: Vector = np.add.reduceat(counts[self.order], self.start)
        return total

    def spread(self, values: Vector) -> Vector:
        """Return for each row the value of its group."""
        lengths = np.diff(self.start, append=len(self.order))
        spread = np.empty(len(self.order))
        spread[self.order] = np.repeat(values, lengths)
        return spread


def read_histories(
    frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, counts: ArrayLike | None = None
) -> Histories:
    """Check purchase histories and return the distinct ones with counts.

    Raises
    ------
    HistoryError
        If a history cannot be (see `check_histories`), a count is negative, or there is no customer.
    """
    x, t_x, age = (np.ravel(column) for column in check_histories(frequency, recency, T))
    weights = read_counts(counts, len(x))
    groups = distinct([x, t_x, age])
    n = groups.sums(weights)
    kept = groups.first[n > 0]
    return Histories(x[kept], t_x[kept], age[kept], n[n > 0])


def check_histories(frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> tuple[Vector, Vector, Vector]:
    """Return frequency, recency and T as arrays of one shape.

    Raises
    ------
    HistoryError
        If frequency is no count, a time is negative or missing, recency is later than T, or recency is not 0
        where frequency is 0.
    """
    x, t_x, age = numbers(frequency=frequency, recency=recency, T=T)
    check_purchases(x)
    check_amounts("recency", t_x)
    check_amounts("T", age)
    refuse("recency", t_x > age, "a time not later than T (the last purchase lies before the date)", t_x)
    refuse("recency", (x == 0) & (t_x > 0), "0 where frequency is 0 (no repeat purchase)", t_x)
    return x, t_x, age


def check_purchases(frequency: Vector) -> None:
    """Refuse a frequency that is no count of repeat purchases."""
    whole = (frequency >= 0) & (frequency <= MOST_PURCHASES) & (np.floor(frequency) == frequency)
    refuse("frequency", ~whole, f"whole numbers of repeat purchases from 0 to {MOST_PURCHASES:,}", frequency)


def check_amounts(name: str, values: Vector) -> None:
    """Refuse values that are missing, infinite or negative."""
    refuse(name, ~((values >= 0) & (values < np.inf)), "finite numbers that are not negative", values)


def read_counts(counts: ArrayLike | None, rows: int) -> Vector | None:
    """Return the customers per row, None where each row is one; refuse counts of no customer at all."""
    if counts is None:
        if not rows:
            raise HistoryError("A fit needs one customer at least; found 0 rows. Check the filter before it.")
        return None
    (given,) = numbers(counts=counts)
    check_amounts("counts", given)
    if given.ndim and given.size != rows:
        raise HistoryError(f"counts: expected one for each of {rows:,} rows, found {given.size:,}. Pass as many.")
    full = np.broadcast_to(np.ravel(given), (rows,))
    if not full.sum() > 0:
        raise HistoryError(f"A fit needs one customer at least; the counts of {rows:,} rows add up to 0. Check them.")
    return full


def numbers(**columns: ArrayLike) -> tuple[Vector, ...]:
    """Return columns as arrays of floats of one shape."""
    arrays = []
    for name, values in columns.items():
        try:
            arrays.append(np.asarray(values, dtype=float))
        except (TypeError, ValueError) as error:
            raise HistoryError(f"{name}: expected numbers, found {error}. Convert the column to numbers.") from error
    try:
        return tuple(np.broadcast_arrays(*arrays))
    except ValueError as error:
        sizes = ", ".join(f"{name} {array.size:,}" for name, array in zip(columns, arrays, strict=True))
        raise HistoryError(f"Expected columns of one length, found {sizes} rows. Pass as many of each.") from error


def refuse(name: str, bad: NDArray[np.bool_], expected: str, values: Vector) -> None:
    """Raise if any value is bad; the message names the first rows, counted from 0."""
    found = np.flatnonzero(bad)
    if not len(found):
        return
    first = first_few((f"row {at:,} is {np.ravel(values)[at]:g}" for at in found[:3]), len(found))
    raise HistoryError(
        f"{name}: expected {expected}; {len(found):,} of {bad.size:,} rows are not (first: {first}). "
        "Correct them in the summary, or leave them out."
    )


def distinct(columns: Sequence[Vector]) -> Distinct:
    """Find the distinct rows of columns of equal length.

    Rows are sorted by a hash of their bits, which is several times faster than sorting by each column. Whether
    neighbours are equal is told by the values themselves: a clash of hashes can split a group in two, which
    changes no sum, and never joins two.
    """
    size = len(columns[0])
    places = np.uint64(max(size - 1, 1).bit_length())
    tagged = (_hash(columns) >> places << places) | np.arange(size, dtype=np.uint64)
    tagged.sort()
    order = (tagged & ((np.uint64(1) << places) - np.uint64(1))).astype(np.intp)
    new = np.zeros(size, dtype=bool)
    new[:1] = True
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    return Distinct(order, np.flatnonzero(new))


def _hash(columns: Sequence[Vector]) -> NDArray[np.uint64]:
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        # adding 0 makes -0.0 and 0.0 the same bits
        mixed ^= np.ascontiguousarray(column + 0.0).view(np.uint64) * _MIX[0]
        mixed ^= mixed >> np.uint64(32)
        mixed *= _MIX[1]
    mixed ^= mixed >> np.uint64(29)
    return mixed * _MIX[0]
