"""What clients answer after a delivery: the score, how late the order came, and what followed a low score."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.delivered import CONTACTS, delivered_orders
from salesops.book.scale import NPS, is_content, is_detractor, is_outside, is_promoter, is_unhappy, surveys
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date


def delivery_answers(book: Book, as_of: date) -> ir.Table:
    """Return every survey that was sent up to a day, and what came of it.

    An answer is about a delivery if it came on or after it, or after the promised day. A score outside its scale is
    no answer. The cut-offs are those of `salesops.book.scale`.

    Returns
    -------
    ir.Table
        survey_id, account_id, order_id, owner_id (the order's); sent_on, answered_on (dates); score (null without an
        answer), scale; content, promoter, detractor, unhappy (booleans; null without an answer), on_nps (boolean);
        about_delivery (boolean), days_late (days, as `delivered_orders` gives them; null where the answer is about no
        delivery); contacted (boolean: the account had a completed contact from the answer to follow_up_days after),
        bought_on (date of the account's next order after the answer; null without one).
    """
    known = as_known(book, as_of)
    zone = known.config.time_zone
    asked = surveys(known)
    asked = asked.mutate(
        score=is_outside(asked).fill_null(False).ifelse(None, asked.score),
        sent_on=local_date(asked.sent_at, zone), answered_on=local_date(asked.responded_at, zone),
    )  # fmt: skip  # the two dates stand together
    orders = delivered_orders(known).rename(_order="order_id").drop("account_id")
    both = asked.left_join(orders, asked.order_id == orders._order)
    after = both.answered_on >= both.delivered_on
    about = both.score.notnull() & (after.fill_null(False) | (both.answered_on > both.promised_on).fill_null(False))
    both = both.mutate(about_delivery=about, days_late=about.ifelse(both.days_late, None))
    contacts, bought = _contacts(known, both), _next_orders(known, both)
    return both.left_join(bought, both.survey_id == bought._survey).select(
        "survey_id", "account_id", "order_id", "owner_id", "sent_on", "answered_on", "score", "scale",
        "about_delivery", "days_late", "bought_on",
        content=is_content(both), promoter=is_promoter(both), detractor=is_detractor(both), unhappy=is_unhappy(both),
        on_nps=both.scale == NPS, contacted=both.survey_id.isin(contacts.survey_id),
    )  # fmt: skip  # as it is, then what it becomes


def _contacts(known: Book, answers: ir.Table) -> ir.Table:
    activities = known.table("activities")
    done = activities.filter(activities.type.isin(CONTACTS) & activities.completed_at.notnull())
    done = done.select(_account="account_id", _on=local_date(done.completed_at, known.config.time_zone))
    both = answers.filter(answers.score.notnull()).inner_join(done, answers.account_id == done._account)
    until = (both.answered_on + ibis.interval(days=known.config.follow_up_days)).cast("date")
    return both.filter(both._on.between(both.answered_on, until)).select("survey_id").distinct()


def _next_orders(known: Book, answers: ir.Table) -> ir.Table:
    orders = known.table("orders")
    days = orders.select(_account="account_id", _on=local_date(orders.ordered_at, known.config.time_zone))
    both = answers.filter(answers.score.notnull()).inner_join(days, answers.account_id == days._account)
    later = both.filter(both._on > both.answered_on)
    return later.group_by(_survey="survey_id").aggregate(bought_on=later._on.min())
