"""What the explorer selects: the customers in a box of the scatter and in some of the segments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.errors import BookError
from salesops.models.segments.grid import numbers
from salesops.widgets.segmentation import Segmentation

Axes = tuple[str, str]
Plays = Mapping[Any, str] | Callable[[pd.DataFrame], Any]
_FIRST = ("account_id", "account_name", "segment", "play")


@dataclass(frozen=True)
class Box:
    """Limits on the two columns of the scatter, in their own units, both ends included."""

    x: tuple[float, float]
    y: tuple[float, float]


def select(
    customers: pd.DataFrame, segmentation: Segmentation, axes: Axes, box: Box | None, segments: tuple[str, ...] = ()
) -> NDArray[np.bool_]:
    """Return which customers are selected; all are counted, drawn or not.

    Parameters
    ----------
    axes : tuple of str
        The columns that the box limits.
    box : Box or None
        None selects everywhere, also customers without a value in these columns.
    segments : tuple of str
        Names of segments; empty selects all of them.
    """
    chosen = np.ones(len(customers), dtype=bool)
    if segments:
        chosen &= segmentation.segment.isin(segments).to_numpy(dtype=bool)
    if box is not None:
        for column, (low, high) in zip(axes, (box.x, box.y), strict=True):
            values = numbers(customers, column)
            chosen &= (values >= low) & (values <= high)
    return chosen


def selection_table(
    customers: pd.DataFrame, segmentation: Segmentation, chosen: NDArray[np.bool_], plays: pd.Series | None = None
) -> pd.DataFrame:
    """Return the selected customers in their order, with segment and, where plays are given, play."""
    table = customers.loc[chosen].assign(segment=segmentation.segment[chosen].astype(str))
    if plays is not None:
        table["play"] = plays[chosen]
    first = [name for name in _FIRST if name in table.columns]
    return table[[*first, *(name for name in table.columns if name not in first)]].reset_index(drop=True)


def plays_of(customers: pd.DataFrame, segmentation: Segmentation, plays: Plays | None) -> pd.Series | None:
    """Return the play of each customer, "" where there is none; None if no plays are given.

    Parameters
    ----------
    plays : mapping or callable
        A mapping from account_id to the play's name. Or a function of the customer table with its segments, which
        returns one name a row.

    Raises
    ------
    BookError
        If the function returns another number of plays than there are customers.
    """
    if plays is None:
        return None
    if isinstance(plays, Mapping):
        found = customers["account_id"].map(dict(plays))
    else:
        given = plays(customers.assign(segment=segmentation.segment.astype(str)))
        found = pd.Series(np.asarray(given, dtype=object).ravel())
        if len(found) != len(customers):
            raise BookError(f"The function of plays gave {len(found):,} plays for {len(customers):,} customers.")
    found.index = customers.index
    return found.astype(object).where(found.notna(), "")


def play_counts(table: pd.DataFrame) -> list[tuple[str, int]]:
    """Return the plays of a selection with their number of customers, the most frequent first."""
    if "play" not in table.columns:
        return []
    counts = table["play"].value_counts()
    ordered = sorted(((str(name), int(count)) for name, count in counts.items()), key=lambda pair: (-pair[1], pair[0]))
    return [(name or "no play", count) for name, count in ordered]
