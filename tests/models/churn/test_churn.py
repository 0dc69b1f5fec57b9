"""Churn of a book: the sample's planted churners, and books that hold too little."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from books import make_book

from models.churn.worlds import DAY, every, orders_book
from salesops.book.redact import redacted
from salesops.book.sold import clients
from salesops.book.source import Book
from salesops.errors import ChurnError, PeriodError
from salesops.models.churn import Churn, churn
from salesops.models.churn.calls import Terms
from salesops.models.churn.result import WITHOUT_ORDER
from salesops.pages.churn.findings import ChurnReview, churn_review
from salesops.pages.client.findings import client_page

LAST, CUT = date(2026, 10, 31), date(2026, 8, 2)
REASONS = ["reason_1", "reason_2", "reason_3"]
SPOKEN = {"late deliveries": "came late or short", "price increase": "against its prices before"}


@pytest.fixture(scope="module")
def book(company_book: Book) -> Book:
    return company_book


@pytest.fixture(scope="module")
def now(book: Book) -> Churn:
    return churn(book, LAST)


@pytest.fixture(scope="module")
def before(book: Book) -> Churn:
    return churn(book, CUT)


@pytest.fixture(scope="module")
def truth(sample: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((sample / "truth.json").read_text(encoding="utf-8"))
    return found


def planted(found: Churn, truth: dict[str, Any]) -> pd.Series:
    """The planted driver of each client in the table that has stopped by the day; "" for the others."""
    stopped = {key: gone for key, gone in truth["churned"].items() if gone["stopped_on"] <= str(found.as_of)}
    return found.table.account_id.map({key: gone["driver"] for key, gone in stopped.items()}).fillna("")


@pytest.mark.parametrize("day", ["now", "before"])
def test_planted_churners_stand_on_top(day: str, truth: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """In the first tenth of the list there are six times as many planted churners as in all of it, or more."""
    found: Churn = request.getfixturevalue(day)
    gone = (planted(found, truth) != "").to_numpy()
    first = int(np.ceil(len(gone) / 10))
    assert gone.sum() >= 8
    assert gone[:first].mean() / gone.mean() >= 6


def test_who_is_lost_by_its_rhythm_has_left(now: Churn, truth: dict[str, Any]) -> None:
    """Of those who are lost on the day three quarters are planted churners, and nearly all of these are lost."""
    gone = planted(now, truth) != ""
    lost = now.table.state == "lost"
    assert (gone & lost).sum() / lost.sum() >= 0.75
    assert (gone & lost).sum() / gone.sum() >= 0.9


@pytest.fixture(scope="module")
def review(book: Book) -> ChurnReview:
    return churn_review(book, LAST, Terms())


def test_calls_go_to_those_who_left(review: ChurnReview, truth: dict[str, Any]) -> None:
    """At least half of the calls go to planted churners, and at most a fifth to slow or seasonal buyers who did not."""
    called = review.calls.called
    gone = called.account_id.isin(truth["churned"])
    slow = called.account_id.map(truth["segments"]).isin(["project", "lumpy", "seasonal"])
    assert len(called) >= 10
    assert gone.mean() >= 0.5
    assert (slow & ~gone).mean() <= 0.2
    assert (called.arm == "talk").mean() <= 0.2
    assert called.may_call[called.arm == "call"].all()


@pytest.mark.parametrize("each", [2, pytest.param(None, marks=pytest.mark.long)])
def test_call_list_and_client_pages_agree(each: int | None, book: Book, review: ChurnReview) -> None:
    """Whom the list calls, its own page acts on by the same day; whom the list leaves alone, its page does too."""
    table = review.calls.table
    picked = table[table.arm.isin(["call", "control", "left alone", "talk"])]
    assert picked.arm.nunique() == 4
    for row in picked.groupby("arm").head(each or len(picked)).itertuples():
        page = client_page(book, row.account_id, LAST)
        alone = row.arm in ("control", "left alone")
        assert (page.step.kind == "none") == alone, row.account_id
        assert page.step.by == (None if alone else row.by.date()), row.account_id
        assert page.rhythm.state != "in its usual pause"


def test_top_tenth_is_lost_three_times_as_often(now: Churn) -> None:
    """On the newest slice the top tenth was lost at least three times as often as all, and no rule ranks better."""
    newest = now.backtest.scores[now.backtest.scores.newest].set_index("method")
    chosen = newest[newest.chosen].iloc[0]
    assert chosen.lift >= 3
    assert chosen.auc > newest.auc[["call the largest", "hiatus", "own rhythm", "tenure", "BTYD P(active)"]].max()
    assert now.model == "logistic"
    test = now.backtest
    assert test.auc_low < test.auc < test.auc_high
    assert test.auc_low <= chosen.auc <= test.auc_high


@pytest.mark.parametrize("driver", SPOKEN)
def test_planted_drivers_are_named(driver: str, now: Churn, truth: dict[str, Any]) -> None:
    """Most clients driven away by late deliveries or a price increase have it among their reasons; of others few do."""
    gone = planted(now, truth)
    told = now.table[REASONS].apply(lambda row: SPOKEN[driver] in " ".join(row), axis=1)
    assert (gone == driver).sum() >= 5
    assert told[gone == driver].mean() >= 0.75
    assert told[gone == ""].mean() < 0.5
    name = "late_share" if driver == "late deliveries" else "price_change"
    assert "the more, the higher the risk" in now.drivers.set_index("feature").sentence[name]


def test_reasons_are_not_as_usual(now: Churn) -> None:
    """No reason says that the client is as the others are, and none repeats how long it has been silent."""
    told = now.table[REASONS].to_numpy().ravel()
    assert not any("as is usual" in reason or reason.startswith(("Last order", "Silent")) for reason in told)
    assert any(told)


def test_change_of_owner_is_named(now: Churn, truth: dict[str, Any]) -> None:
    """That their seller left raises the risk of clients who went with him, and of others less."""
    gone = (planted(now, truth) == "owner change").to_numpy()
    weight = now.contributions.seller_left
    assert gone.sum() >= 2
    assert weight[gone].mean() > weight[~gone].mean()


def test_table_adds_up(now: Churn) -> None:
    """Base + contributions = logit = log-odds of p_churn, row by row, and the table is as its docstring says."""
    parts = now.contributions
    assert parts.account_id.tolist() == now.table.account_id.tolist()
    added = parts.drop(columns="account_id").sum(axis=1)
    np.testing.assert_allclose(added, now.table.logit, atol=1e-9)
    stake = now.table[now.table.at_stake]
    np.testing.assert_allclose(np.log(stake.p_churn / (1 - stake.p_churn)), stake.logit, atol=1e-6)
    assert (now.table.p_churn[~now.table.at_stake] == 0).all()
    assert now.table.p_churn.is_monotonic_decreasing
    assert now.at_risk.clients == pytest.approx(now.table.p_churn.sum())
    assert now.at_risk.value == pytest.approx((now.table.p_churn * now.table.value_at_risk).sum())
    assert now.at_risk.clients_low < now.at_risk.clients < now.at_risk.clients_high
    assert now.table.account_id.is_unique


def test_nobody_is_lost_silently(now: Churn, book: Book) -> None:
    """The table, those without a rhythm and what is left out are all clients."""
    assert len(now.table) + len(now.others) + sum(now.left_out.values()) == len(clients(book, LAST))


def test_seasonal_clients_are_in_their_pause(now: Churn, truth: dict[str, Any]) -> None:
    """Nearly all in a usual pause are seasonal, none has left, and none may be called."""
    paused = now.table[now.table.state == "in its usual pause"]
    assert len(paused) > 10
    assert (paused.account_id.map(truth["segments"]) == "seasonal").mean() > 0.95
    assert not set(paused.account_id) & set(truth["churned"])
    assert not paused.may_call.any()


def test_projects_have_no_rhythm(now: Churn, truth: dict[str, Any]) -> None:
    """Who buys by deals is never scored, but has the chance of another order within a year and its interval."""
    projects = {key for key, kind in truth["segments"].items() if kind == "project"}
    assert not projects & set(now.table.account_id)
    others = now.others
    assert others.account_id.isin(projects).mean() > 0.7
    assert others.hiatus_days.is_monotonic_decreasing
    assert (others.chance_low <= others.chance).all()
    assert (others.chance <= others.chance_high).all()
    by_silence = others.groupby(others.hiatus_days // 91).chance.first()
    assert by_silence.iloc[0] > by_silence.iloc[-1]


def test_buying_nothing_is_another_figure(now: Churn) -> None:
    """Far more will buy nothing in the horizon than are lost; of all who bought in the last year, with an interval."""
    quiet = now.quiet
    assert quiet is not None
    assert quiet.clients == len(now.table) + len(now.others)
    assert quiet.silent_low < quiet.silent < quiet.silent_high
    assert quiet.silent > 2 * now.at_risk.clients


def test_chances_are_honest(now: Churn) -> None:
    """Over all test slices the chances of the chosen method agree with what came within a few points."""
    table = now.backtest.calibration
    assert (table.n * (table.predicted - table.observed).abs()).sum() / table.n.sum() < 0.04


def test_a_past_day_knows_nothing_of_later(book: Book, before: Churn) -> None:
    """The result of a past day is that of the book as it was known then: later rows change nothing."""
    from salesops.book.snapshot import as_known

    then = churn(as_known(book, CUT), CUT)
    pd.testing.assert_frame_equal(before.table, then.table, check_dtype=False)
    assert before.why == then.why


def test_segment_is_a_part_of_the_table(book: Book, now: Churn) -> None:
    """One segment alone has the same chances as in the whole; the others are counted; an unknown one is refused."""
    name = now.table.segment.iloc[0]
    part = churn(book, LAST, segment=name)
    whole = now.table[now.table.segment == name].reset_index(drop=True)
    pd.testing.assert_frame_equal(part.table[["account_id", "p_churn"]], whole[["account_id", "p_churn"]])
    assert part.left_out["in other segments"] == len(now.table) - len(whole)
    assert len(part.contributions) == len(part.table)
    with pytest.raises(ChurnError, match=rf"No client up for scoring is in segment '{name}x'. Did you mean '{name}'\?"):
        churn(book, LAST, segment=f"{name}x")


def test_redacted_book_scores_the_same(book: Book, now: Churn) -> None:
    """Without names the chances are the same, and no reason holds a name."""
    found = churn(redacted(book), LAST)
    assert sorted(found.table.p_churn.round(9)) == sorted(now.table.p_churn.round(9))
    assert not set(found.table.account_name) & set(now.table.account_name)


def test_contracts_of_the_sample(book: Book, truth: dict[str, Any]) -> None:
    """Contracts are scored at their day of action; with 34 of 255 not renewed no model beats the hiatus rule."""
    found = churn(book, LAST, setting="contracts")
    assert found.model in ("hiatus rule", "own-rhythm rule")
    assert "no model beats it by more than the noise" in found.why
    table = found.table
    signed = book.table("contracts").to_pandas()
    ahead = signed[(pd.to_datetime(signed.end_date) == pd.Timestamp(LAST)) & signed.renewed_by_contract_id.notna()]
    assert len(table) == 76  # of 84 that are up, 8 end today and have a successor from tomorrow
    assert (pd.to_datetime(table.end_date) >= pd.Timestamp(LAST)).all()
    assert (table.action_date <= pd.Timestamp(LAST + timedelta(days=90))).all()
    assert set(found.backtest.predictions.columns) == {"account_id", "contract_id", "cut", "p", "churned"}
    assert not set(table.contract_id) & set(ahead.contract_id)
    assert found.left_out["renewed ahead of their end"] == len(ahead) == 8
    contracts = len(signed)
    assert len(table) + sum(found.left_out.values()) == contracts
    lost = found.backtest.predictions
    assert set(lost.contract_id[lost.churned]) <= set(truth["not_renewed"])
    assert found.others.empty
    assert found.quiet is None
    np.testing.assert_allclose(
        found.contributions.drop(columns=["account_id", "contract_id"]).sum(axis=1), table.logit, atol=1e-9
    )


def steady(count: int, *, stop: Callable[[int], date | None] = lambda n: None) -> dict[str, list[date]]:
    """Clients who order every 20 to 29 days for two years, or until they stop."""
    return {f"A{n:03}": every(20 + n % 10, date(2024, 4, 1 + n % 20), stop(n) or DAY) for n in range(count)}


def test_twenty_clients_are_too_few(tmp_path: Path) -> None:
    """With 20 clients nothing is modelled: the list goes by hiatus against the own gap, and says so."""
    book = orders_book(tmp_path, steady(20, stop=lambda n: date(2026, 2, 1) if n == 7 else None))
    found = churn(book, DAY)
    assert (found.usable, found.model) == (False, "")
    assert found.why.startswith("Too few to model: the outcome of 20 is known")
    assert found.table.state[0] == "overdue"
    assert found.table.p_churn.isna().all()
    assert found.table.account_id[0] == "A007"
    assert found.table.hiatus_ratio.is_monotonic_decreasing
    assert np.isnan(found.at_risk.clients)


def test_nobody_was_ever_lost(tmp_path: Path) -> None:
    """Without any churn there is nothing to learn: the hiatus list, and why."""
    found = churn(orders_book(tmp_path, steady(60)), DAY)
    assert not found.usable
    assert "none of" in found.why
    assert len(found.table) == 60


def test_everybody_was_lost(tmp_path: Path) -> None:
    """Where all are lost in every slice there is nothing to learn either, and the page still says who is lost."""
    days = {f"A{n:02}": every(9, date(2025, 4, 1), date(2025, 7, 1 + n % 20)) for n in range(64)}
    found = churn(orders_book(tmp_path, days), date(2026, 1, 31), horizon_days=90)
    assert not found.usable
    assert "were lost in every slice" in found.why
    assert (found.table.state == "lost").all()


def test_once_buyers_are_never_lost(tmp_path: Path) -> None:
    """Who bought once has no rhythm: nobody is scored, and all are listed with their chance."""
    days = {f"A{n:02}": [date(2024, 6, 1) + timedelta(days=int(n * 10))] for n in range(64)}
    found = churn(orders_book(tmp_path, days), DAY)
    assert found.table.empty
    assert len(found.others) == 33
    assert (found.others.chance == 0).all()
    assert found.left_out["silent for more than a year"] == 31


def test_horizon_longer_than_the_data(tmp_path: Path) -> None:
    """A horizon longer than the book leaves no outcome: it says so, and lists by hiatus."""
    found = churn(orders_book(tmp_path, steady(60)), DAY, horizon_days=2000)
    assert not found.usable
    assert "on no earlier day whose horizon is over was there anybody" in found.why
    assert len(found.table) == 60


def test_empty_book(tmp_path: Path) -> None:
    """A book without orders or contracts gives empty tables and a reason, in both settings."""
    book = orders_book(tmp_path, {})
    for setting in ("", "orders", "contracts"):
        found = churn(book, DAY, setting=setting)
        assert (found.usable, len(found.table)) == (False, 0)
        assert "on no earlier day whose horizon is over" in found.why


def test_one_slice_of_history_uses_the_rule(tmp_path: Path) -> None:
    """With one known slice there is nothing to test on: the hiatus rule, with a chance and a reason."""
    rng = np.random.default_rng(3)
    days = {
        f"A{n:03}": every(int(rng.integers(10, 20)), date(2025, 9, 20), DAY if n % 3 else date(2025, 12, 30))
        for n in range(90)
    }
    found = churn(orders_book(tmp_path, days), DAY, horizon_days=90)
    assert found.model == "own-rhythm rule"
    assert "no earlier slice" in found.why
    assert found.table.p_churn.between(0, 1).all()
    assert found.table.hiatus_ratio[found.table.at_stake].is_monotonic_decreasing
    assert found.backtest.scores.empty
    assert found.at_risk.clients_low < found.at_risk.clients < found.at_risk.clients_high


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"horizon_days": -1}, "The horizon must be 1 to 3,640 days. Got -1"),
        ({"horizon_days": 10**9}, "The horizon must be 1 to 3,640 days. Got 1,000,000,000"),
    ],
)
def test_days_that_cannot_be(asked: dict[str, int], message: str, book: Book) -> None:
    """A horizon below a day, or of many years, is refused with the range that is allowed."""
    with pytest.raises(PeriodError, match=message):
        churn(book, LAST, **asked)


def test_unknown_setting_is_refused(book: Book) -> None:
    """There are two settings."""
    with pytest.raises(ChurnError, match=r"The setting must be 'orders' or 'contracts'\. Got 'leads'"):
        churn(book, LAST, setting="leads")  # type: ignore[arg-type]  # the wrong word is what is tested


def test_horizon_follows_from_the_rhythms(book: Book, now: Churn) -> None:
    """Without a horizon it is the clients' own, in whole weeks of at least 90 days, and the result says so."""
    assert (now.own_horizon, now.horizon_days) == (True, 91)
    asked = churn(book, LAST, horizon_days=60)
    assert (asked.own_horizon, asked.horizon_days) == (False, 60)


def subscriptions(count: int, *, ended: int, seed: int = 2) -> list[dict[str, object]]:
    """Subscriptions without length and notice of count ÷ 10 accounts; some of them ended."""
    rng = np.random.default_rng(seed)
    rows = []
    for n in range(count):
        start = date(2022, 1, 1) + timedelta(days=int(rng.integers(0, 1200)))
        end = start + timedelta(days=int(rng.integers(60, 900))) if n < ended else None
        account = f"A{int(rng.integers(count // 10)):03}"
        row = {
            "contract_id": f"C{n}",
            "account_id": account,
            "start_date": start,
            "annual_amount": 100,
            "owner_id": "U",
        }
        rows.append({**row, "end_date": end if end and end <= DAY else None})
    return rows


def test_subscriptions_without_end_are_scored_by_account(tmp_path: Path) -> None:
    """Contracts without a term are never up for renewal: accounts are scored, and most of them stay."""
    book = make_book(tmp_path, {"contracts": subscriptions(1000, ended=95)})
    found = churn(book, DAY)
    assert found.setting == "accounts"
    assert found.table.account_id.is_unique
    assert len(found.table) >= 95
    assert found.table.owner_id.eq("U").all()
    assert not found.usable or found.at_risk.clients < 10
    review = churn_review(book, DAY, Terms())
    assert review.survival.cohorts.year.iloc[0] > 0.95
    assert review.renewals["up"] == 0


def test_the_setting_takes_what_the_book_has(tmp_path: Path) -> None:
    """Orders where there are any, else contracts: those with a term where most accounts have one, else the accounts."""
    term = {"start_date": "2026-01-01", "end_date": "2026-12-31", "notice_days": 30}
    rows = [{"contract_id": f"T{n}", "account_id": f"T{n}", **term} for n in range(3)]
    free = [{"contract_id": f"F{n}", "account_id": f"F{n}", "start_date": "2025-01-01"} for n in range(2)]
    assert churn(make_book(tmp_path / "a", {"contracts": rows + free}), DAY).setting == "contracts"
    assert churn(make_book(tmp_path / "b", {"contracts": rows[:1] + free}), DAY).setting == "accounts"
    both = orders_book(tmp_path / "c", {"A": [DAY]}, contracts=rows)
    assert churn(both, DAY).setting == "orders"
    assert churn(both, DAY, setting="contracts").setting == "contracts"


def test_deals_alone_are_never_lost(tmp_path: Path) -> None:
    """A company without orders buys by won deals: everyone is listed with a chance, nobody is scored."""
    deals = [
        {"account_id": f"A{n}", "owner_id": "U", "close_date": day, "is_closed": True, "is_won": True, "amount": 5}
        for n in range(12)
        for day in every(60 + n, date(2024, 1, 1), date(2026, 1, 20))
    ]
    found = churn(make_book(tmp_path, {"opportunities": deals}), DAY)
    assert (found.setting, len(found.table), len(found.others)) == ("orders", 0, 12)
    assert (found.others.by_deals == 1).all()
    # nobody had been silent for longer than a quarter a year ago: of those who are now, nothing is known
    assert found.others.chance[found.others.hiatus_days < 91].eq(1).all()
    assert found.others.chance[found.others.hiatus_days >= 91].isna().all()


def test_accounts_with_won_deals_alone_are_listed_beside_orders(tmp_path: Path) -> None:
    """In a book with orders an account that only won deals is a client without a rhythm."""
    won = {"owner_id": "U", "is_closed": True, "is_won": True, "amount": 70}
    deals = [
        {"account_id": "D", "close_date": "2026-02-01", **won},
        {"account_id": "D", "close_date": "2025-12-01", **won},
        {"account_id": "A", "close_date": "2026-03-01", **won},
        {"account_id": "OLD", "close_date": "2024-01-01", **won},
    ]
    found = churn(orders_book(tmp_path, {"A": every(10, date(2025, 1, 1), DAY)}, opportunities=deals), DAY)
    assert found.table.account_id.tolist() == ["A"]
    assert found.others[["account_id", "hiatus_days", "orders"]].to_numpy().tolist() == [["D", 58, 2]]
    assert found.left_out[WITHOUT_ORDER] == 1
