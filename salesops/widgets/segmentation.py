"""What the explorer computes: a choice of method, features and number becomes a segment for each customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from salesops.errors import BookError
from salesops.models.segments import (
    RFM,
    RHYTHM,
    UNKNOWN,
    VALUE_ACTIVE,
    Clusters,
    Scheme,
    SegmentGrid,
    fit_clusters,
    fit_grid,
)

Method = Literal["rfm", "value_active", "kmeans", "mixture", "saved"]
Definition = SegmentGrid | Clusters

METHODS: dict[Method, str] = {
    "rfm": "Rule grid: recency, frequency, value",
    "value_active": "Rule grid: value, P(active)",
    "kmeans": "Clusters: KMeans",
    "mixture": "Clusters: Gaussian mixture",
    "saved": "Saved definition",
}
FEATURES = {
    "days_since": "Days since the last purchase",
    "frequency": "Repeat purchases",
    "total": "Money spent in all",
    "monetary": "Money per repeat purchase",
    "median_gap": "Median gap in days",
    "gap_spread": "Spread of the gaps in days",
    "families": "Product families bought",
    "recency": "Time from first to last purchase",
    "T": "Time since the first purchase",
    "p_active": "P(active)",
    "value": "Lifetime value",
}
FEWEST, MOST = 2, 12
_GRIDS: dict[Method, Scheme] = {"rfm": RFM, "value_active": VALUE_ACTIVE}


@dataclass(frozen=True)
class Choice:
    """What a person chose.

    Attributes
    ----------
    method : str
        A key of METHODS. "saved" takes a definition as it was read from a file.
    features : tuple of str
        Columns by which clusters compare customers; a grid has its own.
    count : int
        Number of clusters; a grid has its own.
    """

    method: Method = "rfm"
    features: tuple[str, ...] = RHYTHM
    count: int = 4

    @property
    def clusters(self) -> bool:
        """Whether features and number matter."""
        return self.method in ("kmeans", "mixture")


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Customers in segments.

    Attributes
    ----------
    choice : Choice
        What was asked for.
    definition : SegmentGrid or Clusters
        What can be saved, and gives the same segment to the same figures at any time.
    segment : pandas.Series
        Categorical, one value a customer, with the index of the customer table.
    """

    choice: Choice
    definition: Definition
    segment: pd.Series

    @property
    def names(self) -> tuple[str, ...]:
        """The segments that hold a customer, in the order of the definition."""
        held = np.bincount(self.segment.cat.codes, minlength=len(self.definition.names))
        return tuple(name for name, count in zip(self.definition.names, held, strict=True) if count)

    @property
    def headline(self) -> str:
        """The method and the number of segments in words."""
        title = METHODS[self.choice.method]
        if self.choice.method == "saved":
            kind = "rule grid" if isinstance(self.definition, SegmentGrid) else "clusters"
            title = f"{title}, {kind}"
        return f"{title}, {len([name for name in self.names if name != UNKNOWN])} segments"


def segment_customers(customers: pd.DataFrame, choice: Choice, saved: Definition | None = None) -> Segmentation:
    """Put every customer into a segment; nothing is sampled.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer: account_id and the columns that the method needs.
    choice : Choice
        What to make.
    saved : SegmentGrid or Clusters, optional
        The definition of method "saved".

    Raises
    ------
    BookError
        If a column is absent or empty, too few customers differ, no feature is chosen, or "saved" has nothing saved.
    """
    definition = _definition(customers, choice, saved)
    assigned = definition.assign(customers)
    return Segmentation(choice, definition, assigned["segment"])


def features_of(customers: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns that customers can be compared by: known ones that hold a number for someone."""
    return tuple(name for name in FEATURES if name in customers.columns and _holds_numbers(customers[name]))


def methods_for(customers: pd.DataFrame) -> tuple[Method, ...]:
    """Return the methods whose columns this table has; "saved" is not among them."""
    features = set(features_of(customers))
    grids = [name for name, scheme in _GRIDS.items() if {column for _, column, *_ in scheme.dimensions} <= features]
    return (*grids, "kmeans", "mixture") if features else ()


def first_choice(customers: pd.DataFrame) -> Choice:
    """Return what the explorer begins with: the first method that the table allows, on the rhythm if it is known."""
    methods, features = methods_for(customers), features_of(customers)
    if not methods:
        raise BookError(
            f"The {len(customers):,} customers have no figures to compare them by. Expected some of "
            f"{', '.join(FEATURES)}. Give the table of metrics.purchases."
        )
    rhythm = tuple(name for name in RHYTHM if name in features)
    return Choice(methods[0], rhythm or features[:3])


def segment_sizes(customers: pd.DataFrame, segmentation: Segmentation) -> pd.DataFrame:
    """Return what each segment is: one row a segment that holds a customer, in the order of the definition.

    Returns
    -------
    pandas.DataFrame
        segment; customers (count); share (of all customers, 0 to 1); total (money of all of them; absent if the
        table has no total), days_since (days, median; absent likewise).
    """
    groups = customers.groupby(segmentation.segment, observed=True)
    sizes = pd.DataFrame({"customers": groups.size()})
    sizes["share"] = sizes.customers / max(len(customers), 1)
    if "total" in customers.columns:
        sizes["total"] = groups["total"].sum()
    if "days_since" in customers.columns:
        sizes["days_since"] = groups["days_since"].median()
    return sizes.rename_axis("segment").reset_index()


def _definition(customers: pd.DataFrame, choice: Choice, saved: Definition | None) -> Definition:
    if choice.method == "saved":
        if saved is None:
            raise BookError("No definition is loaded. Load one from a file, or choose another method.")
        return saved
    if choice.method == "kmeans" or choice.method == "mixture":
        if not choice.features:
            raise BookError("Clusters need at least one feature. Choose one.")
        return fit_clusters(customers, choice.count, columns=choice.features, method=choice.method)
    return fit_grid(customers, _GRIDS[choice.method])


def _holds_numbers(column: Any) -> bool:
    return pd.api.types.is_numeric_dtype(column) and bool(column.notna().any())
