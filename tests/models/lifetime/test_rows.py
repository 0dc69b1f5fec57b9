"""Histories: what is refused, and which rows are equal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from salesops.errors import HistoryError, SalesopsError
from salesops.models.lifetime import (
    BetaGeoNBD,
    GammaGamma,
    ModifiedBetaGeoNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
    backtest,
)
from salesops.models.lifetime.rows import distinct, read_histories

NUMBERS = st.sampled_from([0.0, -0.0, 1.0, 2.0, 0.1, 0.3, 1e-300, 1e5])


@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=60))
def test_distinct_rows_are_those_of_numpy(rows: list[tuple[float, float, float]]) -> None:
    """Groups are the distinct rows that numpy finds, with their counts, and each row finds its group back."""
    table = np.array(rows)
    groups = distinct(list(table.T))
    expected, counts = np.unique(table, axis=0, return_counts=True)
    order = np.lexsort(table[groups.first].T[::-1])
    assert (table[groups.first][order] == expected).all()
    assert (groups.sums(None)[order] == counts).all()
    assert (groups.spread(table[groups.first, 1]) == table[:, 1]).all()


def test_sums_add_up_the_counts() -> None:
    """Rows that stand for several customers add up, fractions too; rows of nobody are dropped."""
    found = read_histories([1, 0, 1, 2], [3, 0, 3, 5], [9, 9, 9, 9], [2, 1, 0.5, 0])
    assert sorted(zip(found.x, found.t_x, found.T, found.n, strict=True)) == [(0, 0, 9, 1), (1, 3, 9, 2.5)]


def test_many_rows_are_few_distinct_ones() -> None:
    """200,000 customers of 40 kinds are 40 rows with counts that add up."""
    rng = np.random.default_rng(1)
    x, T = rng.integers(0, 5, 200_000), rng.integers(30, 38, 200_000)
    found = read_histories(x, np.where(x > 0, T / 7, 0), T / 7)
    assert (len(found.n), found.n.sum()) == (40, 200_000)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            ([1, -1, 0.5], [1, 0, 0], [9, 9, 9]),
            r"frequency: expected whole numbers of repeat purchases from 0 to 1,000,000; 2 of 3 rows are not "
            r"\(first: row 1 is -1, row 2 is 0\.5\)\. Correct them in the summary, or leave them out\.",
        ),
        (([2e6], [1], [9]), "frequency: expected whole numbers"),
        (
            ([1, 1], [1, np.nan], [9, 9]),
            r"recency: expected finite numbers .* 1 of 2 rows are not \(first: row 1 is nan",
        ),
        (([1], [1], [np.inf]), "T: expected finite numbers"),
        (([1, 1], [1, 10], [9, 9]), r"recency: expected a time not later than T .* \(first: row 1 is 10\)"),
        (
            ([0] * 5, [1] * 5, [9] * 5),
            r"recency: expected 0 where frequency is 0 .* row 0 is 1, row 1 is 1, row 2 is 1, …\)",
        ),
        (([1, 2], [1, 1, 1], [9]), "Expected columns of one length, found frequency 2, recency 3, T 1 rows"),
        ((["many"], [1], [9]), "frequency: expected numbers, found .*many.* Convert the column"),
        (([], [], []), r"A fit needs one customer at least; found 0 rows\. Check the filter"),
    ],
)
@pytest.mark.parametrize("model", [BetaGeoNBD, ModifiedBetaGeoNBD, ParetoNBD])
def test_impossible_histories_are_refused(
    model: type[BetaGeoNBD], columns: tuple[list[float], ...], message: str
) -> None:
    """A message says what was expected, how many rows are not, the first ones, and the repair."""
    with pytest.raises(HistoryError, match=message):
        model().fit(*columns)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([1, -1], "counts: expected finite numbers that are not negative; 1 of 2 rows"),
        ([1, 2, 3], "counts: expected one for each of 2 rows, found 3"),
        ([0, 0], "the counts of 2 rows add up to 0"),
    ],
)
def test_impossible_counts_are_refused(counts: list[float], message: str) -> None:
    """Counts are one number for each row, none negative, and not all 0."""
    with pytest.raises(HistoryError, match=message):
        BetaGeoNBD().fit([0, 1], [0, 4], [9, 9], counts=counts)


def unfitted() -> list[Callable[[], object]]:
    return [
        lambda: BetaGeoNBD().expected_purchases(1, 0, 0, 1),
        lambda: ParetoNBD().probability_alive(0, 0, 1),
        lambda: ModifiedBetaGeoNBD().lifetime_value(5, 0, 0, 1, 1),
        lambda: GammaGamma().expected_spend(1, 5),
        lambda: ShiftedBetaGeometric().survival(1),
    ]


@pytest.mark.parametrize("ask", unfitted())
def test_a_model_is_fitted_before_it_foretells(ask: Callable[[], object]) -> None:
    """As in scikit-learn, a forecast before the fit is refused."""
    with pytest.raises(NotFittedError, match="not fitted yet"):
        ask()


def test_refusals_are_ours_and_scikit_learns() -> None:
    """A refused history is an error that the command line prints, and a ValueError as scikit-learn raises it."""
    assert issubclass(HistoryError, SalesopsError)
    assert issubclass(HistoryError, ValueError)


def test_a_question_is_checked_like_a_fit() -> None:
    """A forecast refuses a negative horizon and an impossible history."""
    model = BetaGeoNBD()
    model.params_ = {"r": 0.25, "alpha": 4, "a": 0.8, "b": 2.5}
    with pytest.raises(HistoryError, match="horizon: expected finite numbers that are not negative"):
        model.probability_active(-1, 0, 0, 9)
    with pytest.raises(HistoryError, match="recency: expected a time not later than T"):
        model.expected_purchases(5, 1, 10, 9)


def test_frames_with_missing_values_are_refused() -> None:
    """A missing value in a pandas column is named like any other impossible one."""
    table = pd.DataFrame({"x": pd.array([1, None], dtype="Int64"), "t": [1.0, 2.0], "T": [9.0, 9.0]})
    with pytest.raises(HistoryError, match="frequency: expected"):
        BetaGeoNBD().fit(table.x, table.t, table["T"])


def test_backtest_needs_its_columns() -> None:
    """A calibration without recency is refused by name, as is a holdout of another length."""
    table = pd.DataFrame({"frequency": [1], "T": [9]})
    with pytest.raises(HistoryError, match="recency not among frequency, T"):
        backtest(BetaGeoNBD(), table, [1], 5)
    with pytest.raises(HistoryError, match="bought: expected one number for each of 1 customers, found 2"):
        backtest(BetaGeoNBD(), table.assign(recency=4), [1, 2], 5)
