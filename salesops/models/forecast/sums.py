"""Exact distributions of sums of deals, on a grid of money, and what a shared shock makes of them.

A rep's money to come is Σ Bernoulli(chance) · amount over the open deals, plus a compound Poisson sum of deals
not yet created. Five deals at a time have 32 sums, which are put on the grid with their means kept; the fast
Fourier transform convolves the rest. A shock multiplies all money to come of all reps at once: given the shock
reps are independent, and so the same grid serves every shock.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from salesops.models.forecast.to_come import Array, Places, ToCome

GRID = 512
COARSE_GRID = 256
FINER = ((0.03, 16), (0.1, 2))  # below this shock, so many times the cells
TOGETHER = 5
SPREAD = 8.0
SHOCK = 0.15
SHORT_CELLS = 3
SHOCK_STEPS = 64
QUANTILE_STEPS = 32
QUANTILE_HALVINGS = 14
CHUNK = 256
NEVER = 1e-9


@dataclass(frozen=True, eq=False)
class Sums:
    """Distributions of non-negative money, a row each: mass on 0, step, 2 · step, …"""

    mass: Array
    step: Array

    @cached_property
    def mean(self) -> Array:
        """Expected money of each row, without shock (a shock has mean 1)."""
        return np.asarray(self.mass @ np.arange(self.mass.shape[1])) * self.step

    def reach(self, need: Array, shock: float = SHOCK) -> Array:
        """Return P(shock · sum ≥ need) for each row; `shock` is the standard deviation of its logarithm.

        Without shock, sums that fall short by less than SHORT_CELLS cells count as reaching the need. With one, a
        chance that the grid cannot tell from 0 or 1 is NEVER, or 1 − NEVER: no need is certain to be missed while
        any money may come, and none is certain to be reached.
        """
        reached = self._reached(need[:, None], shock, SHOCK_STEPS)[:, 0]
        open_end = (need > 0) & (self.mean > 0) & (shock > 0)
        return np.where(open_end, np.clip(reached, NEVER, 1 - NEVER), reached)

    def quantile(self, levels: tuple[float, ...], shock: float = SHOCK) -> Array:
        """Return the smallest money that shock · sum stays within with each chance: rows × levels."""
        rows = len(self.step)
        if rows > CHUNK:
            parts = (slice(first, first + CHUNK) for first in range(0, rows, CHUNK))
            return np.vstack([Sums(self.mass[part], self.step[part]).quantile(levels, shock) for part in parts])
        wanted = 1 - np.array(levels)
        top = self.step * self.mass.shape[1] * np.exp(5 * shock)
        low, high = np.zeros((rows, len(levels))), np.repeat(top[:, None], len(levels), axis=1)
        for _ in range(QUANTILE_HALVINGS):
            middle = (low + high) / 2
            above = self._reached(middle, shock, QUANTILE_STEPS) > wanted
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        empty = 1 - self.reach(np.full(rows, 1e-9), shock)  # nothing comes
        return np.where(empty[:, None] >= np.array(levels), 0.0, (low + high) / 2)

    def draw(self, order: Places) -> Array:
        """Return the sums at even levels of each row, without shock, in an order of its own: rows × levels."""
        rows, count = order.shape
        below = np.floor(np.cumsum(self.mass, axis=1) * count + 0.5).astype(np.int64)
        below[:, -1] = count
        times = np.diff(below, axis=1, prepend=0)
        money = np.repeat((np.arange(self.mass.shape[1]) * self.step[:, None]).ravel(), times.ravel()).reshape(
            rows, count
        )
        drawn = np.empty(order.shape)
        for row in range(rows):
            drawn[row] = money[row][order[row]]
        return drawn

    @cached_property
    def _tail(self) -> Array:
        """P(sum ≥ cell), with a zero after the last cell."""
        tail = np.zeros((len(self.step), self.mass.shape[1] + 1))
        tail[:, :-1] = np.cumsum(self.mass[:, ::-1], axis=1)[:, ::-1]
        return tail

    @cached_property
    def _below(self) -> Array:
        """The integral of P(sum ≥ x) from 0 up to each cell, in cells."""
        below = np.zeros((len(self.step), self.mass.shape[1] + 1))
        np.cumsum(self._tail[:, 1:], axis=1, out=below[:, 1:])
        return below

    def _reached(self, need: Array, shock: float, steps: int) -> Array:
        """P(shock · sum ≥ need) for several needs of each row: rows × needs."""
        place: Array = np.maximum(need, 0) / self.step[:, None]
        if shock > 0:
            reached = self._shocked(place, shock, steps)
        else:
            # a sum is spread over a few cells, the lowest of them below it
            first = np.clip(np.ceil(place - SHORT_CELLS).astype(int), 1, self.mass.shape[1])
            reached = np.take_along_axis(self._tail, first, axis=1)
        return np.where(need <= 0, 1.0, np.clip(reached, 0, 1))

    def _shocked(self, place: Array, shock: float, steps: int) -> Array:
        """Average P(sum ≥ need ÷ shock) over slices of the shock, in each of them over needs: jumps do no harm."""
        edges = np.linspace(-5, 5, steps + 1)
        chance = np.diff(special.ndtr(edges)) / (special.ndtr(5.0) - special.ndtr(-5.0))
        needs = place[:, :, None] * np.exp(shock**2 / 2 - shock * edges)
        last = self.mass.shape[1]
        capped = np.minimum(needs, last - 1e-6)
        cell = capped.astype(np.int64)
        flat = cell + (np.arange(len(place)) * (last + 1))[:, None, None]
        lower = self._below.ravel()[flat]
        reached = lower + (capped - cell) * (self._below.ravel()[flat + 1] - lower)
        width = needs[..., :-1] - needs[..., 1:]
        return np.asarray(((reached[..., :-1] - reached[..., 1:]) / np.maximum(width, 1e-300)) @ chance)


def sums_of(parts: ToCome, grid: int = GRID, shock: float = SHOCK) -> Sums:
    """Return the distribution of each rep's money to come, on a grid of `grid` cells.

    A shock smooths what the grid rounds; with little or none the grid is made finer.
    """
    grid *= next((times for below, times in FINER if shock < below), 1)
    step = _steps(parts, grid)
    mass = np.zeros((parts.reps, grid))
    for first in range(0, parts.reps, CHUNK):
        rows = slice(first, min(first + CHUNK, parts.reps))
        mass[rows] = _mass(parts, step, rows, grid)
    return Sums(mass, step)


def company_sum(sums: Sums) -> Sums:
    """Return the distribution of the sum over all rows, which are independent: one row."""
    cells, grid = np.arange(sums.mass.shape[1], dtype=float), 4 * sums.mass.shape[1]
    second = sums.mass @ cells**2 * sums.step**2
    spread = np.sqrt(max(float((second - sums.mean**2).sum()), 0.0))
    largest = float((sums.step * (sums.mass.shape[1] - 1)).max(initial=0.0))
    top = min(float((sums.step * (sums.mass.shape[1] - 1)).sum()), sums.mean.sum() + SPREAD * spread + largest)
    step = top / (grid - 2) if top > 0 else 1.0
    spectrum = np.ones(grid // 2 + 1, dtype=complex)
    for first in range(0, len(sums.step), CHUNK):
        rows = slice(first, first + CHUNK)
        places, shares = _bundled(sums.mass[rows], float(sums.step.max() / step))
        own = on_grid(places * (sums.step[rows, None] / step), shares, grid)
        spectrum *= np.multiply.reduce(fft.rfft(own, axis=1), axis=0)
    return Sums(clean(fft.irfft(spectrum, grid)[None]), np.array([step]))


def _steps(parts: ToCome, grid: int) -> Array:
    """Return each rep's cell: the grid reaches as far as the sum may, or to where it hardly ever comes."""
    rep, reps = parts.deal_rep, parts.reps
    unknown = np.isnan(parts.amount)
    largest = parts.scale * (parts.sizes.max() if len(parts.sizes) else 0.0)
    amount = np.where(unknown, parts.usual[rep], parts.amount)
    most = np.zeros(reps)
    np.maximum.at(most, rep[parts.chance > 0], np.where(unknown, largest[rep], amount)[parts.chance > 0])
    new = (parts.rate > 0) | (np.bincount(rep[unknown], minlength=reps) > 0)
    most = np.maximum(most, np.where(new, largest, 0.0))
    mean = parts.expected_open + parts.expected_new
    top = mean + SPREAD * np.sqrt(np.maximum(parts.variance, 0)) + most
    whole = np.bincount(rep, np.where(parts.chance > 0, amount, 0.0), reps)
    top = np.where(new, top, np.minimum(top, whole))
    return np.where(top > 0, top / (grid - 2), 1.0)


def _mass(parts: ToCome, step: Array, rows: slice, grid: int) -> Array:
    first, last = np.searchsorted(parts.deal_rep, [rows.start, rows.stop])
    rep = parts.deal_rep[first:last] - rows.start
    chance, amount = parts.chance[first:last], parts.amount[first:last]
    known = ~np.isnan(amount)
    count = rows.stop - rows.start
    spectrum = _deals(rep[known], chance[known], amount[known], step[rows], grid)
    if len(parts.sizes) and ((parts.rate[rows] > 0).any() or not known.all()):
        places = parts.sizes * (parts.scale[rows] / step[rows])[:, None]
        new = fft.rfft(on_grid(places, np.broadcast_to(parts.weights, places.shape), grid), axis=1)
        spectrum *= np.exp(parts.rate[rows][:, None] * (new - 1))
        for one in np.unique(rep[~known]):
            chances = chance[~known & (rep == one)]
            spectrum[one] *= np.multiply.reduce(1 + chances[:, None] * (new[one] - 1), axis=0)
    return clean(fft.irfft(spectrum, grid, axis=1)[:count])


def _deals(rep: Places, chance: Array, amount: Array, step: Array, grid: int) -> NDArray[np.complex128]:
    """Return the transform of each rep's sum of deals; a rep without deals has the sum 0."""
    count = np.bincount(rep, minlength=len(step))
    groups = np.maximum(-(-count // TOGETHER), 1)
    start = np.cumsum(groups) - groups
    within = np.arange(len(rep)) - np.repeat(np.cumsum(count) - count, count)
    group = start[rep] + within // TOGETHER
    chances, amounts = np.zeros((2, int(groups.sum()), TOGETHER))
    chances[group, within % TOGETHER] = chance
    amounts[group, within % TOGETHER] = amount / step[rep]
    places, shares = np.zeros((len(chances), 1)), np.ones((len(chances), 1))
    for n in range(TOGETHER):
        won = chances[:, n : n + 1]
        places = np.hstack([places, places + amounts[:, n : n + 1]])
        shares = np.hstack([shares * (1 - won), shares * won])
    return np.asarray(np.multiply.reduceat(fft.rfft(on_grid(places, shares, grid), axis=1), start, axis=0))


def _bundled(mass: Array, cells: float) -> tuple[Array, Array]:
    """Return places and shares of each row; cells too small for the coarser grid stand together at their mean."""
    size = 1
    while size < 16 and 4 * size * cells <= 1:
        size *= 2
    shape = (len(mass), mass.shape[1] // size, size)
    places = np.arange(mass.shape[1], dtype=float)
    shares = mass.reshape(shape).sum(axis=2)
    moments = (mass * places).reshape(shape).sum(axis=2)
    middle = places.reshape(shape[1:]).mean(axis=1)
    return np.where(shares > 0, moments / np.where(shares > 0, shares, 1.0), middle), shares


def on_grid(places: Array, shares: Array, grid: int) -> Array:
    """Put the shares of each row on a grid: each on the two cells about its place, so that its mean stays.

    What lies beyond the grid, and hardly ever comes, counts on its last cell.
    """
    inside = np.minimum(places, grid - 1.001)
    lower = inside.astype(np.int64)
    inside -= lower
    inside *= shares
    lower += (np.arange(len(places)) * grid)[:, None]
    flat, upper_share = lower.ravel(), inside.ravel()
    cells = len(places) * grid
    density = np.bincount(flat, np.ravel(shares) - upper_share, cells)
    density[1:] += np.bincount(flat, upper_share, cells)[:-1]
    return np.asarray(density.reshape(len(places), grid), dtype=float)


def clean(mass: Array) -> Array:
    """Take away what rounding left below zero, and make each row's shares sum to 1."""
    mass = np.maximum(mass, 0)
    return np.asarray(mass / mass.sum(axis=1, keepdims=True))
