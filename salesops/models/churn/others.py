"""Clients without a rhythm: never called lost, but with the chance of another order, and worth a talk."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import pandas as pd

from salesops.book.money import in_book_currency
from salesops.book.snapshot import as_known
from salesops.book.sold import sales, won_deals
from salesops.book.source import Book
from salesops.models.churn.units import order_units
from salesops.models.intervals import wilson
from salesops.models.rhythm import YEAR, has_rhythm, purchase_days, rhythms

QUARTER = 91  # days: steps of silence
COLUMNS = ("chance", "chance_low", "chance_high", "compared")


def chances_of_another(book: Book, as_of: date, clients: pd.DataFrame) -> pd.DataFrame:
    """Return the chance of each client without a rhythm to buy again within a year.

    It is the share that did of the clients without a rhythm who a year before had been silent for as long: within the
    same quarter of a year.

    Parameters
    ----------
    clients : pandas.DataFrame
        hiatus_days.

    Returns
    -------
    pandas.DataFrame
        By the index of `clients`: chance, chance_low, chance_high (0–1, with the 95% interval), compared (how many
        clients of then it stands on); NaN where there were none.
    """
    known = _a_year_ago(book, as_of)
    band = _band(known.hiatus)
    sums = known.groupby(band).bought.agg(["size", "sum"])
    low, high = wilson(sums["sum"], sums["size"])
    table = pd.DataFrame(
        {"chance": sums["sum"] / sums["size"], "chance_low": low, "chance_high": high, "compared": sums["size"]}
    )
    found = table.reindex(_band(clients.hiatus_days).to_numpy()).set_axis(clients.index)
    return found[list(COLUMNS)]


def worth_a_talk(clients: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """Return the clients silent for longer than the horizon, the one whose money is least likely to come first."""
    silent = clients[clients.hiatus_days > horizon_days]
    missed = silent.worth.astype(float) * (1 - silent.chance.astype(float).fillna(0.5))
    return silent.loc[missed.sort_values(ascending=False, kind="stable").index]


def clients_by_deals(book: Book, as_of: date) -> pd.DataFrame:
    """Return the accounts that won deals for an amount in the year up to a day, and never ordered by it.

    Returns
    -------
    pandas.DataFrame
        account_id, hiatus_days (days since the last won deal), orders (count of won deals), value (money won in the
        year up to the day), by_deals (1).
    """
    known = as_known(book, as_of)
    if not known.has("order_lines"):  # there a won deal is a purchase
        return pd.DataFrame(columns=["account_id", "hiatus_days", "orders", "value", "by_deals"])
    won = won_deals(known)
    won = won.filter(won.account_id.notnull() & won.close_date.notnull()).anti_join(sales(known), "account_id")
    priced = in_book_currency(known, won, "amount", won.close_date)
    age = ibis.literal(as_of).delta(priced.close_date, unit="day")
    each = priced.group_by("account_id").aggregate(
        hiatus_days=age.min(), orders=priced.count(), value=priced.value.sum(where=age < YEAR).fill_null(0)
    )
    found: pd.DataFrame = each.filter(each.hiatus_days < YEAR).order_by("account_id").to_pandas()
    return found.assign(by_deals=1.0)


def _a_year_ago(book: Book, as_of: date) -> pd.DataFrame:
    """Return hiatus (days) and bought (within the year since) of the clients without a rhythm of a year ago."""
    cut = as_of - timedelta(days=YEAR)
    units = order_units(book, as_of, [cut], horizon_days=YEAR)
    keys = units.select("unit_id", "account_id", "cut")
    rhythm = rhythms(purchase_days(book, as_of), keys).to_pandas().set_index("unit_id")
    then = units.to_pandas().set_index("unit_id")
    then = then[~has_rhythm(rhythm).reindex(then.index)]
    hiatus = (pd.to_datetime(then.cut) - pd.to_datetime(then.last_purchase)).dt.days
    ordered = pd.DataFrame({"hiatus": hiatus, "bought": then.bought.astype(bool)})
    return pd.concat([ordered, _by_deals_a_year_ago(book, cut, as_of)], ignore_index=True)


def _by_deals_a_year_ago(book: Book, cut: date, as_of: date) -> pd.DataFrame:
    then = clients_by_deals(book, cut)
    known = as_known(book, as_of)
    deals, heads = won_deals(known), sales(known)
    again = ibis.union(deals.select("account_id", day="close_date"), heads.select("account_id", "day"))
    again = again.filter((again.day > cut) & (again.day <= as_of)).select("account_id").distinct()
    bought = then.account_id.isin(again.to_pandas().account_id)
    return pd.DataFrame({"hiatus": then.hiatus_days.astype(float), "bought": bought.astype(bool)})


def _band(hiatus: pd.Series) -> pd.Series:
    return (hiatus.astype(float) // QUARTER).clip(upper=YEAR // QUARTER - 1)
