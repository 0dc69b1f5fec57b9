"""What stands open with a client: deliveries that went wrong, and low answers without recovery."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from salesops.book.scale import is_unhappy, surveys, top
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.metrics.otif import due_lines
from salesops.metrics.satisfaction import satisfaction

RECENT = 90
YEAR = 365


def delivered(book: Book, account_id: str, as_of: date) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return a client's OTIF, and the lines that went wrong.

    Returns
    -------
    dict
        due, on_time_in_full, on_time, uncounted (lines with due_on in the YEAR days up to `as_of`), otif and
        on_time_rate (fractions; None where `metrics.otif` has null).
    pandas.DataFrame
        Lines that are not delivered in full yet, whenever they were due, first; then those of the RECENT days that
        came late, short or were rejected in part: product_name, due_on (date), quantity, delivered and rejected
        (units; NaN where not known), last_delivered (date or null), days_late (up to the last delivery, or to `as_of`
        while something is missing), what (missing, late, or rejected), recent (boolean: due in the RECENT days).
    """
    known = as_known(book, as_of)
    table = known.keep("client lines", lambda: _named(known, as_of))
    lines: pd.DataFrame = table.filter(table.account_id == account_id).to_pandas()
    due_on = pd.to_datetime(lines.due_on)
    year = lines[due_on > pd.Timestamp(as_of - timedelta(days=YEAR))]
    counts = {
        "due": len(year),
        "on_time_in_full": int((year.otif == True).sum()),  # noqa: E712  null is neither
        "on_time": int(year.on_time.sum()),
        "uncounted": int((~year.counted).sum()),
    }
    due = counts["due"]
    figures = {
        **counts,
        "otif": counts["on_time_in_full"] / due if due and not counts["uncounted"] else None,
        "on_time_rate": counts["on_time"] / due if due else None,
    }
    last = pd.to_datetime(lines.last_delivered).where(~lines.missing, pd.Timestamp(as_of))
    recent = due_on > pd.Timestamp(as_of - timedelta(days=RECENT))
    wrong = lines.missing | (recent & ((lines.otif == False) | (lines.rejected > 0)))  # noqa: E712  null is neither
    lines = lines.assign(days_late=(last - due_on).dt.days.clip(lower=0), what=_what(lines), recent=recent)[wrong]
    lines = lines.sort_values(["missing", "due_on", "order_line_id"], ascending=[False, False, True], ignore_index=True)
    names = [
        "product_name",
        "due_on",
        "quantity",
        "delivered",
        "rejected",
        "last_delivered",
        "days_late",
        "what",
        "recent",
    ]
    return figures, lines[names].reset_index(drop=True)


def answers(book: Book, account_id: str, as_of: date) -> dict[str, Any]:
    """Return the client's row of `metrics.satisfaction`; asked and answered 0 without one."""
    known = as_known(book, as_of)
    table = known.keep("client satisfaction", lambda: satisfaction(book, as_of))
    rows = table.filter(table.account_id == account_id).to_pyarrow().to_pylist()
    nothing = dict.fromkeys(("response_rate", "last_score", "last_top", "last_answer", "nps", "csat"))
    return rows[0] if rows else {"account_id": account_id, "asked": 0, "answered": 0, **nothing}


def low_answers(book: Book, account_id: str, as_of: date, *, touches: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """Return the unhappy answers (`salesops.book.scale`) of the RECENT days that were not recovered, newest first.

    Recovered means: a call, email, meeting or follow-up within the book's follow_up_days after the answer, and a
    purchase after that.

    Parameters
    ----------
    touches : pandas.DataFrame
        The client's activities, as `people.touches` gives them.
    days : pandas.DataFrame
        As `purchase_days` gives them.

    Returns
    -------
    pandas.DataFrame
        answered_on (date), score, top (of its scale), comment (text or null), contacted_on (date of the first contact
        after the answer; NaT if none), in_time (boolean: within follow_up_days), state (in words).
    """
    known = as_known(book, as_of)
    table = known.keep("client low answers", lambda: _low(known))
    rows: pd.DataFrame = table.filter(table.account_id == account_id).drop("account_id").to_pandas()
    answered = pd.to_datetime(rows.answered_on)
    rows = rows.assign(answered_on=answered)[answered > pd.Timestamp(as_of - timedelta(days=RECENT))]
    rows = rows.sort_values(["answered_on", "survey_id"], ascending=[False, True], ignore_index=True)
    limit = pd.Timedelta(days=known.config.follow_up_days)
    done, bought = touches.done_on[touches.spoken], days.day[days.is_purchase]
    contacted = [done[done > on].min() for on in rows.answered_on]
    rows["contacted_on"] = pd.to_datetime(pd.Series(contacted, index=rows.index, dtype="datetime64[ns]"))
    rows["in_time"] = rows.contacted_on <= rows.answered_on + limit
    again = pd.Series([bool((bought > on).any()) for on in rows.contacted_on], index=rows.index, dtype=bool)
    rows["state"] = [_state(row, pd.Timestamp(as_of), limit) for row in rows.itertuples()]
    return rows[~(rows.in_time & again)].drop(columns="survey_id").reset_index(drop=True)


def _named(known: Book, as_of: date) -> ir.Table:
    products = known.table("products").select(_product="product_id", product_name="product_name")
    lines = due_lines(known, as_of)
    return lines.left_join(products, lines.product_id == products._product).drop("_product")


def _low(known: Book) -> ir.Table:
    answers = surveys(known)
    low = answers.filter(answers.responded_at.notnull() & is_unhappy(answers))
    day = local_date(low.responded_at, known.config.time_zone)
    return low.select("account_id", "survey_id", "score", "comment", top=top(low), answered_on=day)


def _what(lines: pd.DataFrame) -> pd.Series:
    what = pd.Series("rejected", lines.index, dtype=object).where(lines.otif != False, "late")  # noqa: E712  null is not late
    return what.where(~lines.missing, "missing")


def _state(row: Any, as_of: pd.Timestamp, limit: pd.Timedelta) -> str:
    if pd.isna(row.contacted_on):
        return "no contact yet" if as_of <= row.answered_on + limit else "no contact in time"
    return "contacted, no purchase since" if row.in_time else "contacted late"
