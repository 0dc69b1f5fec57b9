"""The quota what-if: what each lever does, by hand and by independent draws."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from books import Row, make_book
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.source import Book, open_book
from salesops.intake import import_book
from salesops.models.forecast import forecast
from salesops.models.forecast.arrivals import ramp_factor
from salesops.models.forecast.corrected import forecast_inputs
from salesops.models.forecast.inputs import Inputs
from salesops.models.forecast.sums import COARSE_GRID
from salesops.models.quota import Move, Outcome, Scenario, ScenarioError, baseline, outcome
from salesops.models.quota.levers import quotas_of, to_come_of
from salesops.models.quota.outcome import payout
from salesops.periods import Period, parse_period

QUARTER = parse_period("2026-Q4")
NOW = date(2026, 10, 30)
SPAN: dict[str, Any] = {"period_start": QUARTER.start, "period_end": QUARTER.end}
TODAY = Scenario(**SPAN)
PLAN: dict[str, Any] = {"commission_rate": 0.05, "accelerator": 2.0, "threshold": 0.5, "cap": 2.0, "pay": 9000.0}


def tiny(folder: Path, quotas: dict[str, float], *, territories: bool = True, **config: Any) -> Book:
    """Two reps with two open deals each that the CRM gives .5 and .2, due at once; A has closed 100 already."""
    users: list[Row] = [
        {"user_id": key, "territory_id": f"T{key}" if territories else None, "hire_date": "2026-10-01"} for key in "AB"
    ]
    deals: list[Row] = [
        {"opportunity_id": f"{key}{n}", "owner_id": key, "amount": 100.0 * (n + 1), "probability": p,
         "created_date": "2026-10-20", "close_date": "2026-11-20"}
        for key in "AB" for n, p in enumerate((0.5, 0.2))
    ]  # fmt: skip  # one row
    deals.append({"opportunity_id": "A9", "owner_id": "A", "amount": 100.0, "created_date": "2026-10-30",
                  "close_date": "2026-10-30", "is_closed": True, "is_won": True})  # fmt: skip  # one row
    goals: list[Row] = [
        {"owner_id": key, "period_start": "2026-10-01", "period_end": "2026-12-31", "quota_amount": amount}
        for key, amount in quotas.items()
    ]
    return make_book(folder, {"users": users, "opportunities": deals, "quotas": goals}, **config)


@pytest.fixture(scope="module")
def inputs(company_book: Book) -> Inputs:
    return forecast_inputs(company_book, QUARTER, NOW)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return forecast_inputs(tiny(tmp_path_factory.mktemp("tiny"), {"A": 250, "B": 150}), QUARTER, NOW)


def changed(inputs: Inputs, **levers: Any) -> Outcome:
    return outcome(inputs, replace(TODAY, **levers))


def test_baseline_is_the_forecast(company_book: Book, inputs: Inputs) -> None:
    """Without any lever the outcome is the forecast: totals, chances and target."""
    found, plain = outcome(inputs, baseline(company_book, QUARTER)), forecast(company_book, QUARTER, NOW)
    for name in ("expected", "p10", "p50", "p90", "p_attain"):
        known = plain.reps[name].to_numpy(float)
        assert found.reps[name].to_numpy(float) == pytest.approx(known, nan_ok=True, rel=1e-9)
    for name in ("closed", "expected", "p10", "p50", "p90", "target", "p_target"):
        assert getattr(found, name) == pytest.approx(plain.company[name])
    assert found.over_assignment == pytest.approx(0)


def test_the_same_levers_give_the_same_outcome(company_book: Book, inputs: Inputs) -> None:
    """An outcome depends on inputs and scenario alone, whatever was asked before, and leaves the inputs alone."""
    before = inputs.reps.copy()
    first = changed(inputs, **PLAN, win_rate=1.1)
    for step in range(12):
        changed(inputs, win_rate=1 + step / 100)
    again = outcome(forecast_inputs(company_book, QUARTER, NOW), replace(TODAY, **PLAN, win_rate=1.1))
    assert first.reps.equals(again.reps)
    assert (first.payout_p90, first.p_target) == (again.payout_p90, again.p_target)
    assert inputs.reps.equals(before)


@pytest.mark.parametrize(
    ("lever", "values", "rises"),
    [
        ("win_rate", (0.8, 1.0, 1.2), True),
        ("deal_size", (0.8, 1.0, 1.2), True),
        ("cycle", (0.7, 1.0, 1.5), False),
        ("hires", (0, 2, 5), True),
        ("attrition", (0.0, 0.2, 0.5), False),
        ("discount_lift", (0.0, 1.0, 2.0), True),
        ("target", (1.4e6, 1.7e6, 2.0e6), False),
    ],
)
def test_levers_move_the_target_their_way(inputs: Inputs, lever: str, values: tuple[float, ...], rises: bool) -> None:
    """P(company ≥ target) rises with wins, sizes and hires, and falls with cycle, attrition and the target."""
    found = [changed(inputs, **{"discount": 0.1, lever: value}).p_target for value in values]
    assert (np.diff(found) > 0).all() if rises else (np.diff(found) < 0).all()


def test_win_rate_and_size_by_hand(small: Inputs) -> None:
    """Expected open money is Σ min(chance · factor, 1) · amount · size · (1 − discount)."""
    chance, amount = small.closing(), small.deal_amount
    for levers, by_hand in (
        ({"win_rate": 1.5}, np.minimum(chance * 1.5, 1) * amount),
        ({"win_rate": 9}, np.minimum(chance * 9, 1) * amount),
        ({"deal_size": 2}, chance * amount * 2),
        ({"discount": 0.2, "discount_lift": 0.5}, chance * 1.1 * amount * 0.8),
    ):
        scenario = replace(TODAY, **levers)
        parts = to_come_of(small, scenario, quotas_of(small, scenario))
        assert parts.expected_open.sum() == pytest.approx(by_hand.sum())
    assert (chance * 9 > 1).any()


def test_chance_to_attain_by_hand(small: Inputs) -> None:
    """B needs 150 from deals of 100 and 200: the larger one alone or both do, but for the shock."""
    chance = dict(zip(small.deal_id, small.closing(), strict=True))
    found = changed(small, shock=0.01).reps.set_index("user_id")
    new = to_come_of(small, TODAY, quotas_of(small, TODAY)).rate
    assert found.p_attain["B"] == pytest.approx(chance["B1"], abs=0.003 + new[1])


def test_a_shorter_cycle_brings_more_into_the_period(small: Inputs) -> None:
    """Deals that take half the time have the chance by the end that others have after twice the days."""
    assert small.chances is not None
    days = small.window[1]
    assert small.closing(0.5) == pytest.approx(small.chances.curves.by(2 * days)[0][small.deal_row])
    assert (small.closing(0.5) >= small.closing()).all()


def test_over_assignment_scales_what_is_free(inputs: Inputs) -> None:
    """Σ quotas ÷ target − 1 is what was asked; fixed quotas stay, the others keep their proportions."""
    user = inputs.reps.user_id[inputs.reps.quota > 0].iloc[0]
    found = changed(inputs, over_assignment=0.12, quotas=((user, 99_000.0),), target=2e6)
    assert found.quota_total == pytest.approx(2e6 * 1.12)
    assert found.over_assignment == pytest.approx(0.12)
    quotas = found.reps.set_index("user_id").quota
    assert quotas[user] == 99_000
    today = inputs.reps.set_index("user_id").quota
    ratio = (quotas / today).drop(user).dropna()
    assert ratio.to_numpy() == pytest.approx(ratio.iloc[0])
    assert np.isnan(quotas[today.isna()]).all()


def test_over_assignment_that_cannot_be(small: Inputs) -> None:
    """Fixed quotas above the sum wanted, nothing left to scale, or no target: each is a sentence."""
    with pytest.raises(ScenarioError, match=r"The fixed quotas add up to 900, more than target and over-assignment"):
        changed(small, over_assignment=0.0, quotas=(("A", 900.0),))
    with pytest.raises(ScenarioError, match=r"over_assignment finds no quota to scale\."):
        changed(small, over_assignment=0.5, quotas=(("A", 100.0), ("B", 100.0)))
    with pytest.raises(ScenarioError, match=r"over_assignment needs a target above 0\."):
        changed(small, over_assignment=0.5, target=0.0)


def test_ramp_lowers_the_quota_of_the_new(tmp_path: Path) -> None:
    """A ramp of .5 in the first two months takes a quarter's quota of who starts with it down by a third."""
    book = tiny(tmp_path, {"A": 300, "B": 150})
    found = forecast_inputs(book, QUARTER, NOW)
    ramped = changed(found, ramp=(0.5, 0.5)).reps.set_index("user_id")
    factor = ramp_factor(found.reps, QUARTER.start, QUARTER.end, (0.5, 0.5))
    assert ramped.quota["A"] == pytest.approx(300 * factor[0])
    assert factor[0] == pytest.approx(2 / 3, abs=0.01)
    with_ramp = forecast_inputs(tiny(tmp_path / "r", {"A": 300, "B": 150}, ramp=[0.5, 0.5]), QUARTER, NOW)
    assert changed(with_ramp, ramp=()).reps.set_index("user_id").quota["A"] == pytest.approx(300, rel=0.01)


def test_a_quota_that_allows_for_ramp_stays(small: Inputs) -> None:
    """Where ramp_applied says that a quota allows for ramp, no ramp touches it."""
    applied = replace(small, reps=small.reps.assign(ramp_applied=True))
    assert list(changed(applied, ramp=(0.1,) * 12).reps.quota) == list(small.reps.quota)


def test_attrition_by_hand(inputs: Inputs) -> None:
    """At a tenth of a year's leavers and no successor, new business falls by about rate · half of the time left."""
    days = inputs.window[1]
    none, some = (
        to_come_of(inputs, scenario, quotas_of(inputs, scenario))
        for scenario in (TODAY, replace(TODAY, attrition=0.1, backfill_days=1e6))
    )
    lost = 1 - some.expected_new.sum() / none.expected_new.sum()
    # each leaver misses on average half of the days, their own included
    assert lost == pytest.approx(-np.log(0.9) * (days + 1) / 365.25 / 2, rel=0.02)
    assert some.expected_open == pytest.approx(none.expected_open)
    at_once = replace(TODAY, attrition=0.5, backfill_days=0, ramp=())
    same = replace(TODAY, ramp=())
    kept = [to_come_of(inputs, s, quotas_of(inputs, s)).expected_new.sum() for s in (at_once, same)]
    assert kept[0] == pytest.approx(kept[1])


def test_moves_keep_the_total(inputs: Inputs) -> None:
    """New business that moves from one rep to another is the same money; open deals stay."""
    giver, receiver = inputs.reps.user_id[3], inputs.reps.user_id[8]
    moved = replace(TODAY, moves=(Move(giver, receiver, 0.4),))
    before, after = (to_come_of(inputs, s, quotas_of(inputs, s)) for s in (TODAY, moved))
    assert after.expected_new.sum() == pytest.approx(before.expected_new.sum())
    assert after.expected_new[3] == pytest.approx(0.6 * before.expected_new[3])
    assert after.expected_new[8] == pytest.approx(before.expected_new[8] + 0.4 * before.expected_new[3])
    assert after.expected_open == pytest.approx(before.expected_open)


def test_hires_are_a_line_without_quota(inputs: Inputs) -> None:
    """Hires bring the more the earlier they start, in proportion to their number, and nothing after the end."""
    plain = changed(inputs)
    gain = {}
    for hires, start in ((2, NOW), (4, NOW), (4, NOW + timedelta(days=30)), (4, QUARTER.end + timedelta(days=1))):
        found = changed(inputs, hires=hires, hire_date=start)
        last = found.reps.iloc[-1]
        assert (last.user_name, np.isnan(last.quota), np.isnan(last.p_attain)) == ("New hires", True, True)
        gain[hires, start] = found.expected - plain.expected
        assert gain[hires, start] == pytest.approx(last.expected)
    values = list(gain.values())
    assert values[1] == pytest.approx(2 * values[0])
    assert values[1] > values[2] > values[3] == 0


def test_quotas_do_not_change_effort_by_default(inputs: Inputs) -> None:
    """Higher quotas leave totals as they are; with the response switched on, new business rises by so much percent."""
    higher = tuple((user, 2 * quota) for user, quota in zip(inputs.reps.user_id, inputs.reps.quota, strict=True)
                   if quota > 0)  # fmt: skip  # one expression
    plain, raised = changed(inputs), changed(inputs, quotas=higher)
    assert raised.expected == plain.expected
    assert (raised.reps.p_attain.dropna() <= plain.reps.p_attain.dropna() + 1e-12).all()
    scenario = replace(TODAY, quotas=higher, quota_response=0.5)
    parts, before = (to_come_of(inputs, s, quotas_of(inputs, s)) for s in (scenario, TODAY))
    has = inputs.reps.quota.to_numpy() > 0
    assert parts.expected_new[has] == pytest.approx(before.expected_new[has] * np.sqrt(2))
    assert parts.expected_new[~has] == pytest.approx(before.expected_new[~has])


@pytest.mark.parametrize(
    ("booked", "quota", "due"),
    [
        (40.0, 100.0, 0.0),  # below the threshold of half
        (50.0, 100.0, 5.0),
        (100.0, 100.0, 10.0),
        (130.0, 100.0, 16.0),  # 10 and twice 3
        (300.0, 100.0, 30.0),  # capped at 200
        (300.0, float("nan"), 30.0),  # no quota: the rate alone
        (300.0, 0.0, 30.0),
        (0.0, 100.0, 0.0),
    ],
)
def test_payout_by_hand(booked: float, quota: float, due: float) -> None:
    """At 10% from half the quota, twice that above it and capped at two quotas."""
    plan = replace(TODAY, commission_rate=0.1, accelerator=2, threshold=0.5, cap=2)
    assert payout(np.array([booked]), np.array([quota]), plan)[0] == pytest.approx(due)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 3), st.floats(0, 5))
@settings(deadline=None)
def test_more_booked_is_never_paid_less(booked: float, more: float, threshold: float, accelerator: float) -> None:
    """Payouts never fall with what is booked, and stay within rate · booked · the larger of 1 and accelerator."""
    plan = replace(TODAY, commission_rate=0.1, accelerator=accelerator, threshold=threshold, cap=threshold + 1)
    low, high = payout(np.array([booked, booked + more]), np.array([1e5, 1e5]), plan)
    assert 0 <= low <= high + 1e-6
    assert high <= 0.1 * (booked + more) * max(1, accelerator) + 1e-6


def test_payouts_against_independent_draws(inputs: Inputs) -> None:
    """Expected payout and its P10 and P90 over all reps lie within 1.5% of 100,000 draws made deal by deal."""
    scenario = replace(TODAY, **PLAN)
    found = outcome(inputs, scenario)
    quotas = quotas_of(inputs, scenario)
    parts = to_come_of(inputs, scenario, quotas)
    rng, draws = np.random.default_rng(9), 100_000
    spread = inputs.level.shock
    shock = np.exp(rng.normal(-(spread**2) / 2, spread, draws))
    total = np.zeros(draws)
    for rep in range(parts.reps):
        mine = np.flatnonzero(parts.deal_rep == rep)
        money = np.zeros(draws)
        for p, amount in zip(parts.chance[mine], parts.amount[mine], strict=True):
            drawn = (
                amount if np.isfinite(amount) else rng.choice(parts.sizes, draws, p=parts.weights) * parts.scale[rep]
            )
            money += (rng.random(draws) < p) * drawn
        count = rng.poisson(parts.rate[rep], draws)
        sizes = rng.choice(parts.sizes, count.sum(), p=parts.weights) * parts.scale[rep]
        money += np.bincount(np.repeat(np.arange(draws), count), sizes, draws)
        quota, booked = quotas.quota[rep], inputs.reps.closed[rep] + shock * money
        if quota > 0:
            counts = np.minimum(booked, 2 * quota)
            total += np.where(booked >= quota / 2, 0.05 * (counts + np.maximum(counts - quota, 0)), 0)
        else:
            total += 0.05 * booked
    low, middle, high = np.quantile(total, (0.1, 0.5, 0.9))
    assert found.payout == pytest.approx(total.mean(), rel=0.015)
    assert (found.payout_p10, found.payout_p50, found.payout_p90) == pytest.approx((low, middle, high), rel=0.015)


def test_costs_by_hand(inputs: Inputs) -> None:
    """Pay is money per rep there; risk is P90 less budget; cost of sales is pay and payout over the expected total."""
    found = changed(inputs, **PLAN, budget=80_000)
    assert found.payout_at_risk == pytest.approx(found.payout_p90 - 80_000)
    assert found.cost_of_sales == pytest.approx((found.pay + found.payout) / found.expected)
    period = range((QUARTER.end - QUARTER.start).days + 1)
    days = [QUARTER.start + timedelta(days=n) for n in period]
    there = sum(
        sum((pd_none(hire) or hire.date() <= day) and (pd_none(end) or end.date() >= day) for day in days) / len(days)
        for hire, end in zip(inputs.reps.hire_date, inputs.reps.end_date, strict=True)
    )
    assert found.pay == pytest.approx(9000 * there)
    assert np.isnan(changed(inputs).payout_at_risk)


def pd_none(day: Any) -> bool:
    """Tell whether a day of a table is missing."""
    return bool(day != day) or day is None


def test_concentration_and_fairness_by_hand(inputs: Inputs) -> None:
    """Concentration is the best fifth's share of the expected total; fairness the widest gap between territories."""
    found = changed(inputs)
    expected = np.sort(found.reps.expected.to_numpy())[::-1]
    best = expected[: int(np.ceil(len(expected) / 5))].sum()
    assert found.concentration == pytest.approx(best / expected.sum())
    means = found.reps.dropna(subset=["p_attain"]).groupby("territory_id").p_attain.mean()
    assert found.fairness == pytest.approx(means.max() - means.min())
    assert found.territories.set_index("territory_id").p_attain.to_dict() == pytest.approx(means.to_dict())


def test_a_slider_never_jitters(inputs: Inputs) -> None:
    """In steps of a thousandth of the win rate or the quota, every number moves one way."""
    rates = [changed(inputs, **PLAN, win_rate=1 + n / 1000) for n in range(8)]
    for name in ("p_target", "payout", "payout_p10", "payout_p90", "expected", "p10", "p90"):
        assert (np.diff([getattr(found, name) for found in rates]) >= 0).all(), name
    uncapped = {**PLAN, "cap": None}  # a higher quota lifts its cap, and with it what is paid
    goals = [changed(inputs, **uncapped, over_assignment=n / 1000) for n in range(8)]
    assert (np.diff([found.payout for found in goals]) <= 0).all()
    assert (np.diff(np.stack([found.reps.p_attain.dropna() for found in goals]), axis=0) <= 1e-12).all()


def test_the_coarse_grid_is_near(inputs: Inputs) -> None:
    """While dragging, chances on the coarse grid lie within .003 of the full ones."""
    full, coarse = outcome(inputs, TODAY), outcome(inputs, TODAY, grid=COARSE_GRID)
    assert np.nanmax(np.abs(full.reps.p_attain - coarse.reps.p_attain)) <= 0.003
    assert abs(full.p_target - coarse.p_target) <= 0.003


def test_what_is_odd_is_said(tmp_path: Path, small: Inputs) -> None:
    """A quota of zero, no quotas, no territory and a target below what is closed: numbers that hold, and sentences."""
    zero = changed(small, quotas=(("A", 0.0),), target=50)
    assert np.isnan(zero.reps.set_index("user_id").p_attain["A"])
    assert zero.p_target == 1
    assert zero.notes[-2:] == (
        "1 rep has a quota of zero, and no chance to make it.",
        "The target is already met by what is closed.",
    )
    bare = outcome(forecast_inputs(tiny(tmp_path / "bare", {}), QUARTER, NOW), TODAY)
    assert (np.isnan(bare.p_target), np.isnan(bare.target), np.isnan(bare.fairness)) == (True, True, True)
    assert bare.notes[-2:] == (
        "No rep has a quota: give quotas to see who can make them.",
        "There is no target: give one to see the company's chance to reach it.",
    )
    homeless = outcome(
        forecast_inputs(tiny(tmp_path / "t", {"A": 1, "B": 100}, territories=False), QUARTER, NOW), TODAY
    )
    assert "2 reps have no territory and no part in the fairness." in homeless.notes
    assert np.isnan(homeless.fairness)


def test_a_book_without_open_deals_or_history(tmp_path: Path) -> None:
    """Nothing open and nothing ever won: no chance is known, which is not a chance of zero; pay is due all the same."""
    book = make_book(
        tmp_path,
        {"users": [{"user_id": "A"}], "opportunities": [],
         "quotas": [{"owner_id": "A", "period_start": "2026-10-01", "period_end": "2026-12-31", "quota_amount": 9}]},
    )  # fmt: skip  # one table a line
    found = outcome(forecast_inputs(book, QUARTER, NOW), replace(TODAY, hires=2, pay=5))
    assert np.isnan([found.expected, found.p_target, found.payout, found.cost_of_sales, found.fairness]).all()
    assert found.reps[["p_attain", "p50", "payout_p90"]].isna().all(axis=None)
    assert found.pay > 5
    assert found.closed == 0
    assert found.notes[0] == "No deal is open."
    assert found.why_not == "no deals of any amount were ever won."


def test_a_scenario_of_another_period_or_other_reps(small: Inputs) -> None:
    """A scenario about another quarter, or about a rep without a line, is refused in a sentence."""
    other = Scenario(period_start=date(2026, 7, 1), period_end=date(2026, 9, 30), name="Summer")
    with pytest.raises(
        ScenarioError, match=r"'Summer' is about 2026-07-01\.\.2026-09-30, and the forecast about 2026-Q4"
    ):
        outcome(small, other)
    with pytest.raises(ScenarioError, match=r"names 1 rep that has no line in 2026-Q4: 'C'\. Known: A, B\."):
        changed(small, quotas=(("C", 5.0),))
    with pytest.raises(ScenarioError, match=r"names 2 reps that have no line in 2026-Q4: 'C'"):
        changed(small, moves=(Move("C", "D", 0.5),))


def test_maven_with_quotas_typed_in(shared: Path, tmp_path: Path) -> None:
    """Deals without quotas: typed in, they give chances, a target and fairness between the three regions."""
    import_book("maven_crm", shared / "data" / "maven_crm", tmp_path / "book")
    book, quarter = open_book(tmp_path / "book"), parse_period("2018-Q1")
    found = forecast_inputs(book, quarter, date(2017, 12, 31))
    quotas = tuple((user, 65_000.0) for user in found.reps.user_id)
    result = outcome(found, baseline(book, quarter, quotas=quotas, target=2e6, commission_rate=0.08))
    assert len(result.reps) == 35
    assert result.reps.p_attain.between(0, 1).all()
    assert 0.02 < result.p_target < 0.98
    assert 0 < result.fairness < 1
    assert set(result.territories.territory_id) == {"Central", "East", "West"}
    assert result.payout == pytest.approx(0.08 * result.expected, rel=0.01)


def test_adventureworks_with_orders_only(shared: Path, tmp_path: Path) -> None:
    """Quotas and orders without deals: levers move arrivals alone, and a lever on deals' cycle does nothing."""
    import_book("adventureworks", shared / "data" / "adventureworks_dw", tmp_path / "book")
    book, autumn = open_book(tmp_path / "book"), Period(date(2013, 9, 29), date(2013, 12, 28))
    found = forecast_inputs(book, autumn, date(2013, 11, 2))
    plain = baseline(book, autumn)
    today, better = outcome(found, plain), outcome(found, replace(plain, win_rate=1.1))
    assert len(today.reps) == 17
    assert today.target == 10_359_000
    assert better.expected - better.closed == pytest.approx(1.1 * (today.expected - today.closed))
    assert better.p_target > today.p_target
    assert outcome(found, replace(plain, cycle=2.0)).expected == pytest.approx(today.expected)
    wanted = outcome(found, replace(plain, over_assignment=0.1))
    assert wanted.quota_total == pytest.approx(1.1 * 10_359_000)
    assert (wanted.reps.p_attain <= today.reps.p_attain + 1e-12).all()
