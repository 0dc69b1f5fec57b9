"""Real exports by maps of the tests: counts and sums against what others have published or measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_maps_history import ask

from salesops.book.check import check_book
from salesops.book.source import open_book
from salesops.intake import Intake, import_book

MAPS = Path(__file__).parent / "maps"


def book_of(shared: Path, folder: Path, name: str, source: str) -> Intake:
    """Import a data set by the map of its name, and see that the book has no errors."""
    result = import_book(MAPS / f"{name}.toml", shared / "data" / source, folder / name)
    assert [finding for finding in check_book(open_book(result.dest)) if finding.severity == "error"] == []
    return result


@pytest.fixture(scope="module")
def scms(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Intake:
    """The deliveries of SCMS."""
    return book_of(shared, tmp_path_factory.mktemp("scms"), "scms", "scms_delivery/SCMS_clean_comma.csv")


@pytest.fixture(scope="module")
def superstore(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Intake:
    """The orders of Superstore."""
    return book_of(shared, tmp_path_factory.mktemp("superstore"), "superstore", "superstore/superstore.csv")


@pytest.fixture(scope="module")
def olist(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Intake:
    """The sample of Olist."""
    return book_of(shared, tmp_path_factory.mktemp("olist"), "olist", "olist_sample")


def test_scms_adds_up(scms: Intake) -> None:
    """10,324 lines to 43 countries, value 1,627,584,457.29, quantity 189,265,090; the map takes 40 lines."""
    query = "SELECT count(*), round(sum(net_amount), 2), sum(quantity) FROM {order_lines}"
    assert ask(scms, query) == [(10_324, 1_627_584_457.29, 189_265_090)]
    assert ask(scms, "SELECT count(*) FROM {accounts}") == [(43,)]
    lines = (MAPS / "scms.toml").read_text().splitlines()
    assert sum(1 for line in lines if line.strip() and not line.startswith("#")) <= 40


def test_scms_days(scms: Intake) -> None:
    """By day 1,186 lines came late, 6,324 on the day and 2,814 early: dates in two styles, and texts, are read."""
    query = (
        "SELECT count(*) FILTER (delivered_date > promised_date), count(*) FILTER (delivered_date = promised_date), "
        "count(*) FILTER (delivered_date < promised_date) FROM {deliveries} JOIN {order_lines} USING (order_line_id)"
    )
    assert ask(scms, query) == [(1_186, 6_324, 2_814)]
    assert ask(scms, "SELECT count(*), count(ordered_at) FROM {orders}") == [(6_233, 6_233)]
    assert any("16,498 cells with 'Date Not Captured' or" in line for line in scms.lines())


def test_superstore_adds_up(superstore: Intake) -> None:
    """9,994 lines, 5,009 orders, 793 customers, 1,894 products; sales 2,297,200.8603 and profit 286,397.0217."""
    counts = [
        ask(superstore, f"SELECT count(*) FROM {{{name}}}")[0][0] for name in ("order_lines", "orders", "accounts")
    ]
    assert counts == [9_994, 5_009, 793]
    assert ask(superstore, "SELECT count(*) FROM {products}") == [(1_894,)]
    query = (
        "SELECT round(sum(net_amount), 4), round(sum(net_amount - quantity * unit_cost), 4) "
        "FROM {order_lines} JOIN {products} USING (product_id)"
    )
    assert ask(superstore, query) == [(2_297_200.8603, 286_397.0217)]


def test_superstore_loses_on_one_cross_buyer_in_five(superstore: Intake) -> None:
    """Of 786 customers with two families or more 153 are unprofitable; above 30% discount 1,166 lines lose 125,007."""
    profit = "net_amount - quantity * unit_cost"
    joined = "{order_lines} JOIN {products} USING (product_id) JOIN {orders} USING (order_id)"
    lines = f"SELECT *, {profit} AS profit FROM {joined}"
    customers = f"SELECT count(DISTINCT family) AS families, sum(profit) AS profit FROM ({lines}) GROUP BY account_id"
    query = f"SELECT count(*), count(*) FILTER (profit < 0) FROM ({customers}) WHERE families > 1"
    assert ask(superstore, query) == [(786, 153)]
    query = f"SELECT count(*), round(sum(profit), 2) FROM ({lines}) WHERE discount > 0.3"
    assert ask(superstore, query) == [(1_166, -125_006.78)]


def test_superstore_numbers_are_not_doubted(superstore: Intake) -> None:
    """Sales with two to four decimals are no thousands, and no doubt is told."""
    assert [f for f in check_book(open_book(superstore.dest)) if f.rule == "reading"] == []


def test_olist_counts(olist: Intake) -> None:
    """8,135 orders of 8,016 people, 8,365 items worth 1,093,264.35, 8,225 answers; 625 cancelled, 609 unavailable."""
    query = (
        "SELECT (SELECT count(*) FROM {accounts}), count(*), round(sum(unit_price * quantity), 2) FROM {order_lines}"
    )
    assert ask(olist, query) == [(8_016, 8_365, 1_093_264.35)]
    assert dict(ask(olist, "SELECT status, count(*) FROM {orders} GROUP BY 1")) == {
        "delivered": 5_172, "shipped": 1_107, "canceled": 625, "unavailable": 609, "invoiced": 314, "processing": 301,
        "created": 5, "approved": 2,
    }  # fmt: skip  # reads as a table


def test_olist_is_late_by_day(olist: Intake) -> None:
    """Late by day 342 of 5,164 delivered orders and 376 of 5,904 of their lines; instants would call 414 late."""
    lines = (
        "SELECT order_id, delivered_date > promised_date AS late "
        "FROM {order_lines} JOIN {deliveries} USING (order_line_id) JOIN {orders} USING (order_id) "
        "WHERE status = 'delivered'"
    )
    assert ask(olist, f"SELECT count(*) FILTER (late), count(*) FROM ({lines})") == [(376, 5_904)]
    orders = f"SELECT order_id, bool_or(late) AS late FROM ({lines}) GROUP BY 1"
    assert ask(olist, f"SELECT count(*) FILTER (late), count(*) FROM ({orders})") == [(342, 5_164)]


def test_olist_scores_have_a_scale(olist: Intake) -> None:
    """Scores of 1 to 5: the scale is proposed and said; 3,354 fives and 1,184 fours are content."""
    assert open_book(olist.dest).config.scale == "csat_1_5"
    assert any("8,225 scores from 1 to 5, taken for the scale csat_1_5" in line for line in olist.lines())
    query = "SELECT count(*) FILTER (score >= 4), count(*) FILTER (score <= 2), count(*) FROM {survey_responses}"
    assert ask(olist, query) == [(3_354 + 1_184, 2_638 + 382, 8_225)]
    assert [f for f in check_book(open_book(olist.dest)) if f.rule == "scale"] == []
