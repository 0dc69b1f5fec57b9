"""Who makes each call, with which play, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.customers import customers
from salesops.models.plays import client_table
from salesops.models.plays.clients import capacity
from salesops.models.plays.segment_plays import SegmentPlays, segment_plays

MOST_DAYS = 14  # who may leave does not wait for the next turn of a slow rhythm
COLUMNS = ("owner_id", "owner_name", "vacant", "play_name", "channel", "offer", "play_why", "by", "due")


@dataclass(frozen=True)
class CallSheet:
    """The result of `call_sheet`.

    Attributes
    ----------
    table : pandas.DataFrame
        A row for each account, by account_id: owner_id, owner_name (today's; missing without one), vacant (boolean:
        no owner, or one who has left), play_name, channel, offer, play_why (the play's sentence for this client;
        missing without a playbook), by (date: the last contact + the play's cadence, no later than the next expected
        purchase and MOST_DAYS after `as_of`, no sooner than `as_of`), due (date: the last contact + the play's cadence
        alone, no sooner than `as_of`; missing without either).
    people : pandas.DataFrame
        By user_id: user_name, left (boolean: the last day in the job lies before the day).
    left_alone : frozenset of str
        Accounts that the playbook holds out of their play, or whose play is to leave them alone.
    notes : tuple of str
        Why there are no plays, or what the playbook's use brought to light.
    """

    table: pd.DataFrame
    people: pd.DataFrame
    left_alone: frozenset[str]
    notes: tuple[str, ...]


def call_sheet(book: Book, as_of: date, *, horizon_days: int) -> CallSheet:
    """Find the owner, the play and the day of a call to each account of a book, as known on a day."""
    weeks = max(1, round(horizon_days / 7))
    now = customers(book, as_of, horizon_weeks=weeks)
    before = customers(book, as_of - timedelta(days=horizon_days), horizon_weeks=weeks, grid=now.grid)
    first, second = (found.table.assign(segment=found.table.segment.astype("category")) for found in (now, before))
    plays = segment_plays(book, first, second, as_of)
    clients = client_table(book, now.table.drop(columns="segment"), as_of).set_index("account_id")
    played = _played(plays).reindex(clients.index)
    due = _due(clients, played.cadence_days, as_of)
    table = clients[["owner_id", "owner_name"]].assign(
        vacant=clients.owner_id.isna() | clients.owner_left.fillna(False).astype(bool),
        **{name: played[name] for name in ("play_name", "channel", "offer")},
        play_why=played.why,
        by=_by(clients, due, as_of),
        due=due,
    )
    # who is held out of its play, or whose play is to leave it alone
    alone = frozenset(plays.clients.account_id[plays.clients.channel == "none"]) if plays.version else frozenset()
    return CallSheet(table[list(COLUMNS)], _people(book, as_of), alone, () if plays.version else plays.notes)


def _people(book: Book, as_of: date) -> pd.DataFrame:
    users = capacity(as_known(book, as_of), as_of).drop_duplicates("owner_id").set_index("owner_id")
    return users[["owner_name", "owner_left"]].rename(columns={"owner_name": "user_name", "owner_left": "left"})


def _played(plays: SegmentPlays) -> pd.DataFrame:
    names = ["account_id", "play_name", "channel", "offer", "why", "cadence_days"]
    return plays.clients.reindex(columns=names).set_index("account_id")


def _due(clients: pd.DataFrame, cadence_days: pd.Series, as_of: date) -> pd.Series:
    today = pd.Timestamp(as_of)
    spoken = today - pd.to_timedelta(clients.days_since_contact.astype(float), unit="D")
    due: pd.Series = spoken + pd.to_timedelta(cadence_days.astype(float), unit="D").dt.round("D")
    return due.where(due.isna() | (due >= today), today)


def _by(clients: pd.DataFrame, due: pd.Series, as_of: date) -> pd.Series:
    today = pd.Timestamp(as_of)
    expected = pd.to_datetime(clients.next_expected)
    latest = pd.Series(today + pd.Timedelta(days=MOST_DAYS), clients.index)
    by: pd.Series = pd.concat([due, expected, latest], axis=1).min(axis=1)
    return by.where(by >= today, today)
