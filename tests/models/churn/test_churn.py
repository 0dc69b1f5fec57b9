"""Churn of a book: the sample's planted churners, and books that hold too little."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.churn.worlds import DAY, every, orders_book
from salesops.book.redact import redacted
from salesops.book.source import Book
from salesops.errors import ChurnError, PeriodError
from salesops.models.churn import Churn, churn

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
    """In the first tenth of the list there are three times as many planted churners as in all of it, or more."""
    found: Churn = request.getfixturevalue(day)
    gone = (planted(found, truth) != "").to_numpy()
    first = int(np.ceil(len(gone) / 10))
    assert gone.sum() >= 8
    assert gone[:first].mean() / gone.mean() >= 3


def test_top_tenth_is_lost_three_times_as_often(now: Churn) -> None:
    """On the newest slice the top tenth was lost at least three times as often as all, and no baseline ranks better."""
    newest = now.backtest.scores[now.backtest.scores.newest].set_index("method")
    chosen = newest[newest.chosen].iloc[0]
    assert chosen.lift >= 3
    assert chosen.auc > newest.auc[["base rate", "hiatus", "tenure", "BTYD P(active)"]].max()
    assert now.model == "additive boosting"


@pytest.mark.parametrize("driver", SPOKEN)
def test_planted_drivers_are_named(driver: str, before: Churn, truth: dict[str, Any]) -> None:
    """Most clients driven away by late deliveries or a price increase have it among their reasons; of others few do."""
    gone = planted(before, truth)
    told = before.table[REASONS].apply(lambda row: SPOKEN[driver] in " ".join(row), axis=1)
    assert (gone == driver).sum() >= 5
    assert told[gone == driver].mean() >= 0.75
    assert told[gone == ""].mean() < 0.5
    name = "late_share" if driver == "late deliveries" else "price_change"
    sentence = before.drivers.set_index("feature").sentence[name]
    # most lines late or a tenth dearer, not a little of it
    highest = re.search(r"the risk is highest at about \+?([0-9.]+)%", sentence)
    assert "the more, the higher the risk" in sentence or float(highest[1] if highest else 0) >= 10


def test_change_of_owner_is_named(book: Book, truth: dict[str, Any]) -> None:
    """While the clients of those who left are going, that their seller left raises their risk and lowers no other's."""
    found = churn(book, date(2026, 2, 3))
    gone = (planted(found, truth) == "owner change").to_numpy()
    weight = found.contributions.seller_left
    assert gone.sum() >= 3
    assert weight[gone].mean() > weight[~gone].mean()


def test_table_adds_up(now: Churn) -> None:
    """Base + contributions = logit = log-odds of p_churn, row by row, and the table is as its docstring says."""
    parts = now.contributions
    assert parts.account_id.tolist() == now.table.account_id.tolist()
    added = parts.drop(columns="account_id").sum(axis=1)
    np.testing.assert_allclose(added, now.table.logit, atol=1e-9)
    np.testing.assert_allclose(np.log(now.table.p_churn / (1 - now.table.p_churn)), now.table.logit, atol=1e-9)
    counted = now.table[~now.table.usual_pause]
    assert counted.p_churn.is_monotonic_decreasing
    assert now.at_risk.clients == pytest.approx(counted.p_churn.sum())
    assert now.at_risk.value == pytest.approx((counted.p_churn * counted.value_at_risk).sum())
    assert now.at_risk.clients_low < now.at_risk.clients < now.at_risk.clients_high
    assert now.table.account_id.is_unique


def test_nobody_is_lost_silently(now: Churn, book: Book) -> None:
    """The table and what is left out are all accounts."""
    accounts = int(book.table("accounts").count().to_pyarrow().as_py())
    assert len(now.table) + sum(now.left_out.values()) == accounts


def test_seasonal_clients_are_in_their_pause(now: Churn, truth: dict[str, Any]) -> None:
    """Nearly all in a usual pause are seasonal, and none has left; they stand last, and a note tells of them."""
    paused = now.table[now.table.usual_pause]
    assert (paused.account_id.map(truth["segments"]) == "seasonal").mean() > 0.95
    assert not set(paused.account_id) & set(truth["churned"])
    assert now.table.usual_pause.is_monotonic_increasing
    assert any(f"{len(paused)} clients are in their usual pause" in note for note in now.notes)


def test_chances_are_honest(now: Churn) -> None:
    """Over all test slices the chances of the chosen method agree with what came within a few points."""
    table = now.backtest.calibration
    assert (table.n * (table.predicted - table.observed).abs()).sum() / table.n.sum() < 0.04
    assert ((table.observed >= table.low) & (table.observed <= table.high)).all()


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
    assert found.model == "hiatus rule"
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
    contracts = int(book.table("contracts").count().to_pyarrow().as_py())
    assert len(table) + sum(found.left_out.values()) == contracts
    lost = found.backtest.predictions
    assert set(lost.contract_id[lost.churned]) <= set(truth["not_renewed"])
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
    """Where all are lost in every slice there is nothing to learn either."""
    days = {f"A{n}": [date(2025, 1, 1) + timedelta(days=int(n * 7))] for n in range(64)}
    found = churn(orders_book(tmp_path, days), DAY)
    assert not found.usable
    assert "were lost in every slice" in found.why
    assert len(found.table)


def test_horizon_longer_than_the_data(tmp_path: Path) -> None:
    """A horizon longer than the book leaves no outcome: it says so, and lists by hiatus."""
    found = churn(orders_book(tmp_path, steady(60)), DAY, horizon_days=2000)
    assert not found.usable
    assert "The horizon reaches beyond the data" in found.why
    assert len(found.table) == 60


def test_empty_book(tmp_path: Path) -> None:
    """A book without orders or contracts gives empty tables and a reason, in both settings."""
    book = orders_book(tmp_path, {})
    for setting in ("orders", "contracts"):
        found = churn(book, DAY, setting=setting)
        assert (found.usable, len(found.table)) == (False, 0)
        assert "no outcome is known yet" in found.why


def test_one_slice_of_history_uses_the_rule(tmp_path: Path) -> None:
    """With one known slice there is nothing to test on: the hiatus rule, with a chance and a reason."""
    rng = np.random.default_rng(3)
    days = {
        f"A{n:03}": every(int(rng.integers(10, 40)), date(2025, 9, 20), DAY if n % 3 else date(2025, 12, 20))
        for n in range(90)
    }
    found = churn(orders_book(tmp_path, days), DAY)
    assert found.model == "hiatus rule"
    assert "no earlier slice" in found.why
    assert found.table.p_churn.between(0, 1).all()
    assert found.table.reason_1[0].startswith("Last order 1")
    assert found.backtest.scores.empty
    assert found.at_risk.clients_low < found.at_risk.clients < found.at_risk.clients_high


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"horizon_days": 0}, "The horizon must be 1 to 3,640 days. Got 0"),
        ({"window_days": 0}, "The window must be 1 to 7,280 days. Got 0"),
        ({"horizon_days": 10**9}, "The horizon must be 1 to 3,640 days. Got 1,000,000,000"),
    ],
)
def test_days_that_cannot_be(asked: dict[str, int], message: str, book: Book) -> None:
    """A horizon or window below a day, or of many years, is refused with the range that is allowed."""
    with pytest.raises(PeriodError, match=message):
        churn(book, LAST, **asked)


def test_unknown_setting_is_refused(book: Book) -> None:
    """There are two settings."""
    with pytest.raises(ChurnError, match=r"The setting must be 'orders' or 'contracts'\. Got 'leads'"):
        churn(book, LAST, setting="leads")  # type: ignore[arg-type]  # the wrong word is what is tested
