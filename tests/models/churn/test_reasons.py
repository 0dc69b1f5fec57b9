"""Reasons in words: the top topics, the client's value, the norm of its segment."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from salesops.models.churn.dictionary import FEATURES
from salesops.models.churn.reasons import drivers, reasons, top_features


def clients(**columns: object) -> pd.DataFrame:
    """Seven clients of one segment, and one of another."""
    return pd.DataFrame({"segment": ["loyal"] * 7 + ["new"], **columns})


def test_sentence_has_the_value_and_the_norm_of_the_segment() -> None:
    """The client's own days stand beside the usual gap of its segment, as the issue words it."""
    table = clients(hiatus_days=[74.0] * 8, own_gap_days=[31.0] * 7 + [200])
    parts = pd.DataFrame({"hiatus_days": np.full(8, 0.5)})
    told = reasons(parts, table)
    assert told.reason_1[0] == "Last order 74 days ago; clients like this one order every 31 days."
    # one value makes no norm: that of all is taken
    assert told.reason_1[7] == told.reason_1[0]
    assert (told[["reason_2", "reason_3"]] == "").all(axis=None)


def test_topics_are_told_once_and_by_weight() -> None:
    """Features of a topic count together, the weightiest speaks, and what lowers the risk is no reason."""
    parts = pd.DataFrame(
        {"hiatus_days": [0.3], "hiatus_ratio": [0.4], "late_share": [0.6], "talks": [-2.0], "price_change": [0.1]}
    )
    found = top_features(parts)
    assert [list(parts)[place] for place in found[0]] == ["hiatus_ratio", "late_share", "price_change"]
    table = clients(
        hiatus_days=60.0, hiatus_ratio=3.2, late_share=0.5, talks=0.0, price_change=np.nan, own_gap_days=20.0
    ).head(1)
    told = reasons(parts, table).iloc[0].tolist()
    assert told == [
        "Silent for 3.2 times its usual gap between orders, as is usual for clients like this one.",
        "50% of the lines due in the last 180 days came late or short, as is usual for clients like this one.",
        "Nothing bought again in the last 180 days to compare prices by.",
    ]


@given(st.lists(st.lists(st.floats(-3, 3), min_size=5, max_size=5), min_size=1, max_size=20))
def test_reasons_are_the_largest_that_raise_the_risk(rows: list[list[float]]) -> None:
    """Of features without a topic in common, the reasons are the largest positive contributions, in order."""
    names = ["hiatus_days", "own_gap_days", "late_share", "talks", "price_change"]
    values = np.array(rows)
    for chosen, row in zip(top_features(pd.DataFrame(values, columns=names)), values, strict=True):
        raises = np.sort(row[row > 0])[::-1][:3]
        np.testing.assert_array_equal(row[chosen[chosen >= 0]], raises)


def test_every_sentence_can_be_written() -> None:
    """Each feature of the dictionary gives a sentence, with a value and without, that ends and does not shout."""
    for name in FEATURES:
        for value in (0.0, 1.0, 1234.5, np.nan):
            table = clients(**{name: value}) if name == "own_gap_days" else clients(**{name: value}, own_gap_days=12.0)
            told = reasons(pd.DataFrame({name: np.ones(8)}), table, "EUR").reason_1[0]
            assert told.endswith(".")
            assert "nan" not in told
            assert "{" not in told


def test_drivers_say_which_way() -> None:
    """A driver says whether more or less of it goes with risk; one that adds nothing is none."""
    table = clients(talks=np.arange(8.0), late_share=np.r_[np.zeros(7), 1.0], sellers=1.0)
    parts = pd.DataFrame(
        {"talks": -np.arange(8.0), "late_share": np.r_[np.full(7, -0.01), 0.5], "sellers": np.zeros(8)}
    )
    found = drivers(parts, table).set_index("feature").sentence
    assert list(found.index) == ["talks", "late_share"]
    assert found.talks.endswith("the less, the higher the risk.")
    assert found.late_share.endswith("the more, the higher the risk.")
