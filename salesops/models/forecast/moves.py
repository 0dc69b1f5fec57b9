"""What became of the open deals that were due in a period on an earlier day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops.book.source import Book
from salesops.models.deals.landmarks import closed_deals, opened
from salesops.periods import Period

FATES = ("won in the period", "lost", "moved out", "still due", "won later", "no longer dated")


@dataclass(frozen=True, eq=False)
class Moves:
    """The result of `moves`.

    Attributes
    ----------
    since : date
        The earlier day.
    fates : pandas.DataFrame
        fate (of FATES, those that occur), deals (count), amount (money as of the earlier day); what was due then.
    due : float
        The money that was due in the period on the earlier day.
    slipped : float
        Money that moved out of the period ÷ `due`; NaN if nothing was due.
    created : float
        Money of deals that are due now and were not in the book then.
    unknown : int
        Deals whose close date then is not known: it needs history.
    """

    since: date
    fates: pd.DataFrame
    due: float
    slipped: float
    created: float
    unknown: int


def moves(book: Book, period: Period, since: date, as_of: date) -> Moves:
    """Follow the open deals that were due in a period on an earlier day to `as_of`, or the period's end if earlier."""
    day = period.cut(as_of)
    frames = opened(book, (since, day))
    then, now = (frames[each].drop_duplicates("opportunity_id").set_index("opportunity_id") for each in (since, day))
    closed = closed_deals(book, as_of).drop_duplicates("opportunity_id").set_index("opportunity_id")
    due = then[then.close_date.between(pd.Timestamp(period.start), pd.Timestamp(period.end))]
    fate = pd.Series([_fate(deal, now, closed, period) for deal in due.index], index=due.index, dtype=object)
    table = pd.DataFrame({"fate": fate, "amount": due.value.fillna(0.0)}).groupby("fate").amount.agg(["size", "sum"])
    ordered = table.reindex([name for name in FATES if name in table.index]).rename_axis("fate").reset_index()
    total = float(due.value.sum())
    out = float(due.value[fate == "moved out"].sum())
    fresh = now[~now.index.isin(then.index) & (now.created_date > pd.Timestamp(since))]
    fresh = fresh[fresh.close_date.between(pd.Timestamp(period.start), pd.Timestamp(period.end))]
    return Moves(
        since,
        ordered.rename(columns={"size": "deals", "sum": "amount"}),
        total,
        out / total if total else float("nan"),
        float(fresh.value.sum()),
        int(then.close_date.isna().sum()),
    )


def _fate(deal: str, now: pd.DataFrame, closed: pd.DataFrame, period: Period) -> str:
    if deal in now.index:
        due = now.close_date[deal]
        if pd.isna(due):
            return "no longer dated"
        return "moved out" if due > pd.Timestamp(period.end) else "still due"
    end = closed.loc[deal] if deal in closed.index else None
    if end is None or not end.is_won:
        return "lost"
    return "won in the period" if end.close_date <= pd.Timestamp(period.end) else "won later"
