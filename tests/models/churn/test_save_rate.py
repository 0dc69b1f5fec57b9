"""What the log of calls says: the save rate against the controls, and when it replaces the assumption."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from books import make_book
from scipy import stats

from salesops.book.playbook import read_log
from salesops.book.redact import redacted
from salesops.errors import BookError
from salesops.models.churn.calls import Terms, plan_calls
from salesops.models.churn.save_rate import FEWEST, log_calls, save_rate
from salesops.models.plays.hold_out import CALL

START = date(2026, 1, 1)
END = date(2026, 6, 30)


def log_of(called: int, control: int, play: str = CALL) -> list[dict[str, str]]:
    arms = ["play"] * called + ["hold-out"] * control
    return [
        {
            "logged_on": START.isoformat(),
            "account_id": f"{arm}{n}",
            "play_id": play,
            "version": "1",
            "event": "assigned",
            "arm": arm,
            "note": "",
        }
        for n, arm in enumerate(arms)
    ]


def stayed(log: list[dict[str, str]], called_lost: int, control_lost: int) -> pd.DataFrame:
    """A purchase after ten days by all but the last few of either arm."""
    sides = {arm: [entry["account_id"] for entry in log if entry["arm"] == arm] for arm in ("play", "hold-out")}
    lost = {"play": called_lost, "hold-out": control_lost}
    kept = [account for arm, names in sides.items() for account in names[: len(names) - lost[arm]]]
    return pd.DataFrame({"account_id": kept, "ordered_on": START + timedelta(days=10)})


def test_the_rate_is_what_calls_saved_of_those_about_to_leave() -> None:
    """20 of 100 called lost against 40 of 100 controls: half of those about to leave were saved."""
    log = log_of(100, 100)
    found = save_rate(log, stayed(log, 20, 40), END, days=90, assumed=0.3)
    assert found.measured
    assert found.value == found.estimate == pytest.approx(0.5)
    # the interval of the ratio of risks on its logarithm, worked out here
    half = stats.norm.ppf(0.975) * np.sqrt(1 / 20 - 1 / 100 + 1 / 40 - 1 / 100)
    assert (found.low, found.high) == pytest.approx((1 - 0.5 * np.exp(half), 1 - 0.5 * np.exp(-half)))
    assert (found.called, found.called_lost, found.control, found.control_lost) == (100, 20, 100, 40)


def test_the_interval_holds_the_truth() -> None:
    """Of 150 drawn logs, about 95 in 100 intervals hold the planted save rate."""
    rng = np.random.default_rng(4)
    inside = []
    for _ in range(150):
        lost, control = rng.binomial(100, 0.5 * 0.7), rng.binomial(100, 0.5)
        log = log_of(100, 100)
        found = save_rate(log, stayed(log, int(lost), int(control)), END, days=90, assumed=0.1)
        inside.append(found.low <= 0.3 <= found.high)
    assert 0.9 <= np.mean(inside) <= 0.99


@pytest.mark.parametrize(
    ("called", "control", "called_lost", "control_lost"),
    [(FEWEST - 1, 100, 5, 50), (100, FEWEST - 1, 5, 20), (100, 100, 1, 4), (100, 0, 5, 0), (100, 100, 10, 0)],
)
def test_too_little_leaves_the_assumption(called: int, control: int, called_lost: int, control_lost: int) -> None:
    """Few clients on a side, few lost controls or none: the assumption stays in use."""
    log = log_of(called, control)
    found = save_rate(log, stayed(log, called_lost, control_lost), END, days=90, assumed=0.3)
    assert not found.measured
    assert found.value == 0.3


def test_nothing_due_and_other_plays_say_nothing() -> None:
    """Calls whose days have not gone by only wait; plays of other names do not count."""
    log = [*log_of(50, 50), *log_of(200, 200, play="win-back")]
    found = save_rate(log, stayed(log, 0, 0), START + timedelta(days=20), days=90, assumed=0.3)
    assert (found.called, found.control, found.waiting) == (0, 0, 100)
    assert save_rate(log_of(9, 9, play="late"), stayed(log, 0, 0), END, days=90, assumed=0.2).verdict == ""


def test_calls_that_did_harm_never_give_a_negative_rate() -> None:
    """If more of those called left, the estimate is negative and the rate in use is 0."""
    log = log_of(100, 100)
    found = save_rate(log, stayed(log, 60, 30), END, days=90, assumed=0.3)
    assert found.estimate == pytest.approx(-1.0)
    assert found.value == 0


def test_a_plan_is_logged_once_and_read_back(tmp_path: Path) -> None:
    """Who is called and who is a control stand in the log, once; running again adds nothing."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"account_id": [f"A{n}" for n in range(80)], "p_churn": rng.uniform(0.3, 0.9, 80)})
    calls = plan_calls(table.assign(worth=5000.0), Terms(0.3, 1, 30, capacity=40, control_share=0.3))
    book = make_book(tmp_path, {"accounts": [{"account_id": name} for name in table.account_id]})
    assert log_calls(book, calls, START) == len(calls.chosen)
    assert log_calls(book, calls, START + timedelta(days=7)) == 0
    with pytest.raises(BookError, match="own ids"):
        log_calls(redacted(book), calls, START)
    log = read_log(tmp_path)
    arms = {entry["account_id"]: entry["arm"] for entry in log}
    assert {name for name, arm in arms.items() if arm == "play"} == set(calls.called.account_id)
    assert sum(arm == "hold-out" for arm in arms.values()) == calls.counts["control"]
    heard = pd.DataFrame({"account_id": list(calls.called.account_id), "ordered_on": START + timedelta(days=5)})
    found = save_rate(log, heard, END, days=90, assumed=0.3)
    assert (found.called, found.called_lost) == (len(calls.called), 0)
