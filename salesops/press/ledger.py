"""The press's memory of a folder of reports: what was made when, from what, and with which results.

It is an SQLite file in the folder's `.press`, written as each report ends, so that a press that was killed
knows what it had finished.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from salesops.errors import PeriodError, PressError
from salesops.periods import parse_period
from salesops.press.compare import Earlier
from salesops.press.plan import Report

FOLDER = ".press"
Entry = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, began TEXT NOT NULL, ended TEXT, pid INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS made (
    made INTEGER PRIMARY KEY, run INTEGER NOT NULL, id TEXT NOT NULL, series TEXT NOT NULL, period TEXT NOT NULL,
    as_of TEXT NOT NULL, fingerprint TEXT NOT NULL, status TEXT NOT NULL, started TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS scheduled (wanted TEXT PRIMARY KEY, due TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent (page TEXT NOT NULL, whom TEXT NOT NULL, PRIMARY KEY (page, whom));
CREATE TABLE IF NOT EXISTS unplanned (what TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS made_id ON made (id, made);
CREATE INDEX IF NOT EXISTS made_series ON made (series, status);
"""


class Ledger:
    """What was made in a folder of reports.

    Parameters
    ----------
    out : Path
        The folder; it must exist.

    Raises
    ------
    PressError
        If the folder's ledger is not one.
    OSError
        If it cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._path = out / FOLDER / "ledger.sqlite"
        self._path.parent.mkdir(exist_ok=True)
        with self._told(), ExitStack() as unusable:
            self._db = unusable.enter_context(closing(sqlite3.connect(self._path)))
            self._db.executescript(_TABLES)
            unfinished = self._rows("SELECT run FROM runs WHERE ended IS NULL ORDER BY run DESC LIMIT 1")
            unusable.pop_all()  # it is a ledger, and stays open
        self._unfinished = unfinished[0][0] if unfinished else None
        self._run = 0

    def begin(self, unplanned: Iterable[str] = ()) -> None:
        """Note that a run begins, and of what it was asked for, what it cannot even try."""
        with self._told(), self._db:
            self._db.execute("DELETE FROM unplanned")
            self._db.executemany("INSERT INTO unplanned (what) VALUES (?)", [(what,) for what in unplanned])
            cursor = self._db.execute("INSERT INTO runs (began, pid) VALUES (?, ?)", (_now(), os.getpid()))
            self._run = int(cursor.lastrowid or 0)

    def end(self) -> None:
        """Note that all reports of the run were made or failed; until then it counts as broken off."""
        with self._told(), self._db:
            self._db.execute("UPDATE runs SET ended = ? WHERE ended IS NULL", (_now(),))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def record(self, report: Report, fingerprint: str, entry: Entry) -> None:
        """Note what became of a report; `entry` is what the index says of it."""
        row = (
            self._run,
            report.id,
            report.series,
            report.period,
            str(report.parameters.get("as_of", "")),
            fingerprint,
            entry["status"],
            entry["started"],
            json.dumps(entry, ensure_ascii=False, allow_nan=False),
        )
        with self._told(), self._db:
            self._db.execute(
                "INSERT INTO made (run, id, series, period, as_of, fingerprint, status, started, entry) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    def unchanged(self, report: Report, fingerprint: str) -> Entry | None:
        """Return the entry of a report that need not run again, or None.

        It was made of the same things, its page is there, and nothing failed since. A notebook that does not
        declare what it reads counts only within a run that was broken off: who knows what it would read now.
        """
        rows = self._rows(
            "SELECT run, fingerprint, status, entry FROM made WHERE id = ? AND status != 'skipped' "
            "ORDER BY made DESC LIMIT 1",
            report.id,
        )
        if not rows:
            return None
        run, was, status, entry = rows[0]
        sure = bool(report.reads) or run == self._unfinished
        known: Entry = json.loads(entry)
        return known if status == "ok" and was == fingerprint and sure and self._has_page(known) else None

    def earlier(self, report: Report, fingerprint: str) -> Earlier | None:
        """Return the last good run of the same report that was made of other things, of no later date."""
        rows = self._rows(
            "SELECT period, as_of, started, entry FROM made WHERE series = ? AND status = 'ok' AND fingerprint != ? "
            "AND as_of <= ? ORDER BY as_of DESC, made DESC LIMIT 1",
            report.series,
            fingerprint,
            str(report.parameters.get("as_of", "")) or "9999",
        )
        if not rows:
            return None
        period, as_of, started, entry = rows[0]
        return Earlier(made=started, period=period, as_of=as_of, results=json.loads(entry)["results"])

    def entries(self) -> list[Entry]:
        """Return what the index says of each report: the last good page, and what became of it since.

        A report that failed after it had a good page is stale: its page stands, with its date, and `failure` says
        what happened then.
        """
        last = self._rows(
            "SELECT id, status, started, entry FROM made WHERE made IN (SELECT max(made) FROM made GROUP BY id)"
        )
        good = dict(
            self._rows(
                "SELECT id, entry FROM made WHERE made IN (SELECT max(made) FROM made WHERE status = 'ok' GROUP BY id)"
            )
        )
        states = (
            _state(status, started, json.loads(entry), json.loads(good[id_]) if id_ in good else None)
            for id_, status, started, entry in last
        )
        return [state for state in states if self._has_page(state) or state["status"] not in ("ok", "skipped")]

    def unplanned(self) -> list[str]:
        """Return what the last run was asked for and could not even try."""
        return [what for (what,) in self._rows("SELECT what FROM unplanned ORDER BY rowid")]

    def scheduled(self, wanted: str) -> datetime | None:
        """Return the due time for which something in the schedule was made last; None if it never was."""
        rows = self._rows("SELECT due FROM scheduled WHERE wanted = ?", wanted)
        return datetime.fromisoformat(rows[0][0]) if rows else None

    def schedule(self, wanted: str, due: datetime) -> None:
        """Note that something in the schedule was made for this due time."""
        with self._told(), self._db:
            self._db.execute("INSERT OR REPLACE INTO scheduled VALUES (?, ?)", (wanted, due.isoformat()))

    def unsent(self, report: Report, fingerprint: str) -> list[str]:
        """Return the addresses of a report to which it was not sent as it is now."""
        sent = {whom for (whom,) in self._rows("SELECT whom FROM sent WHERE page = ?", f"{report.id} {fingerprint}")}
        return [address for address in report.to if _whom(address) not in sent]

    def sent(self, report: Report, fingerprint: str, address: str) -> None:
        """Note that a report was sent to an address, or refused for good; the address itself is not kept."""
        row = (f"{report.id} {fingerprint}", _whom(address))
        with self._told(), self._db:
            self._db.execute("INSERT OR REPLACE INTO sent VALUES (?, ?)", row)

    def forget(self, keep_periods: int) -> list[str]:
        """Forget reports of all but the last so many periods of each series; return the ids that are gone.

        What this run was asked for stays, however old its period is.
        """
        rows = self._rows("SELECT DISTINCT series, period FROM made WHERE period != ''")
        periods: dict[str, list[str]] = {}
        for series, period in rows:
            periods.setdefault(series, []).append(period)
        asked = set(self._rows("SELECT DISTINCT series, period FROM made WHERE run = ?", self._run))
        old = [
            (series, period)
            for series, named in periods.items()
            for period in sorted(named, key=period_start, reverse=True)[keep_periods:]
            if (series, period) not in asked
        ]
        gone = [id_ for pair in old for (id_,) in self._rows(
            "SELECT DISTINCT id FROM made WHERE series = ? AND period = ?", *pair)]  # fmt: skip  # one query
        with self._told(), self._db:
            self._db.executemany("DELETE FROM made WHERE series = ? AND period = ?", old)
        return gone

    def since(self) -> str:
        """Return since when the last run goes on, and in which process, in words."""
        rows = self._rows("SELECT began, pid FROM runs ORDER BY run DESC LIMIT 1")
        return f"since {rows[0][0][:16].replace('T', ' ')} UTC, process {rows[0][1]}" if rows else "since a moment ago"

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with self._told():
            return self._db.execute(query, values).fetchall()

    def _has_page(self, entry: Mapping[str, Any]) -> bool:
        return bool(entry["path"]) and (self._out / entry["path"]).is_file()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn SQLite's errors into ours: a file that is none, or a folder that cannot be written."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise OSError(0, f"The ledger cannot be written ({error})", str(self._path)) from error
            raise PressError(
                f"'{self._path}' is not a ledger of reports ({error}). Move it away: its pages stay, and are made anew."
            ) from error


def period_start(period: str) -> tuple[date, str]:
    """Return what orders periods in time; one that cannot be read comes first."""
    try:
        return parse_period(period).start, period
    except PeriodError:
        return date.min, period


def _state(status: str, started: str, entry: Entry, good: Entry | None) -> Entry:
    if status == "skipped" and good:
        return {**good, "status": "skipped", "checked": started}
    if status == "ok" or good is None:
        return entry
    failure = {name: entry[name] for name in ("status", "started", "path", "error")}
    good.pop("mail", None)  # nobody should send it again
    return {**good, "status": "stale", "error": entry["error"], "failure": failure}


def _whom(address: str) -> str:
    return hashlib.sha256(address.casefold().encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
