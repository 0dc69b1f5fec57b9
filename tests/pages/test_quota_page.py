"""The page of the quota plan: what stands beside the baseline, and what is said where something is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from books import Row, make_book
from whatif_books import NOW, QUARTER, book_of

from salesops import words
from salesops.models.quota import baseline, outcome, write_scenario
from salesops.pages.quota import page as quota_page
from salesops.pages.quota.findings import QuotaPlan, quota_plan


def plan_of(folder: Path, *scenarios: tuple[str, float], quotas: bool = True) -> QuotaPlan:
    book = book_of(folder, quotas=quotas)
    (folder / "scenarios").mkdir()
    for name, rate in scenarios:
        write_scenario(baseline(book, QUARTER, name=name, win_rate=rate), folder / "scenarios" / f"{name}.toml")
    return quota_plan(book, QUARTER, NOW)


def test_saved_scenarios_stand_beside_the_baseline(tmp_path: Path) -> None:
    """Each column is what the pure function gives; the best is named, and a name is never markup."""
    plan = plan_of(tmp_path, ("Slow", 0.8), ("Fast <b>", 1.3))
    table = quota_page.scenarios_table(plan)
    for name, rate in (("Fast &lt;b&gt;", 1.3), ("Slow", 0.8)):
        found = outcome(plan.inputs, replace(plan.today.scenario, win_rate=rate))
        assert name in table.html
        assert words.chance_in_doubt(found.p_target, found.p_low, found.p_high) in table.html
    best = outcome(plan.inputs, replace(plan.today.scenario, win_rate=1.3)).p_target
    said = f"“Fast <b>” gives the target a chance of {words.about(best)}, today {words.about(plan.today.p_target)}."
    assert quota_page.best_words(plan).text == said
    assert plan.results()["scenarios"]["Slow"]["p_target"] < plan.results()["p_target"]
    chart = quota_page.attain_chart(plan).to_dict()
    assert "2 of 2" in str(chart["title"]) or "2 reps of 2" in str(chart["title"])


def test_without_scenarios_the_page_says_how_to_save_one(tmp_path: Path) -> None:
    """No folder and no scenario is no error."""
    plan = quota_plan(book_of(tmp_path), QUARTER, NOW)
    assert quota_page.best_words(plan).text.startswith("No scenario is saved yet.")
    assert plan.folder == tmp_path / "scenarios"
    assert "Baseline" in quota_page.scenarios_table(plan).text


def test_without_quotas_the_page_says_what_is_missing(tmp_path: Path) -> None:
    """A book without quotas has no target: the headline says so, and no chart pretends."""
    plan = plan_of(tmp_path, quotas=False)
    assert "There is no target and no quota yet." in quota_page.page_head(plan).text
    assert quota_page.attain_chart(plan).text == ""  # type: ignore[union-attr]  # a block that shows nothing
    assert "No rep has a quota" in "\n".join(quota_page.limits(plan))
    assert plan.results()["p_target"] is None


def test_files_that_are_no_scenario_of_this_plan_are_limits(tmp_path: Path) -> None:
    """A file of another format or of rules that cannot be met is a sentence on the page; the others are shown."""
    plan = plan_of(tmp_path, ("Good", 1.1))
    (tmp_path / "scenarios" / "new.toml").write_text("format = 9\n")
    write_scenario(replace(plan.today.scenario, name="Never", target=0.0, over_assignment=0.5),
                   tmp_path / "scenarios" / "never.toml")  # fmt: skip  # one call
    again = quota_plan(book_of(tmp_path), QUARTER, NOW)
    said = "\n".join(quota_page.limits(again))
    assert "new.toml has format 9; format 1 was expected. Update salesops." in said
    assert "Never: over_assignment needs a target above 0." in said
    assert [found.scenario.name for found in again.scenarios] == ["Good"]


def test_four_are_shown_and_the_rest_is_named(tmp_path: Path) -> None:
    """Nothing is left out silently."""
    plan = plan_of(tmp_path, *((f"S{n}", 1 + n / 10) for n in range(6)))
    assert len(plan.scenarios) == 4
    assert "4 scenarios are shown. Left out: S4, S5." in "\n".join(quota_page.limits(plan))
    assert np.isfinite(plan.today.p_target)


def test_where_nothing_was_ever_won_no_chance_is_said(tmp_path: Path) -> None:
    """A chance that nobody can know is no 0%: the page says why, and shows quotas and what is closed alone."""
    users: list[Row] = [{"user_id": key} for key in "AB"]
    still: Row = {"owner_id": "A", "amount": 100.0, "created_date": "2026-10-01", "close_date": "2026-11-20"}
    goals: list[Row] = [
        {"owner_id": key, "period_start": "2026-10-01", "period_end": "2026-12-31", "quota_amount": 150.0}
        for key in "AB"
    ]
    book = make_book(tmp_path, {"users": users, "opportunities": [still], "quotas": goals})
    (tmp_path / "scenarios").mkdir()
    write_scenario(baseline(book, QUARTER, name="Fast", win_rate=2), tmp_path / "scenarios" / "fast.toml")
    plan = quota_plan(book, QUARTER, NOW)
    blocks = (quota_page.page_head, quota_page.key_figures, quota_page.scenarios_table, quota_page.best_words,
              quota_page.reps_table)  # fmt: skip  # two lines
    text = "\n".join(block(plan).text for block in blocks).replace("\N{NO-BREAK SPACE}", " ")
    assert "The chance to reach 300 EUR is not known: no deals of any amount were ever won." in text
    assert "What the saved scenarios change is not known" in text
    assert "0%" not in quota_page.reps_table(plan).text
    assert "nan" not in text
    assert plan.results()["p_target"] is plan.results()["reps_attaining"] is None
