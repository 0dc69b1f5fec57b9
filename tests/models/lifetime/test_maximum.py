"""The climb: maxima found, saddles left, rises without end named."""

from __future__ import annotations

import numpy as np
import pytest

from salesops.models.lifetime.maximum import Likelihood, Maximum, maximise

NAMES = ("a", "b")


def climb(likelihood: Likelihood, *starts: tuple[float, float], rows: int = 1, max_iter: int = 100) -> Maximum:
    return maximise(likelihood, starts, names=NAMES, max_iter=max_iter, tol=1e-9, rows=rows)


def bowl(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """A maximum of 7 at (1, −2), with curvatures 2 and 8."""
    apart = theta - np.array([1.0, -2.0])
    return 7 - apart[0] ** 2 - 4 * apart[1] ** 2, np.array([-2, -8]) * apart, np.diag([-2.0, -8.0])


def two_peaks(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Maxima at a = e^±1, of which the right one is higher, and a saddle between."""
    t = theta[0]
    value = -((t**2 - 1) ** 2) + 0.1 * t - theta[1] ** 2
    return value, np.array([-4 * t * (t**2 - 1) + 0.1, -2 * theta[1]]), np.diag([4 - 12 * t**2, -2.0])


def for_ever(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Rises to 0 as a runs to infinity; its gradient dies away, its Newton step does not."""
    fall = np.exp(-theta[0])
    return -fall - theta[1] ** 2, np.array([fall, -2 * theta[1]]), np.diag([-fall, -2.0])


def test_a_parabola_takes_one_step() -> None:
    """Newton's method finds a parabola's top at once, and its curvature gives the standard errors."""
    found = climb(bowl, (1.0, 1.0))
    assert found.converged
    assert found.theta == pytest.approx([1, -2])
    assert found.value == pytest.approx(7)
    assert found.deviations == pytest.approx([1 / np.sqrt(2), 1 / np.sqrt(8)])
    assert found.message == f"Converged after {found.iterations} steps."


@pytest.mark.parametrize("start", [0.9, 1.0, 1.1])
def test_a_saddle_is_left(start: float) -> None:
    """From where the curvature is positive the climb goes up, not to the saddle."""
    found = climb(two_peaks, (start, 1.0))
    assert found.converged
    assert abs(found.theta[0]) == pytest.approx(1, abs=0.05)


def test_few_rows_are_climbed_from_every_start() -> None:
    """The highest of all ends is taken where rows are few; over many rows the first maximum is."""
    assert climb(two_peaks, (0.4, 1.0), (2.5, 1.0)).theta[0] > 0
    assert climb(two_peaks, (0.4, 1.0), (2.5, 1.0), rows=1_000_000).theta[0] < 0


def test_a_rise_without_end_is_no_maximum() -> None:
    """A gradient that dies away is not taken for a maximum; the parameter that runs away is named."""
    found = climb(for_ever, (1.0, 1.0))
    assert not found.converged
    assert found.message.startswith("Not converged: the likelihood keeps rising as a runs to infinity. The data")
    assert np.isinf(found.deviations).all()


def test_a_plain_is_no_maximum() -> None:
    """Where nothing changes anything, the climb stays and does not claim a maximum."""
    found = climb(lambda theta: (0.0, np.zeros(2), np.zeros((2, 2))), (1.0, 1.0))
    assert not found.converged
    assert found.message.startswith("Not converged: the likelihood is flat there.")


def test_a_higher_rise_beats_a_lower_maximum() -> None:
    """A maximum that lies below what the likelihood rises to elsewhere is not reported as converged."""

    def hill(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, gradient, hessian = bowl(theta) if theta[0] < 3 else for_ever(theta)
        return (value - 100 if theta[0] < 3 else value), gradient, hessian

    assert not climb(hill, (1.0, 1.0), (np.exp(4.0), 1.0)).converged
    assert climb(hill, (1.0, 1.0)).converged


def test_steps_into_overflow_are_halved() -> None:
    """A step to where the likelihood is not finite is shortened until it is."""

    def cliff(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, gradient, hessian = bowl(theta)
        return (value if theta[0] > 0.9 else np.nan), gradient, hessian / 4  # steps four times too long

    found = climb(cliff, (np.exp(1.5), 1.0))
    assert found.converged
    assert found.theta == pytest.approx([1, -2], abs=1e-6)
