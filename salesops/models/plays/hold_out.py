"""Who is left alone, so that a play can be judged: the same clients in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.book.playbook import append_log, read_log

CALL = "churn-call"  # the id under which the calls of the churn page stand in the play log
CONTROL_SHARE = 0.2  # of those worth such a call: left alone by chance

_WHOLE = 2.0**64


def held_out(accounts: Iterable[str], play_id: str, share: float) -> NDArray[np.bool_]:
    """Tell of each account whether it is held out of a play.

    It depends on the account's and the play's id alone (SHA-256): not on the order, the other clients, the day
    or the machine. A larger share holds out the same clients and more.
    """
    if share <= 0:
        return np.zeros(sum(1 for _ in accounts), dtype=bool)
    start = hashlib.sha256(f"{play_id}\0".encode())
    return np.fromiter((_place(start, account) < share for account in accounts), dtype=bool)


def _place(start: hashlib._Hash, account: str) -> float:
    """Return a number from 0 to 1 that is evenly spread over accounts."""
    digest = start.copy()
    digest.update(str(account).encode("utf-8", "surrogatepass"))
    return int.from_bytes(digest.digest()[:8]) / _WHOLE


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
