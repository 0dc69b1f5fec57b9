"""Rows that a book must not hold: found, counted and named, or set aside."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import ibis.expr.types as ir

from salesops.book.finding import Finding, in_number
from salesops.book.people import manager_cycles
from salesops.book.rules import DAMAGED, ROUNDED, RULES, Rule, column_rules, reference_rule
from salesops.book.schema import SCHEMA
from salesops.errors import first_few
from salesops.intake.convert import Bound
from salesops.intake.history import UNREAD
from salesops.intake.money import Told
from salesops.intake.names import HISTORY, literal, quoted
from salesops.intake.orphans import Emptied, empty_orphans

_SHOWN = 3
_LONGEST = 40
_RECKON = "The file holds formulas without their results: open it in a spreadsheet, save it, and import again."


@dataclass(frozen=True)
class Breach:
    """Rows of one table that break one rule. `rows` is a query for their `_row`, with what to show of each."""

    table: str
    found: str
    repair: str
    rows: str


def set_aside_blank(con: Any, bound: Bound) -> None:
    """Set aside the rows without a key, and the report's footer below the last full row."""
    name, schema = bound.name, SCHEMA[bound.name]
    if len(schema.key) == 1:
        key = quoted(schema.key[0])
        _reject(con, name, f"SELECT _row FROM _live_{name} WHERE {key} IS NULL", f"{schema.key[0]} is empty")
    needed = [
        quoted(column.name)
        for column in schema.columns
        if column.filled and column.name not in schema.key
        and column.name in bound.columns and bound.columns[column.name].headers
    ]  # fmt: skip  # two lines read better than four
    if len(needed) >= 2:
        blank = f"coalesce({', '.join(f'CAST({column} AS VARCHAR)' for column in needed)}) IS NULL"
        last = f"(SELECT coalesce(max(_row), 0) FROM _live_{name} WHERE NOT ({blank}))"
        rows = f"SELECT _row FROM _live_{name} WHERE {blank} AND _row > {last}"
        _reject(con, name, rows, "below the last row of data, like a footer")


def refusals(con: Any, tables: dict[str, Bound]) -> list[Finding]:
    """Return what is wrong with the rows of the converted tables, one finding a rule."""
    findings = [
        _finding(con, breach, affected)
        for name in tables
        for breach in _breaches(con, tables[name], tables)
        if (affected := _count(con, breach))
    ]
    return findings + _cycles(con, tables)


def set_aside_broken(con: Any, tables: dict[str, Bound]) -> list[Emptied]:
    """Set aside every row that breaks a rule, and again the rows that then miss their parent, until none is left.

    A reference that may be empty is emptied instead. Return what was.
    """
    emptied: list[Emptied] = []
    found = True
    while found:
        found = False
        emptied += empty_orphans(con, tables)
        for name in tables:
            for breach in _breaches(con, tables[name], tables):
                if _count(con, breach):
                    _reject(con, name, breach.rows, in_number(breach.found, 1), shows=True)
                    found = True
    return emptied


def _breaches(con: Any, bound: Bound, tables: Collection[str]) -> Iterator[Breach]:
    name, schema = bound.name, SCHEMA[bound.name]
    live = con.table(f"_live_{name}")
    for rule in _rules(con, bound, tables):
        broken = live.filter(rule.broken(live).fill_null(False))
        shown = broken[rule.shows].cast("string") if rule.shows else _key(broken, schema.key)
        query = con.compile(broken.select(_row=broken._row, shown=shown))
        yield Breach(name, rule.found, rule.repair, query)
    if name == "order_lines" and bound.told and "orders" in tables:
        yield _other_currency(bound, bound.told)
    if name == HISTORY:
        repair = 'Correct the cells in the source, or replace them in the map: values = { "{first}" = "" }.'
        rows = f"SELECT _row, shown FROM {UNREAD} ANTI JOIN _rejected_{name} USING (_row)"
        yield Breach(name, "have a new_value that is no value of its field", repair, rows)
    # last, so that of two rows with one key the one that can be read is kept
    yield _repeats(bound)


def _rules(con: Any, bound: Bound, tables: Collection[str]) -> Iterator[Rule]:
    """Return the rules whose breach refuses an import, with the repair that a map allows."""
    for column in SCHEMA[bound.name].columns:
        if column.name not in bound.columns:
            continue
        for rule in column_rules(column, "" if column.type == "text" else f"_cell_{column.name}"):
            if rule.severity == "error":
                yield replace(rule, repair=_repair(rule, column.name))
        if column.unit == "ISO 4217":
            yield _code_rule(column.name)
        parent, _, key = column.references.partition(".")
        if parent in tables:
            keys = con.table(f"_live_{parent}")
            rule = reference_rule(column, keys.filter(keys[key].notnull())[key])
            yield replace(rule, repair=rule.repair + _name_hint(bound, column.name, parent))
    for rule in RULES.get(bound.name, ()):
        if rule.severity == "error":
            yield rule


def _code_rule(name: str) -> Rule:
    return Rule(
        f"{name} code", "error", lambda t: ~t[name].re_search("^[A-Z]{3}$"),
        f"have a {name} that is not an ISO code of three letters",
        f'Rename it in the map: {name} = {{ from = "…", values = {{ "{{first}}" = "EUR" }} }}.', shows=name,
    )  # fmt: skip  # one rule reads as one row


def _name_hint(bound: Bound, column: str, parent: str) -> str:
    given = bound.map.columns.get(column)
    if given and given.lookup:
        return f" A name that several {parent} have is not looked up: map the column with the id instead."
    return f' Where the source gives a name, map it: {column} = {{ from = "…", lookup = "…" }}.'


def _repair(rule: Rule, column: str) -> str:
    if rule.name.endswith(" known"):
        return f'Rename it in the map: {column} = {{ from = "…", values = {{ "{{first}}" = "{rule.known[0]}" }} }}.'
    if rule.name.endswith(" type") and "date" in rule.found.rpartition(" not ")[2]:
        return "Correct the cells in the source; days counted by Excel need excel_date = true in the map."
    if rule.name.endswith(" type"):
        return 'Correct the cells in the source, or replace them in the map: values = { "{first}" = "" }.'
    return f'Fill it in the source, or in the map: {column} = {{ from = "…", default = "…" }}.'


def _other_currency(bound: Bound, told: Told) -> Breach:
    """Return the order lines whose amount shows another currency than their order has."""
    rows = (
        f"SELECT _row, shown FROM _live_order_lines JOIN (SELECT _row, {told.sql} AS code, {told.cell} AS shown "
        f"FROM {bound.view.relation}) USING (_row) JOIN (SELECT order_id, currency FROM _live_orders) USING (order_id) "
        "WHERE code <> currency"
    )
    repair = f'Map the currency of orders. Where the price shows it: currency = "…" with the header of {told.column}.'
    return Breach("order_lines", f"have a {told.column} in another currency than their order", repair, rows)


def _repeats(bound: Bound) -> Breach:
    """Return the rows whose key an earlier row has."""
    name, key = bound.name, SCHEMA[bound.name].key
    columns = ", ".join(quoted(column) for column in key)
    same = " AND ".join(f"t.{quoted(column)} IS NOT DISTINCT FROM d.{quoted(column)}" for column in key)
    own = ", ".join(f"t.{quoted(column)}" for column in key)
    rows = (
        f"SELECT _row, shown FROM (SELECT t._row, concat_ws(' / ', {own}) AS shown, "
        f"row_number() OVER (PARTITION BY {own} ORDER BY t._row) AS nth FROM _live_{name} t "
        f"JOIN (SELECT {columns} FROM _live_{name} GROUP BY ALL HAVING count(*) > 1) d ON {same}) WHERE nth > 1"
    )
    found = f"repeat the {' and '.join(key)} of an earlier row"
    repair = "Keep one row for each in the source; distinct = true drops rows that are wholly equal."
    if bound.map.distinct:
        repair = "Their other columns differ: take one row of each with select, as the recipes of data/maps show."
    return Breach(name, found, repair, rows)


def _key(table: ir.Table, key: tuple[str, ...]) -> ir.Value:
    parts = [table[name].cast("string").fill_null("(empty)") for name in key]
    text = parts[0]
    for part in parts[1:]:
        text = text + " / " + part
    return text


def _count(con: Any, breach: Breach) -> int:
    return int(con.raw_sql(f"SELECT count(*) FROM ({breach.rows})").fetchone()[0])


def _finding(con: Any, breach: Breach, affected: int) -> Finding:
    rows = con.raw_sql(f"SELECT count(*) FROM _live_{breach.table}").fetchone()[0]
    query = f"SELECT min(_row) AS _row, shown FROM ({breach.rows}) GROUP BY shown ORDER BY 1 LIMIT {_SHOWN}"
    first = con.raw_sql(query).fetchall()
    keys = tuple(f"row {row:,} '{_short(shown)}'" for row, shown in first)
    shown = _short(first[0][1])
    repair = breach.repair.replace("{first}", shown)
    if shown.startswith("="):
        repair = _RECKON
    elif re.search(DAMAGED, shown):
        repair = f"A spreadsheet has rounded it. {ROUNDED}"
    found = in_number(breach.found, affected)
    return Finding(breach.table, breach.found, "error", found, repair, affected, rows, keys)


def _short(cell: str | None) -> str:
    text = "" if cell is None else cell
    return text[:_LONGEST] + ("…" if len(text) > _LONGEST else "")


def _cycles(con: Any, tables: Collection[str]) -> list[Finding]:
    if "users" not in tables:
        return []
    cycles = manager_cycles(con.table("_live_users"))
    if not cycles:
        return []
    shown = first_few([" → ".join((*cycle, cycle[0])) for cycle in cycles])
    found = f"{len(cycles)} circle{'s' if len(cycles) > 1 else ''} of users who report to each other (first: {shown})"
    return [Finding("users", "manager cycle", "error", found, "Correct the manager of one of them in the source.")]


def _reject(con: Any, name: str, rows: str, reason: str, *, shows: bool = False) -> None:
    shown = "min(shown)" if shows else "NULL"
    # the rows are read from the table that their rejection changes: first found, then rejected
    con.raw_sql(f"CREATE OR REPLACE TEMP TABLE _broken AS SELECT _row, {shown} AS shown FROM ({rows}) GROUP BY _row")
    con.raw_sql(f"INSERT INTO _rejected_{name} SELECT _row, {literal(reason)}, shown FROM _broken")
