"""A map is a file that people send each other: its SQL is judged before any of it runs, and refused by line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from salesops.book.guard import Breach, refuse_expression, tables_read
from salesops.errors import MapError, did_you_mean

_QUERY = "select"
_HELP = "SQL in a map computes from its sources, by the functions that data/maps/README.md tells of."
_ESCAPED = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|[btnfre\"\\])")
_LETTERS = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Written:
    """A map as it is written, for messages that name its lines."""

    file: str
    text: str = ""

    def refusal(self, place: str, key: str, sql: str, breach: Breach, repair: str) -> str:
        """Say what is refused of the SQL at a place of the map, such as tables.users."""
        return f"{self.file}, line {self._line(place, sql, breach.at)}: [{place}] {key} {breach}. {repair}"

    def _line(self, place: str, sql: str, at: int) -> int:
        """Return the line in which a part of the SQL stands; the line of its table where that cannot be told."""
        written = [_unescaped(line) for line in self.text.splitlines()]
        wanted = [line.strip() for line in sql.split("\n")]
        for start in range(len(written) - len(wanted) + 1):
            is_comment = written[start].lstrip().startswith("#")
            if not is_comment and all(piece in written[start + number] for number, piece in enumerate(wanted)):
                return start + sql[:at].count("\n") + 1
        head = re.compile(rf"\s*\[+\s*{re.escape(place)}\b")
        return next((number for number, line in enumerate(written, start=1) if head.match(line)), 1)


def refuse_unsafe_sql(content: Mapping[str, Any], written: Written) -> None:
    """Raise MapError if any SQL of a map, whose content TOML gives, may do more than to compute from its sources."""
    for place, key, sql in _written_sql(content):
        try:
            if key == _QUERY:
                tables_read(sql)
            else:
                refuse_expression(sql)
        except Breach as breach:
            raise MapError(written.refusal(place, key, sql, breach, _HELP)) from None


def refuse_other_tables(sql: str, known: Collection[str], there: Iterable[str], written: Written, place: str) -> None:
    """Raise MapError if a query of a map reads what is not among the sources `known` to it; `there` are all names."""
    for name, at in tables_read(sql).items():
        if name not in {source.lower() for source in known}:
            breach = Breach(f"reads '{name}', which is no source of this map", at)
            repair = did_you_mean(name, there) or "Name it in [sources]."
            raise MapError(written.refusal(place, _QUERY, sql, breach, repair))


def _written_sql(content: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the SQL of a map: the place of each, its key, and the text."""
    for name, source in content.get("sources", {}).items():
        if isinstance(source, dict) and _QUERY in source:
            yield f"sources.{name}", _QUERY, source[_QUERY].strip().rstrip(";")
    for name, definitions in content.get("tables", {}).items():
        for table in definitions if isinstance(definitions, list) else [definitions]:
            yield from _of_table(f"tables.{name}", table)


def _of_table(place: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if query := table.get(_QUERY, "").strip().rstrip(";"):
        yield place, _QUERY, query
    if table.get("where"):
        yield place, "where", table["where"]
    for key in ("leave_out", "count"):
        for words, condition in table.get(key, {}).items():
            yield place, f"{key} '{words}'", condition["sql"] if isinstance(condition, dict) else condition
    for column, value in table.get("columns", {}).items():
        if isinstance(value, dict) and value.get("sql"):
            yield f"{place}.columns", column, value["sql"]


def _unescaped(line: str) -> str:
    def letter(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if code[0] in "uU" else _LETTERS[code]

    return _ESCAPED.sub(letter, line)
