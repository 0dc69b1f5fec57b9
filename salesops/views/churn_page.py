"""The churn page, page one: who may leave, whom to call, by whom and when, and how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from salesops.book.finding import Finding
from salesops.models.churn.review import ChurnReview
from salesops.views import churn_words as say
from salesops.views import table as t
from salesops.views import words
from salesops.views.blocks import Block, cards, definitions, headline, kpis, note, nothing, together

FIRST = 6  # calls shown in full
MOST = 30
SILENT = 30  # days without any purchase after which silence is the book's, not the clients'
_HIDDEN = "With names hidden, chance leaves other clients alone than on the page with names: call nobody from this one."
_PAUSE = "bought nothing at this time of last year either and came back; silent now for no longer than ever before"
READ = (
    "accounts", "orders", "order_lines", "contracts", "deliveries", "survey_responses", "activities", "users",
    "playbook.toml", "play_log.csv", "overrides.csv",
)  # fmt: skip  # two lines read better than eleven


def page_head(r: ChurnReview) -> Block:
    """Show how many clients and how much money are expected to be lost."""
    kind = "contracts" if r.now.setting == "contracts" else "orders"
    ahead = words.plural(r.now.horizon_days, "day")
    days = _silent_days(r)
    silence = f" Nobody bought in the last {words.plural(days, 'day')}." if days > SILENT else ""
    return headline(
        say.headline(r),
        eyebrow=f"Churn, by {kind} · {r.company}",
        meta=f"As of {words.day(r.now.as_of)}; looks {ahead} ahead. Intervals in the headline hold 80%.{silence}",
    )


def key_figures(r: ChurnReview) -> Block:
    """Show who was scored, what is at risk, what the calls bring, and how well the method ranks."""
    now, risk, counts = r.now, r.now.at_risk, r.calls.counts
    pausing = len(now.table) - len(r.counted)
    others = f"and {words.number(pausing)} in their usual pause" if pausing else ""
    figures = [(say.unit(now).capitalize(), words.number(len(r.counted)), others)]
    if now.usable and len(now.table):
        scale = words.scale_for([risk.value, r.calls.profit], currency=r.currency)
        figures += [
            ("Expected lost", words.number(risk.clients), say.span(risk.clients_low, risk.clients_high)),
            (
                f"At risk, {scale.unit}",
                scale.show(risk.value),
                f"{scale.show(risk.value_low)} to {scale.show(risk.value_high)}",
            ),
            ("Calls", words.number(counts["call"]), f"{words.number(counts['beyond'])} more worth one"),
            (f"Expected profit, {scale.unit}", scale.show(r.calls.profit), "of all calls, on assumptions"),
        ]
    return kpis(figures)


def call_list(r: ChurnReview) -> Block:
    """Show the first calls in full and the others as a table; the hiatus list where nobody can be scored."""
    if r.now.table.empty:
        return nothing()
    if not r.now.usable:
        return together(note(*say.plan_sentences(r)), _silent_table(r))
    called = r.calls.called
    if called.empty:
        return note("No call is worth its cost on these terms.", *say.plan_sentences(r))
    rows = called.head(FIRST).to_dict("records")
    first = cards(
        (
            f"{words.isolated(row['account_name'])}: {words.percent(row['p_churn'])} to leave",
            say.contract(row) + say.reasons(row),
            say.next_step(row, currency=r.currency),
        )
        for row in rows
    )
    rest = called.iloc[FIRST:]
    return together(first, *([_calls_table(r, rest)] if len(rest) else []), note(*say.plan_sentences(r)))


def limits(r: ChurnReview, *warnings: Finding, redacted: bool = False) -> Block:
    """Show what is left out, what is taken for granted, and the warnings about the tables that it reads."""
    hidden = (_HIDDEN,) if redacted else ()
    return note(*_limits(r), *hidden, *(str(finding) for finding in warnings if finding.table in READ))


def how_defined(r: ChurnReview) -> Block:
    """Show the definitions behind the page."""
    now = r.now
    who = (
        "a contract whose day to act lies within the horizon, or has passed while it runs"
        if now.setting == "contracts"
        else f"bought in the {words.plural(now.window_days, 'day')} before the day"
    )
    money = "annual amount" if now.setting == "contracts" else "sales of the last 365 days × horizon ÷ 365"
    return definitions(
        [
            ("Scored", who),
            ("Lost", say.lost(r, noun=True)),
            ("Hiatus rule", "the chance follows from the days since the last purchase alone"),
            *([("Usual pause", _PAUSE)] if now.setting == "orders" else []),
            ("Money at risk", f"{money} of those expected to be lost"),
            ("Worth", f"the same money over {words.plural(r.terms.kept_days, 'day')}; × margin it is the CLV"),
            (
                "Expected profit",
                "p·[γ(CLV − d) − f] − (1 − p)(d + f): p chance to leave, γ save rate, d incentive, f call",
            ),
            ("Left alone by chance", "a stable share of those worth a call, chosen by the account’s key"),
            ("AUC", "the chance to rank one who was lost above one who stayed; .50 is a coin"),
            ("ECE", "mean distance between foretold and observed shares"),
            ("Lift", "share lost in the tenth rated highest ÷ share lost in all"),
        ]
    )


def _calls_table(r: ChurnReview, rest: pd.DataFrame) -> Block:
    rows = rest.head(MOST)
    scale = words.scale_for(rows.profit, currency=r.currency)
    records = rows.to_dict("records")
    shown = rows.assign(
        why=[say.reasons(row, limit=1) for row in records],
        who=[say.owner(row) for row in records],
    )
    more = f" {words.plural(len(rest) - MOST, 'further call')} not shown." if len(rest) > MOST else ""
    columns = [
        t.text("account_name", "Client", note="why"),
        t.share("p_churn", "To leave"),
        t.amount("profit", "Profit", scale=scale, phone=False),
        t.text("play_name", "Play", phone=False),
        t.text("who", "Owner"),
        t.day("by", "By"),
    ]
    return t.table(
        shown,
        columns,
        caption=f"The next calls, by expected profit in {scale.unit}; beneath each client its first reason.{more}",
    )


def _silent_table(r: ChurnReview) -> Block:
    rows = r.calls.table.sort_values("hiatus_ratio", ascending=False, kind="stable").head(MOST)
    rest = len(r.calls.table) - len(rows)
    scale = words.scale_for(rows.value_at_risk, currency=r.currency)
    shown = rows.assign(who=[say.owner(row) for row in rows.to_dict("records")])
    columns = [
        t.text("account_name", "Client"),
        t.number("hiatus_days", "Days since"),
        t.number("own_gap_days", "Own gap", phone=False),
        t.number("hiatus_ratio", "Gaps since", decimals=1),
        t.amount("value_at_risk", "Money", scale=scale, phone=False),
        t.text("who", "Owner", phone=False),
        t.day("by", "By", phone=False),
    ]
    return t.table(
        shown,
        columns,
        caption="Silent for longest against the own gap between purchases, in days; no chance to leave is claimed. "
        f"Money in {scale.unit}." + (f" {words.plural(rest, 'other client')} not shown." if rest else ""),
    )


def _limits(r: ChurnReview) -> Iterator[str]:
    now = r.now
    yield "Reasons and drivers are associations, not causes: a call can change what it touches, not the score’s past."
    for reason, count in now.left_out.items():
        if count and not words.is_missing(count):
            yield f"Not scored: {words.number(count)} ({reason})."
    yield from now.notes
    yield from r.notes
    if now.usable:
        yield (
            "Expected profit stands on assumptions: the save rate until it is measured, the costs, the margin, and "
            "that money goes on at the pace of the last year."
        )
    if len(r.calls.table) and r.calls.table.owner_name.isna().all():
        yield "This book names no owner of any client scored: name who calls."
    silent = _silent_days(r)
    if silent > SILENT:
        yield (
            f"Nobody bought in the last {words.plural(silent, 'day')} before {words.day(now.as_of)}. If the book ends "
            "earlier, this reads as the clients' silence: choose an earlier date."
        )
    if now.setting == "orders":
        yield "Nobody says goodbye in orders: lost means silent for the horizon, and some come back after it."
    yield say.HELD_AGAINST


def _silent_days(r: ChurnReview) -> float:
    """Days since the last purchase of all clients; 0 where contracts count."""
    now = r.now
    return float(now.table.hiatus_days.min()) if now.setting == "orders" and len(now.table) else 0.0
