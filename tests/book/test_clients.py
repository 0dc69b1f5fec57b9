"""Who is a client."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from books import make_book

from salesops.book.sold import clients

NAMES = (("1", "Zoe"), ("2", "Ana"), ("3", "Ben"), ("4", "Eve"))


def test_a_client_has_bought_or_has_a_contract(tmp_path: Path) -> None:
    """By name, as known on the day: an order or a contract of later makes no client yet, a deal alone makes none."""
    book = make_book(
        tmp_path,
        {
            "accounts": [{"account_id": key, "account_name": name} for key, name in NAMES],
            "orders": [
                {"account_id": "1", "ordered_at": "2026-03-01"},
                {"account_id": "3", "ordered_at": "2026-05-01"},
            ],
            "contracts": [{"account_id": "2", "start_date": "2026-01-01", "end_date": "2026-12-31"}],
            "opportunities": [{"account_id": "4", "owner_id": "U1"}],
        },
    )
    assert clients(book, date(2026, 4, 1)) == [("2", "Ana"), ("1", "Zoe")]
    assert clients(book, date(2026, 6, 1)) == [("2", "Ana"), ("3", "Ben"), ("1", "Zoe")]


def test_a_client_whom_accounts_does_not_know_is_named_by_its_id(tmp_path: Path) -> None:
    """A shop may export its orders and no accounts: its clients have pages all the same."""
    orders = [{"account_id": key, "ordered_at": "2026-03-01"} for key in ("7", "5")]
    assert clients(make_book(tmp_path / "orders", {"orders": orders}), date(2026, 4, 1)) == [("5", "5"), ("7", "7")]
    book = make_book(tmp_path / "nameless", {"orders": orders, "accounts": [{"account_id": "7", "account_name": None}]})
    assert clients(book, date(2026, 4, 1)) == [("5", "5"), ("7", "7")]
