"""All units of a book with their features and labels, in one table: what models learn from and are asked about."""

from __future__ import annotations

from datetime import date, timedelta

import ibis.expr.types as ir
import pandas as pd

from salesops.book.money import in_book_currency
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.churn.backtest import TESTS
from salesops.models.churn.btyd import chance_to_buy
from salesops.models.churn.features import HALF_YEAR, YEAR, features
from salesops.models.churn.guard import check_no_leak
from salesops.models.churn.methods import FROM_BTYD
from salesops.models.churn.units import contract_units, order_units, sales_days

MOST_CUTS = 13
ORDER = ["cut", "sales", "tenure_days", "hiatus_days", "orders", "annual_amount", "start_date"]
MONTHS = 3
DECIMALS = 6


def order_cuts(book: Book, as_of: date, horizon_days: int) -> list[date]:
    """Return `as_of` and the days a horizon apart before it, back to a horizon after the first purchase.

    So no two labels overlap, and the label of each cut ends on the next.
    """
    days = sales_days(book, as_of)
    first = days.filter(days.is_purchase).day.min().to_pyarrow().as_py()
    if first is None:
        return [as_of]
    many = max((as_of - first).days // horizon_days, 1)
    return [as_of - timedelta(days=horizon_days * k) for k in range(min(many, MOST_CUTS))]


def gather_orders(book: Book, as_of: date, *, horizon_days: int, window_days: int) -> pd.DataFrame:
    """Return the clients at all cuts, `as_of` the last, as `backtest.backtest_churn` reads them.

    Raises
    ------
    LeakError
        If a feature knows what came after its cut.
    """
    cuts = order_cuts(book, as_of, horizon_days)
    known = as_known(book, as_of)
    units = known.keep(
        ("churn units", tuple(cuts), horizon_days, window_days),
        lambda: order_units(book, as_of, cuts, horizon_days=horizon_days, window_days=window_days),
    )
    found = _joined(book, as_of, units, horizon_days)
    tested = found.cut >= pd.Timestamp(cuts[min(TESTS, len(cuts) - 1)])
    found.loc[tested, FROM_BTYD] = chance_to_buy(book, as_of, found.loc[tested, ["account_id", "cut"]], horizon_days)
    # a client of half a year has not bought for a year yet; of a newer one nobody knows its pace
    pace = YEAR / found.tenure_days.clip(lower=HALF_YEAR, upper=YEAR)
    return found.assign(slice=found.cut, value=(found.sales_last_year * pace).clip(lower=0))


def gather_contracts(book: Book, as_of: date, *, horizon_days: int) -> pd.DataFrame:
    """Return the contracts at their day of action, as `backtest.backtest_churn` reads them.

    Slices are stretches of MONTHS months of renewal, counted back from the newest outcome.
    """
    known = as_known(book, as_of)
    units = known.keep(("churn contracts", horizon_days), lambda: _priced(book, as_of, horizon_days))
    found = _joined(book, as_of, units, horizon_days)
    newest = found.end_date[found.churned.notna()].max()
    back = (newest.year - found.end_date.dt.year) * 12 + newest.month - found.end_date.dt.month if len(found) else 0
    ends = newest.to_period("M") if pd.notna(newest) else pd.Period(as_of, "M")
    block = (pd.Series(back, index=found.index).fillna(0) // MONTHS + 1) * MONTHS - 1
    found["slice"] = [(ends - int(months)).to_timestamp() for months in block]
    return found.assign(
        value=found.annual_amount.clip(lower=0),
        fulfilment=found.sales_last_year / found.annual_amount.where(found.annual_amount > 0),
        notice_days=(found.end_date - found.action_date).dt.days,
    )


def _joined(book: Book, as_of: date, units: ir.Table, horizon_days: int) -> pd.DataFrame:
    known: pd.DataFrame = units.to_pandas().set_index("unit_id").sort_index()
    dates = [name for name in known if name in ("cut", "due", "start_date", "end_date", "action_date")]
    known = known.astype(dict.fromkeys(dates, "datetime64[s]"))
    known["churned"] = known.churned.astype("Float64").astype(float)
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


def _priced(book: Book, as_of: date, horizon_days: int) -> ir.Table:
    units = contract_units(book, as_of, horizon_days=horizon_days)
    priced = in_book_currency(as_known(book, as_of), units, "annual_amount", units.start_date)
    return priced.mutate(annual_amount=priced.value).drop("value", "no_rate", "currency")
