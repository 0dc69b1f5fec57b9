"""What counts as a change of a book, so that a report is made anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from books import make_book

from salesops.book.state import state_of


@pytest.mark.parametrize(
    ("file", "reads"),
    [
        ("playbook.toml", "playbook"), ("overrides.csv", "playbook"), ("play_log.csv", "playbook"),
        ("scenarios/fast.toml", "scenarios"), ("book.toml", "orders"), ("orders.parquet", "orders"),
    ],
)  # fmt: skip  # pairs stay together
def test_what_people_keep_beside_the_tables_counts(tmp_path: Path, file: str, reads: str) -> None:
    """A file that is changed, or comes, changes the state for who reads it, and for nobody else."""
    book = make_book(tmp_path, {"orders": [{"ordered_at": "2026-01-01"}], "users": [{}]})
    before = {names: state_of(book, names) for names in ((reads,), ("users",))}
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as more:
        more.write("\n# changed")
    assert state_of(book, (reads,)) != before[reads,]
    assert (state_of(book, ("users",)) != before["users",]) == (file == "book.toml")
