"""Views in a DuckDB file: SQL that its author wrote, and that runs when the view is read."""

from __future__ import annotations

import re
from typing import Any

from salesops.book.connection import builtin_functions, own_functions
from salesops.book.guard import Breach, tables_read

_NAME = r'(?:"(?:[^"]|"")*"|\w+)'
_HEAD = re.compile(rf"CREATE VIEW (?:{_NAME}\.)?{_NAME}(?: \({_NAME}(?:, {_NAME})*\))? AS ")


def refuse_harmful_view(con: Any, database: str, name: str) -> None:
    """Raise Breach if a relation is a view, and it or a view behind it does more than to compute from tables.

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
        A locked connection, to which the database is attached: the lock alone leaves functions that tables come
        from and that change how DuckDB works.
    database, name : str
        The relation; case does not matter.
    """
    stored = "SELECT table_name, '' AS sql FROM duckdb_tables() WHERE database_name = $1"
    views = "SELECT view_name, sql FROM duckdb_views() WHERE database_name = $1 AND NOT internal"
    relations: dict[str, list[str]] = {}
    for relation, sql in con.raw_sql(f"{stored} UNION ALL {views}", parameters=[database]).fetchall():
        relations.setdefault(relation.lower(), []).append(sql)  # of several schemas
    left, seen = [name.lower()], {name.lower()}
    functions = builtin_functions(con) - own_functions(con) if any(relations[name.lower()]) else frozenset()
    while left:
        behind = [table for sql in filter(None, relations[left.pop()]) for table in _tables(sql, functions)]
        for table in behind:
            if table not in relations:
                raise Breach(f"reads '{table}', which is no table of the database")
        left += set(behind) - seen
        seen |= set(behind)


def _tables(sql: str, functions: frozenset[str]) -> list[str]:
    head = _HEAD.match(sql)
    if not head:
        raise Breach("cannot be understood")
    return list(tables_read(sql[head.end() :].rstrip("; \n"), functions, qualified=True))
