"""What a playbook knows of each client."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from books import Rows, make_book
from customers import customers

from salesops.book.playbook import CLIENT_COLUMNS
from salesops.book.source import Book
from salesops.models.plays import client_table

DAY = date(2026, 3, 31)


def clients(folder: Path, bought: pd.DataFrame | None = None, day: date = DAY, **tables: Rows) -> pd.DataFrame:
    """The client table of a book with these tables, by account; account A alone has bought unless said otherwise."""
    book = make_book(folder, {"accounts": [{"account_id": "A"}, {"account_id": "B"}], **tables})
    bought = customers(account_id=["A"], frequency=[3], total=[100.0]) if bought is None else bought
    found = client_table(book, bought, day)
    assert list(found.columns) == list(CLIENT_COLUMNS)
    return found.set_index("account_id")


def test_every_account_and_every_customer_is_a_client(tmp_path: Path) -> None:
    """Who never bought is a client without figures; a customer whom accounts does not know is one without name."""
    found = clients(tmp_path, customers(account_id=["A", "Z"], frequency=[3, 0], total=[100.0, 5.0]))
    assert list(found.index) == ["A", "B", "Z"]
    assert list(found.frequency.isna()) == [False, True, False]
    assert list(found.account_name.isna()) == [False, False, True]
    assert list(found.buying_task) == ["straight rebuy", "new task", "straight rebuy"]


def test_rhythm_by_hand(tmp_path: Path) -> None:
    """45 days after the last purchase with a gap of 30: one and a half gaps, and the next was due 15 days ago."""
    bought = customers(
        account_id=["A", "B"], days_since=[45, 45], median_gap=[30, None], gap_spread=[15.0, None],
        last_purchase=[date(2026, 2, 14)] * 2, first_purchase=[date(2026, 1, 1)] * 2, total=[3.0, 1.0],
    )  # fmt: skip  # reads as a table
    row, bare = (clients(tmp_path, bought).loc[key] for key in "AB")
    assert (row.gaps_since, row.spread_in_gaps, row.tenure_days) == (1.5, 0.5, 89)
    assert row.next_expected == pd.Timestamp("2026-03-16")
    assert pd.isna([bare.gaps_since, bare.next_expected]).all()


def test_a_gap_of_nothing_is_no_rhythm(tmp_path: Path) -> None:
    """A median gap of 0 days gives neither a ratio nor an expected day, and no infinite number."""
    bought = customers(
        account_id=["A"], days_since=[45], median_gap=[0], gap_spread=[0.0], last_purchase=[date(2026, 2, 14)]
    )
    row = clients(tmp_path, bought).loc["A"]
    assert pd.isna([row.gaps_since, row.spread_in_gaps, row.next_expected]).all()


@pytest.mark.parametrize(("column", "highest"), [({"lifetime_value": [1.0, 2.0, 9.0]}, "C"), ({}, "A")])
def test_value_bands_are_thirds_of_the_best_measure(tmp_path: Path, column: dict[str, Any], highest: str) -> None:
    """By lifetime value where a model gives it, else by total."""
    bought = customers(account_id=["A", "B", "C"], total=[9.0, 2.0, 1.0], **column)
    found = clients(tmp_path, bought)
    assert found.value_band[highest] == "high"
    assert sorted(found.value_band.dropna()) == ["high", "low", "middle"]


def test_contract_by_hand(tmp_path: Path) -> None:
    """Of the contracts that run and have no successor, the one that ends first; past and later ones do not count."""
    contracts = [
        {"account_id": "A", "start_date": "2025-01-01", "end_date": end, "notice_days": 30, "annual_amount": n} | more
        for end, n, more in (
            ("2026-06-29", 700, {}), ("2026-12-31", 100, {}), ("2026-03-30", 1, {}),
            ("2026-04-10", 2, {"contract_id": "OLD", "renewed_by_contract_id": "NEW"}),
            ("2027-04-10", 3, {"contract_id": "NEW", "start_date": "2026-04-11"}),
        )
    ]  # fmt: skip  # one line a contract or two
    found = clients(tmp_path, contracts=contracts)
    row = found.loc["A"]
    assert (row.days_to_renewal, row.days_to_notice, row.annual_amount) == (90, 60, 700)
    assert row.contract_end == pd.Timestamp("2026-06-29")
    assert pd.isna(found.days_to_renewal["B"])


@pytest.mark.long
@pytest.mark.parametrize(
    ("score", "answered", "contact", "open_issue"),
    [
        (6, "2026-03-01", None, True),
        (7, "2026-03-01", None, False),
        (6, "2025-12-01", None, False),
        (6, "2026-03-01", "2026-02-27", True),
        (6, "2026-03-01", "2026-03-01", True),
        (6, "2026-03-01", "2026-03-02", False),
        (6, "2026-03-01", "2026-04-15", True),
        (6, None, None, False),
    ],
)
def test_open_issue_by_hand(
    tmp_path: Path, score: int, answered: str | None, contact: str | None, open_issue: bool
) -> None:
    """Unhappy in the last 90 days, and nobody in touch on a later day that is known yet."""
    answer = {"account_id": "A", "score": score, "sent_at": "2025-11-01", "responded_at": answered}
    done = [{"account_id": "A", "owner_id": "U", "due_date": "2026-03-01", "completed_at": contact}]
    found = clients(tmp_path, survey_responses=[answer], activities=done)
    assert list(found.open_issue) == [open_issue, False]


def test_the_latest_answer_counts(tmp_path: Path) -> None:
    """An older bad answer is forgotten when a good one follows, and one after the day is not known."""
    answers = [
        {"account_id": "A", "score": score, "sent_at": day, "responded_at": day}
        for score, day in ((2, "2026-03-01"), (9, "2026-03-10"), (1, "2026-05-01"))
    ]
    row = clients(tmp_path, survey_responses=answers).loc["A"]
    assert (row.last_score, row.last_answer, row.open_issue) == (9, pd.Timestamp("2026-03-10"), False)


def test_needs_by_hand(tmp_path: Path) -> None:
    """Peers of the industry buy families that the account does not: counted, the most frequent named."""
    families = {"P1": "Seals", "P2": "Drives", "P3": "Oils"}
    baskets = {"A": ["P1"], "X1": ["P1", "P2"], "X2": ["P2", "P3"], "X3": ["P2"], "X4": ["P3"], "X5": ["P1"]}
    tables: dict[str, Rows] = {
        "accounts": [{"account_id": key, "industry": "Metal"} for key in baskets],
        "products": [{"product_id": key, "family": family} for key, family in families.items()],
        "orders": [{"order_id": key, "account_id": key, "ordered_at": "2026-01-05"} for key in baskets],
        "order_lines": [
            {"order_id": key, "product_id": product, "quantity": 1}
            for key, basket in baskets.items()
            for product in basket
        ],
    }
    row = clients(tmp_path, **tables).loc["A"]
    # of five peers three buy Drives and two Oils
    assert (row.families, row.family_gap, row.next_family) == (1, 2, "Drives")
    assert row.next_family_share == pytest.approx(0.6)


def test_a_return_is_no_purchase_of_a_family(tmp_path: Path) -> None:
    """A line with a negative quantity, or one after the day, buys nothing."""
    tables: dict[str, Rows] = {
        "products": [{"product_id": "P1", "family": "Seals"}, {"product_id": "P2", "family": "Oils"}],
        "orders": [{"order_id": "O1", "account_id": "A", "ordered_at": "2026-01-05"},
                   {"order_id": "O2", "account_id": "A", "ordered_at": "2026-05-05"}],
        "order_lines": [{"order_id": "O1", "product_id": "P1", "quantity": 1},
                        {"order_id": "O1", "product_id": "P2", "quantity": -1},
                        {"order_id": "O2", "product_id": "P2", "quantity": 1}],
    }  # fmt: skip  # one line a row
    assert clients(tmp_path, **tables).families["A"] == 1


@pytest.mark.parametrize(
    ("kind", "task"),
    [("new", "new task"), ("expansion", "modified rebuy"), ("renewal", "straight rebuy"), (None, "straight rebuy")],
)
def test_buying_task_follows_the_open_deal(tmp_path: Path, kind: str | None, task: str) -> None:
    """The latest open deal says what the client is deciding; without one, a customer buys again."""
    deals = [
        {"account_id": "A", "owner_id": "U", "type": kind, "product_id": "P1", "created_date": "2026-03-01"},
        {"account_id": "A", "owner_id": "U", "type": "new", "product_id": "P2", "created_date": "2026-02-01"},
        {"account_id": "A", "owner_id": "U", "type": "new", "created_date": "2026-03-05", "close_date": "2026-03-06",
         "is_closed": True},
    ]  # fmt: skip  # one line a deal
    products = [{"product_id": "P1", "family": "Seals"}, {"product_id": "P2", "family": "Oils"}]
    row = clients(tmp_path, opportunities=deals, products=products).loc["A"]
    assert (row.buying_task, row.stated_need) == (task, "Seals")


def test_capacity_by_hand(tmp_path: Path) -> None:
    """An owner's clients, overdue work, and whether the owner has left by that day."""
    tables: dict[str, Rows] = {
        "accounts": [{"account_id": key, "owner_id": owner} for key, owner in zip("ABC", "UUV", strict=True)],
        "users": [{"user_id": "U", "end_date": "2026-03-30"}, {"user_id": "V", "end_date": "2026-04-30"}],
        "activities": [
            {"account_id": "A", "owner_id": "U", "due_date": due, "completed_at": done}
            for due, done in (
                ("2026-03-30", None), ("2026-03-31", None), ("2026-03-01", "2026-03-02"), ("2026-02-01", "2026-05-01"),
            )
        ],
    }  # fmt: skip  # one line a table
    found = clients(tmp_path, **tables)
    names = ["owner_clients", "owner_overdue", "owner_left"]
    assert found.loc["A", names].tolist() == [2, 2, True]
    assert found.loc["C", names].tolist() == [1, 0, False]


def test_relationship_by_hand(tmp_path: Path) -> None:
    """People known, and days since the last activity that was completed; none known is 0, not missing."""
    tables: dict[str, Rows] = {
        "contacts": [{"account_id": "A"}, {"account_id": "A"}],
        "activities": [{"account_id": "A", "owner_id": "U", "completed_at": f"2026-03-{day}"} for day in ("01", "21")],
    }
    found = clients(tmp_path, **tables)
    assert list(found.contacts) == [2, 0]
    assert found.days_since_contact["A"] == 10
    assert pd.isna(found.days_since_contact["B"])


def test_segments_and_moves(tmp_path: Path) -> None:
    """Today's and the earlier segment stand side by side; who was no customer then has not moved."""
    book = make_book(tmp_path, {"accounts": [{"account_id": key} for key in "ABC"]})
    bought = customers(account_id=["A", "B", "C"], total=[1.0, 2.0, 3.0])
    now = pd.DataFrame({"account_id": ["A", "B", "C"], "segment": ["loyal", "new", "new"]})
    before = pd.DataFrame({"account_id": ["A", "B"], "segment": ["champions", "new"]})
    found = client_table(book, bought, DAY, segments=now, segments_before=before)
    assert list(found.segment_before.dropna()) == ["champions", "new"]
    assert list(found.moved[:2]) == [True, False]
    assert pd.isna(found.moved[2])


def test_what_the_book_lacks_is_not_known(tmp_path: Path) -> None:
    """Without surveys, contacts, contracts and deals nothing is claimed: missing, not false and not 0."""
    found = clients(tmp_path)
    absent = [
        "open_issue",
        "contacts",
        "days_to_renewal",
        "stated_need",
        "owner_left",
        "last_score",
        "segment",
        "moved",
    ]
    assert found[absent].isna().all(axis=None)


def test_a_book_of_orders_alone_will_do(tmp_path: Path) -> None:
    """A shop without accounts, as Online Retail II: its customers are the clients."""
    orders = [{"order_id": "O1", "account_id": "A", "ordered_at": "2026-01-05"}]
    book: Book = make_book(tmp_path, {"orders": orders})
    found = client_table(book, customers(account_id=["A"], frequency=[0], total=[9.0]), DAY)
    assert found[["account_id", "value_band", "buying_task"]].values.tolist() == [["A", "low", "straight rebuy"]]
