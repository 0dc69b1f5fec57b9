"""Exact sums of deals: against enumeration, a grid of 2¹⁷ cells and a million draws."""

from __future__ import annotations

import itertools

import examples
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from salesops.models.forecast.sums import (
    COARSE_GRID,
    GRID,
    SHOCK,
    Sums,
    company_sum,
    sums_of,
)
from salesops.models.forecast.to_come import ToCome, sizes_of

NONE = np.array([])
LIMIT = 0.003


def deals(chance: np.ndarray, amount: np.ndarray, rate: float = 0.0, sizes: np.ndarray = NONE) -> ToCome:
    """Reps with as many deals each: chance and amount are reps × deals."""
    reps, count = chance.shape
    found, weights = sizes_of(sizes)
    rep = np.repeat(np.arange(reps), count)
    return ToCome(rep, chance.ravel(), amount.ravel(), np.full(reps, rate), found, weights, np.ones(reps))


def lumpy(reps: int, count: int, seed: int = 11) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances and amounts of deals, and a need about what they are expected to bring."""
    rng = np.random.default_rng(seed)
    amount = np.exp(rng.normal(9.6, 1.0, (reps, count))).round()
    chance = rng.beta(1.6, 3.0, (reps, count))
    return chance, amount, (chance * amount).sum(axis=1) * rng.uniform(0.4, 1.8, reps)


def enumerated(chance: np.ndarray, amount: np.ndarray, need: float, shock: float) -> float:
    """P(shock · sum ≥ need) over all outcomes of a few deals."""
    total = 0.0
    for won in itertools.product((0, 1), repeat=len(chance)):
        share = np.prod(np.where(won, chance, 1 - chance))
        money = float(np.dot(won, amount))
        if shock == 0:
            total += share * (money >= need)
        elif money > 0:
            total += share * stats.norm.sf((np.log(need / money) + shock**2 / 2) / shock)
    return float(total)


def fine(chance: np.ndarray, amount: np.ndarray, need: float, shock: float, cells: int = 2**17) -> float:
    """P(shock · sum ≥ need) by plain convolution, deal by deal, on a very fine grid."""
    step = amount.sum() / (cells - 2)
    mass = np.zeros(cells)
    mass[0] = 1.0
    for p, place in zip(chance, amount / step, strict=True):
        low = int(place)
        part = place - low
        moved = np.zeros(cells)
        moved[low:] += (1 - part) * mass[: cells - low]
        moved[low + 1 :] += part * mass[: cells - low - 1]
        mass = (1 - p) * mass + p * moved
    money = np.arange(1, cells) * step
    return float(mass[1:] @ special.ndtr(-(np.log(need / money) + shock**2 / 2) / shock))


@pytest.mark.parametrize("shock", [0.03, 0.05, 0.15, 0.4])
@pytest.mark.parametrize("count", [1, 3, 9])
def test_few_deals_against_enumeration(count: int, shock: float) -> None:
    """The chance to reach a need is within .003 of the sum over all outcomes."""
    chance, amount, need = lumpy(40, count)
    found = sums_of(deals(chance, amount), shock=shock).reach(need, shock)
    true = [enumerated(*row, shock) for row in zip(chance, amount, need, strict=True)]
    assert np.abs(found - true).max() <= LIMIT


@pytest.mark.parametrize("count", [1, 3, 9])
def test_without_shock_a_need_is_known_to_a_few_cells(count: int) -> None:
    """Without shock the chance lies between that of the need and that of one 1,500th of all money less."""
    chance, amount, need = lumpy(40, count)
    found = sums_of(deals(chance, amount), shock=0).reach(need, 0)
    less = need - amount.sum(axis=1) / 1500
    low = [enumerated(*row, 0) for row in zip(chance, amount, need, strict=True)]
    high = [enumerated(*row, 0) for row in zip(chance, amount, less, strict=True)]
    assert (found >= np.array(low) - 1e-9).all()
    assert (found <= np.array(high) + 1e-9).all()
    assert np.mean(np.abs(found - low) <= LIMIT) >= 0.85


@pytest.mark.parametrize("shock", [0.05, SHOCK, 0.2])
def test_forty_deals_against_a_grid_of_131072_cells(shock: float) -> None:
    """With 40 lumpy deals the chance is within .003 of plain convolution on 2¹⁷ cells; the coarse grid as well."""
    chance, amount, need = lumpy(12, 40)
    true = np.array([fine(*row, shock) for row in zip(chance, amount, need, strict=True)])
    for grid in (GRID, COARSE_GRID):
        found = sums_of(deals(chance, amount), grid, shock).reach(need, shock)
        assert np.abs(found - true).max() <= LIMIT


def test_a_normal_approximation_would_not_do() -> None:
    """For a rep with one big deal, mean and variance alone miss the chance by more than .1."""
    chance = np.array([[0.3, *np.full(9, 0.5)]])
    amount = np.array([[100.0, *np.full(9, 5.0)]])
    need = np.array([60.0])
    found = sums_of(deals(chance, amount)).reach(need, SHOCK)[0]
    assert found == pytest.approx(enumerated(chance[0], amount[0], 60.0, SHOCK), abs=LIMIT)
    mean = float((chance * amount).sum())
    spread = np.sqrt(float((chance * (1 - chance) * amount**2).sum()) + (SHOCK * mean) ** 2)
    assert abs(stats.norm.sf((60 - mean) / spread) - found) > 0.1


def test_a_million_draws_agree_on_reps_and_company() -> None:
    """Open deals, deals without amount, new deals and the shock together: each chance within .003 of 10⁶ draws."""
    rng, draws = np.random.default_rng(5), 1_000_000
    chance, amount, _ = lumpy(4, 10)
    amount[1, :3], amount[2, :] = np.nan, amount[2, :] * np.array([9, *np.full(9, 0.1)])
    sizes = np.exp(rng.normal(9.4, 0.8, 60))
    rate, scale = np.array([0.0, 1.5, 6.0, 0.3]), np.array([1.0, 0.7, 1.2, 1.0])
    flat = deals(chance, amount, sizes=sizes)
    parts = ToCome(flat.deal_rep, flat.chance, flat.amount, rate, flat.sizes, flat.weights, scale)
    shocks = np.exp(rng.normal(-(SHOCK**2) / 2, SHOCK, draws))
    totals = np.zeros((4, draws))
    for rep in range(4):
        for p, value in zip(chance[rep], amount[rep], strict=True):
            money = rng.choice(sizes, draws) * scale[rep] if np.isnan(value) else value
            totals[rep] += (rng.random(draws) < p) * money
        count = rng.poisson(rate[rep], draws)
        new = np.add.reduceat(
            np.append(rng.choice(sizes, count.sum()), 0.0), np.minimum(np.cumsum(count) - count, count.sum())
        )
        totals[rep] += np.where(count > 0, new, 0.0) * scale[rep]
    sums = sums_of(parts)
    company = company_sum(sums)
    for level in (0.5, 0.8, 1.0, 1.3, 1.8):
        need = (parts.expected_open + parts.expected_new) * level
        true = (totals * shocks >= need[:, None]).mean(axis=1)
        assert np.abs(sums.reach(need) - true).max() <= LIMIT
        both = (totals.sum(axis=0) * shocks >= need.sum()).mean()
        assert company.reach(need.sum(keepdims=True))[0] == pytest.approx(both, abs=LIMIT)


def test_means_are_kept() -> None:
    """Grids keep each rep's expected money, and the company's, to a millionth."""
    chance, amount, _ = lumpy(30, 25)
    parts = deals(chance, amount, 2.0, np.array([1000.0, 5000.0, 20_000.0]))
    sums = sums_of(parts)
    expected = parts.expected_open + parts.expected_new
    assert sums.mean == pytest.approx(expected, rel=1e-6)
    assert company_sum(sums).mean[0] == pytest.approx(expected.sum(), rel=1e-6)


def test_a_quota_that_one_deal_fills_exactly_is_made() -> None:
    """Without shock, a deal of exactly the need reaches it with its chance, whatever the others weigh."""
    chance, amount = np.array([[0.37, 0.2]]), np.array([[33_300.0, 1_234.0]])
    found = sums_of(deals(chance, amount), shock=0).reach(np.array([33_300.0]), 0)
    assert found[0] == pytest.approx(0.37, abs=1e-9)


def test_independent_deals_are_overconfident() -> None:
    """Of 200 reps with 40 deals the company's total scatters by about 2% without shock, and by the shock with it."""
    chance, amount, _ = lumpy(200, 40)
    company = company_sum(sums_of(deals(chance, amount)))
    spread = {}
    for shock in (0.0, SHOCK):
        low, high = company.quantile((0.159, 0.841), shock)[0]
        spread[shock] = (high - low) / 2 / company.mean[0]
    assert spread[0.0] < 0.025
    assert spread[SHOCK] == pytest.approx(SHOCK, abs=0.02)


def test_quantiles_undo_chances() -> None:
    """The chance to stay within a quantile is its level; where nothing comes often enough, the quantile is 0."""
    chance, amount, _ = lumpy(20, 30)
    sums = sums_of(deals(chance, amount))
    for n, level in enumerate((0.1, 0.5, 0.9)):
        money = sums.quantile((0.1, 0.5, 0.9))[:, n]
        assert sums.reach(money) == pytest.approx(1 - level, abs=0.002)
    rare = sums_of(deals(np.array([[0.2]]), np.array([[100.0]])))
    assert list(rare.quantile((0.1, 0.5))[0]) == [0, 0]
    assert rare.quantile((0.9,))[0, 0] > 50


def test_draws_at_even_levels_have_the_distribution() -> None:
    """Sums read at even levels have the mean and the chances of the whole distribution."""
    chance, amount, need = lumpy(10, 12)
    sums = sums_of(deals(chance, amount))
    order = np.random.default_rng(1).permuted(np.broadcast_to(np.arange(4096), (10, 4096)), axis=1)
    drawn = sums.draw(order)
    assert (np.argsort(np.argsort(drawn[0], kind="stable")) != np.arange(4096)).any()
    assert drawn.mean(axis=1) == pytest.approx(sums.mean, rel=0.005)
    fine_sums = sums_of(deals(chance, amount), shock=0)
    assert (drawn >= need[:, None]).mean(axis=1) == pytest.approx(fine_sums.reach(need, 0), abs=0.02)


def test_nothing_to_come() -> None:
    """Without deals nothing comes: a need above 0 is never reached, one of 0 or less always is."""
    sums = sums_of(ToCome(np.array([], dtype=np.int64), NONE, NONE, np.zeros(2), NONE, NONE, np.ones(2)))
    assert list(sums.reach(np.array([1.0, 0.0]))) == [0, 1]
    assert list(sums.reach(np.array([1.0, -5.0]), 0)) == [0, 1]
    assert sums.quantile((0.1, 0.9)).tolist() == [[0, 0], [0, 0]]
    assert company_sum(sums).mean[0] == 0


def test_sizes_stand_for_all_amounts() -> None:
    """Many amounts become few sizes with the same mean; amounts that are not positive are left out."""
    amounts = np.exp(np.random.default_rng(2).normal(9, 1.3, 5000))
    sizes, weights = sizes_of(np.append(amounts, [-5.0, 0.0, np.nan]))
    assert len(sizes) <= 256
    assert weights.sum() == pytest.approx(1)
    assert sizes @ weights == pytest.approx(amounts.mean())
    assert sizes**2 @ weights == pytest.approx((amounts**2).mean(), rel=0.01)


@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(1, 1e6)),
        min_size=1,
        max_size=6,
    ),
    st.floats(0.01, 3),
    st.sampled_from([0.05, 0.15, 0.5]),
)
@settings(max_examples=examples.of(150), deadline=None)
def test_any_few_deals(rows: list[tuple[float, float]], level: float, shock: float) -> None:
    """Whatever the chances and amounts, the chance is within .003 of enumeration where the need is no speck."""
    chance, amount = np.array(rows).T
    need = max(level * amount.mean(), amount.sum() / 50)
    found = sums_of(deals(chance[None], amount[None]), shock=shock).reach(np.array([need]), shock)[0]
    assert found == pytest.approx(enumerated(chance, amount, need, shock), abs=LIMIT)


def test_rows_are_distributions() -> None:
    """Each row has mass of one in all, and none below zero."""
    chance, amount, _ = lumpy(5, 17)
    sums: Sums = sums_of(deals(chance, amount, 1.0, np.array([50.0])))
    assert sums.mass.sum(axis=1) == pytest.approx(1)
    assert (sums.mass >= 0).all()


def test_with_a_shock_no_chance_is_certain() -> None:
    """While money may come a need far beyond it has a chance above 0, and a tiny one a chance below 1."""
    sums = Sums(np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0]]), np.array([10.0, 10.0, 10.0]))
    far, near = sums.reach(np.full(3, 1e9), 0.15), sums.reach(np.full(3, 1e-6), 0.15)
    assert (far[:2] > 0).all()
    assert near[1] < 1
    assert far[2] == near[2] == 0
    assert sums.reach(np.zeros(3), 0.15).tolist() == [1.0, 1.0, 1.0]
    assert sums.reach(np.full(3, 1e9), 0.0).tolist() == [0.0, 0.0, 0.0]
