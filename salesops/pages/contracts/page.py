"""The page of contracts, block by block: promised and delivered, renewals, and the money that stays."""

from __future__ import annotations

import altair as alt
import pandas as pd
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.pages.contracts import words as say
from salesops.pages.contracts.findings import ContractsReview
from salesops.pages.contracts.lines import TERMS
from salesops.views import table as t
from salesops.views.blocks import Block, absent, definitions, headline, kpis, nothing, sentence, together
from salesops.views.look import ACCENT, SOFT, finish

MOST = 20  # rows of a table
MONTHS = 12
FEWEST_A_MONTH = 20  # lines due: of fewer the share of a month tells little
_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own


def page_head(r: ContractsReview) -> Block:
    """Show what was broken in one sentence, with the months that are judged."""
    return headline(
        say.headline_words(r),
        eyebrow=f"Contracts · {r.company}{_whose(r)}",
        meta=f"Lines due and invoiced {words.span(r.span.start, r.span.end)}. In {r.currency}.",
    )


def key_figures(r: ContractsReview) -> Block:
    """Show the figures that are known."""
    last = r.money.iloc[-1] if len(r.money) else pd.Series(dtype=float)
    undecided = r.renewals[r.renewals.undecided]
    worth = undecided.value.sum(min_count=1)
    full = words.percent(r.delivery["otif"], decimals=1)
    shown = [
        ("Terms broken", words.number(r.broken), f"of {words.plural(len(r.contracts), 'contract')}"),
        ("On time", words.percent(r.delivery["on_time_rate"], decimals=1),
         f"and in full {full}" if full != words.MISSING else "whether in full is not known"),
        ("Price leakage", words.money(r.price["leakage"]),
         f"{words.number(r.price['below'])} of {words.plural(r.price['lines'], 'line')}"),
        ("To decide", words.number(len(undecided)) if r.has["contracts"] else words.MISSING,
         "" if words.is_missing(worth) else f"{words.money(worth)} a year"),
        ("GRR of a year", words.percent(last.get("grr_year"), decimals=1),
         f"NRR {words.percent(last.get('nrr_year'), decimals=1)}"),
    ]  # fmt: skip  # a figure in two lines
    return kpis([figure for figure in shown if figure[1] != words.MISSING])


def stand_out(r: ContractsReview) -> Block:
    """Name the families and territories that are clearly late, and who clearly leaks, as far as anything tells."""
    said = [say.late_words(r)] if r.delivery["due"] else []
    said += [say.leaking_words(r)] if r.price["lines"] and not r.owner_id else []
    return together(*map(sentence, said))


def contracts_table(r: ContractsReview) -> Block:
    """Show the contracts whose terms were broken, the dearest breach first; or say why nothing can tell."""
    if not r.has["contracts"]:
        return absent("The book holds no contracts, so nothing was promised in one. Deliveries are judged below.")
    if r.broken is None:
        return absent("Nothing tells whether contracts were kept: no order names one, or none has terms.")
    broken = r.contracts[r.contracts[[f"{term}_broken" for term in TERMS]].any(axis=1)]
    rows = broken.head(MOST).copy()
    rows["what"] = [say.broken_words(row) for _, row in rows.iterrows()]
    rows["owner"] = _owner(rows)
    columns = [
        t.text("account_name", "Client", note="contract_id"),
        t.text("owner", "Owner"),
        t.text("what", "Broken, since when, and what it cost"),
        t.share("quality", "Accepted", decimals=1, phone=False),
        t.share("price", "Of agreed price", decimals=1, phone=False),
        t.share("logistics", "On time", phone=False),
    ]
    more = f" The first {MOST} of {len(broken):,}." if len(broken) > MOST else ""
    caption = (
        f"Contracts with a broken term, the dearest breach first, in {r.currency}.{more} Amounts are of "
        "different kinds and are not added up: what is delivered late is not lost."
    )
    return t.table(rows, columns, caption=caption, empty="No term was broken.")


def delivery(r: ContractsReview) -> Block:
    """Say how many lines came on time, and show the families and territories that are latest."""
    if not r.has["deliveries"]:
        return absent("The book holds no deliveries, so nothing tells what came late.")
    if not r.delivery["due"]:
        return absent("No order line with a promised day was due.")
    rows = r.late[r.late.due >= min(say.FEWEST, r.late.due.max())].head(8).copy()
    rows["place"] = [say.place_name(row) for _, row in rows.iterrows()]
    rows["ends"] = _ends(rows)
    columns = [
        t.text("place", "Family and territory"),
        t.number("due", "Lines due", phone=False),
        t.number("late", "Late"),
        t.share("rate", "Share late", note="ends"),
    ]
    table = t.table(
        rows, columns, caption="Highest share of late lines first, of groups with five lines or more; 95% intervals."
    )
    return together(sentence(say.delivery_words(r)), table)


@_WHOLE
def trend(r: ContractsReview) -> alt.LayerChart | Block:
    """Draw the share of late lines by month with its interval; nothing without two months that had enough."""
    rows = r.months[r.months.due >= FEWEST_A_MONTH].assign(month=lambda part: pd.to_datetime(part.month))
    if len(rows) < 2:
        return nothing()
    axis = alt.Axis(format="%b %y", tickCount=6, grid=False)
    base = alt.Chart(rows).encode(alt.X("month:T", title=None, axis=axis))
    percent = alt.Axis(format=".0%", tickCount=4)
    lines = base.mark_rule(color=SOFT).encode(alt.Y("low:Q", title="Share late", axis=percent), alt.Y2("high"))
    dots = base.mark_point(size=45, filled=True, opacity=1, color=ACCENT).encode(alt.Y("rate:Q", axis=percent))
    said = [f"{words.percent(row.rate)} in {_month(row.month)}" for row in rows.itertuples()]
    worst = int(rows.rate.to_numpy().argmax())
    return finish(
        alt.layer(lines, dots),
        title=f"Late lines: {said[-1]}, and at most {said[worst]}",
        description=f"Share of late lines by month in which they were due, with 95% intervals. {'; '.join(said)}.",
        height=240,
    )


def leaks(r: ContractsReview) -> Block:
    """Say what leaked and by whom, and show the lines that cost most."""
    if not r.price["lines"]:
        return absent("No line was ordered under a contract with an agreed price.")
    rows = r.leaks.head(10)
    scale = words.scale_for([*rows.agreed, *rows.leakage], currency=r.currency)
    columns = [
        t.text("account_name", "Client", note="order_line_id"),
        t.text("owner_name", "Owner"),
        t.day("ordered_on", "Ordered", phone=False),
        t.amount("agreed", "Agreed", scale=scale, phone=False),
        t.amount("net", "Invoiced", scale=scale, phone=False),
        t.amount("leakage", "Leaked", scale=scale),
    ]
    more = f" The first {len(rows)} of {len(r.leaks):,}." if len(r.leaks) > len(rows) else ""
    caption = f"Lines below the agreed price, largest leak first, in {scale.unit}.{more}"
    return together(sentence(say.leak_words(r)), t.table(rows, columns, caption=caption, empty="No line leaked."))


def renewals_table(r: ContractsReview) -> Block:
    """Say what is up for renewal, and show it by action date."""
    if not r.has["contracts"]:
        return absent("The book holds no contracts, so none is up for renewal.")
    rows = r.renewals.head(MOST)
    rows = rows.assign(
        owner=_owner(rows),
        state=["undecided" if undecided else "to come" for undecided in rows.undecided],
        left=[say.days_words(days) for days in rows.days_left],
        deal=rows.deal.replace("", words.MISSING),
    )
    scale = words.scale_for(rows.value, currency=r.currency)
    columns = [
        t.text("account_name", "Client", note="contract_id"),
        t.text("owner", "Owner"),
        t.day("action_date", "Act by"),
        t.text("left", "That is", phone=False),
        t.day("end_date", "Ends", phone=False),
        t.amount("value", "A year", scale=scale),
        *([t.text("deal", "Renewal deal", phone=False)] if (r.renewals.deal != "").any() else []),
        t.tag("state", "State", phone=False),
    ]
    more = f" The first {MOST} of {len(r.renewals):,}." if len(r.renewals) > MOST else ""
    caption = f"By action date: the end less the notice. Amounts in {scale.unit}.{more}"
    return together(sentence(say.renewal_words(r)), t.table(rows, columns, caption=caption, empty="None is up."))


def money(r: ContractsReview) -> Block:
    """Say what money stays, and show it by month; a page of one owner leaves it out."""
    if r.money.empty:
        return absent("Money that stays is shown for the whole company, where contracts have amounts.")
    rows = r.money.tail(MONTHS)
    scale = words.scale_for(rows.amount, currency=r.currency)
    moves = {"new": "New", "reactivation": "Back", "upgrade": "Upgrade", "downgrade": "Downgrade", "churn": "Churn"}
    columns = [
        t.day("month", "End of"),
        t.amount("amount", "Yearly", scale=scale),
        *(t.amount(name, title, scale=scale, phone=False) for name, title in moves.items()),
        t.share("grr_year", "GRR", decimals=1),
        t.share("nrr_year", "NRR", decimals=1),
    ]
    caption = f"Yearly money under contract in {scale.unit}; GRR and NRR against the same month a year before."
    kept = r.kept.assign(ends=_ends(r.kept))
    cohorts = [t.text("cohort", "Accounts"), t.number("accounts", "In all"), t.number("kept", "Still under contract"),
               t.share("rate", "Share", note="ends")]  # fmt: skip  # one list
    below = t.table(kept, cohorts, caption="Accounts that are still under contract, with 95% intervals.")
    return together(sentence(say.money_words(r)), t.table(rows, columns, caption=caption), below)


def limits(r: ContractsReview) -> list[str]:
    """Return what the numbers leave out, a sentence each."""
    said = [f"Data up to {words.day(r.as_of)}.", *say.gap_words(r.gaps)]
    twice, other = int(r.delivery["twice"] or 0), int(r.price["unjudged"] or 0)
    if twice:
        said.append(f"A delivery of the same day and quantities stands there twice, and counts once: lines {twice:,}.")
    if other:
        said.append(f"Lines in another currency than their contract, or without a rate, are not judged: {other:,}.")
    if r.has["contracts"]:
        said.append("The chance of a renewal, and what the owner thinks of it, are not on this page.")
    if r.has["contracts"] and not r.has["contract_terms"]:
        said.append("The book holds no contract terms: what was promised in the contracts is not known.")
    return said


def how_defined() -> Block:
    """Show the definitions behind the page."""
    return definitions(
        [
            ("On time", "the last of the line came by the promised day, and the days that the contract allows; by day"),
            ("OTIF", "lines on time and in full ÷ lines due: a count of lines"),
            ("Accepted", "accepted ÷ delivered units; broken below the agreed share less its tolerance"),
            ("Leaked", "(agreed price − net amount ÷ quantity) × quantity, of lines below the agreed price"),
            ("Rejected", "rejected quantity × invoiced price"),
            ("Delivered late", "net amount of the late lines: never a loss"),
            ("Owner", "the contract’s owner, else the order’s; where that one has left, the account’s owner"),
            ("GRR, NRR", "yearly money of the accounts of a year before that is still there, without and with more"),
        ]
    )


def _whose(r: ContractsReview) -> str:
    names = [*r.contracts.owner_name, *r.reps.owner_name]
    return f" · {names[0] if names else r.owner_id}" if r.owner_id else ""


def _owner(rows: pd.DataFrame) -> list[str]:
    names = rows.owner_name.fillna("nobody")
    return [f"{name} (left)" if left else name for name, left in zip(names, rows.owner_left, strict=True)]


def _month(day: object) -> str:
    return words.day(day).split(" ", 1)[1]


def _ends(rows: pd.DataFrame) -> list[str]:
    return [f"{words.percent(row.low)} to {words.percent(row.high)}" for row in rows.itertuples()]
