"""Books and companies for the quota what-if: one that is tiny, one of many reps."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from books import Row, make_book

from salesops.book.source import Book
from salesops.periods import parse_period

QUARTER = parse_period("2026-Q4")
NOW = date(2026, 10, 30)


def book_of(folder: Path, *, quotas: bool = True, deals: bool = True, territories: bool = True) -> Book:
    """Write a book of three reps; A and B have a quota, a closed deal and an open one each."""
    users: list[Row] = [
        {"user_id": key, "user_name": f"=Rep {key}", "territory_id": f"T{key}" if territories else None}
        for key in "ABC"
    ]
    rows: list[Row] = []
    for key in "AB":
        mine = {"owner_id": key, "created_date": "2026-10-01"}
        won = {"amount": 60.0, "close_date": "2026-10-20", "is_closed": True, "is_won": True}
        rows.append({"opportunity_id": f"{key}9", **mine, **won})
        if deals:
            coming = {"amount": 100.0, "probability": 0.5, "close_date": "2026-11-20"}
            rows.append({"opportunity_id": f"{key}1", **mine, **coming})
    goals: list[Row] = [
        {"owner_id": key, "period_start": "2026-10-01", "period_end": "2026-12-31", "quota_amount": 150.0}
        for key in "AB"
    ]
    areas: list[Row] = [{"territory_id": f"T{key}", "territory_name": f"Area {key}"} for key in "ABC"]
    tables = {"users": users, "opportunities": rows}
    tables |= {"territories": areas} if territories else {}
    return make_book(folder, {**tables, **({"quotas": goals} if quotas else {})}, company="Tiny")
