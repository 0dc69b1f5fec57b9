"""Logistic regression of rows that share their case's features: what scikit-learn gives, and each deal's influence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, special
from sklearn.linear_model import LogisticRegression

from salesops.models.deals import logit
from salesops.models.deals.logit import RIDGE, Rows, constant_shift, fit_logit


def rows_of(cases: int, seed: int = 4) -> tuple[Rows, np.ndarray]:
    """Deals of three cases each, with one to four rows, whose chance hangs on features of the case and of the row."""
    rng = np.random.default_rng(seed)
    fixed = np.column_stack([np.ones(cases), rng.standard_normal((cases, 2))])
    case = np.repeat(np.arange(cases), rng.integers(1, 5, cases))
    moving = rng.standard_normal((len(case), 2))
    odds = (fixed @ [-0.5, 1.0, 0.0])[case] + moving @ [0.7, -0.3]
    yes = (rng.random(len(case)) < special.expit(odds)).astype(float)
    return Rows(fixed, sparse.csr_matrix(moving), case, yes, rng.uniform(0.2, 1, len(case))), np.arange(cases) // 3


@pytest.mark.parametrize("cases", [300, 9000])
def test_coefficients_are_those_of_scikit_learn(cases: int) -> None:
    """The same penalised likelihood has the same maximum, of few cases and of many, from wherever the search begins."""
    rows, deal = rows_of(cases)
    plain = np.hstack([rows.fixed[rows.case][:, 1:], rows.moving.toarray()])
    theirs = LogisticRegression(C=1 / RIDGE, tol=1e-10, max_iter=1000).fit(plain, rows.yes, rows.weight)
    wanted = [*theirs.intercept_, *theirs.coef_[0]]
    for start in (None, np.array([3.0, -2.0, 1.0, 0.0, 2.0])):
        assert fit_logit(rows, deal, start).coefficients == pytest.approx(wanted, abs=2e-3)


def test_influence_is_what_a_deal_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a deal counted a tenth more, the coefficients move by a tenth of its influence."""
    monkeypatch.setattr(logit, "CLOSE", 1e-12)
    rows, deal = rows_of(300)
    fit = fit_logit(rows, deal)
    for one in (0, 17, 60):
        more = rows.weight * np.where(deal[rows.case] == one, 1.1, 1.0)
        again = fit_logit(Rows(rows.fixed, rows.moving, rows.case, rows.yes, more), deal)
        moved = 10 * (again.coefficients - fit.coefficients)
        assert moved == pytest.approx(fit.influence[one], rel=0.1, abs=2e-4)


def test_a_shift_makes_as_many_expected_as_came() -> None:
    """After the shift, the weighted sum of chances is the weighted count."""
    rng = np.random.default_rng(1)
    odds, weight = rng.normal(-1, 2, 500), rng.uniform(0, 1, 500)
    yes = (rng.random(500) < special.expit(odds + 0.8)).astype(float)
    shift = constant_shift(odds, yes, weight)
    assert weight @ special.expit(odds + shift) == pytest.approx(weight @ yes, rel=1e-3)
    assert 0.4 < shift < 1.2
