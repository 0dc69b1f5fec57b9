"""What stands around the data of a report: titles above the header; totals, blank rows and prose below the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from salesops.book.values import quoted

Cells = Sequence[str | None]
HEAD = 15
TAIL = 25

_TOTAL = re.compile(
    r"((grand|sub|overall)[ -]?)?(totals?|sum|summe|gesamt(summe|ergebnis)?|totaa?le?|suma)"
    r"( (records|rows|g[ée]n[ée]ral|geral))?\b[^a-z]*(\([^)]*\))?:?|(合|総|小)計"
    r"|[\d,.]+ (records|rows)",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"[^\w]*\d[\d.,'’ ]*[^\w]*|[A-Z]{3}")
_PROSE = re.compile(
    r"copyright\b|©|\(c\)|confidential\b|(generated|exported|filtered|printed|created) (on|by|at|from)\b"
    r"|report (name|generated|run|date)\b|page \d|as of \d|(accrual|cash) basis\b",
    re.IGNORECASE,
)


def header_at(rows: Sequence[Cells], *, even: bool = False) -> int:
    """Return which of the first rows is the header: above it stand rows that are less than half as full.

    A row of three cells or more stands above it only where rows are `even`, as in a sheet. In a file, rows may be
    longer than their header by mistake. 0 if all rows are blank.
    """
    counts = [len(filled(cells)) for cells in rows[:HEAD]]
    most = max(counts, default=0)
    return next((at for at, n in enumerate(counts) if n and (2 * n >= most or (n > 2 and not even))), 0)


def cut_footer(con: Any, table: str, skip_footer: int | None) -> Sequence[Cells]:
    """Delete the footer's rows from the end of a table of text and return them.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Holds `table`: columns of text, and `_row`.
    skip_footer : int or None
        How many rows the footer has; None to tell it by its words.
    """
    count = max(TAIL, skip_footer or 0)
    query = f"select * exclude (_row), _row from {quoted(table)} order by _row desc limit {count}"
    rows = con.execute(query).fetchall()[::-1]
    tail = [row[:-1] for row in rows]
    start = footer_start(tail, len(tail[0]) if tail else 0, skip_footer)
    if start < len(tail):
        con.execute(f"delete from {quoted(table)} where _row >= ?", [rows[start][-1]])
    return tail[start:]


def footer_start(tail: Sequence[Cells], width: int, skip_footer: int | None) -> int:
    """Return where in the last rows the footer begins; their number if there is none."""
    start = len(tail)
    if skip_footer is not None:
        return max(0, start - skip_footer)
    while start and _is_footer(tail[start - 1], width):
        start -= 1
    # a row of totals may stand above others of which each begins blank, with its label or its sums
    totals = (at for at in range(start) if _is_total(tail[at], width))
    return next((at for at in totals if all(_continues(cells, width) for cells in tail[at + 1 : start])), start)


def _is_total(cells: Cells, width: int) -> bool:
    texts = filled(cells)
    return bool(texts) and 2 * len(texts) <= width and _TOTAL.fullmatch(texts[0]) is not None


def _continues(cells: Cells, width: int) -> bool:
    """Tell a row below a total that goes on with it: blank where the rows of data begin."""
    return _is_footer(cells, width) or (not filled(cells[:1]) and 2 * len(filled(cells)) <= width)


def _is_footer(cells: Cells, width: int) -> bool:
    """Tell a blank row, a row of totals or a line of prose; a row with half of its cells filled is data.

    But a word for totals with figures alone beside it, and a blank cell, is no data however narrow the table is.
    """
    texts = filled(cells)
    if not texts:
        return True
    if len(texts) < width and _TOTAL.fullmatch(texts[0]) and all(_FIGURE.fullmatch(text) for text in texts[1:]):
        return True
    if 2 * len(texts) > width:
        return False
    short = len(cells) < width
    if _TOTAL.fullmatch(texts[0]) or (_PROSE.match(texts[0]) and (short or len(texts) == 1)):
        return True
    # one word alone may be the key of a row that was cut off
    return short and len(texts) == 1 and " " in texts[0]


def footer_notes(footer: Sequence[Cells]) -> tuple[str, ...]:
    """Say which rows were left out below the data; nothing if all are blank."""
    texts = shown(footer)
    if not texts:
        return ()
    rows = "1 row after the data was" if len(texts) == 1 else f"{len(texts)} rows after the data were"
    return (f"{rows} left out as a report footer: {', '.join(texts)}.",)


def title_notes(above: Sequence[Cells]) -> tuple[str, ...]:
    """Say which rows were left out above the header; nothing if all are blank."""
    texts = shown(above)
    if not texts:
        return ()
    rows = "1 row" if len(texts) == 1 else f"{len(texts)} rows"
    return (f"{rows} above the header left out: {', '.join(texts)}.",)


def shown(rows: Sequence[Cells]) -> list[str]:
    """Return each row that is not blank as a short text in quotes."""
    texts = [" ".join(" ".join(filled(cells)).split()) for cells in rows if filled(cells)]
    return [f"'{text if len(text) <= 78 else text[:77] + '…'}'" for text in texts]


def filled(cells: Cells) -> list[str]:
    """Return the cells that hold something."""
    return [cell.strip() for cell in cells if cell and cell.strip()]
