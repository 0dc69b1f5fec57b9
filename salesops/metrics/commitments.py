"""Commitments: what was promised, and whether it was kept by the day first agreed."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.credits import credited_deals, credited_orders
from salesops.book.money import in_book_currency
from salesops.book.schema import METRICS
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import Format, local_date, to_type
from salesops.periods import Period

VERDICTS = ("kept", "missed", "pending", "withdrawn", "declared", "unproven")
COUNTED = ("kept", "missed", "declared")
ONCE = ("deal_won", "contact_made")
CONTACTS = ("call", "email", "meeting", "follow_up")


def commitments(book: Book, period: Period, as_of: date, *, users: tuple[str, ...] = ()) -> ir.Table:
    """Judge every commitment that is due in the period by its original date, or is still pending.

    The value of the metric over agreed_at..original_due_date, for the owner and the subject, is compared
    with the target; pipeline counts with its amounts of the original due date. A moved date changes nothing but
    the flag. A withdrawal counts only up to the original due date. Where the target of deal_won or contact_made
    is no number, once is meant. What the book cannot measure (another metric, no table for it, no target) counts
    as declared if it names evidence, else it is unproven and counts nowhere.

    Parameters
    ----------
    users : tuple of str
        Only commitments of these owners; () means everyone's.

    Returns
    -------
    ir.Table
        commitment_id, owner_id, agreed_with, agreed_on (date), metric, operator, target (text), subject_id,
        original_due_date, due_date, evidence_id, cause, value (number; null where not measured), verdict (one
        of VERDICTS), moved (boolean), due_in_period (boolean).
    """
    known = as_known(book, as_of)
    judged = known.keep(("commitments", period), lambda: _judged(known, period, as_of))
    return judged.filter(judged.owner_id.isin(users)) if users else judged


def keep_rate(judged: ir.Table) -> ir.Table:
    """Return kept ÷ due for each owner, from the result of `commitments`.

    Returns
    -------
    ir.Table
        owner_id, kept (declared ones with it), missed, moved, pending, keep_rate (kept ÷ (kept + missed); null
        if nothing was due).
    """
    due = judged.due_in_period
    kept = judged.verdict.isin(("kept", "declared")) & due
    missed = (judged.verdict == "missed") & due
    table = judged.group_by("owner_id").aggregate(
        kept=kept.sum(),
        missed=missed.sum(),
        moved=(judged.moved & due).sum(),
        pending=(judged.verdict == "pending").sum(),
    )
    return table.mutate(keep_rate=table.kept / (table.kept + table.missed).nullif(0))


def _judged(known: Book, period: Period, as_of: date) -> ir.Table:
    rows = _prepared(known)
    in_period = rows.original_due_date.between(period.start, period.end)
    rows = rows.mutate(due_in_period=in_period & (rows.original_due_date <= as_of))
    rows = rows.filter(rows.due_in_period | (rows.original_due_date > as_of))
    values = _values(known, rows)
    joined = rows.left_join(values, rows.commitment_id == values._id).drop("_id")
    return joined.mutate(verdict=_verdict(joined, as_of)).drop("_goal", "_withdrawn_on")


def _prepared(known: Book) -> ir.Table:
    zone, rows = known.config.time_zone, known.table("commitments")
    form = known.form("commitments") if known.has("commitments") else Format()
    number = to_type(rows.target, "number", form)
    goal = rows.metric.cases(("deal_stage", ibis.coalesce(_position(known, rows.target), number)), else_=number)
    return rows.select(
        "commitment_id",
        "owner_id",
        "agreed_with",
        "metric",
        "target",
        "subject_id",
        "original_due_date",
        "due_date",
        "evidence_id",
        "cause",
        agreed_on=local_date(rows.agreed_at, zone),
        operator=rows.operator.fill_null(">="),
        moved=(rows.due_date > rows.original_due_date).fill_null(False),
        _goal=rows.metric.isin(ONCE).ifelse(goal.fill_null(1.0), goal),
        _withdrawn_on=local_date(rows.withdrawn_at, zone),
    )


def _verdict(rows: ir.Table, as_of: date) -> ir.Value:
    holds = (rows.operator == "<=").ifelse(rows.value <= rows._goal, rows.value >= rows._goal)
    measured = rows.metric.isin(METRICS) & rows.value.notnull() & rows._goal.notnull()
    return ibis.cases(
        ((rows._withdrawn_on <= rows.original_due_date).fill_null(False), "withdrawn"),
        (rows.original_due_date > as_of, "pending"),
        (measured & holds, "kept"),
        (measured, "missed"),
        (rows.evidence_id.notnull(), "declared"),
        else_="unproven",
    )


def _values(known: Book, rows: ir.Table) -> ir.Table:
    """One row a measurable commitment: _id, value."""
    pieces = [
        _deal_values(known, rows),
        _created_values(known, rows),
        _order_values(known, rows),
        _activity_values(known, rows),
        _stage_values(known, rows),
    ]
    both = ibis.union(*pieces)
    # shares such as .7 + .2 + .1 add up to a hair below 1, and a promise must not be missed by that
    return both.group_by("_id").aggregate(value=both.value.sum().round(6))


def _on_metrics(known: Book, rows: ir.Table, table: str, *metrics: str) -> ir.Table:
    """The commitments on some metrics; none if the book lacks the table that measures them."""
    chosen = rows.filter(rows.metric.isin(metrics if known.has(table) else ()))
    return chosen.select(
        "metric",
        _id="commitment_id",
        _owner="owner_id",
        _subject="subject_id",
        _first="agreed_on",
        _last="original_due_date",
    )


def _about(asked: ir.Table, *ids: ir.Value) -> ir.BooleanValue:
    """True where the commitment has no subject, or its subject is one of these ids."""
    hit = asked._subject.isnull()
    for identifier in ids:
        hit = hit | (asked._subject == identifier).fill_null(False)
    return hit


def _deal_values(known: Book, rows: ir.Table) -> ir.Table:
    asked = _on_metrics(known, rows, "opportunities", "booked", "won_deals", "deal_won")
    deals = credited_deals(known).select(
        "user_id", "opportunity_id", "account_id", "is_won", "close_date", "credited", "share"
    )
    both = asked.left_join(deals, asked._owner == deals.user_id)
    inside = _about(both, both.opportunity_id, both.account_id)
    won = inside & (both.is_won & both.close_date.between(both._first, both._last)).fill_null(False)
    part = both.metric.cases(
        ("booked", won.ifelse(both.credited, 0.0)),
        ("won_deals", won.ifelse(both.share, 0.0)),
        else_=won.ifelse(1.0, 0.0),
    )
    return both.group_by("_id").aggregate(value=part.sum().fill_null(0.0))


def _created_values(known: Book, rows: ir.Table) -> ir.Table:
    """New deals count with the amounts that they had on the day first agreed: a later cut breaks no promise."""
    asked = _on_metrics(known, rows, "opportunities", "pipeline_created")
    deals = credited_deals(known).select(
        "user_id", "opportunity_id", "account_id", "created_date", "currency", "amount", "share"
    )
    both = asked.inner_join(deals, asked._owner == deals.user_id)
    inside = _about(both, both.opportunity_id, both.account_id)
    created = both.filter(inside & both.created_date.between(both._first, both._last).fill_null(False))
    then = _amounts_then(known, created)
    joined = created.left_join(then, [created._id == then._of, created.opportunity_id == then._deal])
    joined = joined.mutate(amount=joined._deal.notnull().ifelse(joined._then, joined.amount))
    priced = in_book_currency(known, joined, "amount", joined._last)
    found = priced.select("_id", value=priced.value * priced.share)
    return ibis.union(asked.select("_id", value=ibis.literal(0.0)), found)


def _amounts_then(known: Book, created: ir.Table) -> ir.Table:
    """The last amount of a deal up to the day first agreed, where its history knows one: _of, _deal, _then."""
    history = known.table("opportunity_history")
    amounts = history.filter(history.field_name == "amount").select(
        "valid_from",
        _deal="opportunity_id",
        _amount=to_type(history.new_value, "number", known.history_form),
        _since=local_date(history.valid_from, known.config.time_zone),
    )
    up_to = created.select("opportunity_id", "_last", _of="_id")
    past = up_to.inner_join(amounts, [up_to.opportunity_id == amounts._deal, amounts._since <= up_to._last])
    return past.group_by("_of", "_deal").aggregate(_then=past._amount.argmax(past.valid_from))


def _order_values(known: Book, rows: ir.Table) -> ir.Table:
    asked = _on_metrics(known, rows, "order_lines" if known.has("orders") else "orders", "orders")
    orders = credited_orders(known).select("user_id", "order_id", "account_id", "ordered_on", "credited")
    both = asked.left_join(orders, asked._owner == orders.user_id)
    inside = _about(both, both.order_id, both.account_id) & both.ordered_on.between(both._first, both._last).fill_null(
        False
    )
    return both.group_by("_id").aggregate(value=both.credited.sum(where=inside).fill_null(0.0))


def _activity_values(known: Book, rows: ir.Table) -> ir.Table:
    asked = _on_metrics(known, rows, "activities", "activities_completed", "contact_made")
    table = known.table("activities")
    done = table.select(
        "type",
        "owner_id",
        "account_id",
        "contact_id",
        "opportunity_id",
        "order_id",
        done_on=local_date(table.completed_at, known.config.time_zone),
    )
    both = asked.left_join(done, asked._owner == done.owner_id)
    about = _about(both, both.account_id, both.contact_id, both.opportunity_id, both.order_id)
    inside = about & both.done_on.between(both._first, both._last).fill_null(False)
    counts = inside & ((both.metric == "activities_completed") | both.type.isin(CONTACTS).fill_null(False))
    return both.group_by("_id").aggregate(value=counts.sum().cast("float64").fill_null(0.0))


def _stage_values(known: Book, rows: ir.Table) -> ir.Table:
    """The furthest stage (1 for the first) that the deal had reached by the day first agreed."""
    asked = _on_metrics(known, rows, "opportunities", "deal_stage")
    history = known.table("opportunity_history")
    stages = history.filter(history.field_name == "stage_name").select(
        "opportunity_id",
        place=_position(known, history.new_value),
        day=local_date(history.valid_from, known.config.time_zone),
    )
    deals = known.table("opportunities")
    won = deals.filter(deals.is_won).select(
        "opportunity_id", place=ibis.literal(len(known.config.stage_order) + 1.0), day="close_date"
    )
    placed = ibis.union(stages, won)
    both = asked.left_join(placed, (asked._subject == placed.opportunity_id))
    return both.group_by("_id").aggregate(value=both.place.max(where=both.day <= both._last))


def _position(known: Book, stage: ir.Value) -> ir.Value:
    """Place of a stage in the book's order, 1 for the first; null for a stage that is not in it."""
    places = [(name, float(n)) for n, name in enumerate(known.config.stage_order, 1)]
    return stage.cases(*places, else_=ibis.null("float64")) if places else ibis.null("float64")
