"""Folders that are full, taken away or closed while the press works in them."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from written_notebooks import planned, quiet_environment, write_notebook

from salesops.press.deliver import How, deliver

FULL = "No space left on device"
RUN = "import sys; from salesops.cli import main; sys.exit(main())"


def words(*given: str | Path) -> str:
    """Return words as a shell reads them, whatever is in them."""
    return shlex.join(map(str, given))


def command(*given: str | Path) -> str:
    return words(sys.executable, "-c", RUN, *given)


def on_a_small_disk(kilobytes: int, mount: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with a file system of this size at `mount`, which is gone when the script ends."""
    mount.mkdir()
    made = f"mount -t tmpfs -o size={kilobytes}k tmpfs {words(mount)} && {script}"
    apart = ["unshare", "--mount", "--map-root-user", "sh", "-c", made]
    return subprocess.run(apart, capture_output=True, text=True, check=False, env=quiet_environment())


def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    """A sentence names the file and the repair; the page from before is whole, and the ledger sound."""
    folder = tmp_path / "site"
    fits = write_notebook(tmp_path / "fits.ipynb", "print('fits')")
    large = write_notebook(tmp_path / "large.ipynb", "print('x' * 60_000)")
    run = command("run", "--jobs", "1", "--out", folder)
    script = (
        f"{run} {words(fits)} && dd if=/dev/zero of={words(folder / 'filler')} bs=1k count=20 2>/dev/null; "
        f"{run} {words(large)}; code=$?; "
        f"rm {words(folder / 'filler')}; cp -r {words(folder, tmp_path / 'copy')}; exit $code"
    )
    done = on_a_small_disk(132, folder, script)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"Error: '{folder}/large-")
    assert done.stderr.endswith(f".html': {FULL}. Free space, or choose a folder that can be written.\n")
    copy = tmp_path / "copy"
    assert [page.stem.split("-")[0] for page in copy.glob("*.html") if page.stem != "index"] == ["fits"]
    assert next(copy.glob("fits*.html")).read_text().rstrip().endswith("</html>")
    assert not list(copy.glob(".*.part"))
    with closing(sqlite3.connect(copy / ".press" / "ledger.sqlite")) as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert ledger.execute("SELECT status FROM made").fetchall() == [("ok",)]


def test_a_disk_too_small_for_the_ledger_is_told(tmp_path: Path) -> None:
    """Where not even the ledger fits, nothing runs and the message says what to do."""
    path = write_notebook(tmp_path / "never.ipynb", f"open({str(tmp_path / 'ran')!r}, 'w')")
    folder = tmp_path / "site"
    run = command("run", path, "--out", folder)
    done = on_a_small_disk(8, folder, run)
    assert done.returncode == 1
    assert "ledger.sqlite': The ledger cannot be written" in done.stderr
    assert "Free space, or choose a folder that can be written." in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("engine", ["warm", "stock"])
def test_a_full_temporary_folder_costs_notes_and_no_report(tmp_path: Path, engine: str) -> None:
    """What a report shows is noted there for the case of its death; without room for that it is made all the same."""
    path = write_notebook(tmp_path / "prints.ipynb", "print('x' * 60_000)", "print('y' * 60_000)")
    folder = tmp_path / "tmp"
    run = f"{shlex.quote(sys.executable)} -c {shlex.quote(RUN)} run {path} --out {tmp_path / 'site'} --engine {engine}"
    done = on_a_small_disk(60, folder, f"TMPDIR={folder} {run}")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_that_is_taken_away_stops_the_run(tmp_path: Path) -> None:
    """When the folder goes while reports run, the run ends with an error that names the page, and not in silence."""
    out = tmp_path / "site"
    path = write_notebook(tmp_path / "takes.ipynb", f"import shutil\nshutil.rmtree({str(out)!r})")
    with pytest.raises(OSError, match=r"No such file or directory|cannot be written") as told:
        deliver([planned(path)], out, How(jobs=1))
    assert str(out) in str(told.value.filename)


def test_a_read_only_disk_is_told(tmp_path: Path) -> None:
    """Nothing runs on a file system that is mounted read-only, and the message names the folder."""
    path, folder = write_notebook(tmp_path / "a.ipynb", "1"), tmp_path / "site"
    run = command("run", path, "--out", folder)
    done = on_a_small_disk(100, folder, f"mount -o remount,ro {words(folder)} && {run}")
    assert done.returncode == 1
    assert done.stderr == f"Error: '{folder}': Read-only file system. Choose a folder that can be written.\n"


def test_the_tools_of_these_tests_are_there() -> None:
    """unshare and mount come with util-linux; without them these tests would prove nothing."""
    assert shutil.which("unshare")
    assert shutil.which("mount")
