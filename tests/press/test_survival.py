"""Reports whose processes really die, hang, flood and eat memory, beside reports that are well."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from written_notebooks import DETACHES, PATIENCE, detached_alive, outcomes, partial, planned, write_notebook

from salesops.press.plan import Outcome, Report
from salesops.press.run import Engine, run_reports
from salesops.press.task import Limits

BEFORE = 'print("shown before")'
BAD = {
    "raises": ("1 / 0",),
    "exits": ("import os; os._exit(7)",),
    "exits_with_zero": ("import os; os._exit(0)",),
    "segfault": ("import ctypes; ctypes.string_at(0)",),
    "hangs": ("while True: pass",),
    "hangs_in_c": ("import ctypes; ctypes.PyDLL(None).sleep(600)",),
    "eats": ("x = [bytes(10**8) for _ in range(10**4)]",),
    "asks": ("input('name? ')",),
}
STATUS = {
    "raises": ("failed", "ZeroDivisionError: division by zero (cell 2)"),
    "exits": ("crashed", "Cell 2 ended the process with exit code 7."),
    "exits_with_zero": ("crashed", "Cell 2 ended the process with exit code 0."),
    "segfault": ("crashed", "A segmentation fault in cell 2 ended the process."),
    "hangs": ("timeout", "Cell 2 took longer than it may and was stopped."),
    "hangs_in_c": ("timeout", "Cell 2 took longer than it may and was stopped."),
    "eats": ("failed", "MemoryError"),
    "asks": ("failed", "StdinNotImplementedError"),
}
LIMIT = 12  # seconds for a cell: what hangs takes them, and nothing else comes near, however busy the machine is
AWAITS = """
import select, time
from pathlib import Path
end = time.monotonic() + 10  # less than a cell may take
while not Path(ENDED).exists() and time.monotonic() < end: select.select([], [], [], 0.05)
"""
IN_C = ("hangs_in_c", "segfault")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Outcome]]:
    """Eight bad reports among twenty-four good ones, made by the warm engine."""
    folder = tmp_path_factory.mktemp("mixed")
    bad = [write_notebook(folder / f"{name}.ipynb", BEFORE, *cells) for name, cells in BAD.items()]
    good = [write_notebook(folder / f"good{n}.ipynb", f"print({n})", ("{'n': %d}" % n, "results")) for n in range(24)]  # noqa: UP031  # braces are the point
    ordered = [path for n in range(8) for path in (good[3 * n], good[3 * n + 1], bad[n], good[3 * n + 2])]
    out = folder / "site"
    made = outcomes([planned(path) for path in ordered], out, engine="warm", cell=LIMIT, memory=1_500_000_000)
    return out, made


@pytest.mark.long
def test_good_reports_do_not_notice_bad_neighbours(mixed: tuple[Path, dict[str, Outcome]]) -> None:
    """24 of 24 good reports come out right among 8 that crash, hang and eat memory."""
    good = {name: outcome for name, outcome in mixed[1].items() if name.startswith("good")}
    assert {name: (made.status, made.results) for name, made in good.items()} == {
        f"good{n}": ("ok", {"n": n}) for n in range(24)
    }


@pytest.mark.parametrize("name", BAD)
def test_each_end_has_its_status_and_its_reason(mixed: tuple[Path, dict[str, Outcome]], name: str) -> None:
    """A report says in one line how it ended and in which cell."""
    status, error = STATUS[name]
    assert mixed[1][name].status == status
    assert mixed[1][name].error.startswith(error)


@pytest.mark.parametrize("name", BAD)
def test_what_was_shown_before_the_end_is_kept(mixed: tuple[Path, dict[str, Outcome]], name: str) -> None:
    """The partial notebook and the page hold the outputs from before, then the failure."""
    out, made = mixed
    shown = partial(out, made[name])
    assert shown[0]["text"] == "shown before\n"
    assert shown[-1]["output_type"] == "error"
    page = (out / made[name].path).read_text(encoding="utf-8")
    assert "shown before" in page
    assert "Traceback" in page


@pytest.mark.parametrize("name", [*IN_C, "hangs"])
def test_a_process_that_dies_leaves_where_it_stood(mixed: tuple[Path, dict[str, Outcome]], name: str) -> None:
    """The page of a crash or a timeout names the line of the cell that ran, also when it hung in C."""
    out, made = mixed
    page = (out / made[name].path).read_text(encoding="utf-8")
    assert "most recent call first" in page
    assert "string_at" in page if name == "segfault" else "line 1 in &lt;module&gt;" in page


@pytest.mark.long
@pytest.mark.parametrize("engine", ["warm", "stock"])
@pytest.mark.parametrize("ends", ["well", "exits", "segfault", "killed", "hangs_in_c"])
def test_nothing_that_a_report_started_survives_it(tmp_path: Path, engine: Engine, ends: str) -> None:
    """What left its session, has an empty environment, was forked twice or goes on forking ends with the report.

    So it is however the report ends; and a report beside it keeps its own processes.
    """
    cells = {"well": ("pass",), "killed": ("import os; os.kill(os.getpid(), 9)",), **BAD}[ends]
    (tmp_path / "own").mkdir()
    path = write_notebook(tmp_path / "own" / "starts.ipynb", DETACHES, *cells)
    beside = write_notebook(
        tmp_path / "beside.ipynb",
        "import subprocess\nsleeper = subprocess.Popen(['sleep', '600'], start_new_session=True)",
        *[AWAITS.replace("ENDED", repr(str(tmp_path / "ended")))] * 60,
        ("{'alive': sleeper.poll() is None}", "results"),
    )
    made: dict[str, Outcome] = {}
    alive: list[list[str]] = []

    def done(report: Report, outcome: Outcome) -> None:
        made[report.notebook.stem] = outcome
        if report.notebook == path:
            alive.append(detached_alive(path.parent))
            (tmp_path / "ended").touch()

    limits = Limits(cell=2 * LIMIT, report=PATIENCE)
    run_reports([planned(path), planned(beside)], tmp_path / "site", jobs=2, engine=engine, limits=limits, done=done)
    assert alive == [[]]
    assert made["beside"].results == {"alive": True}
    assert made["starts"].status == STATUS.get(ends, ("ok" if ends == "well" else "crashed", ""))[0]


@pytest.mark.parametrize("engine", ["warm", "stock"])
def test_nothing_survives_where_the_process_above_a_report_dies_too(tmp_path: Path, engine: Engine) -> None:
    """What a killed warm parent or worker leaves behind comes to the press, which ends it and nothing of its own."""
    path = write_notebook(tmp_path / "starts.ipynb", DETACHES, "os.kill(os.getppid(), 9); time.sleep(600)")
    good = write_notebook(tmp_path / "good.ipynb", "1")
    sleep = ["sleep", "600"]
    with subprocess.Popen(sleep, start_new_session=True) as before, contextlib.ExitStack() as started:
        during: list[subprocess.Popen[bytes]] = []

        def done(report: Report, outcome: Outcome) -> None:
            during.append(started.enter_context(subprocess.Popen(sleep)))

        run_reports([planned(path), planned(good)], tmp_path / "site", jobs=1, engine=engine, done=done)
        assert detached_alive(tmp_path) == []
        assert [process.poll() for process in (before, *during)] == [None] * 3
        for process in (before, *during):
            process.kill()


@pytest.mark.parametrize("engine", ["warm", "stock"])
def test_a_report_that_takes_too_long_in_all_is_stopped(tmp_path: Path, engine: Engine) -> None:
    """The limit of the report holds although no cell reaches its own."""
    step = "import time\nend = time.monotonic() + 0.4\nwhile time.monotonic() < end: pass"
    path = write_notebook(tmp_path / "slow.ipynb", BEFORE, *[step] * 30)
    made = outcomes([planned(path)], tmp_path / "site", engine=engine, report=4)["slow"]
    assert made.status == "timeout"
    assert "took longer than it may" in made.error


@pytest.mark.long
def test_the_stock_engine_tells_the_same_of_a_kernel_that_dies(tmp_path: Path) -> None:
    """A kernel that ends, hangs, runs out of memory or asks has the same status as under the warm engine."""
    names = ("exits", "exits_with_zero", "segfault", "hangs", "eats", "asks")
    paths = [write_notebook(tmp_path / f"{name}.ipynb", BEFORE, *BAD[name]) for name in names]
    made = outcomes([planned(p) for p in paths], tmp_path / "site", engine="stock", cell=LIMIT, memory=1_500_000_000)
    assert {name: made[name].status for name in names} == {name: STATUS[name][0] for name in names}
    assert all(made[name].error.startswith(STATUS[name][1]) for name in names)
    assert all(partial(tmp_path / "site", made[name])[0]["text"] == "shown before\n" for name in names)


def test_a_parent_that_is_killed_costs_only_the_report_that_did_it(tmp_path: Path) -> None:
    """The others are begun anew by another parent, once; who loses the parent twice has crashed."""
    kills = write_notebook(
        tmp_path / "kills.ipynb", "import os; os.kill(os.getppid(), 9)", "import time; time.sleep(60)"
    )
    once = write_notebook(
        tmp_path / "once.ipynb",
        BEFORE,
        f"import os\nfrom pathlib import Path\nmark = Path({str(tmp_path / 'mark')!r})\n"
        "if not mark.exists():\n    mark.touch()\n    os.kill(os.getppid(), 9)\n    while True: pass",
        ("{'n': 1}", "results"),
    )
    good = write_notebook(tmp_path / "good.ipynb", ("{'n': 2}", "results"))
    made = outcomes([planned(path) for path in (kills, once, good)], tmp_path / "site", engine="warm", jobs=1)
    assert {name: outcome.status for name, outcome in made.items()} == {"kills": "crashed", "once": "ok", "good": "ok"}
    assert (tmp_path / "site" / made["once"].path).read_text(encoding="utf-8").count("shown before") == 1


def test_a_report_without_memory_to_begin_is_told(tmp_path: Path) -> None:
    """Its process cannot even leave how it ended; the line says what may be too small."""
    path = write_notebook(tmp_path / "starved.ipynb", "1")
    made = outcomes([planned(path)], tmp_path / "site", engine="warm", memory=1_000_000)["starved"]
    assert made.status == "crashed"
    assert made.error.endswith("its memory, or the temporary folder, may be too small.")


@pytest.mark.parametrize("engine", ["warm", "stock"])
def test_a_flood_is_cut_with_a_note(tmp_path: Path, engine: Engine) -> None:
    """100 MB of print and an output of 200 MB leave a page of ordinary size, in bounded memory, and say so."""
    prints = "for _ in range(1000): print('x' * 100_000)"
    shows = "from IPython.display import HTML\nHTML('<p>' + 'y' * 200_000_000 + '</p>')"
    path = write_notebook(tmp_path / "floods.ipynb", prints, shows, "print('after')")
    made = outcomes([planned(path)], tmp_path / "site", engine=engine, memory=3_000_000_000)["floods"]
    page = (tmp_path / "site" / made.path).read_text(encoding="utf-8")
    assert made.status == "ok"
    assert "[Cut here: a cell may print 64,000 characters.]" in page
    assert "[Left out: an output of 200," in page
    assert "after" in page
    assert len(page) < 100_000
