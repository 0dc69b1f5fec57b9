"""Sentences of a play, filled with a client's own numbers."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from string import Formatter
from typing import Any

import pandas as pd

from salesops.book.playbook import CLIENT_COLUMNS, ClientColumn

MISSING = "unknown"


def fill(template: str, clients: pd.DataFrame) -> list[str]:
    """Return the sentence of each client: {column} becomes its value, in whole units; "unknown" where missing.

    Money has thousands separators and no currency sign, shares are in percent, dates are ISO.
    """
    parts = [(before, name) for before, name, _, _ in Formatter().parse(template)]
    if not any(name for _, name in parts):
        return ["".join(before for before, _ in parts)] * len(clients)
    columns = [_texts(name, clients) if name else [""] * len(clients) for _, name in parts]
    return [
        "".join(before + value for (before, _), value in zip(parts, values, strict=True))
        for values in zip(*columns, strict=True)
    ]


def _texts(name: str, clients: pd.DataFrame) -> list[str]:
    if name not in clients.columns:
        return [MISSING] * len(clients)
    show = _form(CLIENT_COLUMNS[name])
    values = clients[name]
    return [show(value) if known else MISSING for value, known in zip(values, values.notna(), strict=True)]


def _form(column: ClientColumn) -> Callable[[Any], str]:
    if column.kind == "date":
        return _day
    if column.kind == "flag":
        return lambda value: "yes" if value else "no"
    if column.kind == "text":
        return str
    if column.unit == "fraction 0–1":
        return _percent
    return _ratio if column.unit == "own gaps" else _whole


def _whole(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else MISSING


def _ratio(value: float) -> str:
    return f"{value:,.1f}" if math.isfinite(value) else "many"


def _percent(value: float) -> str:
    shown = round(100 * value)
    # only what is certain reads 0% or 100%
    if shown == 0 and value > 0:
        return "<1%"
    return ">99%" if shown == 100 and value < 1 else f"{shown}%"


def _day(value: dt.date) -> str:
    return f"{value:%Y-%m-%d}"
