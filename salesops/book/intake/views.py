"""What a table is converted from: a source as it stands, a source with typed columns, or a query of the map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import duckdb

from salesops.book.intake.map_guard import refuse_other_tables
from salesops.book.intake.mapfile import TableMap
from salesops.book.intake.names import quoted, words_of
from salesops.book.intake.sources import Loaded, Sources
from salesops.book.intake.typed import typed_columns
from salesops.book.values import Format
from salesops.errors import MapError, did_you_mean


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
        return "\n".join([*own, *(column.sql for table in tables for column in table.columns.values())])

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
            mentioned = words_of(table.select)
            return {name.casefold() for name in self.sources.names() if name.casefold() in mentioned}
        names = next(names for names in table.sources if any(self.sources.find(name) for name in names))
        return {name.casefold() for name in names}

    def missing(self, table: TableMap) -> str:
        """Return the name of a source that a table needs and that is not there, or ""."""
        if table.select:
            mentioned = words_of(table.select)
            declared = [name for name in self.sources.map.sources if name.casefold() in mentioned]
            return next((name for name in declared if not self.sources.find(name)), "")
        there = any(self.sources.find(name) for names in table.sources for name in names)
        return "" if there else table.sources[0][0]

    def _query(self, table: TableMap) -> View:
        mentioned = words_of(table.select)
        names = list({name.casefold(): name for name in self.sources.names() if name.casefold() in mentioned}.values())
        loaded = [self._public(name) for name in names]
        written, there = self.sources.map.written, self.sources.names()
        refuse_other_tables(table.select, names, there, written, f"tables.{table.name}")
        relation = f"_query_{table.name}"
        query = f"SELECT *, row_number() OVER () AS _row FROM ({table.select}\n)"
        sql_or_error(self.con, f"CREATE TABLE {relation} AS {query}", lambda error: self._explain(table, names, error))
        headers = [name for name in self.con.table(relation).columns if name != "_row"]
        rows = self.con.raw_sql(f"SELECT count(*) FROM {relation}").fetchone()[0]
        label = f"query over {', '.join(f'{item.label}: {item.rows:,} rows' for item in loaded) or 'no source'}"
        forms = {item.form for item in loaded}
        form = forms.pop() if len(forms) == 1 else Format(time_zone=self.sources.zone, local=True)
        serials = any(item.serials for item in loaded)
        origin = Loaded(label, relation, tuple(headers), rows, form, serials=serials)
        everything = "*" in table.select
        used = [h for item in loaded for h in item.headers if everything or h.casefold() in mentioned]
        return View(origin, relation, tuple(names), {header: quoted(header) for header in headers}, frozenset(used))

    def _public(self, name: str) -> Loaded:
        """Make a source visible to queries under its name."""
        loaded = self.sources.load(name)
        columns = ", ".join(quoted(header) for header in loaded.headers)
        view = f"CREATE OR REPLACE VIEW {quoted(name)} AS SELECT {columns} FROM {self._with_types(loaded)}"
        self.con.raw_sql(view)
        return loaded

    def _with_types(self, loaded: Loaded) -> str:
        """Return a relation with typed columns under the headers, `_cell_N` as the source has them, and `_row`."""
        if loaded.relation not in self._typed:
            table = self.con.table(loaded.relation)
            columns = {header: table[header] for header in loaded.headers}
            if loaded.cells:
                words = words_of(self._sql)
                mentioned = [header for header in loaded.headers if "*" in self._sql or header.casefold() in words]
                columns |= typed_columns(self.con, loaded.relation, mentioned, loaded.form)
            raw = {f"_cell_{number}": table[header] for number, header in enumerate(loaded.headers)}
            name = f"{loaded.relation}_typed"
            query = self.con.compile(table.select(**columns, **raw, _row=table._row))
            self.con.raw_sql(f"CREATE VIEW {name} AS {query}")
            self._typed[loaded.relation] = name
        return self._typed[loaded.relation]

    def _explain(self, table: TableMap, names: list[str], error: str) -> str:
        known = [f"{name} ({described(self.con, quoted(name))})" for name in names]
        hint = did_you_mean(_missing_table(error), self.sources.names()) if "does not exist" in error else ""
        have = f" The sources have: {'; '.join(known)}." if known else ""
        return f"{self.sources.map.name}: [tables.{table.name}] select: {error} {hint}{have}"


def sql_or_error(con: Any, sql: str, explain: Callable[[str], str]) -> Any:
    """Run SQL that holds text of the map; raise MapError with DuckDB's first sentence where it fails."""
    try:
        return con.raw_sql(sql)
    except (duckdb.IOException, duckdb.OutOfMemoryException):
        raise
    except duckdb.Error as error:
        sentence = str(error).split("\n\nLINE")[0].replace("\n", " ").strip()
        raise MapError(explain(sentence.rstrip(".!") + ".").strip()) from None


def described(con: Any, relation: str) -> str:
    """Return the columns of a relation with their types, as a map's author may use them."""
    schema = con.raw_sql(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return ", ".join(f"{quoted(row[0])} {_WORDS.get(row[1], row[1].lower())}" for row in schema if row[0][0] != "_")


_WORDS = {"VARCHAR": "text", "BIGINT": "whole number", "DOUBLE": "number"}


def _missing_table(error: str) -> str:
    return error.partition("Table with name ")[2].split(" ")[0]
