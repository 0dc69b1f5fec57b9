"""Playbooks for tests: plays with these conditions, and a last one that takes everyone."""

from __future__ import annotations

from typing import Any

from salesops.book.playbook import Playbook, parse_playbook

REST: dict[str, Any] = {
    "name": "A play", "channel": "call", "cadence": 0.5, "floor_days": 7, "ceiling_days": 30, "offer": "Talk",
    "owner": "manager", "stop": "Bought", "stop_after": 3, "why": "{days_since} days.",
}  # fmt: skip  # reads as a table


def playbook(hold_out: float = 0.0, changes: dict[str, Any] | None = None, **when: dict[str, Any]) -> Playbook:
    """A playbook with a play for each name, in order, with these conditions; the last, "rest", takes everyone.

    `changes` are made to every play.
    """
    common = {**REST, **(changes or {})}
    items = [{"id": name, "when": conditions, **common} for name, conditions in when.items()]
    found, findings = parse_playbook(
        {"version": "1", "hold_out": hold_out, "plays": [*items, {"id": "rest", **common}]}
    )
    assert found is not None, findings
    return found
