"""Prices and quality of contracts, and what no term can judge, against lines counted by hand."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from books import Row, Rows, by, make_book, records
from conftest import CALM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.book.source import open_book
from salesops.metrics.contract_gaps import (
    BACKWARDS,
    NO_CONTRACT,
    NO_TERMS,
    NO_VALUE,
    OUTSIDE,
    UNKNOWN,
    contract_gaps,
)
from salesops.metrics.contract_terms import price_lines, quality_lines
from salesops.metrics.otif import due_lines, otif
from salesops.periods import Period

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[*CALM, HealthCheck.function_scoped_fixture])


def line(key: str, net: float, quantity: float = 10, product: str = "P", order: str = "O") -> Row:
    return {
        "order_line_id": key, "order_id": order, "product_id": product, "quantity": quantity, "net_amount": net,
        "promised_date": "2026-03-10",
    }  # fmt: skip  # one row


def order(key: str, contract: str | None, day: str = "2026-03-01", account: str = "K", **more: Any) -> Row:
    return {"order_id": key, "account_id": account, "contract_id": contract, "ordered_at": day, **more}


def contract(key: str = "CT", **more: Any) -> Row:
    return {"contract_id": key, "account_id": "K", "start_date": "2026-01-01", "end_date": "2026-12-31", **more}


def term(kind: str, value: float | None, unit: str | None = None, **more: Any) -> Row:
    return {"contract_id": "CT", "term_type": kind, "agreed_value": value, "unit": unit, **more}


def price_book(folder: Path, terms: Rows, lines: Rows, **more: Rows) -> Any:
    tables = {"contracts": [contract()], "contract_terms": terms, "orders": [order("O", "CT")], "order_lines": lines}
    return make_book(folder, {**tables, **more})


def test_a_line_below_the_agreed_price_leaks(tmp_path: Path) -> None:
    """Leakage is agreed − net beyond the tolerance and a cent; more than agreed is `above`; a return is no sale."""
    terms = [
        term("price", 10, "EUR per unit", product_id="P", tolerance=0.5),
        term("price", 20, "EUR per unit"),
        term("price", 5, "% discount", product_id="Q"),
    ]
    lines = [
        line("exact", 100), line("a cent", 99.995), line("tolerated", 95), line("below", 94), line("above", 120),
        line("all products", 150, product="Q"), line("return", -100, quantity=-10),
    ]  # fmt: skip  # one rule a line
    products = [{"product_id": "P", "list_price": 12}, {"product_id": "Q"}]
    found = by(price_lines(price_book(tmp_path, terms, lines, products=products), YEAR), "order_line_id")
    assert {key: row["leakage"] for key, row in found.items()} == pytest.approx(
        {"exact": 0, "a cent": 0, "tolerated": 0, "below": 6, "above": 0, "all products": 50}
    )
    assert (found["above"]["above"], found["exact"]["listed"]) == (20, 120)
    assert {key for key, row in found.items() if row["below"]} == {"below", "all products"}


def test_an_order_in_another_currency_is_not_judged(tmp_path: Path) -> None:
    """The agreed price is in the contract's currency: an order in another one has no leakage, not 0 and not all."""
    book = price_book(
        tmp_path, [term("price", 10)], [line("L", 50, order="F")], orders=[order("F", "CT", currency="USD")]
    )
    (row,) = records(price_lines(book, YEAR))
    assert (row["leakage"], row["below"], row["net"]) == (None, None, None)


def test_price_of_a_term_without_value_is_no_price(tmp_path: Path) -> None:
    """A term without value judges nothing, and is counted."""
    book = price_book(tmp_path, [term("price", None)], [line("L", 50)])
    assert records(price_lines(book, YEAR)) == []
    assert records(contract_gaps(book, YEAR)) == [{"kind": NO_VALUE, "subject": "CT", "rows": 1}]


def test_sample_leaks_what_was_planted(sample: Path) -> None:
    """Of data/sample leak the accounts of truth.json, each its planted money, and no other."""
    truth = json.loads((sample / "truth.json").read_text())["price_leakage"]["accounts"]
    book = open_book(sample)
    lines = price_lines(book, Period(date(2020, 1, 1), date(2026, 10, 31)))
    orders = book.table("orders").select("order_id", "account_id")
    each = (
        lines.filter(lines.below).join(orders, "order_id").group_by("account_id").aggregate(money=lines.leakage.sum())
    )
    assert {row["account_id"]: row["money"] for row in records(each)} == pytest.approx(truth, abs=0.01)


def came(key: str, day: str, quantity: float, rejected: float | None = 0) -> Row:
    return {"order_line_id": key, "delivered_date": day, "quantity_delivered": quantity, "quantity_rejected": rejected}


def test_quality_is_accepted_units(tmp_path: Path) -> None:
    """Rejected units cost their invoiced price; 98 is 98%; entered twice counts once, unknown not at all."""
    terms = [term("quality", 98, "accepted share", tolerance=1), term("quality", 2, "% rejected", product_id="Q")]
    deliveries = [
        came("a", "2026-03-10", 6, 2), came("a", "2026-03-10", 6, 2), came("a", "2026-03-11", 4, 0),
        came("b", "2026-03-10", 10, None), came("late", "2027-01-01", 10, 10),
    ]  # fmt: skip  # a line a case
    book = price_book(tmp_path, terms, [line("a", 50), line("b", 50), line("late", 50)], deliveries=deliveries)
    (row,) = records(quality_lines(book, YEAR))
    assert (row["order_line_id"], row["delivered"], row["rejected"], row["cost"]) == ("a", 10, 2, 10)
    assert (row["agreed"], row["tolerance"], row["rejected_on"]) == (0.98, 0.01, date(2026, 3, 10))


def test_what_no_term_can_judge(tmp_path: Path) -> None:
    """Contracts without terms, lines outside the dates, lines of unknown contracts and of none are told by name."""
    tables: dict[str, Rows] = {
        "contracts": [
            contract(), contract("BARE"), contract("BACK", start_date="2026-05-01", end_date="2026-04-01"),
            contract("OLD", start_date="2024-01-01", end_date="2024-12-31"),
        ],
        "contract_terms": [term("quality", 0.98)],
        "orders": [
            order("in", "CT"), order("late", "OLD"), order("lost", "GONE"), order("bare", None),
            order("other", None, account="L"),
        ],
        "order_lines": [line(key, 1, order=key) for key in ("in", "late", "lost", "bare", "other")],
    }  # fmt: skip  # one case a row
    found = {
        (row["kind"], row["subject"]): row["rows"] for row in records(contract_gaps(make_book(tmp_path, tables), YEAR))
    }
    assert found == {
        (NO_TERMS, "BARE"): 1, (BACKWARDS, "BACK"): 1, (OUTSIDE, "OLD"): 1, (UNKNOWN, "GONE"): 1, (NO_CONTRACT, "K"): 1,
    }  # fmt: skip  # a rule a pair


amounts = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 300), st.integers(-3, 6)), min_size=1, max_size=6)


def drawn_tables(drawn: list[tuple[int, int, int]], *, shift: int = 0, parts: tuple[float, ...] = (1.0,)) -> Any:
    """Lines as drawn (units, net, days late), each delivered in parts, with all days moved by `shift`."""
    moved = timedelta(days=shift)
    promised = date(2026, 3, 10) + moved
    lines = [
        {**line(f"L{n}", net, quantity=units), "promised_date": promised} for n, (units, net, _) in enumerate(drawn)
    ]
    deliveries = [
        {**came(f"L{n}", "", units * part, units * part / 4), "delivered_date": promised + timedelta(days=late)}
        for n, (units, _, late) in enumerate(drawn)
        for part in parts
    ]
    dates = {"start_date": date(2026, 1, 1) + moved, "end_date": date(2026, 12, 31) + moved}
    return {
        "contracts": [contract(**dates)],
        "contract_terms": [term("price", 12), term("quality", 0.9), term("logistics", 1, "days")],
        "orders": [order("O", "CT", (date(2026, 3, 1) + moved).isoformat())],
        "order_lines": lines,
        "deliveries": deliveries,
    }


def figures(folder: Path, tables: Any, *, shift: int = 0) -> list[float]:
    """Return what the three terms say of a book, as numbers."""
    moved, book = timedelta(days=shift), make_book(folder, tables)
    span = Period(YEAR.start + moved, YEAR.end + moved)
    prices, quality = price_lines(book, span).to_pandas(), quality_lines(book, span).to_pandas()
    (row,) = records(otif(due_lines(book, span.end)))
    rates = [row["otif"], row["on_time_rate"], 1 - quality.rejected.sum() / quality.delivered.sum()]
    assert all(0 <= rate <= 1 for rate in rates)
    sums = [prices.leakage.sum(), prices.above.sum(), prices.net.sum(), quality.rejected.sum(), quality.cost.sum()]
    assert prices.agreed.sum() - prices.net.sum() == pytest.approx(sums[0] - sums[1], abs=0.02 * len(prices))
    return [*rates, *sums, row["due"], row["on_time"], row["on_time_in_full"]]


@pytest.mark.long
@FEW
@given(drawn=amounts, weeks=st.integers(1, 60), part=st.sampled_from([0.25, 0.5]))
def test_what_changes_no_figure(tmp_path_factory: pytest.TempPathFactory, drawn: Any, weeks: int, part: float) -> None:
    """A delivery in two parts, a cancelled order, and all dates some weeks later change no rate, count or money."""
    folder = tmp_path_factory.mktemp("terms")
    whole = figures(folder / "whole", drawn_tables(drawn))
    assert figures(folder / "split", drawn_tables(drawn, parts=(part, 1 - part))) == pytest.approx(whole)
    assert figures(folder / "moved", drawn_tables(drawn, shift=7 * weeks), shift=7 * weeks) == pytest.approx(whole)
    tables = drawn_tables(drawn)
    tables["orders"] = [{**row, "status": "done"} for row in tables["orders"]]
    tables["orders"].append(order("X", "CT", status="cancelled"))
    tables["order_lines"].append(line("LX", 1, order="X"))
    tables["deliveries"].append(came("LX", "2026-05-05", 10, 10))
    assert figures(folder / "cancelled", tables) == pytest.approx(whole)
