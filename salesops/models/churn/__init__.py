"""Churn: which clients are about to be lost, why, and how far to trust that."""

from salesops.models.churn.churn import churn
from salesops.models.churn.profit import expected_profit, realised_profit
from salesops.models.churn.result import AtRisk, Churn, ChurnBacktest

__all__ = ["AtRisk", "Churn", "ChurnBacktest", "churn", "expected_profit", "realised_profit"]
