"""Who is left alone, so that a play can be judged: the same clients in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

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
