"""reports.toml: which reports a plain `salesops run` makes, and where they go."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from salesops.errors import PressError, did_you_mean
from salesops.press.plan import book_address


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One notebook that someone asks for.

    Parameters
    ----------
    notebook : str
        Its path, or its name in notebooks/.
    given : mapping
        Values for its parameters, as text or as TOML gives them; a book is an address that holds everywhere.
    for_each : str
        The parameter over which it runs for each, or "".
    """

    notebook: str
    given: Mapping[str, object] = field(default_factory=dict)
    for_each: str = ""


def read_settings(path: Path) -> tuple[Path, tuple[Wanted, ...]]:
    """Read reports.toml: the folder for the pages (`out`, default "site") and the reports.

    Each `[[report]]` has `notebook`, and may have `for_each` and any parameter of the notebook (`book`,
    `period`, …). Paths are relative to the file.

    Raises
    ------
    PressError
        If there is no such file, or a key or value in it is wrong.
    """
    if not path.is_file():
        raise PressError(f"There is no '{path}'. Name a notebook: salesops run NOTEBOOK --book BOOK.")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PressError(f"{path.name} is not valid TOML: {error}. Correct the file.") from None
    for key in content:
        if key not in ("out", "report"):
            raise PressError(f"{path.name} has an unknown key '{key}'. {did_you_mean(key, ('out', 'report'))}")
    out, entries = content.get("out", "site"), content.get("report", [])
    if not isinstance(out, str) or not isinstance(entries, list) or not entries:
        raise PressError(f"{path.name} must have 'out' as a text and at least one [[report]].")
    return path.parent / out, tuple(_wanted(entry, number, path) for number, entry in enumerate(entries, start=1))


def _wanted(entry: object, number: int, path: Path) -> Wanted:
    where = f"{path.name}, report {number}"
    if not isinstance(entry, dict) or not isinstance(entry.get("notebook"), str):
        raise PressError(f"{where} must have 'notebook', the name or path of a notebook.")
    given = {key: value for key, value in entry.items() if key not in ("notebook", "for_each")}
    if "book" in given:
        given["book"] = book_address(str(given["book"]), path.parent)
    for_each = entry.get("for_each", "")
    if not isinstance(for_each, str):
        raise PressError(f"{where}: for_each must be the name of a parameter. Got {for_each!r}.")
    beside = path.parent / entry["notebook"]
    return Wanted(notebook=str(beside) if beside.is_file() else entry["notebook"], given=given, for_each=for_each)
