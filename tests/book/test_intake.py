"""An import tells every row's fate, and refuses what no report may be built on."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_export import DEALS, MAP, USERS, rows, run, write_export

from salesops.book.check import check_book
from salesops.book.source import open_book
from salesops.errors import IntakeError, MapError
from salesops.intake import import_book


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A small export of users and deals, beside map.toml."""
    return write_export(tmp_path)


def refused(export: Path, message: str, **options: bool) -> str:
    """Run an import that must be refused, and see that it leaves nothing behind."""
    before = sorted(export.parent.iterdir())
    with pytest.raises(IntakeError, match=message) as error:
        run(export, **options)
    assert sorted(export.parent.iterdir()) == before
    return str(error.value)


def test_a_good_export_becomes_a_book(export: Path) -> None:
    """What is imported opens as a book without errors; settings, derived flags and filled-in values are there."""
    result = run(export)
    book = open_book(result.dest)
    assert [finding for finding in check_book(book) if finding.severity == "error"] == []
    assert (book.company, book.currency) == ("Acme", "EUR")
    deals = book.table("opportunities").order_by("opportunity_id").to_pyarrow().to_pylist()
    assert [(deal["is_closed"], deal["is_won"], deal["currency"]) for deal in deals] == [
        (True, True, "EUR"), (True, False, "EUR"), (False, False, "EUR"),
    ]  # fmt: skip  # one deal an item
    assert [user[2] for user in rows(result.dest / "users.parquet")] == ["rep", "manager"]


def test_the_lines_account_for_every_table(export: Path) -> None:
    """Rows in, out and set aside, filled-in columns, empty cells, stages and unused columns are printed."""
    (export / "deals.csv").write_text("".join(f"{line},extra\n" for line in DEALS.splitlines()))
    (export / "notes.csv").write_text("a,b\n1,2\n")
    lines = run(export).lines()
    assert "opportunities: 3 rows in, 3 out, 0 set aside (deals.csv)" in lines
    for expected in (
        "  currency filled with EUR from [book] in every row",
        "  1 of 3 opportunities have no amount",
        "  won: Won (1); lost: Lost (1); open: Open (1)",
        "  source columns not used: extra",
        "not used: notes.csv",
    ):
        assert expected in lines


def test_no_deal_won_is_a_warning(export: Path) -> None:
    """Stages of which none counts as won are named: the map's list may be misspelt."""
    (export / "deals.csv").write_text(DEALS.replace("Won", "Signed"))
    assert "no deal is won" in run(export).warnings[0]
    assert "Signed (1)" in run(export, replace=True).warnings[0]


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda e: [f.unlink() for f in e.iterdir()], r"holds no CSV.*It is empty"),
        (lambda e: (e / "deals.csv").write_text(""), "deals.csv"),
        (lambda e: (e / "deals.csv").write_text("id,rep,stage\n"), "holds a header and no rows"),
        (lambda e: (e / "deals.csv").unlink(), "opportunities: no file, sheet or table is named like 'deals'"),
        (lambda e: (e / "deals.csv").write_text(DEALS.replace("stage", "phase")), "stage_name: no column 'stage'"),
    ],
    ids=["empty folder", "empty file", "header only", "missing file", "missing column"],
)
def test_an_incomplete_source_is_refused(export: Path, break_it: Callable[[Path], object], message: str) -> None:
    """An empty or incomplete source is refused with what was expected, and nothing is written."""
    break_it(export)
    refused(export, message)


def test_no_such_source(tmp_path: Path, export: Path) -> None:
    """A source that does not exist is refused by name."""
    with pytest.raises(IntakeError, match=r"There is no folder or file .*nowhere"):
        import_book(tmp_path / "map.toml", tmp_path / "nowhere", tmp_path / "book")


def test_all_missing_columns_are_named_with_the_nearest_header(export: Path) -> None:
    """Every required column that is not found is listed, each with the header that comes nearest."""
    (export / "deals.csv").write_text(DEALS.replace("stage", "stages").replace("amount", "amounts"))
    text = refused(export, "Required columns were not found")
    assert "Did you mean 'stages'?" in text
    assert "Did you mean 'amounts'?" in text
    assert text.count("deals.csv has: id, rep, stages, amounts, closed.") == 1


BROKEN = {
    "type": (DEALS.replace("D2,u1,Lost,0", "D2,u1,Lost,abc"),
             r"opportunities: 1 of 3 rows has an amount that is not a number \(first: row 2 'abc'\)"),
    "date": (DEALS.replace("2026-01-11", "tomorrow"), r"close_date that is not a date \(first: row 2 'tomorrow'\)"),
    "duplicate": (DEALS.replace("D3", "D1"),
                  r"1 of 3 rows repeats the opportunity_id of an earlier row \(first: row 3 'D1'\)"),
    "orphan": (DEALS.replace("D3,u2", "D3,u9"),
               r"1 of 3 rows names an owner_id that is not in users \(first: row 3 'u9'\)"),
    "empty": (DEALS.replace("D2,u1", "D2,"), r"1 of 3 rows has no owner_id \(first: row 2 'D2'\)"),
}  # fmt: skip  # one case a line


@pytest.mark.parametrize("case", BROKEN)
def test_broken_rows_refuse_the_import(export: Path, case: str) -> None:
    """Wrong types, duplicate and orphan keys and empty owners refuse the import with count, row, value and way out."""
    deals, message = BROKEN[case]
    (export / "deals.csv").write_text(deals)
    assert "--set-aside" in refused(export, message)


@pytest.mark.long
@pytest.mark.parametrize("case", BROKEN)
def test_broken_rows_can_be_set_aside(export: Path, case: str) -> None:
    """With set_aside the same rows go to rejected/ with reason, row and source cells; the others are imported."""
    (export / "deals.csv").write_text(BROKEN[case][0])
    result = run(export, set_aside=True)
    with (result.dest / "rejected" / "opportunities.csv").open(newline="", encoding="utf-8") as file:
        left_out = list(csv.DictReader(file))
    assert len(left_out) == 1
    assert left_out[0]["row"] == ("3" if case in ("duplicate", "orphan") else "2")
    assert left_out[0]["reason"]
    assert set(left_out[0]) == {"reason", "row", "id", "rep", "stage", "amount", "closed"}
    assert len(rows(result.dest / "opportunities.parquet")) == 2
    (found,) = [found for found in check_book(open_book(result.dest)) if found.rule == "set aside"]
    reason = left_out[0]["reason"].partition(":")[0]
    assert (found.severity, found.affected, found.rows) == ("warning", 1, 3)
    assert found.found == f"was set aside by the import: {reason}"


def test_what_was_set_aside_must_be_readable(export: Path) -> None:
    """Counts that somebody changed by hand are told of, and stop nothing."""
    (export / "deals.csv").write_text(BROKEN["type"][0])
    dest = run(export, set_aside=True).dest
    (dest / "rejected" / "counts.csv").write_text("table,reason\nopportunities,why\n")
    (found,) = [found for found in check_book(open_book(dest)) if found.rule == "set aside"]
    assert "cannot be read" in str(found)


def test_every_problem_is_listed(export: Path) -> None:
    """A refusal lists all that is wrong, not only the first."""
    (export / "users.csv").write_text(USERS + "u1,Again,\n")
    (export / "deals.csv").write_text(DEALS.replace(",100,", ",abc,").replace("D3,u2", "D3,u9"))
    text = refused(export, "refused")
    assert text.count("\n- ") == 3


def test_the_row_of_a_wrong_type_is_named_far_down(export: Path) -> None:
    """One wrong cell among thousands is found and named by its row."""
    lines = [f"D{n},u1,Won,{'abc' if n == 7312 else n},2026-01-10" for n in range(1, 8801)]
    (export / "deals.csv").write_text("id,rep,stage,amount,closed\n" + "\n".join(lines))
    refused(export, r"1 of 8,800 rows has an amount that is not a number \(first: row 7,312 'abc'\)")


def test_setting_a_parent_aside_takes_its_children(export: Path) -> None:
    """Orphans of rows set aside are set aside too, until the book is consistent; the share in money is told."""
    (export / "users.csv").write_text("id,name,boss,extra\nu1,,u2,x\nu2,Bob,,x\n")
    result = run(export, set_aside=True)
    assert [row[0] for row in rows(result.dest / "opportunities.parquet")] == ["D3"]
    assert "  set aside by the rules: 2 of 3 rows (66.67%), 100 of 100 amount (100.00%)" in result.lines()


def test_a_manager_cycle_is_refused_even_with_set_aside(export: Path) -> None:
    """Users who report to each other are named; setting them aside would tear the team apart."""
    (export / "users.csv").write_text("id,name,boss\nu1,Ann,u2\nu2,Bob,u1\n")
    assert "--set-aside" not in refused(export, "1 circle of users who report to each other .first: u1 → u2 → u1")
    refused(export, "circle of users", set_aside=True)


def test_an_unknown_value_is_refused_with_its_repair(export: Path) -> None:
    """A value outside the known ones is refused with the line that renames it."""
    text = MAP.replace('manager_id = "boss" }', 'manager_id = "boss", role = "name" }')
    (export.parent / "map.toml").write_text(text)
    refused(export, r'role that is not one of rep, manager .first: row 1 \'Ann\'.*values = \{ "Ann" = "rep" \}')


def test_rows_without_a_key_are_set_aside_by_default(export: Path) -> None:
    """A row without its key cannot be referred to; it goes to rejected/ and the rest is imported."""
    (export / "deals.csv").write_text(DEALS.replace("D2,u1", ",u1"))
    result = run(export)
    assert "  set aside 1: opportunity_id is empty" in result.lines()
    assert len(rows(result.dest / "opportunities.parquet")) == 2


def test_rejected_cells_are_no_formulas(export: Path) -> None:
    """Cells that a spreadsheet would run are led by an apostrophe; plain numbers stay."""
    (export / "deals.csv").write_text(DEALS + ",=cmd|'/c',@x,-5,+1\n,-a,Won,,\n")
    result = run(export)
    with (result.dest / "rejected" / "opportunities.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert (first["rep"], first["stage"], first["amount"], first["closed"]) == ("'=cmd|'/c'", "'@x", "-5", "+1")
    assert second["rep"] == "'-a"


def test_strange_names_arrive_as_they_are(export: Path) -> None:
    """Markup, formulas, emoji, right-to-left and very long names are data and are kept exactly."""
    names = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "Zoë 🚀", "שלום", "x" * 500]
    lines = [f'u{n},"{name}",' for n, name in enumerate(names)]
    (export / "users.csv").write_text("id,name,boss\n" + "\n".join(lines) + "\nu9,Z,\n", encoding="utf-8")
    (export / "deals.csv").write_text(DEALS)
    result = run(export)
    assert [row[1] for row in rows(result.dest / "users.parquet")][:5] == names


def test_sql_errors_name_the_place_and_the_columns(export: Path) -> None:
    """SQL that does not fit is a MapError with the table, DuckDB's reason and the columns there are."""
    text = MAP.replace('amount = "amount"', "amount = { sql = 'ammount * 2' }")
    (export.parent / "map.toml").write_text(text)
    with pytest.raises(MapError, match=r'opportunities\.columns\] amount: ammount \* 2: .*"amount" whole number'):
        run(export)
    (export.parent / "map.toml").write_text(MAP + "[tables.territories]\nselect = 'SELECT 1 AS x FROM deal'\n")
    with pytest.raises(MapError, match=r"line \d+: \[tables\.territories\] select reads 'deal'.*Did you mean 'deals'"):
        run(export)
