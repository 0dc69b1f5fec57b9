"""Promises as people read them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from books import make_book

from salesops.models.promises import judged_commitments
from salesops.periods import parse_period
from salesops.views import promises


def test_a_stage_reached_is_no_count(tmp_path: Path) -> None:
    """What a deal reached reads "stage 2", the second of the book's order; a bare 2 would count something."""
    history = [{"opportunity_id": "D", "field_name": "stage_name", "new_value": "Offer", "valid_from": "2026-02-01"}]
    promise = {
        "owner_id": "A", "agreed_with": "M", "agreed_at": "2026-01-02", "metric": "deal_stage", "target": "Offer",
        "subject_id": "D", "original_due_date": "2026-03-01", "due_date": "2026-03-01",
    }  # fmt: skip  # one promise
    tables = {
        "users": [{"user_id": "A"}, {"user_id": "M"}],
        "opportunities": [{"opportunity_id": "D", "owner_id": "A", "close_date": "2026-04-01", "amount": 1}],
        "opportunity_history": history,
        "commitments": [promise],
    }
    book = make_book(tmp_path, tables, stage_order=["Talk", "Offer"])
    judged = judged_commitments(book, parse_period("2026-Q1"), date(2026, 3, 31), ("A",))
    assert "stage 2" in promises.commitments_table(judged).text
