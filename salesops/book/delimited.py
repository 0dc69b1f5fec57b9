"""CSV as people have it, read into the database as text.

A file that is clean is read by DuckDB alone. One that it refuses (rows of unequal length, mixed line ends,
a report footer) is gone through once more in Python, which repairs what can be repaired and names what cannot.
Blank cells become NULL; 'NULL', 'NaN' and 'N/A' stay the text that they are.
"""

from __future__ import annotations

import codecs
import csv
import glob
import io
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from salesops.book.connection import scratch
from salesops.book.detect import Group, detect_format
from salesops.book.encoding import BOTH, Encoding, encoding_of
from salesops.book.limits import LONGEST, refuse_endless, refuse_wide
from salesops.book.surround import TAIL, Cells, cut_footer, filled, footer_notes, footer_start, header_at, title_notes
from salesops.book.values import literal, quoted
from salesops.errors import BookError, did_you_mean, first_few

SAMPLE = 1 << 16

csv.field_size_limit(LONGEST)

_RULE = re.compile(r"-{5,}\s*")
_BLANKS = literal(" \t\n\v\f\r\xa0")
_SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}


@dataclass(frozen=True)
class Delimited:
    """A CSV file in the database.

    `table` has the file's columns as text, NULL where blank, and `_row` (1 = first row of data). `decimal` is "." or
    ",". With `day_first`, 03/04/2026 is in April. `notes` say what was detected and what was left out. `shown` and
    `groups` are those of `salesops.book.detect.Detected`.
    """

    table: str
    encoding: str
    delimiter: str
    decimal: str
    day_first: bool
    notes: tuple[str, ...]
    shown: frozenset[str] = frozenset()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class _Layout:
    """How a file is laid out: `unnamed` columns have no header, the records `above` stand before it.

    In a `ruled` file lines of dashes stand between the rows, as in lists that SAP prints.
    """

    delimiter: str
    names: tuple[str, ...]
    unnamed: tuple[str, ...] = ()
    above: tuple[Cells, ...] = ()
    ruled: bool = False


def load_delimited(con: Any, path: Path, table: str, options: Mapping[str, Any]) -> Delimited:
    """Read a CSV file into a table of text.

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
        Where the table is made.
    path : Path
        The file: UTF-8, UTF-16 or cp1252, separated by commas, semicolons, tabs or bars.
    table : str
        Its name; a table of the same name is replaced.
    options : mapping
        The [csv] table of book.toml, where the detection is wrong.

    Raises
    ------
    BookError
        If the file is empty or not text, its header names a column twice, its rows do not fit the header,
        its dates contradict each other, or an option is wrong.
    """
    chosen = _chosen(options, path.stem)
    found = Encoding(chosen["encoding"]) if "encoding" in chosen else None
    try:
        with scratch(con) as passing:
            refuse_endless(path)
            found = encoding_of(path, SAMPLE) if found is None else found
            source = _as_utf8(path, found, passing / "utf8.csv")
            layout = _layout(source, path.name, chosen.get("delimiter"))
            footer = _load(con.con, source, path.name, table, layout, chosen.get("skip_footer"))
    except (OSError, duckdb.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise BookError(f"{path.name} cannot be read: {reason}. Check the file and the room on the disk.") from None
    except UnicodeDecodeError as error:
        letter = f"byte 0x{error.object[error.start]:02X} has no meaning there"
        read_as = found.name if found else BOTH
        raise BookError(f"{path.name} cannot be read as {read_as}: {letter}. Export it as UTF-8.") from None
    columns = _drop_blank(con.con, table, layout)
    european = layout.delimiter == ";"  # where the comma is taken, for decimals
    form = detect_format(con.con, table, columns, name=path.name, european=european, chosen=chosen)
    separator = _SEPARATORS.get(layout.delimiter, f"'{layout.delimiter}'")
    read_as = found.name.upper().replace("CP", "cp").replace("AND", "and")
    first = f"Read as {read_as}, separated by {separator}, {form.words}."
    notes = (first, *found.notes, *title_notes(layout.above), *footer_notes(footer), *form.notes)
    return Delimited(table, found.name, layout.delimiter, form.decimal, form.day_first, notes, form.shown, form.groups)


def _chosen(options: Mapping[str, Any], stem: str) -> dict[str, Any]:
    """Return the options that hold for one file: its own before those for all."""
    chosen = {key: value for key, value in options.items() if not isinstance(value, Mapping)}
    own = {name: value for name, value in options.items() if isinstance(value, Mapping)}
    for where, values in {"[csv]": chosen, **{f"[csv.{name}]": value for name, value in own.items()}}.items():
        for key, value in values.items():
            if key not in _OPTIONS:
                raise BookError(f"{where} has an unknown key '{key}'. {did_you_mean(key, _OPTIONS)}")
            wanted, holds = _OPTIONS[key]
            if not holds(value):
                raise BookError(f"{where}: {key} must be {wanted}. Got {value!r}.")
    return chosen | next((dict(value) for name, value in own.items() if name.casefold() == stem.casefold()), {})


def _is_encoding(value: object) -> bool:
    try:
        return isinstance(value, str) and isinstance("".encode(value), bytes)
    except (LookupError, ValueError):  # some names of codecs are for no text, or for nothing
        return False


_OPTIONS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "encoding": ("the name of an encoding such as 'utf-8' or 'cp1252'", _is_encoding),
    "delimiter": ("one character such as ';'", lambda v: isinstance(v, str) and len(v) == 1 and v not in '"\r\n'),
    "decimal": ("'.' or ','", lambda v: v in (".", ",")),
    "day_first": ("true or false", lambda v: isinstance(v, bool)),
    "skip_footer": ("a number of rows, 0 or more", lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0),
}


def _as_utf8(path: Path, encoding: Encoding, copy: Path) -> Path:
    """Return the file itself if it is UTF-8, else a copy that is."""
    if encoding.letters is None and codecs.lookup(encoding.name).name in ("utf-8", "utf-8-sig"):
        return path
    with copy.open("w", encoding="utf-8", newline="") as out:
        out.writelines(encoding.lines(path))
    return copy


def _layout(source: Path, name: str, delimiter: str | None) -> _Layout:
    """Find the delimiter under which most of the first records are as long as the header, then the most columns."""
    sample, whole = _sample(source)
    tried = {key: _records(sample, key, whole=whole) for key in ([delimiter] if delimiter else _SEPARATORS)}
    best = max(tried, key=lambda key: _fit(tried[key]))
    if _fit(tried[best])[1] < 2:
        best = delimiter or ","
    records = _records(sample, best, whole=whole, blank=True)
    if not any(filled(cells) for cells in records):
        raise BookError(f"{name} is empty. Export it again.")
    at = header_at(records)
    refuse_wide(name, len(records[at]))
    ruled = any(_is_rule(cells) for cells in records)
    above = tuple(cells for cells in records[:at] if not _is_rule(cells))
    return _Layout(best, *_names(records[at], name), above, ruled)


def _sample(source: Path) -> tuple[str, bool]:
    """Return the beginning of a file, with its header and a row in any case, and whether that is all of it."""
    with source.open(encoding="utf-8-sig", newline="") as file:
        text = file.read(SAMPLE)
        while len(text) < 2 * LONGEST and len(text.splitlines()) < 3 and (more := file.read(SAMPLE)):
            text += more
        return text, not file.read(1)


def _is_rule(cells: Sequence[str]) -> bool:
    """Tell a line of dashes alone, which no delimiter parts."""
    return len(cells) == 1 and _RULE.fullmatch(cells[0]) is not None


def _records(sample: str, delimiter: str, *, whole: bool, blank: bool = False) -> list[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, skipinitialspace=True)
    records = [cells for cells in reader if blank or filled(cells)]
    return records if whole or len(records) < 2 else records[:-1]


def _fit(records: Sequence[Sequence[str]]) -> tuple[float, int]:
    width = len(records[header_at(records)]) if records else 0
    return (sum(len(cells) == width for cells in records) / len(records) if width > 1 else 0.0, width)


def _names(header: Sequence[str], name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the columns, and those of them that the header leaves blank."""
    names = tuple(cell.strip() or f"column {number}" for number, cell in enumerate(header, 1))
    counts = Counter(column.casefold() for column in (*names, "_row"))
    twice = sorted({column for column in names if counts[column.casefold()] > 1})
    if twice:
        listed = ", ".join(f"'{column}'" for column in twice)
        raise BookError(f"{name}: the header has {listed} twice, or the name is taken. Rename it, or add the header.")
    return names, tuple(column for column, cell in zip(names, header, strict=True) if not cell.strip())


def _load(con: Any, source: Path, name: str, table: str, layout: _Layout, skip_footer: int | None) -> Sequence[Cells]:
    """Fill the table and return the rows that were left out as a footer."""
    footer = _load_clean(con, source, table, layout, skip_footer)
    if footer is None:
        with scratch(con) as passing:
            tidy = passing / "tidy.csv"
            footer = _tidy(source, tidy, name, layout, skip_footer)
            _read(con, tidy, table, _Layout(",", layout.names))
    if not con.execute(f"select exists (from {quoted(table)})").fetchone()[0]:
        raise BookError(f"{name} holds a header and no rows. Remove the file, or export it again.")
    return footer


def _load_clean(con: Any, source: Path, table: str, layout: _Layout, skip_footer: int | None) -> Sequence[Cells] | None:
    """Fill the table from a file that needs no repair and return its footer; None if it needs repair."""
    if layout.ruled or any(filled(cells) for cells in layout.above):  # lines and records may differ there
        return None
    try:
        _read(con, source, table, layout)
        return cut_footer(con, table, skip_footer)
    except duckdb.Error:
        return None


def _read(con: Any, source: Path, table: str, layout: _Layout) -> None:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in layout.names)
    cells = ", ".join(_unless_blank(quoted(name)) for name in layout.names)
    con.execute(
        f"create or replace table {quoted(table)} as select {cells}, row_number() over () as _row "
        f"from read_csv({literal(glob.escape(str(source.absolute())))}, columns = {{{columns}}}, "
        f"delim = {literal(layout.delimiter)}, quote = '\"', escape = '\"', header = true, "
        f"skip = {len(layout.above)}, auto_detect = false, hive_partitioning = false, compression = 'none')"
    )


def _unless_blank(column: str) -> str:
    # the comparisons spare nearly every cell the slower trim; "or" between them would take minutes in wide tables
    trimmed = f"case when trim({column}, {_BLANKS}) = '' then null else {column} end"
    cell = f"case when {column} < '!' then {trimmed} when {column} >= '\xa0' then {trimmed} else {column} end"
    return f"{cell} as {column}"


def _tidy(source: Path, copy: Path, name: str, layout: _Layout, skip_footer: int | None) -> Sequence[Cells]:
    """Write a copy in which each row has as many cells as the header, without the footer; return the footer's rows."""
    width, rows = len(layout.names), 0
    tail: deque[tuple[int, list[str]]] = deque()
    ragged: list[str] = []
    with copy.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(layout.names)
        for rows, cells in enumerate(_rows_after_header(source, name, layout), 1):
            tail.append((rows, cells if filled(cells[width:]) else cells[:width]))
            if len(tail) > max(TAIL, skip_footer or 0):
                _write(writer, *tail.popleft(), width, ragged)
        last = [cells for _, cells in tail]
        start = footer_start(last, width, skip_footer)
        for number, cells in list(tail)[:start]:
            _write(writer, number, cells, width, ragged)
    if ragged:
        raise BookError(
            f"{name}: {len(ragged):,} of {rows:,} rows have more or fewer cells than the header, which has {width}: "
            f"{first_few(ragged)}. Complete the rows, or quote the cells that hold '{layout.delimiter}'."
        )
    return last[start:]


def _rows_after_header(source: Path, name: str, layout: _Layout) -> Iterator[list[str]]:
    row = -len(layout.above)
    with source.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=layout.delimiter, strict=True, skipinitialspace=True)
        try:
            for cells in reader:
                if layout.ruled and _is_rule(cells):
                    continue
                row += 1
                if row > 1 and cells:
                    yield [cell.strip() for cell in cells] if layout.ruled else cells  # padded to the ruler
        except csv.Error as error:
            long = f", or a cell is longer than {LONGEST >> 20} MB" if "limit" in str(error) else ""
            raise BookError(
                f"{name}: in line {reader.line_num:,} or above, a quote is not closed, or stands alone inside a quoted "
                f'cell{long}. Write a quote inside a quoted cell twice: "".'
            ) from None


def _write(writer: Any, row: int, cells: list[str], width: int, ragged: list[str]) -> None:
    if len(cells) == width:
        writer.writerow(cells)
    else:
        # only the first few are named
        ragged.append(f"row {row:,} ('{cells[0][:40]}') has {len(cells)}" if len(ragged) < 3 else "")


def _drop_blank(con: Any, table: str, layout: _Layout) -> tuple[str, ...]:
    """Drop the columns without header and without any value; return the names of the others."""
    dropped = set()
    for column in layout.unnamed:
        if not con.execute(f"select count({quoted(column)}) from {quoted(table)}").fetchone()[0]:
            con.execute(f"alter table {quoted(table)} drop column {quoted(column)}")
            dropped.add(column)
    return tuple(column for column in layout.names if column not in dropped)
