"""Words from tables, files and settings on the terminal: shown, and never obeyed."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from conftest import ROOT
from tiny_export import DEALS, QUOTAS, USERS, csv_text, deal, salesops, user, write_export, write_map

from salesops.errors import SalesopsError

FAKE = "Paid:"
# lines of its own, a colour, a cleared screen in one byte, a title, letters turned round
EVIL = f"\n{FAKE}\r\n{FAKE}\x1b[31m\x85{FAKE}\x9b2J\u2028{FAKE}\x1b]0;title\x07\u202e\x08"


def evil(words: str) -> str:
    return f"{words}{EVIL}"


def harmless(*streams: str) -> None:
    """Assert that words of the data are told, that none of them commands a terminal, and that none begins a line."""
    text = "".join(streams)
    assert FAKE in text
    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []
    for stream in streams:
        assert [line for line in stream.splitlines() if line.startswith(FAKE)] == []


def a_broken_rule(column: str, **cells: str) -> Callable[[Path], Path]:
    row = deal("D9", "U1", **cells) | {column: evil("v")}
    return lambda folder: write_export(folder, opportunities=[*DEALS, row])


BOOKS: dict[str, Callable[[Path], Path]] = {
    "an amount": a_broken_rule("amount"),
    "a date": a_broken_rule("close_date"),
    "a yes or no": a_broken_rule("is_won"),
    "a currency": a_broken_rule("currency"),
    "an owner": a_broken_rule("owner_id"),
    "a key": lambda folder: write_export(folder, opportunities=[*DEALS, *(deal(evil("D9"), "U1") for _ in "12")]),
    "a role": lambda folder: write_export(folder, users=[*USERS, user("U9", "x", role=evil("rep"))]),
    "a manager": lambda folder: write_export(folder, users=[*USERS, user(evil("U9"), "x", manager_id=evil("M9"))]),
    "a measure": lambda folder: write_export(folder, quotas=[QUOTAS[0] | {"measure": evil("bookings")}]),
    "a header": lambda folder: write_export(
        folder, opportunities=csv_text(DEALS).replace("owner_id", '"' + evil("owner").replace('"', "") + '"', 1)
    ),
    "a title above": lambda folder: write_export(
        folder, opportunities="a report,,,,,,,,,\n" + f'"{evil("of")}",,,,,,,,,\n,,,,,,,,,\n' + csv_text(DEALS)
    ),
    "words below": lambda folder: write_export(folder, opportunities=csv_text(DEALS) + f'\n"{evil("end")}"\n'),
}


@pytest.mark.long
@pytest.mark.parametrize("what", BOOKS)
def test_what_is_wrong_in_a_book_is_told_in_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """What check says of a book quotes its words, and each of its sentences stays one line."""
    folder = BOOKS[what](tmp_path / "book")
    _, out, err = salesops(capsys, "check", folder)
    harmless(out, err)


@pytest.mark.long
@pytest.mark.parametrize("what", BOOKS)
def test_what_is_wrong_in_an_export_is_told_in_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """What import says of an export quotes its words, and each of its sentences stays one line."""
    folder, map_ = BOOKS[what](tmp_path / "export"), write_map(tmp_path / "map.toml")
    _, out, err = salesops(capsys, "import", "--map", map_, folder, tmp_path / "dest")
    harmless(out, err)


def test_the_words_of_a_map_are_told_in_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A map's title, stages, reasons and renames, and a key that it misspells, are words like any other."""
    folder, map_ = write_export(tmp_path / "export"), tmp_path / "map.toml"
    quoted = json.dumps(EVIL)
    text = write_map(map_, stage_name=f'{{ from = "stage_name", values = {{ Won = {quoted} }} }}').read_text()
    text = text.replace('title = "Tiny"', f"title = {quoted}")
    reason = f"[tables.opportunities.leave_out]\n{quoted} = \"opportunity_id = 'D2'\"\n"
    map_.write_text(f"{text}\n{reason}", encoding="utf-8")
    _, out, err = salesops(capsys, "import", "--map", map_, folder, tmp_path / "dest")
    harmless(out)
    harmless(out, err)
    _, out, err = salesops(capsys, "check", tmp_path / "dest")
    assert "not valid TOML" not in out + err
    map_.write_text(f"{quoted} = 1\n{text}", encoding="utf-8")
    _, out, err = salesops(capsys, "import", "--map", map_, folder, tmp_path / "other")
    harmless(err)


@pytest.mark.long
def test_the_words_of_settings_are_told_in_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A company's name in book.toml, a key and a value that are wrong, and the words of a playbook are harmless."""
    folder, quoted = write_export(tmp_path / "book"), json.dumps(EVIL)
    (folder / "book.toml").write_text(f"company = {quoted}", encoding="utf-8")
    _, out, err = salesops(capsys, "check", folder)
    harmless(out)
    _, out, err = salesops(
        capsys, "run", "team_accountability", "--book", folder, "--period", "2020-Q1", "--manager", "x"
    )
    harmless(out, err)
    for wrong in (f"{quoted} = 1", f"currency = {quoted}", f"stage_order = [{quoted}, {quoted}]"):
        (folder / "book.toml").write_text(wrong, encoding="utf-8")
        _, out, err = salesops(capsys, "check", folder)
        harmless(err)
    (folder / "book.toml").unlink()
    (folder / "playbook.toml").write_text(f"{quoted} = 1\n[[play]]\nid = {quoted}\n", encoding="utf-8")
    _, out, err = salesops(capsys, "check", folder)
    harmless(out, err)


def test_the_names_of_sheets_and_files_are_told_in_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What an export's files and sheets are called is harmless, too."""
    folder, map_ = write_export(tmp_path / "export"), write_map(tmp_path / "map.toml")
    name = EVIL
    (folder / f"{name}.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    book = openpyxl.Workbook()
    book.worksheets[0].title = "\u202e a \x85b"
    book.worksheets[0].append(["a", "b"])
    book.save(folder / "more.xlsx")
    _, out, err = salesops(capsys, "import", "--map", map_, folder, tmp_path / "dest")
    harmless(out, err)


def test_the_names_of_people_are_told_in_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of reps that a run proposes stay in their line."""
    people = [USERS[0], user("U1", evil("Ana")), user("U2", evil("Ben"))]
    folder = write_export(tmp_path / "book", users=people)
    _, out, err = salesops(
        capsys, "run", "rep_accountability", "--book", folder, "--rep", "Ana", "--out", tmp_path / "x"
    )
    harmless(out, err)


def test_each_argument_of_an_error_is_a_line() -> None:
    """An error has as many lines as it is given, whatever its words hold; also after it came from another process."""
    error = SalesopsError(evil("one"), "two")
    assert str(error).count("\n") == 1
    harmless(str(error))
    assert str(error.__class__(*error.args)) == str(error)


def test_all_output_goes_through_one_place() -> None:
    """The command line prints in one place alone, so that no words go round it."""
    found = []
    for path in sorted((ROOT / "salesops").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in ("print", "typer.echo", "typer.secho", "sys.stdout.write", "sys.stderr.write"):
                found.append(path.relative_to(ROOT / "salesops").as_posix())
    assert found == ["cli/outside.py"]
