"""Commitments judged by their original date, each metric by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from books import Row, by, make_book, records

from salesops.book.source import Book
from salesops.metrics.commitments import VERDICTS, commitments, keep_rate
from salesops.periods import Period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
END = Q1.end
USERS = [{"user_id": key} for key in ("A", "B", "BOSS")]


def deal(key: str, owner: str, amount: float | None, close: str | None, *, won: bool, **more: object) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "amount": amount, "close_date": close, "account_id": "K"}
    return {**row, "is_closed": won, "is_won": won, "created_date": "2025-11-01", **more}


DEALS = [
    deal("W1", "A", 100, "2026-01-10", won=True),  # on the day of the agreement
    deal("W2", "A", 200, "2026-01-31", won=True, account_id="K2"),  # on the due day
    deal("W3", "A", 1000, "2026-02-01", won=True),  # a day too late
    deal("W4", "A", 5000, "2026-01-09", won=True),  # a day too early
    deal("W5", "A", 40, "2026-01-20", won=True),  # a quarter is B's
    deal("L1", "A", 70, "2026-01-20", won=False, is_closed=True),
    deal("P1", "A", 400, None, won=False, created_date="2026-01-15"),
    deal("P2", "A", 60, None, won=False, created_date="2026-02-02", account_id="K2"),
    deal("B1", "B", 9999, "2026-01-15", won=True),
    deal("S1", "A", 1, None, won=False, stage_name="Talk"),
    deal("S2", "A", 1, "2026-01-25", won=True),
]
HISTORY = [
    {"opportunity_id": key, "field_name": "stage_name", "new_value": stage, "valid_from": day}
    for key, stage, day in [
        ("S1", "Lead", "2026-01-05"),
        ("S1", "Offer", "2026-01-31"),
        ("S1", "Talk", "2026-02-10"),
        ("S2", "Lead", "2026-01-05"),
    ]
]
CREDITS = [{"opportunity_id": "W5", "user_id": key, "share": share} for key, share in (("A", 0.75), ("B", 0.25))]
ORDERS = [
    {"order_id": f"O{n}", "owner_id": owner, "account_id": account, "ordered_at": day}
    for n, (owner, account, day) in enumerate(
        [("A", "K", "2026-01-10"), ("A", "K2", "2026-01-31"), ("A", "K", "2026-02-01"), ("B", "K", "2026-01-20")], 1
    )
]
LINES = [
    {"order_id": f"O{n}", "product_id": "P", "quantity": 1, "unit_price": price}
    for n, price in enumerate((30, 50, 900, 7), 1)
]
ACTIVITIES = [
    {
        "owner_id": owner,
        "type": kind,
        "account_id": "K",
        "contact_id": contact,
        "due_date": day[:10],
        "completed_at": day,
    }
    for owner, kind, contact, day in [
        ("A", "call", "C1", "2026-01-10T08:00:00Z"),
        ("A", "meeting", "C2", "2026-01-31T22:30:00Z"),  # still January in Berlin
        ("A", "email", "C1", "2026-01-31T23:30:00Z"),  # February there
        ("A", "gift", "C1", "2026-01-20T08:00:00Z"),
        ("B", "call", "C1", "2026-01-20T08:00:00Z"),
    ]
]
TABLES = {
    "users": USERS,
    "opportunities": DEALS,
    "opportunity_history": HISTORY,
    "credits": CREDITS,
    "orders": ORDERS,
    "order_lines": LINES,
    "activities": ACTIVITIES,
}


def promise(key: str, metric: str, target: str | None, **more: object) -> Row:
    row = {"commitment_id": key, "owner_id": "A", "agreed_with": "BOSS", "metric": metric, "target": target}
    dates = {"agreed_at": "2026-01-10", "original_due_date": "2026-01-31", "due_date": "2026-01-31"}
    return {**row, **dates, **more}


# metric, subject, the value by hand over 10..31 January, a target just made, one just missed
VALUES = [
    ("booked", None, 100 + 200 + 30 + 1, "331", "331.01"),
    ("booked", "W2", 200, "200", "201"),
    ("booked", "K", 131, "131", "132"),
    ("won_deals", None, 3.75, "3.75", "4"),
    ("won_deals", "K2", 1, "1", "2"),
    ("deal_won", "W5", 1, "1", "2"),
    ("deal_won", "W3", 0, "0", "1"),
    ("pipeline_created", None, 400, "400", "401"),
    ("pipeline_created", "K2", 0, "0", "1"),
    ("orders", None, 80, "80", "81"),
    ("orders", "O2", 50, "50", "51"),
    ("orders", "K", 30, "30", "31"),
    ("activities_completed", None, 3, "3", "4"),
    ("activities_completed", "C1", 2, "2", "3"),
    ("contact_made", None, 2, "2", "3"),
    ("contact_made", "C1", 1, "1", "2"),
    ("deal_stage", "S1", 3, "Offer", "4"),
    ("deal_stage", "S2", 4, "4", "5"),
]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    """Every metric in VALUES with both operators, once just made and once just missed."""
    rows = []
    for n, (metric, subject, _, made, missed) in enumerate(VALUES):
        rows.append(promise(f"{n} made", metric, made, subject_id=subject))
        rows.append(promise(f"{n} short", metric, missed, subject_id=subject, operator=">="))
        rows.append(promise(f"{n} at most", metric, made, subject_id=subject, operator="<="))
        rows.append(promise(f"{n} too much", metric, "-1", subject_id=subject, operator="<="))
    book = _book(tmp_path_factory.mktemp("values"), rows)
    return by(commitments(book, Q1, END), "commitment_id")


def _book(folder: Path, rows: list[Row], **tables: Any) -> Book:
    order = ["Lead", "Talk", "Offer"]
    return make_book(folder, {**TABLES, **tables, "commitments": rows}, stage_order=order, time_zone="Europe/Berlin")


@pytest.mark.parametrize("n", range(len(VALUES)), ids=[f"{m}-{s}" for m, s, *_ in VALUES])
def test_value_and_verdict_of_each_metric(judged: dict[str, Row], n: int) -> None:
    """The value over agreed_at..original_due_date, both days included, for the owner and the subject, decides."""
    assert judged[f"{n} made"]["value"] == pytest.approx(VALUES[n][2])
    verdicts = [judged[f"{n} {case}"]["verdict"] for case in ("made", "short", "at most", "too much")]
    assert verdicts == ["kept", "missed", "kept", "missed"]


def verdicts(folder: Path, rows: list[Row], as_of: date = END, **tables: Any) -> dict[str, str]:
    book = _book(folder, rows, **tables)
    return {key: row["verdict"] for key, row in by(commitments(book, Q1, as_of), "commitment_id").items()}


def test_moved_date_does_not_turn_a_miss_into_a_keep(tmp_path: Path) -> None:
    """W3 closes by the moved date, but after the one first agreed: missed, and flagged as moved."""
    rows = [
        promise("moved", "deal_won", "1", subject_id="W3", due_date="2026-02-15"),
        promise("earlier", "deal_won", "1", subject_id="W2", due_date="2026-01-20"),
        promise("undated", "deal_won", "1", subject_id="W2", due_date=None),
    ]
    found = by(commitments(_book(tmp_path, rows), Q1, END), "commitment_id")
    assert (found["moved"]["verdict"], found["moved"]["moved"]) == ("missed", True)
    assert (found["earlier"]["verdict"], found["earlier"]["moved"]) == ("kept", False)
    assert (found["undated"]["verdict"], found["undated"]["moved"]) == ("kept", False)


def test_withdrawal_counts_only_until_the_original_date(tmp_path: Path) -> None:
    """Withdrawn by the due date is withdrawn; withdrawn afterwards stays the miss or the keep that it was."""
    rows = [
        promise("in time", "booked", "9999", withdrawn_at="2026-01-31T12:00:00Z"),
        promise("too late", "booked", "9999", withdrawn_at="2026-02-01T12:00:00Z"),
        promise("kept", "booked", "1", withdrawn_at="2026-02-01T12:00:00Z"),
    ]
    assert verdicts(tmp_path, rows) == {"in time": "withdrawn", "too late": "missed", "kept": "kept"}
    # on the 20th nobody knew of the withdrawal
    assert verdicts(tmp_path, rows, date(2026, 1, 20))["in time"] == "pending"


def test_pending_until_due_even_if_already_met(tmp_path: Path) -> None:
    """The day before its date a commitment is pending; at the end of that day it is judged."""
    rows = [promise("met", "booked", "100"), promise("not met", "booked", "9999")]
    assert set(verdicts(tmp_path, rows, date(2026, 1, 30)).values()) == {"pending"}
    assert verdicts(tmp_path, rows, date(2026, 1, 31)) == {"met": "kept", "not met": "missed"}


def test_other_metrics_count_only_with_evidence(tmp_path: Path) -> None:
    """A metric that nobody can measure is declared if it names evidence, else unproven."""
    rows = [
        promise("shown", "reference_visit", "1", evidence_id="E-1"),
        promise("said", "reference_visit", "1"),
        promise("early", "reference_visit", "1", evidence_id="E-2", original_due_date="2026-04-30"),
    ]
    assert verdicts(tmp_path, rows) == {"shown": "declared", "said": "unproven", "early": "pending"}


def test_missing_target_means_one_where_once_is_enough(tmp_path: Path) -> None:
    """Winning a deal and making contact need no number: once is meant. Any other metric needs its target."""
    rows = [
        promise("won", "deal_won", "true", subject_id="W2"),
        promise("met", "contact_made", None, subject_id="C2"),
        promise("untouched", "contact_made", None, subject_id="C9"),
        promise("how much", "booked", None),
        promise("how many", "won_deals", "some"),
    ]
    expected = {"won": "kept", "met": "kept", "untouched": "missed", "how much": "unproven", "how many": "unproven"}
    assert verdicts(tmp_path, rows) == expected


def test_target_is_read_as_the_file_writes_numbers(tmp_path: Path) -> None:
    """In a file with decimal commas 1.000,50 is a thousand and a half: more than the 331 booked."""
    (tmp_path / "commitments.csv").write_text(
        "commitment_id;owner_id;agreed_with;agreed_at;metric;target;original_due_date;due_date\n"
        "C1;A;BOSS;2026-01-10;booked;1.000,50;2026-01-31;2026-01-31\n"
        "C2;A;BOSS;2026-01-10;booked;330,50;2026-01-31;2026-01-31\n",
        encoding="utf-8",
    )
    book = make_book(tmp_path, TABLES)
    assert {r["commitment_id"]: r["verdict"] for r in records(commitments(book, Q1, END))} == {
        "C1": "missed",
        "C2": "kept",
    }


def test_stage_that_cannot_be_told_is_unproven(tmp_path: Path) -> None:
    """A stage outside the book's order, no deal named, or a deal without history cannot be judged."""
    rows = [
        promise("no such stage", "deal_stage", "Handshake", subject_id="S1"),
        promise("no deal", "deal_stage", "Offer"),
        promise("no history", "deal_stage", "Offer", subject_id="P1"),
    ]
    assert set(verdicts(tmp_path, rows).values()) == {"unproven"}


def test_book_without_the_table_cannot_measure(tmp_path: Path) -> None:
    """Where the book has no deals, orders or activities, a promise about them is unproven, not missed."""
    metrics = ("booked", "won_deals", "deal_won", "pipeline_created", "orders", "activities_completed", "contact_made")
    rows = [promise(metric, metric, "1") for metric in metrics]
    book = make_book(tmp_path, {"users": USERS, "commitments": rows})
    found = by(commitments(book, Q1, END), "commitment_id")
    assert {key: row["verdict"] for key, row in found.items()} == dict.fromkeys(metrics, "unproven")
    assert {row["value"] for row in found.values()} == {None}


def test_shares_that_add_up_keep_the_promise(tmp_path: Path) -> None:
    """Shares of .7, .2 and .1 are one deal won, although their floating sum is a hair less."""
    shares = {"S-7": 0.7, "S-2": 0.2, "S-1": 0.1}
    deals = [deal(key, "A", 1, "2026-01-20", won=True) for key in shares]
    credits = [{"opportunity_id": key, "user_id": "A", "share": share} for key, share in shares.items()]
    credits += [{"opportunity_id": key, "user_id": "B", "share": 1 - share} for key, share in shares.items()]
    rows = [promise("count", "won_deals", "1"), promise("amount", "booked", "1")]
    found = verdicts(tmp_path, rows, opportunities=deals, credits=credits)
    assert found == {"count": "kept", "amount": "kept"}


def test_measured_zero_is_a_miss(tmp_path: Path) -> None:
    """Where the book has the table and nothing happened, the value is 0 and the promise is missed."""
    rows = [promise("nothing", "orders", "1", owner_id="BOSS"), promise("none", "contact_made", "1", owner_id="BOSS")]
    book = _book(tmp_path, rows)
    assert {(row["value"], row["verdict"]) for row in records(commitments(book, Q1, END))} == {(0, "missed")}


def test_listed_are_those_due_in_the_period_and_those_pending(tmp_path: Path) -> None:
    """Due by the original date in the period, or not due yet; those of earlier or later periods are left out."""
    rows = [
        promise("before", "booked", "1", agreed_at="2025-11-01", original_due_date="2025-12-31"),
        promise("inside", "booked", "1"),
        promise("next", "booked", "1", original_due_date="2026-04-01", due_date="2026-04-01"),
        promise("agreed later", "booked", "1", agreed_at="2026-04-02", original_due_date="2026-05-01"),
    ]
    book = _book(tmp_path, rows)
    now = by(commitments(book, Q1, END), "commitment_id")
    assert {key: (row["verdict"], row["due_in_period"]) for key, row in now.items()} == {
        "inside": ("kept", True),
        "next": ("pending", False),
    }
    later = by(commitments(book, Q1, date(2026, 4, 30)), "commitment_id")
    assert {key: row["verdict"] for key, row in later.items()} == {"inside": "kept", "agreed later": "pending"}


def test_users_choose_owners(tmp_path: Path) -> None:
    """`users` keeps the commitments of these owners only."""
    book = _book(tmp_path, [promise("a", "booked", "1"), promise("b", "booked", "1", owner_id="B")])
    (row,) = records(commitments(book, Q1, END, users=("B",)))
    assert (row["commitment_id"], row["value"]) == ("b", 9999 + 10)


def test_keep_rate_is_kept_of_due(tmp_path: Path) -> None:
    """Keep rate is kept ÷ (kept + missed); declared ones are kept, pending, withdrawn and unproven count nowhere."""
    rows = [
        promise("k", "booked", "1"),
        promise("d", "reference_visit", "1", evidence_id="E"),
        promise("m", "booked", "9999", due_date="2026-03-01"),
        promise("u", "reference_visit", "1"),
        promise("w", "booked", "9999", withdrawn_at="2026-01-20"),
        promise("p", "booked", "1", original_due_date="2026-05-01", due_date="2026-05-15"),
        promise("b", "booked", "1", owner_id="B", original_due_date="2026-05-01"),
    ]
    judged = commitments(_book(tmp_path, rows), Q1, END)
    rates = by(keep_rate(judged), "owner_id")
    a = rates["A"]
    assert (a["kept"], a["missed"], a["moved"], a["pending"]) == (2, 1, 1, 1)
    assert a["keep_rate"] == pytest.approx(2 / 3)
    assert (rates["B"]["pending"], rates["B"]["keep_rate"]) == (1, None)
    assert {row["verdict"] for row in records(judged)} <= set(VERDICTS)


def test_activity_is_no_promise(tmp_path: Path) -> None:
    """A planned activity, such as a reminder that a system made, is never shown as a commitment."""
    book = _book(tmp_path, [])
    assert records(commitments(book, Q1, END)) == []


@pytest.mark.parametrize("day", [date(2026, 1, 31), END, date(2027, 1, 1)])
def test_pipeline_once_created_stays_created(tmp_path: Path, day: date) -> None:
    """What was created counts as it stood on the due day: later cuts, rises, losses and rates change no verdict."""
    deals = [
        deal("CUT", "A", 10, None, won=False, created_date="2026-01-15"),  # 300 on the due day
        deal("LOST", "A", None, "2026-02-20", won=False, is_closed=True, created_date="2026-01-20"),  # 90
        deal("ROSE", "A", 999, None, won=False, created_date="2026-01-31"),  # 10
        deal("BLANK", "A", 700, None, won=False, created_date="2026-01-31"),  # not yet known then
        deal("SILENT", "A", 5, None, won=False, created_date="2026-01-16"),  # no history: today's
        deal("USD", "A", 100, None, won=False, created_date="2026-01-16", currency="USD"),  # 50
    ]
    amounts = [
        {"opportunity_id": key, "field_name": "amount", "new_value": value, "valid_from": at}
        for key, value, at in [
            ("CUT", "250", "2026-01-15T09:00:00Z"), ("CUT", "300", "2026-01-31T22:59:00Z"),
            ("CUT", "10", "2026-01-31T23:00:00Z"), ("LOST", "90", "2026-01-20T09:00:00Z"),
            ("ROSE", "10", "2026-01-31T09:00:00Z"), ("ROSE", "999", "2026-02-01T09:00:00Z"),
            ("BLANK", None, "2026-01-31T09:00:00Z"), ("BLANK", "700", "2026-02-05T09:00:00Z"),
        ]
    ]  # fmt: skip  # one row a change
    rates = [{"currency": "USD", "date": at, "rate": rate} for at, rate in (("2026-01-01", 0.5), ("2026-02-01", 2.0))]
    promise = {
        "commitment_id": "C", "owner_id": "A", "agreed_with": "BOSS", "agreed_at": "2026-01-10",
        "metric": "pipeline_created", "target": "455", "original_due_date": "2026-01-31", "due_date": "2026-01-31",
    }  # fmt: skip  # one promise
    tables = {
        "users": USERS, "opportunities": deals, "opportunity_history": amounts, "fx_rates": rates,
        "commitments": [promise],
    }  # fmt: skip  # one book
    book = make_book(tmp_path, tables, time_zone="Europe/Berlin")
    (row,) = records(commitments(book, Q1, day))
    assert (row["value"], row["verdict"]) == (300 + 90 + 10 + 5 + 50, "kept")
