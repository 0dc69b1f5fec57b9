"""Why a client is at risk, in sentences: the contributions that raise the risk most, with value and norm."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.models.churn.dictionary import FEATURES, YES_NO, Feature
from salesops.models.churn.encoding import Matrix, Vector

Places = NDArray[np.int64]

REASONS = 3
FEWEST = 5
ENDS, CLEARLY = 0.1, 0.5  # tenths of the clients; standard deviations of the contribution
LEAST = 0.2  # of the log-odds: the odds rise by a fifth
_SINGULAR = {
    "days": "day",
    "orders": "order",
    "contracts": "contract",
    "contacts": "contact",
    "people": "person",
    "opportunities": "opportunity",
    "open opportunities": "open opportunity",
}
_ONE = re.compile(rf"(?<![\d.,])1 ({'|'.join(_SINGULAR)})\b")


def reasons(
    contributions: pd.DataFrame, table: pd.DataFrame, currency: str = "", *, told: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Return the top three reasons of each row as sentences, the weightiest first.

    Features of one topic count together, and the one that weighs most speaks for the topic. A reason is only what
    raises the risk against the base by LEAST or more, where the client lies on the bad side of three quarters of all;
    it is an association, not a cause.

    Parameters
    ----------
    contributions : pandas.DataFrame
        A column a feature (log-odds), by the rows of `table`.
    table : pandas.DataFrame
        The features.
    currency : str
        Of amounts of money.
    told : tuple of str
        Topics that are told elsewhere, and are no reasons here.

    Returns
    -------
    pandas.DataFrame
        reason_1, reason_2, reason_3; "" where there is none.
    """
    names = [name for name in map(str, contributions) if getattr(FEATURES.get(name), "topic", "") not in told]
    counted = pd.DataFrame({name: _bad(name, table, contributions[name]) for name in names}, table.index)
    chosen = top_features(counted)
    said = np.full(chosen.shape, "", dtype=object)
    for place in np.unique(chosen[chosen >= 0]):
        row, column = np.nonzero(chosen == place)
        said[row, column] = _sentences(names[place], table, row, currency)
    return pd.DataFrame(said, columns=[f"reason_{n + 1}" for n in range(REASONS)], index=table.index)


def top_features(contributions: pd.DataFrame) -> Places:
    """Return for each row the positions of the features that give its reasons, −1 where there is none."""
    topics = [FEATURES[name].topic if name in FEATURES else name for name in contributions]
    values = [contributions.iloc[:, place].to_numpy(float) for place in range(len(topics))]
    weights, chosen = np.zeros((REASONS, len(contributions))), np.full((REASONS, len(contributions)), -1)
    for topic in dict.fromkeys(topics):
        own = [place for place, found in enumerate(topics) if found == topic]
        weight, speaker = values[own[0]], np.full(len(contributions), own[0])
        for place in own[1:]:
            strongest = np.max([values[other] for other in own[: own.index(place)]], axis=0)
            speaker = np.where(values[place] > strongest, place, speaker)
            weight = weight + values[place]
        _rank(weights, chosen, weight, speaker)
    return chosen.T


def _rank(weights: Matrix, chosen: Places, weight: Vector, speaker: Places) -> None:
    """Put one more topic into its place among the best of each row; one that weighs 0 or less has none."""
    rows = np.flatnonzero(weight > weights[-1])
    new, who = weight[rows], speaker[rows]
    for place in range(REASONS):
        held, before = weights[place, rows], chosen[place, rows]
        above = new > held
        weights[place, rows], chosen[place, rows] = np.where(above, new, held), np.where(above, who, before)
        new, who = np.where(above, held, new), np.where(above, before, who)


def drivers(contributions: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the features by their weight over all rows.

    Returns
    -------
    pandas.DataFrame
        feature, weight (mean |contribution|, log-odds), sentence (what it is, and which way the risk goes with it).
    """
    weight = contributions.abs().mean().sort_values(ascending=False, kind="stable")
    weight = weight[weight > 0]
    told = [_direction(str(name), table[name].astype(float), contributions[name]) for name in weight.index]
    return pd.DataFrame({"feature": weight.index, "weight": weight.to_numpy(), "sentence": told})


def _direction(name: str, values: pd.Series, parts: pd.Series) -> str:
    meaning = FEATURES[name].meaning if name in FEATURES else name
    # by the ends: most clients have no late delivery, and what counts is where the few with many stand
    low, high = values.quantile(ENDS), values.quantile(1 - ENDS)
    moved = (parts[values >= high].mean() - parts[values <= low].mean()) / max(parts.std(), 1e-12) if low < high else 0
    if moved >= CLEARLY:
        return f"{meaning}: the more, the higher the risk."
    if moved <= -CLEARLY:
        return f"{meaning}: the less, the higher the risk."
    feature = FEATURES.get(name) or Feature(name, name, "", name, "", 2)
    highest = values[parts.nlargest(max(FEWEST, len(parts) // 100)).index]
    usual = _shown(feature, float(values.median()), "")
    if highest.notna().mean() < 0.5:
        return f"{meaning}: the risk is highest where it is not known."
    return f"{meaning}: the risk is highest at about {_shown(feature, float(highest.median()), '')}; {usual} is usual."


def _sentences(name: str, table: pd.DataFrame, rows: Places, currency: str) -> list[str]:
    feature = FEATURES.get(name) or Feature(name, name, "", name, f"{name}: {{v}}; others: {{n}}.", 2)
    norm = _shown(feature, float(table[feature.norm or name].astype(float).median()), currency)
    told = []
    for value in table[name].to_numpy(float, na_value=np.nan)[rows]:
        own = _shown(feature, value, currency)
        text = "" if own == norm and not feature.norm else feature.says.format(v=own, n=norm)
        told.append(_ONE.sub(lambda found: f"1 {_SINGULAR[found[1]]}", text).replace("every 1 day", "every day"))
    return told


def _bad(name: str, table: pd.DataFrame, parts: pd.Series) -> pd.Series:
    """Return the contributions of a feature where they may be a reason, 0 elsewhere."""
    feature = FEATURES.get(name)
    if feature is None:
        return parts.where(parts >= LEAST, 0.0)
    values = table[name].astype(float)
    beyond = feature.bad * (values - float(values.quantile(0.5 + feature.bad / 4))) > 0
    return parts.where((parts >= LEAST) & beyond, 0.0)


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
