"""Sales by account, day and family, against sums done by hand and the purchase summary."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import by, make_book

from salesops.book.source import open_book
from salesops.metrics.account_sales import daily_sales, family_sales
from salesops.metrics.purchases import by_day, purchases

TABLES = {
    "products": [{"product_id": "P", "family": "Pipes"}],
    "orders": [
        {"order_id": "O1", "account_id": "K", "ordered_at": "2026-01-01"},
        {"order_id": "O2", "account_id": "K", "ordered_at": "2026-01-01", "currency": "USD"},
        {"order_id": "O3", "account_id": "K", "ordered_at": "2026-01-05"},
    ],
    "order_lines": [
        {"order_id": "O1", "product_id": "P", "quantity": 2, "unit_price": 10, "discount": 0.5},
        {"order_id": "O1", "product_id": "gone", "quantity": 1, "net_amount": 7},
        {"order_id": "O2", "product_id": "P", "quantity": 1, "unit_price": 10},
        {"order_id": "O3", "product_id": "P", "quantity": -1, "unit_price": 4},
    ],
}


def test_days_and_families_are_net(tmp_path: Path) -> None:
    """Discounts and returns count; dollars without a rate are no money; unknown products have no family."""
    book = make_book(tmp_path, TABLES)
    days = {
        (row["day"].day, row["no_rate"]): row["value"]
        for row in daily_sales(book, date(2026, 1, 31)).to_pyarrow().to_pylist()
    }
    assert days == {(1, 0): 17, (1, 1): None, (5, 0): -4}
    families = by(family_sales(book, date(2026, 1, 31)), "family")
    assert (families["Pipes"]["value"], families["Pipes"]["units"], families["Pipes"]["last_day"]) == (
        6,
        2,
        date(2026, 1, 1),
    )
    assert families[None]["value"] == 7
    assert by(family_sales(book, date(2026, 1, 1)), "family")["Pipes"]["value"] == 10


def test_sample_adds_up_to_the_purchase_summary(sample: Path) -> None:
    """On the sample company days and families of each account add up to its total, and days to its purchases."""
    book, day = open_book(sample), date(2026, 10, 31)
    summary = by(purchases(book, day), "account_id")
    days = by_day(daily_sales(book, day)).to_pandas()
    families = family_sales(book, day).to_pandas().groupby("account_id").value.sum()
    values, bought = days.groupby("account_id").value.sum(), days.groupby("account_id").is_purchase.sum()
    assert set(summary) == set(values.index) == set(families.index)
    for account, row in summary.items():
        assert (values[account], families[account]) == (pytest.approx(row["total"]),) * 2
        assert bought[account] == row["frequency"] + 1
