"""Chances of open deals: learned from the past as known then, calibrated, and silent where little is known."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from books import Row, make_book
from pandas.testing import assert_frame_equal
from scipy import special, stats

from salesops.book.source import Book
from salesops.models.deals import DealBacktest, backtest_deals, deal_chances
from salesops.models.deals.chances import DealChances, chances_from
from salesops.models.deals.hazards import EDGES, fit_hazards
from salesops.models.deals.landmarks import Landmarks, closed_deals, landmarks, open_on, open_then, read_ahead, skills
from salesops.models.deals.week import EVEN
from salesops.models.skill import fair_win_rates

DAY = date(2026, 6, 30)


def cases(count: int, win: float, lose: float, seed: int = 1, follow: float = 400) -> pd.DataFrame:
    """Deals that are won and lost at constant rates a day, followed for a random time up to `follow` days."""
    rng = np.random.default_rng(seed)
    end = np.ceil(rng.exponential(1 / (win + lose), count))
    won = rng.random(count) < win / (win + lose)
    until = np.ceil(rng.uniform(1, follow, count))
    return pd.DataFrame(
        {
            "opportunity_id": [f"D{n}" for n in range(count)],
            "owner_id": "U",
            "stage_name": "Open",
            "value": 100.0,
            "probability": 0.5,
            "lead_source": None,
            "pushes": 0,
            "age": 10.0,
            "due": np.nan,
            "skill": 0.0,
            "landmark": pd.Timestamp(DAY),
            "won": won & (end <= until),
            "lost": ~won & (end <= until),
            "days": np.minimum(end, until),
            "won_value": np.nan,
        }
    )


def history(count: int = 160, until: date = DAY) -> list[Row]:
    """Deals of four reps that close one after the other, every third of them won."""
    rows: list[Row] = []
    for n in range(count):
        closes = until - timedelta(days=3 * n)
        rows.append(
            {
                "opportunity_id": f"D{n:03d}",
                "owner_id": "ABCD"[n % 4],
                "amount": 100.0 + n,
                "created_date": closes - timedelta(days=90 + n % 7),
                "close_date": closes,
                "is_closed": True,
                "is_won": n % 3 == 0,
            }
        )
    return rows


def company(folder: Path, deals: list[Row], past: list[Row] | None = None) -> Book:
    users: list[Row] = [{"user_id": key} for key in "ABCD"]
    return make_book(folder, {"users": users, "opportunities": deals, "opportunity_history": past or []})


@pytest.fixture(scope="module")
def judged(company_book: Book) -> DealBacktest:
    found = backtest_deals(company_book, date(2026, 10, 30))
    assert found is not None
    return found


@pytest.mark.parametrize("follow", [400, 60])
def test_constant_rates_give_the_known_curve(follow: float) -> None:
    """Won at rate a and lost at rate b a day, P(won by t) is a ÷ (a + b) · (1 − e^−(a + b)t), censored or not."""
    win, lose = 0.008, 0.016
    known = cases(6000, win, lose, follow=follow)
    curves = fit_hazards(known).curves(known.head(1))
    for days in (7, 28, 42):
        won, lost = curves.by(days)
        share = 1 - np.exp(-(win + lose) * days)
        assert won[0] == pytest.approx(win / (win + lose) * share, abs=0.015)
        assert lost[0] == pytest.approx(lose / (win + lose) * share, abs=0.015)


def test_curves_rise_and_leave_room() -> None:
    """Chances never fall with time, start at zero, and won and lost never exceed one together."""
    known = cases(500, 0.01, 0.02)
    curves = fit_hazards(known).curves(known.head(20))
    for curve in (curves.won, curves.lost):
        assert (curve[:, 0] == 0).all()
        assert (np.diff(curve, axis=1) >= 0).all()
    assert (curves.won + curves.lost <= 1 + 1e-12).all()
    assert ((curves.chance >= 0) & (curves.chance <= 1)).all()


def test_chances_are_calibrated_where_the_world_stands_still() -> None:
    """Deals whose odds differ by stage and skill: in each fifth of the chances, as many are won as foretold."""
    rng = np.random.default_rng(3)
    frames = []
    for number, (stage, win) in enumerate((("Early", 0.003), ("Middle", 0.008), ("Late", 0.016))):
        skill = rng.normal(0, 0.5, 3000)
        base = cases(3000, win, 0.012, seed=number, follow=10_000)
        won = rng.random(3000) < (chance := 1 / (1 + np.exp(-np.log(win / 0.012) - skill)))
        frames.append(base.assign(stage_name=stage, skill=skill, won=won, lost=~won, true=chance))
    every = pd.concat(frames, ignore_index=True).sample(frac=1, random_state=1, ignore_index=True)
    found = fit_hazards(every.head(6000)).curves(every.tail(3000)).chance
    fifth = pd.qcut(found, 5, labels=False)
    new = every.tail(3000)
    assert np.abs(found - new.true).mean() < 0.04
    for band in range(5):
        assert found[fifth == band].mean() == pytest.approx(new.won[fifth == band].mean(), abs=0.05)


def test_a_landmark_knows_nothing_of_later_days(tmp_path: Path) -> None:
    """What happens to a deal after a day changes nothing that is said of it on that day."""
    one, other = history(40), history(40)
    past: list[Row] = []
    for row in other[:10]:
        row.update(amount=9.0, is_won=False, stage_name="Lost late", next_step="x")
        past.append({"opportunity_id": row["opportunity_id"], "field_name": "close_date", "new_value": "2026-06-30",
                     "valid_from": "2026-06-20"})  # fmt: skip  # one row
    day = DAY - timedelta(days=45)
    frames = [open_on(company(tmp_path / name, deals, rows), day) for name, deals, rows in
              (("one", one, []), ("other", other, past))]  # fmt: skip  # two books
    assert len(frames[0]) > 10
    assert_frame_equal(*frames)


def test_landmarks_of_a_day_stay_what_they_were(tmp_path: Path) -> None:
    """Asked later, with deals that closed since, the cases of an earlier day are those that it had itself."""
    book = company(tmp_path, history(120))
    earlier = DAY - timedelta(days=56)
    later = landmarks(book, earlier, closed_deals(book, DAY))
    own = landmarks(company(tmp_path / "own", history(120)), earlier)
    assert own.cases.landmark.nunique() > 100
    assert_frame_equal(later.cases, own.cases)


def test_open_deals_read_ahead_are_the_same(tmp_path: Path) -> None:
    """Read with the landmarks, the open deals of a day are those that are read alone, but for the CRM's probability."""
    book = company(tmp_path, history(120))
    day, closed = DAY - timedelta(days=41), closed_deals(book, DAY)
    read_ahead(book, [day, DAY], closed)
    alone = open_on(book, day, closed).drop(columns="probability")
    assert len(alone) > 10
    assert_frame_equal(open_then(book, day, closed)[list(alone)], alone)


def test_skill_of_a_day_is_that_of_deals_closed_by_then(tmp_path: Path) -> None:
    """Deals that close later leave a rep's skill of a day as it is."""
    book = company(tmp_path, history(120))
    days = pd.DatetimeIndex([DAY - timedelta(days=100)])
    early, late = closed_deals(book, days[0].date()), closed_deals(book, DAY)
    assert len(early) < len(late)
    assert_frame_equal(skills(early, days), skills(late, days))


def test_skills_are_fair_win_rates() -> None:
    """The log odds are near those of the fair rates found by maximum likelihood, for reps who differ and who do not."""
    rng = np.random.default_rng(5)
    for spread in (0.0, 0.8):
        count = rng.integers(20, 80, 30)
        won = rng.binomial(count, special.expit(-1 + spread * rng.standard_normal(30)))
        closed = pd.DataFrame(
            {"user_id": np.repeat([f"U{n:02d}" for n in range(30)], count), "share": 1.0,
             "close_date": pd.Timestamp(DAY),
             "is_won": np.concatenate([np.arange(n) < k for n, k in zip(count, won, strict=True)])}
        )  # fmt: skip  # a table in two lines
        counts = pd.DataFrame({"user_id": sorted(set(closed.user_id)), "user_name": "", "won": won, "decided": count})
        fair = fair_win_rates(counts)
        assert fair is not None
        likely = special.logit(fair.reps.fair) - special.logit(fair.mean)
        assert skills(closed, pd.DatetimeIndex([DAY])).iloc[0].to_numpy() == pytest.approx(likely.to_numpy(), abs=0.12)


def test_few_deals_give_stage_base_rates() -> None:
    """With 40 decided deals each stage has its share of wins, drawn to the common one by ten deals."""
    known = cases(40, 0.01, 0.01, follow=10_000)
    known = known.assign(stage_name=np.where(np.arange(40) < 30, "Early", "Late"))
    found = chances_from(Landmarks(DAY, known, 0, EVEN), known.head(30).tail(1))
    base = (known.won.sum() + 1) / 42
    own = (known.won[:30].sum() + 10 * base) / 40
    assert (found.method, found.decided) == ("stage base rates", 40)
    assert found.deals.chance.iloc[0] == pytest.approx(own)
    assert found.notes[0].startswith("Only 40 deals with a known end could be followed.")


def test_base_rates_pace_deals_as_past_ones_were_decided() -> None:
    """Without a model, the share won by a day is the chance times the share of past deals decided by then."""
    known = cases(90, 0.01, 0.01, follow=10_000)
    found = chances_from(Landmarks(DAY, known, 0, EVEN), known.head(1))
    won, lost = found.curves.by(28)
    decided = (known.days <= 28).mean()
    assert won[0] + lost[0] == pytest.approx(decided)
    assert won[0] / (won[0] + lost[0]) == pytest.approx(found.deals.chance.iloc[0])


def test_without_decided_deals_the_crm_speaks(tmp_path: Path) -> None:
    """A book without any decided deal takes the CRM's probability, and says that it is untested."""
    deals: list[Row] = [
        {"owner_id": "A", "amount": 10, "probability": p, "created_date": "2026-06-01"} for p in (0.2, 0.7)
    ]
    found = deal_chances(company(tmp_path, deals), DAY)
    assert found.method == "the CRM's probability"
    assert sorted(found.deals.chance) == [0.2, 0.7]
    assert "untested" in found.notes[0]


def test_without_any_knowledge_open_deals_count_nothing(tmp_path: Path) -> None:
    """Nothing decided and no probability: the chance is zero, and the note says so."""
    found = deal_chances(company(tmp_path, [{"owner_id": "A", "amount": 10}]), DAY)
    assert (found.method, list(found.deals.chance)) == ("none", [0.0])
    assert "count nothing" in found.notes[0]
    assert "1 open deals have no created date" in found.notes[1]


def test_without_open_deals_there_is_nothing_to_foretell(tmp_path: Path) -> None:
    """A book whose deals are all closed, and one without deals, give an empty table and a sentence."""
    for name, deals in (("closed", history(5)), ("none", [])):
        found = deal_chances(company(tmp_path / name, deals), DAY)
        assert found.deals.empty
        assert found.by(DAY + timedelta(days=30)).empty
        assert found.notes == ("No deal is open.",)


def test_backtest_without_a_past_is_none(tmp_path: Path) -> None:
    """Where nothing was decided before an open deal, there is nothing to judge."""
    assert backtest_deals(company(tmp_path, [{"owner_id": "A", "amount": 10}]), DAY) is None


def test_chances_by_a_day_sum_to_one(company_book: Book) -> None:
    """Won, lost and open by a day add up to one; what is due by then and open after it has slipped."""
    found = deal_chances(company_book, date(2026, 10, 30))
    assert found.method == "model"
    by = found.by(date(2026, 12, 31))
    assert (by.won + by.lost + by.open).to_numpy() == pytest.approx(1)
    due = found.deals.close_date <= pd.Timestamp(2026, 12, 31)
    assert (by.slips.notna() == due).all()
    assert by.slips[due].to_numpy() == pytest.approx(by.open[due].to_numpy())
    assert by.slips[due].between(0.05, 0.95).mean() > 0.5


@pytest.mark.long
def test_sample_chances_beat_crm_and_base_rate(judged: DealBacktest) -> None:
    """On the sample company the model's Brier score is lower than the CRM's and the base rate's, on all deals."""
    brier = judged.scores.set_index("forecaster").brier
    assert brier["model"] < 0.8 * brier["CRM"]
    assert brier["model"] < 0.8 * brier["base rate"]
    within = judged.within.set_index("forecaster").brier
    assert within["model"] < 0.85 * within["base rate"]
    assert set(judged.scores.deals) == {judged.scores.deals.iloc[0]}


def test_brier_is_the_mean_squared_error_of_the_bands(judged: DealBacktest) -> None:
    """The CRM gives one probability a band, so that its Brier score follows from its calibration table by hand."""
    crm = judged.calibration[judged.calibration.forecaster == "CRM"]
    by_hand = (crm.deals * (crm.won * (1 - crm.chance) ** 2 + (1 - crm.won) * crm.chance**2)).sum() / crm.deals.sum()
    assert judged.scores.set_index("forecaster").brier["CRM"] == pytest.approx(by_hand)


def test_sample_chances_are_calibrated(judged: DealBacktest) -> None:
    """Foretold and won lie within .09 over all bands on average, where the CRM's lie twice as far apart."""
    off = {}
    for name, table in judged.calibration.groupby("forecaster"):
        off[name] = float((table.deals * (table.chance - table.won).abs()).sum() / table.deals.sum())
    assert off["model"] < 0.09
    assert off["model"] < 0.7 * off["CRM"]


def test_sample_skills_are_recovered_in_order(company_book: Book, sample: Path) -> None:
    """Over the whole history the reps' skills have the planted order: Spearman's correlation is above .6."""
    day = date(2026, 10, 30)
    truth = pd.read_json(sample / "truth.json", typ="series")["rep_skill"]
    found = skills(closed_deals(company_book, day), pd.DatetimeIndex([day])).iloc[0]
    planted = found.index.to_series().map(truth).dropna()
    assert len(planted) >= 35
    assert stats.spearmanr(found[planted.index], planted).statistic > 0.6


def test_chances_of_a_book_are_one_result(company_book: Book) -> None:
    """The curves reach as far as the steps of time, one row for each open deal."""
    found: DealChances = deal_chances(company_book, date(2026, 10, 30))
    assert found.curves.won.shape == (len(found.deals), len(EDGES))
    assert found.deals.opportunity_id.is_unique
    assert 0.8 < found.amount_factor < 1.2
