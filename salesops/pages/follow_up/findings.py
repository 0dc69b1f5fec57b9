"""Who was asked after a delivery, what clients answer, whom to call today, and whose birthday comes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from salesops.book.config import gift_rules
from salesops.book.delivered import CONTACTS
from salesops.book.owners import owner_id_of, responsible
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.errors import BookError
from salesops.metrics.birthdays import birthdays
from salesops.metrics.delivery_answers import delivery_answers
from salesops.metrics.follow_ups import follow_ups
from salesops.models.intervals import with_interval
from salesops.pages.follow_up.answers import Answers, answers_found

LISTED = 90  # days after a delivery in which a call about it still makes sense


@dataclass(frozen=True, kw_only=True)
class FollowUpReview:
    """Everything that the page of follow-up states.

    Attributes
    ----------
    owner_id : str
        Whose orders these are; "" means everyone's.
    days, a_day : int
        Days in which to follow up (book.toml), and how many calls one person can make a day.
    has : dict
        Which tables the book holds; `contacts_done`: it says of some contact that it was done.
    counts : dict
        delivered (orders), due (those whose days are over), followed_up, by_account (of those due), open (not due).
    owners, months : pandas.DataFrame
        owner_name or month (date), followed_up, missed (orders due), rate, low, high (95%).
    calls : pandas.DataFrame
        Each client once whom nobody contacted since the delivery of an order not followed up: order_id, account_name,
        owner_name, owner_left, delivered_on, until, left (days to until), on (the workday on which to call).
    answers : Answers
        What clients answer.
    gifts : pandas.DataFrame
        The gifts proposed: contact_name, account_name, owner_name, next_on.
    birthdays : dict
        on_file, agreed, soon, official, given (contacts; the last two of those soon who agreed), no_day.
    rules : dict
        What [gifts] of book.toml says.
    sent : int or None
        Gifts done in the year up to the day; None where no gift is known to be done.
    """

    company: str
    currency: str
    as_of: date
    owner_id: str
    days: int
    a_day: int
    has: dict[str, bool]
    counts: dict[str, int]
    owners: pd.DataFrame
    months: pd.DataFrame
    calls: pd.DataFrame
    answers: Answers
    gifts: pd.DataFrame
    birthdays: dict[str, int]
    rules: dict[str, Any]
    sent: int | None

    @property
    def judged(self) -> bool:
        """Whether anything tells which orders were followed up."""
        return self.has["contacts_done"] and self.counts["due"] > 0

    @property
    def today(self) -> pd.DataFrame:
        """The calls of the first workday."""
        first: pd.DataFrame = self.calls[self.calls.on == self.calls.on.min()]
        return first

    def results(self) -> dict[str, Any]:
        """Return the numbers of the report as JSON can hold them; None is not known."""
        found, delivered = self.counts, self.has["deliveries"]
        days = ("delivered_on", "until", "on")
        rows = self.today.assign(**{name: self.today[name].astype(str) for name in days})
        return {
            "orders_delivered": found["delivered"] if delivered else None,
            "due": found["due"] if delivered else None,
            "followed_up": found["followed_up"] if self.judged else None,
            "followed_up_by_account": found["by_account"] if self.judged else None,
            "overdue": found["due"] - found["followed_up"] if self.judged else None,
            **self.answers.results(),
            "birthdays": self.birthdays["soon"] if self.has["birthdays"] else None,
            "gifts_proposed": len(self.gifts) if self.has["birthdays"] else None,
            "gifts_sent": self.sent,
            "rows": rows[["order_id", "account_name", "owner_name", *days]].to_dict("records"),
        }


def follow_up_review(book: Book, as_of: date, *, owner: str = "", a_day: int = 8) -> FollowUpReview:
    """Say which deliveries were followed up, and what clients answered.

    Raises
    ------
    BookError
        If `a_day` is below 1, or nobody called `owner` has a contract or an order.
    """
    if a_day < 1:
        raise BookError(f"a_day must be 1 or more. Got {a_day}.")
    known, whose = as_known(book, as_of), owner_id_of(book, owner, as_of)
    orders = known.keep(("followed orders", whose), lambda: _owned(known, follow_ups(book, as_of), whose))
    answers = _owned(known, delivery_answers(book, as_of), whose)
    due = orders.filter(orders.due)
    people = _owned(known, birthdays(book, as_of), whose)
    proposed = people.soon & people.agreed & ~people.official & ~people.given
    has = {name: book.has(name) for name in ("deliveries", "survey_responses", "activities")}
    has["contacts_done"] = _any(known.table("activities"), CONTACTS)
    has["birthdays"] = book.has("contacts", "birthday_mmdd")
    return FollowUpReview(
        company=book.company,
        currency=book.currency,
        as_of=as_of,
        owner_id=whose,
        days=book.config.follow_up_days,
        a_day=a_day,
        has=has,
        counts=_counts(orders),
        owners=_rates(due, "owner_id", "owner_name").sort_values(["rate", "owner_name"], ignore_index=True),
        months=_rates(due.mutate(month=due.delivered_on.truncate("M")), "month").sort_values("month"),
        calls=_calls(orders, as_of, a_day) if has["contacts_done"] else _calls(orders.limit(0), as_of, a_day),
        answers=answers_found(answers.to_pandas(), as_of, contacts_known=has["contacts_done"]),
        gifts=people.filter(proposed).order_by("next_on", "contact_name").to_pandas(),
        birthdays=_birthdays(people),
        rules=gift_rules(book.config),
        sent=_sent(known, whose, as_of) if _any(known.table("activities"), ("gift",)) else None,
    )


def workday(day: date, number: int) -> date:
    """Return the n-th day from Monday to Friday after a day."""
    return date.fromisoformat(str(np.busday_offset(np.datetime64(day, "D"), number, roll="backward")))


def _owned(known: Book, rows: ir.Table, whose: str) -> ir.Table:
    accounts = known.table("accounts").select(_id="account_id", _account_name="account_name")
    joined = responsible(known, rows)
    joined = joined.left_join(accounts, joined.account_id == accounts._id)
    joined = joined.mutate(account_name=joined._account_name.fill_null(joined.account_id)).drop("_id", "_account_name")
    return joined.filter(joined.owner_id == whose) if whose else joined


def _any(activities: ir.Table, types: tuple[str, ...]) -> bool:
    done = activities.filter(activities.type.isin(types)).completed_at.notnull().any()
    return bool(done.to_pyarrow().as_py())


def _counts(orders: ir.Table) -> dict[str, int]:
    due = orders.due
    sums = orders.aggregate(
        delivered=orders.count(), due=due.sum(), open=(~due).sum(),
        followed_up=(due & orders.followed_up).sum(), by_account=(due & orders.by_account).sum(),
    )  # fmt: skip  # one column list
    (row,) = sums.to_pyarrow().to_pylist()
    return {name: int(value or 0) for name, value in row.items()}


def _rates(due: ir.Table, *by: str) -> pd.DataFrame:
    rows = due.group_by(*by).aggregate(followed_up=due.followed_up.sum(), due=due.count()).to_pandas()
    rows = rows.assign(missed=rows.due - rows.followed_up, rate=rows.followed_up / rows.due)
    return with_interval(rows, "followed_up", "missed")


def _calls(orders: ir.Table, as_of: date, a_day: int) -> pd.DataFrame:
    """Return whom to call: first while the days still run, soonest over first; then overdue, latest first."""
    asked = orders.followed_up | orders.touched_on.notnull()
    silent = orders.filter(~asked & (orders.delivered_on >= as_of - timedelta(days=LISTED)))
    latest = ibis.row_number().over(
        group_by=silent.account_id, order_by=[ibis.desc(silent.delivered_on), silent.order_id]
    )
    rows = silent.mutate(_latest=latest).to_pandas()
    rows = rows[rows._latest == 0].drop(columns="_latest")
    left = (pd.to_datetime(rows.until) - pd.Timestamp(as_of)).dt.days
    rows = rows.assign(left=left, _over=left < 0, _days=left.abs())
    rows = rows.sort_values(["_over", "_days", "account_name", "order_id"], ignore_index=True)
    place = rows.groupby(rows.owner_id.fillna("")).cumcount() // a_day
    days = {number: workday(as_of, number + 1) for number in place.unique()}
    planned: pd.DataFrame = rows.assign(on=place.map(days)).drop(columns=["_over", "_days"])
    return planned


def _birthdays(people: ir.Table) -> dict[str, int]:
    soon = people.soon & people.agreed
    sums = people.aggregate(
        on_file=people.count(), agreed=people.agreed.sum(), soon=soon.sum(), official=(soon & people.official).sum(),
        given=(soon & ~people.official & people.given).sum(), no_day=people.next_on.isnull().sum(),
    )  # fmt: skip  # one column list
    (row,) = sums.to_pyarrow().to_pylist()
    return {name: int(value or 0) for name, value in row.items()}


def _sent(known: Book, whose: str, as_of: date) -> int:
    gifts = known.table("activities")
    done = local_date(gifts.completed_at, known.config.time_zone)
    gifts = gifts.filter((gifts.type == "gift") & (done > as_of - timedelta(days=365)))
    return int((gifts.filter(gifts.owner_id == whose) if whose else gifts).count().to_pyarrow().as_py())
