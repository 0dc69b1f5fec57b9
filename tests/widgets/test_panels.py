"""The table of selected customers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from books import make_book

from salesops.models.customers import customers
from salesops.widgets.exploration import Exploration
from salesops.widgets.panels import shown_rows


def test_the_last_owner_is_a_name(tmp_path: Path) -> None:
    """The explorer names the owner of the latest order; an owner whom users does not know keeps the id."""
    days = ("2026-01-05", "2026-02-05", "2026-03-05")
    orders = [
        {"order_id": f"{account}{day}", "account_id": account, "owner_id": owner, "ordered_at": day}
        for account, owner in (("K", "U1"), ("L", "U9"))
        for day in days
    ]
    lines = [{"order_id": row["order_id"], "product_id": "P", "quantity": 1, "net_amount": 10} for row in orders]
    users = [{"user_id": "U1", "user_name": "Ada Lovelace"}]
    found = customers(make_book(tmp_path, {"users": users, "orders": orders, "order_lines": lines}), date(2026, 3, 31))
    shown = shown_rows(found.table, Exploration(found.table))
    assert sorted(shown["Last owner"]) == ["Ada Lovelace", "U9"]
