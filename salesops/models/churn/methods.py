"""The methods that are compared: baselines, the two models, and a yardstick."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from salesops.models.churn.additive import AdditiveChurn
from salesops.models.churn.calibrated import AdditiveModel
from salesops.models.churn.encoding import Vector, columns_of
from salesops.models.churn.logistic import LogisticChurn
from salesops.models.segments.threads import one_thread

BASE_RATE, HIATUS, TENURE, BTYD = "base rate", "hiatus", "tenure", "BTYD P(active)"
LOGISTIC, ADDITIVE, FULL = "logistic", "additive boosting", "full boosting"
METHODS = (BASE_RATE, HIATUS, TENURE, BTYD, LOGISTIC, ADDITIVE, FULL)
MODELS = (LOGISTIC, ADDITIVE)
RULE = "hiatus rule"
FROM_BTYD = "p_btyd"
_ALONE = {HIATUS: ["hiatus_days"], TENURE: ["tenure_days"]}


def columns_for(method: str, names: list[str]) -> list[str]:
    """Return the features that a method uses: the hiatus rule and tenure one each, a model all."""
    return _ALONE.get(method, names)


def fit_method(method: str, train: pd.DataFrame, names: list[str]) -> AdditiveModel:
    """Return the fitted model of "hiatus", "tenure", "logistic" or "additive boosting".

    The two rules are logistic regressions on the logarithm of their one feature: they rank as it does, and give a
    chance learnt from history.

    Parameters
    ----------
    train : pandas.DataFrame
        account_id, churned (0, 1), and the features `names`.
    """
    models: dict[str, Any] = {
        HIATUS: LogisticChurn(C=np.inf, shapes=("log",), clip=False),
        TENURE: LogisticChurn(C=np.inf, shapes=("log",), clip=False),
        LOGISTIC: LogisticChurn(),
        ADDITIVE: AdditiveChurn(),
    }
    model: AdditiveModel = models[method]
    return model.fit(train[columns_for(method, names)], train.churned, groups=train.account_id)


def chances(method: str, train: pd.DataFrame, test: pd.DataFrame, names: list[str]) -> Vector:
    """Return the chance of each test unit to be lost, by a method fitted on the train units alone.

    NaN where a method has nothing to say: BTYD without a fit, or in contracts.
    """
    if method == BASE_RATE:
        return np.full(len(test), float(train.churned.mean()))
    if method == BTYD:
        return 1 - test[FROM_BTYD].to_numpy(float) if FROM_BTYD in test else np.full(len(test), np.nan)
    if method == FULL:
        return _full(train, test, names)
    model = fit_method(method, train, names)
    return np.asarray(model.predict_proba(test[columns_for(method, names)])[:, 1])


def _full(train: pd.DataFrame, test: pd.DataFrame, names: list[str]) -> Vector:
    """Boosting with interactions, not calibrated: a yardstick of ranking, never used."""
    columns = columns_of(train[[name for name in names if train[name].notna().any()]])
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=120, max_leaf_nodes=15, l2_regularization=1.0, early_stopping=False, random_state=0
    )
    with one_thread():
        model.fit(columns.read(train), train.churned.astype(bool))
        return np.asarray(model.predict_proba(columns.read(test))[:, 1])
