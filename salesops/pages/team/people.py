"""Teams and people on the team's page: who came how far, and what is promised for the gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from salesops import words
from salesops.pages.team.findings import TeamAccountability
from salesops.pages.team.teams import team_ids
from salesops.views import table as t
from salesops.views.attainment import COUNTED
from salesops.views.blocks import Block, fold, names_note, nothing, report_of, together
from salesops.views.promises import promise_words

MOST_LINES = 120  # a page must stay small enough for a phone
LEAST_OF_A_TEAM = 5
MOST_NAMES = 12


def teams_and_people(r: TeamAccountability) -> Block:
    """Show the teams, where there are several, and then their people."""
    return together(teams_table(r), people(r))


def other_goals(r: TeamAccountability) -> Block:
    """Show the goals that the headline does not count: in the other measure, and managers' rollups."""
    return together(other_lines(r), rollups_table(r))


def teams_table(r: TeamAccountability) -> Block:
    """Show each team: goal, actual, gap, chance and promises kept; nothing where there is one team only."""
    if r.teams.empty:
        return nothing()
    promised = "commitments" in r.tables
    rows: list[Mapping[Any, Any]] = list(r.teams.to_dict("records"))
    teams = r.teams.assign(
        promises=[_kept(row["kept"], row["missed"]) for row in rows],
        people=[f"{row['made']} of {row['with_goal']} made it" for row in rows],
        leads=report_of("manager", r.teams.team_id),
    )
    scale = words.scale_for(pd.concat([teams.quota, teams.booked]), currency=r.currency)
    chances = bool(teams.p_make_it.notna().any())
    columns = [
        t.text("team_name", "Team", note="people", leads="leads"),
        t.amount("quota", "Goal", scale=scale, phone=False),
        t.amount("booked", "Actual", scale=scale, phone=False),
        t.gap("gap", "Gap", scale=scale),
        t.bullet("attainment", "Of goal", phone=not chances),
        *([t.chance("p_make_it", "P(make it)")] if chances else []),
        *([t.text("promises", "Promises kept", phone=False)] if promised else []),
    ]
    total = _total_row(r.total, r.make_it.team[0]) | {"team_name": "Together"}
    return t.table(
        teams, columns, caption=f"Teams by their manager, the largest gap first, in {scale.unit}.", total=total
    )


def people(r: TeamAccountability) -> Block:
    """Show everyone: folded under their team where there are several, else in one table; and who promised nothing."""
    if r.teams.empty:
        return together(lines_table(r), uncommitted(r))
    heads = team_ids(r.own)
    each = max(LEAST_OF_A_TEAM, MOST_LINES // len(r.teams))
    folds = [_team_fold(r, row, r.own[heads == row["team_id"]], each) for row in r.teams.to_dict("records")]
    return together(*folds, uncommitted(r))


def lines_table(r: TeamAccountability) -> Block:
    """Show every line: goal, actual, gap, share of the goal, and what is promised. Largest gap first."""
    if not r.own.quota.notna().any():
        return _without_goals(r)
    scale = words.scale_for(pd.concat([r.own.quota, r.own.booked]), currency=r.currency)
    lead = "Largest gap first: the conversations that move the number. The line in each bar marks the goal."
    caption = f"{lead} Amounts in {scale.unit}.{_left_out(r)}"
    total = _total_row(r.total, r.make_it.team[0]) if r.total else None
    return t.table(_shown(r, r.own).head(MOST_LINES), _columns(r, scale), caption=caption, total=total)


def uncommitted(r: TeamAccountability) -> Block:
    """Say once whose gaps carry no commitment; nothing where goals or commitments are not known, or none is open."""
    gaps = r.own[(r.own.gap > 0) & (r.own.successor == "")]
    without = gaps[gaps.promise_metric.isna()]
    if "commitments" not in r.tables or gaps.empty:
        return nothing()
    if without.empty:
        return names_note(f"Each of the {words.plural(len(gaps), 'gap')} carries a commitment.", [])
    carry = "carries" if len(without) == 1 else "carry"
    first = without.head(MOST_NAMES)
    named = list(zip(first.user_name.astype(str), report_of("rep", first.user_id), strict=True))
    return names_note(
        f"{len(without):,} of {words.plural(len(gaps), 'gap')} {carry} no commitment",
        named,
        more=len(without) - len(named),
    )


def other_lines(r: TeamAccountability) -> Block:
    """Show the lines with a goal in a measure that the headline does not speak of; nothing without any."""
    lines = r.other_lines
    if lines.empty:
        return nothing()
    scale = words.scale_for(pd.concat([lines.quota, lines.booked]), currency=r.currency)
    lines = lines.assign(counted=lines.measure.map(COUNTED), leads=report_of("rep", lines.user_id))
    columns = [
        t.text("user_name", "Rep", note="counted", leads="leads"),
        t.amount("quota", "Goal", scale=scale, phone=False),
        t.amount("booked", "Actual", scale=scale, phone=False),
        t.gap("gap", "Gap", scale=scale),
        t.bullet("attainment", "Of goal"),
    ]
    return t.table(lines.head(MOST_LINES), columns, caption=f"Goals in the other measure, in {scale.unit}.")


def rollups_table(r: TeamAccountability) -> Block:
    """Show managers' rollup quotas against their teams' actual; they are never added to the lines above."""
    lines = r.lines[r.lines.is_rollup]
    if lines.empty:
        return nothing()
    scale = words.scale_for(pd.concat([lines.quota, lines.booked]), currency=r.currency)
    columns = [
        t.text("user_name", "Manager", leads="leads"),
        t.amount("quota", "Team goal", scale=scale),
        t.amount("booked", "Team actual", scale=scale),
        t.gap("gap", "Gap", scale=scale, phone=False),
        t.bullet("attainment", "Of goal"),
    ]
    sums = "goals as they were agreed, before they allow for ramp" if r.own.ramped.any() else "goals that stand above"
    lines = lines.assign(leads=report_of("manager", lines.user_id))
    return t.table(lines, columns, caption=f"Teams: each manager's rollup, in {scale.unit}. It sums {sums}.")


def _kept(kept: int, missed: int) -> str:
    return f"{kept} of {kept + missed}" if kept + missed else ""


def _team_fold(r: TeamAccountability, team: Mapping[Any, Any], lines: pd.DataFrame, most: int) -> Block:
    scale = words.scale_for(pd.concat([r.own.quota, r.own.booked]), currency=r.currency)
    rest = f" The {most} largest gaps of {len(lines):,}; the team's own report shows them all." * (len(lines) > most)
    table = t.table(
        _shown(r, lines).head(most), _columns(r, scale), caption=f"Largest gap first, in {scale.unit}.{rest}"
    )
    return fold(f"{team['team_name']}: {words.plural(team['people'], 'person', 'people')}", table)


def _shown(r: TeamAccountability, lines: pd.DataFrame) -> pd.DataFrame:
    lines = lines.assign(starts_later=pd.to_datetime(lines.hire_date) > pd.Timestamp(r.as_of))
    goals = bool(r.own.quota.notna().any())
    rows: list[Mapping[Any, Any]] = list(lines.to_dict("records"))
    return lines.assign(
        remark=[_remark(row, goals) for row in rows],
        next=[_promise(row) for row in rows],
        leads=report_of("rep", lines.user_id),
    )


def _columns(r: TeamAccountability, scale: words.Scale) -> list[t.Column]:
    chances, promised = bool(r.own.p_make_it.notna().any()), bool(r.own.promise_metric.notna().any())
    return [
        t.text("user_name", "Rep", note="remark", leads="leads"),
        t.amount("quota", "Goal", scale=scale, phone=False),
        t.amount("booked", "Actual", scale=scale, phone=False),
        t.gap("gap", "Gap", scale=scale),
        t.bullet("attainment", "Of goal", phone=not chances),  # a phone has room for one of the two
        *([t.chance("p_make_it", "P(make it)")] if chances else []),
        *([t.amount("due_amount", "Open, due", scale=scale, phone=False)] if r.as_of < r.period.end else []),
        *([t.text("next", "Commitment", phone=False)] if promised else []),
    ]


def _without_goals(r: TeamAccountability) -> Block:
    scale = words.scale_for(r.own.booked, currency=r.currency)
    columns = [
        t.text("user_name", "Rep", note="remark", leads="leads"),
        t.amount("booked", "Actual", scale=scale),
        t.number("deals", "Won" if r.measure == "bookings" else "Orders"),
        *([t.number("open_deals", "Open deals", phone=False)] if "opportunities" in r.tables else []),
    ]
    lines = _shown(r, r.own).sort_values("booked", ascending=False, kind="stable").head(MOST_LINES)
    caption = f"By name. Without goals there is no gap. Amounts in {scale.unit}.{_left_out(r)}"
    total = _total_row(r.total, r.make_it.team[0]) if r.total else None
    return t.table(lines.sort_values(["user_name", "user_id"]), columns, caption=caption, total=total)


def _left_out(r: TeamAccountability) -> str:
    if len(r.own) <= MOST_LINES:
        return ""
    kind = "gaps" if r.own.quota.notna().any() else "amounts"
    return (
        f" The {MOST_LINES} largest {kind} of {words.plural(len(r.own), 'line')}; the others are in the total. "
        "A report for each manager shows them all."
    )


def _remark(row: Mapping[Any, Any], goals: bool) -> str:
    if row["successor"]:
        return f"left {words.day(row['end_date'])}; goal now with {row['successor']}"
    if row["starts_later"]:
        return f"starts on {words.day(row['hire_date'])}"
    if goals and pd.isna(row["quota"]):
        return "no quota"
    return "on ramp" if row["ramped"] else ("manager" if row["role"] == "manager" else "")


def _promise(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["gap"]) or row["gap"] <= 0 or row["successor"] or pd.isna(row["promise_metric"]):
        return ""
    return promise_words(row["promise_metric"], row["promise_target"], row["promise_due"], row["promise_subject"])


def _total_row(row: Mapping[Any, Any], chance: float) -> dict[str, object]:
    return {
        "user_name": "Team",
        **{k: row[k] for k in ("quota", "booked", "gap", "attainment", "deals")},
        "p_make_it": chance,
    }
