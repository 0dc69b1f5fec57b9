"""The key of pseudonyms: given by whoever runs a report, or made once and kept."""

from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from books import make_book, records

from salesops.book.redact import VARIABLE, RedactKey, redact_key, redacted, use_key_of
from salesops.errors import BookError


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state folder of a user to whom no key is given."""
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_key_is_made_once_for_its_user_alone(state: Path) -> None:
    """Without a key one is made, and its place told; only its user can read it, and it stays the same."""
    made, again = redact_key(), redact_key()
    path = state / "salesops" / "redact.key"
    assert (made.made, again.made) == (path, None)
    assert made.text == again.text == path.read_text(encoding="utf-8").strip()
    assert len(made.text) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["redact.key"]
    assert f"kept in '{path}'" in made.told
    assert again.told == ""


@pytest.mark.parametrize("folder", ["", "relative"])
def test_without_a_state_folder_it_is_that_of_the_home(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """As the XDG directory specification says, a relative folder counts as none."""
    monkeypatch.setenv("XDG_STATE_HOME", folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert redact_key().made == tmp_path / ".local" / "state" / "salesops" / "redact.key"


def _key_in_a_process(start: object) -> RedactKey:
    start.wait()  # type: ignore[attr-defined]  # a barrier, as pickle hands it on
    return redact_key()


def test_two_who_make_it_at_once_have_the_same(state: Path) -> None:
    """Several processes that begin at the same moment make one key between them, and one of them tells of it."""
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(4) as pool:
        barrier = manager.Barrier(4)
        keys = pool.map(_key_in_a_process, [barrier] * 4, chunksize=1)
    assert len({key.text for key in keys}) == 1
    assert [key.made is not None for key in keys].count(True) == 1


def test_a_given_key_goes_before(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the environment, or of a file, is used, without white space around it, and none is made."""
    monkeypatch.setenv(VARIABLE, "  a key of sixteen letters\n")
    assert redact_key().text == "a key of sixteen letters"
    (tmp_path / "key").write_text("another key of letters\n", encoding="utf-8")
    use_key_of(tmp_path / "key")
    assert redact_key().text == "another key of letters"
    assert not state.exists()


@pytest.mark.parametrize("text", ["", "fifteen letters", " " * 40])
def test_a_key_that_can_be_guessed_is_refused(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A short key is refused wherever it comes from, with how to make one."""
    long_enough = r"has \d+ characters, and needs 16\. Make one: python -c"
    (tmp_path / "key").write_text(text, encoding="utf-8")
    with pytest.raises(BookError, match=f"'{tmp_path / 'key'}' {long_enough}"):
        use_key_of(tmp_path / "key")
    (state / "salesops").mkdir(parents=True)
    (state / "salesops" / "redact.key").write_text(text, encoding="utf-8")
    with pytest.raises(BookError, match=f"redact.key' {long_enough}"):
        redact_key()
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(BookError, match=f"{VARIABLE} {long_enough}"):
        redact_key()


def test_a_key_that_cannot_be_read_is_told(state: Path, tmp_path: Path) -> None:
    """No file, no text, and a state folder that is none are sentences."""
    with pytest.raises(BookError, match="none' cannot be read: No such file"):
        use_key_of(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff" * 40)
    with pytest.raises(BookError, match=r"bytes' cannot be read: .*must be a text"):
        use_key_of(tmp_path / "bytes")
    state.write_text("a file", encoding="utf-8")
    with pytest.raises(BookError, match=f"redact.key': .*Or give one as {VARIABLE}"):
        redact_key()


def test_a_notebook_tells_where_its_new_key_is(state: Path, tmp_path: Path) -> None:
    """Who redacts a book without a key is warned, once, that one was made, and where it is."""
    book = make_book(tmp_path / "book", {"users": [{"user_id": "A"}]})
    with pytest.warns(UserWarning, match=r"Pseudonyms have a new key, kept in '.*redact\.key'\. Keep that file"):
        first = redacted(book)
    assert records(first.table("users")) == records(redacted(book).table("users"))


def test_the_mark_of_a_key_does_not_give_it_away() -> None:
    """The mark, which is noted for each report, differs with the key and holds nothing of it."""
    one, two = RedactKey("k" * 16), RedactKey("k" * 15 + "l")
    assert one.mark != two.mark
    assert one.text not in one.mark
    assert len(one.mark) == 12
    assert VARIABLE not in os.environ or os.environ[VARIABLE] not in one.mark
