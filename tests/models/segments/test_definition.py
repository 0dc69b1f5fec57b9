"""A grid as a file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import examples
import pytest
from customers import drawn, rfm_tables
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.errors import BookError
from salesops.models.segments import RFM, VALUE_ACTIVE, Dimension, Segment, SegmentGrid, fit_grid, read_grid, save_grid

CUTS = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=6).map(lambda cuts: tuple(sorted(cuts)))


@settings(max_examples=examples.of(50), deadline=None)
@given(
    tables=rfm_tables(),
    day=st.one_of(st.none(), st.dates()),
    version=st.integers(0, 2**40),
)
def test_a_fitted_grid_reads_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, tables: object, day: date | None, version: int
) -> None:
    """Reading what was saved gives an equal grid, to the last bit of every cut."""
    table = tables.assign(frequency=1)  # type: ignore[attr-defined]  # hypothesis types it as object
    grid = fit_grid(table, fitted_on=day, version=version)
    path = tmp_path_factory.mktemp("grid") / "segments.toml"
    save_grid(grid, path)
    assert read_grid(path) == grid


@settings(max_examples=examples.of(50), deadline=None)
@given(cuts=CUTS, words=st.lists(st.text(min_size=1), min_size=5, max_size=5))
def test_any_words_and_numbers_read_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, cuts: tuple[float, ...], words: list[str]
) -> None:
    """Names in any script, with quotes and line ends, and floats of any size survive the file."""
    words = [word.encode("utf-8", "ignore").decode() or "x" for word in words]
    dimension = Dimension(words[0] + "!", words[1], "low", words[2], cuts)
    grid = SegmentGrid(
        words[3], 1, None, 3, (dimension,), (Segment(words[4], {dimension.name: (1, 1)}), Segment("rest", {}))
    )
    path = tmp_path_factory.mktemp("grid") / "segments.toml"
    save_grid(grid, path)
    assert read_grid(path) == grid


def test_saving_replaces_at_once_and_leaves_nothing_else(tmp_path: Path) -> None:
    """Over an older definition the new one stands alone: no other file remains in the folder."""
    path = tmp_path / "segments.toml"
    for version in (1, 2):
        save_grid(fit_grid(drawn(30, seed=version), version=version), path)
    assert read_grid(path).version == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk fills while writing, the message says so and the earlier definition stands."""
    path = tmp_path / "segments.toml"
    save_grid(fit_grid(drawn(30)), path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("salesops.files.os.fsync", full)
    with pytest.raises(BookError, match=r"cannot be saved .*No space left"):
        save_grid(fit_grid(drawn(30, seed=9)), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_schemes_differ_in_their_files(tmp_path: Path) -> None:
    """The file names the scheme, the columns and each segment with its levels, readable by a person."""
    for scheme in (RFM, VALUE_ACTIVE):
        path = tmp_path / "segments.toml"
        save_grid(fit_grid(drawn(60), scheme, fitted_on=date(2026, 10, 31)), path)
        text = path.read_text(encoding="utf-8")
        assert f'scheme = "{scheme.name}"' in text
        assert "fitted_on = 2026-10-31" in text
        assert all(f'name = "{segment.name}"' in text for segment in scheme.segments)
    assert 'name = "true friends"\nvalue = [2, 2]\nactivity = [2, 2]' in text


def test_an_absent_file_says_so(tmp_path: Path) -> None:
    """Without a file there is no definition, and the message names the path."""
    with pytest.raises(BookError, match=r"none\.toml. cannot be read"):
        read_grid(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "format must be 1. Got 2"),
        ("format = 1", "format = [", "is not valid TOML"),
        ("customers = 60", "custmers = 60", "unknown key 'custmers'. Did you mean 'customers'"),
        ("customers = 60", "", "whole numbers"),
        ("version = 1", "version = true", "whole numbers"),
        ('best = "low"', 'best = "lowest"', "best must be 'high' or 'low'. Got 'lowest'"),
        ('column = "total"', "column = 7", "dimension 'value': column must be a text. Got 7"),
        ("recency = [5, 5]", "recency = [5, 6]", "recency must be two levels from 1 to 5. Got \\[5, 6\\]"),
        ("recency = [5, 5]", "recncy = [5, 5]", "unknown key 'recncy'. Did you mean 'recency'"),
        ('name = "hibernating"\nrecency = [1, 2]', 'name = "hibernating"\nrecency = [2, 2]', "leave customers out"),
        ("fitted_on = 2026-10-31", 'fitted_on = "soon"', "fitted_on must be a day"),
        ("cuts = [1.0, 2.0", "cuts = [3.0, 2.0", "cuts must ascend"),
        ("cuts = [1.0, 2.0", "cuts = [nan, 2.0", "cuts must be numbers"),
        ('name = "value"', 'name = "name"', "needs a name of its own"),
        ("[[segments]]", "[[segmnts]]", "unknown key 'segmnts'. Did you mean 'segments'"),
        ('[[segments]]\nname = "new"', "[[segments]]", "a segment needs a name"),
    ],
)
def test_an_edited_file_is_refused_with_the_repair(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Each slip of a person who edits the file is named, with what was expected."""
    path = tmp_path / "segments.toml"
    table = drawn(60).assign(frequency=[n // 12 + 1 for n in range(60)])
    save_grid(fit_grid(table, fitted_on=date(2026, 10, 31)), path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BookError, match=message):
        read_grid(path)
