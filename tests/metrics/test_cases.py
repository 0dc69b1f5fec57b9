"""Small books that carry a trouble analysts report in public, each with the right answer worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from salesops import resolve
from salesops.book.check import check_book
from salesops.book.source import Book, open_book
from salesops.metrics.attainment import attainment
from salesops.metrics.pipeline import open_deals, pipeline
from salesops.metrics.win_rate import win_rate
from salesops.periods import parse_period

Case = Callable[[str], Book]


@pytest.fixture
def case(shared: Path) -> Case:
    """Open a case by its name."""
    return lambda name: open_book(shared / "cases" / name / "book")


def booked(book: Book, period: str, day: str, rep: str = "a") -> float:
    lines = attainment(book, parse_period(period), date.fromisoformat(day)).to_pandas()
    return float(lines[lines.user_id == rep].booked.sum())


def decided(book: Book, period: str, day: str, rep: str = "a") -> tuple[int, int]:
    rates = win_rate(book, parse_period(period), date.fromisoformat(day)).to_pandas().set_index("user_id")
    return (int(rates.won.get(rep, 0)), int(rates.lost.get(rep, 0)))


def due(book: Book, period: str, day: str, rep: str = "a") -> float:
    sums = pipeline(book, parse_period(period), date.fromisoformat(day)).to_pandas().set_index("user_id")
    return float(sums.due_amount.get(rep, 0))


def test_a_deal_won_again_counts_where_it_stands(case: Case) -> None:
    """Won in March, reopened in May, won again in July: each page says what was so on its day."""
    book = case("won-reopened-won-again")
    assert booked(book, "2026-Q1", "2026-03-31") == 1000
    assert booked(book, "2026-Q1", "2026-06-30") == 0
    (row,) = open_deals(book, date(2026, 6, 30), users=("a",)).to_pandas().to_dict("records")
    assert (row["amount"], str(row["close_date"])[:10]) == (1000, "2026-07-31")
    assert (booked(book, "2026-Q3", "2026-07-10"), booked(book, "2026-Q1", "2026-07-10")) == (1000, 0)


def test_a_deal_cancelled_after_its_win_is_lost_from_then_on(case: Case) -> None:
    """On 31 March it was won."""
    book = case("won-later-cancelled")
    assert (booked(book, "2026-Q1", "2026-03-31"), decided(book, "2026-Q1", "2026-03-31")) == (1000, (1, 0))
    assert (booked(book, "2026-Q1", "2026-06-30"), decided(book, "2026-Q1", "2026-06-30")) == (0, (0, 1))


@pytest.mark.parametrize(
    ("day", "open_then"), [("2026-03-31", 1), ("2026-04-01", 1), ("2026-04-02", 1), ("2026-04-03", 0)]
)
def test_a_win_dated_back_is_open_until_it_was_closed(case: Case, day: str, open_then: int) -> None:
    """Until then it was due in the next quarter; then it counts in the quarter of its date."""
    book = case("backdated-win")
    assert (due(book, "2026-Q1", day), due(book, "2026-Q2", day)) == (0, 1000 * open_then)
    assert booked(book, "2026-Q1", day) == 1000 * (not open_then)


def test_what_is_left_of_a_year_s_goal_is_spread_over_its_other_days(case: Case) -> None:
    """4,000 for the year and 1,500 for its second quarter leave 2,500 for the other 274 days."""
    book = case("annual-and-later-quarter-quota")
    goals = {}
    for quarter in ("2026-Q2", "2026-Q3", "2026"):
        lines = attainment(book, parse_period(quarter), date(2026, 12, 31)).to_pandas().set_index("user_id")
        goals[quarter] = float(lines.quota["a"])
    assert goals == pytest.approx({"2026-Q2": 1500, "2026-Q3": 2500 * 92 / 274, "2026": 4000})


def test_a_cancelled_order_counts_nowhere(case: Case) -> None:
    """And check says which status, how many rows and how much money it leaves out."""
    book = case("cancelled-order-status")
    assert booked(book, "2026-Q1", "2026-03-31") == 100
    (found,) = (finding for finding in check_book(book) if finding.rule == "status")
    assert "cancelled (1 row, 900 EUR)" in str(found)


@pytest.mark.parametrize(
    ("name", "day", "period", "actual"),
    [
        ("won-with-future-close-date", "2026-02-10", "2026-Q1", 100),
        ("future-delivery-date", "2026-11-10", "2026-Q3", 1000),
    ],
)
def test_what_lies_far_ahead_sets_no_date(case: Case, name: str, day: str, period: str, actual: float) -> None:
    """The default is what has happened; a date typed a year too late, or a delivery to come, moves neither."""
    book = case(name)
    span, as_of = resolve(book, "", "")
    assert (str(as_of), str(span), booked(book, str(span), str(as_of))) == (day, period, actual)


def test_the_deal_far_ahead_is_named(case: Case) -> None:
    """By check, with its id."""
    assert any("2027-12-31" in str(finding) for finding in check_book(case("won-with-future-close-date")))
