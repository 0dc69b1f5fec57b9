"""To whom a page is sent: addresses as they are given, or those of the people whom it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from salesops.book.horizon import resolve
from salesops.book.people import people_in, user_id_of
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.errors import PressError
from salesops.press.plan import Report
from salesops.press.post import is_address

REP, MANAGER, PRESENT_MANAGER = "rep", "manager", "present manager"
OWNER = "owner"  # of contracts and orders: the rep of a page about them


def addresses(report: Report, to: Sequence[str], book: Book | None) -> tuple[tuple[str, ...], list[str]]:
    """Return the addresses of a report, and a sentence for each person who has none in the book.

    "rep" is the one whom a page is about, "manager" that person's manager on the last day of the period, in whose
    team the page counts the rep, and "present manager" the one whom users names now. Of a team's page both are the
    one whose team it is.

    Raises
    ------
    PressError
        If a page is about nobody of that kind, is redacted, or an address is none.
    """
    found: list[str] = []
    lacking: list[str] = []
    for whom in to:
        if whom not in (REP, MANAGER, PRESENT_MANAGER):
            if not is_address(whom):
                known = f"'{REP}', '{MANAGER}' or '{PRESENT_MANAGER}'"
                raise PressError(f"'{whom}' is no address. Give one like eva@example.com, or {known}.")
            found.append(whom)
            continue
        email, why_none = _email(report, whom, book)
        if email:
            found.append(email)
        else:
            lacking.append(f"{report.heading} is not sent to the {whom}: {why_none}.")
    return tuple(dict.fromkeys(found)), lacking


def _email(report: Report, whom: str, book: Book | None) -> tuple[str, str]:
    """Return the email of the rep or manager of a page; or "" and why there is none."""
    rep = str(report.parameters.get(REP) or report.parameters.get(OWNER) or "")
    manager = str(report.parameters.get(MANAGER, ""))
    if report.parameters.get("redact"):
        raise PressError(f"{report.title} is redacted, so it has no {whom} to send to. Give addresses.")
    if book is None or not (rep or (manager and whom != REP)):
        raise PressError(f"{report.heading} is about nobody with a {whom} to send it to. Give addresses.")
    users = book.table("users")
    person = rep if whom == REP else _manager_of(rep, whom, report, book) if rep else user_id_of(users, manager)
    rows = users.filter(users.user_id == person).to_pyarrow().to_pylist()
    if not rows:
        return "", "there is no manager"
    (row,) = rows
    # a question about now, and not about the date of the report
    if row["end_date"] is not None and row["end_date"] < datetime.now(UTC).date():
        return "", f"{row['user_name']} has left"
    email = str(row["email"] or "")
    if not is_address(email):
        return "", f"'{email}' is no address" if email else f"{row['user_name']} has no email in users"
    return email, ""


def _manager_of(rep: str, whom: str, report: Report, book: Book) -> str:
    people = book.table("users")
    if whom == MANAGER:
        period, as_of = resolve(book, report.period, str(report.parameters["as_of"]))
        people = people_in(as_known(book, as_of), period)
    (row,) = people.filter(people.user_id == rep).select("manager_id").to_pyarrow().to_pylist()
    return str(row["manager_id"] or "")
