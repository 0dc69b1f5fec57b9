"""Rows that may be one thing under two ids: deals equal in all but the id, accounts of one name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import ibis
import ibis.expr.types as ir

from salesops.book.finding import Finding, in_number
from salesops.book.schema import OPPORTUNITIES
from salesops.book.source import Book
from salesops.errors import first_few

_SHOWN = 3
_NAMING = re.compile(r"name|title|descr|subject", re.IGNORECASE)  # further columns that tell deals apart


def twins(book: Book, names: Collection[str]) -> Iterator[Finding]:
    """Return a warning for deals that are equal in all but the id, and one for accounts that share a name.

    Deals without an amount, a close date or an owner say too little to be called equal.
    """
    if "opportunities" in names:
        yield from _equal_deals(book)
    if "accounts" in names:
        yield from _namesakes(book)


def _equal_deals(book: Book) -> Iterator[Finding]:
    raw, form = book.raw("opportunities"), book.form("opportunities")
    deals = book.table("opportunities")
    telling = [header for header in raw.columns if header not in deals.columns and _NAMING.search(header)]
    if telling:
        columns = [column for column in OPPORTUNITIES.columns if column.name in raw.columns]
        typed = {column.name: book.typed(raw, column, form) for column in columns}
        deals = raw.select(**typed, **{header: raw[header] for header in telling})
    deals = deals.filter(deals.amount.notnull() & deals.close_date.notnull() & deals.owner_id.notnull())
    same = [column for column in deals.columns if column != "opportunity_id"]
    groups = deals.group_by(same).aggregate(
        times=deals.count(), ids=deals.opportunity_id.collect(order_by=deals.opportunity_id)
    )
    groups = groups.filter(groups.times > 1)
    sums = groups.aggregate(rows=groups.times.sum(), more=((groups.times - 1) * groups.amount).sum())
    found = sums.to_pyarrow().to_pylist()[0]
    if found["rows"]:
        first = groups.select("ids").order_by(groups.ids[0]).limit(_SHOWN).to_pyarrow().to_pylist()
        equal = f"are equal to another in all but the id, which counts {found['more']:,.0f} too much if they are one"
        yield Finding(
            "opportunities", "equal but for the id", "warning", in_number(equal, found["rows"]),
            "Keep one of each in the source.", found["rows"], _rows(book.table("opportunities")),
            tuple(" = ".join(row["ids"][:_SHOWN]) for row in first),
        )  # fmt: skip  # one finding reads as one row


def _namesakes(book: Book) -> Iterator[Finding]:
    accounts = book.table("accounts")
    named = accounts.filter(accounts.account_name.notnull())
    folded = named.mutate(_folded=named.account_name.strip().lower().re_replace(r"\s+", " "))
    groups = folded.group_by("_folded").aggregate(
        times=folded.count(), ids=folded.account_id.collect(order_by=folded.account_id),
        name=folded.account_name.min(),
    )  # fmt: skip  # one row
    groups = groups.filter(groups.times > 1)
    rows = groups.times.sum().to_pyarrow().as_py()
    if rows:
        first = groups.order_by(ibis.desc("times"), "name").limit(_SHOWN).to_pyarrow().to_pylist()
        yield Finding(
            "accounts", "one name", "warning",
            in_number("have the name of another account; reports take each for a client of its own", rows),
            "Merge in the source those that are one client.", rows, _rows(accounts),
            tuple(f"'{row['name']}' ({first_few(row['ids'])})" for row in first),
        )  # fmt: skip  # one finding reads as one row


def _rows(table: ir.Table) -> int:
    return int(table.count().to_pyarrow().as_py())
