"""The book's own week: time that runs while deals close."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.models.deals.week import DAYS, week_of

WORKDAYS = pd.Series(pd.bdate_range("2025-01-01", "2026-06-30"))
FRIDAY = np.datetime64("2026-06-26")


def test_time_stands_still_at_the_weekend() -> None:
    """Where deals close on workdays, Friday to Sunday takes next to no time, and a workday a fifth of a week."""
    week = week_of(WORKDAYS)
    assert week.between(FRIDAY, FRIDAY + np.arange(1, 4)) == pytest.approx([0.05, 0.1, 1.48], abs=0.02)
    assert week.between(FRIDAY, FRIDAY + 1) > 0


def test_without_closings_a_week_is_even() -> None:
    """No closing says anything of the week: then a day is a day."""
    week = week_of(pd.Series(dtype="datetime64[ns]"))
    assert week.between(FRIDAY, FRIDAY + np.arange(10)) == pytest.approx(np.arange(10))


@given(st.lists(st.dates(), max_size=30), st.dates(), st.integers(0, 200), st.integers(0, 30))
def test_whole_weeks_are_whole_weeks(closings: list[object], day: object, weeks: int, days: int) -> None:
    """Whatever the closings, seven days later is seven days later, and no time runs backwards."""
    week = week_of(pd.Series(closings, dtype="datetime64[s]"))
    first = np.datetime64(day, "D")  # type: ignore[call-overload]  # a date
    assert week.between(first, first + DAYS * weeks) == pytest.approx(DAYS * weeks)
    assert week.between(first, first + days) >= 0


def test_a_day_that_is_not_known_has_no_time() -> None:
    """NaT gives NaN, and leaves the others alone."""
    found = week_of(WORKDAYS).between(FRIDAY, np.array(["NaT", "2026-07-03"], dtype="datetime64[D]"))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(7)
