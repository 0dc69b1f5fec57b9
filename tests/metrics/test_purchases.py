"""The summary of what each customer bought, against sums done by hand and an independent computation."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any

import examples
import pytest
from books import Row, Rows, by, make_book, records
from conftest import CALM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.book.source import Book
from salesops.errors import PeriodError
from salesops.metrics.purchases import COLUMNS, left_out, purchases

END = date(2026, 3, 31)


def sale(account: str | None, day: str, amount: float | None, units: float = 1, **more: Any) -> Row:
    """One order line with its order; `more` may name columns of either, and order, to share an order."""
    return {"account_id": account, "ordered_at": day, "net_amount": amount, "quantity": units, **more}


def tables_of(sales: Rows) -> dict[str, Rows]:
    """Orders and lines of sales, an order each unless they name one."""
    orders: dict[str, Row] = {}
    lines: Rows = []
    of_lines = ("net_amount", "quantity", "unit_price", "discount", "product_id")
    for number, row in enumerate(sales):
        key = row.get("order", f"O{number:06}")
        own = {name: value for name, value in row.items() if name not in (*of_lines, "order")}
        orders.setdefault(key, {**own, "order_id": key})
        mine = {name: row[name] for name in of_lines if name in row}
        lines.append({"product_id": "P", **mine, "order_line_id": f"L{number:06}", "order_id": key})
    return {"orders": list(orders.values()), "order_lines": lines}


def summary(folder: Path, sales: Rows, as_of: date = END, **tables: Rows) -> dict[str, Row]:
    """The rows of `purchases` by customer, in days."""
    return by(purchases(make_book(folder, {**tables_of(sales), **tables}), as_of, unit="day"), "account_id")


def test_lines_of_a_day_are_one_purchase(tmp_path: Path) -> None:
    """Lines and orders of one day are one purchase; the first day's value is in total, not in monetary."""
    sales = [
        sale("A", "2026-01-01", 100, order="O1"),
        sale("A", "2026-01-01", 50, order="O1"),
        sale("A", "2026-01-01", 25),
        sale("A", "2026-01-11", 30),
        sale("A", "2026-01-11", 10),
        sale("A", "2026-02-10", 20),
        sale("B", "2026-03-31", 7),
    ]
    rows = summary(tmp_path, sales)
    a, b = rows["A"], rows["B"]
    assert (a["frequency"], a["recency"], a["T"], a["monetary"], a["total"]) == (2, 40, 89, 30, 235)
    assert (a["first_purchase"], a["last_purchase"], a["days_since"]) == (date(2026, 1, 1), date(2026, 2, 10), 49)
    assert (a["median_gap"], a["gap_spread"]) == (20, 10)
    assert (b["frequency"], b["recency"], b["T"], b["monetary"], b["total"]) == (0, 0, 0, 0, 7)
    assert (b["median_gap"], b["gap_spread"], b["days_since"]) == (None, None, 0)


def test_weeks_are_days_divided_by_seven(tmp_path: Path) -> None:
    """The unit divides recency and T, as a fraction, and nothing else."""
    book = make_book(tmp_path, tables_of([sale("A", "2026-01-01", 1), sale("A", "2026-01-11", 2)]))
    (days,), (weeks,) = (records(purchases(book, END, unit=unit)) for unit in ("day", "week"))
    assert (weeks["recency"], weeks["T"]) == (10 / 7, 89 / 7)
    assert {name: value for name, value in days.items() if name not in ("recency", "T")} == {
        name: value for name, value in weeks.items() if name not in ("recency", "T")
    }
    assert records(purchases(book, END)) == [weeks]


def test_unknown_unit_is_refused(tmp_path: Path) -> None:
    """A unit that is neither day nor week is named in the error."""
    book = make_book(tmp_path, tables_of([sale("A", "2026-01-01", 1)]))
    with pytest.raises(PeriodError, match=r"must be 'day' or 'week'\. Got 'month'"):
        purchases(book, END, unit="month")  # type: ignore[arg-type]  # a wrong unit is the point


def test_what_was_cancelled_the_same_day_is_no_purchase(tmp_path: Path) -> None:
    """A day whose lines cancel out counts for nothing, also where cents miss zero by a rounding error."""
    sales = [
        sale("A", "2026-01-01", 10),
        sale("A", "2026-01-05", 30),
        sale("A", "2026-01-05", -30, units=-1),
        *(sale("A", "2026-01-09", amount, units=amount * 10) for amount in (0.1, 0.2, -0.3)),
    ]
    row = summary(tmp_path, sales)["A"]
    assert (row["frequency"], row["last_purchase"], row["monetary"]) == (0, date(2026, 1, 1), 0)
    assert (row["total"], row["returned"]) == (pytest.approx(10), pytest.approx(0))


def test_returns_reduce_the_day_of_their_entry(tmp_path: Path) -> None:
    """A return lowers its day's value and total; a day of more returns than goods is no purchase."""
    sales = [
        sale("A", "2026-01-01", 100),
        sale("A", "2026-01-11", 80),
        sale("A", "2026-01-11", -30, units=-1),
        sale("A", "2026-01-21", -60, units=-2),
        sale("A", "2026-01-21", 20),
        sale("A", "2026-01-31", 40),
    ]
    row = summary(tmp_path, sales)["A"]
    assert (row["frequency"], row["recency"], row["monetary"]) == (2, 30, 45)
    assert (row["total"], row["returned"]) == (150, -40)
    assert row["median_gap"] == 15


def test_more_returned_than_bought_is_a_negative_total(tmp_path: Path) -> None:
    """A customer who returns goods of an earlier time has a negative total and a first purchase all the same."""
    row = summary(tmp_path, [sale("A", "2026-01-01", 10), sale("A", "2026-02-01", -500, units=-5)])["A"]
    assert (row["total"], row["returned"], row["frequency"], row["monetary"]) == (-490, -500, 0, 0)


def test_goods_that_cost_nothing_are_a_purchase(tmp_path: Path) -> None:
    """Units for nothing count as a purchase of value 0, in monetary too; a note without units does not."""
    sales = [
        sale("A", "2026-01-01", 10),
        sale("A", "2026-01-02", 0),
        sale("A", "2026-01-03", 30),
        sale("A", "2026-01-04", 0, units=0),
        sale("A", "2026-01-05", 0, units=-1),
    ]
    row = summary(tmp_path, sales)["A"]
    assert (row["frequency"], row["monetary"], row["last_purchase"]) == (2, 15, date(2026, 1, 3))


def test_net_amount_comes_before_quantity_and_price(tmp_path: Path) -> None:
    """Without net_amount a line is worth quantity × unit_price × (1 − discount)."""
    sales = [
        sale("A", "2026-01-01", None, units=4, unit_price=10.0, discount=0.25),
        sale("A", "2026-01-02", 5, units=4, unit_price=10.0),
        sale("A", "2026-01-03", None, units=2, unit_price=10.0),
    ]
    row = summary(tmp_path, sales)["A"]
    assert (row["total"], row["monetary"]) == (30 + 5 + 20, 12.5)


def test_a_cancelled_order_is_no_purchase(tmp_path: Path) -> None:
    """What the status voids counts nowhere; a status that nobody knows voids nothing."""
    sales = [
        sale("A", "2026-01-01", 10, status="Cancelled"),
        sale("A", "2026-01-05", 7, status="odd"),
        sale("B", "2026-01-01", 10, status="VOID"),
    ]
    found = summary(tmp_path, sales)
    assert {key: row["total"] for key, row in found.items()} == {"A": 7}


def test_later_orders_are_not_known(tmp_path: Path) -> None:
    """Orders after as_of, however far in the future, change no figure of the day before."""
    early = [sale("A", "2026-01-01", 10, owner_id="U"), sale("A", "2026-01-31", 20, owner_id="U")]
    late = [
        sale("A", "2026-02-01", 30, owner_id="LATER", product_id="Q"),
        sale("A", "2999-12-31", -99, units=-1),
        sale("NEW", "2999-12-31", 5),
    ]
    before = summary(tmp_path / "early", early, date(2026, 1, 31))
    assert summary(tmp_path / "all", early + late, date(2026, 1, 31)) == before
    assert (before["A"]["T"], before["A"]["days_since"]) == (30, 0)


@pytest.mark.parametrize("tables", [{}, tables_of([sale("A", "2026-04-01", 10)])])
def test_no_purchase_yet_is_an_empty_table(tmp_path: Path, tables: dict[str, Rows]) -> None:
    """Before the first order, and without orders, there are no rows; the columns stand, and nothing is left out."""
    book = make_book(tmp_path, {"users": [{"user_id": "U"}], **tables})
    table = purchases(book, END)
    assert (records(table), table.columns) == ([], COLUMNS)
    assert all(value == 0 for value in records(left_out(book, END))[0].values())


def test_days_are_those_of_the_book(tmp_path: Path) -> None:
    """An order late in the evening in UTC belongs to the next day in Berlin, and is unknown the day before."""
    tables = tables_of([sale("A", "2026-01-01T10:00Z", 1), sale("A", "2026-01-10T23:30:00Z", 2)])
    book = make_book(tmp_path, tables, time_zone="Europe/Berlin")
    (row,) = records(purchases(book, END))
    assert row["last_purchase"] == date(2026, 1, 11)
    (row,) = records(purchases(book, date(2026, 1, 10)))
    assert row["frequency"] == 0


def test_gaps_are_between_purchase_days_alone(tmp_path: Path) -> None:
    """Median and quartiles of gaps 1, 2, 3 and 10; a day of returns in between divides no gap."""
    days = ["2026-01-01", "2026-01-02", "2026-01-04", "2026-01-07", "2026-01-17"]
    sales = [sale("A", day, 5) for day in days]
    row = summary(tmp_path, [*sales, sale("A", "2026-01-10", -1, units=-1)])["A"]
    assert row["median_gap"] == 2.5
    assert row["gap_spread"] == pytest.approx(4.75 - 1.75)  # interpolated quartiles, as in Excel's QUARTILE.INC


def test_one_gap_has_no_spread(tmp_path: Path) -> None:
    """Two purchases have a median gap; whether it is regular nobody can say yet."""
    row = summary(tmp_path, [sale("A", "2026-01-01", 5), sale("A", "2026-01-08", 5)])["A"]
    assert (row["median_gap"], row["gap_spread"]) == (7, None)


def test_families_are_those_kept(tmp_path: Path) -> None:
    """Families bought are named once, in order; what was wholly returned, or has no known product, is not bought."""
    products = [
        {"product_id": key, "product_name": key, "family": family}
        for key, family in (("P", "Pumps"), ("P2", "Pumps"), ("V", "Valves"), ("B", "Belts"))
    ]
    sales = [
        sale("A", "2026-01-01", 5, product_id="V"),
        sale("A", "2026-01-02", 5, product_id="P"),
        sale("A", "2026-01-03", 5, product_id="P2"),
        sale("A", "2026-01-04", 5, product_id="B"),
        sale("A", "2026-01-05", -5, units=-1, product_id="B"),
        sale("A", "2026-01-06", 5, product_id="UNKNOWN"),
        sale("B", "2026-01-06", 5, product_id="UNKNOWN"),
    ]
    rows = summary(tmp_path, sales, products=products)
    assert (rows["A"]["families"], rows["A"]["family_names"]) == (2, "Pumps; Valves")
    assert (rows["B"]["families"], rows["B"]["family_names"]) == (0, None)


def test_last_owner_is_of_the_latest_owned_order(tmp_path: Path) -> None:
    """House sales do not take the owner away; of orders at one moment the higher order_id counts."""
    sales = [
        sale("A", "2026-01-01", 5, owner_id="U1"),
        sale("A", "2026-01-03T08:00", 5, owner_id="U2", order="X1"),
        sale("A", "2026-01-03T08:00", 5, owner_id="U3", order="X2"),
        sale("A", "2026-01-09", 5, owner_id=None),
        sale("B", "2026-01-09", 5, owner_id=None),
    ]
    for number, rows in enumerate((sales, sales[::-1])):
        found = summary(tmp_path / str(number), rows)
        assert (found["A"]["last_owner"], found["B"]["last_owner"]) == ("U3", None)


def test_amounts_are_in_the_books_currency(tmp_path: Path) -> None:
    """Dollars are converted at the rate of their day; both currencies of a day make one purchase."""
    sales = [
        sale("A", "2026-01-01", 10),
        sale("A", "2026-01-05", 10, currency="USD"),
        sale("A", "2026-01-05", 1),
        sale("A", "2026-02-05", 10, currency="USD"),
    ]
    rates = [{"currency": "USD", "date": day, "rate": rate} for day, rate in (("2026-01-01", 0.5), ("2026-02-01", 0.8))]
    row = summary(tmp_path, sales, fx_rates=rates)["A"]
    assert (row["frequency"], row["total"], row["monetary"], row["no_rate"]) == (2, 24, 7, 0)


def test_without_a_rate_the_day_counts_and_the_money_does_not(tmp_path: Path) -> None:
    """Orders without a rate keep their customer's rhythm, are in no amount, and are counted."""
    sales = [
        sale("A", "2026-01-01", 10),
        sale("A", "2026-01-05", 999, currency="USD"),
        sale("A", "2026-01-09", 20),
        sale("B", "2026-01-05", 999, currency="USD"),
        sale("C", "2026-01-05", 999, currency="USD"),
        sale("C", "2026-01-07", 30),
        sale("C", "2026-01-09", 40),
        sale("D", "2026-01-05", -999, units=-1, currency="USD"),
    ]
    rows = summary(tmp_path, sales)
    assert {key: row["frequency"] for key, row in rows.items()} == {"A": 2, "B": 0, "C": 2}
    assert {key: row["total"] for key, row in rows.items()} == {"A": 30, "B": 0, "C": 70}
    assert {key: row["monetary"] for key, row in rows.items()} == {"A": 20, "B": 0, "C": 40}
    assert {key: row["no_rate"] for key, row in rows.items()} == {"A": 1, "B": 1, "C": 1}
    assert records(left_out(make_book(tmp_path, tables_of(sales)), END))[0]["no_rate"] == 4


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    """Orders without customer, customers who only returned, and undated orders are counted, each with its value."""
    sales = [
        sale("A", "2026-01-01", 10),
        sale(None, "2026-01-02", 100, order="N1"),
        sale(None, "2026-01-02", 50, order="N1"),
        sale(None, "2026-01-03", -20, units=-1),
        sale(None, "2026-04-01", 999),
        sale("BACK", "2026-01-04", -7, units=-1),
        sale("EMPTY", "2026-01-04", 0, units=0),
        sale("A", "no day", 3),
    ]
    (row,) = records(left_out(make_book(tmp_path, tables_of(sales)), END))
    assert (row["orders_without_customer"], row["lines_without_customer"], row["value_without_customer"]) == (2, 3, 130)
    assert (row["customers_without_purchase"], row["value_without_purchase"]) == (2, -7)
    assert (row["no_rate"], row["undated"]) == (0, 1)


def test_identical_customers_have_identical_rows(tmp_path: Path) -> None:
    """Customers who did the same have the same figures, and each has a row."""
    days = ("2026-01-01", "2026-01-15", "2026-02-20")
    rows = summary(tmp_path, [sale(f"C{n}", day, 12.5) for n in range(200) for day in days])
    figures = {tuple(row[name] for name in COLUMNS if name != "account_id") for row in rows.values()}
    assert (len(rows), len(figures)) == (200, 1)


def test_fifty_thousand_orders_of_one_customer(tmp_path: Path) -> None:
    """A customer who buys every day for 50,000 days, the only one of the book, has 49,999 repeats a day apart."""
    start = date(2026, 3, 31) - timedelta(days=49_999)
    row = summary(tmp_path, [sale("A", str(start + timedelta(days=n)), 2) for n in range(50_000)])["A"]
    assert (row["frequency"], row["recency"], row["T"]) == (49_999, 49_999, 49_999)
    assert (row["monetary"], row["total"], row["median_gap"], row["gap_spread"]) == (2, 100_000, 1, 0)


def test_the_summary_is_one_expression(tmp_path: Path) -> None:
    """Asking for the summary stores no table: it is one query, for the database to run."""
    small = make_book(tmp_path, {**tables_of([sale("A", "2026-01-01", 1)]), "products": []})
    book: Book = small.through(small.con)  # the tables of a small book are stored as they are opened
    for name in ("orders", "order_lines", "products"):
        book.table(name)
    before = set(book.con.list_tables())
    sql = book.con.compile(purchases(book, END))
    assert set(book.con.list_tables()) == before
    assert sql.count(";") == sql.count("'; '")


drawn_sales = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.dates(date(2026, 1, 1), date(2026, 4, 10)).map(lambda day: day - timedelta(days=day.day % 7)),
        st.integers(-40, 80).map(lambda quarters: quarters / 4),
        st.integers(-2, 3),
    ),
    max_size=30,
)


CHECKED = ("frequency", "recency", "T", "monetary", "total", "median_gap")


def brute_force(drawn: list[tuple[str, date, float, int]], as_of: date) -> dict[str, Row]:
    """The summary in plain Python, from the words of the docstring."""
    value: dict[tuple[str, date], float] = defaultdict(float)
    units: dict[tuple[str, date], int] = defaultdict(int)
    for account, day, amount, count in drawn:
        if day <= as_of:
            value[account, day] += amount
            units[account, day] += count
    bought = sorted(key for key in value if value[key] > 0 or (value[key] == 0 and units[key] > 0))
    found = {}
    for account in {account for account, _ in bought}:
        days = [day for owner, day in bought if owner == account]
        gaps = [(later - earlier).days for earlier, later in pairwise(days)]
        found[account] = {
            "frequency": len(days) - 1,
            "recency": (days[-1] - days[0]).days,
            "T": (as_of - days[0]).days,
            "monetary": mean(value[account, day] for day in days[1:]) if gaps else 0,
            "total": sum(worth for (owner, _), worth in value.items() if owner == account),
            "median_gap": median(gaps) if gaps else None,
        }
    return found


@pytest.mark.long
@settings(
    max_examples=examples.of(30), deadline=None, suppress_health_check=[*CALM, HealthCheck.function_scoped_fixture]
)
@given(drawn=drawn_sales, as_of=st.dates(date(2025, 12, 1), date(2026, 4, 30)), data=st.data())
def test_any_sales_agree_with_plain_python(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[Any], as_of: date, data: Any
) -> None:
    """Whatever is sold and returned, in any row order, the table says what a loop says, and its totals add up."""
    sales = [
        sale(account, str(day), amount, units) for account, day, amount, units in data.draw(st.permutations(drawn))
    ]
    book = make_book(tmp_path_factory.mktemp("any"), tables_of(sales))
    found = by(purchases(book, as_of, unit="day"), "account_id")
    wanted = brute_force(drawn, as_of)
    # quarters add up exactly, so there is nothing to round
    assert {key: {name: row[name] for name in CHECKED} for key, row in found.items()} == wanted
    (rest,) = records(left_out(book, as_of))
    everything = sum(amount for _, day, amount, _ in drawn if day <= as_of)
    assert sum(row["total"] for row in found.values()) + rest["value_without_purchase"] == pytest.approx(everything)
