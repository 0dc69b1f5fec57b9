"""Reports made with real kernels, and entered in the index."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest

from salesops.errors import PressError
from salesops.press.catalog import find_notebook
from salesops.press.deliver import Delivery, How, deliver
from salesops.press.parameters import bind
from salesops.press.plan import Report, plan_report

pytestmark = pytest.mark.usefixtures("one_parent")

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
GOOD = ("greeting", "bare_results", "no_parameters", "where_am_i")
BAD = ("fails", "dies", "not_a_number", "no_dict", "no_kernel")


def planned(which: str, **given: object) -> Report:
    notebook = find_notebook(which, NOTEBOOKS)
    values = bind(notebook.parameters, given, which)
    return plan_report(notebook, values, asked=values)


def entries(out: Path) -> dict[str, dict[str, Any]]:
    content = json.loads((out / "index.json").read_text(encoding="utf-8"))
    assert content["version"] == 1
    return {entry["notebook"]: entry for entry in content["reports"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Delivery]:
    """One run of good and bad notebooks, side by side."""
    out = tmp_path_factory.mktemp("site")
    reports = [planned("greeting", name="Zoë <b>", times="2"), *(planned(name) for name in (*BAD, *GOOD[1:]))]
    return out, deliver(reports, out)


def test_bad_reports_leave_the_good_ones_alone(made: tuple[Path, Delivery]) -> None:
    """Each report has its own status; the failures are counted and the others finish."""
    out, delivery = made
    assert {name: entry["status"] for name, entry in entries(out).items()} == {
        **dict.fromkeys(GOOD, "ok"),
        **dict.fromkeys(BAD, "failed"),
        "dies": "crashed",
    }
    assert delivery == Delivery(made=9, failed=5, skipped=0, alerted=0, index=out / "index.html")


def test_an_entry_says_what_was_made_when_and_how(made: tuple[Path, Delivery]) -> None:
    """An entry has the parameters, the start in UTC, the seconds, the page and the results."""
    entry = entries(made[0])["greeting"]
    started = datetime.fromisoformat(entry["started"])
    assert started.utcoffset() == timedelta(0)
    assert timedelta(0) < datetime.now(UTC) - started < timedelta(hours=1)
    assert 0 < entry["seconds"] < 600
    assert entry["parameters"] == {"name": "Zoë <b>", "times": 2}
    assert entry["results"] == {"name": "Zoë <b>", "times": 2, "loud": False, "share": 0.5, "others": []}
    assert (entry["title"], entry["path"]) == ("Whom do we greet?", f"{entry['id']}.html")
    assert "error" not in entry


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("fails", "ZeroDivisionError: division by zero (cell 4)"),
        ("dies", "Cell 3 ended the process with exit code 3."),
        ("not_a_number", "results['rows'][0]['gap'] is NaN or infinite, which no reader of the results can use."),
        ("no_dict", "The cell tagged 'results' must end with a dict that JSON can hold: JSON(results)."),
        ("no_kernel", "The kernel 'fortran77' is not installed."),
    ],
)
def test_a_failure_is_told_in_one_line_and_on_its_page(made: tuple[Path, Delivery], name: str, error: str) -> None:
    """The index has the reason in one line; the page says that the report failed, and gives the reason."""
    entry = entries(made[0])[name]
    assert entry["error"].startswith(error)
    assert "\n" not in entry["error"]
    assert entry["results"] == {}
    page = (made[0] / entry["path"]).read_text(encoding="utf-8")
    assert error.split(".")[0].split(" (")[0].replace("'", "&#39;") in page.replace("&#x27;", "&#39;")


@pytest.mark.parametrize(("name", "before"), [("fails", "before the failure"), ("dies", "before the end")])
def test_a_failed_report_leaves_what_it_has(made: tuple[Path, Delivery], name: str, before: str) -> None:
    """The partial notebook and the page hold what ran before the failure, and nothing from after it."""
    entry = entries(made[0])[name]
    partial = (made[0] / entry["path"]).with_suffix(".ipynb")
    outputs = [output for cell in nbformat.read(partial, as_version=4).cells for output in cell.get("outputs", ())]
    assert [output.get("text", "").strip() for output in outputs] == [before, ""]
    assert outputs[-1].output_type == "error"
    assert before in (made[0] / entry["path"]).read_text(encoding="utf-8")


def test_pages_and_notebooks_are_all_that_is_left(made: tuple[Path, Delivery]) -> None:
    """A good report is one page, a failed one a page and a notebook; no temporary file stays beside the ledger."""
    found = entries(made[0])
    expected = {f"{found[name]['id']}.html" for name in GOOD}
    expected |= {f"{found[name]['id']}.failed.{ending}" for name in BAD for ending in ("html", "ipynb")}
    assert {path.name for path in made[0].iterdir()} == {*expected, "index.html", "index.json", ".press"}
    assert {path.name for path in (made[0] / ".press").iterdir()} == {"ledger.sqlite", "lock"}


def test_a_notebook_runs_in_its_folder_without_the_slow_import(made: tuple[Path, Delivery]) -> None:
    """Relative paths mean what they mean in JupyterLab, and no kernel compiles a grammar that nobody needs."""
    assert entries(made[0])["where_am_i"]["results"] == {"folder": "notebooks", "slow_import": False}


def test_a_later_run_replaces_its_own_reports_only(tmp_path: Path) -> None:
    """Entries of other reports stay, as long as their pages are there."""
    deliver([planned("fails"), planned("bare_results")], tmp_path)
    kept = entries(tmp_path)["bare_results"]
    deliver([planned("greeting")], tmp_path)
    assert entries(tmp_path)["bare_results"] == kept
    assert set(entries(tmp_path)) == {"fails", "bare_results", "greeting"}
    (tmp_path / kept["path"]).unlink()
    deliver([planned("greeting", name="again")], tmp_path)
    assert set(entries(tmp_path)) == {"fails", "greeting"}


def test_a_failure_never_replaces_the_last_good_page(tmp_path: Path) -> None:
    """The page of a failure has a name of its own, and goes when the report succeeds again."""
    mark = tmp_path / "mark"
    report = planned("waits", mark=str(mark))
    out = tmp_path / "site"

    def once() -> dict[str, Any]:
        deliver([report], out)
        return entries(out)["waits"]

    good = once()
    page = (out / good["path"]).read_bytes()
    mark.unlink()
    mark.mkdir()
    stale = once()
    assert (stale["status"], stale["path"], stale["started"]) == ("stale", good["path"], good["started"])
    assert stale["failure"]["path"] == f"{report.id}.failed.html"
    assert stale["failure"]["status"] == "failed"
    assert (out / good["path"]).read_bytes() == page
    mark.rmdir()
    assert once()["status"] == "ok"
    assert not list(out.glob("*.failed.*"))


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 2, "reports": []}', '{"version": 1, "reports": [{}]}'])
def test_a_foreign_index_is_never_overwritten(tmp_path: Path, content: str) -> None:
    """An index.json that the press did not write is an error before anything runs."""
    (tmp_path / "index.json").write_text(content, encoding="utf-8")
    with pytest.raises(PressError, match="is not an index of reports"):
        deliver([planned("greeting")], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.json"]
    assert (tmp_path / "index.json").read_text(encoding="utf-8") == content


def test_failures_get_a_line_each(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Stderr has one line for each failure, and no log of the tools beneath."""
    deliver([planned("greeting"), planned("fails"), planned("dies")], tmp_path, How(jobs=1))
    captured = capfd.readouterr()
    assert captured.err.splitlines() == [
        "failed: fails: ZeroDivisionError: division by zero (cell 4)",
        "crashed: dies: Cell 3 ended the process with exit code 3.",
    ]
    assert captured.out == ""
