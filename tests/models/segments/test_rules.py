"""A grid in sentences."""

from __future__ import annotations

import re

import examples
import pandas as pd
from customers import customers, drawn, rfm_tables
from hypothesis import given, settings

from salesops.models.segments import UNKNOWN, fit_grid, grid_notes, grid_rules

UNITS = {
    "days since the last purchase": "days_since", "repeat purchases": "frequency", "money spent in all": "total",
}  # fmt: skip  # reads as a table


def test_rules_say_the_cuts() -> None:
    """A rule names each column that matters with its bounds, in the words of the scheme."""
    table = customers(days_since=range(10), frequency=range(10), total=[n * 1000.5 for n in range(10)])
    rules = grid_rules(fit_grid(table))
    assert rules[0] == (
        "champions: days since the last purchase at most 1, repeat purchases more than 5, "
        "money spent in all more than 3,001.5."
    )
    assert (
        "potential loyalists: days since the last purchase at most 3, repeat purchases more than 1 and at most 5."
        in (rules)
    )
    assert rules[-1] == (f"{UNKNOWN}: days since the last purchase, repeat purchases or money spent in all not known.")


def test_one_sentence_a_segment() -> None:
    """Each segment has one sentence, also where it stands on two boxes."""
    grid = fit_grid(drawn(200))
    rules = grid_rules(grid)
    told = [rule.partition(":")[0] for rule in rules if not rule.startswith("The words are held to")]
    assert sorted(told) == sorted(grid.names)
    assert sum("; or " in rule for rule in rules) == 1


@settings(max_examples=examples.of(50), deadline=None)
@given(rfm_tables(least=3))
def test_a_person_with_the_rules_finds_the_same_segments(table: pd.DataFrame) -> None:
    """Read as a person reads them, top to bottom, the sentences give every customer the segment of `assign`."""
    table = table.assign(frequency=table.frequency.fillna(2))
    grid = fit_grid(table)
    rules = grid_rules(grid)[:-1]
    for row, segment in zip(table.to_dict("records"), grid.assign(table).segment, strict=True):
        assert next(rule.partition(":")[0] for rule in rules if _holds(rule, row)) == segment


def _holds(rule: str, row: dict[str, float]) -> bool:
    cases = rule.partition(": ")[2].removesuffix(".").split("; or ")
    return any(all(_part_holds(part, row) for part in re.split(r", (?=[a-z])", case)) for case in cases)


def _part_holds(part: str, row: dict[str, float]) -> bool:
    unit = next(unit for unit in UNITS if part.startswith(unit))
    value, bounds = row[UNITS[unit]], part.removeprefix(unit)
    if "nobody" in bounds:
        return False
    above, most = re.search(r"more than (\S+)", bounds), re.search(r"at most (\S+)", bounds)
    return (not above or value > _number(above[1])) and (not most or value <= _number(most[1]))


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def test_notes_say_where_customers_do_not_differ() -> None:
    """A column that most customers share is named with the value and how many share it."""
    table = customers(days_since=range(50), frequency=[0] * 40 + list(range(1, 11)), total=range(50))
    grid = fit_grid(table)
    (note,) = grid_notes(grid, table)
    assert note == "frequency: 2 of 5 levels are used; the same repeat purchases, 0, for 40 of 50."
    same = customers(days_since=[1] * 9, frequency=[1] * 9, total=[1.5] * 9)
    assert len(grid_notes(fit_grid(same), same)) == 3
