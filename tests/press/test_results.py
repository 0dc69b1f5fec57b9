"""What the press reads from a notebook that has run."""

from __future__ import annotations

import math
from typing import Any

import nbformat.v4 as v4
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode

from salesops.errors import PressError
from salesops.press.results import read_results


def ran(*outputs: dict[str, Any]) -> NotebookNode:
    cell = v4.new_code_cell("JSON(results)", metadata={"tags": ["results"]})
    cell.outputs = [v4.new_output("execute_result", data=data, execution_count=1) for data in outputs]
    return v4.new_notebook(cells=[v4.new_markdown_cell("# Title"), cell])


def shown(value: object) -> NotebookNode:
    return ran({"application/json": value, "text/plain": "<IPython.core.display.JSON object>"})


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text().filter(lambda text: text not in ("nan", "inf", "-inf"))
JSON = st.recursive(SCALARS | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.dictionaries(st.text(), JSON))
def test_results_arrive_as_the_notebook_gave_them(results: dict[str, Any]) -> None:
    """Every dict that JSON can hold is read unchanged."""
    assert read_results(shown(results)) == results


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, "nan", "inf", "-inf"])
def test_numbers_that_json_does_not_have_are_refused(number: object) -> None:
    """NaN and Infinity, also as the texts that Jupyter makes of them, are an error that says where."""
    with pytest.raises(PressError, match=r"results\['rows'\]\[1\]\['gap'\] is NaN or infinite"):
        read_results(shown({"quota": 1, "rows": [{"gap": 0}, {"gap": number}]}))


def test_a_plain_dict_is_read_too() -> None:
    """A cell that ends with the dict itself needs no JSON() around it."""
    assert read_results(ran({"text/plain": "{'gap': 1.5, 'name': None, 'rows': [True]}"})) == {
        "gap": 1.5, "name": None, "rows": [True],
    }  # fmt: skip  # one dict, one line


@pytest.mark.parametrize("text", ["[1, 2]", "{'gap': nan}", "<Results>", "{'a': 1, ...}"])
def test_what_is_no_dict_is_refused(text: str) -> None:
    """The cell tagged results promises a dict; anything else is an error that says how to show one."""
    with pytest.raises(PressError, match=r"must end with a dict that JSON can hold: JSON\(results\)"):
        read_results(ran({"text/plain": text}))


@pytest.mark.parametrize("text", ["{'a': {1, 2}}", "{(1, 2): 3}", "{'a': b'x'}", r"{'a': '\ud800'}"])
def test_what_json_cannot_hold_is_refused(text: str) -> None:
    """A literal may be more than JSON, and half a pair of surrogates is no text: an error, and not a lost run."""
    with pytest.raises(PressError, match="The cell tagged 'results' shows what JSON cannot hold: "):
        read_results(ran({"text/plain": text}))


def test_a_results_cell_that_shows_nothing_is_refused() -> None:
    """An assignment as last line would lose the results without a word."""
    with pytest.raises(PressError, match="must end with a dict"):
        read_results(ran())


def test_without_a_results_cell_there_are_none() -> None:
    """A notebook need not have results."""
    assert read_results(v4.new_notebook(cells=[v4.new_code_cell("1")])) == {}
