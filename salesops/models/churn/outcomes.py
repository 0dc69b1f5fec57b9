"""Who was heard of after a call: what the save rate is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pandas as pd

from salesops.book.source import Book
from salesops.metrics.contracts import account_spells, contract_spans
from salesops.models.churn.result import Setting
from salesops.models.rhythm import purchase_days


def still_there(
    book: Book, as_of: date, setting: Setting, log: Iterable[Mapping[str, str]], *, days: int
) -> pd.DataFrame:
    """Return the days that show a client to be still there after a call.

    Orders: purchase days. Contracts: first days of contracts after its first. Accounts: the last of the `days` after
    each call, if a contract runs on it.

    Parameters
    ----------
    log : iterable of mapping
        As `salesops.book.playbook.read_log` gives it.

    Returns
    -------
    pandas.DataFrame
        account_id, ordered_on (date; the name that models.playbook.play_outcomes reads).
    """
    if setting == "accounts":
        return _running(book, as_of, log, days)
    if setting == "contracts":
        begun = contract_spans(book, as_of).select("account_id", ordered_on="start_date")
        contracts: pd.DataFrame = begun.to_pandas()
        contracts = contracts.assign(ordered_on=pd.to_datetime(contracts.ordered_on))
        later = contracts.ordered_on > contracts.groupby("account_id").ordered_on.transform("min")
        return contracts[later].reset_index(drop=True)
    bought = purchase_days(book, as_of)
    bought = bought.filter(bought.is_purchase & bought.account_id.notnull())
    found: pd.DataFrame = bought.select("account_id", ordered_on="day").to_pandas()
    return found.assign(ordered_on=pd.to_datetime(found.ordered_on))


def _running(book: Book, as_of: date, log: Iterable[Mapping[str, str]], days: int) -> pd.DataFrame:
    calls = pd.DataFrame([(entry["account_id"], entry["logged_on"]) for entry in log], columns=["account_id", "on"])
    spells: pd.DataFrame = account_spells(book, as_of).to_pandas()
    both = calls.assign(ordered_on=pd.to_datetime(calls.on) + pd.Timedelta(days=days)).merge(spells, on="account_id")
    started, ended = pd.to_datetime(both.started), pd.to_datetime(both.ended)
    there = ~(started > both.ordered_on) & ~(ended < both.ordered_on)
    return both.loc[there, ["account_id", "ordered_on"]].reset_index(drop=True)
