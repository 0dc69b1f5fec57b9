"""Versions of quotas: which one counts, and since when."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import examples
import pytest
from books import Row, by, make_book, records
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.agreed import quotas_in_force
from salesops.book.check import check_book
from salesops.book.goals import goals
from salesops.book.redact import redacted
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import parse_period

QUARTER = parse_period("2026-Q4")


def quota(amount: float, version: str | None = None, agreed: str | None = None, **more: Any) -> Row:
    span = {"period_start": "2026-10-01", "period_end": "2026-12-31"}
    return {"owner_id": "A", "quota_amount": amount, "version": version, "agreed_at": agreed, **span, **more}


def book_of(folder: Path, *quotas: Row) -> Book:
    return make_book(folder, {"users": [{"user_id": "A"}, {"user_id": "B"}], "quotas": list(quotas)})


def in_force(book: Book) -> list[float]:
    return sorted(row["quota_amount"] for row in records(quotas_in_force(book)))


def test_the_version_agreed_last_counts(tmp_path: Path) -> None:
    """Of several versions one counts: the latest day, then the last version in the alphabet; no day is the oldest."""
    rows = [quota(100), quota(300, "b", "2026-10-02"), quota(200, "a", "2026-10-02"), quota(50, "z", "2026-09-01")]
    book = book_of(tmp_path, *rows)
    assert in_force(book) == [300]
    assert by(goals(book, QUARTER), "user_id")["A"]["quota"] == 300


def test_other_quotas_are_no_versions(tmp_path: Path) -> None:
    """Another owner, first day or measure, and a rollup beside an own quota, are quotas of their own."""
    others: list[dict[str, Any]] = [
        {"owner_id": "B"}, {"period_start": "2026-11-01"}, {"measure": "orders"}, {"is_rollup": True, "version": "2"},
    ]  # fmt: skip  # one change a quota
    rows = [quota(float(n), **{"version": "1", **other}) for n, other in enumerate(others, start=1)]
    assert in_force(book_of(tmp_path, quota(100, "1"), *rows)) == [1, 2, 3, 4, 100]


@pytest.mark.parametrize(("as_of", "amount"), [("2026-09-30", 100), ("2026-10-15", 200), ("2026-12-31", 300)])
def test_a_report_keeps_the_version_of_its_day(tmp_path: Path, as_of: str, amount: float) -> None:
    """As known on a day, what was agreed later does not count; where nothing was agreed yet, the first does."""
    rows = [quota(300, "3", "2026-11-01"), quota(100, "1", "2026-10-01"), quota(200, "2", "2026-10-10")]
    book = book_of(tmp_path, *rows)
    for one in (book, redacted(book)):
        assert in_force(as_known(one, date.fromisoformat(as_of))) == [amount]


def test_versions_are_no_error(tmp_path: Path) -> None:
    """Rows that differ by version alone pass the check; the same version twice repeats a key."""
    good = book_of(tmp_path / "good", quota(100), quota(120, "2", "2026-10-05"))
    assert [finding for finding in check_book(good) if finding.table == "quotas"] == []
    (found,) = [f for f in check_book(book_of(tmp_path / "bad", quota(100, "2"), quota(1, "2"))) if f.table == "quotas"]
    key = "owner_id, period_start, period_end, measure, is_rollup and version"
    assert str(found).startswith(f"quotas: 1 of 2 rows repeats the {key} of another row")


@settings(max_examples=examples.of(25), deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 28)), min_size=1, max_size=8, unique=True))
def test_no_rep_loses_a_quota(tmp_path_factory: pytest.TempPathFactory, versions: list[tuple[str, int]]) -> None:
    """Whatever versions there are, each owner has exactly one quota, and it is that of the latest day."""
    rows = [quota(float(day), f"v{day}", f"2026-10-{day:02}", owner_id=owner) for owner, day in versions]
    latest = {owner: max(day for other, day in versions if other == owner) for owner, _ in versions}
    found = by(quotas_in_force(book_of(tmp_path_factory.mktemp("q"), *rows)), "owner_id")
    assert {owner: row["quota_amount"] for owner, row in found.items()} == latest
