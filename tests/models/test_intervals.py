"""Score intervals against scipy's and the published ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from salesops.models.intervals import newcombe, wilson, with_interval


def test_intervals_are_scipys_wilson() -> None:
    """The interval of each share is that of scipy's binomial test by Wilson's method; nothing known is 0 to 1."""
    cases = [(k, n) for n in (1, 2, 5, 30, 1000) for k in {0, 1, n // 3, n}]
    low, high = wilson(pd.Series([k for k, _ in cases]), pd.Series([n for _, n in cases]))
    for (k, n), *found in zip(cases, low, high, strict=True):
        interval = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert found == pytest.approx([interval.low, interval.high], abs=1e-9)
    assert [ends.tolist() for ends in wilson(pd.Series([0]), pd.Series([0]))] == [[0], [1]]


def test_intervals_hold_the_true_share() -> None:
    """Of many binomial counts with a true share of 20%, about 95 in 100 intervals hold it."""
    counts = pd.Series(np.random.default_rng(6).binomial(40, 0.2, 4000))
    low, high = wilson(counts, pd.Series([40] * 4000))
    assert ((low <= 0.2) & (high >= 0.2)).mean() == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("one", "of_one", "other", "of_other", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_differences_are_newcombes(one: int, of_one: int, other: int, of_other: int, low: float, high: float) -> None:
    """The eight examples of Newcombe's paper (table II, method 10), to the four digits printed."""
    found = newcombe(*(pd.Series([number]) for number in (one, of_one, other, of_other)))
    assert [float(ends[0]) for ends in found] == pytest.approx([low, high], abs=6e-5)


def test_no_trial_on_a_side_has_no_interval() -> None:
    """Where one side is empty, the difference is not known."""
    low, high = newcombe(*(pd.Series([number]) for number in (3, 10, 0, 0)))
    assert np.isnan([low[0], high[0]]).all()


def test_columns_of_counts_get_the_interval() -> None:
    """The interval of yes ÷ (yes + no) stands beside the counts; without a case it spans everything."""
    table = with_interval(pd.DataFrame({"yes": [3, 0], "no": [7, 0]}), "yes", "no")
    low, high = wilson(pd.Series([3, 0]), pd.Series([10, 0]))
    assert table.low.tolist() == low.tolist()
    assert table.high.tolist() == high.tolist()


def test_empty_table_keeps_its_columns() -> None:
    """A table without rows gets the columns, and no row."""
    empty = with_interval(pd.DataFrame({"yes": [], "no": []}), "yes", "no")
    assert list(empty) == ["yes", "no", "low", "high"]
    assert empty.empty
