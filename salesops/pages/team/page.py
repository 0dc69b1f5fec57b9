"""Page one of the team's report, block by block: what `models.accountability` found, as a manager reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import altair as alt
import pandas as pd

from salesops import words
from salesops.book.snapshot import UnknownThen
from salesops.errors import first_few
from salesops.pages.team.findings import TeamAccountability
from salesops.views import account_orders
from salesops.views.attainment import DATED, VERB, ended_words, make_it_words, measure_figures
from salesops.views.blocks import Block, absent, back, cards, definitions, headline, kpis, note, report_of, together
from salesops.views.day_chart import day_chart
from salesops.views.promises import promise_words


def page_head(r: TeamAccountability) -> Block:
    """Show the sentence that a director should remember, with period and as-of date."""
    total, verb = r.total, VERB[r.measure]
    team = f"{r.manager}’s team" if r.manager else "The team"
    booked = words.money(total.get("booked", 0), currency=r.currency)
    if total.get("quota") is None:
        text = f"{team} {verb} {booked}. This book holds no goals for the period."
    else:
        text = f"{team} {verb} {booked}{_of_goal(r, total)}{_pace(r)}. {_attained(total)}"
    head = headline(
        text,
        eyebrow=f"Team accountability · {r.company} · {words.period(r.period)}",
        meta=f"As of {words.day(r.as_of)}. Counted: {DATED[r.measure]}.{words.left_out_money(r.unrated)}"
        f"{ended_words(r.ended_on, r.measure)}",
    )
    return together(head, back(("The whole team", "team_accountability:"))) if r.manager else head


def key_figures(r: TeamAccountability) -> Block:
    """Show goal, actual, gap, how many made it and what was promised."""
    total, before = r.total, r.before or {}
    scale = words.scale_for([total.get("quota"), total.get("booked")], currency=r.currency)
    due = r.judged[r.judged.due_in_period]
    kept, missed = due.verdict.isin(["kept", "declared"]).sum(), (due.verdict == "missed").sum()
    figures = [(f"Actual, {scale.unit}", scale.show(total.get("booked", 0)), _compared(total, before))]
    if total.get("quota") is not None:
        figures.insert(0, (f"Goal, {scale.unit}", scale.show(total["quota"]), _goal_note(r)))
        gap = total["gap"]
        below = f"{words.number((r.own.gap > 0).sum())} below goal"
        figures.append(
            ("Gap", scale.show(gap) if gap > 0 else f"+{scale.show(-gap)}", below if gap > 0 else "goal made")
        )
        chance, *between = r.make_it.team
        if not pd.isna(chance) and gap > 0:
            figures.append(("P(make it)", words.about(chance), words.chance_range(*between)))
        figures.append(("At goal", f"{int(total['lines_attained'])} of {int(total['lines_with_quota'])}", _chance(r)))
    if r.accounts is not None:
        figures += account_orders.order_figures(r.accounts, currency=r.currency)
    if "commitments" in r.tables:
        promised = f"{kept} of {kept + missed}" if kept + missed else words.MISSING
        figures.append(("Commitments kept", promised, _promise_note(due)))
    return kpis(figures)


def picture(r: TeamAccountability) -> alt.LayerChart | Block:
    """Draw the team's actual day by day against goal, even pace and the year before, with what may still come."""
    return day_chart(r.days, r.fan, currency=r.currency, title=_picture_title(r))


def other_figures(r: TeamAccountability) -> Block:
    """Show the same figures of the measures that the headline does not speak of; nothing without any."""
    return kpis([figure for row in r.other_totals for figure in measure_figures(row, r.currency)])


def orders_table(r: TeamAccountability) -> Block:
    """Show each rep's orders and accounts beside the year before; nothing where deals count."""
    names = dict(zip(r.lines.user_id, r.lines.user_name, strict=True))
    return account_orders.reps_table(r.accounts, names, currency=r.currency)


def exception_cards(r: TeamAccountability) -> Block:
    """Show the three talks to have first, each with a person and a date."""
    found = r.exceptions.to_dict("records")
    if not found:
        judged = [
            *(["no open gap"] if r.lines.quota.notna().any() else []),
            *(["no missed commitment"] if "commitments" in r.tables else []),
            *(["no deal that moved again and again"] if "opportunity_history" in r.tables else []),
        ]
        if not judged:
            return absent("Without goals, commitments and history of close dates nothing tells whom to talk to first.")
        return note(f"No exception: {', '.join(judged)}.")
    promised = {row["commitment_id"]: _promised(row) for row in r.judged.to_dict("records")}
    items = [(str(row["user_name"]), _what(row, r.currency, promised), _then(row)) for row in found]
    return cards(items, leads=report_of("rep", r.exceptions.user_id))


def limits(r: TeamAccountability) -> list[str]:
    """Return what the numbers leave out, a sentence each."""
    own, house = r.own, r.house
    said = [f"Data up to {words.day(r.as_of)}. {_quota_words(own)}"]
    partly = own.prorated & ~own.is_rest
    if partly.any():
        said.append(
            f"{words.plural(partly.sum(), 'quota covers', 'quotas cover')} other days too: its share of days counts."
        )
    rest = own.is_rest & own.prorated
    if rest.any():
        said.append(
            f"{words.plural(rest.sum(), 'goal is', 'goals are')} what a shorter quota leaves of a longer one, "
            "spread over its days."
        )
    if own.ramped.any():
        said.append(
            f"{words.plural(own.ramped.sum(), 'quota allows', 'quotas allow')} for ramp: "
            "new reps owe a share of a full quota."
        )
    left_out = int(own.no_rate.sum() + own.quotas_left_out.sum())
    if left_out:
        said.append(f"Left out of every total: {words.plural(left_out, 'amount')} in a currency without a rate.")
    if house["deals"]:
        said.append(
            f"House sales without an owner, {words.money(house['booked'], currency=r.currency)} in "
            f"{words.plural(house['deals'], 'order')}, are in nobody's actual."
        )
    said.extend(_unknown_words(r.unknown_then))
    said.append(make_it_words(r.make_it.why_not))
    said.append("Managers, territories and order status are today's unless the book keeps their history.")
    return said


def how_defined(r: TeamAccountability) -> Block:
    """Show the definitions behind page one."""
    deals = r.measure == "bookings"
    actual = (
        f"won deals by close date, in {r.currency}, with the state, amount, date and owner that their history gives "
        "for the as-of date; a split deal counts by its shares"
        if deals
        else f"net value of order lines by order date, in {r.currency}; orders and lines whose status voids them "
        "(cancelled, refunded, draft and the like) count nowhere; a status has no history"
    )
    return definitions(
        [
            ("Actual", actual),
            (
                "Goal",
                "the quota agreed for the period; never cut by the as-of date. Of a year's quota, the days that a "
                "shorter one leaves free share what it leaves of the money",
            ),
            ("Of goal", "actual ÷ goal"),
            ("Gap", "goal − actual"),
            ("P(make it)", "chance that closed, open and new business together reach the goal by the period’s end"),
            ("The range of a chance", words.CHANCE_RANGE),
            *([("Open, due", "open deals with a close date in the period, not weighted")] if deals else []),
            ("Kept", "reached by the day first agreed; a moved date does not turn a miss into a keep"),
        ]
    )


def _unknown_words(unknown: UnknownThen) -> Iterator[str]:
    if unknown.values:
        were = "was" if unknown.values == 1 else "were"
        yield (
            f"{words.plural(unknown.values, 'deal')} {were} open then and closed or changed later; stage, amount or "
            "date of then need history, which is missing."
        )
    if unknown.owners:
        first = first_few(unknown.first, unknown.owners)
        yield (
            f"Owner then unknown: {words.plural(unknown.owners, 'deal')} changed hands later, and nothing says who had "
            f"them before (first: {first}). They are in nobody's actual and in nobody's open deals."
        )
    if unknown.states:
        yield (
            f"{words.plural(unknown.states, 'deal')} stood in a stage that does not say whether a deal is open, won or "
            "lost; they count as they stand today. [stages] in book.toml can say it."
        )


def _picture_title(r: TeamAccountability) -> str:
    total, gone = r.total, r.period.gone(r.as_of)
    if total.get("attainment") is None:
        return f"Day by day: {words.money(total.get('booked', 0), currency=r.currency)} since the start"
    share = words.percent(total["attainment"])
    if gone >= 1:
        return f"Day by day: {share} of the goal at the end"
    lands = ""
    if len(r.fan):
        low, high = (words.money(r.fan[name].iloc[-1], currency=r.currency) for name in ("p10", "p90"))
        lands = f"; the forecast ends between {low} and {high}"
    return f"Day by day: {share} of the goal with {words.percent(gone)} of the time gone{lands}"


def _of_goal(r: TeamAccountability, total: Mapping[str, Any]) -> str:
    """Say the goal; and whose it is, where people without one sold too."""
    quota, mine = words.money(total["quota"], currency=r.currency), total["booked_with_quota"]
    if words.money(mine) == words.money(total["booked"]):
        return f" of its {quota} goal"
    who = words.number(total["lines_with_quota"])
    return f", {words.money(mine, currency=r.currency)} of it by the {who} with a goal of {quota}"


def _pace(r: TeamAccountability) -> str:
    gone = r.period.gone(r.as_of)
    return "" if gone >= 1 else f", with {words.percent(gone)} of the time gone"


def _attained(total: Mapping[str, Any]) -> str:
    made, of = int(total["lines_attained"]), int(total["lines_with_quota"])
    if of == 0:
        return ""
    who = {0: "None", 1: "One"}.get(made, "All" if made == of else f"{made:,}")
    return f"{who} of {of:,} made it." if made < of or of == 1 else f"All {of:,} made it."


def _compared(total: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    now, then = total.get("attainment"), before.get("attainment")
    if now is not None:
        last = f"; {words.percent(then)} the period before" if then is not None else ""
        return f"{words.percent(now)} of goal{last}"
    if before.get("booked"):
        return f"{words.money(before['booked'])} the period before"
    return ""


def _goal_note(r: TeamAccountability) -> str:
    gone = r.period.gone(r.as_of)
    return "" if gone >= 1 else f"{words.money(r.total['quota'] * gone)} by now at an even pace"


def _chance(r: TeamAccountability) -> str:
    return "" if pd.isna(r.chance) else f"chance alone: about {words.percent(r.chance)}"


def _promise_note(due: pd.DataFrame) -> str:
    if due.empty:
        return "none due in the period"
    return f"{int(due.moved.sum())} moved" if due.moved.any() else ""


def _promised(row: Mapping[Any, Any]) -> str:
    return promise_words(row["metric"], row["target"], row["original_due_date"], row["subject_name"])


def _what(row: Mapping[Any, Any], currency: str, promised: Mapping[str, str]) -> str:
    money = words.money(row["amount"], currency=currency)
    if row["kind"] == "gap":
        share = "" if pd.isna(row["detail"]) else f" ({words.percent(row['detail'])} of goal)"
        return f"{money} below goal{share}, and no commitment yet."
    if row["kind"] == "missed":
        open_gap = "" if pd.isna(row["amount"]) else f" {money} below goal."
        return f"Did not {promised[row['detail']]}, as promised.{open_gap}"
    if row["kind"] == "vacant":
        return f"Left with {money} of the goal open."
    return f"Deal {row['detail']}, {money}, moved out three times or more."


def _then(row: Mapping[Any, Any]) -> str:
    when = words.day(row["next_date"])
    if row["kind"] == "vacant":
        return f"Next: {row['detail']} takes over the goal by {when}"
    if row["kind"] == "pushed":
        return f"Next: settle by {when} whether it is real"
    return f"Next: agree a commitment by {when}"


def _quota_words(own: pd.DataFrame) -> str:
    without = int(own.quota.isna().sum())
    if without == len(own):
        return "Goals are missing: the book holds no quota for this period."
    if without == 0:
        return "The only line has a quota." if len(own) == 1 else f"Each of the {len(own):,} lines has a quota."
    verb = "has" if without == 1 else "have"
    return (
        f"{without:,} of {words.plural(len(own), 'line')} {verb} no quota and no gap, but a share in the team's actual."
    )
