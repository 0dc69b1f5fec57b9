"""Ridge logistic regression of rows that share the features of their case, and what each deal adds to it.

A case is a deal on a landmark; it has a row for each step of time that it was followed. Most features are the
case's own. Newton's method needs sums over rows of products of features: those of shared features are sums over
cases, so that the fit takes a small part of the time that a fit of plain rows takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

RIDGE = 2.0
FREE = 1e-8  # the penalty on the constant
CLOSE = 0.05  # Newton's decrement: twice the log-likelihood that a step gains; the next one gains its square
MOST_STEPS = 50
MANY, PART = 4000, 5
TINY = 1e-4

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rows:
    """What is fitted.

    Attributes
    ----------
    fixed : array
        Features of each case, the constant first: cases × features.
    moving : sparse matrix
        Further features of each row: rows × features.
    case : array of int
        The case of each row.
    yes, weight : array
        What came of each row (0 or 1), and how much it counts.
    """

    fixed: Array
    moving: Any
    case: Places
    yes: Array
    weight: Array


@dataclass(frozen=True, eq=False)
class Fit:
    """Coefficients of the fixed and then the moving features, and how each deal moves them.

    `influence` (deals × coefficients) is each deal's score times the inverse Hessian: what the coefficients would
    move by if the deal counted twice (the infinitesimal jackknife; Jaeckel 1972). Its squares add up to the variance
    that allows for a deal being many cases, after Huber (1967).
    """

    coefficients: Array
    influence: Array


def fit_logit(rows: Rows, deal: Places, start: Array | None = None) -> Fit:
    """Fit by Newton's method.

    Parameters
    ----------
    deal : array of int
        The deal of each case, numbered from 0.
    start : array, optional
        Coefficients to begin with: those of a fit to other rows save steps.
    """
    count = rows.fixed.shape[1] + rows.moving.shape[1]
    penalty = np.full(count, RIDGE)
    penalty[0] = FREE
    found = _first(rows, deal, count) if start is None else start
    sums = _by_case(rows)
    loss = _loss(rows, found, penalty)
    for _ in range(MOST_STEPS):
        miss, hessian = _derivatives(rows, sums, found, penalty)
        slope = np.concatenate([rows.fixed.T @ (sums @ miss), rows.moving.T @ miss]) - penalty * found
        step = np.asarray(np.linalg.solve(hessian, slope), dtype=float)
        found, loss = _downhill(rows, penalty, found, step, loss)
        if slope @ step < CLOSE:
            break
    return Fit(found, _influence(rows, sums, deal, miss, hessian))


def constant_shift(odds: Array, yes: Array, weight: Array) -> float:
    """Return what must be added to log odds for as many rows to be expected as came, by Newton's method."""
    shift = 0.0
    for _ in range(MOST_STEPS):
        chance = special.expit(odds + shift)
        slope, curve = weight @ (yes - chance), weight @ (chance * (1 - chance)) + FREE
        step = float(np.clip(slope / curve, -1, 1))
        shift += step
        if abs(step) < TINY:
            break
    return shift


def linear(fixed: Array, moving: Any, case: Places, coefficients: Array) -> Array:
    """Return the log odds of each row; a column for each column of coefficients."""
    own = fixed.shape[1]
    return np.asarray((fixed @ coefficients[:own])[case] + moving @ coefficients[own:])


def _first(rows: Rows, deal: Places, count: int) -> Array:
    """Coefficients to begin with: of many cases those of every fifth, which are near and take a part of the time."""
    if len(rows.fixed) < MANY:
        return np.zeros(count)
    some = rows.case % PART == 0
    part = Rows(rows.fixed[::PART], rows.moving[some], rows.case[some] // PART, rows.yes[some], rows.weight[some])
    return fit_logit(part, deal[::PART]).coefficients


def _by_case(rows: Rows) -> Any:
    """The matrix that adds rows up by case."""
    each = np.arange(len(rows.case))
    return sparse.csr_matrix((np.ones(len(each)), (rows.case, each)), shape=(len(rows.fixed), len(each)))


def _loss(rows: Rows, at: Array, penalty: Array) -> float:
    odds = linear(rows.fixed, rows.moving, rows.case, at)
    return float(rows.weight @ (np.logaddexp(0, odds) - rows.yes * odds) + penalty @ at**2 / 2)


def _derivatives(rows: Rows, sums: Any, at: Array, penalty: Array) -> tuple[Array, Array]:
    """What each row lies off its chance by, and the matrix of second derivatives."""
    chance = special.expit(linear(rows.fixed, rows.moving, rows.case, at))
    curve = rows.weight * chance * (1 - chance)
    moving = sparse.diags_array(curve) @ rows.moving
    both = rows.fixed.T @ (sums @ moving).toarray()
    root = rows.fixed * np.sqrt(sums @ curve)[:, None]
    hessian = np.block([[root.T @ root, both], [both.T, (rows.moving.T @ moving).toarray()]])
    hessian[np.diag_indices(len(hessian))] += penalty
    return rows.weight * (rows.yes - chance), hessian


def _downhill(rows: Rows, penalty: Array, at: Array, step: Array, loss: float) -> tuple[Array, float]:
    """Take the step, or the largest half, quarter, … of it that lowers the loss."""
    for part in 0.5 ** np.arange(12):
        new = _loss(rows, at + part * step, penalty)
        if new <= loss:
            return at + part * step, new
    return at, loss


def _influence(rows: Rows, sums: Any, deal: Places, miss: Array, hessian: Array) -> Array:
    cases = len(rows.fixed)
    count = int(deal.max(initial=-1)) + 1
    deals = sparse.csr_matrix((np.ones(cases), (deal, np.arange(cases))), shape=(count, cases))
    fixed = deals @ (rows.fixed * (sums @ miss)[:, None])
    moving = (deals @ (sums @ (sparse.diags_array(miss) @ rows.moving))).toarray()
    return np.asarray(np.linalg.solve(hessian, np.hstack([fixed, moving]).T).T)
