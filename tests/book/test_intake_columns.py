"""What a map can say about a column or a source, each with values reckoned by hand."""

from __future__ import annotations

import datetime as dt
import sqlite3
import tempfile
from pathlib import Path

import duckdb
import examples
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.errors import IntakeError, MapError
from salesops.intake import Intake, import_book
from salesops.intake.mapfile import read_map
from salesops.intake.names import clean_headers, find_header

ACCOUNTS = '[tables.accounts]\nfrom = "firms"\n[tables.accounts.columns]\naccount_id = "id"\naccount_name = "name"\n'


def convert(folder: Path, map_text: str, **files: str) -> Intake:
    """Import CSV files given as text by a map given as text."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    for name, text in files.items():
        (source / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "m.toml").write_text(map_text, encoding="utf-8")
    return import_book(folder / "m.toml", source, folder / "book", replace=True)


def column(result: Intake, table: str, name: str) -> list[object]:
    """Return a column of a table that was written, in the order of the source."""
    return [row[0] for row in duckdb.sql(f"SELECT {name} FROM '{result.dest / table}.parquet'").fetchall()]


@pytest.mark.parametrize(
    ("spec", "cells", "expected"),
    [
        ('industry = { from = "x", values = { technolgy = "technology", "n/a" = "" } }',
         ["Technolgy", "n/a", "retail"], ["technology", None, "retail"]),
        ('industry = { from = "x", values = { a = "A" }, other = "rest" }', ["a", "b", ""], ["A", "rest", None]),
        ('industry = { from = "x", default = "unknown" }', ["a", "", "b"], ["a", "unknown", "b"]),
        ('industry = { default = "all" }', ["a", "b", "c"], ["all"] * 3),
        ('industry = { from = "x", first_of = ";" }', ["17;23", " 5 ", ""], ["17", "5", None]),
        ('industry = { from = [["name", "x"]] }', ["a", "", "c"], ["N1 a", "N2", "N3 c"]),
        ('industry = { from = ["nope", "X"] }', ["a", "b", "c"], ["a", "b", "c"]),
        ('industry = { from = ["x", "name"], first_filled = true }', ["a", "", "c"], ["a", "N2", "c"]),
        ("industry = { sql = \"x || '!' || _row\" }", ["a", "b", "c"], ["a!1", "b!2", "c!3"]),
        ('annual_revenue = { sql = "x * 1e6" }', ["1.5", "2", "3"], [1.5e6, 2e6, 3e6]),
        ('annual_revenue = { from = "x", percent = true }', ["60", "60%", "0.5"], [0.6, 0.6, 0.005]),
        ('annual_revenue = "x"', ["$1,234.50", "(20)", ""], [1234.5, -20.0, None]),
        ('created_date = { from = "x", excel_date = true }', ["46022", "2026-01-02", ""],
         [dt.date(2025, 12, 31), dt.date(2026, 1, 2), None]),
        ('number_of_employees = { sql = "year(x)" }', ["2026-01-02", "2025-12-31", "2024-02-29"], [2026, 2025, 2024]),
        ("industry = { sql = \"'0' || x\" }", ["007", "12", "3"], ["0007", "012", "03"]),
    ],
)  # fmt: skip  # one conversion an item
def test_a_column_is_converted(tmp_path: Path, spec: str, cells: list[str], expected: list[object]) -> None:
    """Each key of a column does what data/maps/README.md says."""
    lines = [f'{n},N{n},"{cell}"' for n, cell in enumerate(cells, start=1)]
    result = convert(tmp_path, ACCOUNTS + spec, firms="id,name,x\n" + "\n".join(lines))
    assert column(result, "accounts", spec.split(" ")[0]) == pytest.approx(expected)


def test_renames_and_several_values_are_counted(tmp_path: Path) -> None:
    """Every change of a cell is told with the number of rows it touched."""
    spec = 'industry = { from = "x", values = { a = "A" } }\ncountry = { from = "y", first_of = ";" }'
    result = convert(tmp_path, ACCOUNTS + spec, firms="id,name,x,y\n1,N,a,DE;FR\n2,M,a,DE\n3,O,A,IT;US;UK\n")
    assert "  2 rows: industry 'a' → 'A'" in result.lines()
    assert "  2 rows: country names several, the first is kept" in result.lines()


def test_names_become_ids(tmp_path: Path) -> None:
    """lookup finds ids by name or e-mail without regard to case; ids stay; a shared name is not guessed."""
    text = """
    [tables.users]
    from = "people"
    columns = { user_id = "id", user_name = "name", email = "mail" }
    """ + ACCOUNTS + 'owner_id = { from = "rep", lookup = ["user_name", "email"] }\n'  # fmt: skip  # reads as the map
    people = "id,name,mail\n1,Ann Lee,a@x\n2,Bob,b@x\n3,Bob,c@x\n"
    result = convert(tmp_path, text, people=people, firms="id,name,rep\n7,A,ann lee\n8,B,c@x\n9,C,2\n")
    assert column(result, "accounts", "owner_id") == ["1", "3", "2"]
    shared = "A name that several users have is not looked up: map the column with the id instead"
    with pytest.raises(IntakeError, match=rf"names an owner_id that is not in users .first: row 1 'Bob'.*{shared}"):
        convert(tmp_path, text, people=people, firms="id,name,rep\n7,A,Bob\n")


def test_a_time_without_an_offset_is_the_clock_on_the_wall(tmp_path: Path) -> None:
    """Late in the evening or just after midnight, an order counts on the day that its export shows, east and west of
    Greenwich, read as it is or through SQL; such times are counted. One with an offset is the instant that it says."""
    text = """
    [book]
    currency = "EUR"
    time_zone = "ZONE"
    [tables.orders]
    from = "till"
    columns = { order_id = "No", account_id = "Who", ordered_at = WHEN }
    """
    till = "No;Who;When\n1;A;31.03.2026 23:30\n2;A;01.04.2026\n3;A;01.04.2026 00:00\n4;A;2026-03-31T21:30:00Z\n"
    ways = {"as it is": '"When"', "SQL": "{ sql = '\"When\"' }"}
    for zone, last in (("Europe/Berlin", "31 23:30"), ("America/New_York", "31 17:30")):
        shown = f"strftime(timezone('{zone}', ordered_at), '%d %H:%M')"
        for way, when in ways.items():
            result = convert(tmp_path, text.replace("WHEN", when).replace("ZONE", zone), till=till)
            assert column(result, "orders", shown) == ["31 23:30", "01 00:00", "01 00:00", last], (zone, way)
        told = f"  2 rows: ordered_at is a time without an offset, taken from the clock of {zone}"
        result = convert(tmp_path, text.replace("WHEN", '"When"').replace("ZONE", zone), till=till)
        assert told in result.lines()
    days = "{ sql = 'CAST(\"When\" AS DATE)' }"
    result = convert(tmp_path, text.replace("WHEN", days).replace("ZONE", "Europe/Berlin"), till=till)
    shown = "strftime(timezone('Europe/Berlin', ordered_at), '%d %H:%M')"
    assert column(result, "orders", shown) == ["31 00:00", "01 00:00", "01 00:00", "31 00:00"]
    assert not any("without an offset" in line for line in result.lines())


def test_an_export_that_writes_utc_can_say_so(tmp_path: Path) -> None:
    """The recipe of data/maps/README.md: a time of UTC without an offset is turned to the book's time zone."""
    text = """
    [book]
    currency = "EUR"
    time_zone = "Europe/Berlin"
    [tables.orders]
    from = "till"
    [tables.orders.columns]
    order_id = "No"
    account_id = "Who"
    ordered_at = { sql = '''strftime("When", '%Y-%m-%d %H:%M:%SZ')''' }
    """
    result = convert(tmp_path, text, till="No;Who;When\n1;A;31.03.2026 23:30\n")
    assert column(result, "orders", "strftime(timezone('Europe/Berlin', ordered_at), '%d %H:%M')") == ["01 01:30"]


def test_distinct_rows_that_differ(tmp_path: Path) -> None:
    """Where distinct rows share a key, the repair is not distinct but one row of each."""
    text = ACCOUNTS.replace("[tables.accounts.columns]", "distinct = true\n[tables.accounts.columns]")
    with pytest.raises(IntakeError, match=r"1 of 2 rows repeats the account_id.*other columns differ: take one row of"):
        convert(tmp_path, text, firms="id,name\n1,A\n1,A\n1,B\n")


def test_birthdays_lose_their_year(tmp_path: Path) -> None:
    """A full date of birth becomes month and day; the year never reaches the book."""
    text = ACCOUNTS + '[tables.contacts]\nfrom = "people"\ncolumns = { contact_id = "id", account_id = "firm", '
    text += 'contact_name = "name", birthday_mmdd = "born" }'
    people = "id,firm,name,born\n1,1,A,1980-02-29\n2,1,B,\n3,1,C,1971-10-06\n"
    result = convert(tmp_path, text, firms="id,name\n1,N\n", people=people)
    assert column(result, "contacts", "birthday_mmdd") == ["02-29", None, "10-06"]


def test_where_and_distinct(tmp_path: Path) -> None:
    """where sends rows to rejected/ with its words; distinct reads equal rows once and skips those without key."""
    text = ACCOUNTS.replace(
        "[tables.accounts.columns]", "distinct = true\nwhere = \"name <> 'test'\"\n[tables.accounts.columns]"
    )
    result = convert(tmp_path, text, firms="id,name\n1,A\n1,A\n,B\n2,test\n")
    assert column(result, "accounts", "account_id") == ["1"]
    assert result.tables[0].set_aside == (("left out by where (name <> 'test')", 1),)
    assert "  1 row without account_id, so not of this table" in result.lines()


def test_rows_are_left_out_by_reason(tmp_path: Path) -> None:
    """leave_out sets rows aside under the first reason that holds, before where; rejected/ names it for each row."""
    text = ACCOUNTS.replace("[tables.accounts.columns]", LEFT_OUT)
    result = convert(tmp_path, text, firms="id,name\n1,A\n2,test\n3,A\n4,\n5,test\n6,B\n7,other\n")
    assert column(result, "accounts", "account_id") == ["1", "6"]
    assert result.tables[0].set_aside == (
        ("a test", 2),
        ("its name stands twice", 1),
        ("left out by where (name <> 'other')", 2),
    )
    rejected = (result.dest / "rejected" / "accounts.csv").read_text(encoding="utf-8").splitlines()
    assert rejected[:3] == ["reason,row,id,name", "a test,2,2,test", "its name stands twice,3,3,A"]


def test_rows_are_counted_by_kind(tmp_path: Path) -> None:
    """count tells how many rows of the source are of a kind, and how many of them reached the book."""
    text = ACCOUNTS.replace("[tables.accounts.columns]", LEFT_OUT)
    result = convert(tmp_path, text, firms="id,name\n1,A\n2,test\n3,A\n4,B\n")
    notes = result.tables[0].notes
    assert "2 rows: named A, 1 of them kept" in notes
    assert "1 row: named B" in notes
    assert "0 rows: named C" in notes
    assert result.tables[0].unused == ()


LEFT_OUT = """
where = "name <> 'other'"
[tables.accounts.leave_out]
"a test" = "name = 'test'"
"its name stands twice" = "row_number() OVER (PARTITION BY name ORDER BY _row) > 1"
[tables.accounts.count]
"named A" = "name = 'A'"
"named B" = "name = 'B'"
"named C" = "name = 'C'"
[tables.accounts.columns]"""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("leave_out = 'x'", r"tables.accounts.leave_out must be a table of keys"),
        ("leave_out = { a = 1 }", r"tables.accounts.leave_out.a must be a text in quotes"),
        ("leave_out = { a = { sql = 'id' } }", r"tables.accounts.leave_out.a .*needs optional = true"),
        ("leave_out = { a = { sq = 'id' } }", r"leave_out.a\] has an unknown key 'sq'.*'sql'"),
        ("count = { a = ' ' }", r"\[tables.accounts.count\] needs words and SQL"),
        (
            "leave_out = { 'a test' = 'nmae = 1' }",
            r"\[tables.accounts\] leave_out 'a test': nmae = 1: .*nmae.*The columns",
        ),
        ("count = { 'named A' = 'name = ' }", r"\[tables.accounts\] count 'named A'"),
    ],
)
def test_a_wrong_condition_is_named(tmp_path: Path, line: str, words: str) -> None:
    """A condition that is no SQL, or names no column, is an error with its place in the map and the columns."""
    text = ACCOUNTS.replace("[tables.accounts.columns]", f"{line}\n[tables.accounts.columns]")
    with pytest.raises(MapError, match=words):
        convert(tmp_path, text, firms="id,name\n1,A\n")


def test_one_table_from_the_first_source_that_is_there(tmp_path: Path) -> None:
    """[[tables.x]] and a list in from try sources in order; optional tables are left out and named."""
    text = (
        ACCOUNTS.replace('"firms"', '["companies", "firms"]') + '[tables.products]\nfrom = "goods"\noptional = true\n'
    )
    text += 'columns = { product_id = "id", product_name = "id", family = "id" }\n'
    result = convert(tmp_path, text, firms="id,name\n1,A\n")
    assert result.skipped == ("products: left out, no source 'goods'",)
    result = convert(tmp_path, text, companies="id,name\n2,B\n")
    assert column(result, "accounts", "account_id") == ["2"]


def test_a_single_file_needs_no_name(tmp_path: Path) -> None:
    """One file stands for the one source of a map, whatever it is called."""
    (tmp_path / "export 2026.csv").write_text("id,name\n1,A\n")
    (tmp_path / "m.toml").write_text(ACCOUNTS)
    result = import_book(tmp_path / "m.toml", tmp_path / "export 2026.csv", tmp_path / "book")
    assert column(result, "accounts", "account_name") == ["A"]


def test_sql_that_fails_on_a_cell_says_how_to_go_on(tmp_path: Path) -> None:
    """A cast that a cell does not allow is a MapError that names the table and TRY_CAST."""
    spec = 'created_date = { sql = "CAST(x AS DATE)" }'
    with pytest.raises(MapError, match=r"\[tables\.accounts\]: .*Where a cell may not fit, use TRY_CAST"):
        convert(tmp_path, ACCOUNTS + spec, firms="id,name,x\n1,A,2026-01-01\n2,B,soon\n")


def test_a_default_in_place_of_a_missing_column_is_told(tmp_path: Path) -> None:
    """Where a header is not found its default fills every row, and the import says so; constants need no word."""
    spec = 'country = { from = "land", default = "DE" }\nindustry = { default = "x" }'
    lines = convert(tmp_path, ACCOUNTS + spec, firms="id,name\n1,A\n").lines()
    assert "  country filled with 'DE' in every row: no such column in the source" in lines
    assert not any("industry" in line for line in lines)


def test_optional_sql_is_left_out_where_its_columns_are_missing(tmp_path: Path) -> None:
    """optional lets an expression be skipped when the export lacks its columns; the column is named."""
    result = convert(tmp_path, ACCOUNTS + 'country = { sql = "land", optional = true }', firms="id,name\n1,A\n")
    assert "  left empty, no such column in the source: country" in result.lines()


def test_files_of_one_pattern_are_read_as_one(tmp_path: Path) -> None:
    """Yearly files with equal headers are stacked, and said so; files with other headers are refused."""
    text = '[sources]\nfirms = "firms_*"\n' + ACCOUNTS
    result = convert(tmp_path, text, firms_2025="id,name\n1,A\n", firms_2026="name,id\nB,2\n")
    assert column(result, "accounts", "account_name") == ["A", "B"]
    assert any("2 files read as one" in line for line in result.lines())
    with pytest.raises(IntakeError, match="stands for 3 files whose headers differ"):
        convert(tmp_path, text, firms_old="number,name\n1,A\n")


def test_sources_stacked_by_the_map(tmp_path: Path) -> None:
    """from = [["a", "b"]] puts sources under one another; what one does not have is empty there."""
    text = ACCOUNTS.replace('"firms"', '[["firms", "more", "none"]]') + 'country = "land"\n'
    result = convert(tmp_path, text, firms="id,name\n1,A\n", more="id,name,land\n2,B,DE\n")
    assert column(result, "accounts", "country") == [None, "DE"]


DEALS = [("D1", 1250.5, dt.datetime(2026, 1, 20), True), ("007", 3, dt.datetime(2026, 3, 31, 14, 30), False)]
TABLE_MAP = """
[book]
currency = "EUR"
[tables.users]
select = "SELECT 'u' AS user_id, 'U' AS user_name, DATE '2020-01-01' AS hire_date"
[tables.opportunities]
from = "deals"
[tables.opportunities.columns]
opportunity_id = "No *"
owner_id = { default = "u" }
stage_name = { default = "s" }
amount = "Value"
close_date = "Closed"
is_closed = "Won"
is_won = "Won"
"""


def _workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "deals"
    for row in [["My report"], [], ["No", "Value", "Closed", "Won"], *DEALS]:
        sheet.append(row)
    book.create_sheet("other").append(["x"])
    book.save(path / "crm.xlsx")


def _sqlite(path: Path) -> None:
    con = sqlite3.connect(path / "crm.sqlite")
    con.execute("CREATE TABLE deals (No TEXT, Value REAL, Closed TEXT, Won BOOLEAN)")
    con.executemany("INSERT INTO deals VALUES (?, ?, ?, ?)", [(a, b, str(c), d) for a, b, c, d in DEALS])
    con.commit()
    con.close()


def _duckdb(path: Path) -> None:
    with duckdb.connect(str(path / "crm.duckdb")) as con:
        con.execute("CREATE TABLE deals (No VARCHAR, Value DOUBLE, Closed TIMESTAMP, Won BOOLEAN)")
        con.executemany("INSERT INTO deals VALUES (?, ?, ?, ?)", DEALS)


def _parquet(path: Path) -> None:
    _duckdb(path)
    with duckdb.connect(str(path / "crm.duckdb"), read_only=True) as con:
        con.execute(f"COPY deals TO '{path / 'deals.parquet'}'")
    (path / "crm.duckdb").unlink()


def _tsv(path: Path) -> None:
    lines = ["No *\tValue\tClosed\tWon", *("\t".join(str(cell) for cell in deal) for deal in DEALS)]
    (path / "deals.tsv").write_text("\n".join(lines))


@pytest.mark.parametrize("make", [_workbook, _sqlite, _duckdb, _parquet, _tsv])
@pytest.mark.parametrize("alone", [False, True])
def test_every_kind_of_source_gives_the_same_book(tmp_path: Path, make: object, alone: bool) -> None:
    """XLSX, SQLite, DuckDB, Parquet and TSV, as a file or in a folder, give the same rows; ids keep leading zeros."""
    source = tmp_path / "in"
    source.mkdir()
    make(source)  # type: ignore[operator]  # each takes the folder
    (tmp_path / "m.toml").write_text(TABLE_MAP)
    result = import_book(tmp_path / "m.toml", next(source.iterdir()) if alone else source, tmp_path / "book")
    query = f"SELECT opportunity_id, amount, close_date, is_won FROM '{result.dest / 'opportunities.parquet'}'"
    assert duckdb.sql(query).fetchall() == [
        ("D1", 1250.5, dt.date(2026, 1, 20), True), ("007", 3.0, dt.date(2026, 3, 31), False),
    ]  # fmt: skip  # one deal an item


def test_excel_dates_in_a_workbook_are_seen(tmp_path: Path) -> None:
    """A number among the dates of a workbook is Excel's count of days; the import says how many it read so."""
    book = openpyxl.Workbook()
    book.active.title = "firms"
    for row in [["id", "name", "since"], [1, "A", 45631], [2, "B", dt.datetime(2024, 12, 6)]]:
        book.active.append(row)
    book.save(tmp_path / "x.xlsx")
    (tmp_path / "m.toml").write_text(ACCOUNTS + 'created_date = "since"')
    result = import_book(tmp_path / "m.toml", tmp_path / "x.xlsx", tmp_path / "book")
    assert column(result, "accounts", "created_date") == [dt.date(2024, 12, 5), dt.date(2024, 12, 6)]
    assert any("1 row: created_date given as the number of a day in Excel" in line for line in result.lines())


def test_words_for_an_empty_cell(tmp_path: Path) -> None:
    """The texts in `empty` empty a cell of any column, whatever their case, and are counted once a source."""
    text = 'empty = ["(none)", "n/a"]\n' + ACCOUNTS + 'number_of_employees = "size"\nindustry = "kind"'
    result = convert(tmp_path, text, firms="id,name,size,kind\n1,A,(None),n/a\n2,none,7,N/A \n")
    assert column(result, "accounts", "number_of_employees") == [None, 7.0]
    assert column(result, "accounts", "industry") == [None, None]
    assert column(result, "accounts", "account_name") == ["A", "none"]
    assert "  firms.csv: 3 cells with '(none)' or 'n/a' read as empty" in result.lines()


@pytest.mark.parametrize(("header", "kept"), [("gone", ["2"]), ("other", ["1", "2"])])
def test_a_condition_on_a_column_that_may_be_absent(tmp_path: Path, header: str, kept: list[str]) -> None:
    """An optional condition leaves rows out where the source has its column, and nothing where it has not."""
    condition = '[tables.accounts.leave_out]\n"a ghost" = { sql = "gone", optional = true }\n'
    text = ACCOUNTS.replace("[tables.accounts.columns]", f"{condition}[tables.accounts.columns]")
    result = convert(tmp_path, text, firms=f"id,name,{header}\n1,A,true\n2,B,false\n")
    assert column(result, "accounts", "account_id") == kept


def test_of_two_definitions_the_one_whose_columns_are_there(tmp_path: Path) -> None:
    """Where two definitions read one source, the first whose columns it has is taken; if none, the first is named."""
    second = '[[tables.accounts]]\nfrom = "firms"\ncolumns = { account_id = "No", account_name = "No" }\n'
    text = ACCOUNTS.replace("[tables.accounts]", "[[tables.accounts]]") + "\n" + second
    assert column(convert(tmp_path, text, firms="No,x\n5,A\n"), "accounts", "account_name") == ["5"]
    assert column(convert(tmp_path, text, firms="id,name,No\n1,A,5\n"), "accounts", "account_name") == ["A"]
    with pytest.raises(IntakeError, match=r"account_name: no column 'name' in firms\.csv"):
        convert(tmp_path, text, firms="id,x\n1,A\n")


def test_what_stands_around_the_rows_of_a_sheet(tmp_path: Path) -> None:
    """A title, a line of four cells above the header, and a row of totals below the rows are left out and quoted."""
    book = openpyxl.Workbook()
    book.active.title = "firms"
    wide = [None] * 6
    for row in [
        ["Firms"],
        ["By", "Ann", "Of", "May"],
        ["id", "name", "since", *"abcdef"],
        [1, "A", 45631, *wide[1:], 1],
    ]:
        book.active.append(row)
    for row in [[2, "B", 45632, *"uvwxyz"], [], ["Total", None, None, 3], ["Confidential"]]:
        book.active.append(row)
    book.save(tmp_path / "x.xlsx")
    (tmp_path / "m.toml").write_text(ACCOUNTS + 'created_date = "since"')
    result = import_book(tmp_path / "m.toml", tmp_path / "x.xlsx", tmp_path / "book")
    assert column(result, "accounts", "account_id") == ["1", "2"]
    for note in (
        "2 rows above the header left out: 'Firms', 'By Ann Of May'",
        "2 rows after the data were left out as a report footer: 'Total 3', 'Confidential'",
    ):
        assert f"  firms in x.xlsx: {note}" in result.lines()


@pytest.mark.parametrize("name", ["x.xls", "x.pdf"])
def test_a_file_of_another_kind(tmp_path: Path, name: str) -> None:
    """A file that cannot be read is refused with the formats that can."""
    (tmp_path / name).write_text("x")
    (tmp_path / "m.toml").write_text(ACCOUNTS)
    with pytest.raises(IntakeError, match="Expected CSV, TSV, TXT, XLSX, Parquet, SQLite or DuckDB"):
        import_book(tmp_path / "m.toml", tmp_path / name, tmp_path / "book")


@pytest.mark.parametrize("name", ["x.xlsx", "x.sqlite", "x.duckdb", "x.parquet"])
def test_a_broken_file(tmp_path: Path, name: str) -> None:
    """A file that is not what its ending says is refused by name, without a traceback."""
    (tmp_path / name).write_bytes(b"not what it says" * 400)
    (tmp_path / "m.toml").write_text('[sources]\nfirms = "x"\n' + ACCOUNTS)
    with pytest.raises(IntakeError, match=rf"{name} cannot be read"):
        import_book(tmp_path / "m.toml", tmp_path / name, tmp_path / "book")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = [", r"m\.toml is not valid TOML"),
        ("titel = 'x'\n" + ACCOUNTS, "the map has an unknown key 'titel'. Did you mean 'title'"),
        (ACCOUNTS.replace("tables.accounts", "tables.acounts"), r"\[tables\] has an unknown key 'acounts'.*'accounts'"),
        (ACCOUNTS + 'contry = "x"', r"\[tables\.accounts\.columns\] has an unknown key 'contry'.*'country'"),
        (ACCOUNTS + 'country = { form = "x" }', "unknown key 'form'. Did you mean 'from'"),
        (ACCOUNTS + 'country = { percent = true }', "country needs one of from, sql or default"),
        (ACCOUNTS + 'country = { from = "x", sql = "y" }', "has both 'from' and 'sql'"),
        (ACCOUNTS + 'country = { from = "x", lookup = "y" }', "remove 'lookup'"),
        (ACCOUNTS + 'parent_id = { from = "x", lookup = "nam" }', "accounts has no column 'nam'"),
        (ACCOUNTS + "[book]\ncurrency = 'Euro'", r"\[book\]: currency must be an ISO code"),
        ("title = 'x'", "maps no table"),
        ("[tables.accounts]", "names no columns"),
        (ACCOUNTS.replace('from = "firms"', 'from = "firms"\nselect = "x"'), "has both 'from' and 'select'"),
        (ACCOUNTS.replace('account_name = "name"', ""), 'gives no account_name .*Add account_name = "Header"'),
    ],
)  # fmt: skip  # one fault a line
def test_a_faulty_map_names_file_key_and_repair(tmp_path: Path, text: str, message: str) -> None:
    """Every fault of a map is a MapError with the place and the nearest right word."""
    with pytest.raises(MapError, match=message):
        convert(tmp_path, text, firms="id,name,x\n1,A,B\n")


def test_an_unknown_map_is_named_with_the_nearest() -> None:
    """A misspelt name of a shipped map leads to the right one."""
    with pytest.raises(MapError, match=r"There is no map 'salesfroce'\. Did you mean 'salesforce'"):
        read_map("salesfroce")
    with pytest.raises(MapError, match="There is no map file"):
        read_map("elsewhere/my.toml")


def test_a_header_that_is_only_a_star() -> None:
    """A star after a name marks it as required; alone it is the name."""
    assert clean_headers(["*", "Name *", None]) == ["*", "Name", "column 3"]


def test_headers_are_found_whatever_their_spelling() -> None:
    """Case, spaces, underscores, hyphens and a trailing star do not matter; an exact match wins; doubt is no match."""
    assert find_header("Close Date", ["id", "close_date"]) == "close_date"
    assert find_header("CLOSE  DATE*", ["closeDate", "Close Date"]) == "Close Date"
    assert find_header("CloseDate", ["Close Date", "close_date"]) is None
    assert clean_headers([" Name* ", "name", None]) == ["Name", "name (2)", "column 3"]


@pytest.mark.long
@settings(max_examples=examples.of(25), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["x", "1", ""])), min_size=1, max_size=12))
def test_no_row_is_lost(lines: list[tuple[int, str]]) -> None:
    """Whatever the rows: those written and those set aside are together those read."""
    text = "id,name,x\n" + "\n".join(f"{key or ''},N,{cell}" for key, cell in lines) + "\n9,N,1\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "firms.csv").write_text(text)
        (folder / "m.toml").write_text(ACCOUNTS + 'annual_revenue = "x"')
        result = import_book(folder / "m.toml", folder / "firms.csv", folder / "book", set_aside=True)
    table = result.tables[0]
    assert table.rows_in == len(lines) + 1
    assert table.rows_out + sum(count for _, count in table.set_aside) == table.rows_in
    good = {key for key, cell in lines if key and cell != "x"} | {9}
    assert table.rows_out == len(good)
