"""CSV as people have it becomes text in the database, whole and in order, or an error that says the repair."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import examples
import pytest
from conftest import CALM, SHARED
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.book.connection import connect
from salesops.book.delimited import Delimited, load_delimited
from salesops.errors import BookError

Load = Callable[..., Delimited]


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return connect(folders=[tmp_path_factory.getbasetemp(), SHARED])


@pytest.fixture
def load(con: Any, tmp_path: Path) -> Load:
    """Write a file and load it into the table `raw`."""

    def run(content: str | bytes, name: str = "deals.csv", **options: Any) -> Delimited:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_delimited(con, path, "raw", options)

    return run


def rows(con: Any) -> list[tuple[Any, ...]]:
    return con.con.execute("select * from raw order by _row").fetchall()


def header(con: Any) -> tuple[str, ...]:
    return tuple(con.table("raw").columns)


TEXT = "id;city;amount\n1;Köln;12,50\n2;Genève;3,25\n"
COMMA = [("1", "Köln", "12,50", 1), ("2", "Genève", "3,25", 2)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TEXT.encode(), "UTF-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "UTF-8"),
        (TEXT.encode("cp1252"), "cp1252"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "UTF-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("utf-16-le"), "UTF-16-LE"),
        (TEXT.encode("utf-16-be"), "UTF-16-BE"),
    ],
)
def test_encodings(load: Load, con: Any, content: bytes, said: str) -> None:
    """The same text in any of the encodings gives the same rows, and the encoding is named."""
    loaded = load(content)
    assert loaded.notes[0].startswith(f"Read as {said}, separated by semicolons, decimal comma")
    assert rows(con) == COMMA
    assert header(con) == ("id", "city", "amount", "_row")


def test_late_byte_that_is_not_utf8(load: Load, con: Any) -> None:
    """One byte that UTF-8 does not have, at the very end of a large file, makes it cp1252."""
    load(b"id,name\n" + b"1,A\n" * 300_000 + b"2,Caf\xe9")
    assert rows(con)[-1] == ("2", "Café", 300_001)


@pytest.mark.parametrize(("mark", "word"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_separators(load: Load, con: Any, mark: str, word: str, newline: str) -> None:
    """Any usual separator and line end is found, and other separators inside cells are left alone."""
    lines = [["id", "note"], ["1", 'a, b; c | d\te "f"'], ["2", "two\nlines"]]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=mark, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(lines)
    loaded = load(out.getvalue())
    assert rows(con) == [("1", 'a, b; c | d\te "f"', 1), ("2", "two\nlines", 2)]
    assert f"separated by {word}" in loaded.notes[0]


cell = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip()) and not text.startswith(" ")
)


@settings(
    max_examples=examples.of(60), deadline=None, suppress_health_check=[*CALM, HealthCheck.function_scoped_fixture]
)
@given(
    table=st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=30),
    mark=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_round_trip(
    load: Load, con: Any, table: list[tuple[str, str, str]], mark: str, encoding: str, newline: str
) -> None:
    """What a spreadsheet writes is read back cell by cell, in the order of the file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b", "c"], *table])
    load(out.getvalue().encode(encoding), delimiter=mark, skip_footer=0, day_first=True)
    assert rows(con) == [(*cells, number) for number, cells in enumerate(table, 1)]


def test_blank_cells(load: Load, con: Any) -> None:
    """Empty and white cells are NULL, the words for nothing stay text, and cells keep their spaces."""
    load('id,a,b,c,d\n1,,"", \t,\u00a0\n2,NULL,NaN,N/A, x\n')
    assert rows(con) == [("1", None, None, None, None, 1), ("2", "NULL", "NaN", "N/A", " x", 2)]


def test_odd_names_and_long_cells(load: Load, con: Any) -> None:
    """Quotes, patterns and emoji in the names of file and columns, and long cells, are harmless."""
    long = "x" * 500
    load(f'"o\'id","say ""hi""",😀 ,two words\n1,2,{long},"a\nb"\n', name="o'brien [1]*.csv")
    assert header(con) == ("o'id", 'say "hi"', "😀", "two words", "_row")
    assert rows(con) == [("1", "2", long, "a\nb", 1)]


@pytest.mark.parametrize(
    ("above", "said"),
    [
        ("Orders of 2026;;;\n\n", "1 row above the header left out: 'Orders of 2026'."),
        ("Orders\nClient: 001\n;;;\n", "2 rows above the header left out: 'Orders', 'Client: 001'."),
        ("sep=;\n", "1 row above the header left out: 'sep='."),
        ('"Orders;\nof 2026";;;\n', "1 row above the header left out: 'Orders; of 2026'."),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_titles_above_the_header(load: Load, con: Any, above: str, said: str, newline: str) -> None:
    """Rows above the header that are less than half as full are left out and quoted; the rows below are whole."""
    text = above + "id;city;day;amount\n1;Köln;01.02.2026;12,50\n2;Bonn;13.02.2026;3,25\n"
    loaded = load(text.replace("\n", newline).encode("cp1252"))
    assert header(con) == ("id", "city", "day", "amount", "_row")
    assert rows(con) == [("1", "Köln", "01.02.2026", "12,50", 1), ("2", "Bonn", "13.02.2026", "3,25", 2)]
    assert (loaded.delimiter, loaded.decimal, loaded.day_first) == (";", ",", True)
    assert loaded.notes[1] == said


def test_titles_above_rows_that_need_repair(load: Load, con: Any) -> None:
    """A title and a footer around rows that only Python can read are both left out; rows count from the header."""
    loaded = load("Report of May\n\nid,name,amount,day\n1,A,5,,\n2,B,7\nGrand Total,,12\n".replace("7\n", "7,\r\n"))
    assert rows(con) == [("1", "A", "5", None, 1), ("2", "B", "7", None, 2)]
    assert loaded.notes[1:] == (
        "1 row above the header left out: 'Report of May'.",
        "1 row after the data was left out as a report footer: 'Grand Total 12'.",
    )


def test_a_header_narrower_than_its_rows_is_no_title(load: Load) -> None:
    """A header of three names above rows of seven cells stays the header, and the rows are refused."""
    with pytest.raises(BookError, match="1 of 1 rows have more or fewer cells than the header, which has 3"):
        load("id,name,amount\n1,A,5,6,7,8,9\n")


def test_footer(load: Load, con: Any) -> None:
    """A report's last lines are left out and quoted, whether or not they are as wide as the rows."""
    loaded = load(
        "id,name,stage,amount\n1,A,Won,5\n2,B,Lost,7\n\nGrand Totals (2 records),,,12\nTotal,12\n"
        '"Confidential Information - Do Not Distribute"\n"Copyright (c) 2026 Acme, Inc."\nAcme Inc\n\n'
    )
    assert rows(con) == [("1", "A", "Won", "5", 1), ("2", "B", "Lost", "7", 2)]
    assert loaded.notes[1] == (
        "5 rows after the data were left out as a report footer: 'Grand Totals (2 records) 12', 'Total 12', "
        "'Confidential Information - Do Not Distribute', 'Copyright (c) 2026 Acme, Inc.', 'Acme Inc'."
    )


def test_wide_footer(load: Load, con: Any) -> None:
    """A footer padded to the width of the rows, with blank rows above, is left out too."""
    loaded = load("id,name,stage,amount\n1,A,Won,5\n,,,\nTotal,,,5\nConfidential - internal,,,\n,,,\n")
    assert rows(con) == [("1", "A", "Won", "5", 1)]
    assert loaded.notes[1:] == (
        "2 rows after the data were left out as a report footer: 'Total 5', 'Confidential - internal'.",
    )


@pytest.mark.parametrize(
    "last", ["3,,,", "Total,energy,Won,5", "Total SA,,,", "Acme Inc,,,", ",,,5", "Total,energy,Won,"]
)
def test_sparse_last_row_is_data(load: Load, con: Any, last: str) -> None:
    """The last row is kept however few of its cells are filled, unless it says that it is a total."""
    loaded = load(f"id,name,stage,amount\n1,A,Won,5\n{last}\n")
    assert rows(con)[-1] == (*(text or None for text in last.split(",")), 2)
    assert len(loaded.notes) == 1


def test_total_in_the_middle_is_data(load: Load, con: Any) -> None:
    """A row that reads like a footer is a row if data follow it."""
    load("id,name,stage,amount\nTotal,,,5\n,,,\n1,A,Won,5\n")
    assert [row[0] for row in rows(con)] == ["Total", None, "1"]


def test_skip_footer(load: Load, con: Any) -> None:
    """skip_footer leaves out exactly so many rows, and 0 none."""
    text = "id,name,stage\n1,A,Won\n2,B,Lost\nTotal,,\n"
    load(text, skip_footer=2)
    assert [row[0] for row in rows(con)] == ["1"]
    load(text, skip_footer=0)
    assert [row[0] for row in rows(con)] == ["1", "2", "Total"]
    load(text.replace("Total,,", "Total"), skip_footer=2)
    assert [row[0] for row in rows(con)] == ["1"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("1,A,5\n2,B,C,7\n3,C,8\n", r"1 of 3 rows .* which has 3: row 2 \('2'\) has 4"),
        ("1,A,5\n2,B\n3,C,8\n", r"1 of 3 rows .*: row 2 \('2'\) has 2"),
        ("1,A,5\n" * 40 + "2,B\n" * 5 + "1,A,5\n", r"5 of 46 rows .*: row 41 \('2'\) has 2, .*row 43 \('2'\) has 2, …"),
        ("1,A,5\nOPP-2\n", r"1 of 2 rows .*: row 2 \('OPP-2'\) has 1"),
    ],
)
def test_ragged_rows(load: Load, body: str, found: str) -> None:
    """Rows that do not fit the header are refused, counted and named, with the repair."""
    with pytest.raises(BookError, match=rf"deals.csv: {found}.*Complete the rows, or quote the cells that hold ','"):
        load("id,name,amount\n" + body)


def test_trailing_empty_cells(load: Load, con: Any) -> None:
    """Empty cells beyond the header are not cells."""
    load("id,name\n1,A,,\n2,B\n3,C,\n")
    assert rows(con) == [("1", "A", 1), ("2", "B", 2), ("3", "C", 3)]


def test_mixed_line_ends(load: Load, con: Any) -> None:
    """Files put together from others, with both line ends and blank lines, are read."""
    load('\r\nid,name\r\n1,A\n\n2,"B\nb"\r\n3,C\n')
    assert rows(con) == [("1", "A", 1), ("2", "B\nb", 2), ("3", "C", 3)]


@pytest.mark.parametrize("body", ['1,"A\n2,B\n', '1,"he said "no" to it"\n2,B\n'])
def test_broken_quotes(load: Load, body: str) -> None:
    """A quote that is not closed or not doubled is refused: the rows after it would be lost."""
    with pytest.raises(BookError, match=r"deals\.csv: in line \d or above, a quote is not closed.*twice"):
        load("id,name\n" + body)


@pytest.mark.parametrize(
    "total", ["Overall Total", "Total général", "Gesamtergebnis", "Totale", "Totaal", "合計", "Total geral", "Suma:"]
)
def test_totals_in_other_words(load: Load, con: Any, total: str) -> None:
    """The row of totals below the rows is told by its word, also in the words of other programs and languages."""
    assert f"'{total} 5'" in load(f"id,name,stage,amount\n1,A,Won,5\n{total},,,5\n").notes[-1]
    assert rows(con) == [("1", "A", "Won", "5", 1)]


def test_a_ruled_list(load: Load, con: Any) -> None:
    """A list with lines of dashes and padded cells, as SAP prints it, is read without both, and rows are counted on."""
    rule = "-" * 21
    body = '|000001|Ä     | 5,00-|\n|000002|B "x" | 7,25 |\n'
    loaded = load(f"01.07.2026   List   1\n{rule}\n|VBELN |NAME  |NETWR |\n{rule}\n{body}{rule}\n")
    assert header(con) == ("VBELN", "NAME", "NETWR", "_row")
    assert rows(con) == [("000001", "Ä", "5,00-", 1), ("000002", 'B "x"', "7,25", 2)]
    assert loaded.notes[1] == "1 row above the header left out: '01.07.2026 List 1'."


def test_header_names(load: Load, con: Any) -> None:
    """Names are stripped; a column without name is dropped if empty, else numbered."""
    load(" id ,,amount,\n1,,5,x\n2,,6,\n")
    assert header(con) == ("id", "amount", "column 4", "_row")
    assert rows(con) == [("1", "5", "x", 1), ("2", "6", None, 2)]


@pytest.mark.parametrize(
    ("names", "twice"), [("id,Name,name", "'Name', 'name'"), ("id,_row,x", "'_row'"), ("a,a,b", "'a'")]
)
def test_names_twice(load: Load, names: str, twice: str) -> None:
    """A name that stands twice is refused and named."""
    with pytest.raises(
        BookError,
        match=rf"deals\.csv: the header has {twice} twice, or the name is taken\. Rename it, or add the header",
    ):
        load(f"{names}\n1,2,3\n")


@pytest.mark.parametrize("content", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, b" \r\n\n", b",,,\n,,\n", b'"",""\n'])
def test_empty_file(load: Load, content: bytes) -> None:
    """A file without anything in it is refused."""
    with pytest.raises(BookError, match=r"deals\.csv is empty\. Export it again\."):
        load(content)


@pytest.mark.parametrize("content", ["id,name", "id,name\n", "id,name,a,b\r\n\r\nTotal\r\n", "id;name\n;\n"])
def test_header_only(load: Load, content: str) -> None:
    """A header without rows is refused."""
    with pytest.raises(BookError, match=r"deals\.csv holds a header and no rows\. Remove the file"):
        load(content)


@pytest.mark.parametrize("content", [b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00", b"id,name\n1,a\x00b\n"])
def test_not_text(load: Load, content: bytes) -> None:
    """A spreadsheet renamed to .csv, or zero bytes in a text, are refused with the repair."""
    with pytest.raises(BookError, match=r"deals\.csv is not text.*save it as CSV UTF-8"):
        load(content)


def test_wrong_encoding(load: Load) -> None:
    """Bytes that the encoding does not have are refused."""
    with pytest.raises(BookError, match=r"deals\.csv cannot be read as cp1252: byte 0x81 has no meaning there"):
        load(b"id,name\n1,\x81\n")
    with pytest.raises(BookError, match=r"deals\.csv cannot be read as utf-8: byte 0xE9"):
        load(b"id,name\n1,\xe9\n", encoding="utf-8")


@pytest.mark.parametrize("content", [TEXT.encode("utf-16"), b"id,name\n1,A\n2\n", b"id,name\n1,A\n\nEnd of report\n"])
def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Copies made to read a file are removed, also after an error, and the file stays as it is."""
    scratch, path = tmp_path / "scratch", tmp_path / "deals.csv"
    scratch.mkdir()
    path.write_bytes(content)
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    with contextlib.suppress(BookError):
        load_delimited(connect(files=[path]), path, "raw", {})
    assert list(scratch.iterdir()) == []
    assert path.read_bytes() == content


def test_missing_file(con: Any, tmp_path: Path) -> None:
    """A file that cannot be opened is an error of the book."""
    with pytest.raises(BookError, match=r"none\.csv cannot be read: No such file"):
        load_delimited(con, tmp_path / "none.csv", "raw", {})


def test_single_column(load: Load, con: Any) -> None:
    """A file of one column needs no separator."""
    load("id\n1\n2\nTotal\n\n")
    assert rows(con) == [("1", 1), ("2", 2), ("Total", 3)]


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["1.234,56"], ","),
        (["12,5"], ","),
        (["0,125"], ","),
        (["1.234.567"], ","),
        (["€ 1.234,50", "(3,25)"], ","),
        (["1,234.56"], "."),
        (["1234"], "."),
        (["1,234", "1,234,567"], "."),
        (["12,5", "13.75", "14.25"], "."),
        (["12,5 kg, 3 m"], "."),
    ],
)
def test_decimal(load: Load, cells: list[str], mark: str) -> None:
    """The decimal mark is the one that the numbers show; a comma in prose shows nothing."""
    loaded = load("id\tamount\n" + "".join(f"{number}\t{text}\n" for number, text in enumerate(cells)))
    assert loaded.decimal == mark
    assert ("decimal comma" if mark == "," else "decimal point") in loaded.notes[0]


def test_decimal_in_quoted_cells(load: Load) -> None:
    """A decimal comma in a file separated by commas stands in quotes and is seen."""
    assert load('id,amount\n1,"12,5"\n').decimal == ","


def test_decimal_in_doubt(load: Load) -> None:
    """Numbers that contradict each other, or could be read two ways, are named."""
    both = load("id;amount;rate\n1;12,5;\n2;13,5;\n3;7;0.25\n")
    assert both.decimal == ","
    assert "'12,5' in amount has a decimal comma, '0.25' in rate a decimal point" in both.notes[1]
    (unclear,) = load("id;amount\n1;1.234\n").groups
    assert (unclear.column, unclear.text, unclear.sure) == ("amount", "1.234", True)


def deals(*dates: str, mark: str = ",") -> str:
    return f"id{mark}close_date\n" + "".join(f"{number}{mark}{text}\n" for number, text in enumerate(dates))


@pytest.mark.parametrize(
    ("text", "day_first"),
    [
        (deals("03/04/2026", "25/03/2026"), True),
        (deals("03/04/2026", "03/25/2026"), False),
        (deals("3-4-26", "25-3-26 10:15"), True),
        (deals("01.02.2026"), True),
        (deals("2026-03-04"), False),
        (deals("03/04/2026", mark=";"), True),
        (deals("03/04/2026", mark="\t"), False),
        (deals("03/25/2026", mark=";"), False),
        ('id,amount,close_date\n1,"2,5",03/04/2026\n', True),
        ("id,a,b\n1,03/04/2026,2026-01-01\n2,25/03/2026,2026-01-02\n", True),
    ],
)
def test_day_first(load: Load, text: str, day_first: bool) -> None:
    """A part above 12 decides for the whole file; else the way of writing numbers and lists does."""
    assert load(text).day_first is day_first


def test_one_date_late_in_the_file_decides(load: Load) -> None:
    """The decision looks at every row: one date after 20,000 others counts."""
    loaded = load(deals(*["03/04/2026"] * 20_000, "13/04/2026"))
    assert loaded.day_first
    assert loaded.notes == ("Read as UTF-8, separated by commas, decimal point, day-first dates.",)


def test_ambiguous_dates_are_named(load: Load) -> None:
    """Where no date tells day from month, the note says how they were read and how to say otherwise."""
    assert load(deals("03/04/2026")).notes[1] == (
        "'03/04/2026' in close_date could be day or month first; read as month first. "
        "Set day_first in book.toml if that is wrong."
    )
    assert len(load(deals("03/04/2026"), day_first=True).notes) == 1


def test_dates_that_contradict(load: Load) -> None:
    """Day-first and month-first dates in one file are refused, unless the user says which it is."""
    text = "id,opened,closed\n1,25/03/2026,01/02/2026\n2,26/03/2026,03/31/2026\n"
    with pytest.raises(
        BookError,
        match=r"deals\.csv: dates contradict each other\. '25/03/2026' in opened \(row 1\) can only be day first, "
        r"'03/31/2026' in closed \(row 2\) only month first\..*set day_first in book\.toml",
    ):
        load(text)
    assert load(text, day_first=False).day_first is False


def test_prose_is_no_evidence(load: Load) -> None:
    """Dates and numbers in a column of other text decide nothing."""
    loaded = load('id,note\n1,25/12/2026\n2,call back\n3,see Ann\n4,"12,5"\n')
    assert (loaded.decimal, loaded.day_first) == (".", False)


def test_options(load: Load, con: Any) -> None:
    """What book.toml says holds; for one file before all files."""
    loaded = load(
        "a|b;c\n1|2;1,5\n".encode("cp1252"), encoding="cp1252", delimiter="|", decimal=",",
        deals={"delimiter": ";", "day_first": True}, other={"delimiter": "x"},
    )  # fmt: skip  # one file a line
    assert header(con) == ("a|b", "c", "_row")
    assert (loaded.decimal, loaded.day_first) == (",", True)
    assert loaded.notes[0].startswith("Read as cp1252, separated by semicolons")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"delimeter": ";"}, r"\[csv\] has an unknown key 'delimeter'\. Did you mean 'delimiter'\?"),
        ({"deals": {"dayfirst": True}}, r"\[csv\.deals\] has an unknown key 'dayfirst'\. Did you mean 'day_first'\?"),
        ({"encoding": "utf-9"}, r"encoding must be the name of an encoding.*Got 'utf-9'"),
        ({"encoding": "hex"}, r"encoding must be the name of an encoding"),
        ({"delimiter": ";;"}, r"delimiter must be one character"),
        ({"decimal": "x"}, r"decimal must be '\.' or ','\. Got 'x'"),
        ({"day_first": "yes"}, r"day_first must be true or false"),
        ({"skip_footer": -1}, r"skip_footer must be a number of rows"),
        ({"other": {"skip_footer": True}}, r"\[csv\.other\]: skip_footer must be a number of rows"),
    ],
)
def test_wrong_options(load: Load, options: dict[str, Any], said: str) -> None:
    """A wrong key or value in [csv] is refused with the nearest key or what was expected."""
    with pytest.raises(BookError, match=said):
        load("id,name\n1,A\n", **options)


def test_order_of_many_rows(load: Load, con: Any) -> None:
    """`_row` is the place in the file, though the file is read in parallel and cells hold line ends."""
    count = 200_000
    load("id,note\n" + "".join(f'{number},"line\nbreak, {number}"\n' for number in range(1, count + 1)))
    wrong = con.con.execute("select count(*), count(*) filter (id <> _row::varchar) from raw").fetchone()
    assert wrong == (count, 0)


@pytest.mark.parametrize(
    ("file", "count"),
    [("sales_pipeline.csv", 8800), ("accounts.csv", 85), ("products.csv", 7), ("sales_teams.csv", 35)],
)
def test_maven(con: Any, shared: Path, file: str, count: int) -> None:
    """The real CRM export is read whole, as the csv module reads it."""
    path = shared / "data" / "maven_crm" / file
    loaded = load_delimited(con, path, "raw", {})
    with path.open(encoding="utf-8-sig", newline="") as handle:
        expected = list(csv.reader(handle))[1:]
    assert [tuple(text or None for text in cells) for cells in expected] == [row[:-1] for row in rows(con)]
    assert (len(expected), loaded.notes) == (count, ("Read as UTF-8, separated by commas, decimal point.",))
