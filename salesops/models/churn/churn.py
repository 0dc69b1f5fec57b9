"""Churn of a book on a day: chances, reasons, the backtest, and what is at risk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import expit

from salesops.book.snapshot import as_known
from salesops.book.sold import client_ids
from salesops.book.source import Book
from salesops.errors import ChurnError, PeriodError, did_you_mean
from salesops.metrics.contracts import contract_spans
from salesops.models.churn.backtest import Choice, backtest_churn
from salesops.models.churn.calls import Terms
from salesops.models.churn.dictionary import FEATURES
from salesops.models.churn.gather import gather_accounts, gather_contracts, gather_orders
from salesops.models.churn.guard import suspicious
from salesops.models.churn.methods import ALONE, LARGEST, fit_method, rule_score
from salesops.models.churn.others import COLUMNS, chances_of_another, clients_by_deals
from salesops.models.churn.reasons import drivers, reasons
from salesops.models.churn.result import WITHOUT_ORDER, AtRisk, Churn, Setting
from salesops.models.churn.risk import at_risk, buy_nothing
from salesops.models.customers import MOST_WEEKS, customer_summary
from salesops.models.rhythm import SHORTEST_HORIZON, YEAR, client_rhythms, purchase_days
from salesops.models.segments import fit_grid

MOST_DAYS = 7 * MOST_WEEKS
SETTINGS = ("", "orders", "contracts")
Asked = Literal["", "orders", "contracts"]
# what a ratio tells already, and amounts that tell large from small; a contract says nothing of how its client buys
SAYS_NOTHING = {
    "orders": ("hiatus_days", "longest_gap", "sales", "sales_last_year", "sales_recent", "order_value"),
    "contracts": ("in_pause", "growth", "under_contract", "contract_days_left"),
    "accounts": ("in_pause", "growth", "under_contract", "contract_days_left", "notice_days"),
}
# topics that are the silence itself in other words: no reasons for it
FOLLOWS = ("silence", "rhythm", "trend", "range", "history")
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
    setting: Asked | Setting = "",
    horizon_days: int = 0,
    segment: str = "",
    terms: Terms | None = None,
) -> Churn:
    """Estimate who is about to be lost, as known on a day.

    Parameters
    ----------
    as_of : date
        Last day that counts.
    setting : {"", "orders", "contracts"}
        "orders": clients, by their own rhythm. "contracts": contracts with a term, scored at end_date − notice_days;
        where more accounts run without any term, the accounts. "" takes orders where the book has purchases.
    horizon_days : int
        How far ahead to look. 0: as far as the clients' own rhythms say (`rhythm.usual_horizon`).
    segment : str
        Only this segment in the table; models learn from all. "" means all.
    terms : Terms
        What a call is taken to do and to cost, for the backtest; the defaults if None.

    Raises
    ------
    PeriodError
        If the horizon is not 0 to MOST_DAYS days; or it reaches beyond any date.
    ChurnError
        If the setting or the segment is unknown.
    """
    unit = _unit(book, as_of, setting)
    horizon = horizon_days or (_own_horizon(book, as_of) if unit == "orders" else SHORTEST_HORIZON)
    _check(as_of, horizon)
    units = _GATHER[unit](book, as_of, horizon_days=horizon)
    scored = units[units.at_stake | (units.cut == pd.Timestamp(as_of))] if unit == "orders" else units
    scored = scored[scored.rhythm] if unit == "orders" else scored
    asked = _asked(scored, as_of, unit)
    learnt = scored[scored.at_stake] if unit == "orders" else scored
    names, listed = _features(learnt, unit)
    backtest, choice = backtest_churn(learnt, names, terms or Terms())
    table = _table(book, as_of, asked, unit, horizon)
    table, parts = _scored(table, learnt, names, choice, unit, book.currency)
    kept = _of_segment(table, segment)
    table, parts = table[kept].reset_index(drop=True), parts[kept[: len(parts)]].reset_index(drop=True)
    columns = [name for name in parts if name in FEATURES]
    keys = [name for name in ("account_id", "contract_id", "cut", "churned") if name in learnt]
    return Churn(
        setting=unit,
        as_of=as_of,
        horizon_days=horizon,
        own_horizon=not horizon_days and unit == "orders",
        table=table,
        others=_others(book, as_of, units, horizon, segment) if unit == "orders" else pd.DataFrame(),
        quiet=buy_nothing(units, as_of) if unit == "orders" else None,
        outcomes=units.loc[units.churned.notna(), keys].reset_index(drop=True),
        features=listed,
        contributions=parts,
        model=choice.model,
        usable=bool(choice.method),
        why=choice.why,
        backtest=backtest,
        drivers=drivers(parts[columns], table) if columns else pd.DataFrame(columns=["feature", "weight", "sentence"]),
        at_risk=_at_risk(table, backtest.predictions),
        left_out=_left_out(book, as_of, units, asked, unit, len(table)),
        notes=_notes(book, learnt, names, listed),
    )


def check_days(name: str, days: int, most: int) -> None:
    """Raise PeriodError where a number of days is below 1 or above `most`; `name` says of what."""
    if not 1 <= days <= most:
        raise PeriodError(f"The {name} must be 1 to {most:,} days. Got {days:,}.")


_GATHER: dict[str, Callable[..., pd.DataFrame]] = {
    "orders": gather_orders,
    "contracts": gather_contracts,
    "accounts": gather_accounts,
}


def _unit(book: Book, as_of: date, setting: str) -> Setting:
    """Return what is scored: for contracts, what most accounts with a running contract have."""
    if setting not in (*SETTINGS, "accounts"):
        hint = did_you_mean(setting, SETTINGS[1:])
        raise ChurnError(f"The setting must be 'orders' or 'contracts'. Got '{setting}'. {hint}".strip())
    if setting == "":
        days = purchase_days(book, as_of)
        bought = days.filter(days.is_purchase).count().to_pyarrow().as_py()
        setting = "orders" if bought or not book.has("contracts") else "contracts"
    if setting != "contracts":
        return "orders" if setting == "orders" else "accounts"
    spans = contract_spans(book, as_of)
    running = spans.filter(spans.runs)
    each = (running if running.count().to_pyarrow().as_py() else spans).group_by("account_id")
    terms = each.aggregate(term=lambda t: t.term.any())
    share = terms.term.mean().to_pyarrow().as_py()
    return "contracts" if share is None or share >= 0.5 else "accounts"


def _own_horizon(book: Book, as_of: date) -> int:
    found = client_rhythms(book, as_of).horizon_days
    return int(found.iloc[0]) if len(found) else SHORTEST_HORIZON


def _check(as_of: date, horizon_days: int) -> None:
    check_days("horizon", horizon_days, MOST_DAYS)
    try:
        as_of - timedelta(days=4 * horizon_days + YEAR), as_of + timedelta(days=4 * horizon_days)
    except OverflowError:
        raise PeriodError(f"{horizon_days:,} days from {as_of} lie beyond any date. Choose another date.") from None


def _asked(units: pd.DataFrame, as_of: date, unit: str) -> pd.DataFrame:
    if unit == "contracts":
        return units[(units.end_date >= pd.Timestamp(as_of)) & ~units.renewed.astype(bool)]
    return units[units.cut == pd.Timestamp(as_of)]


def _features(units: pd.DataFrame, unit: str) -> tuple[list[str], pd.DataFrame]:
    """Return the features that models use, and the dictionary of all."""
    possible = [n for n in FEATURES if n in units and n not in SAYS_NOTHING[unit]]
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


def _table(book: Book, as_of: date, asked: pd.DataFrame, unit: str, horizon_days: int) -> pd.DataFrame:
    more = ["contract_id", "end_date", "action_date", "others_run", "lost_after", "may_call", "at_stake"]
    keys = ["account_id", *(name for name in more if name in asked)]
    values = asked[[name for name in FEATURES if name in asked]]
    risk = asked.value * (horizon_days / YEAR if unit == "orders" else 1)
    table = asked[keys].assign(state=asked.get("state", ""), value_at_risk=risk.astype(float)).join(values)
    table = table if "at_stake" in table else table.assign(at_stake=True)
    return table.assign(**_names(book, as_of, asked))


def _names(book: Book, as_of: date, clients: pd.DataFrame) -> dict[str, pd.Series]:
    """Return account_name, owner_id (of the contract, else of the account) and segment."""
    accounts = book.table("accounts").select("account_id", "account_name", "owner_id").to_pandas()
    named = accounts.drop_duplicates("account_id").set_index("account_id")
    owner = clients.account_id.map(named.owner_id)
    return {
        "account_name": clients.account_id.map(named.account_name).fillna(clients.account_id),
        "owner_id": clients.owner_id.fillna(owner) if "owner_id" in clients else owner,
        "segment": _segments(book, as_of, clients.account_id),
    }


def _segments(book: Book, as_of: date, accounts: pd.Series) -> pd.Series:
    summary = customer_summary(book, as_of)
    if summary.empty:
        return pd.Series("", index=accounts.index, dtype=object)
    found = fit_grid(summary, fitted_on=as_of).assign(summary).set_index("account_id").segment.astype(str)
    return accounts.map(found).fillna("").astype(object)


def _scored(
    table: pd.DataFrame, learnt: pd.DataFrame, names: list[str], choice: Choice, unit: str, currency: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table with chances and reasons, the highest first, and the contributions in its order."""
    keys = ["account_id", "contract_id"] if unit == "contracts" else ["account_id"]
    found = table.assign(p_churn=np.nan, logit=np.nan, **dict.fromkeys(("reason_1", "reason_2", "reason_3"), ""))
    ratio = table.hiatus_ratio
    if not choice.method:
        order = found.assign(_by=ratio).sort_values(["_by", "account_id"], ascending=[False, True]).index
        return _in_order(found.loc[order], keys), pd.DataFrame()
    known = learnt[learnt.churned.notna()]
    if choice.method == LARGEST:
        rate = float(known.churned.mean())
        found = found.assign(p_churn=rate, logit=np.log(rate / (1 - rate)))
        return _in_order(
            found.sort_values(["value_at_risk", "account_id"], ascending=[False, True]), keys
        ), pd.DataFrame()
    model = fit_method(choice.method, known, names)
    used = [ALONE[choice.method]] if choice.method in ALONE else names
    parts = model.contributions(table[used])
    base = model.base_ + choice.shift
    log_odds = base + parts.sum(axis=1)
    known_otherwise = FOLLOWS if unit == "orders" else ()
    told = (
        reasons(parts, table, currency, told=known_otherwise)
        if len(table)
        else pd.DataFrame(columns=["reason_1", "reason_2", "reason_3"])
    )
    # who cannot be silent for long enough by then cannot be lost by then
    p = np.where(table.at_stake, expit(log_odds), 0.0)
    found = found.drop(columns=told.columns).assign(p_churn=p, logit=log_odds).join(told)
    rank = rule_score(choice.method, table) if choice.method in ALONE else p
    order = (
        found.assign(_rank=rank).sort_values(["p_churn", "_rank", "account_id"], ascending=[False, False, True]).index
    )
    parts = table[keys].join(parts).assign(base=base).loc[order].reset_index(drop=True)
    return _in_order(found.loc[order], keys), parts


def _in_order(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    first = [
        "account_id", "account_name", "owner_id", *keys[1:], "end_date", "action_date", "others_run", "segment",
        "p_churn", "logit", "state", "at_stake", "may_call", "hiatus_days", "lost_after", "median_gap", "hiatus_ratio",
        "value_at_risk", "reason_1", "reason_2", "reason_3",
    ]  # fmt: skip  # three lines read better than twenty
    first = [name for name in first if name in table]
    return table[[*first, *(name for name in table if name not in first)]].reset_index(drop=True)


def _others(book: Book, as_of: date, units: pd.DataFrame, horizon_days: int, segment: str) -> pd.DataFrame:
    """Return the clients without a rhythm, the longest silent first."""
    now = units[(units.cut == pd.Timestamp(as_of)) & ~units.rhythm]
    names = ["account_id", "hiatus_days", "orders", "by_deals", "value"]
    found = pd.concat([now[names], clients_by_deals(book, as_of)[names]], ignore_index=True).infer_objects()
    found = found.assign(
        value_at_risk=found.value.astype(float) * horizon_days / YEAR, **_names(book, as_of, found)
    ).join(chances_of_another(book, as_of, found))
    found = found[found.segment == segment] if segment else found
    first = ["account_id", "account_name", "owner_id", "segment", "hiatus_days", "orders", "by_deals", "value_at_risk"]
    ordered = found.sort_values(["hiatus_days", "account_id"], ascending=[False, True])
    return ordered[[*first, *COLUMNS]].reset_index(drop=True)


def _of_segment(table: pd.DataFrame, segment: str) -> pd.Series:
    if segment and segment not in set(table.segment):
        raise ChurnError(f"No client up for scoring is in segment '{segment}'. {did_you_mean(segment, table.segment)}")
    return (table.segment == segment) if segment else pd.Series(True, index=table.index)


def _at_risk(table: pd.DataFrame, predictions: pd.DataFrame) -> AtRisk:
    return at_risk(table.p_churn.to_numpy(float), table.value_at_risk.to_numpy(float), predictions)


def _left_out(
    book: Book, as_of: date, units: pd.DataFrame, asked: pd.DataFrame, unit: str, shown: int
) -> dict[str, int]:
    found = {"in other segments": len(asked) - shown}
    known = as_known(book, as_of)
    if unit == "orders":
        ever = int(purchase_days(book, as_of).filter(lambda t: t.is_purchase).account_id.nunique().to_pyarrow().as_py())
        found["silent for more than a year"] = ever - int((units.cut == pd.Timestamp(as_of)).sum())
        clients = int(client_ids(known, as_of).count().to_pyarrow().as_py())
        alone = clients - ever - len(clients_by_deals(book, as_of))
        found[WITHOUT_ORDER] = max(alone, 0)
        return found
    spans = contract_spans(book, as_of)
    running = spans.filter(spans.runs)
    today = pd.Timestamp(as_of)
    if unit == "accounts":
        each = running.group_by("account_id").aggregate(term=running.term.any()).to_pandas()
        found["accounts with a contract that has a term: their contracts are scored by themselves"] = int(
            each.term.sum()
        )
        others = ~each.term.astype(bool) & ~each.account_id.isin(asked.account_id)
        found["accounts whose last contract is already known to end"] = int(others.sum())
        return found
    found["ended, outcome not yet due"] = int(((units.end_date < today) & (units.due > today)).sum())
    found["renewed ahead of their end"] = int(((units.end_date >= today) & units.renewed.astype(bool)).sum())
    found["outcome known"] = int(units.churned.notna().sum())
    found["run without a term, and are never up for renewal"] = int(
        running.filter(~running.term).count().to_pyarrow().as_py()
    )
    contracts = known.table("contracts").count().to_pyarrow().as_py()
    found["begin later, or end before they begin"] = int(contracts - spans.count().to_pyarrow().as_py())
    ahead = running.filter(running.term & ~running.renewed).count().to_pyarrow().as_py()
    found["not yet up for renewal"] = int(ahead) - len(asked)
    return found


def _notes(book: Book, units: pd.DataFrame, names: list[str], listed: pd.DataFrame) -> tuple[str, ...]:
    absent = [words for table, words in TELLING.items() if not book.has(table)]
    told = [f"The book says nothing of {', '.join(absent)}: no feature comes from them."] if absent else []
    empty = [name for name in listed.index if not listed.used[name]]
    if empty and len(empty) < len(listed):
        told.append(f"Not used, since they are the same for all or missing for all: {', '.join(empty)}.")
    for name, area in suspicious(units, names, units.churned).items():
        told.append(f"Suspicious: '{name}' alone tells lost from kept with ROC-AUC {area:.3f}. Check what it knows.")
    return tuple(told)
