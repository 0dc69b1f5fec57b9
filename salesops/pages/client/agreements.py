"""A client's contracts: when to act, and what was agreed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.metrics.contracts import contract_spans


def agreements(book: Book, account_id: str, as_of: date) -> pd.DataFrame:
    """Return the contracts that run on `as_of`, soonest end first; if none runs, the one that ended last.

    Which contract renews another, and what one that ends is, is as `metrics.contracts` decides.

    Returns
    -------
    pandas.DataFrame
        contract_id, start_date, end_date (dates; NaT: runs on), notice_days (days; 0 where empty), action_date (date:
        end_date − notice_days, the last day to act; NaT without a term), days_left (days from `as_of` to action_date;
        negative when past; NaN without one), annual_amount (money; NaN without a rate), renewed, runs, term,
        others_run (booleans), terms (in words; "" without any).
    """
    known = as_known(book, as_of)
    rows: pd.DataFrame = contract_spans(book, as_of).filter(lambda t: t.account_id == account_id).to_pandas()
    for name in ("start_date", "end_date", "action_date", "until"):
        rows[name] = pd.to_datetime(rows[name])
    rows = rows.assign(
        notice_days=rows.notice_days.fillna(0).astype(float),
        days_left=(rows.action_date - pd.Timestamp(as_of)).dt.days,
        annual_amount=rows.value.astype(float),
    ).sort_values(["end_date", "contract_id"], na_position="last")
    chosen = rows[rows.runs] if rows.runs.any() else rows.sort_values(["until", "contract_id"]).tail(1)
    terms = _terms(known, tuple(chosen.contract_id))
    names = ["contract_id", "start_date", "end_date", "notice_days", "action_date", "days_left", "annual_amount",
             "renewed", "runs", "term", "others_run"]  # fmt: skip  # two lines read better than eleven
    words = pd.Series([terms.get(key, "") for key in chosen.contract_id], index=chosen.index, dtype=object)
    return chosen[names].assign(terms=words).reset_index(drop=True)


def _terms(known: Book, contracts: tuple[str, ...]) -> dict[str, str]:
    """Return what each contract promises, as one sentence a kind of promise."""
    terms = known.keep("client terms", lambda: known.table("contract_terms"))
    if not contracts:
        return {}
    own = terms.filter(terms.contract_id.isin(contracts)).to_pyarrow().to_pylist()
    return {key: " ".join(_sentences([row for row in own if row["contract_id"] == key])) for key in contracts}


def _sentences(rows: list[dict[str, Any]]) -> list[str]:
    said = []
    for kind in ("quality", "logistics", "price"):
        mine = [row for row in rows if row["term_type"] == kind]
        if kind == "price" and mine:
            said.append(f"Prices agreed for {len(mine)} product{'s' if len(mine) > 1 else ''}.")
        elif mine:
            general = sorted(mine, key=lambda row: (row["product_id"] is not None, row["product_id"] or ""))[0]
            more = f", and {len(mine) - 1} more" if len(mine) > 1 else ""
            said.append(f"{kind.capitalize()}: {_value(general)}{more}.")
    return said


def _value(row: dict[str, Any]) -> str:
    value, unit = row["agreed_value"], row["unit"] or ""
    shown = "not stated" if value is None else f"{value:g} {unit}".strip()
    return f"{shown}, tolerance {row['tolerance']:g}" if row["tolerance"] else shown
