"""An order of rows that nobody asked for is none: here such rows come in one that is always the same, and never theirs.

DuckDB gives the rows of a join or a group in an order that depends on its threads. A test, or a page, that counts
on it fails once in a thousand runs. With `stirred` it fails in all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pytest
from ibis.backends.duckdb import Backend

_KEEP_ORDER = (ops.Project, ops.Filter, ops.Limit, ops.DropColumns, ops.FillNull, ops.DropNull, ops.SelfReference)


@contextmanager
def stirred_results() -> Iterator[None]:
    """Stir whatever leaves the database, and whatever is stored in it as a table."""
    create = Backend.create_table

    def create_table(self: Backend, name: str, obj: Any = None, **options: Any) -> ir.Table:
        return create(self, name, stirred(obj) if isinstance(obj, ir.Table) else obj, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Backend, "create_table", create_table)
        for name in ("execute", "to_pyarrow"):
            patch.setattr(Backend, name, _stirs(getattr(Backend, name)))
        yield


def stirred(table: ir.Table) -> ir.Table:
    """Return a table with its rows in the order of their hashes where none was asked for.

    Rows that an order leaves equal are in none. A table of the database has the order in which it was stored, and
    sums over a whole table are one row.
    """
    asked = table.op()
    while isinstance(asked, _KEEP_ORDER):
        asked = asked.parent
    if isinstance(asked, ops.Sort):
        return table.op().replace({asked: _without_ties(asked)}).to_expr()
    if isinstance(asked, ops.PhysicalTable) or (isinstance(asked, ops.Aggregate) and not asked.groups):
        return table
    return table.order_by(_hash(table))


def _stirs(ask: Any) -> Any:
    def asks(self: Backend, expr: ir.Expr, /, **options: Any) -> Any:
        return ask(self, stirred(expr) if isinstance(expr, ir.Table) else expr, **options)

    return asks


def _without_ties(sort: ops.Sort) -> ops.Sort:
    last = ops.SortKey(_hash(sort.parent.to_expr()).op(), ascending=True)
    return ops.Sort(sort.parent, (*sort.keys, last))


def _hash(table: ir.Table) -> ir.IntegerColumn:
    return ibis.struct({name: table[name] for name in table.columns}).hash()
