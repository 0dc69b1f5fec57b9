"""From what someone asks for to the reports to make: notebooks found, parameters read, books checked, people named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

from salesops.book.check import check_book
from salesops.book.horizon import RUNNING, default_as_of, facts, resolve
from salesops.book.lines import report_managers, report_users
from salesops.book.owners import owners
from salesops.book.people import team_of
from salesops.book.redact import redact_key, redacted
from salesops.book.sold import clients
from salesops.book.source import Book
from salesops.book.state import state_of
from salesops.cli.addresses import MANAGER, OWNER, REP, addresses
from salesops.cli.opening import opened
from salesops.cli.outside import tell
from salesops.errors import BookError, PressError, SalesopsError, did_you_mean, first_few
from salesops.periods import Period
from salesops.press.catalog import Notebook, find_notebook
from salesops.press.parameters import Value, bind
from salesops.press.plan import Report, book_address, plan_report, refuse_clashes
from salesops.press.secrets import given_in_environment
from salesops.press.settings import Settings, Wanted, read_settings

ACCOUNT = "account"
Unable = Callable[[Wanted, SalesopsError], None]


def asked_for(names: Sequence[str], given: Mapping[str, object], for_each: str, home: Path) -> Settings:
    """Return the folder for the pages, the notebooks that are asked for, and how they are made.

    Without names, those of reports/reports.toml; what is given then overrides what the file says.
    """
    if "book" in given:
        given = {**given, "book": book_address(str(given["book"]), Path.cwd())}
    if names:
        asked = tuple(Wanted(notebook=name, given=given, for_each=for_each) for name in names)
        return Settings(out=Path("reports") / "site", wanted=asked)
    settings = read_settings(home / "reports" / "reports.toml")
    wanted = (replace(w, given={**w.given, **given}, for_each=for_each or w.for_each) for w in settings.wanted)
    return replace(settings, wanted=tuple(wanted))


def prepare(wanted: Sequence[Wanted], folder: Path, unable: Unable | None = None) -> list[Report]:
    """Return the reports to make; nothing has run yet. `folder` holds the notebooks.

    Parameters
    ----------
    unable : callable, optional
        Is told what cannot be made, and why, and the rest is returned. Without it the first error is raised.

    Raises
    ------
    PressError
        If a notebook, parameter or person is not known, or two reports are the same.
    BookError
        If a book cannot be opened, or its tables that a notebook reads have errors.
    """
    reports: list[Report] = []
    with ExitStack() as open_books:
        planning = _Planning(folder, open_books)
        for want in wanted:
            try:
                reports.extend(planning.reports(want))
            except SalesopsError as error:
                if unable is None:
                    raise
                unable(want, error)
    refuse_clashes(reports)
    return reports


class _Planning:
    """The books that are open, and what was checked and told, while reports are planned."""

    def __init__(self, folder: Path, open_books: ExitStack) -> None:
        self._folder, self._open_books = folder, open_books
        self._books: dict[str, Book] = {}
        self._checked: set[tuple[str, tuple[str, ...]]] = set()
        self._told: set[str] = set()
        self._last_facts: dict[str, date] = {}

    def reports(self, want: Wanted) -> list[Report]:
        notebook = find_notebook(want.notebook, self._folder)
        secrets = given_in_environment(parameter.name for parameter in notebook.parameters)
        values = bind(notebook.parameters, {**secrets, **want.given}, notebook.path.name)
        _refuse_for_each(notebook, want.for_each, values)
        if notebook.default("book") is None:
            report = plan_report(notebook, values, asked=values, alerts=want.alerts)
            return [self._addressed(report, want, None)]
        address = str(values.get("book") or book_address(notebook.default("book"), notebook.path.parent))
        values["book"] = address
        book = self._checked_book(notebook, address)
        reads = state_of(book, notebook.reads)
        if _is_redacted(notebook, values):
            key = redact_key()
            reads = f"{reads} {key.mark}"  # another key gives another page
            if key.told:
                _tell(key.told, self._told)
        planned = _reports(notebook, book, values, want.for_each, self._told)
        return [replace(self._addressed(report, want, book), reads=reads, alerts=want.alerts) for report in planned]

    def _addressed(self, report: Report, want: Wanted, book: Book | None) -> Report:
        found, lacking = addresses(report, want.to, book)
        for sentence in lacking:
            _tell(sentence, self._told)
        last = self._last_fact(report, book) if want.mailing.stale_after else None
        return replace(report, to=found, mailing=want.mailing, last_fact=last, wanted=want.key)

    def _last_fact(self, report: Report, book: Book | None) -> date:
        if book is None:
            raise PressError(f"{report.title} reads no book, so stale_after has nothing to go by. Leave it out.")
        if book.location not in self._last_facts:
            self._last_facts[book.location] = default_as_of(book)
        as_of = str(report.parameters.get("as_of", ""))
        last = self._last_facts[book.location]
        return min(last, date.fromisoformat(as_of)) if as_of else last

    def _checked_book(self, notebook: Notebook, address: str) -> Book:
        if address not in self._books:
            self._books[address] = self._open_books.enter_context(opened(address))
        book = self._books[address]
        _refuse_missing(notebook, book)
        if (address, notebook.reads) not in self._checked:
            _refuse_errors(notebook, book, self._told)
            self._checked.add((address, notebook.reads))
        return book


def _refuse_for_each(notebook: Notebook, for_each: str, values: Mapping[str, Value]) -> None:
    if for_each and for_each != notebook.for_each:
        can = f"It can for each {notebook.for_each}." if notebook.for_each else "Run it apart, without --for-each."
        raise PressError(f"{notebook.name} cannot run for each '{for_each}'. {can}")
    if for_each and for_each in values:
        raise PressError(f"Both one {for_each} and each {for_each} are asked for. Give one of the two.")


def _refuse_missing(notebook: Notebook, book: Book) -> None:
    missing = notebook.missing(book.has)
    if missing:
        raise BookError(
            f"{notebook.name} needs {', '.join(missing)}, which the book does not have. "
            f"It has: {', '.join(book.names)}. Add the table, or run: salesops check {book.location}"
        )


def _refuse_errors(notebook: Notebook, book: Book, told: set[str]) -> None:
    findings = check_book(book, notebook.reads or None)
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise BookError(*errors)
    if findings:
        warnings = "1 warning" if len(findings) == 1 else f"{len(findings)} warnings"
        _tell(f"{book.company}: {warnings}; the reports say so. For details: salesops check {book.location}", told)


def _tell(sentence: str, told: set[str]) -> None:
    """Print a sentence on stderr, once for all reports of a run."""
    if sentence not in told:
        told.add(sentence)
        tell(sentence, err=True)


def _reports(
    notebook: Notebook, book: Book, values: dict[str, Value], for_each: str, told: set[str]
) -> Iterator[Report]:
    """Yield the reports of one notebook on one book: one, or one for each person with a line."""
    view = redacted(book) if _is_redacted(notebook, values) else book  # no real name may reach a file name or the index
    asked_period, asked_day = _text(notebook, values, "period"), _text(notebook, values, "as_of")
    period, as_of = resolve(view, asked_period, asked_day)
    past = notebook.default("period") is not None and asked_period != RUNNING
    empty = _emptiness(view, period, as_of) if past else ""
    if empty:
        _tell(empty, told)
    resolved: dict[str, Value] = {"period": str(period), "as_of": as_of.isoformat()}
    known = {name: value for name, value in resolved.items() if notebook.default(name) is not None}
    # the last date in the book moves from run to run, and the report stays the same
    asked = {**values, **{name: value for name, value in known.items() if name == "period" or name in values}}
    manager = _text(notebook, values, "manager")
    if manager:
        team_of(view.table("users"), manager)
    subject = notebook.for_each or REP
    # one manager is a team, no manager and no owner is all
    whole = not for_each and (subject == MANAGER or (subject == OWNER and not _text(notebook, values, OWNER)))
    if notebook.default(subject) is None or whole:
        yield plan_report(notebook, {**values, **known}, asked=asked)
        return
    if subject == ACCOUNT:
        subjects, whose = clients(view, as_of), f"with an order or a contract by {as_of}"
    elif subject == OWNER:
        subjects, whose = owners(view, as_of), f"who owns a contract or an order by {as_of}"
    elif subject == MANAGER:
        subjects, whose = report_managers(view, period, as_of), f"with a team in {period}"
    else:
        subjects, whose = report_users(view, period, as_of, manager=manager), f"with a line in {period}"
    wanted = _text(notebook, values, subject)
    if not for_each:
        subjects = [_subject(wanted, subjects, whose)] if wanted else subjects[:1]
    if not subjects:
        _tell(f"{book.company}: there is no one {whose}, so {notebook.name} has no report.", told)
    for key, name in subjects:
        yield plan_report(notebook, {**values, **known, subject: key}, asked={**asked, subject: key}, person=name)


def _is_redacted(notebook: Notebook, values: Mapping[str, Value]) -> bool:
    return bool(values.get("redact", notebook.default("redact")))


def _emptiness(book: Book, period: Period, as_of: date) -> str:
    """Return a warning if nothing happened in a period, which can be reported all the same; else ""."""
    day = facts(book).day
    within = day.between(period.start, period.cut(as_of)).any()
    found = day.as_table().aggregate(within=within, first=day.min(), last=day.max()).to_pyarrow().to_pylist()[0]
    if found["within"]:
        return ""
    until = f" up to {as_of}" if as_of < period.end else ""
    why = f"no deal closed and no order came in {period}{until}"
    if period.start > as_of:
        why = f"{period} begins after {as_of}, the date of the report"
    if found["last"] is None:
        return f"{book.company}: {why}. No deal in the book is closed, and there is no order."
    reach = f"Deals closed or orders came from {found['first']} to {found['last']}"
    return f"{book.company}: {why}. {reach}: choose --period and --as-of there."


def _text(notebook: Notebook, values: Mapping[str, Value], name: str) -> str:
    return str(values.get(name, notebook.default(name)) or "")


def _subject(wanted: str, subjects: Sequence[tuple[str, str]], whose: str) -> tuple[str, str]:
    """Return the one with this id or name, of those whom `whose` describes."""
    named = [one for one in subjects if wanted == one[0]] or [one for one in subjects if wanted == one[1]]
    if not named:
        hint = did_you_mean(wanted, [word for one in subjects for word in one]) or "No one has: choose another period."
        raise PressError(f"No one {whose} has the id or name '{wanted}'. {hint}")
    if len(named) > 1:
        ids = [key for key, _ in named]
        raise PressError(f"{len(named)} people are named '{wanted}'. Give the id instead: {first_few(ids)}.")
    return named[0]
