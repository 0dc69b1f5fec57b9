"""The people of a client: who was in touch, what is planned, what was promised, whose birthday it is."""

from __future__ import annotations

import re
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.metrics.commitments import CONTACTS, commitments
from salesops.periods import Period

AHEAD = 30
YEAR = 365
_MMDD = re.compile(r"^(\d{2})-(\d{2})$")


def touches(book: Book, account_id: str, as_of: date) -> pd.DataFrame:
    """Return all activities for a client, as known on the day.

    Returns
    -------
    pandas.DataFrame
        type, owner_name, contact_name (or null), subject, outcome (text or null), due_date (date or null), done_on
        (date; NaT while open), done (boolean), spoken (boolean: done, and a call, email, meeting or follow-up),
        overdue (boolean: open, and due before `as_of`); done ones first, newest first; then open ones by due date.
    """
    known = as_known(book, as_of)
    table = known.keep("client activities", lambda: _activities(known))
    rows: pd.DataFrame = table.filter(table.account_id == account_id).to_pandas()
    done, due = pd.to_datetime(rows.done_on), pd.to_datetime(rows.due_date)
    rows = rows.assign(done_on=done, due_date=due, done=done.notna())
    rows["spoken"] = rows.done & rows.type.isin(CONTACTS)
    rows["overdue"] = ~rows.done & (due < pd.Timestamp(as_of))
    finished = rows[rows.done].sort_values(["done_on", "activity_id"], ascending=[False, True])
    planned = rows[~rows.done].sort_values(["due_date", "activity_id"])
    return pd.concat([finished, planned], ignore_index=True).drop(columns="account_id")


def promises(book: Book, account_id: str, as_of: date) -> pd.DataFrame:
    """Return commitments about a client, its contacts, deals or orders: those pending, and those due in a YEAR.

    A commitment without a subject, or about another client, is never among them.

    Returns
    -------
    pandas.DataFrame
        The columns of `metrics.commitments`; subject_name (the account's or the contact's name, else the id),
        owner_name, agreed_with_name; pending first, by original due date; then the others, newest first.
    """
    known = as_known(book, as_of)
    table = known.keep("client promises", lambda: _promises(known, as_of))
    rows: pd.DataFrame = table.filter(table.account_id == account_id).drop("account_id").to_pandas()
    pending = rows.verdict == "pending"
    days = pd.to_datetime(rows.original_due_date) - pd.Timestamp(as_of)
    rows = rows.assign(_others=~pending, _days=days.dt.days.abs())
    rows = rows.sort_values(["_others", "_days", "commitment_id"], ignore_index=True)
    return rows.drop(columns=["_others", "_days"])


def birthdays(book: Book, account_id: str, as_of: date) -> pd.DataFrame:
    """Return contacts with a birthday in the AHEAD days from `as_of` who agreed by then to be congratulated.

    A birthday on 29 February counts on 28 February in other years.

    Returns
    -------
    pandas.DataFrame
        contact_name, month, day (numbers; the year is never known), days_left (0 is the day itself); soonest first.
    """
    known = as_known(book, as_of)
    table = known.keep("client birthdays", lambda: _agreed(known, as_of))
    rows = []
    for row in table.filter(table.account_id == account_id).to_pyarrow().to_pylist():
        found = _next_birthday(row["birthday_mmdd"], as_of)
        if found and (found[2] - as_of).days <= AHEAD:
            rows.append((row["contact_name"], found[0], found[1], (found[2] - as_of).days))
    found_on = pd.DataFrame(rows, columns=["contact_name", "month", "day", "days_left"])
    return found_on.sort_values(["days_left", "contact_name"], ignore_index=True)


def _activities(known: Book) -> ir.Table:
    activities = known.table("activities")
    users = known.table("users").select("user_id", owner_name="user_name")
    contacts = known.table("contacts").select(_contact="contact_id", contact_name="contact_name")
    own = activities.filter(activities.account_id.notnull())
    own = own.mutate(done_on=local_date(own.completed_at, known.config.time_zone))
    joined = own.left_join(users, own.owner_id == users.user_id)
    joined = joined.left_join(contacts, joined.contact_id == contacts._contact)
    return joined.select(
        "account_id", "activity_id", "type", "owner_id", "owner_name", "contact_name", "subject", "outcome",
        "due_date", "done_on",
    )  # fmt: skip  # two lines read better than ten


def _agreed(known: Book, as_of: date) -> ir.Table:
    contacts = known.table("contacts")
    agreed = local_date(contacts.birthday_optin_at, known.config.time_zone) <= as_of
    own = contacts.filter(contacts.birthday_mmdd.notnull() & agreed)
    return own.select("account_id", "contact_name", "birthday_mmdd")


def _promises(known: Book, as_of: date) -> ir.Table:
    period = Period(as_of - timedelta(days=YEAR - 1), as_of, f"the year up to {as_of}")
    judged = commitments(known, period, as_of)
    subjects, users = _subjects(known), known.table("users")
    both = judged.inner_join(subjects, judged.subject_id == subjects._subject).drop("_subject")
    for who in ("owner", "agreed_with"):
        key = "owner_id" if who == "owner" else who
        names = users.select(**{f"_{who}": "user_id", f"{who}_name": "user_name"})
        both = both.left_join(names, both[key] == names[f"_{who}"]).drop(f"_{who}")
    return both


def _subjects(known: Book) -> ir.Table:
    """Return whom a subject is about: _subject, account_id, subject_name. An id that two tables share counts once."""
    parts = []
    for place, (name, key, label) in enumerate(
        (
            ("accounts", "account_id", "account_name"),
            ("contacts", "contact_id", "contact_name"),
            ("opportunities", "opportunity_id", "opportunity_id"),
            ("orders", "order_id", "order_id"),
        )
    ):
        rows = known.table(name)
        rows = rows.filter(rows.account_id.notnull())
        parts.append(rows.select(_subject=key, account_id="account_id", subject_name=label, _place=ibis.literal(place)))
    every = ibis.union(*parts)
    return every.group_by("_subject").aggregate(
        account_id=every.account_id.argmin(every._place), subject_name=every.subject_name.argmin(every._place)
    )


def _next_birthday(mmdd: str, as_of: date) -> tuple[int, int, date] | None:
    """Return month, day, and when it is next; None for what is no day of a year."""
    parts = _MMDD.match(mmdd)
    if not parts:
        return None
    month, day = int(parts[1]), int(parts[2])
    found = [on for year in (as_of.year, as_of.year + 1) if (on := _on(year, month, day)) and on >= as_of]
    return (month, day, found[0]) if found else None


def _on(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:  # a leap day in another year, or no day at all, or beyond the last year
        return date(year, 2, 28) if (month, day) == (2, 29) and year <= date.max.year else None
