"""The columns that a map may give: those of the book and, for a history of deals, what its rows are made of."""

from __future__ import annotations

from dataclasses import replace

from salesops.book.columns import Table, ident, text
from salesops.book.schema import OPPORTUNITIES, OPPORTUNITY_HISTORY, SCHEMA

HISTORY = OPPORTUNITY_HISTORY.name
STATES = OPPORTUNITY_HISTORY.column("field_name").one_of

# a change has field_name, new_value and perhaps old_value; a state has those columns of a deal that are known
_CHANGES = (
    text("field_name", "Column of opportunities that changed", required=False),
    ident("new_value", "Value from then on", "users.user_id", required=False),
    ident("old_value", "Value before", "users.user_id", required=False),
)
_OF_DEALS = tuple(replace(OPPORTUNITIES.column(name), filled=False, required=False) for name in STATES)
_KEY = tuple(OPPORTUNITY_HISTORY.column(name) for name in ("opportunity_id", "valid_from"))

COLUMNS: dict[str, Table] = SCHEMA | {HISTORY: replace(OPPORTUNITY_HISTORY, columns=(*_KEY, *_CHANGES, *_OF_DEALS))}
