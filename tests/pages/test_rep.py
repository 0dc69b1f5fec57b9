"""One rep's report: pace, open deals, what must close, and whom it may name."""

from __future__ import annotations

import itertools
import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from books import Row, make_book
from hypothesis import given
from hypothesis import strategies as st

from salesops.book.horizon import resolve
from salesops.book.source import Book, open_book
from salesops.errors import BookError
from salesops.pages.rep import page as rep_page
from salesops.pages.rep.findings import RepAccountability, fewest, find_rep, rep_accountability
from salesops.periods import Period, parse_period

JANUARY = Period(date(2026, 1, 1), date(2026, 1, 31), "2026-01")
NOW = date(2026, 1, 20)


def deal(key: str, owner: str, amount: float, close: str, account: str = "K", **more: object) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "amount": amount, "close_date": close, "account_id": account}
    return {**row, "created_date": "2025-12-01", **more}


WON = {"is_closed": True, "is_won": True}
JAN = {"period_start": "2026-01-01", "period_end": "2026-01-31"}
TABLES = {
    "users": [
        {"user_id": "M", "user_name": "Mona", "role": "manager"},
        {"user_id": "A", "user_name": "Ann", "manager_id": "M"},
        {"user_id": "B", "user_name": "Bob", "manager_id": "M"},
        {"user_id": "B2", "user_name": "bob"},
        {"user_id": "Z", "user_name": "Zoe", "manager_id": "M"},
    ],
    "accounts": [{"account_id": "K", "account_name": "Kay"}, {"account_id": "SECRET", "account_name": "Secret Ltd"}],
    "opportunities": [
        deal("W1", "A", 100, "2026-01-05", **WON),
        deal("W2", "A", 50, "2026-01-10", **WON),
        deal("L1", "A", 50, "2026-01-10", is_closed=True),
        deal("P1", "A", 200, "2026-01-25"),
        deal("P2", "A", 90, "2026-01-26"),
        deal("P3", "A", 60, "2026-01-27"),
        deal("P4", "A", 5000, "2026-02-03"),
        deal("B1", "B", 10, "2026-01-12", "SECRET", **WON),
        deal("B3", "B", 70, "2026-01-28", "SECRET"),
    ],
    "quotas": [
        {"owner_id": "A", "quota_amount": 310, **JAN},
        {"owner_id": "M", "quota_amount": 400, "is_rollup": True, **JAN},
    ],
    "activities": [
        {"owner_id": "A", "due_date": "2026-01-05", "completed_at": "2026-01-05"},
        {"owner_id": "B", "due_date": "2026-01-05", "completed_at": None},
    ],
    "commitments": [
        {
            "commitment_id": f"C{owner}",
            "owner_id": owner,
            "agreed_with": "M",
            "agreed_at": "2026-01-02",
            "metric": "booked",
            "target": "150",
            "original_due_date": "2026-01-15",
            "due_date": "2026-01-18",
            "subject_id": account,
        }
        for owner, account in (("A", "K"), ("B", "SECRET"))
    ],
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return make_book(tmp_path_factory.mktemp("rep"), TABLES)


@pytest.fixture(scope="module")
def ann(book: Book) -> RepAccountability:
    return rep_accountability(book, "ann", JANUARY, NOW)


def test_line_and_results(ann: RepAccountability) -> None:
    """The headline is the rep's own line; results are JSON without NaN."""
    results = json.loads(json.dumps(ann.results(), allow_nan=False))
    assert (results["user_id"], results["quota"], results["booked"], results["gap"]) == ("A", 310, 150, 160)
    assert results["pace"] == pytest.approx(310 * 20 / 31)
    assert (results["decided"], results["win_rate"]) == (3, pytest.approx(2 / 3))
    assert (results["commitments_kept"], results["commitments_missed"], results["commitments_moved"]) == (1, 0, 1)
    assert (results["on_time_rate"], results["open_deals"], results["must_close"]) == (1, 4, 1)
    assert ann.manager_name == "Mona"


def test_team_stands_beside(ann: RepAccountability) -> None:
    """Beside the rep's win rate and on-time rate stand the team's, of all deals and activities."""
    assert ann.wins["team_rate"] == pytest.approx(3 / 4)
    assert ann.activities["team_rate"] == pytest.approx(1 / 2)


def test_must_close_is_the_fewest_that_reach_the_gap(ann: RepAccountability) -> None:
    """One deal of 200 closes a gap of 160; the larger one due after the period does not count."""
    assert list(ann.must_close.opportunity_id) == ["P1"]
    assert ann.covered
    assert list(ann.deals.opportunity_id[ann.deals.needed]) == ["P1"]


def test_days_run_to_as_of_against_the_pace(ann: RepAccountability) -> None:
    """One row a day: the running actual until as_of and nothing after it, the pace up to the whole quota."""
    days = ann.days.set_index("date")
    assert len(days) == 31
    actual = days.actual_cumulative
    assert [actual[f"2026-01-{day}"] for day in ("01", "04", "05", "09", "10", "20")] == [0, 0, 100, 100, 150, 150]
    assert actual["2026-01-21":].isna().all()
    assert (days.pace.iloc[0], days.pace.iloc[-1]) == (pytest.approx(10), pytest.approx(310))
    assert set(days.quota) == {310}


def test_page_holds_no_other_reps_customers(ann: RepAccountability) -> None:
    """No table of the page names a customer, a deal or a promise of someone else."""
    frames = (ann.lines, ann.days, ann.deals, ann.must_close, ann.conversion, ann.judged)
    text = " ".join(frame.to_csv() for frame in frames) + str(ann.wins) + str(ann.activities)
    assert "Kay" in text
    assert "SECRET" not in text
    assert "Secret" not in text
    assert "CB" not in text


def test_rep_without_quota_and_sales(book: Book) -> None:
    """Without goal and sales the page still stands: no gap, no pace, actual 0 on every day gone."""
    zoe = rep_accountability(book, "Z", JANUARY, NOW)
    assert (zoe.line["gap"], zoe.line["attainment"], zoe.covered) == (None, None, False)
    assert zoe.must_close.empty
    assert (zoe.days.actual_cumulative.dropna() == 0).all()
    assert zoe.days.pace.isna().all()
    results = json.loads(json.dumps(zoe.results(), allow_nan=False))
    assert (results["win_rate"], results["on_time_rate"], results["booked"]) == (None, None, 0)


def test_managers_days_follow_the_teams_actual(book: Book) -> None:
    """On the page of a manager whose goal is a rollup the days end at the actual of the whole team."""
    mona = rep_accountability(book, "M", JANUARY, NOW)
    assert mona.line["booked"] == 160
    assert mona.days.actual_cumulative.dropna().iloc[-1] == 160


def test_managers_goal_is_not_held_against_own_deals(book: Book) -> None:
    """A goal that is a rollup is the team's: the page says so, and asks for no new pipeline for want of own deals."""
    mona = rep_accountability(book, "M", JANUARY, NOW)
    assert (mona.line["quota"], mona.line["gap"], len(mona.must_close)) == (400, 240, 0)
    assert "The team of Mona booked 160\N{NO-BREAK SPACE}EUR of 400" in rep_page.page_head(mona).text
    assert rep_page.what_must_close(mona).text.startswith("The goal is the team's.")
    ann = rep_accountability(book, "A", JANUARY, NOW)
    assert "Ann booked 150\N{NO-BREAK SPACE}EUR of 310" in rep_page.page_head(ann).text


def test_first_by_name_where_nobody_is_asked_for(book: Book) -> None:
    """Without a name the report is that of the first person by name, on the manager's team if one is given."""
    assert find_rep(book, "", JANUARY, NOW) == ("A", "Ann")
    assert find_rep(book, "", JANUARY, NOW, manager="B") == ("B", "Bob")


def test_id_goes_before_name(book: Book) -> None:
    """An id finds one person even where two share the name."""
    assert find_rep(book, "B2", JANUARY, NOW) == ("B2", "bob")


def test_unknown_rep_gets_a_suggestion(book: Book) -> None:
    """A name that nobody has is refused, with the nearest one."""
    with pytest.raises(BookError, match=r"Nobody on the report for 2026-01 is called 'Anne'. Did you mean 'Ann'"):
        find_rep(book, "Anne", JANUARY, NOW)


def test_two_of_one_name_need_an_id(book: Book) -> None:
    """A name that two people share is refused, with their ids."""
    with pytest.raises(BookError, match=r"2 people are called 'Bob'. Use the id: B, B2"):
        find_rep(book, "Bob", JANUARY, NOW)


def test_rep_of_another_team_is_not_found(book: Book) -> None:
    """With a manager only the people below can be reported on."""
    with pytest.raises(BookError, match="Nobody on the report"):
        find_rep(book, "Zoe", JANUARY, NOW, manager="B")


def test_report_without_anyone_says_so(tmp_path: Path) -> None:
    """Where nobody has a line there is no first person: the error says what to change."""
    book = make_book(tmp_path, {"users": [{"user_id": "M", "role": "manager"}]})
    with pytest.raises(BookError, match=r"Nobody has a line on the report for 2026-01. Choose another period"):
        find_rep(book, "", JANUARY, NOW)


@given(amounts=st.lists(st.integers(0, 60), max_size=7), gap=st.integers(-10, 200))
def test_fewest_is_the_smallest_set_that_reaches_the_gap(amounts: list[int], gap: int) -> None:
    """No smaller set of deals reaches the gap; if all together do not, all with an amount are named."""
    table = pd.DataFrame({"amount": amounts, "opportunity_id": [f"D{n}" for n in range(len(amounts))]}, dtype=object)
    chosen = fewest(table.astype({"amount": float}), gap)
    if gap <= 0:
        assert chosen.empty
    elif sum(amounts) < gap:
        assert sorted(chosen.amount) == sorted(amount for amount in amounts if amount)
    else:
        assert chosen.amount.sum() >= gap
        smaller = itertools.combinations(amounts, len(chosen) - 1)
        assert all(sum(some) < gap for some in smaller)


def test_fewest_without_a_gap_is_nothing() -> None:
    """Without a goal there is nothing to reach; a deal without amount is never named."""
    table = pd.DataFrame({"amount": [np.nan, 5.0], "opportunity_id": ["D1", "D2"]})
    assert fewest(table, float("nan")).empty
    assert list(fewest(table, 99).opportunity_id) == ["D2"]


def test_sample_conversion_stands_beside_the_teams(sample: Path) -> None:
    """On the sample company every stage has a row for the rep and one for the team, with its interval."""
    book = open_book(sample)
    _, as_of = resolve(book)
    table = rep_accountability(book, "U-000016", parse_period("2026"), as_of).conversion
    assert list(table.who.unique()) == ["You", "Team"]
    assert set(table.stage_name[table.who == "You"]) == set(table.stage_name[table.who == "Team"])
    told = table[table.conversion.notna()]
    assert ((told.low <= told.conversion) & (told.conversion <= told.high)).mean() > 0.8
    team, own = (table[table.who == who].entered.sum() for who in ("Team", "You"))
    assert 0 < own < team
