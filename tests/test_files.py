"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salesops.errors import BookError, one_line
from salesops.files import toml_text, toml_values, write_whole


def test_a_file_is_written_as_it_is(tmp_path: Path) -> None:
    """Text arrives in UTF-8 with its line ends; others may read it, as the system allows."""
    write_whole(tmp_path / "page.html", "a\nb é\r\n")
    assert (tmp_path / "page.html").read_bytes() == "a\nb é\r\n".encode()
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full when the bytes are to be kept costs nothing that was there."""
    write_whole(tmp_path / "page.html", "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*page\.html'"):
        write_whole(tmp_path / "page.html", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "old"


def test_a_missing_folder_is_told_by_the_file(tmp_path: Path) -> None:
    """The error names the file that was wanted, not the temporary one."""
    with pytest.raises(FileNotFoundError, match=r"'.*/gone/page\.html'"):
        write_whole(tmp_path / "gone" / "page.html", "new")


def test_ctrl_c_leaves_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the middle, the temporary file goes too."""

    def stopped(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "page.html", "new")
    assert list(tmp_path.iterdir()) == []


def test_a_line_for_a_terminal_commands_nothing() -> None:
    """Colours, window titles, line ends and text that runs backwards may come from data; letters of any script stay."""
    assert one_line("\x1b[31mred\x1b[0m \x1b]0;title\x07Zoë\n中\u202e\x9b2J") == "red Zoë 中  2J"


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
SCALARS = TEXTS | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.dates()


@given(st.dictionaries(TEXTS, SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(TEXTS, SCALARS, max_size=3)))
@example({"name": 'delete \x7f, return \r, quote " and \\'})
def test_toml_reads_back_as_it_was(values: dict[str, object]) -> None:
    """Whatever people type into a name, a file of ours can be read again and says the same, below its comment."""
    text = toml_text(values, comment="Made\nby hand")
    assert text.startswith("# Made\n# by hand\n")
    assert toml_values(text, "x.toml", error=BookError) == values
