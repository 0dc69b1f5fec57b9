"""The quota what-if: the exact method beside plain numpy Monte Carlo of 10,000 draws, for 200 and 2,000 reps.

Both sides get the same deals, new business and shock, and give P(attain) of each rep and of the company. The
error of each is the largest over all reps against plain convolution on a grid of 2¹⁷ cells, on the first REFERENCE
reps. Neither side has threads, so that times are CPU times: those of a machine that does nothing else.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import cycle

import numpy as np
import pandas as pd
from measure import Row, publish
from scipy import special

from salesops.models.deals.chances import DealChances
from salesops.models.deals.hazards import EDGES, Curves
from salesops.models.deals.week import EVEN
from salesops.models.forecast.arrivals import CURVE_DAYS, Arrivals
from salesops.models.forecast.inputs import Inputs
from salesops.models.forecast.sums import COARSE_GRID, GRID
from salesops.models.forecast.to_come import ToCome, sizes_of
from salesops.models.quota import Scenario, outcome
from salesops.models.quota.levers import quotas_of, to_come_of
from salesops.periods import parse_period

DEALS = 40
DRAWS = 10_000
REFERENCE = 12
CELLS = 2**17
RUNS = 9
QUARTER = parse_period("2026-Q4")


def main() -> None:
    """Run both sides and publish the table."""
    small, large = company(200), company(2000)
    base = Scenario(period_start=QUARTER.start, period_end=QUARTER.end, commission_rate=0.05, accelerator=2.0)
    quota, deals = milliseconds(small, base, quota_levers(small)), milliseconds(small, base, deal_levers())
    wide_quota, wide_deals = milliseconds(large, base, quota_levers(large)), milliseconds(large, base, deal_levers())
    coarse = milliseconds(small, base, deal_levers(), COARSE_GRID)
    drawn = 1000 * statistics.median(cpu(lambda: monte_carlo(small, base)) for _ in range(3))
    ours, theirs, rough = errors(small, base)
    publish("quota", [
        Row("quota or commission lever, 200 reps × 40 deals / Monte Carlo", quota, drawn, "ms", "≤ 20 ms", quota <= 20),
        Row("lever that changes deals, 200 reps × 40 deals / Monte Carlo", deals, drawn, "ms", "≤ 60 ms", deals <= 60),
        Row("… and at least 6 times faster", deals, drawn, "ms", "≥ 6×", drawn / deals >= 6),
        Row("the same on the coarse grid / Monte Carlo", coarse, drawn, "ms", "–", None),
        Row("2,000 reps, quota lever / 200 reps", wide_quota, quota, "ms", "≤ 10×", wide_quota / quota <= 10),
        Row("2,000 reps, deal lever / 200 reps", wide_deals, deals, "ms", "≤ 10×", wide_deals / deals <= 10),
        Row("largest error in P(attain), thousandths", 1000 * ours, 1000 * theirs, "‰", "≤ 3", ours <= 0.003),
        Row("the same on the coarse grid, thousandths", 1000 * rough, 1000 * theirs, "‰", "≤ 3", rough <= 0.003),
    ])  # fmt: skip  # a row a line


def company(reps: int) -> Inputs:
    """Return a company of reps with 40 lumpy deals each, quotas about what they may bring, and new business."""
    rng = np.random.default_rng(11)
    amount = np.exp(rng.normal(9.6, 1.0, reps * DEALS)).round()
    chance = rng.beta(1.6, 3.0, reps * DEALS)
    rep = np.repeat(np.arange(reps), DEALS)
    closed = rng.uniform(0, 200_000, reps).round()
    sizes, weights = sizes_of(np.exp(rng.normal(9.6, 1.0, 800)))
    scale = np.exp(rng.normal(0, 0.2, reps))
    expected = closed + np.bincount(rep, chance * amount)
    curve = 0.3 * (1 - np.exp(-np.arange(CURVE_DAYS + 1) / 40))
    steps = np.minimum(EDGES / 60, 1.0)
    deals = pd.DataFrame({"opportunity_id": [f"D{n}" for n in range(len(rep))], "due": 30.0, "probability": 0.5})
    curves = Curves(chance[:, None] * steps, (1 - chance)[:, None] * steps)
    users = [f"U{n}" for n in range(reps)]
    return Inputs(
        "Bench", "EUR", QUARTER, date(2026, 10, 31), "bookings",
        pd.DataFrame({
            "user_id": users, "user_name": users, "territory_id": [f"T{n % 5}" for n in range(reps)],
            "hire_date": None, "end_date": None, "quota": (expected * rng.uniform(0.75, 1.35, reps)).round(),
            "closed": closed, "skill": 0.0, "ramp_applied": False,
        }),
        deals.opportunity_id.to_numpy(str), rep, amount, np.arange(len(rep)),
        DealChances(date(2026, 10, 31), deals.assign(rests_on=99.0), curves, "model", 1000, 1.0, (), EVEN),
        Arrivals(np.full(reps, 0.1), np.ones(reps), curve, np.ones(reps), scale, sizes, weights, np.full(reps, 0.1)),
        (), (),
    )  # fmt: skip  # in the order of the fields


def quota_levers(inputs: Inputs) -> list[dict[str, object]]:
    """Return settings that leave the deals alone, none like another."""
    users, quotas = inputs.reps.user_id, inputs.reps.quota
    raised = [tuple(zip(users, (quotas * (1 + n / 100)).tolist(), strict=True)) for n in range(1, 4)]
    rates: list[dict[str, object]] = [{"commission_rate": 0.05 + n / 100} for n in range(1, 4)]
    return [*rates, *({"quotas": some} for some in raised), *({"over_assignment": n / 50} for n in range(3))]


def deal_levers() -> list[dict[str, object]]:
    """Return settings that change the deals, none like another."""
    names = cycle(("win_rate", "deal_size", "cycle"))
    return [{next(names): 1 + n / 50} for n in range(1, RUNS + 1)]


def milliseconds(inputs: Inputs, base: Scenario, levers: list[dict[str, object]], grid: int = GRID) -> float:
    """Return the median time of an outcome over some settings, after a first one."""
    outcome(inputs, base, grid=grid)
    scenarios = [replace(base, **lever) for lever in levers]
    return 1000 * statistics.median(cpu(partial(outcome, inputs, one, grid=grid)) for one in scenarios)


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU time of a call in seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def monte_carlo(inputs: Inputs, scenario: Scenario) -> tuple[np.ndarray, float]:
    """Return P(attain) and P(company ≥ target) from 10,000 draws with numpy, rep by rep."""
    quotas = quotas_of(inputs, scenario)
    parts = to_come_of(inputs, scenario, quotas)
    rng = np.random.default_rng(0)
    shock = np.exp(rng.normal(-(scenario.shock**2) / 2, scenario.shock, DRAWS))
    closed = inputs.reps.closed.to_numpy(float)
    found, total = np.empty(parts.reps), np.zeros(DRAWS)
    for rep in range(parts.reps):
        mine = slice(rep * DEALS, (rep + 1) * DEALS)
        money = ((rng.random((DRAWS, DEALS)) < parts.chance[mine]) * parts.amount[mine]).sum(axis=1)
        count = rng.poisson(parts.rate[rep], DRAWS)
        owner = np.repeat(np.arange(DRAWS), count)
        sizes = rng.choice(parts.sizes, len(owner), p=parts.weights) * parts.scale[rep]
        booked = closed[rep] + shock * (money + np.bincount(owner, sizes, DRAWS))
        found[rep] = (booked >= quotas.quota[rep]).mean()
        total += booked
    return found, float((total >= quotas.target).mean())


def errors(inputs: Inputs, scenario: Scenario) -> tuple[float, float, float]:
    """Return the largest error of the exact method, of Monte Carlo, and of the coarse grid."""
    quotas = quotas_of(inputs, scenario)
    parts = to_come_of(inputs, scenario, quotas)
    need = quotas.quota - inputs.reps.closed.to_numpy(float)
    true = np.array([reference(parts, rep, need[rep], scenario.shock) for rep in range(REFERENCE)])
    sides: list[Callable[[], np.ndarray]] = [
        lambda: outcome(inputs, scenario).reps.p_attain.to_numpy(),
        lambda: monte_carlo(inputs, scenario)[0],
        lambda: outcome(inputs, scenario, grid=COARSE_GRID).reps.p_attain.to_numpy(),
    ]
    exact, drawn, coarse = (float(np.abs(side()[:REFERENCE] - true).max()) for side in sides)
    return exact, drawn, coarse


def reference(parts: ToCome, rep: int, need: float, shock: float) -> float:
    """Return P(shock · sum ≥ need) of a rep by convolution on 2¹⁷ cells: deal by deal."""
    mine = slice(rep * DEALS, (rep + 1) * DEALS)
    sizes = parts.sizes * parts.scale[rep]
    step = (parts.amount[mine].sum() + 12 * sizes.max()) / CELLS
    mass = np.zeros(CELLS)
    mass[0] = 1.0
    for p, place in zip(parts.chance[mine], parts.amount[mine] / step, strict=True):
        mass = (1 - p) * mass + p * _moved(mass, place)
    one = np.zeros(CELLS)
    for weight, place in zip(parts.weights, sizes / step, strict=True):
        low = int(place)
        one[low] += weight * (1 - place + low)
        one[low + 1] += weight * (place - low)
    new = np.exp(parts.rate[rep] * (np.fft.rfft(one, 2 * CELLS) - 1))
    mass = np.fft.irfft(np.fft.rfft(mass, 2 * CELLS) * new, 2 * CELLS)[:CELLS]
    money = np.arange(1, CELLS) * step
    return float(need <= 0) or float(mass[1:] @ special.ndtr(-(np.log(need / money) + shock**2 / 2) / shock))


def _moved(mass: np.ndarray, place: float) -> np.ndarray:
    low = int(place)
    moved = np.zeros(len(mass))
    moved[low:] += (1 - place + low) * mass[: len(mass) - low]
    moved[low + 1 :] += (place - low) * mass[: len(mass) - low - 1]
    return moved


if __name__ == "__main__":
    main()
