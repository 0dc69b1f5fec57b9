"""All that a forecast stands on, as known on a day: quotas, what is closed, open deals, arrivals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.book.credits import credited_deals, credited_orders
from salesops.book.lines import usual_measure
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.metrics.attainment import attainment
from salesops.models.deals.chances import DealChances, deal_chances
from salesops.models.deals.landmarks import closed_deals, skills
from salesops.models.forecast.arrivals import Arrivals, arrivals_of, strength, thinned
from salesops.models.forecast.to_come import Array, Places, ToCome
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
    def window(self) -> tuple[int, int]:
        """Days from as_of to the last day before what counts, and to the period's end."""
        before = max((self.period.start - self.as_of).days - 1, 0)
        return before, max((self.period.end - self.as_of).days, 0)

    def closing(self, cycle: float = 1.0) -> Array:
        """Return P(won within the period) of each open deal; `cycle` is a factor on the time that deals take."""
        if self.chances is None or not len(self.deal_row):
            return np.zeros(len(self.deal_row))
        first, last = (self.chances.curves.by(days / cycle)[0] for days in self.window)
        return np.asarray((last - first)[self.deal_row])

    def to_come(self) -> ToCome:
        """Return what may still come in the period."""
        amount = self.deal_amount * (self.chances.amount_factor if self.chances else 1.0)
        new = self.arrivals
        return ToCome(self.deal_rep, self.closing(), amount, new.rate(*self.window), new.sizes, new.weights, new.scale)


def forecast_inputs(book: Book, period: Period, as_of: date) -> Inputs:
    """Collect what a forecast of a period stands on, as known on `as_of`.

    Raises
    ------
    BookError
        If nobody has a line in the period.
    """
    known = as_known(book, as_of)
    measure = usual_measure(known, period)
    lines = attainment(book, period, as_of)
    own = lines.filter(~lines.is_rollup).select(*PERSON, "measure", "quota", closed="booked").to_pandas()
    reps = own[own.measure == measure].drop(columns="measure").reset_index(drop=True)
    if reps.empty:
        raise BookError(f"Nobody has a line in {period}: no rep, no quota, no deal. Choose another period.")
    found = inputs_of(book, period, as_of, measure, reps)
    others = len(own) - len(reps)
    if others:
        left_out = f"{others} {'line counts' if others == 1 else 'lines count'} another measure than {measure}"
        found = replace(found, notes=(*found.notes, f"{left_out} and {'is' if others == 1 else 'are'} left out."))
    return found


def inputs_of(book: Book, period: Period, as_of: date, measure: str, reps: pd.DataFrame) -> Inputs:
    """Collect the inputs for some reps, whose quota and closed money are given; owners of other deals are added."""
    known = as_known(book, as_of)
    bookings = measure == "bookings"
    chances = deal_chances(book, as_of) if bookings else None
    shares = known.keep("open shares", lambda: _open_shares(known)).to_pandas() if bookings else _no_shares()
    reps = _everyone(known, reps, shares)
    closed = closed_deals(book, as_of)
    ramped = _ramp_applied(known, period)
    reps = reps.assign(ramp_applied=reps.user_id.isin(ramped))
    reps = reps.assign(skill=reps.user_id.map(skills(closed, as_of) if bookings else {}).fillna(0.0).astype(float))
    happened = events(book, as_of, measure)
    dated = happened.dropna(subset="opened")
    enough = 2 * len(dated) >= len(happened)
    arriving = dated if enough else _as_they_closed(happened)
    new = arrivals_of(reps, arriving, as_of, period.end, ramp=known.config.ramp, orders=not bookings or not enough)
    deals = _rows(shares, reps, chances)
    notes = _notes(happened, enough, chances, bookings)
    found = Inputs(
        book.company, book.currency, period, as_of, measure, reps,
        deals.opportunity_id.to_numpy(str), deals.rep.to_numpy(np.int64), deals.value.to_numpy(float),
        deals.row.to_numpy(np.int64), chances, new, known.config.ramp, tuple(notes),
    )  # fmt: skip  # in the order of the fields
    return found if enough else _less_what_is_open(found)


def events(book: Book, as_of: date, measure: str) -> pd.DataFrame:
    """Return a row for each credited deal or order known on a day, as `arrivals_of` takes them."""
    known = as_known(book, as_of)
    build = _deal_events if measure == "bookings" else _order_events
    found = known.keep(("events", measure), lambda: build(known)).to_pandas()
    typed: pd.DataFrame = found.assign(
        opened=pd.to_datetime(found.opened),
        closed=pd.to_datetime(found.closed),
        is_won=found.is_won.astype(bool),
        amount=found.amount.astype(float),
    )
    return typed


def closed_by_user(happened: pd.DataFrame, period: Period, as_of: date) -> pd.Series:
    """Return each user's won money in a period up to a day."""
    last = period.cut(as_of)
    won = happened[happened.is_won & happened.closed.between(pd.Timestamp(period.start), pd.Timestamp(last))]
    return won.groupby("user_id").amount.sum()


def _ramp_applied(known: Book, period: Period) -> list[str]:
    quotas = known.table("quotas")
    inside = (quotas.period_start <= period.end) & (quotas.period_end >= period.start)
    rows = quotas.filter(inside & quotas.ramp_applied.fill_null(False)).select("owner_id").distinct()
    return [row["owner_id"] for row in rows.to_pyarrow().to_pylist()]


def _deal_events(known: Book) -> ir.Table:
    deals = credited_deals(known)
    day = deals.is_closed.ifelse(deals.close_date, None)
    return deals.select("user_id", "is_won", opened="created_date", closed=day, amount="credited")


def _order_events(known: Book) -> ir.Table:
    orders = credited_orders(known)
    orders = orders.filter(orders.user_id.notnull())
    return orders.select("user_id", is_won=True, opened="ordered_on", closed="ordered_on", amount="credited")


def _open_shares(known: Book) -> ir.Table:
    deals = credited_deals(known)
    return deals.filter(~deals.is_closed).select("opportunity_id", "user_id", value="credited")


def _no_shares() -> pd.DataFrame:
    return pd.DataFrame({"opportunity_id": [], "user_id": [], "value": []}).astype({"value": float})


def _everyone(known: Book, reps: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Add those who own an open deal and have no line, so that their deals are not lost."""
    missing = sorted(set(shares.user_id) - set(reps.user_id))
    if missing:
        users = known.table("users").select(*PERSON).to_pandas()
        others = users[users.user_id.isin(missing)].assign(quota=np.nan, closed=0.0)
        unknown = sorted(set(missing) - set(others.user_id))
        nameless = pd.DataFrame({"user_id": unknown, "user_name": unknown, "quota": np.nan, "closed": 0.0})
        reps = pd.concat([frame for frame in (reps, others, nameless) if len(frame)], ignore_index=True)
    ordered: pd.DataFrame = reps.sort_values(["user_name", "user_id"], ignore_index=True)
    return ordered


def _rows(shares: pd.DataFrame, reps: pd.DataFrame, chances: DealChances | None) -> pd.DataFrame:
    place = pd.Series(np.arange(len(reps)), index=reps.user_id)
    row = {} if chances is None else {deal: n for n, deal in enumerate(chances.deals.opportunity_id)}
    found = shares.assign(rep=shares.user_id.map(place), row=shares.opportunity_id.map(row))
    ordered: pd.DataFrame = found.sort_values(["rep", "opportunity_id"], ignore_index=True)
    return ordered


def _as_they_closed(happened: pd.DataFrame) -> pd.DataFrame:
    closed = happened[happened.closed.notna() & happened.is_won]
    return closed.assign(opened=closed.closed)


def _less_what_is_open(found: Inputs) -> Inputs:
    """Where deals have no created date, new ones bring the usual wins less those expected of open deals."""
    usual = float(found.arrivals.rate(*found.window).sum())
    share = max(0.0, 1 - float(found.closing().sum()) / usual) if usual else 0.0
    return replace(found, arrivals=thinned(found.arrivals, share))


def _notes(happened: pd.DataFrame, dated: bool, chances: DealChances | None, bookings: bool) -> list[str]:
    notes = list(chances.notes) if chances else []
    what = "deals" if bookings else "orders"
    if happened.empty or not happened.is_won.any():
        notes.append(f"No {what} were ever won: nothing is expected beyond open deals.")
    elif not dated:
        notes.append("Most deals have no created date: new deals bring the usual wins less those of open deals.")
    negative = int((happened.amount < 0).sum())
    if negative:
        notes.append(f"{negative} {what} with a negative amount are not drawn as new ones.")
    return notes
