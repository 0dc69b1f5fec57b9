"""What those who look after clients can take on."""

from __future__ import annotations

from datetime import date

import ibis
import pandas as pd

from salesops.book.source import Book


def capacity(known: Book, as_of: date) -> pd.DataFrame:
    """Return the capacity of each user.

    Returns
    -------
    pandas.DataFrame
        owner_id, owner_name, owner_left (boolean: the last day in the job lies before `as_of`), owner_clients
        (accounts that the user owns), owner_overdue (open activities whose due date has passed).
    """
    users, accounts, activities = (known.table(name) for name in ("users", "accounts", "activities"))
    late = activities.filter(activities.completed_at.isnull() & (activities.due_date < as_of))
    overdue = late.group_by(_late="owner_id").aggregate(owner_overdue=late.count())
    owned = accounts.group_by(_owns="owner_id").aggregate(owner_clients=accounts.count())
    joined = users.left_join(owned, users.user_id == owned._owns).left_join(overdue, users.user_id == overdue._late)
    found: pd.DataFrame = joined.select(
        owner_id="user_id",
        owner_name="user_name",
        owner_left=(ibis._.end_date < as_of).fill_null(False),
        owner_clients=ibis._.owner_clients.fill_null(0),
        owner_overdue=ibis._.owner_overdue.fill_null(0),
    ).to_pandas()
    return found
