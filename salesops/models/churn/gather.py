"""All units of a book with their features and labels, in one table: what models learn from and are asked about."""

from __future__ import annotations

from datetime import date, timedelta

import ibis.expr.types as ir
import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.metrics.contracts import GRACE_DAYS
from salesops.models.churn.backtest import TESTS
from salesops.models.churn.btyd import chance_to_buy
from salesops.models.churn.features import HALF_YEAR, features
from salesops.models.churn.guard import check_no_leak
from salesops.models.churn.methods import FROM_BTYD
from salesops.models.churn.units import account_units, contract_units, order_units
from salesops.models.rhythm import (
    YEAR,
    has_rhythm,
    is_lost,
    lost_after,
    purchase_days,
    rhythms,
    usual_horizon,
    usual_pauses,
)

MOST_CUTS = 13
ORDER = ["cut", "sales", "tenure_days", "hiatus_days", "orders", "annual_amount", "start_date"]
MONTHS = 3
DECIMALS = 6
UNUSUAL = 5  # times the usual gap: less is no pause but an uneven rhythm


def order_cuts(book: Book, as_of: date, horizon_days: int) -> list[date]:
    """Return `as_of` and the days a horizon apart before it, back to a horizon after the first purchase.

    So no two labels overlap, and the label of each cut ends on the next.
    """
    days = purchase_days(book, as_of)
    first = days.filter(days.is_purchase).day.min().to_pyarrow().as_py()
    return _cuts(first, as_of, as_of, horizon_days)


def rhythm_horizon(book: Book, as_of: date) -> int:
    """Return `rhythm.usual_horizon` of the clients who bought in the year before a day."""
    units = order_units(book, as_of, [as_of], horizon_days=1)
    return usual_horizon(rhythms(purchase_days(book, as_of), units.select("unit_id", "account_id", "cut")).to_pandas())


def gather_orders(book: Book, as_of: date, *, horizon_days: int) -> pd.DataFrame:
    """Return the clients who bought in the year before each cut, `as_of` the last.

    Returns
    -------
    pandas.DataFrame
        As `backtest.backtest_churn` reads them, by unit_id: account_id, cut, due, slice (dates), the features; bought
        (boolean: a purchase in (cut, due]; missing where not known yet), rhythm (boolean: one is known), lost_after
        (days of silence), at_stake (boolean: a rhythm, and silence by `due` could be longer than that), lost (boolean:
        silent for longer than that already), overdue (boolean: silent for longer than the 80% point of its gaps),
        in_pause, may_call (booleans; may_call: silent for longer than the 95% point, and in no pause), churned (1 lost
        at `due`, 0 not; NaN where not known, or without a rhythm), value (money of a year).

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
    """Add what follows from the rhythm: who is at stake, lost, overdue or in a pause, and the label."""
    rhythm = has_rhythm(found)
    at_cut = found.assign(usual_pause=_kinds_pause(found, pauses, found.cut))
    now = lost_after(at_cut, horizon_days)
    then = lost_after(found.assign(usual_pause=_kinds_pause(found, pauses, found.due)), horizon_days)
    bought = found.bought == 1
    lost = is_lost(found.hiatus_days + horizon_days, bought, then).astype(float)
    silent = found.hiatus_days
    own = (found.season_orders == 0) & (found.longest_gap >= horizon_days) & (silent <= found.longest_gap)
    own &= (found.longest_gap >= UNUSUAL * found.median_gap) & (found.tenure_days >= YEAR)
    in_pause = rhythm & (own | (silent <= at_cut.usual_pause))
    return found.assign(
        rhythm=rhythm,
        lost_after=now,
        at_stake=rhythm & (silent + horizon_days > now),
        lost=rhythm & (silent > now),
        overdue=rhythm & (silent > found.gap_80),
        in_pause=in_pause,
        may_call=rhythm & ~in_pause & (silent > found.gap_95),
        churned=lost.where(rhythm & found.bought.notna()),
    )


def _kinds_pause(found: pd.DataFrame, pauses: pd.DataFrame, day: pd.Series) -> pd.Series:
    """Return the pause that is usual for each client's kind at the season of its last purchase; first year alone."""
    season = pd.to_datetime(found.last_purchase).dt.month
    asked = pd.DataFrame({"cut": day, "kind": found.kind, "season": season}, found.index)
    joined = asked.merge(pauses, on=["cut", "kind", "season"], how="left").set_axis(found.index)
    return joined.usual_pause.astype(float).where(found.tenure_days < YEAR)
