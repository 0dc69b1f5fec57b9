"""One client's page, put together from what is shared by all clients and from the client's own rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.client import history, issues, people
from salesops.models.client.agreements import agreements
from salesops.models.client.find import find_client
from salesops.models.client.owner import Owner, owner_of
from salesops.models.client.rhythm import Rhythm, rhythm_of
from salesops.models.client.shared import PLAY, estimate_notes
from salesops.models.client.step import NextStep, next_step
from salesops.models.client.won import Won, won_by
from salesops.models.playbook import held_out
from salesops.models.playbook.hold_out import CALL, CONTROL_SHARE

_SHOWN = ("orders", "contracts", "deliveries", "survey_responses", "contacts", "activities", "commitments", "products")


@dataclass(frozen=True)
class ClientPage:
    """Everything that a client's page states, as known on a day. It names no other client.

    Attributes
    ----------
    client : dict
        The client's row of `models.client.shared.clients`: purchases, estimates, segment.
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
            "company": self.company,
            "currency": self.currency,
            "as_of": self.as_of.isoformat(),
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


def client_page(
    book: Book, account: str, as_of: date, *, horizon_weeks: int = 13, control_share: float = CONTROL_SHARE
) -> ClientPage:
    """Put together the page of one client, as known on `as_of`.

    What all clients need (the fit of the models, the plays, the peers) is computed once for the book and the day;
    a page reads its own rows of it.

    Parameters
    ----------
    account : str
        Id or name; "" takes the first by name among the clients.
    horizon_weeks : int
        How far ahead p_active and value look.
    control_share : float
        Share of those worth a call whom the churn page leaves alone by chance.

    Raises
    ------
    BookError
        If there is no such client on that day, or several have the name.
    PeriodError
        If the horizon is shorter than a week.
    """
    client = find_client(book, account, as_of, horizon_weeks=horizon_weeks)
    key = client["account_id"]
    days, touches = history.purchase_days(book, key, as_of), people.touches(book, key, as_of)
    otif, lines = issues.delivered(book, key, as_of)
    year_value = history.year_value(days, as_of)
    rhythm = rhythm_of(client, _day(client["last_purchase"]), as_of)
    page = ClientPage(
        company=book.company,
        currency=book.currency,
        as_of=as_of,
        horizon_weeks=horizon_weeks,
        account_id=key,
        account_name=client["account_name"],
        client=client,
        quarters=history.by_quarter(days, as_of, book.config.fiscal_year_start),
        families=history.families_bought(book, key, as_of),
        open_families=history.families_open(book, key, as_of),
        year_value=year_value,
        year_before=history.year_value(days, as_of, ago=1),
        rhythm=rhythm,
        held_from_calls=client["may_call"] and bool(held_out([key], CALL, control_share)[0]),
        won=won_by(book, key, as_of),
        agreements=agreements(book, key, as_of),
        otif=otif,
        lines=lines,
        low_answers=issues.low_answers(book, key, as_of, touches=touches, days=days),
        answers=issues.answers(book, key, as_of),
        touches=touches,
        promises=people.promises(book, key, as_of),
        birthdays=people.birthdays(book, key, as_of),
        owner=owner_of(book, client, as_of, year_value=year_value, touches=touches),
        play=_play(client),
        estimates=estimate_notes(book, as_of, horizon_weeks),
        tables=tuple(name for name in _SHOWN if as_known(book, as_of).has(name)),
        step=NextStep("none", None, "in touch"),
    )
    return replace(page, step=next_step(page))


def _play(client: dict[str, Any]) -> dict[str, Any] | None:
    if client["play_id"] is None:
        return None
    return {name: client["play_owner" if name == "owner" else name] for name in PLAY}


def _day(value: Any) -> date | None:
    return None if value is None or pd.isna(value) else pd.Timestamp(value).date()


def _figure(value: Any) -> Any:
    """Return a number, text or date as JSON holds it; what is missing or not finite as None."""
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, date):
        return pd.Timestamp(value).date().isoformat()
    if isinstance(value, float):
        return round(float(value), 6) if math.isfinite(value) else None
    return value.item() if hasattr(value, "item") else value
