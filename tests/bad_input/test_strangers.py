"""Files that strangers send: a map, an export, a book. They compute and hold data, and do nothing else."""

from __future__ import annotations

import contextlib
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import duckdb
import openpyxl
import pytest
from tiny_export import USERS, contents, salesops, write_export, write_map

from salesops.book.connection import connect
from salesops.book.source import open_book
from salesops.errors import BookError
from salesops.intake import workbook

SECRET = "the-secret-of-this-machine"

# by the key of the map in which it stands, and SQL in which PLACE is the folder beside the export and PORT a listener
QUERIES = {
    "read a file": "FROM read_csv('PLACE/secret.csv')",
    "read a text": "SELECT content FROM read_text('PLACE/secret.csv')",
    "read bytes": "SELECT content FROM read_blob('PLACE/secret.csv')",
    "read JSON": "FROM read_json('PLACE/secret.csv')",
    "read Parquet": "FROM parquet_scan('PLACE/secret.parquet')",
    "read what Parquet tells": "FROM parquet_metadata('PLACE/secret.parquet')",
    "read a database": "FROM read_duckdb('PLACE/secret.duckdb', table_name := 'secret')",
    "sniff": "FROM sniff_csv('PLACE/secret.csv')",
    "list a folder": "FROM glob('PLACE/*')",
    "a file for a table": "FROM 'PLACE/secret.csv'",
    "a quoted file for a table": 'FROM "PLACE/secret.csv"',
    "a file in the shadow of WITH": """
SELECT * FROM (WITH "PLACE/secret.csv" AS (SELECT 1) SELECT 1), "PLACE/secret.csv\"""",
    "a file in a query of WITH": "WITH a AS (FROM 'PLACE/secret.csv') FROM a",
    "a file in a subquery": "SELECT (SELECT line FROM 'PLACE/secret.csv') AS user_id",
    "a file beside a source": "SELECT * FROM users LEFT JOIN LATERAL (FROM read_text('PLACE/secret.csv')) ON true",
    "an address": "FROM 'http://127.0.0.1:PORT/a.csv'",
    "read an address": "FROM read_csv('http://127.0.0.1:PORT/a.csv')",
    "a second statement": "SELECT 1 AS user_id; COPY (SELECT 1) TO 'PLACE/victim.csv'",
    "a second statement behind brackets": "SELECT 1 AS user_id) TO 'PLACE/victim.csv'; --",
    "write over the source": "COPY (SELECT 1) TO 'PLACE/export/users.csv' (USE_TMP_FILE false)",
    "write a program": "SELECT 1 AS a; COPY (SELECT 'import os' AS c) TO 'PLACE/sitecustomize.py' (HEADER false)",
    "export everything": "EXPORT DATABASE 'PLACE/exported'",
    "attach": "ATTACH 'PLACE/secret.duckdb' AS secret",
    "attach an address": "ATTACH 'http://127.0.0.1:PORT/x.duckdb' AS x",
    "install": "INSTALL httpfs FROM 'http://127.0.0.1:PORT'",
    "load": "LOAD 'PLACE/evil.duckdb_extension'",
    "settings": "SET home_directory = 'PLACE'",
    "secrets": "CREATE PERSISTENT SECRET s (TYPE http)",
    "SQL in a text": "FROM query('FROM read_csv(''PLACE/secret.csv'')')",
    "tables by text": "FROM query_table(['PLACE/secret.csv'])",
    "serialized SQL": "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "a macro": "CREATE MACRO lower(x) AS (SELECT content FROM read_text('PLACE/secret.csv'))",
    "a log": "FROM enable_logging(storage := 'file', storage_path := 'PLACE/log')",
    "a profile": "FROM enable_profiling(save_location := 'PLACE/profile.json')",
    "the settings": "FROM duckdb_settings()",
    "the catalogue": "FROM information_schema.tables",
    "what the import has": "FROM _source_0",
    "a list of tables": "SHOW TABLES",
    "a prepared statement": "PREPARE p AS COPY (SELECT 1) TO 'PLACE/victim.csv'",
    "a change": "UPDATE users SET user_id = 1 RETURNING *",
}  # fmt: skip  # reads as a table
EXPRESSIONS = {
    "read in an expression": "(SELECT content FROM read_text('PLACE/secret.csv'))",
    "a file in an expression": "(SELECT min(line) FROM 'PLACE/secret.csv')",
    "out of the brackets": "user_name) FROM read_csv('PLACE/secret.csv') WHERE (true",
    "a second statement in an expression": "1); COPY (SELECT 1) TO 'PLACE/victim.csv'; SELECT (1",
    "a comment": "user_name -- and no bracket",
    "the environment": "getenv('HOME')",
    "a setting": "current_setting('temp_directory')",
    "a variable": "getvariable('x')",
    "a wait": "sleep_ms(1000000)::VARCHAR",
    "a log in an expression": "write_log('x')",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an export, and beside it a home, a secret in several forms and a file to be overwritten."""
    write_export(tmp_path / "export")
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "victim.csv").write_text("as it was", encoding="utf-8")
    (tmp_path / "secret.csv").write_text(f"line\n{SECRET}\n", encoding="utf-8")
    with duckdb.connect(str(tmp_path / "secret.duckdb")) as con:
        con.execute(f"CREATE TABLE secret AS SELECT '{SECRET}' AS line")
        con.execute(f"COPY secret TO '{tmp_path / 'secret.parquet'}'")
    return tmp_path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listener on this machine that must hear nothing."""
    with socket.socket() as heard:
        heard.bind(("127.0.0.1", 0))
        heard.listen()
        heard.setblocking(False)
        yield heard
        with pytest.raises(BlockingIOError):
            heard.accept()


def refused(capsys: pytest.CaptureFixture[str], place: Path) -> str:
    """Import, and return the sentence of the refusal; nothing outside of DEST is there that was not there before."""
    before = contents(place)
    code, out, err = salesops(capsys, "import", "--map", place / "map.toml", place / "export", place / "dest")
    assert (code, out) == (1, "")
    assert contents(place) == before
    assert SECRET not in err
    return err


def line_of(place: Path, mark: str) -> int:
    lines = (place / "map.toml").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if mark in line)


def filled(sql: str, place: Path, listener: socket.socket) -> str:
    return sql.replace("PLACE", str(place)).replace("PORT", str(listener.getsockname()[1]))


@pytest.mark.parametrize("attack", QUERIES)
def test_a_query_of_a_map_computes_and_nothing_else(
    place: Path, capsys: pytest.CaptureFixture[str], listener: socket.socket, attack: str
) -> None:
    """Each attack by a `select` is refused with the line of the map, and leaves no trace on the machine."""
    sql = filled(QUERIES[attack], place, listener).strip()
    text = write_map(place / "map.toml").read_text(encoding="utf-8")
    query = f"\n\n[tables.accounts]\nselect = '''\n-- accounts\n{sql}\n'''\n"
    (place / "map.toml").write_text(text + query, encoding="utf-8")
    line = line_of(place, sql)
    err = refused(capsys, place)
    assert err.startswith((f"Error: map.toml, line {line}: [tables.accounts] select ",
                           f"Error: map.toml, line {line - 1}: [tables.accounts] select "))  # fmt: skip  # as above


@pytest.mark.parametrize("key", ["sql", "where", "leave_out", "leave_out, optional", "count"])
@pytest.mark.parametrize("attack", EXPRESSIONS)
def test_an_expression_of_a_map_computes_and_nothing_else(
    place: Path, capsys: pytest.CaptureFixture[str], listener: socket.socket, attack: str, key: str
) -> None:
    """Each attack by an expression is refused with the line of the map, wherever a map has expressions."""
    sql = filled(EXPRESSIONS[attack], place, listener)
    table, column = '[tables.accounts]\nfrom = "users"\n', '[tables.accounts.columns]\naccount_id = "user_id"\n'
    written = {
        "sql": f'{table}{column}account_name = {{ sql = "{sql}" }}\n',
        "where": f'{table}where = "{sql}"\n{column}',
        "leave_out": f'{table}leave_out = {{ "a reason" = "{sql}" }}\n{column}',
        "leave_out, optional": f'{table}leave_out = {{ "a reason" = {{ sql = "{sql}", optional = true }} }}\n{column}',
        "count": f'{table}count = {{ "of a kind" = "{sql}" }}\n{column}',
    }[key]
    text = write_map(place / "map.toml").read_text(encoding="utf-8")
    (place / "map.toml").write_text(f"{text}\n\n{written}", encoding="utf-8")
    assert refused(capsys, place).startswith(f"Error: map.toml, line {line_of(place, sql)}: [tables.accounts")


def test_the_line_is_found_in_any_writing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A word written by the codes of its letters is what it stands for, and its line is told."""
    text = write_map(place / "map.toml").read_text(encoding="utf-8")
    hidden = "# select = \"FROM \\u0072ead_text('x')\"\n[tables.accounts]\nselect = \"FROM \\u0072ead_text('x')\"\n"
    (place / "map.toml").write_text(f"{text}\n{hidden}", encoding="utf-8")
    line = (text + hidden).count("\n") + 1
    assert f"map.toml, line {line}: [tables.accounts] select reads from read_text." in refused(capsys, place)


# without the log: one that may not be written ends DuckDB itself, so that it must not come to the lock
LOCKED_OUT = [sql for sql in QUERIES.values() if "enable_logging" not in sql]


@pytest.mark.parametrize("attack", [*LOCKED_OUT, "COPY (SELECT 1) TO 'PLACE/victim.csv'"])
def test_the_lock_holds_alone(place: Path, listener: socket.socket, attack: str) -> None:
    """Were an attack to pass the judge of SQL, a locked connection would still neither read nor write elsewhere."""
    con, before = connect(files=[place / "export" / "users.csv"]), contents(place)
    shown = ""
    with contextlib.suppress(duckdb.Error):
        shown = str(con.con.execute(filled(attack, place, listener)).fetchall())
    assert SECRET not in shown
    now = contents(place)
    del now["export/users.csv"], before["export/users.csv"]  # the lock leaves the sources themselves to the judge
    assert now == before


VIEWS = {
    "read a file": "SELECT line AS user_id, line AS user_name FROM read_csv('PLACE/secret.csv')",
    "a file for a table": "SELECT line AS user_id, line AS user_name FROM 'PLACE/secret.csv'",
    "list a folder": "SELECT file AS user_id, file AS user_name FROM glob('PLACE/*')",
    "a log": "SELECT 'a' AS user_id, 'b' AS user_name FROM enable_logging(storage := 'file', storage_path := '/x')",
    "SQL in a text": "SELECT line AS user_id, line AS user_name FROM query('FROM read_csv(''PLACE/secret.csv'')')",
    "a macro": "SELECT harmless('x') AS user_id, 'b' AS user_name",
    "a macro in the place of a function": "SELECT lower('x') AS user_id, 'b' AS user_name",
    "a table macro": "SELECT line AS user_id, line AS user_name FROM harmless_table()",
    "behind another view": "SELECT line AS user_id, line AS user_name FROM behind",
    "behind a view elsewhere": "SELECT line AS user_id, line AS user_name FROM other.behind",
}


def database(path: Path, place: Path, attack: str) -> Path:
    """Write a database with a table of deals, and users that are a view which does harm."""
    read = f"SELECT line FROM read_csv('{place / 'secret.csv'}')"
    users = VIEWS[attack].replace("PLACE", str(place))
    with duckdb.connect(str(path)) as con:
        con.execute(f"CREATE TABLE opportunities AS FROM read_csv('{place / 'export' / 'opportunities.csv'}')")
        for name in ("harmless", "lower"):
            con.execute(f"CREATE MACRO {name}(x) AS ({read})")
        con.execute(f"CREATE MACRO harmless_table() AS TABLE {read}")
        con.execute(f"CREATE VIEW behind AS {read}")
        con.execute(f"CREATE SCHEMA other; CREATE VIEW other.behind AS {read}")
        con.execute(f"CREATE VIEW users AS {users}")
    return path


@pytest.mark.parametrize("attack", VIEWS)
def test_a_view_in_an_export_computes_and_nothing_else(
    place: Path, capsys: pytest.CaptureFixture[str], attack: str
) -> None:
    """A database is imported table by table; a view in it that does more is refused by name."""
    write_map(place / "map.toml")
    database(place / "export" / "crm.duckdb", place, attack)
    for name in ("users", "opportunities"):
        (place / "export" / f"{name}.csv").unlink()
    err = refused(capsys, place)
    assert err.startswith("Error: users in crm.duckdb is a view that ")
    assert "Store it as a table: CREATE TABLE … AS FROM users." in err


def test_functions_of_its_own_make_no_book(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A book that brings functions in the place of DuckDB's is refused: no number of it could be trusted."""
    database(place / "crm.duckdb", place, "a macro")
    before = contents(place)
    code, out, err = salesops(capsys, "check", f"duckdb://{place / 'crm.duckdb'}")
    assert (code, out, contents(place)) == (1, "", before)
    assert "has functions of its own in the place of DuckDB's: lower." in err


@pytest.mark.parametrize("attack", [attack for attack in VIEWS if "in the place" not in attack])
def test_a_view_in_a_book_computes_and_nothing_else(
    place: Path, capsys: pytest.CaptureFixture[str], attack: str
) -> None:
    """A book that is a database is opened locked, and its views are judged before they run."""
    with duckdb.connect(str(database(place / "crm.duckdb", place, attack))) as con:
        con.execute("DROP MACRO lower")
    before = contents(place)
    code, out, err = salesops(capsys, "check", f"duckdb://{place / 'crm.duckdb'}")
    assert (code, contents(place)) == (1, before)
    assert "The view 'users' " in out
    assert SECRET not in out + err


def test_views_that_compute_are_read(place: Path) -> None:
    """Views over tables of the same database, also over views and by its full name, are tables like any other."""
    with duckdb.connect(str(place / "crm.duckdb")) as con:
        con.execute("CREATE SCHEMA raw; CREATE TABLE raw.people AS SELECT 'U1' AS id, ' Ana ' AS name")
        con.execute('CREATE VIEW "all of them" (id, "AS name") AS FROM raw.people')
        con.execute("""CREATE VIEW users AS WITH p AS (SELECT * FROM crm.main."all of them", range(1))
            SELECT id AS user_id, trim("AS name") AS user_name, md5('x') AS email FROM p""")
    users = open_book(f"duckdb://{place / 'crm.duckdb'}").raw("users")
    assert users.select("user_id", "user_name").to_pyarrow().to_pylist() == [{"user_id": "U1", "user_name": "Ana"}]


def test_a_view_in_sqlite_calls_nothing_of_the_machine(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a view of an SQLite file calls must be known to be harmless: loading a program is not."""
    write_map(place / "map.toml")
    with closing(sqlite3.connect(place / "export" / "crm.sqlite")) as con:
        con.execute("CREATE VIEW users AS SELECT load_extension('/tmp/evil') AS user_id, 'x' AS user_name")
        con.commit()
    (place / "export" / "users.csv").unlink()
    assert "users in crm.sqlite cannot be read: unsafe use of load_extension()" in refused(capsys, place)


@pytest.mark.parametrize("name", ["users.csv", "users.parquet", "crm.duckdb.wal", "people.db"])
def test_a_link_out_of_an_export_is_refused(place: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A link in an export that leads out of it could bring in any file of this machine."""
    write_map(place / "map.toml")
    (place / "export" / "users.csv").unlink()
    with closing(sqlite3.connect(place / "people.db")) as con:
        con.execute("CREATE TABLE users (user_id)")
    (place / "secret.duckdb").rename(place / "export" / "crm.duckdb")
    target = {"users.parquet": "secret.parquet", "people.db": "people.db"}.get(name, "victim.csv")
    (place / "export" / name).symlink_to(place / target)
    assert f"'{name}' in '{place / 'export'}' is a link to '{place / target}', outside of it" in refused(capsys, place)


def test_a_link_within_an_export_is_a_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link to another file of the same folder, and a folder that is itself a link, are read."""
    write_map(place / "map.toml")
    (place / "export" / "users.csv").rename(place / "export" / "people.txt")
    (place / "export" / "users.csv").symlink_to("people.txt")
    (place / "linked").symlink_to(place / "export")
    code, _, err = salesops(capsys, "import", "--map", place / "map.toml", place / "linked", place / "dest")
    assert (code, err) == (0, "")


@pytest.mark.parametrize("name", ["users.csv", "book.toml", "play_log.csv", "scenarios/a.toml", "scenarios"])
def test_a_link_out_of_a_book_is_refused(place: Path, name: str) -> None:
    """What is read or written beside the tables of a book must not be elsewhere, whatever the kind of the book."""
    linked = place / "export" / name
    linked.parent.mkdir(exist_ok=True)
    linked.unlink(missing_ok=True)
    linked.symlink_to(place / "home" if name == "scenarios" else place / "victim.csv")
    with pytest.raises(BookError, match=f"'{linked.name}' in '.*' is a link to '{place}.*Put the file itself there"):
        open_book(place / "export")
    if name != "users.csv":
        (place / "secret.duckdb").rename(place / "export" / "crm.duckdb")
        with pytest.raises(BookError, match=f"'{linked.name}' in '.*' is a link to '{place}"):
            open_book(f"duckdb://{place / 'export' / 'crm.duckdb'}")


def spoilt_workbook(path: Path, spoil: Callable[[bytes], bytes]) -> None:
    """Write a workbook of users whose sheet is spoilt."""
    book = openpyxl.Workbook()
    book.worksheets[0].title = "users"
    for row in (USERS[0], *map(dict.values, USERS)):
        book.worksheets[0].append(list(row))
    book.save(path)
    with ZipFile(path) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    with ZipFile(path, "w", ZIP_DEFLATED) as made:
        for name, part in parts.items():
            made.writestr(name, spoil(part) if name.startswith("xl/worksheets/") else part)


def with_entity(sheet: bytes, entity: str) -> bytes:
    """Return a sheet in which a name is an entity, x, of the document."""
    return f"<!DOCTYPE r [{entity}]>".encode() + sheet.replace(b"Ana Lopes", b"&x;")


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
WORKBOOKS: dict[str, Callable[[bytes], bytes]] = {
    "a file as an entity": lambda sheet: with_entity(sheet, '<!ENTITY x SYSTEM "file:///etc/passwd">'),
    "an address as an entity": lambda sheet: with_entity(sheet, '<!ENTITY x SYSTEM "http://127.0.0.1:PORT/x">'),
    "entities of entities": lambda sheet: with_entity(sheet, f'<!ENTITY l0 "ha">{LAUGHS}<!ENTITY x "&l9;">'),
    "half of it": lambda sheet: sheet[: len(sheet) // 2],
    "an unknown entity": lambda sheet: sheet.replace(b"Ana Lopes", b"&x;"),
}


@pytest.mark.parametrize("attack", WORKBOOKS)
def test_a_spoilt_workbook_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], listener: socket.socket, attack: str
) -> None:
    """What XML could bring in from elsewhere, or blow up, is refused like a workbook that is broken."""
    write_map(place / "map.toml")
    (place / "export" / "users.csv").unlink()
    port = str(listener.getsockname()[1]).encode()
    spoilt_workbook(place / "export" / "crm.xlsx", lambda sheet: WORKBOOKS[attack](sheet).replace(b"PORT", port))
    assert "crm.xlsx cannot be read: " in refused(capsys, place)


def test_a_workbook_that_would_fill_the_memory_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a workbook unpacks to is looked at before it is read."""
    write_map(place / "map.toml")
    spoilt_workbook(place / "export" / "crm.xlsx", lambda sheet: sheet + b" " * 100_000)
    monkeypatch.setattr(workbook, "_LARGEST", 100_000)
    assert "crm.xlsx holds 0.0 GB when unpacked, more than" in refused(capsys, place)


NO_TOML = {"nested": f"a = {'[' * 20_000}", "a number": f"a = {'1' * 5_000}", "bytes": "a = '\udcff'", "cut": "a = ["}


@pytest.mark.long
@pytest.mark.parametrize("kind", NO_TOML)
@pytest.mark.parametrize("name", ["book.toml", "playbook.toml", "map.toml", "reports.toml"])
def test_what_is_no_toml_is_a_sentence(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    """A file that its reader cannot take in, for depth or size or letters, is told by name in one line."""
    monkeypatch.chdir(place)
    (place / "notebooks").mkdir()
    (place / "reports").mkdir()
    folder = {"map.toml": place, "reports.toml": place / "reports"}.get(name, place / "export")
    (folder / name).write_text(NO_TOML[kind], encoding="utf-8", errors="surrogateescape")
    words = {
        "map.toml": ["import", "--map", name, place / "export", place / "dest"], "reports.toml": ["run"],
    }.get(name, ["check", place / "export"])  # fmt: skip  # reads as a table
    code, out, err = salesops(capsys, *words)
    assert code == 1
    assert re.search(rf"{name}.* is (not valid TOML|no text in UTF-8)|{name}: cannot be read", out + err)
