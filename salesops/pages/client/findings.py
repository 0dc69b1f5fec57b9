"""One client's page, put together from what is shared by all clients and from the client's own rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.plays import held_out
from salesops.models.plays.hold_out import CALL, CONTROL_SHARE
from salesops.pages.client import history, issues, people
from salesops.pages.client.agreements import agreements
from salesops.pages.client.history import won_by
from salesops.pages.client.owner import owner_of
from salesops.pages.client.result import ClientPage, NextStep
from salesops.pages.client.rhythm_state import rhythm_of
from salesops.pages.client.shared import PLAY, estimate_notes, find_client
from salesops.pages.client.step import next_step

_SHOWN = ("orders", "contracts", "deliveries", "survey_responses", "contacts", "activities", "commitments", "products")


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
    days, touches = history.own_days(book, key, as_of), people.touches(book, key, as_of)
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
        months=history.by_month(days, as_of),
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
