"""All customers on a day: the summary, the estimates and how far to trust them, in one place."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from books import Row, Rows, make_book

from salesops.book.source import Book, open_book
from salesops.errors import PeriodError
from salesops.metrics.purchases import purchases
from salesops.models.customers import ESTIMATES, FEWEST, customers
from salesops.models.segments import SegmentGrid, fit_grid

DAY = date(2026, 3, 31)


def shop(folder: Path, sales: Rows, **tables: Rows) -> Book:
    """A book of sales, each account_id, ordered_at, net_amount; an order with one line each."""
    orders = [
        {"order_id": f"O{n}", "account_id": row["account_id"], "ordered_at": row["ordered_at"]}
        for n, row in enumerate(sales)
    ]
    lines = [
        {
            "order_line_id": f"L{n}",
            "order_id": f"O{n}",
            "quantity": np.sign(row["net_amount"]) or 1,
            "net_amount": row["net_amount"],
        }
        for n, row in enumerate(sales)
    ]
    return make_book(folder, {"orders": orders, "order_lines": lines, **tables})


def sale(account: str | None, day: str, amount: float | None = 10) -> Row:
    return {"account_id": account, "ordered_at": day, "net_amount": amount}


def at_random(count: int, seed: int = 2) -> Rows:
    """Customers who buy at rates of their own for amounts of their own, and may leave after each purchase."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-04-01", "2026-03-31").strftime("%Y-%m-%d").to_list()
    sales = []
    for n in range(count):
        at, rate, level = rng.uniform(0, 400), rng.gamma(1.5, 1 / 40), 100 / rng.gamma(4, 1 / 3)
        while at < len(days):
            sales.append(sale(f"A{n:03}", days[int(at)], round(float(level * rng.gamma(6, 1 / 6)), 2)))
            at = int(at) + 1 + rng.exponential(1 / rate) if rng.random() > 0.08 else np.inf
    return sales


def cdnow(shared: Path, folder: Path) -> Book:
    """The CDNOW sample as a book."""
    names = ["master", "customer", "date", "cds", "value"]
    file = shared / "data" / "cdnow" / "CDNOW_sample.txt"
    lines = pd.read_csv(file, sep=r"\s+", header=None, names=names, dtype={"date": str, "customer": str})
    days = pd.to_datetime(lines.date).dt.strftime("%Y-%m-%d")
    return shop(folder, [sale(*row) for row in zip(lines.customer, days, lines.value, strict=True)])


def test_published_holdout_comes_out_of_a_book(shared: Path, tmp_path: Path) -> None:
    """CDNOW as a book: weeks 40–78 are foretold as MBG/NBD is known to, beside the hiatus and predicting zero."""
    found = customers(cdnow(shared, tmp_path), date(1998, 6, 30), horizon_weeks=39)
    scores = found.backtest.set_index("forecast")
    foretold = scores.loc["expected purchases"]
    assert (foretold.customers, foretold.actual, foretold.converged) == (2357, 1882, True)
    assert foretold.total == pytest.approx(1577, rel=0.01)
    assert (foretold.mae, foretold.rmse) == pytest.approx((0.7648, 1.607), abs=0.001)
    assert scores.auc["probability active"] == pytest.approx(0.760, abs=0.0015)
    assert scores.auc["time since last purchase"] == pytest.approx(0.771, abs=0.0005)
    assert scores.mae["predict zero"] == pytest.approx(0.7985, abs=0.00005)


def test_published_parameters_come_out_of_a_book(shared: Path, tmp_path: Path) -> None:
    """CDNOW up to week 39: parameters of MBG/NBD as published, and spend by Gamma-Gamma of 946 repeaters."""
    found = customers(cdnow(shared, tmp_path), date(1997, 9, 30), horizon_weeks=39)
    assert found.purchase_fit is not None
    assert found.purchase_fit.params == pytest.approx({"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, rel=0.001)
    assert found.spend_fit is not None
    assert found.spend_from == "gamma-gamma"
    assert found.spend_fit.customers == pytest.approx(946, abs=1)
    # the published file rounds spend to cents before the mean, and counts days without money otherwise
    assert found.spend_fit.params == pytest.approx({"p": 6.25, "q": 3.74, "v": 15.45}, rel=0.02)
    assert found.table.value.sum() == pytest.approx((found.table.spend * found.table.expected_purchases).sum())
    assert found.backtest.empty
    assert found.usable


def test_estimates_follow_the_formulas(tmp_path: Path) -> None:
    """P(active), spend and value are those of the fitted parameters, by the formulas of the literature."""
    found = customers(shop(tmp_path, at_random(150)), DAY, horizon_weeks=10)
    assert found.purchase_fit is not None
    assert found.spend_fit is not None
    table, (r, alpha, a, b) = found.table, found.purchase_fit.params.values()
    left = a / (b + table.frequency) * ((alpha + table["T"]) / (alpha + table.recency)) ** (r + table.frequency)
    waits = ((alpha + table["T"]) / (alpha + table["T"] + 10)) ** (r + table.frequency)
    np.testing.assert_allclose(table.p_active, (1 - waits) / (1 + left), rtol=1e-9)
    p, q, v = found.spend_fit.params.values()
    spend = p * (v + table.frequency * table.monetary) / (p * table.frequency + q - 1)
    np.testing.assert_allclose(table.spend, spend, rtol=1e-9)
    np.testing.assert_allclose(table.value, table.expected_purchases * spend, rtol=1e-9)
    assert (table.expected_purchases >= table.p_active - 1e-9).all()
    assert (found.usable, found.why_not) == (True, "")


def test_table_is_the_summary_and_more(sample: Path) -> None:
    """Every column and row of metrics.purchases is there unchanged, by account_id, with the account's name."""
    book = open_book(sample)
    day = date(2026, 10, 31)
    found = customers(book, day)
    expected = purchases(book, day).to_pandas().sort_values("account_id", ignore_index=True)
    pd.testing.assert_frame_equal(found.table[expected.columns.to_list()], expected)
    names = book.table("accounts").to_pandas().set_index("account_id").account_name
    assert found.table.account_name.to_list() == names[found.table.account_id].to_list()
    assert found.never_bought + len(found.table) == len(names)
    assert not found.table[list(ESTIMATES)].isna().any(axis=None)


def test_backtest_counts_what_was_bought_since(tmp_path: Path) -> None:
    """The holdout holds the purchase days after the earlier date of the customers known then, and no others."""
    sales = at_random(150)
    found = customers(shop(tmp_path, sales), DAY, horizon_weeks=13)
    cut = "2025-12-30"
    then = {row["account_id"] for row in sales if row["ordered_at"] <= cut}
    bought = {
        (row["account_id"], row["ordered_at"]) for row in sales if row["ordered_at"] > cut and row["account_id"] in then
    }
    assert found.backtest.actual.to_list() == [len(bought)] * 4
    assert found.backtest.customers.to_list() == [len(then)] * 4


def test_spend_without_a_model_is_the_customers_own(tmp_path: Path) -> None:
    """Where Gamma-Gamma finds nothing to learn, spend is own money per purchase day, and the result says so."""
    everyone = [{**row, "net_amount": 30 + int(row["account_id"][1:])} for row in at_random(150)]
    sales = [*everyone, sale("A000", "2026-03-30", -5)]
    found = customers(shop(tmp_path, sales), DAY)
    assert (found.usable, found.spend_from) == (True, "own mean")
    own = 30 + found.table.account_id.str[1:].astype(int)
    np.testing.assert_allclose(found.table.spend, own)
    np.testing.assert_allclose(found.table.value, found.table.expected_purchases * own)


def test_unknown_money_is_no_value(tmp_path: Path) -> None:
    """A customer whose money has no rate has purchases and no own spend; goods that cost nothing are worth 0."""
    everyone = [{**row, "net_amount": 30} for row in at_random(150)]
    sales = [*everyone, sale("GIFT", "2026-03-01", 0), sale("YEN", "2026-03-01", 900)]
    book = shop(tmp_path, sales)
    orders = pd.read_parquet(tmp_path / "orders.parquet")
    orders.loc[orders.account_id == "YEN", "currency"] = "JPY"
    orders.to_parquet(tmp_path / "orders.parquet")
    table = customers(open_book(book.location), DAY).table.set_index("account_id")
    assert table.expected_purchases[["GIFT", "YEN"]].gt(0).all()
    assert table.value["GIFT"] == 0
    assert np.isnan(table.value["YEN"])


@pytest.mark.long
def test_given_grid_is_reused(sample: Path) -> None:
    """With a frozen grid the segments are its own, whatever the customers of the day; else it is cut at them."""
    book = open_book(sample)
    earlier = customers(book, date(2025, 10, 31))
    assert isinstance(earlier.grid, SegmentGrid)
    assert earlier.grid == fit_grid(earlier.table, fitted_on=date(2025, 10, 31))
    later = customers(book, date(2026, 10, 31), grid=earlier.grid)
    assert later.grid is earlier.grid
    expected = earlier.grid.assign(later.table).segment
    pd.testing.assert_series_equal(later.table.segment, expected)
    own = customers(book, date(2026, 10, 31))
    assert own.table.segment.astype(str).to_list() != expected.astype(str).to_list()


@pytest.mark.long
@pytest.mark.parametrize(
    ("sales", "count", "said"),
    [
        ([sale("A0", "2026-04-01")], 0, "Nobody has bought anything by this date"),
        ([sale(None, "2026-01-01")], 0, "Nobody has bought anything by this date"),
        ([sale("A0", "2026-01-01"), sale("A0", "2026-01-01", -10)], 0, "Nobody has bought anything by this date"),
        ([sale("A0", "2026-01-02")], 1, "need 50 customers or more who bought by this date; the book has 1"),
        ([sale(f"A{n}", "2026-01-02") for n in range(60)], 60, "customers are too alike"),
        (
            [sale(f"A{n}", day) for n in range(60) for day in ("2025-01-02", "2025-06-02")],
            60,
            "60 customers are too alike",
        ),
        (at_random(FEWEST - 1), FEWEST - 1, "need 50 customers or more who bought by this date; the book has 49"),
    ],
)
def test_too_little_to_learn_from(tmp_path: Path, sales: Rows, count: int, said: str) -> None:
    """Without customers, with few, or with all alike there are no estimates; the reason is said, the facts stand."""
    found = customers(shop(tmp_path, sales), DAY)
    assert len(found.table) == count
    assert not found.usable
    assert said in found.why_not
    assert found.table[list(ESTIMATES)].isna().all(axis=None)
    assert found.table.segment.notna().all()
    assert (found.grid is None) == (count == 0)


def test_a_customer_with_50_000_orders_breaks_nothing(tmp_path: Path) -> None:
    """One customer who buys every day, many times a day, leaves every estimate finite."""
    days = pd.date_range("2024-04-01", "2026-03-31").strftime("%Y-%m-%d").to_list()
    heavy = [sale("HEAVY", days[n % len(days)], 1) for n in range(50_000)]
    found = customers(shop(tmp_path, [*heavy, *at_random(150)]), DAY)
    table = found.table.set_index("account_id")
    assert table.frequency["HEAVY"] == len(days) - 1
    assert found.usable
    assert np.isfinite(table[list(ESTIMATES)]).all(axis=None)


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    """Sales without customer, accounts that are no clients and customers who only returned are counted, each once."""
    sales = [sale("A", "2026-01-05", 20), sale("B", "2026-01-06", -3), sale(None, "2026-01-07", 7)]
    accounts = [
        {"account_id": "A", "account_name": "Ann & Co"},
        {"account_id": "B"},
        {"account_id": "C", "created_date": "2026-03-31"},
        {"account_id": "LATER", "created_date": "2026-04-01"},
    ]
    found = customers(shop(tmp_path, sales, accounts=accounts), DAY)
    assert found.table.account_name.to_list() == ["Ann & Co"]
    assert found.left_out["lines_without_customer"] == 1
    assert found.left_out["value_without_customer"] == 7
    assert found.left_out["customers_without_purchase"] == 1
    assert found.left_out["value_without_purchase"] == -3
    assert (found.never_bought, found.without_order) == (1, 0)


@pytest.mark.long
def test_nothing_is_known_of_later_days(sample: Path) -> None:
    """The result of a day is the same whether or not the book goes on after it."""
    day = date(2026, 6, 30)
    once, again = customers(open_book(sample), day), customers(open_book(sample), day)
    pd.testing.assert_frame_equal(once.table, again.table)
    assert (pd.to_datetime(once.table.last_purchase) <= pd.Timestamp(day)).all()
    assert (once.as_of, once.horizon_weeks) == (day, 13)


@pytest.mark.parametrize(
    ("weeks", "said"),
    [(0, "must be 1 to 520 weeks. Got 0"), (-3, "Got -3"), (521, "Got 521"), (10**6, "Got 1,000,000")],
)
def test_horizon_that_cannot_be(tmp_path: Path, weeks: int, said: str) -> None:
    """A horizon below one week, or of more than ten years, is refused with the range that is allowed."""
    with pytest.raises(PeriodError, match=said):
        customers(shop(tmp_path, [sale("A", "2026-01-01")]), DAY, horizon_weeks=weeks)
