"""Pages sent to their readers: each page once to each, and what cannot be sent tried again or told to its owner."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from salesops.errors import PressError
from salesops.press.entry import GOOD, Entry
from salesops.press.ledger import Ledger, page_digest
from salesops.press.mail import mail_of, notice_of
from salesops.press.outbox import Letter, Outbox
from salesops.press.plan import Report
from salesops.press.post import Post, Smtp, message_id, posting


@dataclass(frozen=True, kw_only=True)
class Posted:
    """How many mails went out, and what became of the others.

    Parameters
    ----------
    unsent : int
        The server could not be used, or refused every reader: they are due again.
    aside, next : int, datetime or None
        They are tried again by themselves, the first one at `next`.
    undeliverable : int
        They are not tried again.
    withheld : int
        Pages that are too old to be sent.
    """

    sent: int = 0
    unsent: int = 0
    aside: int = 0
    next: datetime | None = None
    undeliverable: int = 0
    withheld: int = 0


def send_pages(
    reports: Sequence[Report],
    out: Path,
    ledger: Ledger,
    server: Smtp,
    *,
    tell: Callable[[str], None],
    now: datetime,
    force: bool = False,
) -> Posted:
    """Send good pages to whom they were not sent as they are.

    A page that failed is not sent, nor is the last good one in its place.

    Parameters
    ----------
    tell : callable
        Gets a line for what is not sent, and why.
    now : datetime
        When this is, for what waits for a time, and for the age of what a page tells.
    force : bool
        Also try what waits for a later time, was refused or given up.
    """
    return _Round(out, ledger, server, tell, now, force=force).send(reports)


@dataclass(frozen=True)
class _Notice:
    """What the owner of a report is to know; `about` tells it from others, so that it is told once."""

    owner: str
    about: str
    sentence: str


class _Round:
    """One round of the post."""

    def __init__(
        self, out: Path, ledger: Ledger, server: Smtp, tell: Callable[[str], None], now: datetime, *, force: bool
    ) -> None:
        self._out, self._server, self._tell, self._now, self._force = out, server, tell, now, force
        self._outbox = Outbox(ledger.store)
        self._good = {entry["id"]: entry for entry in ledger.entries() if entry["status"] in GOOD}
        self._notices: list[_Notice] = []
        self._refused: list[Letter] = []
        self._drawn: tuple[str, EmailMessage] | None = None

    def send(self, reports: Sequence[Report]) -> Posted:
        wanted = [report for report in reports if report.to and self._is_wanted(report)]
        fresh = [report for report in wanted if not report.mailing.is_old(report.last_fact, self._now.date())]
        letters = self._letters(fresh)
        due = [letter for letter in letters if letter.is_due(self._now) or (self._force and letter.state != "sent")]
        sent = self._deliver(sorted(due, key=lambda letter: letter.tries))  # what failed before holds up no other
        letters = self._letters(fresh)
        self._tell_undelivered(letters)
        old = [report for report in wanted if report not in fresh]
        for report in old:
            self._withhold(report)
        untold = self._tell_owners()
        left = [letter for letter in letters if letter.is_due(self._now)]
        aside = [letter for letter in letters if letter.state == "aside" and letter not in left]
        self._outbox.clear(reports, left, self._now)
        return Posted(
            sent=sent,
            unsent=len(left) + untold,
            aside=len(aside),
            next=min((letter.next for letter in aside if letter.next), default=None),
            undeliverable=sum(letter.state == "undeliverable" for letter in letters),
            withheld=len(old),
        )

    def _is_wanted(self, report: Report) -> bool:
        entry = self._good.get(report.id)
        return entry is not None and (not report.mailing.only_changed or bool(entry["changes"] or entry["alerts"]))

    def _letters(self, reports: Sequence[Report]) -> list[Letter]:
        pages = ((report, self._digest(self._good[report.id])) for report in reports)
        return [letter for report, page in pages for letter in self._outbox.letters(report, page)]

    def _digest(self, entry: Entry) -> str:
        return str(entry.get("digest") or page_digest(self._out / entry["path"]))

    def _withhold(self, report: Report) -> None:
        days = report.mailing.stale_after
        why = f"the last that it tells of happened on {report.last_fact}, more than {days} days ago"
        self._tell(f"not sent: {report.heading}: {why}")
        self._notice(report, f"old {self._digest(self._good[report.id])}", why)

    def _deliver(self, letters: Sequence[Letter]) -> int:
        """Send letters over one connection, or a new one where it breaks; return how many went out."""
        queue, sent, known, lost = deque(letters), 0, False, 0
        try:
            while queue:
                with posting(self._server) as post:
                    broken = False
                    while queue and not broken:
                        letter = queue.popleft()
                        takes, knows_reader = self._try(post, letter)
                        broken = takes == "lost"
                        lost = lost + 1 if broken else 0
                        sent, known = sent + (takes == "sent"), known or knows_reader
                if lost > 1:
                    raise PressError(f"The mail server {self._server.host} breaks the connection again and again.")
        except PressError as error:
            self._tell(f"not sent: {error}")
        self._judge(known=known)
        return sent

    def _try(self, post: Post, letter: Letter) -> tuple[str, bool]:
        """Send a letter and note what came of it; return that, and whether the server knows the reader."""
        try:
            mail = self._mail(letter)
        except PressError as error:
            self._set_aside(letter, str(error))
            return "aside", False
        answer = post(mail, letter.address)
        if answer.takes == "sent":
            self._outbox.note(replace(letter, state="sent", next=None, why=""))
        elif answer.takes == "refused":
            self._refused.append(replace(letter, state="refused", next=None, why=answer.words))
        else:
            self._set_aside(letter, answer.words)
        return answer.takes, answer.knows_reader

    def _mail(self, letter: Letter) -> EmailMessage:
        """Return the mail of a letter; its page is drawn once for all readers."""
        report, entry = letter.report, self._good[letter.report.id]
        if self._drawn is None or self._drawn[0] != report.id:
            self._drawn = report.id, mail_of(self._out / entry["path"], subject=report.heading, alerts=entry["alerts"])
        mail = self._drawn[1]
        del mail["Message-ID"]
        mail["Message-ID"] = message_id(letter.page, letter.address, self._server)
        return mail

    def _set_aside(self, letter: Letter, why: str) -> None:
        after = letter.set_aside(self._now, why)
        self._outbox.note(after)
        if after.next:
            when = f"It is tried again at {after.next:%Y-%m-%d %H:%M} UTC."
            self._tell(f"not sent: {letter.report.heading}: {letter.address}: {why}. {when}")

    def _judge(self, *, known: bool) -> None:
        """Note readers as refused if the server knows others; one that refuses every reader has a fault of its own."""
        for letter in self._refused:
            if known:
                self._outbox.note(letter)
                continue
            why = f"the mail server refuses every reader: {letter.why}"
            self._tell(f"not sent: {letter.report.heading}: {letter.address}: {why}. It is tried again.")
            self._notice(letter.report, f"all refused {letter.page}", why)

    def _tell_undelivered(self, letters: Sequence[Letter]) -> None:
        """Tell what stays without a mail until somebody corrects it."""
        for letter in letters:
            if letter.state in ("refused", "undeliverable"):
                why = f"{letter.address} is {letter.state}: {letter.why}"
                self._tell(f"not sent: {letter.report.heading}: {why}. Correct it, or try again with --force.")
                self._notice(letter.report, f"{letter.state} {letter.page} {letter.address}", why)

    def _notice(self, report: Report, about: str, why: str) -> None:
        owner = report.mailing.owner or self._server.sender
        self._notices.append(_Notice(owner, f"{report.id} {about}", f"{report.heading} was not sent: {why}."))

    def _tell_owners(self) -> int:
        """Send each owner what is new, in one mail; return how many could not be told."""
        untold = set(self._outbox.untold([notice.about for notice in self._notices]))
        owners = dict.fromkeys(notice.owner for notice in self._notices if notice.about in untold)
        told = 0
        try:
            for owner in owners:
                new = {n.about: n.sentence for n in self._notices if n.owner == owner and n.about in untold}
                mail = notice_of(list(new.values()))
                mail["Message-ID"] = message_id(" ".join(new), owner, self._server)
                with posting(self._server) as post:  # not the connection of the letters, which may have broken
                    answer = post(mail, owner)
                if answer.takes == "sent":
                    self._outbox.tell(new)
                    told += 1
                else:
                    self._tell(f"not told: {owner}: {answer.words}")
        except PressError as error:
            self._tell(f"not told: {error}")
        return len(owners) - told
