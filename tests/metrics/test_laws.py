"""What holds for all metrics: sums, order, time, shares, and agreement with plain pandas."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import examples
import pandas as pd
import pytest
from books import Row, by, make_book, records
from conftest import CALM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.book.horizon import resolve
from salesops.book.source import Book
from salesops.metrics.activities import on_time_activities
from salesops.metrics.attainment import attainment, house_sales
from salesops.metrics.pipeline import pipeline
from salesops.metrics.slippage import slippage
from salesops.metrics.velocity import velocity
from salesops.metrics.win_rate import win_rate
from salesops.periods import Period, parse_period

YEAR = parse_period("2026")
QUARTERS = [parse_period(f"2026-Q{n}") for n in (1, 2, 3, 4)]
LAST = YEAR.end
FEW = settings(
    max_examples=examples.of(6), deadline=None, suppress_health_check=[*CALM, HealthCheck.function_scoped_fixture]
)

days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
owners = st.sampled_from("ABC")
amounts = st.none() | st.integers(0, 1000)
states = st.sampled_from(["open", "won", "lost"])
deals = st.lists(st.tuples(owners, amounts, days, states, st.integers(0, 4)), max_size=12)
USERS = [
    {"user_id": key, "manager_id": head, "territory_id": land}
    for key, head, land in (("A", "M", "N"), ("B", "M", "S"), ("C", "B", "S"))
] + [{"user_id": "M", "role": "manager"}]


def rows_of(drawn: list[tuple[str, int | None, date, str, int]]) -> dict[str, list[Row]]:
    """Deals as drawn; `split` quarters of each belong to C."""
    table = [
        {
            "opportunity_id": f"D{n}",
            "owner_id": owner,
            "amount": amount,
            "close_date": day,
            "created_date": "2025-12-01",
            "probability": 0.5,
            "is_closed": state != "open",
            "is_won": state == "won",
        }
        for n, (owner, amount, day, state, _) in enumerate(drawn)
    ]
    credits = [
        {"opportunity_id": f"D{n}", "user_id": user, "share": share}
        for n, (owner, _, _, _, split) in enumerate(drawn)
        for user, share in ((owner, 1 - split / 4), ("C", split / 4))
        if owner != "C" and 0 < split < 4
    ]
    return {"users": USERS, "opportunities": table, "credits": credits}


def totals(book: Book, metric: Any, names: tuple[str, ...], period: Period = YEAR, **options: Any) -> dict[str, float]:
    frame = metric(book, period, LAST, **options).to_pandas()
    return {name: float(frame[name].sum()) for name in names}


@pytest.mark.long
@FEW
@given(drawn=deals)
def test_period_sums_equal_the_total(tmp_path_factory: pytest.TempPathFactory, drawn: Any) -> None:
    """What four quarters hold together is what the year holds: bookings, wins and losses."""
    book = make_book(tmp_path_factory.mktemp("sums"), rows_of(drawn))
    for metric, names in ((attainment, ("booked", "deals")), (win_rate, ("won", "lost", "won_amount"))):
        parts = [totals(book, metric, names, quarter) for quarter in QUARTERS]
        whole = totals(book, metric, names)
        assert {name: sum(part[name] for part in parts) for name in names} == pytest.approx(whole)


@FEW
@given(drawn=deals)
def test_shares_sum_to_the_deal(tmp_path_factory: pytest.TempPathFactory, drawn: Any) -> None:
    """However deals are split, the reps' sums are those of the deals, each counted once."""
    book = make_book(tmp_path_factory.mktemp("split"), rows_of(drawn))
    won = [amount or 0 for _, amount, _, state, _ in drawn if state == "won"]
    assert totals(book, attainment, ("booked", "deals")) == pytest.approx({"booked": sum(won), "deals": len(won)})
    opened = [amount or 0 for _, amount, _, state, _ in drawn if state == "open"]
    assert totals(book, pipeline, ("open_amount", "open_deals", "weighted_amount")) == pytest.approx(
        {"open_amount": sum(opened), "open_deals": len(opened), "weighted_amount": sum(opened) / 2}
    )


@pytest.mark.long
@FEW
@given(drawn=deals, data=st.data())
def test_row_order_changes_nothing(tmp_path_factory: pytest.TempPathFactory, drawn: Any, data: Any) -> None:
    """The same rows in another order give the same figures, exactly."""
    tables = rows_of(drawn)
    shuffled = {name: data.draw(st.permutations(rows)) for name, rows in tables.items()}
    one, other = (make_book(tmp_path_factory.mktemp("order"), rows) for rows in (tables, shuffled))
    for metric in (attainment, win_rate, pipeline):
        assert by(metric(one, YEAR, LAST), "user_id") == by(metric(other, YEAR, LAST), "user_id")


@pytest.mark.long
@FEW
@given(drawn=deals, later=st.tuples(owners, amounts, days, states))
def test_later_deal_never_changes_an_earlier_report(
    tmp_path_factory: pytest.TempPathFactory, drawn: Any, later: Any
) -> None:
    """A deal created after as_of, whatever becomes of it, changes no figure of the report."""
    owner, amount, day, state = later
    tables = rows_of(drawn)
    more = {"opportunity_id": "NEW", "owner_id": owner, "amount": amount, "created_date": "2026-06-01"}
    more |= {"close_date": max(day, date(2026, 6, 1)), "is_closed": state != "open", "is_won": state == "won"}
    with_more = {**tables, "opportunities": [*tables["opportunities"], more]}
    one, other = (make_book(tmp_path_factory.mktemp("later"), rows) for rows in (tables, with_more))
    for metric in (attainment, pipeline, slippage):
        before, after = (by(metric(book, YEAR, date(2026, 5, 31)), "user_id") for book in (one, other))
        assert before == after


@pytest.fixture(scope="module")
def company(company_book: Book) -> Book:
    return company_book


@pytest.fixture(scope="module")
def frames(company: Book) -> dict[str, pd.DataFrame]:
    names = ("users", "opportunities", "credits", "quotas", "fx_rates", "activities", "orders", "order_lines")
    return {name: company.table(name).to_pandas() for name in names}


def shares(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Each deal once for each credited user, in plain pandas, with its value in euros."""
    table = frames["opportunities"].merge(
        frames["credits"][["opportunity_id", "user_id", "share"]].dropna(), on="opportunity_id", how="left"
    )
    table["user_id"] = table.user_id.fillna(table.owner_id)
    table["share"] = table.share.fillna(1.0)
    for name in ("close_date", "created_date"):
        table[name] = pd.to_datetime(table[name])
    rates = frames["fx_rates"].assign(date=lambda f: pd.to_datetime(f.date)).sort_values("date")

    def rate(row: Any) -> float:
        if row.currency == "EUR":
            return 1.0
        known = rates[(rates.currency == row.currency) & (rates.date <= row.close_date)]
        return float(known.rate.iloc[-1]) if len(known) else float("nan")

    return table.assign(value=table.amount * table.apply(rate, axis=1)).assign(part=lambda f: f.share * f.value)


def test_sample_agrees_with_plain_pandas(company: Book, frames: dict[str, pd.DataFrame]) -> None:
    """On the sample company bookings, win rate, average deal and cycle are those that pandas computes, by rep."""
    period, as_of = resolve(company)
    table = shares(frames)
    table = table[table.is_closed & table.close_date.between(pd.Timestamp(period.start), pd.Timestamp(period.end))]
    won, lost = table[table.is_won], table[~table.is_won]
    assert len(won) > 50
    lines = attainment(company, period, as_of).to_pandas()
    booked = lines[(lines.measure == "bookings") & ~lines.is_rollup].set_index("user_id").booked
    pd.testing.assert_series_equal(
        booked, won.groupby("user_id").part.sum().reindex(booked.index).fillna(0), check_names=False
    )
    rates = win_rate(company, period, as_of).to_pandas().set_index("user_id").sort_index()
    expected = pd.DataFrame({"won": won.groupby("user_id").share.sum(), "lost": lost.groupby("user_id").share.sum()})
    expected = expected.reindex(rates.index).fillna(0)
    pd.testing.assert_frame_equal(rates[["won", "lost"]], expected)
    pd.testing.assert_series_equal(rates.win_rate, expected.won / (expected.won + expected.lost), check_names=False)
    priced = won[won.part.notna()]  # an amount without a rate is in no average
    average = priced.groupby("user_id").part.sum() / priced.groupby("user_id").share.sum()
    pd.testing.assert_series_equal(rates.average_deal, average.reindex(rates.index), check_names=False)
    days = (won.close_date - won.created_date).dt.days
    cycle = (days * won.share).groupby(won.user_id).sum() / won.share.groupby(won.user_id).sum()
    speed = velocity(company, period, as_of).to_pandas().set_index("user_id").sort_index()
    pd.testing.assert_series_equal(speed.cycle_days, cycle.reindex(speed.index), check_names=False)


def test_sample_orders_agree_with_plain_pandas(company: Book, frames: dict[str, pd.DataFrame]) -> None:
    """Orders with an owner and house sales together are all order lines of the period."""
    period, as_of = resolve(company)
    lines, orders = frames["order_lines"], frames["orders"]
    net = lines.net_amount.fillna(lines.quantity * lines.unit_price * (1 - lines.discount.fillna(0)))
    day = orders.ordered_at.dt.tz_convert("Europe/Berlin").dt.tz_localize(None).dt.normalize()
    inside = orders[day.between(pd.Timestamp(period.start), pd.Timestamp(period.end))]
    sums = net.groupby(lines.order_id).sum().reindex(inside.order_id).fillna(0).to_numpy()
    expected = float(sums[inside.owner_id.isna().to_numpy()].sum())
    (house,) = records(house_sales(company, period, as_of))
    assert house["booked"] == pytest.approx(expected)
    assert house["deals"] == inside.owner_id.isna().sum() > 0


def test_sample_activities_agree_with_plain_pandas(company: Book, frames: dict[str, pd.DataFrame]) -> None:
    """Due, on time and not done are those that pandas counts, by rep."""
    period, as_of = resolve(company)
    table = frames["activities"].assign(due=lambda f: pd.to_datetime(f.due_date))
    table = table[table.due.between(pd.Timestamp(period.start), pd.Timestamp(period.end))]
    done = table.completed_at.dt.tz_convert("Europe/Berlin").dt.tz_localize(None).dt.normalize()
    found = on_time_activities(company, period, as_of).to_pandas().set_index("user_id").sort_index()
    for name, chosen in (("due", table.due.notna()), ("on_time", done <= table.due), ("not_done", done.isna())):
        expected = chosen.groupby(table.owner_id).sum().reindex(found.index).fillna(0).astype(int)
        pd.testing.assert_series_equal(found[name].astype(int), expected, check_names=False)
    assert found.on_time.sum() > 0


SUMS = {
    win_rate: ("won", "lost", "won_amount", "lost_amount", "no_rate"),
    velocity: ("cycle_deals", "qualified", "negative", "undated"),
    slippage: ("due_deals", "due_amount", "slipped_amount", "unknown_deals"),
    on_time_activities: ("due", "on_time", "late", "not_done"),
    pipeline: ("open_deals", "open_amount", "weighted_amount", "due_amount", "without_amount"),
}


@pytest.mark.parametrize("metric", SUMS, ids=lambda metric: metric.__name__)
def test_rep_manager_territory_and_team_agree(company: Book, metric: Any) -> None:
    """Every level of a metric sums up to the same team."""
    period, as_of = resolve(company)
    levels = [metric(company, period, as_of, by=level).to_pandas() for level in ("rep", "manager", "territory", "team")]
    sums = [{name: float(frame[name].sum()) for name in SUMS[metric]} for frame in levels]
    assert sums[0] == pytest.approx(sums[3])
    assert sums[1] == pytest.approx(sums[3])
    assert sums[2] == pytest.approx(sums[3])


def test_attainment_levels_agree_without_rollups(company: Book) -> None:
    """Quota and actual of the team are those of the lines that are no rollup, at every level."""
    period, as_of = resolve(company)
    lines = attainment(company, period, as_of).to_pandas()
    assert lines.is_rollup.any()
    own = lines[~lines.is_rollup]
    for level in ("manager", "territory", "team"):
        groups = attainment(company, period, as_of, by=level).to_pandas()
        for name in ("quota", "booked", "deals"):
            assert groups[name].sum() == pytest.approx(own[name].sum())


def test_sample_rollup_is_the_sum_of_its_team(company: Book) -> None:
    """A manager's rollup line has the actual of the lines of everyone below and the manager's own."""
    period, as_of = resolve(company)
    lines = attainment(company, period, as_of).to_pandas()
    heads = lines[lines.is_rollup]
    assert len(heads) > 1
    for head in heads.itertuples():
        team = attainment(company, period, as_of, manager=head.user_id).to_pandas()
        own = team[~team.is_rollup & (team.measure == head.measure)]
        assert head.booked == pytest.approx(own.booked.sum())


def test_report_of_the_past_is_the_same_today(company: Book) -> None:
    """Attainment of a period that is over does not change by what came later."""
    period, as_of = resolve(company)
    then = by(attainment(company, period, period.end), "user_id", "measure", "is_rollup")
    later = max(as_of, period.end + timedelta(days=20))
    now = by(attainment(company, period, later), "user_id", "measure", "is_rollup")
    assert {key: row["booked"] for key, row in then.items()} == {key: now[key]["booked"] for key in then}
