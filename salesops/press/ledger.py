"""The press's memory of a folder of reports: what was made when, from what, and with which results.

It is an SQLite file in the folder's `.press`, written as each report ends, so that a press that was killed
knows what it had finished.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from salesops.errors import PeriodError, PressError
from salesops.periods import parse_period
from salesops.press import outbox
from salesops.press.compare import Earlier
from salesops.press.entry import (
    BROKEN_OFF,
    GOOD,
    UNDER_WAY,
    Entry,
    as_it_stands,
    broken_off,
    expected,
    read_entry,
    written,
)
from salesops.press.leads import without_links
from salesops.press.plan import Report
from salesops.press.store import Store

_TABLES = """
CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, began TEXT NOT NULL, ended TEXT, pid INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS made (
    made INTEGER PRIMARY KEY, run INTEGER NOT NULL, id TEXT NOT NULL, series TEXT NOT NULL, period TEXT NOT NULL,
    as_of TEXT NOT NULL, fingerprint TEXT NOT NULL, status TEXT NOT NULL, started TEXT NOT NULL, entry TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS scheduled (wanted TEXT PRIMARY KEY, due TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS unplanned (what TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notebooks (id TEXT PRIMARY KEY, path TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS made_id ON made (id, made);
CREATE INDEX IF NOT EXISTS made_series ON made (series, status);
"""
_RUNS = 120  # of a report, to compare with: two years of weeks
_INSERT = (
    "INSERT INTO made (run, id, series, period, as_of, fingerprint, status, started, entry) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Ledger:
    """What was made in a folder of reports.

    Parameters
    ----------
    out : Path
        The folder; it must exist.

    Raises
    ------
    PressError
        If the folder's ledger is not one, or leads elsewhere.
    OSError
        If it cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self.store = Store(out, _TABLES + outbox.TABLES)
        unfinished = self.store.rows("SELECT run FROM runs WHERE ended IS NULL ORDER BY run DESC LIMIT 1")
        self._unfinished = unfinished[0][0] if unfinished else None
        self._run = 0

    def claim(self, reports: Sequence[Report]) -> None:
        """Note which notebook makes each page: another of the same name must not overwrite it.

        Paths are kept as seen from the folder, so that all may move together.

        Raises
        ------
        PressError
            If a page is that of another notebook, which still exists.
        """
        for report in reports:
            for (path,) in self.store.rows("SELECT path FROM notebooks WHERE id = ?", report.id):
                other = (self._out / path).resolve()
                if other != report.notebook.resolve() and other.is_file():
                    raise PressError(
                        f"'{self._out / report.id}.html' is the page of '{other}', and '{report.notebook}' would "
                        "overwrite it. Rename one of the notebooks, or give each another --out."
                    )
        rows = [(report.id, _seen_from(self._out, report.notebook)) for report in reports]
        with self.store.change() as db:
            db.executemany("INSERT OR REPLACE INTO notebooks VALUES (?, ?)", rows)

    def begin(self, unplanned: Iterable[str] = ()) -> None:
        """Note that a run begins, and of what it was asked for, what it cannot even try.

        Of what a killed run was making it is settled first what became of the pages.
        """
        self.settle()
        with self.store.change() as db:
            db.execute("DELETE FROM unplanned")
            db.executemany("INSERT INTO unplanned (what) VALUES (?)", [(what,) for what in unplanned])
            cursor = db.execute("INSERT INTO runs (began, pid) VALUES (?, ?)", (_now(), os.getpid()))
            self._run = int(cursor.lastrowid or 0)

    def end(self) -> None:
        """Note that all reports of the run were made or failed; until then it counts as broken off."""
        with self.store.change() as db:
            db.execute("UPDATE runs SET ended = ? WHERE ended IS NULL", (_now(),))

    def close(self) -> None:
        """Close the file."""
        self.store.close()

    def expect(self, reports: Iterable[tuple[Report, str]]) -> None:
        """Note of reports with their fingerprints that they are about to be made.

        Until each is recorded the index has no figures of it: its page may be the old or the new one.
        """
        now = _now()
        rows = [self._row(report, print_, expected(report, now, self._digest(report.id))) for report, print_ in reports]
        with self.store.change() as db:
            db.executemany(_INSERT, rows)

    def record(self, report: Report, fingerprint: str, entry: Entry) -> None:
        """Note what became of a report; `entry` is what the index says of it.

        One that failed may have died when it had replaced its page.
        """
        if entry["status"] not in GOOD:
            self.settle(report)
        with self.store.change() as db:
            db.execute("DELETE FROM made WHERE id = ? AND status = ?", (report.id, UNDER_WAY))
            db.execute(_INSERT, self._row(report, fingerprint, entry))

    def settle(self, only: Report | None = None) -> None:
        """Say of each report whose making was broken off what its page is: the one of before, or one nobody knows."""
        query = "SELECT made, id, entry FROM made WHERE status = ?"
        ids = [only.id] if only else []
        begun = self.store.rows(f"{query} AND id = ?" if ids else query, UNDER_WAY, *ids)
        with self.store.change() as db:
            for made, id_, text in begun:
                entry, digest = self._read(id_, text), self._digest(id_)
                if digest in ("", entry.get("digest")):
                    db.execute("DELETE FROM made WHERE made = ?", (made,))
                    continue
                row = (BROKEN_OFF, written(broken_off(entry, digest)), made)
                db.execute("UPDATE made SET status = ?, entry = ? WHERE made = ?", row)

    def unchanged(self, report: Report, fingerprint: str) -> Entry | None:
        """Return the entry of a report that need not run again, or None.

        It was made of the same things, its page is there, and nothing failed since. A notebook that does not
        declare what it reads counts only within a run that was broken off: who knows what it would read now.
        """
        rows = self.store.rows(
            "SELECT run, fingerprint, status, entry FROM made WHERE id = ? AND status != 'skipped' "
            "ORDER BY made DESC LIMIT 1",
            report.id,
        )
        if not rows:
            return None
        run, was, status, entry = rows[0]
        sure = bool(report.reads) or run == self._unfinished
        if status != "ok" or was != fingerprint or not sure:
            return None
        known = self._read(report.id, entry)
        return known if self._has_page(known) else None

    def earlier(self, report: Report, fingerprint: str) -> tuple[Earlier, ...]:
        """Return the last good runs of the same report that were made of other things, in the order of making."""
        rows = self.store.rows(
            "SELECT period, as_of, started, id, entry FROM made WHERE series = ? AND status = 'ok' "
            "AND fingerprint != ? ORDER BY made DESC LIMIT ?",
            report.series,
            fingerprint,
            _RUNS,
        )
        return tuple(
            Earlier(made=started, period=period, as_of=as_of, results=self._read(id_, entry)["results"])
            for period, as_of, started, id_, entry in reversed(rows)
        )

    def entries(self) -> list[Entry]:
        """Return what the index says of each report: the last good page, and what became of it since.

        A report that failed after it had a good page is stale: its page stands, with its date, and `failure` says
        what happened then. One that is being made, or was when a run was broken off, has no figures.
        `undelivered` says of each reader who does not have the page why.
        """
        newest = "SELECT id, started, entry FROM made WHERE made IN (SELECT max(made) FROM made GROUP BY id)"
        good = {id_: entry for id_, entry in self._good().items() if self._has_page(entry)}
        rows, undelivered = self.store.rows(newest), outbox.undelivered(self.store)
        states = [as_it_stands(self._read(id_, entry), started, good.get(id_)) for id_, started, entry in rows]
        for state in states:
            if not self._has_page(state):
                state["path"] = ""
            if found := undelivered.get((state["id"], state.get("digest", ""))):
                state["undelivered"] = found
        return [state for state in states if state["path"] or state["status"] not in GOOD]

    def unplanned(self) -> list[str]:
        """Return what the last run was asked for and could not even try."""
        return [what for (what,) in self.store.rows("SELECT what FROM unplanned ORDER BY rowid")]

    def scheduled(self, wanted: str) -> datetime | None:
        """Return the due time for which something in the schedule was made last; None if it never was."""
        rows = self.store.rows("SELECT due FROM scheduled WHERE wanted = ?", wanted)
        try:
            return datetime.fromisoformat(rows[0][0]) if rows else None
        except (TypeError, ValueError):
            raise self.store.damaged(f"of the schedule, {rows[0][0]!r}") from None

    def schedule(self, wanted: str, due: datetime) -> None:
        """Note that something in the schedule was made for this due time."""
        with self.store.change() as db:
            db.execute("INSERT OR REPLACE INTO scheduled VALUES (?, ?)", (wanted, due.isoformat()))

    def mails_due(self, now: datetime) -> set[str]:
        """Return the keys of what reports.toml asks for of which a mail is to be tried again by now."""
        return outbox.Outbox(self.store).due(now)

    def outdated(self, keep_periods: int) -> list[str]:
        """Return the ids of the reports of all but the last so many periods of each series.

        What this run was asked for stays, however old its period is.
        """
        rows = self.store.rows("SELECT DISTINCT series, period FROM made WHERE period != ''")
        periods: dict[str, list[str]] = {}
        for series, period in rows:
            periods.setdefault(series, []).append(period)
        asked = set(self.store.rows("SELECT DISTINCT series, period FROM made WHERE run = ?", self._run))
        old = [
            (series, period)
            for series, named in periods.items()
            for period in sorted(named, key=period_start, reverse=True)[keep_periods:]
            if (series, period) not in asked
        ]
        query = "SELECT DISTINCT id FROM made WHERE series = ? AND period = ?"
        return [id_ for pair in old for (id_,) in self.store.rows(query, *pair)]

    def forget(self, ids: Iterable[str]) -> None:
        """Forget reports."""
        rows = [(id_,) for id_ in ids]
        with self.store.change() as db:
            for table in ("made", "notebooks", "mails"):
                db.executemany(f"DELETE FROM {table} WHERE id = ?", rows)

    def since(self) -> str:
        """Return since when the last run goes on, and in which process, in words."""
        rows = self.store.rows("SELECT began, pid FROM runs ORDER BY run DESC LIMIT 1")
        if not rows:
            return "since a moment ago"
        return f"since {str(rows[0][0])[:16].replace('T', ' ')} UTC, process {rows[0][1]}"

    def _row(self, report: Report, fingerprint: str, entry: Entry) -> tuple[Any, ...]:
        return (
            self._run,
            report.id,
            report.series,
            report.period,
            str(report.parameters.get("as_of", "")),
            fingerprint,
            entry["status"],
            entry["started"],
            written(entry),
        )

    def _good(self) -> dict[str, Entry]:
        """Return the entry of each page that stands, as it was made; none where a broken run may have replaced it."""
        rows = self.store.rows(
            "SELECT id, entry FROM made WHERE made IN (SELECT max(made) FROM made AS good WHERE status = 'ok' "
            "AND NOT EXISTS (SELECT 1 FROM made AS later WHERE later.id = good.id AND later.status = ? "
            "AND later.made > good.made) GROUP BY id)",
            BROKEN_OFF,
        )
        return {id_: self._read(id_, entry) for id_, entry in rows}

    def _read(self, id_: str, text: str) -> Entry:
        try:
            return read_entry(text)
        except ValueError:
            raise self.store.damaged(f"of report '{id_}'") from None

    def _digest(self, id_: str) -> str:
        page = self._out / f"{id_}.html"
        return page_digest(page) if page.is_file() else ""

    def _has_page(self, entry: Mapping[str, Any]) -> bool:
        return bool(entry["path"]) and (self._out / entry["path"]).is_file()


def page_digest(page: Path) -> str:
    """Return a digest of a page's content, whatever it links to."""
    return hashlib.sha256(without_links(page.read_text(encoding="utf-8")).encode()).hexdigest()


def period_start(period: str) -> tuple[date, str]:
    """Return what orders periods in time; one that cannot be read comes first."""
    try:
        return parse_period(period).start, period
    except PeriodError:
        return date.min, period


def _seen_from(folder: Path, path: Path) -> str:
    try:
        return os.path.relpath(path.resolve(), folder.resolve())
    except ValueError:  # another drive
        return str(path.resolve())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
