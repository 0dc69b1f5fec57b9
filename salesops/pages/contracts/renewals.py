"""What is up for renewal and undecided, and how many accounts stay under contract."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from salesops.book.source import Book
from salesops.metrics.contracts import account_spells
from salesops.models.intervals import with_interval

AHEAD = 180  # days before the action date from which a contract is listed
DECIDE = 90  # days before the action date by which it should be decided
YEAR = 365


def renewals(known: Book, spans: ir.Table, as_of: date) -> pd.DataFrame:
    """Return the running contracts with a term whose action date comes within AHEAD days, or has passed; soonest first.

    Parameters
    ----------
    spans : ir.Table
        Contracts as `metrics.contracts.contract_spans` gives them, with account_name, owner_name, owner_left.

    Returns
    -------
    pandas.DataFrame
        contract_id, account_name, owner_name, owner_left; action_date, end_date (dates), days_left (to the action
        date; below 0 once it has passed), value (money a year; NaN where unknown), deal (stage of an open deal of type
        renewal with the account; "" without one), undecided (boolean: at most DECIDE days are left, and no contract
        follows). None that a later contract renews is in it.
    """
    up = spans.filter(spans.runs & spans.term & ~spans.renewed & (spans.action_date <= as_of + timedelta(days=AHEAD)))
    deals = known.table("opportunities")
    open_deals = deals.filter((deals.type == "renewal") & ~deals.is_closed & deals.account_id.notnull())
    stages = open_deals.group_by(_account="account_id").aggregate(deal=open_deals.stage_name.max())
    rows = up.left_join(stages, up.account_id == stages._account).select(
        "contract_id", "account_name", "owner_name", "owner_left", "action_date", "end_date", "value",
        deal=stages.deal.fill_null(""),
    )  # fmt: skip  # one column list
    found: pd.DataFrame = rows.order_by("action_date", ibis.desc("value"), "contract_id").to_pandas()
    left = (pd.to_datetime(found.action_date) - pd.Timestamp(as_of)).dt.days
    return found.assign(days_left=left, undecided=left <= DECIDE)


def kept_accounts(book: Book, as_of: date) -> pd.DataFrame:
    """Return how many accounts stay under contract: of those of a year ago, and of those that began in each year.

    Returns
    -------
    pandas.DataFrame
        cohort (text), accounts, kept, gone (counts), rate (kept ÷ accounts), low, high (95%).
    """
    table = account_spells(book, as_of)
    then = as_of - timedelta(days=YEAR)
    there = table.started.isnull() | (table.started <= then)
    lasted = table.ended.isnull() | (table.ended >= then)
    each = table.group_by("account_id").aggregate(
        first=table.started.min(), before=(there & lasted).any(), now=table.ended.isnull().any()
    )
    rows = each.to_pandas()
    year = pd.to_datetime(rows["first"]).dt.year
    cohorts = {"Under contract a year ago": rows[rows.before]}
    cohorts |= {f"Began in {int(began)}": rows[year == began] for began in sorted(year.dropna().unique())}
    parts = [(name, len(part), int(part.now.sum())) for name, part in cohorts.items() if len(part)]
    counts = pd.DataFrame(parts, columns=["cohort", "accounts", "kept"])
    counts = counts.assign(gone=counts.accounts - counts.kept, rate=counts.kept / counts.accounts)
    return with_interval(counts, "kept", "gone")
