"""The press's memory of mails: which page went to whom, which could not, and when that is tried again.

No address is kept, only a digest that knows it again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from salesops.errors import one_line
from salesops.press.plan import Report
from salesops.press.store import Store

TABLES = """
CREATE TABLE IF NOT EXISTS mails (
    id TEXT NOT NULL, whom TEXT NOT NULL, page TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
    next TEXT NOT NULL, why TEXT NOT NULL, wanted TEXT NOT NULL, PRIMARY KEY (id, whom)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told (what TEXT PRIMARY KEY) WITHOUT ROWID;
"""
AGAIN = tuple(timedelta(hours=hours) for hours in (0.25, 1, 6, 24))  # until what was set aside is tried again
State = Literal["", "sent", "refused", "aside", "undeliverable"]
UNDELIVERED = ("refused", "aside", "undeliverable")


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A page for one reader.

    Parameters
    ----------
    page : str
        The digest of the page.
    state : str
        "" waits to be sent; refused: the address is no good; aside: it is tried again at `next`; undeliverable: not
        any more.
    tries : int
        How often it was tried in vain.
    why : str
        The server's words.
    """

    report: Report
    address: str
    page: str
    state: State = ""
    tries: int = 0
    next: datetime | None = None
    why: str = ""

    def is_due(self, now: datetime) -> bool:
        """Tell whether it is to be sent now."""
        return self.state == "" or (self.state == "aside" and (self.next is None or self.next <= now))

    def set_aside(self, now: datetime, why: str) -> Letter:
        """Return it to be tried again later, or undeliverable after the last time."""
        if self.tries == len(AGAIN):
            return replace(self, state="undeliverable", tries=self.tries + 1, next=None, why=why)
        return replace(self, state="aside", tries=self.tries + 1, next=now + AGAIN[self.tries], why=why)


class Outbox:
    """What became of the mails of a folder of reports."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def letters(self, report: Report, page: str) -> list[Letter]:
        """Return a letter for each reader of a report, as it stands with this page."""
        known = {
            whom: (state, tries, self._time(next_), why)
            for whom, state, tries, next_, why in self._store.rows(
                "SELECT whom, state, tries, next, why FROM mails WHERE id = ? AND page = ?", report.id, page
            )
        }
        return [
            Letter(report=report, address=address, page=page, state=state, tries=tries, next=next_, why=why)
            for address in report.to
            for state, tries, next_, why in [known.get(_digest(address), ("", 0, None, ""))]
        ]

    def note(self, letter: Letter) -> None:
        """Note what became of a letter; what was known of an earlier page for this reader goes."""
        row = (
            letter.report.id,
            _digest(letter.address),
            letter.page,
            letter.state,
            letter.tries,
            letter.next.isoformat() if letter.next else "",
            _without_addresses(letter.why),
            letter.report.wanted,
        )
        self._store.put("INSERT OR REPLACE INTO mails VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [row])

    def clear(self, reports: Sequence[Report], left: Iterable[Letter], now: datetime) -> None:
        """Forget readers that reports have no more, and give up what was to be tried by now and is not among the left.

        That was a page which is no longer made, or no longer sent.
        """
        for report in reports:
            readers = {_digest(address) for address in report.to}
            kept = self._store.rows("SELECT whom FROM mails WHERE id = ?", report.id)
            gone = [(report.id, whom) for (whom,) in kept if whom not in readers]
            self._store.put("DELETE FROM mails WHERE id = ? AND whom = ?", gone)
        wanted = {report.wanted for report in reports}
        waits = {(letter.report.id, _digest(letter.address)) for letter in left}
        aside = self._store.rows("SELECT id, whom, next, wanted FROM mails WHERE state = 'aside'")
        passed = [
            (id_, whom)
            for id_, whom, next_, asked in aside
            if asked in wanted and (id_, whom) not in waits and (self._time(next_) or now) <= now
        ]
        self._store.put("UPDATE mails SET state = 'undeliverable' WHERE id = ? AND whom = ?", passed)

    def due(self, now: datetime) -> set[str]:
        """Return the keys of what reports.toml asks for of which a mail is to be tried again by now."""
        rows = self._store.rows("SELECT wanted, next FROM mails WHERE state = 'aside'")
        return {wanted for wanted, next_ in rows if (self._time(next_) or now) <= now}

    def untold(self, whats: Iterable[str]) -> list[str]:
        """Return which of these an owner was not told yet."""
        told = {what for (what,) in self._store.rows("SELECT what FROM told")}
        return [what for what in whats if _digest(what) not in told]

    def tell(self, whats: Iterable[str]) -> None:
        """Note that an owner was told these."""
        self._store.put("INSERT OR REPLACE INTO told VALUES (?)", [(_digest(what),) for what in whats])

    def _time(self, text: str) -> datetime | None:
        try:
            return datetime.fromisoformat(text) if text else None
        except (TypeError, ValueError):
            raise self._store.damaged(f"of a mail, {text!r}") from None


def undelivered(store: Store) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Return, by id and digest of a page, the state and the reason for each reader who does not have it."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for id_, page, state, why in store.rows("SELECT id, page, state, why FROM mails ORDER BY id, state, why"):
        if state in UNDELIVERED:
            found.setdefault((id_, page), []).append({"state": state, "why": why})
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.casefold().encode()).hexdigest()


def _without_addresses(words: str) -> str:
    return re.sub(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+", "…", one_line(words))[:300]
