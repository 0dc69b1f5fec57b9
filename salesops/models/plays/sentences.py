"""Sentences of a play, filled with a client's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from string import Formatter
from typing import Any

import pandas as pd

from salesops import words
from salesops.book.playbook import CLIENT_COLUMNS, ClientColumn

MISSING = "unknown"


def fill(template: str, clients: pd.DataFrame, *, currency: str = "") -> list[str]:
    """Return the sentence of each client: {column} becomes its value as pages show it; "unknown" where missing.

    Money has three figures and the currency ("1.23 k EUR"), shares are in percent, a date reads "31 Oct 2026", and
    all else is in whole units.
    """
    parts = [(before, name) for before, name, _, _ in Formatter().parse(template)]
    if not any(name for _, name in parts):
        return ["".join(before for before, _ in parts)] * len(clients)
    columns = [_texts(name, clients, currency) if name else [""] * len(clients) for _, name in parts]
    return [
        "".join(before + value for (before, _), value in zip(parts, values, strict=True))
        for values in zip(*columns, strict=True)
    ]


def _texts(name: str, clients: pd.DataFrame, currency: str) -> list[str]:
    if name not in clients.columns:
        return [MISSING] * len(clients)
    show = _form(CLIENT_COLUMNS[name], currency)
    values = clients[name]
    return [show(value) if known else MISSING for value, known in zip(values, values.notna(), strict=True)]


def _form(column: ClientColumn, currency: str) -> Callable[[Any], str]:
    if column.kind == "date":
        return words.day
    if column.kind == "flag":
        return lambda value: "yes" if value else "no"
    if column.kind == "text":
        return str
    if column.unit == "money":
        return lambda value: words.money(value, currency=currency) if math.isfinite(value) else MISSING
    if column.unit == "fraction 0–1":
        return words.percent
    return _ratio if column.unit == "own gaps" else _whole


def _whole(value: float) -> str:
    return words.number(value) if math.isfinite(value) else MISSING


def _ratio(value: float) -> str:
    return words.number(value, decimals=1) if math.isfinite(value) else "many"
