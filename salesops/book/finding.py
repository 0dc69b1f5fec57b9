"""What a check found: one sentence a rule, with counts, first keys and the repair."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from salesops.errors import first_few

Severity = Literal["error", "warning", "note"]

_ONE = {
    "have": "has", "are": "is", "were": "was", "they": "it", "their": "its", "close": "closes", "name": "names",
    "repeat": "repeats", "belong": "belongs", "overlap": "overlaps", "count": "counts", "add": "adds",
}  # fmt: skip  # reads as a table


@dataclass(frozen=True)
class Finding:
    """One broken rule of one table.

    Parameters
    ----------
    table, rule : str
        The table, and a short name of the rule.
    severity : str
        error: no report may be built on the table. warning: reports run and say so. note: the check alone says so.
    found : str
        What the affected rows do; or, where `affected` is 0, a sentence about the table.
    repair : str
        What to do about it.
    affected, rows : int
        Rows that break the rule, of the rows of the table.
    keys : tuple of str
        The first three, in the order of the source.
    """

    table: str
    rule: str
    severity: Severity
    found: str
    repair: str
    affected: int = 0
    rows: int = 0
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = self.found
        if self.affected:
            first = f" (first: {first_few(self.keys, self.affected)})" if self.keys else ""
            text = f"{self.affected:,} of {self.rows:,} rows {self.found}{first}"
        stop = "" if text.endswith((".", "?")) else "."
        return f"{self.table}: {text}{stop} {self.repair}".rstrip()


def in_number(found: str, affected: int) -> str:
    """Put words about several rows into the singular where one row is meant: "have" becomes "has"."""
    if affected != 1:
        return found
    return re.sub(r"\w+", lambda word: _ONE.get(word[0], word[0]), found)
