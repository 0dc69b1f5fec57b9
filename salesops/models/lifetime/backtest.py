"""How far to trust a model of repeat purchases: its forecast against what came, beside naive ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import clone

from salesops.errors import HistoryError
from salesops.models.lifetime.purchase_model import PurchaseModel
from salesops.models.lifetime.rows import Vector, check_amounts, check_histories, numbers
from salesops.models.ranking import auc, auc_lead


def backtest(model: PurchaseModel, calibration: pd.DataFrame, bought: ArrayLike, horizon: float) -> pd.DataFrame:
    """Fit a model on what was known at a date and compare its forecast with what came after, beside two baselines.

    Parameters
    ----------
    model : PurchaseModel
        A model such as ModifiedBetaGeoNBD(); a copy of it is fitted on the calibration alone.
    calibration : pandas.DataFrame
        frequency (count), recency and T (time units) of each customer at the date.
    bought : array_like
        Purchases (count) of the same customers, in the same order, in (date, date + horizon].
    horizon : float
        Length of the holdout (time units).

    Returns
    -------
    pandas.DataFrame
        A row for each `forecast`: "expected purchases" and "probability active" of the model, and the baselines
        "time since last purchase" (T − recency: the longer, the less likely) and "predict zero". Columns: customers,
        actual (purchases in the holdout), total (purchases foretold), bias (total − actual, ÷ actual; a fraction),
        mae and rmse (purchases per customer), correlation and rank_correlation (Pearson's and Spearman's with the
        purchases; −1 to 1), auc (ROC-AUC of "buys in the holdout": .5 is a coin), converged (of the model's fit).
        NaN where a measure has no meaning: totals and errors of forecasts that only rank, correlations of a constant,
        bias without any purchase, and AUC where all or none buy. lead_low and lead_high: 95% interval of the row's auc
        less that of "time since last purchase", both on these customers.

    Raises
    ------
    HistoryError
        If a column is missing, a history cannot be, or `bought` is negative or of another length.
    """
    x, t_x, age, actual = _read(calibration, bought)
    fitted = clone(model).fit(x, t_x, age)
    nothing = np.full(len(x), np.nan)
    forecasts = {
        "expected purchases": (fitted.expected_purchases(horizon, x, t_x, age),) * 2,
        "probability active": (nothing, fitted.probability_active(horizon, x, t_x, age)),
        "time since last purchase": (nothing, np.round(t_x - age, 9)),  # in weeks equal days differ in the last bit
        "predict zero": (np.zeros(len(x)), np.zeros(len(x))),
    }
    naive = forecasts["time since last purchase"][1]
    rows = [
        {"forecast": name, **_measures(*both, actual), **_lead(both[1], naive, actual)}
        for name, both in forecasts.items()
    ]
    return pd.DataFrame(rows).assign(converged=fitted.converged_)


def _lead(score: Vector, naive: Vector, actual: Vector) -> dict[str, float]:
    low, high = auc_lead(score, naive, actual)
    return {"lead_low": low, "lead_high": high}


def _read(calibration: pd.DataFrame, bought: ArrayLike) -> tuple[Vector, Vector, Vector, Vector]:
    missing = [name for name in ("frequency", "recency", "T") if name not in calibration]
    if missing:
        raise HistoryError(
            f"calibration: expected columns frequency, recency, T; {', '.join(missing)} not among "
            f"{', '.join(map(str, calibration.columns))}. Rename the columns."
        )
    x, t_x, age = check_histories(calibration.frequency, calibration.recency, calibration["T"])
    (actual,) = numbers(bought=bought)
    if actual.shape != x.shape:
        raise HistoryError(f"bought: expected one number for each of {len(x):,} customers, found {actual.size:,}.")
    check_amounts("bought", actual)
    return x, t_x, age, actual


def _measures(foretold: Vector, score: Vector, actual: Vector) -> dict[str, float]:
    error, total = foretold - actual, float(actual.sum())
    return {
        "customers": len(actual),
        "actual": total,
        "total": float(foretold.sum()),
        "bias": float(error.sum()) / total if total else float("nan"),
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "correlation": _correlation(foretold, actual),
        "rank_correlation": _correlation(stats.rankdata(score), stats.rankdata(actual)),
        "auc": auc(score, actual),
    }


def _correlation(one: Vector, other: Vector) -> float:
    if not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
