"""Lifetime value against the direct sum."""

from __future__ import annotations

import numpy as np
import pytest

from salesops.errors import HistoryError
from salesops.models.lifetime import BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD
from salesops.models.lifetime.discount import discount_weights
from salesops.models.lifetime.purchase_model import PurchaseModel

GEOMETRIC = {"r": 0.6, "alpha": 5.0, "a": 0.8, "b": 2.5}
PARETO = {"r": 0.6, "alpha": 10.0, "s": 0.7, "beta": 12.0}
MODELS = [(BetaGeoNBD, GEOMETRIC), (ModifiedBetaGeoNBD, GEOMETRIC), (ParetoNBD, PARETO)]
CUSTOMERS = ([0, 2, 60], [0, 30.43, 20], [0, 38.86, 39])


def given(model: type[PurchaseModel], params: dict[str, float]) -> PurchaseModel:
    ready = model()
    ready.params_ = dict(params)
    return ready


def direct(told: PurchaseModel, horizon: float, discount: float) -> np.ndarray:
    """Walk through the units one by one, as the formula says."""
    value, before = np.zeros(3), np.zeros(3)
    for j in range(1, int(np.ceil(horizon)) + 1):
        end = min(j, horizon)
        until = told.expected_purchases(end, *CUSTOMERS)
        value += (until - before) / (1 + discount) ** end
        before = until
    return value


@pytest.mark.parametrize(("model", "params"), MODELS)
@pytest.mark.parametrize("horizon", [0.25, 1, 7.5, 39, 156, 700.5])
@pytest.mark.parametrize("discount", [0.0, 0.002, 0.3])
def test_value_is_the_direct_sum(
    model: type[PurchaseModel], params: dict[str, float], horizon: float, discount: float
) -> None:
    """Purchases of each unit count at its end, discounted; also where the sum is taken over few points."""
    told = given(model, params)
    spend = np.array([10.0, 20.0, 35.0])
    value = told.lifetime_value(horizon, *CUSTOMERS, spend, discount=discount)
    assert value == pytest.approx(spend * direct(told, horizon, discount), rel=1e-8)


def test_without_discount_it_is_spend_times_purchases() -> None:
    """Nothing is lost over 20 years of days but what customers do not buy."""
    told = given(ModifiedBetaGeoNBD, GEOMETRIC)
    value = told.lifetime_value(7300, *CUSTOMERS, 12.5)
    assert value == pytest.approx(12.5 * told.expected_purchases(7300, *CUSTOMERS), rel=1e-9)
    assert (told.lifetime_value(0, *CUSTOMERS, 12.5) == 0).all()


def test_many_units_are_gathered_in_few_points() -> None:
    """The weights of 100,000 units need 100 evaluations at most, and sum a smooth curve as all units do."""
    times, weights = discount_weights(100_000, 1e-4, 4.0)
    assert len(times) < 100
    units = np.arange(1, 100_001)
    curve = np.log1p(units / 9)
    increments = np.diff(curve, prepend=0)
    assert weights @ np.log1p(times / 9) == pytest.approx((increments * 1.0001 ** -units.astype(float)).sum(), rel=1e-8)


@pytest.mark.parametrize(
    ("horizon", "discount", "message"),
    [
        (-1, 0.0, r"horizon: expected a time from 0 to 1,000,000 units of the fit, found -1\. Fit in larger units"),
        (float("nan"), 0.0, "horizon: expected a time"),
        (2e6, 0.0, "found 2e\\+06"),
        (52, -0.1, r"discount: expected a fraction per time unit, 0 or more, found -0\.1\. Give \.01 for 1%"),
        (52, float("inf"), "discount: expected a fraction"),
    ],
)
def test_impossible_horizons_and_discounts_are_refused(horizon: float, discount: float, message: str) -> None:
    """A horizon or discount that cannot be is refused with what was expected."""
    with pytest.raises(HistoryError, match=message):
        given(BetaGeoNBD, GEOMETRIC).lifetime_value(horizon, *CUSTOMERS, 1, discount=discount)
