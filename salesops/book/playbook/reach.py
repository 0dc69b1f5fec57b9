"""Which plays can be reached: the first that matches counts, so an earlier one can leave a later one nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from salesops.book.playbook.columns import CLIENT_COLUMNS
from salesops.book.playbook.conditions import Condition, samples

# a set of sample values for each column: the clients that meet conditions on them
Box = Mapping[str, frozenset[int]]

MOST_STEPS = 20_000


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
