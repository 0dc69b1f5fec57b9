"""A grid in sentences: what each segment is, and where the cuts tell nobody apart."""

from __future__ import annotations

from itertools import groupby

import pandas as pd

from salesops.models.rhythm import FEWEST_GAPS
from salesops.models.segments.grid import (
    IN_RHYTHM,
    SILENT,
    TOO_FEW,
    UNKNOWN,
    Dimension,
    Segment,
    SegmentGrid,
    numbers,
)

FACTS = (
    "The words are held to each customer’s own rhythm: new is only who bought first within the churn page’s horizon.",
    f"{TOO_FEW}: fewer than {FEWEST_GAPS} gaps between purchases, or most of them by deals.",
    f"{IN_RHYTHM}: silent for no longer than the 80% point of its own gaps, however long that is, or in its usual "
    f"pause of the year; {', '.join(SILENT[:-1])} and {SILENT[-1]} are only those beyond it.",
)


def grid_rules(grid: SegmentGrid) -> list[str]:
    """Return one sentence a segment, in the order in which they are tried, and one for missing values."""
    rules = []
    for name, boxes in groupby(grid.segments, key=lambda segment: segment.name):
        cases = "; or ".join(_box(box, grid) for box in boxes)
        rules.append(f"{name}: {cases}.")
    columns = [dimension.unit for dimension in grid.dimensions]
    return [*rules, *(FACTS if grid.speaks_of_silence else ()), f"{UNKNOWN}: {_either(columns)} not known."]


def grid_notes(grid: SegmentGrid, customers: pd.DataFrame) -> list[str]:
    """Return a sentence for each dimension that has levels which none of these customers is in.

    That is so where many customers share one value, or where they have moved since the cuts were made.
    """
    notes = []
    for dimension in grid.dimensions:
        values = numbers(customers, dimension.column)
        used = set(dimension.level(values)) - {0}
        if used and len(used) < dimension.levels:
            most, count = _most_common(customers[dimension.column])
            notes.append(
                f"{dimension.name}: {len(used)} of {dimension.levels} levels are used; "
                f"the same {dimension.unit}, {_number(most)}, for {count:,} of {len(customers):,}."
            )
    return notes


def _box(segment: Segment, grid: SegmentGrid) -> str:
    parts = [
        _range(dimension, *segment.levels[dimension.name])
        for dimension in grid.dimensions
        if segment.levels.get(dimension.name, (1, dimension.levels)) != (1, dimension.levels)
    ]
    return ", ".join(parts) or "every other customer"


def _range(dimension: Dimension, low: int, high: int) -> str:
    """Return the values from level `low` to level `high` in words."""
    if dimension.best == "low":
        low, high = dimension.levels + 1 - high, dimension.levels + 1 - low
    above = dimension.cuts[low - 2] if low > 1 else None
    most = dimension.cuts[high - 1] if high < dimension.levels else None
    if above is not None and above == most:
        return f"{dimension.unit}: nobody, as the cuts at {_number(above)} fall together"
    words = [f"more than {_number(above)}"] if above is not None else []
    words += [f"at most {_number(most)}"] if most is not None else []
    return f"{dimension.unit} {' and '.join(words)}"


def _most_common(values: pd.Series) -> tuple[float, int]:
    counts = values.value_counts()
    return float(counts.index[0]), int(counts.iloc[0])


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _number(value: float) -> str:
    """Write a cut in full: a rounded one would name other customers."""
    return f"{value:,.0f}" if value.is_integer() else f"{value:,}"
