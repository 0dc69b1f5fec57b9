"""Deals not yet created: rates, pace, sizes and the strength of those who bring them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from salesops.models.forecast.arrivals import Arrivals, arrivals_of, strength, thinned

DAY = date(2026, 6, 30)


def team(count: int, **columns: object) -> pd.DataFrame:
    table = pd.DataFrame(
        {"user_id": [f"U{n}" for n in range(count)], "hire_date": None, "end_date": None, "skill": 0.0}
    )
    return table.assign(**columns)


def happened(
    reps: pd.DataFrame, per_year: np.ndarray, *, seed: int = 1, days: float = 40, win: float = 0.3, scale: object = 1.0
) -> pd.DataFrame:
    """Two years of deals: so many a year for each rep, each decided after an exponential time."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(2 * per_year)
    user = np.repeat(reps.user_id.to_numpy(), count)
    opened = pd.Timestamp(DAY) - pd.to_timedelta(rng.integers(0, 730, len(user)), unit="D")
    closed = opened + pd.to_timedelta(np.ceil(rng.exponential(days, len(user))), unit="D")
    known = closed <= pd.Timestamp(DAY)
    won = (rng.random(len(user)) < win) & known
    factor = np.repeat(np.broadcast_to(np.asarray(scale, dtype=float), len(reps)), count)
    return pd.DataFrame(
        {
            "user_id": user,
            "opened": opened,
            "closed": closed.where(known),
            "is_won": won,
            "amount": np.exp(rng.normal(9, 0.5, len(user))) * factor,
        }
    )


def learned(reps: pd.DataFrame, events: pd.DataFrame, *, orders: bool = False) -> Arrivals:
    return arrivals_of(reps, events, DAY, DAY + timedelta(days=90), orders=orders)


def test_rates_lie_between_own_and_the_teams() -> None:
    """A rep's rate lies between the own count and the team's, and the whole team's is kept."""
    reps = team(30)
    events = happened(reps, np.full(30, 40.0))
    found = learned(reps, events)
    recent = events[events.opened > pd.Timestamp(DAY - timedelta(days=365))]
    own = recent.groupby("user_id").size().reindex(reps.user_id).to_numpy() / 365
    mean = own.mean()
    assert ((found.per_day - mean) * (own - mean) >= 0).all()
    assert (np.abs(found.per_day - mean) <= np.abs(own - mean) + 1e-12).all()
    assert found.per_day.sum() == pytest.approx(own.sum())


def test_equal_reps_are_told_apart_by_next_to_nothing() -> None:
    """Where counts differ no more than Poisson's luck, rates are drawn together; where reps differ, they stay."""
    reps = team(40)
    alike = learned(reps, happened(reps, np.full(40, 40.0))).per_day
    assert alike.std() / alike.mean() < 0.06
    different = np.linspace(10, 90, 40)
    found = learned(reps, happened(reps, different)).per_day
    assert np.corrcoef(found, different)[0, 1] > 0.95
    assert found.std() / found.mean() > 0.4


def test_pace_is_that_of_finished_deals() -> None:
    """With times exponential of 40 days and 3 of 10 won, the share won within d days is .3 · (1 − e^−d/40)."""
    reps = team(40)
    found = learned(reps, happened(reps, np.full(40, 200.0)))
    for days in (20, 60, 120, 300):
        # times are rounded up to whole days
        assert found.won_within[days] == pytest.approx(0.3 * (1 - np.exp(-days / 40)), abs=0.012)


def test_wins_add_up_over_the_days() -> None:
    """Deals created evenly over a span are won by its end with the mean share: the integral of the pace."""
    reps = team(5)
    found = learned(reps, happened(reps, np.full(5, 200.0)))
    by_hand = sum((found.won_within[90 - day] + found.won_within[89 - day]) / 2 for day in range(90))
    assert found.won_by(0, 90) == pytest.approx(by_hand)
    assert found.won_by(0, 30) + found.won_by(30, 90) == pytest.approx(found.won_by(0, 90))
    assert found.won_by(0, 90, cycle=2) < found.won_by(0, 90) < found.won_by(0, 90, cycle=0.5)
    assert found.won_by(0, 1000) == pytest.approx(found.won_by(0, 730) + 270 * found.won_within[-1])


def test_orders_are_won_at_once() -> None:
    """Orders count on their day: the expected number in 90 days is 90 times the daily rate."""
    reps = team(4)
    events = happened(reps, np.full(4, 100.0)).assign(is_won=True)
    found = learned(reps, events.assign(closed=events.opened), orders=True)
    assert found.rate(0, 90) == pytest.approx(90 * found.per_day)
    assert found.rate(0, 90) == pytest.approx(np.full(4, 100 * 90 / 365), rel=0.25)


def test_better_reps_win_more_of_what_comes() -> None:
    """Skill moves the odds that a new deal is won; the team's share stays that of a rep of no skill above it."""
    reps = team(3, skill=[-1.0, 0.0, 1.0])
    found = learned(reps, happened(reps, np.full(3, 200.0)))
    share = found.won_within[-1]
    assert found.wins[1] == pytest.approx(1)
    odds = share / (1 - share) * np.exp(1.0)
    assert found.wins[2] * share == pytest.approx(odds / (1 + odds))
    assert found.wins[0] < 1 < found.wins[2]


def test_sizes_differ_as_far_as_amounts_allow() -> None:
    """A rep with amounts twice the team's is near 2, one without deals at 1, and alike reps all near 1."""
    reps = team(12)
    factor = np.array([2.0, *np.ones(11)])
    events = happened(reps, np.array([*np.full(11, 60.0), 0.0]), scale=factor)
    found = learned(reps, events).scale
    mean = events[events.is_won].amount.mean()
    own = events[events.is_won & (events.user_id == "U0")].amount.mean() / mean
    assert 1 < found[0] <= own
    assert found[0] > 1 + 0.7 * (own - 1)
    assert found[11] == 1
    alike = learned(reps, happened(reps, np.full(12, 60.0))).scale
    assert np.abs(alike - 1).max() < 0.1


def test_strength_by_hand() -> None:
    """A rep counts from the hire to the last day; a month of ramp at half strength is half a rep."""
    first, last = date(2026, 7, 1), date(2026, 7, 30)
    reps = team(
        5,
        hire_date=[None, "2026-07-16", "2026-08-15", "2020-01-01", "2026-07-01"],
        end_date=[None, None, None, "2026-07-10", None],
    )
    assert strength(reps, first, last, ()) == pytest.approx([1, 0.5, 0, 1 / 3, 1])
    assert strength(reps, first, last, (0.5,)) == pytest.approx([1, 0.25, 0, 1 / 3, 0.5])


def test_a_rate_counts_the_days_worked() -> None:
    """Who came half a year ago with half the deals has the rate of those who were there all year."""
    reps = team(20, hire_date=["2025-12-29", *[None] * 19])
    events = happened(reps, np.full(20, 80.0))
    events = events[(events.user_id != "U0") | (events.opened >= "2025-12-29")]
    found = learned(reps, events).per_day
    assert found[0] == pytest.approx(found[1:].mean(), rel=0.15)


def test_nothing_happened_nothing_comes() -> None:
    """Without any deal rates are zero and there are no sizes."""
    reps = team(3)
    found = learned(reps, happened(reps, np.zeros(3)))
    assert found.rate(0, 90).tolist() == [0, 0, 0]
    assert len(found.sizes) == 0


def test_thinned_rates_are_a_share() -> None:
    """Thinning multiplies every rate and nothing else."""
    reps = team(3)
    found = learned(reps, happened(reps, np.full(3, 50.0)))
    assert thinned(found, 0.25).rate(0, 60) == pytest.approx(found.rate(0, 60) / 4)
