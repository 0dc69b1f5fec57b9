"""Where a source ends: a silence is judged by the pauses before it."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from salesops.models.silence import FEWEST_DAYS, last_heard

LAST = date(2026, 3, 31)


def every(days: int, count: int = 20) -> pd.Series:
    """Days at even steps up to LAST, and days that are not known."""
    return pd.Series([LAST - timedelta(days=days * n) for n in range(count)] + [None], dtype="datetime64[ns]")


@pytest.mark.parametrize(("pause", "silent", "ends"), [
    (1, 45, False), (1, 46, True), (7, 46, True), (30, 60, False), (30, 61, True), (90, 180, False), (90, 181, True),
])  # fmt: skip  # one rhythm a line
def test_a_silence_is_judged_by_the_longest_pause_before(pause: int, silent: int, ends: bool) -> None:
    """More than 45 days and more than twice the longest pause of the last two years is the end."""
    assert last_heard(every(pause), LAST + timedelta(days=silent)) == (LAST if ends else None)


def test_few_days_tell_no_rhythm() -> None:
    """With fewer than five days, or none, nobody knows how long a pause may be."""
    late = LAST + timedelta(days=900)
    assert last_heard(every(3, FEWEST_DAYS - 1), late) is None
    assert last_heard(every(3, FEWEST_DAYS), late) == LAST
    assert last_heard(every(3, 0), late) is None


def test_only_what_is_known_then_counts() -> None:
    """What lies after the date does not break a silence, and a pause of long ago does not excuse it."""
    days = pd.concat([every(3), pd.Series([LAST + timedelta(days=100)], dtype="datetime64[ns]")])
    assert last_heard(days, LAST + timedelta(days=60)) == LAST
    assert last_heard(days, LAST + timedelta(days=110)) is None
    long_ago = pd.concat([every(3, 300), pd.Series([LAST - timedelta(days=2000)], dtype="datetime64[ns]")])
    assert last_heard(long_ago, LAST + timedelta(days=60)) == LAST
