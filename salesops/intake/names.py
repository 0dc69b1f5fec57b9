"""Names of things in the database and in the source: quoting, and finding a header or a file by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from salesops.book.columns import Table, ident, text
from salesops.book.schema import OPPORTUNITIES, OPPORTUNITY_HISTORY, SCHEMA

HISTORY = OPPORTUNITY_HISTORY.name
STATES = OPPORTUNITY_HISTORY.column("field_name").one_of

# a change has field_name, new_value and perhaps old_value; a state has those columns of a deal that are known
_CHANGES = (
    text("field_name", "Column of opportunities that changed", required=False),
    ident("new_value", "Value from then on", "users.user_id", required=False),
    ident("old_value", "Value before", "users.user_id", required=False),
)
_OF_DEALS = tuple(replace(OPPORTUNITIES.column(name), filled=False, required=False) for name in STATES)
_KEY = tuple(OPPORTUNITY_HISTORY.column(name) for name in ("opportunity_id", "valid_from"))

COLUMNS: dict[str, Table] = SCHEMA | {HISTORY: replace(OPPORTUNITY_HISTORY, columns=(*_KEY, *_CHANGES, *_OF_DEALS))}


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def words_of(sql: str) -> set[str]:
    """Return the names that an SQL text may mean, in lower case: quoted ones and bare words."""
    return {(name.replace('""', '"') or word).casefold() for name, word in re.findall(r'"((?:[^"]|"")+)"|(\w+)', sql)}


def clean_headers(headers: Sequence[object]) -> list[str]:
    """Return headers without outer space and trailing `*`, none empty, none twice (ignoring case).

    Names that the import itself uses, such as `_row`, count as taken.
    """
    cleaned: list[str] = []
    seen: set[str] = {"_row", "_part"}
    for position, header in enumerate(headers, start=1):
        written = " ".join(str("" if header is None else header).split())
        text = written.rstrip("* ") or written or f"column {position}"
        name, number = text, 1
        while name.casefold() in seen or re.fullmatch(r"_cell_\d+", name.casefold()):
            number += 1
            name = f"{text} ({number})"
        seen.add(name.casefold())
        cleaned.append(name)
    return cleaned


def find_header(wanted: str, headers: Iterable[str]) -> str | None:
    """Return the header that is meant: the same ignoring case, else ignoring spaces, `_` and `-` too.

    A loose match that fits several headers is no match.
    """
    listed = list(headers)
    text = clean_headers([wanted])[0]
    for fold in (str.casefold, _loose):
        found = [header for header in listed if fold(header) == fold(text)]
        if len(found) == 1:
            return found[0]
    return None


def found_headers(wanted: Iterable[Sequence[str]], headers: Sequence[str]) -> tuple[str, ...]:
    """Return the headers of the first alternative of which any is there; () if none is."""
    found = (tuple(there for name in joined if (there := find_header(name, headers))) for joined in wanted)
    return next(filter(None, found), ())


def _loose(header: str) -> str:
    return re.sub(r"[\s_-]", "", header).casefold()
