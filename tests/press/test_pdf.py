"""Pages as PDF."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from written_notebooks import planned, write_notebook

from salesops.errors import PressError
from salesops.press.deliver import How, deliver
from salesops.press.pdf import find_browser, print_pdf


@pytest.mark.browser
def test_a_page_is_printed_beside_itself_and_linked(tmp_path: Path) -> None:
    """The PDF is whole, has the page's name, stands in index.json and is linked in the index."""
    path = write_notebook(tmp_path / "a.ipynb", "# Does it print?", "print('Zoë')")
    deliver([planned(path)], tmp_path / "site", How(pdf=True))
    (entry,) = json.loads((tmp_path / "site" / "index.json").read_text(encoding="utf-8"))["reports"]
    assert entry["pdf"] == f"{entry['id']}.pdf"
    content = (tmp_path / "site" / entry["pdf"]).read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert f'href="{entry["pdf"]}"' in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_without_a_browser_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clear sentence comes before any report is made."""
    monkeypatch.setenv("PATH", str(tmp_path))
    path = write_notebook(tmp_path / "a.ipynb", f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(PressError, match=r"printed by Chromium or Chrome, and none is installed\. Install one"):
        deliver([planned(path)], tmp_path / "site", How(pdf=True))
    assert not (tmp_path / "ran").exists()


def test_a_browser_that_fails_leaves_no_pdf(tmp_path: Path) -> None:
    """The report stays, and the message says which PDF is missing and why."""
    (tmp_path / "a.html").write_text("<p>a")
    browser = tmp_path / "broken"
    browser.write_text("#!/bin/sh\nexit 9\n")
    browser.chmod(0o755)
    with pytest.raises(PressError, match=r"a\.pdf was not printed: broken ended with exit code 9"):
        print_pdf(str(browser), tmp_path / "a.html")
    assert {path.name for path in tmp_path.iterdir()} == {"a.html", "broken"}


@pytest.mark.parametrize("name", ["chromium", "google-chrome"])
def test_a_browser_is_found_by_any_of_its_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Distributions call it differently."""
    (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser() == str(tmp_path / name)
