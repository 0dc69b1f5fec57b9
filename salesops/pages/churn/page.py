"""The churn page, page one: who may leave, whom to call, by whom and when, and how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from salesops import words
from salesops.models.rhythm import FEWEST_GAPS, SHORTEST_HORIZON
from salesops.pages.churn import words as say
from salesops.pages.churn.findings import ChurnReview
from salesops.views import table as t
from salesops.views.blocks import Block, absent, cards, definitions, headline, kpis, note, nothing, report_of, together

FIRST = 6  # calls shown in full
MOST = 30
_FIRST_LISTED = {"orders": "hiatus_ratio", "contracts": "end_date", "accounts": "value_at_risk"}
SILENT = 30  # days without any purchase after which silence is the book's, not the clients'
_HIDDEN = "With names hidden, chance leaves other clients alone than on the page with names: call nobody from this one."


def page_head(r: ChurnReview) -> Block:
    """Show how many are lost or about to be, and how much money."""
    now = r.now
    kind = {
        "orders": "orders",
        "contracts": "contracts with a term",
        "accounts": "accounts with contracts without a term",
    }
    days = _silent_days(r)
    silence = f" Nobody bought in the last {words.plural(days, 'day')}." if days > SILENT else ""
    ahead = words.plural(now.horizon_days, "day")
    longer = now.own_horizon and now.horizon_days > SHORTEST_HORIZON
    why = ", as far as the clients’ own rhythms say" if longer else ""
    ends = " Intervals in the headline hold 80%." if say.foretold(r) else ""
    return headline(
        say.headline(r),
        eyebrow=f"Churn, by {kind[now.setting]} · {r.company}",
        meta=f"As of {words.day(now.as_of)}; looks {ahead} ahead{why}.{ends}{silence}",
    )


def key_figures(r: ChurnReview) -> Block:
    """Show who was scored, what is at risk, what the calls bring, and who is not scored."""
    now, risk, counts = r.now, r.now.at_risk, r.calls.counts
    orders = now.setting == "orders"
    others = f"and {words.number(len(now.others))} without one" if orders and len(now.others) else ""
    figures = [
        ("Clients with a rhythm" if orders else say.unit(now).capitalize(), words.number(len(now.table)), others)
    ]
    if orders and len(now.table) and say.can_be_lost_by_now(now):
        figures.append(("Lost by now", words.number(r.lost_now), "silent beyond their own gaps"))
    scale = words.scale_for(
        [risk.value, r.calls.profit, now.others.value_at_risk.sum() if len(now.others) else 0], currency=r.currency
    )
    if now.usable and len(now.table):
        lost = f"Lost by {words.day(say.until(now))}" if orders else "Expected lost"
        figures += [
            (lost, words.number(risk.clients), say.span(risk.clients_low, risk.clients_high)),
            (
                f"At risk, {scale.unit}",
                scale.show(risk.value),
                f"{scale.show(risk.value_low)} to {scale.show(risk.value_high)}",
            ),
            ("Calls", words.number(len(r.calls.called)), f"{words.number(counts['beyond'])} more worth one"),
            (f"Expected profit, {scale.unit}", scale.show(r.calls.profit), "of all calls, on assumptions"),
        ]
    return kpis([*figures, *_apart(r, scale)])


def _apart(r: ChurnReview, scale: words.Scale) -> Iterator[tuple[str, str, str]]:
    """Yield the figures that are no loss: money of those without a rhythm, and who will buy nothing."""
    now, quiet = r.now, r.now.quiet
    ahead = words.plural(now.horizon_days, "day")
    if len(now.others):
        money = scale.show(now.others.value_at_risk.sum())
        yield f"Without a rhythm, {scale.unit}", money, f"in {ahead} at last year’s pace, not at risk"
    if quiet is not None and not words.is_missing(quiet.silent):
        yield (
            f"Buy nothing in {ahead}",
            words.number(quiet.silent),
            f"of {words.number(quiet.clients)}; alone that is no loss",
        )


def call_list(r: ChurnReview) -> Block:
    """Show the first calls in full and the others as a table; the hiatus list where nobody can be scored."""
    if r.now.table.empty:
        return nothing()
    if not r.now.usable:
        return together(note(*say.plan_sentences(r)), _silent_table(r))
    called = r.calls.called
    if called.empty:
        return note(*say.plan_sentences(r))
    rows = called.head(FIRST).to_dict("records")
    first = cards((say.title(row, r.now), say.reasons(row), say.next_step(row, currency=r.currency)) for row in rows)
    rest = called.iloc[FIRST:]
    return together(first, *([_calls_table(r, rest)] if len(rest) else []), note(*say.plan_sentences(r)))


def no_rhythm(r: ChurnReview) -> Block:
    """Say who has no rhythm, and list them by their silence; contracts ask for no rhythm."""
    if r.now.setting != "orders":
        return absent("Contracts are scored here, and ask for no rhythm.")
    said = [say.no_rhythm(r)] if len(r.now.others) else ["Every client who bought in the last year has a rhythm."]
    told = note(*said, *filter(None, [say.buying_nothing(r)]))
    return together(told, *([_others_table(r)] if len(r.now.others) else []))


def _others_table(r: ChurnReview) -> Block:
    rows = r.now.others.head(MOST).assign(leads=lambda each: report_of("account", each.account_id))
    rest = len(r.now.others) - len(rows)
    scale = words.scale_for(rows.value_at_risk, currency=r.currency)
    ends = [
        "" if words.is_missing(row.chance) else f"{words.percent(row.chance_low)} to {words.percent(row.chance_high)}"
        for row in rows.itertuples()
    ]
    columns = [
        t.text("account_name", "Client", leads="leads"),
        t.number("hiatus_days", "Days since"),
        t.number("orders", "Purchases", phone=False),
        t.amount("value_at_risk", "Money", scale=scale, phone=False),
        t.share("chance", "Buys again", note="ends"),
    ]
    return t.table(
        rows.assign(ends=ends),
        columns,
        caption="The longest silent first. Buys again: the share of clients without a rhythm who bought within the "
        "year after they had been silent for as long, with its 95% interval. Money at last year’s pace over "
        f"{words.plural(r.now.horizon_days, 'day')}, in {scale.unit}."
        + (f" {words.plural(rest, 'other client')} not shown." if rest else ""),
    )


def limits(r: ChurnReview, *, redacted: bool = False) -> list[str]:
    """Return what is left out and what is taken for granted, a sentence each."""
    return [*_limits(r), *((_HIDDEN,) if redacted else ())]


def how_defined(r: ChurnReview) -> Block:
    """Show the definitions behind the page."""
    spans = words.plural(r.terms.kept_days, "day")
    return definitions(
        [
            *_DEFINED[r.now.setting],
            ("Worth", f"the same money over {spans}; × margin it is the CLV"),
            (
                "Expected profit",
                "p·[γ(CLV − d) − f] − (1 − p)(d + f): p chance to be lost, γ save rate, d incentive, f call",
            ),
            ("Left alone by chance", "a stable share of those worth a call, chosen by the account’s key"),
            ("AUC", "the chance to rank one who was lost above one who stayed; .50 is a coin"),
            ("ECE", "mean distance between foretold and observed shares"),
            ("Lift", "share lost in the tenth rated highest ÷ share lost in all"),
        ]
    )


_RENEWED = (
    "the contract that is named as its successor; else one of the same client that starts within 30 days of the end, "
    "on either side, and ends later; parallel contracts do not renew one another"
)
_DEFINED = {
    "orders": (
        (
            "Rhythm",
            f"{FEWEST_GAPS} gaps between purchases or more, most purchases not by deals; the last within a year. The "
            "others are never called lost",
        ),
        (
            "Lost",
            "at the end of the horizon nothing was bought in it, and the silence is longer than the horizon, the 95% "
            "point of the client’s own gaps and its longest gap so far; gaps that grow count as they grow, and in a "
            "client’s first year the pause that is usual for its kind at the season counts as a gap",
        ),
        ("Horizon", "unless it is given: the median of the clients’ 95% points in whole weeks, at least 90 days"),
        ("May be called", "silent beyond the 95% point of its own gaps, and not in its usual pause"),
        (
            "Usual pause",
            "was in a long pause a year ago too, and came back; silent now for no longer than ever before",
        ),
        ("Hiatus rule", "ranks by days since the last purchase"),
        ("Own-rhythm rule", "ranks by days since the last purchase ÷ the 95% point of the client’s own gaps"),
        ("Money at risk", "sales of the last 365 days × horizon ÷ 365 of those expected to be lost"),
    ),
    "contracts": (
        ("Scored", "a contract with a term whose day to act lies within the horizon, or has passed while it runs"),
        ("Term", "a contract with an end and a length or a notice; without an end it is never up for renewal"),
        ("Renewed by", _RENEWED),
        ("Lost", "not renewed; a downsell where other contracts of the client run on"),
        ("Money at risk", "annual amount of those expected to be lost"),
    ),
    "accounts": (
        ("Scored", "an account whose running contracts have no term, and whose last one is not known to end"),
        ("Lost", "its last contract ends within the horizon, and nothing follows within 30 days"),
        ("Renewed by", _RENEWED),
        ("Money at risk", "annual amount of those expected to be lost"),
    ),
}


def _calls_table(r: ChurnReview, rest: pd.DataFrame) -> Block:
    rows = rest.head(MOST)
    scale = words.scale_for(rows.profit, currency=r.currency)
    records = rows.to_dict("records")
    shown = rows.assign(
        leads=report_of("account", rows.account_id),
        why=[say.reasons(row, limit=1) for row in records],
        who=[say.owner(row) for row in records],
        play=[say.play(row) for row in records],
    )
    more = f" {words.plural(len(rest) - MOST, 'further call')} not shown." if len(rest) > MOST else ""
    columns = [
        t.text("account_name", "Client", note="why", leads="leads"),
        t.share("p_churn", "Lost by then"),
        t.amount("profit", "Profit", scale=scale, phone=False),
        t.text("play", "Play", phone=False),
        t.text("who", "Owner"),
        t.day("by", "By"),
    ]
    return t.table(
        shown,
        columns,
        caption=f"The next calls, by expected profit in {scale.unit}; beneath each client its first reason.{more}",
    )


def _silent_table(r: ChurnReview) -> Block:
    orders, first = r.now.setting == "orders", _FIRST_LISTED[r.now.setting]
    rows = r.calls.table.sort_values(first, ascending=first == "end_date", kind="stable").head(MOST)
    rest = len(r.calls.table) - len(rows)
    scale = words.scale_for(rows.value_at_risk, currency=r.currency)
    owners = [say.owner(row) for row in rows.to_dict("records")]
    shown = rows.assign(who=owners, leads=report_of("account", rows.account_id))
    silence = [
        t.number("hiatus_days", "Days since"),
        t.number("lost_after", "Lost after", phone=False),
        t.number("hiatus_ratio", "÷ own gaps", decimals=1),
    ]
    columns = [
        t.text("account_name", "Client", note="state", leads="leads"),
        *(silence if orders else [t.day("end_date", "Ends")] if "end_date" in rows else []),
        t.amount("value_at_risk", "Money", scale=scale, phone=False),
        t.text("who", "Owner", phone=False),
        t.day("by", "By", phone=False),
    ]
    by = "Silent for longest against the 95% point of their own gaps, in days. " if orders else ""
    return t.table(
        shown,
        columns,
        caption=f"{by}No chance is claimed. Money in {scale.unit}."
        + (f" {words.plural(rest, f'other {say.UNITS[r.now.setting]}')} not shown." if rest else ""),
    )


def _limits(r: ChurnReview) -> Iterator[str]:
    now = r.now
    if now.usable:
        yield (
            "Reasons and drivers are associations, not causes: a call can change what it touches, not the score’s past."
        )
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
        yield "Nobody says goodbye in orders: who is lost by its rhythm may still come back."
    else:
        yield "An end that stands in no contract is known only on its day; a day of signing is in no table."
    yield say.HELD_AGAINST


def _silent_days(r: ChurnReview) -> float:
    """Days since the last purchase of all clients; 0 where contracts count."""
    now = r.now
    seen = [table.hiatus_days.min() for table in (now.table, now.others) if len(table)]
    return float(min(seen)) if now.setting == "orders" and seen else 0.0
