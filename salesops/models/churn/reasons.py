"""Why a client is at risk, in sentences: the contributions that raise the risk most, with value and norm."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.models.churn.dictionary import FEATURES, YES_NO, Feature

REASONS = 3
FEWEST = 5
OTHERS = "all"


def reasons(contributions: pd.DataFrame, table: pd.DataFrame, currency: str = "") -> pd.DataFrame:
    """Return the top three reasons of each row as sentences, the weightiest first.

    Features of one topic count together, and the one that weighs most speaks for the topic. Only what raises the
    risk against the base is a reason; it is an association, not a cause.

    Parameters
    ----------
    contributions : pandas.DataFrame
        A column a feature (log-odds), by the rows of `table`.
    table : pandas.DataFrame
        The features, and segment. The norm of a segment with fewer than FEWEST values is that of all.
    currency : str
        Of amounts of money.

    Returns
    -------
    pandas.DataFrame
        reason_1, reason_2, reason_3; "" where there is none.
    """
    chosen = top_features(contributions)
    names = list(contributions.columns)
    told = np.full(chosen.shape, "", dtype=object)
    for place in np.unique(chosen[chosen >= 0]):
        row, column = np.nonzero(chosen == place)
        told[row, column] = _sentences(names[place], table, row, currency)
    return pd.DataFrame(told, columns=[f"reason_{n + 1}" for n in range(REASONS)], index=table.index)


def top_features(contributions: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each row the positions of the features that give its reasons, −1 where there is none."""
    values = contributions.to_numpy(float)
    topics = [FEATURES[name].topic if name in FEATURES else name for name in contributions]
    order = list(dict.fromkeys(topics))
    weight = np.empty((len(values), len(order)))
    speaker = np.empty(weight.shape, dtype=np.int64)
    for place, topic in enumerate(order):
        own = np.array([n for n, found in enumerate(topics) if found == topic])
        weight[:, place] = values[:, own].sum(axis=1)
        speaker[:, place] = own[values[:, own].argmax(axis=1)]
    many = min(REASONS, len(order))
    best = np.argpartition(-weight, many - 1, axis=1)[:, :many]
    best = np.take_along_axis(best, np.argsort(-np.take_along_axis(weight, best, 1), axis=1, kind="stable"), 1)
    raises = np.take_along_axis(weight, best, 1) > 0
    found = np.full((len(values), REASONS), -1, dtype=np.int64)
    found[:, :many] = np.where(raises, np.take_along_axis(speaker, best, 1), -1)
    return found


def drivers(contributions: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the features by their weight over all rows.

    Returns
    -------
    pandas.DataFrame
        feature, weight (mean |contribution|, log-odds), sentence (what it is, and which way the risk goes with it).
    """
    weight = contributions.abs().mean().sort_values(ascending=False, kind="stable")
    weight = weight[weight > 0]
    told = [_direction(str(name), table[name], contributions[name]) for name in weight.index]
    return pd.DataFrame({"feature": weight.index, "weight": weight.to_numpy(), "sentence": told})


def _direction(name: str, values: pd.Series, parts: pd.Series) -> str:
    meaning = FEATURES[name].meaning if name in FEATURES else name
    seen = values.notna()
    # not by ranks: most clients have no late delivery, and what counts is where the few with many stand
    moved = (
        values[seen].astype(float).corr(parts[seen]) if min(values[seen].nunique(), parts[seen].nunique()) > 1 else 0
    )
    if moved >= 0.3:
        return f"{meaning}: the more, the higher the risk."
    if moved <= -0.3:
        return f"{meaning}: the less, the higher the risk."
    return f"{meaning}: the risk goes up and down with it."


def _sentences(name: str, table: pd.DataFrame, rows: NDArray[np.int64], currency: str) -> list[str]:
    feature = FEATURES.get(name) or Feature(name, name, "", name, f"{name}: {{v}}; clients like this one: {{n}}.", 2)
    segments = table["segment"].astype(object).to_numpy()[rows]
    values = table[name].to_numpy(float, na_value=np.nan)[rows]
    norms = _norms(table, feature.norm or name)
    shown = {key: _shown(feature, norm, currency) for key, norm in norms.items()}
    told = []
    for value, segment in zip(values, segments, strict=True):
        if np.isnan(value):
            told.append(feature.without or f"{feature.meaning}: not known.")
            continue
        norm = shown.get(segment, shown[OTHERS])
        text = feature.says.format(v=_shown(feature, value, currency), n=norm)
        told.append(text.replace(" 1 days", " 1 day").replace("every 1 day", "every day"))
    return told


def _norms(table: pd.DataFrame, name: str) -> dict[str, float]:
    values = table[name].astype(float)
    groups = values.groupby(table["segment"].astype(object))
    medians = groups.median()[groups.count() >= FEWEST]
    return {OTHERS: float(values.median()), **{str(key): float(value) for key, value in medians.items()}}


def _shown(feature: Feature, value: float, currency: str) -> str:
    if np.isnan(value):
        return "not known"
    if feature.name in YES_NO:
        return "yes" if value >= 0.5 else "no"
    if feature.percent:
        sign = "+" if feature.name in ("order_trend", "price_change") else ""
        return f"{100 * value:{sign},.{feature.digits}f}%"
    text = f"{value:,.{feature.digits}f}"
    return f"{text} {currency}".strip() if feature.unit == "money" else text
