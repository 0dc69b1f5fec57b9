"""A second table on a sheet, below the first or beside it: found, told, and not mixed into the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from openpyxl.utils import get_column_letter

from salesops.book.surround import filled, shown
from salesops.intake.names import literal, quoted

_NUMBER = re.compile(r"[-+(]?[^\w\s]*\d[\d.,' ]*[^\w\s]*\)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d.*|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.*")
# what stands in place of a figure in a row of data: no word, or one for nothing, or one with a digit, such as an id
_NO_TITLE = re.compile(r"\W*|n\.?/?a\.?|tbd|none|null|nil|unknown|pending|open|.*\d.*", re.IGNORECASE)

_TITLES = 2  # rows above a header
_LOOKED_AT = 100  # blank rows; a sheet with more is spaced out

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class NotRead:
    """Rows of a source that are not read, and why, in words that go after "left in the source by the import"."""

    rows: int
    reason: str


def cut_below(con: Any, table: str, headers: Sequence[str]) -> list[NotRead]:
    """Delete the rows of a second table below the first: those from a header after a blank row on.

    A row after a blank one, or after a title there, is a header if it repeats that of the first table, or if it holds
    two texts or more and nothing else, and one of them stands where the row below it has a number or a date, or most
    rows above have.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Holds `table`: `headers` as columns of text, and `_row`, which counts blank rows too.
    """
    cells = ", ".join(quoted(header) for header in headers)
    starts = con.execute(
        f"select _row from (select _row, lag(_row) over (order by _row) as before from {table}) "
        "where _row > before + 1 order by _row"
    ).fetchall()
    for (start,) in starts[:_LOOKED_AT]:
        query = f"select _row, {cells} from {table} where _row >= ? order by _row limit {_TITLES + 2}"
        found = con.execute(query, [start]).fetchall()
        titles = next((at for at, (_, *row) in enumerate(found) if len(filled(row)) > 1), len(found))
        if titles > _TITLES or titles + 1 >= len(found) or found[titles + 1][0] != found[titles][0] + 1:
            continue
        header, below = (tuple(row) for _, *row in found[titles : titles + 2])
        if _is_header(header, below, headers, partial(_kinds, con, table, headers, start)):
            count = con.execute(f"select count(*) from {table} where _row >= ?", [start]).fetchone()[0]
            con.execute(f"delete from {table} where _row >= ?", [start])
            return [NotRead(count - titles - 1, f"a second table below the first, headed {shown([header])[0]}")]
    return []


def _kinds(con: Any, table: str, headers: Sequence[str], start: int) -> list[bool]:
    """Tell of each column whether most of its cells above a row are numbers or dates."""
    figure = literal(f"({_NUMBER.pattern})|({_DATE.pattern})")
    tests = ", ".join(f"2 * count_if(regexp_full_match({c}, {figure})) > count({c})" for c in map(quoted, headers))
    return list(con.execute(f"select {tests} from {table} where _row < ?", [start]).fetchone())


def _is_header(row: Row, below: Row, headers: Sequence[str], kinds: Callable[[], Sequence[bool]]) -> bool:
    texts = filled(row)
    if [text.casefold() for text in texts] == [header.casefold() for header in headers]:
        return True
    if len(texts) < 2 or any(_is_figure(text) for text in texts):
        return False
    figures = kinds()
    return any(
        text and not _NO_TITLE.fullmatch(text.strip()) and (figures[at] or (below[at] and _is_figure(str(below[at]))))
        for at, text in enumerate(row)
    )


def _is_figure(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text.strip()) or _DATE.fullmatch(text.strip()))


def cut_beside(con: Any, table: str, headers: Sequence[str], raw: Sequence[object]) -> tuple[list[str], list[NotRead]]:
    """Drop the columns of tables that stand beside the first, behind an empty column; return the headers that stay.

    Columns behind an empty one are a table of their own if they repeat a header of the first, or have rows where the
    first has none, or end two rows or more before it.

    Parameters
    ----------
    raw : sequence
        The header's cells as they stand, in the order of `headers`.
    """
    counts = con.execute(f"select {', '.join(f'count({quoted(h)})' for h in headers)} from {table}").fetchone()
    empty = [not str(cell or "").strip() and not count for cell, count in zip(raw, counts, strict=True)]
    blocks = _blocks(empty)
    if len(blocks) < 2 or len(blocks[0]) < 2:
        return list(headers), []
    left = [headers[at] for at in blocks[0]]
    kept, cut = set(headers), []
    for block in blocks[1:]:
        right = [headers[at] for at in block]
        named = ", ".join(str(raw[at]) for at in block)
        repeated = {_folded(raw[at]) for at in blocks[0]} & {_folded(raw[at]) for at in block}
        if len(block) > 1 and (repeated or _is_apart(con, table, left, right)):
            first, last = get_column_letter(block[0] + 1), get_column_letter(block[-1] + 1)
            rows = con.execute(f"select count(*) from {table} where {_any(right)}").fetchone()[0]
            cut.append(NotRead(rows, f"a second table beside the first, in columns {first} to {last} ({named})"))
            kept -= set(right)
    stay = [header for header in headers if header in kept]
    if cut:
        for header in set(headers) - kept:
            con.execute(f"alter table {table} drop column {quoted(header)}")
        con.execute(f"delete from {table} where not {_any(stay)}")
    return stay, cut


def _blocks(empty: Sequence[bool]) -> list[list[int]]:
    """Return the places of columns that stand together, parted by empty ones."""
    blocks: list[list[int]] = [[]]
    for at, is_empty in enumerate(empty):
        if is_empty:
            blocks.append([])
        else:
            blocks[-1].append(at)
    return [block for block in blocks if block]


def _is_apart(con: Any, table: str, left: Sequence[str], right: Sequence[str]) -> bool:
    own, ends, right_ends = con.execute(
        f"select count_if({_any(right)} and not {_any(left)}), count_if({_any(left)}), "
        f"count_if({_any(left)} and _row > (select max(_row) from {table} where {_any(right)})) from {table}"
    ).fetchone()
    return bool(own) or (ends > 2 and right_ends >= 2)


def _any(headers: Sequence[str]) -> str:
    return f"({' or '.join(f'{quoted(header)} is not null' for header in headers)})"


def _folded(cell: object) -> str:
    return str(cell or "").strip().casefold()
