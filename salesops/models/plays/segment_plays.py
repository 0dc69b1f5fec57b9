"""Which play each segment's clients get, by the book's own playbook, and whether earlier plays paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops.book.playbook import (
    Override,
    Playbook,
    find_playbook,
    read_log,
    read_overrides,
    read_playbook,
)
from salesops.book.playbook.read import beside
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.models.plays import assign_plays, client_table, lift, log_plays, play_outcomes
from salesops.models.rhythm import purchase_days

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
    lift : pandas.DataFrame
        Whether the plays logged so far paid, as `models.playbook.lift` gives it.
    version : str
        Of the playbook; "" without one.
    notes : tuple of str
        Why there are no plays, or what the playbook's use brought to light.
    """

    clients: pd.DataFrame
    by_segment: pd.DataFrame
    by_play: pd.DataFrame
    lift: pd.DataFrame
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
    plays = assign_plays(playbook, clients, as_of=as_of, overrides=overrides, currency=book.currency)
    names = [*now.segment.cat.categories, NO_PURCHASE]
    segment = pd.Categorical(clients.segment.astype(object).fillna(NO_PURCHASE), categories=names, ordered=True)
    table = plays.table.assign(segment=segment)
    if book.is_redacted:
        notes = (*notes, "Whether plays paid is not shown with pseudonyms: the log has the clients' own ids.")
    found = [f"{finding.found[:1].upper()}{finding.found[1:]}." for finding in plays.findings]
    return SegmentPlays(
        clients=table,
        by_segment=_by_segment(table),
        by_play=_by_play(table, playbook),
        lift=_lift(book, as_of),
        version=playbook.version,
        notes=(*notes, *found),
    )


def log_segment_plays(book: Book, plays: SegmentPlays, as_of: date) -> int:
    """Log the play of each client beside the book where it changed, to judge it later, and return how many changed.

    Raises
    ------
    BookError
        If the book is redacted, or the log cannot be read or written.
    """
    if book.is_redacted:
        raise BookError("Plays can be logged only by the clients' own ids. Run without redact, or without log.")
    return log_plays(beside(book, ""), plays.version, plays.clients, as_of)


def _none(why: str) -> SegmentPlays:
    return SegmentPlays(
        pd.DataFrame(columns=["account_id", "segment", "play_id"]),
        pd.DataFrame(columns=["segment", "play_name", "clients", "share"]),
        pd.DataFrame(columns=["play_name", "clients", "held_out", "channel", "owner", "cadence_days"]),
        lift(play_outcomes([], pd.DataFrame(columns=["account_id", "ordered_on"]), date.max)),
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


def _lift(book: Book, as_of: date) -> pd.DataFrame:
    """Judge the plays in the log, which holds the clients' own ids: by those of a redacted book it tells nothing."""
    log = [] if book.is_redacted else [row for row in read_log(beside(book, "")) if row["logged_on"] <= str(as_of)]
    days = purchase_days(book, as_of)
    bought = days.filter(days.is_purchase).select("account_id", ordered_on="day")
    return lift(play_outcomes(log, (bought if log else bought.limit(0)).to_pandas(), as_of))


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
