"""Customer tables for tests: made by hand, drawn, or counted straight from the sample's files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from hypothesis import strategies as st

COLUMNS = (
    "account_id", "frequency", "recency", "T", "monetary", "total", "first_purchase", "last_purchase", "median_gap",
    "gap_spread", "families", "last_owner", "days_since",
)  # fmt: skip  # as metrics.purchases names them


def customers(**columns: object) -> pd.DataFrame:
    """A customer table with these columns, and account ids A0, A1, …"""
    table = pd.DataFrame(columns)
    return table if "account_id" in table else table.assign(account_id=[f"A{n}" for n in range(len(table))])


def drawn(count: int, seed: int = 3) -> pd.DataFrame:
    """Customers without any groups: every figure is drawn on its own."""
    rng = np.random.default_rng(seed)
    return customers(
        frequency=rng.geometric(0.2, count) - 1,
        days_since=rng.integers(0, 700, count),
        total=np.exp(rng.normal(6, 1, count)).round(2),
        monetary=np.exp(rng.normal(5, 1, count)),
        median_gap=np.exp(rng.normal(3, 0.7, count)),
        gap_spread=np.exp(rng.normal(2, 0.7, count)),
        p_active=rng.random(count),
    )


def grouped(count: int, groups: int, seed: int = 4) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers in groups far from each other, and the group of each."""
    rng = np.random.default_rng(seed)
    group = np.arange(count) % groups
    middle = 3 + 2 * group
    values = {name: np.exp(middle + rng.normal(0, 0.2, count)) for name in ("monetary", "median_gap", "gap_spread")}
    return customers(**values), group


def rfm_tables(least: int = 1) -> st.SearchStrategy[pd.DataFrame]:
    """Customer tables with many ties, with missing values, in any size from `least` rows."""
    rows = st.tuples(
        st.one_of(st.integers(0, 4), st.none()), st.integers(0, 9), st.one_of(st.floats(-1e6, 1e9), st.just(0.0))
    )
    return st.lists(rows, min_size=least, max_size=40).map(
        lambda rows: customers(
            frequency=[row[0] for row in rows], days_since=[row[1] for row in rows], total=[row[2] for row in rows]
        ).astype({"frequency": "Float64"})
    )


def sample_customers(sample: Path, as_of: str = "2026-10-31") -> pd.DataFrame:
    """The customers of data/sample on a day, in SQL of its own: purchases of one day are one, gaps are in days."""
    sql = f"""
        WITH lines AS (
            SELECT account_id, owner_id, family, net_amount, (ordered_at AT TIME ZONE 'Europe/Berlin')::DATE AS day
            FROM '{sample}/orders.parquet' JOIN '{sample}/order_lines.parquet' USING (order_id)
            JOIN '{sample}/products.parquet' USING (product_id)
        ), days AS (
            SELECT account_id, day, sum(net_amount) AS net, max(owner_id) AS owner,
                day - lag(day) OVER (PARTITION BY account_id ORDER BY day) AS gap
            FROM lines WHERE day <= '{as_of}' GROUP BY account_id, day
        ), bought AS (
            SELECT account_id, count(DISTINCT family) AS families FROM lines WHERE day <= '{as_of}' GROUP BY account_id
        )
        SELECT account_id, count(*) - 1 AS frequency, max(day) - min(day) AS recency,
            DATE '{as_of}' - min(day) AS T, coalesce(avg(net) FILTER (gap IS NOT NULL), 0) AS monetary,
            sum(net) AS total, min(day) AS first_purchase, max(day) AS last_purchase, median(gap) AS median_gap,
            stddev_samp(gap) AS gap_spread, any_value(families) AS families, max_by(owner, day) AS last_owner,
            DATE '{as_of}' - max(day) AS days_since
        FROM days JOIN bought USING (account_id) GROUP BY account_id ORDER BY account_id
    """
    table: pd.DataFrame = duckdb.sql(sql).df()
    assert tuple(table.columns) == COLUMNS
    return table
