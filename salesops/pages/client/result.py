"""What one client's page states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from salesops.models.results import FINE, plain_value
from salesops.pages.client.history import Won
from salesops.pages.client.owner import Owner
from salesops.pages.client.rhythm_state import Rhythm


@dataclass(frozen=True)
class NextStep:
    """One thing to do.

    Attributes
    ----------
    kind : str
        meeting, call, email, self-service or none (leave alone); hand over (name a new owner).
    by : date or None
        Day by which; None where no day follows from the facts.
    rule : str
        The rule that it follows: "held out" where the calls of the churn page leave it alone by chance; "play" with a
        playbook; else orphaned, unhappy, contract, overdue, missing, first order, expected or in touch.
    """

    kind: str
    by: date | None
    rule: str


@dataclass(frozen=True)
class ClientPage:
    """Everything that a client's page states, as known on a day. It names no other client.

    Attributes
    ----------
    client : dict
        The client's row of `models.client.shared.clients`: purchases, estimates, segment.
    months : pandas.DataFrame
        As `history.by_month` gives it.
    quarters, families, open_families : pandas.DataFrame
        As `history.by_quarter`, `families_bought` and `families_open` give them.
    year_value, year_before : float
        Money: net sales of the last 365 days, and of the 365 days before.
    rhythm : Rhythm
        How it stands by its own gaps, and when the next purchase is expected.
    held_from_calls : bool
        Whether it is silent for so long that the churn page may call it, and is left alone by chance there.
    won : Won
        Deals won for an amount: what makes a client of an account without any order.
    agreements : pandas.DataFrame
        Contracts, as `agreements` gives them.
    otif : dict
        Of the last 365 days, as `issues.delivered` gives it.
    lines, low_answers : pandas.DataFrame
        What stands open: as `issues.delivered` and `issues.low_answers` give them.
    answers : dict
        asked, answered, response_rate, last_score, last_top, last_answer, nps, csat.
    touches, promises, birthdays : pandas.DataFrame
        As `models.client.people` gives them.
    owner : Owner
        Who looks after the client, and what is at stake where that person left.
    play : dict or None
        play_id, play_name, arm, channel, cadence_days, offer, owner, stop, stop_after, why, override_reason;
        None where the book has no playbook.
    estimates : dict
        usable, why_not, spend_from, customers, backtest: how far to trust p_active and value.
    tables : tuple of str
        Of the tables that the page reads, those that the book has.
    step : NextStep
        What to do next.
    """

    company: str
    currency: str
    as_of: date
    horizon_weeks: int
    account_id: str
    account_name: str
    client: dict[str, Any]
    quarters: pd.DataFrame
    months: pd.DataFrame
    families: pd.DataFrame
    open_families: pd.DataFrame
    year_value: float
    year_before: float
    rhythm: Rhythm
    held_from_calls: bool
    won: Won
    agreements: pd.DataFrame
    otif: dict[str, Any]
    lines: pd.DataFrame
    low_answers: pd.DataFrame
    answers: dict[str, Any]
    touches: pd.DataFrame
    promises: pd.DataFrame
    birthdays: pd.DataFrame
    owner: Owner
    play: dict[str, Any] | None
    estimates: dict[str, Any]
    tables: tuple[str, ...]
    step: NextStep

    @property
    def purchases(self) -> int:
        """Purchase days so far."""
        frequency = self.client["frequency"]
        return 0 if frequency is None else int(frequency) + 1

    @property
    def has_sales(self) -> bool:
        """Whether purchases can be known: the book has orders, or the client won deals that count as purchases."""
        return bool(self.purchases) or "orders" in self.tables

    def results(self) -> dict[str, Any]:
        """Return the numbers of the page as JSON can hold them: no NaN, no names of people."""
        answered = "survey_responses" in self.tables
        client, contracts = self.client, self.agreements[self.agreements.runs & ~self.agreements.renewed]
        exposure = self.owner.exposure
        return {
            "horizon_weeks": self.horizon_weeks,
            "account_id": self.account_id,
            "account_name": self.account_name,
            "purchases": self.purchases,
            **{name: _figure(client[name]) for name in ("total", "p_active", "median_gap", "gap_spread", "segment")},
            "value": _figure(client["lifetime_value"]),
            "year_value": _figure(self.year_value) if self.has_sales else None,
            "year_before": _figure(self.year_before) if self.has_sales else None,
            "last_purchase": _figure(client["last_purchase"]),
            "next_expected": _figure(self.rhythm.expected),
            "rhythm": self.rhythm.state,
            "overdue_days": self.rhythm.overdue_days,
            "held_from_calls": self.held_from_calls,
            "action_date": _figure(contracts.action_date.min() if len(contracts) else None),
            "otif": _figure(self.otif["otif"]),
            "on_time": _figure(self.otif["on_time_rate"]),
            "open_lines": len(self.lines) if "deliveries" in self.tables else None,
            "low_answers": len(self.low_answers) if answered else None,
            "answered": int(self.answers["answered"]) if answered else None,
            "last_score": _figure(self.answers["last_score"]),
            "exposure_high": _figure(exposure[1] if exposure else None),
            "play_id": self.play["play_id"] if self.play else None,
            "arm": self.play["arm"] if self.play else None,
            "step": self.step.kind,
            "step_by": _figure(self.step.by),
            "step_rule": self.step.rule,
        }


def _figure(value: Any) -> Any:
    return plain_value(value, decimals=FINE)
