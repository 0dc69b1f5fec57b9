"""Selections and definitions as files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from customers import drawn
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import BookError
from salesops.models.segments import fit_grid
from salesops.widgets.files import csv_text, export_csv, file_in, load_definition, save_definition


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")), min_size=1, max_size=8))
def test_no_cell_is_a_formula_and_no_word_is_lost(names: list[str]) -> None:
    """No text begins as a formula does; without the apostrophe that keeps it from that, it is what it was."""
    text = csv_text(pd.DataFrame({"account_name": names}))
    cells = [row[0] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
    assert cells[0] == "account_name"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert [cell.removeprefix("'") for cell in cells[1:]] == [name.removeprefix("'") for name in names]


def test_numbers_stay_numbers() -> None:
    """A negative amount is no formula: it is read back as the number that it is; what is missing is empty."""
    table = pd.DataFrame({"=total": [-5.25, None], "segment": pd.Categorical(["-x", "new"]), "n": [1, -2]})
    assert csv_text(table) == '"\'=total","segment","n"\n-5.25,"\'-x",1\n"","new",-2\n'


def test_export_never_replaces_a_file(tmp_path: Path) -> None:
    """A second export under the same name gets a number, and nothing else is left in the folder."""
    first = export_csv(pd.DataFrame({"account_id": ["Ä1"]}), tmp_path / "new", "chosen")
    second = export_csv(pd.DataFrame({"account_id": ["B2"]}), tmp_path / "new", "chosen.csv")
    assert [first.name, second.name] == ["chosen.csv", "chosen-2.csv"]
    assert first.read_bytes() == b'\xef\xbb\xbf"account_id"\n"\xc3\x841"\n'
    assert sorted(path.name for path in first.parent.iterdir()) == ["chosen-2.csv", "chosen.csv"]


@pytest.mark.parametrize("name", ["", " ", ".csv", "../up", "a/b", "a\\b", ".hidden", "a\nb", 'a"b', "C:x"])
def test_names_stay_in_the_folder(tmp_path: Path, name: str) -> None:
    """A name that is no plain one is refused: nothing is written outside of the folder."""
    with pytest.raises(BookError, match="must be a plain name"):
        file_in(tmp_path, name, ".csv", error=BookError)


def test_unwritable_folder_is_said(tmp_path: Path) -> None:
    """Where no file can be written, the message names it and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BookError, match=r"cannot be written to .*Move what stands there away"):
        export_csv(pd.DataFrame({"a": [1]}), tmp_path / "file", "chosen")
    with pytest.raises(BookError, match=r"cannot be saved to .*Move what stands there away"):
        save_definition(fit_grid(drawn(20)), tmp_path / "file", "mine")


def test_definition_is_replaced_only_when_asked(tmp_path: Path) -> None:
    """A frozen definition keeps its meaning until a person says otherwise."""
    first, second = fit_grid(drawn(50)), fit_grid(drawn(60, seed=9))
    save_definition(first, tmp_path, "mine")
    with pytest.raises(BookError, match="is there already"):
        save_definition(second, tmp_path, "mine")
    assert load_definition(tmp_path, "mine") == first
    save_definition(second, tmp_path, "mine", replace=True)
    assert load_definition(tmp_path, "mine.toml") == second


def test_missing_definition_names_the_nearest(tmp_path: Path) -> None:
    """A name that is not there is answered with the one that was meant."""
    save_definition(fit_grid(drawn(50)), tmp_path, "segments")
    with pytest.raises(BookError, match=r"There is no file .* Did you mean 'segments.toml'"):
        load_definition(tmp_path, "segment")
