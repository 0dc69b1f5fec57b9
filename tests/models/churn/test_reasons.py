"""Reasons in words: what pushes this client towards loss, with its value and that of the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.models.churn.dictionary import FEATURES, YES_NO
from salesops.models.churn.reasons import LEAST, drivers, reasons, top_features


def one_of(**columns: tuple[float, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Eight clients of whom the first has the first value of each column, the others the second; and no weights yet."""
    table = pd.DataFrame({name: [own, *[rest] * 7] for name, (own, rest) in columns.items()}, dtype=float)
    return table, pd.DataFrame(0.0, index=table.index, columns=table.columns)


def test_sentence_has_the_value_and_that_of_the_others() -> None:
    """The client's own days stand beside the usual gap of the others."""
    table, parts = one_of(hiatus_days=(74, 10), median_gap=(20, 31))
    parts.loc[0, "hiatus_days"] = 0.5
    told = reasons(parts[["hiatus_days"]], table)
    assert told.reason_1[0] == "Last order 74 days ago; others order every 31 days."
    assert (told.loc[1:] == "").all(axis=None)
    assert (told[["reason_2", "reason_3"]] == "").all(axis=None)


def test_topics_are_told_once_and_by_weight() -> None:
    """Features of a topic count together, the weightiest speaks, and what lowers the risk is no reason."""
    parts = pd.DataFrame(
        {"hiatus_days": [0.3], "hiatus_ratio": [0.4], "late_share": [0.6], "talks": [-2.0], "price_change": [0.25]}
    )
    found = top_features(parts)
    assert [list(parts)[place] for place in found[0]] == ["hiatus_ratio", "late_share", "price_change"]


@pytest.mark.parametrize(
    ("own", "rest", "weight", "told"),
    [
        (0.5, 0.0, 0.5, True),
        (0.5, 0.5, 0.5, False),  # as the others
        (0.0, 0.5, 0.5, False),  # better than the others: it pushes nowhere, whatever the weight says
        (0.5, 0.0, LEAST - 0.01, False),  # too little
        (0.5, 0.0, -0.5, False),  # it lowers the risk
        (0.501, 0.499, 0.5, False),  # it reads the same
    ],
)
def test_only_what_pushes_towards_loss_is_a_reason(own: float, rest: float, weight: float, told: bool) -> None:
    """A reason weighs LEAST or more, and the client lies on the bad side of the others by what can be read."""
    table, parts = one_of(late_share=(own, rest))
    parts.loc[0, "late_share"] = weight
    sentence = reasons(parts, table).reason_1[0]
    assert bool(sentence) is told
    assert not told or sentence.startswith("50% of the lines due since 180 days before its last order came late")


def test_what_says_how_a_client_buys_is_no_reason() -> None:
    """A rhythm, a value or a season of its own is no push towards leaving; nor is a topic told elsewhere."""
    for name, feature in FEATURES.items():
        table, parts = one_of(**{name: (9.0, 1.0)}, **({"median_gap": (9, 1)} if name != "median_gap" else {}))
        parts.loc[0, name] = 2.0
        sides = [reasons(parts[[name]], frame).reason_1[0] for frame in (table, 10 - table)]
        assert [bool(side) for side in sides] == [feature.bad > 0, feature.bad < 0] or name in (
            "seller_left",
            "under_contract",
        )
        assert not any(
            reasons(parts[[name]], frame, told=(feature.topic,)).reason_1[0] for frame in (table, 10 - table)
        )


@given(st.lists(st.lists(st.floats(-3, 3), min_size=5, max_size=5), min_size=1, max_size=20))
def test_reasons_are_the_largest_that_raise_the_risk(rows: list[list[float]]) -> None:
    """Of features without a topic in common, the reasons are the largest positive contributions, in order."""
    names = ["hiatus_days", "median_gap", "late_share", "talks", "price_change"]
    values = np.array(rows)
    for chosen, row in zip(top_features(pd.DataFrame(values, columns=names)), values, strict=True):
        raises = np.sort(row[row > 0])[::-1][:3]
        np.testing.assert_array_equal(row[chosen[chosen >= 0]], raises)


def test_every_sentence_can_be_written() -> None:
    """Each feature that may be a reason gives a sentence that ends, and one of it is one."""
    for name, feature in FEATURES.items():
        for value in (0.0, 1.0, 1234.5):
            columns = {"median_gap": (12.0, 12.0), name: (value, value - 7 * feature.bad)}
            table, parts = one_of(**columns)
            parts.loc[0, name] = 1.0
            told = reasons(parts[[name]], table, "EUR").reason_1[0]
            assert told.endswith(".") or not feature.bad or name in YES_NO
            assert not any(word in told for word in ("nan", "{", " 1 days", "1 contracts"))


def test_drivers_say_which_way() -> None:
    """A driver says whether more or less of it goes with risk; one that adds nothing is none."""
    table = pd.DataFrame({"talks": np.arange(8.0), "late_share": np.r_[np.zeros(7), 1.0], "sellers": 1.0})
    parts = pd.DataFrame(
        {"talks": -np.arange(8.0), "late_share": np.r_[np.full(7, -0.01), 0.5], "sellers": np.zeros(8)}
    )
    found = drivers(parts, table).set_index("feature").sentence
    assert list(found.index) == ["talks", "late_share"]
    assert found.talks.endswith("the less, the higher the risk.")
    assert found.late_share.endswith("the more, the higher the risk.")
