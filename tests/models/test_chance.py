"""Attainment by luck alone, against simulation and the exact Poisson case."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from salesops.models.chance import chance_of_attaining


@pytest.mark.parametrize("deals", [1, 2.5, 7.3, 20, 150])
def test_equal_amounts_are_the_poisson_case(deals: float) -> None:
    """With equal amounts the goal is made exactly if the number of deals reaches its mean."""
    exact = stats.poisson.sf(np.ceil(deals) - 1, deals)
    assert chance_of_attaining([400.0] * 3, deals) == pytest.approx(exact, abs=0.005)


@pytest.mark.parametrize(("spread", "deals"), [(0.5, 4), (1.0, 6), (1.5, 12)])
def test_lumpy_amounts_agree_with_simulation(spread: float, deals: float) -> None:
    """The distribution of the total is that of Poisson many draws from the amounts."""
    rng = np.random.default_rng(7)
    amounts = rng.lognormal(8, spread, 300)
    counts = rng.poisson(deals, 40_000)
    drawn = rng.choice(amounts, counts.sum())
    totals = np.add.reduceat(np.append(drawn, 0), np.append(0, counts.cumsum()[:-1])) * (counts > 0)
    share = (totals >= deals * amounts.mean()).mean()
    assert chance_of_attaining(amounts, deals) == pytest.approx(share, abs=0.01)


def test_few_and_lumpy_deals_attain_in_41_to_45_of_100() -> None:
    """A perfectly calibrated quota leaves about 41–45% attaining where deals are few and lumpy."""
    amounts = np.exp(stats.norm.ppf(np.linspace(0.005, 0.995, 100)))
    assert all(0.40 <= chance_of_attaining(amounts, deals) <= 0.46 for deals in (5, 8, 12))


def test_many_deals_come_near_one_half() -> None:
    """With many deals luck evens out: about half attain, never more by the grid's error."""
    amounts = np.random.default_rng(1).lognormal(0, 0.5, 500)
    assert chance_of_attaining(amounts, 3000) == pytest.approx(0.5, abs=0.01)


def test_currency_unit_does_not_matter() -> None:
    """Amounts in cents or in millions give the same share."""
    amounts = np.array([3.0, 5.0, 11.0, 40.0])
    assert chance_of_attaining(amounts * 1e6, 6) == pytest.approx(chance_of_attaining(amounts / 100, 6), abs=1e-6)


@pytest.mark.parametrize(("amounts", "deals"), [([], 3.0), ([0, -5, np.nan], 3.0), ([5.0], 0.0), ([5.0], np.nan)])
def test_nothing_to_go_by_gives_nan(amounts: list[float], deals: float) -> None:
    """Without a positive amount or without deals there is no share to tell."""
    assert np.isnan(chance_of_attaining(amounts, deals))


def test_amounts_that_are_not_positive_are_passed_over() -> None:
    """Zeros and returns are no deals: the rest decides alone."""
    assert chance_of_attaining([5, 9, 0, -3, np.inf], 4) == chance_of_attaining([5, 9], 4)
