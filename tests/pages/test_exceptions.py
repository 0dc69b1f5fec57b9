"""The three talks to have first."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from salesops.pages.team.exceptions import exceptions
from salesops.periods import parse_period

Q1 = parse_period("2026-Q1")
NOW = date(2026, 3, 1)
WEEK_LATER = date(2026, 3, 8)
LINE = {"is_rollup": False, "attainment": 0.5, "successor": "", "promise_metric": None}


def lines(*rows: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame([{**LINE, "user_name": str(row["user_id"]).title(), **row} for row in rows])


def judged(*owners: str, verdict: str = "missed", due: bool = True) -> pd.DataFrame:
    table = pd.DataFrame({"owner_id": owners, "owner_name": [owner.title() for owner in owners]}, dtype=object)
    return table.assign(commitment_id=[f"C-{owner}" for owner in owners], verdict=verdict, due_in_period=due)


def deals(*rows: tuple[str, float, int, date]) -> pd.DataFrame:
    columns = ["user_id", "amount", "pushes", "close_date"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(opportunity_id=[f"D-{row[0]}" for row in rows])


NO_DEALS = deals()
APRIL, MARCH, FEBRUARY = date(2026, 4, 1), date(2026, 3, 20), date(2026, 2, 20)


def test_largest_of_each_kind_then_three_at_most() -> None:
    """With every kind present the vacant goal comes first, and no more than three talks are named."""
    team = lines(
        {"user_id": "ann", "gap": 90.0},
        {"user_id": "bob", "gap": 500.0, "promise_metric": "booked"},
        {"user_id": "cat", "gap": 300.0},
        {"user_id": "gone", "gap": 10.0, "successor": "Mona"},
        {"user_id": "dan", "gap": 5.0, "promise_metric": "booked"},
    )
    found = exceptions(team, judged("bob"), deals(("dan", 70.0, 4, MARCH)), Q1, NOW)
    assert [(row.kind, row.user_id) for row in found.itertuples()] == [
        ("vacant", "gone"),
        ("gap", "cat"),
        ("missed", "bob"),
    ]
    assert list(found.detail) == ["Mona", 0.5, "C-bob"]
    assert list(found.amount) == [10, 300, 500]
    assert set(found.next_date) == {WEEK_LATER}


def test_each_person_stands_once() -> None:
    """A person with a gap, a missed promise and a pushed deal gets one talk, and others the next ones."""
    team = lines({"user_id": "ann", "gap": 90.0}, {"user_id": "bob", "gap": 20.0})
    pushed = deals(("ann", 70.0, 3, MARCH), ("bob", 10.0, 3, MARCH))
    found = exceptions(team, judged("ann", "bob"), pushed, Q1, NOW)
    assert sorted(found.user_id) == ["ann", "bob"]


def test_made_goal_and_promise_are_no_gap() -> None:
    """Who made the goal, has none, or has promised what closes it, is no case of gap; rollups never are."""
    team = lines(
        {"user_id": "met", "gap": -5.0},
        {"user_id": "none", "gap": np.nan},
        {"user_id": "promised", "gap": 50.0, "promise_metric": "booked"},
        {"user_id": "head", "gap": 900.0, "is_rollup": True},
    )
    assert exceptions(team, judged(), NO_DEALS, Q1, NOW).empty


def test_missed_promise_counts_without_a_goal() -> None:
    """A missed promise is a case for someone who made the goal or has none; it then names no amount."""
    team = lines({"user_id": "met", "gap": -5.0}, {"user_id": "none", "gap": np.nan})
    found = exceptions(team, judged("none", "met"), NO_DEALS, Q1, NOW)
    assert list(found.kind) == ["missed", "missed"]
    assert found.amount.isna().all()


def test_only_misses_due_in_the_period_count() -> None:
    """A promise that was kept, or missed in another period, is no case."""
    team = lines({"user_id": "ann", "gap": 9.0, "promise_metric": "booked"})
    assert exceptions(team, judged("ann", verdict="kept"), NO_DEALS, Q1, NOW).empty
    assert exceptions(team, judged("ann", due=False), NO_DEALS, Q1, NOW).empty


def test_leavers_goal_is_vacant_and_nothing_else() -> None:
    """Someone who left is asked for no promise: what matters is who takes over the goal."""
    team = lines({"user_id": "gone", "gap": 40.0, "successor": "nobody yet"})
    found = exceptions(team, judged("gone"), NO_DEALS, Q1, NOW)
    assert [(row.kind, row.detail) for row in found.itertuples()] == [("vacant", "nobody yet")]


def test_pushed_three_times_and_due_in_the_period() -> None:
    """A deal that moved out three times is a case if due by the period's end; twice, or due later, is none."""
    team = lines({"user_id": "ann", "gap": -1.0}, {"user_id": "bob", "gap": -1.0}, {"user_id": "cat", "gap": -1.0})
    pushed = deals(("ann", 5.0, 3, MARCH), ("bob", 9.0, 2, MARCH), ("cat", 9.0, 8, APRIL))
    (row,) = exceptions(team, judged(), pushed, Q1, NOW).itertuples()
    assert (row.kind, row.user_name, row.detail, row.next_date) == ("pushed", "Ann", "D-ann", MARCH)


def test_next_date_is_never_past() -> None:
    """For a pushed deal that is overdue the next date is a week from now, not the day that has gone by."""
    team = lines({"user_id": "ann", "gap": -1.0})
    (row,) = exceptions(team, judged(), deals(("ann", 5.0, 3, FEBRUARY)), Q1, NOW).itertuples()
    assert row.next_date == WEEK_LATER


def test_two_measures_of_one_person_are_one_case() -> None:
    """Someone with a gap in bookings and in orders gets one talk, about the larger one."""
    team = lines({"user_id": "ann", "gap": 9.0}, {"user_id": "ann", "gap": 80.0})
    (row,) = exceptions(team, judged(), NO_DEALS, Q1, NOW).itertuples()
    assert row.amount == 80
