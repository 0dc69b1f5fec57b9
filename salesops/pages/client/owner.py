"""Who looks after a client, and what is at stake where that person left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book

LOSS = (0.13, 0.18)  # share of annual sales lost when a salesperson leaves (Shi, Sridhar, Grewal and Lilien, 2017)


@dataclass(frozen=True)
class Owner:
    """Who looks after a client on a day. Who owns an account is what the book says today.

    Attributes
    ----------
    user_id, name : str
        The account's owner; "" if none is named.
    left : date or None
        The owner's last day in the job, if it lies before the day.
    before : str
        Name of the owner of the latest order, if that is someone else who has left; "" otherwise.
    before_left : date or None
        That person's last day.
    year_value : float
        Money: net sales of the last 365 days.
    first_contact : date or None
        Where the client changed hands: the new owner's first call, email, meeting or follow-up with the client
        after that last day.
    """

    user_id: str
    name: str
    left: date | None
    before: str
    before_left: date | None
    year_value: float
    first_contact: date | None

    @property
    def exposed(self) -> bool:
        """Whether the person whom the client knew has left."""
        return self.left is not None or self.before_left is not None

    @property
    def exposure(self) -> tuple[float, float] | None:
        """Expected loss of annual sales, low and high (money, LOSS × year_value); None where nobody left."""
        return (LOSS[0] * max(self.year_value, 0), LOSS[1] * max(self.year_value, 0)) if self.exposed else None


def owner_of(book: Book, client: dict[str, Any], as_of: date, *, year_value: float, touches: pd.DataFrame) -> Owner:
    """Return who looks after a client.

    Parameters
    ----------
    client : dict
        The client's row of `clients`.
    touches : pandas.DataFrame
        The client's activities, as `people.touches` gives them.
    """
    owner, last = client["owner_id"], client["last_owner"]
    found = _people(book, as_of, [key for key in (owner, last) if key])
    mine, before = found.get(owner or "", {}), found.get(last or "", {}) if last != owner else {}
    left, before_left = (_left(person, as_of) for person in (mine, before))
    first = None
    if before_left and owner and left is None:
        new = touches[touches.spoken & (touches.owner_id == owner) & (touches.done_on > pd.Timestamp(before_left))]
        first = new.done_on.min().date() if len(new) else None
    return Owner(
        user_id=owner or "",
        name=mine.get("user_name") or owner or "",
        left=left,
        before=(before.get("user_name") or last) if before_left else "",
        before_left=before_left,
        year_value=year_value,
        first_contact=first,
    )


def _people(book: Book, as_of: date, ids: list[str]) -> dict[str, dict[str, Any]]:
    users = as_known(book, as_of).table("users")
    rows = users.filter(users.user_id.isin(ids)).select("user_id", "user_name", "end_date").to_pyarrow().to_pylist()
    return {row["user_id"]: row for row in rows}


def _left(person: dict[str, Any], as_of: date) -> date | None:
    end = person.get("end_date")
    return end if end and end < as_of else None
