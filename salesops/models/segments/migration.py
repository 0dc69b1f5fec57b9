"""Who moved: from which segment to which, between two dates."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from salesops.models.intervals import wilson
from salesops.models.segments.grid import check_customers

ABSENT = "no customer yet"
GONE = "no customer any more"


@dataclass(frozen=True)
class Migration:
    """Moves between segments.

    Attributes
    ----------
    transitions : pandas.DataFrame
        before, after, customers (count), of (customers in `before`), share (customers ÷ of; NaN where `of` is
        0), low, high (95% Wilson interval of the share: each row of the table as a binomial of its own). One
        row for each pair of segments, also those that nobody took.
    moved : pandas.DataFrame
        account_id, before, after of each customer whose segment changed, in the order of the segments.
    """

    transitions: pd.DataFrame
    moved: pd.DataFrame

    @property
    def matrix(self) -> pd.DataFrame:
        """The counts as a table: a row for each segment before, a column for each after."""
        return self.transitions.pivot(index="before", columns="after", values="customers")


def migrate(before: pd.DataFrame, after: pd.DataFrame) -> Migration:
    """Compare the segments of two dates, both assigned with the same frozen definition.

    Parameters
    ----------
    before, after : pandas.DataFrame
        account_id and segment (categorical), as `assign` gives them. Who is in one of them only moves from
        "no customer yet", or to "no customer any more".
    """
    for table in (before, after):
        check_customers(table, ["segment"])
    both = before[["account_id", "segment"]].merge(
        after[["account_id", "segment"]], on="account_id", how="outer", suffixes=("_before", "_after")
    )
    names = list(dict.fromkeys([*_names(before), *_names(after)]))
    pairs = pd.DataFrame(
        {
            "account_id": both["account_id"],
            "before": _ordered(both["segment_before"], names, ABSENT),
            "after": _ordered(both["segment_after"], names, GONE),
        }
    )
    moved = pairs[pairs.before.astype(str) != pairs.after.astype(str)]
    moved = moved.sort_values(["before", "after", "account_id"]).reset_index(drop=True)
    return Migration(_transitions(pairs), moved)


def _names(table: pd.DataFrame) -> list[str]:
    segment = table["segment"]
    if isinstance(segment.dtype, pd.CategoricalDtype):
        return [str(name) for name in segment.cat.categories]
    return sorted(str(name) for name in segment.dropna().unique())


def _ordered(segment: pd.Series, names: list[str], missing: str) -> pd.Categorical:
    return pd.Categorical(segment.astype(object).fillna(missing), categories=[*names, missing], ordered=True)


def _transitions(pairs: pd.DataFrame) -> pd.DataFrame:
    counts = pairs.groupby(["before", "after"], observed=False).size().rename("customers").reset_index()
    # nobody leaves the table from outside of it
    counts = counts[(counts.before != ABSENT) | (counts.after != GONE)].reset_index(drop=True)
    of = counts.groupby("before", observed=False).customers.transform("sum")
    low, high = wilson(counts.customers, of)
    return counts.assign(of=of, share=counts.customers / of.where(of > 0), low=low, high=high)
