"""Open deals: what is due in the period, and whether it covers the gap."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.credits import credited_deals
from salesops.book.lines import PERSON, By, report_people, roll_up
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date, to_type
from salesops.periods import Period

AGE_BANDS = ("0–30 days", "31–90 days", "over 90 days", "unknown")
SUMS = (
    "open_deals",
    "open_amount",
    "weighted_amount",
    "due_deals",
    "due_amount",
    "due_weighted",
    "overdue_deals",
    "without_amount",
    "without_close_date",
    "without_probability",
    "no_rate",
)


def pipeline(book: Book, period: Period, as_of: date, *, by: By = "rep", manager: str = "") -> ir.Table:
    """Return the open deals of every person or group, as known on `as_of`.

    Returns
    -------
    ir.Table
        By rep the columns of `report_people`, else the group. open_deals, open_amount, weighted_amount
        (Σ amount × probability): all open deals. due_deals, due_amount, due_weighted: those with a close date
        in the period. overdue_deals: open with a close date before `as_of`. without_amount,
        without_close_date, without_probability (with an amount, but no probability from 0 to 1), no_rate: how
        many deals these figures leave out. Counts are shares; amounts are the credited share in the book's
        currency.
    """
    known = as_known(book, as_of)
    return known.keep(("pipeline", period, by, manager), lambda: _sums(known, period, as_of, by, manager))


def coverage(due_amount: ir.Value, gap: ir.Value) -> ir.Value:
    """Return open amount due in the period ÷ gap; null without a quota, or where the quota is met.

    A quota that is met is not covered a negative number of times: `coverage_state` says "met".
    """
    return (gap > 0).ifelse(due_amount / gap, ibis.null("float64"))


def coverage_state(gap: ir.Value) -> ir.Value:
    """Return "met" where the gap is closed, "no quota" where there is none, else "open"."""
    return ibis.cases((gap.isnull(), "no quota"), (gap <= 0, "met"), else_="open")


def pipeline_by_stage(book: Book, period: Period, as_of: date, *, manager: str = "") -> ir.Table:
    """Return open deals by stage and age.

    Returns
    -------
    ir.Table
        stage_name ("not known then" where history is missing), age_band (days since created), deals
        (credited count), amount (money), without_amount (deals).
    """
    known = as_known(book, as_of)
    staged = known.keep(("pipeline by stage", period, manager), lambda: _by_stage(known, period, as_of, manager))
    return staged.order_by("stage_name", "age_band")


def open_deals(book: Book, as_of: date, *, users: tuple[str, ...]) -> ir.Table:
    """Return each open deal of some people, by close date.

    Returns
    -------
    ir.Table
        user_id, opportunity_id, account_id, account_name, stage_name, amount (the credited share, in the book's
        currency), probability, close_date, next_step, pushes (how often the close date moved out; null in a book
        without history), days_open (null without created date).
    """
    known = as_known(book, as_of)
    deals = known.keep("open deals", lambda: _open(known, as_of))
    deals = deals.filter(deals.user_id.isin(users))
    return deals.order_by(ibis.asc("close_date", nulls_first=False), ibis.desc("amount"), "opportunity_id")


def pushes(known: Book) -> ir.Table:
    """Return how often each deal's close date moved to a later day: _deal, pushes; needs history."""
    moved = push_dates(known)
    return moved.group_by(_deal="opportunity_id").aggregate(pushes=moved.pushed_on.count())


def push_dates(known: Book) -> ir.Table:
    """Return when close dates were set: opportunity_id, pushed_on (day, null unless it moved to a later one)."""
    history = known.table("opportunity_history")
    dates = history.filter(history.field_name == "close_date")
    in_order = ibis.window(group_by=dates.opportunity_id, order_by=dates.valid_from)
    dated = dates.mutate(_due=to_type(dates.new_value, "date", known.history_form))
    moved = dated.mutate(_before=dated._due.lag().over(in_order))
    day = local_date(moved.valid_from, known.config.time_zone)
    return moved.select("opportunity_id", pushed_on=(moved._due > moved._before).ifelse(day, ibis.null("date")))


def _sums(known: Book, period: Period, as_of: date, by: By, manager: str) -> ir.Table:
    deals = credited_deals(known)
    deals = deals.filter(~deals.is_closed)
    due = deals.close_date.between(period.start, period.end).fill_null(False)
    weighted = deals.credited * _usable(deals.probability)
    sums = deals.group_by(_user="user_id").aggregate(
        open_deals=deals.share.sum(),
        open_amount=deals.credited.sum(),
        weighted_amount=weighted.sum(),
        due_deals=deals.share.sum(where=due),
        due_amount=deals.credited.sum(where=due),
        due_weighted=weighted.sum(where=due),
        overdue_deals=deals.share.sum(where=deals.close_date < as_of),
        without_amount=deals.share.sum(where=deals.amount.isnull()),
        without_close_date=deals.share.sum(where=deals.close_date.isnull()),
        without_probability=deals.share.sum(where=deals.credited.notnull() & weighted.isnull()),
        no_rate=deals.share.sum(where=deals.no_rate),
    )
    people = report_people(known, period, as_of, manager=manager)
    joined = people.left_join(sums, people.user_id == sums._user)
    filled = joined.select(*PERSON, *(joined[name].fill_null(0).name(name) for name in SUMS))
    return roll_up(filled, by, SUMS)


def _usable(probability: ir.Value) -> ir.Value:
    return probability.between(0, 1).ifelse(probability, ibis.null("float64"))


def _by_stage(known: Book, period: Period, as_of: date, manager: str) -> ir.Table:
    deals = credited_deals(known)
    people = report_people(known, period, as_of, manager=manager)
    deals = deals.filter(~deals.is_closed & deals.user_id.isin(people.user_id))
    age = ibis.literal(as_of).delta(deals.created_date, unit="day")
    band = ibis.cases(
        (age.isnull(), AGE_BANDS[3]), (age <= 30, AGE_BANDS[0]), (age <= 90, AGE_BANDS[1]), else_=AGE_BANDS[2]
    )
    staged = deals.mutate(age_band=band, stage_name=deals.stage_name.fill_null("not known then"))
    return staged.group_by("stage_name", "age_band").aggregate(
        deals=staged.share.sum(),
        amount=staged.credited.sum().fill_null(0),
        without_amount=staged.share.sum(where=staged.amount.isnull()).fill_null(0),
    )


def _open(known: Book, as_of: date) -> ir.Table:
    deals = credited_deals(known)
    deals = deals.filter(~deals.is_closed)
    accounts = known.table("accounts").select(_account="account_id", account_name="account_name")
    moves = pushes(known)
    joined = deals.left_join(accounts, deals.account_id == accounts._account)
    joined = joined.left_join(moves, joined.opportunity_id == moves._deal)
    return joined.select(
        "user_id",
        "opportunity_id",
        "account_id",
        "account_name",
        "stage_name",
        "probability",
        "close_date",
        "next_step",
        amount=joined.credited,
        pushes=joined.pushes.fill_null(0) if known.has("opportunity_history") else ibis.null("int64"),
        days_open=ibis.literal(as_of).delta(joined.created_date, unit="day"),
    )
