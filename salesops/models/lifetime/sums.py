"""Sums over many rows.

numpy's @ hands long vectors to BLAS, whose threads wait for each other: on a busy machine a product of two vectors of
30,000 numbers then takes 60 times as long. These sums stay in one thread, and give the same digits everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def weighted(weights: Vector, values: Vector) -> Vector:
    """Return Σ weight·value over the last axis."""
    total: Vector = (weights * values).sum(axis=-1)
    return total


def gram(weights: Vector, rows: Vector) -> Vector:
    """Return the matrix of Σ weight·row_i·row_j over columns."""
    products: Vector = np.einsum("in,jn->ij", weights * rows, rows)
    return products


def tail_counts(x: Vector, n: Vector) -> Vector:
    """Return for j = 0 … max(x) − 1 how many customers have x > j.

    With these, Σ n·(log Γ(r + x) − log Γ(r)) is Σ over j of tail·log(r + j), which keeps its digits for large r.
    """
    each: Vector = np.bincount(x.astype(np.intp), weights=n).astype(float)
    tails: Vector = np.cumsum(each[::-1])[::-1][1:]
    return tails
