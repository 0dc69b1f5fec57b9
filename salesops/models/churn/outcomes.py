"""What became of the clients that an earlier day scored, as far as it is known today."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.churn.result import Churn, Setting
from salesops.models.churn.units import contract_units, sales_days


def outcomes(book: Book, before: Churn, as_of: date) -> pd.Series:
    """Tell of each row of an earlier table whether it was lost by a later day.

    Orders: lost is no purchase from the day after the earlier one to the end of its horizon. Contracts: lost is as
    `units.contract_units` says, once the grace after the end has passed.

    Returns
    -------
    pandas.Series
        1 (lost), 0 (stayed) or NaN (not yet due), by the index of `before.table`.
    """
    table = before.table
    if before.setting == "contracts":
        units = contract_units(book, as_of, horizon_days=before.horizon_days)
        came = units.select("contract_id", "churned").to_pandas().set_index("contract_id").churned
        return table.contract_id.map(came.astype("Float64")).astype(float)
    start = pd.Timestamp(before.as_of)
    end = start + pd.Timedelta(days=before.horizon_days)
    if end > pd.Timestamp(as_of):
        return pd.Series(np.nan, table.index)
    heard = still_there(book, as_of, before.setting)
    bought = heard.account_id[(heard.ordered_on > start) & (heard.ordered_on <= end)]
    return (~table.account_id.isin(bought)).astype(float)


def still_there(book: Book, as_of: date, setting: Setting) -> pd.DataFrame:
    """Return the days that show a client to be still there: purchase days, or first days of contracts after its first.

    Returns
    -------
    pandas.DataFrame
        account_id, ordered_on (date; the name that models.playbook.play_outcomes reads).
    """
    if setting == "contracts":
        contracts = contract_table(book, as_of)
        later = contracts.start_date > contracts.groupby("account_id").start_date.transform("min")
        return contracts.loc[later, ["account_id", "start_date"]].rename(columns={"start_date": "ordered_on"})
    days = sales_days(book, as_of)
    bought = days.filter(days.is_purchase & days.account_id.notnull()).select("account_id", ordered_on="day")
    found: pd.DataFrame = bought.to_pandas()
    return found.assign(ordered_on=pd.to_datetime(found.ordered_on))


def contract_table(book: Book, as_of: date) -> pd.DataFrame:
    """Return account_id, start_date and end_date (dates) of the contracts that had begun by a day."""
    names = ["account_id", "start_date", "end_date"]
    found: pd.DataFrame = as_known(book, as_of).table("contracts").select(*names).to_pandas()
    found = found.assign(start_date=pd.to_datetime(found.start_date), end_date=pd.to_datetime(found.end_date))
    return found[found.start_date <= pd.Timestamp(as_of)].reset_index(drop=True)
