"""What is known of each client on a day: the table that conditions and sentences of a playbook read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import ibis
import numpy as np
import pandas as pd

from salesops.book.playbook import CLIENT_COLUMNS
from salesops.book.snapshot import as_known
from salesops.book.sold import client_ids
from salesops.book.source import Book
from salesops.models.plays.needs import needs
from salesops.models.plays.state import contract_owners, relationship, renewals
from salesops.models.rhythm import client_rhythms
from salesops.models.segments.grid import Segment
from salesops.models.segments.schemes import Scheme, fit_grid

STANDING = ["rhythm", "late_after", "lost_after"]
BANDS = Scheme(
    "value",
    (("value", "value", "high", "money", 3),),
    tuple(Segment(name, {"value": (level, level)}) for level, name in enumerate(("low", "middle", "high"), start=1)),
)


def client_table(
    book: Book,
    customers: pd.DataFrame,
    as_of: date,
    *,
    segments: pd.DataFrame | None = None,
    segments_before: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Put together what a playbook may ask about each client, as known on a day.

    Parameters
    ----------
    book : Book
        Tables that it lacks leave their columns missing.
    customers : pandas.DataFrame
        One row a customer, as metrics.purchases gives it at `as_of`; T in days. Columns lifetime_value and
        p_active, if a model has put them beside, are taken over.
    as_of : date
        Last day of which anything is known.
    segments, segments_before : pandas.DataFrame
        account_id and segment, today's and an earlier date's, as `assign` gives them.

    Returns
    -------
    pandas.DataFrame
        Every column of CLIENT_COLUMNS, in that order; missing where it is not known. One row for each customer
        and each account of the book, by account_id: an account that never bought is a client too.
    """
    known = as_known(book, as_of)
    table = _rhythm(customers, as_of)
    table = _segments(table, segments, segments_before)
    for part in _from_book(book, known, as_of):
        # the customer table's own figures, such as families, come first
        new = part.columns.difference(table.columns, sort=False)
        table = table.merge(part[["account_id", *new]], on="account_id", how="outer")
    table = _nothing_known(known, table.merge(capacity(known, as_of), on="owner_id", how="left"))
    table["is_client"] |= table.account_id.isin(customers.account_id)
    table = _buying_task(table)
    return table.reindex(columns=list(CLIENT_COLUMNS)).sort_values("account_id", ignore_index=True)


def _from_book(book: Book, known: Book, as_of: date) -> Iterator[pd.DataFrame]:
    """Return the parts that the book adds, each by account_id. Only accounts add clients of their own."""
    accounts = known.table("accounts")
    wanted = accounts.select("account_id", "account_name", "owner_id", "industry", "country").to_pandas()
    yield wanted.assign(owner_id=wanted.owner_id.fillna(wanted.account_id.map(contract_owners(book, as_of))))
    yield from (_standing(book, as_of), renewals(book, as_of), relationship(known, as_of), needs(known))


def _standing(book: Book, as_of: date) -> pd.DataFrame:
    """Return account_id, is_client, rhythm, late_after and lost_after (days; missing without a rhythm)."""
    own = client_rhythms(book, as_of)
    own = own.assign(
        rhythm=own.state, late_after=own.gap_80.where(own.rhythm), lost_after=own.lost_after.where(own.rhythm)
    )
    ids: pd.DataFrame = client_ids(as_known(book, as_of), as_of).to_pandas()
    found = ids.assign(is_client=True).merge(own[["account_id", *STANDING]], on="account_id", how="outer")
    return found.assign(is_client=True)


def _nothing_known(known: Book, table: pd.DataFrame) -> pd.DataFrame:
    """Tell no contacts and no issue apart from a book that does not hold them."""
    table["is_client"] = table.is_client.fillna(False).astype(bool)
    filled = {"contacts": ("contacts", 0), "open_issue": ("survey_responses", False)}
    for column, (source, nothing) in filled.items():
        values = table[column].astype(object)
        table[column] = values.where(values.notna(), nothing) if known.has(source) else None
    return table


def _rhythm(customers: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Return the customers with what follows from their own rhythm and value."""
    table = customers[[name for name in CLIENT_COLUMNS if name in customers]].copy()
    gap, since = (_numbers(customers, name) for name in ("median_gap", "days_since"))
    last = pd.to_datetime(customers.last_purchase) if "last_purchase" in customers else pd.Series(pd.NaT, table.index)
    value = "lifetime_value" if "lifetime_value" in customers else "total"
    # a gap of 0 is no rhythm: purchases of one day are one
    gap = gap.where(gap > 0)
    return table.assign(
        value_band=_bands(customers, value),
        gaps_since=since / gap,
        spread_in_gaps=_numbers(customers, "gap_spread") / gap,
        next_expected=(last + pd.to_timedelta(gap.round(), unit="D")),
        tenure_days=_tenure(customers, as_of),
    )


def _numbers(customers: pd.DataFrame, name: str) -> pd.Series:
    if name not in customers:
        return pd.Series(np.nan, customers.index)
    return pd.Series(customers[name].to_numpy(dtype=float, na_value=np.nan), customers.index)


def _tenure(customers: pd.DataFrame, as_of: date) -> pd.Series:
    if "first_purchase" not in customers:
        return _numbers(customers, "T")
    return (pd.Timestamp(as_of) - pd.to_datetime(customers.first_purchase)).dt.days


def _bands(customers: pd.DataFrame, value: str) -> pd.Series:
    worth = pd.DataFrame({"account_id": customers.account_id, "value": _numbers(customers, value)})
    if not np.isfinite(worth.value).any():
        return pd.Series(None, customers.index, dtype=object)
    grid = fit_grid(worth, BANDS)
    found = grid.assign(worth).segment.astype(object)
    return found.where(found != grid.names[-1])


def _segments(table: pd.DataFrame, now: pd.DataFrame | None, before: pd.DataFrame | None) -> pd.DataFrame:
    for name, segments in (("segment", now), ("segment_before", before)):
        if segments is not None:
            part = pd.DataFrame({"account_id": segments.account_id, name: segments.segment.astype(object)})
            table = table.merge(part, on="account_id", how="left")
    if now is not None and before is not None:
        both = table.segment.notna() & table.segment_before.notna()
        table["moved"] = (table.segment != table.segment_before).astype(object).where(both)
    return table


def _buying_task(table: pd.DataFrame) -> pd.DataFrame:
    """Add the buying task (Robinson, Faris and Wind, 1967): by the open deal, else by whether it is a client."""
    by_deal = table.open_deal.map({"new": "new task", "expansion": "modified rebuy", "renewal": "straight rebuy"})
    usual = pd.Series(np.where(table.is_client, "straight rebuy", "new task"), table.index, dtype=object)
    return table.assign(buying_task=by_deal.astype(object).fillna(usual))


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
