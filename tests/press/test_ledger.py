"""The press's memory: what runs again, what does not, what is stale, what is compared with what."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from written_notebooks import PATIENCE, planned, quiet_environment, write_notebook

from salesops.errors import PressError
from salesops.press.deliver import Delivery, How, deliver
from salesops.press.ledger import Ledger
from salesops.press.plan import Report
from salesops.press.store import FOLDER

pytestmark = pytest.mark.usefixtures("one_parent")

DECLARES = {"tables": ["users"]}


def counting(folder: Path, **says: Any) -> Path:
    """Write a notebook that counts its runs in a file, and whose result is what another file holds."""
    return write_notebook(
        folder / "counts.ipynb",
        ('period: str = "2026-Q3"\nas_of: str = ""\nfail: bool = False\nother: int = 0', "parameters"),
        "from pathlib import Path\nlog = Path('log')\n"
        "log.write_text((log.read_text() if log.exists() else '') + 'x')\n"
        "value = float(Path('value').read_text()) if Path('value').exists() else 1.0\nassert not fail, 'asked to fail'",
        ("{'value': value}", "results"),
        says=says or None,
    )


def runs(folder: Path) -> int:
    log = folder / "log"
    return len(log.read_text()) if log.exists() else 0


def entry(out: Path) -> dict[str, Any]:
    (found,) = json.loads((out / "index.json").read_text(encoding="utf-8"))["reports"]
    assert isinstance(found, dict)
    return found


def with_state(report: Report, reads: str) -> Report:
    return Report(**{**{name: getattr(report, name) for name in Report.__dataclass_fields__}, "reads": reads})


@pytest.mark.long
def test_a_report_that_would_be_the_same_is_not_made_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Same notebook, code, parameters and tables: skipped, and said; each of them changed, or --force, runs it.

    Code is also what stands beside the notebook.
    """
    path, out = counting(tmp_path, **DECLARES), tmp_path / "site"
    report = with_state(planned(path), "tables as of Monday")

    def made(what: Report, **how: Any) -> Delivery:
        return deliver([what], out, How(jobs=1, **how))

    assert made(report).made == 1
    capfd.readouterr()
    again = made(report)
    assert (again.made, again.skipped, runs(tmp_path)) == (0, 1, 1)
    assert capfd.readouterr().err.startswith("skipped: counts: unchanged since ")
    assert entry(out)["status"] == "skipped"
    assert made(report, force=True).made == 1
    assert made(with_state(report, "tables as of Tuesday")).made == 1
    path.write_text(path.read_text().replace("1.0", "2.0"))
    assert made(with_state(report, "tables as of Tuesday")).made == 1
    (out / entry(out)["path"]).unlink()
    assert made(with_state(report, "tables as of Tuesday")).made == 1
    (tmp_path / "helper.py").write_text("rate = 2\n")
    assert made(with_state(report, "tables as of Tuesday")).made == 1
    (tmp_path / "package").mkdir()
    for name in ("__init__.py", "inner.py"):
        (tmp_path / "package" / name).write_text("rate = 3\n")
        assert made(with_state(report, "tables as of Tuesday")).made == 1
    assert made(with_state(report, "tables as of Tuesday")).skipped == 1
    assert runs(tmp_path) == 8


def test_a_notebook_that_does_not_say_what_it_reads_always_runs(tmp_path: Path) -> None:
    """Nobody knows what it would read now, so nothing is called unchanged."""
    report = planned(counting(tmp_path))
    for _ in range(2):
        assert deliver([report], tmp_path / "site").skipped == 0
    assert runs(tmp_path) == 2


def test_a_failed_report_runs_again(tmp_path: Path) -> None:
    """Unchanged is only what was good the last time."""
    report = with_state(planned(counting(tmp_path), fail=True), "tables")
    for _ in range(2):
        assert deliver([report], tmp_path / "site").failed == 1


def test_the_next_run_shows_what_changed(tmp_path: Path) -> None:
    """Beside the last run of other content: at the top of the page, in the index, and as data."""
    path, out = counting(tmp_path), tmp_path / "site"
    report = planned(path, period="2026-Q3", as_of="2026-09-30", alerts=["value > 100"])
    assert deliver([report], out).alerted == 0
    assert entry(out)["changes"] == []
    (tmp_path / "value").write_text("120")
    later = planned(path, period="2026-Q3", as_of="2026-10-07", alerts=["value > 100"])
    assert deliver([with_state(later, "new")], out).alerted == 1
    both = {found["id"]: found for found in json.loads((out / "index.json").read_text())["reports"]}
    latest = both[later.id]
    assert latest["changes"] == [{"name": "value", "before": "1", "now": "120"}]
    assert latest["since"] == "2026-Q3, as of 2026-09-30"
    assert latest["alerts"] == ["value is 120, above 100"]
    page = (out / latest["path"]).read_text(encoding="utf-8")
    assert "Changed since 2026-Q3, as of 2026-09-30" in page
    assert "value is 120, above 100" in page
    assert "Alert: value is 120, above 100" in (out / "index.html").read_text(encoding="utf-8")
    again = deliver([with_state(later, "new")], out)
    assert (again.skipped, again.alerted) == (1, 1)


def test_an_older_period_is_not_compared_with_a_newer_one(tmp_path: Path) -> None:
    """A report about last quarter, run again next year, is compared with what came before it."""
    path, out = counting(tmp_path), tmp_path / "site"
    deliver([planned(path, period="2026-Q4", as_of="2026-12-31")], out)
    (tmp_path / "value").write_text("7")
    old = planned(path, period="2026-Q3", as_of="2026-09-30")
    deliver([old], out)
    found = {found["id"]: found for found in json.loads((out / "index.json").read_text())["reports"]}
    assert found[old.id]["changes"] == []


def test_every_period_stays_unless_a_number_is_set(tmp_path: Path) -> None:
    """Pages of all periods are reachable; with keep_periods the oldest go, pages and entries, and no others."""
    path, out = counting(tmp_path), tmp_path / "site"
    reports = [planned(path, period=period) for period in ("2025-Q4", "2026-Q1", "2026-Q3", "2026-Q2")]
    other = planned(path, period="2024-Q1", other=1)
    deliver([*reports, other], out)
    assert len(json.loads((out / "index.json").read_text())["reports"]) == 5
    deliver([reports[2]], out, How(keep_periods=2))
    left = {found["period"] for found in json.loads((out / "index.json").read_text())["reports"]}
    assert left == {"2026-Q3", "2026-Q2", "2024-Q1"}
    assert {page.stem for page in out.glob("counts*.html")} == {reports[2].id, reports[3].id, other.id}


def test_an_old_period_that_is_asked_for_stays(tmp_path: Path) -> None:
    """A page is not taken away by the run that made it, however many later periods there are; the next run may."""
    path, out = counting(tmp_path), tmp_path / "site"
    old, new = (planned(path, period=period) for period in ("2025-Q4", "2026-Q3"))
    deliver([new], out)
    deliver([old], out, How(keep_periods=1))
    assert (out / f"{old.id}.html").is_file()
    deliver([new], out, How(keep_periods=1))
    assert not (out / f"{old.id}.html").exists()
    assert (out / f"{new.id}.html").is_file()


def test_two_presses_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    """The second says who is there and since when, and changes nothing."""
    go = tmp_path / "go"
    path = write_notebook(
        tmp_path / "long.ipynb",
        f"import os\nos.mkfifo({str(go)!r})\nopen({str(go)!r}).read()",
    )
    out = tmp_path / "site"
    press = subprocess.Popen(command(path, out), env=quiet_environment())
    wait_for(go)
    with pytest.raises(
        PressError, match=rf"Another press works in '{out}' since \d{{4}}-.* UTC, process {press.pid}\."
    ):
        deliver([planned(path)], out)
    go.write_text("end")
    assert press.wait(PATIENCE) == 0


@pytest.mark.long
def test_after_kill_minus_nine_only_the_rest_is_made(tmp_path: Path) -> None:
    """The same command again makes what was not finished, also of notebooks that declare nothing."""
    quick = [write_notebook(tmp_path / f"quick{n}.ipynb", f"open('log{n}', 'a').write('x')") for n in range(3)]
    gate = tmp_path / "gate"
    slow = write_notebook(
        tmp_path / "slow.ipynb",
        f"open('log_slow', 'a').write('x')\nimport os\nif not os.path.exists({str(gate)!r}):\n"
        f"    os.mkfifo({str(gate)!r})\n    open({str(gate)!r}).read()",
    )
    out = tmp_path / "site"
    press = subprocess.Popen(command(*quick, slow, out, jobs=1), env=quiet_environment())
    wait_for(gate)
    press.send_signal(signal.SIGKILL)
    press.wait()
    done = said(command(*quick, slow, out, jobs=1))
    assert done.returncode == 0
    assert done.stdout.startswith("1 of 1 reports made, 3 unchanged and not made again")
    assert [(tmp_path / f"log{n}").read_text() for n in range(3)] == ["x"] * 3
    assert (tmp_path / "log_slow").read_text() == "xx"
    assert not list(out.glob(".*.part"))
    assert said(command(quick[0], out)).stdout.startswith("1 of 1 reports made. ")


def test_a_ledger_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file in its place that is no ledger is an error with the repair, and is not overwritten."""
    ledger = tmp_path / FOLDER / "ledger.sqlite"
    ledger.parent.mkdir()
    ledger.write_text("not a database" * 100)
    with pytest.raises(PressError, match=r"ledger\.sqlite' is not a ledger of reports .* Move it away"):
        deliver([planned(counting(tmp_path))], tmp_path)
    assert ledger.read_text() == "not a database" * 100


GOOD = (
    '{"id": "a", "notebook": "a", "title": "a", "period": "", "person": "", "status": "ok", "path": "", "alerts": [], '
    '"started": "2026-10-01T06:00:00+00:00", "parameters": {}, "results": {}, "changes": []}'
)


@pytest.mark.long
@pytest.mark.parametrize(
    "damaged",
    ["", "{", "[]", '{"id": "a"}', GOOD.replace("{}", "1"), GOOD.replace("2026-10-01", "soon"), GOOD[:-2] + "1]}"],
)
@pytest.mark.parametrize("of_this_run", [True, False])
def test_a_damaged_entry_is_told_before_anything_runs(tmp_path: Path, damaged: str, *, of_this_run: bool) -> None:
    """The error names the ledger, the report and the repair; also if the entry is of a report that is not asked for."""
    report, out = with_state(planned(counting(tmp_path)), "tables"), tmp_path / "site"
    deliver([report], out)
    with closing(sqlite3.connect(out / FOLDER / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("UPDATE made SET entry = ?", (damaged,))
        if not of_this_run:
            ledger.execute("UPDATE made SET id = 'other'")
    wanted = f"ledger\\.sqlite' has a damaged entry, that of report '{report.id if of_this_run else 'other'}'. Move the"
    with pytest.raises(PressError, match=wanted):
        deliver([report], out)
    assert runs(tmp_path) == 1


def test_a_damaged_time_of_the_schedule_is_told(tmp_path: Path) -> None:
    """It is a sentence, and no traceback."""
    with closing(Ledger(tmp_path)) as ledger:
        with closing(sqlite3.connect(tmp_path / FOLDER / "ledger.sqlite")) as other, other:
            other.execute("INSERT INTO scheduled VALUES ('a', 'soon')")
        with pytest.raises(PressError, match="has a damaged entry, that of the schedule, 'soon'"):
            ledger.scheduled("a")


@pytest.mark.parametrize("linked", [FOLDER, "gone", "ledger.sqlite", "ledger.sqlite-journal", "lock", "schedule.lock"])
def test_the_press_follows_no_link_to_its_ledger(tmp_path: Path, linked: str) -> None:
    """A link in the place of the press's folder, or in it, is told; what it leads to stays as it is."""
    out, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    out.mkdir()
    if linked in (FOLDER, "gone"):
        (out / FOLDER).symlink_to(elsewhere)
        if linked == FOLDER:
            elsewhere.mkdir()
    else:
        elsewhere.write_text("mine")
        (out / FOLDER).mkdir()
        (out / FOLDER / linked).symlink_to(elsewhere)
    name = FOLDER if linked == "gone" else linked
    with pytest.raises(PressError, match=rf"{re.escape(name)}' is a link, .* Remove the link, or choose"):
        deliver([planned(counting(tmp_path))], out)
    assert not elsewhere.is_dir() or list(elsewhere.iterdir()) == []
    assert not elsewhere.is_file() or elsewhere.read_text() == "mine"


def test_a_file_in_the_place_of_the_press_s_folder_is_told(tmp_path: Path) -> None:
    """It is not overwritten."""
    (tmp_path / FOLDER).write_text("mine")
    with pytest.raises(PressError, match=r"\.press' is no folder, .* Move it away"):
        deliver([planned(counting(tmp_path))], tmp_path)
    assert (tmp_path / FOLDER).read_text() == "mine"


def command(*paths: Path, jobs: int = 2) -> list[str]:
    code = "import sys; from salesops.cli import main; sys.exit(main())"
    notebooks = [str(path) for path in paths[:-1]]
    return [sys.executable, "-c", code, "run", *notebooks, "--out", str(paths[-1]), "--jobs", str(jobs)]


def said(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, env=quiet_environment(), capture_output=True, text=True, check=False)


def wait_for(fifo: Path) -> None:
    """Return when a pipe has been made."""
    subprocess.run(["sh", "-c", f"until [ -p '{fifo}' ]; do sleep 0.05; done"], timeout=PATIENCE, check=True)
