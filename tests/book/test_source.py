"""Opening a book: folders, databases, and what is refused."""

from __future__ import annotations

import multiprocessing
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from books import make_book, records, write_table

from salesops.book.connection import connect, connect_database
from salesops.book.schema import SCHEMA
from salesops.book.snapshot import as_known
from salesops.book.source import open_book
from salesops.errors import BookError

USERS_CSV = "user_id,user_name,role,manager_id,hire_date\nA,Anna,rep,,2024-01-31\n"


def database(path: Path) -> Path:
    """Write a DuckDB file with a table in odd case and a view."""
    with duckdb.connect(str(path)) as con:
        con.execute(
            "create table \"Users\" as select 'A' \"User_ID\", 'Anna' user_name, 'rep' as role, "
            "null::varchar manager_id, date '2024-01-31' hire_date"
        )
        con.execute(
            "create view orders as select 'O1' order_id, 'X' account_id, null::varchar owner_id, "
            "timestamp '2026-03-31 23:30' ordered_at, 'EUR' currency"
        )
        con.execute("create table unrelated as select 1 a")
    return path


def test_folder_may_mix_csv_and_parquet(tmp_path: Path) -> None:
    """A folder holds CSV and Parquet side by side; files that are no table of a book are left alone."""
    (tmp_path / "users.csv").write_text(USERS_CSV, encoding="utf-8")
    write_table(tmp_path / "accounts.parquet", "accounts", [{"account_id": "X"}])
    (tmp_path / "notes.txt").write_text("call Anna", encoding="utf-8")
    book = open_book(tmp_path)
    assert book.names == ("users", "accounts")
    assert records(book.table("users").select("user_id", "hire_date")) == [
        {"user_id": "A", "hire_date": date(2024, 1, 31)}
    ]
    assert records(book.table("accounts").select("account_id")) == [{"account_id": "X"}]


def test_company_is_named_by_the_setting_else_by_the_folder(tmp_path: Path) -> None:
    """The reports carry the company's name from book.toml, else the folder's or the file's."""
    assert make_book(tmp_path / "acme", {"users": []}).company == "acme"
    assert make_book(tmp_path / "other", {"users": []}, company="Acme Ltd.").company == "Acme Ltd."
    assert open_book(f"duckdb://{database(tmp_path / 'umbrella.duckdb')}").company == "umbrella"


def test_headers_differ_in_case(tmp_path: Path) -> None:
    """File names and headers may be written in any case."""
    (tmp_path / "Users.CSV").write_text(USERS_CSV.replace("user_id", "User_ID"), encoding="utf-8")
    book = open_book(tmp_path)
    assert book.has("users", "user_id")
    assert records(book.table("users").select("user_id")) == [{"user_id": "A"}]


def test_every_column_of_the_schema_is_there(tmp_path: Path) -> None:
    """A table has every column of the schema with its type, null where the source has none of it."""
    book = make_book(tmp_path, {"opportunities": [{"owner_id": "A", "amount": 5}], "orders": []})
    for name in SCHEMA:
        assert list(book.table(name).columns) == [column.name for column in SCHEMA[name].columns]
    (row,) = records(book.table("opportunities"))
    assert (row["amount"], row["lead_source"], row["created_date"]) == (5.0, None, None)
    assert not book.has("opportunities", "lead_source")
    assert book.has("opportunities", "amount")


def test_table_that_the_book_lacks_is_empty(tmp_path: Path) -> None:
    """A metric need not ask whether a table is there: it is empty, and `has` tells."""
    book = make_book(tmp_path, {"users": [{"user_id": "A"}]})
    assert records(book.table("orders")) == []
    assert not book.has("orders")
    assert book.table("orders").ordered_at.type().timezone == "UTC"


def test_unknown_table_is_refused(tmp_path: Path) -> None:
    """A name that no book has is an error with the nearest one."""
    book = make_book(tmp_path, {"users": []})
    with pytest.raises(BookError, match=r"There is no table 'oportunities' in a book\. Did you mean 'opportunities'\?"):
        book.table("oportunities")


def test_database_by_absolute_address(tmp_path: Path) -> None:
    """duckdb:///absolute opens tables and views of a file, whatever their case."""
    book = open_book(f"duckdb://{database(tmp_path / 'company.duckdb')}")
    assert book.names == ("users", "orders")
    assert records(book.table("users").select("user_id", "hire_date")) == [
        {"user_id": "A", "hire_date": date(2024, 1, 31)}
    ]
    assert records(book.table("orders"))[0]["ordered_at"] == datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    assert records(book.table("quotas")) == []


def test_database_by_relative_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """duckdb://relative is a file seen from the working directory; its book.toml lies beside it."""
    (tmp_path / "data").mkdir()
    database(tmp_path / "data" / "company.duckdb")
    (tmp_path / "data" / "book.toml").write_text('currency = "CHF"', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    book = open_book("duckdb://data/company.duckdb")
    assert book.names == ("users", "orders")
    assert book.currency == "CHF"


def test_database_is_read_only(tmp_path: Path) -> None:
    """A company's database is never written to."""
    book = open_book(f"duckdb://{database(tmp_path / 'company.duckdb')}")
    with pytest.raises(duckdb.Error, match="read-only"):
        book.con.raw_sql("create table main.intruder as select 1")


def _count_users(address: str) -> int:
    return len(records(open_book(address).table("users")))


def test_database_is_read_by_two_at_once(tmp_path: Path) -> None:
    """Parallel reports do not lock each other out, in one process or in two."""
    address = f"duckdb://{database(tmp_path / 'company.duckdb')}"
    first, second = open_book(address), open_book(address)
    assert records(first.table("users")) == records(second.table("users"))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_count_users, (address,)) == 1


def test_no_two_databases_spill_into_one_folder(tmp_path: Path) -> None:
    """Queries that spill to disk at the same time must not share a folder: they overwrite each other's files."""
    one, two = database(tmp_path / "one.duckdb"), database(tmp_path / "two.duckdb")
    open_connections = [connect(), connect(), connect_database(one), connect_database(two)]
    folders = [con.raw_sql("select current_setting('temp_directory')").fetchone()[0] for con in open_connections]
    assert len(set(folders)) == 4
    assert all(Path(folder).is_relative_to(tempfile.gettempdir()) for folder in folders)


def test_nothing_is_read_before_it_is_needed(tmp_path: Path) -> None:
    """A file that cannot be read hinders nobody who does not ask for its table, also in a snapshot."""
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "products": [], "deliveries": []}, currency=None)
    (tmp_path / "products.parquet").write_bytes(b"broken")
    (tmp_path / "orders.csv").write_bytes(b"")
    book = open_book(tmp_path)
    known = as_known(book, date(2026, 1, 1))
    assert records(book.table("users")) == records(known.table("users"))
    with pytest.raises(BookError, match=r"products\.parquet cannot be read as Parquet"):
        known.table("products")
    with pytest.raises(BookError, match=r"orders\.csv"):
        book.table("orders")


def test_folder_name_is_no_pattern(tmp_path: Path) -> None:
    """A folder called Q[1] is not taken for a pattern that would find the book of Q1 next to it."""
    books = [make_book(tmp_path / name, {"users": [{"user_id": name}]}) for name in ("Q1", "Q[1]", "Q*")]
    found = [records(book.table("users").select("user_id"))[0]["user_id"] for book in books]
    assert found == ["Q1", "Q[1]", "Q*"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 this is not Parquet PAR1"])
def test_broken_parquet_is_named(tmp_path: Path, content: bytes) -> None:
    """A Parquet file that is none is named when its table is used."""
    (tmp_path / "users.parquet").write_bytes(content)
    book = open_book(tmp_path)
    with pytest.raises(BookError, match=r"users\.parquet cannot be read as Parquet"):
        book.table("users")


def test_missing_columns_are_named_with_the_nearest_header(tmp_path: Path) -> None:
    """A required column that is not there is named, with the header that comes nearest and the repair."""
    (tmp_path / "users.csv").write_text("user_id,username,role\nA,Anna,rep\n", encoding="utf-8")
    book = open_book(tmp_path)
    expected = (
        r"users: required columns 'user_name', 'manager_id', 'hire_date' not found\. "
        r"For 'user_name': Did you mean 'username'\?.* Rename the column, or import with a map\."
    )
    with pytest.raises(BookError, match=expected):
        book.table("users")


def test_two_files_for_one_table_are_refused(tmp_path: Path) -> None:
    """The book does not choose between two files of one table."""
    (tmp_path / "users.csv").write_text(USERS_CSV, encoding="utf-8")
    write_table(tmp_path / "users.parquet", "users", [])
    with pytest.raises(
        BookError, match=r"users: two files hold this table, users\.csv and users\.parquet\. Keep one\."
    ):
        open_book(tmp_path)


def test_folder_without_tables_is_refused(tmp_path: Path) -> None:
    """No folder, an empty folder, a file, and a folder of other files are each refused in words."""
    with pytest.raises(BookError, match=r"There is no folder '.*nowhere'"):
        open_book(tmp_path / "nowhere")
    with pytest.raises(BookError, match=r"holds no CSV or Parquet file\. Expected files such as opportunities\.csv"):
        open_book(tmp_path)
    (tmp_path / "deals.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(BookError, match=r"holds no table of a book\. Expected at least one of 'users', 'territories'"):
        open_book(tmp_path)
    with pytest.raises(BookError, match=r"deals\.csv' is a file\. Name the folder that holds it, or import it"):
        open_book(tmp_path / "deals.csv")


def test_database_without_tables_is_refused(tmp_path: Path) -> None:
    """No file, a file of another kind, and a database of other tables are each refused in words."""
    with pytest.raises(BookError, match=r"There is no database file '.*nowhere\.duckdb'\. Check the address"):
        open_book(f"duckdb://{tmp_path}/nowhere.duckdb")
    (tmp_path / "text.duckdb").write_text("not a database, but long enough to be looked at" * 100, encoding="utf-8")
    with pytest.raises(BookError, match=r"text\.duckdb' cannot be opened as a DuckDB database"):
        open_book(f"duckdb://{tmp_path}/text.duckdb")
    with duckdb.connect(str(tmp_path / "other.duckdb")) as con:
        con.execute("create table unrelated as select 1 a")
    with pytest.raises(BookError, match="holds no table of a book"):
        open_book(f"duckdb://{tmp_path}/other.duckdb")


def test_wrong_setting_is_refused_on_opening(tmp_path: Path) -> None:
    """A mistake in book.toml is found at once, not in the middle of a report."""
    make_book(tmp_path, {"users": []})
    (tmp_path / "book.toml").write_text('curency = "EUR"', encoding="utf-8")
    with pytest.raises(BookError, match=r"book\.toml has an unknown key 'curency'\. Did you mean 'currency'\?"):
        open_book(tmp_path)


@pytest.mark.parametrize(
    ("codes", "currency"),
    [
        (["USD", "EUR", "USD"], "USD"),
        ([None, None, None, "USD"], "USD"),
        (["USD", "EUR"], "EUR"),
        (["EUR", "USD"], "EUR"),
        ([None], ""),
        ([], ""),
    ],
)
def test_currency_is_that_of_most_rows(tmp_path: Path, codes: list[str | None], currency: str) -> None:
    """Without a setting the book's currency is that of most deals; among equals the first by name."""
    deals = [{"owner_id": "A", "currency": code} for code in codes]
    assert make_book(tmp_path, {"opportunities": deals}, currency=None).currency == currency


def test_currency_may_come_from_orders_or_quotas(tmp_path: Path) -> None:
    """A book without deals takes its currency from the next table that has one; a setting goes before all."""
    tables = {
        "orders": [{"currency": None, "ordered_at": "2026-01-01"}],
        "quotas": [{"owner_id": "A", "currency": "SEK", "period_start": "2026-01-01", "period_end": "2026-12-31"}],
    }
    assert make_book(tmp_path / "a", tables, currency=None).currency == "SEK"
    assert make_book(tmp_path / "b", tables, currency="USD").currency == "USD"


def test_kept_tables_are_built_once(tmp_path: Path) -> None:
    """What a report asks for again and again is computed once, and not handed on to a book of other tables."""
    book = make_book(tmp_path, {"users": [{"user_id": "A"}]})
    calls: list[int] = []

    def build() -> int:
        calls.append(1)
        return len(calls)

    assert [book.keep("key", build), book.keep("key", build)] == [1, 1]
    assert book.with_tables(book.table).keep("key", build) == 2


def test_form_and_notes_tell_what_was_detected(tmp_path: Path) -> None:
    """The book says how a CSV file was read; a Parquet file needs no words."""
    rows = "A;Anna;rep;;31.01.2024\nB;Bo;rep;A;01.02.2024\n"
    (tmp_path / "users.csv").write_text(f"user_id;user_name;role;manager_id;hire_date\n{rows}", encoding="utf-8")
    write_table(tmp_path / "accounts.parquet", "accounts", [{"account_id": "X"}])
    book = open_book(tmp_path)
    assert [row["hire_date"] for row in records(book.table("users").order_by("user_id"))] == [
        date(2024, 1, 31),
        date(2024, 2, 1),
    ]
    assert book.form("users").day_first
    assert "semicolons" in book.notes("users")[0]
    assert book.notes("accounts") == ()


def test_csv_settings_override_the_detection(tmp_path: Path) -> None:
    """What book.toml says about CSV files goes before what was detected."""
    (tmp_path / "users.csv").write_text(USERS_CSV.replace("2024-01-31", "03/04/2024"), encoding="utf-8")
    assert records(open_book(tmp_path).table("users"))[0]["hire_date"] == date(2024, 3, 4)
    (tmp_path / "book.toml").write_text("[csv]\nday_first = true\n", encoding="utf-8")
    assert records(open_book(tmp_path).table("users"))[0]["hire_date"] == date(2024, 4, 3)


def test_a_slow_query_shows_no_progress_in_a_notebook() -> None:
    """DuckDB's progress bar is a widget there, and a page with a widget fails: it would hang on the machine's speed."""
    con = connect()
    assert con.raw_sql("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)
