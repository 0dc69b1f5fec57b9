"""A period day by day: the year before it, and the fan of what is still to come."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from books import make_book

from salesops.book.source import Book, open_book
from salesops.models.day_by_day import day_by_day, fan
from salesops.models.forecast.corrected import forecast_inputs
from salesops.models.forecast.outlook import forecast
from salesops.models.forecast.weeks import weekly_ranges, weekly_ranges_of_each
from salesops.pages.team.findings import team_accountability
from salesops.periods import parse_period

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
QUARTER, DAY = parse_period("2026-Q4"), date(2026, 10, 31)


@pytest.fixture(scope="module")
def sample() -> Book:
    return open_book(str(SAMPLE))


def test_the_fan_ends_where_the_forecast_does(sample: Book) -> None:
    """It begins at what is closed, has a point on each Sunday to come, opens, and ends at P10, P50 and P90."""
    found = fan(sample, QUARTER, DAY, measure="bookings")
    company = forecast(sample, QUARTER, DAY).company
    assert list(found.iloc[0, 1:]) == [company["closed"]] * 3
    assert list(found.iloc[-1, 1:]) == [company["p10"], company["p50"], company["p90"]]
    days = list(found.date.dt.date)
    assert (days[0], days[-1]) == (DAY, QUARTER.end)
    sundays = {DAY + timedelta(days=n) for n in range(1, 61) if (DAY + timedelta(days=n)).isoweekday() == 7}
    assert set(days[1:-1]) == sundays
    assert (found[["p10", "p50", "p90"]].diff().iloc[1:] >= 0).all(axis=None)
    assert ((found.p90 - found.p10).diff().iloc[1:] >= 0).all()


def test_a_teams_fan_stands_on_its_own_actual(sample: Book) -> None:
    """The fan of a team and its line of days meet on the as-of date, also for one manager."""
    manager = sample.table("users").filter(lambda t: t.role == "manager").user_id.to_pyarrow().to_pylist()[-1]
    for who in ("", manager):
        team = team_accountability(sample, QUARTER, DAY, manager=who)
        actual = team.days.actual_cumulative.dropna().iloc[-1]
        assert actual == pytest.approx(team.total["booked"])
        assert team.fan.p50.iloc[0] == pytest.approx(actual)


@pytest.mark.parametrize("measure", ["bookings", "orders"])
def test_what_is_over_has_no_fan(sample: Book, measure: str) -> None:
    """On the last day of a period, and after it; and none in a measure that is not forecast."""
    assert fan(sample, QUARTER, QUARTER.end, measure=measure).empty
    assert fan(sample, parse_period("2026-Q3"), DAY, measure=measure).empty
    assert fan(sample, QUARTER, DAY, measure="orders").empty


def test_the_year_before_stands_on_the_same_day(tmp_path: Path) -> None:
    """What was sold by the same day a year before; nothing where the book begins within those days."""
    deals = [
        {"owner_id": "A", "amount": amount, "close_date": day, "is_closed": True, "is_won": True}
        for day, amount in (("2024-12-30", 7), ("2025-01-10", 100), ("2026-01-05", 30), ("2026-01-20", 5))
    ]
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "opportunities": deals})
    asked = {"users": ("A",), "measure": "bookings", "quota": None}
    days = day_by_day(book, parse_period("2026-01"), date(2026, 1, 15), **asked).set_index("date")
    assert list(days.year_before[["2026-01-09", "2026-01-10", "2026-01-31"]]) == [0, 100, 100]
    assert days.actual_cumulative["2026-01-15"] == 30
    earlier = day_by_day(book, parse_period("2025-01"), date(2026, 1, 15), **asked)
    assert earlier.year_before.isna().all()


def test_a_leap_day_has_the_day_before_it(tmp_path: Path) -> None:
    """29 February stands beside 28 February of the year before, and the period keeps all its days."""
    deals = [{"owner_id": "A", "amount": 9, "close_date": "2023-01-01", "is_closed": True, "is_won": True}]
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "opportunities": deals})
    days = day_by_day(book, parse_period("2024-02"), date(2024, 2, 29), users=("A",), measure="bookings", quota=29.0)
    assert len(days) == 29
    assert list(days.pace.iloc[[0, -1]]) == [1, 29]
    assert isinstance(days.date.iloc[0], pd.Timestamp)


def test_the_fan_of_each_rep_is_that_of_the_rep_alone(sample: Book) -> None:
    """What is worked out for all reps at once is what each of them would be given alone."""
    inputs = forecast_inputs(sample, QUARTER, DAY)
    each = dict(weekly_ranges_of_each(inputs))
    assert set(each) == set(inputs.reps.user_id)
    for user in list(each)[::12]:
        assert each[user] == weekly_ranges(inputs, (user,))
