"""One rep's report, block by block: what `models.rep` found, as the rep and the manager read it."""

from __future__ import annotations

import altair as alt
import pandas as pd

from salesops import words
from salesops.models.skill import check_min_deals
from salesops.pages.rep.findings import RepAccountability
from salesops.views import account_orders, charts
from salesops.views import table as t
from salesops.views.account_orders import order_figures
from salesops.views.attainment import DATED, VERB, ended_words, make_it_words, measure_figures
from salesops.views.blocks import Block, absent, back, headline, kpis, note, nothing, report_of, sentence, together
from salesops.views.day_chart import day_chart


def page_head(r: RepAccountability) -> Block:
    """Show goal and actual in one sentence, with the name, the period and the as-of date."""
    line = r.line
    who = f"The team of {r.user_name}" if line["is_rollup"] else r.user_name
    verb, booked = VERB[line["measure"]], words.money(line["booked"], currency=r.currency)
    if line["quota"] is None:
        text = f"{who} {verb} {booked}. No goal is agreed for the period."
    elif line["gap"] <= 0:
        text = f"{who} {verb} {booked} and made the goal of {words.money(line['quota'], currency=r.currency)}."
    else:
        missing = words.money(line["gap"], currency=r.currency)
        goal = words.money(line["quota"], currency=r.currency)
        end = f"{missing} to go{_time(r)}" if not r.over else f"{missing} short"
        text = f"{who} {verb} {booked} of {goal}: {end}."
    manager = f" Manager: {r.manager_name}." if r.manager_name else ""
    manager_report = report_of("manager", [r.manager_id])[0]
    team = (f"Team of {r.manager_name}", f"{manager_report} team_accountability:")
    head = headline(
        text,
        eyebrow=f"Rep accountability · {r.company} · {words.period(r.period)}",
        meta=f"As of {words.day(r.as_of)}. Counted: {DATED[line['measure']]}."
        f"{words.left_out_money(r.unrated)}{ended_words(r.ended_on, line['measure'])}{manager}{_left(r)}",
    )
    return together(head, back(team)) if r.manager_name else head


def key_figures(r: RepAccountability, *, min_deals: int) -> Block:
    """Show goal, actual, gap, win rate, activities and commitments.

    Raises
    ------
    BookError
        If `min_deals` is below 1.
    """
    check_min_deals(min_deals)
    line, due = r.line, r.judged[r.judged.due_in_period]
    scale = words.scale_for([line["quota"], line["booked"]], currency=r.currency)
    kept, missed = int(due.verdict.isin(["kept", "declared"]).sum()), int((due.verdict == "missed").sum())
    share = "" if line["attainment"] is None else f"{words.percent(line['attainment'])} of goal"
    figures = [(f"Actual, {scale.unit}", scale.show(line["booked"]), share)]
    if line["quota"] is not None:
        figures.insert(
            0, (f"Goal, {scale.unit}", scale.show(line["quota"]), "allows for ramp" if line["ramped"] else "")
        )
        made = line["gap"] <= 0
        pace = "" if r.over else _against_pace(r)
        figures.append(
            ("Gap", f"+{scale.show(-line['gap'])}" if made else scale.show(line["gap"]), "goal made" if made else pace)
        )
    chance, *between = r.p_make_it
    if not pd.isna(chance) and chance < 1:
        figures.append(("P(make it)", words.about(chance), words.chance_range(*between)))
    if r.has_deals:
        figures.append(("Win rate", *_win_rate(r, min_deals)))
    if r.accounts is not None:
        figures += order_figures(r.accounts, currency=r.currency)
    if r.has_activities:
        figures.append(("Activities on time", *_activities(r)))
    if r.has_commitments:
        promised = f"{kept} of {kept + missed}" if kept + missed else words.MISSING
        figures.append(("Commitments kept", promised, "" if len(due) else "none due in the period"))
    return kpis(figures)


def other_figures(r: RepAccountability) -> Block:
    """Show actual, goal and gap in the measures that the headline does not speak of; nothing without any."""
    return kpis([figure for line in r.other_lines for figure in measure_figures(line, r.currency)])


def what_must_close(r: RepAccountability) -> Block:
    """Say which deals close the gap, or that new ones are needed; nothing where the period is over."""
    line, needed = r.line, r.must_close
    if not r.has_deals:
        return absent("This book holds no opportunities: what could still close is not known.")
    if r.over:
        return nothing()
    if line["quota"] is None:
        return note("Without a goal there is nothing that must close. Agree a goal first.")
    if line["gap"] <= 0:
        return note("The goal is made. What closes now comes on top.")
    if line["is_rollup"]:
        return note("The goal is the team's. What must close to make it stands on the page of each rep of the team.")
    value = words.money(needed.amount.sum(), currency=r.currency)
    if needed.empty:
        return note(
            "No open deal with an amount is due in the period. The gap needs new pipeline, or deals brought forward."
        )
    if not r.covered:
        rest = words.money(line["gap"] - needed.amount.sum(), currency=r.currency)
        return note(
            f"Even if all {words.plural(len(needed), 'open deal')} due in the period close ({value}), {rest} stay open."
        )
    which = "The largest deal due is" if len(needed) == 1 else f"The {len(needed)} largest deals due are"
    return note(
        f"{which} worth {value}. If {'it closes' if len(needed) == 1 else 'they all close'}, the goal is made. "
        "Fewest deals first: they are marked below."
    )


def activity_words(r: RepAccountability) -> Block:
    """Say how many activities were due, and how many were done on time, late or not at all."""
    done = r.activities
    if not r.has_activities:
        return absent("This book does not say which activities were done: whether they are on time is not known.")
    if not done["due"]:
        return absent("No activity was due in the period.")
    due = words.plural(done["due"], "activity was", "activities were")
    return sentence(
        f"{due} due: {words.number(done['on_time'])} done on time, {words.number(done['late'])} late, "
        f"{words.number(done['not_done'])} not done. On time: {words.percent(done['on_time_rate'])}; "
        f"the team {words.percent(done['team_rate'])}."
    )


def deals_table(r: RepAccountability, *, limit: int = 25) -> Block:
    """Show the rep's open deals by close date, with how often each moved out."""
    if not r.has_deals:
        return nothing()
    deals = r.deals.assign(
        account=r.deals.account_name.fillna("no account"),
        leads=report_of("account", r.deals.account_id),
        late=["overdue" if overdue else "" for overdue in pd.to_datetime(r.deals.close_date) < pd.Timestamp(r.as_of)],
        mark=["must close" if needed else "" for needed in r.deals.needed],
    )
    scale = words.scale_for(deals.amount, currency=r.currency)
    columns = [
        t.text("account", "Account", note="opportunity_id", leads="leads"),
        t.text("stage_name", "Stage", phone=False),
        t.day("close_date", "Close date", note="late"),
        t.amount("amount", "Amount", scale=scale),
        *([t.number("pushes", "Pushed", phone=False)] if deals.pushes.notna().any() else []),
        *([t.tag("mark", "For the goal")] if r.deals.needed.any() else []),
    ]
    rest = f" The first {limit} of {len(deals):,}." if len(deals) > limit else ""
    return t.table(
        deals.head(limit), columns, caption=f"Open deals by close date, in {scale.unit}.{rest}", empty="No open deal."
    )


def accounts_table(r: RepAccountability) -> Block:
    """Show what each account ordered, beside the year before; nothing where deals count."""
    return account_orders.accounts_table(r.accounts, currency=r.currency)


def pace_words(r: RepAccountability) -> Block:
    """Say how to read the line of the even pace; nothing without a goal."""
    if r.line["quota"] is None:
        return nothing()
    return sentence(
        "The straight line is the even pace from nothing to the goal. Lumpy deals jump: being behind the pace is "
        "normal just before a large deal closes. Being ahead of it early says little about the end."
    )


def pace(r: RepAccountability) -> alt.LayerChart | Block:
    """Draw the actual amount day by day against the even pace and the year before, with what may still come."""
    line = r.line
    if line["quota"] is None:
        title = f"{words.money(line['booked'], currency=r.currency)} since the start; no goal is agreed"
    elif line["gap"] <= 0:
        title = "The goal is made"
    else:
        gone = words.percent(r.period.gone(r.as_of))
        title = f"{words.percent(line['attainment'])} of the goal with {gone} of the time gone"
    return day_chart(r.days, r.fan, currency=r.currency, title=title)


def conversion(r: RepAccountability, *, min_deals: int) -> alt.LayerChart | Block:
    """Draw stage conversion beside the team's, or say why there is none; a rate from few deals is not drawn."""
    if not r.has_deals:
        return nothing()
    if r.conversion.empty:
        return note(f"Stage conversion needs {r.stages_need}.")
    few = (r.conversion.who == "You") & (r.conversion.advanced + r.conversion.lost < min_deals)
    told = r.conversion[r.conversion.conversion.notna() & ~few]
    if told.empty:
        return note("No deal that reached a stage in the period is decided yet.")
    stages = list(told.sort_values("position").stage_name.unique())
    return charts.conversion_plot(told, stages=stages, title="Deals that went on from each stage, with 95% intervals")


def conversion_words(r: RepAccountability, *, min_deals: int) -> Block:
    """Say where the rep's conversion lies below the team's, or that it is too early; nothing without stages."""
    own = r.conversion[r.conversion.who == "You"]
    if own.empty:
        return nothing()
    team = r.conversion[r.conversion.who == "Team"].set_index("stage_name").conversion
    decided = own.advanced + own.lost
    told = own[(decided >= min_deals) & own.conversion.notna()]
    if told.empty:
        return sentence(f"Too early to say: no stage has {words.plural(min_deals, 'decided deal')} yet.")
    below = told[told.high < told.stage_name.map(team)]
    if below.empty:
        return sentence(
            "No stage lies clearly below the team's conversion; the differences are within what luck gives."
        )
    return sentence(f"Clearly below the team: {words.and_list(list(below.stage_name))}. Start the coaching there.")


def limits(r: RepAccountability, *, min_deals: int) -> list[str]:
    """Return what the numbers leave out, a sentence each."""
    said = [f"Data up to {words.day(r.as_of)}."]
    if r.has_deals:
        said = [
            f"{said[0]} What closed after it is open on this page, as it was then.",
            f"Win rates stand on {words.plural(r.wins['decided'], 'decided deal')}; few make wide intervals. "
            f"Under {words.plural(min_deals, 'decided deal')} a rate reads “too early to say”.",
        ]
    if (r.lines.prorated & ~r.lines.is_rest).any():
        said.append("A quota covers another period in part and counts by its share of days.")
    if (r.lines.prorated & r.lines.is_rest).any():
        said.append("A goal is what a shorter quota leaves of a longer one, spread over its other days.")
    bare = int(r.deals.amount.isna().sum())
    if bare:
        said.append(f"Open deals without an amount count as deals but not as money: {bare:,}.")
    undated = int(r.deals.close_date.isna().sum())
    if undated:
        said.append(f"Open deals without a close date are due in no period: {undated:,}.")
    if not r.line["is_rollup"]:
        said.append(make_it_words(r.no_chance))
    return said


def _left(r: RepAccountability) -> str:
    left = r.line["end_date"]
    if left is None or pd.Timestamp(left) > pd.Timestamp(r.as_of):
        return ""
    return f" Left {words.day(left)}; an open goal passes to {r.manager_name or 'a person to be named'}."


def _time(r: RepAccountability) -> str:
    gone = r.period.gone(r.as_of)
    return "" if gone >= 1 else f" with {words.percent(1 - gone)} of the time left"


def _against_pace(r: RepAccountability) -> str:
    line = r.line
    behind = line["pace"] - line["booked"]
    side = "behind" if behind > 0 else "ahead of"
    return f"{words.money(abs(behind))} {side} an even pace"


def _win_rate(r: RepAccountability, min_deals: int) -> tuple[str, str]:
    decided, team = r.wins["decided"], r.wins["team_rate"]
    if decided < min_deals:
        return "too early to say", f"{words.plural(decided, 'decided deal')} so far"
    return words.percent(r.wins["win_rate"]), f"team {words.percent(team)}; {words.plural(decided, 'deal')}"


def _activities(r: RepAccountability) -> tuple[str, str]:
    if not r.activities["due"]:
        return words.MISSING, "none due in the period"
    team = words.percent(r.activities["team_rate"])
    return words.percent(
        r.activities["on_time_rate"]
    ), f"team {team}; {words.plural(r.activities['due'], 'activity', 'activities')} due"
