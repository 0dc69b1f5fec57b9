"""What `salesops check` says about a playbook: errors, plays that no client can reach, and who comes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import duckdb

from salesops.book.finding import Finding
from salesops.book.playbook.columns import CLIENT_COLUMNS
from salesops.book.playbook.conditions import Condition, samples
from salesops.book.playbook.overrides import read_overrides
from salesops.book.playbook.read import FILE, Playbook, find_playbook, load_playbook, placeholders
from salesops.book.source import Book
from salesops.errors import BookError

_LISTED = 6
# a set of sample values for each column: the clients that meet conditions on them
Box = Mapping[str, frozenset[int]]

MOST_STEPS = 20_000


def playbook_findings(book: Book) -> tuple[Finding, ...]:
    """Return what is wrong in the playbook and the overrides beside a book; nothing where there is no playbook."""
    path = find_playbook(book)
    if path is None:
        return ()
    playbook, findings = load_playbook(path)
    if playbook is None:
        return findings
    _, wrong = read_overrides(book, playbook, accounts=_accounts(book))
    return (*findings, *reach_findings(playbook), *_bare(playbook), *wrong)


def playbook_notes(book: Book) -> tuple[str, ...]:
    """Return what a playbook is, in sentences: its plays, and which of two comes first where both can match."""
    path = find_playbook(book)
    playbook = load_playbook(path)[0] if path else None
    if playbook is None:
        return ()
    plays = playbook.plays
    notes = [f"{FILE}, version {playbook.version}: {len(plays)} plays; a client gets the first that matches."]
    found = boxes([play.when for play in plays])
    for place, play in enumerate(plays[:-1]):
        later = [other.id for other, box in zip(plays[place + 1 : -1], found[place + 1 :], strict=False)
                 if overlap(found[place], box)]  # fmt: skip  # one thought
        if later:
            more = f" and {len(later) - _LISTED} more" if len(later) > _LISTED else ""
            notes.append(f"Where a client also matches {', '.join(later[:_LISTED])}{more}: {play.id} wins.")
    return tuple(notes)


def reach_findings(playbook: Playbook) -> Iterator[Finding]:
    """Return a finding for each play whose conditions nobody can meet, or earlier plays take all its clients."""
    found = boxes([play.when for play in playbook.plays])
    for place, (play, box) in enumerate(zip(playbook.plays, found, strict=True)):
        if empty(box):
            names = [name for name, passed in box.items() if not passed]
            yield _warning(
                "play possible", f"no client can match play '{play.id}': its conditions on {', '.join(names)} "
                "exclude every value", "Correct the bounds, or remove the play.",
            )  # fmt: skip  # one finding reads as one row
        elif covered(box, found[:place]):
            yield _warning(
                "play reachable", f"no client can reach play '{play.id}': {_by_whom(playbook, found, place)}",
                "Move it up, or remove it.",
            )  # fmt: skip  # one finding reads as one row


def _by_whom(playbook: Playbook, found: list[Box], place: int) -> str:
    """Say which earlier play covers this one, or which do so together."""
    box = found[place]
    for play, other in zip(playbook.plays, found[:place], strict=False):
        if all(box[name] <= other[name] for name in box):
            return f"the earlier '{play.id}' takes all its clients"
    sharing = [
        f"'{play.id}'" for play, other in zip(playbook.plays, found[:place], strict=False) if overlap(box, other)
    ]
    return f"the earlier {', '.join(sharing[:_LISTED])} together take all its clients"


def _bare(playbook: Playbook) -> Iterator[Finding]:
    for play in playbook.plays:
        if not placeholders(play.why):
            yield _warning(
                "sentence", f"play '{play.id}' gives every client the same reason",
                "Put one of the client's own numbers into why, such as {days_since}.",
            )  # fmt: skip  # one finding reads as one row


def _accounts(book: Book) -> frozenset[str] | None:
    """Return the accounts that the book knows; None where it has no such table that can be read."""
    if not book.has("accounts"):
        return None
    try:
        return frozenset(book.table("accounts").account_id.to_pyarrow().to_pylist())
    except (BookError, duckdb.Error):  # the table has its own finding
        return None


def _warning(rule: str, found: str, repair: str) -> Finding:
    return Finding(FILE, rule, "warning", found, repair)


def boxes(rules: Sequence[Sequence[Condition]]) -> list[Box]:
    """Return the box of each rule: for each column that any rule asks for, which of its sample values pass."""
    asked: dict[str, list[Condition]] = {}
    for rule in rules:
        for condition in rule:
            asked.setdefault(condition.column, []).append(condition)
    values = {name: samples(CLIENT_COLUMNS[name], conditions) for name, conditions in asked.items()}
    full = {name: frozenset(range(len(found))) for name, found in values.items()}
    return [
        full
        | {
            condition.column: frozenset(
                place for place, value in enumerate(values[condition.column]) if condition.holds(value)
            )
            for condition in rule
        }
        for rule in rules
    ]


def empty(box: Box) -> bool:
    """Tell whether no client can be in a box."""
    return any(not passed for passed in box.values())


def overlap(one: Box, other: Box) -> bool:
    """Tell whether a client can be in both boxes."""
    return all(one[name] & other[name] for name in one)


def covered(box: Box, earlier: Sequence[Box]) -> bool:
    """Tell whether every client of a box is in one of the earlier ones.

    Exact, but for playbooks whose rules cut each other into more than MOST_STEPS pieces: then it says no.
    """
    return _left_over(box, earlier, [MOST_STEPS]) is None


def _left_over(box: Box, earlier: Sequence[Box], steps: list[int]) -> Box | None:
    """Return a part of a box that none of the earlier ones holds; None if there is none."""
    steps[0] -= 1
    while earlier and not overlap(box, earlier[0]):
        earlier = earlier[1:]
    if not earlier or steps[0] <= 0:
        return box
    first, rest = earlier[0], dict(box)
    for name, passed in first.items():
        if outside := rest[name] - passed:
            found = _left_over({**rest, name: outside}, earlier[1:], steps)
            if found is not None:
                return found
        rest[name] &= passed
    return None
