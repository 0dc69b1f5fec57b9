"""Reports as planned: what tells them apart, and the files that they make."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import PressError
from salesops.press.catalog import Notebook
from salesops.press.parameters import Value
from salesops.press.plan import Report, book_address, plan_report, refuse_clashes

TEAM = Notebook(path=Path("/notebooks/team_accountability.ipynb"), title="Did the team make its goal?")


def planned(person: str = "", notebook: Notebook = TEAM, **parameters: Value) -> Report:
    return plan_report(notebook, parameters, asked=parameters, person=person)


def test_a_report_is_named_for_its_notebook_period_and_person() -> None:
    """A file name says what is in the file, in letters that every system keeps."""
    report = planned("Zoë Łukasz-Ørsted O'Neil", period="FY2026-Q1", rep="U1")
    assert re.fullmatch(r"team-accountability-fy2026-q1-zoe-lukasz-orsted-o-neil-[0-9a-f]{8}", report.id)
    assert report.heading == "Did the team make its goal? · Zoë Łukasz-Ørsted O'Neil · FY2026-Q1"


def test_the_same_report_has_the_same_file_in_every_run() -> None:
    """The order of the parameters and what was not asked for change nothing; what was asked for does."""
    asked: dict[str, Value] = {"period": "2026-Q3", "manager": "M1"}
    first = plan_report(TEAM, {**asked, "as_of": "2026-09-30"}, asked=asked)
    again = plan_report(TEAM, {**asked, "as_of": "2026-10-07"}, asked=dict(reversed(asked.items())))
    other = plan_report(TEAM, asked, asked={**asked, "manager": "M2"})
    assert first.id == again.id != other.id


PEOPLE = st.text(max_size=500) | st.sampled_from(["../../etc/passwd", "CON", "😀" * 300, "محمد", "=cmd|' /C calc'!A0"])


@given(PEOPLE, st.text(max_size=80), st.text(min_size=1, max_size=300))
def test_file_names_are_safe_everywhere(person: str, period: str, name: str) -> None:
    """Whatever the names, a file name is short, plain and stays in its folder."""
    notebook = Notebook(path=Path("/notebooks") / (name.replace("/", "_") + ".ipynb"), title="T")
    report_id = planned(person, notebook, period=period, rep=person).id
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", report_id)
    assert len(f"{report_id}.failed.ipynb") <= 120


@given(st.lists(st.text(max_size=30), unique=True, min_size=2, max_size=20))
def test_people_never_share_a_file(ids: list[str]) -> None:
    """People of one name, or of names that look alike in plain letters, have files of their own."""
    reports = [planned("Ana Lopes", rep=user_id) for user_id in ids]
    refuse_clashes(reports)
    assert len({report.id for report in reports}) == len(ids)


def test_two_reports_of_one_file_are_refused() -> None:
    """Asking twice for the same report is an error before anything runs."""
    with pytest.raises(PressError, match=r"Two reports would write team-accountability-2026-q3-\w{8}\.html: team_"):
        refuse_clashes([planned(period="2026-Q3"), planned(period="2026-Q3")])


def test_two_notebooks_of_one_name_are_told_apart() -> None:
    """They would write one file, and the error names both."""
    other = replace(TEAM, path=Path("/elsewhere/team_accountability.ipynb"))
    with pytest.raises(PressError, match=r"'/notebooks/team.*ipynb' and '/elsewhere/team.*ipynb'\. Rename one"):
        refuse_clashes([planned(), planned(notebook=other)])


@pytest.mark.parametrize(
    ("book", "address", "name"),
    [
        ("../data/sample", "/desk/data/sample", "sample"),
        ("/books/acme", "/books/acme", "acme"),
        ("duckdb://acme.duckdb", "duckdb:///desk/here/acme.duckdb", "acme"),
        ("duckdb:///books/a%20b.duckdb", "duckdb:///books/a%20b.duckdb", "a b"),
    ],
)
def test_a_book_has_an_address_that_holds_from_everywhere(book: str, address: str, name: str) -> None:
    """The notebook gets the whole address; readers of the index see only the book's name."""
    assert book_address(book, Path("/desk/here")) == address
    report = planned(book=address, period="2026")
    assert report.parameters["book"] == address
    assert report.shown == {"book": name, "period": "2026"}


def test_a_folder_with_a_percent_sign_is_found() -> None:
    """The folder in front of a relative database is written as the address form wants it."""
    assert book_address("duckdb://a.duckdb", Path("/100% sure")) == "duckdb:///100%25%20sure/a.duckdb"
