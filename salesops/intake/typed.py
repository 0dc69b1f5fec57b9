"""The columns of a source of text, typed where every cell allows it, so that SQL in a map can compute with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import ibis.expr.types as ir

from salesops.book.values import Format, local_time, to_type

_SAMPLE = 500
_MOST_DIGITS = 15  # more would not survive as a number, and are ids
_ROUNDED = r"^\d(\.\d+)?[eE]\+(1[1-9]|[2-9]\d)$"  # so a spreadsheet shows an id of twelve digits or more
_MOST = 1e18  # of a whole number in 64 bits


def typed_columns(con: Any, relation: str, headers: Iterable[str], form: Format) -> dict[str, ir.Value]:
    """Return those columns that can be typed: whole number, number, boolean, date or timestamp (local time).

    A column is typed if each of its cells reads as that type. Ids with leading zeros stay text, and so do amounts that
    show several currencies.
    """
    table = con.table(relation)
    likely = [header for header, kind in _kinds(table.limit(_SAMPLE), headers, form).items() if kind]
    kinds = _kinds(table, likely, form)
    return {header: _READERS[kind](table[header], form) for header, kind in kinds.items() if kind}


def _kinds(table: ir.Table, headers: Iterable[str], form: Format) -> dict[str, str]:
    """Return for each header the kind that all its cells have, or ""."""
    listed = list(headers)
    counts = {
        f"{number}/{what}": flag.sum().fill_null(0)
        for number, header in enumerate(listed)
        for what, flag in _readable(table[header], form).items()
    } | {
        f"{number}/signs": table[header].re_extract(r"\p{Sc}", 0).nullif("").nunique()
        for number, header in enumerate(listed)
    }
    if not counts:
        return {}
    found = table.aggregate(**counts).to_pyarrow().to_pylist()[0]
    return {header: _kind({what: found[f"{number}/{what}"] for what in _FACTS}) for number, header in enumerate(listed)}


def _readable(cell: ir.Value, form: Format) -> Mapping[str, ir.BooleanValue]:
    bare = cell.strip()
    number = to_type(cell, "number", form)
    is_id = bare.re_search(rf"^[+-]?0\d|{_ROUNDED}") | (bare.re_replace(r"\D", "").length() > _MOST_DIGITS)
    return {
        "filled": cell.notnull(),
        "number": number.notnull() & ~is_id,
        "whole": number.notnull() & (number % 1 == 0) & (number.abs() < _MOST),
        "word": bare.lower().isin(["true", "false"]),
        "time": to_type(cell, "instant", form).notnull(),
        "clock": bare.re_search(r"\d:\d\d"),
    }


def _kind(count: Mapping[str, int]) -> str:
    if not count["filled"]:
        return ""
    if count["number"] == count["filled"] and count["signs"] < 2:
        return "whole" if count["whole"] == count["filled"] else "number"
    if count["word"] == count["filled"]:
        return "boolean"
    if count["time"] == count["filled"]:
        return "timestamp" if count["clock"] else "date"
    return ""


_FACTS = ("filled", "number", "whole", "word", "time", "clock", "signs")
_READERS = {
    "whole": lambda cell, form: to_type(cell, "number", form).round().cast("int64"),
    "number": lambda cell, form: to_type(cell, "number", form),
    "boolean": lambda cell, form: to_type(cell, "boolean", form),
    "date": lambda cell, form: to_type(cell, "date", form),
    "timestamp": lambda cell, form: local_time(to_type(cell, "instant", form), form.time_zone),
}
