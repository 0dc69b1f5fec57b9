"""The likelihoods against numerical integration over customers, and their slopes against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from models.lifetime.worlds import draw, slope
from salesops.models.lifetime import BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD, gamma_gamma, shifted_beta_geometric
from salesops.models.lifetime.purchase_model import PurchaseModel
from salesops.models.lifetime.rows import Histories
from salesops.models.lifetime.sums import tail_counts

HISTORIES = [(0, 0, 0), (0, 0, 40), (1, 3, 12), (4, 30, 30), (7, 5, 39)]
GEOMETRIC = [{"r": 0.6, "alpha": 5.0, "a": 0.8, "b": 2.5}, {"r": 3.0, "alpha": 9.0, "a": 2.0, "b": 1.5}]
PARETO = [{"r": 0.6, "alpha": 10.0, "s": 0.7, "beta": 12.0}, {"r": 2.0, "alpha": 15.0, "s": 1.6, "beta": 4.0}]


def given(model: type[PurchaseModel], params: dict[str, float]) -> PurchaseModel:
    ready = model()
    ready.params_ = params
    return ready


def histories(seed: int, most: int) -> Histories:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, most + 1, 40).astype(float)
    T = rng.uniform(0, 3, 40)
    t_x = np.where(x > 0, T * rng.random(40) ** 0.3, 0)
    t_x[::5] = np.where(x[::5] > 0, T[::5], 0)
    T[1], x[1], t_x[1] = 0, 0, 0
    return Histories(x, t_x, T, rng.uniform(0.5, 3, 40))


@pytest.mark.parametrize("params", GEOMETRIC)
@pytest.mark.parametrize(("x", "t_x", "T"), HISTORIES)
@pytest.mark.parametrize("first", [0, 1])
def test_geometric_dropout_by_integration(params: dict[str, float], x: int, t_x: float, T: float, first: int) -> None:
    """BG (no chance to leave at first) and MBG (one): the likelihood of λ and p, integrated over customers."""
    rate, leaves = stats.gamma(params["r"], scale=1 / params["alpha"]), stats.beta(params["a"], params["b"])

    def given_p(time: float) -> float:
        return integrate.quad(lambda buys: rate.pdf(buys) * buys**x * np.exp(-buys * time), 0, np.inf)[0]

    stays = leaves.expect(lambda p: (1 - p) ** (x + first))
    left = leaves.expect(lambda p: p * (1 - p) ** (x + first - 1)) if x + first else 0.0
    expected = np.log(stays * given_p(T) + left * given_p(t_x))
    model = given(ModifiedBetaGeoNBD if first else BetaGeoNBD, params)
    assert model.score(x, t_x, T) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("params", PARETO)
@pytest.mark.parametrize(("x", "t_x", "T"), HISTORIES)
def test_pareto_by_integration(params: dict[str, float], x: int, t_x: float, T: float) -> None:
    """Pareto/NBD: λ^x [λ e^−(λ+μ)T + μ e^−(λ+μ)t_x] ÷ (λ + μ), integrated over the λ and μ of customers."""
    rate, death = (
        stats.gamma(params["r"], scale=1 / params["alpha"]),
        stats.gamma(params["s"], scale=1 / params["beta"]),
    )

    # over logarithms the densities have no pole at 0, and the trapezoidal rule converges fast
    logs = np.arange(-50, 5, 0.05)
    buys, leaves = np.exp(logs)[:, None], np.exp(logs)[None, :]
    either = buys + leaves
    seen = buys**x * (buys * np.exp(-either * T) + leaves * np.exp(-either * t_x)) / either
    value = (seen * rate.pdf(buys) * buys * death.pdf(leaves) * leaves).sum() * 0.05**2
    assert given(ParetoNBD, params).score(x, t_x, T) == pytest.approx(np.log(value), abs=1e-9)


@pytest.mark.parametrize("model", [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD])
@pytest.mark.parametrize("most", [3, 60, 10_000])
@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_slopes_by_finite_differences(model: type[PurchaseModel], most: int, spread: float) -> None:
    """Gradient and Hessian are those of finite differences, for few and for 10,000 purchases."""
    rows, rng = histories(most, most), np.random.default_rng(9)
    for _ in range(5):
        theta = rng.normal(0, spread, 4)
        value, gradient, hessian = model()._log_likelihood(theta, rows)
        by_value = slope(lambda t: np.array(model()._log_likelihood(t, rows)[0]), theta)
        by_gradient = slope(lambda t: model()._log_likelihood(t, rows)[1], theta)
        assert gradient == pytest.approx(by_value, abs=1e-7 * (1 + abs(value)))
        assert hessian == pytest.approx(by_gradient, abs=1e-6 * (1 + np.abs(hessian).max()))


@pytest.mark.parametrize("model", [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD])
def test_standard_errors_by_the_curvature_in_the_parameters(model: type[PurchaseModel]) -> None:
    """The delta method from logarithms gives what the curvature in the parameters themselves gives."""
    world = draw(model.__name__, PARETO[0] if model is ParetoNBD else GEOMETRIC[0], 3000, age=40, ahead=0, seed=2)
    found = model().fit(world.x, world.t_x, world.T)
    assert found.converged_
    at = np.array(list(found.params_.values()))

    def value(params: np.ndarray) -> np.ndarray:
        ready = given(model, dict(zip(found.params_, params * at, strict=True)))
        return np.array(3000 * ready.score(world.x, world.t_x, world.T))

    curvature = slope(lambda p: slope(value, p), np.ones(4))
    errors = at * np.sqrt(np.diag(np.linalg.inv(-curvature)))
    assert np.array(list(found.standard_errors_.values())) == pytest.approx(errors, rel=1e-3)


@pytest.mark.parametrize(("x", "spend"), [(1, 12.0), (4, 30.0), (40, 8.0)])
def test_gamma_gamma_by_integration(x: int, spend: float) -> None:
    """The mean of x purchases is gamma(p·x, ν·x), integrated over the ν of customers."""
    p, q, v = 6.0, 3.7, 15.0
    scale = stats.gamma(q, scale=1 / v)
    density = integrate.quad(lambda n: scale.pdf(n) * stats.gamma.pdf(spend, p * x, scale=1 / (n * x)), 0, np.inf)[0]
    model = gamma_gamma.GammaGamma()
    model.params_ = {"p": p, "q": q, "v": v}
    assert model.score(x, spend) == pytest.approx(np.log(density), abs=1e-6)


def test_gamma_gamma_slopes() -> None:
    """Gradient and Hessian are those of finite differences."""
    rng = np.random.default_rng(3)
    x, spend, n = rng.integers(1, 30, 50).astype(float), rng.gamma(3, 0.3, 50), rng.uniform(0.5, 2, 50)
    for theta in rng.normal(0.5, 1, (8, 3)):
        value, gradient, hessian = gamma_gamma._log_likelihood(theta, x, spend, n)
        by_value = slope(lambda t: np.array(gamma_gamma._log_likelihood(t, x, spend, n)[0]), theta)
        by_gradient = slope(lambda t: gamma_gamma._log_likelihood(t, x, spend, n)[1], theta)
        assert gradient == pytest.approx(by_value, abs=1e-7 * (1 + abs(value)))
        assert hessian == pytest.approx(by_gradient, abs=1e-6 * (1 + np.abs(hessian).max()))


def test_renewals_by_integration() -> None:
    """A contract that ends at the end of period t has θ(1 − θ)^(t − 1), one of n renewals (1 − θ)^n."""
    model = shifted_beta_geometric.ShiftedBetaGeometric()
    model.params_ = {"alpha": 0.7, "beta": 1.9}
    ends = stats.beta(0.7, 1.9)
    for periods in (1, 2, 9):
        ended = ends.expect(lambda o, t=periods: o * (1 - o) ** (t - 1))
        renewed = ends.expect(lambda o, t=periods: (1 - o) ** t)
        assert model.score(periods, True) == pytest.approx(np.log(ended), abs=1e-6)
        assert model.score(periods, False) == pytest.approx(np.log(renewed), abs=1e-6)
        assert model.survival(periods) == pytest.approx(renewed, abs=1e-6)


def test_renewal_slopes() -> None:
    """Gradient and Hessian are those of finite differences."""
    rng = np.random.default_rng(4)
    renewed, ended = rng.uniform(0, 50, 12), rng.uniform(0, 20, 12)
    for theta in rng.normal(0, 1, (8, 2)):
        value, gradient, hessian = shifted_beta_geometric._log_likelihood(theta, renewed, ended)
        by_value = slope(lambda t: np.array(shifted_beta_geometric._log_likelihood(t, renewed, ended)[0]), theta)
        by_gradient = slope(lambda t: shifted_beta_geometric._log_likelihood(t, renewed, ended)[1], theta)
        assert gradient == pytest.approx(by_value, abs=1e-7 * (1 + abs(value)))
        assert hessian == pytest.approx(by_gradient, abs=1e-6 * (1 + np.abs(hessian).max()))


def test_tail_counts_by_hand() -> None:
    """Customers with more than j purchases, for each j below the most."""
    assert list(tail_counts(np.array([0.0, 3.0, 1.0]), np.array([5.0, 2.0, 1.0]))) == [3, 2, 2]
    assert len(tail_counts(np.zeros(2), np.ones(2))) == 0
