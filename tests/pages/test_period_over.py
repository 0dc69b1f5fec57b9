"""What a page says of a period that is over, and of one under way."""

from __future__ import annotations

from pathlib import Path

import pytest
from books import make_book
from notebook_pages import page_of

RUNS, ENDED = "2026-01-20", "2026-02-03"
JAN = {"period_start": "2026-01-01", "period_end": "2026-01-31"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rep 200 short of the goal, with a deal of 300 due in January that never closed."""
    deal = {"owner_id": "A", "account_id": "K", "created_date": "2025-12-01"}
    where = tmp_path_factory.mktemp("january")
    book = {
        "users": [{"user_id": "M", "role": "manager"}, {"user_id": "A", "manager_id": "M"}],
        "accounts": [{"account_id": "K"}],
        "opportunities": [
            {**deal, "amount": 100, "close_date": "2026-01-05", "is_closed": True, "is_won": True},
            {**deal, "amount": 300, "close_date": "2026-01-25"},
            {**deal, "amount": 10, "close_date": "2026-02-02", "is_closed": True, "is_won": True},
        ],
        "quotas": [{"owner_id": "A", "quota_amount": 300, **JAN}],
    }
    make_book(where, book)
    return where


@pytest.mark.parametrize("page", ["rep_accountability", "team_accountability"])
@pytest.mark.parametrize("as_of", [RUNS, ENDED])
def test_nothing_must_close_in_a_period_that_is_over(folder: Path, page: str, as_of: str) -> None:
    """A page never says both that the period is over and that a deal must close; under way it may say the latter."""
    text, results = page_of(page, folder, period="2026-01", as_of=as_of)
    over = "period is over" in text
    assert over == (as_of == ENDED)
    closing = [words for words in ("must close", "If it closes", "to go") if words in text]
    assert not (over and closing)
    if page == "rep_accountability":
        assert bool(closing) == (as_of == RUNS)
        assert results["must_close"] == (1 if as_of == RUNS else 0)
