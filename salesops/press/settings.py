"""reports.toml: which reports a plain `salesops run` makes, where they go, and what they may use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from salesops.errors import PressError, did_you_mean
from salesops.files import read_toml
from salesops.press import mailing
from salesops.press.alerts import Alert, read_alert
from salesops.press.every import Every, read_every
from salesops.press.mailing import Mailing, read_mailing
from salesops.press.plan import book_address
from salesops.press.post import Smtp, read_smtp
from salesops.press.task import Limits

_WHOLE = ("keep_periods", "cell_seconds", "report_seconds", "memory_mb")
_YES_OR_NO = ("pdf", "mail")
_KEYS = ("out", "time_zone", "smtp", "report", *_WHOLE, *_YES_OR_NO)
_OWN = ("notebook", "for_each", "alerts", "every", "to", *mailing.KEYS)  # what is no parameter of the notebook


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
    every : Every or None
        When it is due; None leaves it out of the schedule.
    to : tuple of str
        To whom its pages are sent: addresses, or "rep", "manager" and "present manager" of whom a page is about.
    mailing : Mailing
        When they are sent, and who is told if they cannot be.
    """

    notebook: str
    given: Mapping[str, object] = field(default_factory=dict)
    for_each: str = ""
    alerts: tuple[Alert, ...] = ()
    every: Every | None = None
    to: tuple[str, ...] = ()
    mailing: Mailing = field(default_factory=Mailing)

    @property
    def key(self) -> str:
        """What knows it again in the schedule, whenever it is due and whoever reads it."""
        text = json.dumps([self.notebook, self.for_each, self.given], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What reports.toml says: where the pages go, what is wanted, and how it is made.

    Parameters
    ----------
    keep_periods : int
        How many periods of a report are kept; 0 keeps all.
    zone : ZoneInfo or None
        Where the clock of the schedule hangs; None is the machine's own.
    pdf, mail : bool
        Whether each page is also printed to PDF, and written as a mail.
    smtp : Smtp or None
        The server that sends mails.
    """

    out: Path
    wanted: tuple[Wanted, ...]
    keep_periods: int = 0
    limits: Limits = field(default_factory=Limits)
    zone: ZoneInfo | None = None
    pdf: bool = False
    mail: bool = False
    smtp: Smtp | None = None


def read_settings(path: Path) -> Settings:
    """Read reports.toml.

    It has `out` (the folder for the pages, default "site"), `keep_periods`, `cell_seconds`, `report_seconds`,
    `memory_mb`, `pdf`, `mail`, `time_zone`, `[smtp]`, and the reports. Each `[[report]]` has `notebook`, and may
    have `for_each`, `alerts`, `every`, `to`, `owner`, `send`, `stale_after` and any parameter of the notebook
    (`book`, `period`, …). Paths are relative to the file.

    Raises
    ------
    PressError
        If there is no such file, or a key or value in it is wrong.
    """
    if not path.is_file():
        raise PressError(f"There is no '{path}'. Name a notebook: salesops run NOTEBOOK --book BOOK.")
    content = read_toml(path, error=PressError)
    for key in content:
        if key not in _KEYS:
            raise PressError(f"{path.name} has an unknown key '{key}'. {did_you_mean(key, _KEYS)}")
    out, entries = content.get("out", "site"), content.get("report", [])
    if not isinstance(out, str) or "\0" in out or not isinstance(entries, list) or not entries:
        raise PressError(f"{path.name} must have 'out' as a text and at least one [[report]].")
    whole = {key: _whole_number(content[key], key, path) for key in _WHOLE if key in content}
    forms = {key: _yes_or_no(content[key], key, path) for key in _YES_OR_NO if key in content}
    limits = Limits()
    wanted = tuple(_report_asked_for(entry, number, path) for number, entry in enumerate(entries, start=1))
    smtp = read_smtp(content["smtp"], path.name) if "smtp" in content else None
    if not smtp and any(want.to for want in wanted):
        raise PressError(f'{path.name} says to whom to send, but not how. Add [smtp] with host = "…" and from = "…".')
    return Settings(
        out=path.parent / out,
        wanted=wanted,
        keep_periods=whole.get("keep_periods", 0),
        limits=Limits(
            cell=whole.get("cell_seconds", limits.cell),
            report=whole.get("report_seconds", limits.report),
            memory=whole.get("memory_mb", 0) * 1_000_000,
        ),
        zone=_zone(content["time_zone"], path) if "time_zone" in content else None,
        smtp=smtp,
        **forms,
    )


def _whole_number(value: object, key: str, path: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise PressError(f"{path.name}: {key} must be a whole number from 1. Got {value!r}.")
    return value


def _yes_or_no(value: object, key: str, path: Path) -> bool:
    if not isinstance(value, bool):
        raise PressError(f"{path.name}: {key} must be true or false. Got {value!r}.")
    return value


def _zone(value: object, path: Path) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):
        raise PressError(f"{path.name}: time_zone must be like 'Europe/Berlin'. Got {value!r}.") from None


def _report_asked_for(entry: object, number: int, path: Path) -> Wanted:
    where = f"{path.name}, report {number}"
    if not isinstance(entry, dict) or not isinstance(entry.get("notebook"), str):
        raise PressError(f"{where} must have 'notebook', the name or path of a notebook.")
    given = {key: value for key, value in entry.items() if key not in _OWN}
    if "book" in given:
        given["book"] = book_address(str(given["book"]), path.parent)
    for_each, alerts = entry.get("for_each", ""), entry.get("alerts", [])
    if not isinstance(for_each, str):
        raise PressError(f"{where}: for_each must be the name of a parameter. Got {for_each!r}.")
    if not isinstance(alerts, list):
        raise PressError(f"{where}: alerts must be a list such as ['attainment < 0.6']. Got {alerts!r}.")
    to = entry.get("to", [])
    if not isinstance(to, list) or not all(isinstance(whom, str) and whom.strip() for whom in to):
        raise PressError(f"{where}: to must be a list such as ['eva@example.com', 'manager']. Got {to!r}.")
    beside = path.parent / entry["notebook"]
    return Wanted(
        notebook=str(beside) if beside.is_file() else entry["notebook"],
        given=given,
        for_each=for_each,
        alerts=tuple(read_alert(alert, where) for alert in alerts),
        every=read_every(entry["every"], where) if "every" in entry else None,
        to=tuple(whom.strip() for whom in to),
        mailing=read_mailing(entry, where),
    )
