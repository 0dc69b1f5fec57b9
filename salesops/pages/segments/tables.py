"""The tables behind the page of customer segments: sizes, what came since, and the money put to the test."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from salesops.models.customers import DECIMALS, Customers
from salesops.models.intervals import with_interval
from salesops.models.segments import RHYTHM, UNKNOWN, Clusters, SegmentGrid
from salesops.pages.segments.outlook import Outlook


def segment_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return size, money, value and habits of each segment that holds anyone; see `CustomerSegments.segments`."""
    groups = table.groupby("segment", observed=True)
    found = groups.agg(
        customers=("account_id", "size"),
        money=("total", "sum"),
        p_active=("p_active", "mean"),
        frequency=("frequency", "median"),
        days_since=("days_since", "median"),
    )
    found["value"] = groups.value.sum(min_count=1)
    found["per_purchase"] = _per_purchase(table).groupby(table.segment, observed=True).median()
    shares = {f"{name}_share": found[of] / (found[of].sum() or np.nan) for name, of in _SHARES.items()}
    return found.assign(**shares).reset_index()


_SHARES = {"customer": "customers", "money": "money", "value": "value"}


def _per_purchase(table: pd.DataFrame) -> pd.Series[float]:
    return (table.total - table.returned) / (table.frequency + 1)


def since_table(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return how the segments of the earlier date fared; see `CustomerSegments.since`."""
    later = now.set_index("account_id")[["frequency", "total"]].reindex(before.account_id).reset_index(drop=True)
    bought, money = later.frequency > before.frequency, later.total - before.total
    each = pd.DataFrame({"segment": before.segment, "bought": bought, "money": money})
    found = each.groupby("segment", observed=True).agg(
        customers=("bought", "size"), bought=("bought", "sum"), money_each=("money", "mean")
    )
    found = found.assign(silent=found.customers - found.bought, rate=found.bought / found.customers)
    return with_interval(found, "bought", "silent").drop(columns="silent").reset_index()


def value_test(before: Customers, now: Customers, outlook: Outlook | None) -> dict[str, float] | None:
    """Return how the money expected on the earlier date came true; see `CustomerSegments.value_test`."""
    if not before.usable or now.as_of - before.as_of != timedelta(weeks=now.horizon_weeks):
        return None
    then = before.table[before.table.value.notna()]
    if then.empty:
        return None
    came = (then.account_id.map(now.table.set_index("account_id").total) - then.total).round(DECIMALS)
    naive = then.total / then["T"].clip(lower=1) * now.horizon_weeks
    ranks = {"rank": then.value, "naive_rank": naive}
    return {
        "expected": float(then.value.sum()),
        "low": outlook.low if outlook else float("nan"),
        "high": outlook.high if outlook else float("nan"),
        "came": float(came.sum()),
        "naive": float(naive.sum()),
        **{name: _rank_correlation(foretold, came) for name, foretold in ranks.items()},
    }


def _rank_correlation(one: pd.Series[float], other: pd.Series[float]) -> float:
    if one.nunique() < 2 or other.nunique() < 2:
        return float("nan")
    return float(one.rank().corr(other.rank()))


def median_rules(table: pd.DataFrame, clusters: SegmentGrid | Clusters | None) -> list[str]:
    """Describe clusters by what they were compared by; nothing without clusters."""
    if not isinstance(clusters, Clusters):
        return []
    middle = table.groupby("segment", observed=True)[list(RHYTHM)].median()
    return [
        f"{name}: about {row.monetary:,.0f} a purchase, every {row.median_gap:,.0f} days, the gaps spread over "
        f"{row.gap_spread:,.0f} days (medians)."
        for name, row in middle.drop(index=UNKNOWN, errors="ignore").iterrows()
    ] + [f"{UNKNOWN}: fewer than three purchases, so no rhythm of their own."]
