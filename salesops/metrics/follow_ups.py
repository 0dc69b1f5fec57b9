"""Follow-up: whether a client was asked after a delivery, counted by orders."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.delivered import CONTACTS, delivered_orders
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date


def follow_ups(book: Book, as_of: date) -> ir.Table:
    """Return every order delivered up to a day, and whether it was followed up.

    An order is followed up by a completed call, email, meeting or follow-up from the day of its delivery to
    follow_up_days (book.toml) after. One that names the order counts for it; one that names neither order nor deal
    counts for all orders of the account that are in their days. An order for which nobody planned anything counts too.

    Returns
    -------
    ir.Table
        order_id, account_id, owner_id; delivered_on, until (dates: the day of delivery, and the last day to follow
        up), due (boolean: `until` is not after `as_of`), followed_up (boolean: as above), by_account (boolean: the
        same, or a contact in time that names another order of the account), touched_on (date of the account's last
        completed contact from the delivery on, of whatever kind; null without one).
    """
    known = as_known(book, as_of)
    limit = ibis.interval(days=known.config.follow_up_days)
    orders = delivered_orders(known)
    orders = orders.filter(orders.delivered_on.notnull())
    orders = orders.mutate(until=(orders.delivered_on + limit).cast("date"))
    done = _contacts(known)
    general = done.filter(done._deal.isnull())
    named = orders.inner_join(done, orders.order_id == done._order)
    nearby = orders.inner_join(general, orders.account_id == general._account)
    touched = orders.inner_join(done, orders.account_id == done._account)
    touched = touched.filter(touched._on >= touched.delivered_on)
    last = touched.group_by(_touched="order_id").aggregate(touched_on=touched._on.max())
    by_order, by_account = _in_time(named), _in_time(nearby)
    alone = _in_time(nearby.filter(nearby._order.isnull()))
    joined = orders.left_join(last, orders.order_id == last._touched)
    own = joined.order_id.isin(by_order.order_id) | joined.order_id.isin(alone.order_id)
    return joined.select(
        "order_id", "account_id", "owner_id", "delivered_on", "until", "touched_on", due=joined.until <= as_of,
        followed_up=own, by_account=own | joined.order_id.isin(by_account.order_id),
    )  # fmt: skip  # as it is, then what it becomes


def _contacts(known: Book) -> ir.Table:
    activities = known.table("activities")
    done = activities.filter(activities.type.isin(CONTACTS) & activities.completed_at.notnull())
    on = local_date(done.completed_at, known.config.time_zone)
    return done.select(_order="order_id", _account="account_id", _deal="opportunity_id", _on=on)


def _in_time(joined: ir.Table) -> ir.Table:
    return joined.filter(joined._on.between(joined.delivered_on, joined.until)).select("order_id").distinct()
