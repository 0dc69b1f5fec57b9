"""The guard: what knows the future is found, whether it says so or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.churn.worlds import DAY, every, orders_book
from salesops.errors import LeakError
from salesops.models.churn import check_no_leak
from salesops.models.churn.features import features
from salesops.models.churn.guard import suspicious
from salesops.models.churn.units import order_units

CUT = pd.Timestamp("2026-01-01")


def table(**columns: object) -> pd.DataFrame:
    """Features of four clients that were known in time."""
    base = {"cut": [CUT] * 4, "known_until": [CUT] * 4, "talks": [1.0, 2, 3, 4]}
    return pd.DataFrame({**base, **columns}, index=[f"A{n}" for n in range(4)])


def test_what_was_known_in_time_passes() -> None:
    """Features known on the cut or before it are let through."""
    check_no_leak(table())
    check_no_leak(table(known_until=[CUT - pd.Timedelta(days=9)] * 4))


def test_planted_leak_is_found() -> None:
    """A column that became known after the cut is refused by name, with how many rows, the first, and by how much."""
    late = [CUT, CUT + pd.Timedelta(days=3), CUT, CUT + pd.Timedelta(days=12)]
    planted = table(cancelled_on=[1.0] * 4, cancelled_on_known_until=late)
    with pytest.raises(LeakError, match=r"'cancelled_on': 2 of 4 rows know something .* up to 12 days .* A1, A3"):
        check_no_leak(planted)


def test_features_of_the_end_are_refused(tmp_path: Path) -> None:
    """Features computed once at the end of the data and joined to earlier cuts are refused."""
    book = orders_book(tmp_path, {f"A{n}": every(10 + n, DAY.replace(year=2025), DAY) for n in range(3)})
    cuts = [DAY.replace(month=1, day=1), DAY]
    units = order_units(book, DAY, cuts, horizon_days=90)
    honest = features(book, DAY, units, horizon_days=90)
    check_no_leak(honest)
    account = honest.index.str[:2]
    end = honest[honest.cut == pd.Timestamp(DAY)]
    end_by_account = end.set_index(end.index.str[:2]).drop(columns="cut")
    leaking = honest[["cut"]].join(end_by_account.loc[account].set_index(honest.index))
    with pytest.raises(
        LeakError, match=r"features: 3 of 6 rows know something that came up to .* days after their cut"
    ):
        check_no_leak(leaking)


def test_rows_must_say_when_they_were_known() -> None:
    """Features of one's own without known_until, or with gaps in it, are refused."""
    with pytest.raises(LeakError, match="need the columns cut and known_until; known_until not found"):
        check_no_leak(table().drop(columns="known_until"))
    with pytest.raises(LeakError, match=r"1 of 4 rows do not say until when they were known \(first: A2\)"):
        check_no_leak(table(known_until=[CUT, CUT, pd.NaT, CUT]))


def test_what_tells_too_well_is_told() -> None:
    """A feature that tells lost from kept all but perfectly is named, in either direction; honest ones are not."""
    rng = np.random.default_rng(2)
    churned = pd.Series((rng.random(200) < 0.3).astype(float))
    frame = pd.DataFrame({"honest": rng.random(200) + 0.5 * churned, "days_to_next_order": -churned, "empty": np.nan})
    found = suspicious(frame, list(frame), churned)
    assert found == {"days_to_next_order": 1.0}
    assert suspicious(frame, list(frame), churned.where(churned.index < 20)) == {}
