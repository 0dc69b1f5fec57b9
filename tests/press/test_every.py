"""When a report is due, in words."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import PressError
from salesops.press.every import read_every

BERLIN = ZoneInfo("Europe/Berlin")
TEXTS = ("monday 06:00", "tuesday, saturday 23:59", "workday 7:30", "day 02:30", "month 00:00", "quarter 06:00")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC")


@pytest.mark.parametrize(
    ("text", "last", "next_"),
    [
        ("monday 06:00", "2026-11-23 06:00", "2026-11-30 06:00"),
        ("Monday,  thursday 6:00", "2026-11-23 06:00", "2026-11-26 06:00"),
        ("workday 07:30", "2026-11-24 07:30", "2026-11-25 07:30"),
        ("day 16:00", "2026-11-24 16:00", "2026-11-25 16:00"),
        ("day 16:01", "2026-11-23 16:01", "2026-11-24 16:01"),
        ("month 06:00", "2026-11-01 06:00", "2026-12-01 06:00"),
        ("quarter 06:00", "2026-10-01 06:00", "2027-01-01 06:00"),
    ],
)
def test_days_and_a_time(text: str, last: str, next_: str) -> None:
    """On Tuesday, 24 November 2026, 16:00 in Berlin, the last time is at or before it, the next after it."""
    now, every = datetime(2026, 11, 24, 16, 0, tzinfo=BERLIN), read_every(text, "here")
    assert every.last(now, BERLIN).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M") == last
    assert every.next(now, BERLIN).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M") == next_


def test_an_hour_that_the_clock_leaves_out_is_taken_an_hour_later() -> None:
    """On 29 March 2026 Berlin has no 02:30: it is due at 03:30, which is 01:30 UTC, and once."""
    every = read_every("day 02:30", "here")
    before = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    assert every.next(before, BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert every.next(every.next(before, BERLIN), BERLIN) == datetime(2026, 3, 30, 0, 30, tzinfo=UTC)


def test_an_hour_that_comes_twice_counts_once() -> None:
    """On 25 October 2026 Berlin has 02:30 twice: it is due the first time, 00:30 UTC."""
    every, first = read_every("day 02:30", "here"), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    for minutes in (0, 30, 45, 60, 75):
        assert every.last(first + timedelta(minutes=minutes), BERLIN) == first
        assert every.next(first + timedelta(minutes=minutes), BERLIN) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def _days(text: str, day: date) -> bool:
    """Tell whether a day is meant, said for each text of TEXTS by hand."""
    return {
        "monday 06:00": day.weekday() == 0,
        "tuesday, saturday 23:59": day.weekday() in (1, 5),
        "workday 7:30": day.weekday() < 5,
        "day 02:30": True,
        "month 00:00": day.day == 1,
        "quarter 06:00": day.day == 1 and day.month % 3 == 1,
    }[text]


@given(
    text=st.sampled_from(TEXTS),
    zone=st.sampled_from(ZONES),
    seconds=st.integers(0, 2 * 366 * 86_400),
)
def test_every_time_agrees_with_a_calendar_read_day_by_day(text: str, zone: str, seconds: int) -> None:
    """In any zone, at any second of two years, last and next are the neighbours in a list of all days."""
    clock, now = ZoneInfo(zone), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    hour, minute = map(int, text.split()[-1].split(":"))
    nearby = [now.date() + timedelta(days=days) for days in range(-100, 101)]
    times = [
        datetime(day.year, day.month, day.day, hour, minute, tzinfo=clock).astimezone(UTC)
        for day in nearby
        if _days(text, day)
    ]
    place, every = bisect_right(times, now), read_every(text, "here")
    assert every.last(now, clock) == times[place - 1]
    assert every.next(now, clock) == times[place]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("06:00", "days and a time. Got '06:00'"),
        ("monday", "days and a time. Got 'monday'"),
        ("monday 24:00", "days and a time"),
        ("monday 06:60", "days and a time"),
        (6, "days and a time. Got 6"),
        ("monday; thursday 06:00", "not known: 'monday; thursday'"),
        ("mondey 06:00", "Did you mean 'monday'"),
        ("month, monday 06:00", "not known: 'month'"),
        ("0 6 * * 1", "days and a time"),
    ],
)
def test_what_cannot_be_read_is_told_with_examples(text: object, message: str) -> None:
    """The error names the report, what was found, and how to write it."""
    with pytest.raises(PressError, match=r"^report 2: every ") as told:
        read_every(text, "report 2")
    assert message in str(told.value)
    assert "like 'monday 06:00'" in str(told.value)
