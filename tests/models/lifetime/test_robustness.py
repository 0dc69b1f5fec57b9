"""No history breaks a fit, and no fit claims a maximum that it did not find."""

from __future__ import annotations

import examples
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.lifetime.worlds import draw
from salesops.models.lifetime import BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD
from salesops.models.lifetime.purchase_model import PurchaseModel

MODELS = [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD]
PARAMS = {"ParetoNBD": {"r": 0.6, "alpha": 10.0, "s": 0.7, "beta": 12.0}}
GEOMETRIC = {"r": 0.6, "alpha": 5.0, "a": 0.8, "b": 2.5}


@st.composite
def histories(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Any customers: up to 10,000 purchases, bought to the last day or never again, T = 0, any unit of time."""
    unit = 10.0 ** draw(st.integers(-3, 5))
    count = draw(st.sampled_from([1, 2, 5, 20]))
    most = draw(st.sampled_from([0, 1, 5, 200, 10_000]))
    customers = []
    for _ in range(count):
        T = draw(st.one_of(st.just(0.0), st.floats(0.01, 60))) * unit
        x = draw(st.integers(0, most))
        t_x = T * draw(st.sampled_from([0.0, 0.1, 0.5, 0.99, 1.0])) if x else 0.0
        customers.append((x, t_x, T))
    x, t_x, T = np.array(customers, dtype=float).T
    return x, t_x, T


def predictions(model: PurchaseModel, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, horizon: float) -> None:
    """Claim that all forecasts are finite and possible."""
    alive, active = model.probability_alive(x, t_x, T), model.probability_active(horizon, x, t_x, T)
    purchases = model.expected_purchases(horizon, x, t_x, T)
    assert np.isfinite(purchases).all()
    assert (purchases >= 0).all()
    assert ((alive >= 0) & (alive <= 1)).all()
    assert ((active >= 0) & (active <= alive + 1e-12)).all()
    assert (active <= purchases * (1 + 1e-9) + 1e-300).all()


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=examples.of(40), deadline=None)
@given(data=histories(), ahead=st.floats(0.01, 100))
def test_any_history_gives_numbers(
    model: type[PurchaseModel], data: tuple[np.ndarray, np.ndarray, np.ndarray], ahead: float
) -> None:
    """Whatever the customers: finite parameters and likelihood, no error of NaN, and possible forecasts."""
    found = model().fit(*data)
    assert all(np.isfinite(value) and value > 0 for value in found.params_.values())
    assert np.isfinite(found.log_likelihood_)
    assert not np.isnan(list(found.standard_errors_.values())).any()
    assert found.converged_ == all(np.isfinite(list(found.standard_errors_.values())))
    predictions(found, *data, ahead * max(data[2].max(), 1e-3))


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=examples.of(40), deadline=None)
@given(data=histories())
def test_a_claimed_maximum_is_one(model: type[PurchaseModel], data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Where a fit says that it converged, no step of 1% to 50% in any one parameter is likelier."""
    found = model().fit(*data)
    if not found.converged_:
        assert found.message_.startswith("Not converged: ")
        return
    best = found.score(*data)
    for name, value in dict(found.params_).items():
        for factor in (0.5, 0.99, 1.01, 2.0):
            found.params_[name] = value * factor
            assert found.score(*data) <= best + 1e-9 * abs(best)
        found.params_[name] = value


@settings(max_examples=examples.of(200), deadline=None)
@given(
    data=histories(),
    logs=st.lists(st.floats(-7, 7), min_size=4, max_size=4),
    model=st.sampled_from(MODELS),
    near_one=st.booleans(),
)
def test_any_parameters_give_possible_forecasts(
    data: tuple[np.ndarray, np.ndarray, np.ndarray], logs: list[float], model: type[PurchaseModel], near_one: bool
) -> None:
    """For parameters from .001 to 1,000, and a or s next to 1, the forecasts of any history are possible."""
    told = model()
    told.params_ = dict(zip(model.NAMES, np.exp(logs).tolist(), strict=True))
    if near_one:
        told.params_[model.NAMES[2]] = 1 + 1e-9 * logs[0]
    assert np.isfinite(told.score(*data))
    predictions(told, *data, 30.0)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("unit", [1e-3, 1.0, 7.0, 1e5])
def test_the_unit_of_time_changes_nothing(model: type[PurchaseModel], unit: float) -> None:
    """In other units alpha and beta are as much larger; the likelihood loses x·log(unit); forecasts are the same."""
    world = draw(model.__name__, PARAMS.get(model.__name__, GEOMETRIC), 2000, age=40, ahead=0, seed=8)
    weeks = model().fit(world.x, world.t_x, world.T)
    other = model().fit(world.x, world.t_x * unit, world.T * unit)
    assert weeks.converged_
    assert other.converged_
    factors = {name: unit if name in model.TIMES else 1.0 for name in model.NAMES}
    assert other.params_ == pytest.approx({n: weeks.params_[n] * f for n, f in factors.items()}, rel=1e-6)
    assert other.log_likelihood_ == pytest.approx(weeks.log_likelihood_ - world.x.sum() * np.log(unit), abs=1e-5)
    assert other.expected_purchases(20 * unit, 3, 9 * unit, 30 * unit) == pytest.approx(
        float(weeks.expected_purchases(20, 3, 9, 30)), rel=1e-6
    )


@pytest.mark.parametrize("model", MODELS)
def test_customers_who_all_bought_once_have_no_maximum(model: type[PurchaseModel]) -> None:
    """The likelihood rises as customers buy ever more rarely: the fit says so, and foretells next to nothing."""
    T = np.linspace(1, 39, 500)
    found = model().fit(np.zeros(500), np.zeros(500), T)
    assert not found.converged_
    assert found.message_.startswith("Not converged: the likelihood keeps rising as ")
    assert all(np.isinf(list(found.standard_errors_.values())))
    assert found.expected_purchases(39, 0, 0, 39) < 0.01


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("x", "t_x", "T"), [(0, 0, 0), (0, 0, 30), (200, 38, 40), (10_000, 30, 30)])
def test_one_customer_tells_nothing_of_others(model: type[PurchaseModel], x: int, t_x: float, T: float) -> None:
    """A single customer cannot tell how customers differ: no maximum, finite parameters, and the reason."""
    found = model().fit(x, t_x, T)
    assert not found.converged_
    assert "do not rely on these estimates" in found.message_
    predictions(found, np.array([x]), np.array([t_x]), np.array([T]), 30.0)


@pytest.mark.parametrize("model", MODELS)
def test_a_fit_that_is_cut_short_says_so(model: type[PurchaseModel]) -> None:
    """After max_iter steps without arriving, converged_ is false and the message names max_iter."""
    world = draw(model.__name__, PARAMS.get(model.__name__, GEOMETRIC), 2000, age=40, ahead=0, seed=8)
    found = model(max_iter=2).fit(world.x, world.t_x, world.T)
    assert not found.converged_
    assert found.message_.startswith("Not converged: max_iter was reached after 2 steps.")


@pytest.mark.parametrize("model", MODELS)
def test_order_of_customers_is_nothing(model: type[PurchaseModel]) -> None:
    """Shuffled customers give the same estimates."""
    world = draw(model.__name__, PARAMS.get(model.__name__, GEOMETRIC), 1500, age=40, ahead=0, seed=9)
    mixed = np.random.default_rng(1).permutation(1500)
    one = model().fit(world.x, world.t_x, world.T)
    other = model().fit(world.x[mixed], world.t_x[mixed], world.T[mixed])
    assert other.params_ == pytest.approx(one.params_, rel=1e-9)
