"""Reports made, with a progress bar, noted in the ledger and entered in the index of their folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from salesops.errors import PressError, one_line
from salesops.files import make_writable
from salesops.press.entry import Entry, entry_of
from salesops.press.fingerprint import fingerprint
from salesops.press.leads import lead_on
from salesops.press.ledger import Ledger, page_digest
from salesops.press.mail import write_mail
from salesops.press.pdf import find_browser, print_pdf
from salesops.press.plan import Outcome, Report
from salesops.press.post import Smtp
from salesops.press.run import Engine, run_reports
from salesops.press.send import Posted, send_pages
from salesops.press.site import refuse_foreign
from salesops.press.site.paced import PacedIndex
from salesops.press.store import own_folder
from salesops.press.task import Limits

_LEAST = 1_000_000_000  # bytes
_LISTED = 20  # of more reports that are skipped, the count says enough


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How many reports were made, failed, were unchanged and not made again, or raised alerts; and the index.

    `failed` counts those made; `unplanned` is what was asked for and could not even be tried; `posted` is what became
    of the mails.
    """

    made: int
    failed: int
    skipped: int
    alerted: int
    index: Path
    unplanned: int = 0
    posted: Posted = field(default_factory=Posted)


@dataclass(frozen=True, kw_only=True)
class How:
    """How reports are made.

    Parameters
    ----------
    jobs : int
        How many at a time.
    engine : {"auto", "warm", "stock"}
        As for `run_reports`.
    limits : Limits
        Without a limit of memory, each report gets a fair share of the machine's.
    force : bool
        Also make reports that would be the same.
    pdf, mail : bool
        Print each page to PDF too; write it as a mail too.
    keep_periods : int
        How many periods of a report are kept; 0 keeps all.
    smtp : Smtp or None
        Sends each good page to those to whom it was not sent as it is; None sends nothing.
    """

    jobs: int = 2
    engine: Engine = "auto"
    limits: Limits = field(default_factory=Limits)
    force: bool = False
    pdf: bool = False
    mail: bool = False
    keep_periods: int = 0
    smtp: Smtp | None = None


def deliver(reports: Sequence[Report], out: Path, how: How | None = None, *, unplanned: Sequence[str] = ()) -> Delivery:
    """Make reports in `out` and enter them in its index.

    A progress bar and a line for each failure and each report that need not be made again go to stderr. The
    index is written when the run ends, also by Ctrl-C or an error, with the reports that were made by then. It
    also names what is `unplanned`: asked for, but with a book or parameters of which no report can be made.

    Raises
    ------
    PressError
        Before anything runs, if another press works in `out`, or it holds an index that is not of the press.
    OSError
        If `out` cannot be written.
    KeyboardInterrupt
        After Ctrl-C, when everything has been stopped.
    """
    how = how or How()
    browser = find_browser() if how.pdf else ""
    refuse_foreign(out)
    make_writable(out)
    with _alone(out, own_folder(out)), closing(Ledger(out)) as ledger:
        return _Run(ledger, out, how, browser).make(reports, unplanned)


@contextmanager
def _alone(out: Path, own: Path) -> Iterator[None]:
    """Hold the folder for this press; say who holds it if another does."""
    lock = FileLock(own / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with closing(Ledger(out)) as ledger:
            raise PressError(
                f"Another press works in '{out}' {ledger.since()}. Wait until it ends, or choose another --out."
            ) from None
    try:
        yield
    finally:
        lock.release()


class _Run:
    """One run: what it skips, what it makes, what it notes."""

    def __init__(self, ledger: Ledger, out: Path, how: How, browser: str) -> None:
        self._ledger, self._out, self._how, self._browser = ledger, out, how, browser
        self._console = Console(stderr=True, highlight=False)
        self._prints: dict[str, str] = {}
        self._made: list[Entry] = []
        self._index = PacedIndex(out, ledger)

    def make(self, reports: Sequence[Report], unplanned: Sequence[str]) -> Delivery:
        self._ledger.claim(reports)
        self._ledger.begin(unplanned)  # first of all: it tells another press since when this one works
        self._prints = {report.id: fingerprint(report) for report in reports}
        unchanged = {report.id: self._unchanged(report) for report in reports}
        self._skip([(report, entry) for report in reports if (entry := unchanged[report.id])])
        due = [report for report in reports if not unchanged[report.id]]
        self._ledger.expect([(report, self._prints[report.id]) for report in due])
        try:
            self._index.write()  # what is about to change has no figures in it
            self._run(due)
            self._ledger.end()
        except BaseException:
            with suppress(OSError):  # it would hide the failure that comes first
                self._close()
            raise
        index = self._close()
        posted = self._send(reports, self._how.smtp) if self._how.smtp else Posted()
        return Delivery(
            made=len(due),
            failed=sum(entry["status"] != "ok" for entry in self._made),
            skipped=len(reports) - len(due),
            alerted=sum(bool(entry["alerts"]) for entry in [*self._made, *filter(None, unchanged.values())]),
            index=index,
            unplanned=len(unplanned),
            posted=posted,
        )

    def _send(self, reports: Sequence[Report], server: Smtp) -> Posted:
        now, force = datetime.now(UTC), self._how.force
        posted = send_pages(reports, self._out, self._ledger, server, tell=self._say, now=now, force=force)
        self._index.write()  # it names who has no mail
        return posted

    def _unchanged(self, report: Report) -> Entry | None:
        if self._how.force:
            return None
        entry = self._ledger.unchanged(report, self._prints[report.id])
        lacking = entry and ((self._browser and "pdf" not in entry) or (self._how.mail and "mail" not in entry))
        return None if lacking else entry

    def _skip(self, unchanged: Sequence[tuple[Report, Entry]]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for report, entry in unchanged:
            self._ledger.record(report, self._prints[report.id], {**entry, "status": "skipped", "started": now})
        if len(unchanged) > _LISTED:
            oldest = min(entry["started"] for _, entry in unchanged)
            self._say(f"skipped: {len(unchanged)} reports: unchanged since {_minute(oldest)} or later")
            return
        for report, entry in unchanged:
            self._say(f"skipped: {_report_name(report)}: unchanged since {_minute(entry['started'])}")

    def _run(self, reports: Sequence[Report]) -> None:
        how, ledger = self._how, self._ledger
        with _progress(self._console) as progress:
            bar = progress.add_task("", total=len(reports))

            def done(report: Report, outcome: Outcome) -> None:
                self._note(report, outcome)
                progress.advance(bar)

            run_reports(
                reports,
                self._out,
                jobs=how.jobs,
                engine=how.engine,
                limits=how.limits if how.limits.memory else replace(how.limits, memory=_share(how.jobs, reports)),
                earlier=lambda report: ledger.earlier(report, self._prints[report.id]),
                done=done,
                turn=self._index.tick,
            )

    def _note(self, report: Report, outcome: Outcome) -> None:
        entry = entry_of(report, outcome)
        (self._out / f"{report.id}.eml").unlink(missing_ok=True)  # an old one must not be sent again
        if outcome.status == "ok":
            entry["digest"] = page_digest(self._out / outcome.path)
            self._add_forms(entry, report, outcome)
        self._made.append(entry)
        self._ledger.record(report, self._prints[report.id], entry)
        self._index.change()
        if outcome.error:
            self._say(f"{outcome.status}: {_report_name(report)}: {outcome.error}")
        for alert in outcome.news.alerts:
            self._say(f"alert: {_report_name(report)}: {alert}")

    def _add_forms(self, entry: Entry, report: Report, outcome: Outcome) -> None:
        """Write the page in the other forms that are asked for; without one of them it is still a page."""
        page = self._out / outcome.path
        if self._browser:
            try:
                entry["pdf"] = print_pdf(self._browser, page).name
            except PressError as error:
                self._say(f"no PDF: {error}")
        if self._how.mail:
            try:
                entry["mail"] = write_mail(page, subject=report.heading, alerts=outcome.news.alerts).name
            except PressError as error:
                self._say(f"no mail: {_report_name(report)}: {error}")

    def _close(self) -> Path:
        """Settle what was not finished, and take away old periods: from the index first, so that it links no gaps."""
        self._ledger.settle()
        old = self._ledger.outdated(self._how.keep_periods) if self._how.keep_periods else {}
        index = self._index.write(without=old)
        for id_ in old:
            for ending in ("html", "pdf", "eml", "failed.html", "failed.ipynb"):
                (self._out / f"{id_}.{ending}").unlink(missing_ok=True)
        self._ledger.forget(old)
        lead_on(self._out, self._ledger.entries())
        return index

    def _say(self, line: str) -> None:
        self._console.print(one_line(line), markup=False, soft_wrap=True)


def _minute(instant: str) -> str:
    return f"{instant[:16].replace('T', ' ')} UTC"


def _share(jobs: int, reports: Sequence[Report]) -> int:
    """Return a fair share of the machine's memory, but not less than a report needs to begin."""
    return max(int(psutil.virtual_memory().total // (min(jobs, len(reports)) + 1)), _LEAST)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("Reports"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _report_name(report: Report) -> str:
    return " ".join(part for part in (report.notebook.stem, report.period, report.person) if part)
