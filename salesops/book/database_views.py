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
    query = "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal AND database_name = ?"
    views: dict[str, list[str]] = {}
    for view, sql in con.raw_sql(query, parameters=[database]).fetchall():
        views.setdefault(view.lower(), []).append(sql)  # of several schemas
    functions = builtin_functions(con) - own_functions(con) if name.lower() in views else frozenset()
    left = [name.lower()]
    while left:
        for sql in views.pop(left.pop(), ()):
            left += _tables(sql, functions)


def _tables(sql: str, functions: frozenset[str]) -> list[str]:
    head = _HEAD.match(sql)
    if not head:
        raise Breach("cannot be understood")
    return list(tables_read(sql[head.end() :].rstrip("; \n"), functions, qualified=True))
