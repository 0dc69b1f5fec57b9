"""Who is lost: the definition by hand, its laws, and what does not make a client lost."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import examples
import ibis
import numpy as np
import pandas as pd
import pytest
from books import Row, make_book
from hypothesis import given, settings
from hypothesis import strategies as st

from models.churn.worlds import every, orders_book
from salesops.book.source import Book
from salesops.models.rhythm import (
    FEWEST_GAPS,
    client_rhythms,
    has_rhythm,
    is_lost,
    lost_after,
    purchase_days,
    rhythms,
    usual_horizon,
    usual_pauses,
)

DAY = date(2026, 3, 31)


def back(*ages: int) -> list[date]:
    """Days so many days before DAY."""
    return sorted(DAY - timedelta(days=age) for age in ages)


def of_gaps(gaps: list[int], silent: int) -> list[date]:
    """Purchase days with these gaps, the last `silent` days before DAY."""
    days = [DAY - timedelta(days=silent)]
    for gap in reversed(gaps):
        days.append(days[-1] - timedelta(days=gap))
    return days[::-1]


def standing(
    folder: Path, days: list[date], *, horizon: int = 90, as_of: date = DAY, **others: list[date]
) -> pd.Series:
    """How client A stands that bought on these days."""
    table = client_rhythms(orders_book(folder, {"A": days, **others}), as_of, horizon_days=horizon)
    found: pd.Series = table.set_index("account_id").loc["A"]
    return found


def label(gaps: list[int], silent: int, horizon: int) -> bool:
    """Whether a client with these gaps is lost after so many silent days, in plain Python."""
    points = np.sort(np.array(gaps, float))
    place = 0.95 * (len(points) - 1)
    low, high = points[int(np.floor(place))], points[int(np.ceil(place))]
    point = low + (place - np.floor(place)) * (high - low)
    return len(gaps) >= 5 and silent > max(horizon, point, max(gaps))


@pytest.mark.parametrize(
    ("gaps", "silent", "state"),
    [
        ([20, 22, 18, 21, 19], 90, "overdue"),  # the horizon is the least
        ([20, 22, 18, 21, 19], 91, "lost"),
        ([20, 22, 18, 21, 19], 21, "in its rhythm"),  # the 80% point is 21.2
        ([20, 22, 18, 21, 19], 22, "overdue"),
        ([100, 150, 120, 90, 110], 150, "overdue"),  # its longest gap so far
        ([100, 150, 120, 90, 110], 151, "lost"),
        ([100, 150, 120, 90, 110], 120, "in its rhythm"),  # the 80% point is 126
        ([20, 22, 18, 21], 300, "no rhythm known"),  # four gaps are no rhythm
    ],
)
def test_lost_by_hand(tmp_path: Path, gaps: list[int], silent: int, state: str) -> None:
    """Silent for longer than the horizon, the 95% point of the own gaps and the longest gap, each of them exactly."""
    found = standing(tmp_path, of_gaps(gaps, silent))
    assert (found.state, found.gaps) == (state, len(gaps))
    assert (found.state == "lost") == label(gaps, silent, 90)


def test_at_the_end_of_the_horizon_it_takes_both(tmp_path: Path) -> None:
    """A purchase in the horizon saves, whatever the silence before; without one the silence must be long enough."""
    silence, after = pd.Series([200, 200, 90]), pd.Series([150.0, 150.0, 150.0])
    assert is_lost(silence, pd.Series([False, True, False]), after).tolist() == [True, False, False]


def test_gaps_that_grow_count_as_they_grow(tmp_path: Path) -> None:
    """A client whose gaps grow by an eighth each time is expected after a longer gap than any before."""
    gaps = [round(20 * 1.13**n) for n in range(12)]
    found = standing(tmp_path, of_gaps(gaps, gaps[-1] + 5))
    assert found.growth == pytest.approx(np.log(1.13), rel=0.02)
    assert found.longest_gap > gaps[-1]
    assert found.longest_gap == pytest.approx(20 * 1.13**12, rel=0.05)
    assert found.state == "in its rhythm"


def test_gaps_without_a_trend_do_not_grow(tmp_path: Path) -> None:
    """One long pause at the end, or gaps that shrink, are no growth."""
    for number, gaps in enumerate(([11, 11, 12, 11, 140], [60, 50, 40, 30, 20, 10], [20, 40, 20, 40, 20, 40])):
        assert standing(tmp_path / str(number), of_gaps(gaps, 10)).growth == 0


def test_who_buys_by_deals_has_no_rhythm(tmp_path: Path) -> None:
    """Six orders each from a deal are no rhythm; with half of them it is one."""
    days = of_gaps([20] * 6, 200)
    for named, state in ((7, "no rhythm known"), (4, "no rhythm known"), (3, "lost")):
        orders: list[Row] = [
            {"order_id": f"O{n}", "account_id": "A", "ordered_at": day, "opportunity_id": "D" if n < named else None}
            for n, day in enumerate(days)
        ]
        lines = [{"order_id": row["order_id"], "quantity": 1, "net_amount": 5} for row in orders]
        book = make_book(tmp_path / str(named), {"orders": orders, "order_lines": lines})
        assert client_rhythms(book, DAY, horizon_days=90).state.tolist() == [state]


def seasonal(first: date, seasons: int) -> list[date]:
    """Five purchases 11 days apart every half year."""
    return [first + timedelta(days=182 * season + 11 * n) for season in range(seasons) for n in range(5)]


def test_a_usual_pause_is_no_silence(tmp_path: Path) -> None:
    """Who bought nothing at this time of last year either is in its pause, until that has lasted longer than ever."""
    days = seasonal(date(2024, 3, 1), 4)
    pause = 182 - 44
    inside = standing(tmp_path / "a", days, as_of=days[-1] + timedelta(days=pause))
    beyond = standing(tmp_path / "b", days, as_of=days[-1] + timedelta(days=pause + 1))
    assert (inside.state, beyond.state) == ("in its usual pause", "lost")
    assert not inside.may_call
    assert beyond.may_call


def test_the_pause_of_its_kind_in_the_first_year(tmp_path: Path) -> None:
    """A client in its first year pauses as long as its kind does at that season; an older one by its own gaps alone."""
    kind = {f"K{n}": seasonal(date(2024, 3, 1) + timedelta(days=n), 5) for n in range(8)}
    days = [date(2025, 2, 20) + timedelta(days=11 * n) for n in range(6)]
    as_of = days[-1] + timedelta(days=120)
    new = standing(tmp_path / "a", days, as_of=as_of, **kind)
    assert (new.gaps, new.state) == (5, "in its usual pause")
    alone = standing(tmp_path / "b", days, as_of=as_of)
    assert alone.state == "lost"
    others = {key: every(11, date(2024, 3, 1), as_of) for key in kind}
    assert standing(tmp_path / "c", days, as_of=as_of, **others).state == "lost"


def test_a_pause_of_few_is_not_usual(tmp_path: Path) -> None:
    """It takes more than five of a kind, and half of them pausing."""
    kind = {f"K{n}": seasonal(date(2024, 3, 1) + timedelta(days=n), 4) for n in range(5)}
    book = orders_book(tmp_path / "a", kind)
    assert usual_pauses(purchase_days(book, DAY), [DAY], horizon_days=90).empty
    more = {**kind, "K5": seasonal(date(2024, 3, 3), 4)}
    found = usual_pauses(purchase_days(orders_book(tmp_path / "b", more), DAY), [DAY], horizon_days=90)
    assert set(found.season) == {4, 10}
    assert found.usual_pause.between(135, 170).all()


def test_horizon_is_the_median_point_in_weeks() -> None:
    """In whole weeks, at least 90 days, over those with a rhythm alone; 90 where nobody has one."""
    table = pd.DataFrame({"gaps": [9, 9, 9, 4], "by_deals": [0.0, 0, 0.4, 0], "gap_95": [20.0, 171, 200, 999]})
    assert usual_horizon(table) == 168
    assert usual_horizon(table.assign(gap_95=30.0)) == 90
    assert usual_horizon(table[table.gaps < 5]) == 90
    assert usual_horizon(table.assign(by_deals=0.6)) == 90


def test_half_year_buyers_set_the_horizon(tmp_path: Path) -> None:
    """Sixty clients who buy every half year: the horizon is theirs, and none is lost or overdue while they go on."""
    rng = np.random.default_rng(4)
    start = date(2021, 1, 1)
    days = {}
    for n in range(60):
        gaps = rng.normal(182, 15, 12).round().clip(120, 240)
        last = start + timedelta(days=int(n * 3))
        days[f"A{n:02}"] = [last := last + timedelta(days=int(gap)) for gap in gaps if last < DAY]
    days = {key: [day for day in found if day <= DAY] for key, found in days.items()}
    found = client_rhythms(orders_book(tmp_path, days), DAY)
    assert found.horizon_days.iloc[0] == pytest.approx(203, abs=14)
    assert found.horizon_days.iloc[0] % 7 == 0
    assert (found.state == "lost").mean() < 0.05


histories = st.lists(st.integers(1, 60), min_size=1, max_size=12)


def gaps_of(book: Book, cut: date) -> pd.DataFrame:
    """The rhythms of all clients of a book at a cut, by account."""
    days = purchase_days(book, cut)
    who = days.select("account_id").distinct()
    units = who.mutate(unit_id=who.account_id, cut=ibis.literal(cut))
    found: pd.DataFrame = rhythms(days, units).to_pandas()
    return found.set_index("unit_id").sort_index()


@settings(max_examples=examples.of(20), deadline=None)
@given(st.lists(histories, min_size=1, max_size=5), st.integers(0, 100))
def test_points_are_those_of_numpy(drawn: list[list[int]], silent: int) -> None:
    """Counts, medians, points and longest gaps equal numpy's of the gaps, where they do not grow."""
    with tempfile.TemporaryDirectory() as folder:
        found = gaps_of(orders_book(Path(folder), {f"A{n}": of_gaps(g, silent) for n, g in enumerate(drawn)}), DAY)
    for gaps, row in zip(drawn, found.itertuples(), strict=True):
        assert row.gaps == len(gaps)
        assert row.median_gap == np.median(gaps)
        grown = np.array(gaps) * np.exp(row.growth * (len(gaps) + 1 - np.arange(1, len(gaps) + 1)))
        assert row.gap_80 == pytest.approx(np.quantile(grown, 0.8))
        assert row.gap_95 == pytest.approx(np.quantile(grown, 0.95))
        assert row.longest_gap == pytest.approx(grown.max())
        assert 0 <= row.growth <= 0.4
        assert row.growth == 0 or len(gaps) >= FEWEST_GAPS


@pytest.mark.long
@settings(max_examples=examples.of(15), deadline=None)
@given(st.lists(st.integers(5, 60), min_size=5, max_size=12), st.integers(1, 400), st.integers(1, 900))
def test_shifting_all_days_shifts_nothing_else(gaps: list[int], silent: int, shift: int) -> None:
    """The same history so many days earlier, seen so many days earlier, stands the same, but for the season's name."""
    days = of_gaps(gaps, silent)
    with tempfile.TemporaryDirectory() as folder:
        now = standing(Path(folder) / "a", days)
        earlier = timedelta(days=shift)
        then = standing(Path(folder) / "b", [day - earlier for day in days], as_of=DAY - earlier)
    names = ["state", "lost_after", "gap_80", "gap_95", "longest_gap", "at_stake", "may_call"]
    assert now[names].tolist() == then[names].tolist()


@settings(max_examples=examples.of(15), deadline=None)
@given(st.lists(st.integers(5, 60), min_size=5, max_size=12), st.integers(1, 400), st.integers(2, 4))
def test_a_slower_clock_changes_no_state(gaps: list[int], silent: int, factor: int) -> None:
    """Gaps, silence and horizon so many times as long: the same state. Leaving does not hang on the pace."""
    with tempfile.TemporaryDirectory() as folder:
        one = standing(Path(folder) / "a", of_gaps(gaps, silent), horizon=90)
        slow = standing(Path(folder) / "b", of_gaps([g * factor for g in gaps], silent * factor), horizon=90 * factor)
    # a pause needs a year as a client, and a year is a year
    if "in its usual pause" not in (one.state, slow.state):
        assert (one.state, one.at_stake) == (slow.state, slow.at_stake)
    assert slow.lost_after == pytest.approx(factor * one.lost_after)


@settings(max_examples=examples.of(15), deadline=None)
@given(st.lists(st.integers(1, 200), min_size=5, max_size=10), st.integers(1, 500), st.integers(1, 200))
def test_more_silence_never_brings_a_client_back(gaps: list[int], silent: int, more: int) -> None:
    """Once lost, a longer silence is lost too; and the limit is never below the horizon or any gap."""
    days = of_gaps(gaps, silent)
    with tempfile.TemporaryDirectory() as folder:
        book = orders_book(Path(folder), {"A": days})
        now, later = (client_rhythms(book, day, horizon_days=90).iloc[0] for day in (DAY, DAY + timedelta(days=more)))
    assert not (now.state == "lost" and later.state != "lost")
    assert now.lost_after >= max(90, *gaps)


@settings(max_examples=examples.of(10), deadline=None)
@given(st.lists(st.integers(5, 60), min_size=5, max_size=8), st.integers(1, 300), st.integers(0, 89))
def test_a_purchase_in_the_horizon_is_no_loss(gaps: list[int], silent: int, wait: int) -> None:
    """However long the silence before it, who buys by the end of the horizon is not lost at its end."""
    days = [*of_gaps(gaps, silent), DAY + timedelta(days=1 + wait)]
    with tempfile.TemporaryDirectory() as folder:
        book = orders_book(Path(folder), {"A": days})
        found = client_rhythms(book, DAY + timedelta(days=90), horizon_days=90).iloc[0]
    assert found.state != "lost"


def test_other_clients_change_no_rhythm(tmp_path: Path) -> None:
    """Beyond its first year a client's state hangs on its own days alone."""
    days = of_gaps([40] * 12, 95)
    alone = standing(tmp_path / "a", days)
    among = standing(tmp_path / "b", days, **{f"B{n}": seasonal(date(2024, 3, 1), 4) for n in range(9)})
    pd.testing.assert_series_equal(alone, among)


def test_what_is_known_of_a_day_is_that_of_the_book_then(tmp_path: Path) -> None:
    """A later purchase changes nothing of an earlier day."""
    days = of_gaps([20] * 8, 100)
    then = standing(tmp_path / "a", days, as_of=DAY)
    later = standing(tmp_path / "b", [*days, DAY + timedelta(days=1)], as_of=DAY)
    pd.testing.assert_series_equal(then, later)


def test_nobody_is_an_empty_table(tmp_path: Path) -> None:
    """A book without purchases has no rhythm, and no error."""
    found = client_rhythms(orders_book(tmp_path, {}), DAY)
    assert found.empty
    assert {"state", "rhythm", "lost_after", "may_call"} <= set(found)


def test_limit_takes_what_there_is() -> None:
    """A missing pause of the kind, or a missing gap, is no limit."""
    table = pd.DataFrame({"gap_95": [30.0, np.nan], "longest_gap": [40.0, np.nan], "usual_pause": [np.nan, np.nan]})
    assert lost_after(table, 35).tolist() == [40, 35]
    assert lost_after(table.assign(usual_pause=120.0), 35).tolist() == [120, 120]
    assert has_rhythm(pd.DataFrame({"gaps": [np.nan, 5], "by_deals": [np.nan, 0.5]})).tolist() == [False, True]
