"""Who gets which share of a deal or an order."""

from __future__ import annotations

import random
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import examples
import pytest
from books import Rows, by, make_book, records
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.credits import credited_deals, credited_orders
from salesops.book.snapshot import as_known


def won(key: str, owner: str = "A", amount: float | None = 100, **more: Any) -> dict[str, Any]:
    closed = {"close_date": "2026-02-10", "is_closed": True, "is_won": True}
    return {"opportunity_id": key, "owner_id": owner, "amount": amount, **closed, **more}


def share(deal: str, user: str, part: float) -> dict[str, Any]:
    return {"opportunity_id": deal, "user_id": user, "share": part}


def test_deal_is_credited_to_its_owner_or_by_shares(tmp_path: Path) -> None:
    """Credits go by `credits` where present, else the owner has 100%; the owner has nothing beside the credits."""
    tables: dict[str, Rows] = {
        "opportunities": [won("whole", "A", 100), won("split", "A", 90), won("given away", "A", 50)],
        "credits": [share("split", "A", 2 / 3), share("split", "B", 1 / 3), share("given away", "C", 1)],
    }
    found = by(credited_deals(make_book(tmp_path, tables)), "opportunity_id", "user_id")
    assert {key: (row["share"], row["credited"]) for key, row in found.items()} == {
        ("whole", "A"): (1.0, 100.0),
        ("split", "A"): (pytest.approx(2 / 3), pytest.approx(60)),
        ("split", "B"): (pytest.approx(1 / 3), pytest.approx(30)),
        ("given away", "C"): (1.0, 50.0),
    }
    assert {row["value"] for key, row in found.items() if key[0] == "split"} == {90.0}


def test_half_and_half_is_one_deal(tmp_path: Path) -> None:
    """Counts use shares as weights: ½ + ½ = one deal, won or lost, so that a team counts each deal once."""
    tables: dict[str, Rows] = {
        "opportunities": [won("won"), won("lost", is_won=False, amount=None), won("plain", "B")],
        "credits": [share(deal, user, 0.5) for deal in ("won", "lost") for user in ("A", "B")],
    }
    deals = credited_deals(make_book(tmp_path, tables))
    counts = by(deals.group_by("user_id").aggregate(deals=deals.share.sum()), "user_id")
    assert {user: row["deals"] for user, row in counts.items()} == {"A": 1.0, "B": 2.0}
    assert deals.share.sum().to_pyarrow().as_py() == 3.0


def test_accounts_and_leavers_do_not_move_a_deal(tmp_path: Path) -> None:
    """The owner is stamped on the deal: neither a new owner of the account nor a departure changes the credit."""
    tables: dict[str, Rows] = {
        "users": [{"user_id": "A", "end_date": "2026-03-01"}, {"user_id": "B", "hire_date": "2026-03-02"}],
        "accounts": [{"account_id": "X", "owner_id": "B"}],
        "opportunities": [won("D", "A", 100, account_id="X")],
    }
    (row,) = records(credited_deals(make_book(tmp_path, tables)))
    assert (row["user_id"], row["credited"]) == ("A", 100.0)


def test_foreign_deal_is_converted_by_its_close_date(tmp_path: Path) -> None:
    """The rate of a closed deal is that of its close date; one without a rate is marked and adds nothing."""
    tables: dict[str, Rows] = {
        "opportunities": [won("D", amount=100, currency="USD"), won("K", amount=100, currency="SEK")],
        "fx_rates": [
            {"currency": "USD", "date": "2026-02-01", "rate": 0.8},
            {"currency": "USD", "date": "2026-03-01", "rate": 0.5},
        ],
        "credits": [share("D", "A", 0.25), share("D", "B", 0.75)],
    }
    found = by(credited_deals(make_book(tmp_path, tables)), "opportunity_id", "user_id")
    assert found["D", "A"]["credited"] == pytest.approx(20)
    assert found["D", "B"]["credited"] == pytest.approx(60)
    assert (found["K", "A"]["credited"], found["K", "A"]["no_rate"]) == (None, True)


def test_open_deal_is_converted_by_the_latest_rate_known(tmp_path: Path) -> None:
    """An open deal closes in the future: it counts by the rate of the as-of date, and no later rate leaks back."""
    tables: dict[str, Rows] = {
        "opportunities": [
            {"opportunity_id": "due", "owner_id": "A", "amount": 100, "currency": "USD", "close_date": "2026-09-01"},
            {"opportunity_id": "undated", "owner_id": "A", "amount": 100, "currency": "USD"},
        ],
        "fx_rates": [
            {"currency": "USD", "date": "2026-01-01", "rate": 0.9},
            {"currency": "USD", "date": "2026-08-01", "rate": 0.5},
        ],
    }
    book = make_book(tmp_path, tables)
    then = by(credited_deals(as_known(book, date(2026, 3, 1))), "opportunity_id")
    assert {key: row["credited"] for key, row in then.items()} == {
        "due": pytest.approx(90),
        "undated": pytest.approx(90),
    }
    today = by(credited_deals(book), "opportunity_id")
    assert {key: row["credited"] for key, row in today.items()} == {
        "due": pytest.approx(50),
        "undated": pytest.approx(50),
    }


def test_order_is_worth_its_lines(tmp_path: Path) -> None:
    """net_amount counts where present, else quantity × unit_price × (1 − discount); returns count against it."""
    line = {"product_id": "P", "quantity": 10, "unit_price": 7}
    tables: dict[str, Rows] = {
        "orders": [
            {"order_id": key, "owner_id": "A", "ordered_at": "2026-02-10"} for key in ("net", "plain", "return", "bare")
        ],
        "order_lines": [
            {**line, "order_id": "net", "net_amount": 60, "discount": 0.5},
            {**line, "order_id": "net"},
            {**line, "order_id": "plain", "discount": 0.1},
            {**line, "order_id": "return"},
            {**line, "order_id": "return", "quantity": -10},
        ],
    }
    found = by(credited_orders(make_book(tmp_path, tables)), "order_id")
    assert {key: row["credited"] for key, row in found.items()} == {
        "net": pytest.approx(130),
        "plain": pytest.approx(63),
        "return": pytest.approx(0),
        "bare": None,
    }


def test_house_sales_have_no_user(tmp_path: Path) -> None:
    """An order without owner belongs to nobody, unless credits say whose it is; orders split like deals."""
    tables: dict[str, Rows] = {
        "orders": [
            {"order_id": "house", "ordered_at": "2026-02-10"},
            {"order_id": "credited", "ordered_at": "2026-02-10"},
            {"order_id": "owned", "owner_id": "A", "ordered_at": "2026-02-10"},
            {"order_id": "split", "owner_id": "A", "ordered_at": "2026-02-10"},
        ],
        "order_lines": [
            {"order_id": key, "product_id": "P", "net_amount": 100} for key in ("house", "credited", "owned", "split")
        ],
        "credits": [
            {"order_id": "credited", "user_id": "B", "share": 1},
            {"order_id": "split", "user_id": "A", "share": 0.5},
            {"order_id": "split", "user_id": "B", "share": 0.5},
            {"opportunity_id": "owned", "user_id": "C", "share": 1},
        ],
    }
    found = by(credited_orders(make_book(tmp_path, tables)), "order_id", "user_id")
    assert {key: row["credited"] for key, row in found.items()} == {
        ("house", None): 100.0,
        ("credited", "B"): 100.0,
        ("owned", "A"): 100.0,
        ("split", "A"): 50.0,
        ("split", "B"): 50.0,
    }


@pytest.mark.parametrize(
    ("zone", "ordered_at", "day"),
    [
        ("UTC", "2026-03-31T23:30:00Z", date(2026, 3, 31)),
        ("Europe/Berlin", "2026-03-31T21:59:59Z", date(2026, 3, 31)),
        ("Europe/Berlin", "2026-03-31T22:00:00Z", date(2026, 4, 1)),
        ("America/New_York", "2026-04-01T03:59:59Z", date(2026, 3, 31)),
        ("America/New_York", "2026-04-01T04:00:00Z", date(2026, 4, 1)),
        ("America/New_York", "2026-04-01", date(2026, 4, 1)),
        ("Pacific/Auckland", "2026-04-01", date(2026, 4, 1)),
    ],
)
def test_instants_become_dates_in_the_book_s_time_zone(tmp_path: Path, zone: str, ordered_at: str, day: date) -> None:
    """An instant is dated by the wall clock of the book's zone; a bare date is never shifted."""
    book = make_book(tmp_path, {"orders": [{"owner_id": "A", "ordered_at": ordered_at}]}, time_zone=zone)
    assert records(credited_orders(book))[0]["ordered_on"] == day


PARTS = st.lists(st.integers(1, 20), min_size=1, max_size=4)


@settings(max_examples=examples.of(15), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), PARTS), min_size=1, max_size=6), st.randoms())
def test_shares_of_a_deal_sum_to_the_deal(deals: list[tuple[int, list[int]]], rng: random.Random) -> None:
    """However deals are split, credits and counts sum to the deals; the order of rows changes nothing."""
    tables: dict[str, Rows] = {
        "opportunities": [won(f"D{n}", amount=amount) for n, (amount, _) in enumerate(deals)],
        "credits": [
            share(f"D{n}", f"U{user}", part / sum(parts))
            for n, (_, parts) in enumerate(deals)
            for user, part in enumerate(parts)
        ],
    }
    shuffled = {name: rng.sample(rows, len(rows)) for name, rows in tables.items()}
    with tempfile.TemporaryDirectory() as folder:
        first, second = (
            credited_deals(make_book(Path(folder, name), rows))
            for name, rows in (("given", tables), ("shuffled", shuffled))
        )
        assert by(first, "opportunity_id", "user_id") == by(second, "opportunity_id", "user_id")
        sums = by(
            first.group_by("opportunity_id").aggregate(all=first.credited.sum(), deals=first.share.sum()),
            "opportunity_id",
        )
    for n, (amount, _) in enumerate(deals):
        assert sums[f"D{n}"]["all"] == pytest.approx(amount)
        assert sums[f"D{n}"]["deals"] == pytest.approx(1)
