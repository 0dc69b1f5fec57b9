"""Deals that move the number: exact, the law of total probability, and what is left out."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy import stats

from salesops.book.source import Book
from salesops.models.forecast import Forecast, forecast
from salesops.models.forecast.arrivals import thinned
from salesops.models.forecast.movers import movers
from salesops.models.forecast.outlook import outlook
from salesops.periods import parse_period

NOW = date(2026, 10, 30)


@pytest.fixture(scope="module")
def book(company_book: Book) -> Book:
    return company_book


@pytest.fixture(scope="module")
def now(book: Book) -> Forecast:
    return forecast(book, parse_period("2026-Q4"), NOW)


def few(now: Forecast, count: int) -> Forecast:
    """The forecast with nothing to come but the first few deals with an amount."""
    inputs = now.inputs
    unique = np.unique(inputs.deal_id, return_counts=True)
    alone = np.isin(inputs.deal_id, unique[0][unique[1] == 1])
    kept = np.flatnonzero((inputs.deal_amount > 0) & (inputs.closing() > 0.02) & alone)[:count]
    part = replace(
        inputs,
        deal_id=inputs.deal_id[kept],
        deal_rep=inputs.deal_rep[kept],
        deal_amount=inputs.deal_amount[kept],
        deal_row=inputs.deal_row[kept],
        arrivals=thinned(inputs.arrivals, 0.0),
    )
    half = float(part.to_come().expected_open.sum()) + now.company["closed"]
    return outlook(part, target=half)


def test_each_deal_decided_both_ways_is_exact(book: Book, now: Forecast) -> None:
    """With eight deals, P(target) with one won or lost is the sum over all 128 ends of the others."""
    found = few(now, 8)
    need = found.company["target"] - found.company["closed"]
    parts, table = found.inputs.to_come(), movers(book, found).set_index("opportunity_id")
    assert len(table) == 8
    for place, deal in enumerate(found.inputs.deal_id):
        others = np.delete(np.arange(8), place)
        for name, money in (("won", parts.amount[place]), ("lost", 0.0)):
            chance = 0.0
            for ends in itertools.product((0, 1), repeat=7):
                won = np.array(ends)
                total = money + won @ parts.amount[others]
                part = np.prod(np.where(won, parts.chance[others], 1 - parts.chance[others]))
                reach = stats.norm.cdf((np.log(total / need) - found.shock**2 / 2) / found.shock) if total > 0 else 0.0
                chance += part * reach
            assert table[f"p_target_{name}"][deal] == pytest.approx(chance, abs=0.003)


def test_both_ways_together_are_the_forecast(book: Book, now: Forecast) -> None:
    """Chance · P(target | won) + (1 − chance) · P(target | lost) is the company's P(target), for every deal."""
    table = movers(book, now)
    assert len(table) == 10
    both = table.chance * table.p_target_won + (1 - table.chance) * table.p_target_lost
    assert both.to_numpy() == pytest.approx(now.company["p_target"], abs=0.003)
    assert (table.p50_won > now.company["p50"]).all()
    assert (table.p50_lost < now.company["p50"]).all()


def test_deals_come_by_their_part_of_the_variance(book: Book, now: Forecast) -> None:
    """The order is that of chance · (1 − chance) · money², and no deal with an amount beats those shown."""
    table, parts = movers(book, now, most=5), now.inputs.to_come()
    shown = table.chance * (1 - table.chance) * table.brings**2
    assert shown.is_monotonic_decreasing
    every = parts.chance * (1 - parts.chance) * np.nan_to_num(parts.amount) ** 2
    hidden = every[~np.isin(now.inputs.deal_id, table.opportunity_id.to_numpy(str))]
    assert hidden.max() <= shown.min()
    assert table[["account_name", "owner_name", "stage_name"]].notna().all(axis=None)


def test_without_deals_or_target_there_is_less_to_say(book: Book, now: Forecast) -> None:
    """Without open deals the table is empty; without a target the chances are unknown, and the money is not."""
    assert movers(book, few(now, 0)).empty
    bare = outlook(replace(now.inputs, reps=now.inputs.reps.assign(quota=np.nan)))
    table = movers(book, bare)
    assert table.p_target_won.isna().all()
    assert (table.swing > 0).all()
