"""An import that replaces a book is killed at each of its steps, and the next command puts all in order."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from intake_export import DEALS, rows, run, write_export

from salesops.book.replacement import held, settle_replacement
from salesops.book.source import open_book
from salesops.cli import main

OWN = ("playbook.toml", "overrides.csv", "play_log.csv", "scenarios/plan.toml")
SECOND = DEALS.replace("2026-01-11\nD3,u2,Open,,", "2026-01-12\nD3,u2,Open,60,")
THIRD = SECOND.replace("D3,u2,Open,60,", "D3,u2,Open,70,\nD4,u1,Won,50,2026-02-10")

# forks a process for each copy of the folder; it kills itself at its n-th step that changes a file or folder
KILLED = """
import os, signal, sys
from pathlib import Path
from salesops.intake import import_book
STEPS = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.copyfile", "shutil.copytree", "shutil.rmtree")
def kill_at(step, where):
    taken = 0
    def audit(event, arguments):
        nonlocal taken
        if event in STEPS and any(str(where / ".book.") in str(one) for one in arguments):
            taken += 1
            if taken == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(audit)
for number, folder in enumerate(sorted(Path(sys.argv[1]).iterdir()), start=1):
    pid = os.fork()
    if pid == 0:
        kill_at(number, folder)
        import_book(folder / "map.toml", folder / "export", folder / "book", replace=True)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(code)
    if code == 0:
        break
"""
MOST = 40  # more steps than an import takes


def prepared(folder: Path) -> Path:
    """Make a book that has a history and what people wrote, and beside it the export of a month later."""
    export = write_export(folder)
    book = run(export).dest
    (export / "deals.csv").write_text(SECOND)
    run(export, replace=True)
    for name in OWN:
        (book / name).parent.mkdir(exist_ok=True)
        (book / name).write_text(f"words in {name}")
    (export / "deals.csv").write_text(THIRD)
    return book


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folders of imports that were killed, in the order of the steps; the last one was not."""
    start = tmp_path_factory.mktemp("start")
    prepared(start)
    copies = tmp_path_factory.mktemp("copies")
    for number in range(MOST):
        shutil.copytree(start, copies / f"{number:02}")
    command = [sys.executable, "-c", KILLED, str(copies)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    codes = [int(code) for code in done.stdout.split()]
    assert len(codes) > 10
    assert codes == [-9] * (len(codes) - 1) + [0], done.stderr
    return sorted(copies.iterdir())[: len(codes)]


@pytest.mark.long
def test_some_kills_come_between_the_renames(killed: list[Path]) -> None:
    """Else the test below would show nothing: the book is away, and both folders are there."""
    away = [folder for folder in killed if not (folder / "book").exists()]
    assert away
    assert all(len(list(folder.glob(".book.*"))) == 2 for folder in away)


@pytest.mark.long
def test_the_next_command_finds_the_book_whole_wherever_the_kill_came(
    killed: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the old book or the new one, with what people wrote; nothing stands beside it; the import runs again."""
    seen = set()
    for folder in killed:
        main(["check", str(folder / "book")])
        assert "There is no folder" not in capsys.readouterr().err
        assert sorted(path.name for path in folder.iterdir()) == ["book", "export", "map.toml"]
        seen.add(whole(folder / "book"))
        run(folder / "export", replace=True)
        assert whole(folder / "book") == 4
        assert sorted(path.name for path in folder.iterdir()) == ["book", "export", "map.toml"]
    assert seen == {3, 4}


def whole(book: Path) -> int:
    """Return how many deals a book has: 3 is the old one, 4 the new one, and each has all its parts."""
    deals = len(rows(book / "opportunities.parquet"))
    assert [(book / name).read_text() for name in OWN] == [f"words in {name}" for name in OWN]
    assert (book / "book.toml").is_file()
    assert (book / "users.parquet").is_file()
    history = f"SELECT new_value FROM '{book / 'opportunity_history.parquet'}' WHERE field_name = 'amount'"
    assert {value for (value,) in duckdb.sql(history).fetchall()} >= {"60", *(["70"] if deals == 4 else [])}
    return deals


@pytest.mark.parametrize("command", ["open_book", "import"])
def test_each_command_finishes_what_a_kill_left_between_the_renames(tmp_path: Path, command: str) -> None:
    """The book is the new one; a library call too finds it."""
    book = prepared(tmp_path)
    shutil.copytree(book, tmp_path / ".book.0f.new")
    (tmp_path / ".book.0f.new" / "mark").touch()
    book.rename(tmp_path / ".book.0f.old")
    if command == "open_book":
        assert open_book(book).names
    else:
        assert main(["import", "--map", str(tmp_path / "map.toml"), str(tmp_path / "export"), str(book)]) == 1
    assert (book / "mark").exists()


def test_the_old_book_comes_back_where_the_new_one_is_gone(tmp_path: Path) -> None:
    """An import that took itself back and was killed meanwhile is undone."""
    book = prepared(tmp_path)
    book.rename(tmp_path / ".book.0f.old")
    settle_replacement(book)
    assert whole(book) == 3
    assert list(tmp_path.glob(".book.*")) == []


def test_nothing_goes_where_nothing_may_be_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may read the book and not move it leaves both folders as they are, for somebody who may."""
    book = prepared(tmp_path)
    shutil.copytree(book, tmp_path / ".book.0f.new")
    book.rename(tmp_path / ".book.0f.old")

    def refused(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refused)
        settle_replacement(book)
    for folder in (".book.0f.new", ".book.0f.old"):
        assert whole(tmp_path / folder) == 3
    settle_replacement(book)
    assert whole(book) == 3
    assert list(tmp_path.glob(".book.*")) == []


def test_a_folder_that_was_never_whole_goes(tmp_path: Path) -> None:
    """The first import into a place was killed: nothing of it remains, and there is no book."""
    (tmp_path / ".book.0f.new").mkdir()
    settle_replacement(tmp_path / "book")
    assert list(tmp_path.iterdir()) == []


def test_an_import_at_work_is_left_alone(tmp_path: Path) -> None:
    """Its folder stays, and so does what others named much like it."""
    book = prepared(tmp_path)
    (tmp_path / ".book.0f.new").mkdir()
    others = (".book.old", ".book.0f.newer", ".books.0f.new")
    for name in others:
        (tmp_path / name).mkdir()
    with held(tmp_path / ".book.0f.new"):
        settle_replacement(book)
        assert (tmp_path / ".book.0f.new").is_dir()
    settle_replacement(book)
    assert not (tmp_path / ".book.0f.new").exists()
    assert all((tmp_path / name).is_dir() for name in others)


def test_a_reader_who_is_quicker_does_not_disturb_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who opens the book between the two renames finishes them, and the import ends well."""
    book = prepared(tmp_path)
    rename = Path.rename

    def overtaken(self: Path, target: Path) -> Path:
        moved = rename(self, target)
        if str(target).endswith(".old"):
            assert open_book(book).names
        return moved

    monkeypatch.setattr(Path, "rename", overtaken)
    run(tmp_path / "export", replace=True)
    assert whole(book) == 4
    assert list(tmp_path.glob(".book.*")) == []


def test_locks_end_with_their_process(tmp_path: Path) -> None:
    """A folder that is held is locked for others, and no longer when that has ended."""
    with held(tmp_path):
        handle = os.open(tmp_path, os.O_RDONLY)
        with pytest.raises(BlockingIOError, match="temporarily unavailable"):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)
