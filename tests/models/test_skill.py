"""Fair win rates: shrinkage, intervals and control limits."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from books import Row, make_book
from scipy import optimize, special, stats

from salesops.book.source import open_book
from salesops.errors import BookError
from salesops.models.skill import (
    DRAWS,
    FairWinRates,
    backtest,
    control_limits,
    fair_win_rates,
    outside_limits,
    team_skill,
)
from salesops.periods import Period, parse_period


def counts(won: object, decided: object) -> pd.DataFrame:
    table = pd.DataFrame({"won": won, "decided": decided})
    return table.assign(user_id=[f"U{n}" for n in table.index], user_name="N")


def drawn(
    reps: int, deals: int, seed: int = 3, mean: float = 0.25, spread: float = 0.05
) -> tuple[pd.DataFrame, np.ndarray]:
    """Reps whose true rates have this mean and standard deviation, each with as many decided deals."""
    k = mean * (1 - mean) / spread**2 - 1
    rng = np.random.default_rng(seed)
    true = rng.beta(k * mean, k * (1 - mean), reps)
    return counts(rng.binomial(deals, true), np.full(reps, deals)), true


def fitted(table: pd.DataFrame, min_deals: int = 10) -> FairWinRates:
    rates = fair_win_rates(table, min_deals=min_deals)
    assert rates is not None
    return rates


def test_true_25_plus_minus_5_points_weighs_74_deals() -> None:
    """Reps of 25 ± 5 points differ as little as a prior of k = 74 deals: own data of 24 weigh 24 ÷ (24 + 74)."""
    assert pytest.approx(74) == 0.25 * 0.75 / 0.05**2 - 1
    table, _ = drawn(6000, 24)
    rates = fitted(table)
    assert rates.mean == pytest.approx(0.25, abs=0.005)
    assert 24 / (24 + rates.strength) == pytest.approx(24 / (24 + 74), abs=0.04)


@pytest.mark.parametrize("won", [0, 1])
def test_a_few_deals_of_one_outcome_have_intervals(won: int) -> None:
    """Three reps with one deal each, all won or all lost: an interval within 0 and 1, and no error."""
    reps = fitted(counts([won] * 3, [1] * 3)).reps
    assert reps.low.between(0, 1).all()
    assert reps.high.between(0, 1).all()
    assert (reps.low <= reps.high).all()


def test_quarters_correlate_by_the_weight_of_own_data() -> None:
    """Two quarters of such reps correlate by .24 only: ranks are mostly luck."""
    table, true = drawn(20_000, 24)
    again = np.random.default_rng(4).binomial(24, true)
    assert np.corrcoef(table.won, again)[0, 1] == pytest.approx(24 / (24 + 74), abs=0.02)


def test_estimate_by_hand() -> None:
    """The estimate is (wins + kμ) ÷ (decided + k), and lies inside its interval."""
    rates = fitted(counts([2, 9, 5, 14], [20, 20, 24, 30]))
    for row in rates.reps.itertuples():
        assert row.fair == pytest.approx((row.won + rates.strength * rates.mean) / (row.decided + rates.strength))
        assert row.low < row.fair < row.high


def test_interval_is_that_of_the_beta_where_the_team_is_large() -> None:
    """With μ and k well known, the interval is that of beta(wins + kμ, losses + k(1 − μ))."""
    table, _ = drawn(1500, 60, spread=0.10)
    rates = fitted(table)
    a = table.won + rates.strength * rates.mean
    b = table.decided - table.won + rates.strength * (1 - rates.mean)
    assert np.abs(rates.reps.low - special.betaincinv(a, b, 0.025)).mean() < 0.01
    assert np.abs(rates.reps.high - special.betaincinv(a, b, 0.975)).mean() < 0.01


def test_interval_knows_that_the_team_rate_is_a_guess() -> None:
    """Where reps do not differ, no interval is narrower than that of the pooled rate."""
    table = counts([13, 12, 14, 13, 13], [26, 26, 27, 27, 26])
    reps = fitted(table).reps
    pooled = 2 * 1.96 * np.sqrt(0.25 / table.decided.sum())
    assert (reps.high - reps.low > pooled).all()


def test_fit_is_the_maximum_of_scipys_beta_binomial() -> None:
    """No (μ, k) near or far gives the counts a higher likelihood under scipy's own distribution."""
    table, _ = drawn(60, 40, spread=0.12)
    rates = fitted(table)

    def loss(theta: np.ndarray) -> float:
        mu, k = special.expit(theta[0]), np.exp(theta[1])
        return -float(stats.betabinom.logpmf(table.won, table.decided, k * mu, k * (1 - mu)).sum())

    best = optimize.minimize(loss, [0.0, 2.0], method="Nelder-Mead")
    assert loss(np.array([special.logit(rates.mean), np.log(rates.strength)])) == pytest.approx(best.fun, abs=1e-3)


def test_intervals_hold_the_true_rate() -> None:
    """About 95 of 100 intervals hold the rep's true rate."""
    table, true = drawn(2000, 30, spread=0.08)
    reps = fitted(table).reps
    assert ((reps.low <= true) & (true <= reps.high)).mean() == pytest.approx(0.95, abs=0.02)


def test_shrunken_rates_err_less_than_raw_ones() -> None:
    """The fair rate lies nearer the truth than the own record, and than one rate for all."""
    table, true = drawn(500, 24, spread=0.08)
    reps = fitted(table).reps
    error = {name: float(((rate - true) ** 2).mean()) for name, rate in (("fair", reps.fair), ("raw", reps.raw))}
    error["team"] = float(((table.won.sum() / table.decided.sum() - true) ** 2).mean())
    assert error["fair"] < min(error["raw"], error["team"])


def test_reps_without_decided_deals_get_the_teams_rate() -> None:
    """Nothing decided: no raw rate, the team's as the fair one, a wide interval, and not enough to say more."""
    rates = fitted(counts([0, 5, 9, 2], [0, 20, 20, 20]))
    none = rates.reps.iloc[0]
    assert np.isnan(none.raw)
    assert none.fair == pytest.approx(rates.mean)
    assert not none.enough
    assert rates.reps.enough[1:].all()


def test_wins_without_loss_are_shrunk_and_not_zero() -> None:
    """A rep with wins and no loss has a raw rate of 100% and a fair one between the team's and that."""
    rates = fitted(counts([3, 6, 8, 5], [3, 20, 20, 20]))
    best = rates.reps.iloc[0]
    assert best.raw == 1
    assert rates.mean < best.fair < 1


@pytest.mark.parametrize("share", [0, 1])
def test_all_lost_or_all_won_stays_finite(share: int) -> None:
    """Where every deal was won, or lost, rates and limits stay numbers between 0 and 1."""
    decided = np.array([4, 9, 16])
    rates = fitted(counts(decided * share, decided))
    assert rates.reps[["fair", "low", "high"]].apply(lambda column: column.between(0, 1)).all(axis=None)
    assert rates.mean == pytest.approx(share, abs=0.01)


def test_fractional_counts_lie_between_whole_ones() -> None:
    """Shares of split deals count as fractions: half a win more moves the estimate up by less than a whole one."""
    estimates = [fitted(counts([won, 5, 9, 2], [20, 20, 20, 20])).reps.fair[0] for won in (4, 4.5, 5)]
    assert estimates[0] < estimates[1] < estimates[2]


def test_equal_records_are_luck() -> None:
    """Reps who differ less than luck would make them are told apart by next to nothing."""
    rates = fitted(counts([5, 5, 5, 5, 5], [20, 20, 20, 20, 20]))
    assert rates.strength > 1000
    assert rates.reps.fair.to_numpy() == pytest.approx(0.25, abs=1e-4)


@pytest.mark.parametrize("reps", [3, 8, 40])
def test_top_quartile_sums_to_its_places(reps: int) -> None:
    """The chances to be among the best quarter add up to the number of places in it."""
    table, _ = drawn(reps, 30, spread=0.1)
    assert fitted(table).reps.top_quartile.sum() == pytest.approx(max(1, round(reps / 4)), abs=1 / DRAWS)


def test_top_quartile_favours_the_better_record() -> None:
    """With equal counts of deals, more wins mean a higher chance of the best quarter."""
    top = fitted(counts([2, 8, 14, 20], [40, 40, 40, 40])).reps.top_quartile
    assert top.is_monotonic_increasing
    assert top.iloc[3] > 0.8


def test_too_few_reps_cannot_be_told_apart() -> None:
    """With two reps who decided deals, luck and skill cannot be told apart: no estimate."""
    assert fair_win_rates(counts([3, 5, 0], [10, 10, 0])) is None


def test_min_deals_says_when_it_is_too_early() -> None:
    """`enough` is false under min_deals decided deals; exactly as many are enough."""
    table = counts([3, 3, 3], [9, 10, 11])
    assert list(fitted(table, 10).reps.enough) == [False, True, True]


def test_control_limits_are_binomial_quantiles() -> None:
    """By luck alone at most 2.5% fall outside on each side of the 95% limits, .1% outside the others."""
    limits = control_limits(0.3, 50)
    assert (limits.decided.iloc[0], limits.decided.iloc[-1]) == (1, 50)
    n = limits.decided
    wins = {name: (limits[name] * n).round() for name in limits.columns[1:]}
    for low, high, tail in (("low95", "high95", 0.025), ("low998", "high998", 0.001)):
        assert (stats.binom.cdf(wins[low] - 1, n, 0.3) <= tail).all()
        assert (stats.binom.cdf(wins[low], n, 0.3) >= tail).all()
        assert (stats.binom.sf(wins[high], n, 0.3) <= tail).all()
        assert (stats.binom.sf(wins[high] - 1, n, 0.3) >= tail).all()
    assert (limits.low998 <= limits.low95).all()
    assert (limits.high95 <= limits.high998).all()


def test_outside_limits_flags_what_luck_rarely_gives() -> None:
    """Of 20 deals at 30%, 1 win is below the limits (2) and 12 above (10); 2 and 10 are within, none is too."""
    assert (stats.binom.ppf(0.025, 20, 0.3), stats.binom.ppf(0.975, 20, 0.3)) == (2, 10)
    table = counts([1, 2, 10, 12, 0], [20, 20, 20, 20, 0])
    assert list(outside_limits(table, 0.3)) == ["below", "within", "within", "above", "within"]


def test_reps_of_equal_skill_stay_within_limits() -> None:
    """If all reps are as good as the team, at most 5% are flagged."""
    won = np.random.default_rng(5).binomial(24, 0.25, 4000)
    flags = outside_limits(counts(won, np.full(4000, 24)), 0.25)
    assert (flags != "within").mean() <= 0.05


def test_the_teams_rate_is_that_of_its_deals() -> None:
    """Where the best decides most deals, the team wins 32 of 60, though its reps' rates have a lower mean."""
    rates = fitted(counts([30, 1, 1], [40, 10, 10]))
    assert rates.team == pytest.approx(32 / 60)
    assert rates.mean < 0.45


def test_funnel_stands_on_the_teams_rate(tmp_path: Path) -> None:
    """Limits and flags take the rate that the page calls the team's: won ÷ decided of all."""
    records = {"A": (30, 40), "B": (1, 10), "C": (1, 10)}
    deals: list[Row] = [
        {
            "opportunity_id": f"{owner} {n}",
            "owner_id": owner,
            "amount": 1,
            "close_date": "2026-03-01",
            "is_closed": True,
            "is_won": n < won,
        }
        for owner, (won, decided) in records.items()
        for n in range(decided)
    ]
    book = make_book(tmp_path, {"users": [{"user_id": key} for key in "ABC"], "opportunities": deals})
    found = team_skill(book, parse_period("2026-Q1"), date(2026, 3, 31))
    assert found.rates is not None
    # of 40 deals at 32 ÷ 60 luck gives 15 to 27; of 10 it gives 2 to 8
    assert dict(found.rates.reps.set_index("user_id").flag) == {"A": "above", "B": "below", "C": "below"}
    last = found.limits.iloc[-1]
    assert (last.decided, last.low95 * 40, last.high95 * 40) == (40, pytest.approx(15), pytest.approx(27))


def test_backtest_scores_by_hand() -> None:
    """The Brier score of one rate for all is the mean squared error over the deals of the later time."""
    before = counts([5, 10, 15], [40, 40, 40])
    after = counts([1, 2, 5], [10, 10, 10])
    scores = backtest(before, after)
    assert scores is not None
    assert scores["deals"] == 30
    assert scores["team"] == pytest.approx((8 * 0.75**2 + 22 * 0.25**2) / 30)
    raw = sum(w * (1 - r) ** 2 + (10 - w) * r**2 for w, r in ((1, 5 / 40), (2, 10 / 40), (5, 15 / 40))) / 30
    assert scores["raw"] == pytest.approx(raw)


def test_backtest_needs_a_before_and_an_after() -> None:
    """With nothing to fit or nothing to foretell there is no score."""
    some = counts([5, 10, 15], [40, 40, 40])
    assert backtest(counts([1], [2]), some) is None
    assert backtest(some, counts([0, 0, 0], [0, 0, 0])) is None


def test_team_skill_counts_the_year_before_and_no_later_deal(tmp_path: Path) -> None:
    """The year ends at the earlier of as_of and the period's end; its last 91 days are kept for the backtest."""
    last = date(2026, 3, 31)
    offsets = {"first day": 364, "a day too early": 365, "last day": 0, "a day too late": -1}
    deals: list[Row] = [
        {
            "opportunity_id": f"{owner} {name}",
            "owner_id": owner,
            "amount": 1,
            "close_date": last - timedelta(days=gap),
            "is_closed": True,
            "is_won": owner != "C",
        }
        for owner in "ABC"
        for name, gap in offsets.items()
    ]
    book = make_book(tmp_path, {"users": [{"user_id": key} for key in "ABC"], "opportunities": deals})
    found = team_skill(book, parse_period("2026-Q1"), date(2026, 6, 30), min_deals=2)
    assert found.year == Period(date(2025, 4, 1), last)
    assert found.rates is not None
    reps = found.rates.reps.set_index("user_id")
    assert dict(reps.won) == {"A": 2, "B": 2, "C": 0}
    assert set(reps.decided) == {2}
    assert reps.enough.all()
    assert set(reps.flag) <= {"above", "below", "within"}
    assert found.scores is not None
    assert found.scores["deals"] == 3


def test_team_skill_without_deals_is_silent(tmp_path: Path) -> None:
    """A book without decided deals gives no rates, no limits and no scores."""
    found = team_skill(make_book(tmp_path, {"users": [{"user_id": "A"}]}), parse_period("2026-Q1"), date(2026, 3, 31))
    assert (found.rates, found.scores) == (None, None)
    assert found.limits.empty


def test_sample_skill_is_recovered(sample: Path) -> None:
    """On the sample company the fair rates follow the planted skill, and foretell deals better than one rate."""
    truth = pd.read_json(sample / "truth.json", typ="series")["rep_skill"]
    found = team_skill(open_book(sample), parse_period("2026-Q3"), date(2026, 9, 30))
    assert found.rates is not None
    assert found.scores is not None
    reps = found.rates.reps[found.rates.reps.enough]
    assert len(reps) >= 20
    assert np.corrcoef(reps.fair, reps.user_id.map(truth))[0, 1] > 0.6
    assert found.scores["fair"] < found.scores["team"]


@pytest.mark.parametrize("min_deals", [0, -3])
def test_no_deal_gives_no_rate(min_deals: int) -> None:
    """A rate needs one decided deal at least: a lower number is refused, with the range that is allowed."""
    with pytest.raises(BookError, match=rf"min_deals must be 1 or more: .* Got {min_deals}\."):
        fair_win_rates(counts(np.array([1, 2, 3]), np.array([4, 4, 4])), min_deals=min_deals)
