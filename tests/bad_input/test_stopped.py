"""What stops a command from outside: a full disk, a place that cannot be written, Ctrl-C. Nothing is half-written."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from tiny_export import contents, salesops, write_export, write_map

from salesops.intake import run as intake_run

# root may write everywhere, until it gives up the capabilities to pass by permissions (1 and 2)
AS_A_USER = """
import ctypes, os, sys
if os.geteuid() == 0:
    libc, header, held = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, held) == 0
    held[:3] = [word & ~0b110 for word in held[:3]]
    assert libc.capset(header, held) == 0
from salesops.cli import main
sys.exit(main())
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with an export and its map, and in `kept` a book and a folder of reports that are to stay."""
    source, map_ = write_export(tmp_path / "export"), write_map(tmp_path / "map.toml")
    shutil.copytree(source, tmp_path / "kept" / "book")
    intake_run.import_book(map_, source, tmp_path / "kept" / "dest")
    (tmp_path / "kept" / "site").mkdir()
    (tmp_path / "kept" / "site" / "last-week.html").write_text("kept", encoding="utf-8")
    return tmp_path


def words_of(command: str, place: Path) -> list[str]:
    """Return a command that would write into `kept`, where it has written before, or beside it."""
    kept = place / "kept"
    return {
        "import": ["import", "--map", f"{place / 'map.toml'}", "--replace", f"{place / 'export'}", f"{kept / 'dest'}"],
        "import anew": ["import", "--map", f"{place / 'map.toml'}", f"{place / 'export'}", f"{kept / 'new'}"],
        "run": ["run", "team_accountability", "--book", f"{kept / 'book'}", "--out", f"{kept / 'site'}"],
        "run anew": ["run", "team_accountability", "--book", f"{kept / 'book'}", "--out", f"{kept / 'new'}"],
        "sample": ["sample", f"{kept / 'new'}"],
    }[command]


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "where"), [("import", ".dest."), ("run", "site': Permission"), ("sample", "new': Permission")]
)
def test_a_folder_that_cannot_be_written(place: Path, command: str, where: str) -> None:
    """Exit code 1, the place and the reason; what was there is as it was."""
    before = contents(place)
    folders = [place / "kept", *(path for path in (place / "kept").iterdir() if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    words = [sys.executable, "-c", AS_A_USER, *words_of(command, place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    for folder in folders:
        folder.chmod(0o755)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert f"{place / 'kept' / where}" in done.stderr
    assert "Permission denied" in done.stderr
    assert "folder that can be written" in done.stderr
    assert done.stderr.count("\n") == 1
    assert contents(place) == before


@pytest.mark.long
@pytest.mark.parametrize("command", ["import anew", "run anew", "sample"])
def test_a_file_in_the_way(place: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    """A place below a file is none: exit code 1, and the file stays."""
    (place / "kept" / "new").write_text("a file", encoding="utf-8")
    before = contents(place)
    *words, last = words_of(command, place)
    code, _, err = salesops(capsys, *words, f"{last}/below")
    assert code == 1
    assert err.startswith("Error: ")
    assert str(place / "kept" / "new") in err
    assert contents(place) == before


@pytest.mark.long
@pytest.mark.parametrize("command", ["import", "sample"])
def test_a_full_disk(place: Path, command: str) -> None:
    """Where a table cannot be written whole, none is: exit code 1, and what was there is as it was."""
    before = contents(place)
    main = "import sys; from salesops.cli import main; sys.exit(main())"
    words = ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", sys.executable, "-c", main, *words_of(command, place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert "File too large" in done.stderr
    assert str(place / "kept") in done.stderr
    assert done.stderr.count("\n") == 1
    assert contents(place) == before


@pytest.fixture
def endless(tmp_path: Path) -> str:
    """A book in which reading the deals never ends."""
    con = duckdb.connect(str(tmp_path / "endless.duckdb"))
    con.execute(f"create table users as from read_csv('{write_export(tmp_path / 'export') / 'users.csv'}')")
    con.execute(f"create table deals as from read_csv('{tmp_path / 'export' / 'opportunities.csv'}')")
    con.execute("create view opportunities as select t.* from deals t, range(10000000) a, range(10000000) b")
    con.close()
    return f"duckdb://{tmp_path / 'endless.duckdb'}"


def wait_until_it_works(process: subprocess.Popen[str], database: Path) -> None:
    """Return once a process has used more of the processor since it opened a database than all but a query takes."""
    watched, before = psutil.Process(process.pid), None
    while before is None or sum(watched.cpu_times()[:2]) - before < 4:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)  # it works, and would work for ever
        if before is None and str(database) in {file.path for file in watched.open_files()}:
            before = sum(watched.cpu_times()[:2])


@pytest.mark.long
@pytest.mark.parametrize("command", ["check", "run"])
def test_ctrl_c_while_the_database_works(tmp_path: Path, endless: str, command: str) -> None:
    """Exit code 130 and one sentence, also in the middle of a query; no folder is made."""
    before = contents(tmp_path)
    words = {"check": [endless], "run": ["team_accountability", "--book", endless, "--out", f"{tmp_path / 'new'}"]}
    main = "import sys; from salesops.cli import main; sys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", main, command, *words[command]],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        wait_until_it_works(process, tmp_path / "endless.duckdb")
        process.send_signal(signal.SIGINT)
        try:
            out, err = process.communicate(timeout=600)
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert err == "Stopped. What was finished is kept, and nothing is half-written.\n"
    assert contents(tmp_path) == before


@pytest.mark.parametrize("command", ["import", "import anew"])
def test_ctrl_c_while_a_book_is_written(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Ctrl-C after the first table leaves the book that was there, or none; exit code 130."""
    before, write, written = contents(place), intake_run.write_table, []

    def interrupted(*given: Any) -> None:
        write(*given)
        written.append(given[-1])
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(intake_run, "write_table", interrupted)
    code, out, err = salesops(capsys, *words_of(command, place))
    assert (code, out) == (130, "")
    assert err == "Stopped. What was finished is kept, and nothing is half-written.\n"
    assert len(written) == 1
    assert contents(place) == before
