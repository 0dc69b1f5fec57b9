"""All customers on a day: what they bought, what they are expected to buy, their segment, and how far to trust it.

Purchases are expected by MBG/NBD on weeks, the spend of a purchase by Gamma-Gamma. Both take a population of
customers who buy at random; where the data do not carry such a fit, its columns are empty and the result says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops import words
from salesops.book.people import user_names
from salesops.book.snapshot import as_known
from salesops.book.sold import client_ids
from salesops.book.source import Book
from salesops.errors import PeriodError
from salesops.metrics.purchases import left_out, purchases
from salesops.models.lifetime import GammaGamma, ModifiedBetaGeoNBD, backtest
from salesops.models.rhythm import STATES, client_rhythms
from salesops.models.segments import SegmentGrid, fit_grid
from salesops.models.silence import last_heard

FEWEST = 50
ALIKE = 0.95  # share of customers with as many repeat purchases: what is left tells nothing
MOST_WEEKS = 520  # ten years: nothing is known of a customer's next decade
DECIMALS = 6
ESTIMATES = ("p_active", "expected_purchases", "spend", "value")


@dataclass(frozen=True)
class Fit:
    """A fitted model, without the model.

    Attributes
    ----------
    model : str
        MBG/NBD or Gamma-Gamma.
    customers : int
        How many it was fitted on.
    params, standard_errors : dict
        By the names of the literature: r, alpha (weeks), a, b; p, q, v (money). Infinite errors if not converged.
    converged : bool
        Whether there is a maximum.
    message : str
        What happened, in words.
    """

    model: str
    customers: int
    params: dict[str, float]
    standard_errors: dict[str, float]
    converged: bool
    message: str


@dataclass(frozen=True)
class Customers:
    """The result of `customers`.

    Attributes
    ----------
    as_of : date
        Last day of which anything is known.
    horizon_weeks : int
        How far ahead the estimates look.
    table : pandas.DataFrame
        One row for each account that ever bought, by account_id: the columns of `customer_summary`; account_name (the
        account_id where the book has no name), last_owner_name (null without one); p_active (0–1: chance to buy
        within the horizon), expected_purchases (count, within the horizon), spend (money: expected value of a
        purchase, see `spend_from`), value (money: expected_purchases × spend; not discounted, no cost taken off);
        segment (categorical, in the order of `grid.names`). The four estimates are NaN where `usable` is false.
    purchase_fit, spend_fit : Fit or None
        None where there is nobody to fit on.
    usable : bool
        Whether purchases can be estimated: FEWEST customers or more, and a fit that converged.
    why_not : str
        The reason in words; "" if usable.
    spend_from : str
        "gamma-gamma"; or "own mean" where that fit did not converge or has no mean (q ≤ 1): then spend is the
        customer's own money per purchase day so far, NaN if none of it has a rate.
    backtest : pandas.DataFrame
        As models.lifetime.backtest gives it (in weeks), fitted horizon_weeks before `as_of` and held against
        what was bought since; empty if there were fewer than FEWEST customers then.
    left_out : dict
        As metrics.purchases.left_out counts it.
    never_bought : int
        Accounts of the book, known by `as_of`, that are no clients.
    without_order : int
        Accounts that are clients by a won deal or a contract, and not in the table.
    grid : SegmentGrid or None
        What the segments mean: the grid that was given, else one cut at these customers. None without customers.
    ended_on : date or None
        The last purchase of all, where so long a silence follows that the orders end there, and nothing is estimated.
    """

    as_of: date
    horizon_weeks: int
    table: pd.DataFrame
    purchase_fit: Fit | None
    spend_fit: Fit | None
    usable: bool
    why_not: str
    spend_from: str
    backtest: pd.DataFrame
    left_out: dict[str, float]
    never_bought: int
    grid: SegmentGrid | None
    ended_on: date | None = None
    without_order: int = 0


def customers(book: Book, as_of: date, *, horizon_weeks: int = 13, grid: SegmentGrid | None = None) -> Customers:
    """Summarise, estimate and segment the customers of a book as known on a day.

    Parameters
    ----------
    as_of : date
        Last day that counts.
    horizon_weeks : int
        How far ahead to look, and how long a stretch to hold out for the backtest.
    grid : SegmentGrid
        A frozen definition to reuse, on columns of the table; the usual one, cut at these customers, if None.

    Raises
    ------
    PeriodError
        If the horizon is not 1 to MOST_WEEKS weeks.
    """
    start = _before(as_of, horizon_weeks)
    table, never_bought, without_order = _named(book, customer_summary(book, as_of), as_of)
    left = left_out(book, as_of).to_pandas().iloc[0].to_dict()
    model, purchase_fit = _fit_purchases(table)
    spend_model, spend_fit = _fit_spend(table)
    ended_on = last_heard(pd.concat([table.first_purchase, table.last_purchase]), as_of)
    why_not = _why_not(table.frequency, purchase_fit, ended_on, as_of)
    if model is not None and not why_not:
        table = _estimated(table, model, spend_model, horizon_weeks)
    if grid is None and len(table):
        grid = fit_grid(table, fitted_on=as_of)
    return Customers(
        as_of=as_of,
        horizon_weeks=horizon_weeks,
        table=table.assign(segment=grid.assign(table).segment if grid else None),
        purchase_fit=purchase_fit,
        spend_fit=spend_fit,
        usable=not why_not,
        why_not=why_not,
        spend_from="gamma-gamma" if spend_model else "own mean",
        backtest=pd.DataFrame() if ended_on else _backtest(customer_summary(book, start), table, horizon_weeks),
        left_out=left,
        never_bought=never_bought,
        grid=grid,
        ended_on=ended_on,
        without_order=max(without_order - int(left["customers_without_purchase"]), 0),
    )


def customer_summary(book: Book, as_of: date) -> pd.DataFrame:
    """Return metrics.purchases of a day in weeks, by account_id, money to DECIMALS, and each customer's rhythm.

    Returns
    -------
    pandas.DataFrame
        The columns of metrics.purchases; has_rhythm (boolean), fresh (boolean: the first purchase lies
        within the horizon that fits the customers' rhythms), late (boolean: silent beyond the 80% point of its own
        gaps, and in no usual pause), as models.rhythm.client_rhythms has them.
    """
    kept = book.keep(("purchases", as_of), lambda: purchases(book, as_of))
    found: pd.DataFrame = kept.order_by("account_id").to_pandas()
    # sums differ in their last bits with the order of the rows; a cut or a tie must not hang on that
    found = found.assign(**{name: found[name].round(DECIMALS) for name in ("monetary", "total", "returned")})
    own = client_rhythms(book, as_of).set_index("account_id").reindex(found.account_id).set_axis(found.index)
    late = own.state.isin([STATES["overdue"], STATES["lost"]])
    return found.assign(has_rhythm=own.rhythm == True, fresh=own.tenure_days < own.horizon_days, late=late)  # noqa: E712


def _before(as_of: date, horizon_weeks: int) -> date:
    if not 1 <= horizon_weeks <= MOST_WEEKS:
        raise PeriodError(f"The horizon must be 1 to {MOST_WEEKS} weeks. Got {horizon_weeks:,}.")
    return as_of - timedelta(weeks=horizon_weeks)


def _named(book: Book, table: pd.DataFrame, as_of: date) -> tuple[pd.DataFrame, int, int]:
    """Return the table with names, and how many accounts are no clients, or are clients without an order."""
    accounts = book.table("accounts").select("account_id", "account_name", "created_date").to_pandas()
    names = accounts.drop_duplicates("account_id").set_index("account_id").account_name
    known = accounts[~(pd.to_datetime(accounts.created_date) > pd.Timestamp(as_of))]
    ids = client_ids(as_known(book, as_of), as_of).to_pandas().account_id
    clients = set(ids) | set(table.account_id)
    never_bought = int((~known.account_id.isin(clients)).sum())
    name = table.account_id.map(names).fillna(table.account_id)
    owner = table.last_owner.map(user_names(book)).fillna(table.last_owner)
    nothing: dict[str, float] = dict.fromkeys(ESTIMATES, np.nan)
    table = table.assign(account_name=name, last_owner_name=owner, **nothing)
    return table, never_bought, len(clients) - len(table)


def _fit_purchases(table: pd.DataFrame) -> tuple[ModifiedBetaGeoNBD | None, Fit | None]:
    if table.empty:
        return None, None
    model = ModifiedBetaGeoNBD().fit(table.frequency, table.recency, table["T"])
    return model, _fit("MBG/NBD", model, len(table))


def _fit_spend(table: pd.DataFrame) -> tuple[GammaGamma | None, Fit | None]:
    """Fit spend on those who bought again at a known price; the model is None where it has no mean."""
    again = table[(table.frequency > 0) & (table.monetary > 0)]
    if again.empty:
        return None, None
    model = GammaGamma().fit(again.frequency, again.monetary)
    usable = model.converged_ and model.params_["q"] > 1 and len(again) >= FEWEST
    return model if usable else None, _fit("Gamma-Gamma", model, len(again))


def _fit(name: str, model: ModifiedBetaGeoNBD | GammaGamma, count: int) -> Fit:
    return Fit(name, count, model.params_, model.standard_errors_, model.converged_, model.message_)


def _why_not(frequency: pd.Series[int], fit: Fit | None, ended_on: date | None, as_of: date) -> str:
    count = len(frequency)
    if fit is None:
        return "Nobody has bought anything by this date, so nothing can be estimated."
    if count < FEWEST:
        return f"Estimates need {FEWEST} customers or more who bought by this date; the book has {count:,}."
    if ended_on is not None:
        ago = words.plural((as_of - ended_on).days, "day")
        return (
            f"The purchases in this book end on {words.day(ended_on)}, {ago} before {words.day(as_of)}: "
            "nothing is estimated past the end of the data."
        )
    if fit.converged:
        return ""
    if frequency.value_counts().max() >= ALIKE * count:
        alike = f"The purchases of {count:,} customers are too alike to tell how often they return"
        return f"{alike}: nothing is estimated."
    return f"The model of repeat purchases does not fit how these {count:,} customers buy: nothing is estimated."


def _estimated(
    table: pd.DataFrame, model: ModifiedBetaGeoNBD, spend_model: GammaGamma | None, horizon: int
) -> pd.DataFrame:
    history = (table.frequency, table.recency, table["T"])
    expected = model.expected_purchases(horizon, *history)
    spend = _own_mean(table) if spend_model is None else _model_mean(table, spend_model)
    return table.assign(
        p_active=model.probability_active(horizon, *history),
        expected_purchases=expected,
        spend=spend,
        value=expected * spend,
    )


def _model_mean(table: pd.DataFrame, model: GammaGamma) -> pd.Series:
    # no amount is known of repeat purchases without a rate, so only the population is
    known = table.frequency.where(table.monetary > 0, 0)
    return pd.Series(model.expected_spend(known, table.monetary), table.index)


def _own_mean(table: pd.DataFrame) -> pd.Series:
    bought = (table.total - table.returned) / (table.frequency + 1)
    return bought.where((bought > 0) | (table.no_rate == 0))


def _backtest(before: pd.DataFrame, now: pd.DataFrame, horizon: int) -> pd.DataFrame:
    if len(before) < FEWEST:
        return pd.DataFrame()
    # what is known of a day never changes afterwards, so everyone of then is there now
    bought = before.account_id.map(now.set_index("account_id").frequency) - before.frequency
    return backtest(ModifiedBetaGeoNBD(), before, bought, horizon)
