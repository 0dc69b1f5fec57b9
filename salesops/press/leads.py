"""Names that lead on: a mark in a page becomes a link where the report that it names is in the same folder.

A page says `<a data-report="rep:U-7">`; whether there is such a report is known when all of a run are made. Links are
no content of a page: what tells one page from another reads it without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape, unescape
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

from salesops.errors import PeriodError
from salesops.files import write_whole
from salesops.periods import parse_period
from salesops.press.entry import UNDER_WAY, Entry

INDEX, BEFORE = "index:", "before:"
_SUBJECTS = ("account", "rep", "manager")  # parameters that say whom a report is about, the nearest first
_MARK = re.compile(r'<a data-report="([^"<>]*)"(?: href="[^"<>]*")?>')

Targets = Mapping[tuple[str, ...], str]


def without_links(page: str) -> str:
    """Return a page whose marks are no links."""
    return _MARK.sub(r'<a data-report="\1">', page)


def without_marks(page: str) -> str:
    """Return a page whose names are text: what leaves the folder has nothing beside it to lead to."""
    return _MARK.sub("<a>", page)


def lead_on(out: Path, entries: Iterable[Entry]) -> None:
    """Make each mark in the pages of a folder a link to its report, or a name where there is none.

    A mark holds one or more names of reports, the first that is there counts: "rep:U-7", "account:A-1", "manager:U-2"
    (the report whose parameter has this value), "team_accountability:" (that of a notebook about nobody alone),
    "index:" and "before:" (the same report of the period before). A report leads only to those of the same book, day
    and period, or without one, and redacted if it is.

    Raises OSError if a page cannot be written.
    """
    made = [entry for entry in entries if entry["path"] and entry["status"] != UNDER_WAY]
    made = [entry for entry in made if entry["path"].endswith(".html") and ".failed." not in entry["path"]]
    targets = _targets(made)
    for entry in made:
        path = out / entry["path"]
        page = path.read_text(encoding="utf-8")
        linked = _MARK.sub(lambda mark, entry=entry: _link(mark[1], entry, targets), page)  # type: ignore[misc]  # mypy does not read a default
        if linked != page:
            write_whole(path, linked)


def _link(names: str, entry: Entry, targets: Targets) -> str:
    found = (_target(name, entry, targets) for name in unescape(names).split(" "))
    path = next((path for path in found if path and path != entry["path"]), "")
    address = f' href="{escape(quote(path))}"' if path else ""
    return f'<a data-report="{names}"{address}>'


def _target(name: str, entry: Entry, targets: Targets) -> str:
    if name == INDEX:
        return "index.html" if len(set(targets.values())) > 1 else ""
    if name == BEFORE:
        return targets.get(("before", entry["id"]), "")
    place = _place(entry)
    return targets.get((*place, entry["period"], name)) or targets.get((*place, "", name), "")


def _targets(entries: Iterable[Entry]) -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    series: dict[tuple[str, ...], list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: str(one["id"])):
        if not entry.get("source"):
            continue
        found.setdefault((*_place(entry), entry["period"], _name(entry)), entry["path"])
        series.setdefault((*_place(entry, day=False), entry["notebook"], _name(entry)), []).append(entry)
    for same in series.values():
        dated = sorted((start, entry["id"], entry) for entry in same if (start := _start(entry)))
        for (then, _, earlier), (start, id_, _) in pairwise(dated):
            if then != start:
                found["before", id_] = earlier["path"]
    return found


def _place(entry: Entry, *, day: bool = True) -> tuple[str, ...]:
    given = entry["parameters"]
    return entry.get("source", ""), str(given.get("as_of", "")) if day else "", str(bool(given.get("redact")))


def _name(entry: Entry) -> str:
    given = entry["parameters"]
    about = next((f"{name}:{quote(str(given[name]), safe='')}" for name in _SUBJECTS if given.get(name)), "")
    return about or f"{entry['notebook']}:"


def _start(entry: Entry) -> str:
    try:
        return parse_period(entry["period"]).start.isoformat()
    except PeriodError:
        return ""
