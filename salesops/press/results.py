"""The results of a report: the dict that the cell tagged `results` shows."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

from salesops.errors import PressError

_TURNED_TO_TEXT = ("nan", "inf", "-inf")  # what Jupyter makes of such numbers on their way out of the kernel


def read_results(notebook: NotebookNode) -> dict[str, Any]:
    """Return the dict that the cell tagged `results` shows, or {} if there is no such cell.

    Raises
    ------
    PressError
        If the cell shows no dict, or one with NaN, Infinity or broken text in it, which JSON does not have.
    """
    tagged = [cell for cell in notebook.cells if "results" in cell.metadata.get("tags", ())]
    if not tagged:
        return {}
    shown = [output.data for output in tagged[0].outputs if "data" in output]
    found = [data["application/json"] for data in shown if "application/json" in data] or _literals(shown)
    if not found or not isinstance(found[-1], dict):
        raise PressError("The cell tagged 'results' must end with a dict that JSON can hold: JSON(results).")
    try:
        results: dict[str, Any] = json.loads(json.dumps(found[-1], ensure_ascii=False).encode())
    except (TypeError, ValueError) as error:  # a literal may be more than JSON; half a pair of surrogates is no text
        raise PressError(f"The cell tagged 'results' shows what JSON cannot hold: {error}.") from None
    bad = next(_not_finite(results, "results"), None)
    if bad:
        raise PressError(f"{bad} is NaN or infinite, which no reader of the results can use. Give null instead.")
    return results


def _literals(shown: list[dict[str, Any]]) -> list[object]:
    """Return what the outputs show as plain text, where that is a literal."""
    try:
        return [ast.literal_eval(data["text/plain"]) for data in shown if "text/plain" in data]
    except (ValueError, SyntaxError, TypeError, RecursionError):
        return []


def _not_finite(value: object, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _not_finite(part, f"{where}[{key!r}]")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _not_finite(part, f"{where}[{number}]")
    elif value in _TURNED_TO_TEXT or (isinstance(value, float) and not math.isfinite(value)):
        yield where
