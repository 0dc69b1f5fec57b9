"""Workbooks as people have them: hidden sheets, formulas that were never reckoned, notes on cells."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import duckdb
import openpyxl
import pytest
from openpyxl.comments import Comment

from salesops.errors import IntakeError
from salesops.intake import Intake, import_book
from salesops.intake.workbook import unreckoned

MAP = """
[sources]
firms = ["firm*"]
[tables.accounts]
from = "firms"
columns = { account_id = "id", account_name = "name", annual_revenue = "sales" }
"""


def workbook(folder: Path, rows: list[list[object]]) -> openpyxl.Workbook:
    """Return a workbook with a sheet `Firms`; save it as firms.xlsx with `keep`."""
    (folder / "m.toml").write_text(MAP)
    book = openpyxl.Workbook()
    book.active.title = "Firms"
    for row in [["id", "name", "sales"], *rows]:
        book.active.append(row)
    return book


def keep(folder: Path, book: openpyxl.Workbook, map_text: str = MAP) -> Intake:
    """Save the workbook and import it."""
    (folder / "m.toml").write_text(map_text)
    book.save(folder / "firms.xlsx")
    return import_book(folder / "m.toml", folder / "firms.xlsx", folder / "book", replace=True)


def ids(result: Intake) -> list[str]:
    """Return the accounts that were written."""
    return [row[0] for row in duckdb.sql(f"SELECT account_id FROM '{result.dest / 'accounts.parquet'}'").fetchall()]


def test_a_hidden_sheet_is_read_only_by_its_name(tmp_path: Path) -> None:
    """No pattern with * takes a hidden sheet; it is named as not used, and its full name takes it."""
    book = workbook(tmp_path, [[1, "A", 5]])
    old = book.create_sheet("firms of last year")
    old.sheet_state = "veryHidden"
    for row in [["id", "name", "sales"], [9, "Z", 7]]:
        old.append(row)
    result = keep(tmp_path, book)
    assert ids(result) == ["1"]
    assert "not used: firms of last year in firms.xlsx (hidden)" in result.lines()
    assert ids(keep(tmp_path, book, MAP.replace("firm*", "firms of last year"))) == ["9"]


def test_a_workbook_with_one_sheet_to_be_seen_needs_no_name(tmp_path: Path) -> None:
    """Beside hidden sheets, the one sheet that can be seen stands for the source, whatever its name."""
    book = workbook(tmp_path, [[1, "A", 5]])
    book.active.title = "Export"
    book.create_sheet("hiddenSheet").sheet_state = "veryHidden"
    assert ids(keep(tmp_path, book)) == ["1"]


def test_a_formula_without_its_result_is_not_an_empty_cell(tmp_path: Path) -> None:
    """A formula that no spreadsheet has reckoned is refused by its text, with the way to have it reckoned."""
    book = workbook(tmp_path, [[1, "A", 5], [2, "B", "=2*C2"]])
    with pytest.raises(
        IntakeError, match=r"not a number \(first: row 2 '=2\*C2'\)\. .* open it in a spreadsheet, save"
    ):
        keep(tmp_path, book)


def test_formulas_with_a_result_are_left_alone(tmp_path: Path) -> None:
    """Of a sheet's formulas those without a stored result are found, wherever they stand; an empty text is a result."""
    filler = "".join(f'<c r="A{row}"><v>{row}</v></c>' for row in range(2, 90_000))
    cells = (
        '<c r="B1"><f>1+1</f><v>2</v></c><c r="C1"><f>A1&amp;"x"</f><v /></c>'
        f'<c r="D1" t="str"><f>""</f><v></v></c>{filler}<c r="AB90001" s="3"><f>A1*2</f></c><c r="AC90001"><v>4</v></c>'
    )
    with ZipFile(tmp_path / "x.xlsx", "w") as file:
        file.writestr("sheet.xml", cells)
    assert unreckoned(tmp_path / "x.xlsx", "sheet.xml") == {(1, 3): '=A1&"x"', (90001, 28): "=A1*2"}


def test_notes_on_cells_are_told_of(tmp_path: Path) -> None:
    """Notes on cells are not read, and the import says on which cells they are."""
    book = workbook(tmp_path, [[1, "A", 5]])
    book.active["C2"].comment = Comment("cancelled in May", "x")
    assert "  Firms in firms.xlsx: 1 cell has a note, which is not read: C2" in keep(tmp_path, book).lines()


def test_a_source_that_several_tables_miss_is_named_once(tmp_path: Path) -> None:
    """Tables that miss the same source stand in one sentence, and so does the list of what is there."""
    columns = '{ contact_id = "id", account_id = "id", contact_name = "name" }'
    other = f'{MAP}[tables.contacts]\nfrom = "firms"\ncolumns = {columns}\n'
    book = workbook(tmp_path, [[1, "A", 5]])
    book.active.title = "One"
    book.create_sheet("Two").append(["id"])
    with pytest.raises(
        IntakeError, match=r"- accounts, contacts: no file, .* like 'company\*'\. Known: One, Two\.\nRename"
    ):
        keep(tmp_path, book, other.replace("firm*", "company*"))
