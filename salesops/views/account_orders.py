"""Orders by account and by rep, beside the year before: the pages of a company that counts orders."""

from __future__ import annotations

from typing import Any

import pandas as pd

from salesops import words
from salesops.views import table as t
from salesops.views.blocks import Block, nothing, report_of

MOST = 25
MOST_REPS = 120  # a page must stay small enough for a phone
Figure = tuple[str, str, str]


def order_figures(accounts: pd.DataFrame, *, currency: str) -> list[Figure]:
    """Return orders, accounts, the average order and what is overdue, each beside the same days a year before."""
    now = accounts[accounts.orders > 0]
    told = bool(accounts.amount_before.notna().any())
    orders, amount = float(now.orders.sum()), float(now.amount.sum())
    before = accounts[accounts.orders_before > 0]
    then = float(before.amount_before.sum())
    figures = [
        ("Orders", words.number(orders), _before(before.orders_before.sum(), told)),
        ("Accounts that ordered", words.number(now.account_id.nunique()), _before(before.account_id.nunique(), told)),
    ]
    if orders:
        figures.append(("Average order", words.money(amount / orders, currency=currency), ""))
    if told:
        figures.append(("Same days a year before", words.money(then, currency=currency), _change(amount, then)))
    rhythm = accounts[accounts.rhythm].drop_duplicates("account_id")
    if len(rhythm):
        of = f"of {words.plural(len(rhythm), 'account')} with a rhythm"
        figures.append(("Silent beyond their own gaps", words.number(rhythm.overdue.sum()), of))
    return figures


def accounts_table(accounts: pd.DataFrame | None, *, currency: str) -> Block:
    """Show each account: what it ordered, what it ordered a year before, and how it stands; nothing without orders."""
    if accounts is None or accounts.empty:
        return nothing()
    told = bool(accounts.amount_before.notna().any())
    scale = words.scale_for(pd.concat([accounts.amount, accounts.amount_before]), currency=currency)
    columns = [
        t.text("account_name", "Account", note="state", leads="leads"),
        t.number("orders", "Orders", phone=False),
        t.amount("amount", "Actual", scale=scale),
        *([t.amount("amount_before", "Year before", scale=scale)] if told else []),
        t.day("last_order", "Last order", phone=False),
    ]
    lead = "The largest fall against the same days a year before first." if told else "The largest amount first."
    rest = f" The first {MOST} of {len(accounts):,}." if len(accounts) > MOST else ""
    accounts = accounts.assign(leads=report_of("account", accounts.account_id))
    return t.table(accounts.head(MOST), columns, caption=f"{lead} Amounts in {scale.unit}.{rest}")


def reps_table(accounts: pd.DataFrame | None, names: dict[str, str], *, currency: str) -> Block:
    """Show each rep's orders, accounts and year before, and how many accounts are silent; nothing without orders."""
    if accounts is None or accounts.empty:
        return nothing()
    told = bool(accounts.amount_before.notna().any())
    rows = pd.DataFrame([_rep(names.get(str(user), str(user)), own) for user, own in accounts.groupby("user_id")])
    rows = rows.sort_values(["user_name", "user_id"]).assign(leads=lambda each: report_of("rep", each.user_id))
    scale = words.scale_for(pd.concat([rows.amount, rows.amount_before]), currency=currency)
    columns = [
        t.text("user_name", "Rep", leads="leads"),
        t.number("orders", "Orders"),
        t.number("accounts", "Accounts"),
        t.amount("amount", "Actual", scale=scale, phone=False),
        *([t.amount("amount_before", "Year before", scale=scale)] if told else []),
        t.number("overdue", "Silent", phone=False),
    ]
    rest = f" The first {MOST_REPS} of {len(rows):,}." if len(rows) > MOST_REPS else ""
    return t.table(
        rows.head(MOST_REPS),
        columns,
        caption=f"By name, in {scale.unit}. Silent: accounts of these that have been silent beyond their own gaps; "
        f"– where none has a rhythm.{rest}",
    )


def _rep(name: str, own: pd.DataFrame) -> dict[str, Any]:
    rhythm = own[own.rhythm]
    return {
        "user_id": own.user_id.iloc[0],
        "user_name": name,
        "orders": own.orders.sum(),
        "accounts": int((own.orders > 0).sum()),
        "amount": own.amount.sum(),
        "amount_before": own.amount_before.sum(min_count=1),
        "overdue": float(rhythm.overdue.sum()) if len(rhythm) else float("nan"),
    }


def _change(now: float, then: float) -> str:
    if then <= 0 or now == then:
        return ""
    return f"now {words.percent(abs(now / then - 1))} {'more' if now > then else 'less'}"


def _before(count: float, told: bool) -> str:
    return f"{words.number(count)} a year before" if told else ""
