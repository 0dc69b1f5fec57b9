"""The command line, as a person uses it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from books import make_book

from salesops.cli import main

NOTEBOOKS = Path(__file__).parent / "notebooks"
PERSON = str(NOTEBOOKS / "person.ipynb")
GREETING = str(NOTEBOOKS / "greeting.ipynb")
PATIENCE = 600.0  # seconds until a test gives up
USERS = [
    {"user_id": "M1", "user_name": "Eva Long", "role": "manager"},
    {"user_id": "U1", "user_name": "Ana Lopes", "manager_id": "M1"},
    {"user_id": "U2", "user_name": "<b>Zoë</b>", "manager_id": "M1"},
    {"user_id": "U3", "user_name": "Ana Lopes"},
]
DEALS = [
    {"owner_id": "U1", "amount": 100, "close_date": "2026-02-03", "is_closed": True, "is_won": True},
    {"owner_id": "U2", "amount": 50, "close_date": "2026-03-31", "is_closed": True},
]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of three reps, one manager and two decided deals in the first quarter of 2026."""
    make_book(tmp_path / "acme", {"users": USERS, "opportunities": DEALS}, company="Acme")
    return tmp_path / "acme"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one notebook, in which the commands run."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "person.ipynb").write_text(Path(PERSON).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entries(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((out / "index.json").read_text(encoding="utf-8"))["reports"]
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must be refused, and return its message."""
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.err


# help


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`salesops --help` lists the commands."""
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f" {command} " in shown for command in ("check", "import", "sample", "list", "run", "schedule"))


def test_help_imports_nothing_heavy() -> None:
    """What makes a start slow is imported only by the command that needs it."""
    code = "import sys; from salesops.cli import main; main(['--help']); print(*sys.modules, sep='\\n')"
    modules = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    heavy = {"ibis", "duckdb", "pandas", "numpy", "pyarrow", "altair", "papermill", "nbformat", "nbconvert", "jinja2"}
    assert modules & heavy == set()
    assert "salesops.cli" in modules


# check and list


def test_check_tells_detection_warnings_and_what_the_book_can_feed(
    project: Path, book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors and warnings stand apart; each report is named with what it lacks; without errors the exit code is 0."""
    assert main(["check", str(book)]) == 0
    shown = capsys.readouterr().out
    assert "No errors" in shown
    assert "no quota" in shown
    assert "Reports that this book can feed\n  person  yes, without quotas\n" in shown


def test_check_says_which_tables_a_report_lacks(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A book without the tables of a report is a good book that cannot feed it."""
    make_book(project / "thin", {"products": [{"family": "GTX"}]})
    assert main(["check", "thin"]) == 0
    assert "  person  no: the book lacks users, opportunities or orders\n" in capsys.readouterr().out


def test_check_exits_with_1_on_errors(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error is told with rows, first keys and repair, and run refuses the book with the same sentence."""
    make_book(project / "bad", {"users": [*USERS, USERS[1]], "opportunities": DEALS})
    assert main(["check", "bad"]) == 1
    shown = capsys.readouterr().out
    errors, _, _ = shown.partition("warning")
    assert "  person  no: errors in users\n" in shown
    sentence = next(line for line in errors.splitlines() if "users: 1 of 5 rows" in line).split("users: ")[1]
    assert sentence in refused(capsys, "run", "person", "--book", "bad")
    assert not (project / "reports").exists()


def test_list_tells_what_each_notebook_is_and_needs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Title, audience, tables and typed parameters with their help."""
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for part in ("person\n  What does one person see?", "rep\n", "users, opportunities or orders", "rep: str = ''"):
        assert part in shown


# run: what is refused before anything runs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["persn"], "There is no notebook 'persn'. Did you mean 'person'?"),
        (["person", "-p", "manger=M1"], "person.ipynb has no parameter 'manger'. Did you mean 'manager'?"),
        (["person", "-p", "redact=maybe"], "parameter 'redact' must be true or false (bool). Got 'maybe'"),
        (["person", "-p", "redact"], "A parameter must be written like -p min_deals=5. Got 'redact'"),
        (
            ["person", "--rep", "Ana Lope"],
            "No one with a line in 2026-Q1 has the id or name 'Ana Lope'. Did you mean 'Ana Lopes'?",
        ),
        (["person", "--rep", "Ana Lopes"], "2 people are named 'Ana Lopes'. Give the id instead: U1, U3."),
        (["person", "--manager", "Eva Lon"], "no user has the id or name 'Eva Lon'. Did you mean 'Eva Long'?"),
        (["person", "--rep", "U3", "--manager", "M1"], "has the id or name 'U3'. Known: <b>Zoë</b>"),
        (["person", "--rep", "U1", "--for-each", "rep"], "Both one rep and each rep are asked for"),
        (["person", "--for-each", "manager"], "person cannot run for each 'manager'. It can for each rep."),
        (["person", "--period", "2026-Q9"], "A period must be written like"),
        (["person", "--as-of", "yesterday"], "A date must be a real day"),
        (["person", "person"], "Two reports would write person-2026-q1"),
        (["person", "--redact", "--rep", "U1"], "No one with a line in 2026-Q1 has the id or name 'U1'. Known: Rep "),
    ],
)
def test_a_wrong_word_is_refused_before_anything_runs(
    project: Path, book: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Unknown notebooks, parameters and people are errors with the nearest word; nothing is written."""
    assert message in refused(capsys, "run", *arguments, "--book", "acme")
    assert not (project / "reports").exists()


def test_a_book_that_is_not_there_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the folder as it was looked for."""
    assert "There is no folder" in refused(capsys, "run", "person", "--book", "acm")


def test_a_book_without_the_tables_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report says what it needs and what the book has."""
    make_book(project / "thin", {"products": [{"family": "GTX"}]})
    message = refused(capsys, "run", "person", "--book", "thin")
    assert "person needs users, opportunities or orders, which the book does not have. It has: products." in message


def test_without_reports_toml_a_notebook_must_be_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A plain run needs to know what to print."""
    assert "Name a notebook: salesops run NOTEBOOK --book BOOK" in refused(capsys, "run")


def test_a_folder_that_cannot_be_written_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the place of the folder is told in a sentence."""
    (project / "site").touch()
    assert "site': File exists. Move what stands there away" in refused(capsys, "run", GREETING, "--out", "site")


# run: what is made


def test_for_each_rep_makes_a_report_for_each_line(
    project: Path, book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each person with a line gets a report on their id; the book reaches it whole, and the index by its name."""
    assert main(["run", "person", "--book", "acme", "--for-each", "rep", "--out", "site"]) == 0
    assert "3 of 3 reports made. Open site/index.html" in capsys.readouterr().out
    made = entries(project / "site")
    assert sorted((entry["person"], entry["results"]["rep"]) for entry in made) == [
        ("<b>Zoë</b>", "U2"),
        ("Ana Lopes", "U1"),
        ("Ana Lopes", "U3"),
    ]
    for entry in made:
        assert entry["results"]["book"] == str(book)
        assert entry["parameters"] == {
            "book": "acme", "period": "2026-Q1", "as_of": "2026-03-31", "rep": entry["results"]["rep"],
        }  # fmt: skip  # one dict, one line


def test_redacted_reports_hold_no_name(project: Path, book: Path) -> None:
    """With --redact, no name and no id of a person reaches a file name, a parameter or a page."""
    assert main(["run", "person", "--book", "acme", "--for-each", "rep", "--redact", "--out", "site"]) == 0
    made = entries(project / "site")
    assert len(made) == 3
    assert all(entry["person"].startswith("Rep ") and entry["results"]["redact"] for entry in made)
    written = {path.name: path.read_bytes() for path in (project / "site").rglob("*") if path.is_file()}
    assert "ledger.sqlite" in written
    for word in ("Lopes", "lopes", "Zoë", "zoe", "U1", "U2", "U3"):
        assert not any(word in name or word.encode() in text for name, text in written.items())


def test_pseudonyms_follow_the_key(
    project: Path, book: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is made is told of once, the next run has it too; another, from a file, gives other pseudonyms."""
    monkeypatch.delenv("SALESOPS_REDACT_KEY")
    monkeypatch.setenv("XDG_STATE_HOME", str(project / "state"))
    command = ["run", "person", "--book", "acme", "--for-each", "rep", "--redact", "--out", "site"]
    assert main(command) == 0
    assert f"new key, kept in '{project / 'state' / 'salesops' / 'redact.key'}'" in capsys.readouterr().err
    assert main(command) == 0
    assert "3 unchanged and not made again" in capsys.readouterr().out
    names = {entry["person"] for entry in entries(project / "site")}
    (project / "key").write_text("a key that somebody else has", encoding="utf-8")
    monkeypatch.setenv("SALESOPS_REDACT_KEY", "")  # which the file goes before; the test puts it back
    assert main([*command[:-1], "other", "--redact-key", "key"]) == 0
    assert "3 of 3 reports made" in capsys.readouterr().out
    assert not names & {entry["person"] for entry in entries(project / "other")}


def test_reports_toml_is_what_a_plain_run_prints(project: Path, book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Paths in it are its own; what the command line gives overrides it."""
    (project / "reports").mkdir()
    text = f'[[report]]\nnotebook = "{GREETING}"\nname = "file"\ntimes = 2\n'
    (project / "reports" / "reports.toml").write_text(text, encoding="utf-8")
    assert main(["run", "-p", "name=line"]) == 0
    assert f"Open {project / 'reports' / 'site' / 'index.html'}" in capsys.readouterr().out
    assert [entry["parameters"] for entry in entries(project / "reports" / "site")] == [{"name": "line", "times": 2}]


@pytest.mark.parametrize("period", ["1999-Q1", "2090"])
def test_a_period_without_data_is_no_error(project: Path, book: Path, period: str) -> None:
    """A period before or after everything runs: the report itself says what is missing."""
    assert main(["run", "person", "--book", "acme", "--period", period, "--rep", "U1", "--out", "site"]) == 0
    assert [entry["period"] for entry in entries(project / "site")] == [period]


def test_a_period_without_anyone_is_no_error(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first rep was hired there is no line: that is said, and the index is empty."""
    users = [{**user, "hire_date": "2020-01-01"} for user in USERS]
    make_book(project / "young", {"users": users, "opportunities": DEALS})
    asked = ["person", "--book", "young", "--period", "1999-Q1", "--for-each", "rep", "--out", "site"]
    assert main(["run", *asked]) == 0
    captured = capsys.readouterr()
    assert "there is no one with a line in 1999-Q1, so person has no report." in captured.err
    assert "0 of 0 reports made. Open site/index.html" in captured.out
    assert entries(project / "site") == []


def test_a_failed_report_gives_exit_code_1(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Failures are counted at the end, and the exit code tells a script."""
    assert main(["run", str(NOTEBOOKS / "fails.ipynb"), "--out", "site"]) == 1
    assert "0 of 1 reports made." in capsys.readouterr().out


# run: what interrupts it


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A press at work: one report is made, the other waits; with a descriptor that tells when its kernel ends."""
    fifo = tmp_path / "mark"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "reports.toml").write_text(
        f'[[report]]\nnotebook = "{GREETING}"\n'
        f'[[report]]\nnotebook = "{NOTEBOOKS / "waits.ipynb"}"\nseconds = 600\nmark = "{fifo}"\n',
        encoding="utf-8",
    )
    (tmp_path / "notebooks").mkdir()
    scratch = tempfile.TemporaryDirectory()  # what a killed press leaves goes with it
    press = subprocess.Popen(
        [sys.executable, "-c", "import sys; from salesops.cli import main; sys.exit(main())", "run", "--jobs", "1"],
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env={**os.environ, "TMPDIR": scratch.name},
    )  # fmt: skip  # the command, then how
    try:
        assert select.select([reader], [], [], PATIENCE)[0], "the report never began to wait"
        kernel = os.pidfd_open(int(os.read(reader, 32)))
        yield press, kernel
        os.close(kernel)
    finally:
        press.kill()
        press.communicate()
        os.close(reader)
        scratch.cleanup()


def ended(kernel: int) -> bool:
    return bool(select.select([kernel], [], [], PATIENCE)[0])


def test_ctrl_c_stops_everything_and_keeps_what_is_finished(
    waiting: tuple[subprocess.Popen[str], int], tmp_path: Path
) -> None:
    """Exit code 130, one sentence, no kernel left running, nothing half-written, the finished report in the index."""
    press, kernel = waiting
    os.killpg(press.pid, signal.SIGINT)
    out, err = press.communicate(timeout=PATIENCE)
    assert (press.returncode, out) == (130, "")
    assert err == "Stopped. What was finished is kept, and nothing is half-written.\n"
    assert ended(kernel)
    site = tmp_path / "reports" / "site"
    made = entries(site)
    assert [entry["notebook"] for entry in made] == ["greeting"]
    assert {path.name for path in site.iterdir()} == {made[0]["path"], "index.html", "index.json", ".press"}


def test_no_kernel_outlives_a_press_that_is_killed(waiting: tuple[subprocess.Popen[str], int]) -> None:
    """After kill -9 of the press its workers and their kernels end by themselves."""
    press, kernel = waiting
    press.kill()
    assert ended(kernel)
