"""Pages sent to their readers: each page once to each, and those that could not be sent with the next run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from salesops.errors import PressError
from salesops.press.entry import Entry
from salesops.press.ledger import Ledger
from salesops.press.mail import mail_of
from salesops.press.plan import Report
from salesops.press.post import Post, Smtp, posting


def send_pages(
    reports: Sequence[Report],
    prints: Mapping[str, str],
    out: Path,
    ledger: Ledger,
    server: Smtp,
    *,
    tell: Callable[[str], None],
) -> tuple[int, int]:
    """Send good pages to whom they were not sent as they are; return how many went out, and how many must wait.

    A page that failed is not sent, nor is the last good one in its place.

    Parameters
    ----------
    prints : mapping
        What each report was made of, by its id: the same is not sent again.
    tell : callable
        Gets a line for what is not sent, and why.
    """
    good = {entry["id"]: entry for entry in ledger.entries() if entry["status"] in ("ok", "skipped")}

    def left(report: Report) -> list[str]:
        return ledger.unsent(report, prints[report.id]) if report.id in good else []

    waiting = [report for report in reports if left(report)]
    if not waiting:
        return 0, 0
    sent = 0
    try:
        with posting(server) as post:
            for report in waiting:
                answers = _sent(post, report, good[report.id], out, left(report), tell)
                sent += "" in answers.values()
                for address in answers:
                    ledger.sent(report, prints[report.id], address)
    except PressError as error:
        tell(f"not sent: {error}")
    return sent, sum(bool(left(report)) for report in waiting)


def _sent(
    post: Post, report: Report, entry: Entry, out: Path, whom: Sequence[str], tell: Callable[[str], None]
) -> Mapping[str, str]:
    try:
        mail = mail_of(out / entry["path"], subject=report.heading, alerts=entry["alerts"])
    except PressError as error:
        tell(f"not sent: {report.heading}: {error}")
        return {}
    answers = post(mail, whom)
    for address, refusal in answers.items():
        if refusal:
            tell(f"not sent: {report.heading}: {address} is refused: {refusal}")
    return answers
