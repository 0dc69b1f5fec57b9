"""Spend of a purchase."""

from __future__ import annotations

import examples
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from sklearn.base import clone

from salesops.errors import HistoryError
from salesops.models.lifetime import GammaGamma


def ready(p: float, q: float, v: float) -> GammaGamma:
    model = GammaGamma()
    model.params_ = {"p": p, "q": q, "v": v}
    return model


def drawn(customers: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customers with p = 6, q = 4, v = 15; purchases, mean spend, and the true mean spend."""
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 9, customers)
    scale = rng.gamma(4, 1 / 15, customers)
    return x, rng.gamma(6 * x, 1 / (scale * x)), 6 / scale


def test_parameters_are_recovered() -> None:
    """From 40,000 customers the fit finds what they were drawn from, within three standard errors."""
    x, spend, _ = drawn(40_000)
    found = GammaGamma().fit(x, spend)
    assert found.converged_
    for name, value in {"p": 6, "q": 4, "v": 15}.items():
        assert found.params_[name] == pytest.approx(value, abs=3 * found.standard_errors_[name])


def test_expected_spend_is_the_mean_of_what_customers_mean() -> None:
    """Among customers with x purchases the forecast is right on average, and correlates with the true mean."""
    x, spend, true = drawn(100_000, seed=2)
    told = ready(6, 4, 15).expected_spend(x, spend)
    for count in (1, 4, 8):
        among = x == count
        doubt = np.std(true[among] - told[among]) / np.sqrt(among.sum())
        assert told[among].mean() == pytest.approx(true[among].mean(), abs=4 * doubt)


@pytest.mark.parametrize(("x", "spend"), [(1, 12.0), (5, 80.0)])
def test_expected_spend_by_integration(x: int, spend: float) -> None:
    """The mean of p ÷ ν over the ν that the customer's record leaves possible."""
    p, q, v = 6.2, 3.7, 15.4
    left = stats.gamma(p * x + q, scale=1 / (v + x * spend))
    expected = integrate.quad(lambda n: left.pdf(n) * p / n, 0, np.inf)[0]
    assert ready(p, q, v).expected_spend(x, spend) == pytest.approx(expected, rel=1e-6)


def test_without_a_record_the_population_counts() -> None:
    """With no repeat purchase the mean is p·v ÷ (q − 1), whatever monetary says; without a mean it is infinite."""
    assert ready(6, 4, 15).expected_spend([0, 0], [0, np.nan]) == pytest.approx([30, 30])
    assert ready(0.3, 0.5, 15).expected_spend([0, 1, 2], [1, 1, 1]) == pytest.approx([np.inf, np.inf, 0.3 * 17 / 0.1])


def test_customers_without_repeat_purchase_are_left_out_and_counted() -> None:
    """They change nothing, and left_out_ says how many they are."""
    x, spend, _ = drawn(500)
    alone = GammaGamma().fit(x, spend)
    more = GammaGamma().fit([*x, 0, 0], [*spend, 0, 99], counts=[1] * 500 + [2, 1])
    assert more.params_ == pytest.approx(alone.params_, rel=1e-9)
    assert (alone.left_out_, more.left_out_) == (0, 3)
    assert more.score([*x, 0], [*spend, 0]) == pytest.approx(alone.log_likelihood_ / 500)


@settings(max_examples=examples.of(60), deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(1, 10_000), st.floats(1e-3, 1e5)), min_size=1, max_size=15),
    unit=st.sampled_from([1e-3, 1.0, 1e5]),
)
def test_any_spend_gives_numbers(rows: list[tuple[int, float]], unit: float) -> None:
    """Whatever the customers spend: finite parameters, no error of NaN, a spend above 0, and no false convergence."""
    x, spend = np.array(rows, dtype=float).T
    found = GammaGamma().fit(x, spend * unit)
    assert all(np.isfinite(value) and value > 0 for value in found.params_.values())
    assert not np.isnan(list(found.standard_errors_.values())).any()
    assert (found.expected_spend(x, spend * unit) > 0).all()
    if found.converged_:
        best = found.score(x, spend * unit)
        for name, value in dict(found.params_).items():
            for factor in (0.9, 1.1):
                found.params_[name] = value * factor
                assert found.score(x, spend * unit) <= best + 1e-9 * abs(best)
            found.params_[name] = value


def test_equal_spend_has_no_maximum() -> None:
    """Customers who all spend the same do not tell how spend varies: not converged."""
    found = GammaGamma().fit([1, 2, 3], [10, 10, 10])
    assert not found.converged_
    assert found.message_.startswith("Not converged: ")
    assert found.expected_spend(2, 10) == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize(
    ("x", "spend", "message"),
    [
        ([1, 2], [5, 0], r"monetary: expected a finite mean spend above 0 where frequency is above 0; 1 of 2 rows"),
        ([1], [np.nan], "monetary: expected a finite mean spend"),
        ([0, 0], [0, 0], "A fit of spend needs customers with repeat purchases; found none in 2 rows"),
    ],
)
def test_impossible_spend_is_refused(x: list[int], spend: list[float], message: str) -> None:
    """Spend that cannot be, or nobody who bought again, is refused with what was expected."""
    with pytest.raises(HistoryError, match=message):
        GammaGamma().fit(x, spend)


def test_scikit_learns_manner() -> None:
    """Parameters of the climb are read, set and cloned as in scikit-learn."""
    model = GammaGamma(max_iter=7)
    assert model.get_params() == {"max_iter": 7, "tol": 1e-7}
    assert clone(model).set_params(tol=1e-3).get_params() == {"max_iter": 7, "tol": 1e-3}
