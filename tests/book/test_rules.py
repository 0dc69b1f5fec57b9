"""The rules as data: complete, readable, and true of the rows that they name."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

from salesops.book.finding import in_number
from salesops.book.rules import RULES, Rule, column_rules
from salesops.book.schema import SCHEMA, Column

_KINDS = {
    "text": "string", "number": "float64", "integer": "int64", "boolean": "boolean",
    "date": "date", "instant": "timestamp('UTC')",
}  # fmt: skip  # reads as a table
ALL_RULES = [(table, rule) for table, rules in RULES.items() for rule in rules]


def rows_of(table: str, *rows: dict[str, Any]) -> ir.Table:
    """Return a typed table of the schema; columns that are not given are null."""
    schema = {column.name: _KINDS[column.type] for column in SCHEMA[table].columns}
    return ibis.memtable([{name: row.get(name) for name in schema} for row in rows], schema=ibis.schema(schema))


def broken(table: str, name: str, *rows: dict[str, Any]) -> list[bool]:
    """Tell for each row, in order of the key, whether it breaks a rule."""
    rule = next(rule for rule in RULES[table] if rule.name == name)
    typed = rows_of(table, *rows)
    flagged = typed.mutate(_broken=rule.broken(typed).fill_null(False)).order_by(*SCHEMA[table].key)
    return [row["_broken"] for row in flagged.to_pyarrow().to_pylist()]


@pytest.mark.parametrize(("table", "rule"), ALL_RULES, ids=[f"{table}: {rule.name}" for table, rule in ALL_RULES])
def test_rule_fits_its_table(table: str, rule: Rule) -> None:
    """Every rule names existing columns, gives a boolean on an empty table, and ends its repair with a stop."""
    assert {*rule.needs, *([rule.shows] if rule.shows else [])} <= {c.name for c in SCHEMA[table].columns}
    assert rule.broken(rows_of(table)).type().is_boolean()
    assert rule.repair.endswith(".")
    assert not rule.found.endswith(".")


def test_rule_names_are_unique_in_a_table() -> None:
    """A finding points to one rule: no table has two of the same name, generated ones included."""
    for name, table in SCHEMA.items():
        generated = [rule.name for column in table.columns for rule in column_rules(column, "cells")]
        names = generated + [rule.name for rule in RULES.get(name, ())]
        assert len(set(names)) == len(names), name


def test_every_rule_reads_well_for_one_row() -> None:
    """For one row the words begin in the singular."""
    verbs = {in_number(rule.found, 1).split()[0] for _, rule in ALL_RULES}
    assert verbs <= {"has", "is", "closes", "names", "belongs", "overlaps"}


@pytest.mark.parametrize(
    ("name", "deal", "expected"),
    [
        ("won but not closed", {"is_won": True, "is_closed": False}, True),
        ("won but not closed", {"is_won": True, "is_closed": True}, False),
        ("open without amount", {"is_closed": False}, True),
        ("open without amount", {"is_closed": True}, False),
        ("open without close date", {"is_closed": False}, True),
        ("closed without date", {"is_closed": True}, True),
        ("won without amount", {"is_won": True, "amount": 0.0}, False),
        ("amount negative", {"amount": -0.01}, True),
        ("amount negative", {"amount": None}, False),
        ("probability not 0–1", {"probability": 40.0}, True),
        ("probability not 0–1", {"probability": 1.0}, False),
    ],
)
def test_deal_rules(name: str, deal: dict[str, Any], expected: bool) -> None:
    """Each rule of deals is broken by the row that it speaks of, and by no neighbour."""
    assert broken("opportunities", name, {"opportunity_id": "D1", **deal}) == [expected]


def test_shares_are_summed_per_deal_and_per_order() -> None:
    """Shares sum within one deal or one order; an order of the same id as a deal is another thing."""
    rows = [("X", None, "U1", 0.5), ("X", None, "U2", 0.5), (None, "X", "U1", 0.7), ("Y", None, "U1", 0.9)]
    credits = [dict(zip(("opportunity_id", "order_id", "user_id", "share"), row, strict=True)) for row in rows]
    by_key = broken("credits", "shares do not sum to 1", *credits)
    assert sorted(by_key) == [False, False, True, True]


@pytest.mark.parametrize(("birthday", "expected"), [("02-29", False), ("13-01", True), ("1980-02-28", True)])
def test_birthdays_are_month_and_day(birthday: str, expected: bool) -> None:
    """A birthday with a year, or of no month, is reported."""
    row = {"contact_id": "C1", "birthday_mmdd": birthday}
    assert broken("contacts", "birthday not MM-DD", row) == [expected]


@pytest.mark.parametrize(
    ("metric", "target", "expected"),
    [("booked", "12e3", False), ("booked", "many", True), ("deal_stage", "Demo", False), ("own idea", "many", False)],
)
def test_targets_of_measured_metrics_are_numbers(metric: str, target: str, expected: bool) -> None:
    """A measured metric needs a number; the name of a stage or a declared metric needs none."""
    row = {"commitment_id": "K1", "metric": metric, "target": target}
    assert broken("commitments", "target not a number", row) == [expected]


@pytest.mark.parametrize(
    ("low", "high", "expected", "words"),
    [
        (0, 10, [True, False, False, True], "outside 0 to 10"),
        (0, None, [True, False, False, False], "below 0"),
        (None, 10, [False, False, False, True], "above 10"),
    ],
)
def test_range_includes_its_ends(low: float | None, high: float | None, expected: list[bool], words: str) -> None:
    """A value breaks a range only outside its ends, and the words name the ends that there are."""
    column = Column(name="score", type="number", meaning="Answer", low=low, high=high)
    (rule,) = column_rules(column)
    table = ibis.memtable({"n": [1, 2, 3, 4], "score": [-1.0, 0.0, 10.0, 11.0]})
    flagged = table.mutate(_broken=rule.broken(table)).order_by("n").to_pyarrow().to_pylist()
    assert [row["_broken"] for row in flagged] == expected
    assert rule.found == f"have a score {words}"


def test_discount_in_percent_is_an_error_where_it_makes_the_value() -> None:
    """A discount of 20 would turn sales into a loss; beside a net_amount it changes nothing."""
    lines = [
        {"order_line_id": "a", "quantity": 1, "unit_price": 10, "discount": 20},
        {"order_line_id": "b", "quantity": 1, "unit_price": 10, "discount": 0.2},
        {"order_line_id": "c", "quantity": 1, "unit_price": 10, "discount": 20, "net_amount": 8},
        {"order_line_id": "d", "quantity": 1, "unit_price": 10},
    ]
    assert broken("order_lines", "discount not 0–1", *lines) == [True, False, False, False]
