"""What a sheet of an XLSX file has beside its cells: formulas that were never reckoned, and notes on cells."""

from __future__ import annotations

import posixpath
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from salesops.errors import IntakeError, first_few

BROKEN = (BadZipFile, zlib.error, ParseError, ValueError, LookupError, EOFError)  # what reading a damaged one raises
_CHUNK = 1 << 20
_LARGEST_SHEET, _LARGEST_PART = 8_000_000_000, 1_000_000_000  # bytes; sheets are read row by row, the others whole
_LONGEST = 1 << 16  # more than any cell takes
_FORMULA = re.compile(rb'<c r="([A-Z]+)(\d+)"([^>]*)><f[^>]*?(?:/>|>([^<]*)</f>)(?:<v\s*/>|<v></v>)?</c>')
_RELATED = re.compile(r'<Relationship\b[^>]*?Type="[^"]*/comments"[^>]*>')
_TARGET = re.compile(r'Target="([^"]+)"')
_NOTE = re.compile(r'<(?:\w+:)?comment\b[^>]*?\bref="([A-Z]+\d+)"')


def refuse_bomb(path: Path) -> None:
    """Raise IntakeError if a part of a workbook is larger than any spreadsheet writes: it would fill the memory."""
    with ZipFile(path) as archive:
        for part in archive.infolist():
            largest = _LARGEST_SHEET if part.filename.startswith("xl/worksheets/") else _LARGEST_PART
            if part.file_size > largest:
                size, most = part.file_size / 1e9, largest / 1e9
                raise IntakeError(f"its part {part.filename} would unpack to {size:,.1f} GB; {most:.0f} GB is the most")


def unreckoned(path: Path, part: str) -> dict[tuple[int, int], str]:
    """Return the formulas of a sheet that have no stored result, by row and column counted from 1.

    Programs that write workbooks without a spreadsheet leave them so: their cells would read as empty.

    Parameters
    ----------
    part : str
        The sheet's place in the file, such as xl/worksheets/sheet1.xml.
    """
    return {
        (int(row), _number(letters.decode())): f"={unescape((formula or b'').decode())}"
        for letters, row, formula in _formulas(path, part)
    }


def with_formulas(
    rows: Iterable[Sequence[object]], formulas: Mapping[tuple[int, int], str]
) -> Iterator[Sequence[object]]:
    """Yield the rows of a sheet with the formulas in place of cells that look empty and are not."""
    for at, row in enumerate(rows, start=1):
        yield [formulas.get((at, number), cell) for number, cell in enumerate(row, start=1)] if formulas else row


def notes_on_cells(path: Path, part: str) -> tuple[str, ...]:
    """Return a sentence about the notes (comments) on a sheet's cells, which no import reads; () without any."""
    folder, name = posixpath.split(part)
    with ZipFile(path) as file:
        relations = f"{folder}/_rels/{name}.rels"
        if relations not in file.namelist():
            return ()
        targets = [_TARGET.search(tag) for tag in _RELATED.findall(file.read(relations).decode())]
        places = [posixpath.normpath(posixpath.join("/", folder, found[1])).lstrip("/") for found in targets if found]
        cells = [cell for place in places for cell in _NOTE.findall(file.read(place).decode())]
    if not cells:
        return ()
    have = "1 cell has a note, which is" if len(cells) == 1 else f"{len(cells):,} cells have a note, which is"
    return (f"{have} not read: {first_few(cells)}.",)


def _formulas(path: Path, part: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    rest = b""
    with ZipFile(path) as archive, archive.open(part) as file:
        while block := file.read(_CHUNK):
            text, end = rest + block, 0
            for found in _FORMULA.finditer(text):
                end = found.end()
                if b't="str"' not in found[3]:  # there the result is an empty text
                    yield found[1], found[2], found[4]
            rest = text[max(end, len(text) - _LONGEST) :]


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number
