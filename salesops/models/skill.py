"""Fair win rates: each rep's own record, shrunk towards the team as far as luck explains it.

Beta-binomial model: a rep's true win rate comes from a beta distribution with mean μ and strength k, both
fitted to the team by maximum likelihood; the estimate is (wins + k·μ) ÷ (decided + k). Intervals also carry
the doubt about μ and k: they are drawn from their joint posterior, with a uniform prior on the spread between
reps (Gelman, Prior distributions for variance parameters in hierarchical models, 2006).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special, stats

from salesops.book.source import Book
from salesops.errors import BookError
from salesops.metrics.win_rate import win_rate
from salesops.models.threads import one_thread
from salesops.periods import Period

FEWEST_REPS = 3
STRONGEST = 1e4
DRAWS = 4000
FARTHEST = 14.0  # logit of a win rate of one in a million
SEED = 20_000


@dataclass(frozen=True)
class FairWinRates:
    """The result of `fair_win_rates`.

    Attributes
    ----------
    mean : float
        μ, the mean of the reps' true rates (0–1): what a rep without deals is thought to have.
    strength : float
        k: how many decided deals the team's rate weighs. The larger, the less the reps differ.
    team : float
        Won ÷ decided of all reps together (0–1). It differs from μ where those who win more decide more deals.
    reps : pandas.DataFrame
        user_id, user_name, won, decided, raw (own win rate, NaN without deals), fair, low, high (95% interval of
        the true rate), top_quartile (probability to be among the best quarter), enough (decided ≥ min_deals).
    """

    mean: float
    strength: float
    team: float
    reps: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Shrunken:
    """The result of `shrunken`: μ, k and each rep's fair rate, as in `FairWinRates`."""

    mean: float
    strength: float
    fair: NDArray[np.float64]


@dataclass(frozen=True)
class TeamSkill:
    """Win rates of the year that ends with a report, told apart from luck.

    Attributes
    ----------
    year : Period
        The days whose closed deals count.
    rates : FairWinRates or None
        None if too few reps decided deals. Its `reps` have a column flag, as `outside_limits` gives it.
    limits : pandas.DataFrame
        As `control_limits` gives them; empty without rates.
    scores : dict or None
        As `backtest` gives it: rates of the first nine months against the deals of the last three.
    """

    year: Period
    rates: FairWinRates | None
    limits: pd.DataFrame
    scores: dict[str, float] | None


def team_skill(book: Book, period: Period, as_of: date, *, manager: str = "", min_deals: int = 10) -> TeamSkill:
    """Estimate the reps' win rates from the year before the earlier of `as_of` and the period's end.

    Raises
    ------
    BookError
        If `min_deals` is below 1.
    """
    end = period.cut(as_of)
    year = Period(end - timedelta(days=364), end)
    split = end - timedelta(days=91)
    spans = (year, Period(year.start, split), Period(split + timedelta(days=1), end))
    whole, before, after = (win_rate(book, span, as_of, manager=manager).to_pandas() for span in spans)
    rates = fair_win_rates(whole, min_deals=min_deals)
    limits = control_limits(rates.team, whole.decided.max()) if rates else pd.DataFrame()
    if rates:
        rates = replace(rates, reps=rates.reps.assign(flag=outside_limits(rates.reps, rates.team)))
    return TeamSkill(year, rates, limits, backtest(before, after))


def check_min_deals(min_deals: int) -> None:
    """Raise BookError where the fewest decided deals that a rate needs are below 1: no deal gives no rate."""
    if min_deals < 1:
        raise BookError(f"min_deals must be 1 or more: the fewest decided deals that give a rate. Got {min_deals}.")


def fair_win_rates(counts: pd.DataFrame, *, min_deals: int = 10) -> FairWinRates | None:
    """Estimate each rep's true win rate.

    Parameters
    ----------
    counts : pandas.DataFrame
        user_id, user_name, won, decided; a row for each rep. Shares of split deals may be fractions.
    min_deals : int
        With fewer decided deals it is too early to say anything of a rep (`enough` is false).

    Returns
    -------
    FairWinRates or None
        None if fewer than three reps decided any deal: then luck and skill cannot be told apart.

    Raises
    ------
    BookError
        If `min_deals` is below 1.
    """
    check_min_deals(min_deals)
    won, decided = counts.won.to_numpy(float), counts.decided.to_numpy(float)
    known = shrunken(won, decided)
    if known is None:
        return None
    rates = _posterior(won, decided)
    low, high = np.quantile(rates, (0.025, 0.975), axis=0)
    reps = counts[["user_id", "user_name", "won", "decided"]].assign(
        raw=np.divide(won, decided, out=np.full(len(won), np.nan), where=decided > 0),
        fair=known.fair,
        low=low,
        high=high,
        top_quartile=_top_quartile(rates),
        enough=decided >= min_deals,
    )
    return FairWinRates(known.mean, known.strength, float(won.sum() / decided.sum()), reps)


def shrunken(won: NDArray[np.float64], decided: NDArray[np.float64]) -> Shrunken | None:
    """Estimate the true win rates alone, without intervals; None as in `fair_win_rates`."""
    if (decided > 0).sum() < FEWEST_REPS:
        return None
    mean, strength = _fit(won, decided)
    return Shrunken(mean, strength, (won + strength * mean) / (decided + strength))


def control_limits(team_rate: float, most_decided: float) -> pd.DataFrame:
    """Return where win rates fall by luck alone, for a rep as good as the team.

    Returns
    -------
    pandas.DataFrame
        decided (1 … most_decided), low95, high95, low998, high998: binomial quantiles as fractions.
    """
    n = np.unique(np.linspace(1, max(2, np.ceil(most_decided)), 60).round())
    quantiles = {"low998": 0.001, "low95": 0.025, "high95": 0.975, "high998": 0.999}
    limits = {name: stats.binom.ppf(q, n, team_rate) / n for name, q in quantiles.items()}
    return pd.DataFrame({"decided": n, **limits})


def outside_limits(counts: pd.DataFrame, team_rate: float) -> pd.Series:
    """Return "above", "below" or "within" the 95% control limits for each row of won and decided."""
    n, won = counts.decided.to_numpy(float), counts.won.to_numpy(float)
    low, high = stats.binom.ppf(0.025, np.ceil(n), team_rate), stats.binom.ppf(0.975, np.ceil(n), team_rate)
    flags = np.select([(won > high) & (n > 0), (won < low) & (n > 0)], ["above", "below"], "within")
    return pd.Series(flags, index=counts.index)


def backtest(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, float] | None:
    """Compare how well win rates of one time foretell the deals of the next.

    Parameters
    ----------
    before, after : pandas.DataFrame
        user_id, user_name, won, decided of two spans of time that do not overlap.

    Returns
    -------
    dict or None
        Brier score per deal (lower is better) of `fair`, `raw` (own record) and `team` (one rate for all), and
        `deals`, the number foretold. None if there is nothing to fit or nothing to foretell.
    """
    fitted = fair_win_rates(before)
    if fitted is None:
        return None
    rates = fitted.reps.assign(raw=fitted.reps.raw.fillna(fitted.team), team=fitted.team)
    both = after[["user_id", "won", "decided"]].merge(rates[["user_id", "fair", "raw", "team"]], on="user_id")
    deals = float(both.decided.sum())
    if deals <= 0:
        return None
    lost = both.decided - both.won
    scores = {
        name: float((both.won * (1 - both[name]) ** 2 + lost * both[name] ** 2).sum() / deals)
        for name in ("fair", "raw", "team")
    }
    return {**scores, "deals": deals}


def _fit(won: NDArray[np.float64], decided: NDArray[np.float64]) -> tuple[float, float]:
    """Maximum likelihood of the beta-binomial in logit μ and log k; k is bounded by STRONGEST."""
    some = decided > 0
    w, n = won[some], decided[some]
    start = np.clip(w.sum() / n.sum(), 1e-3, 1 - 1e-3)

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, slope = _log_likelihood_slope(special.expit(theta[0]), np.exp(theta[1]), w, n)
        return -value, -slope

    bounds = [(special.logit(1e-4), special.logit(1 - 1e-4)), (np.log(0.1), np.log(STRONGEST))]
    with one_thread():
        guesses = [
            optimize.minimize(loss, [special.logit(start), np.log(k)], jac=True, bounds=bounds, method="L-BFGS-B")
            for k in (5, 100)
        ]
    best = min(guesses, key=lambda result: result.fun)
    return float(special.expit(best.x[0])), float(np.exp(best.x[1]))


def _log_likelihood(
    mean: NDArray[np.float64], strength: NDArray[np.float64], won: NDArray[np.float64], decided: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum over reps of the beta-binomial's log-likelihood, for each μ and k."""
    a, b = (strength * mean)[..., None], (strength * (1 - mean))[..., None]
    total: NDArray[np.float64] = np.sum(special.betaln(won + a, decided - won + b) - special.betaln(a, b), axis=-1)
    return total


def _log_likelihood_slope(
    mean: float, strength: float, won: NDArray[np.float64], decided: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """The log-likelihood for one μ and k, and its derivatives by logit μ and log k."""
    a, b = strength * mean, strength * (1 - mean)
    value = np.sum(special.betaln(won + a, decided - won + b) - special.betaln(a, b))
    shared = special.digamma(a + b) - special.digamma(decided + a + b)
    by_a = np.sum(special.digamma(won + a) - special.digamma(a) + shared)
    by_b = np.sum(special.digamma(decided - won + b) - special.digamma(b) + shared)
    slope = np.array([(by_a - by_b) * strength * mean * (1 - mean), by_a * a + by_b * b])
    return float(value), slope


def _posterior(won: NDArray[np.float64], decided: NDArray[np.float64]) -> NDArray[np.float64]:
    """Draw true win rates of all reps together: DRAWS × reps."""
    some, rng = decided > 0, np.random.default_rng(SEED)
    pooled = np.clip(won.sum() / decided.sum(), 1e-3, 1 - 1e-3)
    # wide enough for reps that differ by a standard deviation of 1 on the logit scale
    width = 4 * np.sqrt(1 / (decided.sum() * pooled * (1 - pooled)) + 1 / some.sum())
    # a few deals of one outcome reach so far out that a mean would be 0 or 1 to the last digit
    logits = np.clip(special.logit(pooled) + np.linspace(-width, width, 81), -FARTHEST, FARTHEST)
    means, strengths = np.meshgrid(special.expit(logits), np.exp(np.linspace(np.log(0.5), np.log(STRONGEST), 41)))
    means, strengths = means.ravel(), strengths.ravel()
    # the grid is even in log k, where a uniform prior on the spread 1 / √(k + 1) has this density
    prior = np.log(strengths) - 1.5 * np.log1p(strengths)
    weight = _log_likelihood(means, strengths, won[some], decided[some]) + prior
    weight = np.exp(weight - weight.max())
    cells = rng.choice(len(weight), size=DRAWS, p=weight / weight.sum())
    mean, strength = means[cells][:, None], strengths[cells][:, None]
    rates: NDArray[np.float64] = rng.beta(won + strength * mean, decided - won + strength * (1 - mean))
    return rates


def _top_quartile(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    best = max(1, round(rates.shape[1] / 4))
    threshold = np.partition(rates, rates.shape[1] - best, axis=1)[:, rates.shape[1] - best]
    top: NDArray[np.float64] = (rates >= threshold[:, None]).mean(axis=0)
    return top
