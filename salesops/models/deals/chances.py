"""The chance to win each open deal, and by when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.deals.hazards import EDGES, Array, Curves, Hazards, as_fitted_on, both_ways, fit_hazards
from salesops.models.deals.landmarks import Landmarks, landmarks, open_on, open_then
from salesops.models.deals.week import Week

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
        Each open deal, as `landmarks.open_on` gives it; chance (P(win) at any time, 0–1); rests_on (the number of
        deals whose share of wins would be as sure as the chance, where no model is fitted).
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
    week : Week
        The book's week, in which the curves count time.
    hazards : Hazards or None
        The model, if it is one.
    """

    as_of: date
    deals: pd.DataFrame
    curves: Curves
    method: str
    decided: int
    amount_factor: float
    notes: tuple[str, ...]
    week: Week
    hazards: Hazards | None = None

    def by(self, day: date) -> pd.DataFrame:
        """Return for each deal the chances up to the end of a day.

        Returns
        -------
        pandas.DataFrame
            opportunity_id, won, lost, open (fractions that sum to 1), slips (chance that a deal due by then is
            open after it; NaN for a deal due later or never).
        """
        won, lost = self.curves.by(self._until(day))
        still = np.clip(1 - won - lost, 0, 1)
        due = (self.deals.close_date <= pd.Timestamp(day)).to_numpy(bool)
        return pd.DataFrame(
            {
                "opportunity_id": self.deals.opportunity_id,
                "won": won,
                "lost": lost,
                "open": still,
                "slips": np.where(due, still, np.nan),
            }
        )

    def won_between(self, first: date, last: date, cycle: float = 1.0) -> Array:
        """Return P(won) of each deal from the day after `first` to `last`; `cycle` is a factor on the time it takes."""
        before, after = (self.curves.by(self._until(day) / cycle)[0] for day in (first, last))
        return after - before

    def drawn_between(self, first: date, last: date) -> Array:
        """Return P(won) of each deal between two days as other past deals would have had it: deals × DRAWS.

        Where no model is fitted, a chance is as unsure as a share of the deals that it rests on, all deals of a stage
        alike.
        """
        if self.hazards is not None:
            return self.hazards.won_between(self.deals, self._until(first), self._until(last))
        stages, names = pd.factorize(self.deals.stage_name, use_na_sentinel=False)
        chance = np.clip(self.curves.chance, 1e-9, 1)[:, None]
        doubt = np.sqrt(chance * (1 - chance) / (self.deals.rests_on.to_numpy(float)[:, None] + 1))
        drawn = np.clip(chance + doubt * both_ways(len(names))[stages], 0, 1)
        return np.asarray(self.won_between(first, last)[:, None] * drawn / chance)

    def _until(self, day: date) -> float:
        return float(self.week.between(np.datetime64(self.as_of), np.datetime64(day)))


def deal_chances(
    book: Book, as_of: date, closed: pd.DataFrame | None = None, *, start: Hazards | None = None
) -> DealChances:
    """Estimate for each deal open on `as_of` the chance to win it, and when.

    Competing risks of win and loss from the book's own deals: stage, age, pushes, amount, close date, lead source
    and the owner's fair win rate. With fewer than 100 decided deals, or 20 won or lost, each stage's share of wins
    stands in; without any decided deal, the CRM's own probability. `closed` is as in `landmarks.open_on`, `start` as
    in `hazards.fit_hazards`.
    """

    def estimated() -> DealChances:
        return chances_from(landmarks(book, as_of, closed), open_on(book, as_of, closed), start)

    return estimated() if start else as_known(book, as_of).keep("deal chances", estimated)


def chances_then(book: Book, now: DealChances, closed: pd.DataFrame, days: list[date]) -> list[DealChances]:
    """Estimate the chances of the deals open on each of some earlier days, at the rates that were known then.

    What a deal's stage, age and so on do to its chance is what is known now: see `hazards.as_fitted_on`. `closed` is
    as in `landmarks.open_on`. The CRM's probability is left out.
    """
    opened = [open_then(book, day, closed).assign(probability=np.nan) for day in days]
    if now.hazards is None:
        found = zip(days, opened, strict=True)
        return [chances_from(landmarks(book, day, closed), deals) for day, deals in found]
    cases = landmarks(book, now.as_of, closed).cases
    since = now.week.at(cases.landmark)
    models = as_fitted_on(now.hazards, cases, [now.week.at(np.datetime64(day)) - since for day in days])
    return [
        replace(now, as_of=day, deals=deals, curves=model.curves(deals), hazards=model)
        for day, deals, model in zip(days, opened, models, strict=True)
    ]


def chances_from(past: Landmarks, deals: pd.DataFrame, start: Hazards | None = None) -> DealChances:
    """Estimate the chances of open deals from past ones."""
    ends = past.cases[past.cases.won | past.cases.lost].drop_duplicates("opportunity_id")
    wins, hazards, rests_on = int(ends.won.sum()), None, np.full(len(deals), BASE_WEIGHT)
    if len(ends) >= ENOUGH_DEALS and min(wins, len(ends) - wins) >= ENOUGH_OF_EACH:
        hazards = fit_hazards(past.cases, start)
        method, curves = "model", hazards.curves(deals)
    elif len(ends):
        method, (curves, rests_on) = "stage base rates", _base_rates(past.cases, deals)
    elif deals.probability.notna().any():
        method, curves = "the CRM's probability", _by_crm(deals)
    else:
        method, curves = "none", _nothing(len(deals))
    return DealChances(
        past.as_of, deals.assign(chance=curves.chance, rests_on=rests_on), curves, method, len(ends),
        _amount_factor(past.cases), tuple(_notes(method, len(ends), past, deals)), past.week, hazards,
    )  # fmt: skip  # in the order of the fields


def _base_rates(cases: pd.DataFrame, deals: pd.DataFrame) -> tuple[Curves, Array]:
    """Give each deal its stage's share of wins, and the pace at which past deals were decided; and what it rests on."""
    ends = cases[cases.won | cases.lost]
    count = ends.opportunity_id.nunique()
    base = (ends.won.mean() * count + 1) / (count + 2)
    known = ends.groupby("stage_name").agg(share=("won", "mean"), count=("opportunity_id", "nunique"))
    rates = (known["share"] * known["count"] + BASE_WEIGHT * base) / (known["count"] + BASE_WEIGHT)
    chance = deals.stage_name.map(rates).fillna(base).to_numpy(float)
    rests_on = deals.stage_name.map(known["count"]).fillna(0.0).to_numpy(float) + BASE_WEIGHT
    return _paced(chance, _decided_by(cases)), rests_on


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
    both = cases[(cases.won_value > 0) & (cases.value > 0)]
    enough = both.opportunity_id.nunique() >= ENOUGH_OF_EACH
    return float(both.won_value.sum() / both.value.sum()) if enough else 1.0


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
