"""Customers drawn from the models, and numerical helpers that know nothing of the models' code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class World:
    """Histories at T, and the purchases of each customer in (T, T + ahead]."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    later: np.ndarray
    alive: np.ndarray


def draw(model: str, params: dict[str, float], customers: int, *, age: float, ahead: float, seed: int) -> World:
    """Let customers buy, purchase by purchase, as the model tells it."""
    rng = np.random.default_rng(seed)
    T = rng.uniform(age / 2, age, customers)
    rate = rng.gamma(params["r"], 1 / params["alpha"], customers)
    leaves = rng.beta(params["a"], params["b"], customers) if "a" in params else np.zeros(customers)
    gone = np.full(customers, np.inf)
    if "s" in params:
        gone = rng.exponential(1 / np.maximum(rng.gamma(params["s"], 1 / params["beta"], customers), 1e-300))
    if model == "ModifiedBetaGeoNBD":
        gone[rng.random(customers) < leaves] = 0
    x, t_x, later, time = np.zeros(customers), np.zeros(customers), np.zeros(customers), np.zeros(customers)
    going = np.ones(customers, dtype=bool)
    while going.any():
        time[going] += rng.exponential(1 / np.maximum(rate[going], 1e-300))
        going &= time <= np.minimum(gone, T + ahead)
        early = going & (time <= T)
        x[early] += 1
        t_x[early] = time[early]
        later[going & ~early] += 1
        left = going & (rng.random(customers) < leaves)
        gone[left] = time[left]
        going &= ~left
    return World(x, t_x, T, later, gone > T)


def slope(f: Callable[[np.ndarray], np.ndarray], at: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Return the derivatives of f by each element, from four points each; one row an element."""
    rows = []
    for axis in np.eye(len(at)) * step:
        near, far = f(at + axis) - f(at - axis), f(at + 2 * axis) - f(at - 2 * axis)
        rows.append((8 * near - far) / (12 * step))
    return np.array(rows)
