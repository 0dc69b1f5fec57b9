"""P(make it) for an accountability report: the chance to reach the goal, computed once for all reports of a run.

The forecast is imported only where it is asked for the first time: a report of a finished period, and one that
finds the chances on the shelf, do without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.models.results import FINE, plain_value
from salesops.periods import Period

if TYPE_CHECKING:
    from salesops.models.forecast.inputs import Inputs

LEAST_WINS = 20
LEAST_HISTORY = 180
NOT_KNOWN = (float("nan"),) * 3
NO_QUOTA = "no rep has a quota above zero."


@dataclass(frozen=True, eq=False)
class MakeIt:
    """The result of `make_it`.

    Attributes
    ----------
    reps : pandas.DataFrame
        By user_id: chance (P(total ≥ quota), 0–1), low, high (its range); without those who have no quota above zero.
    team : tuple of float
        P(total of some people ≥ sum of their quotas), and its range; NaN if nobody was asked for, or without a quota.
    measure : str
        What is forecast: bookings or orders.
    why_not : str
        Why there are no chances, as a sentence; "" if there are.
    """

    reps: pd.DataFrame
    team: tuple[float, float, float]
    measure: str
    why_not: str

    def of_measure(self, measure: str) -> MakeIt:
        """Return the chances for a goal in a measure: none where another one is forecast."""
        if self.measure in ("", measure):
            return self
        why_not = self.why_not or f"the goal counts {measure}, and the forecast {self.measure}."
        return replace(self, reps=self.reps.head(0), team=NOT_KNOWN, why_not=why_not)

    def of(self, user_id: str) -> tuple[float, float, float]:
        """Return a rep's chance and its range; NaN if there is none."""
        if user_id not in self.reps.index:
            return NOT_KNOWN
        chance, low, high = self.reps.to_numpy()[self.reps.index.get_loc(user_id)]
        return float(chance), float(low), float(high)


def chance_results(chance: tuple[float, float, float]) -> dict[str, float | None]:
    """Return a chance and its range as results hold them."""
    return {
        name: plain_value(value, decimals=FINE)
        for name, value in zip(("p_make_it", "p_make_it_low", "p_make_it_high"), chance, strict=True)
    }


def make_it(book: Book, period: Period, as_of: date, *, team: tuple[str, ...] = ()) -> MakeIt:
    """Return the chance of each rep to make the goal of a period, and that of a team of users together.

    There is none once the period is over, none where fewer than 20 deals or orders were won, or less than 180 days
    of them are known, and none where their source ends long before `as_of`: then a forecast has nothing to stand on.
    A sentence says so.
    """
    if as_of >= period.end:
        return MakeIt(_table([]), NOT_KNOWN, "", "the period is over, and what was made is known.")
    known = as_known(book, as_of)
    measure, rows, why_not = known.keep(("P(make it)", period), lambda: _each(book, known, period, as_of))
    asked = () if why_not else tuple(sorted(team))
    together = known.keep(("P(make it) of", period, asked), lambda: _team(book, known, period, as_of, asked))
    chance, low, high = together or NOT_KNOWN
    return MakeIt(_table(rows), (chance, low, high), measure, why_not)


@dataclass(frozen=True, eq=False)
class KnownForecast:
    """A forecast that stands on enough: what it counts, and its inputs where somebody asks for them."""

    measure: str
    inputs: Callable[[], Inputs]


def forecast_of(book: Book, period: Period, as_of: date) -> KnownForecast | None:
    """Return the forecast that the chances of a period stand on; None where they have nothing to stand on."""
    known = as_known(book, as_of)
    measure, _, why_not = known.keep(("P(make it)", period), lambda: _each(book, known, period, as_of))
    if not measure or why_not not in ("", NO_QUOTA):
        return None
    return KnownForecast(measure, lambda: _inputs(book, known, period, as_of))


def _table(rows: list[Any]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["user_id", "chance", "low", "high"]).set_index("user_id")
    return table.astype(float)


def _each(book: Book, known: Book, period: Period, as_of: date) -> list[Any]:
    from salesops.models.forecast.inputs import ended  # see the module
    from salesops.models.forecast.outlook import outlook, with_doubt

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
    reps = with_doubt(outlook(inputs)).reps
    rows = reps.loc[reps.p_attain.notna(), ["user_id", "p_attain", "p_low", "p_high"]].values.tolist()
    return [inputs.measure, rows, "" if rows else NO_QUOTA]


def _team(book: Book, known: Book, period: Period, as_of: date, users: tuple[str, ...]) -> list[float] | None:
    from salesops.models.forecast.outlook import team_chance  # see the module

    found = team_chance(_inputs(book, known, period, as_of), users) if users else None
    return None if found is None else list(found)


def _inputs(book: Book, known: Book, period: Period, as_of: date) -> Inputs:
    from salesops.models.forecast.corrected import forecast_inputs  # see the module

    found: Inputs = known.keep(("forecast inputs", period), lambda: forecast_inputs(book, period, as_of))
    return found
