"""Families that peers buy, against shares counted by hand and by brute force."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest
from books import Rows, by, make_book

from salesops.book.snapshot import as_known
from salesops.book.source import Book, open_book
from salesops.metrics.whitespace import FEWEST_PEERS, whitespace
from salesops.models.plays.needs import PEERS_BUY, needs

NOW = date(2026, 6, 30)
BOUGHT = {"R1": "AB", "R2": "A", "R3": "A", "R4": "B", "R5": "B", "R6": "C", "G1": "A", "G2": "D", "X": "A"}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Six buyers in Rail, two in Glass, one without industry, and one in Rail that never bought."""
    industries = {"R": "Rail", "G": "Glass", "X": None}
    accounts: Rows = [{"account_id": key, "industry": industries[key[0]]} for key in (*BOUGHT, "R7")]
    lines: Rows = [
        {"order_id": key, "product_id": family, "quantity": 2}
        for key, families in BOUGHT.items()
        for family in families
    ]
    lines += [{"order_id": "R2", "product_id": "C", "quantity": n} for n in (3, -3)]
    tables: dict[str, Rows] = {
        "accounts": accounts,
        "products": [{"product_id": family, "family": family} for family in "ABCD"],
        "orders": [{"order_id": key, "account_id": key, "ordered_at": "2026-01-01"} for key in BOUGHT],
        "order_lines": lines,
    }
    return make_book(tmp_path_factory.mktemp("w"), tables)


def test_peers_are_of_the_industry(book: Book) -> None:
    """R2 sent all of C back: of its five peers in Rail three buy B and one buys C, and none buys D."""
    rows = by(whitespace(book, NOW, accounts=("R2",)), "family")
    assert {family: (row["peers_buying"], row["peers"]) for family, row in rows.items()} == {
        "B": (3, 5), "C": (1, 5), "D": (0, 5),
    }  # fmt: skip  # pairs stay together
    assert rows["B"]["peer_share"] == 0.6
    assert rows["B"]["same_industry"]


def test_few_peers_make_all_buyers_peers(book: Book) -> None:
    """Glass has one other buyer, fewer than FEWEST_PEERS, and X has no industry: all eight others are peers."""
    assert FEWEST_PEERS == 5
    rows = by(whitespace(book, NOW), "account_id", "family")
    assert (rows["G1", "B"]["peers"], rows["G1", "B"]["peers_buying"]) == (8, 3)
    assert not rows["G1", "B"]["same_industry"]
    assert (rows["X", "D"]["peers"], rows["X", "D"]["peers_buying"]) == (8, 1)


def test_who_never_bought_lacks_every_family(book: Book) -> None:
    """R7 is no buyer, so all six buyers of Rail are its peers."""
    rows = by(whitespace(book, NOW, accounts=("R7",)), "family")
    assert {family: row["peers_buying"] for family, row in rows.items()} == {"A": 3, "B": 3, "C": 1, "D": 0}
    assert {row["peers"] for row in rows.values()} == {6}


def test_nothing_bought_yet(book: Book) -> None:
    """Before the first order there is no family that peers buy."""
    assert by(whitespace(book, date(2025, 12, 31)), "account_id") == {}


def test_sample_agrees_with_brute_force(sample: Path) -> None:
    """On the sample every share is the one that counting each account's peers one by one gives."""
    book, day = open_book(sample), date(2026, 10, 31)
    frames = {name: book.table(name).to_pandas() for name in ("order_lines", "orders", "products", "accounts")}
    lines = frames["order_lines"].merge(frames["orders"], on="order_id").merge(frames["products"], on="product_id")
    units = lines.groupby(["account_id", "family"]).quantity.sum()
    own = defaultdict(set)
    for account, family in units[units > 0].index:
        own[account].add(family)
    industry = dict(zip(frames["accounts"].account_id, frames["accounts"].industry, strict=True))
    rows = by(whitespace(book, day), "account_id", "family")
    for account in list(industry)[::29]:
        peers = [other for other in own if other != account and industry[other] == industry[account]]
        peers = peers if len(peers) >= FEWEST_PEERS else [other for other in own if other != account]
        for family in set().union(*own.values()) - own[account]:
            share = sum(family in own[other] for other in peers) / len(peers)
            assert rows[account, family]["peer_share"] == pytest.approx(share)
    assert not [key for key in rows if key[1] in own[key[0]]]


def test_the_playbook_needs_what_the_client_page_offers(book: Book) -> None:
    """R2 sent all of C back: to the playbook too it buys A alone, and lacks B, which three of five peers buy."""
    rows = needs(as_known(book, NOW)).set_index("account_id")
    assert rows.loc["R2", ["families", "family_gap", "next_family", "next_family_share"]].tolist() == [1, 1, "B", 0.6]
    gaps = whitespace(book, NOW).to_pandas()
    counts = gaps[gaps.peer_share >= PEERS_BUY].groupby("account_id").size()
    assert rows.family_gap.to_dict() == counts.reindex(rows.index, fill_value=0).to_dict()
