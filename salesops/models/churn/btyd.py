"""The baseline of the buying models: the chance to buy within the horizon, by MBG/NBD fitted at each cut."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops.book.source import Book
from salesops.models.churn.encoding import Vector
from salesops.models.customers import FEWEST
from salesops.models.lifetime import ModifiedBetaGeoNBD
from salesops.models.rhythm import purchase_days

WEEK = 7


def chance_to_buy(book: Book, as_of: date, units: pd.DataFrame, horizon_days: int) -> Vector:
    """Return P(active): the chance (0–1) of each unit's client to buy within the horizon after its cut.

    The model is fitted at each cut on everyone who had bought by then. NaN where fewer than
    `models.customers.FEWEST` had, or there is no maximum.

    Parameters
    ----------
    units : pandas.DataFrame
        account_id, cut (dates).
    """
    days = purchase_days(book, as_of)
    bought = days.filter(days.is_purchase).select("account_id", "day").to_pandas()
    bought["day"] = pd.to_datetime(bought.day)
    found = np.full(len(units), np.nan)
    for cut in units.cut.unique():
        asked = (units.cut == cut).to_numpy()
        found[asked] = _at_cut(bought[bought.day <= cut], cut, units.account_id[asked], horizon_days)
    return found


def _at_cut(bought: pd.DataFrame, cut: pd.Timestamp, accounts: pd.Series, horizon_days: int) -> Vector:
    sums = bought.groupby("account_id").day.agg(["min", "max", "size"])
    if len(sums) < FEWEST:
        return np.full(len(accounts), np.nan)
    rows = pd.DataFrame(
        {
            "x": sums["size"] - 1,
            "t_x": (sums["max"] - sums["min"]).dt.days / WEEK,
            "T": (cut - sums["min"]).dt.days / WEEK,
        }
    )
    model = ModifiedBetaGeoNBD().fit(rows.x, rows.t_x, rows["T"])
    if not model.converged_:
        return np.full(len(accounts), np.nan)
    asked = rows.loc[accounts]
    return model.probability_active(horizon_days / WEEK, asked.x, asked.t_x, asked["T"])
