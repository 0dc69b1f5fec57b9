"""Conditions on one column of a client, and which values meet them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from salesops.book.playbook.columns import CLIENT_COLUMNS, ClientColumn
from salesops.errors import did_you_mean

Value = float | str | bool | None

BOUNDS = ("at_least", "above", "at_most", "below")
_FORMS = {
    "number": "a number, or bounds such as { at_least = 2, below = 3 }",
    "text": "a text, or a list such as ['high', 'middle']",
    "flag": "true or false",
}


class ConditionError(ValueError):
    """A condition that cannot be read; the message ends with the repair."""


@dataclass(frozen=True)
class Condition:
    """What a client's value in one column must be. A missing value meets only `known = false`.

    Attributes
    ----------
    column : str
        Column of the client table.
    one_of : tuple
        Texts, or true or false, of which the value must be one.
    at_least, above, at_most, below : float or None
        Bounds of a number.
    known : bool or None
        Whether there must be a value, whatever it is, or must be none.
    """

    column: str
    one_of: tuple[str | bool, ...] = ()
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    known: bool | None = None

    def holds(self, value: Value) -> bool:
        """Tell whether a value meets the condition; None is a missing one."""
        if value is None or self.known is False:
            return value is None and self.known is False
        if self.one_of:
            return value in self.one_of
        return self.known is True or self._within(float(value))

    def bounds(self) -> dict[str, float]:
        """Return the bounds that are set, by name."""
        return {name: bound for name in BOUNDS if (bound := getattr(self, name)) is not None}

    def _within(self, value: float) -> bool:
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )


def parse_condition(name: str, value: Any) -> Condition:
    """Read one line of `when`. Raises ConditionError where the column or its value cannot be understood."""
    column = CLIENT_COLUMNS.get(name)
    if column is None:
        raise ConditionError(f"asks for '{name}', which no client has. {did_you_mean(name, CLIENT_COLUMNS)}")
    if column.kind == "date":
        known = [other.name for other in CLIENT_COLUMNS.values() if other.kind == "number" and other.unit == "days"]
        raise ConditionError(
            f"asks for '{name}', a date, which only sentences can use. Days are in {', '.join(known)}."
        )
    if isinstance(value, dict):
        return _table(column, value)
    if column.kind == "number" and _is_number(value):
        return Condition(name, at_least=float(value), at_most=float(value))
    if column.kind == "flag" and isinstance(value, bool):
        return Condition(name, one_of=(value,))
    if column.kind == "text" and isinstance(value, str | list):
        return Condition(name, one_of=_texts(column, [value] if isinstance(value, str) else value))
    raise _wrong(column, value)


def samples(column: ClientColumn, conditions: Iterable[Condition]) -> list[Value]:
    """Return values of a column that stand for all its values: conditions tell no others apart.

    The missing value comes first.
    """
    if column.kind == "flag":
        return [None, True, False]
    conditions = list(conditions)
    if column.kind == "text":
        named = dict.fromkeys(text for condition in conditions for text in condition.one_of)
        return [None, *column.one_of] if column.one_of else [None, *named, "\0 any other"]
    marks = {bound for condition in conditions for bound in condition.bounds().values()}
    marks |= {float(end) for end in (column.low, column.high) if end is not None}
    return [None, *_around(column, sorted(marks))]


def _around(column: ClientColumn, marks: list[float]) -> list[float]:
    """Return the marks that can occur, and one value in each space between and beyond them."""
    if not marks:
        return [0.0]
    if column.whole:
        near = {float(math.floor(mark) + step) for mark in marks for step in (-1, 0, 1, 2)}
    else:
        between = [low + (high - low) / 2 for low, high in itertools.pairwise(marks)]
        near = {marks[0] - 1 - abs(marks[0]), *marks, *between, marks[-1] + 1 + abs(marks[-1])}
    return [
        value
        for value in sorted(near)
        if (column.low is None or value >= column.low) and (column.high is None or value <= column.high)
    ]


def _table(column: ClientColumn, value: dict[str, Any]) -> Condition:
    if set(value) == {"known"} and isinstance(value["known"], bool):
        return Condition(column.name, known=value["known"])
    if column.kind != "number" or not value:
        raise _wrong(column, value)
    for key, bound in value.items():
        if key not in BOUNDS:
            raise ConditionError(
                f"has the unknown bound '{key}' for '{column.name}'. {did_you_mean(key, (*BOUNDS, 'known'))}"
            )
        if not _is_number(bound):
            raise ConditionError(f"needs a number for '{key}' of '{column.name}'. Got {bound!r}. Write {key} = 2.")
    least, above, most, below = (float(value[key]) if key in value else None for key in BOUNDS)
    return Condition(column.name, at_least=least, above=above, at_most=most, below=below)


def _texts(column: ClientColumn, values: list[Any]) -> tuple[str | bool, ...]:
    if not values or not all(isinstance(value, str) for value in values):
        raise _wrong(column, values)
    for value in values:
        if column.one_of and value not in column.one_of:
            raise ConditionError(
                f"asks for {column.name} '{value}', which does not occur. {did_you_mean(value, column.one_of)}"
            )
    return tuple(dict.fromkeys(values))


def _wrong(column: ClientColumn, value: Any) -> ConditionError:
    return ConditionError(f"needs {_FORMS[column.kind]} for '{column.name}'. Got {value!r}. Correct the condition.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
