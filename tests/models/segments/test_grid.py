"""The rule grid: cuts that keep ties together, frozen definitions, one segment a customer."""

from __future__ import annotations

import itertools
from datetime import date

import examples
import numpy as np
import pandas as pd
import pytest
from customers import customers, drawn, rfm_tables
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.errors import BookError
from salesops.models.segments import RFM, UNKNOWN, VALUE_ACTIVE, Dimension, Segment, SegmentGrid, fit_grid

DIMENSIONS = ("recency", "frequency", "value")
# the ten names of the usual map, by recency fifth (5 is best) and frequency fifth, before value has its say
USUAL_MAP = {
    1: ["hibernating", "hibernating", "at risk", "at risk", "cannot lose"],
    2: ["hibernating", "hibernating", "at risk", "at risk", "cannot lose"],
    3: ["about to sleep", "about to sleep", "need attention", "loyal", "loyal"],
    4: ["promising", "potential loyalists", "potential loyalists", "loyal", "loyal"],
    5: ["new", "potential loyalists", "potential loyalists", "champions", "champions"],
}


def even() -> pd.DataFrame:
    """One customer in each cell: days_since, frequency and total are 1 to 5 each."""
    cells = list(itertools.product(range(1, 6), repeat=3))
    return customers(
        days_since=[cell[0] for cell in cells], frequency=[cell[1] for cell in cells], total=[cell[2] for cell in cells]
    )


def test_levels_are_fifths_by_hand() -> None:
    """Ten customers with ten values: two in each fifth; few days since the last purchase are the best level."""
    table = customers(days_since=range(10), frequency=range(10), total=np.arange(10) * 100)
    found = fit_grid(table).assign(table)
    assert list(found.recency) == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert list(found.frequency) == list(found.value) == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_fifths_are_those_of_pandas_where_nothing_is_tied() -> None:
    """With distinct values the levels are those of pandas' qcut, an implementation of its own."""
    table = drawn(1000).assign(days_since=np.random.default_rng(1).permutation(1000))
    found = fit_grid(table).assign(table)
    assert list(found.value) == list(pd.qcut(table.total, 5, labels=False) + 1)
    assert list(found.recency) == list(5 - pd.qcut(table.days_since, 5, labels=False))


def test_segments_are_those_of_the_usual_map() -> None:
    """Where value is neither in the lowest two fifths nor in the highest, the names are those of the usual map."""
    table = even()
    found = fit_grid(table).assign(table)
    middle = found[found.value.isin([3, 4])]
    assert {(row.recency, row.frequency): row.segment for row in middle.itertuples()} == {
        (recency, frequency + 1): name for recency, names in USUAL_MAP.items() for frequency, name in enumerate(names)
    }


def test_value_decides_about_champions_and_about_whom_not_to_lose() -> None:
    """Recent and frequent but worth little is loyal, not champion; silent and worth most is never let go."""
    table = even()
    found = fit_grid(table).assign(table).set_index([*DIMENSIONS]).segment
    assert [found[5, 5, value] for value in range(1, 6)] == ["loyal", "loyal", *3 * ["champions"]]
    assert [found[1, 1, value] for value in range(1, 6)] == [*4 * ["hibernating"], "cannot lose"]


@settings(max_examples=examples.of(50), deadline=None)
@given(rfm_tables())
def test_every_customer_has_exactly_one_segment(table: pd.DataFrame) -> None:
    """Whatever the figures: one row a customer, in their order; unknown only where a figure is missing."""
    if not table.frequency.notna().any():
        with pytest.raises(BookError, match="'frequency' is empty for all"):
            fit_grid(table)
        return
    grid = fit_grid(table)
    found = grid.assign(table)
    assert list(found.account_id) == list(table.account_id)
    assert found.segment.notna().all()
    assert list(found.segment == UNKNOWN) == list(table.frequency.isna())
    assert set(found.segment) <= set(grid.names)


@settings(max_examples=examples.of(50), deadline=None)
@given(rfm_tables(), st.randoms())
def test_ties_are_never_split(table: pd.DataFrame, random: st.DataObject) -> None:
    """Customers with the same figures are in the same segment, whatever the order of the rows."""
    table = table.assign(frequency=table.frequency.fillna(1))
    shuffled = table.iloc[random.sample(range(len(table)), len(table))]  # type: ignore[attr-defined]  # as typed by hypothesis
    grid = fit_grid(shuffled)
    assert grid == fit_grid(table)
    found = grid.assign(shuffled)
    for name, column in zip(DIMENSIONS, ("days_since", "frequency", "total"), strict=True):
        assert (found.groupby(shuffled[column])[name].nunique() == 1).all()


@settings(max_examples=examples.of(50), deadline=None)
@given(rfm_tables(least=2), st.data())
def test_more_is_never_a_worse_level(table: pd.DataFrame, data: st.DataObject) -> None:
    """Of two customers, the one with more purchases, more money or fewer days has the same level or a better one."""
    table = table.assign(frequency=table.frequency.fillna(0))
    levels = fit_grid(table).assign(table)
    first, second = (data.draw(st.integers(0, len(table) - 1)) for _ in range(2))
    for name, column, sign in (("value", "total", 1), ("frequency", "frequency", 1), ("recency", "days_since", -1)):
        if sign * table[column][first] <= sign * table[column][second]:
            assert levels[name][first] <= levels[name][second]


@settings(max_examples=examples.of(50), deadline=None)
@given(rfm_tables(), rfm_tables())
def test_frozen_cuts_give_the_same_segment_next_month(now: pd.DataFrame, later: pd.DataFrame) -> None:
    """The segment of a customer depends on its own figures only, never on who else is in the table."""
    now, later = now.assign(frequency=now.frequency.fillna(0)), later.assign(account_id=[f"B{n}" for n in later.index])
    grid = fit_grid(now)
    alone = grid.assign(now)
    among = grid.assign(pd.concat([later, now], ignore_index=True)).tail(len(now))
    assert list(alone.segment) == list(among.segment)


def test_identical_customers_share_a_segment() -> None:
    """Where all customers are the same, they are in one segment, and nothing is missing."""
    table = customers(days_since=[7] * 50, frequency=[3] * 50, total=[10.0] * 50)
    found = fit_grid(table).assign(table)
    assert found.segment.nunique() == 1
    assert UNKNOWN not in set(found.segment)


def test_one_customer_has_a_segment() -> None:
    """One customer is cut and assigned like many."""
    table = customers(days_since=[7], frequency=[0], total=[10.0])
    assert list(fit_grid(table).assign(table).segment) == ["new"]


@pytest.mark.parametrize("missing", [None, np.nan, np.inf, -np.inf, pd.NA])
def test_missing_values_are_no_level_and_move_no_cut(missing: object) -> None:
    """A value that is missing, or not finite, is level 0 and unknown, and the cuts are those without it."""
    known = customers(days_since=range(5), frequency=range(5), total=range(5))
    table = customers(days_since=[*range(5), 3], frequency=[*range(5), 3], total=[*range(5), missing])
    table = table.assign(total=pd.to_numeric(table.total).astype(float))
    grid = fit_grid(table)
    assert grid.dimensions[2] == fit_grid(known).dimensions[2]
    last = grid.assign(table).iloc[-1]
    assert (last.segment, last.value) == (UNKNOWN, 0)


def test_value_by_activity_names_the_four_kinds() -> None:
    """Worth much or little, likely to buy or not: Reinartz and Kumar's four names."""
    table = customers(total=[1, 1, 9, 9], p_active=[0.1, 0.9, 0.1, 0.9])
    found = fit_grid(table, VALUE_ACTIVE).assign(table)
    assert list(found.segment) == ["strangers", "barnacles", "butterflies", "true friends"]


def test_the_record_says_where_the_cuts_come_from() -> None:
    """A grid knows its day, its version and how many customers it was cut on."""
    grid = fit_grid(drawn(40), fitted_on=date(2026, 10, 31), version=3)
    assert (grid.scheme, grid.fitted_on, grid.version, grid.customers) == (RFM.name, date(2026, 10, 31), 3, 40)


def test_an_index_of_its_own_is_kept() -> None:
    """The result has the rows and the index of the table."""
    table = drawn(20).set_index(np.arange(20) * 3)
    assert list(fit_grid(table).assign(table).index) == list(table.index)


def test_boxes_that_leave_customers_out_are_refused() -> None:
    """A definition that gives some customer no segment is an error that names the first cell left out."""
    dimension = Dimension("value", "total", "high", "money", (10.0, 20.0))
    with pytest.raises(BookError, match="none holds value 2"):
        SegmentGrid("value", 1, None, 5, (dimension,), (Segment("low", {"value": (1, 1)}),))


def test_the_first_box_wins() -> None:
    """Where two boxes hold a customer, the first is the customer's."""
    dimension = Dimension("value", "total", "high", "money", (10.0,))
    boxes = (Segment("rich", {"value": (2, 2)}), Segment("everyone", {}))
    grid = SegmentGrid("value", 1, None, 2, (dimension,), boxes)
    assert list(grid.assign(customers(total=[10, 11])).segment) == ["everyone", "rich"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (customers(days_since=[1], frequncy=[1], total=[1]), "no column 'frequency'. Did you mean 'frequncy'"),
        (customers(days_since=[1], frequency=["often"], total=[1]), "'frequency' .* must hold numbers"),
        (customers(days_since=[1, 1], frequency=[1, 1], total=[1, 1], account_id=["A", "A"]), "1 of 2 .*first: A"),
        (customers(days_since=[1], frequency=[np.nan], total=[1]), "'frequency' is empty for all 1 customers"),
        (customers(days_since=[], frequency=[], total=[]), "'days_since' is empty for all 0 customers"),
    ],
)
def test_tables_that_cannot_be_cut_are_refused(table: pd.DataFrame, message: str) -> None:
    """An absent column, text for numbers, an account twice, nothing known: each says what and what to do."""
    with pytest.raises(BookError, match=message):
        fit_grid(table)
