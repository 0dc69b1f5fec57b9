"""Ids that a system writes in two forms: Salesforce with 15 characters, or with three more that check them.

Reports and formulas give 15 characters, in which case matters; the API, connectors and data exports give 18.
The three letters say which of the first fifteen are capitals: each stands for five of them, the first as bit 1.
(Salesforce, "18-character ID".)
"""

from __future__ import annotations

from salesops.book.columns import Column, Table
from salesops.intake.expressions import Expression
from salesops.intake.names import literal

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# three characters name the kind of record, beginning with a digit or an a; a name of 15 letters is no id
_SHORT = "[0-9a][0-9a-zA-Z]{2}(?:[a-zA-Z]*[0-9]){2}[0-9a-zA-Z]*"


def completed(system: str, cell: str) -> str:
    """Return SQL for a cell in which an id of 15 characters has its 18; the cell itself for other systems."""
    if system != "salesforce":
        return cell
    text = f"trim(CAST({cell} AS VARCHAR))"
    letters = " || ".join(_letter(text, start) for start in (1, 6, 11))
    return f"CASE WHEN {_is_short(text)} THEN {text} || {letters} ELSE {cell} END"


def with_whole_ids(found: Expression, spec: Column, table: Table, system: str) -> Expression:
    """Return the expression of a column that holds ids, each in its long form; others as they are."""
    if not system or not (spec.references or spec.name in table.key) or spec.type != "text":
        return found
    short = _is_short(f"trim(CAST({found.sql} AS VARCHAR))")
    counts = (*found.counts, (short, f"{spec.name} of 15 characters completed to 18"))
    return Expression(f"({completed(system, found.sql)})", found.headers, counts)


def _is_short(text: str) -> str:
    return f"length({text}) = 15 AND regexp_full_match({text}, {literal(_SHORT)})"


def _letter(text: str, start: int) -> str:
    bits = " + ".join(
        f"CASE WHEN substr({text}, {start + bit}, 1) BETWEEN 'A' AND 'Z' THEN {1 << bit} ELSE 0 END" for bit in range(5)
    )
    return f"substr({literal(_LETTERS)}, 1 + {bits}, 1)"
