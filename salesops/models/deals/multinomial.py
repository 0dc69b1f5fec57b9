"""Multinomial logistic regression for three outcomes by Newton's method: for the many small fits of a backtest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

STEPS = 30
CLOSE = 1e-6
HALVINGS = 12

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Multinomial:
    """Log odds of outcomes 1 and 2 against 0: 2 × (columns + 1), the constant last."""

    coefficients: Array

    def chances(self, design: Array) -> Array:
        """Return P(0), P(1), P(2) of each row."""
        odds = _odds(_with_one(design), self.coefficients)
        return np.column_stack([1 - odds.sum(axis=0), *odds])


def fit_multinomial(design: Array, outcome: NDArray[np.int64], weight: Array, ridge: float) -> Multinomial:
    """Maximise Σ weight · log P(outcome) − ridge ÷ 2 · Σ β² over the coefficients of all three outcomes.

    The penalty treats the outcomes alike, as scikit-learn's LogisticRegression does: in log odds against the first
    outcome it reads ⅔ (γ₁² + γ₂² − γ₁ · γ₂). Constants are free.
    """
    rows = _with_one(design)
    hit = np.vstack([outcome == 1, outcome == 2]).astype(float)
    free = np.append(np.full(design.shape[1], ridge), 1e-9)
    penalty = np.asarray(np.kron(np.array([[2, -1], [-1, 2]]) / 3, np.diag(free)), dtype=float)
    found = np.zeros((2, rows.shape[1]))
    loss = _loss(rows, hit, weight, penalty, found)
    for _ in range(STEPS):
        odds = _odds(rows, found)
        slope = ((odds - hit) * weight) @ rows + (penalty @ found.ravel()).reshape(found.shape)
        if np.abs(slope).max() < CLOSE * len(rows):
            break
        step = linalg.solve(_curvature(rows, odds, weight) + penalty, slope.ravel(), assume_a="pos")
        for halving in range(HALVINGS):
            tried = found - step.reshape(found.shape) / 2**halving
            value = _loss(rows, hit, weight, penalty, tried)
            if value <= loss:
                break
        found, loss = tried, value
    return Multinomial(found)


def _with_one(design: Array) -> Array:
    return np.column_stack([design, np.ones(len(design))])


def _odds(rows: Array, found: Array) -> Array:
    """P(1) and P(2) of each row."""
    scores = found @ rows.T
    most = np.maximum(scores.max(axis=0), 0.0)
    raised = np.exp(scores - most)
    return np.asarray(raised / (raised.sum(axis=0) + np.exp(-most)))


def _loss(rows: Array, hit: Array, weight: Array, penalty: Array, found: Array) -> float:
    scores = found @ rows.T
    most = np.maximum(scores.max(axis=0), 0.0)
    total = np.log(np.exp(scores - most).sum(axis=0) + np.exp(-most)) + most
    return float(weight @ (total - (hit * scores).sum(axis=0)) + found.ravel() @ penalty @ found.ravel() / 2)


def _curvature(rows: Array, odds: Array, weight: Array) -> Array:
    """Second derivatives of the loss; single precision is enough for the direction of a step."""
    single = rows.astype(np.float32)
    one, two = odds
    parts = (weight * one * (1 - one), -weight * one * two, weight * two * (1 - two))
    own, both, other = (single.T @ (single * part.astype(np.float32)[:, None]) for part in parts)
    return np.block([[own, both], [both, other]]).astype(float)
