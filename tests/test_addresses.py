"""To whom pages go."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from books import make_book

from salesops.book.source import Book
from salesops.cli.addresses import addresses
from salesops.cli.asking import prepare
from salesops.errors import BookError, PressError
from salesops.press.mailing import Mailing
from salesops.press.plan import Report
from salesops.press.settings import Wanted

ROOT = Path(__file__).resolve().parents[1]
USERS = [
    {"user_id": "M1", "user_name": "Eva Long", "role": "manager", "email": "eva@example.com"},
    {"user_id": "M2", "user_name": "Max Kurz", "role": "manager", "email": "max@example.com"},
    {"user_id": "U1", "user_name": "Ana Lopes", "manager_id": "M2", "email": "ana@example.com"},
    {"user_id": "U2", "user_name": "Bo Berg", "manager_id": "M1", "email": "#N/A"},
    {"user_id": "U3", "user_name": "Cy Gone", "manager_id": "M1", "email": "cy@example.com", "end_date": "2026-05-31"},
    {"user_id": "U4", "user_name": "Di Solo"},
]
MOVES = [
    {"user_id": "U1", "manager_id": "M1", "valid_from": "2025-01-01", "valid_to": "2026-04-14"},
    {"user_id": "U1", "manager_id": "M2", "valid_from": "2026-04-15"},
]
DEALS = [
    {"owner_id": user, "amount": 100, "close_date": "2026-02-03", "is_closed": True, "is_won": True}
    for user in ("U1", "U2", "U3", "U4")
]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Two managers; of four reps one moved after the first quarter, one has no email, one left, one has no manager."""
    tables = {"users": USERS, "user_history": MOVES, "opportunities": DEALS}
    return make_book(tmp_path / "acme", tables, company="Acme")


def reports(book: Book, notebook: str, to: tuple[str, ...] = (), **given: object) -> dict[str, Report]:
    each = "rep" if notebook == "rep_accountability" else ""
    given = {"book": str(book.location), "period": "2026-Q1", "as_of": "2026-06-30", **given}
    planned = prepare([Wanted(notebook=notebook, given=given, for_each=each, to=to)], ROOT / "notebooks")
    return {report.person: report for report in planned}


def test_a_rep_s_page_goes_to_the_rep_and_the_manager_of_the_period(book: Book) -> None:
    """Ana moved in April: her page of the first quarter goes to the manager whom she had then."""
    ana = reports(book, "rep_accountability", ("rep", "manager", "boss@example.com", "eva@example.com"))["Ana Lopes"]
    assert ana.to == ("ana@example.com", "eva@example.com", "boss@example.com")
    assert reports(book, "rep_accountability", ("manager",), period="2026-Q2")["Ana Lopes"].to == ("max@example.com",)


def test_the_present_manager_may_be_named_beside(book: Book) -> None:
    """Who leads Ana now gets her page of the first quarter only if reports.toml says so; each gets it once."""
    asked = ("manager", "present manager")
    found = reports(book, "rep_accountability", asked)
    assert found["Ana Lopes"].to == ("eva@example.com", "max@example.com")
    assert reports(book, "rep_accountability", asked, period="2026-Q2")["Ana Lopes"].to == ("max@example.com",)
    (team,) = reports(book, "team_accountability", ("present manager",), manager="M2").values()
    assert team.to == ("max@example.com",)


def test_each_owner_has_a_page_of_contracts(tmp_path: Path) -> None:
    """Owners of contracts and orders who are still there have a page; who left has none, and it goes to the heir."""
    contracts = [
        {"contract_id": key, "account_id": account, "owner_id": owner, "start_date": "2026-01-01"}
        for key, account, owner in (("C1", "K1", "U1"), ("C2", "K2", "U3"), ("C3", "K3", "U3"), ("C4", "K1", None))
    ]
    accounts = [{"account_id": "K1", "owner_id": "U1"}, {"account_id": "K2", "owner_id": "U4"}, {"account_id": "K3"}]
    book = make_book(tmp_path / "acme", {"users": USERS, "accounts": accounts, "contracts": contracts}, company="Acme")
    given = {"book": str(book.location), "as_of": "2026-06-30"}

    def made(each: str, **more: str) -> dict[str, Report]:
        want = Wanted(
            notebook="contracts", given={**given, **more}, for_each=each, to=("rep", "manager") if each else ()
        )
        return {report.person: report for report in prepare([want], ROOT / "notebooks")}

    pages = made("owner")
    assert list(pages) == ["Ana Lopes", "Di Solo"]
    assert pages["Ana Lopes"].to == ("ana@example.com", "max@example.com")
    assert list(made("")) == [""]
    assert made("", owner="Di Solo")["Di Solo"].parameters["owner"] == "U4"
    with pytest.raises(
        PressError, match="No one who owns a contract or an order by 2026-06-30 has the id or name 'Cy'"
    ):
        made("", owner="Cy")


def test_how_old_a_page_is_goes_by_the_last_fact_of_its_book(book: Book) -> None:
    """It is the last day on which anything happened, or the date of the report if that is earlier; no book, no age."""
    aged = Mailing(stale_after=10)
    given = {"book": str(book.location), "period": "2026-Q1", "as_of": "2026-06-30"}
    want = Wanted(notebook="team_accountability", given=given, to=("eva@example.com",), mailing=aged)
    (report,) = prepare([want], ROOT / "notebooks")
    assert (report.last_fact, report.mailing, report.wanted) == (date(2026, 2, 3), aged, want.key)
    (early,) = prepare([replace(want, given={**given, "as_of": "2026-02-01"})], ROOT / "notebooks")
    assert early.last_fact == date(2026, 2, 1)
    bookless = replace(want, notebook=str(ROOT / "tests" / "notebooks" / "greeting.ipynb"), given={})
    with pytest.raises(PressError, match="reads no book, so stale_after has nothing to go by"):
        prepare([bookless], ROOT / "notebooks")


def test_who_has_no_email_or_has_left_gets_nothing_and_is_named(book: Book, capsys: pytest.CaptureFixture[str]) -> None:
    """The manager still gets the page; a company's customers are no matter of someone who left."""
    found = reports(book, "rep_accountability", ("rep", "eva@example.com"))
    assert found["Bo Berg"].to == found["Cy Gone"].to == found["Di Solo"].to == ("eva@example.com",)
    told = capsys.readouterr().err
    assert "Bo Berg · 2026-Q1 is not sent to the rep: '#N/A' is no address." in told
    assert "Cy Gone · 2026-Q1 is not sent to the rep: Cy Gone has left." in told
    assert "Di Solo · 2026-Q1 is not sent to the rep: Di Solo has no email in users." in told
    assert reports(book, "rep_accountability", ("manager",))["Di Solo"].to == ()
    assert "Di Solo · 2026-Q1 is not sent to the manager: there is no manager." in capsys.readouterr().err


def test_a_team_s_page_goes_to_its_manager(book: Book) -> None:
    """Whether the manager is given by id or by name."""
    for manager in ("M2", "Max Kurz"):
        (report,) = reports(book, "team_accountability", ("manager",), manager=manager).values()
        assert report.to == ("max@example.com",)


def test_each_team_s_page_goes_to_its_manager(book: Book) -> None:
    """One page for each manager with a team in the period, so the one whose rep came later has none."""
    wanted = Wanted(
        notebook="team_accountability",
        given={"book": str(book.location), "period": "2026-Q1", "as_of": "2026-06-30"},
        for_each="manager",
        to=("manager",),
    )
    planned = prepare([wanted], ROOT / "notebooks")
    assert [(report.person, report.to) for report in planned] == [("Eva Long", ("eva@example.com",))]


@pytest.mark.parametrize(
    ("notebook", "to", "given", "message"),
    [
        ("team_accountability", "rep", {}, "about nobody with a rep"),
        ("team_accountability", "manager", {}, "about nobody with a manager"),
        ("rep_accountability", "rep", {"redact": True}, "is redacted, so it has no rep to send to. Give addresses"),
        ("team_accountability", "boss", {}, "'boss' is no address. Give one like eva@example.com, or 'rep'"),
    ],
)
def test_what_cannot_be_addressed_is_refused(
    book: Book, notebook: str, to: str, given: dict[str, object], message: str
) -> None:
    """Before anything runs, with the page and the repair."""
    with pytest.raises((PressError, BookError), match=message):
        reports(book, notebook, (to,), **given)


def test_a_page_about_no_book_goes_to_addresses_only(book: Book) -> None:
    """Without a book nobody can be looked up."""
    report = replace(reports(book, "team_accountability")[""], parameters={})
    assert addresses(report, ("eva@example.com",), None) == (("eva@example.com",), [])
    with pytest.raises(PressError, match="about nobody with a rep"):
        addresses(report, ("rep",), None)
