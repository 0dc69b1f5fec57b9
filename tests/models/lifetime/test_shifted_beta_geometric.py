"""Contract renewals."""

from __future__ import annotations

import examples
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from salesops.errors import HistoryError
from salesops.models.lifetime import ShiftedBetaGeometric

# Fader and Hardie (2007): of 1,000 customers, those still here after 1 … 7 years
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]


def of_survivors(survivors: list[int]) -> ShiftedBetaGeometric:
    years = len(survivors) - 1
    lost = -np.diff(survivors)
    return ShiftedBetaGeometric().fit([*range(1, years + 1), years], [True] * years + [False], [*lost, survivors[-1]])


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta", "log_likelihood"),
    [(HIGH_END, 0.668, 3.806, -1611.2), (REGULAR, 0.704, 1.182, -1680.3)],
)
def test_published_estimates(survivors: list[int], alpha: float, beta: float, log_likelihood: float) -> None:
    """The two segments of the paper, to the digits printed."""
    found = of_survivors(survivors)
    assert found.converged_
    assert found.params_ == pytest.approx({"alpha": alpha, "beta": beta}, abs=0.0005)
    assert found.log_likelihood_ == pytest.approx(log_likelihood, abs=0.05)
    assert found.score([8], [False], [1000]) == pytest.approx(np.log(found.survival(8)))


def test_parameters_are_recovered() -> None:
    """From 50,000 contracts, many still running, the fit finds what they were drawn from."""
    rng = np.random.default_rng(1)
    ends = rng.geometric(np.maximum(rng.beta(0.8, 2.4, 50_000), 1e-9))
    seen = rng.integers(0, 12, 50_000)
    churned = ends <= seen
    found = ShiftedBetaGeometric().fit(np.where(churned, ends, seen), churned)
    assert found.converged_
    for name, value in {"alpha": 0.8, "beta": 2.4}.items():
        assert found.params_[name] == pytest.approx(value, abs=3 * found.standard_errors_[name])


def test_retention_rises_with_tenure_and_multiplies_to_survival() -> None:
    """Survival is the product of the retention rates, which rise; from any tenure on as well."""
    found = of_survivors(HIGH_END)
    rates = found.retention_rate(np.arange(10))
    assert (np.diff(rates) > 0).all()
    assert found.survival(np.arange(1, 11)) == pytest.approx(np.cumprod(rates))
    assert found.probability_active([1, 4], 6) == pytest.approx([rates[6], rates[6:10].prod()])
    assert found.survival(0) == pytest.approx(1)


def test_value_is_the_direct_sum() -> None:
    """Each expected renewal counts at its end, discounted; the period already paid is not in it."""
    found = of_survivors(REGULAR)
    expected = sum(found.survival(3 + j) / found.survival(3) * 120 / 1.08**j for j in range(1, 11))
    assert found.lifetime_value(10, 3, 120, discount=0.08) == pytest.approx(expected)
    assert found.lifetime_value(0, 3, 120) == 0
    assert found.lifetime_value(5, [0, 9], [100, 100])[1] > found.lifetime_value(5, 0, 100)


@settings(max_examples=examples.of(100), deadline=None)
@given(rows=st.lists(st.tuples(st.integers(1, 200), st.booleans(), st.integers(1, 500)), min_size=1, max_size=10))
def test_any_contracts_give_numbers(rows: list[tuple[int, bool, int]]) -> None:
    """Whatever the contracts: finite parameters, no error of NaN, survival that falls, and no false convergence."""
    tenure, churned, counts = np.array(rows).T
    found = ShiftedBetaGeometric().fit(tenure, churned, counts)
    assert all(np.isfinite(value) and value > 0 for value in found.params_.values())
    assert not np.isnan(list(found.standard_errors_.values())).any()
    survival = found.survival(np.arange(300))
    assert ((survival >= 0) & (survival <= 1)).all()
    assert (np.diff(survival) <= 1e-12).all()
    if found.converged_:
        best = found.score(tenure, churned, counts)
        for name, value in dict(found.params_).items():
            for factor in (0.9, 1.1):
                found.params_[name] = value * factor
                assert found.score(tenure, churned, counts) <= best + 1e-9 * abs(best)
            found.params_[name] = value


@pytest.mark.parametrize("churned", [0, 1])
def test_all_or_none_left_has_no_maximum(churned: int) -> None:
    """If everybody renewed, or everybody left at once, nothing tells how customers differ."""
    found = ShiftedBetaGeometric().fit([1, 1, 1], [churned] * 3)
    assert not found.converged_
    assert found.survival(1) == pytest.approx(1 - churned, abs=0.01)


@pytest.mark.parametrize(
    ("tenure", "churned", "message"),
    [
        ([1, 1.5], [0, 0], "tenure: expected whole numbers of contract periods from 0 to 1,000,000; 1 of 2 rows"),
        ([1, 1], [0, 2], "churned: expected true or false; 1 of 2 rows"),
        ([0, 3], [1, 0], r"tenure: expected 1 or more of customers who left \(1: never renewed\); 1 of 2 rows"),
        ([], [], "A fit needs one customer at least"),
    ],
)
def test_impossible_contracts_are_refused(tenure: list[float], churned: list[int], message: str) -> None:
    """Contracts that cannot be are refused with what was expected, how many, and the first."""
    with pytest.raises(HistoryError, match=message):
        ShiftedBetaGeometric().fit(tenure, churned)


def test_impossible_horizons_are_refused() -> None:
    """A horizon is whole periods, a discount not negative."""
    with pytest.raises(HistoryError, match=r"whole periods and a discount of 0 or more per period, found 2\.5 and 0"):
        of_survivors(REGULAR).lifetime_value(2.5, 3, 120)
    with pytest.raises(HistoryError, match="horizon: expected whole numbers of contract periods"):
        of_survivors(REGULAR).probability_active(0.5, 3)


def test_scikit_learns_manner() -> None:
    """Parameters of the climb are read, set and cloned as in scikit-learn."""
    model = ShiftedBetaGeometric(tol=1e-4)
    assert clone(model).get_params() == {"max_iter": 100, "tol": 1e-4}
