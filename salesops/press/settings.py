"""reports.toml: which reports a plain `salesops run` makes, where they go, and what they may use."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from salesops.errors import PressError, did_you_mean
from salesops.press.alerts import Alert, read_alert
from salesops.press.plan import book_address
from salesops.press.task import Limits

_WHOLE = ("keep_periods", "cell_seconds", "report_seconds", "memory_mb")
_KEYS = ("out", "report", *_WHOLE)


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
    alerts : tuple of Alert
        Conditions on the results of its reports.
    """

    notebook: str
    given: Mapping[str, object] = field(default_factory=dict)
    for_each: str = ""
    alerts: tuple[Alert, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What reports.toml says: where the pages go, what is wanted, and how it is made.

    Parameters
    ----------
    keep_periods : int
        How many periods of a report are kept; 0 keeps all.
    """

    out: Path
    wanted: tuple[Wanted, ...]
    keep_periods: int = 0
    limits: Limits = field(default_factory=Limits)


def read_settings(path: Path) -> Settings:
    """Read reports.toml.

    It has `out` (the folder for the pages, default "site"), `keep_periods`, `cell_seconds`, `report_seconds`,
    `memory_mb`, and the reports. Each `[[report]]` has `notebook`, and may have `for_each`, `alerts` and any
    parameter of the notebook (`book`, `period`, …). Paths are relative to the file.

    Raises
    ------
    PressError
        If there is no such file, or a key or value in it is wrong.
    """
    if not path.is_file():
        raise PressError(f"There is no '{path}'. Name a notebook: salesops run NOTEBOOK --book BOOK.")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PressError(f"{path.name} is not valid TOML: {error}. Correct the file.") from None
    except OSError as error:
        raise PressError(f"'{path}' cannot be read: {error.strerror}.") from None
    for key in content:
        if key not in _KEYS:
            raise PressError(f"{path.name} has an unknown key '{key}'. {did_you_mean(key, _KEYS)}")
    out, entries = content.get("out", "site"), content.get("report", [])
    if not isinstance(out, str) or "\0" in out or not isinstance(entries, list) or not entries:
        raise PressError(f"{path.name} must have 'out' as a text and at least one [[report]].")
    whole = {key: _whole(content[key], key, path) for key in _WHOLE if key in content}
    limits = Limits()
    return Settings(
        out=path.parent / out,
        wanted=tuple(_wanted(entry, number, path) for number, entry in enumerate(entries, start=1)),
        keep_periods=whole.get("keep_periods", 0),
        limits=Limits(
            cell=whole.get("cell_seconds", limits.cell),
            report=whole.get("report_seconds", limits.report),
            memory=whole.get("memory_mb", 0) * 1_000_000,
        ),
    )


def _whole(value: object, key: str, path: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise PressError(f"{path.name}: {key} must be a whole number from 1. Got {value!r}.")
    return value


def _wanted(entry: object, number: int, path: Path) -> Wanted:
    where = f"{path.name}, report {number}"
    if not isinstance(entry, dict) or not isinstance(entry.get("notebook"), str):
        raise PressError(f"{where} must have 'notebook', the name or path of a notebook.")
    given = {key: value for key, value in entry.items() if key not in ("notebook", "for_each", "alerts")}
    if "book" in given:
        given["book"] = book_address(str(given["book"]), path.parent)
    for_each, alerts = entry.get("for_each", ""), entry.get("alerts", [])
    if not isinstance(for_each, str):
        raise PressError(f"{where}: for_each must be the name of a parameter. Got {for_each!r}.")
    if not isinstance(alerts, list):
        raise PressError(f"{where}: alerts must be a list such as ['attainment < 0.6']. Got {alerts!r}.")
    beside = path.parent / entry["notebook"]
    return Wanted(
        notebook=str(beside) if beside.is_file() else entry["notebook"],
        given=given,
        for_each=for_each,
        alerts=tuple(read_alert(alert, where) for alert in alerts),
    )
