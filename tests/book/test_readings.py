"""Numbers that can be read in two ways: 3.000 is three thousand in money, three in prices, and the doubt is told."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_maps_history import ask

from salesops.book.check import check_book
from salesops.book.detect import find_groups
from salesops.book.source import connect, open_book
from salesops.intake import Intake, import_book

MAP = """
[book]
currency = "{currency}"
[tables.products]
from = "lines"
distinct = true
columns = {{ product_id = "No", product_name = "No", family = "No", list_price = "Price" }}
[tables.accounts]
from = "lines"
columns = {{ account_id = "No", account_name = "No", annual_revenue = "Value", number_of_employees = "Qty" }}
"""


def convert(folder: Path, text: str, currency: str = "EUR") -> Intake:
    """Import a file with the columns No, Value (money), Price (of a unit) and Qty."""
    (folder / "export").mkdir(exist_ok=True)
    (folder / "export" / "lines.csv").write_text(text)
    (folder / "m.toml").write_text(MAP.format(currency=currency))
    return import_book(folder / "m.toml", folder / "export", folder / "book", replace=True)


def values(result: Intake) -> list[object]:
    """Return the money that was read."""
    return [value for (value,) in ask(result, "SELECT annual_revenue FROM {accounts} ORDER BY account_id")]


def warnings(result: Intake) -> list[str]:
    """Return what check says of readings."""
    return [str(f) for f in check_book(open_book(result.dest)) if f.rule == "reading" and f.table == "accounts"]


def lines(*cells: str, mark: str = ";", price: str = "1") -> str:
    """Return a file whose money is given."""
    rows = [mark.join([str(number), f'"{cell}"', price, "2"]) for number, cell in enumerate(cells)]
    return "\n".join([mark.join(["No", "Value", "Price", "Qty"]), *rows, ""])


@pytest.mark.parametrize(
    ("cells", "mark", "expected"),
    [
        (["3.000", "12.500", "750"], ",", [3000, 12500, 750]),
        (["3.000", "12.500", "750"], ";", [3000, 12500, 750]),
        (["3.000", "12.500", "750"], "\t", [3000, 12500, 750]),
        (["3,000", "12,500", "750"], ";", [3000, 12500, 750]),
        (["1.234.567", "3.000"], ",", [1234567, 3000]),
        (["€ 3.000", "-12.500 €", "(1.500)"], ",", [3000, -12500, -1500]),
        (["3.000,50", "12.500"], ";", [3000.5, 12500]),
        (["3.000", "1234.500"], ",", [3, 1234.5]),
        (["3.000", "0.500"], ",", [3, 0.5]),
        (["3.000", "12.5"], ",", [3, 12.5]),
        (["0.125", "0.250"], ",", [0.125, 0.25]),
    ],
)
def test_money_with_one_mark(tmp_path: Path, cells: list[str], mark: str, expected: list[float]) -> None:
    """One mark with three digits behind it throughout a column of money means thousands, whatever parts the cells."""
    assert values(convert(tmp_path, lines(*cells, mark=mark))) == expected


def test_the_reading_is_named_by_the_import_and_by_check(tmp_path: Path) -> None:
    """What every total hangs on is said with its count, first cell and repair."""
    result = convert(tmp_path, lines("3.000", "12.500", "750"))
    assert "  2 rows: annual_revenue like '3.000', read as 3,000" in result.lines()
    assert warnings(result) == [
        "accounts: 2 of 3 rows were read by the import: annual_revenue like '3.000', read as 3,000. Set decimal in "
        "[csv] of the map if that is wrong."
    ]


@pytest.mark.parametrize("cells", [["3.000", "0.500"], ["3.000", "12.500", "7.5"]])
def test_where_the_mark_is_a_decimal_one_the_doubt_is_told(tmp_path: Path, cells: list[str]) -> None:
    """A cell that begins with 0, or another number of digits, makes the mark a decimal one; both readings are named."""
    (warning,) = warnings(convert(tmp_path, lines(*cells)))
    assert "annual_revenue like '3.000', read as 3, which may mean 3,000" in warning


def test_another_column_may_contradict(tmp_path: Path) -> None:
    """Where a price shows that the mark is the decimal one, money in thousands is in doubt."""
    result = convert(tmp_path, lines("3.000", "12.500", price="2.75"))
    assert values(result) == [3000, 12500]
    (warning,) = warnings(result)
    assert "annual_revenue like '3.000', read as 3,000, which may mean 3" in warning


def test_prices_of_a_unit_and_counts_have_decimals(tmp_path: Path) -> None:
    """A price of 1.125 is a little over one, and so is a quantity: the doubt is told."""
    result = convert(tmp_path, "No,Value,Price,Qty\n1,5,1.125,1.500\n2,6,2.250,3\n")
    assert ask(result, "SELECT list_price FROM {products} ORDER BY 1") == [(1.125,), (2.25,)]
    assert ask(result, "SELECT number_of_employees FROM {accounts} ORDER BY 1") == [(1.5,), (3,)]
    found = [str(finding) for finding in check_book(open_book(result.dest)) if finding.rule == "reading"]
    assert ["list_price like '1.125', read as 1.125, which may mean 1,125" in text for text in found] == [False, True]
    assert "number_of_employees like '1.500', read as 1.5, which may mean 1,500" in found[0]


def test_a_currency_of_a_thousand_parts(tmp_path: Path) -> None:
    """3.000 dinars of Kuwait are three."""
    result = convert(tmp_path, lines("3.000", "12.500"), currency="KWD")
    assert values(result) == [3, 12.5]
    assert "read as 3, which may mean 3,000" in warnings(result)[0]


def test_what_the_user_says_counts(tmp_path: Path) -> None:
    """With decimal in [csv] nothing is in doubt."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "lines.csv").write_text(lines("3.000", "12.500"))
    (tmp_path / "m.toml").write_text(MAP.format(currency="EUR") + '[csv]\ndecimal = "."\n')
    result = import_book(tmp_path / "m.toml", tmp_path / "export", tmp_path / "book")
    assert values(result) == [3, 12.5]
    assert warnings(result) == []


def test_a_book_of_csv_files_reads_the_same(tmp_path: Path) -> None:
    """Without an import too, and check says so."""
    head = "opportunity_id,owner_id,stage_name,amount,currency,close_date,is_closed,is_won\n"
    rows = "1,a,Won,3.000,EUR,2026-01-05,true,true\n2,a,Won,12.500,EUR,2026-01-05,true,true\n"
    (tmp_path / "Opportunities.csv").write_text(head + rows)
    book = open_book(tmp_path)
    assert sorted(book.table("opportunities").amount.to_pyarrow().to_pylist()) == [3000, 12500]
    assert [str(f) for f in check_book(book) if f.rule == "reading"] == [
        "opportunities: 2 of 2 rows have an amount like '3.000', read as 3,000. Set decimal in [csv] of book.toml if "
        "that is wrong."
    ]


def test_sql_of_a_map_takes_the_mark_for_a_decimal_one(tmp_path: Path) -> None:
    """What SQL computes with cannot be told by its column, so the doubt is named with the header."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "lines.csv").write_text("Name,Worth\nA,3.000\nB,12.500\n")
    text = '[tables.accounts]\nfrom = "lines"\n[tables.accounts.columns]\naccount_id = "Name"\naccount_name = "Name"\n'
    (tmp_path / "m.toml").write_text(text + 'annual_revenue = { sql = "Worth * 1000" }\n')
    result = import_book(tmp_path / "m.toml", tmp_path / "export", tmp_path / "book")
    assert values(result) == [3000, 12500]
    assert "  2 rows: Worth like '3.000', read as 3, which may mean 3,000" in result.lines()


def test_numbers_of_a_sheet_are_what_they_are(tmp_path: Path) -> None:
    """A number of a workbook has no mark; a text in it is read like one of a file."""
    (tmp_path / "export").mkdir()
    book = openpyxl.Workbook()
    book.active.title = "lines"
    for row in (["No", "Value", "Price", "Qty"], [1, 3.125, 1, 1], [2, 12.25, 1, 1]):
        book.active.append(row)
    book.save(tmp_path / "export" / "lines.xlsx")
    (tmp_path / "m.toml").write_text(MAP.format(currency="EUR"))
    result = import_book(tmp_path / "m.toml", tmp_path / "export", tmp_path / "book")
    assert values(result) == [3.125, 12.25]
    for row, text in ((2, "3.125"), (3, "12.250")):
        book.active.cell(row, 2).value = text
    book.save(tmp_path / "export" / "lines.xlsx")
    result = import_book(tmp_path / "m.toml", tmp_path / "export", tmp_path / "book", replace=True)
    assert values(result) == [3125, 12250]


@given(st.lists(st.integers(1, 999_999_999), min_size=1, max_size=30), st.sampled_from([",", "."]))
def test_thousands_come_back(numbers: list[int], mark: str) -> None:
    """Whole numbers written with one mark for thousands are found as such if any has just one, or as decided by two."""
    con = connect()
    written = [f"{number:,}".replace(",", mark) for number in numbers]
    con.raw_sql("CREATE TABLE t (_row BIGINT, x VARCHAR)")
    con.con.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(written)))
    groups = find_groups(con.con, "t", ["x"], mark)
    con.disconnect()
    ones = [text for text in written if text.count(mark) == 1]
    twos = [text for text in written if text.count(mark) > 1]
    assert [(group.cells, group.sure) for group in groups] == ([(len(ones), True)] if ones and not twos else [])
