"""The ways to cut a grid: recency × frequency × value, and value × P(active).

The names of RFM are the ten of the usual map on recency and frequency fifths, as Putler made it popular and
as most tools draw it. Two things are this project's own: champions must also be worth it, and who was worth
much and fell silent is "cannot lose" however rarely the customer bought. RFM itself: Hughes, Strategic Database
Marketing, 1994.

The names of VALUE_ACTIVE are those of Reinartz and Kumar, The Mismanagement of Customer Loyalty, Harvard
Business Review 80(7), 2002: profit × how long the relation will last. P(active) stands for the second here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops.errors import BookError
from salesops.models.segments.grid import Best, Dimension, Segment, SegmentGrid, check_customers, numbers


@dataclass(frozen=True)
class Scheme:
    """How to cut: dimensions as (name, column, best, unit, levels), and the segments in their order."""

    name: str
    dimensions: tuple[tuple[str, str, Best, str, int], ...]
    segments: tuple[Segment, ...]


def _rfm(name: str, recency: tuple[int, int], frequency: tuple[int, int], value: tuple[int, int] = (1, 5)) -> Segment:
    return Segment(name, {"recency": recency, "frequency": frequency, "value": value})


def _worth(name: str, value: tuple[int, int], active: tuple[int, int]) -> Segment:
    return Segment(name, {"value": value, "activity": active})


RFM = Scheme(
    "recency × frequency × value",
    (
        ("recency", "days_since", "low", "days since the last purchase", 5),
        ("frequency", "frequency", "high", "repeat purchases", 5),
        ("value", "total", "high", "money spent in all", 5),
    ),
    (
        _rfm("champions", (5, 5), (4, 5), (3, 5)),
        _rfm("loyal", (3, 5), (4, 5)),
        _rfm("potential loyalists", (4, 5), (2, 3)),
        _rfm("new", (5, 5), (1, 1)),
        _rfm("promising", (4, 4), (1, 1)),
        _rfm("need attention", (3, 3), (3, 3)),
        _rfm("about to sleep", (3, 3), (1, 2)),
        _rfm("cannot lose", (1, 2), (5, 5)),
        _rfm("cannot lose", (1, 2), (1, 4), (5, 5)),
        _rfm("at risk", (1, 2), (3, 4)),
        _rfm("hibernating", (1, 2), (1, 2)),
    ),
)

VALUE_ACTIVE = Scheme(
    "value × P(active)",
    (
        ("value", "total", "high", "money spent in all", 2),
        ("activity", "p_active", "high", "chance to buy in the horizon", 2),
    ),
    (
        _worth("true friends", (2, 2), (2, 2)),
        _worth("butterflies", (2, 2), (1, 1)),
        _worth("barnacles", (1, 1), (2, 2)),
        _worth("strangers", (1, 1), (1, 1)),
    ),
)


def fit_grid(
    customers: pd.DataFrame, scheme: Scheme = RFM, *, fitted_on: date | None = None, version: int = 1
) -> SegmentGrid:
    """Cut each dimension at the quantiles of these customers and freeze the result.

    With n levels, cut k is the smallest value that at least the share k ÷ n of the customers do not exceed. A
    value equal to a cut lies below it: equal values share a level, whatever the order of the rows, and levels
    are uneven, or empty, where many customers share a value.

    Parameters
    ----------
    customers : pandas.DataFrame
        account_id and the columns of the scheme. Missing values do not count for the cuts.
    scheme : Scheme
        RFM, VALUE_ACTIVE, or one of your own.
    fitted_on : date
        Day of the customer table, for the record.
    version : int
        Number of this definition, for the record.

    Raises
    ------
    BookError
        If a column is absent, does not hold numbers or is missing everywhere, or an account stands twice.
    """
    check_customers(customers, [column for _, column, *_ in scheme.dimensions])
    dimensions = tuple(
        Dimension(name, column, best, unit, _cuts(customers, column, levels))
        for name, column, best, unit, levels in scheme.dimensions
    )
    return SegmentGrid(scheme.name, version, fitted_on, len(customers), dimensions, scheme.segments)


def _cuts(customers: pd.DataFrame, column: str, levels: int) -> tuple[float, ...]:
    values = numbers(customers, column)
    values = values[np.isfinite(values)]
    if not len(values):
        raise BookError(
            f"The column '{column}' is empty for all {len(customers):,} customers, so no cut can be made. "
            "Choose another column, or an earlier first date."
        )
    # an observed value, never a mean of two: a cut between equal customers would split them
    cuts = np.quantile(values, np.arange(1, levels) / levels, method="inverted_cdf")
    return tuple(float(cut) for cut in cuts)
