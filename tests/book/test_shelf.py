"""The shelf: what it gives back, to whom, and what it never gives."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from books import make_book, records, write_table

from salesops.book.connection import connect
from salesops.book.redact import redacted
from salesops.book.shelf import VARIABLE
from salesops.book.snapshot import as_known
from salesops.book.source import Book, open_book

TYPED = """
    select 'ä"\\'''::varchar as words, ''::varchar as nothing, null::varchar as no_words, 0.1::double as part,
        'nan'::double as no_number, 'inf'::double as endless, null::double as no_part, 1::bigint as count,
        null::bigint as no_count, true as yes, null::boolean as unknown, date '9999-12-31' as last_day,
        date '0001-01-01' as first_day, null::date as no_day, timestamptz '2026-03-29 01:30:00.123456+00' as moment,
        null::timestamptz as no_moment
    union all by name select 'second' as words, -0.0::double as part, 9007199254740992 as count
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty shelf, in a folder whose name DuckDB could take for a pattern and a column."""
    folder = tmp_path / "run=1" / "it's a [shelf]*"
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A book of one user."""
    make_book(tmp_path / "book", {"users": [{"user_id": "A"}]})
    return tmp_path / "book"


def one(book: Book, value: object) -> ir.Table:
    """Return a table with one value."""
    table: ir.Table = book.con.sql(f"select '{value}' as value", schema={"value": "string"})
    return table


def kept(book: Book, value: object) -> object:
    """Keep a table that holds `value`, and return what the table holds that is kept."""
    return records(book.keep("key", lambda: one(book, value)))[0]["value"]


def test_value_is_built_once_for_all(place: Path, shelf: Path) -> None:
    """Text, numbers, none and lists of lists are built by the first book alone."""
    for number, value in enumerate(["EUR", 0.1, 7, None, True, [["A", "Ann"], ["B", None]], []]):
        values = iter([value])  # a second call would find nothing
        assert [open_book(place).keep(number, values.__next__) for _ in range(3)] == [value] * 3


@pytest.mark.parametrize("value", [("a", 1), {1: "a"}, {"a"}, float("nan"), date(2026, 1, 1), object()])
def test_what_json_would_change_is_not_shared(place: Path, shelf: Path, value: object) -> None:
    """A value that would come back as something else stays with its book."""
    found = [open_book(place).keep("key", lambda: value) for _ in range(2)]
    assert found[0] is value
    assert found[1] is value
    assert list(shelf.glob("*")) == []


def test_types_come_back_exactly(place: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and types of a table are the same in memory, put on the shelf, and read from it; also without a row."""
    for rows in (5, 0):
        found = []
        for folder in ("", str(shelf), str(shelf)):
            monkeypatch.setenv(VARIABLE, folder)
            book = open_book(place)
            typed = book.con.sql(TYPED).limit(rows)
            found.append(book.keep(("typed", rows), lambda typed=typed: typed))
        assert found[0].schema() == found[1].schema() == found[2].schema()
        # as text: NaN is not equal to itself, and -0.0 is equal to 0.0
        assert repr(records(found[0])) == repr(records(found[1])) == repr(records(found[2]))
        frames = [table.to_pandas() for table in found]
        assert list(frames[0].dtypes) == list(frames[1].dtypes) == list(frames[2].dtypes)


def test_sum_of_whole_numbers_stays_whole(place: Path, shelf: Path) -> None:
    """DuckDB adds whole numbers up in 128 bits, which Parquet would turn into doubles: 2^53 + 1 stays what it is."""
    for _ in range(2):
        book = open_book(place)
        table = book.con.sql(TYPED)
        summed = book.keep("sum", lambda table=table: table.aggregate(total=table["count"].sum()))
        assert summed.schema() == ibis.schema({"total": "int64"})
        assert records(summed) == [{"total": 2**53 + 1}]


def test_variants_share_nothing(place: Path, shelf: Path) -> None:
    """The book, its snapshots, its redacted form and a snapshot of that each have their own tables."""

    def variants() -> list[Book]:
        book, hidden = open_book(place), redacted(open_book(place))
        days = (date(2026, 1, 1), date(2026, 1, 2))
        return [book, *(as_known(book, day) for day in days), hidden, as_known(hidden, days[0])]

    assert [kept(book, number) for number, book in enumerate(variants())] == list("01234")
    assert [kept(book, "built again") for book in variants()] == list("01234")


def test_book_of_unknown_tables_shares_nothing(place: Path, shelf: Path) -> None:
    """A book whose tables have no name to be known by reads nothing from the shelf and puts nothing there."""
    book = open_book(place)
    assert kept(book, "first") == "first"
    other = book.with_tables(book.table)
    assert kept(other, "second") == kept(as_known(other, date(2026, 1, 1)), "second") == "second"
    assert len(list(shelf.iterdir())) == 1


def _rewrite(place: Path) -> None:
    write_table(place / "users.parquet", "users", [{"user_id": "B"}])


def _swap(place: Path) -> None:
    """Put another file of the same size and time in the place of the first."""
    old = (place / "users.parquet").stat()
    _rewrite(place)
    os.utime(place / "users.parquet", ns=(old.st_atime_ns, old.st_mtime_ns))
    assert (place / "users.parquet").stat().st_size == old.st_size


def _add(place: Path) -> None:
    write_table(place / "accounts.parquet", "accounts", [])


def _set(place: Path) -> None:
    (place / "book.toml").write_text('currency = "CHF"', encoding="utf-8")


def _unset(place: Path) -> None:
    (place / "book.toml").unlink()


@pytest.mark.parametrize("change", [_rewrite, _swap, _add, _set, _unset])
def test_changed_book_meets_no_old_table(place: Path, shelf: Path, change: Callable[[Path], None]) -> None:
    """A table of before is not read once a file of the book or its settings are others, even if they look the same."""
    assert kept(open_book(place), "old") == "old"
    assert kept(open_book(place), "new") == "old"
    change(place)
    assert kept(open_book(place), "new") == "new"


def test_same_files_elsewhere_are_another_book(place: Path, shelf: Path, tmp_path: Path) -> None:
    """A folder is known by where it is, however it is written."""
    assert kept(open_book(place), "here") == "here"
    assert kept(open_book(place / ".." / place.name), "there") == "here"
    place.rename(tmp_path / "moved")
    assert kept(open_book(tmp_path / "moved"), "moved") == "moved"


def test_changed_database_meets_no_old_table(tmp_path: Path, shelf: Path) -> None:
    """A DuckDB file is known by its size and times, and so are its settings beside it."""
    path = tmp_path / "company.duckdb"
    address = f"duckdb://{path}"
    with duckdb.connect(str(path)) as con:
        con.execute("create table accounts as select 'X' account_id, 'X' account_name, 'A' owner_id")
    assert (kept(open_book(address), "old"), kept(open_book(address), "new")) == ("old", "old")
    (tmp_path / "book.toml").write_text('currency = "CHF"', encoding="utf-8")
    assert kept(open_book(address), "set") == "set"
    path.rename(tmp_path / "before")
    with duckdb.connect(str(path)) as con:
        con.execute("create table accounts as select 'Y' account_id, 'Y' account_name, 'B' owner_id")
    assert kept(open_book(address), "new") == "new"


@pytest.mark.parametrize("content", ["nothing", "garbage", "half", "foreign table", "table of another key"])
def test_foreign_file_is_not_read(place: Path, shelf: Path, content: str) -> None:
    """A file in the place of a kept table that is not that table is built anew and put right."""
    assert kept(open_book(place), "first") == "first"
    (file,) = shelf.iterdir()
    whole = file.read_bytes()
    foreign = pa.table({"value": ["foreign"]})
    if content == "foreign table":
        pq.write_table(foreign, file)
    elif content == "table of another key":
        pq.write_table(foreign.replace_schema_metadata({b"salesops": b"another"}), file)
    else:
        file.write_bytes({"nothing": b"", "garbage": b"PAR1 garbage PAR1"}.get(content, whole[: len(whole) // 2]))
    assert kept(open_book(place), "second") == "second"
    assert kept(open_book(place), "third") == "second"


def test_table_and_value_do_not_stand_for_each_other(place: Path, shelf: Path) -> None:
    """A value in the place of a table, and a table in the place of a value, are built anew."""
    open_book(place).keep("value", lambda: 7)
    (value,) = shelf.iterdir()
    kept(open_book(place), "first")
    (table,) = set(shelf.iterdir()) - {value}
    contents = value.read_bytes(), table.read_bytes()
    table.write_bytes(contents[0])
    value.write_bytes(contents[1])
    assert kept(open_book(place), "second") == "second"
    assert open_book(place).keep("value", lambda: 8) == 8


def _die_in_the_middle(place: str, shelf: str) -> None:
    """Begin to put a table on the shelf, and be killed after half of it."""

    def half(table: Any, file: Path) -> None:
        file.write_bytes(b"PAR1 half of it")
        os._exit(9)

    os.environ[VARIABLE] = shelf
    pq.write_table = half
    kept(open_book(place), "killed")


def test_killed_process_leaves_nothing_to_read(place: Path, shelf: Path) -> None:
    """Whoever is killed while he puts a table on the shelf leaves no table there, and the next puts it there whole."""
    child = multiprocessing.get_context("spawn").Process(target=_die_in_the_middle, args=(str(place), str(shelf)))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert [file.suffix for file in shelf.iterdir()] == [".part"]
    assert kept(open_book(place), "whole") == "whole"
    assert kept(open_book(place), "again") == "whole"


def test_failed_build_leaves_nothing(place: Path, shelf: Path) -> None:
    """A table that cannot be built is nobody's: the error reaches the caller, and the shelf stays empty."""
    broken = open_book(place)
    with pytest.raises(duckdb.Error, match="Could not convert"):
        broken.keep("key", lambda: broken.con.sql("select 'x'::int as value", schema={"value": "int32"}))
    assert not shelf.exists() or list(shelf.iterdir()) == []
    assert kept(open_book(place), "built") == "built"


def test_two_may_build_at_once(place: Path, shelf: Path) -> None:
    """Where two build the same at the same time, both have it, and it stands on the shelf once."""
    first, second = open_book(place), open_book(place)

    def meanwhile() -> ir.Table:
        assert kept(second, "same") == "same"
        return one(first, "same")

    assert records(first.keep("key", meanwhile)) == [{"value": "same"}]
    assert len(list(shelf.iterdir())) == 1
    assert kept(second, "") == kept(open_book(place), "") == "same"


def test_without_room_everything_stays_in_memory(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the shelf cannot be written to, reports are made as without one."""
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "shelf"))
    assert [kept(open_book(place), n) for n in (1, 2)] == ["1", "2"]
    assert open_book(place).keep("value", lambda: 3) == 3


@pytest.mark.parametrize("cap", ["1", "3"])
def test_cap_on_threads_holds_for_the_database(cap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """OMP_NUM_THREADS is how many threads the database uses."""
    monkeypatch.setenv("OMP_NUM_THREADS", cap)
    assert connect().raw_sql("select current_setting('threads')").fetchone() == (int(cap),)


@pytest.mark.parametrize("cap", ["", "0", "-1", "two", "2,1", "1.5", "²", "٣"])
def test_no_cap_on_threads(cap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no whole number above 0 is no cap: the database uses as many threads as it would."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    usual = connect().raw_sql("select current_setting('threads')").fetchone()
    monkeypatch.setenv("OMP_NUM_THREADS", cap)
    assert connect().raw_sql("select current_setting('threads')").fetchone() == usual
