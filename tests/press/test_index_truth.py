"""The index says what the pages say, or nothing: while reports are made, after a kill, on a full disk."""

from __future__ import annotations

import json
import os
import random
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from written_notebooks import PATIENCE, planned, quiet_environment, until, write_notebook

from salesops.errors import PressError
from salesops.press import deliver as deliver_module
from salesops.press.deliver import How, deliver
from salesops.press.ledger import Ledger
from salesops.press.plan import Outcome, Report
from salesops.press.site import paced

pytestmark = pytest.mark.usefixtures("one_parent")

RUN = [sys.executable, "-c", "import sys; from salesops.cli import main; sys.exit(main(['run', '--jobs', '2']))"]
FIGURE = re.compile(r"the figure is (\d+)")
READS = "from data import value\nprint('the figure is', value)"
REPORTS = 6
KILLS = 20


def entries(out: Path) -> dict[str, dict[str, Any]]:
    listed = json.loads((out / "index.json").read_text(encoding="utf-8"))["reports"]
    return {entry["id"]: entry for entry in listed}


def figure(folder: Path, number: int) -> Path:
    """Write a notebook whose page and results show the figure that stands in data.py beside it."""
    return write_notebook(folder / f"figure{number}.ipynb", READS, ("{'value': value}", "results"))


def change(folder: Path, value: str) -> None:
    """Change the data of the reports, which the press notices as it notices a changed book."""
    (folder / "data.py").write_text(f"value = {value}\n", encoding="utf-8")


def shown_in_index(out: Path, id_: str) -> set[str]:
    """Return the figures that index.json and index.html show of a report as of now."""
    entry = entries(out)[id_]
    found = {str(value) for value in entry["results"].values()} | {change["now"] for change in entry["changes"]}
    found |= {text.split()[2].rstrip(",") for text in entry["alerts"]}
    row = re.search(rf'<tr[^>]*><th scope="row"><a href="{id_}\.html">.*?</tr>', html(out), re.DOTALL)
    assert row
    return found | set(re.findall(r"(?:→ |value is )(\d+)", row[0]))


def html(out: Path) -> str:
    return (out / "index.html").read_text(encoding="utf-8")


# while reports are made


def test_what_is_about_to_change_has_no_figures(tmp_path: Path) -> None:
    """A report finds itself in the index as being made, without the figures of before; others keep theirs."""
    out = tmp_path / "site"
    looks = (
        "import json\nfrom pathlib import Path\n"
        f"listed = json.loads(Path({str(out / 'index.json')!r}).read_text())['reports']\n"
        "seen = {e['notebook']: [e['status'], bool(e['results'])] for e in listed}\n"
        f"page = '2 being made' in Path({str(out / 'index.html')!r}).read_text()",
        ("{'seen': seen, 'page': page}", "results"),
    )
    paths = [write_notebook(tmp_path / f"{name}.ipynb", *looks) for name in ("one", "two")]
    other = write_notebook(tmp_path / "other.ipynb", ("{'n': 1}", "results"))
    deliver([planned(path) for path in (other, *paths)], out, How(jobs=1))
    deliver([planned(path) for path in paths], out, How(jobs=2))
    for entry in entries(out).values():
        if entry["notebook"] in ("one", "two"):
            assert entry["results"]["page"] is True
            assert entry["results"]["seen"] == {
                "one": ["being made", False],
                "two": ["being made", False],
                "other": ["ok", True],
            }


def test_a_report_that_has_ended_is_in_the_index_while_others_run(tmp_path: Path) -> None:
    """Also where nothing ends after it: the second report waits until the index has the figures of the first."""
    out = tmp_path / "site"
    first = write_notebook(tmp_path / "first.ipynb", ("{'n': 1}", "results"))
    waits = write_notebook(
        tmp_path / "waits.ipynb",
        f"import json, select, time\nfrom pathlib import Path\nindex = Path({str(out / 'index.json')!r})\n"
        "first = lambda: [e for e in json.loads(index.read_text())['reports'] if e['notebook'] == 'first'][0]\n"
        "end = time.monotonic() + 600\n"
        "while first()['status'] != 'ok' and time.monotonic() < end: select.select([], [], [], 0.05)",
        ("{'first': first()['results']}", "results"),
    )
    deliver([planned(first), planned(waits)], out, How(jobs=2))
    assert [e["results"] for e in entries(out).values() if e["notebook"] == "waits"] == [{"first": {"n": 1}}]


def test_the_index_is_written_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most once a second, at most a twentieth of the time, and only if something has changed."""
    now, took = [100.0], [0.0]
    written: list[float] = []

    def write(out: Path, entries: object, unplanned: object) -> Path:
        written.append(now[0])
        now[0] += took[0]
        return out / "index.html"

    monkeypatch.setattr(paced, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(paced, "write_index", write)
    index = paced.PacedIndex(tmp_path, Ledger(tmp_path))
    for step in range(100):
        now[0] = 100 + step / 10
        index.change()
        index.tick()
    assert written == [100, 101, 102, 103, 104, 105, 106, 107, 108, 109]
    took[0] = 0.5
    for step in range(300):
        now[0] = max(now[0], 200 + step / 10)
        index.change()
        index.tick()
    assert written[10:] == [200, 210, 220]
    now[0] = 300
    for _ in range(2):
        index.tick()
    assert len(written) == 14


# after a kill


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with reports.toml: six reports of one figure each, with an alert that always shows it."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "reports").mkdir()
    toml = ""
    for number in range(REPORTS):
        figure(tmp_path / "notebooks", number)
        toml += f'[[report]]\nnotebook = "figure{number}"\nalerts = ["value > 0"]\n'
    (tmp_path / "reports" / "reports.toml").write_text(toml, encoding="utf-8")
    return tmp_path


@contextmanager
def press(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    environment = quiet_environment() | {"PYTHONDONTWRITEBYTECODE": "1"}  # it tells data.py of one second apart by size
    with subprocess.Popen(RUN, cwd=project, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.kill()


def to_its_end(project: Path) -> int:
    with press(project) as process:
        return process.wait(PATIENCE)


def figures(out: Path) -> dict[str, str]:
    """Return the figure on each page."""
    found = {path.stem: FIGURE.search(path.read_text(encoding="utf-8")) for path in out.glob("figure*.html")}
    assert all(found.values())
    return {id_: match[1] for id_, match in found.items() if match}


@pytest.mark.long
def test_after_a_kill_at_any_moment_the_index_says_what_the_pages_say(project: Path) -> None:
    """Killed twenty times on changed data: each figure of the index stands on the page beside it, or there is none.

    The moment is random: when so many pages are new, and a little later. The run after the last kill makes all good.
    """
    out = project / "reports" / "site"
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    print(f"seed {seed}")  # noqa: T201  # pytest shows it when the test fails
    change(project / "notebooks", "100")
    assert to_its_end(project) == 3
    assert set(figures(out).values()) == {"100"}
    for kill in range(1, KILLS + 1):
        value = str(100 + kill)
        change(project / "notebooks", value)
        new, later = chance.randrange(REPORTS), chance.uniform(0, 0.15)
        with press(project) as process:
            assert until(lambda: list(figures(out).values()).count(value) >= new and "being made" in html(out))  # noqa: B023
            select.select([], [], [], later)
            below = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGKILL)
        assert psutil.wait_procs(below, timeout=PATIENCE)[1] == []  # what they still do counts, too
        for id_, on_page in figures(out).items():
            assert shown_in_index(out, id_) <= {on_page}, f"seed {seed}, kill {kill}, {id_}"
    assert to_its_end(project) == 3
    assert {id_: shown_in_index(out, id_) for id_ in figures(out)} == {id_: {value} for id_ in figures(out)}


def broken(monkeypatch: pytest.MonkeyPatch, report: Report, out: Path, page: str | None) -> None:
    """Run a press that dies when it has replaced the page, or before, and has noted nothing."""

    def dies(reports: object, *_: Any, **__: Any) -> None:
        if page is not None:
            (out / f"{report.id}.html").write_text(page, encoding="utf-8")
        os._exit(9)

    pid = os.fork()
    if pid == 0:
        monkeypatch.setattr(deliver_module, "run_reports", dies)
        deliver([report], out)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9


@pytest.fixture
def told(tmp_path: Path) -> tuple[Report, Report, Path]:
    """A report of a figure, which was made, another one, and the folder."""
    change(tmp_path, "7")
    report = planned(figure(tmp_path, 0))
    other = planned(write_notebook(tmp_path / "other.ipynb", "1"))
    deliver([report], tmp_path / "site")
    return report, other, tmp_path / "site"


def test_a_page_that_was_replaced_before_a_kill_has_no_figures_until_it_is_made(
    told: tuple[Report, Report, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of other reports says that its making was interrupted; a run of its own gives figures again.

    Nor is it called unchanged, or shown as stale with figures that are not on the page.
    """
    report, other, out = told
    broken(monkeypatch, report, out, "<p>the figure is 8</p>")
    assert entries(out)[report.id]["status"] == "being made"
    deliver([other], out)
    entry = entries(out)[report.id]
    assert (entry["status"], entry["results"], entry["path"]) == ("interrupted", {}, f"{report.id}.html")
    assert "The run was broken off while this page was made" in html(out)
    source = report.notebook.read_text(encoding="utf-8")
    write_notebook(report.notebook, "1 / 0")
    deliver([planned(report.notebook)], out)
    entry = entries(out)[report.id]
    assert (entry["status"], entry["results"]) == ("failed", {})
    report.notebook.write_text(source, encoding="utf-8")
    deliver([report], out)
    assert entries(out)[report.id]["results"] == {"value": 7}


def test_a_page_that_a_killed_run_had_not_reached_stands_as_before(
    told: tuple[Report, Report, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its figures are those of the page, and so the next run shows them again."""
    report, other, out = told
    before = entries(out)[report.id]
    broken(monkeypatch, report, out, None)
    assert entries(out)[report.id]["results"] == {}
    deliver([other], out)
    assert entries(out)[report.id] == before


def test_a_report_that_dies_when_it_has_replaced_its_page_shows_no_figures_of_before(
    told: tuple[Report, Report, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory may run out between the page and the word that it is there; one that dies before keeps its last page."""
    report, _, out = told
    before = entries(out)[report.id]

    def dies(pages: bool) -> None:
        def run(reports: Any, out: Path, *, done: Callable[[Report, Outcome], None], **_: Any) -> None:
            if pages:
                (out / f"{report.id}.html").write_text("<p>the figure is 8</p>", encoding="utf-8")
            (out / f"{report.id}.failed.html").touch()
            now = datetime.now(UTC)
            done(report, Outcome(status="crashed", started=now, seconds=1, error="x", path=f"{report.id}.failed.html"))

        monkeypatch.setattr(deliver_module, "run_reports", run)
        deliver([report], out, How(force=True))

    dies(pages=False)
    entry = entries(out)[report.id]
    assert (entry["status"], entry["results"], entry["path"]) == ("stale", before["results"], before["path"])
    dies(pages=True)
    entry = entries(out)[report.id]
    assert (entry["status"], entry["results"]) == ("crashed", {})


def test_ctrl_c_leaves_what_was_not_reached_as_it_was(
    told: tuple[Report, Report, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is stopped settles by itself what it had announced."""
    report, _, out = told
    before = entries(out)[report.id]

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deliver_module, "run_reports", stopped)
    with pytest.raises(KeyboardInterrupt):
        deliver([report], out)
    assert entries(out)[report.id] == before


def test_without_room_for_the_index_the_last_one_stays(
    told: tuple[Report, Report, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run whose reports leave no room ends with the error of the system, and both files are whole."""
    report, other, out = told

    def full(reports: Any, *_: Any, done: Callable[[Report, Outcome], None], **__: Any) -> None:
        monkeypatch.setattr("salesops.files.os.fsync", no_room)

    def no_room(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(deliver_module, "run_reports", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        deliver([report, other], out)
    assert error.value.filename == str(out / "index.json")
    assert {entry["status"] for entry in entries(out).values()} == {"being made"}
    assert html(out).rstrip().endswith("</html>")
    assert not list(out.glob(".*.part"))


# two notebooks of one name


def test_notebooks_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """Run apart into one folder, the second is refused before it runs; when all has moved together, none is."""
    (tmp_path / "all" / "a").mkdir(parents=True)
    (tmp_path / "all" / "b").mkdir()
    paths = [write_notebook(tmp_path / "all" / name / "same.ipynb", f"print('from {name}')") for name in "ab"]
    out = tmp_path / "all" / "site"
    deliver([planned(paths[0])], out)
    with pytest.raises(PressError, match=r"is the page of '.*/a/same\.ipynb', and '.*/b/same\.ipynb' would overwrite"):
        deliver([planned(paths[1])], out)
    assert "from a" in next(out.glob("same*.html")).read_text(encoding="utf-8")
    moved = (tmp_path / "all").rename(tmp_path / "moved")
    deliver([planned(moved / "a" / "same.ipynb")], moved / "site")
    with pytest.raises(PressError, match=r"would overwrite it\. Rename one of the notebooks"):
        deliver([planned(moved / "b" / "same.ipynb")], moved / "site")
    (moved / "a" / "same.ipynb").unlink()
    deliver([planned(moved / "b" / "same.ipynb")], moved / "site")
