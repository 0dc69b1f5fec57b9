"""The forecast of a period: what it adds up, what it must not know, and how far past ones were off."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from books import Row, make_book

from salesops.book.source import Book, open_book
from salesops.errors import BookError
from salesops.intake import import_book
from salesops.metrics.attainment import attainment
from salesops.models.forecast import Forecast, ForecastBacktest, backtest_forecast, forecast
from salesops.models.forecast.corrected import forecast_inputs
from salesops.models.forecast.outlook import outlook
from salesops.periods import Period, parse_period

QUARTER = parse_period("2026-Q3")
DAY = date(2026, 7, 31)
NOW = date(2026, 10, 30)


def deal(number: int, owner: str, *, closes: str = "", won: bool | None = None, **more: object) -> Row:
    row: Row = {"opportunity_id": f"D{number:03d}", "owner_id": owner, "amount": 100.0, "created_date": "2026-01-10"}
    row.update(is_closed=won is not None, is_won=bool(won), close_date=closes or None)
    return {**row, **more}


def past(count: int = 30) -> list[Row]:
    """Deals of A and B that closed every six days before the quarter, half of them won."""
    rows = []
    for n in range(count):
        closes = QUARTER.start - timedelta(days=6 * n + 1)
        opened = (closes - timedelta(days=40)).isoformat()
        rows.append(deal(n, "AB"[n % 2], closes=closes.isoformat(), won=n % 4 < 2, created_date=opened))
    return rows


def company(folder: Path, deals: list[Row], quotas: dict[str, float], **tables: list[Row]) -> Book:
    users: list[Row] = [{"user_id": key} for key in "AB"]
    goals: list[Row] = [
        {"owner_id": key, "period_start": "2026-07-01", "period_end": "2026-09-30", "quota_amount": amount}
        for key, amount in quotas.items()
    ]
    return make_book(folder, {"users": users, "opportunities": deals, "quotas": goals, **tables})


@pytest.fixture(scope="module")
def now(company_book: Book) -> Forecast:
    return forecast(company_book, parse_period("2026-Q4"), NOW)


@pytest.fixture(scope="module")
def judged(company_book: Book) -> ForecastBacktest:
    found = backtest_forecast(company_book, NOW)
    assert found is not None
    return found


def test_totals_add_up(now: Forecast) -> None:
    """Expected is closed and open and new, of each rep and of the company, and lies between p10 and p90 of it."""
    reps, all_reps = now.reps, now.company
    assert reps.expected.to_numpy() == pytest.approx((reps.closed + reps.open + reps.new).to_numpy())
    for name in ("closed", "open", "new", "expected"):
        assert all_reps[name] == pytest.approx(reps[name].sum())
    assert all_reps["p10"] < all_reps["expected"] < all_reps["p90"]
    assert (reps.closed - 1e-6 <= reps.p10).all()
    assert (reps.p10 <= reps.p50 + 1e-6).all()
    assert (reps.p50 <= reps.p90 + 1e-6).all()


def test_closed_and_quota_are_those_of_attainment(now: Forecast, company_book: Book) -> None:
    """What is closed and the quota come from the same lines as the accountability report."""
    lines = attainment(company_book, parse_period("2026-Q4"), NOW).to_pandas()
    lines = lines[~lines.is_rollup & (lines.measure == now.inputs.measure)]
    lines = lines.set_index("user_id").reindex(now.reps.user_id)
    assert now.reps.closed.to_numpy() == pytest.approx(lines.booked.fillna(0).to_numpy())  # open deals only
    assert now.reps.quota.to_numpy(float) == pytest.approx(lines.quota.to_numpy(float), nan_ok=True)
    assert now.company["target"] == pytest.approx(lines.quota.sum())


def test_no_open_deal_is_lost(now: Forecast, company_book: Book) -> None:
    """Every open deal, split ones by their shares, is in the inputs with its amount."""
    deals = company_book.table("opportunities").to_pandas()
    opened = deals[~deals.is_closed]
    assert set(now.inputs.deal_id) == set(opened.opportunity_id)
    euros = opened[opened.currency == "EUR"]
    found = pd.Series(now.inputs.deal_amount, index=now.inputs.deal_id).reindex(euros.opportunity_id)
    assert found.groupby(level=0).sum().sum() == pytest.approx(euros.amount.sum())


def test_the_company_scatters_by_the_shock_and_more(company_book: Book, now: Forecast) -> None:
    """Without the shared shock the company's interval is much narrower; the expected total is the same."""
    still = outlook(now.inputs, shock=0.0)
    width = {name: f.company["p90"] - f.company["p10"] for name, f in (("shared", now), ("none", still))}
    assert width["none"] < 0.9 * width["shared"]
    assert still.company["expected"] == now.company["expected"]


def test_later_days_change_no_forecast(tmp_path: Path) -> None:
    """What closes, is created or changes after the day leaves the forecast of that day as it is."""
    base = [*past(), deal(900, "A", closes="2026-08-20"), deal(901, "B", closes="2026-09-20")]
    later = [row for row in base if row["opportunity_id"] != "D900"]
    later.append(deal(900, "A", closes="2026-08-20", won=True))
    later.append(deal(902, "B", closes="2026-08-30", won=True, created_date="2026-08-01"))
    # of a deal that is closed today only history knows what it was then
    history: list[Row] = [
        {"opportunity_id": "D900", "field_name": name, "new_value": value, "valid_from": "2026-01-10"}
        for name, value in (("stage_name", "Open"), ("amount", "100"), ("close_date", "2026-08-20"))
    ]
    found = [
        forecast(company(tmp_path / name, rows, {"A": 300, "B": 300}, opportunity_history=history), QUARTER, DAY)
        for name, rows in (("base", base), ("later", later))
    ]
    pd.testing.assert_frame_equal(found[0].reps, found[1].reps)
    assert found[0].company == found[1].company


def test_what_is_closed_already_reaches_the_target(tmp_path: Path) -> None:
    """A target below what is closed is met for certain, and a sentence says so."""
    rows = [*past(), deal(900, "A", closes="2026-07-10", won=True, amount=5000.0)]
    found = forecast(company(tmp_path, rows, {"A": 1000, "B": 500}), QUARTER, DAY)
    assert found.reps.set_index("user_id").p_attain["A"] == 1
    assert found.company["p_target"] == 1
    assert "The target is already met by what is closed." in found.notes


def test_a_quota_of_zero_has_no_chance(tmp_path: Path) -> None:
    """A quota of zero gives no chance to make it, and neither does none; the first is said."""
    found = forecast(company(tmp_path, past(), {"A": 0}), QUARTER, DAY)
    assert found.reps.p_attain.isna().all()
    assert "No rep has a quota, so that no chance to make it is given." in found.notes
    both = forecast(company(tmp_path / "both", past(), {"A": 0, "B": 300}), QUARTER, DAY)
    assert list(both.reps.p_attain.isna()) == [True, False]
    assert "1 rep has a quota of zero, and no chance to make it." in both.notes


def test_a_book_without_deals_knows_no_chance(tmp_path: Path) -> None:
    """No open deals and no history: no chance is known, which is not 0%, and sentences say why."""
    found = forecast(company(tmp_path, [], {"A": 100}), QUARTER, DAY)
    assert np.isnan([found.company["expected"], found.company["p_target"]]).all()
    assert found.company["closed"] == 0
    assert found.reps[["open", "new", "p10", "p50", "p90", "p_attain"]].isna().all(axis=None)
    assert found.notes[:2] == ("No deal is open.", "No deals were ever won: what may still come is not known.")


def test_a_negative_open_deal_takes_nothing_away(tmp_path: Path) -> None:
    """An open deal below zero counts as zero and is named: no rep's range moves, least of all another rep's."""
    still = [deal(100, "A", closes="2026-09-01"), deal(101, "B", closes="2026-09-01", amount=200.0)]
    goals = {"A": 1000.0, "B": 900.0}
    below, zero = (
        forecast(company(tmp_path / str(amount), [*past(), *still, deal(102, "B", amount=amount)], goals), QUARTER, DAY)
        for amount in (-300.0, 0.0)
    )
    pd.testing.assert_frame_equal(below.reps, zero.reps)
    assert below.company == zero.company
    assert set(below.notes) - set(zero.notes) == {"Counted as zero: 1 open deal with a negative amount."}


def test_only_negative_deals_can_be_forecast(tmp_path: Path) -> None:
    """Where every deal is below zero, what may come is not known, and nothing breaks."""
    deals = [{**row, "amount": -100.0} for row in [*past(), deal(100, "A", closes="2026-09-01")]]
    found = forecast(company(tmp_path, deals, {"A": 1000.0}), QUARTER, DAY)
    assert np.isnan([found.company["open"], found.company["new"]]).all()
    assert found.inputs.why_not == "no deals of any amount were ever won."


def test_lines_of_another_measure_are_counted(tmp_path: Path) -> None:
    """A forecast of bookings leaves out quotas for orders, and says how many."""
    goals: list[Row] = [
        {
            "owner_id": key,
            "period_start": "2026-07-01",
            "period_end": "2026-09-30",
            "quota_amount": 9,
            "measure": measure,
        }
        for key, measure in (("A", "bookings"), ("B", "bookings"), ("B", "orders"))
    ]
    users: list[Row] = [{"user_id": key} for key in "AB"]
    book = make_book(tmp_path, {"users": users, "opportunities": past(), "quotas": goals})
    found = forecast(book, QUARTER, DAY)
    assert list(found.reps.user_id) == ["A", "B"]
    assert "1 quota counts another measure than bookings and is left out." in found.notes


def test_nobody_to_forecast_is_an_error(tmp_path: Path) -> None:
    """A book in which nobody has a line in the period cannot be forecast."""
    book = make_book(tmp_path, {"users": [{"user_id": "A", "end_date": "2020-01-01"}]})
    with pytest.raises(BookError, match=r"Nobody has a line in 2026-Q3: no rep, no quota, no deal\."):
        forecast(book, QUARTER, DAY)


@pytest.mark.parametrize("shock", [-0.1, 1.5, float("nan")])
def test_a_shock_out_of_range_is_an_error(tmp_path: Path, shock: float) -> None:
    """The shock is a standard deviation from 0 to 1."""
    with pytest.raises(ValueError, match="must be a standard deviation from 0 to 1"):
        forecast(company(tmp_path, past(4), {"A": 1}), QUARTER, DAY, shock=shock)


def test_after_the_end_nothing_more_comes(tmp_path: Path) -> None:
    """Forecast after its end, a period is what is closed, and each chance is 0 or 1."""
    rows = [*past(), deal(900, "A", closes="2026-07-10", won=True), deal(901, "B", closes="2026-10-20")]
    found = forecast(company(tmp_path, rows, {"A": 100, "B": 100}), QUARTER, date(2026, 10, 5))
    assert found.company["expected"] == found.company["closed"] == 100
    assert dict(found.reps.set_index("user_id").p_attain) == {"A": 1, "B": 0}


def test_before_the_start_only_what_closes_inside_counts(tmp_path: Path) -> None:
    """A quarter ahead, open deals count with the chance to be won inside it: less than at any time."""
    rows = [*past(), deal(900, "A", closes="2026-08-20"), deal(901, "B", closes="2026-09-20")]
    book = company(tmp_path, rows, {"A": 300, "B": 300})
    ahead, soon = (forecast_inputs(book, parse_period(name), QUARTER.start) for name in ("2026-Q4", "2026-Q3"))
    assert ahead.window == (91, 183)
    assert soon.window == (0, 91)
    ever = ahead.chances.deals.chance.to_numpy() if ahead.chances else np.array([])
    assert (ahead.closing() < ever).all()
    assert ahead.closing() + soon.closing() == pytest.approx(ever, abs=0.2)


def test_deals_without_created_date_come_at_the_usual_pace(tmp_path: Path) -> None:
    """Where no deal has a created date, open and new wins together are as many as usually."""
    rows = [{**row, "created_date": None} for row in past(60)]
    found = forecast(company(tmp_path, rows, {"A": 300}), QUARTER, QUARTER.start)
    won = sum(row["is_won"] for row in rows)
    usual = won / 360 * 91 * 100
    assert found.company["expected"] == pytest.approx(usual, rel=0.15)
    assert any(note.startswith("Most deals have no created date") for note in found.notes)


@pytest.mark.long
def test_sample_forecasts_beat_the_simple_ones(judged: ForecastBacktest) -> None:
    """Over all weeks the company's total is off by less than last year, run rate and weighted pipeline are."""
    for level in ("company", "rep"):
        scores = judged.scores[(judged.scores.level == level) & (judged.scores.week == 0)].set_index("forecaster")
        assert scores.wape["model"] < 0.85 * scores.wape.drop("model").min()
        assert abs(scores.bias["model"]) < 0.1


def test_sample_intervals_cover_what_came(judged: ForecastBacktest) -> None:
    """From p10 to p90 lie 70 to 90% of past outcomes of reps; the company's coverage is not told apart from 80%."""
    cover = judged.coverage[judged.coverage.week == 0].set_index("level")
    assert 0.7 <= cover.inside["rep"] <= 0.9
    assert cover.low["company"] <= 0.8 <= cover.high["company"]
    assert cover.forecasts["rep"] > 500


def test_scores_by_hand(judged: ForecastBacktest) -> None:
    """WAPE is Σ|F − A| ÷ Σ|A| and bias Σ(F − A) ÷ ΣA over the forecasts of the table."""
    table = judged.company
    row = judged.scores[(judged.scores.level == "company") & (judged.scores.week == 5)].set_index("forecaster")
    part = table[table.week == 5]
    off = part.model - part.actual
    assert row.wape["model"] == pytest.approx(off.abs().sum() / part.actual.sum())
    assert row.bias["model"] == pytest.approx(off.sum() / part.actual.sum())


def test_past_actuals_are_those_of_attainment(judged: ForecastBacktest, company_book: Book) -> None:
    """The outcome of a past quarter is what attainment says of it, and last year's that of the year before."""
    table = judged.company.drop_duplicates("period").set_index("period")
    for label in table.index[-2:]:
        for name, quarter in (("actual", label), ("last year", f"{int(label[:4]) - 1}{label[4:]}")):
            period = parse_period(quarter)
            lines = attainment(company_book, period, NOW, by="team").to_pandas()
            assert table[name][label] == pytest.approx(lines.booked[lines.measure == "bookings"].sum())


def test_backtest_needs_history(tmp_path: Path) -> None:
    """Without 180 days of history before a complete quarter there is nothing to judge."""
    assert backtest_forecast(company(tmp_path, past(5), {"A": 1}), DAY) is None
    assert backtest_forecast(company(tmp_path / "none", [], {"A": 1}), DAY) is None


@pytest.mark.long
def test_adventureworks_has_orders_only(shared: Path, tmp_path: Path) -> None:
    """Orders and quotas without deals: all that comes is new, and in November 2013 the goal is in doubt."""
    import_book("adventureworks", shared / "data" / "adventureworks_dw", tmp_path / "book")
    book = open_book(tmp_path / "book")
    found = forecast(book, Period(date(2013, 9, 29), date(2013, 12, 28)), date(2013, 11, 2))
    assert (found.inputs.measure, len(found.reps), len(found.inputs.deal_id)) == ("orders", 17, 0)
    assert found.company["target"] == 10_359_000
    assert found.company["open"] == 0
    assert found.company["new"] > 3e6
    assert 0.05 < found.company["p_target"] < 0.95
    past_ones = backtest_forecast(book, date(2013, 12, 31), quarters=4)
    assert past_ones is not None
    scores = past_ones.scores[(past_ones.scores.level == "company") & (past_ones.scores.week == 0)]
    wape = scores.set_index("forecaster").wape
    assert wape["model"] < min(wape["last year"], wape["run rate"])


@pytest.mark.long
def test_maven_has_deals_without_quotas(shared: Path, tmp_path: Path) -> None:
    """Deals without amounts, close dates and quotas: totals with an interval, and a chance for a target typed in."""
    import_book("maven_crm", shared / "data" / "maven_crm", tmp_path / "book")
    found = forecast(open_book(tmp_path / "book"), parse_period("2018-Q1"), date(2017, 12, 31), target=2_500_000)
    assert found.reps.p_attain.isna().all()
    assert 0 < found.company["p_target"] < 1
    assert found.company["closed"] == 0
    assert "2,089 open deals have no amount: each is drawn from the amounts of won deals." in found.notes
    # the four quarters of 2017 brought 1.1, 3.1, 3.0 and 2.8 million
    assert 1e6 < found.company["p10"] < found.company["p90"] < 4e6
