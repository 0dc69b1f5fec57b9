"""What a sheet of an XLSX file has beside its cells: formulas that were never reckoned, and notes on cells."""

from __future__ import annotations

import mmap
import posixpath
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile, is_zipfile

from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from salesops.errors import IntakeError, first_few

BROKEN = (BadZipFile, zlib.error, ParseError, ValueError, LookupError, EOFError)  # what reading a damaged one raises
EXCEL_DAY_ZERO = "1899-12-30"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # a compound file: a workbook of old, or one that is encrypted
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_LARGEST = 2_000_000_000
_CHUNK = 1 << 20
_LONGEST = 1 << 16  # more than any cell takes
_FORMULA = re.compile(rb'<c r="([A-Z]+)(\d+)"([^>]*)><f[^>]*?(?:/>|>([^<]*)</f>)(?:<v\s*/>|<v></v>)?</c>')
_RELATED = re.compile(r'<Relationship\b[^>]*?Type="[^"]*/comments"[^>]*>')
_TARGET = re.compile(r'Target="([^"]+)"')
_NOTE = re.compile(r'<(?:\w+:)?comment\b[^>]*?\bref="([A-Z]+\d+)"')


def refuse_locked(path: Path) -> None:
    """Raise IntakeError for a workbook that is protected by a password, of the old kind, or far too large."""
    with path.open("rb") as file:
        if file.read(len(_OLE)) == _OLE:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
                protected = whole.find(_ENCRYPTED) >= 0
            why = "is protected by a password" if protected else "is a workbook of the old kind (.xls) under a new name"
            repair = "Save it without the password." if protected else "Save it as .xlsx."
            raise IntakeError(f"{path.name} {why}, so it cannot be read. {repair}")
    if not is_zipfile(path):
        raise IntakeError(f"{path.name} cannot be read: it is no workbook. Save it as .xlsx, or export it as CSV.")
    with ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
        if size > _LARGEST:
            raise IntakeError(
                f"{path.name} holds {size / 1e9:,.1f} GB when unpacked, more than {_LARGEST / 1e9:,.0f} GB. "
                "Export it as CSV, or in parts."
            )


def day_zero(book: Workbook) -> str:
    """Return the day from which a workbook counts its days: files that began on a Mac may count from 1904."""
    return "1904-01-01" if book.epoch == CALENDAR_MAC_1904 else EXCEL_DAY_ZERO


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
