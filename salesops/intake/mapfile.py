"""Reading a map: the TOML file that says which column of an export is which column of a book.

The format is described for those who write one in data/maps/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from salesops.book.config import parse_config
from salesops.book.schema import SCHEMA
from salesops.errors import BookError, MapError, did_you_mean
from salesops.files import read_text, toml_values
from salesops.intake.map_guard import Written, refuse_unsafe_sql
from salesops.intake.names import COLUMNS

Headers = tuple[tuple[str, ...], ...]  # alternatives, each one or more headers that are joined by a space

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "maps"


@dataclass(frozen=True, kw_only=True)
class ColumnMap:
    """Where one column of a book comes from.

    `headers` holds alternatives, each a tuple of headers that are joined by a space. `sql` is a DuckDB
    expression instead. With `by` the value of another column decides which alternatives of `cases` count.
    `other` replaces what `values` does not list; `default` fills empty cells, or every cell where there is no
    header.
    """

    headers: Headers = ()
    sql: str = ""
    by: Headers = ()
    cases: Mapping[str, Headers] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    lookup: tuple[str, ...] = ()
    other: str | None = None
    default: str | None = None
    first_of: str = ""
    first_filled: bool = False
    percent: bool = False
    excel_date: bool = False
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class SourceMap:
    """A source that a map names: the patterns of its names, and what its files must have.

    Only files with a header of each of `needs` count. `columns` are what SQL sees of it, as text, and empty where
    the file has none of the headers; an `optional` source has no rows in SQL where it is absent. Of rows that a
    connector keeps in several versions only today's count, but with `every_version`. With `select` it is a query
    over other sources instead.
    """

    names: tuple[str, ...] = ()
    select: str = ""
    needs: tuple[Headers, ...] = ()
    columns: Mapping[str, Headers] = field(default_factory=dict)
    optional: bool = False
    every_version: bool = False


@dataclass(frozen=True, kw_only=True)
class TableMap:
    """Where one table of a book comes from: the first of `sources` that is there, or a query.

    Without either in the map, the source is named like the table. Each of `sources` is one or more names;
    several are stacked, those of them that are there. `leave_out` holds the rows to set aside and `count` the
    rows to count for the report: SQL conditions by the words that say what such rows are. Those that `spare` names
    fall away where the source does not have their columns.
    """

    name: str
    sources: tuple[tuple[str, ...], ...] = ()
    select: str = ""
    columns: Mapping[str, ColumnMap] = field(default_factory=dict)
    where: str = ""
    leave_out: Mapping[str, str] = field(default_factory=dict)
    spare: frozenset[str] = frozenset()
    count: Mapping[str, str] = field(default_factory=dict)
    distinct: bool = False
    optional: bool = False

    @property
    def conditions(self) -> str:
        """All SQL that tells rows apart, as one text."""
        return "\n".join([self.where, *self.leave_out.values(), *self.count.values()]).strip()


@dataclass(frozen=True, kw_only=True)
class Map:
    """A map. `tables` holds for each table the definitions to try in order; `empty` the texts that mean nothing.

    `ids` names the system whose ids have two forms; `home_currency` are headers of the company's own currency;
    `written` is the file as it stands.
    """

    name: str
    title: str
    empty: tuple[str, ...]
    ids: str
    home_currency: Headers
    book: Mapping[str, Any]
    csv: Mapping[str, Any]
    sources: Mapping[str, SourceMap]
    won: tuple[str, ...]
    lost: tuple[str, ...]
    tables: Mapping[str, tuple[TableMap, ...]]
    written: Written = field(default=Written(""), repr=False)


def read_map(name_or_path: str | Path) -> Map:
    """Read a map by its name in data/maps or by its path. Raises MapError."""
    path = _locate(name_or_path)
    text = read_text(path, error=MapError)
    content = toml_values(text, path.name, error=MapError)
    map_, written = _Reader(path.name).map(content), Written(path.name, text)
    refuse_unsafe_sql(content, written)
    return replace(map_, written=written)


def shipped_maps() -> tuple[str, ...]:
    """Return the names of the maps that come with the project."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def _locate(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix == ".toml":
        if path.is_file():
            return path
        raise MapError(f"There is no map file '{path}'. {did_you_mean(path.stem, shipped_maps())}")
    shipped = SHIPPED / f"{name_or_path}.toml"
    if shipped.is_file() and path.name == str(name_or_path):
        return shipped
    hint = did_you_mean(str(name_or_path), shipped_maps())
    raise MapError(f"There is no map '{name_or_path}'. {hint} A map of your own is named by its path, ending in .toml.")


@dataclass(frozen=True)
class _Reader:
    """Turns TOML into a Map; `file` names the map in every error."""

    file: str
    shared: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def map(self, content: Mapping[str, Any]) -> Map:
        self._only(content, _MAP_KEYS, "")
        for name, renames in self._table(content.get("values", {}), "values").items():
            self.shared[name] = self._renames(renames, f"values.{name}")
        tables = self._table(content.get("tables", {}), "tables")
        if not tables:
            raise MapError(f"{self.file} maps no table. Add one, such as [tables.opportunities].")
        self._only(tables, SCHEMA, "tables")
        stages = self._table(content.get("stages", {}), "stages")
        self._only(stages, ("won", "lost"), "stages")
        sources = self._table(content.get("sources", {}), "sources")
        return Map(
            name=self.file.removesuffix(".toml"),
            title=self._text(content.get("title", self.file.removesuffix(".toml")), "title"),
            empty=self._texts(content.get("empty", []), "empty"),
            ids=self._ids(content.get("ids", "")),
            home_currency=self._lists(content["home_currency"], "home_currency") if "home_currency" in content else (),
            book=self._book(content.get("book", {})),
            csv=self._table(content.get("csv", {}), "csv"),
            sources={name: self._source(value, f"sources.{name}") for name, value in sources.items()},
            won=self._texts(stages.get("won", []), "stages.won"),
            lost=self._texts(stages.get("lost", []), "stages.lost"),
            tables={name: self._definitions(name, tables[name]) for name in SCHEMA if name in tables},
        )

    def _book(self, values: Any) -> Mapping[str, Any]:
        book = self._table(values, "book")
        if "csv" in book:
            raise MapError(f"{self.file}: [book] csv describes the source. Write it as [csv].")
        try:
            parse_config(book, f"{self.file}: [book]")
        except BookError as error:
            raise MapError(str(error)) from None
        return book

    def _ids(self, value: Any) -> str:
        if value not in ("", "salesforce"):
            raise MapError(f"{self.file}: ids must be 'salesforce', whose ids have 15 or 18 characters. Got {value!r}.")
        return str(value)

    def _source(self, value: Any, where: str) -> SourceMap:
        if not isinstance(value, dict):
            return SourceMap(names=self._texts(value, where))
        self._only(value, _SOURCE_KEYS, where)
        if "select" in value:
            self._only(value, ("select",), f"{where}, a query,")
            return SourceMap(select=self._query(value["select"], f"{where}.select"))
        columns = self._table(value.get("columns", {}), f"{where}.columns")
        needs = value.get("needs", [])
        needs = needs if isinstance(needs, list) else [needs]
        return SourceMap(
            names=self._texts(value.get("names", where.removeprefix("sources.")), f"{where}.names"),
            needs=tuple(self._lists(item, f"{where}.needs") for item in needs),
            columns={name: self._lists(headers, f"{where}.columns.{name}") for name, headers in columns.items()},
            optional=self._flag(value, "optional", where),
            every_version=self._flag(value, "every_version", where),
        )

    def _definitions(self, name: str, value: Any) -> tuple[TableMap, ...]:
        listed = value if isinstance(value, list) else [value]
        return tuple(self._definition(name, self._table(item, f"tables.{name}")) for item in listed)

    def _definition(self, name: str, value: Mapping[str, Any]) -> TableMap:
        where = f"tables.{name}"
        self._only(value, _TABLE_KEYS, where)
        if "from" in value and "select" in value:
            raise MapError(f"{self.file}: [{where}] has both 'from' and 'select'. Keep one.")
        columns = self._table(value.get("columns", {}), f"{where}.columns")
        self._only(columns, (column.name for column in COLUMNS[name].columns), f"{where}.columns")
        leave_out = {
            words: self._if_there(sql, f"{where}.leave_out.{words}")
            for words, sql in self._table(value.get("leave_out", {}), f"{where}.leave_out").items()
        }
        if "select" not in value and not columns:
            raise MapError(f"{self.file}: [{where}] names no columns. Add [{where}.columns].")
        return TableMap(
            name=name,
            sources=() if "select" in value else self._lists(value.get("from", name), f"{where}.from"),
            select=self._query(value.get("select", ""), f"{where}.select"),
            columns={key: self._column(name, key, item) for key, item in columns.items()},
            where=self._text(value.get("where", ""), f"{where}.where"),
            leave_out=self._conditions(leave_out, f"{where}.leave_out"),
            spare=frozenset(words for words, sql in value.get("leave_out", {}).items() if isinstance(sql, dict)),
            count=self._conditions(value.get("count", {}), f"{where}.count"),
            distinct=self._flag(value, "distinct", where),
            optional=self._flag(value, "optional", where),
        )

    def _column(self, table: str, name: str, value: Any) -> ColumnMap:
        where = f"tables.{table}.columns.{name}"
        if not isinstance(value, dict):
            return ColumnMap(headers=self._lists(value, where))
        self._only(value, _COLUMN_KEYS, where)
        if "from" in value and "sql" in value:
            raise MapError(f"{self.file}: {where} has both 'from' and 'sql'. Keep one.")
        if not {"from", "sql", "default"} & set(value):
            raise MapError(f"{self.file}: {where} needs one of from, sql or default.")
        if isinstance(value.get("from"), dict) != ("by" in value):
            raise MapError(f'{self.file}: {where}: by = "Status" goes with from = {{ Won = "Header", … }}.')
        cases = value["from"] if "by" in value else {}
        return ColumnMap(
            headers=self._lists(value["from"], where) if "from" in value and not cases else (),
            sql=self._text(value.get("sql", ""), f"{where}.sql"),
            by=self._lists(value["by"], f"{where}.by") if cases else (),
            cases={case: self._lists(headers, f"{where}.from.{case}") for case, headers in cases.items()},
            values=self._renames(value.get("values", {}), f"{where}.values"),
            lookup=self._lookup(table, name, value.get("lookup", []), where),
            other=_plain(value["other"]) if "other" in value else None,
            default=_plain(value["default"]) if "default" in value else None,
            first_of=self._text(value.get("first_of", ""), f"{where}.first_of"),
            first_filled=self._flag(value, "first_filled", where),
            percent=self._flag(value, "percent", where),
            excel_date=self._flag(value, "excel_date", where),
            optional=self._flag(value, "optional", where),
        )

    def _renames(self, value: Any, where: str) -> Mapping[str, str]:
        if isinstance(value, str):
            if value not in self.shared:
                raise MapError(f"{self.file}: there is no [values.{value}]. {did_you_mean(value, self.shared)}")
            return self.shared[value]
        return {old: _plain(new) for old, new in self._table(value, where).items()}

    def _lists(self, value: Any, where: str) -> Headers:
        listed = value if isinstance(value, list) else [value]
        names = tuple(self._texts(item, where) for item in listed)
        if not names or not all(name.strip() for listed in names for name in listed or [""]):
            raise MapError(f"{self.file}: {where} is empty. Write the name that the source has.")
        return names

    def _lookup(self, table: str, name: str, value: Any, where: str) -> tuple[str, ...]:
        names = self._texts(value, f"{where}.lookup")
        parent = COLUMNS[table].column(name).references.partition(".")[0]
        if names and not parent:
            raise MapError(f"{self.file}: {where} names no row of another table, so remove 'lookup'.")
        for column in names:
            known = [c.name for c in SCHEMA[parent].columns]
            if column not in known:
                hint = did_you_mean(column, known)
                raise MapError(f"{self.file}: {where}.lookup: {parent} has no column '{column}'. {hint}")
        return names

    def _only(self, found: Iterable[str], known: Iterable[str], where: str) -> None:
        names = list(known)
        for key in found:
            if key not in names:
                place = f"[{where}] has" if where else "the map has"
                raise MapError(f"{self.file}: {place} an unknown key '{key}'. {did_you_mean(key, names)}")

    def _table(self, value: Any, where: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise MapError(f"{self.file}: {where} must be a table of keys. Got {value!r}.")
        return value

    def _text(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise MapError(f"{self.file}: {where} must be a text in quotes. Got {value!r}.")
        return value

    def _query(self, value: Any, where: str) -> str:
        return self._text(value, where).strip().rstrip(";")

    def _texts(self, value: Any, where: str) -> tuple[str, ...]:
        listed = value if isinstance(value, list) else [value]
        return tuple(self._text(item, where) for item in listed)

    def _conditions(self, value: Any, where: str) -> Mapping[str, str]:
        conditions = {words: self._text(sql, f"{where}.{words}") for words, sql in self._table(value, where).items()}
        for words, sql in conditions.items():
            if not words.strip() or not sql.strip():
                raise MapError(f"{self.file}: [{where}] needs words and SQL: \"without a price\" = 'Price = 0'.")
        return conditions

    def _if_there(self, value: Any, where: str) -> Any:
        """Return the SQL of a condition that is written as { sql = "…", optional = true }."""
        if not isinstance(value, dict):
            return value
        self._only(value, ("sql", "optional"), where)
        if not self._flag(value, "optional", where):
            raise MapError(f"{self.file}: {where} is a table of keys, so it needs optional = true.")
        return value.get("sql", "")

    def _flag(self, table: Mapping[str, Any], key: str, where: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            raise MapError(f"{self.file}: {where}.{key} must be true or false. Got {value!r}.")
        return value


_MAP_KEYS = ("title", "empty", "ids", "home_currency", "book", "csv", "sources", "stages", "values", "tables")
_SOURCE_KEYS = ("select", "names", "needs", "columns", "optional", "every_version")
_TABLE_KEYS = ("from", "select", "columns", "where", "leave_out", "count", "distinct", "optional")
_COLUMN_KEYS = (
    "from", "by", "sql", "values", "other", "lookup", "default", "first_of", "first_filled", "percent", "excel_date",
    "optional",
)  # fmt: skip  # two lines read better than eleven


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
