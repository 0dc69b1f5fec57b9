"""Open deals as they stood on past days, with what became of them: the cases from which chances are learned.

A landmark is a day in the past. What is said of a deal on it comes from the book as known that day, so that
nothing of the deal's later fate can leak in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from salesops.book.credits import credited_deals, credited_open
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.metrics.pipeline import push_dates
from salesops.models.skill import shrunken

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


def landmarks(book: Book, as_of: date, closed: pd.DataFrame | None = None) -> Landmarks:
    """Return the deals open on days at steps of eight weeks before `as_of`, from the first closed deal on.

    `closed` is as in `open_on`.
    """
    known = as_known(book, as_of)
    return known.keep("deal landmarks", lambda: _landmarks(book, as_of, closed))


def read_ahead(book: Book, days: list[date], closed: pd.DataFrame) -> None:
    """Read with one query what `landmarks` and `open_on` need for several days; `closed` as in `open_on`."""
    wanted = {landmark for day in days for landmark in _days(closed_by(closed, day), day)}
    opened(book, tuple(sorted(wanted | set(days))))


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
    kept: dict[date, pd.DataFrame] = book.keep("open deals with features", dict)
    if day not in kept:
        kept[day] = _featured(book, day, closed_deals(book, day) if closed is None else closed)
    return kept[day]


def opened(book: Book, days: tuple[date, ...]) -> dict[date, pd.DataFrame]:
    """Return the deals open at the end of each of some days, as known then; days asked before are not read again.

    Returns
    -------
    dict of pandas.DataFrame
        A row for each credited user: opportunity_id, user_id, credited (money), owner_id, stage_name, value,
        created_date, close_date (days), lead_source, forecast_category, probability, pushes.
    """
    kept: dict[date, pd.DataFrame] = book.keep("open deals by day", dict)
    missing = tuple(sorted(set(days) - set(kept)))
    if missing:
        every, moves = _opened(book, missing), push_dates(book).to_pandas()
        moved = moves.assign(pushed_on=pd.to_datetime(moves.pushed_on)).dropna(subset="pushed_on")
        kept.update({day: _of_day(every, moved, pd.Timestamp(day)) for day in missing})
    return {day: kept[day] for day in days}


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


def closed_by(closed: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return the deals of `closed_deals` that were closed by an earlier day."""
    end = pd.Timestamp(day)
    return closed[(closed.close_date <= end) & ~(closed.created_date > end)]


def skills(closed: pd.DataFrame, day: date) -> dict[str, float]:
    """Return each rep's fair win rate of the two years up to a day, as log odds against the team's."""
    end = pd.Timestamp(day)
    recent = closed[closed.close_date.between(end - pd.Timedelta(days=SKILL_DAYS - 1), end)]
    won = recent.share.where(recent.is_won, 0.0).groupby(recent.user_id).sum()
    counts = pd.DataFrame({"won": won, "decided": recent.groupby("user_id").share.sum()}).reset_index()
    rates = shrunken(counts.won.to_numpy(float), counts.decided.to_numpy(float))
    if rates is None:
        return {}
    log_odds = special.logit(rates.fair.clip(1e-4, 1 - 1e-4)) - special.logit(rates.mean)
    return dict(zip(counts.user_id, log_odds.astype(float), strict=True))


def _landmarks(book: Book, as_of: date, closed: pd.DataFrame | None) -> Landmarks:
    closed = closed_deals(book, as_of) if closed is None else closed_by(closed, as_of)
    fate = closed.drop_duplicates("opportunity_id").set_index("opportunity_id")
    days = _days(closed, as_of)
    opened(book, (*days, as_of))
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


def _featured(book: Book, day: date, closed: pd.DataFrame) -> pd.DataFrame:
    found = opened(book, (day,))[day].drop_duplicates("opportunity_id", ignore_index=True)
    today, skill = pd.Timestamp(day), book.keep(("skills", day), lambda: skills(closed, day))
    frame = found.assign(
        age=(today - found.created_date).dt.days.astype(float),
        due=(found.close_date - today).dt.days.astype(float),
        skill=found.owner_id.map(skill).fillna(0.0).astype(float),
    )
    return frame.drop(columns=["created_date", "close_date", "user_id", "credited", "forecast_category"])


def _opened(book: Book, days: tuple[date, ...]) -> pd.DataFrame:
    deals = credited_open(book, days)
    usable = deals.probability.between(0, 1)
    found = deals.select(
        "known_on", "opportunity_id", "user_id", "credited", "owner_id", "stage_name", "value", "created_date",
        "close_date", "lead_source", "forecast_category", probability=usable.ifelse(deals.probability, None),
    ).to_pandas()  # fmt: skip  # a list of names
    dates = {name: pd.to_datetime(found[name]) for name in ("known_on", "created_date", "close_date")}
    ordered: pd.DataFrame = found.assign(**dates).sort_values(["opportunity_id", "user_id"], ignore_index=True)
    return ordered


def _of_day(every: pd.DataFrame, moved: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    found = every[every.known_on == day].drop(columns="known_on")
    pushes = moved[moved.pushed_on <= day].groupby("opportunity_id").size()
    counted: pd.DataFrame = found.assign(pushes=found.opportunity_id.map(pushes).fillna(0).astype(int))
    return counted.reset_index(drop=True)


def _closed(known: Book) -> pd.DataFrame:
    deals = credited_deals(known)
    deals = deals.filter(deals.is_closed & deals.close_date.notnull())
    found = deals.select(
        "opportunity_id", "user_id", "share", "value", "is_won", "created_date", "close_date"
    ).to_pandas()
    found = found.assign(created_date=pd.to_datetime(found.created_date), close_date=pd.to_datetime(found.close_date))
    ordered: pd.DataFrame = found.sort_values(["close_date", "opportunity_id", "user_id"], ignore_index=True)
    return ordered
