"""One client's page, block by block: what `models.client` found, as the rep and the manager read it.

The page must stay one sheet of paper: short lists beside each other, each with its first few rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from salesops import words
from salesops.metrics.satisfaction import FEWEST_ANSWERS
from salesops.pages.client import words as client_words
from salesops.pages.client.result import ClientPage
from salesops.pages.client.rhythm_state import LOST
from salesops.views.blocks import Block, headline, kpis, sentence
from salesops.views.promises import promise_words

MOST = 3
Item = tuple[str, str]  # what stands out, and the rest


def page_head(p: ClientPage) -> Block:
    """Say in one sentence what to do next and why."""
    where = [str(p.client[name]) for name in ("industry", "country") if p.client[name]]
    segment = f" Segment: {p.client['segment']}." if p.client["segment"] else ""
    return headline(
        client_words.next_sentence(p),
        eyebrow=" · ".join(["Client", p.company, p.account_name, *where]),
        meta=f"As of {words.day(p.as_of)}. {client_words.owner_words(p)}{segment}",
    )


def key_figures(p: ClientPage) -> Block:
    """Show sales, the last and the next purchase, what is expected, and what runs under contract."""
    running = p.agreements[p.agreements.runs]
    figures = [*_bought(p)] if p.purchases or (p.has_sales and not p.client["is_client"]) else []
    if not p.purchases and p.won.deals:
        amount = words.money(p.won.amount, currency=p.currency)
        figures.append(("Won deals", words.number(p.won.deals), f"{amount}, the last on {words.day(p.won.last)}"))
    if len(running):
        yearly = words.money(running.annual_amount.sum(min_count=1), currency=p.currency)
        figures.append(("Under contract", yearly, f"a year, in {words.plural(len(running), 'running contract')}"))
    return kpis(figures)


def _bought(p: ClientPage) -> list[tuple[str, str, str]]:
    scale = words.scale_for([p.year_value, p.year_before], currency=p.currency)
    last = f"{words.plural(p.client['days_since'], 'day')} ago; {p.purchases:,} in all" if p.purchases else ""
    weeks = words.plural(p.horizon_weeks, "week")
    return [
        (f"Sales, 365 days, {scale.unit}", scale.show(p.year_value), f"{scale.show(p.year_before)} the year before"),
        ("Last purchase", words.day(p.client["last_purchase"]), last),
        ("Next expected", words.day(p.rhythm.expected), client_words.lateness(p)),
        (f"Chance, {weeks}", *_chance(p)),
        (f"Value, {weeks}, {p.currency}", *_value(p)),
    ]


def what_to_do(p: ClientPage) -> Block:
    """Show the step in full: the play, or the rule that stands in for one."""
    return sentence(client_words.step_words(p))


def dates_and_history(p: ClientPage) -> Block:
    """Show what has a date, beside sales by quarter and the client's own rhythm where there ever was an order."""
    dates = _panel("What has a date", _list(_dated(p), "Nothing has a date."))
    if not p.purchases and not p.quarters.value.any():
        return _beside(dates)
    history = _panel("History: sales net of returns", _quarters(p), sentence(client_words.rhythm_words(p)))
    return _beside(dates, history)


def needs_and_contracts(p: ClientPage) -> Block:
    """Show what the client buys and only its peers buy, beside what is agreed."""
    return _beside(_panel("What it buys, and what it does not", *_families(p)), _panel("Contracts", _contracts(p)))


def issues_and_people(p: ClientPage) -> Block:
    """Show deliveries and answers that went wrong, beside the last contacts and promises."""
    if {"deliveries", "survey_responses"} & set(p.tables):
        score = sentence(f"{client_words.otif_words(p)} {client_words.answer_words(p, FEWEST_ANSWERS)}")
        told = [score, _list(_issues(p), "Nothing stands open.")]
    else:
        told = [sentence("This book holds no deliveries and no surveys: what stands open is not known.")]
    return _beside(
        _panel("What stands open", *told),
        _panel("Contacts and promises", _list([*_contacts(p), *_promises(p)], _nobody(p))),
    )


def limits(p: ClientPage, *, redacted: bool = False) -> list[str]:
    """Return how far the estimates can be trusted, and what the numbers leave out, a sentence each."""
    said = client_words.trust_words(p)
    if p.client["no_rate"]:
        lines = words.plural(p.client["no_rate"], "order line")
        said.append(f"Without a rate, and in no amount: {lines}.")
    said.append("Account owner, renewals and order status are as of today. Why the client acts as it does: ask.")
    if redacted:
        said.append(
            "Who is held out of a play follows the pseudonym here, and a play that a person chose is not shown."
        )
    return said


def _chance(p: ClientPage) -> Item:
    chance = p.client["p_active"]
    if p.rhythm.state == LOST:
        return words.MISSING, "lost by its own rhythm"
    if words.is_missing(chance):
        return words.MISSING, "not estimated" if p.purchases else "nothing bought yet"
    return words.percent(chance), f"{words.number(p.client['expected_purchases'], decimals=1)} purchases expected"


def _value(p: ClientPage) -> Item:
    value = p.client["lifetime_value"]
    if words.is_missing(value) or p.rhythm.state == LOST:
        return words.MISSING, ""
    return words.number(value), f"{words.number(p.client['spend'])} a purchase"


def _dated(p: ClientPage) -> list[Item]:
    """Return what lies ahead by date, and before it one line for what is overdue."""
    rows: list[tuple[pd.Timestamp, str, str]] = []
    for row in _rows(p.agreements[p.agreements.runs & ~p.agreements.renewed & p.agreements.term]):
        rows.append((row.action_date, words.day(row.action_date), f"last day to act on contract {row.contract_id}"))
    planned = p.touches[~p.touches.done & p.touches.due_date.notna()]
    for row in _rows(planned[~planned.overdue]):
        rows.append((row.due_date, words.day(row.due_date), client_words.activity_words(row)))
    for row in _rows(p.birthdays):
        on = pd.Timestamp(p.as_of) + pd.Timedelta(days=row.days_left)
        rows.append((on, client_words.month_day(row.month, row.day), f"birthday of {row.contact_name}"))
    rows.sort(key=lambda row: (row[0], row[2]))
    found = [(when, f"{what}, {client_words.from_now((on.date() - p.as_of).days)}") for on, when, what in rows]
    late = planned[planned.overdue]
    if len(late):
        count = words.plural(len(late), "planned activity is", "planned activities are")
        found.insert(0, ("Overdue", f"{count} open, the first since {words.day(late.due_date.min())}"))
    return _first(found)


def _quarters(p: ClientPage) -> Block:
    scale = words.scale_for(p.quarters.value, currency=p.currency)
    found = [
        (year, ", ".join(f"Q{row.place} {scale.show(row.value)}" for row in _rows(rows)))
        for year, rows in p.quarters.groupby("year", sort=True)
    ]
    return _list([(f"{year}, {scale.unit}", amounts) for year, amounts in found[::-1]], "")


def _families(p: ClientPage) -> list[Block]:
    if "products" not in p.tables:
        return [sentence("This book holds no products: what it buys is known only as an amount.")]
    scale = words.scale_for(p.families.value, currency=p.currency)
    found = [
        (
            row.family if isinstance(row.family, str) else "Not in products",
            f"{scale.show(row.value)} {scale.unit} ({words.percent(row.share)}), last {words.day(row.last_day)}",
        )
        for row in _rows(p.families)
    ]
    return [_list(_first(found), "Nothing bought yet."), sentence(client_words.whitespace_words(p))]


def _contracts(p: ClientPage) -> Block:
    if "contracts" not in p.tables:
        return sentence("This book holds no contracts.")
    found = [(row.contract_id, client_words.contract_words(row, p.currency)) for row in _rows(p.agreements)]
    return _list(_first(found), "No contract so far.")


def _issues(p: ClientPage) -> list[Item]:
    found = [
        (words.day(row.answered_on), f"answered {client_words.score_words(row.score, row.top)}: {row.state}")
        for row in _rows(p.low_answers)
    ]
    found += [(words.day(row.due_on), client_words.line_words(row)) for row in _rows(p.lines[p.lines.recent])]
    old = p.lines[~p.lines.recent]
    if len(old):
        count = words.plural(len(old), "older line is", "older lines are")
        found = [
            *_first(found),
            ("Still missing", f"{count} not delivered in full, due since {words.day(min(old.due_on))}"),
        ]
    return _first(found)


def _contacts(p: ClientPage) -> list[Item]:
    done = p.touches[p.touches.done].head(3)
    return [(words.day(row.done_on), client_words.contact_words(row)) for row in _rows(done)]


def _promises(p: ClientPage) -> list[Item]:
    return [
        (
            row.verdict.capitalize(),
            f"{row.owner_name}: {promise_words(row.metric, row.target, row.original_due_date, row.subject_name)}"
            f"{', moved' if row.moved else ''}",
        )
        for row in _rows(p.promises.head(2))
    ]


def _nobody(p: ClientPage) -> str:
    missing = [name for name in ("activities", "commitments") if name not in p.tables]
    return f"This book holds no {' and no '.join(missing)}." if missing else "No contact and no promise so far."


def _first(items: list[Item]) -> list[Item]:
    if len(items) <= MOST + 1:
        return items
    return [*items[:MOST], (f"{len(items) - MOST} more", "")]


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples())


def _list(items: Sequence[Item], empty: str) -> Block:
    if not items:
        return sentence(empty)
    rows = Markup("").join(Markup("<li><b>{}</b> <bdi>{}</bdi></li>").format(*item) for item in items)
    html = Markup('<ul style="margin:.25rem 0;padding-left:1.1rem">{}</ul>').format(rows)
    return Block(html, "\n".join(f"- {' '.join(part for part in item if part)}" for item in items))


def _panel(title: str, *blocks: Block) -> Block:
    html = Markup('<section><h2 style="font-size:1rem;margin:.25rem 0 0">{}</h2>{}</section>')
    inside = Markup("").join(block.html for block in blocks)
    return Block(html.format(title, inside), "\n".join([title, *(block.text for block in blocks)]))


def _beside(*panels: Block) -> Block:
    """Show panels side by side where there is room, on paper too, and below each other on a phone."""
    html = Markup(
        '<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(min(19rem,100%),1fr));'
        'column-gap:2rem;font-size:.9em;line-height:1.35">{}</div>'
    )
    return Block(html.format(Markup("").join(p.html for p in panels)), "\n\n".join(p.text for p in panels))
