"""The chance to win each open deal, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from salesops.book.source import Book
from salesops.models.deals.hazards import EDGES, Array, Curves, fit_hazards
from salesops.models.deals.landmarks import Landmarks, landmarks, open_on

ENOUGH_DEALS = 100
ENOUGH_OF_EACH = 20
BASE_WEIGHT = 10.0
USUAL_DAYS = 91.0


@dataclass(frozen=True, eq=False)
class DealChances:
    """The result of `deal_chances`.

    Attributes
    ----------
    deals : pandas.DataFrame
        Each open deal, as `landmarks.open_on` gives it, and chance (P(win) at any time, 0–1).
    curves : Curves
        P(won) and P(lost) of each deal by the ends of steps of time after `as_of`.
    method : str
        "model", "stage base rates", "the CRM's probability" or "none".
    decided : int
        Deals with a known end that the chances rest on.
    amount_factor : float
        Amount when won ÷ amount while open, over past deals: what negotiating leaves.
    notes : tuple of str
        What the reader must know, in sentences.
    """

    as_of: date
    deals: pd.DataFrame
    curves: Curves
    method: str
    decided: int
    amount_factor: float
    notes: tuple[str, ...]

    def by(self, day: date) -> pd.DataFrame:
        """Return for each deal the chances up to the end of a day.

        Returns
        -------
        pandas.DataFrame
            opportunity_id, won, lost, open (fractions that sum to 1), slips (chance that a deal due by then is
            open after it; NaN for a deal due later or never).
        """
        won, lost = self.curves.by((day - self.as_of).days)
        still = np.clip(1 - won - lost, 0, 1)
        due = self.deals.due.to_numpy(float) <= (day - self.as_of).days
        return pd.DataFrame(
            {
                "opportunity_id": self.deals.opportunity_id,
                "won": won,
                "lost": lost,
                "open": still,
                "slips": np.where(due, still, np.nan),
            }
        )


def deal_chances(book: Book, as_of: date, closed: pd.DataFrame | None = None) -> DealChances:
    """Estimate for each deal open on `as_of` the chance to win it, and when.

    Competing risks of win and loss from the book's own deals: stage, age, pushes, amount, close date, lead source
    and the owner's fair win rate. With fewer than 100 decided deals, or 20 won or lost, each stage's share of wins
    stands in; without any decided deal, the CRM's own probability. `closed` is as in `landmarks.open_on`.
    """
    past = landmarks(book, as_of, closed)
    return chances_from(past, open_on(book, as_of, closed))


def chances_from(past: Landmarks, deals: pd.DataFrame) -> DealChances:
    """Estimate the chances of open deals from past ones."""
    ends = past.cases[past.cases.won | past.cases.lost].drop_duplicates("opportunity_id")
    wins = int(ends.won.sum())
    if len(ends) >= ENOUGH_DEALS and min(wins, len(ends) - wins) >= ENOUGH_OF_EACH:
        method, curves = "model", fit_hazards(past.cases).curves(deals)
    elif len(ends):
        method, curves = "stage base rates", _base_rates(past.cases, deals)
    elif deals.probability.notna().any():
        method, curves = "the CRM's probability", _by_crm(deals)
    else:
        method, curves = "none", _nothing(len(deals))
    return DealChances(
        past.as_of,
        deals.assign(chance=curves.chance),
        curves,
        method,
        len(ends),
        _amount_factor(past.cases),
        tuple(_notes(method, len(ends), past, deals)),
    )


def _base_rates(cases: pd.DataFrame, deals: pd.DataFrame) -> Curves:
    """Give each deal its stage's share of wins, and the pace at which past deals were decided."""
    ends = cases[cases.won | cases.lost]
    base = (ends.won.sum() + 1) / (len(ends) + 2)
    known = ends.groupby("stage_name").won.agg(["sum", "count"])
    rates = (known["sum"] + BASE_WEIGHT * base) / (known["count"] + BASE_WEIGHT)
    chance = deals.stage_name.map(rates).fillna(base).to_numpy(float)
    return _paced(chance, _decided_by(cases))


def _decided_by(cases: pd.DataFrame) -> Array:
    """Share of deals decided by the end of each step, after Kaplan and Meier."""
    decided, days = (cases.won | cases.lost).to_numpy(bool), cases.days.to_numpy(float)
    still = np.ones(len(EDGES))
    for step in range(1, len(EDGES)):
        at_risk = (days > EDGES[step - 1]).sum()
        ended = (decided & (days > EDGES[step - 1]) & (days <= EDGES[step])).sum()
        still[step] = still[step - 1] * (1 - ended / at_risk if at_risk else 1.0)
    return 1 - still


def _by_crm(deals: pd.DataFrame) -> Curves:
    return _paced(deals.probability.fillna(0.0).to_numpy(float), np.minimum(EDGES / USUAL_DAYS, 1.0))


def _nothing(count: int) -> Curves:
    return Curves(np.zeros((count, len(EDGES))), np.zeros((count, len(EDGES))))


def _paced(chance: Array, decided_by: Array) -> Curves:
    return Curves(chance[:, None] * decided_by, (1 - chance)[:, None] * decided_by)


def _amount_factor(cases: pd.DataFrame) -> float:
    both = cases[(cases.won_value > 0) & (cases.value > 0)].drop_duplicates("opportunity_id")
    return float(both.won_value.sum() / both.value.sum()) if len(both) >= ENOUGH_OF_EACH else 1.0


def _notes(method: str, decided: int, past: Landmarks, deals: pd.DataFrame) -> list[str]:
    notes = []
    if deals.empty:
        notes.append("No deal is open.")
    elif method == "stage base rates":
        notes.append(
            f"Only {decided} deals with a known end could be followed. Each open deal has its stage's share of wins; "
            f"{ENOUGH_DEALS} deals, {ENOUGH_OF_EACH} of them won and {ENOUGH_OF_EACH} lost, allow more."
        )
    elif method == "the CRM's probability":
        notes.append("No deal with a known end could be followed. The CRM's own probabilities stand, untested.")
    elif method == "none":
        notes.append("No deal was ever decided, and the CRM gives no probability: open deals count nothing.")
    undated = int(deals.age.isna().sum())
    if undated:
        notes.append(
            f"{undated} open deals have no created date and count as new. {past.undated} past ones taught nothing."
        )
    return notes
