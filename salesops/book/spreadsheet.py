"""Cells that no spreadsheet takes for a formula, whoever wrote the text in them: one rule, in Python and in SQL."""

from __future__ import annotations

import re

# full-width signs count in East Asian spreadsheets
_FORMULA = r"[=+\-@\t\r\n＝＋－＠]"
_NUMBER = r"[+-]?[0-9][0-9.,]*"
_DANGER, _HARMLESS = re.compile(_FORMULA), re.compile(_NUMBER)


def harmless(cell: object) -> object:
    """Return a cell as it is, or with an apostrophe before a text that begins like a formula.

    A text that is a number and nothing else, such as −5, is left as it is.
    """
    if not isinstance(cell, str) or not _DANGER.match(cell) or _HARMLESS.fullmatch(cell):
        return cell
    return f"'{cell}"


def harmless_sql(cell: str) -> str:
    """Return SQL (DuckDB) that does to the expression `cell`, taken as text, what `harmless` does."""
    text = f"CAST({cell} AS VARCHAR)"
    danger = f"regexp_matches({text}, '^{_FORMULA}') AND NOT regexp_full_match({text}, '{_NUMBER}')"
    return f"CASE WHEN {danger} THEN '''' || {text} ELSE {text} END"
