"""Contracts that end, people known, answers and contacts of each account."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from salesops.book.scale import is_unhappy, surveys, top
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.metrics.contracts import contract_spans

ISSUE_DAYS = 90


def renewals(book: Book, as_of: date) -> pd.DataFrame:
    """Return each account's contract with a term that runs on `as_of`, has no successor and ends first.

    Returns
    -------
    pandas.DataFrame
        account_id, contract_end (date), days_to_renewal, days_to_notice (negative when the day has passed),
        annual_amount (money, in the contract's currency).
    """
    spans = contract_spans(book, as_of)
    running = spans.filter(spans.runs & spans.term & ~spans.renewed)
    running = running.mutate(
        place=ibis.row_number().over(group_by=running.account_id, order_by=[running.end_date, running.contract_id])
    )
    days = running.end_date.delta(ibis.literal(as_of), unit="day")
    first = running.mutate(days_to_renewal=days, days_to_notice=days - running.notice_days.fill_null(0))
    first = first.filter(first.place == 0)
    return _pandas(
        first.select("account_id", "days_to_renewal", "days_to_notice", "annual_amount", contract_end="end_date")
    )


def contract_owners(book: Book, as_of: date) -> pd.Series:
    """Return who owns each account's contract: of those that run the one that began last; by account_id."""
    spans = contract_spans(book, as_of)
    owned = spans.filter(spans.owner_id.notnull())
    latest = [owned.runs.desc(), owned.start_date.desc(), owned.contract_id]
    first = owned.group_by("account_id").aggregate(owner_id=owned.owner_id.first(order_by=latest))
    return _pandas(first).set_index("account_id").owner_id


def relationship(known: Book, as_of: date) -> pd.DataFrame:
    """Return what ties each account to us, and whether something stands open.

    Returns
    -------
    pandas.DataFrame
        account_id, contacts (people), days_since_contact (days since the last completed activity), last_score,
        last_top (the top of its scale), last_answer (date), open_issue (boolean: an unhappy answer, as
        `salesops.book.scale` says, within ISSUE_DAYS, and no activity completed on a later day).
    """
    people = known.table("contacts").group_by("account_id").aggregate(contacts=ibis._.count())
    parts = [_pandas(people), _pandas(_last_contact(known)), _pandas(_last_answer(known))]
    table = parts[0].merge(parts[1], on="account_id", how="outer").merge(parts[2], on="account_id", how="outer")
    done, answered = pd.to_datetime(table.last_done), pd.to_datetime(table.last_answer)
    recent = answered >= pd.Timestamp(as_of - timedelta(days=ISSUE_DAYS))
    waiting = done.isna() | (done <= answered)
    return table.assign(
        contacts=table.contacts.fillna(0),
        days_since_contact=(pd.Timestamp(as_of) - done).dt.days,
        open_issue=table.unhappy.eq(True) & recent & waiting,
    ).drop(columns=["last_done", "unhappy"])


def _last_contact(known: Book) -> ir.Table:
    activities = known.table("activities")
    done = activities.filter(activities.completed_at.notnull() & activities.account_id.notnull())
    day = local_date(done.completed_at, known.config.time_zone)
    return done.group_by("account_id").aggregate(last_done=day.max())


def _last_answer(known: Book) -> ir.Table:
    answers = surveys(known)
    answers = answers.filter(answers.score.notnull() & answers.responded_at.notnull())
    latest = ibis.row_number().over(
        group_by=answers.account_id, order_by=[ibis.desc(answers.responded_at), answers.survey_id]
    )
    answers = answers.mutate(
        place=latest, last_answer=local_date(answers.responded_at, known.config.time_zone),
        last_top=top(answers), unhappy=is_unhappy(answers),
    )  # fmt: skip  # one row
    answers = answers.filter(answers.place == 0)
    return answers.select("account_id", "last_answer", "last_top", "unhappy", last_score="score")


def _pandas(table: ir.Table) -> pd.DataFrame:
    found: pd.DataFrame = table.to_pandas()
    return found
