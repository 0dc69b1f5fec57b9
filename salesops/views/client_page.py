"""One client's page, block by block: what `models.client` found, as the rep and the manager read it."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from salesops.metrics.satisfaction import FEWEST_ANSWERS
from salesops.models.client import ClientPage
from salesops.views import client_words, words
from salesops.views import table as t
from salesops.views.blocks import Block, headline, kpis, note, sentence
from salesops.views.promises import promise_words

MOST = 5  # rows of a table: the page must stay one sheet of paper


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
    """Show sales, the last and the next purchase, and what is expected."""
    scale = words.scale_for([p.year_value, p.year_before, p.client["total"]], currency=p.currency)
    ago = p.client["days_since"]
    before = f"{scale.show(p.year_before)} the year before; {scale.show(p.client['total'] or 0)} in all"
    last = f"{words.plural(ago, 'day')} ago; {words.plural(p.purchases, 'purchase')} in all" if p.purchases else ""
    return kpis(
        [
            (f"Sales in 365 days, {scale.unit}", scale.show(p.year_value), before),
            ("Last purchase", words.day(p.client["last_purchase"]), last),
            ("Next purchase expected", words.day(p.rhythm.expected), client_words.rhythm_words(p)),
            (f"Chance to buy in {words.plural(p.horizon_weeks, 'week')}", *_chance(p)),
            (f"Value in {words.plural(p.horizon_weeks, 'week')}, {p.currency}", *_value(p)),
        ]
    )


def what_to_do(p: ClientPage) -> Block:
    """Show the play with its reason, beside everything that has a date."""
    return _beside(_panel("The step", client_words.step_words(p)), _panel("What has a date", _dated(p)))


def how_it_buys(p: ClientPage) -> Block:
    """Show purchases by quarter, beside the families that the client buys and those that only its peers buy."""
    scale = words.scale_for(p.quarters.value, currency=p.currency)
    shown = p.quarters.assign(mark=["so far" if running else "" for running in p.quarters.running])
    columns = [
        t.text("quarter", "Quarter", note="mark"),
        t.number("purchases", "Purchases"),
        t.amount("value", "Sales", scale=scale),
    ]
    history = t.table(shown, columns, caption=f"Days with a purchase, and sales net of returns in {scale.unit}.")
    return _beside(_panel("History", history), _panel("What it buys, and what it does not", *_families(p)))


def what_stands_open(p: ClientPage) -> Block:
    """Show contracts, beside deliveries and answers that went wrong."""
    return _beside(_panel("Contracts", *_contracts(p)), _panel("Deliveries and satisfaction", *_issues(p)))


def who_speaks(p: ClientPage) -> Block:
    """Show the last contacts, beside what was promised."""
    return _beside(_panel("Last contacts", _contacts(p)), _panel("Promises", _promises(p)))


def limits(p: ClientPage, *, redacted: bool = False) -> Block:
    """Show how far the estimates can be trusted, and what the numbers leave out."""
    said = client_words.trust_words(p)
    if p.client["no_rate"]:
        lines = words.plural(p.client["no_rate"], "order line")
        said.append(f"Without a rate, and in no amount: {lines}.")
    said.append("Who owns the account, which contract renews another, and order status are as of today.")
    if redacted:
        said.append(
            "Who is held out of a play follows the pseudonym here, and a play that a person chose is not shown."
        )
    return note(*said)


def _chance(p: ClientPage) -> tuple[str, str]:
    chance = p.client["p_active"]
    if words.is_missing(chance):
        return words.MISSING, "not estimated: see the limits" if p.purchases else "nothing bought yet"
    return words.percent(chance), f"{words.number(p.client['expected_purchases'], decimals=1)} purchases expected"


def _value(p: ClientPage) -> tuple[str, str]:
    value = p.client["lifetime_value"]
    if words.is_missing(value):
        return words.MISSING, ""
    return words.number(value), f"{words.number(p.client['spend'])} a purchase expected"


def _dated(p: ClientPage) -> Block:
    rows: list[tuple[pd.Timestamp, str, str]] = []
    for row in _rows(p.agreements[p.agreements.runs & ~p.agreements.renewed]):
        rows.append((row.action_date, f"Last day to act on contract {row.contract_id}", words.day(row.action_date)))
    planned = p.touches[~p.touches.done & p.touches.due_date.notna()]
    for row in _rows(planned):
        rows.append((row.due_date, client_words.activity_words(row), words.day(row.due_date)))
    for row in _rows(p.promises[p.promises.verdict == "pending"]):
        what = promise_words(row.metric, row.target, row.due_date, row.subject_name)
        rows.append((pd.Timestamp(row.due_date), f"{row.owner_name} promised: {what}", words.day(row.due_date)))
    for row in _rows(p.birthdays):
        on = pd.Timestamp(p.as_of) + pd.Timedelta(days=row.days_left)
        rows.append((on, f"Birthday of {row.contact_name}", client_words.month_day(row.month, row.day)))
    rows.sort(key=lambda row: (row[0], row[1]))
    shown = pd.DataFrame(rows, columns=["on", "what", "when"])
    shown["days"] = [client_words.from_now((on.date() - p.as_of).days) for on in shown.on]
    columns = [t.text("what", "What"), t.text("when", "When", note="days")]
    rest = f" The first {MOST} of {len(shown):,}." if len(shown) > MOST else ""
    return t.table(shown.head(MOST), columns, caption=f"By date.{rest}", empty="Nothing has a date.")


def _families(p: ClientPage) -> list[Block]:
    if "products" not in p.tables:
        return [note("This book holds no products: what it buys is known only as an amount.")]
    scale = words.scale_for(p.families.value, currency=p.currency)
    named = p.families.assign(family=p.families.family.fillna("not in products"))
    columns = [
        t.text("family", "Family"),
        t.amount("value", "Sales", scale=scale),
        t.share("share", "Share"),
        t.day("last_day", "Last", phone=False),
    ]
    bought = t.table(named.head(MOST), columns, caption=f"In {scale.unit}, since the start.", empty="Nothing yet.")
    return [bought, sentence(client_words.whitespace_words(p))]


def _contracts(p: ClientPage) -> list[Block]:
    if "contracts" not in p.tables:
        return [note("This book holds no contracts.")]
    if p.agreements.empty:
        return [sentence("No contract so far.")]
    scale = words.scale_for(p.agreements.annual_amount, currency=p.currency)
    shown = p.agreements.assign(
        state=["ended" if not row.runs else "renewed" if row.renewed else "" for row in _rows(p.agreements)],
        days=[_act(row) for row in _rows(p.agreements)],
    )
    columns = [
        t.text("contract_id", "Contract", note="state"),
        t.day("end_date", "Ends"),
        t.day("action_date", "Act by", note="days"),
        t.amount("annual_amount", "A year", scale=scale, phone=False),
    ]
    table = t.table(shown.head(MOST), columns, caption=f"Act by: end less notice. Amounts in {scale.unit}.")
    terms = [sentence(f"{row.contract_id}. {row.terms}") for row in _rows(shown.head(2)) if row.terms]
    return [table, *terms]


def _act(row: Any) -> str:
    return client_words.from_now(int(row.days_left)) if row.runs and not row.renewed else ""


def _issues(p: ClientPage) -> list[Block]:
    said = [sentence(f"{client_words.otif_words(p)} {client_words.answer_words(p, FEWEST_ANSWERS)}")]
    low = [
        ("Low answer", row.answered_on, f"{words.number(row.score)} of 10: {row.state}") for row in _rows(p.low_answers)
    ]
    lines = [("Delivery", row.due_on, client_words.line_words(row)) for row in _rows(p.lines)]
    shown = pd.DataFrame([*low, *lines], columns=["kind", "on", "what"])
    if shown.empty:
        return [*said, sentence("Nothing stands open.")]
    columns = [t.text("what", "What stands open"), t.day("on", "Date")]
    rest = f" The first {MOST} of {len(shown):,}." if len(shown) > MOST else ""
    caption = f"Low answers without recovery, then deliveries of the last 90 days or still missing.{rest}"
    return [*said, t.table(shown.head(MOST), columns, caption=caption)]


def _contacts(p: ClientPage) -> Block:
    if "activities" not in p.tables:
        return note("This book holds no activities.")
    done = p.touches[p.touches.done].head(MOST)
    shown = done.assign(
        what=[client_words.activity_words(row) for row in _rows(done)],
        who=done.contact_name.fillna(""),
        came=done.outcome.fillna(""),
    )
    columns = [t.text("what", "What", note="came"), t.text("who", "With", phone=False), t.day("done_on", "Date")]
    total = int(p.touches.done.sum())
    rest = f" The last {MOST} of {total:,}." if total > MOST else ""
    return t.table(shown, columns, caption=f"Newest first.{rest}", empty="Nobody has been in touch.")


def _promises(p: ClientPage) -> Block:
    if "commitments" not in p.tables:
        return note("This book holds no commitments.")
    first = p.promises.head(MOST)
    shown = first.assign(
        what=[promise_words(r.metric, r.target, r.original_due_date, r.subject_name) for r in _rows(first)],
        state=pd.Series([_states(r) for r in _rows(first)], index=first.index, dtype=object),
        who=first.owner_name.fillna(""),
    )
    columns = [t.text("what", "Promised", note="who"), t.tag("state", "State")]
    return t.table(
        shown, columns, caption="Pending first; of the others the last year.", empty="No commitment names this client."
    )


def _states(row: Any) -> list[str]:
    return [row.verdict, "moved"] if row.moved else [row.verdict]


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples())


def _panel(title: str, *blocks: Block) -> Block:
    html = Markup('<section><h2 style="font-size:1rem;margin:1rem 0 .25rem">{}</h2>{}</section>')
    inside = Markup("").join(block.html for block in blocks)
    return Block(html.format(title, inside), "\n".join([title, *(block.text for block in blocks)]))


def _beside(*panels: Block) -> Block:
    """Show panels side by side where there is room, on paper too, and below each other on a phone."""
    html = Markup(
        '<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(min(19rem,100%),1fr));'
        'column-gap:2rem">{}</div>'
    )
    return Block(html.format(Markup("").join(p.html for p in panels)), "\n\n".join(p.text for p in panels))
