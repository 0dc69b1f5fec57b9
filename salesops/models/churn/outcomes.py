"""What became of the clients that an earlier day scored, as far as it is known today."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.metrics.account_sales import daily_sales
from salesops.metrics.purchases import by_day
from salesops.models.churn.result import Churn, Setting

GRACE_DAYS = 30  # a successor that starts so late after the end still renews


def outcomes(book: Book, before: Churn, as_of: date) -> pd.Series:
    """Tell of each row of an earlier table whether it was lost by a later day.

    Orders: lost is no purchase from the day after the earlier one to the end of its horizon. Contracts: lost is an
    end that has passed by more than GRACE_DAYS, with no successor. What is not yet due is NaN.

    Returns
    -------
    pandas.Series
        1 (lost), 0 (stayed) or NaN, by the index of `before.table`.
    """
    if before.setting == "contracts":
        return _contracts(book, before.table, as_of)
    start = pd.Timestamp(before.as_of)
    end = start + pd.Timedelta(days=before.horizon_days)
    heard = still_there(book, as_of, before.setting)
    bought = heard.account_id[(heard.ordered_on > start) & (heard.ordered_on <= end)]
    lost = (~before.table.account_id.isin(bought)).astype(float)
    # who bought is known to have stayed, even if the horizon has not gone by
    return lost if end <= pd.Timestamp(as_of) else lost.where(lost == 0)


def still_there(book: Book, as_of: date, setting: Setting) -> pd.DataFrame:
    """Return the days that show a client to be still there: purchase days, or first days of contracts that renew one.

    Returns
    -------
    pandas.DataFrame
        account_id, ordered_on (date; the name that models.playbook.play_outcomes reads).
    """
    if setting == "contracts":
        contracts = contract_table(book, as_of)
        renews = contracts[contracts.contract_id.isin(contracts.renewed_by_contract_id.dropna())]
        return renews[["account_id", "start_date"]].rename(columns={"start_date": "ordered_on"})
    known = as_known(book, as_of)
    days = known.keep("client days", lambda: by_day(daily_sales(book, as_of)))
    bought = days.filter(days.is_purchase & days.account_id.notnull()).select("account_id", ordered_on="day")
    found: pd.DataFrame = bought.to_pandas()
    return found.assign(ordered_on=pd.to_datetime(found.ordered_on))


def contract_table(book: Book, as_of: date) -> pd.DataFrame:
    """Return contract_id, account_id, start_date, end_date and renewed_by_contract_id of what had begun by a day."""
    names = ["contract_id", "account_id", "start_date", "end_date", "renewed_by_contract_id"]
    found: pd.DataFrame = as_known(book, as_of).table("contracts").select(*names).to_pandas()
    found = found.assign(start_date=pd.to_datetime(found.start_date), end_date=pd.to_datetime(found.end_date))
    # whoever signs today for next year has stayed, but a contract without a first day cannot be placed
    return found[found.start_date <= pd.Timestamp(as_of)].reset_index(drop=True)


def _contracts(book: Book, table: pd.DataFrame, as_of: date) -> pd.Series:
    contracts = contract_table(book, as_of)
    own = table[["contract_id", "account_id", "end_date"]]
    followed = own.merge(contracts, on="account_id", suffixes=("", "_next"))
    end = pd.to_datetime(followed.end_date)
    grace = pd.Timedelta(days=GRACE_DAYS)
    later = (followed.end_date_next > end) & (followed.start_date <= end + grace)
    other = followed.contract_id_next != followed.contract_id
    renewed = table.contract_id.isin(followed.contract_id[later & other])
    ended = pd.to_datetime(table.end_date) + grace < pd.Timestamp(as_of)
    return pd.Series(np.select([renewed, ended], [0.0, 1.0], np.nan), table.index)
