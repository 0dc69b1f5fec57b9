"""The methods that are compared: baselines, the two models, and a yardstick."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier

from salesops.models.churn.additive import AdditiveChurn
from salesops.models.churn.calibrated import AdditiveModel
from salesops.models.churn.encoding import Vector, columns_of
from salesops.models.churn.logistic import LogisticChurn
from salesops.models.threads import one_thread

LARGEST, HIATUS, OVERDUE, TENURE = "call the largest", "hiatus", "own rhythm", "tenure"
BTYD = "BTYD P(active)"
LOGISTIC, ADDITIVE, FULL = "logistic", "additive boosting", "full boosting"
METHODS = (LARGEST, HIATUS, OVERDUE, TENURE, BTYD, LOGISTIC, ADDITIVE, FULL)
MODELS = (LOGISTIC, ADDITIVE)
RULES = {LARGEST: "same chance for all", HIATUS: "hiatus rule", OVERDUE: "own-rhythm rule"}
FROM_BTYD = "p_btyd"
ALONE = {HIATUS: "hiatus_days", OVERDUE: "hiatus_ratio", TENURE: "tenure_days"}


class Scored(NamedTuple):
    """What a method says of each unit: a score to rank by, and the chance to be lost (0–1). NaN: nothing to say."""

    score: Vector
    p: Vector


def fit_method(method: str, train: pd.DataFrame, names: list[str]) -> AdditiveModel:
    """Return the fitted model of a rule on one feature, "logistic" or "additive boosting".

    A rule is a logistic regression on the logarithm of its one feature: it turns a rank into a chance. More silence
    never lowers the chance: where history says so, all have the same.

    Parameters
    ----------
    train : pandas.DataFrame
        account_id, churned (0, 1), and the features `names`.
    """
    if method not in ALONE:
        model: AdditiveModel = LogisticChurn() if method == LOGISTIC else AdditiveChurn()
        return model.fit(train[names], train.churned, groups=train.account_id)
    rule = LogisticChurn(C=np.inf, shapes=("log",), clip=False, folds=0)
    rule.fit(train[[ALONE[method]]], train.churned)
    if method != TENURE and (rule.coef_ < 0).any():
        rule.coef_ = np.zeros_like(rule.coef_)
        rule.base_ = float(logit(train.churned.mean()))
    return rule


def scored(method: str, train: pd.DataFrame, test: pd.DataFrame, names: list[str]) -> Scored:
    """Return what a method, fitted on the train units alone, says of the test units.

    A rule ranks by its feature itself. "call the largest" gives all the same chance, so that value alone decides.
    NaN where a method has nothing to say: BTYD without a fit, a rule whose feature the units do not have.
    """
    nothing = np.full(len(test), np.nan)
    if method == LARGEST:
        p = np.full(len(test), float(train.churned.mean()))
    elif method == BTYD:
        p = 1 - test[FROM_BTYD].to_numpy(float) if FROM_BTYD in test else nothing
    elif method == FULL:
        p = _full(train, test, names)
    elif method in ALONE:
        return _by_rule(method, train, test)
    else:
        p = np.asarray(fit_method(method, train, names).predict_proba(test[names])[:, 1])
    return Scored(p, p)


def rule_score(method: str, table: pd.DataFrame) -> Vector:
    """Return what a rule ranks by: its feature, 0 where it is missing; all NaN where nobody has it."""
    values: Vector = table[ALONE[method]].to_numpy(float) if ALONE[method] in table else np.full(len(table), np.nan)
    return values if np.isnan(values).all() else np.nan_to_num(values)


def _by_rule(method: str, train: pd.DataFrame, test: pd.DataFrame) -> Scored:
    score = rule_score(method, test)
    if np.isnan(score).any() or np.isnan(rule_score(method, train)).any():
        return Scored(np.full(len(test), np.nan), np.full(len(test), np.nan))
    p = np.asarray(fit_method(method, train, []).predict_proba(test[[ALONE[method]]])[:, 1])
    # which way the loss goes with tenure is learnt; with silence it is known
    return Scored(p if method == TENURE else score, p)


def _full(train: pd.DataFrame, test: pd.DataFrame, names: list[str]) -> Vector:
    """Boosting with interactions, not calibrated: a yardstick of ranking, never used."""
    columns = columns_of(train[[name for name in names if train[name].notna().any()]])
    model = HistGradientBoostingClassifier(
        learning_rate=0.05, max_iter=120, max_leaf_nodes=15, l2_regularization=1.0, early_stopping=False, random_state=0
    )
    with one_thread():
        model.fit(columns.read(train), train.churned.astype(bool))
        return np.asarray(model.predict_proba(columns.read(test))[:, 1])
