"""Open deals as they stood on past days, with what became of them: the cases from which chances are learned.

A landmark is a day in the past. What is said of a deal on it comes from the book as known that day, so that
nothing of the deal's later fate can leak in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from salesops.book.credits import credited_deals
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.metrics.pipeline import pushes
from salesops.models.skill import fair_win_rates

STEP = 56
MOST_LANDMARKS = 13
SKILL_DAYS = 730

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Cases to learn from.

    Attributes
    ----------
    cases : pandas.DataFrame
        The columns of `open_on`, and landmark (day), won, lost (booleans), days (from the landmark to the close,
        or to as_of for a deal that is open still), won_value (money when won, NaN else).
    undated : int
        Open deals without created date, left out: nobody knows since when they could have been won.
    """

    as_of: date
    cases: pd.DataFrame
    undated: int

    def until(self, day: date) -> Landmarks:
        """Return the cases as they were known on an earlier day: what closed later is open."""
        known = self.cases[self.cases.landmark < pd.Timestamp(day)]
        longest = (pd.Timestamp(day) - known.landmark).dt.days
        later = known.days > longest
        cases = known.assign(
            won=known.won & ~later,
            lost=known.lost & ~later,
            days=np.minimum(known.days, longest),
            won_value=known.won_value.mask(later),
        )
        return Landmarks(day, cases, self.undated)


def landmarks(book: Book, as_of: date) -> Landmarks:
    """Return the deals open on days at steps of eight weeks before `as_of`, from the first closed deal on."""
    known = as_known(book, as_of)
    return known.keep("deal landmarks", lambda: _landmarks(book, known, as_of))


def open_on(book: Book, day: date, closed: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return each deal that was open at the end of a day, as known then.

    Parameters
    ----------
    closed : pandas.DataFrame, optional
        As `closed_deals` gives them on this day or a later one: what closed later is passed over.

    Returns
    -------
    pandas.DataFrame
        opportunity_id, owner_id, stage_name, value (money in the book's currency, NaN if unknown), probability
        (of the CRM, 0–1), lead_source, pushes; age (days since created), due (days until the close date, negative
        when overdue), both NaN where the date is not known; skill (log odds of the owner's fair win rate, over the
        two years before, against the team's).
    """
    known = as_known(book, day)
    found = known.keep("open deals with features", lambda: _open(known)).to_pandas()
    today = pd.Timestamp(day)
    frame = found.assign(
        age=(today - pd.to_datetime(found.created_date)).dt.days.astype(float),
        due=(pd.to_datetime(found.close_date) - today).dt.days.astype(float),
        skill=found.owner_id.map(skills(closed_deals(book, day) if closed is None else closed, day))
        .fillna(0.0)
        .astype(float),
    )
    ordered: pd.DataFrame = frame.sort_values("opportunity_id", ignore_index=True)
    return ordered.drop(columns="created_date")


def closed_deals(book: Book, day: date) -> pd.DataFrame:
    """Return every closed deal known on a day, a row for each credited user.

    Returns
    -------
    pandas.DataFrame
        opportunity_id, user_id, share, value (money), is_won, created_date, close_date (days).
    """
    known = as_known(book, day)
    found: pd.DataFrame = known.keep("closed deals", lambda: _closed(known))
    return found


def skills(closed: pd.DataFrame, day: date) -> dict[str, float]:
    """Return each rep's fair win rate of the two years up to a day, as log odds against the team's."""
    end = pd.Timestamp(day)
    recent = closed[closed.close_date.between(end - pd.Timedelta(days=SKILL_DAYS - 1), end)]
    won = recent.share.where(recent.is_won, 0.0).groupby(recent.user_id).sum()
    counts = pd.DataFrame({"won": won, "decided": recent.groupby("user_id").share.sum()}).reset_index()
    rates = fair_win_rates(counts.assign(user_name=counts.user_id))
    if rates is None:
        return {}
    log_odds = special.logit(rates.reps.fair.clip(1e-4, 1 - 1e-4)) - special.logit(rates.mean)
    return dict(zip(rates.reps.user_id, log_odds.astype(float), strict=True))


def _landmarks(book: Book, known: Book, as_of: date) -> Landmarks:
    closed = closed_deals(book, as_of)
    fate = closed.drop_duplicates("opportunity_id").set_index("opportunity_id")
    days = _days(closed, as_of)
    frames = [_cases(open_on(book, day, closed), fate, day, as_of) for day in days]
    none = _cases(open_on(book, as_of, closed).head(0), fate, as_of, as_of)
    every = pd.concat(frames, ignore_index=True) if frames else none
    dated = every.age.notna()
    return Landmarks(as_of, every[dated].reset_index(drop=True), int(every.opportunity_id[~dated].nunique()))


def _days(closed: pd.DataFrame, as_of: date) -> list[date]:
    """The same days for every as_of, so that reports of several days share what was known on them."""
    if closed.empty:
        return []
    first = closed.close_date.min().date()
    latest = (as_of.toordinal() - 1) // STEP * STEP
    days = [date.fromordinal(latest - STEP * number) for number in range(MOST_LANDMARKS)]
    return [day for day in days if day >= first]


def _cases(deals: pd.DataFrame, fate: pd.DataFrame, day: date, as_of: date) -> pd.DataFrame:
    then = fate[["close_date", "is_won", "value"]].reindex(deals.opportunity_id).reset_index(drop=True)
    end = pd.to_datetime(then.close_date)
    won = then.is_won.fillna(False).astype(bool)
    longest = (pd.Timestamp(as_of) - pd.Timestamp(day)).days
    return deals.assign(
        landmark=pd.Timestamp(day),
        won=won,
        lost=end.notna() & ~won,
        days=(end - pd.Timestamp(day)).dt.days.fillna(longest).astype(float),
        won_value=pd.to_numeric(then.value).where(won).astype(float),
    )


def _open(known: Book) -> ir.Table:
    deals = credited_deals(known)
    deals = deals.filter(~deals.is_closed)
    moves = pushes(known)
    joined = deals.left_join(moves, deals.opportunity_id == moves._deal)
    usable = joined.probability.between(0, 1)
    return joined.select(
        "opportunity_id",
        "owner_id",
        "stage_name",
        "value",
        "created_date",
        "close_date",
        "lead_source",
        probability=usable.ifelse(joined.probability, None),
        pushes=joined.pushes.fill_null(0),
    ).distinct()


def _closed(known: Book) -> pd.DataFrame:
    deals = credited_deals(known)
    deals = deals.filter(deals.is_closed & deals.close_date.notnull())
    found = deals.select(
        "opportunity_id", "user_id", "share", "value", "is_won", "created_date", "close_date"
    ).to_pandas()
    found = found.assign(created_date=pd.to_datetime(found.created_date), close_date=pd.to_datetime(found.close_date))
    ordered: pd.DataFrame = found.sort_values(["close_date", "opportunity_id", "user_id"], ignore_index=True)
    return ordered
