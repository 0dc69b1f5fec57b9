"""The CDNOW sample as lifetime models read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

CUT = pd.Timestamp("1997-09-30")


@dataclass(frozen=True)
class Cdnow:
    """`customers`: frequency, recency, T (weeks, in exact days), spend; `bought`: purchases of weeks 40–78."""

    customers: pd.DataFrame
    bought: np.ndarray


@pytest.fixture(scope="session")
def cdnow(shared: Path) -> Cdnow:
    folder = shared / "data" / "cdnow"
    names = ["master", "customer", "date", "cds", "value"]
    lines = pd.read_csv(folder / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names, dtype={"date": str})
    days = lines.assign(date=pd.to_datetime(lines.date)).drop_duplicates(["customer", "date"])
    first = days[days.date <= CUT].groupby("customer").date.agg(["min", "max", "size"])
    spend = pd.read_csv(folder / "cdnow_customers_summary_with_transactions.csv").set_index("ID").zbar
    customers = pd.DataFrame(
        {
            "frequency": first["size"] - 1,
            "recency": (first["max"] - first["min"]).dt.days / 7,
            "T": (CUT - first["min"]).dt.days / 7,
            "spend": spend,
        }
    )
    bought = days[days.date > CUT].groupby("customer").size().reindex(customers.index, fill_value=0)
    return Cdnow(customers, bought.to_numpy(float))
