"""On time and in full, against lines counted by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
from books import Row, Rows, by, make_book, records

from salesops.book.source import open_book
from salesops.metrics.otif import due_lines, otif

NOW = date(2026, 3, 31)


def line(
    key: str, order: str = "O", product: str = "P", quantity: float = 10, promised: str | None = "2026-03-10"
) -> Row:
    return {
        "order_line_id": key,
        "order_id": order,
        "product_id": product,
        "quantity": quantity,
        "promised_date": promised,
    }


def came(key: str, day: str, quantity: float, rejected: float = 0) -> Row:
    return {"order_line_id": key, "delivered_date": day, "quantity_delivered": quantity, "quantity_rejected": rejected}


TABLES: dict[str, Rows] = {
    "orders": [
        {"order_id": "O", "account_id": "K", "ordered_at": "2026-01-01"},
        {"order_id": "OC", "account_id": "K", "ordered_at": "2026-01-01", "contract_id": "CT"},
    ],
    "order_lines": [
        line("on the day"), line("day after"), line("in two parts"), line("short"), line("nothing came"),
        line("rejected"), line("no promise", promised=None), line("return", quantity=-5),
        line("not due yet", promised="2026-04-01"), line("tolerated", "OC"), line("beyond tolerance", "OC"),
        line("own term", "OC", "P2"), line("due with tolerance later", "OC", promised="2026-03-30"),
    ],
    "deliveries": [
        came("on the day", "2026-03-10", 10), came("day after", "2026-03-11", 10),
        came("in two parts", "2026-03-09", 6), came("in two parts", "2026-03-10", 4), came("short", "2026-03-10", 9),
        came("rejected", "2026-03-10", 10, 10),
        came("tolerated", "2026-03-12", 10), came("beyond tolerance", "2026-03-13", 10),
        came("own term", "2026-03-14", 10), came("not due yet", "2026-03-01", 10),
    ],
    "contract_terms": [
        {"contract_id": "CT", "term_type": "logistics", "agreed_value": 1, "tolerance": 1, "unit": "days late"},
        {"contract_id": "CT", "term_type": "logistics", "product_id": "P2", "agreed_value": 4, "unit": "Days"},
        {"contract_id": "CT", "term_type": "logistics", "product_id": "P", "agreed_value": 9, "unit": "pallets"},
        {"contract_id": "CT", "term_type": "quality", "agreed_value": 30},
    ],
}  # fmt: skip  # rows stay together


def test_on_time_and_in_full(tmp_path: Path) -> None:
    """A line counts if all of it came by the promised day plus what its contract allows; rejects do not matter."""
    lines = by(due_lines(make_book(tmp_path, TABLES), NOW), "order_line_id")
    assert {key: row["otif"] for key, row in lines.items()} == {
        "on the day": True, "day after": False, "in two parts": True, "short": False, "nothing came": False,
        "rejected": True, "tolerated": True, "beyond tolerance": False, "own term": True,
    }  # fmt: skip  # one rule a line
    assert {key for key, row in lines.items() if row["missing"]} == {"short", "nothing came"}
    assert lines["own term"]["due_on"] == date(2026, 3, 14)
    assert (lines["rejected"]["rejected"], lines["nothing came"]["last_delivered"]) == (10, None)


def test_what_came_later_was_missing_then(tmp_path: Path) -> None:
    """On the promised day itself the line of the day after is due and missing."""
    lines = by(due_lines(make_book(tmp_path, TABLES), date(2026, 3, 10)), "order_line_id")
    assert lines["day after"]["missing"]
    assert "tolerated" not in lines


def test_otif_counts_lines(tmp_path: Path) -> None:
    """OTIF is a count of lines, for the groups that are asked for; without lines it is null."""
    book = make_book(tmp_path, TABLES)
    lines = due_lines(book, NOW)
    (every,) = records(otif(lines))
    assert (every["due"], every["on_time_in_full"], every["otif"]) == (9, 5, pytest.approx(5 / 9))
    assert (every["on_time"], every["uncounted"], every["on_time_rate"]) == (6, 0, pytest.approx(6 / 9))
    assert by(otif(lines, "order_id"), "order_id")["OC"]["otif"] == pytest.approx(2 / 3)
    (none,) = records(otif(due_lines(book, date(2026, 1, 1))))
    assert (none["due"], none["otif"], none["on_time_rate"]) == (0, None, None)


@pytest.mark.parametrize("bare", ["quantity_delivered", "quantity"])
def test_on_time_only_without_a_quantity(tmp_path: Path, bare: str) -> None:
    """What came on the day without a quantity is on time, and neither in full nor short; late or nothing is no OTIF."""
    table = "deliveries" if bare == "quantity_delivered" else "order_lines"
    kept = {**TABLES, table: [{**row, bare: None} for row in TABLES[table] if row["order_line_id"] != "return"]}
    lines = by(due_lines(make_book(tmp_path, kept), NOW), "order_line_id")
    assert {key: (row["on_time"], row["otif"]) for key, row in lines.items()} == {
        "on the day": (True, None), "day after": (False, False), "in two parts": (True, None), "short": (True, None),
        "nothing came": (False, False), "rejected": (True, None), "tolerated": (True, None),
        "beyond tolerance": (False, False), "own term": (True, None),
    }  # fmt: skip  # one rule a line
    assert {key for key, row in lines.items() if row["missing"]} == {"nothing came"}
    (every,) = records(otif(due_lines(make_book(tmp_path, kept), NOW)))
    assert (every["on_time"], every["uncounted"], every["otif"]) == (6, 8, None)


def test_rejects_unknown_are_not_none(tmp_path: Path) -> None:
    """Where no delivery says how much was rejected, that is null and not 0."""
    kept = {**TABLES, "deliveries": [{**row, "quantity_rejected": None} for row in TABLES["deliveries"]]}
    lines = by(due_lines(make_book(tmp_path, kept), NOW), "order_line_id")
    assert {row["rejected"] for row in lines.values()} == {None}


def test_without_deliveries_no_line_is_late(tmp_path: Path) -> None:
    """A book that holds no deliveries knows of no late line."""
    tables = {name: rows for name, rows in TABLES.items() if name != "deliveries"}
    assert records(due_lines(make_book(tmp_path, tables), NOW)) == []


def test_sample_agrees_with_sql(sample: Path) -> None:
    """On the sample company the counts are those of a query written on its files alone."""
    sql = f"""
        WITH terms AS (
            SELECT contract_id, max(agreed_value + coalesce(tolerance, 0)) AS days
            FROM '{sample}/contract_terms.parquet' WHERE term_type = 'logistics' GROUP BY contract_id
        ), due AS (
            SELECT order_line_id, quantity, promised_date + coalesce(days, 0)::INT AS due_on
            FROM '{sample}/order_lines.parquet' JOIN '{sample}/orders.parquet' USING (order_id)
            LEFT JOIN terms USING (contract_id)
            WHERE quantity > 0 AND promised_date + coalesce(days, 0)::INT <= DATE '2026-10-31'
        ), came AS (
            SELECT order_line_id, any_value(quantity) <= coalesce(sum(quantity_delivered)
                FILTER (delivered_date <= due_on), 0) AS good
            FROM due LEFT JOIN '{sample}/deliveries.parquet' USING (order_line_id) GROUP BY order_line_id
        )
        SELECT count(*), count_if(good) FROM came
    """
    (row,) = records(otif(due_lines(open_book(sample), date(2026, 10, 31))))
    assert (row["due"], row["on_time_in_full"]) == duckdb.sql(sql).fetchone()


def test_a_delivery_entered_twice_counts_once(tmp_path: Path) -> None:
    """Where both would be more than was ordered one of two equal rows counts, and it is told; equal halves add up."""
    tables = {
        "orders": TABLES["orders"],
        "order_lines": [line("twice"), line("halves"), line("too much")],
        "deliveries": [
            came("twice", "2026-03-10", 8), came("twice", "2026-03-10", 8), came("halves", "2026-03-10", 5),
            came("halves", "2026-03-10", 5), came("too much", "2026-03-10", 30),
        ],
    }  # fmt: skip  # rows stay together
    lines = by(due_lines(make_book(tmp_path, tables), NOW), "order_line_id")
    assert {key: row["delivered"] for key, row in lines.items()} == {"twice": 8, "halves": 10, "too much": 10}
    assert {key: row["otif"] for key, row in lines.items()} == {"twice": False, "halves": True, "too much": True}
    assert [key for key, row in lines.items() if row["entered_twice"]] == ["twice"]
