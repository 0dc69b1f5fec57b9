"""A notebook's parameters: read from the cell tagged `parameters`, and given values by people.

One line each: `name: type = value  # help`, with type in str, int, float, bool, list[str] and a literal as
value. A line without a type has the type of its value.
"""

from __future__ import annotations

import ast
import io
import math
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from salesops.errors import PressError, did_you_mean

Value = str | int | float | bool | list[str]

_SECRET = ("secret", "password", "passwd", "token", "api_key", "apikey")
_YES = {"true", "yes", "1", "on"}
_NO = {"false", "no", "0", "off"}
_FORMS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list[str]": "texts with commas between them",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, its type as written (`str`, `int`, `float`, `bool`, `list[str]`), default and help."""

    name: str
    type: str
    default: Value
    help: str = ""


def read_parameters(source: str, where: str) -> tuple[Parameter, ...]:
    """Read the parameters cell; `where` names the notebook in errors.

    Raises
    ------
    PressError
        If a line is not `name: type = value  # help` with a literal of that type.
    """
    try:
        lines = ast.parse(source).body
    except SyntaxError as error:
        place = f"line {error.lineno} of the parameters cell" if error.lineno else "the parameters cell"
        raise PressError(f"{where}: {place} is not Python: {error.msg}.") from None
    comments = _comments(source)
    return tuple(_parameter(line, comments, where) for line in lines if not _is_text(line))


def bind(known: Sequence[Parameter], given: Mapping[str, object], where: str) -> dict[str, Value]:
    """Return the given values in the types that the notebook asks for.

    Text, as the command line gives it, is converted. `where` names the notebook in errors.

    Raises
    ------
    PressError
        If the notebook has no such parameter, or a value is not of its type.
    """
    by_name = {parameter.name: parameter for parameter in known}
    for name in given:
        if name not in by_name:
            hint = did_you_mean(name, by_name) or "Its cell tagged 'parameters' is empty or missing."
            raise PressError(f"{where} has no parameter '{name}'. {hint}")
    return {name: _convert(by_name[name], value, where) for name, value in given.items()}


def is_secret(name: str) -> bool:
    """Tell by its name whether a parameter must be stored nowhere: a password, token, API key or other secret."""
    return any(word in name.casefold() for word in _SECRET)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def _parameter(line: ast.stmt, comments: Mapping[int, str], where: str) -> Parameter:
    if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None:
        name, kind, literal = line.target.id, ast.unparse(line.annotation), line.value
    elif isinstance(line, ast.Assign) and len(line.targets) == 1 and isinstance(line.targets[0], ast.Name):
        name, kind, literal = line.targets[0].id, "", line.value
    else:
        raise PressError(
            f"{where}: line {line.lineno} of the parameters cell must be written like 'name: str = \"value\"  # help'. "
            f"Got '{ast.unparse(line)}'."
        )
    try:
        value = ast.literal_eval(literal)
    except (ValueError, TypeError):
        raise PressError(f"{where}: parameter '{name}' must have a literal. Got '{ast.unparse(literal)}'.") from None
    kind = kind or ("list[str]" if isinstance(value, list) else type(value).__name__)
    if kind not in _FORMS:
        raise PressError(f"{where}: parameter '{name}' must have a type in {', '.join(_FORMS)}. Got '{kind}'.")
    parameter = Parameter(name, kind, "", comments.get(line.end_lineno or line.lineno, ""))
    return Parameter(name, kind, _typed(parameter, value, where), parameter.help)


def _convert(parameter: Parameter, value: object, where: str) -> Value:
    if isinstance(value, date):  # TOML has dates of its own
        value = value.isoformat()
    if not isinstance(value, str) or parameter.type == "str":
        return _typed(parameter, value, where)
    text = value.strip()
    read: object = value
    if parameter.type == "int" and re.fullmatch(r"[+-]?\d{1,300}", text):
        read = int(text)
    elif parameter.type == "float":
        read = _number(text, value)
    elif parameter.type == "bool" and text.casefold() in _YES | _NO:
        read = text.casefold() in _YES
    elif parameter.type == "list[str]":
        read = [part.strip() for part in text.split(",") if part.strip()]
    return _typed(parameter, read, where)


def _number(text: str, otherwise: object) -> object:
    try:
        return float(text)
    except ValueError:
        return otherwise


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _typed(parameter: Parameter, value: object, where: str) -> Value:
    number = isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)
    match parameter.type, value:
        case "str", str(text):
            return text
        case "bool", bool(answer):
            return answer
        case "int", int(whole) if number:
            return whole
        case "float", int() | float() if number:
            return float(value)
        case "list[str]", list() if all(isinstance(part, str) for part in value):
            return list(value)
    raise PressError(
        f"{where}: parameter '{parameter.name}' must be {_FORMS[parameter.type]} ({parameter.type}). Got {value!r}."
    )
