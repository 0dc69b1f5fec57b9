"""Win rates as a funnel and as intervals: who differs from the team by more than luck."""

from __future__ import annotations

import altair as alt
import pandas as pd

from salesops import words
from salesops.models.skill import FairWinRates, TeamSkill
from salesops.views import charts
from salesops.views.blocks import Block, absent, note, nothing, sentence

MOST_POINTS = 400
MOST = 45  # lines of a chart that still fits a sheet of paper
CLEARLY = 0.0005  # half of the last digit shown
ALIKE = 1000  # deals: a weight of the team's rate that no record of a rep outweighs
TOO_FEW = "Too few reps decided deals in the last year to tell skill from luck; win rates are not shown."


def skill_words(skill: TeamSkill) -> Block:
    """Say how far the win rates differ by more than luck, and how well they foretold deals."""
    rates, why_not = skill.rates, _why_not(skill.rates)
    if rates is None:
        return absent(why_not)
    if why_not:
        return note(why_not)
    weight = (
        f"A rep's own record weighs as much as the team's once {words.number(rates.strength)} deals are decided."
        if rates.strength < ALIKE
        else "The reps do not differ by more than luck: the team's rate stands for everyone."
    )
    return sentence(f"Deals closed {words.span(skill.year.start, skill.year.end)}. {weight} {_tested(skill)}")


def funnel(skill: TeamSkill) -> alt.LayerChart | Block:
    """Draw win rates against decided deals, with control limits; nothing without rates."""
    if skill.rates is None or _why_not(skill.rates):
        return nothing()
    told = skill.rates.reps.rename(columns={"raw": "win_rate"})
    told = told[told.enough]
    if told.empty:
        return note("Too early to say: nobody has decided enough deals in the last year.")
    title = _funnel_title(skill.rates)
    if len(told) > MOST_POINTS:
        apart = (told.win_rate - skill.rates.team).abs().sort_values(ascending=False)
        told = told.loc[apart.index[:MOST_POINTS]]
        title += f"; drawn are the {MOST_POINTS} farthest from the team"
    return charts.funnel_plot(told, skill.limits, team_rate=skill.rates.team, title=title)


def intervals(skill: TeamSkill) -> alt.LayerChart | Block:
    """Draw each rep's fair win rate with its interval, by name; nothing without rates."""
    if skill.rates is None or _why_not(skill.rates):
        return nothing()
    reps = skill.rates.reps[skill.rates.reps.decided > 0]
    reps = reps.assign(raw=reps.raw.where(reps.enough))  # a rate from few deals is not shown
    early = int((~reps.enough).sum())
    rest = f"; {early} too early to say" if early else ""
    title = f"Fair win rates with 95% intervals, by name{rest}"
    if len(reps) > MOST:
        apart = (reps.fair - skill.rates.team).abs().sort_values(ascending=False)
        title = f"Fair win rates with 95% intervals: the {MOST} of {len(reps)} reps farthest from the team"
        reps = reps.loc[apart.index[:MOST]]
    return charts.interval_plot(reps.sort_values("user_name"), team_rate=skill.rates.team, title=title)


def _why_not(rates: FairWinRates | None) -> str:
    """Return why no rates are shown, or "": one outcome alone tells nobody apart, and leaves nothing to estimate."""
    if rates is None:
        return TOO_FEW
    won, decided = rates.reps.won.sum(), rates.reps.decided.sum()
    if 0 < won < decided:
        return ""
    outcome = "won" if won else "lost"
    return f"All deals decided in the last year were {outcome}: win rates tell nobody apart, and are not shown."


def _funnel_title(rates: FairWinRates) -> str:
    told = rates.reps[rates.reps.enough]
    outside = int(told.flag.isin(["above", "below"]).sum())
    if outside and rates.strength >= ALIKE:
        return f"{outside} of {len(told)} reps outside the limits, as luck alone can bring about"
    sides = {"more": told[told.flag == "above"].user_name, "less": told[told.flag == "below"].user_name}
    parts = [
        f"{_who(names)} {'wins' if len(names) == 1 else 'win'} {side}" for side, names in sides.items() if len(names)
    ]
    return f"{' and '.join(parts) or 'No rep wins more or less'} often than luck explains"


def _who(names: pd.Series[str]) -> str:
    return words.and_list(list(names)) if len(names) <= 2 else f"{len(names)} reps"


def _tested(skill: TeamSkill) -> str:
    scores = skill.scores
    if scores is None:
        return "There are too few earlier deals to test these rates."
    better = scores["team"] - scores["fair"] >= CLEARLY
    verdict = "foretold better than" if better else "foretold no better than"
    return (
        f"Tested on the {words.plural(scores['deals'], 'deal')} of the last quarter, the fair rates {verdict} one rate "
        f"for all (Brier score {scores['fair']:.3f} against {scores['team']:.3f}; raw records {scores['raw']:.3f}; "
        "lower is better)."
    )
