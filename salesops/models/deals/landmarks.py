"""Open deals as they stood on past days, with what became of them: the cases from which chances are learned.

A landmark is a day in the past. What is said of a deal on it comes from the book as known that day, so that
nothing of the deal's later fate can leak in. Landmarks lie five days apart, so that each weekday has its turn: with
weeks between them, chances would hang on the weekday on which they happen to fall.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from salesops.book.credits import credited_deals, credited_open
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.metrics.pipeline import push_dates
from salesops.models.deals.week import Week, week_of

STEPS = (1, 5, 10, 20, 40)  # days between landmarks: never whole weeks, and each grid lies within the one before
MOST_CASES = 40_000
SPAN = 728
SKILL_DAYS = 730
FEWEST_REPS = 3
LEAST_STRENGTH, MOST_STRENGTH = 0.5, 1e4
LONGEST = 10_000_000  # days: more than any date has

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Cases to learn from.

    Attributes
    ----------
    cases : pandas.DataFrame
        The columns of `open_on` but probability, and landmark (day), won, lost (booleans), days (of the book's week,
        from the landmark to the close, or to as_of for a deal that is open still), won_value (money when won, NaN
        else).
    undated : int
        Open deals without created date, left out: nobody knows since when they could have been won.
    week : Week
        The book's week, as known on as_of.
    """

    as_of: date
    cases: pd.DataFrame
    undated: int
    week: Week


def landmarks(book: Book, as_of: date, closed: pd.DataFrame | None = None) -> Landmarks:
    """Return the deals open on landmarks of the two years before `as_of`, from the first closed deal on.

    Landmarks lie as close as five days, or one in a small book, as long as MOST_CASES allows; the same days for every
    `as_of`, so that reports of several days share what was known on them.

    `closed` is as in `open_on`.
    """
    known = as_known(book, as_of)
    return known.keep("deal landmarks", lambda: _landmarks(book, as_of, closed))


def read_ahead(book: Book, days: list[date], closed: pd.DataFrame) -> None:
    """Read at once what `landmarks` and `open_then` need for several days; `closed` as in `open_on`."""
    _states(book, sorted({*_days(closed, max(days)), *days}), closed)


def open_then(book: Book, day: date, closed: pd.DataFrame) -> pd.DataFrame:
    """Return what `open_on` gives, without the CRM's probability: quicker after `read_ahead`."""
    found = _states(book, [day], closed)
    found = found[found.landmark == pd.Timestamp(day)].reset_index(drop=True)
    return _dated(found, closed, day).drop(columns="landmark")


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
        (of the CRM, 0–1), lead_source, close_date (day), pushes; age (days since created), due (days of the book's
        week until the close date, negative when overdue), both NaN where the date is not known; skill (log odds of the
        owner's fair win rate, over the two years before, against the team's).
    """
    kept: dict[date, pd.DataFrame] = book.keep("open deals with features", dict)
    if day not in kept:
        closed = closed_deals(book, day) if closed is None else closed
        deals = opened(book, (day,))[day].drop_duplicates("opportunity_id", ignore_index=True)
        found = _dated(_featured(deals.assign(landmark=pd.Timestamp(day)), closed), closed, day)
        kept[day] = found.drop(columns=["landmark", "user_id", "credited", "forecast_category"])
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
    if len(missing) == 1:  # reports of this day have read the book as known on it
        deals = credited_deals(as_known(book, missing[0]))
        deals = deals.filter(~deals.is_closed).mutate(known_on=ibis.literal(missing[0]))
        kept[missing[0]] = _typed(book, deals, whole=True).drop(columns="landmark")
    elif missing:
        every = _typed(book, credited_open(book, missing), whole=True)
        by_day = dict(list(every.drop(columns="landmark").groupby(every.landmark)))
        none = every.drop(columns="landmark").head(0)
        kept.update({day: by_day.get(pd.Timestamp(day), none).reset_index(drop=True) for day in missing})
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


def skills(closed: pd.DataFrame, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Return each rep's fair win rate of the two years up to each of some days, as log odds against the team's.

    (wins + k · mean) ÷ (decided + k), as `skill.fair_win_rates` has it. Here k comes from what rates scatter by beyond
    luck, without search (Kleinman, Proportions with extraneous variance, 1973), for hundreds of days at once.

    Returns
    -------
    pandas.DataFrame
        A row for each day, a column for each user_id; zeros where fewer than three reps decided any deal.
    """
    users = pd.Index(sorted(closed.user_id.dropna().unique()))
    won, decided = _within(closed, days, users)
    total = decided.sum(axis=1)
    mean = np.divide(won.sum(axis=1), total, out=np.full(len(days), 0.5), where=total > 0)
    rate = np.divide(won, decided, out=np.zeros_like(won), where=decided > 0)
    reps = (decided > 0).sum(axis=1)
    luck = mean * (1 - mean)
    apart = (decided * (rate - mean[:, None]) ** 2).sum(axis=1) - (reps - 1) * luck
    scale = total - np.divide((decided**2).sum(axis=1), total, out=np.zeros(len(days)), where=total > 0)
    between = np.divide(apart, scale, out=np.zeros(len(days)), where=scale > 0)
    strength = np.divide(luck, between, out=np.full(len(days), MOST_STRENGTH), where=between > 0) - 1
    weight = np.clip(strength, LEAST_STRENGTH, MOST_STRENGTH)[:, None]
    fair = (won + weight * mean[:, None]) / (decided + weight)
    odds = special.logit(fair.clip(1e-4, 1 - 1e-4)) - special.logit(mean.clip(1e-4, 1 - 1e-4))[:, None]
    odds[(reps < FEWEST_REPS) | (luck == 0)] = 0.0
    return pd.DataFrame(odds, index=days, columns=users)


def _within(closed: pd.DataFrame, days: pd.DatetimeIndex, users: pd.Index) -> tuple[Array, Array]:
    """Add up won and decided shares over the SKILL_DAYS up to each day: days × users."""
    rows = closed[closed.close_date.notna() & closed.user_id.notna()]
    key = users.get_indexer(pd.Index(rows.user_id)) * LONGEST + _number(rows.close_date)
    order = np.argsort(key, kind="stable")
    ends = np.arange(len(users)) * LONGEST + _number(days)[:, None]
    last, first = (np.searchsorted(key[order], day, side="right") for day in (ends, ends - SKILL_DAYS))
    shares = (part.to_numpy(float)[order] for part in (rows.share * rows.is_won, rows.share))
    won, decided = (total[last] - total[first] for total in (np.append(0.0, np.cumsum(part)) for part in shares))
    return won, decided


def _landmarks(book: Book, as_of: date, closed: pd.DataFrame | None) -> Landmarks:
    every = closed_deals(book, as_of) if closed is None else closed
    fate = closed_by(every, as_of).drop_duplicates("opportunity_id").set_index("opportunity_id")
    week = week_of(fate.close_date)
    days = _days(every, as_of)
    if days:
        states = _states(book, days, every)
    else:
        states = open_on(book, as_of, closed).head(0).assign(landmark=pd.Timestamp(as_of))
    cases = _cases(states[states.landmark.isin(pd.DatetimeIndex(days))], fate, week, as_of)
    dated = cases.age.notna()
    return Landmarks(as_of, cases[dated].reset_index(drop=True), int(cases.opportunity_id[~dated].nunique()), week)


def _days(closed: pd.DataFrame, as_of: date) -> list[date]:
    """The landmarks before a day: no sooner than the first closed deal, at most SPAN days back."""
    if closed.empty or closed.close_date.min().date() >= as_of:
        return []
    first = max(closed.close_date.min().date().toordinal(), as_of.toordinal() - SPAN)
    step = _step(closed)
    latest = (as_of.toordinal() - 1) // step * step
    return [date.fromordinal(day) for day in range(latest, first - 1, -step)][::-1]


def _step(closed: pd.DataFrame) -> int:
    """The least step between landmarks that keeps the cases within MOST_CASES."""
    deals = closed.drop_duplicates("opportunity_id")
    since = max(deals.close_date.min(), deals.close_date.max() - pd.Timedelta(days=SPAN))
    days = float((deals.close_date - deals.created_date.clip(lower=since)).dt.days.clip(lower=0).sum())
    return next((step for step in STEPS if days <= step * MOST_CASES), STEPS[-1])


def _states(book: Book, days: list[date], closed: pd.DataFrame) -> pd.DataFrame:
    """The deals open on landmarks with their features, ordered by day; what was read before is not read again."""
    kept: dict[str, pd.DataFrame] = book.keep("deals on landmarks", dict)
    read: set[date] = book.keep("landmarks read", set)
    missing = tuple(sorted(set(days) - read))
    if missing or not kept:
        every = _typed(book, credited_open(book, missing), whole=False)
        deals = every.drop_duplicates(["landmark", "opportunity_id"], ignore_index=True)
        new = _featured(deals, closed).drop(columns="user_id")
        kept["all"] = pd.concat([kept["all"], new], ignore_index=True) if kept else new
        read.update(missing)
    return kept["all"]


def _cases(states: pd.DataFrame, fate: pd.DataFrame, week: Week, as_of: date) -> pd.DataFrame:
    place = fate.index.get_indexer(pd.Index(states.opportunity_id))
    ended = place >= 0
    end, won, value = (fate[name].to_numpy()[place] for name in ("close_date", "is_won", "value"))
    won = ended & np.asarray(won, dtype=bool) if len(fate) else ended
    start = week.at(states.landmark)
    until = np.where(ended, week.at(end) if len(fate) else np.nan, week.at(np.datetime64(as_of)))
    return states.assign(
        due=week.at(states.close_date) - start,
        won=won,
        lost=ended & ~won,
        days=until - start,
        won_value=np.where(won, np.asarray(value, dtype=float), np.nan) if len(fate) else np.nan,
    )


def _featured(deals: pd.DataFrame, closed: pd.DataFrame) -> pd.DataFrame:
    """Add age and skill as of each row's landmark."""
    days = pd.DatetimeIndex(deals.landmark.unique())
    table = skills(closed, days)
    row, column = (
        days.get_indexer(pd.DatetimeIndex(deals.landmark)),
        table.columns.get_indexer(pd.Index(deals.owner_id)),
    )
    odds = table.to_numpy()[row, column] if table.size else np.zeros(len(deals))
    return deals.assign(
        age=(deals.landmark - deals.created_date).dt.days.astype(float), skill=np.where(column >= 0, odds, 0.0)
    )


def _typed(book: Book, deals: ir.Table, *, whole: bool) -> pd.DataFrame:
    """Read open deals of several days; what only a few of the days need, and takes long to read, only as a `whole`."""
    usable = deals.probability.between(0, 1).ifelse(deals.probability, None)
    more = {"credited": "credited", "forecast_category": "forecast_category", "probability": usable} if whole else {}
    found = deals.select(
        "opportunity_id", "user_id", "owner_id", "stage_name", "value", "created_date", "close_date", "lead_source",
        landmark="known_on", **more,
    ).to_pandas()  # fmt: skip  # a list of names
    dates = {name: pd.to_datetime(found[name]) for name in ("landmark", "created_date", "close_date")}
    ordered: pd.DataFrame = found.assign(**dates).sort_values(
        ["landmark", "opportunity_id", "user_id"], ignore_index=True
    )
    return ordered.assign(pushes=_pushes(book, ordered))


def _dated(deals: pd.DataFrame, closed: pd.DataFrame, day: date) -> pd.DataFrame:
    """Add how long it is to the close date, in days of the week as known on a day."""
    return deals.assign(due=week_of(closed_by(closed, day).close_date).between(deals.landmark, deals.close_date))


def _pushes(book: Book, deals: pd.DataFrame) -> Places:
    """How often each deal was pushed up to its landmark."""
    moves: pd.DataFrame = book.keep("pushes", lambda: push_dates(book).to_pandas())
    moves = moves.dropna(subset="pushed_on")
    codes = pd.Index(sorted(moves.opportunity_id.unique()))
    key = np.sort(codes.get_indexer(pd.Index(moves.opportunity_id)) * LONGEST + _number(moves.pushed_on))
    code = codes.get_indexer(pd.Index(deals.opportunity_id)) * LONGEST
    upto = np.searchsorted(key, code + _number(deals.landmark), side="right")
    return np.where(code >= 0, upto - np.searchsorted(key, code), 0)


def _number(days: pd.Series | pd.DatetimeIndex) -> Places:
    return np.asarray(pd.to_datetime(days).to_numpy().astype("datetime64[D]").astype(np.int64))


def _closed(known: Book) -> pd.DataFrame:
    deals = credited_deals(known)
    deals = deals.filter(deals.is_closed & deals.close_date.notnull())
    found = deals.select(
        "opportunity_id", "user_id", "share", "value", "is_won", "created_date", "close_date"
    ).to_pandas()
    found = found.assign(created_date=pd.to_datetime(found.created_date), close_date=pd.to_datetime(found.close_date))
    ordered: pd.DataFrame = found.sort_values(["close_date", "opportunity_id", "user_id"], ignore_index=True)
    return ordered
