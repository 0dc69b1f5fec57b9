"""A second table on a sheet, below or beside the first, is told and not mixed in; gaps in one table make no second."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from test_intake_workbook import keep
from test_maps_history import ask

from salesops.book.check import check_book
from salesops.book.source import open_book
from salesops.intake import Intake

MAP = """
[tables.accounts]
from = "Firms"
[tables.accounts.columns]
account_id = "No"
account_name = "Customer"
annual_revenue = "Value"
industry = "Rep"
"""
HEAD = ["No", "Customer", "Value"]
ROWS = [[1, "Ada", 10], [2, "Bea", 20], [3, "Cy", 30]]


def sheet(folder: Path, *rows: list[object]) -> Intake:
    """Import a sheet of these rows."""
    book = openpyxl.Workbook()
    book.active.title = "Firms"
    for row in rows:
        book.active.append(row)
    return keep(folder, book, MAP)


def firms(result: Intake) -> list[tuple[object, ...]]:
    """Return the rows that were written."""
    return ask(result, "SELECT account_id, account_name, annual_revenue FROM {accounts} ORDER BY 1")


EXPECTED = [("1", "Ada", 10), ("2", "Bea", 20), ("3", "Cy", 30)]


@pytest.mark.parametrize(
    ("second", "headed"),
    [
        ([["Rep", "Target"], ["Kim", 100], ["Lee", 200]], "Rep Target"),
        ([["Rep", "Region"], ["Kim", "North"], ["Lee", "South"]], "Rep Region"),
        ([[None, "Rep", "Region"], [None, "Kim", "North"], [None, "Lee", "South"]], "Rep Region"),
        ([["Targets of 2026"], ["Rep", "Target"], ["Kim", 100], ["Lee", 200]], "Rep Target"),
        ([["Targets"], [], ["Rep", "Target"], ["Kim", 100], ["Lee", 200]], "Rep Target"),
        ([HEAD, [4, "Dee", 40], [5, "Eve", 50]], "No Customer Value"),
        ([["Month", "Sales", "Goal", "Gap"], ["2026-01", 5, 6, 1], ["2026-02", 5, 6, 1]], "Month Sales Goal"),
    ],
)
def test_a_table_below(tmp_path: Path, second: list[list[object]], headed: str) -> None:
    """Rows below a header that follows a blank row are another table: named by the import and by check."""
    result = sheet(tmp_path, HEAD, *ROWS, ["Total", None, 60], [], *second)
    assert firms(result) == EXPECTED
    told = f"Firms in firms.xlsx: 2 rows not read, a second table below the first, headed '{headed}'"
    assert f"  {told}" in result.lines()
    (warning,) = [str(f) for f in check_book(open_book(result.dest)) if f.rule == "not read"]
    assert warning == (
        "accounts: 2 of 5 rows were left in the source by the import: a second table below the first, headed "
        f"'{headed}'. Put each table on a sheet of its own."
    )


@pytest.mark.parametrize(
    "after",
    [
        [[4, "Dee", 40]],
        [[4, "Dee", None]],
        [["4a", "Dee", "n/a"], [5, "Eve", 50]],
        [["Total", None, 60]],
        [["Confidential Information - Do Not Distribute"]],
    ],
)
def test_blank_rows_in_one_table(tmp_path: Path, after: list[list[object]]) -> None:
    """Data and footers after a blank row are no second table."""
    rows = [[cell if cell != "n/a" else None for cell in row] for row in after]
    result = sheet(tmp_path, HEAD, *ROWS, [], *rows)
    assert [f for f in check_book(open_book(result.dest)) if f.rule == "not read"] == []
    assert firms(result)[:3] == EXPECTED


def test_a_table_of_names_may_have_blank_rows(tmp_path: Path) -> None:
    """Where all cells are texts nothing tells a header from a row, and all rows are read."""
    columns = 'columns = { account_id = "Name", account_name = "Name", country = "Land" }'
    text = f'[tables.accounts]\nfrom = "Firms"\n{columns}\n'
    book = openpyxl.Workbook()
    book.active.title = "Firms"
    for row in (["Name", "Land"], ["Ada", "DE"], [], ["Bea", "FR"], ["Cy", "IT"]):
        book.active.append(row)
    assert ask(keep(tmp_path, book, text), "SELECT count(*) FROM {accounts}") == [(3,)]


@pytest.mark.parametrize(
    "beside",
    [
        [["Rep", "Target"], ["Kim", 100]],
        [["Customer", "Target"], ["Kim", 100], ["Lee", 200], ["Max", 300]],
        [["Rep", "Target"], ["Kim", 100], ["Lee", 200], ["Max", 300], ["Noa", 400], ["Oda", 500]],
    ],
)
def test_a_table_beside(tmp_path: Path, beside: list[list[object]]) -> None:
    """Columns behind an empty one that are shorter, longer, or repeat a header are another table."""
    rows = []
    for at in range(max(len(ROWS) + 1, len(beside))):
        left = [HEAD, *ROWS][at] if at <= len(ROWS) else [None] * 3
        rows.append([*left, None, *(beside[at] if at < len(beside) else [])])
    result = sheet(tmp_path, *rows)
    assert firms(result) == EXPECTED
    named = ", ".join(str(cell) for cell in beside[0])
    told = f"{len(beside) - 1} row{'' if len(beside) == 2 else 's'} not read, a second table beside the first"
    assert f"  Firms in firms.xlsx: {told}, in columns E to F ({named})" in result.lines()
    assert "industry" not in ask(result, "SELECT list(column_name) FROM (DESCRIBE FROM {accounts})")[0][0]


def test_an_empty_column_in_one_table(tmp_path: Path) -> None:
    """A table with an empty column in it, such as a report of a bookkeeping program, is one table."""
    head = ["No", "Customer", None, "Value", "Rep"]
    rows = [[1, "Ada", None, 10, "Kim"], [2, "Bea", None, 20, "Lee"], [3, "Cy", None, 30, None]]
    result = sheet(tmp_path, head, *rows)
    assert firms(result) == EXPECTED
    assert ask(result, "SELECT industry FROM {accounts} ORDER BY account_id") == [("Kim",), ("Lee",), (None,)]
