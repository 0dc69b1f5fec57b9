"""The deals that a client won for an amount."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from salesops.book.money import in_book_currency
from salesops.book.snapshot import as_known
from salesops.book.sold import won_deals
from salesops.book.source import Book


@dataclass(frozen=True)
class Won:
    """How many deals were won for an amount above 0, for how much (money; those without a rate not), and the last."""

    deals: int
    amount: float
    last: date | None


def won_by(book: Book, account_id: str, as_of: date) -> Won:
    """Return the deals that an account won up to a day."""
    known = as_known(book, as_of)
    deals = won_deals(known)
    mine = deals.filter(deals.account_id == account_id)
    rows: pd.DataFrame = in_book_currency(known, mine, "amount", mine.close_date).to_pandas()
    days = pd.to_datetime(rows.close_date)
    return Won(len(rows), float(rows.value.sum()), days.max().date() if days.notna().any() else None)
