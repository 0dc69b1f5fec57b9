"""Skill or luck: what the page says where win rates cannot tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from salesops.models.skill import TeamSkill, control_limits, fair_win_rates
from salesops.pages.team import skill_page as skill
from salesops.periods import Period
from salesops.views.blocks import Block

YEAR = Period(date(2025, 10, 1), date(2026, 9, 30))


def team(won: list[float], decided: list[float]) -> TeamSkill:
    counts = pd.DataFrame({"user_id": list("abc"), "user_name": list("ABC"), "won": won, "decided": decided})
    rates = fair_win_rates(counts, min_deals=1)
    assert rates is not None
    limits = control_limits(rates.team, max(decided))
    return TeamSkill(YEAR, replace(rates, reps=rates.reps.assign(flag="within")), limits, None)


@pytest.mark.parametrize(("won", "outcome"), [([0.0, 0, 0], "lost"), ([24.0, 9, 3], "won")])
def test_one_outcome_tells_nobody_apart(won: list[float], outcome: str) -> None:
    """Where every deal was lost, or every one won, no rate, weight or chart is shown, but the reason."""
    found = team(won, [24.0, 9, 3])
    assert skill.skill_words(found).text == (
        f"All deals decided in the last year were {outcome}: win rates tell nobody apart, and are not shown."
    )
    for chart in (skill.funnel(found), skill.intervals(found)):
        assert isinstance(chart, Block)
        assert chart.html == ""


def test_both_outcomes_are_shown() -> None:
    """One loss among the wins is enough for rates."""
    found = team([20.0, 1, 1], [24.0, 20, 20])
    assert "A rep's own record" in skill.skill_words(found).text
    assert not isinstance(skill.funnel(found), Block)
