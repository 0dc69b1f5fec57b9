"""Rows that stand for nobody: guest accounts and tills among the customers, programs among the people."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import ibis.expr.types as ir

from salesops.book.finding import Finding, in_number
from salesops.book.source import Book

_SHOWN = 3
_GUESTS = "|".join((
    r"((web|online|site) )?(guests?|gast|g[äa]ste|invit[ée])( (account|user|customer|checkout|kunden?))?",
    r"(anonymous|an[óo]nimo|unknown|dummy|test)( (customer|client|account)s?)?",
    r"(default|cash|counter|till|retail|one[- ]?time) (customer|client|account)s?",
    r"(cash|counter|till|pos|retail) sales?", "no (customer|name|account)", "walk[- ]?ins?( customers?)?",
    "laufkundschaft|laufkunde|barverk(auf|äufe)", "clients? (comptoir|divers|de passage)", "consumidor final",
))  # fmt: skip  # a list of names
_PROGRAMS = "|".join((
    r"automated process|data\.?com clean|platform integration user|data conversion only|odoobot|no[- ]?reply",
    r"((salesforce|crm|erp) )?(system|integration|api|sync|migration|import|bot|service|batch)( (user|admin|account))?",
    r"((web ?)?site )?guest( user)?", "(chatter|insights|security|cloud) (expert|integration|user)",
    r"((system|sys) )?(administrator|admin( user)?)", "test user", "web ?(form|site|shop)", "unassigned|no ?owner",
))  # fmt: skip  # a list of names


def nobodies(book: Book, names: Collection[str]) -> Iterator[Finding]:
    """Return a warning for reps that are named like a program, and one for customers that are named like a guest.

    A program that may sell has a line of its own in reports; a guest account makes one client of many buyers.
    """
    if "users" in names:
        users = book.table("users")
        rows = users.filter(users.role == "rep").select("user_id", name="user_name")
        affected, first = _matching(rows, _PROGRAMS)
        if affected:
            yield Finding(
                "users", "programs", "warning", in_number(_SELLING, affected),
                "If so, leave them out with leave_out in the map where they own nothing.",
                affected, _rows(users), first,
            )  # fmt: skip  # one finding reads as one row
    if "accounts" in names:
        accounts = book.table("accounts").select("account_id", name="account_name")
        affected, first = _matching(accounts, _GUESTS)
        if affected:
            yield Finding(
                "accounts", "guests", "warning", in_number(_BUYING.format(orders=_orders_of(book, accounts)), affected),
                'If so, leave the orders out in the map: see "Sales without a customer" in data/maps/README.md.',
                affected, _rows(accounts), first,
            )  # fmt: skip


_SELLING = "are named like a program or a place holder, not a person; reports give each a line"
_BUYING = "are named like a guest or a till, not a customer{orders}; reports take all who buy so for one client"


def _matching(rows: ir.Table, pattern: str) -> tuple[int, tuple[str, ...]]:
    """Return how many rows have such a name, and the first of these names."""
    found = rows.filter(_like(rows.name, pattern))
    names = found.select("name").distinct().order_by("name").limit(_SHOWN).to_pyarrow().to_pylist()
    return _rows(found) if names else 0, tuple(f"'{row['name']}'" for row in names)


def _orders_of(book: Book, accounts: ir.Table) -> str:
    """Say how many of the orders such accounts have."""
    if not book.has("orders"):
        return ""
    orders, guests = book.table("orders"), accounts.filter(_like(accounts.name, _GUESTS)).account_id
    return f" ({_rows(orders.filter(orders.account_id.isin(guests))):,} of {_rows(orders):,} orders)"


def _like(name: ir.Value, pattern: str) -> ir.BooleanValue:
    return name.strip().re_search(f"(?i)^({pattern})$")


def _rows(table: ir.Table) -> int:
    return int(table.count().to_pyarrow().as_py())
