"""Teams, the people folded under them, and gaps without a commitment."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import nbformat
import pytest
from books import make_book

from salesops.book.source import Book
from salesops.pages.team import people
from salesops.pages.team.findings import TeamAccountability, team_accountability
from salesops.periods import parse_period

END = date(2026, 3, 31)
ORDER = ["page_head", "key_figures", "picture", "exception_cards", "teams_and_people", "commitments_table"]


def quota(user: str, amount: float) -> dict[str, object]:
    return {"owner_id": user, "period_start": "2026-01-01", "period_end": "2026-03-31", "quota_amount": amount}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Two managers, of whom one has a goal too; five reps with a goal of 100 each, of whom one made it."""
    managers = [{"user_id": m, "user_name": name, "role": "manager"} for m, name in (("M1", "Eva"), ("M2", "<b>Max"))]
    under = {"A": "M1", "B": "M1", "C": "M2", "D": "M2", "E": "M2"}
    reps = [{"user_id": user, "user_name": f"Rep {user}", "manager_id": manager} for user, manager in under.items()]
    deals = [
        {"owner_id": user, "amount": amount, "close_date": "2026-02-03", "is_closed": True, "is_won": True}
        for user, amount in (("A", 120), ("B", 40), ("C", 10))
    ]
    promise = {
        "commitment_id": "C1", "owner_id": "B", "metric": "booked", "target": "60",
        "original_due_date": "2026-04-30", "due_date": "2026-04-30", "agreed_at": "2026-03-01", "agreed_with": "M1",
    }  # fmt: skip  # one row
    tables = {
        "users": managers + reps,
        "quotas": [quota(user, 100) for user in (*under, "M2")],
        "opportunities": deals,
        "commitments": [promise],
    }
    return make_book(tmp_path, tables, company="Acme")


def report(book: Book, manager: str = "") -> TeamAccountability:
    return team_accountability(book, parse_period("2026-Q1"), END, manager=manager)


def test_a_director_reads_teams_first(book: Book) -> None:
    """Each team once, largest gap first; a manager's own goal counts in their team, and teams add up to the total."""
    found = report(book)
    teams = found.teams
    assert list(teams.team_id) == ["M2", "M1"]
    assert list(teams.people) == [4, 2]
    assert (teams.quota.sum(), teams.booked.sum()) == (found.total["quota"], found.total["booked"])
    assert list(teams.gap) == [390, 40]
    html = people.teams_and_people(found).html
    assert html.count("<details") == 2
    assert html.index("<table") < html.index("<details")
    assert "<b>Max" not in html


def test_a_manager_reads_people(book: Book) -> None:
    """With one team there is no table of teams, and nobody is folded away."""
    found = report(book, "M1")
    assert found.teams.empty
    assert people.teams_table(found).html == ""
    html = people.people(found).html
    assert "<details" not in html
    assert "Rep A" in html


def test_what_lacks_a_commitment_is_said_once(book: Book) -> None:
    """Their count and names stand in one sentence, once each; the column holds real commitments only."""
    text = people.people(report(book)).text
    assert text.count("no commitment") == 1
    last = text.splitlines()[-1]
    assert last.startswith("4 of 5 gaps carry no commitment: ")
    assert all(name in last for name in ("Rep C", "Rep D", "Rep E", "<b>Max"))
    assert "Rep B" not in last
    assert text.count("book 60 by 30 Apr 2026") == 1


def test_page_one_has_its_order() -> None:
    """Headline, key figures, one picture, the three talks, teams, people, promises."""
    notebook = nbformat.read(Path(__file__).parents[2] / "notebooks" / "team_accountability.ipynb", 4)
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    places = [next(n for n, source in enumerate(sources) if f".{call}(" in source) for call in ORDER]
    assert places == sorted(places)
    assert places[:3] == list(range(places[0], places[0] + 3))
