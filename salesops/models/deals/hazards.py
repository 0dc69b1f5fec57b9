"""When deals are won or lost: competing risks in steps of time, fitted to deals followed from landmarks.

In each step after a landmark an open deal is decided or stays open, and what is decided is won or lost: two logistic
regressions, one after the other (sequential logit). A deal that is still open when the book ends counts for the steps
that it was followed (censoring), and a deal whose close date passes simply has further steps: slips are part of the
model. Time runs as the book's own week does. How far it is to the close date counts along broken lines without jumps,
so that no chance leaps from one day to the next.

A deal is followed from many landmarks, and these say little more of it than one does. The doubt about the chances
therefore counts deals: `Hazards.won_between` gives the chances that other deals of the same kind might have led to,
drawn from the variance that clusters of rows have (Huber 1967, Liang and Zeger 1986).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, special

from salesops.models.deals.logit import Fit, Rows, constant_shift, fit_logit, linear
from salesops.models.threads import one_thread

EDGES = np.array([0, 7, 14, 21, 28, 42, 56, 84, 112, 140, 168, 224, 280, 364], dtype=float)
STEPS = len(EDGES) - 1
FEWEST_DEALS = 20
PLAN_KNOTS = np.array([-14.0, 0.0, 7.0, 14.0, 28.0, 42.0, 70.0])
OVER_KNOTS = np.array([-60.0, -28.0, -10.0, 0.0, 14.0, 42.0])
DRAWS = 64
CHUNK = 2000
SEED = 1972

Array = NDArray[np.float64]
Places = NDArray[np.int64]

_MIDDLE = (EDGES[:-1] + EDGES[1:]) / 2
_LATE = np.log(_MIDDLE) - 3.5


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
        """Return P(won) and P(lost) within a time, in days of the book's week."""
        return read_at(self.won, days), read_at(self.lost, days)


@dataclass(frozen=True, eq=False)
class Hazards:
    """A fitted model; `stages` and `sources` are those with deals enough to have an effect of their own.

    `decided` and `won` are the coefficients of the two regressions, with a column more for each draw.
    """

    stages: tuple[str, ...]
    sources: tuple[str, ...]
    usual_log_value: float
    decided: Array
    won: Array

    def curves(self, deals: pd.DataFrame) -> Curves:
        """Return the chances of deals as `landmarks.open_on` gives them."""
        won, lost = self._curves(deals, slice(0, 1))
        return Curves(won[:, :, 0], lost[:, :, 0])

    def won_between(self, deals: pd.DataFrame, first: float, last: float) -> Array:
        """Return P(won) of deals between two times by each draw: deals × DRAWS."""
        parts = [np.zeros((0, DRAWS))]
        for begin in range(0, len(deals), CHUNK):
            won, _ = self._curves(deals.iloc[begin : begin + CHUNK], slice(1, None))
            parts.append(read_at(won, last) - read_at(won, first))
        return np.vstack(parts)

    def _curves(self, deals: pd.DataFrame, which: slice) -> tuple[Array, Array]:
        row, step = np.repeat(np.arange(len(deals)), STEPS), np.tile(np.arange(STEPS), len(deals))
        fixed, moving = _fixed(self, deals), _moving(self, deals, row, step)
        decided, won = (
            special.expit(linear(fixed, moving, row, found[:, which])).reshape(len(deals), STEPS, -1)
            for found in (self.decided, self.won)
        )
        return _accumulate(decided, won)


def fit_hazards(cases: pd.DataFrame, start: Hazards | None = None) -> Hazards:
    """Fit the model to cases as `landmarks` gives them: with won, lost and days.

    `start` is a fit to other cases of the same book; beginning there takes fewer steps.
    """
    log_value = np.log(cases.value[cases.value > 0])
    stages, sources = (_frequent(cases, name) for name in ("stage_name", "lead_source"))
    nothing = np.zeros((0, 1))
    empty = Hazards(stages, sources, float(log_value.mean()) if len(log_value) else 0.0, nothing, nothing)
    same = start is not None and (start.stages, start.sources) == (stages, sources)
    first = [found[:, 0] if same else None for found in ((start.decided, start.won) if start else (nothing, nothing))]
    row, step, event, weight = _followed(cases)
    deal = pd.factorize(cases.opportunity_id)[0].astype(np.int64)
    fixed, moving = _fixed(empty, cases), _moving(empty, cases, row, step)
    ends = event > 0
    with one_thread():
        decided = fit_logit(Rows(fixed, moving, row, ends.astype(float), weight), deal, first[0])
        # what is won among the decided: a row a case
        one = (event[ends] == 1).astype(float)
        last = Rows(fixed[row[ends]], moving[ends], np.arange(len(one)), one, weight[ends])
        won = fit_logit(last, deal[row[ends]], first[1])
        return Hazards(stages, sources, empty.usual_log_value, *_drawn(decided, won))


def as_fitted_on(model: Hazards, cases: pd.DataFrame, known: list[Array]) -> list[Hazards]:
    """Return the model as it would have been fitted by earlier days, but for the effects, which stay.

    How many deals are decided, and how many of these are won, is what changes most with time, and it alone tells the
    level of a forecast. Only the two constants are therefore fitted again.

    Parameters
    ----------
    cases : pandas.DataFrame
        The cases that the model was fitted to.
    known : list of array
        For each earlier day, the time from each case's landmark to it; not above 0 for landmarks that came later.
    """
    row, step, _, _ = _followed(cases)
    begin = np.searchsorted(row, np.arange(len(cases)))
    fixed, moving = _fixed(model, cases), _moving(model, cases, row, step)
    decided, won = (linear(fixed, moving, row, found[:, 0]) for found in (model.decided, model.won))
    found = []
    for time in known:
        then = np.flatnonzero(time > 0)
        ended = cases.days.to_numpy(float)[then] <= time[then]
        cut = pd.DataFrame({name: cases[name].to_numpy()[then] & ended for name in ("won", "lost")})
        case, step, event, weight = _followed(cut.assign(days=np.minimum(cases.days.to_numpy(float)[then], time[then])))
        place, ends = begin[then][case] + step, event > 0
        shifts = (
            constant_shift(decided[place], ends.astype(float), weight),
            constant_shift(won[place[ends]], (event[ends] == 1).astype(float), weight[ends]),
        )
        both = [odds + shift * (np.arange(len(odds)) == 0)[:, None]
                for odds, shift in zip((model.decided, model.won), shifts, strict=True)]  # fmt: skip
        found.append(replace(model, decided=both[0], won=both[1]))
    return found


def both_ways(rows: int, seed: int = SEED) -> Array:
    """Return standard normal draws, each with its opposite, so that their mean is 0: rows × DRAWS."""
    half = np.random.default_rng(seed).standard_normal((rows, DRAWS // 2))
    return np.hstack([half, -half])


def read_at(curve: Array, days: float) -> Array:
    """Read curves (deals × steps × …) between the ends of steps along a straight line."""
    day = float(np.clip(days, 0, EDGES[-1]))
    right = int(np.clip(np.searchsorted(EDGES, day), 1, STEPS))
    part = (day - EDGES[right - 1]) / (EDGES[right] - EDGES[right - 1])
    return np.asarray(curve[:, right - 1] * (1 - part) + curve[:, right] * part)


def _drawn(decided: Fit, won: Fit) -> tuple[Array, Array]:
    """Coefficients, and draws of them from the normal distribution whose variance the deals' influences make.

    The symmetric root of the variance gives the same draws in whatever order deals stand.
    """
    none = np.zeros((len(decided.influence) - len(won.influence), won.influence.shape[1]))  # deals without any end
    influence = np.hstack([decided.influence, np.vstack([won.influence, none])])
    spread, axes = np.linalg.eigh(influence.T @ influence)
    moved = (axes * np.sqrt(np.maximum(spread, 0))) @ axes.T @ both_ways(len(spread))
    both = np.concatenate([decided.coefficients, won.coefficients])[:, None]
    every = np.hstack([both, both + moved])
    return every[: len(decided.coefficients)], every[len(decided.coefficients) :]


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


def _fixed(model: Hazards, deals: pd.DataFrame) -> Array:
    """Features that a deal has on its landmark, whatever the step."""
    value = deals.value.to_numpy(float)
    priced = np.nan_to_num(value) > 0
    age = np.nan_to_num(deals.age.to_numpy(float))
    stages = [(deals.stage_name == name).to_numpy(float) for name in model.stages]
    plans = list(broken_line(deals.due.to_numpy(float), PLAN_KNOTS).T)
    columns = [
        np.ones(len(deals)),
        np.log1p(np.maximum(age, 0)) - 4,
        np.minimum(age, 365) / 100,
        np.minimum(deals.pushes.to_numpy(float), 4),
        np.where(priced, np.log(np.where(priced, value, 1.0)) - model.usual_log_value, 0.0),
        ~priced,
        deals.skill.to_numpy(float),
        *plans,
        *stages,
        *(stage * plan for stage in stages for plan in plans),  # due soon means less in an early stage
        *(stage * np.log1p(np.maximum(age, 0)) / 4 for stage in stages),
        *((deals.lead_source == name).to_numpy(float) for name in model.sources),
    ]
    return np.column_stack(columns).astype(float)


def _moving(model: Hazards, deals: pd.DataFrame, row: Places, step: Places) -> Any:
    """Features that change from step to step: the step, the time beyond the close date, the stage's own pace."""
    over = broken_line(_MIDDLE[step] - deals.due.to_numpy(float)[row], OVER_KNOTS)
    stage = pd.Categorical(deals.stage_name, categories=list(model.stages)).codes.astype(np.int64)[row]
    known = np.flatnonzero(stage >= 0)
    place = np.concatenate([np.arange(len(row)), known])
    column = np.concatenate([step, STEPS + stage[known]])
    value = np.concatenate([np.ones(len(row)), _LATE[step[known]]])
    steps = sparse.csr_matrix((value, (place, column)), shape=(len(row), STEPS + len(model.stages)))
    return sparse.hstack([steps, sparse.csr_matrix(over)], format="csr")


def broken_line(values: Array, knots: Array) -> Array:
    """Return weights on the knots about each value, which sum to 1; a last column of its own for NaN."""
    known = ~np.isnan(values)
    inside = np.clip(np.where(known, values, knots[0]), knots[0], knots[-1])
    left = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
    part = (inside - knots[left]) / np.diff(knots)[left]
    found, rows = np.zeros((len(values), len(knots) + 1)), np.arange(len(values))
    found[rows, left] = np.where(known, 1 - part, 0.0)
    found[rows, left + 1] = np.where(known, part, 0.0)
    found[rows, -1] = ~known
    return found


def _accumulate(decided: Array, won: Array) -> tuple[Array, Array]:
    """Add up chances over the steps: what is open at a step's begin, times the step's chance. Deals × steps × draws."""
    start = np.zeros((len(decided), 1, decided.shape[2]))
    before = np.concatenate([start + 1, np.cumprod(1 - decided, axis=1)[:, :-1]], axis=1)
    ends = before * decided
    return (
        np.concatenate([start, np.cumsum(ends * won, axis=1)], axis=1),
        np.concatenate([start, np.cumsum(ends * (1 - won), axis=1)], axis=1),
    )


def _frequent(cases: pd.DataFrame, column: str) -> tuple[str, ...]:
    counts = cases.groupby(column).opportunity_id.nunique()
    return tuple(sorted(counts.index[counts >= FEWEST_DEALS]))
