"""Whether a play pays."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from salesops.models.plays import lift, lift_sentences, play_outcomes
from salesops.models.plays.lift import VERDICTS

START = date(2026, 1, 1)
END = date(2026, 12, 31)


def entry(
    account: str, day: date = START, play: str = "late", arm: str = "play", event: str = "assigned"
) -> dict[str, str]:
    return {
        "logged_on": day.isoformat(), "account_id": account, "play_id": play, "version": "1", "event": event,
        "arm": arm, "note": "",
    }  # fmt: skip  # one entry


def orders(**days: list[int]) -> pd.DataFrame:
    """Purchases of each account, so many days after START."""
    rows = [(account, START + timedelta(days=day)) for account, found in days.items() for day in found]
    return pd.DataFrame(rows, columns=["account_id", "ordered_on"])


def counted(played: int, played_bought: int, held: int, held_bought: int, waiting: int = 0) -> pd.DataFrame:
    """Outcomes of one play with these counts."""
    arms = [(False, played, played_bought), (True, held, held_bought)]
    rows = [
        {"play_id": "late", "account_id": f"{alone}{n}", "held_out": alone, "due": True, "bought": n < bought}
        for alone, count, bought in arms
        for n in range(count)
    ]
    rows += [{"play_id": "late", "account_id": f"W{n}", "held_out": False, "due": False, "bought": False}
             for n in range(waiting)]  # fmt: skip  # one thought
    return pd.DataFrame(rows)


def test_outcomes_by_hand() -> None:
    """A purchase counts from the day after the assignment to the last day of its window, both arms alike."""
    log = [entry("A"), entry("B"), entry("C"), entry("D", arm="hold-out"), entry("E", arm="override"), entry("F")]
    found = play_outcomes(log, orders(A=[0], B=[90], C=[91], D=[1, 2], E=[5]), END)
    assert list(found.account_id) == ["A", "B", "C", "D", "F"]
    assert list(found.bought) == [False, True, False, True, False]
    assert list(found.held_out) == [False, False, False, True, False]
    assert found.due.all()


def test_the_first_assignment_counts() -> None:
    """Given a play again, or in another arm later, a client counts once, from its first day and in its first arm."""
    later = START + timedelta(days=60)
    log = [entry("A", arm="hold-out"), entry("A", later), entry("A", later, play="silent"), entry("A", event="done")]
    found = play_outcomes(log, orders(A=[100]), END)
    assert list(zip(found.play_id, found.held_out, found.bought, strict=True)) == [
        ("late", True, False), ("silent", False, True),
    ]  # fmt: skip  # one line


def test_windows_that_are_open_are_not_due() -> None:
    """On the last day of its window an assignment is due, a day before it is not; later purchases are unknown."""
    log, bought = [entry("A")], orders(A=[40])
    dues = [bool(play_outcomes(log, bought, START + timedelta(days=day)).due[0]) for day in (89, 90)]
    assert dues == [False, True]
    assert not play_outcomes(log, bought, START + timedelta(days=39)).bought[0]


def test_nothing_logged_nothing_judged() -> None:
    """An empty log gives an empty table, and that an empty one of lifts."""
    found = play_outcomes([], orders(A=[1]), END)
    assert found.empty
    assert lift(found).empty


def test_lift_by_hand() -> None:
    """56 of 70 against 48 of 80 is 20 points, from 5 to 33 (Newcombe's first example): the play works."""
    (row,) = lift(counted(70, 56, 80, 48)).to_dict("records")
    assert (row["played"], row["played_bought"], row["held"], row["held_bought"], row["waiting"]) == (70, 56, 80, 48, 0)
    assert row["lift"] == pytest.approx(0.2)
    assert (row["low"], row["high"]) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert row["verdict"] == "works"


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((9, 9, 50, 0), "too early to say"),
        ((50, 50, 9, 0), "too early to say"),
        ((10, 10, 10, 0), "works"),
        ((50, 25, 50, 25), "too early to say"),
        ((3000, 900, 3000, 900), "retire"),
        ((100, 10, 100, 60), "retire"),
        ((100, 10, 0, 0), "no hold-out"),
        ((3000, 1000, 3000, 900), "works"),
    ],
)
def test_verdicts(counts: tuple[int, int, int, int], verdict: str) -> None:
    """Few clients are never enough, a wide interval is no verdict, no lift in thousands is one."""
    assert lift(counted(*counts)).verdict[0] == verdict
    assert verdict in VERDICTS


def test_waiting_clients_are_not_in_the_rates() -> None:
    """Clients whose window is open are counted beside the rates, not in them."""
    (row,) = lift(counted(20, 10, 20, 5, waiting=7)).to_dict("records")
    assert (row["played"], row["waiting"], row["played_rate"]) == (20, 7, 0.5)


def test_worth_decides_what_is_kept() -> None:
    """An effect of at most 4 points is retired where 5 are worth the work, and waited for where 1 is."""
    outcomes = counted(3000, 900, 3000, 900)
    assert [lift(outcomes, worth=worth).verdict[0] for worth in (0.05, 0.01)] == ["retire", "too early to say"]


def test_sentences_name_what_is_to_be_retired() -> None:
    """Each play has a sentence with its counts; one without lift is named for retiring."""
    tables = [
        counted(70, 56, 80, 48),
        counted(3000, 900, 3000, 900),
        counted(5, 3, 5, 1, waiting=4),
        counted(9, 1, 0, 0),
    ]
    assert [lift_sentences(lift(outcomes))[0] for outcomes in tables] == [
        "late: works; 56 of 70 played, 48 of 80 held out bought: +20 points (+5 to +33).",
        "late: no lift, to be retired; 900 of 3000 played, 900 of 3000 held out bought: +0 points (−2 to +2).",
        "late: too early to say; 3 of 5 played, 1 of 5 held out bought, 4 are still waiting.",
        "late: nobody is held out, so its effect cannot be known.",
    ]


def test_a_play_without_effect_seldom_works() -> None:
    """Where playing changes nothing, the verdict is "works" in about 2.5 of 100 trials, and not in more than 5."""
    rng = np.random.default_rng(7)
    played, held = rng.binomial(100, 0.3, (2, 400))
    verdicts = [
        lift(counted(100, int(one), 100, int(other))).verdict[0] for one, other in zip(played, held, strict=True)
    ]
    assert verdicts.count("works") / 400 <= 0.05
