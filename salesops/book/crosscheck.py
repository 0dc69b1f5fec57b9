"""Checks that need more than one table, or the settings of the book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir

from salesops.book.credits import credited_deals, credited_orders
from salesops.book.finding import Finding, in_number
from salesops.book.goals import unplaced_quotas
from salesops.book.horizon import facts
from salesops.book.money import in_book_currency
from salesops.book.nobodies import nobodies
from salesops.book.people import manager_cycles
from salesops.book.scale import is_outside, scores_by_scale, surveys
from salesops.book.schema import SCHEMA
from salesops.book.source import Book
from salesops.book.statuses import statuses
from salesops.book.stray import stray_dates
from salesops.book.twins import twins
from salesops.errors import BookError, did_you_mean

_SHOWN = 3
_LISTED = 8
_SCALE = 'Say the scale in book.toml: [surveys] scale = "csat_1_5", or in a column.'
_TINY = 0.01  # shares that are all below are fractions taken for percent
_SALES = ("opportunities", "orders")  # without any amount of these a report would say that nothing was sold


def cross_findings(book: Book, names: Collection[str]) -> Iterator[Finding]:
    """Return what tables do not hold together: absent tables, circles, goals, currencies, stages, dates, statuses.

    Parameters
    ----------
    names : collection of str
        Tables that are checked and can be read.
    """
    for check in (
        _absent, _cycles, _goals, _unplaced, _foreign_money, _stages, _tiny_shares, _scores, statuses, stray_dates,
        nobodies, twins,
    ):  # fmt: skip  # a list of checks
        try:
            yield from check(book, names)
        except (BookError, duckdb.Error):  # a table that cannot be read has its own finding
            continue


def _absent(book: Book, names: Collection[str]) -> Iterator[Finding]:
    wanted: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for column in SCHEMA[name].columns:
            table = column.references.partition(".")[0]
            if table and not book.has(table) and _names_any(book, name, column.name):
                wanted[table].append(f"{name}.{column.name}")
    for table, columns in wanted.items():
        more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
        found = f"this table is not in the book, so {', '.join(columns[:_SHOWN])}{more} cannot be checked against it"
        yield Finding(table, "absent", "warning", found, f"Add {table}, or leave the reports out that need it.")


def _names_any(book: Book, name: str, column: str) -> bool:
    return book.has(name, column) and bool(book.table(name)[column].notnull().any().to_pyarrow().as_py())


def _cycles(book: Book, names: Collection[str]) -> Iterator[Finding]:
    if "users" not in names:
        return
    users = book.table("users")
    cycles = manager_cycles(users)
    if not cycles:
        return
    rows = users.select("user_id", "user_name").to_pyarrow().to_pylist()
    called = {row["user_id"]: row["user_name"] or row["user_id"] for row in rows}
    people = [called[user] for user in (*cycles[0], cycles[0][0])]
    circle = " → ".join(people if len(people) <= _LISTED else [*people[: _LISTED - 1], "…"])
    affected = sum(len(cycle) for cycle in cycles)
    yield Finding(
        "users", "manager cycle", "error", f"{in_number('are', affected)} managed in a circle: {circle}",
        "Correct manager_id: the topmost manager reports to nobody.", affected, len(rows),
        tuple(user for cycle in cycles for user in cycle)[:_SHOWN],
    )  # fmt: skip  # one finding reads as one row


def _goals(book: Book, names: Collection[str]) -> Iterator[Finding]:
    if not {"opportunities", "orders"} & set(names):
        return
    if not book.has("quotas"):
        found = "this book holds no quotas: reports show actuals without goals"
        yield Finding("quotas", "no quota", "warning", found, "Add a quotas table.")
        return
    quotas, days = book.table("quotas"), facts(book).day
    span = ibis.memtable({"one": [1]}).select(first=days.min(), last=days.max())
    covered = quotas.cross_join(span).filter(lambda t: (t.period_start <= t.last) & (t.period_end >= t.first))
    count = quotas.aggregate(rows=quotas.count(), covered=covered.count().as_scalar())
    found_rows = count.to_pyarrow().to_pylist()[0]
    if found_rows["rows"] and not found_rows["covered"]:
        found = "no quota covers a day on which a deal closed or an order came: reports show actuals without goals"
        yield Finding("quotas", "no quota", "warning", found, "Correct period_start and period_end, or add quotas.")


def _unplaced(book: Book, names: Collection[str]) -> Iterator[Finding]:
    found = unplaced_quotas(book) if "quotas" in names else []
    if found:
        left = f"{sum(row['amount'] for row in found):,.0f} {book.currency}"
        yield Finding(
            "quotas", "quota without days", "warning",
            f"{in_number('are', len(found))} longer than the quotas that fill the same days and add up to less: {left} "
            "in no goal",
            "Raise the shorter quotas, or lower the longer one.",
            len(found), int(book.table("quotas").count().to_pyarrow().as_py()),
            tuple(f"{row['owner_id']} {row['period_start']}..{row['period_end']}" for row in found[:_SHOWN]),
        )  # fmt: skip  # one finding reads as one row


def _foreign_money(book: Book, names: Collection[str]) -> Iterator[Finding]:
    if not book.currency:
        return
    for name, key, amounts in _amounts(book, names):
        foreign = amounts.filter(amounts.currency != book.currency)
        rows = foreign.group_by("currency").aggregate(
            rows=foreign[key].nunique(),
            converted=foreign[key].nunique(where=foreign.value.notnull()),
            left=foreign[key].nunique(where=foreign.no_rate),
            money=foreign.money.sum(where=foreign.no_rate),
            first=foreign[key].min(),
        )
        found = rows.order_by(ibis.desc("rows"), "currency").to_pyarrow().to_pylist()
        if found:
            total = int(amounts[key].nunique().to_pyarrow().as_py())
            yield _second_currency(book, name, found, total)


def _amounts(book: Book, names: Collection[str]) -> Iterator[tuple[str, str, ir.Table]]:
    """Return for each table with money: its name, its key, and rows of key, currency, money, value, no_rate."""
    if "opportunities" in names:
        deals = credited_deals(book)
        yield "opportunities", "opportunity_id", deals.mutate(money=deals.amount * deals.share)
    if "orders" in names:
        orders = credited_orders(book)
        yield "orders", "order_id", orders.mutate(money=orders.amount * orders.share)
    if "quotas" in names:
        yield "quotas", "key", _priced(book, "quotas", "quota_amount", "period_start")
    if "contracts" in names:
        yield "contracts", "key", _priced(book, "contracts", "annual_amount", "start_date")


def _priced(book: Book, name: str, amount: str, day: str) -> ir.Table:
    table = book.table(name)
    key = ibis.literal("")
    for part in SCHEMA[name].key:
        sign = ibis.literal(" / " if part != SCHEMA[name].key[0] else "")
        key = key + (sign + table[part].cast("string")).fill_null("")
    table = table.mutate(key=key)
    return in_book_currency(book, table, amount, ibis.coalesce(table[day], date.max)).mutate(money=ibis._[amount])


def _second_currency(book: Book, name: str, found: list[dict[str, Any]], total: int) -> Finding:
    converted = [f"{row['converted']:,} in {row['currency']}" for row in found if row["converted"]]
    left = [f"{row['left']:,} in {row['currency']} ({row['money']:,.0f})" for row in found if row["left"]]
    parts = []
    if converted:
        parts.append(f"{_listed(converted)} converted by fx_rates")
    if left:
        parts.append(f"{_listed(left)} left out of totals, for want of a rate on or before their date")
    affected = sum(row["rows"] for row in found)
    empty = affected - sum(row["converted"] + row["left"] for row in found)
    if empty:
        parts.append(f"{empty:,} without an amount")
    nothing_counts = name in _SALES and sum(row["left"] for row in found) + empty == total
    repair = "Add the missing rates to fx_rates" + (", or correct currency in book.toml." if nothing_counts else ".")
    return Finding(
        name, "second currency", "error" if nothing_counts else "warning",
        f"{in_number('are', affected)} not in {book.currency}: {'; '.join(parts)}",
        repair if left else "Check that the rates in fx_rates are right.",
        affected, total, tuple(str(row["first"]) for row in found[:_SHOWN]),
    )  # fmt: skip  # one finding reads as one row


def _stages(book: Book, names: Collection[str]) -> Iterator[Finding]:
    if "opportunities" not in names:
        return
    deals, order = book.table("opportunities"), book.config.stage_order
    stages = deals.filter(~deals.is_closed & deals.stage_name.notnull() & deals.stage_name.notin(order))
    groups = stages.group_by("stage_name").aggregate(rows=stages.count(), first=stages.opportunity_id.min())
    found = groups.order_by(ibis.desc("rows"), "stage_name").to_pyarrow().to_pylist()
    if not order:
        if book.has("opportunity_history"):
            yield _no_order([row["stage_name"] for row in found])
    elif found:
        affected = sum(row["rows"] for row in found)
        yield Finding(
            "opportunities", "stage known", "warning",
            f"{in_number('are', affected)} open in a stage that stage_order in book.toml does not name",
            f"{did_you_mean(found[0]['stage_name'], order)} Add the stage to stage_order, or rename it in the map.",
            affected, int(deals.count().to_pyarrow().as_py()),
            tuple(f"{row['first']} '{row['stage_name']}'" for row in found[:_SHOWN]),
        )  # fmt: skip  # one finding reads as one row


def _no_order(stages: list[str]) -> Finding:
    found = "the stages have no order, so stage conversion cannot be computed"
    named = f" Open deals are in {_listed([repr(stage) for stage in stages])}." if stages else ""
    return Finding(
        "opportunities", "stage order", "warning", found, f"List the stages in book.toml as stage_order.{named}"
    )


def _tiny_shares(book: Book, names: Collection[str]) -> Iterator[Finding]:
    for name, column in (("opportunities", "probability"), ("order_lines", "discount")):
        if name not in names or not book.has(name, column):
            continue
        highest = book.table(name)[column].max().to_pyarrow().as_py()
        if highest and 0 < highest <= _TINY:
            found = f"no {column} is above {_TINY:.0%}: the highest is {highest:.2%}"
            repair = "Leave percent = true out of the map where the source has fractions from 0 to 1."
            yield Finding(name, f"tiny {column}", "warning", found, repair)


def _scores(book: Book, names: Collection[str]) -> Iterator[Finding]:
    if "survey_responses" not in names:
        return
    answers = surveys(book)
    outside = answers.filter(is_outside(answers))
    if affected := int(outside.count().to_pyarrow().as_py()):
        first = outside.order_by("survey_id").limit(_SHOWN).to_pyarrow().to_pylist()
        yield Finding(
            "survey_responses", "score outside its scale", "warning",
            in_number("have a score that is none of their scale", affected), _SCALE, affected,
            int(answers.count().to_pyarrow().as_py()),
            tuple(f"{row['survey_id']} '{row['score']:g}' on {row['scale']}" for row in first),
        )  # fmt: skip  # one finding reads as one row
    for scores in scores_by_scale(book):
        if scores.contradiction:
            yield Finding("survey_responses", "scale", "warning", scores.contradiction, _SCALE)


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _LISTED} more" if len(words) > _LISTED else ""
    return ", ".join(words[:_LISTED]) + more
