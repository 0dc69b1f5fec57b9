"""The log of plays: it only grows, and gives back what it was given."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import examples
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.playbook import append_log, read_log
from salesops.book.playbook.log import FILE as LOG
from salesops.errors import BookError

Values = dict[str, Any]
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


def entry(**changes: Any) -> Values:
    return {"logged_on": date(2026, 3, 1), "account_id": "A", "play_id": "late", "version": "1", "event": "assigned",
            "arm": "play", **changes}  # fmt: skip  # one entry


def test_the_log_only_grows(tmp_path: Path) -> None:
    """What was logged stays to the byte; new entries follow; the header stands once."""
    assert append_log(tmp_path, [entry(), entry(account_id="B", arm="hold-out")]) == 2
    before = (tmp_path / LOG).read_bytes()
    assert append_log(tmp_path, [entry(event="done", note="Called")]) == 1
    after = (tmp_path / LOG).read_bytes()
    assert after.startswith(before)
    assert after.count(b"logged_on") == 1
    assert [(row["account_id"], row["event"], row["note"]) for row in read_log(tmp_path)] == [
        ("A", "assigned", ""), ("B", "assigned", ""), ("A", "done", "Called"),
    ]  # fmt: skip  # one line an entry


@settings(max_examples=examples.of(60), deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1), min_size=3, max_size=3)
)
def test_any_text_is_logged_and_read_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Names and notes in any script, with quotes, commas and line ends, come back as they were."""
    folder = tmp_path_factory.mktemp("log")
    account, play, note = texts
    append_log(folder, [entry(account_id=account, play_id=play, note=note)])
    (row,) = read_log(folder)
    assert (row["account_id"], row["play_id"], row["note"]) == (account, play, note)


@pytest.mark.parametrize("note", ["=1+1", "+A1", "-A1", "@sum", "\tx", "'=1"])
def test_no_cell_of_the_log_is_a_formula(tmp_path: Path, note: str) -> None:
    """A spreadsheet that opens the log computes nothing; reading gives the text as it was."""
    append_log(tmp_path, [entry(note=note, account_id=note)])
    with (tmp_path / LOG).open(newline="", encoding="utf-8") as file:
        cells = list(csv.reader(file))[1]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in cells)
    assert read_log(tmp_path)[0]["note"] == note


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"logged_on": "2026-03-01"}, "needs a day as logged_on. Got '2026-03-01'"),
        ({"event": "assined"}, "one of assigned, done, outcome as event. Got 'assined'"),
        ({"arm": ""}, "one of play, hold-out, override as arm"),
        ({"account_id": ""}, "needs account_id"),
    ],
)
def test_a_wrong_entry_adds_nothing(tmp_path: Path, wrong: Values, message: str) -> None:
    """If one of several entries cannot be logged, none is."""
    with pytest.raises(BookError, match=message):
        append_log(tmp_path, [entry(), entry(**wrong)])
    assert read_log(tmp_path) == []


def test_a_log_that_was_changed_is_refused(tmp_path: Path) -> None:
    """A log without its columns is not guessed at."""
    (tmp_path / LOG).write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(BookError, match=r"play_log\.csv must have the columns logged_on, account_id"):
        read_log(tmp_path)


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """Without the folder nothing is logged, and the message names the path."""
    with pytest.raises(BookError, match="The log cannot be written to"):
        append_log(tmp_path / "none", [entry()])
