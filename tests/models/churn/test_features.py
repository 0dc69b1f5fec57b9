"""The features: by hand, and equal to those of the book as it was known."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from models.churn.worlds import orders_book
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.models.churn.dictionary import FEATURES
from salesops.models.churn.features import features
from salesops.models.churn.gather import gather_contracts, gather_orders
from salesops.models.churn.units import contract_units, order_units

CUT, DAY = date(2026, 3, 1), date(2026, 3, 31)
NOT_FEATURES = {"cut", "known_until", "gaps", "kind", "gap_80", "gap_then", "by_deals"}


def at_cut(folder: Path, **tables: object) -> pd.Series:
    """Features at CUT of a client that ordered on five days before it and on one after it."""
    days = ["2025-03-20", "2025-12-01", "2025-12-21", "2026-01-10", "2026-02-19", "2026-03-10"]
    book = orders_book(folder, {"A": [date.fromisoformat(day) for day in days]}, **tables)
    units = order_units(book, DAY, [CUT], horizon_days=30)
    return features(book, DAY, units, horizon_days=30).iloc[0]


def test_rhythm_by_hand(tmp_path: Path) -> None:
    """Days, gaps and counts are those up to the cut: the order after it changes nothing."""
    found = at_cut(tmp_path)
    expected = {
        "hiatus_days": 10, "tenure_days": 346, "orders": 5, "orders_recent": 3, "orders_last_year": 5, "sales": 50,
        "sales_last_year": 50, "median_gap": 30, "longest_gap": 256, "gap_95": 223.6, "hiatus_ratio": 10 / 223.6,
        "season_orders": 1, "order_value": 10, "returns_share": 0, "unevenness": 256 / 30, "gaps": 4, "growth": 0,
    }  # fmt: skip  # three lines read better than fourteen
    assert found[list(expected)].to_dict() == pytest.approx(expected)
    assert found.known_until == pd.Timestamp("2026-02-19")


def test_events_after_the_cut_are_not_known(tmp_path: Path) -> None:
    """Contacts, answers, deals, contracts and people who left count up to the cut, and not a day longer."""
    found = at_cut(
        tmp_path,
        activities=[
            {"account_id": "A", "type": "call", "owner_id": "U", "completed_at": "2026-02-25"},
            {"account_id": "A", "type": "gift", "owner_id": "U", "completed_at": "2026-02-26"},
            {"account_id": "A", "type": "call", "owner_id": "U", "completed_at": "2026-03-02"},
        ],
        survey_responses=[
            {"account_id": "A", "sent_at": "2026-02-01", "responded_at": "2026-02-10", "score": 6},
            {"account_id": "A", "sent_at": "2026-02-01", "responded_at": "2026-03-02", "score": 1},
        ],
        opportunities=[
            {"account_id": "A", "owner_id": "U", "created_date": "2026-01-01", "close_date": "2026-02-01",
             "is_closed": True, "is_won": True},
            {"account_id": "A", "owner_id": "U", "created_date": "2026-01-01", "close_date": "2026-03-05",
             "is_closed": True, "is_won": False},
            {"account_id": "A", "owner_id": "U", "created_date": "2026-03-02", "close_date": "2026-09-01"},
        ],
        contracts=[
            {"account_id": "A", "start_date": "2025-06-01", "end_date": "2026-05-31", "notice_days": 30},
            {"account_id": "A", "start_date": "2026-03-05", "end_date": "2027-05-31", "notice_days": 30},
            {"account_id": "A", "start_date": "2025-06-01", "end_date": "2026-03-20"},
            {"account_id": "A", "start_date": "2024-06-01", "end_date": "2025-08-20"},
        ],
    )  # fmt: skip  # one event a line
    expected = {
        "talks": 1, "talk_silence_days": 4, "lowest_score": 6, "open_deals": 1, "deals_won": 1, "deals_lost": 0,
        "under_contract": 1, "contracts_signed": 3, "contract_days_left": 91, "contracts_running": 2,
        "contracts_ended": 1, "newest_contract_days": 273,
    }  # fmt: skip  # two lines read better than nine
    assert found[list(expected)].to_dict() == pytest.approx(expected)
    assert found.known_until == pd.Timestamp("2026-02-25")


@pytest.mark.parametrize("cut", [date(2025, 11, 5), date(2026, 5, 4)])
def test_features_are_those_of_the_book_as_known(company_book: Book, cut: date) -> None:
    """The book as it stands and the book as it was known on the cut give the same features of the cut."""
    book, day = company_book, date(2026, 10, 31)
    known = as_known(book, cut)
    units = order_units(known, cut, [cut], horizon_days=90)
    then = features(known, cut, units, horizon_days=90)
    units = order_units(book, day, [cut], horizon_days=90)
    now = features(book, day, units, horizon_days=90)
    assert len(now) > 400
    pd.testing.assert_frame_equal(now, then, check_dtype=False, rtol=1e-9)


def test_contract_features_are_those_of_the_book_as_known(company_book: Book) -> None:
    """So it is for a contract at its day of action."""
    book, cut = company_book, date(2026, 5, 2)
    known = as_known(book, cut)
    then = features(known, cut, contract_units(known, cut, horizon_days=90), horizon_days=90)
    now = features(book, date(2026, 10, 31), contract_units(book, date(2026, 10, 31), horizon_days=90), horizon_days=90)
    same = then.index[then.cut <= pd.Timestamp(cut)].intersection(now.index[now.cut <= pd.Timestamp(cut)])
    assert len(same) > 150
    pd.testing.assert_frame_equal(now.loc[same], then.loc[same], check_dtype=False, rtol=1e-9)


def test_dictionary_knows_every_feature(company_book: Book) -> None:
    """Each feature computed has a meaning, and none has to do with birthdays, gifts or names."""
    book, day = company_book, date(2026, 10, 31)
    orders = gather_orders(book, day, horizon_days=90)
    contracts = gather_contracts(book, day, horizon_days=90)
    units = order_units(book, day, [day], horizon_days=90)
    computed = set(features(book, day, units, horizon_days=90)) - NOT_FEATURES
    assert computed <= set(FEATURES)
    assert set(FEATURES) <= set(orders) | set(contracts)
    words = " ".join([*FEATURES, *(feature.meaning.lower() for feature in FEATURES.values())])
    assert not any(word in words for word in ("birthday", "gift", "email address", "contact_name"))
