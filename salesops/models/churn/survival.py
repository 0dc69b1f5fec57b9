"""How long clients stay, by cohort: Kaplan–Meier curves with intervals.

The estimator is scipy's; what is decided here is when a client counts as lost, and when it leaves the view.

Orders: only who has a rhythm can be lost, so the clock runs from the day on which the rhythm was known: before it no
client could be lost, and a clock from the first purchase would count those days as loyalty. A client is lost on the
day of its last purchase if it has been silent since for longer than `models.rhythm.lost_after` says. That can only be
told up to so many days before the as-of date: there every client that bought later leaves the view, still there.

Contracts: the clock runs from the first day of an account's first contract. It is lost on the last day of the contract
after which it first left: nothing followed within the grace. While a contract runs, with an end or without one, the
account leaves the view on the as-of date, still there.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

FEWEST = 10  # clients in a cohort: fewer have no curve of their own
MOST_COHORTS = 4
EVERYONE = "all"


@dataclass(frozen=True)
class Survival:
    """Curves by cohort.

    Attributes
    ----------
    curves : pandas.DataFrame
        cohort (EVERYONE first, then cohorts in the order of time), days (since the start; the first row is 0),
        staying (share, 0–1), low, high (95% interval, on log-minus-log), at_risk (clients in view before the day).
    cohorts : pandas.DataFrame
        cohort, clients (count), lost (count), median_days (NaN where half are still there), year, year_low,
        year_high (share still there after 365 days with its interval; NaN where nobody has been in view for so
        long).
    too_new : int
        Clients who cannot be judged yet: they started too lately for any silence of theirs to be a loss.
    """

    curves: pd.DataFrame
    cohorts: pd.DataFrame
    too_new: int


def order_histories(clients: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return how long each client was in view, as the head of this module says for orders.

    Parameters
    ----------
    clients : pandas.DataFrame
        account_id, known_since (date: when its rhythm was known), last_purchase (date), lost_after (days).

    Returns
    -------
    pandas.DataFrame
        account_id, started (date), days (in view; NaN for those too new), lost (boolean).
    """
    seen = pd.Timestamp(as_of) - pd.to_timedelta(np.floor(clients.lost_after.astype(float)), unit="D")
    first, last = (pd.to_datetime(clients[name]) for name in ("known_since", "last_purchase"))
    lost = last < seen
    until = last.where(lost, pd.Series(seen, clients.index))
    days = (until - first).dt.days.astype(float).where(first <= until)
    return pd.DataFrame({"account_id": clients.account_id, "started": first, "days": days, "lost": lost})


def contract_histories(spells: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return how long each account was in view, as the head of this module says for contracts.

    Parameters
    ----------
    spells : pandas.DataFrame
        As `metrics.contracts.account_spells` gives them; an account whose first start is not known is left out.

    Returns
    -------
    pandas.DataFrame
        account_id, started (date), days (in view), lost (boolean).
    """
    first = spells[spells.spell == 0].reset_index(drop=True)
    started, ended, due = (pd.to_datetime(first[name]) for name in ("started", "ended", "due"))
    lost = ended.notna() & (due <= pd.Timestamp(as_of))
    days = (ended.fillna(pd.Timestamp(as_of)) - started).dt.days.astype(float)
    found = pd.DataFrame({"account_id": first.account_id, "started": started, "days": days, "lost": lost})
    return found[started.notna()].reset_index(drop=True)


def survival(histories: pd.DataFrame) -> Survival:
    """Draw the Kaplan–Meier curve of everyone and of each cohort of start.

    Cohorts are quarters, half-years or years: the finest of which there are at most MOST_COHORTS; the earliest are
    put together where even years are more.

    Parameters
    ----------
    histories : pandas.DataFrame
        As `order_histories` or `contract_histories` give them.
    """
    known = histories[histories.days.notna()]
    cohort = _cohorts(known.started)
    names = known.started.groupby(cohort).min().sort_values().index
    groups = [(EVERYONE, known), *((name, known[cohort == name]) for name in names)]
    drawn = [(name, rows) for name, rows in groups if len(rows) >= (FEWEST if name != EVERYONE else 1)]
    curves = [_curve(name, rows) for name, rows in drawn]
    summaries = [_summary(curve, rows) for curve, (_, rows) in zip(curves, drawn, strict=True)]
    return Survival(
        curves=pd.concat(curves, ignore_index=True) if curves else _no_curve(),
        cohorts=pd.DataFrame(summaries, columns=list(_SUMMARY)),
        too_new=int(histories.days.isna().sum()),
    )


_SUMMARY = ("cohort", "clients", "lost", "median_days", "year", "year_low", "year_high")
_CURVE = ("cohort", "days", "staying", "low", "high", "at_risk")


def _cohorts(started: pd.Series) -> pd.Series:
    year, month = started.dt.year, started.dt.month
    for months, letter in ((3, "Q"), (6, "H")):
        part = (month - 1) // months + 1
        name: pd.Series[str] = year.astype(str) + f" {letter}" + part.astype(str)
        if name.nunique() <= MOST_COHORTS:
            return name
    name, years = year.astype(str), sorted(year.unique())
    if len(years) > MOST_COHORTS:
        first = years[-MOST_COHORTS + 1]
        name = name.where(year >= first, f"before {first}")
    return name


def _curve(cohort: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the steps of one curve; scipy's interval has no value where the curve is 1 or 0."""
    days, lost = rows.days.to_numpy(dtype=float), rows.lost.to_numpy(dtype=bool)
    found = stats.ecdf(stats.CensoredData.right_censored(days, ~lost)).sf
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # log-minus-log has no value at 0 and at 1: filled below
        ends = found.confidence_interval(0.95, method="log-log")
    steps, staying = found.quantiles, found.probabilities
    at_risk = len(days) - np.searchsorted(np.sort(days), steps, side="left")
    low, high = ends.low.probabilities, ends.high.probabilities
    curve = pd.DataFrame({"days": steps, "staying": staying, "low": low, "high": high, "at_risk": at_risk})
    start = pd.DataFrame({"days": [0.0], "staying": [1.0], "low": [1.0], "high": [1.0], "at_risk": [len(days)]})
    curve = pd.concat([start, curve]) if not len(steps) or steps[0] > 0 else curve
    whole, gone = curve.staying == 1, curve.staying == 0
    curve["low"] = curve.low.mask(whole, 1.0).mask(gone, 0.0)
    curve["high"] = curve.high.mask(whole, 1.0).mask(gone, np.nan).ffill().fillna(1.0)  # all gone: the last known end
    return curve.assign(cohort=cohort)[list(_CURVE)]


def _summary(curve: pd.DataFrame, rows: pd.DataFrame) -> dict[str, object]:
    half = curve[curve.staying <= 0.5]
    year = curve[curve.days <= 365].iloc[-1] if rows.days.max() >= 365 else None
    return {
        "cohort": curve.cohort.iloc[0],
        "clients": len(rows),
        "lost": int(rows.lost.sum()),
        "median_days": float(half.days.iloc[0]) if len(half) else np.nan,
        "year": np.nan if year is None else year.staying,
        "year_low": np.nan if year is None else year.low,
        "year_high": np.nan if year is None else year.high,
    }


def _no_curve() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object if name == "cohort" else float) for name in _CURVE})
