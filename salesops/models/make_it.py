"""P(make it) for an accountability report: the chance to reach the goal, computed once for all reports of a run.

The forecast is imported only where it is asked for the first time: a report of a finished period, and one that
finds the chances on the shelf, do without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.periods import Period

if TYPE_CHECKING:
    from salesops.models.forecast.inputs import Inputs

LEAST_WINS = 20
LEAST_HISTORY = 180


@dataclass(frozen=True, eq=False)
class MakeIt:
    """The result of `make_it`.

    Attributes
    ----------
    reps : pandas.Series
        P(total ≥ quota) by user_id (0–1); without those who have no quota above zero.
    team : float
        P(total of some people ≥ sum of their quotas); NaN if nobody was asked for, or without a quota.
    measure : str
        What is forecast: bookings or orders.
    why_not : str
        Why there are no chances, as a sentence; "" if there are.
    """

    reps: pd.Series
    team: float
    measure: str
    why_not: str


def make_it(book: Book, period: Period, as_of: date, *, team: tuple[str, ...] = ()) -> MakeIt:
    """Return the chance of each rep to make the goal of a period, and that of a team of users together.

    There is none once the period is over, none where fewer than 20 deals or orders were won, or less than 180 days
    of them are known, and none where their source ends long before `as_of`: then a forecast has nothing to stand on.
    A sentence says so.
    """
    if as_of >= period.end:
        return MakeIt(pd.Series(dtype=float), float("nan"), "", "the period is over, and what was made is known.")
    known = as_known(book, as_of)
    measure, pairs, why_not = known.keep(("P(make it)", period), lambda: _each(book, known, period, as_of))
    asked = () if why_not else tuple(sorted(team))
    together = known.keep(("P(make it) of", period, asked), lambda: _team(book, known, period, as_of, asked))
    chance = float("nan") if together is None else float(together)
    return MakeIt(pd.Series(dict(pairs), dtype=float), chance, measure, why_not)


def _each(book: Book, known: Book, period: Period, as_of: date) -> list[Any]:
    from salesops.models.forecast.inputs import ended  # see the module
    from salesops.models.forecast.outlook import outlook

    try:
        inputs = _inputs(book, known, period, as_of)
    except BookError as error:
        return ["", [], str(error)]
    won = ended(book, as_of, inputs.measure)
    won = won[won.is_won]
    what = "deals" if inputs.measure == "bookings" else "orders"
    if round(float(won.share.sum())) < LEAST_WINS or won.close_date.min() > pd.Timestamp(
        as_of - timedelta(days=LEAST_HISTORY)
    ):
        return [inputs.measure, [], f"a forecast needs {LEAST_WINS} won {what} and {LEAST_HISTORY} days of them."]
    if inputs.why_not:
        return [inputs.measure, [], inputs.why_not]
    reps = outlook(inputs).reps
    reps = reps[reps.p_attain.notna()]
    pairs = [[str(user), float(chance)] for user, chance in zip(reps.user_id, reps.p_attain, strict=True)]
    return [inputs.measure, pairs, "" if pairs else "no rep has a quota above zero."]


def _team(book: Book, known: Book, period: Period, as_of: date, users: tuple[str, ...]) -> float | None:
    from salesops.models.forecast.outlook import team_chance  # see the module

    return team_chance(_inputs(book, known, period, as_of), users) if users else None


def _inputs(book: Book, known: Book, period: Period, as_of: date) -> Inputs:
    from salesops.models.forecast.inputs import forecast_inputs  # see the module

    found: Inputs = known.keep(("forecast inputs", period), lambda: forecast_inputs(book, period, as_of))
    return found
