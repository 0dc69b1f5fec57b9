"""The forecast report: where the period will end, what moves it, and how far past forecasts were off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from salesops.book.source import Book
from salesops.errors import BookError, PeriodError
from salesops.metrics.slippage import can_slip
from salesops.metrics.unrated import unrated
from salesops.models.day_by_day import day_by_day, fan_of
from salesops.models.deals.backtest import DealBacktest, backtest_deals
from salesops.models.forecast.backtest import ForecastBacktest, backtest_forecast
from salesops.models.forecast.commits import CommitBias, commit_bias
from salesops.models.forecast.inputs import ended
from salesops.models.forecast.movers import movers
from salesops.models.forecast.moves import Moves, moves
from salesops.models.forecast.outlook import Forecast, forecast
from salesops.models.forecast.weeks import weekly_ranges
from salesops.models.results import plain, plain_value
from salesops.models.threads import one_thread
from salesops.periods import Period

CHANCE = ("p_attain", "p_low", "p_high")


@dataclass(frozen=True, eq=False)
class ForecastReport:
    """Everything that the forecast page states.

    Attributes
    ----------
    now : Forecast
        The forecast of the period as of `as_of`.
    movers : pandas.DataFrame
        As `movers` gives them.
    from_start, since : Moves or None
        What became of the deals due in the period since its start, and since the earlier day; None without history of
        close dates, or where there is no time between.
    commits : CommitBias or None
        None where orders count.
    past : ForecastBacktest or None
        As `backtest_forecast` gives it; None with too little history.
    deals : DealBacktest or None
        As `backtest_deals` gives it; None with too little history, or where orders count.
    unrated : pandas.DataFrame
        As `metrics.unrated` gives it, with open deals due in the period: money that the forecast leaves out for want of
        a rate.
    days, fan : pandas.DataFrame
        The company's actual and goal, and where it will stand at the end of each week, as `models.day_by_day` gives
        them; no fan where nothing is forecast.
    wins : int
        Won deals, or orders, that the forecast stands on.
    silent : int
        Days from the last of them to `as_of`; 0 without any.

    Where the source of the deals or orders ends before `as_of`, its past is judged up to that day: `commits`,
    `past` and `deals`.
    """

    company: str
    currency: str
    period: Period
    as_of: date
    now: Forecast
    movers: pd.DataFrame
    from_start: Moves | None
    since: Moves | None
    commits: CommitBias | None
    past: ForecastBacktest | None
    deals: DealBacktest | None
    unrated: pd.DataFrame
    days: pd.DataFrame
    fan: pd.DataFrame
    wins: int
    silent: int

    @property
    def over(self) -> bool:
        """Whether the period is over, so that nothing is left to forecast."""
        return self.as_of >= self.period.end

    @property
    def blind(self) -> bool:
        """Whether nothing can be estimated: nothing was ever won, or the book ends long before `as_of`."""
        return bool(self.now.inputs.why_not) and not self.over

    @property
    def ended_on(self) -> date | None:
        """The last day of which the deals or orders tell anything, where they end before the period does."""
        end = self.now.inputs.ended_on
        return end if end is not None and end < self.period.end else None

    @property
    def measure(self) -> str:
        """What counts: bookings or orders."""
        return self.now.inputs.measure

    @property
    def has_target(self) -> bool:
        """Whether there is a target above zero to reach."""
        return bool(np.isfinite(self.now.company["target"]) and self.now.company["target"] > 0)

    def results(self) -> dict[str, Any]:
        """Return the numbers of the report as JSON can hold them: no NaN, no infinity."""
        company = plain(self.now.company)
        wanted = ["user_id", "user_name", "quota", "closed", "open", "new", "p10", "p50", "p90"]
        cover = self.past.coverage.set_index(["level", "week"]) if self.past else None
        return {
            "measure": self.measure,
            **company,
            "slipped": None if self.from_start is None else plain_value(self.from_start.slipped),
            "inside_company": None if cover is None else plain_value(cover.inside["company", 0]),
            "inside_rep": None if cover is None else plain_value(cover.inside["rep", 0]),
            "rows": [plain(row) for row in self.now.reps[[*wanted, *CHANCE]].to_dict("records")],
        }


def forecast_report(
    book: Book,
    period: Period,
    as_of: date,
    *,
    since: date | None = None,
    target: float | None = None,
    quarters: int = 6,
) -> ForecastReport:
    """Put together the forecast of a period from what is known on `as_of`.

    Parameters
    ----------
    since : date, optional
        The earlier day with which open deals are compared; a week before `as_of` if left out.
    target : float, optional
        The company's target (money); without one, the sum of the reps' quotas.
    quarters : int
        The most past quarters that are forecast to test the method.

    Raises
    ------
    BookError
        If nobody has a line in the period, or the target is below zero.
    PeriodError
        If `since` does not lie before `as_of`, or the number of quarters is below zero.
    """
    _check(as_of, since, target, quarters)
    with one_thread():
        now = forecast(book, period, as_of, target=target)
        bookings = now.inputs.measure == "bookings"
        closed = ended(book, as_of, now.inputs.measure)
        earlier = since or as_of - timedelta(days=7)
        until = now.inputs.ended_on or as_of
        return ForecastReport(
            company=book.company,
            currency=book.currency,
            period=period,
            as_of=as_of,
            now=now,
            movers=movers(book, now),
            from_start=_moves(book, period, period.start - timedelta(days=1), as_of) if bookings else None,
            since=_moves(book, period, earlier, as_of) if bookings else None,
            commits=commit_bias(book, until) if bookings else None,
            past=backtest_forecast(book, until, quarters=quarters),
            deals=backtest_deals(book, until) if bookings else None,
            unrated=unrated(
                book, period, as_of, measure=now.inputs.measure, users=tuple(now.reps.user_id), due=True
            ).to_pandas(),
            days=day_by_day(
                book,
                period,
                as_of,
                users=tuple(now.reps.user_id),
                measure=now.inputs.measure,
                quota=now.company["target"],
                before=tuple(book.table("users").user_id.to_pyarrow().to_pylist()),
            ),
            fan=fan_of([] if now.inputs.why_not or as_of >= period.end else weekly_ranges(now.inputs)),
            wins=round(float(closed.share[closed.is_won].sum())),  # a deal that reps share is one
            silent=_silent(closed, as_of),
        )


def _check(as_of: date, since: date | None, target: float | None, quarters: int) -> None:
    if target is not None and not (target >= 0 and np.isfinite(target)):
        raise BookError(f"The target must be an amount of 0 or more. Got {target:,.0f}.")
    if quarters < 0:
        raise PeriodError(f"The number of past quarters must be 0 or more. Got {quarters}.")
    if since is not None and since >= as_of:
        raise PeriodError(f"The earlier date must lie before {as_of}. Got {since}.")


def _silent(closed: pd.DataFrame, as_of: date) -> int:
    last = closed.close_date[closed.is_won].max()
    return 0 if pd.isna(last) else int((pd.Timestamp(as_of) - last).days)


def _moves(book: Book, period: Period, since: date, as_of: date) -> Moves | None:
    return moves(book, period, since, as_of) if since < period.cut(as_of) and can_slip(book) else None
