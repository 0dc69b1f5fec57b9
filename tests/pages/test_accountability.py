"""Page one of the team's report."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from books import Row, make_book

from salesops.book.horizon import resolve
from salesops.book.source import Book, open_book
from salesops.models.chance import chance_of_attaining
from salesops.models.promises import subject_names
from salesops.pages.team import people
from salesops.pages.team.findings import TeamAccountability, team_accountability
from salesops.periods import Period, parse_period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
NOW = date(2026, 3, 1)


def won(key: str, owner: str, amount: float, close: str, **more: object) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "amount": amount, "close_date": close}
    return {**row, "is_closed": True, "is_won": True, **more}


def quota(owner: str, amount: float, **more: object) -> Row:
    span = {"period_start": "2026-01-01", "period_end": "2026-03-31"}
    return {"owner_id": owner, **span, "quota_amount": amount, **more}


def promise(key: str, owner: str, target: str, due: str, **more: object) -> Row:
    row = {"commitment_id": key, "owner_id": owner, "agreed_with": "M", "metric": "booked", "target": target}
    return {**row, "agreed_at": "2026-01-02", "original_due_date": due, "due_date": due, **more}


USERS = [
    {"user_id": "M", "user_name": "Mona", "role": "manager", "manager_id": "TOP"},
    {"user_id": "TOP", "user_name": "Tom", "role": "manager"},
    {"user_id": "A", "user_name": "Ann", "manager_id": "M"},
    {"user_id": "B", "user_name": "Bob", "manager_id": "M"},
    {"user_id": "C", "user_name": "Cat", "manager_id": "M"},
    {"user_id": "L", "user_name": "Leo", "manager_id": "M", "end_date": "2026-02-15"},
    {"user_id": "O", "user_name": "Old", "manager_id": "X", "end_date": "2026-02-15"},
    {"user_id": "X", "user_name": "Xen", "role": "manager", "end_date": "2026-01-15"},
    {"user_id": "S", "user_name": "Soon", "manager_id": "M", "end_date": "2026-03-15"},
]
TABLES = {
    "users": USERS,
    "opportunities": [
        won("W1", "A", 60, "2026-01-10"),
        won("W2", "B", 250, "2026-01-11"),
        won("W3", "C", 7, "2026-01-12"),
        won("W0", "A", 33, "2025-11-01"),
        {"opportunity_id": "P1", "owner_id": "A", "amount": 80, "close_date": "2026-03-20", "probability": 0.25},
    ],
    "quotas": [
        quota("A", 100),
        quota("B", 200),
        quota("L", 500),
        quota("O", 50),
        quota("S", 30),
        quota("M", 900, is_rollup=True),
        {**quota("A", 44), "period_start": "2025-10-01", "period_end": "2025-12-31"},
    ],
    "commitments": [
        promise("C1", "A", "999", "2026-02-01", due_date="2026-02-20"),
        promise("C2", "B", "100", "2026-02-01"),
        promise("C3", "A", "500", "2026-03-25"),
        promise("C4", "A", "600", "2026-03-20", subject_id="K"),
    ],
    "accounts": [{"account_id": "K", "account_name": "Kay & Sons"}],
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return make_book(tmp_path_factory.mktemp("team"), TABLES, company="Acme")


@pytest.fixture(scope="module")
def report(book: Book) -> TeamAccountability:
    return team_accountability(book, Q1, NOW)


def test_totals_are_of_lines_that_are_no_rollup(report: TeamAccountability) -> None:
    """Goal, actual and gap of the team are the sums of the lines, rollups apart."""
    total = report.total
    assert (total["quota"], total["booked"], total["gap"]) == (880, 317, 563)
    assert (report.own.quota.sum(), report.own.booked.sum()) == (880, 317)
    assert "M" not in set(report.own.user_id)


def test_worklist_is_by_gap(report: TeamAccountability) -> None:
    """Largest gap first, lines without a quota after them, rollups last."""
    assert list(report.lines.user_id) == ["L", "O", "A", "S", "B", "C", "M"]


def test_leavers_goal_has_a_named_successor(report: TeamAccountability) -> None:
    """Who left hands the goal to the manager; if that one left too, to nobody yet; the goal is never dropped."""
    successors = report.lines.set_index("user_id").successor
    assert dict(successors[successors != ""]) == {"L": "Mona", "O": "nobody yet"}
    assert report.lines.set_index("user_id").quota["L"] == 500


def test_leaving_later_is_not_known_yet(book: Book) -> None:
    """Before the day someone leaves, the report knows of no successor."""
    early = team_accountability(book, Q1, date(2026, 2, 1))
    assert set(early.lines.set_index("user_id").successor[["L", "S"]]) == {""}


def test_next_promise_and_counts_stand_on_the_line(report: TeamAccountability) -> None:
    """A line names the next pending promise, with whom and about what, and counts what was kept, missed, moved."""
    ann, bob = (report.lines.set_index("user_id").loc[key] for key in "AB")
    assert (ann.promise_target, ann.promise_with, ann.promise_subject) == ("600", "Mona", "Kay & Sons")
    assert ann.promise_due == pd.Timestamp("2026-03-20")
    assert (ann.kept, ann.missed, ann.moved) == (0, 1, 1)
    assert (bob.kept, bob.missed, bob.moved) == (1, 0, 0)
    assert pd.isna(bob.promise_metric)


def test_coverage_raw_and_weighted(report: TeamAccountability) -> None:
    """Coverage is open amount due ÷ gap, weighted coverage its own figure; a met goal is met, not negative."""
    table = report.lines.set_index("user_id")
    assert (table.coverage["A"], table.weighted_coverage["A"]) == (80 / 40, 20 / 40)
    assert dict(table.coverage_state) == {
        "A": "open",
        "B": "met",
        "C": "no quota",
        "L": "open",
        "O": "open",
        "S": "open",
        "M": "open",
    }
    assert table.coverage[["B", "C"]].isna().all()


def test_previous_period_stands_beside(report: TeamAccountability) -> None:
    """The totals of the quarter before are those of that quarter."""
    assert report.before is not None
    assert (report.before["quota"], report.before["booked"]) == (44, 33)


def test_results_are_json_and_complete(report: TeamAccountability) -> None:
    """The results hold no NaN and no infinity, one row a line, and the numbers of the page."""
    results = json.loads(json.dumps(report.results(), allow_nan=False))
    assert (results["quota"], results["booked"], results["gap"]) == (880, 317, 563)
    assert results["attainment"] == pytest.approx(317 / 880)
    assert (results["reps"], results["reps_attained"]) == (6, 1)
    assert (results["commitments_kept"], results["commitments_missed"]) == (1, 1)
    assert len(results["rows"]) == len(report.lines)
    (cat,) = (row for row in results["rows"] if row["user_id"] == "C")
    assert (cat["quota"], cat["booked"], cat["gap"], cat["attainment"], cat["role"]) == (None, 7, None, None, "rep")


def test_totals_of_two_measures_stay_apart(tmp_path: Path) -> None:
    """Bookings and orders are never added; the headline is the measure with the larger goal."""
    goals = [quota("A", 100), quota("A", 900, measure="orders")]
    book = make_book(tmp_path, {"users": USERS, "quotas": goals, "opportunities": TABLES["opportunities"]})
    report = team_accountability(book, Q1, NOW)
    assert report.measure == "orders"
    assert (report.total["quota"], report.results()["booked"]) == (900, 0)
    assert {row["measure"]: row["quota"] for row in report.results()["totals"]} == {"orders": 900, "bookings": 100}


def test_book_without_quotas_still_reports(tmp_path: Path) -> None:
    """Without goals quota, gap and attainment are null and the actual still shows."""
    book = make_book(tmp_path, {"users": USERS, "opportunities": TABLES["opportunities"]})
    results = json.loads(json.dumps(team_accountability(book, Q1, NOW).results(), allow_nan=False))
    assert (results["quota"], results["gap"], results["attainment"], results["booked"]) == (None, None, None, 317)
    assert (results["measure"], results["reps_attained"]) == ("bookings", None)


def test_period_without_anyone_is_empty_and_not_an_error(tmp_path: Path) -> None:
    """A period in which nobody has a line gives an empty report."""
    book = make_book(tmp_path, {"users": [{"user_id": "A", "hire_date": "2026-06-01"}]})
    results = json.loads(json.dumps(team_accountability(book, Q1, NOW).results(), allow_nan=False))
    assert (results["reps"], results["rows"], results["quota"], results["booked"]) == (0, [], None, 0)


def test_manager_keeps_the_team_below(book: Book) -> None:
    """With a manager the report holds the lines, promises and totals of the team below only."""
    report = team_accountability(book, Q1, NOW, manager="Mona")
    assert set(report.lines.user_id) == {"A", "B", "C", "L", "S", "M"}
    assert report.total["quota"] == 830
    nobody = team_accountability(book, parse_period("2027"), NOW, manager="X")
    assert nobody.lines.empty
    assert nobody.judged.empty


def test_chance_alone_comes_from_the_years_deals(report: TeamAccountability) -> None:
    """The share that luck alone gives rests on the deals and the reps of the year up to as_of."""
    each = 4 / 3 * 90 / 365
    assert report.chance == pytest.approx(chance_of_attaining([60, 250, 7, 33], each))
    assert 0 < report.chance < 1


def test_chance_is_unknown_without_deals(tmp_path: Path) -> None:
    """Without a deal in the year there is no such share."""
    book = make_book(tmp_path, {"users": USERS, "quotas": [quota("A", 1)]})
    assert np.isnan(team_accountability(book, Q1, NOW).chance)


def test_subject_names_know_accounts_and_contacts(tmp_path: Path) -> None:
    """A subject that is an account or a contact is named; a deal stays its id, none stays none."""
    contacts = [{"contact_id": "P", "contact_name": "Pia", "account_id": "K"}]
    book = make_book(tmp_path, {"accounts": TABLES["accounts"], "contacts": contacts})
    names = subject_names(book, pd.Series(["K", "P", "D-1", None], dtype=object))
    assert list(names[:3]) == ["Kay & Sons", "Pia", "D-1"]
    assert pd.isna(names[3])
    assert subject_names(book, pd.Series([None, None], dtype=object)).isna().all()


def test_sample_report_names_its_exceptions(sample: Path) -> None:
    """On the sample company: three talks at most, one a person, each with a date after as_of; results are JSON."""
    book = open_book(sample)
    period, as_of = resolve(book)
    report = team_accountability(book, period, as_of)
    found = report.exceptions
    assert 1 <= len(found) <= 3
    assert found.user_id.is_unique
    assert (pd.to_datetime(found.next_date) > pd.Timestamp(as_of)).all()
    assert set(found.kind) <= {"vacant", "missed", "gap", "pushed"}
    results = json.loads(json.dumps(report.results(), allow_nan=False))
    assert results["quota"] == pytest.approx(sum(row["quota"] or 0 for row in results["rows"] if not row["is_rollup"]))


@pytest.mark.long
def test_report_as_of_the_past_forgets_what_came_later(company_book: Book) -> None:
    """The headline of a quarter as of its end is the same whatever the book learned since."""
    book = company_book
    period = parse_period("2026-Q1")
    then = team_accountability(book, period, period.end).results()
    later = team_accountability(book, period, date(2026, 9, 30)).results()
    assert (then["quota"], then["booked"]) == (later["quota"], later["booked"])


@pytest.mark.long
@pytest.mark.parametrize(
    ("ramp", "said"), [(None, "goals that stand above."), ([0.5] * 6, "before they allow for ramp.")]
)
def test_rollups_say_what_they_sum(tmp_path: Path, ramp: list[float] | None, said: str) -> None:
    """A rollup of 100 beside a line of 50, which allows for ramp, does not claim to sum the goals above."""
    users = [{"user_id": "M", "role": "manager"}, {"user_id": "A", "manager_id": "M", "hire_date": "2026-01-01"}]
    tables = {"users": users, "quotas": [quota("A", 100), quota("M", 100, is_rollup=True)], "opportunities": []}
    report = team_accountability(make_book(tmp_path, tables, ramp=ramp), Q1, NOW)
    assert list(report.own.quota) == [100 if ramp is None else 50]
    assert said in people.rollups_table(report).text
