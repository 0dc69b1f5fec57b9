"""What a table and a column are, and short ways to write one down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "number", "integer", "date", "instant", "boolean"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of one table.

    `required`: the table must have the column. `filled`: the column must hold a value in every row.
    `references`: "table.column" whose values it may take. `happened`: the date of something that
    happened, so it counts for the last date in the book. `personal`: names, hidden when redacted.
    """

    name: str
    type: Type
    meaning: str
    unit: str = ""
    required: bool = True
    filled: bool = False
    references: str = ""
    one_of: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    happened: bool = False
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """One table.

    `known_from`: the column that says from when a row exists. `revealed`: (column, others) whose values
    are unknown before the date in that column.
    """

    name: str
    key: tuple[str, ...]
    meaning: str
    columns: tuple[Column, ...]
    known_from: str = ""
    revealed: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def column(self, name: str) -> Column:
        """Return the column of this name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that the table must have."""
        return tuple(column.name for column in self.columns if column.required)


def text(name: str, meaning: str, **more: object) -> Column:
    """Return a text column."""
    return Column(name=name, type="text", meaning=meaning, **more)  # type: ignore[arg-type]  # keywords pass through


def ident(name: str, meaning: str, references: str = "", **more: object) -> Column:
    """Return a column that holds a key, or with `references` ("table.column") the key of another table."""
    return text(name, meaning, references=references, **more)


def date(name: str, meaning: str, **more: object) -> Column:
    """Return a column of days."""
    return Column(name=name, type="date", meaning=meaning, **more)  # type: ignore[arg-type]  # keywords pass through


def instant(name: str, meaning: str, **more: object) -> Column:
    """Return a column of moments, in UTC."""
    return Column(name=name, type="instant", meaning=meaning, unit="UTC", **more)  # type: ignore[arg-type]  # as above


def money(name: str, meaning: str, **more: object) -> Column:
    """Return a column of amounts."""
    return Column(name=name, type="number", meaning=meaning, unit="money", **more)  # type: ignore[arg-type]  # as above


def number(name: str, meaning: str, unit: str, **more: object) -> Column:
    """Return a column of numbers in a unit."""
    return Column(name=name, type="number", meaning=meaning, unit=unit, **more)  # type: ignore[arg-type]  # as above


def flag(name: str, meaning: str, **more: object) -> Column:
    """Return a column of yes or no."""
    return Column(name=name, type="boolean", meaning=meaning, **more)  # type: ignore[arg-type]  # as above
