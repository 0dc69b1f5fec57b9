"""Commitments in words and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from salesops import words
from salesops.views import table as t
from salesops.views.blocks import Block, absent, note, report_of

MOST = 60  # a page must stay small enough for a phone
_WORDS = {
    "booked": "book {}",
    "orders": "sell {}",
    "won_deals": "win {}",
    "pipeline_created": "create {} of pipeline",
    "activities_completed": "complete {}",
    "deal_won": "win {subject}",
    "deal_stage": "bring {subject} to {}",
    "contact_made": "contact {subject}",
}
_NOUNS = {"won_deals": ("deal", "deals"), "activities_completed": ("activity", "activities")}
_MONEY = ("booked", "orders", "pipeline_created")


def promise_words(metric: str, target: str | None, due: object, subject: object = None) -> str:
    """Return a commitment in words: "book 120 k by 31 Oct 2026"."""
    about = subject if isinstance(subject, str) and subject else "a named client"
    wanted = _target(metric, target)
    return f"{_WORDS.get(metric, metric.replace('_', ' ')).format(wanted, subject=about)} by {words.day(due)}"


def commitments_table(judged: pd.DataFrame, *, names: bool = True, known: bool = True) -> Block:
    """Show commitments with their verdict; a moved date stands beside it.

    Parameters
    ----------
    judged : pandas.DataFrame
        As `metrics.commitments` gives it, with owner_name (if `names`) and agreed_with_name.
    names : bool
        Whether to show whose they are.
    known : bool
        Whether the book holds commitments at all.
    """
    if not known:
        return absent("This book holds no commitments: what was promised is not known.")
    if judged.empty:
        return note("No commitment is due or pending. Every gap deserves one: metric, target, day, and with whom.")
    ranked = judged.assign(_place=judged.verdict.map({"missed": 0, "pending": 2}).fillna(1))
    ranked = ranked.sort_values(["_place", "original_due_date"], kind="stable").head(MOST)
    rows: list[Mapping[Any, Any]] = list(ranked.to_dict("records"))
    shown = ranked.assign(
        what=[promise_words(r["metric"], r["target"], r["original_due_date"], r["subject_name"]) for r in rows],
        state=pd.Series([_state(r) for r in rows], index=ranked.index, dtype=object),
        leads=report_of("rep", ranked.owner_id),
        reached=[_reached(r) for r in rows],
    )
    rest = f" The first {MOST} of {len(judged):,}." if len(judged) > MOST else ""
    columns = [
        *([t.text("owner_name", "Who", leads="leads")] if names else []),
        t.text("what", "Promised"),
        t.tag("state", "State"),
        t.text("reached", "Reached", phone=False),
        t.text("agreed_with_name", "Agreed with", phone=False),
    ]
    return t.table(
        shown,
        columns,
        caption=f"Missed first. A moved date does not turn a miss into a keep.{rest}",
    )


def _state(row: Mapping[Any, Any]) -> list[str]:
    return [row["verdict"], "moved"] if row["moved"] else [row["verdict"]]


def _reached(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["value"]):
        return words.MISSING
    if row["metric"] == "deal_stage":
        return f"stage {words.number(row['value'])}"
    return words.money(row["value"]) if row["metric"] in _MONEY else words.number(row["value"])


def _target(metric: str, target: str | None) -> str:
    if not isinstance(target, str):
        return "one"
    try:
        value = float(target)
    except ValueError:
        return target
    if metric in _MONEY:
        return words.money(value)
    noun = _NOUNS.get(metric)
    return words.plural(value, *noun) if noun else words.number(value)
