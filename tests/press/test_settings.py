"""reports.toml."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from salesops.errors import PressError
from salesops.press.catalog import find_notebook
from salesops.press.parameters import bind
from salesops.press.settings import Wanted, read_settings

ROOT = Path(__file__).resolve().parents[2]


def settings(folder: Path, text: str) -> tuple[Path, tuple[Wanted, ...]]:
    path = folder / "reports.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """The folder for the pages, the books and notebooks beside the file do not depend on where one stands."""
    (tmp_path / "own.ipynb").touch()
    out, wanted = settings(
        tmp_path,
        'out = "pages"\n[[report]]\nnotebook = "team"\nbook = "../book"\nas_of = 2026-08-31\nmin_deals = 5\n'
        '[[report]]\nnotebook = "own.ipynb"\nfor_each = "rep"\n',
    )
    assert out == tmp_path / "pages"
    given = {"book": str(tmp_path.parent / "book"), "as_of": date(2026, 8, 31), "min_deals": 5}
    assert wanted == (
        Wanted(notebook="team", given=given),
        Wanted(notebook=str(tmp_path / "own.ipynb"), for_each="rep"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("out = ", "reports.toml is not valid TOML"),
        ('ou = "site"\n[[report]]\nnotebook = "a"', "unknown key 'ou'. Did you mean 'out'"),
        ('out = "site"', "must have 'out' as a text and at least one"),
        ('out = 5\n[[report]]\nnotebook = "a"', "must have 'out' as a text"),
        ("report = [1]", "reports.toml, report 1 must have 'notebook'"),
        ('[[report]]\nnotebook = "a"\n[[report]]\nbook = "b"', "reports.toml, report 2 must have 'notebook'"),
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
    _, wanted = read_settings(ROOT / "reports" / "reports.toml")
    for want in wanted:
        notebook = find_notebook(want.notebook, ROOT / "notebooks")
        assert bind(notebook.parameters, want.given, notebook.name).keys() == want.given.keys()
        assert want.for_each in ("", notebook.for_each)
