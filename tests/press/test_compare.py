"""What changed since last time, and alerts on results."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import PressError
from salesops.press.alerts import raised, read_alert
from salesops.press.compare import Change, Earlier, changes, to_compare


def earlier(results: dict[str, Any], **more: str) -> Earlier:
    return Earlier(
        **{"made": "2026-09-01T06:00:00+00:00", "period": "2026-Q3", "as_of": "2026-08-31", **more}, results=results
    )


NOW = {
    "booked": 1_250_400.5,
    "attainment": 0.58,
    "deals": {"won": 12, "lost": 7},
    "name": "Zoë",
    "ok": True,
    "gap": None,
}
THEN = {"booked": 1_000_000, "attainment": 0.71, "deals": {"won": 3, "lost": 7}, "name": "Ana", "ok": False, "gap": 5}


def test_the_numbers_that_moved_most_come_first() -> None:
    """Ranked by relative change; texts, answers, equal numbers and those without a value are no changes."""
    assert changes(NOW, earlier(THEN), {}) == (
        Change("deals, won", "3", "12"),
        Change("booked", "1,000,000", "1,250,400"),
        Change("attainment", "0.71", "0.58"),
    )


def test_a_notebook_says_which_results_matter_and_how_they_read() -> None:
    """Only watched results are compared, in the form that the notebook gives them."""
    assert changes(NOW, earlier(THEN), {"attainment": "percent", "missing": "number"}) == (
        Change("attainment", "71%", "58%"),
    )


def test_a_first_value_of_zero_is_no_division_by_zero() -> None:
    """From zero to something is the largest move there is."""
    assert changes({"a": 5, "b": 11}, earlier({"a": 0, "b": 10}), {})[0] == Change("a", "0", "5")


@given(st.dictionaries(st.text(min_size=1), st.floats(allow_nan=False, allow_infinity=False), max_size=9))
def test_nothing_changed_is_no_change(results: dict[str, float]) -> None:
    """A run beside itself shows nothing."""
    assert changes(results, earlier(dict(results)), {}) == ()


def run(start: str, end: str, as_of: str, **more: str) -> Earlier:
    return earlier({"period_start": start, "period_end": end, "as_of": as_of}, period="", as_of="", **more)


Q2, Q3 = ("2026-04-01", "2026-06-30"), ("2026-07-01", "2026-09-30")
LATE = [run(*Q2, "2026-06-30"), run(*Q2, "2026-07-20")]
WEEKS = [run(*Q3, "2026-08-03"), run(*Q3, "2026-08-10"), *LATE]


@pytest.mark.parametrize(
    ("now", "runs", "found"),
    [
        (run(*Q3, "2026-08-17"), WEEKS, WEEKS[1]),  # the same period, at its last day before
        (run(*Q3, "2026-08-05"), WEEKS, WEEKS[0]),  # not at a later one
        (run(*Q3, "2026-08-10", made="2026-09-02"), WEEKS, WEEKS[1]),  # the same day with other data
        (run(*Q3, "2026-10-05"), LATE, LATE[1]),  # both over
        (run(*Q3, "2026-08-17"), LATE, None),  # seven weeks beside a quarter
        (run(*Q3, "2026-08-10"), [run(*Q2, "2026-05-11"), *LATE], run(*Q2, "2026-05-11")),  # the same day of it
        (run(*Q3, "2026-10-05"), [run("2026-01-01", "2026-03-31", "2026-04-09")], None),  # a quarter lies between
        (run("2026-01-01", "2026-12-31", "2026-10-05"), LATE, None),  # another kind of period
        (earlier({}, period="", as_of="2026-10-05"), [*WEEKS, earlier({}, period="")], earlier({}, period="")),
        (earlier({}, period="2026-Q3", as_of="2026-10-05"), LATE, LATE[1]),  # by what was asked for
        (run(*Q3, "2026-08-05"), [], None),
    ],
)  # fmt: skip  # a case a line
def test_only_what_is_alike_is_compared(now: Earlier, runs: list[Earlier], found: Earlier | None) -> None:
    """The same period at an earlier day; else the period before, at the same day of it or both over; else nothing."""
    assert to_compare(now, runs) == found


def test_an_earlier_run_is_named_for_what_tells_it_apart() -> None:
    """By its period and as-of day; by the day it was made where the notebook has neither."""
    assert earlier({}).label == "2026-Q3, as of 2026-08-31"
    assert earlier({}, period="", as_of="").label == "made on 2026-09-01"
    assert run(*Q3, "2026-08-31").label == "2026-Q3, as of 2026-08-31"


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("attainment < 0.6", "attainment is 0.58, below 0.60"),
        ("attainment < 60%", "attainment is 58.0%, below 60.0%"),
        ("deals.won >= 12", "deals, won is 12, at or above 12"),
        ("booked > 1000000", "booked is 1,250,400, above 1,000,000"),
    ],
)
def test_an_alert_that_holds_says_value_and_limit(condition: str, sentence: str) -> None:
    """The sentence names the result, what it is, and what it must not be."""
    assert raised([read_alert(condition, "reports.toml")], NOW) == (sentence,)


@pytest.mark.parametrize("condition", ["attainment < 0.58", "deals.won > 12", "gap > 0"])
def test_an_alert_that_does_not_hold_is_silent(condition: str) -> None:
    """At the limit it does not hold, and a result without a value raises none."""
    assert raised([read_alert(condition, "reports.toml")], NOW) == ()


def test_an_alert_on_a_result_that_does_not_exist_is_an_error() -> None:
    """A misspelt name would stay silent for ever."""
    with pytest.raises(PressError, match=r"'atainment', which the report does not have\. Did you mean 'attainment'"):
        raised([read_alert("atainment < 1", "reports.toml")], NOW)


@pytest.mark.parametrize("value", ["met", True, [1, 2]])
def test_an_alert_on_what_is_no_number_is_an_error(value: object) -> None:
    """A text, a list, yes or no are never above or below: such an alert would stay silent for ever."""
    with pytest.raises(PressError, match=r"An alert names the result 'state', which is no number"):
        raised([read_alert("state < 1", "reports.toml")], {"state": value})


@pytest.mark.parametrize("text", ["attainment", "attainment = 1", "< 1", "a < b", "a < 1 < 2", "", 5, None, "a < 1e5"])
def test_a_condition_of_another_form_is_refused(text: object) -> None:
    """The error shows the form and what was found."""
    with pytest.raises(PressError, match=r"reports.toml: an alert must be written like 'attainment < 0\.6'\. Got"):
        read_alert(text, "reports.toml")
