"""Rows that stand twice go in twice only with a word, on the screen and on every page."""

from __future__ import annotations

from pathlib import Path

from salesops.book.check import check_book
from salesops.book.source import open_book
from salesops.intake import Intake, import_book

MAP = """
[book]
currency = "EUR"
[tables.accounts]
from = "sales"
distinct = true
columns = { account_id = "firm", account_name = "firm" }
[tables.products]
from = "sales"
distinct = true
columns = { product_id = "item", product_name = "item", family = { default = "all" } }
[tables.orders]
from = "sales"
distinct = true
columns = { order_id = "no", account_id = "firm", ordered_at = "day" }
[tables.order_lines]
from = "sales"
leave_out = {}
[tables.order_lines.columns]
order_line_id = { sql = "no || '-' || _row" }
order_id = "no"
product_id = "item"
quantity = "n"
unit_price = "price"
"""
COPY = "2,A,2026-01-03,x,1,7,red\n"
SALES = f"no,firm,day,item,n,price,colour\n1,A,2026-01-02,x,1,5,red\n{COPY}{COPY}2,A,2026-01-03,x,1,7,blue\n{COPY}"


def convert(folder: Path, map_text: str = MAP) -> Intake:
    """Import the sales."""
    (folder / "sales.csv").write_text(SALES)
    (folder / "m.toml").write_text(map_text)
    return import_book(folder / "m.toml", folder / "sales.csv", folder / "book", replace=True)


def told(result: Intake) -> list[str]:
    """Return what the import and the check of the book say about rows that stand twice."""
    found = [finding for finding in check_book(open_book(result.dest)) if finding.rule == "doubled"]
    return [*result.warnings, *(f"{finding.affected} of {finding.rows}" for finding in found)]


def test_equal_rows_under_made_up_ids_are_told_of(tmp_path: Path) -> None:
    """Two of five lines are copies in every cell, also in those that no table takes; the import and the book say so."""
    warning, in_book = told(convert(tmp_path))
    assert warning.startswith("order_lines: 2 rows are equal to an earlier row in every cell of the source")
    assert "(first: row 3, 5)" in warning
    assert in_book == "2 of 5"


def test_rows_left_out_are_not_told_of(tmp_path: Path) -> None:
    """With the recipe that leaves copies out, nothing is left to say of them."""
    copies = "row_number() OVER (PARTITION BY no, item, n, price, colour ORDER BY _row) > 1"
    result = convert(tmp_path, MAP.replace("leave_out = {}", f'leave_out = {{ "a copy" = "{copies}" }}'))
    assert (told(result), [table.rows_out for table in result.tables][-1]) == ([], 3)


def test_a_query_that_numbers_its_rows(tmp_path: Path) -> None:
    """Where a query makes up the ids, rows of its source count that are equal in every cell, not in those it takes."""
    select = (
        "SELECT 'L' || row_number() OVER () AS order_line_id, no AS order_id, item AS product_id, n AS quantity, "
        "price AS unit_price FROM sales"
    )
    head, _, _ = MAP.partition("[tables.order_lines]")
    text = f'[sources]\nsales = ["*"]\n{head}[tables.order_lines]\nselect = "{select}"\n'
    warning, in_book = told(convert(tmp_path, text))
    assert warning.startswith("order_lines: 2 rows are equal to an earlier row in every cell of the source")
    assert in_book == "2 of 5"
    summed = select.replace("n AS quantity, price AS unit_price", "sum(n) AS quantity, max(price) AS unit_price")
    assert told(convert(tmp_path, text.replace(select, f"{summed} GROUP BY no, item"))) == []


def test_keys_of_the_source_tell_rows_apart(tmp_path: Path) -> None:
    """A key that the source gives, or that is put together from its columns, is not doubted."""
    text = MAP.replace("no || '-' || _row", "no || colour || _row % 9").replace("_row % 9", "n")
    assert told(convert(tmp_path, text.replace("leave_out = {}", 'where = "no = 1"'))) == []
