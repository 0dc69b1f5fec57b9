"""Checking a book: every rule of the schema, evaluated in the database."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, replace
from typing import Any, get_args

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.common.exceptions import IbisError

from salesops.book.crosscheck import cross_findings
from salesops.book.encoding import WARNING
from salesops.book.finding import Finding as Finding  # "as" hands the name on to callers
from salesops.book.finding import Severity, in_number
from salesops.book.rejected import rejected_findings
from salesops.book.rules import RULES, Rule, a, column_rules, damaged_id_rule, reference_rule
from salesops.book.schema import SCHEMA, Column, Table
from salesops.book.source import Book
from salesops.book.values import to_type
from salesops.errors import BookError, did_you_mean

UNREADABLE = "readable"  # the rule that a table breaks when nothing can be read of it
_SHOWN = 3
_LONGEST_CELL = 40


def check_book(book: Book, tables: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Return every broken rule of a book, and what its import set aside; errors before warnings before notes.

    Parameters
    ----------
    book : Book
        The book as its source has it. With pseudonyms, findings name no rows.
    tables : collection of str
        Tables to check; default: all that the book has. Tables that they reference are read, not checked.

    Returns
    -------
    tuple of Finding
        Bad data never raises: a table that cannot be read is an error among the findings.
    """
    names = [name for name in book.names if tables is None or name in tables]
    rows = book.keep(("check", tuple(names)), lambda: _rows(_broken_rules(book, names)))
    findings = [Finding(**{**row, "keys": tuple(row["keys"])}) for row in rows]
    findings += rejected_findings(book, names)
    return tuple(sorted(findings, key=lambda finding: get_args(Severity).index(finding.severity)))


def _rows(findings: list[Finding]) -> list[dict[str, Any]]:
    """Return findings as the shelf holds them."""
    return [{**asdict(finding), "keys": list(finding.keys)} for finding in findings]


def _broken_rules(book: Book, names: list[str]) -> list[Finding]:
    findings = [finding for name in names for finding in _check_table(book, name)]
    unusable = {finding.table for finding in findings if not finding.affected}
    findings += cross_findings(book, [name for name in names if name not in unusable])
    if book.is_redacted:  # keys and cells are those of the source, and many systems use names as keys
        return [replace(finding, keys=()) for finding in findings]
    return findings


def _check_table(book: Book, name: str) -> list[Finding]:
    schema = SCHEMA[name]
    try:
        found = book.raw(name).columns
        missing = [column for column in schema.required if column not in found]
        if missing:
            return [_missing(name, column, found) for column in missing]
        broken = _broken(_wide(book, schema), schema, _rules(book, schema))
        return [*broken, *_readings(book, name), *_encoded(book, name)]
    except BookError as error:  # its message ends with the repair
        return [Finding(name, UNREADABLE, "error", str(error).removeprefix(f"{name}: "), "")]
    except (duckdb.Error, IbisError) as error:
        reason = f"the table cannot be read: {str(error).strip().splitlines()[0]}"
        return [Finding(name, UNREADABLE, "error", reason, "Export it again, or remove it from the book.")]


def _readings(book: Book, name: str) -> Iterator[Finding]:
    for reading in book.readings(name):
        rows = int(book.raw(name).count().to_pyarrow().as_py())
        found = in_number(f"have {a(reading.column)} {reading.words}", reading.cells)
        repair = "Set decimal in [csv] of book.toml if that is wrong."
        yield Finding(name, "reading", "warning", found, repair, reading.cells, rows)


def _encoded(book: Book, name: str) -> Iterator[Finding]:
    for note in book.notes(name):
        if note.startswith(WARNING):
            found = note.removeprefix(WARNING).removesuffix(".")
            yield Finding(name, "encoding", "warning", found, "Export it anew, all of it as UTF-8.")


def _missing(name: str, column: str, found: Collection[str]) -> Finding:
    headers = [header for header in found if not header.startswith("_")]
    return Finding(
        name,
        f"{column} required",
        "error",
        f"the required column '{column}' is missing. {did_you_mean(column, headers)}",
        "Rename or add the column, or import with a map.",
    )


def _wide(book: Book, schema: Table) -> ir.Table:
    """Return the typed table beside its cells as text (`_cell_NAME`) and `_row`, where the source has them."""
    raw, form, typed = book.raw(schema.name), book.form(schema.name), book.table(schema.name)
    columns = {}
    for column in schema.columns:
        if column.name not in raw.columns:
            columns[column.name] = ibis.null(typed[column.name].type())
            continue
        columns[column.name] = to_type(raw[column.name], column.type, form.of(column.name))
        if column.type != "text" and raw[column.name].type() != typed[column.name].type():
            columns[_cells(column)] = raw[column.name].cast("string")
    if "_row" in raw.columns:
        columns["_row"] = raw["_row"]
    return raw.select(**columns)


def _cells(column: Column) -> str:
    return f"_cell_{column.name}"


def _rules(book: Book, schema: Table) -> Iterator[Rule]:
    """Return the rules that the columns of the source allow."""
    for column in schema.columns:
        if book.has(schema.name, column.name):
            typed = column.type == "text" or book.raw(schema.name)[column.name].type() == _type_of(book, schema, column)
            yield from column_rules(column, "" if typed else _cells(column))
            if column.type == "text" and (column.references or column.name in schema.key):
                yield damaged_id_rule(column)
            keys = _keys_of(book, column)
            if keys is not None:
                yield reference_rule(column, keys)
    for rule in RULES.get(schema.name, ()):
        if book.has(schema.name, *rule.needs):
            yield rule


def _type_of(book: Book, schema: Table, column: Column) -> Any:
    return book.table(schema.name)[column.name].type()


def _keys_of(book: Book, column: Column) -> ir.Column | None:
    """Return the keys that a column may name; None without a table that can be read."""
    table, _, key = column.references.partition(".")
    if not table or not book.has(table):
        return None
    try:
        target = book.table(table)
    except BookError:  # the table has its own finding
        return None
    return target.filter(target[key].notnull())[key]


def _broken(wide: ir.Table, schema: Table, rules: Iterator[Rule]) -> Iterator[Finding]:
    flags = {f"_broken_{number}": rule for number, rule in enumerate(rules)}
    flagged = wide.mutate(**{flag: rule.broken(wide).fill_null(False) for flag, rule in flags.items()})
    counts = flagged.aggregate(
        _rows=flagged.count(), _repeats=_repeats(flagged, schema), **{flag: flagged[flag].sum() for flag in flags}
    )
    count = counts.to_pyarrow().to_pylist()[0]
    if not count["_rows"]:
        yield Finding(schema.name, "rows", "error", "the table has no rows", "Add its rows, or remove the table.")
        return
    if count["_repeats"]:
        yield _repeated(wide, schema, affected=count["_repeats"], rows=count["_rows"])
    for flag, rule in flags.items():
        if count[flag]:
            yield _finding(flagged.filter(flagged[flag]), schema, rule, affected=count[flag], rows=count["_rows"])


def _key(table: ir.Table, schema: Table) -> ir.Value:
    if len(schema.key) == 1:
        return table[schema.key[0]]
    return ibis.struct({name: table[name] for name in schema.key})


def _repeats(table: ir.Table, schema: Table) -> ir.Value:
    # counting distinct keys needs no sort, where a window over the key would
    key = _key(table, schema)
    return key.count() - key.nunique()


def _repeated(wide: ir.Table, schema: Table, *, affected: int, rows: int) -> Finding:
    key = wide.filter(*(wide[name].notnull() for name in schema.key[:1]))
    groups = key.group_by(list(schema.key)).aggregate(_times=key.count())
    repeated = groups.filter(groups._times > 1).order_by(list(schema.key)).limit(_SHOWN)
    names = " and ".join([", ".join(schema.key[:-1]), schema.key[-1]] if len(schema.key) > 1 else schema.key)
    return Finding(
        schema.name, "key unique", "error", in_number(f"repeat the {names} of another row", affected),
        "Keep one row for each, or give the others keys of their own.", affected, rows,
        tuple(_key_text(row, schema) for row in repeated.to_pyarrow().to_pylist()),
    )  # fmt: skip  # one finding reads as one row


def _finding(rows_broken: ir.Table, schema: Table, rule: Rule, *, affected: int, rows: int) -> Finding:
    first = _first(rows_broken, schema, rule)
    finding = Finding(
        schema.name, rule.name, rule.severity, in_number(rule.found, affected), rule.repair, affected, rows,
        tuple(_row_text(row, schema, rule) for row in first),
    )  # fmt: skip  # one finding reads as one row
    if rule.known and first[0][rule.shows]:
        return replace(finding, repair=f"{did_you_mean(str(first[0][rule.shows]), rule.known)} {rule.repair}")
    return finding


def _first(rows_broken: ir.Table, schema: Table, rule: Rule) -> list[dict[str, Any]]:
    """Return the first rows that break a rule; where it shows cells, the first row of each distinct cell."""
    order = ["_row"] if "_row" in rows_broken.columns else list(schema.key)
    wanted = list(dict.fromkeys([*order, *schema.key, *([rule.shows] if rule.shows else [])]))
    rows = rows_broken.select(wanted)
    if rule.shows:
        earlier = ibis.row_number().over(group_by=rows[rule.shows], order_by=order)
        rows = rows.mutate(_nth=earlier)
        rows = rows.filter(rows._nth == 0)
    found: list[dict[str, Any]] = rows.order_by(order).limit(_SHOWN).to_pyarrow().to_pylist()
    return found


def _row_text(row: dict[str, Any], schema: Table, rule: Rule) -> str:
    by_number = "_row" in row and (rule.shows.startswith("_cell_") or row[schema.key[0]] is None)
    name = f"row {row['_row']:,}" if by_number else _key_text(row, schema)
    if not rule.shows:
        return name
    cell = str(row[rule.shows])
    return f"{name} '{cell[:_LONGEST_CELL]}{'…' if len(cell) > _LONGEST_CELL else ''}'"


def _key_text(row: dict[str, Any], schema: Table) -> str:
    named = (name for name in schema.key if row[name] is not None or schema.column(name).required)
    return " / ".join("(empty)" if row[name] is None else str(row[name]) for name in named)
