"""Churn of a book on a day: chances, reasons, the backtest, and what is at risk."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.special import expit

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import ChurnError, PeriodError, did_you_mean
from salesops.models.churn.backtest import Choice, backtest_churn
from salesops.models.churn.dictionary import FEATURES
from salesops.models.churn.features import YEAR
from salesops.models.churn.gather import gather_contracts, gather_orders
from salesops.models.churn.guard import suspicious
from salesops.models.churn.methods import columns_for, fit_method
from salesops.models.churn.reasons import drivers, reasons
from salesops.models.churn.result import AtRisk, Churn, Setting
from salesops.models.churn.risk import at_risk
from salesops.models.customers import MOST_WEEKS, customer_summary
from salesops.models.segments import fit_grid
from salesops.models.wilson import wilson

PAUSES_KEPT = 0.75
MOST_DAYS = 7 * MOST_WEEKS
SETTINGS = ("orders", "contracts")
SAYS_NOTHING = ("usual_pause", "under_contract", "contract_days_left")  # of contracts: each runs, to its own end
TELLING = {
    "deliveries": "deliveries",
    "survey_responses": "satisfaction",
    "activities": "contacts",
    "opportunities": "deals",
    "contracts": "contracts",
}


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
        If the horizon is not 1 to MOST_DAYS days, or the window not up to twice as many; or they reach beyond any date.
    ChurnError
        If the setting or the segment is unknown.
    """
    window = _check(as_of, setting, horizon_days, window_days)
    if setting == "orders":
        units = gather_orders(book, as_of, horizon_days=horizon_days, window_days=window)
        asked = units[units.cut == pd.Timestamp(as_of)]
    else:
        units = gather_contracts(book, as_of, horizon_days=horizon_days)
        asked = units[(units.end_date >= pd.Timestamp(as_of)) & ~units.renewed.astype(bool)]
    names, listed = _features(units, setting)
    backtest, choice = backtest_churn(units, names)
    table = _table(book, as_of, units, asked, setting, horizon_days)
    table, parts = _scored(table, units, names, choice, setting, book.currency)
    kept = _of_segment(table, segment)
    table, parts = table[kept].reset_index(drop=True), parts[kept[: len(parts)]].reset_index(drop=True)
    columns = [name for name in parts if name in FEATURES]
    return Churn(
        setting=setting,
        as_of=as_of,
        horizon_days=horizon_days,
        window_days=window if setting == "orders" else 0,
        table=table,
        features=listed,
        contributions=parts,
        model=choice.model,
        usable=bool(choice.method),
        why=choice.why,
        backtest=backtest,
        drivers=drivers(parts[columns], table) if columns else pd.DataFrame(columns=["feature", "weight", "sentence"]),
        at_risk=_at_risk(table, backtest.predictions),
        left_out=_left_out(book, as_of, units, asked, setting, len(table)),
        notes=_notes(book, units, names, listed, int(table.usual_pause.sum())),
    )


def _check(as_of: date, setting: str, horizon_days: int, window_days: int | None) -> int:
    if setting not in SETTINGS:
        raise ChurnError(f"The setting must be 'orders' or 'contracts'. Got '{setting}'.")
    window = 2 * horizon_days if window_days is None else window_days
    check_days("horizon", horizon_days, MOST_DAYS)
    check_days("window", window, 2 * MOST_DAYS)
    try:
        as_of - timedelta(days=2 * window), as_of + timedelta(days=2 * window)
    except OverflowError:
        raise PeriodError(f"{window:,} days from {as_of} lie beyond any date. Choose another date.") from None
    return window


def check_days(name: str, days: int, most: int) -> None:
    """Raise PeriodError where a number of days is below 1 or above `most`; `name` says of what."""
    if not 1 <= days <= most:
        raise PeriodError(f"The {name} must be 1 to {most:,} days. Got {days:,}.")


def _features(units: pd.DataFrame, setting: str) -> tuple[list[str], pd.DataFrame]:
    """Return the features that models use, and the dictionary of all."""
    possible = [n for n in FEATURES if n in units and not (setting == "contracts" and n in SAYS_NOTHING)]
    known = units[units.churned.notna()]
    names = [name for name in possible if known[name].nunique(dropna=False) > 1]
    rows = {
        name: {
            "unit": FEATURES[name].unit,
            "meaning": FEATURES[name].meaning,
            "used": name in names,
            "missing": float(units[name].isna().mean()),
        }
        for name in possible
    }
    listed = pd.DataFrame.from_dict(rows, orient="index", columns=["unit", "meaning", "used", "missing"])
    return names, listed


def _table(
    book: Book, as_of: date, units: pd.DataFrame, asked: pd.DataFrame, setting: str, horizon_days: int
) -> pd.DataFrame:
    accounts = book.table("accounts").select("account_id", "account_name", "owner_id").to_pandas()
    named = accounts.drop_duplicates("account_id").set_index("account_id")
    keys = ["account_id"] if setting == "orders" else ["account_id", "contract_id", "end_date", "action_date"]
    values = asked[[name for name in FEATURES if name in asked]]
    # a contract does not pause
    values = values.assign(usual_pause=(asked.usual_pause == 1) & (setting == "orders") & _pauses_hold(units))
    risk = asked.value * (horizon_days / YEAR if setting == "orders" else 1)
    return (
        asked[keys]
        .assign(
            account_name=asked.account_id.map(named.account_name).fillna(asked.account_id),
            owner_id=asked.account_id.map(named.owner_id),
            segment=_segments(book, as_of, asked.account_id),
            value_at_risk=risk.astype(float),
        )
        .join(values)
    )


def _pauses_hold(units: pd.DataFrame) -> bool:
    """Tell whether those in a usual pause have nearly all been silent in the past: else it is no pause."""
    paused = units.churned[(units.usual_pause == 1) & units.churned.notna()]
    low, _ = wilson(pd.Series([paused.sum()]), pd.Series([len(paused)]))
    return bool(low[0] >= PAUSES_KEPT)


def _segments(book: Book, as_of: date, accounts: pd.Series) -> pd.Series:
    summary = customer_summary(book, as_of)
    if summary.empty:
        return pd.Series("", index=accounts.index, dtype=object)
    found = fit_grid(summary, fitted_on=as_of).assign(summary).set_index("account_id").segment.astype(str)
    return accounts.map(found).fillna("").astype(object)


def _scored(
    table: pd.DataFrame, units: pd.DataFrame, names: list[str], choice: Choice, setting: str, currency: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table with chances and reasons, the highest first, and the contributions in its order."""
    keys = ["account_id"] if setting == "orders" else ["account_id", "contract_id"]
    nothing = dict.fromkeys(("reason_1", "reason_2", "reason_3"), "")
    if not choice.method:
        found = table.assign(p_churn=np.nan, logit=np.nan, **nothing)
        order = found.sort_values(["hiatus_ratio", "account_id"], ascending=[False, True]).index
        return _in_order(found.loc[order], keys), pd.DataFrame()
    model = fit_method(choice.method, units[units.churned.notna()], names)
    used = columns_for(choice.method, names)
    parts = model.contributions(units.loc[table.index, used])
    log_odds = model.base_ + parts.sum(axis=1)
    told = reasons(parts, table, currency) if len(table) else pd.DataFrame(columns=list(nothing))
    found = table.assign(p_churn=expit(log_odds), logit=log_odds).join(told)
    order = found.sort_values(["usual_pause", "p_churn", "account_id"], ascending=[True, False, True]).index
    parts = table[keys].join(parts).assign(base=model.base_).loc[order].reset_index(drop=True)
    return _in_order(found.loc[order], keys), parts


def _in_order(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    first = [
        "account_id", "account_name", "owner_id", *keys[1:], "end_date", "action_date", "segment", "p_churn", "logit",
        "usual_pause", "hiatus_days", "own_gap_days", "hiatus_ratio", "value_at_risk", "reason_1", "reason_2",
        "reason_3",
    ]  # fmt: skip  # three lines read better than seventeen
    first = [name for name in first if name in table]
    return table[[*first, *(name for name in table if name not in first)]].reset_index(drop=True)


def _of_segment(table: pd.DataFrame, segment: str) -> pd.Series:
    if segment and segment not in set(table.segment):
        raise ChurnError(f"No client up for scoring is in segment '{segment}'. {did_you_mean(segment, table.segment)}")
    return (table.segment == segment) if segment else pd.Series(True, index=table.index)


def _at_risk(table: pd.DataFrame, predictions: pd.DataFrame) -> AtRisk:
    counted = table[~table.usual_pause]
    return at_risk(counted.p_churn.to_numpy(float), counted.value_at_risk.to_numpy(float), predictions)


def _left_out(
    book: Book, as_of: date, units: pd.DataFrame, asked: pd.DataFrame, setting: str, shown: int
) -> dict[str, int]:
    found = {"in other segments": len(asked) - shown}
    if setting == "orders":
        ever = len(customer_summary(book, as_of))
        found["silent for longer than the window"] = ever - len(asked)
        accounts = as_known(book, as_of).table("accounts")
        known = accounts.filter(accounts.created_date.isnull() | (accounts.created_date <= as_of)).count()
        found["accounts that never bought"] = max(int(known.to_pyarrow().as_py()) - ever, 0)
        return found
    today = pd.Timestamp(as_of)
    found["ended, outcome not yet due"] = int(((units.end_date < today) & (units.due > today)).sum())
    found["renewed ahead of their end"] = int(((units.end_date >= today) & units.renewed.astype(bool)).sum())
    found["outcome known"] = int(units.churned.notna().sum())
    total = int(as_known(book, as_of).table("contracts").count().to_pyarrow().as_py())
    found["not yet up for renewal, or without dates"] = total - len(units)
    return found


def _notes(book: Book, units: pd.DataFrame, names: list[str], listed: pd.DataFrame, pausing: int) -> tuple[str, ...]:
    absent = [words for table, words in TELLING.items() if not book.has(table)]
    told = [f"The book says nothing of {', '.join(absent)}: no feature comes from them."] if absent else []
    empty = [name for name in listed.index if not listed.used[name]]
    if empty:
        told.append(f"Not used, since they are the same for all or missing for all: {', '.join(empty)}.")
    if pausing:
        who = "1 client is in its" if pausing == 1 else f"{pausing:,} clients are in their"
        told.append(
            f"{who} usual pause of the year. They are likely not to order and to come back: "
            "they stand last in the list, and are not counted as at risk."
        )
    for name, area in suspicious(units, names, units.churned).items():
        told.append(f"Suspicious: '{name}' alone tells lost from kept with ROC-AUC {area:.3f}. Check what it knows.")
    return tuple(told)
