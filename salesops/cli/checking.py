"""What `salesops check` tells: what was detected, what is wrong, and which reports the book can feed."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from salesops.book.check import UNREADABLE, Finding, check_book
from salesops.book.playbook import playbook_findings, playbook_notes
from salesops.book.schema import SCHEMA
from salesops.book.source import Book
from salesops.cli.opening import opened
from salesops.cli.outside import tell
from salesops.cli.text import columns
from salesops.press.catalog import Notebook, notebooks


def tell_check(where: str, folder: Path) -> bool:
    """Print everything about a book; `folder` holds the notebooks. Return whether it has no errors."""
    with opened(where) as book:
        findings = (*check_book(book), *playbook_findings(book))
        errors = _errors(findings)
        currency = f", amounts in {book.currency}" if not errors and book.currency else ""
        tell(f"{book.company}: {len(book.names)} table{'' if len(book.names) == 1 else 's'}{currency}")
        _tell_detected(book, {finding.table for finding in errors if finding.rule == UNREADABLE})
        _tell("errors", errors)
        _tell("warnings", [finding for finding in findings if finding.severity == "warning"])
        if notes := [finding for finding in findings if finding.severity == "note"]:
            _tell("notes", notes)
        _tell_playbook(book)
        _tell_reports(book, notebooks(folder), {finding.table for finding in errors})
    return not errors


def tell_findings(where: str) -> bool:
    """Print the errors and warnings of a book. Return whether it has no errors."""
    with opened(where) as book:
        findings = (*check_book(book), *playbook_findings(book))
    _tell("errors", _errors(findings))
    _tell("warnings", [finding for finding in findings if finding.severity == "warning"])
    return not _errors(findings)


def _errors(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "error"]


def _tell_detected(book: Book, unreadable: Set[str]) -> None:
    notes = [(name, note) for name in book.names if name not in unreadable for note in book.notes(name)]
    if notes:
        tell("", "Detected. Where this is wrong, say so in book.toml:", *columns(notes))


def _tell(what: str, findings: Sequence[Finding]) -> None:
    heading = f"{len(findings) or 'No'} {what.removesuffix('s') if len(findings) == 1 else what}"
    tell("", heading, *columns([(finding.rule, str(finding)) for finding in findings]))


def _tell_playbook(book: Book) -> None:
    notes = playbook_notes(book)
    if notes:
        tell("", "Playbook", *(f"  {note}" for note in notes))


def _tell_reports(book: Book, listed: Sequence[Notebook], refused: Set[str]) -> None:
    fed = columns([(notebook.name, _feeds(book, notebook, refused)) for notebook in listed])
    tell("", "Reports that this book can feed", *fed)


def _feeds(book: Book, notebook: Notebook, refused: Set[str]) -> str:
    missing = notebook.missing(book.has)
    if missing:
        return f"no: the book lacks {', '.join(missing)}"
    wrong = [name for name in notebook.reads if name in refused]
    if wrong:
        return f"no: errors in {', '.join(wrong)}"
    without = [name for name in notebook.uses if name in SCHEMA and not book.has(name)]
    return f"yes, without {', '.join(without)}" if without else "yes"
