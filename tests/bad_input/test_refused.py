"""What no report may be built on: refused by check, import and run, and nothing is written or changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from tiny_export import DEALS, LOST, USERS, contents, csv_text, deal, salesops, user, write_export, write_map

from salesops.cli import main

Spoil = Callable[[Path], Path]
NOTHING = "The import was refused. Nothing was written.\n- "
ASIDE = "\nOr import the rest: with --set-aside these rows go to DEST/rejected with the reason.\n"


def spoilt(**tables: list[dict[str, str]] | str | bytes) -> Spoil:
    return lambda path: write_export(path, **tables)


def folder_of_other_files(path: Path) -> Path:
    path.mkdir()
    (path / "photo.png").write_bytes(b"\x89PNG")
    return path


def spreadsheet_named_csv(path: Path) -> Path:
    write_export(path, opportunities=None)
    book = openpyxl.Workbook()
    for row in (DEALS[0], *map(dict.values, DEALS)):
        book.worksheets[0].append(list(row))
    book.save(path / "opportunities.xlsx")
    (path / "opportunities.xlsx").rename(path / "opportunities.csv")
    return path


def made(path: Path) -> Path:
    path.mkdir()
    return path


MANY = [deal(f"D{number}", "U1", amount="n/a" if number == 7312 else "100") for number in range(1, 7401)]

# what is spoilt, what check and run say, and what import says; HERE stands for the path
CASES: dict[str, tuple[Spoil, str, str]] = {
    "no such folder": (
        lambda path: path,
        "There is no folder 'HERE'. Name the folder that holds the book's tables.\n",
        "There is no folder or file 'HERE'. Name the export to import.\n",
    ),
    "empty folder": (
        made,
        "The folder 'HERE' holds no CSV or Parquet file. Expected files such as opportunities.csv.\n",
        "The folder 'HERE' holds no CSV, TSV, TXT, XLSX, Parquet, SQLite or DuckDB file. It is empty.\n",
    ),
    "folder of other files": (
        folder_of_other_files,
        "The folder 'HERE' holds no CSV or Parquet file. Expected files such as opportunities.csv.\n",
        "The folder 'HERE' holds no CSV, TSV, TXT, XLSX, Parquet, SQLite or DuckDB file. It holds 1 other file.\n",
    ),
    "empty file": (
        spoilt(opportunities=""),
        "opportunities: opportunities.csv is empty. Export it again.\n",
        "opportunities.csv is empty. Export it again.\n",
    ),
    "header only": (
        spoilt(opportunities=csv_text(DEALS).splitlines()[0] + "\n"),
        "opportunities: opportunities.csv holds a header and no rows. Remove the file, or export it again.\n",
        "opportunities.csv holds a header and no rows. Remove the file, or export it again.\n",
    ),
    "missing required column": (
        spoilt(opportunities=csv_text(DEALS).replace("owner_id", "ownr_id")),
        "opportunities: the required column 'owner_id' is missing. Did you mean 'ownr_id'? "
        "Rename or add the column, or import with a map.\n",
        "Required columns were not found. Nothing was written.\n- opportunities.owner_id: no column 'owner_id' in "
        "opportunities.csv. Did you mean 'ownr_id'?\nopportunities.csv has: opportunity_id, ownr_id, stage_name, "
        "amount, currency, probability, created_date, close_date, is_closed, is_won.\n"
        "Add the headers of your export to the map.\n",
    ),
    "no number in row 7,312": (
        spoilt(opportunities=MANY),
        "opportunities: 1 of 7,400 rows has an amount that is not a number (first: row 7,312 'n/a'). "
        "Correct the cells in the source; for another way of writing see [csv] in data/README.md.\n",
        f"{NOTHING}opportunities: 1 of 7,400 rows has an amount that is not a number (first: row 7,312 'n/a'). Correct "
        f'the cells in the source, or replace them in the map: values = {{ "n/a" = "" }}.{ASIDE}',
    ),
    "no day in four rows": (
        spoilt(opportunities=[*DEALS, *(deal(f"E{n}", "U1", close_date=f"2026-02-{n}") for n in (30, 31, 32, 33))]),
        "opportunities: 4 of 7 rows have a close_date that is not a date "
        "(first: row 4 '2026-02-30', row 5 '2026-02-31', row 6 '2026-02-32', …). "
        "Correct the cells in the source; for another way of writing see [csv] in data/README.md.\n",
        f"{NOTHING}opportunities: 4 of 7 rows have a close_date that is not a date "
        "(first: row 4 '2026-02-30', row 5 '2026-02-31', row 6 '2026-02-32', …). Correct the cells in the source; "
        f"days counted by Excel need excel_date = true in the map.{ASIDE}",
    ),
    "duplicate keys": (
        spoilt(opportunities=[*DEALS, DEALS[1], DEALS[2]]),
        "opportunities: 2 of 5 rows repeat the opportunity_id of another row (first: D2, D3). "
        "Keep one row for each, or give the others keys of their own.\n",
        f"{NOTHING}opportunities: 2 of 5 rows repeat the opportunity_id of an earlier row "
        "(first: row 4 'D2', row 5 'D3'). Keep one row for each in the source; distinct = true drops rows that are "
        f"wholly equal.{ASIDE}",
    ),
    "orphan keys": (
        spoilt(opportunities=[*DEALS, deal("D4", "U8"), deal("D5", "U9")]),
        "opportunities: 2 of 5 rows name an owner_id that is not in users (first: D4 'U8', D5 'U9'). "
        "Add what is missing to users, or correct the owner_id.\n",
        f"{NOTHING}opportunities: 2 of 5 rows name an owner_id that is not in users (first: row 4 'U8', row 5 'U9'). "
        "Add what is missing to users, or correct the owner_id. "
        f'Where the source gives a name, map it: owner_id = {{ from = "…", lookup = "…" }}.{ASIDE}',
    ),
    "manager cycle": (
        spoilt(users=[user("M1", "Eva Long", role="manager", manager_id="U1"), *USERS[1:]]),
        "users: 2 of 3 rows are managed in a circle: Eva Long → Ana Lopes → Eva Long (first: M1, U1). "
        "Correct manager_id: the topmost manager reports to nobody.\n",
        f"{NOTHING}users: 1 circle of users who report to each other (first: M1 → U1 → M1). "
        "Correct the manager of one of them in the source.\n",
    ),
    "spreadsheet named .csv": (
        spreadsheet_named_csv,
        "opportunities: opportunities.csv is not text. If it is a spreadsheet, save it as CSV UTF-8, or import it as "
        ".xlsx.\n",
        "opportunities.csv is not text. If it is a spreadsheet, save it as CSV UTF-8, or import it as .xlsx.\n",
    ),
}  # fmt: skip  # one text after another
spoils = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.mark.long
@spoils
def test_check_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: tuple[Spoil, str, str]
) -> None:
    """Exit code 1 and one sentence with table, rows, first keys and repair; the book stays as it is."""
    book = case[0](tmp_path / "book")
    before = contents(tmp_path)
    code, out, err = salesops(capsys, "check", book)
    assert code == 1
    assert case[1].replace("HERE", str(book)) in out + err
    assert contents(tmp_path) == before


@pytest.mark.long
@spoils
def test_run_refuses_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: tuple[Spoil, str, str]
) -> None:
    """Exit code 1 and that sentence; a folder of reports stays as it is."""
    book = case[0](tmp_path / "book")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "last-week.html").write_text("kept")
    before = contents(tmp_path)
    code, _, err = salesops(capsys, "run", "team_accountability", "--book", book, "--out", tmp_path / "site")
    assert (code, err) == (1, "Error: " + case[1].replace("HERE", str(book)))
    assert contents(tmp_path) == before


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book made of the export as it should be."""
    folder = tmp_path_factory.mktemp("imported")
    words = ["import", "--map", write_map(folder / "map.toml"), write_export(folder / "export"), folder / "book"]
    assert main([str(word) for word in words]) == 0
    return folder / "book"


@pytest.mark.long
@spoils
def test_import_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], imported: Path, case: tuple[Spoil, str, str]
) -> None:
    """Exit code 1 and the sentence, with a repair that a map allows; a book at DEST stays as it is."""
    source, map_ = case[0](tmp_path / "export"), write_map(tmp_path / "map.toml")
    shutil.copytree(imported, tmp_path / "book")
    before = contents(tmp_path)
    code, _, err = salesops(capsys, "import", "--map", map_, "--replace", source, tmp_path / "book")
    assert (code, err) == (1, "Error: " + case[2].replace("HERE", str(source)))
    assert contents(tmp_path) == before


def test_what_is_refused_makes_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where DEST or DIR was not there, it is not there afterwards, and nor is anything beside it."""
    source = write_export(tmp_path / "export", opportunities=[*DEALS, DEALS[0]])
    map_, new = write_map(tmp_path / "map.toml"), tmp_path / "not" / "there"
    before = contents(tmp_path)
    assert salesops(capsys, "import", "--map", map_, source, new)[0] == 1
    assert salesops(capsys, "run", "team_accountability", "--book", source, "--out", new)[0] == 1
    assert contents(tmp_path) == before


def test_one_table_that_cannot_be_read_does_not_hide_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check goes through all tables, and still tells which reports the book can feed."""
    book = write_export(tmp_path / "book", users=[*USERS, USERS[1]], quotas="")
    code, out, _ = salesops(capsys, "check", book)
    assert code == 1
    assert "2 errors\n" in out
    assert "users: 1 of 4 rows repeats the user_id of another row (first: U1)." in out
    assert "quotas: quotas.csv is empty." in out
    assert "team_accountability  no: errors in users, quotas\n" in out


def test_a_file_is_no_book(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the place of the folder: the sentence names both ways on."""
    file = write_export(tmp_path / "book") / "opportunities.csv"
    told = (
        f"Error: '{file}' is a file. Name the folder that holds it, or import it: "
        f"salesops import --map MAP {file} DEST.\n"
    )
    assert salesops(capsys, "check", file) == (1, "", told)
    assert salesops(capsys, "run", "team_accountability", "--book", file, "--out", tmp_path / "new") == (1, "", told)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("name", "told"), [("users.csv", "cannot be opened as a DuckDB"), ("no.duckdb", "There is no")]
)
def test_an_address_that_is_no_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    """A duckdb:// address of a CSV file, or of nothing, is refused by name, and no database file is made."""
    book = write_export(tmp_path / "book")
    before = contents(tmp_path)
    address = f"duckdb://{book / name}"
    for words in (["check", address], ["run", "team_accountability", "--book", address, "--out", tmp_path / "new"]):
        code, _, err = salesops(capsys, *words)
        assert code == 1
        assert err.startswith("Error: ")
        assert told in err
        assert f"'{book / name}'" in err
    assert contents(tmp_path) == before


def test_set_aside_imports_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --set-aside the rows that break a rule go to rejected/ with the reason, and no other is lost."""
    lost = deal("D6", "U2", **LOST)
    deals = [*DEALS, deal("D4", "U9"), DEALS[0], deal("D5", "U1", amount="n/a"), lost]
    source = write_export(tmp_path / "export", opportunities=deals)
    map_, dest = write_map(tmp_path / "map.toml"), tmp_path / "book"
    code, out, _ = salesops(capsys, "import", "--map", map_, "--set-aside", source, dest)
    assert code == 0
    assert "opportunities: 7 rows in, 4 out, 3 set aside (opportunities.csv)\n" in out
    rejected = (dest / "rejected" / "opportunities.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[:3] for line in rejected[1:]] == [
        ["names an owner_id that is not in users: U9", "4", "D4"],
        ["repeats the opportunity_id of an earlier row: D1", "5", "D1"],
        ["has an amount that is not a number: n/a", "6", "D5"],
    ]
