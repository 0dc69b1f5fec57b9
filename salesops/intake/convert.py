"""From rows of a source to rows of a book: bind a table's columns to headers, then type them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir

from salesops.book.readings import Reading, number_readings
from salesops.book.schema import SCHEMA, Column
from salesops.book.values import Format, to_type
from salesops.errors import MapError, did_you_mean
from salesops.intake.expressions import Expression, column_expression
from salesops.intake.ids import with_whole_ids
from salesops.intake.mapfile import ColumnMap, Map, TableMap
from salesops.intake.marks import keeps_gone, without_gone
from salesops.intake.money import Told, iso_code, read_amount, with_told
from salesops.intake.names import COLUMNS, HISTORY, STATES, literal, quoted, words_of
from salesops.intake.views import View, described_view, sql_or_error


@dataclass(frozen=True)
class Bound:
    """A table whose columns have found their headers. `missing` and `unnamed` are sentences that refuse the import.

    `missing` is about the source, `unnamed` about the map; `notes` says what was filled in or left out; `told` is the
    currency that signs in an amount tell; `readings` are numbers that can be read in two ways.
    """

    name: str
    map: TableMap
    view: View
    columns: dict[str, Expression]
    notes: tuple[str, ...]
    missing: tuple[str, ...]
    unnamed: tuple[str, ...]
    told: Told | None = None
    readings: tuple[Reading, ...] = ()

    @property
    def used(self) -> set[str]:
        """The headers that the table uses, in lower case."""
        spoken = words_of(self.map.conditions)
        headers = {header for column in self.columns.values() for header in column.headers} | self.view.used
        headers |= {header for header, cell in self.view.cells.items() if words_of(cell) & spoken}
        return {header.casefold() for header in headers} | spoken

    @property
    def derives_role(self) -> bool:
        """Whether the role of users is to be told by who reports to whom."""
        given = self.map.columns.get("role", ColumnMap())
        return not (self.columns["role"].headers or given.sql or given.default is not None)


def bind(con: Any, map_: Map, table: TableMap, view: View) -> Bound:
    """Find the headers of every column of a table, and fill in what the map may leave out."""
    schema = COLUMNS[table.name]
    table = without_gone(_without_absent(con, table, view), view.cells)
    named = {**_of_query(map_, table, view), **table.columns}
    columns: dict[str, Expression] = {}
    missing, notes, absent = [], [], []
    own, told = str(map_.book.get("currency", "")), None
    for spec in schema.columns:
        expression = column_expression(spec, named[spec.name], view) if spec.name in named else None
        if expression and named[spec.name].sql and named[spec.name].optional and not _binds(con, expression, view):
            expression = None
        if expression and spec.unit == "money" and not named[spec.name].sql:
            expression, shown = read_amount(con, spec.name, expression, view.relation, own)
            told = told or shown
        if expression:
            expression = with_whole_ids(expression, spec, schema, map_.ids)
        if spec.unit == "ISO 4217":
            expression = with_told(iso_code(expression, own) if expression else None, told, own)
        filled, note = _filled_in(map_, table.name, spec, expression, columns)
        if filled is not None:
            columns[spec.name] = filled
            if expression and spec.name in named and named[spec.name].headers and not expression.headers:
                note = (
                    f"{spec.name} filled with '{named[spec.name].default}' in every row: no such column in the source"
                )
        elif spec.name in named and spec.required and not named[spec.name].optional:
            missing.append(_not_found(table.name, named[spec.name], spec, view))
            continue
        elif spec.name in named:
            absent.append(spec.name)
        elif spec.required and not spec.filled:
            note = f"{spec.name} left empty: not in the map"
        notes += [note] if note else []
    if table.name == HISTORY and not ({"field_name", "new_value"} <= set(columns) or set(STATES) & set(columns)):
        missing.append(f"{HISTORY}: no columns of changes or states in {view.origin.label}.")
    if absent and table.name != HISTORY:  # which has changes or states, and of states those that are known
        notes.append(f"left empty, no such column in the source: {', '.join(absent)}")
    unnamed = tuple(
        f"{map_.name}: [tables.{table.name}.columns] gives no {spec.name} ({spec.meaning}). {_repair(spec)}"
        for spec in schema.columns
        if spec.filled and spec.name not in columns and (spec.name not in named or named[spec.name].optional)
    )
    readings = _readings(table, columns, view, own)
    return Bound(table.name, table, view, columns, tuple(notes), tuple(missing), unnamed, told, readings)


def _readings(table: TableMap, columns: Mapping[str, Expression], view: View, own: str) -> tuple[Reading, ...]:
    """Return the numbers of a table that can be read in two ways. SQL takes the mark for the decimal one."""
    direct: dict[str, Column] = {}
    for spec in COLUMNS[table.name].columns:
        given = table.columns.get(spec.name)
        if spec.name in columns and given and not given.sql and not table.select:
            direct |= dict.fromkeys(columns[spec.name].headers, spec)
    in_sql = {header for column in columns.values() for header in column.headers} | view.used - set(direct)
    computed = [group for group in view.origin.groups if group.column in in_sql and group.sure and group.alone]
    by_sql = (Reading(group.column, group.text, group.cells, thousands=False, doubtful=True) for group in computed)
    return (
        *number_readings(view.origin.groups, direct, own),
        *(reading for reading in by_sql if reading.column not in direct),
    )


def stage(con: Any, map_: Map, bound: Bound) -> None:
    """Make the tables _raw_NAME (cells), _staged_NAME (typed) and _rejected_NAME (rows that the map leaves out).

    Beside every typed column that is not text stands `_cell_COLUMN`: the cell where it could not be read, ""
    where there was none, else ".".
    """
    name, view = bound.name, bound.view
    for column, expression in bound.columns.items():
        place = f"[tables.{name}.columns] {column}"
        _try(con, map_, place, expression.sql, bound.map.columns.get(column, ColumnMap()).sql, view)
    why = _why_left_out(bound.map)
    cells = ", ".join(f"{column.sql} AS {quoted(header)}" for header, column in bound.columns.items())
    # a later column of a select may name an earlier one, so `where` may name columns of the book
    for place, condition in _conditions(bound.map):
        _try(con, map_, f"[tables.{name}] {place}", f"{cells}, ({condition})::BOOLEAN", condition, view)
    query = f"SELECT _row, {cells}, {why} AS _why FROM {view.relation}"
    kept = f"_why IS NULL OR {keeps_gone(name)}"
    con.raw_sql(f"CREATE VIEW _raw_{name} AS SELECT *, {kept} AS _kept FROM ({query})")
    raw = con.table(f"_raw_{name}")
    thousands = frozenset(reading.column for reading in bound.readings if reading.thousands)
    form = replace(view.origin.form, thousands=thousands)
    typed = con.compile(raw.filter(raw._kept).select(_row=raw._row, **_typed(bound, raw, form)))
    if bound.map.distinct:
        typed = (
            f"SELECT min(_row) AS _row, * EXCLUDE (_row) FROM ({typed}) WHERE {keyed(name)} IS NOT NULL "
            "GROUP BY ALL ORDER BY _row"
        )
    elif bound.map.leave_out:  # its conditions may sort the rows
        typed = f"SELECT * FROM ({typed}) ORDER BY _row"
    _run(con, map_, name, f"CREATE TABLE _staged_{name} AS {typed}", view)
    con.raw_sql(
        f"CREATE TABLE _rejected_{name} AS SELECT _row, _why AS reason, NULL::VARCHAR AS shown "
        f"FROM _raw_{name} WHERE NOT _kept"
    )
    make_live(con, name)


def make_live(con: Any, name: str) -> None:
    """Make _live_NAME: the staged rows that are not rejected."""
    con.raw_sql(
        f"CREATE OR REPLACE VIEW _live_{name} AS SELECT * FROM _staged_{name} ANTI JOIN _rejected_{name} USING (_row)"
    )


def keyed(table: str) -> str:
    """Return SQL that is null for rows that a table with distinct rows does not take: those without their one key."""
    key = SCHEMA[table].key
    # parts of a longer key may be empty: a credit names a deal or an order
    return f"nullif(trim(CAST({quoted(key[0])} AS VARCHAR)), '')" if len(key) == 1 else "1"


def _why_left_out(table: TableMap) -> str:
    """Return SQL for the reason why the map leaves a row out, the first that holds; null for rows to keep."""
    cases = [f"WHEN ({condition}) THEN {literal(reason)}" for reason, condition in table.leave_out.items()]
    if table.where:
        reason = literal(f"left out by where ({table.where})")
        cases.append(f"WHEN NOT coalesce(({table.where}), false) THEN {reason}")
    return f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"


def _conditions(table: TableMap) -> Iterator[tuple[str, str]]:
    """Yield the conditions of a table with their places in the map."""
    yield "where", table.where
    for key, conditions in (("leave_out", table.leave_out), ("count", table.count)):
        for words, condition in conditions.items():
            yield f"{key} '{words}'", condition


def _without_absent(con: Any, table: TableMap, view: View) -> TableMap:
    """Return the table without those conditions to leave rows out whose columns may be absent and are."""
    kept = {
        words: sql
        for words, sql in table.leave_out.items()
        if words not in table.spare or _binds(con, Expression(f"({sql})"), view)
    }
    return replace(table, leave_out=kept)


def _of_query(map_: Map, table: TableMap, view: View) -> dict[str, ColumnMap]:
    """Return the columns of the book that a query gives under their own names."""
    if not table.select:
        return {}
    known = {column.name: column.name for column in COLUMNS[table.name].columns}
    used = {h.casefold() for column in table.columns.values() for joined in column.headers for h in joined}
    used |= words_of(table.conditions)
    used |= {word for column in table.columns.values() for word in words_of(column.sql)}
    for header in view.headers:
        if header.casefold() not in known and header.casefold() not in used:
            raise MapError(
                f"{map_.name}: [tables.{table.name}] select gives a column '{header}' that the table does not have. "
                f"{did_you_mean(header, known)} Leave it out, or use it in [tables.{table.name}.columns]."
            )
    return {header.casefold(): ColumnMap(headers=((header,),)) for header in view.headers if header.casefold() in known}


def _filled_in(
    map_: Map, table: str, spec: Column, found: Expression | None, columns: dict[str, Expression]
) -> tuple[Expression | None, str]:
    """Return the expression of a column, with what the map says elsewhere, and a sentence about it."""
    currency = map_.book.get("currency")
    if spec.name == "currency" and currency and table != "fx_rates":
        if found is None:
            return Expression(literal(currency)), f"currency filled with {currency} from [book] in every row"
        counts = (*found.counts, (f"({found.sql}) IS NULL", f"currency empty, filled with {currency} from [book]"))
        return Expression(f"coalesce({found.sql}, {literal(currency)})", found.headers, counts), ""
    of_stage = table == "opportunities" and "stage_name" in columns and map_.won
    if found is None and spec.name in ("is_closed", "is_won") and of_stage:
        stages = map_.won if spec.name == "is_won" else map_.won + map_.lost
        name = f"lower(trim(CAST({columns['stage_name'].sql} AS VARCHAR)))"
        same = " OR ".join(f"{name} LIKE {_like(stage)} ESCAPE '!'" for stage in stages)
        return Expression(f"coalesce({same}, false)"), ""
    if found is None and table == "users" and spec.name == "role":
        return Expression("'rep'"), "role not in the map: manager for those to whom others report, else rep"
    return found, ""


def _like(stage: str) -> str:
    """Return the pattern of a stage: `*` stands for any text."""
    plain = re.sub("([!%_])", r"!\1", stage.strip().lower())
    return literal(plain.replace("*", "%"))


def _typed(bound: Bound, raw: ir.Table, form: Format) -> dict[str, ir.Value]:
    """Return every column of the schema, typed, and its unreadable cells."""
    columns: dict[str, ir.Value] = {}
    for spec in COLUMNS[bound.name].columns:
        if spec.name not in bound.columns:
            columns[spec.name] = to_type(ibis.null("string"), spec.type, form)
            continue
        cell = raw[spec.name]
        value = to_type(cell, spec.type, form.of(spec.name))
        if spec.unit == "MM-DD":
            value = ibis.coalesce(to_type(cell, "date", form).strftime("%m-%d"), value)
        if bound.map.columns.get(spec.name, ColumnMap()).percent:
            written = cell.cast("string").strip().endswith("%")  # such a cell is read as a fraction already
            value = written.ifelse(value, value / 100)
        columns[spec.name] = value
        if spec.type != "text":
            text = cell.cast("string").strip().fill_null("")
            columns[f"_cell_{spec.name}"] = value.notnull().ifelse(".", text)
    return columns


def _binds(con: Any, expression: Expression, view: View) -> bool:
    """Tell whether the view has what an optional expression asks for."""
    try:
        con.raw_sql(f"SELECT {expression.sql} FROM {view.relation} LIMIT 0")
    except duckdb.BinderException:
        return False
    return True


def _wanted(column: ColumnMap) -> str:
    return "' or '".join(" + ".join(joined) for joined in column.headers)


def _not_found(table: str, column: ColumnMap, spec: Column, view: View) -> str:
    near = did_you_mean(column.headers[0][0], view.headers)
    # all headers are listed once for a source, below all that it misses
    hint = f" {near}" if near.startswith("Did") else ""
    return f"{table}.{spec.name}: no column '{_wanted(column)}' in {view.origin.label}.{hint}"


def _repair(spec: Column) -> str:
    if spec.name in ("is_closed", "is_won"):
        return 'Add [stages] won = ["…"] and lost = ["…"].'
    if spec.name == "currency":
        return 'Add currency = "…" to [book].'
    return f'Add {spec.name} = "Header", or {spec.name} = {{ default = "…" }}.'


def _try(con: Any, map_: Map, place: str, sql: str, written: str, view: View) -> None:
    """Bind an expression alone, so that an error names the column."""
    if written:
        sql_or_error(
            con,
            f"SELECT {sql} FROM {view.relation} LIMIT 0",
            lambda error: f"{map_.name}: {place}: {written}: {error} The columns are: {described_view(con, view)}.",
        )


def _run(con: Any, map_: Map, name: str, sql: str, view: View) -> None:
    sql_or_error(
        con, sql,
        lambda error: f"{map_.name}: [tables.{name}]: {error} The columns are: {described_view(con, view)}. "
        "Where a cell may not fit, use TRY_CAST.",
    )  # fmt: skip
