"""From the description of a column in a map to the SQL that gives its cells, before they are typed."""

from __future__ import annotations

from dataclasses import dataclass

from salesops.book.schema import Column
from salesops.intake.mapfile import ColumnMap, Headers
from salesops.intake.names import found_headers, literal, words_of
from salesops.intake.views import View
from salesops.intake.workbook import EXCEL_DAY_ZERO

_CLOCK = r"\d:\d\d"
_OFFSET = r"([Zz]|UTC|[+-]\d{2}(:?\d{2})?)$"


@dataclass(frozen=True)
class Expression:
    """The SQL of one column, the headers that it uses, and what to count for the report.

    `counts` holds (SQL condition, sentence): where rows fulfil the condition, "1,480 rows: " and the sentence
    are reported.
    """

    sql: str
    headers: tuple[str, ...] = ()
    counts: tuple[tuple[str, str], ...] = ()


def column_expression(spec: Column, column: ColumnMap, view: View) -> Expression | None:
    """Return the expression of a column, or None if the view has none of its headers."""
    if column.sql:
        mentioned = words_of(column.sql)
        used = tuple(header for header in view.headers if header.casefold() in mentioned)
        return _converted(spec, column, Expression(f"({column.sql})", used), view)
    if column.cases:
        return _by_case(spec, column, view)
    alternatives = _alternatives(column.headers, view)
    if not alternatives:
        return Expression(literal(column.default)) if column.default is not None else None
    if not column.first_filled:
        alternatives = alternatives[:1]
    parts = [_joined(headers, view) for headers in alternatives]
    sql = parts[0] if len(parts) == 1 else f"coalesce({', '.join(_as_text(part) for part in parts)})"
    headers = tuple(header for found in alternatives for header in found)
    return _converted(spec, column, Expression(sql, headers), view)


def _alternatives(wanted: Headers, view: View) -> list[tuple[str, ...]]:
    """Return the headers that are there, for each alternative of which any is."""
    return [found for joined in wanted if (found := found_headers([joined], view.headers))]


def _by_case(spec: Column, column: ColumnMap, view: View) -> Expression | None:
    """Return the expression of a column whose headers depend on the value of another column."""
    deciding = _alternatives(column.by, view)
    cases = {case: found for case, wanted in column.cases.items() if (found := _alternatives(wanted, view))}
    if not deciding or not cases:
        return None
    value = f"lower({_as_text(_joined(deciding[0], view))})"
    counts, whens = [], []
    for case, alternatives in cases.items():
        same = f"{value} = {literal(case.strip().lower())}"
        cells = [f"nullif({_as_text(_joined(headers, view))}, '')" for headers in alternatives]
        whens.append(f"WHEN {same} THEN coalesce({', '.join(cells)})")
        for before, (headers, cell) in enumerate(zip(alternatives[1:], cells[1:], strict=True), start=1):
            condition = f"{same} AND coalesce({', '.join(cells[:before])}) IS NULL AND {cell} IS NOT NULL"
            first, other = (" + ".join(joined) for joined in (alternatives[0], headers))
            counts.append((condition, f"{spec.name} where {case} without '{first}', taken from '{other}'"))
    used = (*deciding[0], *(header for found in cases.values() for headers in found for header in headers))
    return _converted(spec, column, Expression(f"(CASE {' '.join(whens)} END)", used, tuple(counts)), view)


def _joined(headers: tuple[str, ...], view: View) -> str:
    cells = [view.cells[header] for header in headers]
    if len(cells) == 1:
        return cells[0]
    return f"nullif(concat_ws(' ', {', '.join(_as_text(cell) for cell in cells)}), '')"


def _converted(spec: Column, column: ColumnMap, start: Expression, view: View) -> Expression:
    sql, counts = start.sql, list(start.counts)
    if column.first_of:
        mark = literal(column.first_of)
        rest = f"split_part({_as_text(sql)}, {mark}, 2)"
        counts.append((f"trim({rest}) <> ''", f"{spec.name} names several, the first is kept"))
        sql = f"nullif(trim(split_part({_as_text(sql)}, {mark}, 1)), '')"
    for old, new in column.values.items():
        same = f"lower({_as_text(sql)}) = {literal(old.strip().lower())}"
        counts.append((f"{same} AND {_as_text(sql)} <> {literal(new)}", f"{spec.name} '{old}' → '{new}'"))
    if column.other is not None:
        known = ", ".join(literal(word.strip().lower()) for word in (*column.values, ""))
        unlisted = f"lower({_as_text(sql)}) NOT IN ({known})"
        counts.append((unlisted, f"{spec.name} not among the listed values → '{column.other}'"))
    if column.values or column.other is not None:
        sql = _renamed(sql, column)
    if _is_day(spec) and (column.excel_date or view.origin.day_zero):
        # unasked, only days from 1954 to 2064 are taken for dates
        days = r"\d{1,6}" if column.excel_date else r"[2-5]\d{4}"
        serial = f"regexp_full_match({_as_text(sql)}, '{days}([.,]\\d+)?')"
        counts.append((serial, f"{spec.name} given as the number of a day in Excel, read as a date"))
        day = _excel_day(sql, spec, view.origin.day_zero or EXCEL_DAY_ZERO)
        sql = f"CASE WHEN {serial} THEN {day} ELSE {_as_text(sql)} END"
    zone = view.origin.form.time_zone
    if spec.type == "instant" and zone != "UTC" and view.origin.form.local:
        text = _as_text(sql)
        clock = f"regexp_matches({text}, {literal(_CLOCK)}) AND NOT regexp_matches({text}, {literal(_OFFSET)})"
        counts.append((clock, f"{spec.name} is a time without an offset, taken from the clock of {zone}"))
    if column.default is not None:
        counts.append((f"({sql}) IS NULL", f"{spec.name} empty, filled with '{column.default}'"))
        sql = f"coalesce({_as_text(sql)}, {literal(column.default)})"
    return Expression(sql, start.headers, tuple(counts))


def _renamed(sql: str, column: ColumnMap) -> str:
    cases = " ".join(
        f"WHEN {literal(old.strip().lower())} THEN nullif({literal(new)}, '')" for old, new in column.values.items()
    )
    otherwise = _as_text(sql)
    if column.other is not None:
        # an empty cell stays empty
        otherwise = f"CASE WHEN {_as_text(sql)} <> '' THEN nullif({literal(column.other)}, '') END"
    return f"(CASE lower({_as_text(sql)}) WHEN '' THEN NULL {cases} ELSE {otherwise} END)"


def _is_day(spec: Column) -> bool:
    return spec.type in ("date", "instant") or spec.unit == "MM-DD"


def _excel_day(sql: str, spec: Column, day_zero: str) -> str:
    number = f"try_cast(replace({_as_text(sql)}, ',', '.') AS DOUBLE)"
    day = f"DATE '{day_zero}' + floor({number})::INTEGER"
    if spec.type != "instant":
        return f"CAST({day} AS VARCHAR)"
    # whole numbers stay bare days: a bare day is one in the book's time zone
    clock = f"to_seconds(round(({number} - floor({number})) * 86400)::BIGINT)"
    with_clock = f"CAST(({day}) + {clock} AS VARCHAR)"
    return f"CASE WHEN {number} = floor({number}) THEN CAST({day} AS VARCHAR) ELSE {with_clock} END"


def _as_text(sql: str) -> str:
    return f"trim(CAST({sql} AS VARCHAR))"
