"""The page of the customer segments, block by block: who the customers are, and how far to trust it."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from salesops import words
from salesops.models.customers import Customers
from salesops.models.segments import TOO_FEW, UNKNOWN
from salesops.pages.segments.findings import CustomerSegments
from salesops.pages.segments.trust import horizon
from salesops.views import table as t
from salesops.views.blocks import Block, definitions, headline, kpis

_STEADY = (
    "Estimates of single customers take each to buy at random at a steady rate: seasons and growth are not in them. "
    "Only their sum is held to what came."
)
SILENT = 30  # days without any purchase after which silence is the book's, not the customers'


def page_head(s: CustomerSegments) -> Block:
    """Show how many customers there are, where the money is, and how many moved."""
    left = int(s.now.left_out["no_rate"])
    no_rate = f" Not counted, for want of a rate: the money of {words.plural(left, 'order line')}." if left else ""
    return headline(
        _headline(s),
        eyebrow=f"Customer segments · {s.company}",
        meta=f"As of {words.day(s.now.as_of)}; compared with {words.day(s.before.as_of)}. "
        f"{_last_purchase(s.now)}{no_rate}",
    )


def key_figures(s: CustomerSegments) -> Block:
    """Show customers, the money expected, who is likely to buy, and who moved."""
    now, both = s.now, _on_both_dates(s)
    scale = words.scale_for([s.outlook.total if s.outlook else 0], currency=s.currency)
    never = words.plural(now.never_bought, "account not yet a client", "accounts not yet clients")
    never = never if now.never_bought else ""
    figures = [("Customers", words.number(len(now.table)), never)]
    if s.outlook is not None:
        figures.append((f"Expected in {horizon(now)}, {scale.unit}", scale.show(s.outlook.total), _range(s, scale)))
    if now.usable:
        figures += [
            ("Likely to buy in it", words.number(now.table.p_active.sum()), f"of {words.number(len(now.table))}"),
        ]
    if both:
        moved = f"{words.percent(len(s.movers) / both)} of {words.plural(both, 'customer')} of both dates"
        figures.append(("Changed segment", words.number(len(s.movers)), moved))
    if s.agreement is not None:
        figures.append(("Drawn again, segments agree", words.number(s.agreement, decimals=3), "mean ARI; 1 is fully"))
    return kpis(figures)


def segments_table(s: CustomerSegments) -> Block:
    """Show each segment's size, money, activity and most frequent play."""
    plays = s.plays.main.set_index("segment")
    rows = s.segments.assign(
        play=[plays.play_name.get(name, "") for name in s.segments.segment],
        of=[_of_segment(plays.share.get(name)) for name in s.segments.segment],
    )
    value = "value" if s.now.usable else "money"
    scale = words.scale_for(rows[value], currency=s.currency)
    columns = [
        t.text("segment", "Segment"),
        t.number("customers", "Customers"),
        t.share("customer_share", "Share", phone=False),
        t.amount(value, "Expected" if s.now.usable else "Money so far", scale=scale),
        t.share(f"{value}_share", "Of money"),
        *([t.share("p_active", "P(active)", phone=False)] if s.now.usable else []),
        t.number("frequency", "Repeats", phone=False),
        t.number("days_since", "Days since", phone=False),
        *([t.text("play", "Most frequent play", note="of", phone=False)] if len(plays) else []),
    ]
    total = {"segment": "All", "customers": rows.customers.sum(), value: rows[value].sum()}
    lead = f"Money expected in {horizon(s.now)}" if s.now.usable else "Money spent in all"
    return t.table(
        rows,
        columns,
        caption=f"{lead}, in {scale.unit}. Repeat purchases and days since the last one are medians.",
        total=total if len(rows) else None,
        empty=s.why_not or "No customers.",
    )


def limits(s: CustomerSegments) -> list[str]:
    """Return what the numbers stand on, leave out and take for granted, a sentence each."""
    return list(_limits(s))


def how_defined(s: CustomerSegments) -> Block:
    """Show the definitions behind the page."""
    return definitions(
        [
            ("Purchase", "all lines of one customer on one day, if more was bought than returned"),
            ("P(active)", f"chance to buy at least once in {horizon(s.now)}"),
            (
                "Expected",
                f"purchases expected in {horizon(s.now)} × money expected per purchase, not discounted; all of them "
                "scaled so that their sum is what earlier days say of it",
            ),
            ("Repeats", "purchases after the first"),
            ("Changed segment", "another segment than on the earlier date, by the same definition"),
            ("ARI", "adjusted Rand index: how far two divisions of the same customers agree beyond chance"),
        ]
    )


def _headline(s: CustomerSegments) -> str:
    if s.now.table.empty:
        return f"{s.now.why_not}{_clients_alone(s.now)}"
    count = f"{_silence(s.now)}{words.plural(len(s.now.table), 'customer')}"
    named = s.segments[~s.segments.segment.astype(str).isin([UNKNOWN, TOO_FEW])]
    if named.empty and s.why_not:
        return f"{count}, and no segments: {s.why_not[:1].lower()}{s.why_not[1:]}"
    if named.empty:
        return f"{count}, and no segments: of none is a rhythm known."
    held = int(named.customers.sum())
    if held < len(s.now.table):
        count = f"{count}, {words.number(held)} of them"
    if len(s.segments) == 1:
        return f"{count}, all in one segment, “{named.segment.iloc[0]}”: these figures tell nobody apart."
    value, what = ("value", f"money expected in {horizon(s.now)}") if s.now.usable else ("money", "money spent so far")
    best = named.nlargest(1, f"{value}_share").iloc[0] if named[f"{value}_share"].notna().any() else named.iloc[0]
    moved = f" {words.number(len(s.movers))} changed segment." if _on_both_dates(s) else ""
    return (
        f"{count} in {words.plural(len(named), 'segment')}. The {words.number(best.customers)} in “{best.segment}” "
        f"({words.percent(best.customer_share)}) hold {words.percent(best[f'{value}_share'])} of the {what}.{moved}"
    )


def _clients_alone(now: Customers) -> str:
    """Say how many clients have no purchase: segments speak of purchases alone."""
    if not now.without_order:
        return ""
    return f" {words.plural(now.without_order, 'client')} by a won deal or a contract alone cannot be segmented."


def _silence(now: Customers) -> str:
    """Say first that nobody bought for so long that a segment's name no longer tells who is active."""
    if now.ended_on is None:
        return ""
    days = words.plural((now.as_of - now.ended_on).days, "day")
    return f"Nobody bought in the {days} before {words.day(now.as_of)}, so that no segment tells who is active. "


def _last_purchase(now: Customers) -> str:
    if now.table.empty:
        return ""
    return f"Last purchase {words.day(now.table.last_purchase.max())}."


def _on_both_dates(s: CustomerSegments) -> int:
    return int(s.now.table.account_id.isin(s.before.table.account_id).sum())


def _range(s: CustomerSegments, scale: words.Scale) -> str:
    if s.outlook is None or words.is_missing(s.outlook.low):
        return "not tested yet"
    return f"{scale.show(s.outlook.low)} to {scale.show(s.outlook.high)}, in 4 of 5 cases"


def _of_segment(share: float | None) -> str:
    return "" if share is None or words.is_missing(share) else words.percent(share)


def _limits(s: CustomerSegments) -> Iterator[str]:
    now, out = s.now, s.now.left_out
    if out["lines_without_customer"]:
        yield (
            f"In no segment: {words.plural(out['lines_without_customer'], 'order line')} of "
            f"{words.plural(out['orders_without_customer'], 'order')} without a customer, "
            f"{words.money(out['value_without_customer'], currency=s.currency)} in all."
        )
    if out["customers_without_purchase"]:
        yield (
            f"{words.plural(out['customers_without_purchase'], 'customer')} only returned goods or got worthless ones "
            f"({words.money(out['value_without_purchase'], currency=s.currency)}): no purchase, no segment."
        )
    if now.never_bought:
        who = words.plural(now.never_bought, "account is no client", "accounts are no clients")
        yield f"{who} by this date, and in no segment."
    if now.without_order:
        who = words.plural(now.without_order, "account is a client", "accounts are clients")
        yield f"{who} by a won deal or a contract alone, without any order, and in no segment."
    if out["no_rate"]:
        yield f"In no amount: {words.plural(out['no_rate'], 'order line')} in a currency without a rate."
    if out["undated"]:
        yield f"{words.plural(out['undated'], 'order line has', 'order lines have')} no date."
    silent = 0 if now.table.empty else (pd.Timestamp(now.as_of) - now.table.last_purchase.max()).days
    if silent > SILENT:
        yield (
            f"Nobody bought in the last {words.plural(silent, 'day')} before {words.day(now.as_of)}. If the book ends "
            "earlier, this reads as the customers' silence: choose an earlier date."
        )
    unknown = int((now.table.segment.astype(str) == UNKNOWN).sum())
    if unknown and not s.why_not:
        yield f"{words.plural(unknown, 'customer')} cannot be placed: what the definition asks is not known of them."
    if now.usable:
        yield _STEADY
    yield "Money and purchases are counted from the first purchase on, so customers also rise by age alone."
