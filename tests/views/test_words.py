"""Words for numbers and dates."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops import words
from salesops.periods import parse_period

NOTHING = [None, math.nan, math.inf, -math.inf, pd.NaT, pd.NA]
AMOUNTS = st.floats(-1e12, 1e12, allow_nan=False)


@pytest.mark.parametrize("value", NOTHING)
def test_what_is_missing_reads_as_a_dash(value: object) -> None:
    """A missing value reads "–" in every form, and never 0, nan or inf."""
    scale = words.scale_for([1], currency="EUR")
    forms = [words.percent(value), words.number(value), words.money(value), words.day(value), scale.show(value)]
    assert forms == ["–"] * 5


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.793, "79%"), (1.0, "100%"), (0.996, "<100%"), (0.004, "<1%"), (0, "0%"), (2.54, "254%"), (-0.5, "−50%")],
)
def test_percent_never_rounds_across_the_goal(value: float, shown: str) -> None:
    """Only what reaches 1 reads 100%, only nothing reads 0%."""
    assert words.percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(7_103_000, "7.10 M"), (948_000, "948 k"), (999_950, "1.00 M"), (95_714_000, "95.7 M"), (840, "840"),
     (-1_234, "−1.23 k"), (0, "0"), (2.5e9, "2.50 bn"), (Decimal("614000"), "614 k")],
)  # fmt: skip  # pairs stay together
def test_money_has_three_figures(value: float, shown: str) -> None:
    """An amount in a sentence has three figures, and rounding up moves it to the next unit."""
    assert words.money(value).replace("\N{NO-BREAK SPACE}", " ") == shown


@pytest.mark.parametrize(
    ("largest", "unit", "shown"),
    [(8_051_000, "thousand USD", "614"), (84_000, "USD", "614,000"), (2.5e8, "million USD", "0.6")],
)
def test_a_column_has_one_scale(largest: float, unit: str, shown: str) -> None:
    """The largest amount of a column decides the unit and the decimals of all."""
    scale = words.scale_for([largest, -3, None], currency="USD")
    assert (scale.unit, scale.show(614_000)) == (unit, shown)


@given(value=AMOUNTS, others=st.lists(AMOUNTS))
def test_what_is_not_zero_never_reads_zero(value: float, others: list[float]) -> None:
    """In any scale, an amount reads 0 only if it is 0: a gap of 400 in thousands is not closed."""
    shown = words.scale_for([value, *others], currency="").show(value)
    assert (shown.strip("0.") == "") == (value == 0)


def test_small_amounts_keep_their_side_of_zero() -> None:
    """400 in thousands reads "<1", and −400 reads ">−1"."""
    scale = words.Scale(1000, "thousand EUR", 0)
    assert (scale.show(400), scale.show(-400), scale.show(0), scale.show(-0.0)) == ("<1", ">−1", "0", "0")


@pytest.mark.parametrize(
    ("count", "shown"),
    [(1, "1 deal"), (0, "0 deals"), (3, "3 deals"), (2.5, "2.5 deals"), (1200, "1,200 deals"), (None, "– deals")],
)
def test_plural_follows_the_count(count: object, shown: str) -> None:
    """One deal is a deal; none, many and parts are deals."""
    assert words.plural(count, "deal") == shown


def test_plural_takes_an_irregular_noun() -> None:
    """The plural may be given."""
    assert words.plural(2, "opportunity", "opportunities") == "2 opportunities"


@pytest.mark.parametrize(
    ("items", "limit", "shown"),
    [([], None, ""), (["A"], None, "A"), (["A", "B"], None, "A and B"), (["A", "B", "C"], 3, "A, B and C"),
     (["A", "B", "C", "D"], 2, "A, B and 2 more")],
)  # fmt: skip  # as above
def test_lists_end_with_and(items: list[str], limit: int | None, shown: str) -> None:
    """A list reads as a sentence does; a cut list says how many are left out."""
    assert words.and_list(items, limit=limit) == shown


@pytest.mark.parametrize("name", ["شركة النور", "\N{RIGHT-TO-LEFT OVERRIDE}live"])
def test_names_from_right_to_left_turn_nothing_around(name: str) -> None:
    """A name that runs right to left is set apart from the words after it."""
    assert words.isolated(name) == f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"


@pytest.mark.parametrize("name", ["Weissach Nord GmbH", "Zoë 42 <b>", "", "😀"])
def test_names_from_left_to_right_stay_as_they_are(name: str) -> None:
    """Nothing is added to a name that needs nothing."""
    assert words.isolated(name) == name


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [(date(2013, 6, 30), date(2013, 9, 28), "30 Jun – 28 Sep 2013"),
     (date(2012, 12, 30), date(2013, 1, 2), "30 Dec 2012 – 2 Jan 2013"),
     (datetime(2013, 9, 28, 9), date(2013, 9, 28), "28 Sep 2013")],
)  # fmt: skip  # as above
def test_a_span_names_its_year_once(start: date, end: date, shown: str) -> None:
    """A span within a year names the year once, and a single day stands alone."""
    assert words.span(start, end) == shown


def test_a_timestamp_reads_as_its_day() -> None:
    """What a table gives for a date reads like a date."""
    assert words.day(pd.Timestamp("2013-09-28")) == "28 Sep 2013"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2019-04-01..2020-03-31", "FY2020, 1 Apr 2019 – 31 Mar 2020"),
        ("FY2020-Q1", "FY2020 Q1, 1 Apr – 30 Jun 2019"),
        ("2019-Q3", "2019 Q3, 1 Jul – 30 Sep 2019"),
        ("2019-04-01..2020-03-30", "1 Apr 2019 – 30 Mar 2020"),
    ],
)
def test_a_period_is_called_by_its_name(text: str, shown: str) -> None:
    """A span that is a fiscal year or quarter is called so, where the fiscal year starts in April; others by days."""
    assert words.period(parse_period(text, 4)) == shown


@pytest.mark.parametrize(
    ("auc", "lead", "said"),
    [(0.834, (0.001, 0.005), "no better than"), (0.86, (0.01, 0.05), "better than"),
     (0.86, (-0.01, 0.07), "no better than"), (0.79, (-0.06, -0.02), "worse than")],
)  # fmt: skip  # a case a line
def test_a_ranking_is_better_only_where_its_lead_is_clear(auc: float, lead: tuple[float, float], said: str) -> None:
    """Against .83: the lead lies above 0 with its whole interval, and the two digits shown differ."""
    model = {"auc": auc, "lead_low": lead[0], "lead_high": lead[1]}
    assert words.ranking(model, {"auc": 0.83}) == said
