"""What SQL from a stranger may do: compute a table from tables that are named for it, and nothing else.

DuckDB's own parser says what a text means. Whatever is not known here to be harmless is refused: a second
statement, a function that is not listed, a table of another place, any kind of syntax that came later.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from salesops.book.connection import connect
from salesops.book.guard_functions import FUNCTIONS, TABLE_FUNCTIONS

LONGEST = 100_000  # characters

_NODES = frozenset({  # of queries, of tables, and of what belongs to them
    "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE",
    "BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY", "TABLE_FUNCTION", "EXPRESSION_LIST", "PIVOT",
    "DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER",
    "ORDER_DEFAULT", "ASCENDING", "DESCENDING",
})  # fmt: skip  # reads as a table
_EXPRESSIONS = frozenset({
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA",
    "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
})  # fmt: skip  # as above
_SPACES = frozenset("\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff\u180e" + "".join(map(chr, range(0x2000, 0x200C))))
_WHOLE, _PART = "SELECT * FROM (\n{}\n)", "SELECT CAST(({}) AS VARCHAR)"


class Breach(Exception):
    """What is forbidden in a text, as the end of a sentence ("calls read_csv"), and where, counted in characters."""

    def __init__(self, what: str, at: int = 0) -> None:
        super().__init__(what)
        self.at = at


def tables_read(sql: str, functions: Collection[str] = FUNCTIONS, *, qualified: bool = False) -> dict[str, int]:
    """Return the names of the tables that a query reads, in lower case, and where it names each.

    Parameters
    ----------
    functions : collection of str
        The names of the functions that it may call, in lower case.
    qualified : bool
        It may name tables with their schema and database, and they are returned without.

    Raises
    ------
    Breach
        If it is no single SELECT, or does more than to compute from tables.
    """
    return _Judged(sql, _WHOLE, functions, qualified=qualified).tables


def refuse_expression(sql: str) -> None:
    """Raise Breach if a text is no single expression, or does more than to compute from the columns of its row."""
    for name, at in _Judged(sql, _PART, FUNCTIONS).tables.items():
        raise Breach(f"reads '{name}', and only a query may read a table", at)


class _Judged:
    """One text, in the shell in which it is run."""

    def __init__(self, sql: str, shell: str, functions: Collection[str], *, qualified: bool = False) -> None:
        self._sql, self._functions, self._qualified = sql, functions, qualified
        self._before = len(shell.partition("{")[0].encode())
        self.tables: dict[str, int] = {}
        if len(sql) > LONGEST:
            raise Breach(f"has {len(sql):,} characters, and may have {LONGEST:,}")
        if _SPACES & set(sql) and ("--" in sql or "/*" in sql):
            raise Breach("has comments and spaces that are none of ASCII, which parsers take differently")
        statement = self._parsed(shell.format(sql))
        inner = _inside(statement)
        if inner is None or _emptied(statement) != _emptied(_template(shell)):
            raise Breach("is not one whole expression" if shell == _PART else "is not one whole SELECT")
        for part, visible in _parts(inner):
            self._judge(part, visible)

    def _parsed(self, text: str) -> dict[str, Any]:
        found = _serialized(text)
        if found["error"]:
            why = found["error_message"].strip()
            if found.get("error_type") == "not implemented":  # which the parser does not tell apart
                why = "it is no SELECT, or a PIVOT without the values of its columns: PIVOT … ON … IN (…)"
            raise Breach(f"cannot be understood: {why}", self._place(int(found.get("position") or 0)))
        statements = found["statements"]
        if len(statements) != 1:
            raise Breach(f"holds {len(statements)} statements, and may hold one SELECT")
        return dict(statements[0])

    def _judge(self, part: dict[str, Any], visible: frozenset[str]) -> None:
        at = self._place(part.get("query_location", 0))
        kind, known = (part["class"], _EXPRESSIONS) if "class" in part else (part.get("type"), _NODES)
        if isinstance(kind, str) and kind not in known and not kind.endswith("_TYPE_INFO"):
            raise Breach(f"has {kind.replace('_', ' ').lower()}, which no SQL from outside may have", at)
        if "function_name" in part:
            self._judge_function(part["function_name"], at)
        if kind == "BASE_TABLE":
            self._judge_table(part, visible, at)
        if kind == "TABLE_FUNCTION" and part["function"]["function_name"].lower() not in TABLE_FUNCTIONS:
            raise Breach(f"reads from {part['function']['function_name']}", at)

    def _judge_function(self, name: str, at: int) -> None:
        # what stands before the name is a column (name.upper()) or a schema: the parser does not tell them apart
        is_operator = not any(letter.isalnum() or letter == "_" for letter in name)
        if not is_operator and name.lower() not in self._functions and name.lower() not in TABLE_FUNCTIONS:
            raise Breach(f"calls {name}", at)

    def _judge_table(self, part: dict[str, Any], visible: frozenset[str], at: int) -> None:
        name = part["table_name"]
        elsewhere = part["schema_name"] or part["catalog_name"]
        if (elsewhere and not self._qualified) or part["at_clause"]:
            raise Breach(f"reads '{name}' of another place", at)
        if elsewhere or name.lower() not in visible:
            self.tables.setdefault(name.lower(), at)

    def _place(self, location: int) -> int:
        """Return where in the text the parser points to: it counts bytes from the beginning of the shell."""
        encoded = self._sql.encode()
        inside = min(max(location - self._before, 0), len(encoded))
        return len(encoded[:inside].decode(errors="ignore"))


def _parts(node: Any) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Yield every part of a parsed text, with the names that queries of a WITH have there."""
    left: list[tuple[Any, frozenset[str]]] = [(node, frozenset())]
    while left:
        part, visible = left.pop()
        if isinstance(part, list):
            left.extend((item, visible) for item in part)
        elif isinstance(part, dict):
            for named in part.get("cte_map", {}).get("map", ()):
                left.append((named["value"], visible))
                visible |= {named["key"].lower()}
            if part.get("type") == "RECURSIVE_CTE_NODE":
                visible |= {part["cte_name"].lower()}
            yield part, visible
            left.extend((value, visible) for key, value in part.items() if key != "cte_map")


def _inside(statement: dict[str, Any]) -> Any:
    """Return what stands in the shell, and take it out of the statement; None if it is not there."""
    node = statement["node"]
    if node["type"] != "SELECT_NODE" or len(node["select_list"]) != 1:
        return None
    holder = node["from_table"] if node["from_table"]["type"] == "SUBQUERY" else node["select_list"][0]
    return holder.pop("subquery", None) or holder.pop("child", None)


def _emptied(statement: dict[str, Any]) -> str:
    """Return the shell as text, without places."""
    return json.dumps(_without_places(statement), sort_keys=True)


def _without_places(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without_places(value) for key, value in part.items() if key != "query_location"}
    return [_without_places(item) for item in part] if isinstance(part, list) else part


@cache
def _template(shell: str) -> dict[str, Any]:
    statement = dict(_serialized(shell.format("SELECT 1" if shell == _WHOLE else "1"))["statements"][0])
    _inside(statement)
    return statement


def _serialized(text: str) -> dict[str, Any]:
    (written,) = _parser().raw_sql("SELECT json_serialize_sql(?::VARCHAR)", parameters=[text]).fetchone()
    try:
        return dict(json.loads(written))
    except RecursionError:
        raise Breach("is nested too deep") from None


@cache
def _parser() -> Any:
    return connect()
