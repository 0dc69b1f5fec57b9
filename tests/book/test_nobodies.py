"""Guest accounts and programs are told of, people and firms are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from books import make_book

from salesops.book.check import check_book
from salesops.book.source import Book


def told(book: Book) -> list[str]:
    """Return what the check says about guests and programs."""
    return [str(finding) for finding in check_book(book) if finding.rule in ("guests", "programs")]


def of_names(folder: Path, *, user: str = "Ann Lee", account: str = "Acme Ltd") -> list[str]:
    """Check a book with one rep and one account of these names."""
    users = [{"user_id": "U", "user_name": user}]
    return told(
        make_book(folder / "book", {"users": users, "accounts": [{"account_id": "A", "account_name": account}]})
    )


@pytest.mark.parametrize(
    "name",
    [
        "Guest",
        "GUEST ACCOUNT",
        "Walk-in Customer",
        "Cash Sales",
        "Anonymous Customer",
        "Gast",
        "Unknown",
        "Client divers",
    ],
)
def test_a_guest_is_no_customer(tmp_path: Path, name: str) -> None:
    """An account under the name of a guest or a till is a warning that quotes it."""
    (finding,) = of_names(tmp_path, account=name)
    assert finding.startswith("accounts: 1 of 1 rows is named like a guest or a till, not a customer")
    assert f"(first: '{name}')" in finding


@pytest.mark.parametrize(
    "name",
    [
        "Automated Process",
        "Integration User",
        "Platform Integration User",
        "System Administrator",
        "OdooBot",
        "api user",
    ],
)
def test_a_program_is_no_rep(tmp_path: Path, name: str) -> None:
    """A rep under the name of a program is a warning that quotes it; a manager has no line of that kind."""
    (finding,) = of_names(tmp_path, user=name)
    assert finding.startswith("users: 1 of 1 rows is named like a program or a place holder, not a person")
    users = [{"user_id": "U", "user_name": name, "role": "manager"}]
    assert told(make_book(tmp_path / "other", {"users": users})) == []


@pytest.mark.parametrize(
    "name",
    [
        "Guest Services Ltd",
        "Cash Converters",
        "Gastro AG",
        "Bot & Sons",
        "Abbot",
        "Anna Guest",
        "System Sensor",
        "Test Rite",
    ],
)
def test_firms_and_people_are_left_alone(tmp_path: Path, name: str) -> None:
    """A name that only holds such a word is no guest and no program."""
    assert of_names(tmp_path, user=name, account=name) == []


def test_the_weight_of_a_guest(tmp_path: Path) -> None:
    """Where there are orders, the warning says how many of them such accounts have."""
    accounts = [{"account_id": "G", "account_name": "Guest"}, {"account_id": "A", "account_name": "Acme"}]
    orders = [{"order_id": str(n), "account_id": "G" if n < 3 else "A", "ordered_at": "2026-01-01"} for n in range(4)]
    (finding,) = told(make_book(tmp_path / "book", {"accounts": accounts, "orders": orders}))
    assert "not a customer (3 of 4 orders)" in finding
