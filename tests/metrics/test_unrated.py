"""Money without a rate is in no total, and whoever reads a headline sees how much it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from books import Row, make_book

from salesops.book.source import Book
from salesops.metrics.unrated import unrated
from salesops.pages.forecast import page as forecast_page
from salesops.pages.forecast.findings import forecast_report
from salesops.pages.rep import page as rep_page
from salesops.pages.rep.findings import rep_accountability
from salesops.pages.segments import page as segments_page
from salesops.pages.segments.findings import customer_segments
from salesops.pages.team import page as team_page
from salesops.pages.team.findings import team_accountability
from salesops.periods import Period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
NOW = date(2026, 2, 28)


def deal(key: str, owner: str, amount: float, coin: str, close: str, **more: object) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "amount": amount, "currency": coin, "close_date": close}
    return {**row, "is_closed": True, "is_won": True, **more}


OPEN = {"is_closed": False, "is_won": False}
TABLES: dict[str, list[Row]] = {
    "users": [{"user_id": "A", "user_name": "Ann", "manager_id": "M"}, {"user_id": "B", "user_name": "Bob"},
              {"user_id": "M", "user_name": "Mona", "role": "manager"}],
    "opportunities": [
        deal("W1", "A", 500, "EUR", "2026-01-10"),
        deal("W2", "A", 1000, "USD", "2026-01-11"),
        deal("W3", "A", 300, "USD", "2026-02-11"),
        deal("W4", "A", 70, "PLN", "2026-02-12"),  # a rate is known
        deal("W5", "B", 40, "GBP", "2026-02-12"),
        deal("L1", "A", 9, "USD", "2026-02-12", is_won=False),
        deal("W6", "A", 8, "USD", "2026-03-12"),  # won after the day of the report
        deal("W7", "A", 7, "USD", "2025-12-31"),
        deal("P1", "A", 60, "USD", "2026-03-12", **OPEN),
        deal("P2", "A", 50, "USD", "2026-04-01", **OPEN),
    ],
    "credits": [{"opportunity_id": "W3", "user_id": user, "share": 0.5} for user in "AB"],
    "fx_rates": [{"currency": "PLN", "date": "2026-01-01", "rate": 0.25}],
}  # fmt: skip  # one deal a line


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book in euros with a rate for the zloty alone."""
    return make_book(tmp_path_factory.mktemp("unrated") / "book", TABLES)


def found(book: Book, *users: str, **more: Any) -> list[tuple[object, ...]]:
    """Return currency, amount and deals of each row."""
    rows = unrated(book, Q1, NOW, measure="bookings", users=users, **more).to_pyarrow().to_pylist()
    return [(row["currency"], row["amount"], row["deals"]) for row in rows]


def test_only_won_money_of_the_period_without_a_rate(book: Book) -> None:
    """What counts is what an actual would hold if the rate were known: won, in the period, by the day, by shares."""
    assert found(book, "A") == [("USD", 1150.0, 1.5)]
    assert found(book, "A", "B") == [("USD", 1300.0, 2.0), ("GBP", 40.0, 1.0)]


def test_a_forecast_also_leaves_out_open_deals(book: Book) -> None:
    """With `due`, open deals that should close in the period are in it; those due later are not."""
    # what W6, won after the day of the report, was worth then is not known without history
    assert found(book, "A", due=True) == [("USD", 1150.0 + 60, 2.5)]


def test_the_headlines_name_the_money(book: Book) -> None:
    """Team, rep and forecast say beside the total what it does not hold, by currency."""
    team = team_page.page_head(team_accountability(book, Q1, NOW)).text
    assert "Not counted, for want of a rate: 1.30\xa0k\xa0USD and 40\xa0GBP." in team
    assert "for want of a rate: 1.15\xa0k\xa0USD." in rep_page.page_head(rep_accountability(book, "Ann", Q1, NOW)).text
    assert "for want of a rate: 1" in forecast_page.page_head(forecast_report(book, Q1, NOW, quarters=0)).text


def test_a_headline_says_nothing_where_all_is_counted(tmp_path: Path) -> None:
    """Without money in other currencies the headline is as it was."""
    book = make_book(tmp_path / "book", {**TABLES, "opportunities": TABLES["opportunities"][:1], "credits": []})
    assert "rate" not in team_page.page_head(team_accountability(book, Q1, NOW)).text


@pytest.mark.long
def test_customers_who_paid_in_other_money(tmp_path: Path) -> None:
    """Orders without a rate are named by the segments' headline, and by that of the team where orders count."""
    days = [f"2026-01-{day:02d}" for day in range(1, 21)]
    tables: dict[str, list[Row]] = {
        "users": [{"user_id": "A", "user_name": "Ann"}],
        "accounts": [{"account_id": f"C{n}", "account_name": f"Firm {n}"} for n in range(10)],
        "products": [{"product_id": "P", "product_name": "P", "family": "F"}],
        "orders": [
            {"order_id": day, "account_id": f"C{n % 10}", "owner_id": "A", "ordered_at": day,
             "currency": "USD" if n == 3 else "EUR"}
            for n, day in enumerate(days)
        ],
        "order_lines": [{"order_line_id": day, "order_id": day, "product_id": "P", "quantity": 2, "unit_price": 5}
                        for day in days],
    }  # fmt: skip  # reads as a table
    book = make_book(tmp_path / "book", tables)
    team = team_page.page_head(team_accountability(book, Q1, NOW)).text
    assert "sold 190\xa0EUR" in team
    assert "for want of a rate: 10\xa0USD." in team
    assert (
        "for want of a rate: the money of 1 order line." in segments_page.page_head(customer_segments(book, NOW)).text
    )
