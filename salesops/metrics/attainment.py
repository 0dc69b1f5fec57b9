"""Goal, actual and gap: how far each rep, team or territory came."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.credits import credited_deals, credited_orders
from salesops.book.lines import By, report_lines, roll_up
from salesops.book.people import people_in, team_of
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import Period


def attainment(book: Book, period: Period, as_of: date, *, by: By = "rep", manager: str = "") -> ir.Table:
    """Return goal, actual, gap and attainment of every report line.

    Actual is the credited share of closed-won deals by close date (measure bookings), or of order lines' net
    amount by order date (measure orders), dated in the period and not after `as_of`. The quota is never cut
    by `as_of`; `pace` is quota × share of the period gone.

    Parameters
    ----------
    by : {"rep", "manager", "territory", "team"}
        One row for each report line, or for each group and measure. Rollup quotas are never in a group's sum.
    manager : str
        Id or name: only this manager and everyone below.

    Returns
    -------
    ir.Table
        measure, quota, booked, gap (quota − booked), pace (money); attainment (booked ÷ quota, null without a
        quota or with a quota of zero); deals (credited count of won deals or orders); no_rate (rows left out
        because their currency has no rate). By rep also user_id, user_name, role, manager_id, territory_id,
        hire_date, end_date, is_rollup, prorated, is_rest, ramped, quotas_left_out. By group also lines,
        lines_with_quota, lines_attained and booked_with_quota (the actual of the lines that have a quota).
    """
    known = as_known(book, as_of)
    return known.keep(("attainment", period, by, manager), lambda: _attainment(known, period, as_of, by, manager))


def actuals(known: Book, period: Period, as_of: date) -> ir.Table:
    """Return what each user brought in: user_id (null for house sales), measure, booked, deals, no_rate."""
    return known.keep(("actuals", period, as_of), lambda: _actuals(known, period, period.cut(as_of)))


def house_sales(book: Book, period: Period, as_of: date) -> ir.Table:
    """Return orders without owner or credits in the period, in nobody's actual: booked, deals, no_rate."""
    found = actuals(as_known(book, as_of), period, as_of)
    return found.filter(found.user_id.isnull()).aggregate(
        booked=found.booked.sum().fill_null(0),
        deals=found.deals.sum().fill_null(0),
        no_rate=found.no_rate.sum().fill_null(0),
    )


def cumulative(book: Book, period: Period, as_of: date, *, users: tuple[str, ...], measure: str) -> ir.Table:
    """Return some people's running actual: date, booked (money up to that day); a row for each day with sales."""
    known = as_known(book, as_of)
    daily = known.keep(("daily", period, measure), lambda: _daily(known, period, as_of, measure))
    mine = daily.filter(daily.user_id.isin(users))
    days = mine.group_by("date").aggregate(amount=mine.amount.sum())
    return days.select("date", booked=days.amount.sum().over(ibis.cumulative_window(order_by=days.date)))


def _attainment(known: Book, period: Period, as_of: date, by: By, manager: str) -> ir.Table:
    lines = report_lines(known, period, as_of, manager=manager)
    actual = actuals(known, period, as_of)
    own = lines.filter(~lines.is_rollup).left_join(actual, ["user_id", "measure"])
    table = own.select(*lines.columns, *(own[name].fill_null(0).name(name) for name in ("booked", "deals", "no_rate")))
    if by != "rep":
        return _grouped(table, period, as_of, by)
    rollups = _rollups(known, period, lines.filter(lines.is_rollup), actual)
    return _ratios(ibis.union(table, rollups) if rollups is not None else table, period, as_of)


def _rollups(known: Book, period: Period, lines: ir.Table, actual: ir.Table) -> ir.Table | None:
    """A rollup line shows the actual of the manager's whole team, as it was on the period's last day."""
    owners = lines.select("user_id").distinct().to_pyarrow().to_pylist()
    if not owners:
        return None
    users = people_in(known, period)
    pairs = [
        {"leader": owner["user_id"], "member": member}
        for owner in owners
        for member in team_of(users, owner["user_id"])
    ]
    teams = ibis.memtable(pairs, schema={"leader": "string", "member": "string"})
    joined = teams.inner_join(actual, teams.member == actual.user_id)
    sums = joined.group_by("leader", "measure").aggregate(
        booked=joined.booked.sum(), deals=joined.deals.sum(), no_rate=joined.no_rate.sum()
    )
    both = lines.left_join(sums, [lines.user_id == sums.leader, lines.measure == sums.measure])
    return both.select(*lines.columns, *(both[name].fill_null(0).name(name) for name in ("booked", "deals", "no_rate")))


def _ratios(table: ir.Table, period: Period, as_of: date) -> ir.Table:
    return table.mutate(
        gap=table.quota - table.booked,
        attainment=table.booked / table.quota.nullif(0),
        pace=table.quota * period.gone(as_of),
    )


def _grouped(table: ir.Table, period: Period, as_of: date, by: By) -> ir.Table:
    counted = table.mutate(
        lines=ibis.literal(1),
        lines_with_quota=table.quota.notnull().cast("int64"),
        lines_attained=((table.quota > 0) & (table.booked >= table.quota)).fill_null(False).cast("int64"),
        booked_with_quota=table.quota.notnull().ifelse(table.booked, 0.0),
    )
    sums = ("quota", "booked", "deals", "no_rate", "lines", "lines_with_quota", "lines_attained", "booked_with_quota")
    return _ratios(roll_up(counted, by, sums, also=("measure",)), period, as_of)


def _actuals(known: Book, period: Period, last: date) -> ir.Table:
    deals = credited_deals(known)
    won = deals.filter(deals.is_won & deals.close_date.between(period.start, last))
    orders = credited_orders(known)
    ordered = orders.filter(orders.ordered_on.between(period.start, last))
    return ibis.union(_summed(won, "bookings"), _summed(ordered, "orders"))


def _summed(rows: ir.Table, measure: str) -> ir.Table:
    # shares such as .7 + .2 + .1 add up to a hair below 1, and a goal must not be missed by that
    return rows.group_by("user_id").aggregate(
        measure=ibis.literal(measure),
        booked=rows.credited.sum().fill_null(0).round(6),
        deals=rows.share.sum(),
        no_rate=rows.no_rate.sum(),
    )


def _daily(known: Book, period: Period, as_of: date, measure: str) -> ir.Table:
    if measure == "bookings":
        deals = credited_deals(known)
        rows = deals.filter(deals.is_won).select("user_id", day="close_date", credited="credited")
    else:
        rows = credited_orders(known).select("user_id", "credited", day="ordered_on")
    inside = rows.filter(rows.day.between(period.start, period.cut(as_of)))
    return inside.group_by("user_id", date="day").aggregate(amount=inside.credited.sum().fill_null(0))
