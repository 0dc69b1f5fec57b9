"""The range of a chance: it holds the chance that full knowledge would give, and never reads as certain."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy import special

from salesops import words
from salesops.models.deals.chances import DealChances
from salesops.models.deals.hazards import Curves, fit_hazards
from salesops.models.deals.week import EVEN
from salesops.models.forecast.arrivals import CURVE_DAYS, Arrivals
from salesops.models.forecast.doubt import range_of_sum, ranges
from salesops.models.forecast.inputs import Inputs
from salesops.models.forecast.level import SPREAD, USUAL, USUAL_LEVEL, Error, Level, level_from
from salesops.models.forecast.outlook import Forecast, outlook, team_chance, with_doubt
from salesops.models.forecast.sums import GRID, company_sum, sums_of
from salesops.models.forecast.to_come import sizes_of
from salesops.periods import Period

REPS, OPEN, PAST = 8, 5, 500
DAY = date(2026, 7, 1)
QUARTER = Period(DAY - timedelta(days=10), DAY + timedelta(days=60))
STAGES = np.array(["Early", "Middle", "Late"])
WIN, LOSE = np.array([0.002, 0.006, 0.015]), np.array([0.012, 0.010, 0.006])


class World:
    """A company whose deals are won and lost at constant rates by stage, and what is known of it after a while.

    Each deal is followed from three landmarks. The level, the shock and each rep's arrivals are drawn from the priors
    that the forecast has of them, so that its doubt must be right.
    """

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.win, self.lose = WIN * np.exp(0.2 * rng.standard_normal(3)), LOSE * np.exp(0.2 * rng.standard_normal(3))
        self.sigma = USUAL * np.exp(SPREAD * rng.standard_normal())
        self.delta = USUAL_LEVEL * rng.standard_normal()
        self.rate = rng.gamma(4, 1 / 4, REPS)  # wins in the period
        self.deals = self._deals(rng, REPS * OPEN)
        amount = np.exp(9 + 0.8 * rng.standard_normal(REPS * OPEN))
        past = self._deals(rng, PAST)
        hazards = fit_hazards(past)
        curves = hazards.curves(self.deals)
        chances = DealChances(DAY, self.deals, curves, "model", PAST, 1.0, (), EVEN, hazards)
        seen = rng.poisson(4 * self.rate)
        guess = (seen + 4) / (4 + 4)
        sizes, weights = sizes_of(np.exp(9 + 0.8 * rng.standard_normal(200)))
        span = 60.0
        arrivals = Arrivals(
            guess / span, np.ones(REPS), np.ones(CURVE_DAYS + 1), np.ones(REPS), np.ones(REPS), sizes, weights,
            1 / np.sqrt(seen + 4),
        )  # fmt: skip  # in the order of the fields
        noise = rng.uniform(0.1, 0.2, 4)
        ratio = 1 + self.delta + np.hypot(noise, self.sigma) * rng.standard_normal(4)
        users = [f"U{n}" for n in range(REPS)]
        reps = pd.DataFrame({"user_id": users, "user_name": users, "territory_id": None, "hire_date": None,
                             "end_date": None, "quota": np.nan, "closed": 0.0, "skill": 0.0,
                             "ramp_applied": False})  # fmt: skip  # a column after the other
        self.inputs = Inputs(
            "World", "EUR", QUARTER, DAY, "bookings", reps, self.deals.opportunity_id.to_numpy(str),
            np.repeat(np.arange(REPS), OPEN), amount, np.arange(REPS * OPEN), chances, arrivals, (), (),
            level=level_from([Error(*error) for error in zip(ratio, noise, strict=True)]),
        )  # fmt: skip  # in the order of the fields
        expected = self.inputs.to_come()
        self.need = (expected.expected_open + expected.expected_new) * rng.uniform(0.8, 1.4, REPS)

    def truth(self) -> tuple[np.ndarray, float]:
        """The chances of the reps and of the company by what is true."""
        stage = np.searchsorted(STAGES, self.deals.stage_name, sorter=np.argsort(STAGES))
        stage = np.argsort(STAGES)[stage]
        both = self.win[stage] + self.lose[stage]
        chance = self.win[stage] / both * (1 - np.exp(-both * 60))
        parts = replace(
            self.inputs.to_come(), chance=np.clip(chance * (1 + self.delta), 0, 1), rate=self.rate * (1 + self.delta)
        )
        sums = sums_of(parts, GRID, self.sigma)
        whole = company_sum(sums).reach(np.array([self.need.sum()]), self.sigma)
        return sums.reach(self.need, self.sigma), float(whole[0])

    def said(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[float, float], float]:
        """The chances of the reps and their ranges, and the company's range and chance, by what is known."""
        shock = self.inputs.level.shock
        sums = sums_of(self.inputs.to_come(), GRID, shock)
        chance, total, need = sums.reach(self.need, shock), company_sum(sums), float(self.need.sum())
        low, high = ranges(self.inputs, self.need, chance)
        return chance, low, high, range_of_sum(self.inputs, total, need), float(total.reach(np.array([need]), shock)[0])

    def _deals(self, rng: np.random.Generator, count: int) -> pd.DataFrame:
        stage = rng.integers(0, 3, count)
        both = self.win[stage] + self.lose[stage]
        end = rng.exponential(1 / both)
        won = rng.random(count) < self.win[stage] / both
        start = np.array([0.0, 20.0, 40.0])
        row, since = np.repeat(np.arange(count), 3), np.tile(start, count)
        left = end[row] - since
        cases = pd.DataFrame({"opportunity_id": row, "owner_id": "U", "stage_name": STAGES[stage][row], "value": 100.0,
                              "probability": np.nan, "lead_source": None, "pushes": 0, "age": 30.0, "due": np.nan,
                              "skill": 0.0, "days": np.minimum(left, 400), "won": won[row] & (left <= 400),
                              "lost": ~won[row] & (left <= 400), "won_value": np.nan})  # fmt: skip  # columns
        alive = cases[left > 0].assign(opportunity_id=[f"D{deal:04d}" for deal in row[left > 0]])
        return alive.reset_index(drop=True) if count == PAST else alive[alive.index % 3 == 0].reset_index(drop=True)


@cache
def worlds() -> list[tuple[World, tuple[np.ndarray, float], tuple[np.ndarray, ...]]]:
    """Fifty companies, the true chances, and what is said of them."""
    made = [World(seed) for seed in range(50)]
    return [(world, world.truth(), world.said()) for world in made]  # type: ignore[misc]  # of several kinds


@pytest.mark.long
def test_ranges_hold_the_true_chance() -> None:
    """Over 50 companies, four of five ranges hold what full knowledge gives: of reps and of the company."""
    reps = np.mean([np.mean((low <= true) & (true <= high)) for _, (true, _), (_, low, high, *_) in worlds()])
    company = np.mean([both[0] <= true <= both[1] for _, (_, true), (*_, both, _) in worlds()])
    assert 0.7 <= reps <= 0.92
    assert 0.66 <= company <= 0.94


def test_ranges_hold_the_chance_itself() -> None:
    """A range lies about the chance that it is the range of, and within 0 to 1."""
    for _, _, (chance, low, high, both, whole) in worlds():
        assert ((low > 0) & (low <= chance) & (chance <= high) & (high < 1)).all()
        assert 0 < both[0] <= float(whole) <= both[1] < 1


def test_more_past_deals_make_a_chance_sharper() -> None:
    """With a fifth of the doubt in everything that is learned, ranges are narrower for the company and the reps."""
    world, _, (chance, low, high, both, _) = worlds()[0]
    hazards = world.inputs.chances.hazards
    calm = [found + (found[:, :1] - found) * 0.8 for found in (hazards.decided, hazards.won)]
    chances = replace(world.inputs.chances, hazards=replace(hazards, decided=calm[0], won=calm[1]))
    arrivals = replace(world.inputs.arrivals, doubt=world.inputs.arrivals.doubt / 5)
    sure = replace(world.inputs, chances=chances, arrivals=arrivals, level=Level())
    sums = sums_of(sure.to_come(), GRID, 0.15)
    less, more = ranges(sure, world.need, chance)
    assert (more - less < 0.6 * (high - low)).mean() > 0.8
    narrow = range_of_sum(sure, company_sum(sums), float(world.need.sum()))
    assert narrow[1] - narrow[0] < 0.6 * (both[1] - both[0])


def test_what_is_certain_has_no_range() -> None:
    """A goal that is made is certain; without a goal there is neither chance nor range; all else stays below 100%."""
    world = worlds()[0][0]
    quota, closed = [np.nan, 10.0, 1e12, *world.need[3:]], [0.0, 20.0, *([0.0] * (REPS - 2))]
    reps = world.inputs.reps.assign(quota=quota, closed=closed)
    found = with_doubt(outlook(replace(world.inputs, reps=reps)))
    assert found.reps[["p_attain", "p_low", "p_high"]].iloc[0].isna().all()
    assert list(found.reps[["p_attain", "p_low", "p_high"]].iloc[1]) == [1, 1, 1]
    assert found.reps.p_high.iloc[2] < 1e-4
    shown = [words.chance(chance) for chance in found.reps.p_attain]
    assert shown[:3] == [words.MISSING, "made it", "<5%"]
    assert not {"0%", "100%"} & set(shown)


def test_a_given_shock_has_no_doubt() -> None:
    """Where the shock is an assumption, the range of the company's chance is no wider than where it is learned."""
    world, _, (*_, both, _) = worlds()[0]
    total = company_sum(sums_of(world.inputs.to_come(), GRID, world.inputs.level.shock))
    given = range_of_sum(world.inputs, total, float(world.need.sum()), shock=world.inputs.level.shock)
    assert given[1] - given[0] <= both[1] - both[0]


def test_all_reps_together_are_the_company() -> None:
    """The chance of a team that is everybody has the range of the company's."""
    world = worlds()[1][0]
    inputs = replace(world.inputs, reps=world.inputs.reps.assign(quota=world.need))
    found: Forecast = with_doubt(outlook(inputs))
    team = team_chance(inputs, tuple(inputs.reps.user_id))
    assert team == pytest.approx([found.company[name] for name in ("p_target", "p_low", "p_high")], abs=1e-6)


@pytest.mark.parametrize(
    ("chance", "low", "high", "said"),
    [
        (0.198, 0.121, 0.302, "about 20% (12 to 30)"),
        (0.004, 0.0001, 0.021, "under 1% (under 1 to 2)"),
        (0.9991, 0.93, 0.99999, "over 99% (93 to over 99)"),
        (0.5, 0.499, 0.501, "about 50% (50)"),
        (float("nan"), float("nan"), float("nan"), words.MISSING),
    ],
)
def test_a_chance_is_said_with_its_range(chance: float, low: float, high: float, said: str) -> None:
    """In a sentence a chance has whole points and its range; what is not certain never reads 0 or 100%."""
    assert words.chance_in_doubt(chance, low, high) == said


def test_a_chance_in_a_table_has_steps_of_five() -> None:
    """1 to 99% read as <5%, 5%, … 95%, >95%; one is a goal that is made."""
    read = {words.chance(points / 100) for points in range(1, 100)}
    assert read == {"<5%", ">95%", *(f"{n}%" for n in range(5, 100, 5))}
    assert words.chance(1.0) == "made it"
    assert words.chance(float("nan")) == words.MISSING


def test_curves_of_no_deal() -> None:
    """A company without open deals and without arrivals that are known has a range all the same: that of the level."""
    world = worlds()[0][0]
    none = DealChances(DAY, world.deals.head(0), Curves(np.zeros((0, 14)), np.zeros((0, 14))), "none", 0, 1.0, (), EVEN)
    inputs = replace(world.inputs, deal_id=np.array([], dtype=str), deal_rep=np.zeros(0, dtype=np.int64),
                     deal_amount=np.zeros(0), deal_row=np.zeros(0, dtype=np.int64), chances=none)  # fmt: skip
    total = company_sum(sums_of(inputs.to_come(), GRID, inputs.level.shock))
    low, high = range_of_sum(inputs, total, float(total.mean[0]))
    assert 0 < low < high < 1
    assert special.ndtri(high) > special.ndtri(low)
