"""What a kernel says on its way into a report."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat.v4 as v4
from hypothesis import given
from hypothesis import strategies as st

from salesops.press.execute import replay
from salesops.press.gate import HIDDEN, OUTPUTS, TEXT, Gate, forms, hide


def said(kind: str, **content: Any) -> dict[str, Any]:
    return {"header": {"msg_type": kind}, "content": content}


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    return said("stream", name=name, text=text)


def test_each_cell_may_print_so_much(tmp_path: Path) -> None:
    """What is printed beyond the room is cut with one note; the next cell, and cleared output, have room again."""
    with Gate(tmp_path / "journal") as gate:
        gate.begin(0)
        assert gate.admit(printed("x" * (TEXT - 1))) is not None
        cut = gate.admit(printed("abc"))
        assert cut is not None
        assert cut["content"]["text"] == f"a\n[Cut here: a cell may print {TEXT:,} characters.]\n"
        assert gate.admit(printed("more")) is None
        assert gate.admit(printed("other stream", "stderr")) is not None
        assert gate.admit(said("clear_output", wait=False)) is not None
        assert gate.admit(printed("again")) is not None
        gate.begin(1)
        assert gate.admit(printed("x" * TEXT)) is not None


def test_an_output_that_is_too_large_is_replaced_by_a_note(tmp_path: Path) -> None:
    """Its size is said; what comes behind it in the same cell is left out, in the next cell not."""
    with Gate(tmp_path / "journal") as gate:
        gate.begin(0)
        large = gate.admit(
            said("display_data", data={"text/html": "x" * OUTPUTS, "text/plain": "y"}, metadata={"a": 1})
        )
        assert large is not None
        note = f"[Left out: an output of {OUTPUTS + 1:,} characters. A cell may show {OUTPUTS:,}.]"
        assert large["content"] == {"data": {"text/plain": note}, "metadata": {}}
        assert gate.admit(said("display_data", data={"text/plain": "z"}, metadata={})) is None
        assert gate.admit(said("error", ename="E", evalue="v", traceback=[])) is not None
        gate.begin(1)
        assert gate.admit(said("display_data", data={"text/plain": "z"}, metadata={})) is not None


def test_other_messages_pass_as_they_are(tmp_path: Path) -> None:
    """What is not shown (states, widgets) is neither counted nor noted."""
    with Gate(tmp_path / "journal", ["hidden"]) as gate:
        gate.begin(0)
        state = said("status", execution_state="busy", hidden="hidden")
        assert gate.admit(state) is state
    assert "status" not in (tmp_path / "journal").read_text()


@given(st.text(min_size=4), st.sampled_from([str, repr, json.dumps, html.escape]))
def test_a_secret_is_in_no_text(secret: str, write: Callable[[str], str]) -> None:
    """Wherever it stands in what is shown, in whichever form, dots take its place."""
    told = hide([{"key": f"<{write(secret)}>"}], forms([secret]))
    assert told[0]["key"].strip("<\"'>") == HIDDEN


@given(st.text(min_size=6), st.binary(), st.binary(), st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]))
def test_a_secret_is_in_no_base64(secret: str, before: bytes, after: bytes, encode: Callable[[bytes], bytes]) -> None:
    """As in the header of a login: of all letters that it shares with nothing else none is left, whatever is around."""
    raw = secret.encode()
    told = encode(before + raw + after).decode()
    hidden = hide(told, forms([secret]))
    assert len(told) - len(hidden) + len(HIDDEN) * hidden.count(HIDDEN) >= (len(raw) * 8 - 10) // 6
    assert HIDDEN in hidden


def test_a_torn_journal_gives_what_is_whole(tmp_path: Path) -> None:
    """The outputs of each cell come back as the client of a living kernel had them; the torn last line is lost."""
    journal = tmp_path / "journal"
    with Gate(journal) as gate:
        gate.begin(0)
        gate.admit(printed("a\n"))
        gate.admit(said("clear_output", wait=True))
        gate.admit(printed("b\n"))
        gate.begin(2)
        gate.admit(said("display_data", data={"text/plain": "1"}, metadata={}, transient={"display_id": "d"}))
        gate.admit(said("update_display_data", data={"text/plain": "2"}, metadata={}, transient={"display_id": "d"}))
    with journal.open("ab") as file:
        file.write(b'{"kind": "stream", "content": {"name"')
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in ("one", "two", "three")])
    replay(journal, notebook)
    assert [output["text"] for output in notebook.cells[0].outputs] == ["b\n"]
    assert notebook.cells[1].outputs == []
    assert [output["data"] for output in notebook.cells[2].outputs] == [{"text/plain": "2"}]
