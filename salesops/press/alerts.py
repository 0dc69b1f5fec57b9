"""Alerts: conditions on the results of a report, such as `attainment < 0.6`."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from salesops.errors import PressError, did_you_mean
from salesops.press.compare import is_empty, names, number, words

_FORM = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(<=|>=|<|>)\s*([+-]?\d+(?:\.\d+)?)\s*(%?)\s*")
_HOLDS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_WORDS = {"<": "below", "<=": "at or below", ">": "above", ">=": "at or above"}


@dataclass(frozen=True)
class Alert:
    """A condition that calls for attention when it holds."""

    name: str
    comparison: str
    limit: float
    as_percent: bool = False


def read_alert(text: object, where: str) -> Alert:
    """Read a condition: the name of a result, <, <=, > or >=, and a number or a percentage.

    Raises
    ------
    PressError
        If it has another form; `where` names the file.
    """
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PressError(f"{where}: an alert must be written like 'attainment < 0.6'. Got {text!r}.")
    limit = float(match[3]) / (100 if match[4] else 1)
    return Alert(match[1], match[2], limit, bool(match[4]))


def raised(alerts: Iterable[Alert], results: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a sentence for each alert whose condition holds. A result without a value raises none.

    Raises
    ------
    PressError
        If an alert names a result that the report does not have, or that is no number: it would stay silent for ever.
    """
    sentences = []
    for alert in alerts:
        if alert.name not in names(results):
            raise PressError(
                f"An alert names the result '{alert.name}', which the report does not have. "
                f"{did_you_mean(alert.name, names(results)) or 'It has no results.'} Correct it in reports.toml."
            )
        value = number(results, alert.name)
        if value is None and not is_empty(results, alert.name):
            raise PressError(
                f"An alert names the result '{alert.name}', which is no number. Correct it in reports.toml."
            )
        if value is not None and _HOLDS[alert.comparison](value, alert.limit):
            shown, limit = (_text(part, alert) for part in (value, alert.limit))
            sentences.append(f"{words(alert.name)} is {shown}, {_WORDS[alert.comparison]} {limit}")
    return tuple(sentences)


def _text(value: float, alert: Alert) -> str:
    if alert.as_percent:
        return f"{value:.1%}"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.2f}"
