"""The book as known on a date: closed later is open then, created later is absent."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.people import with_history
from salesops.book.schema import KNOWN_FIELDS, OPPORTUNITIES, SCHEMA, Table
from salesops.book.source import Book
from salesops.book.values import Format, to_type

FORGOTTEN = ("lost_reason", "next_step")


def as_known(book: Book, as_of: date) -> Book:
    """Return the book as it was known at the end of a day.

    Rows that came later are absent; values that came later are null. Deals that closed later are open.
    Stage, amount, close date, probability and owner of a deal come from `opportunity_history`; where it is
    missing they are null for deals that are reopened here. Order status, and managers without
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

    def known() -> Book:
        variant = f"known {as_of.isoformat()}"
        return book.with_tables(lambda name: _table_known(book, name, as_of), variant=variant, as_of=as_of)

    return book.keep(("as known", as_of), known)


def open_known(book: Book, days: tuple[date, ...]) -> ir.Table:
    """Return the deals that were open at the end of each of some days, as known then.

    The same rows that `as_known` gives for each day; one query for many days takes a small part of the time.

    Returns
    -------
    ir.Table
        Every column of opportunities, and known_on (day): one row for each day and deal open on it.
    """
    on = ibis.memtable({"known_on": list(days)}, schema={"known_on": "date"})
    on = on.mutate(_until=_day_end(book, on.known_on))
    deals = book.table("opportunities").cross_join(on)
    created = deals.created_date.isnull() | (deals.created_date <= deals.known_on)
    closed = deals.is_closed & (deals.close_date.isnull() | (deals.close_date <= deals.known_on))
    deals = deals.filter(created & ~closed).mutate(_closed=ibis.literal(False), _reopened=deals.is_closed)
    history = book.table("opportunity_history")
    rows = deals.select("known_on", "_until", _opened="opportunity_id")
    history = history.inner_join(rows, history.opportunity_id == rows._opened)
    known = history.valid_from < history._until
    past = _last_values(history, known, known, ("known_on",)).rename(_on="known_on")
    joined = deals.left_join(past, [deals.opportunity_id == past._deal, deals.known_on == past._on])
    return _as_then(book, joined, ("known_on",))


def needs_history(book: Book, as_of: date) -> int:
    """Count the deals that `as_known` reopens without knowing their stage, amount or close date then."""
    return book.keep(("needs history", as_of), lambda: _needs_history(book, as_of))


def _needs_history(book: Book, as_of: date) -> int:
    today, then = book.table("opportunities"), as_known(book, as_of).table("opportunities")
    closed = today.filter(today.is_closed).select("opportunity_id")
    reopened = then.filter(~then.is_closed).semi_join(closed, "opportunity_id")
    unknown = reopened.filter(reopened.stage_name.isnull() | reopened.amount.isnull() | reopened.close_date.isnull())
    return int(unknown.count().to_pyarrow().as_py())


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
    table = book.table(schema.name)
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


def _deals_known(book: Book, as_of: date) -> ir.Table:
    deals = _rows_known(book, OPPORTUNITIES, as_of)
    closed = deals.is_closed & (deals.close_date.isnull() | (deals.close_date <= as_of))
    deals = deals.mutate(_closed=closed, _reopened=deals.is_closed & ~closed)
    stamps = deals.filter(deals._closed).select(
        _stamped="opportunity_id", _stamped_until=_day_end(book, ibis.coalesce(deals.close_date, ibis.literal(as_of)))
    )
    past = _field_values(book, stamps, as_of)
    return _as_then(book, deals.left_join(past, deals.opportunity_id == past._deal))


def _as_then(book: Book, joined: ir.Table, keys: tuple[str, ...] = ()) -> ir.Table:
    """Put the values of a day into deals that are joined with `_last_values`, _closed and _reopened."""
    then = {field: _value_then(book, joined, field) for field in KNOWN_FIELDS}
    gone = {name: joined._reopened.ifelse(ibis.null("string"), joined[name]) for name in FORGOTTEN}
    known = joined.mutate(is_closed=joined._closed, is_won=joined.is_won & joined._closed, **then, **gone)
    return known.select(*keys, *(column.name for column in OPPORTUNITIES.columns))


def _field_values(book: Book, stamps: ir.Table, as_of: date) -> ir.Table:
    """One row a deal: for each field the last value known, and how many rows come before and after.

    The owner is stamped when a deal closes: what a closed deal's history says after that is a handover.
    """
    history = book.table("opportunity_history")
    history = history.left_join(stamps, history.opportunity_id == stamps._stamped)
    known = ~_later(book, history.valid_from, as_of)
    stamped = known & (history._stamped.isnull() | (history.valid_from < history._stamped_until))
    return _last_values(history, known, stamped)


def _last_values(
    history: ir.Table, known: ir.BooleanValue, stamped: ir.BooleanValue, keys: tuple[str, ...] = ()
) -> ir.Table:
    columns: dict[str, ir.Value] = {}
    for field in KNOWN_FIELDS:
        of_field = history.field_name == field
        before = stamped if field == "owner_id" else known
        columns[f"_{field}"] = history.new_value.argmax(history.valid_from, where=of_field & before)
        columns[f"_{field}_before"] = (of_field & before).sum()
        columns[f"_{field}_after"] = (of_field & ~before).sum()
    return history.group_by(*keys, _deal="opportunity_id").aggregate(**columns)


def _value_then(book: Book, joined: ir.Table, field: str) -> ir.Value:
    today = joined[field]
    past = to_type(joined[f"_{field}"], OPPORTUNITIES.column(field).type, book.history_form)
    before = joined[f"_{field}_before"].fill_null(0) > 0
    changed_later = joined[f"_{field}_after"].fill_null(0) > 0
    if field == "owner_id":  # an owner is always known: today's is the best guess without history
        return (before & (changed_later | joined._reopened)).ifelse(past, today)
    return ibis.cases(
        (before & (changed_later | joined._reopened), past),
        (joined._closed, today),
        (joined._reopened | changed_later, ibis.null(today.type())),
        else_=today,
    )


def _users_known(book: Book, as_of: date) -> ir.Table:
    users, history = (_rows_known(book, SCHEMA[name], as_of) for name in ("users", "user_history"))
    return with_history(users, history)
