"""Adding a version of quotas to a book: nothing is lost, and nothing is half-written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from books import Row, by, make_book, records

from salesops.book.agreed import quotas_in_force
from salesops.book.check import check_book
from salesops.book.goals import goals
from salesops.book.new_quotas import add_quota_version
from salesops.book.redact import redacted
from salesops.book.source import Book, open_book
from salesops.errors import BookError
from salesops.periods import parse_period

QUARTER = parse_period("2026-Q4")
SPAN = {"period_start": "2026-10-01", "period_end": "2026-12-31"}
ON = date(2026, 10, 30)
USERS: list[Row] = [{"user_id": "A"}, {"user_id": "=B"}, {"user_id": "C;ä"}]
HOW: dict[str, Any] = {"measure": "bookings", "name": "Board", "agreed_on": ON}


def quotas(**more: Any) -> list[Row]:
    return [{"owner_id": user["user_id"], "quota_amount": 100.0 * n, **SPAN, **more} for n, user in enumerate(USERS, 1)]


def as_csv(folder: Path, text: str, encoding: str = "utf-8") -> Book:
    make_book(folder, {"users": USERS})
    (folder / "quotas.csv").write_text(text, encoding=encoding, errors="surrogateescape")  # bytes as they stand
    return open_book(folder)


FORMS: dict[str, Callable[[Path], Book]] = {
    "parquet": lambda folder: make_book(
        folder, {"users": USERS, "quotas": quotas(version="1", agreed_at="2026-10-01")}
    ),
    "parquet without versions": lambda folder: make_book(folder, {"users": USERS, "quotas": quotas()}),
    "plain CSV": lambda folder: as_csv(
        folder,
        "owner_id,period_start,period_end,measure,quota_amount,currency,remark\n"
        'A,2026-10-01,2026-12-31,bookings,100,EUR,"first, "\n=B,2026-10-01,2026-12-31,bookings,200,EUR,\n',
    ),
    "European CSV": lambda folder: as_csv(
        folder,
        "Owner_ID;period_start;period_end;measure;quota_amount;currency;version\r\n"
        'A;01.10.2026;31.12.2026;bookings;"1.100,50";EUR;1\r\n"C;ä";01.10.2026;31.12.2026;bookings;2.000,00;EUR;1\r\n',
        "cp1252",
    ),
    "CSV in two encodings": lambda folder: as_csv(
        folder,
        "owner_id,period_start,period_end,measure,quota_amount,currency,remark\n"
        '"C;\udcc3\udca4",2026-10-01,2026-12-31,bookings,100,EUR,\nA,2026-10-01,2026-12-31,bookings,200,EUR,\udce9\n',
    ),
    "no quotas": lambda folder: make_book(folder, {"users": USERS}),
}  # fmt: skip  # one book a line


@pytest.mark.long
@pytest.mark.parametrize("form", FORMS)
def test_every_row_stays_and_the_new_version_counts(tmp_path: Path, form: str) -> None:
    """Whatever the file: its rows are all there, cell by cell, the new ones count, and the check finds no error."""
    book = FORMS[form](tmp_path)
    before = records(book.table("quotas"))
    cells = records(book.raw("quotas").drop("_row")) if "CSV" in form else []
    version = add_quota_version(book, {"A": 150.25, "=B": 0.0, "C;ä": 1e6}, QUARTER, **HOW)
    after = open_book(tmp_path)
    rows = records(after.table("quotas"))
    assert [row for row in before if row not in rows] == []
    assert len(rows) == len(before) + 3
    assert [
        row for row in cells if not any(row.items() <= later.items() for later in records(after.raw("quotas")))
    ] == []
    found = by(goals(after, QUARTER), "user_id")
    assert {user: row["quota"] for user, row in found.items()} == {"A": 150.25, "=B": 0.0, "C;ä": 1e6}
    assert version == "2026-10-30 001 Board"
    assert [finding for finding in check_book(after) if finding.severity == "error"] == []
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_versions_of_one_day_come_one_after_the_other(tmp_path: Path) -> None:
    """The second version of a day counts before the first, whatever their names."""
    book = FORMS["parquet"](tmp_path)
    names = [
        add_quota_version(book, {"A": amount}, QUARTER, **{**HOW, "name": name})
        for name, amount in (("Zebra", 150), ("Ape", 160))
    ]
    assert names == ["2026-10-30 001 Zebra", "2026-10-30 002 Ape"]
    assert by(quotas_in_force(open_book(tmp_path)), "owner_id")["A"]["quota_amount"] == 160


def test_rollups_and_other_periods_stay(tmp_path: Path) -> None:
    """A manager's rollup and the quotas of other quarters count as before."""
    others: list[Row] = [
        {"owner_id": "A", "quota_amount": 900.0, "is_rollup": True, "version": "r", **SPAN},
        {"owner_id": "A", "quota_amount": 70.0, "period_start": "2026-07-01", "period_end": "2026-09-30"},
    ]
    book = make_book(tmp_path, {"users": USERS, "quotas": [*quotas(), *others]})
    add_quota_version(book, {"A": 150}, QUARTER, **HOW)
    found = sorted(row["quota_amount"] for row in records(quotas_in_force(open_book(tmp_path))))
    assert found == [70, 150, 200, 300, 900]


def refused(folder: Path, book: Book, message: str, quotas: dict[str, float], **how: Any) -> None:
    """Expect a sentence, and every file as it was."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(BookError, match=message):
        add_quota_version(book, quotas, QUARTER, **{**HOW, **how})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_is_refused_changes_nothing(tmp_path: Path) -> None:
    """Unknown users, hidden names, no quota and a later agreement are each a sentence, and no file changes."""
    book = make_book(tmp_path, {"users": USERS, "quotas": quotas(agreed_at="2026-11-05", version="9")})
    refused(tmp_path, book, r"Not in users: 1 of 2 \(first: X\)", {"A": 1, "X": 2})
    refused(tmp_path, redacted(book), r"Not in users: 1 of 1", {"Rep 4F2A91": 1})
    refused(tmp_path, book, r"No rep has a quota\.", {})
    refused(tmp_path, book, r"The reps have 1 quota agreed on 2026-11-05 or later", {"A": 1})


def test_quotas_of_other_periods_would_count_beside(tmp_path: Path) -> None:
    """Where the book's quotas are monthly, one for the quarter would count beside them: refused."""
    months: list[Row] = [
        {
            "owner_id": "A",
            "quota_amount": 10.0,
            "period_start": f"2026-{month}-01",
            "period_end": f"2026-{month}-{last}",
        }
        for month, last in ((10, 31), (11, 30), (12, 31))
    ]
    book = make_book(tmp_path, {"users": USERS, "quotas": months})
    refused(tmp_path, book, r"The reps have 3 quotas for other periods than 2026-Q4 \(first: 2026-10\)", {"A": 1})


def test_a_database_is_not_written(tmp_path: Path) -> None:
    """A DuckDB file is opened to read only: a sentence says what to do."""
    path = tmp_path / "book.duckdb"
    with duckdb.connect(path) as con:
        con.execute("CREATE TABLE users AS SELECT 'A' AS user_id, 'A' AS user_name, 'rep' AS role")
    with pytest.raises(BookError, match=r"'book\.duckdb' is a database, which is only ever opened to read\."):
        add_quota_version(open_book(f"duckdb://{path}"), {"A": 1}, QUARTER, **HOW)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that refuses leaves the table as it was, and the sentence says why."""
    book = FORMS["parquet"](tmp_path)
    before = (tmp_path / "quotas.parquet").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(shutil, "copymode", full)  # the last step before the file is put in its place
    with pytest.raises(BookError, match=r"The quotas cannot be written to .*: No space left on device\."):
        add_quota_version(book, {"A": 1}, QUARTER, **HOW)
    assert (tmp_path / "quotas.parquet").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.toml", "quotas.parquet", "users.parquet"]


def test_a_file_whose_rows_would_change_is_left_alone(tmp_path: Path) -> None:
    """Where a fixed number of footer rows would swallow a new row, the file stays, and the sentence says why."""
    book = as_csv(
        tmp_path, "owner_id,period_start,period_end,measure,quota_amount,currency\n"
        "A,2026-10-01,2026-12-31,bookings,100,EUR\n=B,2026-10-01,2026-12-31,bookings,200,EUR\n",
    )  # fmt: skip  # a file
    with (tmp_path / "book.toml").open("a") as file:
        file.write("\n[csv.quotas]\nskip_footer = 1\n")
    refused(tmp_path, open_book(tmp_path), r"quotas\.csv is written in a way that no row can be added", {"=B": 5})
    assert book.has("quotas")
