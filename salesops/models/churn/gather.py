"""All units of a book with their features and labels, in one table: what models learn from and are asked about."""

from __future__ import annotations

from datetime import date, timedelta

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.metrics.contracts import GRACE_DAYS
from salesops.models.churn.backtest import TESTS
from salesops.models.churn.encoding import Vector
from salesops.models.churn.features import HALF_YEAR, features
from salesops.models.churn.guard import check_no_leak
from salesops.models.churn.methods import FROM_BTYD
from salesops.models.churn.units import account_units, contract_units, order_units
from salesops.models.customers import FEWEST
from salesops.models.lifetime import ModifiedBetaGeoNBD
from salesops.models.rhythm import (
    YEAR,
    is_lost,
    judged,
    kinds_pause,
    lost_after,
    purchase_days,
    usual_pauses,
)

MOST_CUTS = 13
ORDER = ["cut", "sales", "tenure_days", "hiatus_days", "orders", "annual_amount", "start_date"]
MONTHS = 3
DECIMALS = 6
WEEK = 7


def order_cuts(book: Book, as_of: date, horizon_days: int) -> list[date]:
    """Return `as_of` and the days a horizon apart before it, back to a horizon after the first purchase.

    So no two labels overlap, and the label of each cut ends on the next.
    """
    days = purchase_days(book, as_of)
    first = days.filter(days.is_purchase).day.min().to_pyarrow().as_py()
    return _cuts(first, as_of, as_of, horizon_days)


def gather_orders(book: Book, as_of: date, *, horizon_days: int) -> pd.DataFrame:
    """Return the clients who bought in the year before each cut, `as_of` the last.

    Returns
    -------
    pandas.DataFrame
        As `backtest.backtest_churn` reads them, by unit_id: account_id, cut, due, slice (dates), the features, the
        columns of `models.rhythm.judged` at the cut; bought (1 a purchase in (cut, due], 0 none; NaN where not known
        yet), churned (1 lost at `due`, 0 not; NaN where not known, or without a rhythm), value (money of a year).

    Raises
    ------
    LeakError
        If a feature knows what came after its cut.
    """
    cuts = order_cuts(book, as_of, horizon_days)
    known = as_known(book, as_of)
    units = known.keep(
        ("churn units", tuple(cuts), horizon_days),
        lambda: order_units(book, as_of, cuts, horizon_days=horizon_days),
    )
    found = _joined(book, as_of, units, horizon_days)
    pauses = usual_pauses(purchase_days(book, as_of), cuts, horizon_days=horizon_days)
    found = _judged(found, pauses, horizon_days)
    tested = found.at_stake & (found.cut >= pd.Timestamp(cuts[min(TESTS, len(cuts) - 1)]))
    found.loc[tested, FROM_BTYD] = chance_to_buy(book, as_of, found.loc[tested, ["account_id", "cut"]], horizon_days)
    # a client of half a year has not bought for a year yet; of a newer one nobody knows its pace
    pace = YEAR / found.tenure_days.clip(lower=HALF_YEAR, upper=YEAR)
    return found.assign(slice=found.cut, value=(found.sales_last_year * pace).clip(lower=0))


def gather_contracts(book: Book, as_of: date, *, horizon_days: int) -> pd.DataFrame:
    """Return the contracts with a term at their day of action, as `backtest.backtest_churn` reads them.

    Slices are stretches of MONTHS months of renewal, counted back from the newest outcome.
    """
    known = as_known(book, as_of)
    units = known.keep(
        ("churn contracts", horizon_days), lambda: contract_units(book, as_of, horizon_days=horizon_days)
    )
    found = _joined(book, as_of, units, horizon_days)
    newest = found.end_date[found.churned.notna()].max()
    back = (newest.year - found.end_date.dt.year) * 12 + newest.month - found.end_date.dt.month if len(found) else 0
    ends = newest.to_period("M") if pd.notna(newest) else pd.Period(as_of, "M")
    block = (pd.Series(back, index=found.index).fillna(0) // MONTHS + 1) * MONTHS - 1
    found["slice"] = [(ends - int(months)).to_timestamp() for months in block]
    return _with_terms(found).assign(notice_days=(found.end_date - found.action_date).dt.days)


def gather_accounts(book: Book, as_of: date, *, horizon_days: int) -> pd.DataFrame:
    """Return the accounts whose contracts have no term at cuts, as `backtest.backtest_churn` reads them.

    The cuts lie a horizon apart, the newest with an outcome a horizon and the grace before `as_of`.
    """
    known = as_known(book, as_of)
    contracts = known.table("contracts")
    first = contracts.start_date.min().to_pyarrow().as_py()
    cuts = _cuts(first, as_of, as_of - timedelta(days=GRACE_DAYS), horizon_days)
    units = known.keep(
        ("churn accounts", tuple(cuts), horizon_days),
        lambda: account_units(book, as_of, cuts, horizon_days=horizon_days),
    )
    found = _joined(book, as_of, units, horizon_days)
    return _with_terms(found).assign(slice=found.cut)


def _cuts(first: date | None, as_of: date, newest: date, horizon_days: int) -> list[date]:
    """Return `as_of`, and the days a horizon apart before `newest`, back to a horizon after `first`."""
    if first is None:
        return [as_of]
    many = max((newest - first).days // horizon_days, 1)
    return [as_of, *(newest - timedelta(days=horizon_days * k) for k in range(1, min(many, MOST_CUTS)))]


def _with_terms(found: pd.DataFrame) -> pd.DataFrame:
    amount = found.annual_amount.astype(float)
    fulfilment = found.sales_last_year / amount.where(amount > 0)
    return found.assign(value=amount.clip(lower=0), fulfilment=fulfilment, may_call=True)


def _joined(book: Book, as_of: date, units: ir.Table, horizon_days: int) -> pd.DataFrame:
    known: pd.DataFrame = units.to_pandas().set_index("unit_id").sort_index()
    dates = [name for name in known if name in ("cut", "due", "start_date", "end_date", "action_date")]
    known = known.astype(dict.fromkeys(dates, "datetime64[s]"))
    for name in ("churned", "bought"):
        if name in known:
            known[name] = known[name].astype("Float64").astype(float)
    more = features(book, as_of, units, horizon_days=horizon_days)
    found = known.join(more.drop(columns="cut"))
    numbers = more.columns.difference(["cut", "known_until"], sort=False)
    # a contract whose client never did anything knows of the contract alone
    found["known_until"] = pd.to_datetime(found.known_until).fillna(found.cut)
    check_no_leak(found)
    # beyond that, sums differ with the order in which the database adds, and a tree may split between the two
    found[numbers] = found[numbers].astype(float).round(DECIMALS)
    # by what the clients did, not by their keys: a redacted book gives the same figures
    return found.sort_values([name for name in ORDER if name in found], kind="stable")


def _judged(found: pd.DataFrame, pauses: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """Add how each client stands at its cut, and the label: what its kind does by `due` counts for that."""
    at_cut = judged(found.assign(usual_pause=kinds_pause(found, pauses, found.cut)), horizon_days)
    then = lost_after(found.assign(usual_pause=kinds_pause(found, pauses, found.due)), horizon_days)
    lost = is_lost(found.hiatus_days + horizon_days, found.bought == 1, then).astype(float)
    flags = {name: at_cut[name].astype(float) for name in ("in_pause",)}
    return at_cut.assign(churned=lost.where(at_cut.rhythm & found.bought.notna()), **flags)


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
