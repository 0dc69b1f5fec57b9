"""reports.toml."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from salesops.errors import PressError
from salesops.press.alerts import Alert
from salesops.press.catalog import find_notebook
from salesops.press.mailing import Mailing
from salesops.press.parameters import bind
from salesops.press.post import Smtp
from salesops.press.settings import Settings, Wanted, read_settings
from salesops.press.task import Limits

MAILED = '[[report]]\nnotebook = "a"\nto = ["rep"]\n'
ROOT = Path(__file__).resolve().parents[2]


def settings(folder: Path, text: str) -> Settings:
    path = folder / "reports.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """The folder for the pages, the books and notebooks beside the file do not depend on where one stands."""
    (tmp_path / "own.ipynb").touch()
    read = settings(
        tmp_path,
        'out = "pages"\n[[report]]\nnotebook = "team"\nbook = "../book"\nas_of = 2026-08-31\nmin_deals = 5\n'
        '[[report]]\nnotebook = "own.ipynb"\nfor_each = "rep"\n',
    )
    assert read.out == tmp_path / "pages"
    given = {"book": str(tmp_path.parent / "book"), "as_of": date(2026, 8, 31), "min_deals": 5}
    assert read.wanted == (
        Wanted(notebook="team", given=given),
        Wanted(notebook=str(tmp_path / "own.ipynb"), for_each="rep"),
    )


def test_limits_alerts_and_how_much_is_kept_are_settings(tmp_path: Path) -> None:
    """Seconds, memory and periods are whole numbers for all reports; alerts belong to one."""
    read = settings(
        tmp_path,
        "keep_periods = 8\ncell_seconds = 60\nreport_seconds = 300\nmemory_mb = 1500\n"
        '[[report]]\nnotebook = "team"\nalerts = ["attainment < 60%", "missed.all >= 2"]\n',
    )
    assert (read.keep_periods, read.limits) == (8, Limits(cell=60, report=300, memory=1_500_000_000))
    assert read.wanted[0].alerts == (Alert("attainment", "<", 0.6, True), Alert("missed.all", ">=", 2.0))
    assert read.wanted[0].given == {}


def test_when_where_and_in_which_forms_are_settings(tmp_path: Path) -> None:
    """A report may say when it is due, and is none of the schedule without; forms and the clock are for all."""
    read = settings(
        tmp_path,
        'time_zone = "Asia/Tokyo"\npdf = true\n[[report]]\nnotebook = "team"\nevery = "Monday 06:00"\n'
        '[[report]]\nnotebook = "own"\n',
    )
    assert (read.zone, read.pdf, read.mail) == (ZoneInfo("Asia/Tokyo"), True, False)
    assert [want.every and want.every.text for want in read.wanted] == ["Monday 06:00", None]
    assert read.wanted[0].given == {}


def test_to_whom_and_by_which_server_are_settings(tmp_path: Path) -> None:
    """Readers belong to a report, the server to all; readers without a server are an error."""
    smtp, report = '[smtp]\nhost = "h"\nfrom = "a@b.c"\n', '[[report]]\nnotebook = "a"\nto = ["rep", " d@e.f "]\n'
    read = settings(tmp_path, smtp + report)
    assert read.smtp == Smtp(host="h", sender="a@b.c", security="starttls", port=587)
    assert read.wanted[0].to == ("rep", "d@e.f")
    assert read.wanted[0].mailing == Mailing()
    more = 'owner = "Ops <ops@b.c>"\nsend = "changed"\nstale_after = "2 weeks"\n'
    mailing = settings(tmp_path, smtp + report + more).wanted[0].mailing
    assert mailing == Mailing(owner="Ops <ops@b.c>", only_changed=True, stale_after=14)
    with pytest.raises(PressError, match=r"says to whom to send, but not how. Add \[smtp\]"):
        settings(tmp_path, report)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[[report]]\nnotebook = "a"\nto = "eva@example.com"',
            "report 1: to must be a list such as",
        ),
        (
            '[[report]]\nnotebook = "a"\nsend = "changed"',
            "report 1: send says how pages are sent, but nobody gets one",
        ),
        (MAILED + 'owner = "eva"', "report 1: owner must be an address like eva@example.com. Got 'eva'"),
        (MAILED + 'send = "change"', "send must be 'always' or 'changed'. Got 'change'. Did you mean 'changed'"),
        (MAILED + "stale_after = 10", "stale_after must be like '10 days' or '2 weeks'. Got 10"),
        (MAILED + 'stale_after = "0 days"', "stale_after must be like '10 days' or '2 weeks'. Got '0 days'"),
        ('time_zone = "Mars/Base"\n[[report]]\nnotebook = "a"', "time_zone must be like 'Europe/Berlin'. Got 'Mars"),
        ('mail = "yes"\n[[report]]\nnotebook = "a"', "mail must be true or false. Got 'yes'"),
        ('[[report]]\nnotebook = "a"\nevery = "mondays"', "reports.toml, report 1: every must be days and a time"),
        ("out = ", "reports.toml is not valid TOML"),
        ('ou = "site"\n[[report]]\nnotebook = "a"', "unknown key 'ou'. Did you mean 'out'"),
        ('out = "site"', "must have 'out' as a text and at least one"),
        ('out = 5\n[[report]]\nnotebook = "a"', "must have 'out' as a text"),
        ('out = "a\\u0000b"\n[[report]]\nnotebook = "a"', "must have 'out' as a text"),
        ("a = " + "[" * 5000 + "]" * 5000, "reports.toml is not valid TOML"),
        ("report = [1]", "reports.toml, report 1 must have 'notebook'"),
        ('[[report]]\nnotebook = "a"\n[[report]]\nbook = "b"', "reports.toml, report 2 must have 'notebook'"),
        ('keep_periods = 0\n[[report]]\nnotebook = "a"', "keep_periods must be a whole number from 1. Got 0"),
        ('memory_mb = true\n[[report]]\nnotebook = "a"', "memory_mb must be a whole number from 1. Got True"),
        ('[[report]]\nnotebook = "a"\nalerts = "gap > 0"', "report 1: alerts must be a list such as"),
        ('[[report]]\nnotebook = "a"\nalerts = ["gap = 0"]', "written like 'attainment < 0.6'. Got 'gap = 0'"),
        ('[[report]]\nnotebook = "a"\nfor_each = true', "report 1: for_each must be the name of a parameter. Got True"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The error names the file, the report and what is wrong."""
    with pytest.raises(PressError, match=message):
        settings(tmp_path, text)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    """Without reports.toml, a notebook must be named."""
    with pytest.raises(PressError, match="Name a notebook: salesops run NOTEBOOK --book BOOK"):
        read_settings(tmp_path / "reports.toml")


def test_the_shipped_reports_can_be_asked_for() -> None:
    """Each report of reports/reports.toml names a notebook that is there, with parameters that it has."""
    for want in read_settings(ROOT / "reports" / "reports.toml").wanted:
        notebook = find_notebook(want.notebook, ROOT / "notebooks")
        assert bind(notebook.parameters, want.given, notebook.name).keys() == want.given.keys()
        assert want.for_each in ("", notebook.for_each)
