"""Multinomial regression by Newton's method: the same answer as scikit-learn, and what theory says without columns."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from salesops.models.deals.multinomial import fit_multinomial


@pytest.mark.parametrize("ridge", [0.1, 1.0, 20.0])
def test_the_fit_is_scikit_learns(ridge: float) -> None:
    """With weights and any penalty the chances are those of LogisticRegression of C = 1 ÷ ridge."""
    rng = np.random.default_rng(4)
    design = np.column_stack([rng.normal(size=(800, 5)), np.eye(3)[rng.integers(0, 3, 800)]])
    scores = np.column_stack([np.zeros(800), design @ rng.normal(size=8), design @ rng.normal(size=8) - 1])
    outcome = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    weight = rng.uniform(0.1, 1, 800)
    known = LogisticRegression(C=1 / ridge, tol=1e-10, max_iter=1000).fit(design, outcome, weight)
    found = fit_multinomial(design, outcome, weight, ridge).chances(design)
    assert found == pytest.approx(known.predict_proba(design), abs=2e-4)


def test_without_columns_chances_are_shares() -> None:
    """Constants are free: without columns the chances are the weighted shares of the outcomes."""
    outcome, weight = np.array([0, 0, 1, 2, 2, 2]), np.array([1.0, 2.0, 1.0, 1.0, 2.0, 3.0])
    found = fit_multinomial(np.zeros((6, 0)), outcome, weight, 1.0).chances(np.zeros((1, 0)))[0]
    assert found == pytest.approx([0.3, 0.1, 0.6], abs=1e-4)


def test_an_outcome_that_never_came_is_next_to_impossible() -> None:
    """Without any row of an outcome its chance falls towards zero, and the others keep their shares."""
    outcome = np.repeat([0, 1], [30, 10])
    found = fit_multinomial(np.zeros((40, 0)), outcome, np.ones(40), 1.0).chances(np.zeros((1, 0)))[0]
    assert found == pytest.approx([0.75, 0.25, 0.0], abs=1e-3)
