"""The forecast page: every block, on the sample and where there is next to nothing to forecast from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from books import Row, Rows, make_book

from salesops import words
from salesops.book.source import Book, open_book
from salesops.errors import BookError, SalesopsError
from salesops.intake import import_book
from salesops.pages.forecast import moves as forecast_moves
from salesops.pages.forecast import page as forecast_page
from salesops.pages.forecast import trust as forecast_trust
from salesops.pages.forecast.findings import ForecastReport, forecast_report
from salesops.periods import Period, parse_period
from salesops.views.blocks import Block, note

NOW = date(2026, 8, 15)
QUARTER = parse_period("2026-Q3")
BLOCKS = (
    forecast_page.page_head,
    forecast_page.key_figures,
    forecast_page.reps_table,
    forecast_moves.movers_table,
    forecast_moves.slips,
    forecast_moves.commits,
    forecast_trust.past,
    forecast_trust.chances,
    lambda found: note(*forecast_page.limits(found)),
    forecast_page.how_defined,
)
CHARTS = (forecast_moves.bridge, forecast_trust.past_chart, forecast_trust.calibration_chart)


def page(found: ForecastReport) -> str:
    """The whole page as text; every chart is checked against its schema, and the results are plain JSON."""
    for draw in CHARTS:
        drawn = draw(found)
        assert isinstance(drawn, Block) or drawn.to_dict()["description"]
    json.dumps(found.results(), allow_nan=False)
    return "\n".join(block(found).text for block in BLOCKS).replace("\N{NO-BREAK SPACE}", " ")


def wins(count: int, every: int = 5) -> Rows:
    """Deals of A and B of 10 each, closed every few days up to now, two of three won."""
    return [
        {"owner_id": "AB"[n % 2], "amount": 10, "created_date": NOW - timedelta(days=every * n + 20), "is_closed": True,
         "is_won": n % 3 > 0, "close_date": NOW - timedelta(days=every * n)}
        for n in range(count)
    ]  # fmt: skip  # one deal a line


def company(folder: Path, deals: Rows, quotas: dict[str, float] | None = None, **tables: Rows) -> Book:
    goals: Rows = [
        {"owner_id": user, "period_start": "2026-07-01", "period_end": "2026-09-30", "quota_amount": amount}
        for user, amount in (quotas or {}).items()
    ]
    users: Rows = [{"user_id": "A", "territory_id": "T"}, {"user_id": "B"}]
    return make_book(folder, {"users": users, "opportunities": deals, "quotas": goals, **tables})


def report(book: Book, period: Period = QUARTER, day: date = NOW, target: float | None = None) -> ForecastReport:
    return forecast_report(book, period, day, target=target)


@pytest.fixture(scope="module")
def found(company_book: Book) -> ForecastReport:
    """The forecast of the sample company."""
    return forecast_report(company_book, parse_period("2026-Q4"), date(2026, 10, 30))


def test_the_sample_page_states_its_numbers(found: ForecastReport) -> None:
    """The headline, the key figures and the table's last row say the company's P10, P50, P90 and chance."""
    text = page(found)
    c = found.now.company
    assert f"near {c['p50'] / 1e6:.2f}" in text
    chance = words.chance_in_doubt(c["p_target"], c["p_low"], c["p_high"])
    assert f"target is {chance}." in forecast_page.page_head(found).text
    assert re.fullmatch(r"about \d+% \((under )?\d+ to \d+\)", chance)
    last = forecast_page.reps_table(found).text.splitlines()[-1].split()
    assert last[0] == "Company"
    assert last[-1] == words.chance(c["p_target"])
    assert "past forecasts held what came" in str(forecast_trust.past_chart(found).to_dict()["title"])
    assert "called" in forecast_moves.commits(found).text
    rows = found.results()["rows"]
    assert sum(row["quota"] or 0 for row in rows) == pytest.approx(c["target"])


def test_sample_intervals_cover_seven_to_nine_in_ten(found: ForecastReport) -> None:
    """P10 to P90 held 70 to 90% of reps' past totals; the company's few are not told apart from 80%, and it is said."""
    results = found.results()
    assert 0.7 <= results["inside_rep"] <= 0.9
    assert found.past is not None
    cover = found.past.coverage.set_index(["level", "week"]).loc[("company", 0)]
    assert cover.low <= 0.8 <= cover.high
    assert "does not tell whether the company’s intervals are too wide" in forecast_trust.past(found).text


def test_a_past_quarter_is_forecast_as_it_was_then(company_book: Book) -> None:
    """A report of an earlier day judges only quarters that were over by then, and counts what was closed by then."""
    book, day = company_book, date(2026, 8, 14)
    found = report(book, parse_period("2026-Q3"), day)
    deals = book.table("opportunities").to_pandas()
    closed = deals[deals.is_won & deals.close_date.astype(str).between("2026-07-01", "2026-08-14")]
    assert found.now.company["closed"] == pytest.approx(closed.amount[closed.currency == "EUR"].sum(), rel=0.02)
    assert found.past is not None
    assert set(found.past.company.period) == {"2025-Q3", "2025-Q4", "2026-Q1", "2026-Q2"}


@pytest.mark.parametrize(("target", "place"), [(1.02, "target"), (2.0, "bar"), (0.9, "bar")])
def test_no_amount_lies_on_the_line_of_the_target(found: ForecastReport, target: float, place: str) -> None:
    """An amount stands right of its bar, and right of the target's line where it would lie on that."""
    c = found.now.company
    moved = replace(found, now=replace(found.now, company={**c, "target": target * c["expected"]}))
    chart = forecast_moves.bridge(moved)
    assert not isinstance(chart, Block)
    last = chart.layer[1].data.iloc[-1]  # the amount beside the last bar, which ends at what is expected
    assert last["at"] == pytest.approx(c["expected"] * (target if place == "target" else 1))


def test_a_range_of_one_amount_is_not_stated(found: ForecastReport) -> None:
    """On a period's last day P10 and P90 may be the same: the headline then names the amount alone."""
    c = found.now.company
    sure = replace(found, now=replace(found.now, company={**c, "p10": c["p50"], "p90": c["p50"]}))
    told = forecast_page.page_head(sure).text
    assert "80% chance" not in told
    assert f"will end near {c['p50'] / 1e6:.2f}" in told.replace("\u00a0", " ")


def test_no_open_deals(tmp_path: Path) -> None:
    """Without open deals all that comes is new; the page says so and still gives a range."""
    text = page(report(company(tmp_path, wins(60), {"A": 100, "B": 90})))
    assert "No deal is open." in text
    assert "No open deal with an amount can close in the period." in text
    assert "The chance to reach the 190 EUR target is" in text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"target": -5.0}, r"target must be an amount of 0 or more\. Got -5\."),
        ({"quarters": -1}, r"past quarters must be 0 or more\. Got -1\."),
        ({"since": NOW}, r"earlier date must lie before 2026-08-15\. Got 2026-08-15\."),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    """A target below zero, less than no quarters, and an earlier date that is not earlier are named."""
    with pytest.raises(SalesopsError, match=said):
        forecast_report(company(tmp_path, wins(6)), QUARTER, NOW, **asked)


def test_nothing_ever_won(tmp_path: Path) -> None:
    """Where every deal was lost, open deals have no known chance: no interval, no P(make it), no bars at zero."""
    lost: Rows = [{**row, "is_won": False} for row in wins(60)]
    still: Rows = [{"owner_id": "A", "amount": 50, "created_date": NOW, "close_date": "2026-09-01"}]
    found = report(company(tmp_path, [*lost, *still], {"A": 100, "B": 90}))
    text = page(found)
    assert (
        "There is nothing to forecast from: nothing was ever won, and what chance the only open deal has is not known."
    ) in text
    assert "P10:" not in text
    assert "P(company ≥ target)" not in text
    assert "What an open deal would move is not known: no deals of any amount were ever won." in text
    assert found.results()["p50"] is found.results()["p_target"] is None
    assert forecast_moves.bridge(found).text == ""  # type: ignore[union-attr]  # a block, and not a chart


def test_no_history(tmp_path: Path) -> None:
    """Nothing won and nothing open: one sentence, no intervals out of thin air."""
    text = page(report(company(tmp_path, [], {"A": 100})))
    assert "There is nothing to forecast from: nothing was ever won, and no deal is open." in text
    assert forecast_trust.NO_PAST in text
    assert "Data up to 15 Aug 2026. They hold 0 won deals." in text


def test_a_quota_of_zero(tmp_path: Path) -> None:
    """A quota of zero has no chance to be made, and the target is that of the others."""
    found = report(company(tmp_path, wins(60), {"A": 0, "B": 100}))
    text = page(found)
    assert "1 rep has a quota of zero, and no chance to make it." in text
    assert "quota of zero" in forecast_page.reps_table(found).html
    assert found.now.company["target"] == 100


def test_only_quotas_of_zero(tmp_path: Path) -> None:
    """If every quota is zero there is no target, and the headline says so."""
    text = page(report(company(tmp_path, wins(60), {"A": 0, "B": 0})))
    assert "There is no target to compare it with." in text


def test_a_book_without_quotas(tmp_path: Path) -> None:
    """Without quotas there is a range and no chance; a target typed in gives the company's."""
    book = company(tmp_path, wins(60))
    text = page(report(book))
    assert "There is no target to compare it with." in text
    assert "P(make it)" not in forecast_page.reps_table(report(book)).text
    typed = report(book, target=150.0)
    assert "The chance to reach the 150 EUR target is" in page(typed)
    assert "as given" in forecast_page.key_figures(typed).text


def test_a_target_below_what_is_closed(tmp_path: Path) -> None:
    """A target that is met already is said to be met, with chance 100%."""
    found = report(company(tmp_path, wins(60), {"A": 1, "B": 1}))
    assert "target is already met" in page(found)
    assert found.now.company["p_target"] == 1


def test_a_period_in_the_past(tmp_path: Path) -> None:
    """A period that is over has nothing left to forecast: the total is what is closed."""
    found = report(company(tmp_path, wins(60), {"A": 100}), parse_period("2026-Q2"))
    text = page(found)
    assert "The period is over with" in text
    assert "no open deal can still close in it" in text
    assert found.now.company["p10"] == found.now.company["closed"]


def test_a_period_in_the_future(tmp_path: Path) -> None:
    """A period ahead is forecast, and the limits say how far ahead."""
    deals: Rows = [*wins(60), {"owner_id": "A", "amount": 10, "created_date": "2026-08-01", "close_date": "2026-10-20"}]
    found = report(company(tmp_path, deals), parse_period("2026-Q4"))
    assert "The period has not begun: the forecast is made 47 days before it." in page(found)
    assert found.now.company["closed"] == 0


def test_a_book_that_ends_early(tmp_path: Path) -> None:
    """Where nothing was won for over a month, page one and the limits say that it may be the book's end."""
    book = company(tmp_path, wins(60), {"A": 100})
    late = report(book, day=NOW + timedelta(days=40))
    assert "Nothing was won in the last" not in page(report(book))
    assert "Nothing was won in the last 45 days." in forecast_page.page_head(late).text
    assert "days before 24 Sep 2026. If the book ends earlier" in page(late)


def test_nothing_is_forecast_past_the_end_of_the_data(tmp_path: Path) -> None:
    """A source that is silent for twice its longest pause ends: page one says so, and no number goes on as before."""
    goal: Row = {"owner_id": "A", "period_start": "2026-10-01", "period_end": "2026-12-31", "quota_amount": 100}
    fourth = parse_period("2026-Q4")
    still: Row = {"owner_id": "B", "amount": 50, "created_date": NOW, "close_date": "2026-11-01"}
    users: Rows = [{"user_id": "A"}, {"user_id": "B"}]
    book = make_book(tmp_path, {"users": users, "opportunities": [*wins(90), still], "quotas": [goal]})
    late = report(book, fourth, NOW + timedelta(days=60))
    text = page(late)
    assert "past the end of the data: the deals in this book end on 15 Aug 2026, 60 days before 14 Oct 2026." in text
    assert "Deals are known up to 15 Aug 2026 only: choose an earlier date." in forecast_page.page_head(late).text
    assert "P10" not in forecast_page.key_figures(late).text + forecast_page.reps_table(late).text
    numbers = late.results()
    assert [numbers[name] for name in ("closed", "p50", "new", "p_target")] == [0, None, None, None]
    assert late.past is not None
    assert late.past.company.as_of.max() < NOW
    over = report(book, fourth, date(2027, 1, 31))
    assert "Deals are known up to 15 Aug 2026 only, and what came later is not in it." in page(over)


def test_nobody_to_forecast_is_an_error(tmp_path: Path) -> None:
    """A book in which nobody has a line in the period gives one sentence."""
    users: list[Row] = [{"user_id": "A", "end_date": "2020-01-01"}]
    book = make_book(tmp_path, {"users": users, "opportunities": []})
    with pytest.raises(BookError, match=r"Nobody has a line in 2026-Q3"):
        report(book)


@pytest.mark.long
def test_maven_has_deals_without_quotas(shared: Path, tmp_path: Path) -> None:
    """Deals without amounts while open, quotas and history: a range, a target typed in, and sentences for the rest."""
    import_book("maven_crm", shared / "data" / "maven_crm", tmp_path / "book")
    found = report(open_book(tmp_path / "book"), parse_period("2018-Q1"), date(2017, 12, 31), 2_500_000)
    text = page(found)
    assert "open deals have no amount: each is drawn from the amounts of won deals." in text
    assert "There is no slippage to show: it needs opportunity_history of close dates" in text
    assert "There is no commit bias." in text
    assert 0 < found.now.company["p_target"] < 1
    assert 1e6 < found.now.company["p10"] < found.now.company["p90"] < 4e6


def test_adventureworks_has_orders_only(shared: Path, tmp_path: Path) -> None:
    """Orders and quotas without deals: arrivals alone, tested on past quarters, and a sentence for what is missing."""
    import_book("adventureworks", shared / "data" / "adventureworks_dw", tmp_path / "book")
    found = report(open_book(tmp_path / "book"), Period(date(2013, 9, 29), date(2013, 12, 28)), date(2013, 11, 2))
    text = page(found)
    assert "Orders count in this book, and no deals: there is none that could move the number." in text
    assert "there are no commits" in text
    assert found.now.company["open"] == 0
    assert 0.05 < found.now.company["p_target"] < 0.95
    assert found.past is not None
    wape = found.past.scores[(found.past.scores.level == "company") & (found.past.scores.week == 0)]
    own = wape.set_index("forecaster").wape
    assert own["model"] < min(own["last year"], own["run rate"])
