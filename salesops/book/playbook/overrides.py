"""overrides.csv: where a person knows better than the playbook, with the reason.

The file lies beside the book's tables, one line a client: account_id, play_id, reason, decided_by and, if it is
not for good, until (last day, such as 2026-12-31).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from salesops.book.finding import Finding
from salesops.book.playbook.read import Playbook, beside
from salesops.book.source import Book
from salesops.errors import did_you_mean

FILE = "overrides.csv"
REQUIRED = ("account_id", "play_id", "reason", "decided_by")
Line = dict[str, str]


@dataclass(frozen=True)
class Override:
    """One client who gets another play than the rules give; `until` is the last day, None for good."""

    account_id: str
    play_id: str
    reason: str
    decided_by: str
    until: date | None

    def holds(self, day: date) -> bool:
        """Tell whether it still counts on a day."""
        return self.until is None or day <= self.until


def read_overrides(
    book: Book, playbook: Playbook, *, accounts: frozenset[str] | None = None
) -> tuple[tuple[Override, ...], tuple[Finding, ...]]:
    """Read the overrides beside a book; nothing where there is no such file.

    Parameters
    ----------
    accounts : frozenset of str
        The accounts that there are; an override of another is a warning.

    Returns
    -------
    tuple
        The overrides that can be followed, and what is wrong with the others. Bad content never raises.
    """
    path = beside(book, FILE)
    if not path.is_file():
        return (), ()
    try:
        names, lines = _read(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return (), (Finding(FILE, "readable", "error", f"cannot be read: {error}", "Save it as CSV in UTF-8."),)
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        found = f"the required column '{missing[0]}' is missing. {did_you_mean(missing[0], names)}"
        return (), (Finding(FILE, "column required", "error", found, "Rename or add the column."),)
    return _judged(lines, playbook, accounts)


def _read(path: Path) -> tuple[list[str], list[Line]]:
    """Return the columns and the lines that are not empty."""
    text = path.read_text(encoding="utf-8-sig")
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    names = rows[0] if rows else []
    # short lines are filled up, cells beyond the columns are left alone
    return names, [dict(zip(names, row + [""] * len(names), strict=False)) for row in rows[1:] if any(row)]


def _judged(
    lines: list[Line], playbook: Playbook, accounts: frozenset[str] | None
) -> tuple[tuple[Override, ...], tuple[Finding, ...]]:
    kept: dict[str, Override] = {}
    broken: dict[tuple[str, str], list[str]] = {}
    hints: dict[tuple[str, str], str] = {}
    for line in lines:
        wrong = next(_wrong(line, playbook, kept), None)
        if wrong is None:
            kept[line["account_id"]] = _override(line)
            if accounts is None or line["account_id"] in accounts:
                continue
            wrong = ("account known", "name an account that is not in accounts", "Correct account_id.")
        rule, found, repair = wrong
        broken.setdefault((rule, found), []).append(line["account_id"] or "(empty)")
        hints.setdefault((rule, found), repair)
    findings = tuple(
        Finding(
            FILE, rule, "warning" if rule == "account known" else "error", found if len(keys) > 1 else _one(found),
            hints[rule, found], len(keys), len(lines), tuple(keys[:3]),
        )
        for (rule, found), keys in broken.items()
    )  # fmt: skip  # one finding reads as one row
    return tuple(kept.values()), findings


def _override(line: Line) -> Override:
    until = date.fromisoformat(line["until"]) if line.get("until") else None
    return Override(line["account_id"], line["play_id"], line["reason"], line["decided_by"], until)


def _wrong(line: Line, playbook: Playbook, kept: dict[str, Override]) -> Iterator[tuple[str, str, str]]:
    """Return the rule that a line breaks, what such lines do, and the repair."""
    for name in REQUIRED:
        if not line.get(name):
            yield f"{name} filled", f"have no {name}", f"Fill {name}: an override carries its reason and its author."
    ids = [play.id for play in playbook.plays]
    if line["play_id"] not in ids:
        yield "play known", "name a play that is not in the playbook", did_you_mean(line["play_id"], ids)
    try:
        date.fromisoformat(line.get("until") or "2026-01-01")
    except ValueError:
        yield "until is a date", "have an until that is no day", "Write it as 2026-12-31, or leave it empty."
    if line["account_id"] in kept:
        yield "account unique", "repeat the account of an earlier line; the first counts", "Keep one line a client."


def _one(found: str) -> str:
    verb, _, rest = found.partition(" ")
    return f"{ {'have': 'has', 'name': 'names', 'repeat': 'repeats'}[verb] } {rest}"
