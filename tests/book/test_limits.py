"""What is no table, or too large for one, is refused at once with the true reason."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import duckdb
import openpyxl
import pytest
from test_intake_workbook import MAP, keep

from salesops.book.limits import LONGEST, WIDEST
from salesops.book.source import open_book
from salesops.errors import BookError, IntakeError
from salesops.intake import import_book


def refused(folder: Path, source: Path, message: str) -> None:
    """Import a file and see that it is refused, and that nothing is written."""
    (folder / "m.toml").write_text(MAP)
    with pytest.raises(IntakeError, match=message):
        import_book(folder / "m.toml", source, folder / "book")
    assert not (folder / "book").exists()


def test_a_line_without_end(tmp_path: Path) -> None:
    """A line of more than 2 MB is named by its number, and read no further."""
    (tmp_path / "firms.csv").write_text("id,note\n1,x\n2," + "y" * (2 * LONGEST))
    refused(tmp_path, tmp_path / "firms.csv", r"firms.csv: line 3 is longer than 2 MB, so this is no table of rows")


def test_a_long_cell_of_many_lines_is_no_long_line(tmp_path: Path) -> None:
    """A quoted cell of 1.5 MB in short lines is a cell."""
    text = "some words\n" * 140_000
    (tmp_path / "territories.csv").write_text(f'territory_id,territory_name\n1,"{text}"\n')
    (row,) = open_book(tmp_path).table("territories").to_pyarrow().to_pylist()
    assert len(row["territory_name"].strip()) == len("some words\n" * 140_000) - 1


@pytest.mark.parametrize("name", ["column {}", "{}"])
def test_a_million_columns(tmp_path: Path, name: str) -> None:
    """A header of a million names is refused for their number, not for what it leads to."""
    header = ",".join(name.format(number) for number in range(1_000_000))
    (tmp_path / "firms.csv").write_text(f"{header}\n{',' * 999_999}\n")
    refused(
        tmp_path, tmp_path / "firms.csv", r"firms.csv(: line 1 is longer than 2 MB and has over | has )\d\d.*columns"
    )


@pytest.mark.long
def test_a_header_longer_than_the_sample(tmp_path: Path) -> None:
    """A header of 3,000 long names is read to its end, and so is its last column."""
    names = [
        "territory_id",
        *(f"a custom field with a long name {number:,}" for number in range(3000)),
        "territory_name",
    ]
    assert len(names) < WIDEST
    header = ";".join(names)
    assert len(header) > 1 << 16
    (tmp_path / "territories.csv").write_text(f"{header}\n{';'.join(['1', *['x'] * 3000, 'North'])}\n")
    assert open_book(tmp_path).table("territories").territory_name.to_pyarrow().to_pylist() == ["North"]


def test_a_book_is_refused_likewise(tmp_path: Path) -> None:
    """The same holds for a CSV file of a book."""
    (tmp_path / "users.csv").write_text("x" * (2 * LONGEST))
    with pytest.raises(BookError, match=r"users.csv: line 1 is longer than 2 MB"):
        open_book(tmp_path).table("users")


def test_a_workbook_of_gigabytes(tmp_path: Path) -> None:
    """A workbook that unpacks to more than 2 GB is refused by what its index says, without unpacking."""
    with zipfile.ZipFile(tmp_path / "firms.xlsx", "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<x/>")
        archive.filelist[0].file_size = 3_000_000_000
    refused(
        tmp_path, tmp_path / "firms.xlsx", r"firms.xlsx holds 3.0 GB when unpacked, more than 2 GB. Export it as CSV"
    )


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        ("EncryptedPackage", "is protected by a password, so it cannot be read"),
        ("Workbook", r"of the old kind \(.xls\)"),
    ],
)
def test_a_workbook_that_is_a_compound_file(tmp_path: Path, stream: str, message: str) -> None:
    """A workbook with a password, and one of old, say what they are."""
    head = bytes.fromhex("d0cf11e0a1b11ae1")
    (tmp_path / "firms.xlsx").write_bytes(head + b"\0" * 100_000 + stream.encode("utf-16-le") + b"\0" * 512)
    refused(tmp_path, tmp_path / "firms.xlsx", message)


def test_a_file_that_only_ends_like_a_workbook(tmp_path: Path) -> None:
    """A page of HTML is no workbook."""
    (tmp_path / "firms.xlsx").write_text("<html><table><tr><td>1</td></tr></table></html>")
    refused(tmp_path, tmp_path / "firms.xlsx", re.escape("firms.xlsx cannot be read: it is no workbook"))


def test_headers_that_look_like_names_of_the_import(tmp_path: Path) -> None:
    """Headers c0, c1 and so on, in another order, and _row or _cell_1, stay with their own cells."""
    book = openpyxl.Workbook()
    book.active.title = "Firms"
    book.active.append(["c1", "c2", "c0", "_row", "_cell_0", "_part"])
    book.active.append(["A", 7, "Ada", "x", "y", "z"])
    columns = (
        'columns = { account_id = "c1", account_name = "c0", annual_revenue = "c2", industry = "_row (2)", '
        'country = { sql = \'"_cell_0 (2)" || "_part (2)"\' } }'
    )
    result = keep(
        tmp_path, book, MAP.splitlines()[1] + f'\nfirms = ["firm*"]\n[tables.accounts]\nfrom = "firms"\n{columns}\n'
    )
    query = f"SELECT account_id, account_name, annual_revenue, industry, country FROM '{result.dest}/accounts.parquet'"
    assert duckdb.sql(query).fetchall() == [("A", "Ada", 7, "x", "yz")]
