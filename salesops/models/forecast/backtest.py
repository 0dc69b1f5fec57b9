"""How far past forecasts were off: quarters forecast in weeks 1, 5 and 9 from what was known then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops.book.lines import usual_measure
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.deals.chances import deal_chances
from salesops.models.deals.hazards import Hazards
from salesops.models.deals.landmarks import opened, read_ahead
from salesops.models.forecast.corrected import came_after, error_of, people_then
from salesops.models.forecast.inputs import Inputs, closed_by_user, ended, inputs_of
from salesops.models.forecast.level import Error, level_from
from salesops.models.forecast.outlook import Forecast, outlook
from salesops.models.intervals import wilson
from salesops.periods import Period, fiscal_quarter_of

WEEKS = (1, 5, 9)
LEAST_HISTORY = 180
FORECASTERS = ("model", "last year", "run rate", "weighted pipeline")


@dataclass(frozen=True, eq=False)
class ForecastBacktest:
    """The result of `backtest_forecast`.

    Attributes
    ----------
    company : pandas.DataFrame
        A row for each past forecast of the company's total: period, week, as_of, actual, model, p10, p90, and the
        totals by "last year" (the same quarter a year before), "run rate" (closed ÷ share of the quarter gone) and
        "weighted pipeline" (closed + Σ amount · CRM probability of deals due in the quarter); money, NaN if unknown.
    reps : pandas.DataFrame
        The same for each rep: also user_id.
    scores : pandas.DataFrame
        level ("company" or "rep"), week (0 for all), forecaster, wape (Σ|F − A| ÷ Σ|A|), bias (Σ(F − A) ÷ ΣA),
        forecasts.
    coverage : pandas.DataFrame
        level, week (0 for all), inside (share of actuals from p10 to p90), low, high (95% interval of that share,
        Wilson; forecasts of one quarter hang together, so that it counts quarters for the company), forecasts.
    """

    company: pd.DataFrame
    reps: pd.DataFrame
    scores: pd.DataFrame
    coverage: pd.DataFrame


def backtest_forecast(
    book: Book, as_of: date, *, quarters: int = 6, weeks: tuple[int, ...] = WEEKS
) -> ForecastBacktest | None:
    """Forecast past quarters from what was known in their first weeks, and compare with how they ended.

    The level and the shock of each are learned from the same weeks of the quarters before it.

    Parameters
    ----------
    quarters : int
        The most quarters, the last of them complete on `as_of`. A quarter needs 180 days of history before it.

    Returns
    -------
    ForecastBacktest or None
        None if no quarter has so much history.
    """
    known = as_known(book, as_of)
    past = _quarters(known, as_of, quarters)
    if not past:
        return None
    measure = usual_measure(known, past[0])
    closed = ended(book, as_of, measure)
    asked = [(quarter, week, quarter.start + timedelta(days=7 * week - 1)) for quarter in past for week in weeks]
    start = None
    if measure == "bookings":
        opened(book, tuple(day for _, _, day in asked))
        read_ahead(book, [day for _, _, day in asked], closed)
        start = deal_chances(book, as_of, closed).hazards
    errors: dict[int, list[Error]] = {week: [] for week in weeks}
    rows = []
    for quarter, week, day in asked:
        inputs = _inputs_then(book, quarter, day, measure, closed, start)
        rows.append(_compare(replace(inputs, level=level_from(errors[week])), quarter, week, closed))
        error = error_of(inputs, came_after(closed, quarter, day))
        errors[week] += [error] if error else []
    company = pd.DataFrame([row for row, _ in rows])
    reps = pd.concat([table for _, table in rows], ignore_index=True)
    levels = {"company": company, "rep": reps}
    return ForecastBacktest(
        company,
        reps,
        pd.concat([_scores(name, table) for name, table in levels.items()], ignore_index=True),
        pd.concat([_coverage(name, table) for name, table in levels.items()], ignore_index=True),
    )


def _quarters(known: Book, as_of: date, most: int) -> list[Period]:
    measure = usual_measure(known, fiscal_quarter_of(as_of, known.config.fiscal_year_start))
    first = ended(known, as_of, measure).close_date.min()
    if pd.isna(first):
        return []
    quarter = fiscal_quarter_of(as_of, known.config.fiscal_year_start)
    if quarter.end > as_of:
        quarter = quarter.previous()
    found: list[Period] = []
    while len(found) < most and (quarter.start - first.date()).days >= LEAST_HISTORY:
        found.append(fiscal_quarter_of(quarter.start, known.config.fiscal_year_start))
        quarter = quarter.previous()
    return found[::-1]


def _compare(
    inputs: Inputs, quarter: Period, week: int, closed: pd.DataFrame
) -> tuple[dict[str, object], pd.DataFrame]:
    found, day = outlook(inputs), inputs.as_of
    actual = closed_by_user(closed, quarter, quarter.end)
    before = closed_by_user(closed, _year_before(quarter), quarter.end)
    has_year = closed.close_date.min() <= pd.Timestamp(_year_before(quarter).start)
    reps = found.reps
    table = pd.DataFrame(
        {
            "user_id": reps.user_id,
            "actual": reps.user_id.map(actual).fillna(0.0),
            "model": reps.expected,
            "p10": reps.p10,
            "p90": reps.p90,
            "last year": reps.user_id.map(before).fillna(0.0) if has_year else np.nan,
            "run rate": reps.closed / quarter.gone(day),
            "weighted pipeline": reps.closed + _weighted(found, quarter),
        }
    ).assign(period=quarter.label, week=week, as_of=day)
    # those who joined later are in the actual, and in no forecast of a rep
    total = {
        **{name: float(table[name].sum(min_count=1)) for name in ("run rate", "weighted pipeline")},
        "actual": float(actual.sum()),
        "last year": float(before.sum()) if has_year else float("nan"),
        "model": found.company["expected"],
        "p10": found.company["p10"],
        "p90": found.company["p90"],
    }
    return {"period": quarter.label, "week": week, "as_of": day, **total}, table


def _inputs_then(
    book: Book, quarter: Period, day: date, measure: str, closed: pd.DataFrame, start: Hazards | None
) -> Inputs:
    people = people_then(book, quarter, day, closed_by_user(closed, quarter, day))
    if measure != "bookings":
        return inputs_of(book, quarter, day, measure, people, closed=closed)
    deals = deal_chances(book, day, closed, start=start), opened(book, (day,))[day]
    return inputs_of(book, quarter, day, measure, people, closed=closed, deals=deals)


def _year_before(quarter: Period) -> Period:
    year = quarter.start.year - 1
    end = quarter.start.replace(year=year) + timedelta(days=quarter.days - 1)
    return Period(quarter.start.replace(year=year), end)


def _weighted(found: Forecast, quarter: Period) -> np.ndarray:
    """Each rep's Σ amount · CRM probability over open deals due in the quarter; NaN where the CRM gives none."""
    inputs = found.inputs
    if inputs.chances is None or not inputs.chances.deals.probability.notna().any():
        return np.full(len(inputs.reps), np.nan)
    deals = inputs.chances.deals.iloc[inputs.deal_row]
    due = (deals.close_date <= pd.Timestamp(quarter.end)).to_numpy()
    worth = np.nan_to_num(inputs.deal_amount * deals.probability.to_numpy(float)) * due
    return np.bincount(inputs.deal_rep, worth, len(inputs.reps))


def _scores(level: str, table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for week, part in _by_week(table):
        for name in FORECASTERS:
            known = part[part[name].notna()]
            error, base = known[name] - known.actual, known.actual.abs().sum()
            wape, bias = (float(x / base) if base else float("nan") for x in (error.abs().sum(), error.sum()))
            rows.append((level, week, name, wape, bias, len(known)))
    return pd.DataFrame(rows, columns=["level", "week", "forecaster", "wape", "bias", "forecasts"])


def _coverage(level: str, table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for week, part in _by_week(table):
        inside = part.actual.between(part.p10 - 0.005, part.p90 + 0.005)
        share, count = float(inside.mean()), len(part)
        # the weeks of one quarter share its end
        own = count / part.week.nunique()
        (low,), (high,) = wilson(pd.Series([share * own]), pd.Series([own]))
        rows.append((level, week, share, low, high, count))
    return pd.DataFrame(rows, columns=["level", "week", "inside", "low", "high", "forecasts"])


def _by_week(table: pd.DataFrame) -> list[tuple[int, pd.DataFrame]]:
    return [(0, table), *((week, table[table.week == week]) for week in sorted(set(table.week.tolist())))]
