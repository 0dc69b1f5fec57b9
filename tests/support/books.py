"""Tiny books for tests: rows as dicts, written as Parquet and opened as any other book."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from salesops.book.schema import SCHEMA, Column
from salesops.book.source import Book, open_book
from salesops.files import toml_text

Row = dict[str, Any]
Rows = list[Row]

_ARROW = {"number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "date": pa.date32()}
_FALLBACK: Row = {"number": 0.0, "integer": 0, "boolean": False}
_DEFAULTS: dict[str, Row] = {
    "users": {"role": "rep"},
    "opportunities": {"stage_name": "Open"},
    "activities": {"type": "call"},
    "quotas": {"measure": "bookings"},
    "trainings": {"skill": "closing"},
    "contract_terms": {"term_type": "quality"},
    "commitments": {"metric": "booked", "target": "1"},
}


def make_book(folder: Path, tables: dict[str, Rows], **config: Any) -> Book:
    """Write a book of Parquet files and a book.toml into `folder`, and open it.

    A row names what matters to the test. The other required columns are filled: a key by "T-1" (the table's
    name and the row's number), a name by the row's key, a currency by the book's, a flag by False, a number
    by 0 where the schema wants a value; the rest is null. Dates and instants are ISO texts, or date and
    datetime objects; a bare date as an instant is a day in the book's time zone. The currency is EUR unless
    `config` says otherwise; a setting of None is left out of book.toml.
    """
    settings = {"currency": "EUR", **config}
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        write_table(folder / f"{name}.parquet", name, rows, settings["currency"] or "EUR")
    (folder / "book.toml").write_text(toml_text({k: v for k, v in settings.items() if v is not None}))
    return open_book(folder)


def write_table(path: Path, name: str, rows: Rows, currency: str = "EUR") -> None:
    """Write the rows of one table, filled up as `make_book` says."""
    schema = SCHEMA[name]
    given = {column for row in rows for column in row}
    unknown = given - {column.name for column in schema.columns}
    assert not unknown, f"{name} has no column {sorted(unknown)}"
    columns = [column for column in schema.columns if column.required or column.name in given]
    filled = [_filled(name, number, row, currency) for number, row in enumerate(rows, start=1)]
    arrays = {
        column.name: pa.array([_value(row, column) for row in filled], _ARROW.get(column.type, pa.string()))
        for column in columns
    }
    pq.write_table(pa.table(arrays), path)


def records(table: Any) -> Rows:
    """Return the rows of an Ibis table, in its order."""
    rows: Rows = table.to_pyarrow().to_pylist()
    return rows


def by(table: Any, *keys: str) -> dict[Any, Row]:
    """Return the rows of an Ibis table by one or more columns that are unique together."""
    rows = records(table)
    found = {row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys): row for row in rows}
    assert len(found) == len(rows), f"{keys} are not unique in {rows}"
    return found


def _filled(name: str, number: int, row: Row, currency: str) -> Row:
    schema = SCHEMA[name]
    key = schema.key[0]
    full = {**_DEFAULTS.get(name, {}), **row}
    if len(schema.key) == 1:
        full.setdefault(key, f"{name}-{number}")
    for column in schema.columns:
        if column.name in full or not column.filled:
            continue
        if column.name == "currency":
            full["currency"] = currency
        elif column.name.endswith("_name"):
            full[column.name] = str(full[key])
        else:
            full[column.name] = _FALLBACK.get(column.type)
    return full


def _value(row: Row, column: Column) -> Any:
    value = row.get(column.name)
    if value is None:
        return None
    if column.type == "date":
        return value if isinstance(value, date) else date.fromisoformat(value)
    if column.type == "instant":
        return value.isoformat() if isinstance(value, date | datetime) else value
    convert: Callable[[Any], Any] = {"text": str, "number": float}.get(column.type, lambda known: known)
    return convert(value)
