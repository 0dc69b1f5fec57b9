"""When deals are won or lost: competing risks in steps of time, fitted to deals followed from landmarks.

In each step after a landmark an open deal is won, lost or stays open, with chances by multinomial logistic
regression. A deal that is still open when the book ends counts for the steps that it was followed (censoring),
and a deal whose close date passes simply has further steps: slips are part of the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from salesops.models.threads import one_thread

EDGES = np.array([0, 7, 14, 21, 28, 42, 56, 84, 112, 140, 168, 224, 280, 364], dtype=float)
FEWEST_ROWS = 30
MOST_CASES = 12_000
RIDGE = 1.0
PLAN_BANDS = np.array([-1.0, 7.0, 14.0, 28.0, 42.0, 70.0])
DUE_BANDS = np.array([-60.0, -28.0, -10.0, 0.0, 14.0, 42.0])

Array = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Curves:
    """Chances to be won and lost by the ends of the steps (`EDGES`): deals × steps, 0 at the first."""

    won: Array
    lost: Array

    @property
    def chance(self) -> Array:
        """P(win) of each deal at any time: what is open after the last step is shared out as before it."""
        won, lost = self.won[:, -1], self.lost[:, -1]
        decided = np.maximum(won + lost, 1e-12)
        return np.asarray(won / decided)

    def by(self, days: float) -> tuple[Array, Array]:
        """Return P(won) and P(lost) within a number of days."""
        return _at(self.won, days), _at(self.lost, days)


@dataclass(frozen=True)
class Hazards:
    """A fitted model; `stages` and `sources` are those with rows enough to have an effect of their own."""

    model: Any
    stages: tuple[str, ...]
    sources: tuple[str, ...]
    usual_log_value: float

    def curves(self, deals: pd.DataFrame) -> Curves:
        """Return the chances of deals as `landmarks.open_on` gives them."""
        steps = len(EDGES) - 1
        row, step = np.repeat(np.arange(len(deals)), steps), np.tile(np.arange(steps), len(deals))
        if not len(deals):
            return Curves(np.zeros((0, steps + 1)), np.zeros((0, steps + 1)))
        rates = np.zeros((len(row), 3))
        rates[:, self.model.classes_.astype(int)] = self.model.predict_proba(_design(self, deals, row, step))
        return _accumulate(rates.reshape(len(deals), steps, 3))


def fit_hazards(cases: pd.DataFrame) -> Hazards:
    """Fit the model to cases as `landmarks` gives them: with won, lost and days. At most MOST_CASES are used."""
    if len(cases) > MOST_CASES:
        cases = cases.iloc[np.linspace(0, len(cases) - 1, MOST_CASES).astype(int)]
    log_value = np.log(cases.value[cases.value > 0])
    empty = Hazards(
        LogisticRegression(C=1 / RIDGE, solver="newton-cholesky", max_iter=200),
        _frequent(cases.stage_name),
        _frequent(cases.lead_source),
        float(log_value.mean()) if len(log_value) else 0.0,
    )
    row, step, event, weight = _followed(cases)
    with one_thread():
        empty.model.fit(_design(empty, cases, row, step), event, weight)
    return empty


def _followed(cases: pd.DataFrame) -> tuple[Places, Places, Places, Array]:
    """One row for each case and step: the case, the step, 0 open, 1 won or 2 lost, and the part of it followed."""
    days = np.minimum(cases.days.to_numpy(float), EDGES[-1])
    decided = (cases.won | cases.lost).to_numpy(bool) & (cases.days.to_numpy(float) <= EDGES[-1])
    last = np.searchsorted(EDGES, days, side="left") - 1  # the step in which it closed, or was last seen
    count = last + 1
    row = np.repeat(np.arange(len(cases)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    ends = step == last[row]
    event = np.where(decided[row] & ends, np.where(cases.won, 1, 2)[row], 0)
    part = (days[row] - EDGES[step]) / np.diff(EDGES)[step]
    return row, step, event, np.where(ends & ~decided[row], part, 1.0)


def _design(fitted: Hazards, deals: pd.DataFrame, row: Places, step: Places) -> Array:
    value = deals.value.to_numpy(float)
    priced = np.nan_to_num(value) > 0
    age = np.nan_to_num(deals.age.to_numpy(float))
    stages = [(deals.stage_name == name).to_numpy(float) for name in fitted.stages]
    due = deals.due.to_numpy(float)
    plan = np.where(np.isnan(due), len(PLAN_BANDS) + 1, np.searchsorted(PLAN_BANDS, due))
    plans = list(np.eye(len(PLAN_BANDS) + 2)[plan].T)
    fixed = np.column_stack(
        [
            np.log1p(np.maximum(age, 0)) - 4,
            np.minimum(age, 365) / 100,
            np.minimum(deals.pushes.to_numpy(float), 4),
            np.where(priced, np.log(np.where(priced, value, 1.0)) - fitted.usual_log_value, 0.0),
            ~priced,
            deals.skill.to_numpy(float),
            *plans,
            *stages,
            *(stage * band for stage in stages for band in plans),  # due soon means less in an early stage
            *(stage * np.log1p(np.maximum(age, 0)) / 4 for stage in stages),
            *((deals.lead_source == name).to_numpy(float) for name in fitted.sources),
        ]
    ).astype(float)
    middle = (EDGES[:-1] + EDGES[1:]) / 2
    late = (np.log(middle) - 3.5)[step]
    over = middle[step] - due[row]
    band = np.where(np.isnan(over), len(DUE_BANDS) + 1, np.searchsorted(DUE_BANDS, over))
    by_time = [column[row] * late for column in stages]
    return np.column_stack([fixed[row], np.eye(len(EDGES) - 1)[step], np.eye(len(DUE_BANDS) + 2)[band], *by_time])


def _accumulate(rates: Array) -> Curves:
    """Add up chances over the steps: what is open at a step's begin, times the step's chance."""
    stays = np.cumprod(rates[:, :, 0], axis=1)
    before = np.concatenate([np.ones((len(rates), 1)), stays[:, :-1]], axis=1)
    start = np.zeros((len(rates), 1))
    won = np.cumsum(before * rates[:, :, 1], axis=1)
    lost = np.cumsum(before * rates[:, :, 2], axis=1)
    return Curves(np.hstack([start, won]), np.hstack([start, lost]))


def _at(curve: Array, days: float) -> Array:
    """Read curves between the ends of steps along a straight line."""
    day = float(np.clip(days, 0, EDGES[-1]))
    right = int(np.clip(np.searchsorted(EDGES, day), 1, len(EDGES) - 1))
    part = (day - EDGES[right - 1]) / (EDGES[right] - EDGES[right - 1])
    return np.asarray(curve[:, right - 1] * (1 - part) + curve[:, right] * part)


def _frequent(names: pd.Series) -> tuple[str, ...]:
    counts = names.dropna().value_counts()
    return tuple(sorted(counts.index[counts >= FEWEST_ROWS]))
