"""Amounts in the book's currency."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import Rows, by, make_book

from salesops.book.money import in_book_currency
from salesops.book.source import Book

RATES: Rows = [
    {"currency": "USD", "date": "2026-02-01", "rate": 0.8},
    {"currency": "USD", "date": "2026-01-01", "rate": 0.9},
    {"currency": "GBP", "date": "2026-06-01", "rate": 1.2},
]


def deal(key: str, amount: float | None, currency: str | None, day: str | None) -> dict[str, object]:
    return {"opportunity_id": key, "owner_id": "A", "amount": amount, "currency": currency, "close_date": day}


def values(book: Book) -> dict[str, tuple[float | None, bool]]:
    deals = book.table("opportunities")
    found = by(in_book_currency(book, deals, "amount", deals.close_date), "opportunity_id")
    return {key: (row["value"], row["no_rate"]) for key, row in found.items()}


def test_without_rates_other_currencies_are_left_out(tmp_path: Path) -> None:
    """Without fx_rates an amount in another currency has no value and is counted; one without currency is our own."""
    deals = [
        deal("own", 100, "EUR", "2026-01-15"),
        deal("unnamed", 50, None, "2026-01-15"),
        deal("foreign", 70, "USD", "2026-01-15"),
        deal("empty", None, "USD", "2026-01-15"),
        deal("open", None, "EUR", None),
    ]
    assert values(make_book(tmp_path, {"opportunities": deals})) == {
        "own": (100.0, False),
        "unnamed": (50.0, False),
        "foreign": (None, True),
        "empty": (None, False),
        "open": (None, False),
    }


def test_rate_holds_from_its_date_until_the_next(tmp_path: Path) -> None:
    """The rate is that of the day: from its own date to the day before the next; before the first there is none."""
    deals = [
        deal("before", 100, "USD", "2025-12-31"),
        deal("first day", 100, "USD", "2026-01-01"),
        deal("last day", 100, "USD", "2026-01-31"),
        deal("next", 100, "USD", "2026-02-01"),
        deal("long after", 100, "USD", "2030-01-01"),
        deal("pound too early", 100, "GBP", "2026-05-31"),
        deal("pound", 100, "GBP", "2026-06-01"),
        deal("krona", 100, "SEK", "2026-06-01"),
        deal("own", 100, "EUR", "2026-06-01"),
        deal("own, no day", 100, "EUR", None),
        deal("no day", 100, "USD", None),
        deal("empty", None, "SEK", "2026-06-01"),
    ]
    found = values(make_book(tmp_path, {"opportunities": deals, "fx_rates": RATES}))
    assert {key: value for key, (value, _) in found.items()} == {
        "before": None,
        "first day": pytest.approx(90),
        "last day": pytest.approx(90),
        "next": pytest.approx(80),
        "long after": pytest.approx(80),
        "pound too early": None,
        "pound": pytest.approx(120),
        "krona": None,
        "own": 100.0,
        "own, no day": 100.0,
        "no day": None,
        "empty": None,
    }
    assert {key for key, (_, no_rate) in found.items() if no_rate} == {"before", "pound too early", "krona", "no day"}


def test_rates_of_the_own_currency_do_not_matter(tmp_path: Path) -> None:
    """An amount in the book's currency keeps its value, even where fx_rates lists that currency."""
    rates = [{"currency": "EUR", "date": "2026-01-01", "rate": 1.1}]
    deals = [deal("own", 100, "EUR", "2026-01-15")]
    assert values(make_book(tmp_path, {"opportunities": deals, "fx_rates": rates})) == {"own": (100.0, False)}


def test_no_row_is_lost_or_doubled(tmp_path: Path) -> None:
    """Conversion adds two columns and changes neither the rows nor the other columns, whatever the rates hold."""
    deals = [deal(str(n), 10, ("EUR", "USD", "SEK")[n % 3], f"2026-0{1 + n % 9}-01") for n in range(30)]
    rates = [*RATES, {"currency": "USD", "date": "2026-02-01", "rate": 0.8}, {"currency": "SEK", "date": "2026-01-01"}]
    book = make_book(tmp_path, {"opportunities": deals, "fx_rates": rates})
    table = book.table("opportunities")
    priced = in_book_currency(book, table, "amount", table.close_date)
    assert set(priced.columns) == {*table.columns, "value", "no_rate"}
    assert len(by(priced, "opportunity_id")) == 30


def test_day_may_be_a_fixed_one(tmp_path: Path) -> None:
    """The day whose rate is taken is any date, not only a column of the table."""
    import ibis

    book = make_book(tmp_path, {"opportunities": [deal("x", 100, "USD", None)], "fx_rates": RATES})
    priced = in_book_currency(book, book.table("opportunities"), "amount", ibis.literal(date(2026, 1, 5)))
    assert by(priced, "opportunity_id")["x"]["value"] == pytest.approx(90)
