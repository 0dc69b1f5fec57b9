"""Reports are the same with a shelf and without one, and the second of them builds nothing."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pytest
from books import records

import salesops.book.source as source
from salesops.book.lines import report_users
from salesops.book.redact import redacted
from salesops.book.shelf import VARIABLE, shelved
from salesops.book.source import Book, open_book
from salesops.pages.rep.findings import rep_accountability
from salesops.pages.team.findings import team_accountability
from salesops.pages.team.health import sales_health
from salesops.periods import parse_period

PERIOD = parse_period("2026-Q4")
DAY = date(2026, 11, 30)


def opened(sample: Path, *, redact: bool) -> Book:
    return redacted(open_book(sample)) if redact else open_book(sample)


@pytest.mark.long
@pytest.mark.parametrize(("redact", "step"), [(False, 1), (True, 9)])
def test_every_rep_s_numbers_are_the_same(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redact: bool, step: int
) -> None:
    """For every rep: no shelf, a shelf that the first report of its measure fills, and a filled one: equal results."""
    monkeypatch.delenv(VARIABLE, raising=False)
    book = opened(sample, redact=redact)
    reps = [user_id for user_id, _ in report_users(book, PERIOD, DAY)][::step]
    reports = {rep: rep_accountability(book, rep, PERIOD, DAY) for rep in reps}
    expected = {rep: report.results() for rep, report in reports.items()}
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for rep in {report.line["measure"]: rep for rep, report in reversed(reports.items())}.values():
        assert rep_accountability(opened(sample, redact=redact), rep, PERIOD, DAY).results() == expected[rep]
    filled = sorted(tmp_path.iterdir())
    for rep, results in expected.items():
        assert rep_accountability(opened(sample, redact=redact), rep, PERIOD, DAY).results() == results
    assert sorted(tmp_path.iterdir()) == filled


@pytest.mark.long
def test_one_rep_s_report_fills_the_shelf_for_all(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one rep's report another rep's builds no table: the shelf holds the same files as before."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    reps = [user_id for user_id, _ in report_users(open_book(sample), PERIOD, DAY)]
    rep_accountability(open_book(sample), reps[0], PERIOD, DAY)
    filled = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    rep_accountability(open_book(sample), reps[-1], PERIOD, DAY)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == filled


@pytest.mark.long
def test_every_kept_table_comes_back_as_it_was(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the reports keep has the same columns, types and rows in memory, put on the shelf, and read from it."""
    found = []
    for folder in ("", str(tmp_path), str(tmp_path)):
        monkeypatch.setenv(VARIABLE, folder)
        found.append(_all_kept(sample, monkeypatch))
    memory, put, read = found
    assert set(read) <= set(put) == set(memory)
    tables = {key for key, value in read.items() if isinstance(value, ir.Table)}
    assert len(tables) >= 12
    for key in tables:
        assert memory[key].schema() == put[key].schema() == read[key].schema()
        assert sorted(map(repr, records(memory[key]))) == sorted(map(repr, records(put[key])))
        assert records(put[key]) == records(read[key])
    as_json = (list, str, int, float, type(None))  # anything else a process keeps to itself
    values = {key for key in set(read) - tables if isinstance(read[key], as_json)}
    assert len(values) >= 8
    assert {key: memory[key] for key in values} == {key: read[key] for key in values}


def _all_kept(sample: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Any]:
    """Make all reports of one book, and return what they kept by book and key."""
    kept: dict[tuple[str, str], Any] = {}

    def noted(con: Any, book: str, key: Hashable, build: Any) -> Any:
        kept[book, repr(key)] = shelved(con, book, key, build)
        return kept[book, repr(key)]

    monkeypatch.setattr(source, "shelved", noted)
    book = open_book(sample)
    rep_accountability(book, "", PERIOD, DAY)
    team_accountability(book, PERIOD, DAY)
    sales_health(book, PERIOD, DAY)
    return kept
