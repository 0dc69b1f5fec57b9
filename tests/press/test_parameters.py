"""Parameters: read from the notebook, given by people."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.errors import PressError
from salesops.press.parameters import Parameter, bind, read_parameters

CELL = '''"""What may be changed."""
name: str = "a # b"  # whom to greet
times: int = -1
share: float = 2  # of the total
loud: bool = False  # true for capitals
teams: list[str] = [
    "a",
    "b",
]  # which teams
plain = 3
'''

PARAMETERS = read_parameters(CELL, "x.ipynb")


def test_every_line_gives_name_type_default_and_help() -> None:
    """A line gives one parameter; a # inside a text is no help; a line without type has that of its value."""
    assert read_parameters(CELL, "x.ipynb") == (
        Parameter("name", "str", "a # b", "whom to greet"),
        Parameter("times", "int", -1),
        Parameter("share", "float", 2.0, "of the total"),
        Parameter("loud", "bool", False, "true for capitals"),
        Parameter("teams", "list[str]", ["a", "b"], "which teams"),
        Parameter("plain", "int", 3),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x: int = 1 + 1", r"x\.ipynb: parameter 'x' must have a literal\. Got '1 \+ 1'"),
        ("x: int | None = None", r"parameter 'x' must have a type in str, int, .* Got 'int \| None'"),
        ("x = {[]: 1}", "parameter 'x' must have a literal"),
        ("x = 1\0", "the parameters cell is not Python: source code string cannot contain null bytes"),
        ("x = None", "parameter 'x' must have a type .* Got 'NoneType'"),
        ("x: int = 'a'", r"parameter 'x' must be a whole number \(int\)\. Got 'a'"),
        ("x: bool = 1", r"parameter 'x' must be true or false \(bool\)\. Got 1"),
        ("x: float = 1e999", r"parameter 'x' must be a number \(float\)\. Got inf"),
        ("x: list[str] = [1]", r"parameter 'x' must be texts with commas .* Got \[1\]"),
        ("import os", "line 1 of the parameters cell must be written like .* Got 'import os'"),
        ("x, y = 1, 2", "line 1 of the parameters cell must be written like"),
        ("x: int", "line 1 of the parameters cell must be written like"),
        ("a: int = 1\nx: int =", "line 2 of the parameters cell is not Python"),
    ],
)
def test_a_line_that_is_no_parameter_is_refused(line: str, message: str) -> None:
    """What is not a literal of a known type is an error that names the notebook, the line or the parameter."""
    with pytest.raises(PressError, match=message):
        read_parameters(line, "x.ipynb")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", "007", "007"),
        ("name", "", ""),
        ("times", " 12 ", 12),
        ("times", "-3", -3),
        ("share", "0.25", 0.25),
        ("share", "3", 3.0),
        ("loud", "Yes", True),
        ("loud", "false", False),
        ("teams", "a, b c ,", ["a", "b c"]),
        ("teams", "", []),
    ],
)
def test_text_becomes_the_type_that_the_notebook_asks_for(name: str, text: str, value: object) -> None:
    """What the command line gives as text reaches the notebook typed; a text stays as it is."""
    bound = bind(PARAMETERS, {name: text}, "x.ipynb")
    assert bound == {name: value}
    assert type(bound[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("times", "1.5", r"x\.ipynb: parameter 'times' must be a whole number \(int\)\. Got '1\.5'"),
        ("times", "", "parameter 'times' must be a whole number"),
        ("times", "9" * 5000, "parameter 'times' must be a whole number"),
        ("times", 10**400, "parameter 'times' must be a whole number"),
        ("times", True, "parameter 'times' must be a whole number .* Got True"),
        ("share", "much", r"parameter 'share' must be a number \(float\)\. Got 'much'"),
        ("share", "nan", "parameter 'share' must be a number .* Got nan"),
        ("loud", "maybe", r"parameter 'loud' must be true or false \(bool\)\. Got 'maybe'"),
        ("loud", 1, "parameter 'loud' must be true or false"),
        ("name", 5, r"parameter 'name' must be a text \(str\)\. Got 5"),
        ("teams", [1], "parameter 'teams' must be texts"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object, message: str) -> None:
    """The error names the parameter, its type and the value."""
    with pytest.raises(PressError, match=message):
        bind(PARAMETERS, {name: value}, "x.ipynb")


def test_an_unknown_parameter_is_refused_with_the_nearest() -> None:
    """A name that the notebook does not have is an error with "did you mean"."""
    with pytest.raises(PressError, match=r"x\.ipynb has no parameter 'time'\. Did you mean 'times'\?"):
        bind(PARAMETERS, {"time": "1"}, "x.ipynb")


def test_a_notebook_without_parameters_takes_none() -> None:
    """Where there is no parameters cell, the error says so."""
    with pytest.raises(PressError, match=r"has no parameter 'x'\. Its cell tagged 'parameters' is empty or missing"):
        bind((), {"x": "1"}, "x.ipynb")


def test_a_date_of_toml_becomes_an_iso_text() -> None:
    """as_of = 2026-08-31 in reports.toml is a date there, and a text in the notebook."""
    assert bind(PARAMETERS, {"name": date(2026, 8, 31)}, "x.ipynb") == {"name": "2026-08-31"}


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text())
def test_values_survive_the_way_through_text(times: int, share: float, loud: bool, name: str) -> None:
    """Writing a value as text and binding it gives the value back."""
    given_values = {"times": str(times), "share": repr(share), "loud": str(loud), "name": name}
    assert bind(PARAMETERS, given_values, "x.ipynb") == {"times": times, "share": share, "loud": loud, "name": name}
