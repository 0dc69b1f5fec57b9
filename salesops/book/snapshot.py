"""The book as known on a date: what came later is absent, and every deal is as its history says it was then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.book.deal_states import state_changes, unsure_states
from salesops.book.people import with_history
from salesops.book.schema import OPPORTUNITIES, SCHEMA, VALUE_FIELDS, Table
from salesops.book.source import Book
from salesops.book.values import Format, local_date, to_type
from salesops.book.void import counted

FORGOTTEN = ("lost_reason", "next_step")
_SHOWN = 3


def as_known(book: Book, as_of: date) -> Book:
    """Return the book as it was known at the end of a day.

    Rows that came later are absent; values that came later are null. Of a deal, `opportunity_history` tells
    whether it was open, won or lost (`salesops.book.deal_states`), whether it had been deleted, and its stage,
    amount, close date, probability, forecast category and owner. Where the history has no row for a field after
    the day, today's value stands, but for two cases:

    - A deal that is closed today, with a close date after the day, was open then. Of its stage, amount, close
      date, probability and forecast category nothing is known if the history has no row for them.
    - A field whose first row comes after the day is null: it has changed since, and nobody knows from what. An
      owner is then null too, never today's.

    Orders, order lines and contracts whose status says that they count nowhere are left out (`salesops.book.void`).
    A closed deal keeps the owner of the day on which it was closed. Order status, and managers without
    `user_history`, are today's.

    Parameters
    ----------
    book : Book
        The book as it stands.
    as_of : date
        Last day of which anything is known, in the book's time zone.
    """
    if book.as_of == as_of:
        return book
    if book.later is not None and book.as_of is not None and as_of < book.as_of:
        return as_known(book.later, as_of)  # a snapshot has forgotten what was deleted before it

    def known() -> Book:
        more: dict[str, Any] = {"variant": f"known {as_of.isoformat()}", "as_of": as_of, "later": book}
        return book.with_tables(lambda name: _table_known(book, name, as_of), **more)

    return book.keep(("as known", as_of), known)


def open_known(book: Book, days: tuple[date, ...]) -> ir.Table:
    """Return the deals that were open at the end of each of some days, as known then.

    The same rows that `as_known` gives for each day; one query for many days takes a small part of the time.

    Returns
    -------
    ir.Table
        Every column of opportunities, and known_on (day): one row for each day and deal open on it.
    """
    deals = book.table("opportunities")
    closes = deals.is_closed.ifelse(deals.close_date, ibis.null("date"))
    told = state_changes(book)
    last = told.group_by(_told="opportunity_id").aggregate(_last=told.at.max())
    joined = deals.left_join(last, deals.opportunity_id == last._told).mutate(_closes=closes)
    on_days = joined.cross_join(_days(book, days))
    # what closed before a day, with no later word on it, cannot have been open on it
    maybe = ~on_days.is_closed | (on_days._closes > on_days.known_on) | (on_days._last >= on_days._until)
    standing = _standing(book, on_days.filter(maybe.fill_null(False)).drop("_told", "_last", "_closes"))
    return standing.filter(~standing.is_closed)


@dataclass(frozen=True)
class UnknownThen:
    """What `as_known` does not know of the deals that there were on a day.

    Attributes
    ----------
    values : int
        Deals that have closed or changed since, and of which stage, amount or close date of then is not known.
    owners : int
        Deals whose owner has changed since, without a word on who it was.
    first : tuple of str
        The ids of the first of `owners`.
    states : int
        Deals that changed their stage since and were then in one that does not say open, won or lost.
    """

    values: int
    owners: int
    first: tuple[str, ...]
    states: int


def unknown_then(book: Book, as_of: date) -> UnknownThen:
    """Return what is not known of the deals as they stood on a day."""
    values, first, owners = book.keep(("unknown then", as_of), lambda: _unknown_then(book, as_of))
    return UnknownThen(values, owners, tuple(first), unsure_states(book, as_of))


def _unknown_then(book: Book, as_of: date) -> list[Any]:
    fields = ("stage_name", "amount", "close_date", "owner_id", "is_closed")
    today = book.table("opportunities").select("opportunity_id", **{f"_{name}": name for name in fields})
    then = as_known(book, as_of).table("opportunities").select("opportunity_id", *fields)
    both = then.inner_join(today, "opportunity_id")
    lost = ibis.literal(False)
    for name in ("stage_name", "amount", "close_date"):
        lost = lost | (both[name].isnull() & (both[f"_{name}"].notnull() | (both._is_closed & ~both.is_closed)))
    values = both.filter(lost).count().to_pyarrow().as_py()
    owners = both.filter(both.owner_id.isnull() & both._owner_id.notnull()).order_by("opportunity_id")
    first = owners.limit(_SHOWN).to_pyarrow()["opportunity_id"].to_pylist()
    return [values, first, owners.count().to_pyarrow().as_py()]


def _table_known(book: Book, name: str, as_of: date) -> ir.Table:
    if name == "opportunities":
        return book.keep(("deals known", as_of), lambda: _deals_known(book, as_of))
    if name == "users" and book.has("user_history"):
        return book.keep(("users known", as_of), lambda: _users_known(book, as_of))
    table = _rows_known(book, SCHEMA[name], as_of)
    if name == "order_lines" and book.has("orders"):
        return table.semi_join(_rows_known(book, SCHEMA["orders"], as_of), "order_id")
    return table


def _rows_known(book: Book, schema: Table, as_of: date) -> ir.Table:
    table = counted(book, schema.name)
    if schema.known_from:
        since = table[schema.known_from]
        table = table.filter(since.isnull() | ~_later(book, since, as_of))
    for when, others in schema.revealed:
        later = _later(book, table[when], as_of)
        table = table.mutate(**{c: later.ifelse(ibis.null(table[c].type()), table[c]) for c in (when, *others)})
    return table


def _later(book: Book, when: ir.Value, as_of: date) -> ir.BooleanValue:
    """Tell of each date or instant whether it comes after the end of a day."""
    if when.type().is_date():
        return when > as_of
    # one comparison with the day's end: turning every instant into a date takes many times as long
    return when >= _day_end(book, ibis.literal(as_of))


def _day_end(book: Book, day: ir.Value) -> ir.Value:
    next_day = (day + ibis.interval(days=1)).cast("date")
    return to_type(next_day, "instant", Format(time_zone=book.config.time_zone))


def _days(book: Book, days: tuple[date, ...]) -> ir.Table:
    """Return the days as known_on, each with _until, the instant at which it is over."""
    on = ibis.memtable({"known_on": list(days)}, schema={"known_on": "date"})
    return on.mutate(_until=_day_end(book, on.known_on))


def _deals_known(book: Book, as_of: date) -> ir.Table:
    on_day = book.table("opportunities").cross_join(_days(book, (as_of,)))
    return _standing(book, on_day).drop("known_on")


def _standing(book: Book, deals: ir.Table) -> ir.Table:
    """Put deals, each with a day known_on, as they stood at its end; those that were not there then are left out.

    Parameters
    ----------
    deals : ir.Table
        The columns of opportunities as they are today, known_on and _until (as `_days` gives them).
    """
    created = deals.created_date.isnull() | (deals.created_date <= deals.known_on)
    stated = _with_states(book, deals.filter(created))
    joined = _with_values(book, stated)
    then = {field: _value_then(book, joined, field) for field in VALUE_FIELDS}
    then["close_date"] = ibis.coalesce(then["close_date"], joined._closed_on)
    gone = {name: joined._differs.ifelse(ibis.null("string"), joined[name]) for name in FORGOTTEN}
    state = {"is_closed": joined._closed, "is_won": joined._won, "is_deleted": _deleted_then(joined)}
    known = joined.mutate(**state, **then, **gone)
    return known.filter(~known.is_deleted).select("known_on", *(column.name for column in OPPORTUNITIES.columns))


def _with_states(book: Book, deals: ir.Table) -> ir.Table:
    """Add _closed, _won, _differs (closed today or then, not both) and _closed_on (day, where the history has it)."""
    told, rows = state_changes(book), deals.select("known_on", "_until", _deal="opportunity_id")
    both = told.inner_join(rows, told.opportunity_id == rows._deal)
    then = both.at < both._until
    past = both.group_by("_deal", _on="known_on").aggregate(
        _said_closed=both.closed.argmax(both.rank, where=then & both.closed.notnull()),
        _said_won=both.won.argmax(both.rank, where=then & both.won.notnull()),
        _next_closed=both.closed.argmin(both.rank, where=~then & both.closed.notnull()),
        _said_later=(~then).any(),
        _closed_at=both.at.max(where=then & both.closes),
    )
    joined = deals.left_join(past, [deals.opportunity_id == past._deal, deals.known_on == past._on])
    said, following = joined._said_closed, joined._next_closed
    dated = joined.is_closed & (joined.close_date.isnull() | (joined.close_date <= joined.known_on))
    closed = ibis.cases(
        (said.notnull() & following.notnull(), said),
        (following.notnull(), following & dated),  # what says "open" next was open before
        else_=dated | (joined.is_closed & said.fill_null(False)),
    )
    won = joined._said_later.fill_null(False).ifelse(ibis.coalesce(joined._said_won, joined.is_won), joined.is_won)
    closed_on = local_date(joined._closed_at, book.config.time_zone)
    return joined.mutate(
        _closed=closed,
        _won=closed & won,
        _differs=closed != joined.is_closed,
        _closed_on=(closed & said.fill_null(False)).ifelse(closed_on, ibis.null("date")),
    ).drop("_deal", "_on")


def _with_values(book: Book, deals: ir.Table) -> ir.Table:
    """Add for each field of the history its last value then, and how many rows come by then and after.

    The owner is stamped when a deal closes: what the history says of a closed deal's owner after that is a handover.
    """
    on = ibis.coalesce(deals._closed_on, ibis.least(deals.close_date, deals.known_on), deals.known_on)
    on = ibis.greatest(on, deals.created_date.fill_null(date.min))  # some deals are entered when they are won already
    stamped = deals._closed.ifelse(ibis.least(_day_end(book, on), deals._until), deals._until)
    rows = deals.select("known_on", "_until", _deal="opportunity_id", _stamped=stamped)
    history = book.table("opportunity_history")
    both = history.inner_join(rows, history.opportunity_id == rows._deal)
    columns: dict[str, ir.Value] = {}
    for field in (*VALUE_FIELDS, "is_deleted"):
        until = both._stamped if field == "owner_id" else both._until
        of_field, then = both.field_name == field, both.valid_from < until
        columns[f"_{field}"] = both.new_value.argmax(both.valid_from, where=of_field & then)
        columns[f"_{field}_before"] = (of_field & then).sum()
        columns[f"_{field}_after"] = (of_field & ~then).sum()
    past = both.group_by("_deal", _on="known_on").aggregate(**columns)
    return deals.left_join(past, [deals.opportunity_id == past._deal, deals.known_on == past._on])


def _value_then(book: Book, joined: ir.Table, field: str) -> ir.Value:
    today = joined[field]
    past = to_type(joined[f"_{field}"], OPPORTUNITIES.column(field).type, book.history_form)
    before, after = (joined[f"_{field}_{side}"].fill_null(0) > 0 for side in ("before", "after"))
    # what a deal looked like while it was open, its closing has written over; but not who owned it
    overwritten = joined._differs & ~joined._closed if field != "owner_id" else ibis.literal(False)
    return ibis.cases(
        (before & (after | joined._differs), past),
        (after | overwritten, ibis.null(today.type())),
        else_=today,
    )


def _deleted_then(joined: ir.Table) -> ir.BooleanValue:
    past = to_type(joined._is_deleted, "boolean", Format()).fill_null(False)
    before, after = (joined[f"_is_deleted_{side}"].fill_null(0) > 0 for side in ("before", "after"))
    return ibis.cases((before & after, past), (after, ibis.literal(False)), else_=joined.is_deleted.fill_null(False))


def _users_known(book: Book, as_of: date) -> ir.Table:
    users, history = (_rows_known(book, SCHEMA[name], as_of) for name in ("users", "user_history"))
    return with_history(users, history)
