"""Made worlds for the churn tests: tables with a known law, and books of orders and contracts."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from books import Rows, make_book

from salesops.book.source import Book

DAY = date(2026, 3, 31)


def drawn(rows: int, seed: int = 5) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """A table with gaps and categories, the labels, and the true chance of each row."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "hiatus_days": rng.exponential(40, rows),
            "late_share": np.where(rng.random(rows) < 0.2, np.nan, rng.random(rows)),
            "talks": rng.poisson(3, rows).astype(float),
            "trade": rng.choice(["Food", "Steel", "Rail"], rows),
        }
    )
    score = -1.5 + 0.02 * table.hiatus_days + 1.2 * table.late_share.fillna(0.2) + 0.8 * (table.trade == "Rail")
    chance = 1 / (1 + np.exp(-score.to_numpy()))
    return table, (rng.random(rows) < chance).astype(int), chance


def orders_book(folder: Path, days: dict[str, list[date]], **tables: Rows) -> Book:
    """A book in which each account orders for 10 on each of its days."""
    orders, lines = [], []
    for account, when in days.items():
        for day in when:
            key = f"{account} {day}"
            orders.append({"order_id": key, "account_id": account, "ordered_at": day})
            line = {"order_line_id": key, "order_id": key, "product_id": "P", "quantity": 1, "net_amount": 10}
            lines.append(line)
    accounts = [{"account_id": account} for account in days]
    given = {"accounts": accounts, "orders": orders, "order_lines": lines, "products": [{"product_id": "P"}], **tables}
    return make_book(folder, given)


def every(gap: int, start: date, end: date) -> list[date]:
    """Days from start to end, `gap` days apart."""
    return [start + timedelta(days=n) for n in range(0, (end - start).days + 1, gap)]
