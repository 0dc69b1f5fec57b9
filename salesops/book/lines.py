"""Report lines: for whom an accountability report has a line, and what counts on it."""

from __future__ import annotations

from datetime import date
from typing import Literal

import ibis
import ibis.expr.types as ir

from salesops.book.agreed import quotas_in_force
from salesops.book.credits import credited_deals, credited_orders
from salesops.book.goals import goals
from salesops.book.people import people_in, team_of
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import Period

By = Literal["rep", "manager", "territory", "team"]
GROUPS: dict[By, tuple[str, ...]] = {"manager": ("manager_id",), "territory": ("territory_id",), "team": ()}
PERSON = ("user_id", "user_name", "role", "manager_id", "territory_id", "hire_date", "end_date")


def report_people(book: Book, period: Period, as_of: date, *, manager: str = "") -> ir.Table:
    """Return everyone who has a line in a report.

    A line stands for every user who has a quota in the period, or owns or is credited with a deal or order
    in it, or is an active user of role rep. A deal is in the period if it closed in it up to `as_of`, or is
    open and due in it. Who is hired after `as_of` has a line only if a quota was agreed by then, or on no known day.
    Managers and territories are those of the period's last day.

    Parameters
    ----------
    manager : str
        Id or name: this manager and everyone below, at any depth. "" means all.

    Returns
    -------
    ir.Table
        user_id, user_name, role, manager_id, territory_id, hire_date, end_date; one row a person.
    """
    known = as_known(book, as_of)
    return known.keep(("people", period, manager), lambda: _people(known, period, as_of, manager))


def report_users(book: Book, period: Period, as_of: date, *, manager: str = "") -> list[tuple[str, str]]:
    """Return (user_id, user_name) of everyone who has a line, by name."""
    known = as_known(book, as_of)
    pairs = known.keep(("report users", period, manager), lambda: _users(known, period, as_of, manager))
    return [(user_id, user_name) for user_id, user_name in pairs]


def report_managers(book: Book, period: Period, as_of: date) -> list[tuple[str, str]]:
    """Return (user_id, user_name) of everyone with someone who has a line below them, at any depth, by name."""
    known = as_known(book, as_of)
    rows = people_in(known, period).select("user_id", "user_name", "manager_id").to_pyarrow().to_pylist()
    people = {row["user_id"]: row for row in rows}
    managers: set[str] = set()
    waiting = [user_id for user_id, _ in report_users(book, period, as_of)]
    while waiting:
        manager = people[waiting.pop()]["manager_id"]
        if manager in people and manager not in managers:
            managers.add(manager)
            waiting.append(manager)
    named = ((manager, people[manager]["user_name"] or "") for manager in managers)
    return sorted(named, key=lambda pair: (pair[1].casefold(), pair[0]))


def report_lines(book: Book, period: Period, as_of: date, *, manager: str = "") -> ir.Table:
    """Return the lines of a report: a person has one for each measure with a quota or an actual, one for a rollup.

    A person with neither has one line in the book's usual measure.

    Returns
    -------
    ir.Table
        The columns of `report_people`, measure (bookings or orders), is_rollup, quota (null without one),
        prorated, is_rest, ramped, quotas_left_out.
    """
    known = as_known(book, as_of)
    return known.keep(("lines", period, manager), lambda: _lines(known, period, as_of, manager))


def usual_measure(book: Book, period: Period) -> str:
    """Return the measure of those without a quota: that of most quotas, in the period if any are.

    A book without quotas uses bookings where it has opportunities, else orders.
    """
    return book.keep(("usual measure", period), lambda: _usual_measure(book, period))


def roll_up(table: ir.Table, by: By, sums: tuple[str, ...], also: tuple[str, ...] = ()) -> ir.Table:
    """Sum columns over reps, by manager, territory or the whole team; by rep the table stays as it is.

    `also` names further columns to group by.
    """
    if by == "rep":
        return table
    keys = [*GROUPS[by], *also]
    totals = {name: table[name].sum() for name in sums}
    return table.group_by(keys).aggregate(**totals) if keys else table.aggregate(**totals)


def _users(known: Book, period: Period, as_of: date, manager: str) -> list[list[str]]:
    people = report_people(known, period, as_of, manager=manager).order_by("user_name", "user_id")
    return [[row["user_id"], row["user_name"]] for row in people.to_pyarrow().to_pylist()]


def _lines(known: Book, period: Period, as_of: date, manager: str) -> ir.Table:
    people = report_people(known, period, as_of, manager=manager)
    agreed = goals(known, period)
    with_quota = people.inner_join(agreed, "user_id").select(*PERSON, *agreed.columns[1:])
    own = agreed.filter(~agreed.is_rollup)
    sold = _sold_by(known, period, as_of).anti_join(own, ["user_id", "measure"])
    # a manager whose only quota is a rollup needs no second line without deals or orders of their own
    active = ibis.union(_involved(_deals_in(known, period)), _involved(_orders_in(known, period)))
    idle = agreed.filter(agreed.is_rollup).anti_join(active, "user_id")
    usual = people.anti_join(own, "user_id").anti_join(sold, "user_id").anti_join(idle, "user_id")
    usual = usual.select("user_id", measure=ibis.literal(usual_measure(known, period)))
    without = people.inner_join(ibis.union(sold, usual), "user_id").mutate(
        is_rollup=False,
        quota=ibis.null("float64"),
        prorated=False,
        is_rest=False,
        ramped=False,
        quotas_left_out=ibis.literal(0, type="int64"),
    )
    return ibis.union(with_quota.cast(without.schema()), without)


def _sold_by(known: Book, period: Period, as_of: date) -> ir.Table:
    """Return who won deals (bookings) or sold orders in the period up to a day: user_id, measure, a row each."""
    deals, orders = credited_deals(known), credited_orders(known)
    last = period.cut(as_of)
    won = deals.filter(deals.is_won & deals.close_date.between(period.start, last))
    ordered = orders.filter(orders.ordered_on.between(period.start, last))
    pairs = ((won, "bookings"), (ordered, "orders"))
    both = ibis.union(*(rows.select("user_id", measure=ibis.literal(measure)) for rows, measure in pairs))
    return both.filter(both.user_id.notnull()).distinct()


def _usual_measure(book: Book, period: Period) -> str:
    quotas = quotas_in_force(book)
    inside = (quotas.period_start <= period.end) & (quotas.period_end >= period.start)
    counts = quotas.group_by("measure").aggregate(inside=inside.sum(), rows=quotas.count())
    best = counts.order_by(ibis.desc("inside"), ibis.desc("rows"), "measure").limit(1).to_pyarrow().to_pylist()
    if best:
        return str(best[0]["measure"])
    return "bookings" if book.has("opportunities") or not book.has("orders") else "orders"


def _people(known: Book, period: Period, as_of: date, manager: str) -> ir.Table:
    users = people_in(known, period).select(*PERSON)
    if manager:
        users = users.filter(users.user_id.isin(team_of(users, manager)))
    hired = users.hire_date.isnull() | (users.hire_date <= period.cut(as_of))
    stayed = users.end_date.isnull() | (users.end_date >= period.start)
    involved = ibis.union(*(_involved(table) for table in (_deals_in(known, period), _orders_in(known, period))))
    with_quota = goals(known, period).user_id
    agreed = quotas_in_force(known)
    agreed = agreed.filter(agreed.agreed_at.isnull() | (agreed.agreed_at <= as_of)).owner_id
    here = users.hire_date.isnull() | (users.hire_date <= as_of) | users.user_id.isin(agreed)
    due = users.user_id.isin(with_quota) & here
    return users.filter(((users.role == "rep") & hired & stayed) | due | users.user_id.isin(involved.user_id))


def _deals_in(known: Book, period: Period) -> ir.Table:
    # closed or due: what closed after the snapshot's date is open in it
    deals = credited_deals(known)
    return deals.filter(deals.close_date.between(period.start, period.end))


def _orders_in(known: Book, period: Period) -> ir.Table:
    orders = credited_orders(known)
    return orders.filter(orders.ordered_on.between(period.start, period.end))


def _involved(rows: ir.Table) -> ir.Table:
    people = ibis.union(rows.select("user_id"), rows.select(user_id="owner_id"))
    return people.filter(people.user_id.notnull())
