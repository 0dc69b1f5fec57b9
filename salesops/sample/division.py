"""One division of the sample company, simulated from its people to its promises."""

from __future__ import annotations

import numpy as np

from salesops.sample.accounts import account_tables, settle_accounts
from salesops.sample.commitments import commitment_table, gather
from salesops.sample.company import (
    COST_SHARES,
    FAMILIES,
    LAST,
    SERIES,
    START,
    Columns,
    keys,
    list_prices,
    stream,
)
from salesops.sample.contracts import contract_tables, sign_contracts
from salesops.sample.deal_tables import credit_table, deal_tables, open_ledger
from salesops.sample.deals import run_deals
from salesops.sample.orders import order_tables, take_orders
from salesops.sample.people import hire_team, user_tables
from salesops.sample.quotas import agree_quotas, quota_table
from salesops.sample.relations import relation_tables
from salesops.sample.truth import (
    Truth,
    account_truth,
    commitment_truth,
    deal_truth,
    merge,
    order_truth,
    people_truth,
)


def simulate(seed: int, division: int, account_count: int) -> tuple[dict[str, Columns], Truth]:
    """Return the tables of one division, named and with columns as in the schema, and what was planted in them."""
    team = hire_team(seed, division)
    accounts = settle_accounts(team, seed, account_count)
    deals = run_deals(team, accounts, seed)
    ledger = open_ledger(team, deals, seed)
    contracts = sign_contracts(team, accounts, seed)
    orders = take_orders(team, accounts, deals, contracts, seed)
    tables = user_tables(team, seed) | account_tables(team, accounts, seed)
    tables |= deal_tables(team, accounts, deals, ledger, seed)
    tables |= contract_tables(team, accounts, contracts, seed)
    tables |= order_tables(team, accounts, contracts, ledger.ids, orders, seed)
    tables |= quota_table(team, agree_quotas(team, deals, ledger.owner))
    tables["credits"] = credit_table(team, deals, ledger.ids, ledger.owner, orders, seed)
    tables |= relation_tables(team, accounts, deals, orders, tables, seed)
    facts = gather(team, deals, ledger.owner, orders, accounts.rep, tables)
    tables["commitments"], verdicts = commitment_table(facts, seed)
    truth = people_truth(team)
    for part in (
        account_truth(team, accounts), deal_truth(deals, ledger.ids, tables["credits"]),
        order_truth(team, accounts, contracts, orders), commitment_truth(verdicts),
    ):  # fmt: skip  # one part a table group
        merge(truth, part)
    return tables, truth


def company_tables(seed: int) -> dict[str, Columns]:
    """Return what all divisions share: products, trainings, fx_rates."""
    return {"products": _products(), "trainings": _trainings(), "fx_rates": _fx_rates(seed)}


def _products() -> Columns:
    each = len(SERIES)
    prices = list_prices()
    codes = [f"{family[:-1]} {name}" for family in FAMILIES for name in SERIES]
    return {
        "product_id": keys("P", len(codes)),
        "product_name": np.array(codes, dtype=object),
        "family": np.repeat(np.array(FAMILIES, dtype=object), each),
        "list_price": prices,
        "unit_cost": (prices * np.repeat(COST_SHARES, each)).round(2),
    }


def _trainings() -> Columns:
    rows = (
        ("TR-01", "Closing with confidence", "closing", "proposal_to_won"),
        ("TR-02", "From meeting to proposal", "persuasion", "meeting_to_proposal"),
        ("TR-03", "Finding the next customer", "lead_generation", "leads_per_rep_week"),
    )
    names = ("training_id", "training_name", "skill", "target_metric")
    return {name: np.array(values, dtype=object) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def _fx_rates(seed: int) -> Columns:
    """Swiss francs on the first of each month; other currencies have no rate on purpose."""
    first, last = START.astype("datetime64[M]"), (START + LAST).astype("datetime64[M]")
    months = np.arange(first, last + 1).astype("datetime64[D]")
    steps = stream(seed, 0, "fx_rates").normal(0, 0.006, len(months))
    return {
        "currency": np.full(len(months), "CHF", dtype=object),
        "date": months,
        "rate": (1.065 * np.exp(steps.cumsum())).round(4),
    }
