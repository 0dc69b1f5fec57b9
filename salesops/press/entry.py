"""What the index says of a report: one entry, from before it is made until it is made again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from salesops.press.compare import figures
from salesops.press.plan import Outcome, Report

Entry = dict[str, Any]
UNDER_WAY, BROKEN_OFF = "being made", "interrupted"
GOOD = ("ok", "skipped")

_TEXTS = ("id", "notebook", "title", "period", "person", "status", "started", "path")
_OTHERS = {"parameters": dict, "results": dict, "alerts": list, "changes": list}
_CHANGE = {"name", "before", "now"}


def entry_of(report: Report, outcome: Outcome) -> Entry:
    """Return the entry of a report that was made."""
    entry: Entry = {
        **_names_and_dates(report),
        "status": outcome.status,
        "started": outcome.started.isoformat(timespec="seconds"),
        "seconds": outcome.seconds,
        "path": outcome.path,
        "results": dict(outcome.results),
        "headline": outcome.headline,
        "figures": [asdict(figure) for figure in figures(outcome.results, report.watch)],
        "alerts": list(outcome.news.alerts),
        "changes": [asdict(change) for change in outcome.news.changes],
        "since": outcome.news.since,
    }
    return entry if outcome.status == "ok" else {**entry, "error": outcome.error}


def expected(report: Report, now: str, digest: str) -> Entry:
    """Return the entry of a report that is about to be made: no figures, for its page may be the old or the new one.

    `digest` is that of the page that is there.
    """
    nothing: Entry = {"seconds": 0, "results": {}, "alerts": [], "changes": [], "since": "", "digest": digest}
    return {**_names_and_dates(report), "status": UNDER_WAY, "started": now, "path": f"{report.id}.html", **nothing}


def broken_off(entry: Entry, digest: str) -> Entry:
    """Return the entry of a report of whose page nothing is known, since the run that was making it was broken off."""
    error = "The run was broken off while this page was made, so nothing is known of it. Run it again."
    return {**entry, "status": BROKEN_OFF, "error": error, "digest": digest}


def as_it_stands(last: Entry, started: str, good: Entry | None) -> Entry:
    """Return the entry of a report from the last one, begun at `started`, and that of the last good page, if it stands.

    A report that failed after it had a good page is stale: its page stands, with its date, and `failure` says what
    happened then.
    """
    status = last["status"]
    if status == "skipped" and good:
        return {**good, "status": status, "checked": started}
    if status in ("ok", UNDER_WAY) or good is None:
        return last
    failure = {name: last[name] for name in ("status", "started", "path", "error")}
    stale = {name: value for name, value in good.items() if name != "mail"}  # nobody should send it again
    return {**stale, "status": "stale", "error": last["error"], "failure": failure}


def written(entry: Entry) -> str:
    """Return an entry as text for the ledger."""
    return json.dumps(entry, ensure_ascii=False, allow_nan=False)


def read_entry(text: str) -> Entry:
    """Return an entry from its text. Raises ValueError if it is damaged."""
    try:
        entry = json.loads(text)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    texts = isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in _TEXTS)
    if not texts or not all(isinstance(entry.get(name), form) for name, form in _OTHERS.items()):
        raise ValueError("a part of the entry is missing")
    if not all(isinstance(change, dict) and change.keys() >= _CHANGE for change in entry["changes"]):
        raise ValueError("a change is not one")
    datetime.fromisoformat(entry["started"])
    whole: Entry = entry
    return whole


def _names_and_dates(report: Report) -> Entry:
    return {
        "id": report.id,
        "notebook": report.notebook.stem,
        "title": report.title,
        "period": report.period,
        "person": report.person,
        "parameters": dict(report.shown),
        "source": hashlib.sha256(str(report.parameters.get("book", "")).encode()).hexdigest()[:12],
    }
