"""What the pages of all clients share: each table is computed once, a page reads its own rows of it."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
from ibis.expr.types import Table

from salesops.book.playbook import find_playbook, read_overrides, read_playbook
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import BookError, did_you_mean, first_few
from salesops.models.customers import Customers, customer_summary, customers
from salesops.models.plays import assign_plays, client_table
from salesops.models.rhythm import YEAR, client_rhythms

_BUILT = itertools.count(1)
PLAY = ("play_id", "play_name", "arm", "channel", "cadence_days", "offer", "owner", "stop", "stop_after", "why",
        "override_reason")  # fmt: skip  # two lines read better than eleven
_OWN = ["account_id", "may_call"]
_EXTRA = ("first_purchase", "returned", "no_rate", "family_names", "last_owner", "expected_purchases", "spend")


def clients(book: Book, as_of: date, horizon_weeks: int) -> Table:
    """Return what is known and expected of every client, a row each.

    Returns
    -------
    ir.Table
        Every column of CLIENT_COLUMNS; lifetime_value is `value` of `models.customers` (money within the horizon),
        segment_before that of `horizon_weeks` ago; of `models.customers` also first_purchase, returned, no_rate,
        family_names, last_owner, expected_purchases, spend; may_call (boolean: silent for so long by its own gaps that
        the churn page may call it); play_id, play_name, arm, channel, cadence_days, offer,
        play_owner (who acts), stop, stop_after, why, override_reason (as `Plays` has them; null without a playbook).
    """
    known = as_known(book, as_of)
    return known.keep(("clients", horizon_weeks), lambda: _stored(known, _clients(book, as_of, horizon_weeks)))


def estimate_notes(book: Book, as_of: date, horizon_weeks: int) -> dict[str, Any]:
    """Return how far to trust the estimates, as JSON can hold it.

    Returns
    -------
    dict
        usable (boolean), why_not (in words), spend_from; backtest (a list of the rows of
        `models.lifetime.backtest`); customers (count of those who bought).
    """

    def notes() -> dict[str, Any]:
        found = _customers(book, as_of, horizon_weeks)
        return {
            "usable": found.usable,
            "why_not": found.why_not,
            "spend_from": found.spend_from,
            "customers": len(found.table),
            "backtest": _plain(found.backtest),
        }

    return dict(as_known(book, as_of).keep(("client estimates", horizon_weeks), notes))


def _customers(book: Book, as_of: date, horizon_weeks: int) -> Customers:
    known = as_known(book, as_of)
    return known.keep(("customers", horizon_weeks), lambda: customers(book, as_of, horizon_weeks=horizon_weeks))


def _clients(book: Book, as_of: date, horizon_weeks: int) -> pd.DataFrame:
    found = _customers(book, as_of, horizon_weeks)
    bought = found.table.assign(T=found.table["T"] * 7, lifetime_value=found.table.value)
    before = None
    if found.grid is not None:
        before = found.grid.assign(customer_summary(book, as_of - timedelta(weeks=horizon_weeks)))
    now = found.table[["account_id", "segment"]] if found.grid is not None else None
    # the book names accounts that never bought too, and segments come with those of before
    bought = bought.drop(columns=["account_name", "last_owner_name", "segment"])
    table = client_table(book, bought, as_of, segments=now, segments_before=before)
    plays = _plays(book, table, as_of)
    table = table.merge(bought[["account_id", *_EXTRA]], on="account_id", how="left")
    own = client_rhythms(book, as_of)
    own = own.assign(may_call=own.may_call & (own.hiatus_days < YEAR))  # the churn page asks no further back
    table = table.merge(own[_OWN], on="account_id", how="left")
    table["may_call"] = table.may_call.fillna(False).astype(bool)
    return table.merge(plays, on="account_id", how="left")


def _plays(book: Book, table: pd.DataFrame, as_of: date) -> pd.DataFrame:
    path = find_playbook(book)
    if path is None:
        return pd.DataFrame(columns=["account_id", *PLAY]).rename(columns={"owner": "play_owner"})
    playbook = read_playbook(path)
    overrides, _ = read_overrides(book, playbook)
    plays = assign_plays(playbook, table, as_of=as_of, overrides=overrides, currency=book.currency)
    return plays.table[["account_id", *PLAY]].rename(columns={"owner": "play_owner"})


def _stored(known: Book, frame: pd.DataFrame) -> Table:
    """Return a frame as a table of the book's own connection: a query must belong to one backend."""
    for name in frame.columns[frame.dtypes == "category"]:
        frame = frame.assign(**{name: frame[name].astype(object)})
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    empty = [n for n, column in enumerate(rows.schema) if pa.types.is_null(column.type)]
    for n in empty:  # nobody has it: any type will do, and DuckDB wants one
        rows = rows.set_column(n, rows.schema.names[n], rows.column(n).cast(pa.string()))
    # a name of its own: Ibis takes a cached table for the next one of the same name and columns
    name = f"clients_{next(_BUILT)}"
    table: Table = known.con.create_table(name, rows.replace_schema_metadata(), temp=True)
    return table


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(k): v.item() if hasattr(v, "item") else v for k, v in row.items()} for row in rows]


def find_client(book: Book, account: str, as_of: date, *, horizon_weeks: int = 13) -> dict[str, Any]:
    """Return the row of `clients` of one client, by id or by name.

    Parameters
    ----------
    account : str
        An account_id, or a name that only one account has; "" takes the first by name among the clients, or among all
        accounts if there are none.
    horizon_weeks : int
        How far ahead its estimates look.

    Raises
    ------
    BookError
        If the book knows no client on that day, none of that id or name, or several of that name.
    """
    table = clients(book, as_of, horizon_weeks)
    if not account:
        return _first(table, as_of)
    found = _rows(table.filter(table.account_id == account))
    if not found:
        named = table.filter(table.account_name.lower() == account.lower())
        found = _rows(named.order_by("account_id").limit(4))
    if len(found) == 1:
        return found[0]
    if found:
        ids = [row["account_id"] for row in found]
        raise BookError(f"{len(ids)} clients or more are called '{account}'. Use the id: {first_few(ids)}.")
    raise _unknown(book, account, as_of)


def _first(table: Any, as_of: date) -> dict[str, Any]:
    found = _rows(table.order_by(~table.is_client, table.account_name.isnull(), "account_name", "account_id").limit(1))
    if not found:
        raise BookError(f"The book knows no client by {as_of}. Choose a later day, or another book.")
    return found[0]


def _unknown(book: Book, account: str, as_of: date) -> BookError:
    accounts = book.table("accounts").select("account_id", "account_name").to_pyarrow().to_pylist()
    orders = as_known(book, as_of).table("orders").select("account_id").distinct().to_pyarrow().to_pylist()
    names = {word for row in (*accounts, *orders) for word in row.values() if word}
    if account in names:
        return BookError(f"The account '{account}' was not known yet on {as_of}. Choose a later day.")
    return BookError(f"No client known by {as_of} has the id or name '{account}'. {did_you_mean(account, names)}")


def _rows(table: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pyarrow().to_pylist()
    for row in rows:
        row["account_name"] = row["account_name"] or row["account_id"]
    return rows
