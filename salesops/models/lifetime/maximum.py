"""Maximum likelihood by Newton's method in the logarithms of the parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from salesops.models.lifetime.rows import Vector

Matrix = NDArray[np.float64]
Likelihood = Callable[[Vector], tuple[float, Vector, Matrix]]
FARTHEST = 16.0
LONGEST_STEP = 2.0
SMALLEST_SHARE = 1e-6
FEW_ROWS = 2_000
SAME = 1e-6  # of log-likelihood: ends no further apart are equally high


@dataclass(frozen=True)
class Maximum:
    """Where a climb ended.

    Attributes
    ----------
    theta : numpy.ndarray
        Logarithms of the parameters.
    value : float
        Log-likelihood there.
    deviations : numpy.ndarray
        Standard errors of the logarithms; infinite where there is no maximum.
    converged : bool
        True only at a maximum: the next step would be shorter than the tolerance, and the curvature is negative in
        every direction.
    message : str
        One sentence: what happened.
    iterations : int
        Steps taken.
    """

    theta: Vector
    value: float
    deviations: Vector
    converged: bool
    message: str
    iterations: int


@dataclass(frozen=True)
class _Point:
    theta: Vector
    value: float
    gradient: Vector
    hessian: Matrix


def maximise(
    likelihood: Likelihood,
    starts: Iterable[Sequence[float]],
    *,
    names: Sequence[str],
    max_iter: int,
    tol: float,
    rows: int,
) -> Maximum:
    """Climb from every start and return the highest end; over many rows, from the next only if one finds no maximum.

    A small gradient is no sign of a maximum here: where the likelihood rises for ever, as for customers who all
    bought once, its gradient dies away too. The length of Newton's step in log parameters does not. Few rows can
    have several maxima, or one below what the likelihood rises to far away; many have one, and cost time.

    Parameters
    ----------
    likelihood : callable
        Gives value, gradient and Hessian of the log-likelihood at the logarithms of the parameters.
    starts : iterable of sequences
        Parameters (not logarithms) to start from.
    names : sequence of str
        Names of the parameters, for the message.
    max_iter : int
        Most steps of a climb.
    tol : float
        A step that changes no parameter by more than this fraction ends the climb.
    rows : int
        How many rows the likelihood sums over.
    """
    ends: list[Maximum] = []
    with np.errstate(all="ignore"):  # a step into overflow is seen as not finite, and halved
        for start in starts:
            if rows > FEW_ROWS and ends and ends[-1].converged:
                break
            ends.append(_climb(likelihood, np.log(np.asarray(start, dtype=float)), names, max_iter, tol))
    highest = max(end.value for end in ends)
    return max((end for end in ends if end.value >= highest - SAME), key=lambda end: (end.converged, end.value))


def _climb(likelihood: Likelihood, start: Vector, names: Sequence[str], max_iter: int, tol: float) -> Maximum:
    at = _Point(start, *likelihood(start))
    for step in range(max_iter):
        move, curved = _newton_step(at)
        if np.abs(move).max() < tol:
            return _end(at, curved, step, "a maximum was found" if curved else "the likelihood is flat there")
        if np.abs(at.theta).max() >= FARTHEST:
            return _end(at, False, step, _runaway(at.theta, names))
        higher = _line_search(likelihood, at, move)
        if higher is None:
            near = curved and bool(np.abs(move).max() < 1e4 * tol)
            return _end(at, near, step, "no step leads higher")
        at = higher
    return _end(at, False, max_iter, f"max_iter was reached after {max_iter} steps")


def _newton_step(at: _Point) -> tuple[Vector, bool]:
    """Return the step, and whether the curvature is negative in every direction.

    A direction that curves upwards is followed upwards too, by the size of its curvature.
    """
    curvature, axes = np.linalg.eigh(-at.hessian)
    largest = max(float(np.abs(curvature).max()), np.finfo(float).tiny)
    along = (axes.T @ at.gradient) / np.maximum(np.abs(curvature), 1e-12 * largest)
    move = axes @ along
    longest = float(np.abs(move).max())
    return move * min(1.0, LONGEST_STEP / max(longest, LONGEST_STEP)), bool(curvature.min() > 1e-12 * largest)


def _line_search(likelihood: Likelihood, at: _Point, move: Vector) -> _Point | None:
    share, rounding = 1.0, 1e-14 * abs(at.value)
    while share > SMALLEST_SHARE:
        theta = np.clip(at.theta + share * move, -FARTHEST, FARTHEST)
        try_at = _Point(theta, *likelihood(theta))
        finite = np.isfinite(try_at.value) and np.isfinite(try_at.gradient).all() and np.isfinite(try_at.hessian).all()
        if finite and try_at.value >= at.value + 1e-4 * share * float(at.gradient @ move) - rounding:
            return try_at
        share /= 2
    return None


def _runaway(theta: Vector, names: Sequence[str]) -> str:
    far = [(name, value) for name, value in zip(names, theta, strict=True) if abs(value) > FARTHEST - 3]
    return "the likelihood keeps rising as " + " and ".join(
        f"{name} runs to {'infinity' if value > 0 else '0'}" for name, value in far
    )


def _end(at: _Point, converged: bool, steps: int, reason: str) -> Maximum:
    deviations = np.full(len(at.theta), np.inf)
    if converged:
        deviations = np.sqrt(np.diag(np.linalg.inv(-at.hessian)))
        message = f"Converged after {steps} steps."
    else:
        message = (
            f"Not converged: {reason}. The data do not tell the parameters apart; take more customers or a longer "
            "time, and do not rely on these estimates."
        )
    return Maximum(at.theta, at.value, deviations, converged, message, steps)
