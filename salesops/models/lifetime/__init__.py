"""Lifetime value: models of repeat purchases, of spend and of contract renewals."""

from salesops.models.lifetime.backtest import backtest
from salesops.models.lifetime.beta_geo import BetaGeoNBD, ModifiedBetaGeoNBD
from salesops.models.lifetime.gamma_gamma import GammaGamma
from salesops.models.lifetime.pareto import ParetoNBD
from salesops.models.lifetime.shifted_beta_geometric import ShiftedBetaGeometric

__all__ = ["BetaGeoNBD", "GammaGamma", "ModifiedBetaGeoNBD", "ParetoNBD", "ShiftedBetaGeometric", "backtest"]
