"""Commit bias: what each rep called in past quarters against what came, drawn to the team's by how few they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops.book.people import user_names
from salesops.book.source import Book
from salesops.models.deals.landmarks import closed_by, closed_deals, opened
from salesops.models.forecast.inputs import closed_by_user
from salesops.periods import Period, fiscal_quarter_of

MOST_QUARTERS = 8
COMMIT = "commit"


@dataclass(frozen=True, eq=False)
class CommitBias:
    """The result of `commit_bias`.

    Attributes
    ----------
    reps : pandas.DataFrame
        user_id, user_name, periods (past quarters with a call or an actual), commit (Σ calls, money), actual (Σ money),
        raw (commit ÷ actual, NaN without actual), bias (shrunken; above 1: more was called than came), low, high (95%
        interval of it); commit_now (open deals in Commit due in the running quarter, money).
    team : float
        Σ commit ÷ Σ actual of all; NaN if there is none.
    day : int
        On which day of each quarter the call was read: as far into it as `as_of` is into its own.
    quarters : int
        Past quarters that were read.
    why_not : str
        Why there is no commit bias, as a sentence; "" if there is one.
    """

    reps: pd.DataFrame
    team: float
    day: int
    quarters: int
    why_not: str


def commit_bias(book: Book, as_of: date) -> CommitBias:
    """Compare what reps called on the same day of past quarters with what these brought.

    A call is what was closed by that day and the open deals of forecast category Commit that were due by the quarter's
    end, as known then. Bias = Σ call ÷ Σ actual over a rep's quarters, drawn to the team's ratio by the credibility of
    Bühlmann and Straub, with the actual of a quarter as its weight. Categories then come from opportunity_history.
    """
    first_month = book.config.fiscal_year_start
    quarter = fiscal_quarter_of(as_of, first_month)
    into = (as_of - quarter.start).days
    closed = closed_deals(book, as_of)
    past = _past(quarter, closed, first_month)
    days = tuple(min(each.start + timedelta(days=into), each.end) for each in past)
    frames = opened(book, (*days, as_of))
    calls = [_calls(frames[day], closed, each, day) for each, day in zip(past, days, strict=True)]
    why_not = _why_not(book, calls)
    every = pd.concat(calls, ignore_index=True) if calls else _calls(frames[as_of].head(0), closed, quarter, as_of)
    now = _committed(frames[as_of], quarter)
    reps, team = (_shrunken(every), _ratio(every)) if not why_not else (_shrunken(every.head(0)), float("nan"))
    reps = reps.assign(
        user_name=reps.user_id.map(user_names(book)).fillna(reps.user_id),
        commit_now=reps.user_id.map(now).fillna(0.0),
    )
    ordered = reps.sort_values(["user_name", "user_id"], ignore_index=True)
    return CommitBias(ordered, team, into + 1, len(past), why_not)


def _past(quarter: Period, closed: pd.DataFrame, first_month: int) -> list[Period]:
    found: list[Period] = []
    first = closed.close_date.min()
    each = fiscal_quarter_of(quarter.previous().start, first_month)
    while len(found) < MOST_QUARTERS and pd.notna(first) and pd.Timestamp(each.start) >= first:
        found.append(each)
        each = fiscal_quarter_of(each.previous().start, first_month)
    return found[::-1]


def _calls(deals: pd.DataFrame, closed: pd.DataFrame, quarter: Period, day: date) -> pd.DataFrame:
    so_far = closed_by_user(closed_by(closed, day), quarter, day)
    committed = _committed(deals, quarter)
    actual = closed_by_user(closed, quarter, quarter.end)
    table = pd.DataFrame({"so_far": so_far, "committed": committed, "actual": actual}).fillna(0.0)
    table = table.assign(commit=table.so_far + table.committed).rename_axis("user_id").reset_index()
    return table[(table.commit > 0) | (table.actual > 0)][["user_id", "committed", "commit", "actual"]]


def _committed(deals: pd.DataFrame, quarter: Period) -> pd.Series:
    """Each user's money in open deals of category Commit that are due by the quarter's end."""
    category = deals.forecast_category.astype("string").str.strip().str.casefold()
    due = deals[(category == COMMIT).fillna(False) & (deals.close_date <= pd.Timestamp(quarter.end))]
    return due.credited.groupby(due.user_id).sum()


def _why_not(book: Book, calls: list[pd.DataFrame]) -> str:
    if not calls:
        return "No past quarter is in the book from its first day on, so that no call can be compared with what came."
    if not book.keep("has categories", lambda: _has_categories(book)):
        return (
            "The forecast category of deals in past quarters is not known: it needs opportunity_history of "
            "forecast_category."
        )
    if not any((table.committed > 0).any() for table in calls):
        return "No open deal was in forecast category Commit on this day of a past quarter."
    return ""


def _has_categories(book: Book) -> bool:
    history = book.table("opportunity_history")
    return bool((history.field_name == "forecast_category").any().to_pyarrow().as_py())


def _ratio(every: pd.DataFrame) -> float:
    total = float(every.actual.sum())
    return float(every.commit.sum()) / total if total > 0 else float("nan")


def _shrunken(every: pd.DataFrame) -> pd.DataFrame:
    """Each rep's ratio, drawn to the team's: Z · own + (1 − Z) · team, Z = actual ÷ (actual + within ÷ between)."""
    sums = every.groupby("user_id").agg(periods=("commit", "size"), commit=("commit", "sum"), actual=("actual", "sum"))
    team, weight = _ratio(every), sums.actual.to_numpy(float)
    raw = np.divide(sums.commit.to_numpy(float), weight, out=np.full(len(sums), np.nan), where=weight > 0)
    within, between = _variances(every, dict(zip(sums.index, raw, strict=True)), team)
    trust = weight * between / (weight * between + within) if between > 0 else np.zeros(len(sums))
    bias = np.where(weight > 0, trust * np.nan_to_num(raw) + (1 - trust) * team, team)
    doubt = within / weight.sum() if weight.sum() > 0 else 0.0  # about the team's own ratio
    half = 1.96 * np.sqrt(between * (1 - trust) + doubt * (1 - trust) ** 2)
    table = sums.assign(raw=raw, bias=bias, low=np.maximum(bias - half, 0.0), high=bias + half)
    return table.reset_index()


def _variances(every: pd.DataFrame, raw: dict[str, float], team: float) -> tuple[float, float]:
    """What a quarter's ratio scatters about the rep's own (times its money), and reps about the team."""
    known = every[every.actual > 0]
    weight, ratio = known.actual, known.commit / known.actual
    count = known.groupby("user_id").size()
    freedom = int((count - 1).sum())
    if len(count) < 3 or freedom < 1:
        return 1.0, 0.0
    own = known.groupby("user_id").actual.sum()
    middle = (weight * ratio).groupby(known.user_id).sum() / own
    within = float((weight * (ratio - known.user_id.map(middle)) ** 2).sum()) / freedom
    total = float(own.sum())
    mean = float((own * middle).sum()) / total
    between = float((own * (middle - mean) ** 2).sum()) - (len(own) - 1) * within
    between /= total - float((own**2).sum()) / total
    return within, max(between, 0.0)
