"""What is due, and the process that makes it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import psutil
import pytest
from mail_server import Inbox, serving
from written_notebooks import PATIENCE

from salesops.cli import main
from salesops.errors import PressError
from salesops.press.post import Smtp
from salesops.press.schedule import due_reports, keep_schedule, note_made, told_schedule
from salesops.press.settings import Settings, read_settings

pytestmark = pytest.mark.usefixtures("one_parent")

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BOTH = """
time_zone = "UTC"
[[report]]
notebook = "greeting"
every = "monday 06:00"
[[report]]
notebook = "person"
every = "day 12:00"
[[report]]
notebook = "fails"
"""


@pytest.fixture
def both(tmp_path: Path) -> Settings:
    """One report for each Monday, one for each noon, one without a time; the folder of the pages is there."""
    (tmp_path / "site").mkdir()
    return settings(tmp_path, BOTH)


def settings(folder: Path, text: str) -> Settings:
    (folder / "reports.toml").write_text(text, encoding="utf-8")
    return read_settings(folder / "reports.toml")


def names(read: Settings, now: datetime) -> list[str]:
    return [due.want.notebook for due in due_reports(read, now)]


# what is due


def test_what_was_never_made_is_due(tmp_path: Path) -> None:
    """Also where no report has been made yet; one without `every` never is."""
    read = settings(tmp_path, BOTH)
    assert names(read, MONDAY) == ["greeting", "person"]
    assert not read.out.exists()


def test_what_was_made_is_due_at_its_next_time_and_not_before(both: Settings) -> None:
    """Monday's report waits for the next Monday, to the minute, while noon's is due each day."""
    note_made(both, due_reports(both, MONDAY))
    assert names(both, MONDAY + timedelta(hours=5, minutes=59)) == []
    assert names(both, MONDAY + timedelta(hours=6)) == ["person"]
    note_made(both, due_reports(both, MONDAY + timedelta(hours=6)))
    assert names(both, MONDAY + timedelta(days=6, hours=23, minutes=59)) == ["person"]
    assert names(both, MONDAY + timedelta(days=7)) == ["greeting", "person"]


def test_times_that_were_missed_are_made_up_for_once(both: Settings) -> None:
    """After three weeks without a process one run is due, not three; then all is made."""
    note_made(both, due_reports(both, MONDAY))
    later = MONDAY + timedelta(days=21, hours=3)
    assert names(both, later) == ["greeting", "person"]
    note_made(both, due_reports(both, later))
    assert names(both, later) == []


def test_what_is_not_noted_stays_due(both: Settings) -> None:
    """A report that could not be planned, or a run that was killed, is due again a minute later."""
    note_made(both, due_reports(both, MONDAY)[:1])
    assert names(both, MONDAY + timedelta(minutes=1)) == ["person"]


def test_a_clock_that_was_wrong_stops_nothing(both: Settings) -> None:
    """What was made for a time that is still to come is due again."""
    note_made(both, due_reports(both, MONDAY + timedelta(days=365)))
    assert names(both, MONDAY) == ["greeting", "person"]


def test_a_report_that_changes_is_another_one(both: Settings, tmp_path: Path) -> None:
    """With other parameters it was never made; with another time only, it is due when that time has come."""
    note_made(both, due_reports(both, MONDAY))
    changed = settings(tmp_path, BOTH.replace('every = "day 12:00"', 'every = "day 12:00"\nrep = "Ana"'))
    assert names(changed, MONDAY) == ["person"]
    moved = settings(tmp_path, BOTH.replace("monday 06:00", "monday 09:00"))
    assert names(moved, MONDAY + timedelta(hours=2)) == []
    assert names(moved, MONDAY + timedelta(hours=3)) == ["greeting"]


def test_the_schedule_is_told(both: Settings) -> None:
    """Each report with its words, whom it is for, and the next time on the wall."""
    assert list(told_schedule(both, MONDAY)) == [
        "The schedule goes by the clock of UTC.",
        "  monday 06:00: greeting. Next: Mon 2026-11-30 06:00",
        "  day 12:00: person. Next: Mon 2026-11-23 12:00",
    ]


def test_without_a_time_there_is_no_schedule(tmp_path: Path) -> None:
    """The error says what to add, and where."""
    read = settings(tmp_path, '[[report]]\nnotebook = "greeting"\n')
    with pytest.raises(PressError, match='Add a line like every = "monday 06:00" to a'):
        due_reports(read, MONDAY)


# the command


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with notebooks and a schedule, in which the commands run."""
    (tmp_path / "notebooks").mkdir()
    for name in ("greeting", "fails", "waits"):
        shutil.copy(NOTEBOOKS / f"{name}.ipynb", tmp_path / "notebooks")
    (tmp_path / "reports").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def timed(project: Path, *notebooks: str, more: str = "") -> None:
    reports = (f'[[report]]\nnotebook = "{name}"\nevery = "day 00:00"\n{more}' for name in notebooks)
    (project / "reports" / "reports.toml").write_text("".join(reports), encoding="utf-8")


def test_once_makes_what_is_due_and_then_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second call finds nothing due; a report that failed by itself waits for its next time too."""
    timed(project, "greeting", "fails")
    assert main(["schedule", "--once"]) == 1
    assert "1 of 2 reports made" in capsys.readouterr().out
    assert main(["schedule", "--once"]) == 0
    assert capsys.readouterr().out == "Nothing is due.\n"


def test_what_cannot_be_planned_is_told_stays_due_and_stops_no_other(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest is made; the index names it until it is repaired and made."""
    timed(project, "greeting", "greting")
    for made in ("1 of 1", "0 of 0"):
        assert main(["schedule", "--once"]) == 1
        told = capsys.readouterr()
        assert f"{made} reports made, 1 asked for and not made" in told.out
        assert "Error: greting is not made. There is no notebook 'greting'. Did you mean 'greeting'?" in told.err
    index = project / "reports" / "site" / "index.html"
    assert "Not made in the last run: greting." in index.read_text(encoding="utf-8")
    timed(project, "greeting", "fails")
    assert main(["schedule", "--once"]) == 1
    assert "Not made" not in index.read_text(encoding="utf-8")


def test_what_is_not_made_is_named_with_its_book(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same notebook may be asked for on several books; one that is not there is told apart."""
    shutil.copy(NOTEBOOKS / "person.ipynb", project / "notebooks")
    timed(project, "person", more='book = "nowhere"\n')
    assert main(["run"]) == 1
    assert "Error: person on nowhere is not made. There is no folder" in capsys.readouterr().err
    index = project / "reports" / "site" / "index.html"
    assert "Not made in the last run: person on nowhere." in index.read_text(encoding="utf-8")


def test_a_plain_run_too_makes_what_it_can(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One wrong entry of reports.toml leaves the others alone, and the exit code says that it is there."""
    timed(project, "greting", "greeting")
    assert main(["run"]) == 1
    assert "1 of 1 reports made, 1 asked for and not made" in capsys.readouterr().out


def test_what_cannot_be_sent_stays_due(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the mail server away all is made and due again; with it back each reader has one mail."""
    inbox = Inbox()
    with serving(inbox) as server:
        pass
    mailed(project, server)
    assert main(["schedule", "--once"]) == 1
    assert "1 of 1 reports made, 1 to be sent the next time" in capsys.readouterr().out
    with serving(inbox) as server:
        mailed(project, server)
        assert main(["schedule", "--once"]) == 0
        assert "1 sent" in capsys.readouterr().out
        assert main(["schedule", "--once"]) == 0
    assert capsys.readouterr().out == "Nothing is due.\n"
    assert [readers for readers, _ in inbox.mails] == [("eva@example.com",)]


def test_a_mail_that_was_set_aside_is_due_at_its_own_time(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page is made for its time and not due again; only its mail is, after a quarter of an hour."""
    with serving(Inbox(judge=lambda mail: "554 Looks like spam")) as server:
        mailed(project, server)
        assert main(["schedule", "--once"]) == 1
        assert "1 of 1 reports made, 1 set aside and tried again from 20" in capsys.readouterr().out
        assert main(["schedule", "--once"]) == 0
        assert capsys.readouterr().out == "Nothing is due.\n"
    read = read_settings(project / "reports" / "reports.toml")
    now = datetime.now(UTC)
    assert names(read, now + timedelta(minutes=10)) == []
    assert names(read, now + timedelta(minutes=16)) == ["greeting"]


def test_a_server_that_refuses_every_reader_leaves_all_due(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code and the summary say so, and what was not sent is due at once."""
    with serving(Inbox(refusing={"eva@example.com": "550 Relaying denied"})) as server:
        mailed(project, server)
        for _ in range(2):
            assert main(["schedule", "--once"]) == 1
            assert "1 to be sent the next time" in capsys.readouterr().out


def test_a_page_that_is_too_old_is_not_sent_and_that_is_an_alert(
    project: Path, capsys: pytest.CaptureFixture[str], sample: Path
) -> None:
    """Exit code 3: nothing failed, and something wants attention; the sender is told, the reader gets nothing."""
    inbox = Inbox()
    shutil.copy(NOTEBOOKS / "person.ipynb", project / "notebooks")
    with serving(inbox) as server:
        mailed(project, server, "person", f'book = "{sample}"\nperiod = "2026-Q3"\nstale_after = "1 day"\n')
        assert main(["schedule", "--once"]) == 3
        assert "1 too old to be sent" in capsys.readouterr().out
        assert main(["schedule", "--once"]) == 0
    assert inbox.readers == [("sales@example.com",)]


def mailed(project: Path, server: Smtp, notebook: str = "greeting", more: str = "") -> None:
    timed(project, notebook, more=f'to = ["eva@example.com"]\n{more}')
    path = project / "reports" / "reports.toml"
    smtp = f'[smtp]\nhost = "{server.host}"\nport = {server.port}\nfrom = "sales@example.com"\nsecurity = "none"\n'
    path.write_text(smtp + path.read_text(encoding="utf-8"), encoding="utf-8")


@contextmanager
def started(project: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `salesops schedule` as a process, which ends with the test."""
    command = "import sys; from salesops.cli import main; sys.exit(main(['schedule', '--jobs', '1']))"
    with subprocess.Popen(
        [sys.executable, "-c", command], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def is_written(fifo: Path) -> bool:
    """Wait until something is written to a pipe; False if nothing is."""
    pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return bool(select.select([pipe], [], [], PATIENCE)[0])
    finally:
        os.close(pipe)


def test_it_stays_makes_what_is_due_and_ends_when_asked(project: Path) -> None:
    """The pages are there, the process goes on, a second one is refused, and SIGTERM ends it in good order."""
    timed(project, "greeting")
    with started(project) as process:
        assert process.stdout
        lines = list(takewhile(lambda line: not line.startswith("1 of 1 reports made"), process.stdout))
        assert lines[0] == "The schedule goes by the clock of this machine.\n"
        assert (project / "reports" / "site" / "index.html").exists()
        assert process.poll() is None
        with pytest.raises(PressError, match="Another process keeps the schedule of"):
            keep_schedule(lambda: read_settings(project / "reports" / "reports.toml"), [], print)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert output.endswith("The schedule has ended.\n")


@pytest.mark.long
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_an_end_in_the_middle_of_a_report_leaves_nobody_behind(project: Path, asked: signal.Signals) -> None:
    """The run is stopped as by Ctrl-C, all its processes end, and the report stays due."""
    mark = project / "waiting"
    os.mkfifo(mark)
    timed(project, "waits", more=f'seconds = 600.0\nmark = "{mark}"\n')
    with started(project) as process:
        assert is_written(mark)
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(below) >= 2
        process.send_signal(asked)
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Stopped. What was finished is kept" in output
    assert psutil.wait_procs(below, timeout=PATIENCE)[1] == []
    read = read_settings(project / "reports" / "reports.toml")
    assert names(read, datetime.now(UTC)) == ["waits"]


def test_a_broken_file_is_told_once_and_read_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While reports.toml cannot be read the schedule goes on; the same error is not told twice."""
    timed(project, "greeting")
    read = read_settings(project / "reports" / "reports.toml")
    (project / "reports" / "site").mkdir()
    note_made(read, due_reports(read, datetime.now(UTC)))
    turns: list[Settings | PressError] = [read, PressError("torn"), PressError("torn"), read]

    def reading() -> Settings:
        if not turns:
            os.kill(os.getpid(), signal.SIGTERM)
            return read
        turn = turns.pop(0)
        if isinstance(turn, PressError):
            raise turn
        return turn

    monkeypatch.setattr("salesops.press.schedule._LOOK", 0.01)
    told: list[str] = []
    keep_schedule(reading, ["-c", "raise SystemExit('nothing is due')"], told.append)
    assert told[2:] == ["Error: torn", "The schedule has ended."]
