"""Writing down which client was given which play, once for each change."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from salesops.book.playbook import append_log, read_log


def log_plays(folder: Path, version: str, plays: pd.DataFrame, as_of: date) -> int:
    """Log each client whose play or arm is not the one logged last, and return how many.

    Running a report again adds nothing. Raises BookError where the log cannot be read or written.

    Parameters
    ----------
    folder : Path
        Where the log is, or shall be.
    version : str
        Of the playbook.
    plays : pandas.DataFrame
        As `assign_plays` gives them in `table`.
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
            "version": version,
            "event": "assigned",
            "arm": str(row.arm),
            "note": str(row.override_reason),
        }
        for row in plays.itertuples()
        if last.get(str(row.account_id)) != (row.play_id, row.arm)
    ]
    return append_log(folder, entries)
