"""What can go wrong, as a person reads it.

SalesopsError
├── PeriodError     a period or a date that cannot be read
├── BookError       a book that cannot be opened, or data that cannot be trusted
├── MapError        a map that cannot be read or does not fit its source
├── IntakeError     an import that was refused; nothing was written
├── PressError      a report that cannot be started: notebook, parameter or folder
├── HistoryError    purchase histories that no model can be fitted to
├── ScenarioError   a quota scenario that cannot be read or played through
├── ChurnError      features or labels that no churn model can be fitted to
└── LeakError       features that know what came after their cut

Every message says what was expected, what was found, how many rows, the first keys and the repair.
The command line prints the message alone and exits with 1; a traceback is always a defect of ours.
"""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable, Mapping

_COMMANDS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")  # colours, titles, links


class SalesopsError(Exception):
    """Something that the user can repair; the message says how.

    Each argument is a line of the message. Words from tables and files cannot begin another line, nor command a
    terminal.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__(*map(one_line, lines))

    def __str__(self) -> str:
        return "\n".join(self.args)


class PeriodError(SalesopsError, ValueError):
    """A period or date is not written in a form that we read."""


class BookError(SalesopsError):
    """A book cannot be opened, or holds data that no report may be built on."""


class MapError(SalesopsError):
    """A map file is not valid, or names what the source does not have."""


class IntakeError(SalesopsError):
    """An import was refused. Nothing was written."""


class PressError(SalesopsError):
    """A report cannot be started as asked."""


class HistoryError(SalesopsError, ValueError):
    """Purchase histories have numbers that no history can have, or not what a model needs."""


class ScenarioError(SalesopsError, ValueError):
    """A quota scenario cannot be read, or asks for what cannot be."""


class ChurnError(SalesopsError, ValueError):
    """Features or labels are not what a churn model can be fitted to or scored on."""


class LeakError(SalesopsError, ValueError):
    """Features know something that came after the cut at which they are judged."""


_REPAIRS: Mapping[int, str] = {
    number: repair
    for names, repair in (
        ("ENOSPC EDQUOT", "Free space, or choose a folder that can be written."),
        ("EACCES EPERM", "Change its permissions, or choose a folder that can be written."),
        ("EROFS", "Choose a folder that can be written."),
        ("EEXIST ENOTDIR EISDIR ENOTEMPTY", "Move what stands there away, or choose another place."),
        ("ENOENT", "See that it is there, and the folder in which it lies."),
        ("ENAMETOOLONG ELOOP", "Choose a shorter or plainer place."),
        ("EMFILE ENFILE", "Close other programs, or raise the limit of open files (ulimit -n)."),
        ("ENOMEM EAGAIN", "Free memory, or do less at a time (--jobs 1)."),
        ("EBUSY ETXTBSY ENOLCK", "End the program that uses it, and try again."),
        ("EIO", "See to the disk, or choose a folder on another one."),
    )
    for name in names.split()
    if (number := getattr(errno, name, None)) is not None
}


def system_repair(error: OSError) -> str:
    """Return a sentence that says what a person can do about an error of the system; "" if nobody knows."""
    return _REPAIRS.get(error.errno or 0, "")


def system_reason(error: OSError) -> str:
    """Return what an error of the system says, as sentences, and what a person can do about it."""
    return f"{error.strerror or error}. {system_repair(error)}".rstrip()


def one_line(text: str) -> str:
    """Return text as one line without what would command a terminal: it may come from data."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in _COMMANDS.sub("", text))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest known word, or the known words if none is near.

    Comparison ignores case. Returns "" if nothing is known.
    """
    names = sorted(set(known))
    folded = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{folded[near[0]]}'?"
    if not names:
        return ""
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return f"Known: {shown}."


def first_few(keys: Iterable[object], total: int | None = None) -> str:
    """Return the first three keys as text: "OPP-1, OPP-2, OPP-3, …"."""
    listed = [str(key) for key in keys]
    more = (total if total is not None else len(listed)) > 3
    return ", ".join(listed[:3]) + (", …" if more else "")
