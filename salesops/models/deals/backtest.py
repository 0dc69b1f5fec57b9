"""How far to trust the chances: past open deals judged by what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from salesops.book.source import Book
from salesops.models.deals.chances import chances_from, deal_chances
from salesops.models.deals.hazards import Hazards
from salesops.models.deals.landmarks import closed_by, closed_deals, landmarks, open_on, opened, read_ahead
from salesops.models.intervals import with_interval

HORIZON = 91
APART = 56
BANDS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0])


@dataclass(frozen=True, eq=False)
class DealBacktest:
    """The result of `backtest_deals`.

    Attributes
    ----------
    scores : pandas.DataFrame
        One row for each of "model", "CRM" and "base rate": brier (mean squared error per deal, lower is better),
        mean (mean chance), share_won (what came), deals. The CRM's row is over the deals that it gives a
        probability for; NaN if none.
    calibration : pandas.DataFrame
        forecaster, band (lowest chance), chance (mean), won (share), deals, low, high (95% Wilson interval of won).
    within : pandas.DataFrame
        The same scores for "won within 91 days", known for every deal: model and base rate.
    undecided : int
        Deals open to this day, which only `within` can judge.
    """

    scores: pd.DataFrame
    calibration: pd.DataFrame
    within: pd.DataFrame
    undecided: int


def backtest_deals(book: Book, as_of: date, *, cuts: int = 8) -> DealBacktest | None:
    """Forecast deals open on past days from what was known on each, and compare with what came.

    Parameters
    ----------
    cuts : int
        The most days judged, eight weeks apart, the last of them 13 weeks before `as_of`.

    Returns
    -------
    DealBacktest or None
        None if no past day has decided deals before it and open deals on it.
    """
    judged = _judged(book, as_of, cuts)
    if judged.empty:
        return None
    ended = judged[judged.won | judged.lost]
    names = {"model": "chance", "CRM": "probability", "base rate": "base"}
    won = judged.won & (judged.days <= HORIZON)
    return DealBacktest(
        pd.DataFrame([_score(name, ended[column], ended.won) for name, column in names.items()]),
        pd.concat([_calibration(name, ended[column], ended.won) for name, column in names.items()], ignore_index=True),
        pd.DataFrame([_score(n, judged[c], won) for n, c in (("model", "soon"), ("base rate", "base_soon"))]),
        judged.opportunity_id[~(judged.won | judged.lost)].nunique(),
    )


def _judged(book: Book, as_of: date, cuts: int) -> pd.DataFrame:
    closed = closed_deals(book, as_of)
    days = _days(closed, as_of, cuts)
    if days:
        opened(book, tuple(days))  # at once: `open_on` would read each day by itself
        read_ahead(book, days, closed)
    start = deal_chances(book, as_of, closed).hazards if days else None
    frames = [_forecast(book, as_of, day, closed, start) for day in days]
    return pd.concat([frame for frame in frames if not frame.empty] or [pd.DataFrame()], ignore_index=True)


def _days(closed: pd.DataFrame, as_of: date, cuts: int) -> list[date]:
    """Days eight weeks apart that lie between the first closed deal and 13 weeks before `as_of`, the last first."""
    if closed.empty:
        return []
    days = [as_of - timedelta(days=HORIZON + APART * number) for number in range(cuts)]
    return [day for day in days if day > closed.close_date.min().date()]


def _forecast(book: Book, as_of: date, day: date, closed: pd.DataFrame, start: Hazards | None) -> pd.DataFrame:
    """The deals open on a day, their chances as of it, and what has become of them by `as_of`."""
    past, deals = landmarks(book, day, closed), open_on(book, day, closed)
    deals = deals[deals.age.notna()].reset_index(drop=True)
    ends = past.cases[past.cases.won | past.cases.lost]
    if ends.empty or deals.empty:
        return pd.DataFrame()
    found = chances_from(past, deals, start)
    followed = past.cases[past.cases.landmark <= pd.Timestamp(day - timedelta(days=HORIZON))]
    soon = (followed.won & (followed.days <= HORIZON)).mean() if len(followed) else ends.won.mean()
    fate = closed_by(closed, as_of).drop_duplicates("opportunity_id").set_index("opportunity_id")
    then = fate[["close_date", "is_won"]].reindex(deals.opportunity_id).reset_index(drop=True)
    won = then.is_won.fillna(False).astype(bool)
    return deals.assign(
        won=won,
        lost=then.close_date.notna() & ~won,
        days=(then.close_date - pd.Timestamp(day)).dt.days.astype(float),
        chance=found.deals.chance,
        soon=found.curves.by(HORIZON)[0],
        base=ends.won.mean(),
        base_soon=float(soon),
    )


def _score(name: str, chance: pd.Series, won: pd.Series) -> dict[str, object]:
    known = chance.notna()
    p, y = chance[known].to_numpy(float), won[known].to_numpy(float)
    empty = not len(p)
    return {
        "forecaster": name,
        "brier": float("nan") if empty else float(np.mean((p - y) ** 2)),
        "mean": float("nan") if empty else float(p.mean()),
        "share_won": float("nan") if empty else float(y.mean()),
        "deals": len(p),
    }


def _calibration(name: str, chance: pd.Series, won: pd.Series) -> pd.DataFrame:
    known = chance.notna()
    band = np.clip(np.searchsorted(BANDS, chance[known].to_numpy(float), side="right") - 1, 0, len(BANDS) - 2)
    rows = pd.DataFrame({"band": BANDS[band], "chance": chance[known], "yes": won[known].astype(float)})
    table = rows.groupby("band", as_index=False).agg(
        chance=("chance", "mean"), yes=("yes", "sum"), deals=("yes", "size")
    )
    table = with_interval(table.assign(no=table.deals - table.yes), "yes", "no")
    table = table.assign(forecaster=name, won=table.yes / table.deals)
    return table[["forecaster", "band", "chance", "won", "deals", "low", "high"]]
