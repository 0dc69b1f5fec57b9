"""What a table is converted from: a source as it stands, a source with typed columns, or a query of the map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import duckdb
import ibis
import ibis.expr.types as ir

from salesops.book.values import Format, to_type
from salesops.errors import MapError, did_you_mean
from salesops.intake.map_guard import refuse_other_tables
from salesops.intake.mapfile import SourceMap, TableMap
from salesops.intake.marks import is_gone
from salesops.intake.names import COLUMNS, find_header, found_headers, quoted, words_of
from salesops.intake.read_item import Loaded
from salesops.intake.sources import Sources
from salesops.intake.typed import typed_columns

T = TypeVar("T")

_OF_BOOK = {column.name for table in COLUMNS.values() for column in table.columns}


@dataclass(frozen=True)
class View:
    """Rows to convert: a relation with `_row`, and the SQL that gives the cells under a header as the source has them.

    `sources` are the names in the map of what it reads.
    """

    origin: Loaded
    relation: str
    sources: tuple[str, ...]
    cells: dict[str, str]
    used: frozenset[str] = frozenset()

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers of the view."""
        return tuple(self.cells)


@dataclass
class Views:
    """Makes views, each typed source once."""

    con: Any
    sources: Sources
    _typed: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _sql(self) -> str:
        """All SQL in the map."""
        tables = [table for definitions in self.sources.map.tables.values() for table in definitions]
        own = [text for table in tables for text in (table.select, table.conditions)]
        own += [source.select for source in self.sources.map.sources.values()]
        return "\n".join([*own, *(column.sql for table in tables for column in table.columns.values())])

    @cached_property
    def _stars(self) -> bool:
        """Whether a query may read every column of a source without naming it."""
        selects = [table.select for definitions in self.sources.map.tables.values() for table in definitions]
        whole = [sql for sql in selects if "*" in sql]
        behind = [self.sources.declared(name) for sql in whole for name in self._names_in(sql)]
        return any(not (source.columns or source.select) for source in behind)

    def of(self, table: TableMap) -> View:
        """Return what a table is converted from. Raises MapError where a query does not fit the source."""
        if table.select:
            return self._query(table)
        names = next(names for names in table.sources if any(self.sources.find(name) for name in names))
        loaded = self.sources.load_together(names)
        there = tuple(name for name in names if self.sources.find(name))
        if table.conditions or any(column.sql for column in table.columns.values()):
            cells = {header: quoted(f"_cell_{number}") for number, header in enumerate(loaded.headers)}
            return View(loaded, self._with_types(loaded), there, cells)
        return View(loaded, loaded.relation, there, {header: quoted(header) for header in loaded.headers})

    def reads(self, table: TableMap) -> set[str]:
        """Return the names of the sources that a table is converted from, in lower case."""
        if table.select:
            return {name.casefold() for name in self._names_in(table.select)}
        names = next(names for names in table.sources if any(self.sources.find(name) for name in names))
        return {name.casefold() for name in names}

    def missing(self, table: TableMap) -> str:
        """Return the name of a source that a table needs and that is not there, or ""."""
        if table.select:
            needed = [name for name in self._names_in(table.select) if not self._may_be_absent(name)]
            return next((name for name in needed if not self.sources.find(name)), "")
        there = any(self.sources.find(name) for names in table.sources for name in names)
        return "" if there else table.sources[0][0]

    def _may_be_absent(self, name: str) -> bool:
        declared = {key.casefold() for key in self.sources.map.sources}
        source = self.sources.declared(name)
        return source.optional or bool(source.select) or name.casefold() not in declared

    def _names_in(self, sql: str) -> list[str]:
        """Return the sources that a query reads, those before a query that stand behind it."""
        mentioned = words_of(sql)
        names = {name.casefold(): name for name in self.sources.names() if name.casefold() in mentioned}
        behind = [inner for name in names.values() for inner in self._names_in(self.sources.declared(name).select)]
        return list(dict.fromkeys((*behind, *names.values())))

    def _query(self, table: TableMap) -> View:
        mentioned = words_of(
            "\n".join([table.select, *(source.select for source in self.sources.map.sources.values())])
        )
        names = self._names_in(table.select)
        self._judge(table.select, names, f"tables.{table.name}")
        for name in names:
            self._public(name)
        names = [name for name in names if self.sources.find(name)]
        loaded = [self.sources.load(name) for name in names]
        relation = f"_query_{table.name}"
        query = f"SELECT *, row_number() OVER () AS _row FROM ({table.select}\n)"
        sql_or_error(self.con, f"CREATE TABLE {relation} AS {query}", lambda error: self._explain(table, names, error))
        headers = [name for name in self.con.table(relation).columns if name != "_row"]
        rows = self.con.raw_sql(f"SELECT count(*) FROM {relation}").fetchone()[0]
        label = f"query over {', '.join(f'{item.label}: {item.rows:,} rows' for item in loaded) or 'no source'}"
        form = _in_all(item.form for item in loaded) or Format(time_zone=self.sources.zone, local=True)
        day_zero = _in_all(item.day_zero for item in loaded) or ""
        groups = tuple(group for item in loaded for group in item.groups)
        origin = Loaded(label, relation, tuple(headers), rows, form, day_zero=day_zero, groups=groups)
        used = {header for name in names for header in self._spoken_of(name, mentioned, everything="*" in table.select)}
        return View(origin, relation, tuple(names), {header: quoted(header) for header in headers}, frozenset(used))

    def _judge(self, sql: str, names: list[str], place: str) -> None:
        """Raise MapError if a query of the map reads anything but sources."""
        refuse_other_tables(sql, names, self.sources.names(), self.sources.map.written, place)

    def _spoken_of(self, name: str, mentioned: set[str], *, everything: bool) -> Iterator[str]:
        """Yield the headers of a source that a query uses."""
        headers, declared = self.sources.load(name).headers, self.sources.declared(name).columns
        if declared:
            yield from (header for wanted in declared.values() for header in found_headers(wanted, headers))
        else:
            yield from (header for header in headers if everything or header.casefold() in mentioned)

    def _public(self, name: str) -> None:
        """Make a source visible to queries under its name, with the columns that the map declares or all of them."""
        source = self.sources.declared(name)
        if source.select:
            self._judge(source.select, self._names_in(source.select), f"sources.{name}")
            where = f"{self.sources.map.name}: [sources.{name}] select: "
            query = f"CREATE OR REPLACE VIEW {quoted(name)} AS {source.select}"
            sql_or_error(self.con, query, lambda error: where + error)
            return
        if not self.sources.find(name):  # an optional source
            query = f"SELECT {', '.join(f'NULL::VARCHAR AS {quoted(column)}' for column in source.columns)} WHERE false"
        elif source.columns:
            query = self._of_declared(name, self.sources.load(name), source)
        else:
            loaded = self.sources.load(name)
            columns = ", ".join(quoted(header) for header in loaded.headers)
            query = f"SELECT {columns} FROM {self._with_types(loaded)}"
        self.con.raw_sql(f"CREATE OR REPLACE VIEW {quoted(name)} AS {query}")

    def _of_declared(self, name: str, loaded: Loaded, source: SourceMap) -> str:
        """Return a query for the columns that the map declares, as text; empty where the source has none of them.

        Rows that are marked as deleted are not seen, unless by a mark that is one of the columns.
        """
        gone = is_gone({header: quoted(header) for header in loaded.headers}, source)
        there = f"_there_{name}"
        self.con.raw_sql(
            f"CREATE OR REPLACE VIEW {quoted(there)} AS SELECT * FROM {loaded.relation} WHERE NOT ({gone})"
        )
        table = self.con.table(there)
        columns: dict[str, ir.Value] = {}
        for column, wanted in source.columns.items():
            found = found_headers(wanted, loaded.headers)
            cells = [to_type(table[header], "text", loaded.form) for header in found]
            joined = ibis.literal(" ").join(cells).nullif("") if len(cells) > 1 else None
            columns[column] = joined if joined is not None else cells[0] if cells else ibis.null("string")
        return str(self.con.compile(table.select(**columns)))

    def _with_types(self, loaded: Loaded) -> str:
        """Return a relation with typed columns under the headers, `_cell_N` as the source has them, and `_row`.

        What the map's SQL calls a header in another spelling, such as IsDeleted for is_deleted, is a column too.
        """
        if loaded.relation not in self._typed:
            table = self.con.table(loaded.relation)
            words = words_of(self._sql)
            own = {header.casefold() for header in loaded.headers} | _OF_BOOK
            called = {word: header for word in words - own if (header := find_header(word, loaded.headers))}
            columns = {header: table[header] for header in loaded.headers}
            if loaded.cells:
                spoken = {*words, *(header.casefold() for header in called.values())}
                mentioned = [header for header in loaded.headers if self._stars or header.casefold() in spoken]
                columns |= typed_columns(self.con, loaded.relation, mentioned, loaded.form)
            raw = {f"_cell_{number}": table[header] for number, header in enumerate(loaded.headers)}
            other = {word: columns[header] for word, header in called.items()}
            name = f"{loaded.relation}_typed"
            query = self.con.compile(table.select(**columns, **raw, **other, _row=table._row))
            self.con.raw_sql(f"CREATE VIEW {name} AS {query}")
            self._typed[loaded.relation] = name
        return self._typed[loaded.relation]

    def _explain(self, table: TableMap, names: list[str], error: str) -> str:
        known = [f"{name} ({described(self.con, quoted(name))})" for name in names]
        hint = did_you_mean(_missing_table(error), self.sources.names()) if "does not exist" in error else ""
        have = f" The sources have: {'; '.join(known)}." if known else ""
        return f"{self.sources.map.name}: [tables.{table.name}] select: {error} {hint}{have}"


def _in_all(values: Iterable[T]) -> T | None:
    """Return the value if all have the same, else None."""
    different = set(values)
    return different.pop() if len(different) == 1 else None


def sql_or_error(con: Any, sql: str, explain: Callable[[str], str]) -> Any:
    """Run SQL that holds text of the map; raise MapError with DuckDB's first sentence where it fails."""
    try:
        return con.raw_sql(sql)
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error as error:
        sentence = str(error).split("\n\nLINE")[0].replace("\n", " ").strip()
        raise MapError(explain(sentence.rstrip(".!") + ".").strip()) from None


def described_view(con: Any, view: View) -> str:
    """Return the columns of what a table is converted from, with the types that SQL finds in them."""
    origin = view.origin
    table = con.table(origin.relation)
    typed = typed_columns(con, origin.relation, origin.headers, origin.form) if origin.cells else {}
    return described(con, f"({con.compile(table.select([typed.get(h, table[h]).name(h) for h in origin.headers]))})")


def described(con: Any, relation: str) -> str:
    """Return the columns of a relation with their types, as a map's author may use them."""
    schema = con.raw_sql(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return ", ".join(f"{quoted(row[0])} {_WORDS.get(row[1], row[1].lower())}" for row in schema if row[0][0] != "_")


_WORDS = {"VARCHAR": "text", "BIGINT": "whole number", "DOUBLE": "number"}


def _missing_table(error: str) -> str:
    return error.partition("Table with name ")[2].split(" ")[0]
