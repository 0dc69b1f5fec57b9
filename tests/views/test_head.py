"""How every notebook begins, and what it warns of."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from books import make_book

from salesops import begin
from salesops.errors import PeriodError

ROOT = Path(__file__).resolve().parents[2]
ODD = {
    "opportunities": [{"is_closed": True, "is_won": True, "close_date": "2026-02-03", "amount": -5.0}],
    "quotas": [{"period_start": "2026-01-01", "period_end": "2026-03-31", "quota_amount": -5.0}],
}


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A book with a deal and a quota below nought, and a notebook beside it that reads no quotas."""
    tables = {"metadata": {"salesops": {"any_of": [["opportunities"]], "tables": ["users"], "uses": []}}}
    (tmp_path / "mine.ipynb").write_text(json.dumps(tables))
    monkeypatch.chdir(tmp_path)
    return str(make_book(tmp_path / "book", ODD).location)


def test_limits_warn_of_the_tables_that_the_notebook_names(odd: str) -> None:
    """The metadata of the notebook are the one list: what it does not read, it does not warn of."""
    assert begin("mine", odd).tables == ("users", "opportunities")
    said = begin("mine", odd).limits("All is counted.").text
    assert "All is counted." in said
    assert "opportunities: " in said
    assert "quotas" not in said


def test_a_notebook_that_is_not_there_warns_of_all(odd: str) -> None:
    """Where no metadata can be read, nothing is kept back."""
    assert {text.partition(":")[0] for text in begin("elsewhere", odd).warnings} >= {"opportunities", "quotas"}


def test_results_begin_with_what_the_report_is_about(odd: str) -> None:
    """Company, currency and day; and the days of the period, where the report is about one."""
    head = begin("mine", odd, period="2026-Q1")
    assert head.day == date(2026, 2, 3)
    assert head.results()["period_start"] == "2026-01-01"
    assert set(head.results()) - set(head.results(period=False)) == {"period", "period_start", "period_end"}


def test_what_cannot_be_read_is_told_at_once(odd: str) -> None:
    """A period that is none stops the first cell, not the last."""
    with pytest.raises(PeriodError):
        begin("mine", odd, period="2026-Q9")


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("[!_]*.ipynb")), ids=lambda path: path.stem)
def test_each_notebook_begins_by_its_own_name(path: Path) -> None:
    """The name that a notebook gives is that of its file, whose metadata are then read; its limits are the head's."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert f'head = begin("{path.stem}", book' in code
    assert "head.limits(*page.limits(" in code
    assert "JSON({**head.results(" in code
