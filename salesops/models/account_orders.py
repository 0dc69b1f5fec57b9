"""What each rep's accounts ordered in a period, beside the same days a year before, and how they stand by their rhythm.

This is what a company that keeps no deals can know of a rep's work.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from salesops.book.credits import credited_orders
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.rhythm import NO_RHYTHM, STATES, client_rhythms
from salesops.periods import Period

FIRST_WEEK = timedelta(days=7)  # a book whose first order came within it still holds the days a year before


def account_orders(book: Book, period: Period, as_of: date, *, users: tuple[str, ...]) -> pd.DataFrame:
    """Return the accounts that ordered from each person in the period, or in the same days a year before.

    Parameters
    ----------
    users : tuple of str
        Ids of the people who are credited.

    Returns
    -------
    pandas.DataFrame
        user_id, account_id, account_name; orders, orders_before (credited counts), amount, amount_before (credited
        money): in the period up to `as_of`, and in the same days a year before, which are NaN where the book begins
        later; change (amount − amount_before); last_order (day of the account's last purchase, from whomever), state
        (by the account's own rhythm, as `models.rhythm.judged` has it), rhythm (boolean: it has one), overdue (boolean:
        beyond its own gaps, or lost). The largest fall against the year before first; without that year the largest
        amount.
    """
    known = as_known(book, as_of)
    last = period.cut(as_of)
    then = [(pd.Timestamp(day) - pd.DateOffset(years=1)).date() for day in (period.start, last)]
    orders = credited_orders(known)
    first = orders.ordered_on.min().to_pyarrow().as_py()
    mine = orders.filter(orders.user_id.isin(users))
    parts = []
    for name, (start, end) in (("", (period.start, last)), ("_before", then)):
        inside = mine.filter(mine.ordered_on.between(start, end) & mine.account_id.notnull())
        sums = inside.group_by("user_id", "account_id").aggregate(
            **{f"orders{name}": inside.share.sum(), f"amount{name}": inside.credited.sum().fill_null(0)}
        )
        parts.append(sums.to_pandas().set_index(["user_id", "account_id"]))
    table = parts[0].join(parts[1], how="outer").fillna(0.0).reset_index()
    if first is None or first > then[0] + FIRST_WEEK:
        table[["orders_before", "amount_before"]] = float("nan")
        table = table[table.orders > 0]
    names = known.table("accounts").select("account_id", "account_name").to_pandas().set_index("account_id")
    own = client_rhythms(book, as_of).set_index("account_id").reindex(table.account_id)
    table = table.assign(
        account_name=table.account_id.map(names.account_name).fillna(table.account_id),
        change=table.amount - table.amount_before,
        last_order=own.last_purchase.to_numpy(),
        state=own.state.to_numpy(),
        rhythm=(own.state.notna() & (own.state != NO_RHYTHM)).to_numpy(bool),
        overdue=own.state.isin([STATES["overdue"], STATES["lost"]]).to_numpy(bool),
    )
    by = ["change", "amount", "account_name", "account_id"]
    ranked: pd.DataFrame = table.sort_values(by, ascending=[True, False, True, True], ignore_index=True)
    return ranked
