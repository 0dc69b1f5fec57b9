"""Which play each segment's clients get, by the book's own playbook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops.book.playbook import Override, Playbook, find_playbook, read_overrides, read_playbook
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.models.playbook import assign_plays, client_table

NO_PURCHASE = "no purchase yet"
NO_PLAYBOOK = "This book has no playbook, so no segment has a play yet. Put a playbook.toml beside its tables."


@dataclass(frozen=True)
class SegmentPlays:
    """Plays by segment.

    Attributes
    ----------
    clients : pandas.DataFrame
        A row for each client, customer or not: as `assign_plays` gives it, with segment (NO_PURCHASE for accounts
        that never bought). Empty without a playbook.
    by_segment : pandas.DataFrame
        segment, play_name, clients (count), share (of the segment): most frequent first in each segment, in the
        order of the segments.
    by_play : pandas.DataFrame
        play_name, clients (count), held_out (of them left alone, to judge the play), channel, owner, cadence_days
        (median), in the order of the playbook.
    version : str
        Of the playbook; "" without one.
    notes : tuple of str
        Why there are no plays, or what the playbook's use brought to light.
    """

    clients: pd.DataFrame
    by_segment: pd.DataFrame
    by_play: pd.DataFrame
    version: str
    notes: tuple[str, ...]

    @property
    def main(self) -> pd.DataFrame:
        """The most frequent play of each segment: segment, play_name, clients, share."""
        return self.by_segment.drop_duplicates("segment").reset_index(drop=True)

    @property
    def alike(self) -> list[tuple[str, list[str]]]:
        """Plays that are the main one of several segments, each with these segments."""
        groups = self.main.groupby("play_name", sort=False).segment
        return [(str(play), list(names)) for play, names in groups if len(names) > 1]


def segment_plays(book: Book, now: pd.DataFrame, before: pd.DataFrame, as_of: date) -> SegmentPlays:
    """Give every client of a book its play and count the plays by segment.

    Parameters
    ----------
    now, before : pandas.DataFrame
        The tables of `customers` on `as_of` and on the earlier date, with the segment by one definition.
    """
    path = find_playbook(book)
    if path is None:
        return _none(NO_PLAYBOOK)
    try:
        playbook = read_playbook(path)
    except BookError as error:
        return _none(f"The playbook cannot be followed, so no segment has a play. {error}")
    # the client table takes the segments of both dates from elsewhere than the customers' own column
    customers = now.drop(columns="segment").rename(columns={"value": "lifetime_value"})
    clients = client_table(book, customers, as_of, segments=now, segments_before=before)
    overrides, notes = _overrides(book, playbook, frozenset(clients.account_id))
    plays = assign_plays(playbook, clients, as_of=as_of, overrides=overrides)
    names = [*now.segment.cat.categories, NO_PURCHASE]
    segment = pd.Categorical(clients.segment.astype(object).fillna(NO_PURCHASE), categories=names, ordered=True)
    table = plays.table.assign(segment=segment)
    found = [f"{finding.found[:1].upper()}{finding.found[1:]}." for finding in plays.findings]
    return SegmentPlays(table, _by_segment(table), _by_play(table, playbook), playbook.version, (*notes, *found))


def _none(why: str) -> SegmentPlays:
    return SegmentPlays(
        pd.DataFrame(columns=["account_id", "segment", "play_id"]),
        pd.DataFrame(columns=["segment", "play_name", "clients", "share"]),
        pd.DataFrame(columns=["play_name", "clients", "held_out", "channel", "owner", "cadence_days"]),
        "",
        (why,),
    )


def _overrides(
    book: Book, playbook: Playbook, accounts: frozenset[str]
) -> tuple[tuple[Override, ...], tuple[str, ...]]:
    """Return the overrides of these accounts, and a sentence about the others that names nobody."""
    overrides, findings = read_overrides(book, playbook)
    mine = tuple(override for override in overrides if override.account_id in accounts)
    others = len(overrides) - len(mine)
    return mine, tuple(_unread(others, len(findings)))


def _unread(strangers: int, findings: int) -> Iterator[str]:
    if strangers:
        yield f"{strangers:,} overrides name no client of this day and are not followed."
    if findings:
        yield f"{findings:,} overrides cannot be followed; salesops check says why."


def _by_segment(table: pd.DataFrame) -> pd.DataFrame:
    counts = table.groupby(["segment", "play_name"], observed=True).size().rename("clients").reset_index()
    share = counts.clients / counts.groupby("segment", observed=True).clients.transform("sum")
    ordered = counts.assign(share=share).sort_values(["segment", "clients", "play_name"], ascending=[True, False, True])
    return ordered.reset_index(drop=True)


def _by_play(table: pd.DataFrame, playbook: Playbook) -> pd.DataFrame:
    rows = []
    for play in playbook.plays:
        mine = table[table.play_id == play.id]
        rows.append(
            {
                "play_name": play.name,
                "clients": len(mine),
                "held_out": int((mine.arm == "hold-out").sum()),
                "channel": play.channel,
                "owner": play.owner,
                "cadence_days": mine.cadence_days.median(),
            }
        )
    return pd.DataFrame(rows)
