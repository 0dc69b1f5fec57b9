"""Jeffreys intervals."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import special, stats

from salesops.models.rates import with_interval


def test_interval_is_jeffreys() -> None:
    """The limits cut 2.5% off each side of the beta(yes + ½, no + ½) distribution."""
    table = with_interval(pd.DataFrame({"yes": [3, 0, 5], "no": [7, 4, 0]}), "yes", "no")
    for row in table.itertuples():
        assert special.betainc(row.yes + 0.5, row.no + 0.5, row.low) == pytest.approx(0.025)
        assert special.betainc(row.yes + 0.5, row.no + 0.5, row.high) == pytest.approx(0.975)


def test_interval_covers_the_true_rate() -> None:
    """Over all outcomes of 20 deals at a true rate of .3 the interval holds it in about 95 of 100 cases."""
    table = with_interval(pd.DataFrame({"yes": range(21), "no": range(20, -1, -1)}), "yes", "no")
    chance = stats.binom.pmf(table.yes, 20, 0.3)
    covered = chance[((table.low <= 0.3) & (table.high >= 0.3)).to_numpy()].sum()
    assert covered == pytest.approx(0.95, abs=0.03)


def test_nothing_decided_tells_nothing() -> None:
    """Without a case the interval spans almost everything."""
    (row,) = with_interval(pd.DataFrame({"yes": [0], "no": [0]}), "yes", "no").itertuples()
    assert row.low < 0.01
    assert row.high > 0.99


def test_empty_table_keeps_its_columns() -> None:
    """A table without rows gets the columns, and no row."""
    empty = with_interval(pd.DataFrame({"yes": [], "no": []}), "yes", "no")
    assert list(empty) == ["yes", "no", "low", "high"]
    assert empty.empty
