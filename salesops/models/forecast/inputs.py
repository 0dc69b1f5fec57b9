"""All that a forecast stands on, as known on a day: quotas, what is closed, open deals, arrivals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops import words
from salesops.book.credits import credited_orders
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.deals.chances import DealChances, deal_chances
from salesops.models.deals.landmarks import closed_by, closed_deals, opened, skills
from salesops.models.deals.week import EVEN, Week, week_of
from salesops.models.forecast.arrivals import Arrivals, arrivals_of, strength, thinned
from salesops.models.forecast.level import Level
from salesops.models.forecast.to_come import Array, Places, ToCome
from salesops.models.silence import last_heard
from salesops.periods import Period

PERSON = ("user_id", "user_name", "territory_id", "hire_date", "end_date")


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a forecast of a period stands on.

    Attributes
    ----------
    measure : str
        bookings or orders: the book's usual one.
    reps : pandas.DataFrame
        user_id, user_name, territory_id, hire_date, end_date, quota (money, NaN without one), closed (money so far),
        skill (log odds of the fair win rate against the team's), ramp_applied (the quota already allows for ramp);
        by name.
    deal_id : array of str
        The open deals, a row for each credited user, by rep.
    deal_rep, deal_amount : array
        The rep's row, and the credited amount (money; NaN if not known).
    chances : DealChances or None
        What is known of the deals; None where orders count. `deal_row` names the row in it of each open deal.
    arrivals : Arrivals
        Deals or orders not yet created.
    ramp : tuple of float
        The book's ramp.
    ended_on : date or None
        The last day of which the deals or orders tell anything, where their source ends before `as_of`.
    why_not : str
        Why nothing that is still to come can be estimated, as a sentence; "" where it can.
    week : Week
        The book's own week.
    level : Level
        What past forecasts teach: all chances and arrivals are multiplied by its factor.
    """

    company: str
    currency: str
    period: Period
    as_of: date
    measure: str
    reps: pd.DataFrame
    deal_id: NDArray[np.str_]
    deal_rep: Places
    deal_amount: Array
    deal_row: Places
    chances: DealChances | None
    arrivals: Arrivals
    ramp: tuple[float, ...]
    notes: tuple[str, ...]
    ended_on: date | None = None
    why_not: str = ""
    week: Week = EVEN
    level: Level = field(default_factory=Level)

    @cached_property
    def territories(self) -> tuple[NDArray[np.object_], Places]:
        """The territories that reps have, and for each rep the place in them; −1 for none."""
        codes, names = pd.factorize(self.reps.territory_id, sort=True)
        return np.asarray(names, dtype=object), np.asarray(codes, dtype=np.int64)

    @cached_property
    def employed(self) -> Array:
        """Share of the period's days on which each rep is there."""
        return strength(self.reps, self.period.start, self.period.end, ())

    @property
    def rest(self) -> tuple[date, date]:
        """First and last day on which new business can arise."""
        tomorrow = self.as_of + timedelta(days=1)
        return tomorrow, max(self.period.end, tomorrow)

    @property
    def span(self) -> tuple[date, date]:
        """The last day before what counts, and the period's end; both as_of where the period is over."""
        return max(self.as_of, self.period.start - timedelta(days=1)), max(self.as_of, self.period.end)

    @property
    def window(self) -> tuple[int, int]:
        """Days from as_of to the last day before what counts, and to the period's end."""
        before = max((self.period.start - self.as_of).days - 1, 0)
        return before, max((self.period.end - self.as_of).days, 0)

    @property
    def time(self) -> tuple[float, float]:
        """The same in days of the book's week."""
        first, last = (self.week.between(np.datetime64(self.as_of), np.datetime64(day)) for day in self.span)
        return float(first), float(last)

    def closing(self, cycle: float = 1.0) -> Array:
        """Return P(won within the period) of each open deal; `cycle` is a factor on the time that deals take."""
        if self.chances is None or not len(self.deal_row):
            return np.zeros(len(self.deal_row))
        won = self.chances.won_between(*self.span, cycle)[self.deal_row]
        return np.asarray(np.minimum(won * self.level.factor, 1.0))

    def to_come(self) -> ToCome:
        """Return what may still come in the period."""
        amount = self.deal_amount * (self.chances.amount_factor if self.chances else 1.0)
        new, rate = self.arrivals, self.arrivals.rate(*self.time) * self.level.factor
        return ToCome(self.deal_rep, self.closing(), amount, rate, new.sizes, new.weights, new.scale)


def inputs_of(
    book: Book,
    period: Period,
    as_of: date,
    measure: str,
    reps: pd.DataFrame,
    *,
    closed: pd.DataFrame | None = None,
    deals: tuple[DealChances, pd.DataFrame] | None = None,
) -> Inputs:
    """Collect the inputs for some reps; owners of other deals are added. The level is not corrected.

    Parameters
    ----------
    reps : pandas.DataFrame
        The columns of `Inputs.reps` but skill.
    closed : pandas.DataFrame, optional
        As `ended` gives it on this day or a later one, so that a backtest reads it once.
    deals : tuple of DealChances and pandas.DataFrame, optional
        The open deals, where they are known: as `deal_chances` and `landmarks.opened` give them for `as_of`.
    """
    bookings = measure == "bookings"
    closed = ended(book, as_of, measure) if closed is None else closed_by(closed, as_of)
    if bookings:
        chances, shares = deals or (deal_chances(book, as_of, closed), opened(book, (as_of,))[as_of])
    else:
        chances, shares = None, _no_shares()
    shares = shares[shares.user_id.notna()]  # whose the others were on that day is not known
    reps = _everyone(as_known(book, as_of), reps, shares)
    skill = skills(closed, pd.DatetimeIndex([as_of])).iloc[0].to_dict() if bookings else {}
    reps = reps.assign(skill=reps.user_id.map(skill).fillna(0.0).astype(float))
    happened = _events(closed, shares)
    dated = happened.dropna(subset="opened")
    enough = 2 * len(dated) >= len(happened)
    arriving = dated if enough else _as_they_closed(happened)
    ramp = book.config.ramp
    new = arrivals_of(reps, arriving, as_of, period.end, ramp=ramp, orders=not bookings or not enough)
    rows = _rows(shares, reps, chances)
    notes = _notes(happened, enough, chances, bookings)
    found = Inputs(
        book.company, book.currency, period, as_of, measure, reps,
        rows.opportunity_id.to_numpy(str), rows.rep.to_numpy(np.int64), rows.credited.to_numpy(float),
        rows.row.to_numpy(np.int64), chances, new, ramp, tuple(notes), *_ground(happened, period, as_of, bookings),
        week_of(closed.close_date),
    )  # fmt: skip  # in the order of the fields
    return found if enough else _less_what_is_open(found)


def ended(book: Book, as_of: date, measure: str) -> pd.DataFrame:
    """Return the closed deals known on a day, or the orders, which close as they come, in the same columns.

    Returns
    -------
    pandas.DataFrame
        user_id, share, value (money), is_won, created_date, close_date (days).
    """
    if measure == "bookings":
        return closed_deals(book, as_of)
    known = as_known(book, as_of)
    orders = known.keep("order events", lambda: _orders(known)).to_pandas()
    day = pd.to_datetime(orders.ordered_on)
    typed: pd.DataFrame = orders.assign(is_won=True, created_date=day, close_date=day)
    return typed


def closed_by_user(closed: pd.DataFrame, period: Period, as_of: date) -> pd.Series:
    """Return each user's won money in a period up to a day; `closed` as `ended` gives it."""
    last = period.cut(as_of)
    won = closed[closed.is_won & closed.close_date.between(pd.Timestamp(period.start), pd.Timestamp(last))]
    return (won.share * won.value).groupby(won.user_id).sum()


def _events(closed: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """One row for each credited deal or order, as `arrivals_of` takes them."""
    past = closed.assign(opened=closed.created_date, closed=closed.close_date, amount=closed.share * closed.value)
    never = pd.Series(pd.NaT, index=shares.index, dtype="datetime64[ns]")
    still = shares.assign(opened=shares.created_date, closed=never, is_won=False, amount=shares.credited)
    wanted = ["user_id", "opened", "closed", "is_won", "amount"]
    every = pd.concat([frame[wanted] for frame in (past, still) if len(frame)] or [past[wanted]], ignore_index=True)
    return every.assign(
        opened=pd.to_datetime(every.opened),
        closed=pd.to_datetime(every.closed),
        is_won=every.is_won.astype(bool),
        amount=every.amount.astype(float),
    )


def _ground(happened: pd.DataFrame, period: Period, as_of: date, bookings: bool) -> tuple[date | None, str]:
    """Return where the source of what happened ends, and why nothing can be estimated from it."""
    what = "deals" if bookings else "orders"
    ended_on = last_heard(pd.concat([happened.opened, happened.closed]), as_of)
    if as_of >= period.end:  # nothing is still to come, and that is known
        return ended_on, ""
    if not (happened.is_won & (happened.amount > 0)).any():
        return ended_on, f"no {what} of any amount were ever won." if bookings else "no order of any amount ever came."
    if ended_on is None:
        return None, ""
    ago = words.plural((as_of - ended_on).days, "day")
    return ended_on, f"the {what} in this book end on {words.day(ended_on)}, {ago} before {words.day(as_of)}."


def _orders(known: Book) -> ir.Table:
    orders = credited_orders(known)
    orders = orders.filter(orders.user_id.notnull())
    return orders.select("user_id", "ordered_on", "share", "value")


def _no_shares() -> pd.DataFrame:
    empty = pd.DataFrame({"opportunity_id": [], "user_id": [], "credited": [], "created_date": []})
    return empty.astype({"credited": float, "created_date": "datetime64[ns]"})


def _everyone(known: Book, reps: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Add those who own an open deal and have no line, so that their deals are not lost."""
    missing = sorted(set(shares.user_id) - set(reps.user_id))
    if missing:
        users = known.table("users").select(*PERSON).to_pandas()
        others = users[users.user_id.isin(missing)].assign(quota=np.nan, closed=0.0, ramp_applied=False)
        unknown = sorted(set(missing) - set(others.user_id))
        nameless = pd.DataFrame({"user_id": unknown, "user_name": unknown, "quota": np.nan, "closed": 0.0})
        nameless["ramp_applied"] = False
        reps = pd.concat([frame for frame in (reps, others, nameless) if len(frame)], ignore_index=True)
    ordered: pd.DataFrame = reps.sort_values(["user_name", "user_id"], ignore_index=True)
    return ordered


def _rows(shares: pd.DataFrame, reps: pd.DataFrame, chances: DealChances | None) -> pd.DataFrame:
    place = pd.Series(np.arange(len(reps)), index=reps.user_id)
    row = {} if chances is None else {deal: n for n, deal in enumerate(chances.deals.opportunity_id)}
    # what comes is at least nothing: a sum of money to come has no place below zero
    credited = shares.credited.clip(lower=0)
    found = shares.assign(rep=shares.user_id.map(place), row=shares.opportunity_id.map(row), credited=credited)
    ordered: pd.DataFrame = found.sort_values(["rep", "opportunity_id"], ignore_index=True)
    return ordered


def _as_they_closed(happened: pd.DataFrame) -> pd.DataFrame:
    closed = happened[happened.closed.notna() & happened.is_won]
    return closed.assign(opened=closed.closed)


def _less_what_is_open(found: Inputs) -> Inputs:
    """Where deals have no created date, new ones bring the usual wins less those expected of open deals."""
    usual = float(found.arrivals.rate(*found.time).sum())
    share = max(0.0, 1 - float(found.closing().sum()) / usual) if usual else 0.0
    return replace(found, arrivals=thinned(found.arrivals, share))


def _notes(happened: pd.DataFrame, dated: bool, chances: DealChances | None, bookings: bool) -> list[str]:
    notes = list(chances.notes) if chances else []
    what = "deals" if bookings else "orders"
    if happened.empty or not happened.is_won.any():
        notes.append(f"No {what} were ever won: what may still come is not known.")
    elif not dated:
        notes.append("Most deals have no created date: new deals bring the usual wins less those of open deals.")
    below, still = happened.amount < 0, happened.closed.isna()
    if drawn := int((below & ~still).sum()):
        notes.append(f"Not drawn as new ones: {drawn:,} {what if drawn > 1 else what[:-1]} with a negative amount.")
    if counted := int((below & still).sum()):
        notes.append(f"Counted as zero: {counted:,} open {'deals' if counted > 1 else 'deal'} with a negative amount.")
    return notes
