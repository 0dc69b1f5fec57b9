"""What a client bought: by quarter, and by product family; and what its peers buy and it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops.book.money import in_book_currency
from salesops.book.snapshot import as_known
from salesops.book.sold import won_deals
from salesops.book.source import Book
from salesops.metrics.account_sales import family_sales
from salesops.metrics.whitespace import whitespace
from salesops.models.rhythm import purchase_days
from salesops.periods import fiscal_quarter_of, fiscal_year_of


def own_days(book: Book, account_id: str, as_of: date) -> pd.DataFrame:
    """Return a client's days with a sale or return: day, value (money, net), is_purchase; oldest first."""
    table = purchase_days(book, as_of)
    days: pd.DataFrame = table.filter(table.account_id == account_id).drop("account_id").order_by("day").to_pandas()
    return days.assign(day=pd.to_datetime(days.day), value=days.value.astype(float))


def by_quarter(days: pd.DataFrame, as_of: date, first_month: int) -> pd.DataFrame:
    """Return the fiscal quarters of this year and the year before, up to `as_of`, oldest first.

    Parameters
    ----------
    days : pandas.DataFrame
        As `purchase_days` gives them.

    Returns
    -------
    pandas.DataFrame
        year (as people call it: 2026, or FY2026 where it is no calendar year), place (1 to 4), start, end (dates),
        purchases (purchase days), value (money, net of returns).
    """
    rows = []
    span = fiscal_quarter_of(as_of, first_month)
    for _ in range(8):
        place = (span.start.month - first_month) % 12 // 3 + 1
        year = fiscal_year_of(span.start, first_month).label
        inside = days[days.day.between(pd.Timestamp(span.start), pd.Timestamp(span.end))]
        bought, value = int(inside.is_purchase.sum()), float(inside.value.sum())
        rows.append((year, place, span.start, span.end, bought, value))
        span = fiscal_quarter_of(span.start - timedelta(days=1), first_month)
    table = pd.DataFrame(rows[::-1], columns=["year", "place", "start", "end", "purchases", "value"])
    recent: pd.DataFrame = table[table.year.isin(table.year.unique()[-2:])].reset_index(drop=True)
    return recent


def by_month(days: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return the 24 calendar months up to that of `as_of`: month (its first day), value (money, net of returns)."""
    months = pd.period_range(end=pd.Timestamp(as_of).to_period("M"), periods=24, freq="M")
    sums = days.value.groupby(days.day.dt.to_period("M")).sum()
    return pd.DataFrame({"month": months.to_timestamp(), "value": sums.reindex(months).fillna(0.0).to_numpy(float)})


def year_value(days: pd.DataFrame, as_of: date, *, ago: int = 0) -> float:
    """Return the net value of the 365 days up to `as_of`, or of those so many years of 365 days before."""
    end = pd.Timestamp(as_of - timedelta(days=365 * ago))
    return float(days.value[(days.day > end - pd.Timedelta(days=365)) & (days.day <= end)].sum())


def families_bought(book: Book, account_id: str, as_of: date) -> pd.DataFrame:
    """Return the families that a client bought, largest first.

    Returns
    -------
    pandas.DataFrame
        family (null: products that the book does not know), value (money, net of returns), share (of the sum of
        positive values; NaN where value is not above 0), last_day (date).
    """
    known = as_known(book, as_of)
    table = known.keep("client families", lambda: family_sales(book, as_of))
    rows: pd.DataFrame = table.filter(table.account_id == account_id).to_pandas()
    rows = rows[(rows.units > 0) | (rows.value.fillna(0) != 0)]
    value = rows.value.astype(float)
    whole = value.clip(lower=0).sum()
    share = np.where(value > 0, value / (whole or 1), np.nan)
    rows = rows.assign(value=value, share=share).sort_values(["value", "family"], ascending=[False, True])
    return rows[["family", "value", "share", "last_day"]].reset_index(drop=True)


def families_open(book: Book, account_id: str, as_of: date) -> pd.DataFrame:
    """Return the client's rows of `metrics.whitespace` that any peer buys, the most usual family first."""
    known = as_known(book, as_of)
    table = known.keep("client whitespace", lambda: whitespace(book, as_of))
    rows: pd.DataFrame = table.filter((table.account_id == account_id) & (table.peers_buying > 0)).to_pandas()
    return rows.sort_values(["peer_share", "family"], ascending=[False, True], ignore_index=True)


@dataclass(frozen=True)
class Won:
    """How many deals were won for an amount above 0, for how much (money; those without a rate not), and the last."""

    deals: int
    amount: float
    last: date | None


def won_by(book: Book, account_id: str, as_of: date) -> Won:
    """Return the deals that an account won up to a day."""
    known = as_known(book, as_of)
    deals = won_deals(known)
    mine = deals.filter(deals.account_id == account_id)
    rows: pd.DataFrame = in_book_currency(known, mine, "amount", mine.close_date).to_pandas()
    days = pd.to_datetime(rows.close_date)
    return Won(len(rows), float(rows.value.sum()), days.max().date() if days.notna().any() else None)
