"""The warm parent: what it imports, when it is replaced, and that it stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from written_notebooks import PATIENCE, planned, write_notebook

from salesops.errors import PressError
from salesops.press.pool import Ending
from salesops.press.task import Task
from salesops.press.warm import pool as warm_pool
from salesops.press.warm.pool import WarmPool
from salesops.press.warm.preload import imported_by


@pytest.fixture
def pool() -> Iterator[WarmPool]:
    made = WarmPool([])
    yield made
    made.close()


def make(pool: WarmPool, folder: Path, path: Path, number: int = 0) -> Ending:
    scratch = folder / f"scratch{number}"
    scratch.mkdir()
    (folder / "site").mkdir(exist_ok=True)
    pool.start(Task(report=planned(path), out=folder / "site", scratch=scratch))
    endings: list[Ending] = []
    while not endings:
        endings = pool.wait(60)
    return endings[0]


def results(ending: Ending) -> dict[str, object]:
    return dict(ending.what.results)  # type: ignore[union-attr]  # an outcome, or the test fails here


def test_notebooks_say_what_is_to_be_imported(tmp_path: Path) -> None:
    """Installed modules, also those named in from-imports; not what lies beside the notebook or does not exist."""
    (tmp_path / "beside.py").touch()
    path = write_notebook(
        tmp_path / "a.ipynb",
        "import json as j, beside, not_there\nfrom email import message, no_such_name\nfrom . import b",
        "def f():\n    import colorsys",
        "%matplotlib inline\nimport csv",
    )
    names = ["json", "email", "email.message", "email.no_such_name", "colorsys"]
    assert imported_by([path, tmp_path / "missing.ipynb"]) == names


def test_the_second_report_finds_what_the_first_imported(pool: WarmPool, tmp_path: Path) -> None:
    """What a notebook imports only while it runs is learned from its first report; each report still imports alone."""
    late = "import importlib, sys\nbefore = 'colorsys' in sys.modules\nimportlib.import_module('colorsys')"
    path = write_notebook(tmp_path / "late.ipynb", late, ("{'before': before}", "results"))
    found = [results(make(pool, tmp_path, path, number))["before"] for number in range(3)]
    assert found == [False, True, True]


def test_a_module_that_starts_a_thread_is_left_to_the_reports(
    pool: WarmPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parent with a thread forks no more: another takes over that does not import the module."""
    packages = tmp_path / "packages"
    packages.mkdir()
    starts = "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    (packages / "starts_thread.py").write_text(f"import os, threading\nOWNER = os.getpid()\n{starts}")
    monkeypatch.syspath_prepend(packages)
    path = write_notebook(
        tmp_path / "uses.ipynb",
        "import os, starts_thread",
        ("{'own': starts_thread.OWNER == os.getpid()}", "results"),
    )
    threaded = WarmPool([path])
    try:
        assert [results(make(threaded, tmp_path, path, number)) for number in range(2)] == [{"own": True}] * 2
    finally:
        threaded.close()


def test_what_the_program_has_imported_costs_the_parent_nothing(tmp_path: Path) -> None:
    """A program that has loaded pyarrow before the press gets a parent without threads, and with all imported."""
    look = "import os, sys\nfound = {'pandas': 'pandas' in sys.modules}"
    write_notebook(
        tmp_path / "looks.ipynb",
        look,
        "import pandas",
        ("{**found, 'threads': len(os.listdir(f'/proc/{os.getppid()}/task'))}", "results"),
    )
    program = tmp_path / "program.py"
    program.write_text(
        "import pyarrow, duckdb, sys\nfrom pathlib import Path\n"
        "from written_notebooks import planned\nfrom salesops.press.run import run_reports\n"
        "if __name__ == '__main__':\n"
        "    here = Path(sys.argv[1])\n"
        "    run_reports([planned(here / 'looks.ipynb')], here, jobs=1, engine='warm',\n"
        "                done=lambda _, outcome: print(outcome.results))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}
    ran = subprocess.run(
        [sys.executable, program, tmp_path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert ran.stdout.split("\n")[0] == "{'pandas': True, 'threads': 1}"


def test_a_parent_whose_code_changed_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report never runs code that is older than what is on disk when it begins."""
    packages = tmp_path / "packages"
    packages.mkdir()
    module = packages / "installed_helper.py"
    module.write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(packages)
    path = write_notebook(
        tmp_path / "a.ipynb", "import installed_helper", ("{'value': installed_helper.VALUE}", "results")
    )
    pool = WarmPool([path], look_every=0)
    try:
        assert results(make(pool, tmp_path, path, 0)) == {"value": 1}
        module.write_text("VALUE = 22\n")
        assert results(make(pool, tmp_path, path, 1)) == {"value": 22}
    finally:
        pool.close()


def test_an_engine_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After three tries, each a little later, a sentence names the way out."""
    monkeypatch.setattr(warm_pool, "serve", sys.exit)
    pool = WarmPool([])
    path = write_notebook(tmp_path / "a.ipynb", "1")
    with pytest.raises(PressError, match=r"The warm engine does not start .* Run again with --engine stock"):
        make(pool, tmp_path, path)


def test_the_parent_stays_as_it_was(pool: WarmPool, tmp_path: Path) -> None:
    """Report after report, the parent has the same memory, descriptors and one thread."""
    path = write_notebook(tmp_path / "a.ipynb", "x = bytearray(10**7)", ("{'n': len(x)}", "results"))
    for number in range(3):  # the first are learned from
        make(pool, tmp_path, path, number)
    (parent,) = pool._parents
    process = psutil.Process(parent.process.pid)
    before = process.num_fds(), process.num_threads(), len(process.children())
    memory = process.memory_info().rss
    for number in range(3, 33):
        assert results(make(pool, tmp_path, path, number)) == {"n": 10**7}
    assert (process.num_fds(), process.num_threads(), len(process.children())) == before
    assert process.memory_info().rss - memory < 1_000_000
