"""An expression is put into SQL once: a test that asks another book the same takes the words that are there.

On a small book most of the time of a query is Ibis, which compiles an expression for each book anew. The SQL follows
from the expression alone; of the names that Ibis draws for the tables that it stores, and of dates, only from which
of them are the same.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import ibis.expr.operations as ops
import pytest
import sqlglot.expressions as sge
from ibis.backends import BaseBackend
from ibis.backends.sql.compilers import DuckDBCompiler
from ibis.common.graph import Node
from sqlglot import ErrorLevel

_VARIES = re.compile(r"(ibis_[a-z_]+_[a-z2-7]{26}|MAKE_DATE\(\d+, \d+, \d+\))")


@contextmanager
def compiled_once() -> Iterator[None]:
    """Keep the SQL of each expression, and give it to those that differ from it only by drawn names and dates."""
    compile_anew = DuckDBCompiler.to_sqlglot
    shapes = _Shapes()
    known: dict[Hashable, list[str | int]] = {}

    def to_sqlglot(self: DuckDBCompiler, expr: Any, *, limit: Any = None, params: Any = None) -> sge.Expression:
        if limit is not None or params:
            return compile_anew(self, expr, limit=limit, params=params)
        shape, varying = shapes.of(expr.as_table().op())
        if shape not in known:
            sql = compile_anew(self, expr).sql(self.dialect, unsupported_level=ErrorLevel.RAISE)
            known[shape] = [varying.index(part) if part in varying else part for part in _VARIES.split(sql)]
        return sge.Var(this="".join(varying[part] if isinstance(part, int) else part for part in known[shape]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBCompiler, "to_sqlglot", to_sqlglot)
        yield


class _Shapes:
    """Numbers for expressions: two have the same one if they differ only by what varies, and by their database."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def of(self, root: Node) -> tuple[int, list[str]]:
        """Return the number of an expression, and what varies, as the SQL writes it, in the order of its parts."""
        done: dict[Node, int] = {}
        varying: list[str] = []
        waiting = [root]
        while waiting:
            node = waiting[-1]
            if node in done:
                waiting.pop()
            elif first := [child for child in _children(node.__args__) if child not in done]:
                waiting.extend(first)
            else:
                parts = (type(node), *(_part(arg, done, varying) for arg in _told(node)))
                done[node] = self._numbers.setdefault(parts, len(self._numbers))
                waiting.pop()
        return done[root], varying


def _told(node: Node) -> tuple[Any, ...]:
    """Return what the SQL of a node is made of; 0.0 and -0.0 are equal to Python."""
    if isinstance(node, ops.Literal):
        if node.dtype.is_nested():
            return (object(),)  # a date in it would be taken for one of those beside it
        return node.value if type(node.value) is date else repr(node.value), node.dtype
    return (node.name, node.schema) if isinstance(node, ops.InMemoryTable) else node.__args__


def _children(args: Any) -> Iterator[Node]:
    for arg in args:
        if isinstance(arg, Node):
            yield arg
        elif isinstance(arg, tuple):
            yield from _children(arg)
        elif isinstance(arg, dict):
            yield from _children(arg.values())


def _part(arg: Any, done: dict[Node, int], varying: list[str]) -> Hashable:
    if isinstance(arg, Node):
        return Node, done[arg]
    if isinstance(arg, tuple):
        return tuple([_part(one, done, varying) for one in arg])
    if isinstance(arg, dict):
        return tuple([(name, _part(one, done, varying)) for name, one in arg.items()])
    if isinstance(arg, BaseBackend):
        return BaseBackend
    text = f"MAKE_DATE({arg.year}, {arg.month}, {arg.day})" if type(arg) is date else arg
    if isinstance(text, str) and _VARIES.fullmatch(text):
        if text not in varying:
            varying.append(text)
        return type(arg), varying.index(text)
    return arg
