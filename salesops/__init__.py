"""salesops: sales operations in notebooks, delivered as reports.

The names below are what a notebook needs first; they are imported when first used, so that the command
line stays quick.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salesops.book.check import check_book
    from salesops.book.horizon import resolve
    from salesops.book.redact import redacted
    from salesops.book.snapshot import as_known
    from salesops.book.source import Book, open_book
    from salesops.periods import Period, parse_period
    from salesops.views.head import Head, begin

__version__ = "0.1.0"

# jsonschema imports this if it can, only to check one text format; its grammar takes over a second to compile,
# in every process that imports altair, papermill or nbconvert
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None is how Python marks a name as absent

_HOMES = {
    "Head": "salesops.views.head",
    "Book": "salesops.book.source",
    "Period": "salesops.periods",
    "as_known": "salesops.book.snapshot",
    "begin": "salesops.views.head",
    "check_book": "salesops.book.check",
    "open_book": "salesops.book.source",
    "parse_period": "salesops.periods",
    "redacted": "salesops.book.redact",
    "resolve": "salesops.book.horizon",
}

__all__ = [
    "Book", "Head", "Period", "as_known", "begin", "check_book", "open_book", "parse_period", "redacted", "resolve",
]  # fmt: skip  # one list


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'salesops' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
