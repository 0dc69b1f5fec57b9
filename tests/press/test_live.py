"""The living page: which cells it holds, where it listens, and what is said before anything starts."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from conftest import ROOT

from salesops.cli import main
from salesops.cli.asking import prepare
from salesops.errors import PressError
from salesops.press.live import TRIED, free_port, living
from salesops.press.plan import Report
from salesops.press.settings import Wanted


@pytest.fixture(scope="module")
def report() -> Report:
    given = {"book": str(ROOT / "data" / "sample"), "period": "2026-Q4", "as_of": "2026-10-30"}
    return prepare([Wanted(notebook="quota_whatif", given=given)], ROOT / "notebooks")[0]


def test_the_page_holds_what_a_static_page_leaves_out(report: Report) -> None:
    """Setup and widget, the parameters set after their defaults, no output, and the words of the first cell."""
    page = living(report)
    sources = [cell.source for cell in page.cells]
    assert sources[0] == "import salesops"
    assert sources[1].startswith('book: str = "../data/sample"')
    assert "period = '2026-Q4'" in sources[2]
    assert "as_of = '2026-10-30'" in sources[2]
    assert "quota_whatif(head.book, head.period, head.day" in sources[-1]
    assert len(sources) == 6
    assert not any(cell.outputs for cell in page.cells)
    assert page.metadata.title == "What quotas can the team make, and what do they cost?"
    assert page.metadata.about.startswith("<p>For the manager")


def test_the_page_names_no_address_outside() -> None:
    """The template holds everything itself: it names no other machine."""
    template = ROOT / "salesops" / "press" / "template" / "live" / "voila" / "templates" / "live" / "index.html.j2"
    assert not re.search(r"https?:|//[a-z]", template.read_text(encoding="utf-8"))


def test_a_port_that_is_taken_gives_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next free port is found; where all are taken, a sentence says which option to use."""
    with socket.socket() as first:
        first.bind(("127.0.0.1", 0))
        first.listen()
        taken = first.getsockname()[1]
        assert taken < free_port(taken) <= taken + TRIED

    def refused(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(socket.socket, "bind", refused)
    with pytest.raises(PressError, match=r"No port from 9000 to 9020 is free\. Name another: --port 9000\."):
        free_port(9000)


@pytest.mark.long
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--book", "nowhere"], "There is no folder"),
        (["--book", str(ROOT / "data" / "sample"), "--period", "sometime"], "sometime"),
        (["--book", str(ROOT / "data" / "sample"), "--as-of", "soon"], "soon"),
    ],
)
def test_what_is_wrong_is_told_before_anything_starts(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A book that is not there, or a period that cannot be read, is a sentence and exit code 1."""
    assert main(["whatif", *options, "--no-browser"]) == 1
    told = capsys.readouterr()
    assert said in told.err
    assert "Open http" not in told.out
    assert list(tmp_path.iterdir()) == []
