"""Quotas as they count for a period."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import examples
import pytest
from books import Rows, by, make_book
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.check import check_book
from salesops.book.goals import goals, spread
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import Period, parse_period

QUARTER = parse_period("2026-Q1")


def quota(owner: str, amount: float, start: str = "2026-01-01", end: str = "2026-03-31", **more: Any) -> dict[str, Any]:
    return {"owner_id": owner, "quota_amount": amount, "period_start": start, "period_end": end, **more}


def amount_of(book: Book, period: str, owner: str = "A") -> Any:
    return by(goals(book, parse_period(period)), "user_id")[owner]["quota"]


def test_quota_of_the_same_period_counts_whole(tmp_path: Path) -> None:
    """A quota whose period is the report's counts whole, and is not called prorated or ramped."""
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "quotas": [quota("A", 9000)]})
    assert by(goals(book, QUARTER), "user_id")["A"] == {
        "user_id": "A",
        "measure": "bookings",
        "is_rollup": False,
        "quota": 9000.0,
        "prorated": False,
        "is_rest": False,
        "ramped": False,
        "quotas_left_out": 0,
    }


@pytest.mark.parametrize(
    ("period", "amount", "prorated"),
    [
        ("2013-09-29..2013-12-28", 910, False),
        ("2013-09-01..2013-12-31", 910, False),
        ("2013-Q4", 890, True),  # 1 October to 28 December: 89 of 91 days
        ("2013-09", 20, True),  # 29 and 30 September
        ("2013-12-28..2014-12-27", 10, True),
    ],
)
def test_quota_is_prorated_by_days(tmp_path: Path, period: str, amount: float, prorated: bool) -> None:
    """A quota that overlaps the report's period in part counts by its share of days, and says so."""
    book = make_book(tmp_path, {"quotas": [quota("A", 910, "2013-09-29", "2013-12-28")]})
    row = by(goals(book, parse_period(period)), "user_id")["A"]
    assert (row["quota"], row["prorated"]) == (pytest.approx(amount), prorated)


def test_quota_outside_the_period_is_none(tmp_path: Path) -> None:
    """A quota that ends the day before, or begins the day after, is no goal of the period."""
    book = make_book(tmp_path, {"quotas": [quota("A", 910, "2013-09-29", "2013-12-28")]})
    assert by(goals(book, parse_period("2013-12-29..2014-03-29")), "user_id") == {}
    assert by(goals(book, parse_period("2013-07-01..2013-09-28")), "user_id") == {}


def test_quotas_of_parts_add_up(tmp_path: Path) -> None:
    """Quotas of a quarter's months sum to the quarter; two measures are two goals; a rollup is a goal of its own."""
    book = make_book(
        tmp_path,
        {
            "quotas": [
                quota("A", 100, "2026-01-01", "2026-01-31"),
                quota("A", 200, "2026-02-01", "2026-02-28"),
                quota("A", 300, "2026-03-01", "2026-03-31"),
                quota("A", 50, measure="orders"),
                quota("M", 600, is_rollup=True),
                quota("M", 40, "2026-01-01", "2026-01-31", is_rollup=False),
            ]
        },
    )
    found = by(goals(book, QUARTER), "user_id", "measure", "is_rollup")
    assert {key: row["quota"] for key, row in found.items()} == {
        ("A", "bookings", False): 600.0,
        ("A", "orders", False): 50.0,
        ("M", "bookings", True): 600.0,
        ("M", "bookings", False): 40.0,
    }


YEAR, SPRING, AUTUMN, OCTOBER = (
    quota("A", 4000, "2026-01-01", "2026-12-31"),
    quota("A", 1500, "2026-04-01", "2026-06-30"),
    quota("A", 1000, "2026-10-01", "2026-12-31"),
    quota("A", 1300, "2026-10-01", "2026-10-31"),
)


@pytest.mark.parametrize(
    ("quotas", "period", "amount", "is_rest"),
    [
        ([YEAR, SPRING], "2026-Q2", 1500, False),
        ([YEAR, SPRING], "2026-Q3", 2500 * 92 / 274, True),
        ([YEAR, SPRING], "2026", 4000, True),
        # a quarter of its own leaves 1,500 for the 182 days of the first and the third
        ([YEAR, SPRING, AUTUMN], "2026-Q1", 1500 * 90 / 182, True),
        ([YEAR, SPRING, AUTUMN], "2026-10", 1000 * 31 / 92, False),
        # a month that asks more than its quarter leaves nothing to the quarter, and less to the year
        ([YEAR, SPRING, AUTUMN, OCTOBER], "2026-Q4", 1300, True),
        ([YEAR, SPRING, AUTUMN, OCTOBER], "2026-Q1", 1200 * 90 / 182, True),
        ([YEAR, SPRING, AUTUMN, OCTOBER], "2026", 4000, True),
    ],
)
def test_a_year_leaves_its_rest_beside_a_quarter(
    tmp_path: Path, quotas: Rows, period: str, amount: float, is_rest: bool
) -> None:
    """A quarter counts with its own quota; the year's other days share what is left of it; nothing is added twice."""
    book = make_book(tmp_path, {"quotas": quotas})
    found = by(goals(book, parse_period(period)), "user_id")["A"]
    assert (found["quota"], found["is_rest"]) == (pytest.approx(amount), is_rest)


def test_a_year_and_its_first_quarter_need_no_version(tmp_path: Path) -> None:
    """A year and a quarter that begin on one day are two quotas, and so are an own quota and a rollup."""
    first = quota("A", 1500)
    rows = [YEAR, first, quota("A", 9000, is_rollup=True), quota("A", 500, "2026-01-01", "2026-01-31")]
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "quotas": rows})
    assert [finding for finding in check_book(book) if finding.severity == "error"] == []
    found = by(goals(book, QUARTER), "is_rollup")
    assert {key: row["quota"] for key, row in found.items()} == {False: pytest.approx(1500), True: 9000.0}


@settings(max_examples=examples.of(8), deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 120), st.integers(0, 1000)), min_size=1, max_size=6,
        unique_by=lambda each: each[:2],
    ),
)  # fmt: skip  # one strategy
def test_overlapping_quotas_are_never_added(drawn: list[tuple[int, int, int]]) -> None:
    """No day has two quotas, each day of a quota has one, and what its days carry, or lack, is its amount or more."""
    first = date(2026, 1, 1)
    quotas = [_span(first + timedelta(days=since), length, float(amount)) for since, length, amount in sorted(drawn)]
    a_day: dict[date, float] = {}
    lacking: dict[tuple[date, date], float] = {}
    for span in spread(quotas):
        if span["since"] is None:
            lacking[span["period_start"], span["period_end"]] = span["amount"]
            continue
        days = _days(span["since"], span["until"])
        assert not set(days) & set(a_day)
        a_day |= dict.fromkeys(days, span["amount"] / len(days))
    for row in quotas:
        lack = lacking.get((row["period_start"], row["period_end"]), 0.0)
        carried = sum(a_day[day] for day in _days(row["period_start"], row["period_end"]))
        assert carried + lack >= row["amount"] - 0.01


def _span(first: date, length: int, amount: float) -> dict[str, Any]:
    last = first + timedelta(days=length)
    whole = {"period_start": first, "period_end": last, "since": first, "until": last}
    return {**whole, "amount": amount, "is_rest": False}


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_a_year_whose_quarters_fall_short_is_told(tmp_path: Path) -> None:
    """Where shorter quotas have all days of a longer one and do not add up to it, the check names what has no day."""
    quarters = [quota("A", 800, *span) for span in (
        ("2026-01-01", "2026-03-31"), ("2026-04-01", "2026-06-30"), ("2026-07-01", "2026-09-30"),
        ("2026-10-01", "2026-12-31"),
    )]  # fmt: skip  # a list of quarters
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "quotas": [YEAR, *quarters], "orders": []})
    found = [str(finding) for finding in check_book(book) if finding.rule == "quota without days"]
    assert found == [
        "quotas: 1 of 5 rows is longer than the quotas that fill the same days and add up to less: 800 EUR in no goal "
        "(first: A 2026-01-01..2026-12-31). Raise the shorter quotas, or lower the longer one."
    ]


def test_quota_is_never_cut_by_as_of(tmp_path: Path) -> None:
    """Early in the period the goal is already the whole one."""
    book = make_book(tmp_path, {"quotas": [quota("A", 9000)]})
    assert amount_of(as_known(book, date(2026, 1, 2)), "2026-Q1") == 9000.0
    assert amount_of(as_known(book, date(2025, 12, 1)), "2026-Q1") == 9000.0


@pytest.mark.parametrize(
    ("hired", "period", "expected"),
    [
        # 46 days at ¼ (to 15 February; days before the hire count as the first month), 28 at ½, 16 at ¾ of 90 days
        ("2026-01-16", "2026-Q1", 9000 * (46 / 4 + 28 / 2 + 16 * 3 / 4) / 90),
        # the second month of tenure has 28 of January's 31 days, the third the rest; 9000 × 31/90 falls to January
        ("2025-11-29", "2026-01", 3100 * (28 / 2 + 3 * 3 / 4) / 31),
        # the first of the month: three whole months
        ("2026-01-01", "2026-Q1", 9000 * (31 / 4 + 28 / 2 + 31 * 3 / 4) / 90),
        # hired on the last of January: the first month of tenure ends on 27 February
        ("2026-01-31", "2026-02", 2800 * (27 / 4 + 1 / 2) / 28),
        ("2025-10-01", "2026-Q1", 9000),
        ("2027-01-01", "2026-Q1", 9000 / 4),
        (None, "2026-Q1", 9000),
    ],
)
def test_ramp_is_the_mean_factor_of_the_days(tmp_path: Path, hired: str | None, period: str, expected: float) -> None:
    """A new rep's quota is multiplied by the mean of the ramp factors of its days, by month of tenure."""
    tables: dict[str, Rows] = {"users": [{"user_id": "A", "hire_date": hired}], "quotas": [quota("A", 9000)]}
    book = make_book(tmp_path, tables, ramp=[0.25, 0.5, 0.75])
    row = by(goals(book, parse_period(period)), "user_id")["A"]
    share = parse_period(period).days / 90
    assert row["quota"] == pytest.approx(expected)
    assert row["ramped"] == (expected < 9000 * share)


def test_ramp_is_applied_once(tmp_path: Path) -> None:
    """A quota with ramp_applied already allows for ramp; a rollup sums quotas that do; without a ramp all is full."""
    tables: dict[str, Rows] = {
        "users": [{"user_id": user, "hire_date": "2026-01-01"} for user in "ABC"],
        "quotas": [quota("A", 9000, ramp_applied=True), quota("B", 9000, is_rollup=True), quota("C", 9000)],
    }
    ramped = by(goals(make_book(tmp_path / "ramp", tables, ramp=[0, 0, 0]), QUARTER), "user_id")
    assert {user: (row["quota"], row["ramped"]) for user, row in ramped.items()} == {
        "A": (9000.0, False),
        "B": (9000.0, False),
        "C": (0.0, True),
    }
    full = by(goals(make_book(tmp_path / "plain", tables), QUARTER), "user_id")
    assert {user: row["quota"] for user, row in full.items()} == {"A": 9000.0, "B": 9000.0, "C": 9000.0}


def test_quota_in_another_currency(tmp_path: Path) -> None:
    """A quota is converted by the rate of its first day; without a rate it is left out and counted."""
    tables: dict[str, Rows] = {
        "quotas": [
            quota("A", 100, "2026-01-01", "2026-01-31", currency="USD"),
            quota("A", 1000, "2026-02-01", "2026-02-28"),
            quota("B", 100, currency="SEK"),
        ],
        "fx_rates": [
            {"currency": "USD", "date": "2025-12-01", "rate": 0.9},
            {"currency": "USD", "date": "2026-02-01", "rate": 0.5},
        ],
    }
    found = by(goals(make_book(tmp_path / "rates", tables), QUARTER), "user_id")
    assert (found["A"]["quota"], found["A"]["quotas_left_out"]) == (pytest.approx(1090), 0)
    assert (found["B"]["quota"], found["B"]["quotas_left_out"]) == (None, 1)
    del tables["fx_rates"]
    found = by(goals(make_book(tmp_path / "none", tables), QUARTER), "user_id")
    assert (found["A"]["quota"], found["A"]["quotas_left_out"]) == (1000.0, 1)


@settings(max_examples=examples.of(12), deadline=None)
@given(
    st.dates(date(2025, 1, 1), date(2026, 12, 31)),
    st.integers(0, 200),
    st.integers(0, 300),
    st.integers(0, 300),
    st.dates(date(2024, 10, 1), date(2026, 12, 31)),
)
def test_goals_of_consecutive_periods_sum_to_the_whole(
    start: date, length: int, first: int, second: int, hired: date
) -> None:
    """Prorated and ramped goals of two periods that follow each other sum to the goal of both together."""
    whole = Period(start, start + timedelta(days=first + second + 1))
    parts = [Period(start, start + timedelta(days=first)), Period(start + timedelta(days=first + 1), whole.end)]
    end = date(2025, 6, 1) + timedelta(days=length)
    tables: dict[str, Rows] = {
        "users": [{"user_id": "A", "hire_date": hired}],
        "quotas": [quota("A", 1000, "2025-06-01", str(end))],
    }
    with tempfile.TemporaryDirectory() as folder:
        book = make_book(Path(folder), tables, ramp=[0.2, 0.6])
        sums = [sum(row["quota"] for row in by(goals(book, period), "user_id").values()) for period in (whole, *parts)]
    assert sums[0] == pytest.approx(sums[1] + sums[2])
