"""Churn: which clients are about to be lost, why, and how far to trust that."""

from salesops.models.churn.additive import AdditiveChurn
from salesops.models.churn.churn import churn
from salesops.models.churn.guard import check_no_leak
from salesops.models.churn.logistic import LogisticChurn
from salesops.models.churn.profit import expected_profit, realised_profit
from salesops.models.churn.result import AtRisk, Churn, ChurnBacktest

__all__ = [
    "AdditiveChurn",
    "AtRisk",
    "Churn",
    "ChurnBacktest",
    "LogisticChurn",
    "check_no_leak",
    "churn",
    "expected_profit",
    "realised_profit",
]
