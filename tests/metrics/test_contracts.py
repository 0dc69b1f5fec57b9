"""Contracts by hand: who renews whom, what a contract that ends is called, and what is retained month by month."""

from __future__ import annotations

import tempfile
from calendar import monthrange
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import examples
import pytest
from books import Row, Rows, by, make_book, records
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.source import Book
from salesops.metrics.contracts import account_spells, contract_spans, recurring_by_month, renewal_rate
from salesops.periods import Period

DAY = date(2026, 12, 31)
YEAR_2025 = Period(date(2025, 1, 1), date(2025, 12, 31))


def contract(key: str, start: str | None, end: str | None, account: str = "A", **more: Any) -> Row:
    """A contract over 1,200 a year; yearly with 30 days of notice where it has an end."""
    term = {"contract_term_months": 12, "notice_days": 30} if end else {}
    row = {"contract_id": key, "account_id": account, "start_date": start, "end_date": end, "annual_amount": 1200}
    return {**row, **term, **more}


def loose(key: str, start: str, end: str | None, account: str = "A", **more: Any) -> Row:
    """A contract without length and notice: its end is a fact of the day on which it comes."""
    return contract(key, start, end, account, contract_term_months=None, notice_days=None, **more)


def book_of(folder: Path, *rows: Row, **tables: Rows) -> Book:
    """A book of these contracts, and of one order on DAY, so that DAY is its last day."""
    sale = {"order_id": "O", "account_id": "A", "ordered_at": DAY}
    return make_book(folder, {"contracts": list(rows), "orders": [sale], **tables})


def spans(folder: Path, *rows: Row, as_of: date = DAY) -> dict[str, Row]:
    """What became of these contracts, by key."""
    return by(contract_spans(book_of(folder, *rows), as_of), "contract_id")


def test_without_an_end_a_contract_runs_and_is_never_up_for_renewal(tmp_path: Path) -> None:
    """No end: it runs on, has no term, no day to act and no outcome, however long ago it began."""
    book = book_of(tmp_path, contract("C1", "2015-01-01", None))
    found = by(contract_spans(book, DAY), "contract_id")["C1"]
    assert (found["runs"], found["outcome"], found["term"]) == (True, "runs", False)
    assert [found[name] for name in ("end_date", "known_on", "action_date", "due", "until")] == [None] * 5
    assert records(renewal_rate(book, YEAR_2025, DAY))[0]["up"] == 0
    assert records(account_spells(book, DAY))[0]["ended"] is None


@pytest.mark.parametrize(
    ("start", "end", "renewed"),
    [
        ("2026-01-01", "2026-12-31", True),  # the day after
        ("2026-01-30", "2026-12-31", True),  # the last day of the grace
        ("2026-01-31", "2026-12-31", False),  # the day after it
        ("2025-12-01", "2026-11-30", True),  # a month early: the first day of the grace before the end
        ("2025-11-30", "2026-11-29", False),  # it runs beside by then
        ("2025-07-01", "2026-06-30", False),  # parallel contracts do not renew one another
        ("2025-12-10", "2025-12-31", False),  # ends no later
        ("2025-12-10", None, True),  # runs on
    ],
)
def test_renewed_is_what_starts_around_the_end(tmp_path: Path, start: str, end: str | None, renewed: bool) -> None:
    """Without a named successor, one renews that starts within 30 days of the end, either side, and ends later."""
    found = spans(tmp_path, contract("C1", "2025-01-01", "2025-12-31"), contract("C2", start, end))["C1"]
    assert (found["renewed"], found["renewed_by"]) == (renewed, "C2" if renewed else None)


def test_short_contracts_are_renewed_by_the_next_and_not_by_their_neighbours(tmp_path: Path) -> None:
    """Before the end the grace is at most half the contract's length: else each month would renew its neighbour."""
    found = spans(
        tmp_path,
        loose("M1", "2026-01-01", "2026-01-31"),
        loose("M2", "2026-02-01", "2026-02-28"),
        loose("N1", "2026-01-08", "2026-03-20"),
    )
    assert (found["M1"]["renewed_by"], found["N1"]["renewed_by"]) == ("M2", None)


def test_a_named_successor_decides(tmp_path: Path) -> None:
    """renewed_by_contract_id goes before the days: early, late and parallel; the nearest by date is not asked."""
    rows = [
        contract("C1", "2025-01-01", "2025-12-31", renewed_by_contract_id="C3"),
        contract("C2", "2026-01-01", "2026-12-30"),
        contract("C3", "2025-06-01", "2026-12-30"),
    ]
    found = spans(tmp_path, *rows)["C1"]
    assert (found["renewed_by"], found["until"], found["outcome"]) == ("C3", date(2025, 5, 31), "renewed")


def test_a_named_successor_that_the_book_does_not_know_renews_nothing(tmp_path: Path) -> None:
    """A draft that never came into force is not in the book: the days decide."""
    rows = [contract("C1", "2025-01-01", "2025-12-31", status="renewed", renewed_by_contract_id="C9")]
    assert spans(tmp_path / "a", *rows)["C1"]["outcome"] == "left"
    rows.append(contract("C2", "2026-01-01", "2026-12-31"))
    assert spans(tmp_path / "b", *rows)["C1"]["renewed_by"] == "C2"


def test_another_account_renews_nothing_by_its_days(tmp_path: Path) -> None:
    """Days count within an account alone."""
    rows = [contract("C1", "2025-01-01", "2025-12-31"), contract("C2", "2026-01-01", None, account="B")]
    assert spans(tmp_path, *rows)["C1"]["outcome"] == "left"


def test_a_contract_that_ends_while_others_run_is_a_downsell(tmp_path: Path) -> None:
    """Two of three parallel contracts end: a downsell each; the last one's end is the account's leaving."""
    found = spans(
        tmp_path,
        contract("C1", "2024-01-01", "2024-12-31"),
        contract("C2", "2024-01-01", "2025-06-30"),
        loose("C3", "2024-03-01", "2025-09-30"),
        contract("D1", "2024-01-01", "2024-12-31", account="D"),
        contract("D2", "2024-01-01", "2024-12-31", account="D"),
    )
    outcomes = {key: row["outcome"] for key, row in found.items()}
    assert outcomes == {"C1": "downsell", "C2": "downsell", "C3": "left", "D1": "left", "D2": "left"}


def test_what_ended_lately_waits_for_its_grace(tmp_path: Path) -> None:
    """Up to 30 days after the end a successor may come: no outcome, and not in the rate."""
    book = book_of(
        tmp_path, contract("C1", "2025-12-02", "2026-12-01"), contract("C2", "2025-12-01", "2026-11-30", "B")
    )
    outcome = {day: by(contract_spans(book, day), "contract_id") for day in (date(2026, 12, 30), DAY)}
    assert outcome[date(2026, 12, 30)]["C2"]["outcome"] == "left"
    assert outcome[date(2026, 12, 30)]["C1"]["outcome"] == "waiting"
    assert outcome[DAY]["C1"]["outcome"] == "left"
    assert outcome[date(2026, 12, 30)]["C1"]["due"] == DAY
    rate = records(renewal_rate(book, Period(date(2026, 1, 1), DAY), date(2026, 12, 30)))[0]
    assert (rate["up"], rate["waiting"], rate["left"], rate["rate"]) == (1, 1, 1, 0)


def test_an_end_without_length_and_notice_is_known_from_that_day(tmp_path: Path) -> None:
    """The day before it the contract runs without an end; with notice it is known from the notice; a term always."""
    rows = [
        loose("L", "2025-01-01", "2026-06-30"),
        contract("N", "2025-01-01", "2026-06-30", "B", contract_term_months=None),
        contract("T", "2025-07-01", "2026-06-30", "C"),
        contract("X", "2025-07-01", "2027-06-30", "D"),
    ]
    book = book_of(tmp_path, *rows)
    on = {day: by(contract_spans(book, day), "contract_id") for day in (date(2026, 6, 29), date(2026, 6, 30))}
    assert [on[date(2026, 6, 29)]["L"][name] for name in ("end_date", "until", "runs")] == [None, None, True]
    assert on[date(2026, 6, 30)]["L"]["end_date"] == date(2026, 6, 30)
    found = by(contract_spans(book, DAY), "contract_id")
    known = {key: row["known_on"] for key, row in found.items()}
    assert known["L"] == date(2026, 6, 30)
    assert (known["N"], known["T"]) == (date(2025, 1, 1), date(2025, 7, 1))
    assert {key: row["term"] for key, row in found.items()} == {"L": False, "N": True, "T": True, "X": True}
    assert (found["T"]["action_date"], found["L"]["action_date"]) == (date(2026, 5, 31), None)


def test_where_most_run_on_an_end_is_a_termination(tmp_path: Path) -> None:
    """Rolling contracts with a notice have no term: an end is known from the day of notice, and renews at no rate."""
    rolling = [contract(f"R{n}", "2024-01-01", None, f"R{n}", notice_days=90) for n in range(3)]
    book = book_of(tmp_path, *rolling, contract("R9", "2024-01-01", "2025-10-31", "R9", notice_days=90))
    found = by(contract_spans(book, DAY), "contract_id")["R9"]
    assert (found["term"], found["known_on"], found["outcome"]) == (False, date(2025, 8, 2), "left")
    assert by(contract_spans(book, date(2025, 8, 1)), "contract_id")["R9"]["end_date"] is None
    assert records(renewal_rate(book, YEAR_2025, DAY))[0] == {
        "up": 0, "renewed": 0, "downsell": 0, "left": 0, "waiting": 0, "amount_up": 0, "amount_renewed": 0,
        "rate": None, "amount_rate": None,
    }  # fmt: skip  # one row


def test_renewal_rate_by_count_and_by_amount(tmp_path: Path) -> None:
    """Four up for renewal: two renewed, one downsell, one left; 3,000 of 5,000 of what ended."""
    book = book_of(
        tmp_path,
        contract("A1", "2024-07-01", "2025-06-30", annual_amount=1000),
        contract("A2", "2025-07-01", "2026-06-30", annual_amount=9000),
        contract("B1", "2025-01-01", "2025-12-31", "B", annual_amount=2000, renewed_by_contract_id="B2"),
        contract("B2", "2026-01-01", None, "B", annual_amount=100),
        contract("B3", "2024-03-01", "2025-02-28", "B", annual_amount=1500),
        contract("C1", "2024-03-01", "2025-02-28", "C", annual_amount=500),
        contract("D1", "2024-12-31", "2026-12-30", "D", annual_amount=700),
    )
    rate = records(renewal_rate(book, YEAR_2025, DAY))[0]
    assert {name: rate[name] for name in ("up", "renewed", "downsell", "left", "waiting")} == {
        "up": 4, "renewed": 2, "downsell": 1, "left": 1, "waiting": 0,
    }  # fmt: skip  # one row
    assert (rate["amount_up"], rate["amount_renewed"], rate["rate"], rate["amount_rate"]) == (5000, 3000, 0.5, 0.6)


def test_signed_ahead_is_known_on_the_last_day_alone(tmp_path: Path) -> None:
    """A successor that starts after the last day stands in the book; a day earlier nobody could know it."""
    book = book_of(tmp_path, contract("C1", "2026-01-20", "2027-01-19"), contract("C2", "2027-01-20", "2028-01-19"))
    for day, renewed in ((date(2026, 12, 30), False), (DAY, True)):
        found = by(contract_spans(book, day), "contract_id")
        assert (found["C1"]["renewed"], list(found)) == (renewed, ["C1"])


def months(folder: Path, *rows: Row, as_of: date = DAY, **tables: Rows) -> dict[date, Row]:
    """The months of a book of these contracts, by their last day."""
    return by(recurring_by_month(book_of(folder, *rows, **tables), as_of), "month")


def test_each_move_has_its_name(tmp_path: Path) -> None:
    """New, upgrade, downgrade, churn and reactivation of one account, each in its month; the amounts add up."""
    found = months(
        tmp_path,
        loose("1", "2026-01-01", "2026-02-28", annual_amount=100),
        loose("2", "2026-03-01", "2026-04-30", annual_amount=250),
        loose("3", "2026-05-01", "2026-06-30", annual_amount=80),
        loose("4", "2026-09-01", None, annual_amount=90),
        as_of=date(2026, 9, 30),
    )
    moves = ("new", "reactivation", "upgrade", "downgrade", "churn")
    told = {day.month: {name: row[name] for name in moves if row[name]} for day, row in found.items()}
    assert told == {
        1: {"new": 100}, 2: {}, 3: {"upgrade": 150}, 4: {}, 5: {"downgrade": 170}, 6: {}, 7: {"churn": 80}, 8: {},
        9: {"reactivation": 90},
    }  # fmt: skip  # a month after the other
    assert [(row["lost"], row["reactivated"], row["new_accounts"]) for row in found.values()][6:] == [
        (1, 0, 0), (0, 0, 0), (0, 1, 0),
    ]  # fmt: skip  # July to September
    assert [row["amount"] for row in found.values()] == [100, 100, 250, 250, 80, 80, 0, 0, 90]
    assert [row["grr"] for row in found.values()] == [None, 1, 1, 1, 80 / 250, 1, 0, None, None]
    assert [row["nrr"] for row in found.values()] == [None, 1, 2.5, 1, 80 / 250, 1, 0, None, None]


def test_one_of_two_contracts_that_ends_lowers_gross_retention(tmp_path: Path) -> None:
    """GRR is capped for each account: one's downsell of 40 is not made good by another's upgrade of 100."""
    found = months(
        tmp_path,
        contract("A1", "2025-01-01", "2025-12-31", annual_amount=40),
        contract("A2", "2025-01-01", "2026-12-30", annual_amount=60),
        contract("B1", "2025-01-01", "2025-12-31", "B", annual_amount=100),
        contract("B2", "2026-01-01", "2026-12-30", "B", annual_amount=200),
        contract("C1", "2026-01-01", "2026-12-30", "C", annual_amount=1000),
        as_of=date(2026, 1, 31),
    )
    january = found[date(2026, 1, 31)]
    assert (january["grr"], january["nrr"]) == (0.8, 1.3)
    assert (january["downgrade"], january["upgrade"], january["new"], january["lost"]) == (40, 100, 1000, 0)
    assert (january["grr_year"], january["nrr_year"]) == (0.8, 1.3)


def test_a_late_or_early_renewal_moves_no_money(tmp_path: Path) -> None:
    """Within the grace a gap is no churn, and an overlap is no upgrade."""
    found = months(
        tmp_path,
        contract("A1", "2025-01-15", "2026-01-14"),
        contract("A2", "2026-02-10", "2026-12-30"),
        contract("B1", "2025-02-15", "2026-02-14", "B"),
        contract("B2", "2026-01-20", "2026-12-30", "B"),
        as_of=date(2026, 3, 31),
    )
    quiet = [row for day, row in found.items() if day >= date(2026, 1, 31)]
    assert [(row["accounts"], row["amount"], row["churn"], row["upgrade"]) for row in quiet] == [(2, 2400, 0, 0)] * 3


def test_other_currencies_count_at_the_rate_of_the_start(tmp_path: Path) -> None:
    """A contract keeps the rate of its start, so that money moves with contracts; without a rate it is 0."""
    rates = [
        {"currency": "USD", "date": date(2026, 1, 1), "rate": 0.5},
        {"currency": "USD", "date": date(2026, 2, 1), "rate": 0.9},
    ]
    found = months(
        tmp_path,
        contract("A1", "2026-01-01", None, currency="USD", annual_amount=100),
        contract("B1", "2026-01-01", None, "B", currency="GBP", annual_amount=100),
        as_of=date(2026, 2, 28),
        fx_rates=rates,
    )
    assert [(row["accounts"], row["amount"]) for row in found.values()] == [(2, 50), (2, 50)]


def test_spells_end_where_the_account_leaves(tmp_path: Path) -> None:
    """A gap of more than the grace parts two spells; parallel contracts and renewals are one."""
    book = book_of(
        tmp_path,
        contract("1", "2024-01-01", "2024-12-31"),
        contract("2", "2024-06-01", "2025-03-31"),
        contract("3", "2025-04-20", "2025-08-31"),
        contract("4", "2026-01-01", None),
    )
    found = [(row["started"], row["ended"]) for row in records(account_spells(book, DAY).order_by("spell"))]
    assert found == [(date(2024, 1, 1), date(2025, 8, 31)), (date(2026, 1, 1), None)]


def test_a_contract_that_ends_before_it_starts_counts_nowhere(tmp_path: Path) -> None:
    """`check` names it; no figure stands on it."""
    assert spans(tmp_path, contract("C1", "2026-01-01", "2025-01-01")) == {}


def test_a_book_without_contracts_has_no_month(tmp_path: Path) -> None:
    """No contract: no row, and no error."""
    book = book_of(tmp_path)
    assert records(recurring_by_month(book, DAY)) == records(account_spells(book, DAY)) == []


periods = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 24), st.integers(1, 8), st.sampled_from([25, 50, 75])),
    min_size=1,
    max_size=12,
)


def month(number: int) -> date:
    """The first day of a month, counted from January 2024."""
    return date(2024 + number // 12, number % 12 + 1, 1)


def in_turn(drawn: list[tuple[int, int, int, int]]) -> list[tuple[str, int, int, int]]:
    """Periods of whole months of four accounts, one after the other: (account, first month, month after it, money).

    Between two periods of an account lie no months or two and more: one month is within the grace.
    """
    free: dict[int, int] = {}
    rows = []
    for account, wait, length, money in drawn:
        gap = wait % 5
        start = free[account] + (0 if gap == 1 else gap) if account in free else wait
        free[account] = start + length
        rows.append((f"A{account}", start, start + length, money))
    return rows


@pytest.mark.long
@settings(max_examples=examples.of(25), deadline=None)
@given(periods)
def test_months_equal_a_count_by_hand(drawn: list[tuple[int, int, int, int]]) -> None:
    """On periods of whole months each account's moves are those of comparing two months, counted in plain Python."""
    rows = in_turn(drawn)
    with tempfile.TemporaryDirectory() as folder:
        book = book_of(
            Path(folder),
            *[
                loose(str(n), str(month(start)), str(month(end) - timedelta(days=1)), account, annual_amount=money)
                for n, (account, start, end, money) in enumerate(rows)
            ],
        )
        found = records(recurring_by_month(book, date(2030, 12, 31)))
    first = min(start for _, start, _, _ in rows)
    for place, row in enumerate(found):
        n = first + place
        assert row["month"] == month(n + 1) - timedelta(days=1)
        held, before = (
            {a: sum(m for b, s, e, m in rows if b == a and s <= k < e) for a in {r[0] for r in rows}}
            for k in (n, n - 1)
        )
        known = {a for a, s, _, _ in rows if s < n}
        came = [a for a in held if held[a] and not before[a]]
        assert row["accounts"] == sum(map(bool, held.values()))
        assert row["new_accounts"] == len([a for a in came if a not in known])
        assert row["reactivated"] == len([a for a in came if a in known])
        assert row["lost"] == len([a for a in held if before[a] and not held[a]])
        both = [a for a in held if held[a] and before[a]]
        assert row["upgrade"] == sum(max(held[a] - before[a], 0) for a in both)
        assert row["downgrade"] == sum(max(before[a] - held[a], 0) for a in both)
        whole = sum(before.values())
        assert row["grr"] == (pytest.approx(sum(min(held[a], before[a]) for a in held) / whole) if whole else None)


@pytest.mark.long
@settings(max_examples=examples.of(25), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("AB"), st.integers(0, 600), st.one_of(st.none(), st.integers(0, 500)), st.integers(1, 9)
        ),
        max_size=8,
    )
)
def test_amounts_add_up_whatever_overlaps(drawn: list[tuple[str, int, int | None, int]]) -> None:
    """amount = amount before + new + reactivation + upgrade − downgrade − churn; GRR is at most 1 and NRR."""
    start = date(2024, 1, 1)
    rows = [
        contract(
            str(n),
            str(start + timedelta(days=s)),
            None if length is None else str(start + timedelta(days=s + length)),
            account,
            annual_amount=money,
        )
        for n, (account, s, length, money) in enumerate(drawn)
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = records(recurring_by_month(book_of(Path(folder), *rows), DAY))
    amount, accounts = 0.0, 0
    for row in found:
        up = row["new"] + row["reactivation"] + row["upgrade"]
        assert row["amount"] == pytest.approx(amount + up - row["downgrade"] - row["churn"])
        assert row["accounts"] == accounts + row["new_accounts"] + row["reactivated"] - row["lost"]
        assert row["grr"] is None or row["grr"] <= min(1, row["nrr"] + 1e-12)
        assert row["month"].day == monthrange(row["month"].year, row["month"].month)[1]
        amount, accounts = row["amount"], row["accounts"]
