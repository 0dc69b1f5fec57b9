"""Orders by account beside the year before, counted by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from books import Row, Rows, make_book

from salesops.book.source import Book
from salesops.models.account_orders import account_orders
from salesops.periods import Period
from salesops.views.account_orders import order_figures, reps_table

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31), "2026-03")
NOW = date(2026, 3, 20)


def book_of(folder: Path, *orders: tuple[str, str, str, float]) -> Book:
    """Orders of an account, by a rep, on a day, over an amount."""
    rows: Rows = [
        {"order_id": f"O{n}", "account_id": account, "owner_id": rep, "ordered_at": day}
        for n, (account, rep, day, _) in enumerate(orders)
    ]
    lines: Rows = [
        {"order_id": f"O{n}", "product_id": "P", "quantity": 1, "net_amount": amount}
        for n, (*_, amount) in enumerate(orders)
    ]
    users: Rows = [{"user_id": "A"}, {"user_id": "B"}]
    accounts: Rows = [{"account_id": key, "account_name": f"Client {key}"} for key in ("K", "L", "N")]
    return make_book(folder, {"users": users, "accounts": accounts, "orders": rows, "order_lines": lines})


ORDERS = (
    ("K", "A", "2025-01-10", 5), ("K", "A", "2025-03-10", 400), ("K", "A", "2026-03-05", 100),
    ("L", "A", "2026-03-06", 70), ("L", "A", "2026-03-07", 30), ("L", "A", "2026-03-25", 999),
    ("N", "A", "2025-03-20", 50), ("N", "A", "2025-03-21", 60), ("N", "B", "2026-03-02", 80),
)  # fmt: skip  # a client a line


def test_the_same_days_a_year_before(tmp_path: Path) -> None:
    """Both stretches end with the day of the report; the largest fall is first; the orders of others do not count."""
    rows = account_orders(book_of(tmp_path, *ORDERS), MARCH, NOW, users=("A",))
    told: list[Row] = rows[["account_name", "orders", "orders_before", "amount", "change"]].to_dict("records")  # type: ignore[assignment]  # keys are text
    assert [tuple(row.values()) for row in told] == [
        ("Client K", 1, 1, 100, -300), ("Client N", 0, 1, 0, -50), ("Client L", 2, 0, 100, 100),
    ]  # fmt: skip  # one account a line
    figures = {label: (value, note) for label, value, note in order_figures(rows, currency="EUR")}
    assert figures["Orders"] == ("3", "2 a year before")
    assert figures["Same days a year before"] == ("450\N{NO-BREAK SPACE}EUR", "now 56% less")


def test_a_book_that_begins_later_knows_no_year_before(tmp_path: Path) -> None:
    """Without orders a year before that is not 0 but unknown, and only who ordered now is listed."""
    rows = account_orders(book_of(tmp_path, *ORDERS[2:6]), MARCH, NOW, users=("A", "B"))
    assert rows.amount_before.isna().all()
    assert list(rows.account_id) == ["K", "L"]
    assert "year before" not in str(order_figures(rows, currency="EUR"))
    assert "Year before" not in reps_table(rows, {"A": "Ann"}, currency="EUR").text


def test_nobody_credited_has_no_rows(tmp_path: Path) -> None:
    """A rep without orders has no account here, and an average of nothing is not told."""
    rows = account_orders(book_of(tmp_path, *ORDERS), MARCH, NOW, users=("C",))
    assert rows.empty
    assert [label for label, *_ in order_figures(rows, currency="EUR")] == ["Orders", "Accounts that ordered"]
    assert isinstance(rows, pd.DataFrame)


@pytest.mark.parametrize("day", [date(2024, 2, 29)])
def test_a_leap_day_has_a_year_before(tmp_path: Path, day: date) -> None:
    """The year before 29 February ends with the 28th."""
    book = book_of(tmp_path, ("K", "A", "2023-02-01", 1), ("K", "A", "2023-02-28", 10), ("K", "A", "2024-02-29", 20))
    rows = account_orders(book, Period(date(2024, 2, 5), day), day, users=("A",))
    assert (rows.amount[0], rows.amount_before[0]) == (20, 10)
