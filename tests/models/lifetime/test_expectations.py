"""Forecasts of single customers against integration, published closed forms, and customers drawn from the models."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special, stats

from models.lifetime.worlds import draw
from salesops.models.lifetime import BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD
from salesops.models.lifetime.beta_geo import mean_purchases
from salesops.models.lifetime.powers import Powers, log_integral
from salesops.models.lifetime.purchase_model import PurchaseModel

GEOMETRIC = {"r": 0.6, "alpha": 5.0, "a": 0.8, "b": 2.5}
PARETO = {"r": 0.6, "alpha": 10.0, "s": 0.7, "beta": 12.0}
MODELS = [(BetaGeoNBD, GEOMETRIC), (ModifiedBetaGeoNBD, GEOMETRIC), (ParetoNBD, PARETO)]
HISTORIES = ([0, 0, 1, 2, 7, 40, 10_000], [0, 0, 3, 30, 5, 39, 38], [0, 40, 12, 38, 39, 39.5, 39])


def given(model: type[PurchaseModel], params: dict[str, float]) -> PurchaseModel:
    ready = model()
    ready.params_ = dict(params)
    return ready


@pytest.mark.parametrize(("model", "params"), MODELS)
def test_forecasts_add_up_to_what_customers_then_buy(model: type[PurchaseModel], params: dict[str, float]) -> None:
    """Of 60,000 customers drawn from the model: purchases, buyers and those alive, by frequency, as foretold."""
    world = draw(model.__name__, params, 60_000, age=40, ahead=25, seed=6)
    told = given(model, params)
    histories = (world.x, world.t_x, world.T)
    pairs = (
        (told.expected_purchases(25, *histories), world.later),
        (told.probability_active(25, *histories), world.later > 0),
        (told.probability_alive(*histories), world.alive),
    )
    for among in (world.x == 0, (world.x > 0) & (world.x < 4), world.x >= 4):
        for foretold, came in pairs:
            doubt = np.std(came[among] - foretold[among]) / np.sqrt(among.sum())
            assert foretold[among].mean() == pytest.approx(came[among].mean(), abs=4 * doubt + 1e-12)


@pytest.mark.parametrize(("model", "params"), MODELS)
def test_parameters_are_recovered(model: type[PurchaseModel], params: dict[str, float]) -> None:
    """From 60,000 customers the fit finds what they were drawn from, within three standard errors."""
    world = draw(model.__name__, params, 60_000, age=40, ahead=0, seed=7)
    found = model().fit(world.x, world.t_x, world.T)
    assert found.converged_
    for name, value in params.items():
        assert found.params_[name] == pytest.approx(value, abs=3 * found.standard_errors_[name])


@pytest.mark.parametrize("a", [0.3, 0.8, 1.0, 3.0, 30.0])
@pytest.mark.parametrize(("k", "b"), [(0.3, 0.5), (2.6, 4.5), (40.6, 43.0), (10_000.6, 10_002.5)])
@pytest.mark.parametrize("z", [1e-6, 0.5, 20.0, 1e4])
def test_mean_over_dropout_by_integration(a: float, k: float, b: float, z: float) -> None:
    """The mean of (1 − (1 + pz)^−k) ÷ p over beta(a, b), against adaptive integration of both tails."""

    def term(logit: float) -> float:
        p = special.expit(logit)
        log_density = a * logit - (a + b) * np.logaddexp(0, logit) - special.betaln(a, b)
        return float(np.exp(log_density) * -np.expm1(-k * np.log1p(p * z)) / p)

    edges = np.array([-150, -60, -30, *np.arange(-20, 21, 2.0), 30, 90])
    nothing = 1e-13 * min(1.0, k * z)
    parts = [integrate.quad(term, *edges[i : i + 2], epsabs=nothing, epsrel=1e-11)[0] for i in range(len(edges) - 1)]
    found = mean_purchases(np.array(z), np.array(k), a, np.array(b))
    assert found == pytest.approx(sum(parts), rel=1e-8)


@pytest.mark.parametrize("x", [0, 1, 3, 10])
@pytest.mark.parametrize("model", [BetaGeoNBD, ModifiedBetaGeoNBD])
def test_published_form_of_expected_purchases(model: type[PurchaseModel], x: int) -> None:
    """For few purchases the published form with ₂F₁ holds: c ÷ (a − 1) × [1 − (…)^(r + x) ₂F₁(…)] × P(alive)."""
    r, alpha, a, b = GEOMETRIC.values()
    t, T, t_x = 26.0, 39.0, 20.0 * (x > 0)
    b += x + (model is ModifiedBetaGeoNBD)
    c = a + b - 1
    share = (alpha + T) / (alpha + T + t)
    hyper = special.hyp2f1(r + x, b, c, t / (alpha + T + t))
    told = given(model, GEOMETRIC)
    expected = c / (a - 1) * (1 - share ** (r + x) * hyper) * told.probability_alive(x, t_x, T)
    assert told.expected_purchases(t, x, t_x, T) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("model", [BetaGeoNBD, ModifiedBetaGeoNBD])
def test_nothing_breaks_at_a_of_one(model: type[PurchaseModel]) -> None:
    """Expected purchases run smoothly through a = 1, where the published form divides by 0."""
    around = [given(model, {**GEOMETRIC, "a": a}).expected_purchases(39, *HISTORIES) for a in (1 - 1e-6, 1.0, 1 + 1e-6)]
    assert around[1] == pytest.approx((around[0] + around[2]) / 2, rel=1e-9)
    assert (np.diff(around, axis=0) < 0).all()


def test_nothing_breaks_at_s_of_one() -> None:
    """Pareto/NBD's expected purchases run smoothly through s = 1."""
    around = [
        given(ParetoNBD, {**PARETO, "s": s}).expected_purchases(39, *HISTORIES) for s in (1 - 1e-6, 1.0, 1 + 1e-6)
    ]
    assert around[1] == pytest.approx((around[0] + around[2]) / 2, rel=1e-9)


@pytest.mark.parametrize(("x", "t_x", "T"), [(0, 0, 0), (0, 0, 30), (3, 20, 30), (12, 29, 30)])
def test_pareto_next_purchase_by_integration(x: int, t_x: float, T: float) -> None:
    """P(active) and E of a customer alive at T, integrated over the λ and μ that the history leaves possible."""
    r, alpha, s, beta = PARETO.values()
    logs, t = np.arange(-45, 4, 0.05), 20.0
    buying, leaving = np.exp(logs)[:, None], np.exp(logs)[None, :]
    rates = stats.gamma(r + x, scale=1 / (alpha + T)).pdf(buying) * stats.gamma(s, scale=1 / (beta + T)).pdf(leaving)
    weight = rates * buying * leaving
    either = buying + leaving
    buys = (weight * buying / either * -np.expm1(-either * t)).sum() / weight.sum()
    purchases = (weight * buying / leaving * -np.expm1(-leaving * t)).sum() / weight.sum()
    told = given(ParetoNBD, PARETO)
    alive = told.probability_alive(x, t_x, T)
    assert told.probability_active(t, x, t_x, T) / alive == pytest.approx(buys, rel=1e-7)
    assert told.expected_purchases(t, x, t_x, T) / alive == pytest.approx(purchases, rel=1e-7)


@pytest.mark.parametrize("p", [0.2, 1.5, 60.0, 10_000.0])
@pytest.mark.parametrize("q", [0.3, 1.7, 25.0])
@pytest.mark.parametrize(("alpha", "beta"), [(10.0, 12.0), (0.01, 50.0), (300.0, 0.002), (7.0, 7.0)])
def test_integral_of_powers(p: float, q: float, alpha: float, beta: float) -> None:
    """∫ (1 + τ ÷ alpha)^−p (1 + τ ÷ beta)^−q dτ against adaptive integration over many panels."""
    for start, end in ((0.0, 39.0), (30.0, 30.5), (1.0, 1e5)):
        scale = (min(alpha, beta) + start) / (p + q + 1)
        logs = np.log1p((end - start) / scale)

        def term(y: float, scale: float = scale, start: float = start) -> float:
            tau = start + scale * np.expm1(y)
            first = p * (np.log1p(tau / alpha) - np.log1p(start / alpha))
            return float(scale * np.exp(y - first - q * (np.log1p(tau / beta) - np.log1p(start / beta))))

        edges = np.linspace(0, logs, 60)
        total = sum(integrate.quad(term, *edges[i : i + 2], epsabs=0, epsrel=1e-12)[0] for i in range(59))
        expected = np.log(total) - p * np.log1p(start / alpha) - q * np.log1p(start / beta)
        found = log_integral(Powers.of(alpha, beta, p, q, np.array(start), end))
        assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("model", "params"), MODELS)
def test_forecasts_agree_with_each_other(model: type[PurchaseModel], params: dict[str, float]) -> None:
    """P(active) ≤ P(alive), P(active) ≤ E, all rise with the horizon, and in a short time P(active) is E."""
    told = given(model, params)
    alive = told.probability_alive(*HISTORIES)
    spans = [0, 1e-6, 1, 10, 1e3, 1e6]
    active = np.array([told.probability_active(t, *HISTORIES) for t in spans])
    purchases = np.array([told.expected_purchases(t, *HISTORIES) for t in spans])
    assert (active <= alive * (1 + 1e-12)).all()
    assert (active <= purchases * (1 + 1e-9)).all()
    assert (np.diff(active, axis=0) >= -1e-12).all()
    assert (np.diff(purchases, axis=0) >= 0).all()
    assert (active[0] == 0).all()
    assert (purchases[0] == 0).all()
    assert active[1] == pytest.approx(purchases[1], rel=1e-3)


@pytest.mark.parametrize(("model", "params"), MODELS)
def test_columns_and_numbers_may_mix(model: type[PurchaseModel], params: dict[str, float]) -> None:
    """A horizon for each customer, one customer for many horizons, and single numbers give the same values."""
    told = given(model, params)
    many = told.expected_purchases([[5], [39]], [0, 3], [0, 9], [12, 20])
    assert many.shape == (2, 2)
    assert many[1, 1] == pytest.approx(float(told.expected_purchases(39, 3, 9, 20)))
    assert told.expected_purchases(39, [], [], []).shape == (0,)
    assert isinstance(told.probability_active(39, 3, 9, 20), float)
    assert isinstance(told.probability_alive(3, 9, 20), float)
