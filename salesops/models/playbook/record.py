"""Writing down which client was given which play, once for each change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from salesops.book.playbook import Playbook, append_log, read_log
from salesops.models.playbook.assign import Plays


def log_plays(folder: Path, playbook: Playbook, plays: Plays, as_of: date) -> int:
    """Log each client whose play or arm is not the one logged last, and return how many.

    Running a report again adds nothing. Raises BookError where the log cannot be read or written.
    """
    last: dict[str, tuple[str, str]] = {}
    for entry in read_log(folder):
        if entry["event"] == "assigned":
            last[entry["account_id"]] = (entry["play_id"], entry["arm"])
    entries: list[dict[str, str | date]] = [
        {
            "logged_on": as_of,
            "account_id": str(row.account_id),
            "play_id": str(row.play_id),
            "version": playbook.version,
            "event": "assigned",
            "arm": str(row.arm),
            "note": str(row.override_reason),
        }
        for row in plays.table.itertuples()
        if last.get(str(row.account_id)) != (row.play_id, row.arm)
    ]
    return append_log(folder, entries)
