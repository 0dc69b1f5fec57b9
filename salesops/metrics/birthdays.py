"""Birthdays to come: of whom they are known, who agreed to be congratulated, and who may get a gift."""

from __future__ import annotations

import re
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from salesops.book.config import gift_rules
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date

AHEAD = 30  # days
AGAIN = 180  # days in which nobody gets a second gift


def birthdays(book: Book, as_of: date) -> ir.Table:
    """Return every contact whose birthday is on file; the year is never known.

    A birthday on 29 February falls in other years on the day that [gifts] in book.toml says.

    Returns
    -------
    ir.Table
        contact_id, contact_name, account_id, owner_id (the account's; null without one); birthday_mmdd (text);
        next_on (date, `as_of` at the earliest; null where the text is no day of a year, as 04-31), soon (boolean:
        next_on lies within AHEAD days), agreed (boolean: opted in by the day), official (boolean: the contact's title
        or the account's industry is one that [gifts] excludes), given (boolean: a gift to the contact was done or
        planned within AGAIN days around the day).
    """
    known = as_known(book, as_of)
    rules, contacts = gift_rules(known.config), known.table("contacts")
    accounts = known.table("accounts").select(_account="account_id", owner_id="owner_id", industry="industry")
    told = contacts.filter(contacts.birthday_mmdd.notnull())
    joined = told.left_join(accounts, told.account_id == accounts._account)
    days = [_day(joined.birthday_mmdd, as_of.year + more, rules["leap_day"]) for more in (0, 1)]
    next_on = ibis.coalesce(ibis.ifelse(days[0] >= as_of, days[0], None), days[1])
    agreed = local_date(joined.birthday_optin_at, known.config.time_zone) <= as_of
    official = _names_one(joined.title, rules["exclude_titles"]) | _names_one(
        joined.industry, rules["exclude_industries"]
    )
    return joined.select(
        "contact_id", "contact_name", "account_id", "owner_id", "birthday_mmdd", next_on=next_on,
        soon=(next_on <= as_of + timedelta(days=AHEAD)).fill_null(False), agreed=agreed.fill_null(False),
        official=official, given=joined.contact_id.isin(_given(known, as_of).contact_id),
    )  # fmt: skip  # as it is, then what it becomes


def _day(mmdd: ir.Value, year: int, leap_day: str) -> ir.Value:
    """Return a month and day in a year; null for what is no day."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    fixed = mmdd if leap else (mmdd == "02-29").ifelse(leap_day, mmdd)
    shaped = fixed.re_search(r"^\d{2}-\d{2}$").ifelse(fixed, None)
    return (ibis.literal(f"{year:04}-") + shaped).try_cast("date")


def _names_one(text: ir.Value, names: tuple[str, ...]) -> ir.BooleanValue:
    """Tell whether a text holds one of some words, as whole words, whatever their case."""
    if not names:
        return ibis.literal(False)
    pattern = "|".join(re.escape(name.casefold()) for name in names)
    return text.lower().re_search(rf"(^|\W)({pattern})($|\W)").fill_null(False)


def _given(known: Book, as_of: date) -> ir.Table:
    gifts = known.table("activities")
    gifts = gifts.filter((gifts.type == "gift") & gifts.contact_id.notnull())
    day = ibis.coalesce(local_date(gifts.completed_at, known.config.time_zone), gifts.due_date)
    around = timedelta(days=AGAIN)
    return gifts.filter(day.between(as_of - around, as_of + around)).select("contact_id")
