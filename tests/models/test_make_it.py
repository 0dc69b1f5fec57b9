"""P(make it) on accountability reports: the forecast's own, computed once, and silent where it has no ground."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from books import Row, Rows, make_book

from salesops import words
from salesops.book.source import Book, open_book
from salesops.models.forecast import Forecast, forecast
from salesops.models.make_it import chance_results, make_it
from salesops.pages.rep import page as rep_page
from salesops.pages.rep.findings import rep_accountability
from salesops.pages.team import page as team_page
from salesops.pages.team import people
from salesops.pages.team.findings import team_accountability
from salesops.periods import parse_period

NOW = date(2026, 10, 30)
RUNNING, OVER = parse_period("2026-Q4"), parse_period("2026-Q3")


@pytest.fixture(scope="module")
def book(company_book: Book) -> Book:
    return company_book


@pytest.fixture(scope="module")
def now(book: Book) -> Forecast:
    return forecast(book, RUNNING, NOW)


def company(folder: Path, wins: int, quota: float) -> Book:
    """One rep, and wins of 10 every five days."""
    deals: Rows = [
        {"owner_id": "A", "amount": 10, "created_date": NOW - timedelta(days=5 * n + 20), "is_closed": True,
         "is_won": True, "close_date": NOW - timedelta(days=5 * n)}
        for n in range(wins)
    ]  # fmt: skip  # one deal a line
    goal: Row = {"owner_id": "A", "period_start": "2026-10-01", "period_end": "2026-12-31", "quota_amount": quota}
    return make_book(folder, {"users": [{"user_id": "A"}], "opportunities": deals, "quotas": [goal]})


@pytest.mark.long
def test_chances_are_those_of_the_forecast(book: Book, now: Forecast) -> None:
    """Each line of the team's report has the forecast's chance, and all together the company's."""
    report = team_accountability(book, RUNNING, NOW)
    known = now.reps.set_index("user_id").p_attain.dropna()
    lines = report.own.dropna(subset="p_make_it").set_index("user_id").p_make_it
    assert len(lines) > 30
    assert lines.to_numpy() == pytest.approx(known.reindex(lines.index).to_numpy())
    assert report.lines[report.lines.is_rollup].p_make_it.isna().all()
    together = [now.company[name] for name in ("p_target", "p_low", "p_high")]
    assert report.make_it.team == pytest.approx(together, abs=0.003)
    assert list(chance_results(report.make_it.team)) == ["p_make_it", "p_make_it_low", "p_make_it_high"]
    assert [report.results()[name] for name in chance_results(report.make_it.team)] == pytest.approx(
        together, abs=0.003
    )
    shown = people.lines_table(report).text + team_page.key_figures(report).text
    assert shown.count("P(make it)") == 2


def test_a_rep_sees_the_same_chance(book: Book, now: Forecast) -> None:
    """The rep's page shows the chance that the team's report has for this rep."""
    known = now.reps.set_index("user_id")[["p_attain", "p_low", "p_high"]]
    user = known.index[known.p_attain.between(0.2, 0.8)][0]
    report = rep_accountability(book, user, RUNNING, NOW)
    assert report.p_make_it == pytest.approx(known.loc[user])
    assert 0 < report.p_make_it[1] < report.p_make_it[0] < report.p_make_it[2] < 1
    figures = rep_page.key_figures(report, min_deals=10).text
    assert f"P(make it): {words.about(report.p_make_it[0])}" in figures
    assert words.chance_range(*report.p_make_it[1:]) in figures


@pytest.mark.long
def test_a_finished_period_does_without_the_forecast(sample: Path) -> None:
    """For a period that is over nothing of the forecast is imported or shown, and the limits say why."""
    code = (
        "import sys; from datetime import date; from salesops import open_book, parse_period\n"
        "from salesops.pages.team.findings import team_accountability\n"
        "from salesops.pages.team import page as team_page, people\n"
        f"r = team_accountability(open_book({str(sample)!r}), parse_period('2026-Q3'), date(2026, 10, 30))\n"
        "print(any(name.startswith(('salesops.models.forecast', 'salesops.models.deals')) for name in sys.modules))\n"
        "print('P(make it)' in people.lines_table(r).text + team_page.key_figures(r).text)\n"
        "print(*team_page.limits(r), sep=chr(10))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[:2] == ["False", "False"]
    assert "P(make it) is not shown: the period is over, and what was made is known." in done.stdout


@pytest.mark.long
def test_the_shelf_gives_chances_without_a_forecast(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process of a run reads the chances: with the forecast broken it gives the same."""
    monkeypatch.setenv("SALESOPS_SHELF", str(tmp_path))
    first = make_it(open_book(sample), RUNNING, NOW)
    monkeypatch.setattr("salesops.models.make_it._inputs", None)
    again = make_it(open_book(sample), RUNNING, NOW)
    assert again.reps.to_dict() == first.reps.to_dict()
    assert len(first.reps) > 30


@pytest.mark.long
@pytest.mark.parametrize(
    ("wins", "quota", "why_not"),
    [
        (60, 100.0, ""),
        (60, 0.0, "no rep has a quota above zero."),
        (19, 100.0, "a forecast needs 20 won deals and 180 days of them."),
        (30, 100.0, "a forecast needs 20 won deals and 180 days of them."),
    ],
)
def test_too_little_to_stand_on_is_said(tmp_path: Path, wins: int, quota: float, why_not: str) -> None:
    """Few wins, a short history or no quota: no chance, no column, and a sentence in the limits."""
    report = team_accountability(company(tmp_path, wins, quota), RUNNING, NOW)
    assert report.make_it.why_not == why_not
    assert ("P(make it)" in people.lines_table(report).text) == (not why_not)
    assert np.isnan(report.make_it.team).all() == bool(why_not)
    if why_not:
        assert f"P(make it) is not shown: {why_not}" in "\n".join(team_page.limits(report))


def test_a_goal_in_another_measure_has_no_chance(tmp_path: Path) -> None:
    """Most quotas count bookings, and so does the forecast; most quota money counts orders: no chance beside that."""
    book = company(tmp_path, 60, 100.0)
    goals = book.table("quotas").select("owner_id", "period_start", "period_end", "quota_amount").to_pandas()
    users: Rows = [{"user_id": key} for key in "ABC"]
    kept = ("owner_id", "amount", "created_date", "is_closed", "is_won", "close_date")
    deals = book.table("opportunities").select(*kept)
    rows: Rows = [{**goals.iloc[0].to_dict(), "owner_id": key, "measure": "bookings"} for key in "AB"]
    rows.append({**goals.iloc[0].to_dict(), "owner_id": "C", "quota_amount": 1000, "measure": "orders"})
    tables = {"users": users, "opportunities": deals.to_pandas().to_dict("records"), "quotas": rows}
    report = team_accountability(make_book(tmp_path / "both", tables), RUNNING, NOW)
    assert report.measure == "orders"
    assert np.isnan(report.make_it.team).all()
    assert "the goal counts orders, and the forecast bookings." in "\n".join(team_page.limits(report))
