"""Goal, actual and gap, against sums done by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from books import Row, by, make_book, records

from salesops.book.source import Book
from salesops.errors import BookError
from salesops.metrics.attainment import actuals, attainment, cumulative, house_sales
from salesops.periods import Period

Q1 = Period(date(2026, 1, 1), date(2026, 3, 31), "2026-Q1")
END = Q1.end


def won(key: str, owner: str, amount: float | None, close: str, **more: object) -> Row:
    row = {"opportunity_id": key, "owner_id": owner, "amount": amount, "close_date": close}
    return {**row, "is_closed": True, "is_won": True, **more}


def quota(owner: str, amount: float, start: str = "2026-01-01", end: str = "2026-03-31", **more: object) -> Row:
    return {"owner_id": owner, "period_start": start, "period_end": end, "quota_amount": amount, **more}


USERS = [
    {"user_id": "M", "role": "manager"},
    {"user_id": "M2", "role": "manager", "manager_id": "M"},
    {"user_id": "A", "manager_id": "M", "territory_id": "N"},
    {"user_id": "B", "manager_id": "M", "territory_id": "N"},
    {"user_id": "C", "manager_id": "M2", "territory_id": "S"},
    {"user_id": "X", "manager_id": "M2", "territory_id": "S"},
    {"user_id": "Z", "manager_id": "M2"},
    {"user_id": "GONE", "manager_id": "M", "end_date": "2025-12-31"},
    {"user_id": "LATER", "manager_id": "M", "hire_date": "2026-04-01"},
]
DEALS = [
    won("D1", "A", 600, "2026-02-01"),
    won("D2", "A", 400, "2026-02-02"),  # half of it is B's
    won("D3", "C", 100, "2026-02-03", currency="USD"),  # no rate
    won("D4", "A", 999, "2026-02-04", is_won=False),
    {"opportunity_id": "D5", "owner_id": "A", "amount": 5000, "close_date": "2026-03-30"},
    won("D6", "A", 7000, "2026-04-01"),
    won("D7", "X", 70, "2026-03-01"),
    won("D8", "B", 10, "2026-03-31"),
    won("D9", "B", 20, "2026-01-01"),
    won("D10", "B", 3000, "2025-12-31"),
]
CREDITS = [
    {"opportunity_id": "D2", "user_id": "A", "share": 0.5},
    {"opportunity_id": "D2", "user_id": "B", "share": 0.5},
]
QUOTAS = [
    quota("A", 1000),
    quota("B", 200),
    quota("C", 3650, end="2026-12-31"),
    quota("Z", 500),
    quota("M", 2500, is_rollup=True),
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    tables = {"users": USERS, "opportunities": DEALS, "credits": CREDITS, "quotas": QUOTAS}
    return make_book(tmp_path_factory.mktemp("bookings"), tables)


@pytest.fixture(scope="module")
def lines(book: Book) -> dict[str, Row]:
    return by(attainment(book, Q1, END), "user_id")


def test_every_line_stands_once(lines: dict[str, Row]) -> None:
    """Everyone with a quota, a deal or an active role of rep has one line; who left before or came after has none."""
    assert set(lines) == {"M", "A", "B", "C", "X", "Z"}


def test_rep_without_sales_has_attainment_zero(lines: dict[str, Row]) -> None:
    """A rep who sold nothing has attainment 0 and a gap equal to the quota; the row is not missing."""
    assert (lines["Z"]["booked"], lines["Z"]["attainment"], lines["Z"]["gap"]) == (0, 0, 500)


def test_rep_without_quota_has_no_attainment(lines: dict[str, Row]) -> None:
    """A rep without a quota has no attainment and no gap, not an infinite one; the sales still show."""
    x = lines["X"]
    assert (x["quota"], x["attainment"], x["gap"], x["pace"], x["booked"]) == (None, None, None, None, 70)


def test_split_deal_is_credited_by_shares(lines: dict[str, Row]) -> None:
    """A split deal gives each rep its share of the amount, and shares as counts."""
    assert (lines["A"]["booked"], lines["A"]["deals"]) == (600 + 200, 1.5)
    assert (lines["B"]["booked"], lines["B"]["deals"]) == (200 + 10 + 20, 2.5)


def test_attainment_gap_and_overachievement(lines: dict[str, Row]) -> None:
    """Attainment is actual ÷ quota and gap is quota − actual; above the goal the gap is negative."""
    assert (lines["A"]["attainment"], lines["A"]["gap"]) == (0.8, 200)
    assert (lines["B"]["attainment"], lines["B"]["gap"]) == (1.15, -30)


def test_only_won_deals_closed_in_the_period_count(lines: dict[str, Row]) -> None:
    """Lost and open deals, and those won a day before or after, are no actual; both end days are in it."""
    assert sum(line["booked"] for key, line in lines.items() if key != "M") == 600 + 400 + 70 + 10 + 20


def test_quota_of_a_longer_period_is_prorated_by_days(lines: dict[str, Row]) -> None:
    """A year's quota counts 90 of 365 days in the first quarter, and the line says so."""
    assert lines["C"]["quota"] == pytest.approx(3650 * 90 / 365)
    assert lines["C"]["prorated"]
    assert not lines["A"]["prorated"]


def test_amount_without_rate_is_left_out_and_counted(lines: dict[str, Row]) -> None:
    """A deal in a currency without a rate is in no total; the line counts it."""
    assert (lines["C"]["booked"], lines["C"]["no_rate"]) == (0, 1)
    assert lines["A"]["no_rate"] == 0


def test_rollup_shows_the_whole_team_below(lines: dict[str, Row]) -> None:
    """A manager's rollup quota stands against the actual of everyone below, at any depth."""
    assert lines["M"]["is_rollup"]
    assert (lines["M"]["quota"], lines["M"]["booked"], lines["M"]["deals"]) == (2500, 1100, 6)


def test_rollup_is_never_added_to_its_members(book: Book) -> None:
    """The team's quota is the sum of the reps' quotas; each deal counts once."""
    (team,) = records(attainment(book, Q1, END, by="team"))
    assert team["quota"] == pytest.approx(1000 + 200 + 500 + 900)
    assert (team["booked"], team["deals"], team["no_rate"]) == (1100, 6, 1)
    assert (team["lines"], team["lines_with_quota"], team["lines_attained"]) == (5, 4, 1)
    assert team["booked_with_quota"] == 1030
    assert team["gap"] == pytest.approx(1500)
    assert team["attainment"] == pytest.approx(1100 / 2600)


def test_groups_add_up_to_the_team(book: Book) -> None:
    """By manager and by territory the sums are those of their people; those without a territory have a group."""
    heads = by(attainment(book, Q1, END, by="manager"), "manager_id")
    assert {key: (row["booked"], row["lines"]) for key, row in heads.items()} == {"M": (1030, 2), "M2": (70, 3)}
    lands = by(attainment(book, Q1, END, by="territory"), "territory_id")
    assert {key: row["booked"] for key, row in lands.items()} == {"N": 1030, "S": 70, None: 0}
    assert lands["N"]["attainment"] == pytest.approx(1030 / 1200)


@pytest.mark.parametrize(("manager", "people"), [("M", "MABCXZ"), ("M2", "CXZ")])
def test_manager_means_everyone_below(book: Book, manager: str, people: str) -> None:
    """`manager` keeps the manager and everyone below at any depth, and nobody else."""
    assert set(by(attainment(book, Q1, END, manager=manager), "user_id")) == set(people)


def test_unknown_manager_is_an_error(book: Book) -> None:
    """A manager whom the book does not know is refused, with the names it knows."""
    with pytest.raises(BookError, match="no user has the id or name 'M3'"):
        attainment(book, Q1, END, manager="M3")


def test_quota_is_never_cut_by_as_of_but_the_pace_is(book: Book) -> None:
    """In mid-period the actual stops at as_of, the quota stays whole and the pace is its share of days gone."""
    line = by(attainment(book, Q1, date(2026, 2, 1)), "user_id")["A"]
    assert (line["quota"], line["booked"], line["gap"]) == (1000, 600, 400)
    assert line["pace"] == pytest.approx(1000 * 32 / 90)


def test_period_in_the_future_has_goals_and_no_actual(book: Book) -> None:
    """Before the period begins everything is still to be done: actual 0, pace 0."""
    line = by(attainment(book, Q1, date(2025, 12, 30)), "user_id")["A"]
    assert (line["quota"], line["booked"], line["attainment"], line["pace"]) == (1000, 0, 0, 0)


def test_later_owner_change_does_not_rewrite_history(tmp_path: Path) -> None:
    """A rep who leaves later keeps what was closed; the account's new owner gets nothing of it."""
    users = [{"user_id": "OLD", "end_date": "2026-05-01"}, {"user_id": "NEW"}]
    accounts = [{"account_id": "K", "owner_id": "NEW"}]
    deals = [won("D1", "OLD", 100, "2026-02-01", account_id="K")]
    book = make_book(tmp_path, {"users": users, "accounts": accounts, "opportunities": deals})
    for as_of in (END, date(2026, 12, 31)):
        rows = by(attainment(book, Q1, as_of), "user_id")
        assert {key: row["booked"] for key, row in rows.items()} == {"OLD": 100, "NEW": 0}


def test_quota_of_zero_gives_no_attainment(tmp_path: Path) -> None:
    """A quota of zero gives a gap but no attainment: nothing can be divided by it; it is not attained."""
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "quotas": [quota("A", 0)]})
    (line,) = records(attainment(book, Q1, END))
    assert (line["quota"], line["gap"], line["attainment"]) == (0, 0, None)
    (team,) = records(attainment(book, Q1, END, by="team"))
    assert (team["lines_attained"], team["attainment"]) == (0, None)


def test_goal_is_not_missed_by_a_rounding(tmp_path: Path) -> None:
    """Shares of .7, .2 and .1 of deals of 1 make a goal of 1, although their floating sum is a hair less."""
    shares = {"D7": 0.7, "D2": 0.2, "D1": 0.1}
    tables = {
        "users": [{"user_id": "A"}, {"user_id": "B"}],
        "opportunities": [won(key, "A", 1, "2026-02-01") for key in shares],
        "credits": [
            {"opportunity_id": key, "user_id": user, "share": share if user == "A" else 1 - share}
            for key, share in shares.items()
            for user in "AB"
        ],
        "quotas": [quota("A", 1)],
    }
    (team,) = records(attainment(make_book(tmp_path, tables), Q1, END, by="team"))
    assert team["lines_attained"] == 1


def test_ramp_lowers_the_quota_of_a_new_rep(tmp_path: Path) -> None:
    """Month k of tenure owes ramp[k] of its days' quota, unless the quota already allows for it."""
    users = [{"user_id": "NEW", "hire_date": "2026-02-01"}, {"user_id": "TOLD", "hire_date": "2026-02-01"}]
    goals = [
        quota("NEW", 2800, "2026-02-01", "2026-02-28"),
        quota("TOLD", 2800, "2026-02-01", "2026-02-28", ramp_applied=True),
    ]
    book = make_book(tmp_path, {"users": users, "quotas": goals}, ramp=[0.25, 0.5])
    rows = by(attainment(book, Period(date(2026, 2, 1), date(2026, 2, 28)), date(2026, 2, 28)), "user_id")
    assert (rows["NEW"]["quota"], rows["NEW"]["ramped"]) == (700, True)
    assert (rows["TOLD"]["quota"], rows["TOLD"]["ramped"]) == (2800, False)


ORDERS = [
    {"order_id": "O1", "owner_id": "A", "account_id": "K", "ordered_at": "2026-02-01T09:00:00Z"},
    {"order_id": "O2", "owner_id": None, "account_id": "K", "ordered_at": "2026-02-02T09:00:00Z"},
    {"order_id": "O3", "owner_id": "B", "account_id": "K", "ordered_at": "2026-03-31T22:30:00Z"},  # April in Berlin
    {"order_id": "O4", "owner_id": "A", "account_id": "K", "ordered_at": "2025-12-31T23:30:00Z"},  # January in Berlin
    {"order_id": "O5", "owner_id": "A", "account_id": "K", "ordered_at": "2026-03-01T09:00:00Z"},
    {"order_id": "O6", "owner_id": "B", "account_id": "K", "ordered_at": "2026-03-02T09:00:00Z", "currency": "USD"},
]
ORDER_LINES = [
    {"order_id": "O1", "product_id": "P", "quantity": 10, "unit_price": 5, "discount": 0.1, "net_amount": None},
    {"order_id": "O1", "product_id": "P", "quantity": 1, "unit_price": 5, "discount": None, "net_amount": 7},
    {"order_id": "O1", "product_id": "P", "quantity": -2, "unit_price": 5, "discount": None, "net_amount": None},
    {"order_id": "O2", "product_id": "P", "quantity": 1, "unit_price": 30, "discount": None, "net_amount": None},
    {"order_id": "O3", "product_id": "P", "quantity": 1, "unit_price": 900, "discount": None, "net_amount": None},
    {"order_id": "O4", "product_id": "P", "quantity": 1, "unit_price": 3, "discount": None, "net_amount": None},
    {"order_id": "O5", "product_id": "P", "quantity": 1, "unit_price": 40, "discount": None, "net_amount": None},
    {"order_id": "O6", "product_id": "P", "quantity": 1, "unit_price": 10, "discount": None, "net_amount": None},
]


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Book:
    tables = {
        "users": [{"user_id": "A"}, {"user_id": "B"}, {"user_id": "C"}],
        "orders": ORDERS,
        "order_lines": ORDER_LINES,
        "quotas": [quota("A", 100, measure="orders"), quota("B", 10, measure="orders"), quota("B", 50)],
        "opportunities": [won("D1", "B", 25, "2026-02-01"), won("D2", "A", 77, "2026-02-01")],
        "credits": [
            {"opportunity_id": None, "order_id": "O5", "user_id": "A", "share": 0.25},
            {"opportunity_id": None, "order_id": "O5", "user_id": "C", "share": 0.75},
        ],
        "fx_rates": [{"currency": "USD", "date": "2026-01-01", "rate": 0.5}],
    }
    return make_book(tmp_path_factory.mktemp("orders"), tables, time_zone="Europe/Berlin")


def test_orders_count_their_net_amount_on_the_local_day(orders: Book) -> None:
    """Net amount where given, else quantity × price × (1 − discount); the day is that of the book's time zone."""
    rows = by(attainment(orders, Q1, END), "user_id", "measure")
    assert rows["A", "orders"]["booked"] == pytest.approx(45 + 7 - 10 + 3 + 10)
    assert rows["A", "orders"]["deals"] == 2.25
    assert rows["B", "orders"]["booked"] == 5  # 10 dollars at 0.5; the order of 1 April is out
    assert rows["C", "orders"]["booked"] == 30


def test_two_measures_of_one_rep_are_two_lines(orders: Book) -> None:
    """Bookings and orders never mix: a rep has a line for each measure with a quota or an actual."""
    rows = by(attainment(orders, Q1, END), "user_id", "measure")
    assert set(rows) == {("A", "orders"), ("A", "bookings"), ("B", "orders"), ("B", "bookings"), ("C", "orders")}
    assert (rows["A", "bookings"]["booked"], rows["A", "bookings"]["quota"]) == (77, None)
    assert (rows["B", "bookings"]["booked"], rows["B", "orders"]["attainment"]) == (25, 0.5)
    team = by(attainment(orders, Q1, END, by="team"), "measure")
    assert {key: row["booked"] for key, row in team.items()} == {"orders": 90, "bookings": 102}


def test_house_sales_are_in_nobodys_actual(orders: Book) -> None:
    """An order without owner is counted apart and added to no rep and no team."""
    assert records(house_sales(orders, Q1, END)) == [{"booked": 30, "deals": 1, "no_rate": 0}]
    assert sum(row["booked"] for row in records(attainment(orders, Q1, END)) if row["measure"] == "orders") == 90


def test_house_sales_of_a_book_without_orders_are_zero(book: Book) -> None:
    """Where there are no orders there are no house sales: zeros, not an empty table."""
    assert records(house_sales(book, Q1, END)) == [{"booked": 0, "deals": 0, "no_rate": 0}]


def test_actuals_hold_house_sales_under_no_user(orders: Book) -> None:
    """`actuals` gives each user and measure one row, house sales under null."""
    rows = by(actuals(orders, Q1, END), "user_id", "measure")
    assert rows[None, "orders"]["booked"] == 30
    assert rows["A", "bookings"]["booked"] == 77


def test_cumulative_runs_up_to_the_actual(book: Book, orders: Book) -> None:
    """The running actual has a row a day with sales, and ends at the actual of attainment."""
    days = records(cumulative(book, Q1, END, users=("B",), measure="bookings"))
    assert sorted((row["date"], row["booked"]) for row in days) == [
        (date(2026, 1, 1), 20),
        (date(2026, 2, 2), 220),
        (date(2026, 3, 31), 230),
    ]
    days = records(cumulative(orders, Q1, END, users=("A",), measure="orders"))
    assert max(row["booked"] for row in days) == pytest.approx(55)
    assert records(cumulative(book, Q1, date(2025, 12, 1), users=("B",), measure="bookings")) == []


def test_rates_change_on_their_date(tmp_path: Path) -> None:
    """A foreign amount takes the rate of its close date, which holds until the next one."""
    rates = [
        {"currency": "USD", "date": "2026-01-10", "rate": 0.5},
        {"currency": "USD", "date": "2026-02-10", "rate": 0.9},
    ]
    deals = [won(f"D{n}", "A", 100, day, currency="USD") for n, day in enumerate(("2026-01-09", "2026-02-09"))]
    deals.append(won("D2", "A", 100, "2026-02-10", currency="USD"))
    book = make_book(tmp_path, {"users": [{"user_id": "A"}], "opportunities": deals, "fx_rates": rates})
    (line,) = records(attainment(book, Q1, END))
    assert (line["booked"], line["no_rate"], line["deals"]) == (140, 1, 3)


def test_rollup_team_is_that_of_the_period(tmp_path: Path) -> None:
    """With user_history a rollup adds up those who reported to the manager on the period's last day, whenever run."""
    users = [{"user_id": key, "role": "manager"} for key in "MN"] + [{"user_id": "A", "manager_id": "N"}]
    moves = [
        {"user_id": "A", "valid_from": "2025-01-01", "manager_id": "M"},
        {"user_id": "A", "valid_from": "2026-05-01", "manager_id": "N"},
    ]
    goals = [quota("M", 100, is_rollup=True), quota("N", 100, is_rollup=True)]
    deals = [won("D", "A", 60, "2026-02-01"), won("E", "A", 30, "2026-04-15")]
    tables = {"users": users, "user_history": moves, "quotas": goals, "opportunities": deals}
    book = make_book(tmp_path, tables)
    for day in (END, date(2026, 6, 1), date(2027, 6, 1)):
        rolled = {r["user_id"]: r["booked"] for r in records(attainment(book, Q1, day)) if r["is_rollup"]}
        assert rolled == {"M": 60, "N": 0}
    spring = Period(date(2026, 1, 1), date(2026, 6, 30))
    before, after = (records(attainment(book, spring, day)) for day in (date(2026, 4, 30), date(2026, 6, 1)))
    assert {r["user_id"]: r["booked"] for r in before if r["is_rollup"]} == {"M": 90, "N": 0}  # the move is not known
    assert {r["user_id"]: r["booked"] for r in after if r["is_rollup"]} == {"M": 0, "N": 90}
    managers = by(attainment(book, Q1, date(2026, 6, 1), by="manager"), "manager_id")
    assert managers["M"]["booked"] == 60
