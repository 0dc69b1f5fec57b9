"""What will be run: one Report is one notebook with its parameters and the file that it makes; its Outcome."""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote

from salesops.errors import PressError
from salesops.press.alerts import Alert
from salesops.press.catalog import Notebook
from salesops.press.compare import News
from salesops.press.mailing import Mailing
from salesops.press.parameters import Value, is_secret

DATABASE = "duckdb://"
SHORTEST_SECRET = 4
# as people type them without: Unicode takes these letters apart no further
LETTERS = {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
Status = Literal["ok", "failed", "timeout", "crashed"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report to make.

    Parameters
    ----------
    notebook : Path
        The notebook's file.
    parameters : mapping
        What the notebook gets, without the secrets.
    secrets : mapping
        Parameters that are stored nowhere.
    shown : mapping
        The parameters for readers of the index: the book by its name, without its folder.
    title, period, person : str
        For the index and the page; period and person may be "".
    id : str
        The file's name without its ending. The same report has the same id in every run.
    series : str
        The same report has the same series in every period.
    reads : str
        The state of the tables that the notebook declares; "" if it declares none, and may read anything.
    watch : mapping
        The results to compare with the last run, each with its form.
    alerts : tuple of Alert
        Conditions on the results.
    to : tuple of str
        The addresses to which the page is sent; they are stored nowhere.
    mailing : Mailing
        When it is sent, and who is told if it cannot be.
    last_fact : date or None
        The last day on which anything happened of what the page tells; None if nobody asks, or knows.
    wanted : str
        What of reports.toml asked for it; "" if something else did.
    """

    notebook: Path
    parameters: Mapping[str, Value]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    shown: Mapping[str, Value]
    title: str
    period: str
    person: str
    id: str
    series: str = ""
    reads: str = ""
    watch: Mapping[str, str] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    to: tuple[str, ...] = field(default=(), repr=False)
    mailing: Mailing = field(default_factory=Mailing, repr=False)
    last_fact: date | None = None
    wanted: str = ""

    @property
    def heading(self) -> str:
        """The page's title: what, who, when."""
        return " · ".join(part for part in (self.title, self.person, self.period) if part)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one report.

    Parameters
    ----------
    path : str
        The page, relative to the folder of the reports; "" if there is none.
    results : mapping
        The dict of the notebook's results cell.
    headline : str
        The page's title; "" if there is no page.
    error : str
        Why it failed, in one line; "" if it did not.
    news : News
        The alerts that its results raise, and what changed since the last run that was not the same.
    """

    status: Status
    started: datetime
    seconds: float
    path: str = ""
    results: Mapping[str, Any] = field(default_factory=dict)
    headline: str = ""
    error: str = ""
    news: News = field(default_factory=News)


def plan_report(
    notebook: Notebook,
    parameters: Mapping[str, Value],
    *,
    asked: Mapping[str, Value],
    person: str = "",
    alerts: Sequence[Alert] = (),
) -> Report:
    """Return the report that a notebook makes with these parameters.

    Parameters
    ----------
    parameters : mapping
        What the notebook gets, defaults of the book included.
    asked : mapping
        Those of them that tell this report from others: what someone asked for, but not, say, the last date
        in the book, which moves from run to run while the report stays the same.
    person : str
        Whom the report is about, by name.

    Raises
    ------
    PressError
        If a secret is no text, or too short to be kept out of a page.
    """
    period = str(parameters.get("period", ""))
    secrets = {name: _secret(name, value) for name, value in parameters.items() if is_secret(name)}
    given = {name: value for name, value in parameters.items() if name not in secrets}
    told = {name: value for name, value in asked.items() if name not in secrets}
    words = [_slug(notebook.name, 36), _slug(period, 24), _slug(person, 36), _digest(notebook, told)]
    return Report(
        notebook=notebook.path,
        parameters=given,
        secrets=secrets,
        shown={name: _book_name(value) if name == "book" else value for name, value in given.items()},
        title=notebook.title,
        period=period,
        person=person,
        id="-".join(word for word in words if word),
        series=_digest(notebook, {name: value for name, value in told.items() if name not in ("period", "as_of")}),
        watch=notebook.watch,
        alerts=tuple(alerts),
    )


def refuse_clashes(reports: Sequence[Report]) -> None:
    """Raise PressError if two reports would write the same file."""
    seen: dict[str, Report] = {}
    for report in reports:
        other = seen.get(report.id)
        if other:
            what = f"Two reports would write {report.id}.html: "
            if other.notebook == report.notebook:
                what += f"{report.notebook.stem} twice with the same parameters. Ask for each once."
            else:
                what += f"'{other.notebook}' and '{report.notebook}'. Rename one, or give each another --out."
            raise PressError(what)
        seen[report.id] = report


def book_address(book: str, folder: Path) -> str:
    """Return the address of a book that holds from everywhere; a relative one is taken from `folder`."""
    if book.startswith(DATABASE):
        path = os.path.abspath(folder / unquote(book.removeprefix(DATABASE)))  # noqa: PTH100  # keeps links as they are
        return DATABASE + quote(path)
    return os.path.abspath(folder / book)  # noqa: PTH100  # as above


def _secret(name: str, value: Value) -> str:
    if not isinstance(value, str):
        raise PressError(
            f"The parameter '{name}' is a secret by its name, and only a text (str) can be kept out of a page. "
            "Make it a text, or name it otherwise."
        )
    if 0 < len(value) < SHORTEST_SECRET:
        raise PressError(
            f"The secret '{name}' has {len(value)} characters. With fewer than {SHORTEST_SECRET} it cannot be "
            "told from other text and kept out of the page."
        )
    return value


def _digest(notebook: Notebook, parameters: Mapping[str, Value]) -> str:
    text = json.dumps([notebook.name, {name: parameters[name] for name in sorted(parameters)}])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _book_name(address: Value) -> str:
    text = str(address)
    return Path(unquote(text.removeprefix(DATABASE))).stem if text.startswith(DATABASE) else Path(text).name


def _slug(text: str, longest: int) -> str:
    """Return text as plain lower-case letters, digits and hyphens, which every file system and mail keeps."""
    spelled = "".join(LETTERS.get(letter, letter) for letter in text.casefold())
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:longest].strip("-")
