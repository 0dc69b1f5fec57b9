"""Agreements: yearly contracts, what they promise, and which were not renewed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.sample.accounts import Accounts
from salesops.sample.company import (
    CURRENCY,
    LAST,
    SERIES,
    START,
    Array,
    Columns,
    dates,
    keys,
    list_prices,
    named,
    pick,
    stream,
)
from salesops.sample.people import Team

RENEWED = 0.9
SIGNED_BEFORE = 30  # days before a contract begins
LEAK = 0.06
LEAKING_REPS = 2
ASSORTMENT = 2  # products that an account buys in each of its families


@dataclass(frozen=True, eq=False)
class Contracts:
    """Contracts of a division, one value a contract, sorted by account and start.

    `start`, `end`: days. `successor`: position of the contract that renews it, else -1. `off`: agreed discount
    from the list price. `leaks`: invoices stay LEAK below the agreed price.
    """

    keys: Array
    account: Array
    start: Array
    end: Array
    successor: Array
    off: Array
    leaks: Array
    leaking_reps: Array

    def on(self, account: Array, day: Array) -> Array:
        """Return the contract under which an account orders on a day, else -1."""
        place = np.searchsorted(self._order, account * 10_000 + day + 2000, side="right") - 1
        found = np.maximum(place, 0)
        holds = (place >= 0) & (self.account[found] == account) & (day <= self.end[found])
        return np.where(holds, found, -1)

    @property
    def _order(self) -> Array:
        return np.asarray(self.account * 10_000 + self.start + 2000)


def sign_contracts(team: Team, accounts: Accounts, seed: int) -> Contracts:
    """Return up to three yearly contracts for each account that has contracts, each renewing the one before."""
    rng = stream(seed, team.division, "contracts")
    signers = np.flatnonzero(accounts.contracted)
    first = (START.astype("datetime64[M]").astype(int)) + rng.integers(-9, 6, len(signers))
    begins = first[:, None] + 12 * np.arange(4)
    starts, ends = _first_day(begins), _first_day(begins + 12) - 1
    renews = (rng.random(starts.shape) < RENEWED) & (ends <= np.minimum(accounts.stop[signers], LAST)[:, None])
    signed = np.concatenate([np.ones((len(signers), 1), dtype=bool), renews[:, :-1]], axis=1).cumprod(axis=1) == 1
    row, _ = np.nonzero(signed)
    successor = np.where((renews & signed)[signed], np.arange(len(row)) + 1, -1)
    leaking_reps = np.sort(rng.permutation(team.plain)[:LEAKING_REPS])
    leaks = np.isin(accounts.rep[signers], leaking_reps) | (rng.random(len(signers)) < 0.06)
    return Contracts(
        keys=keys("CT", len(row), team.division),
        account=signers[row],
        start=starts[signed],
        end=ends[signed],
        successor=successor,
        off=rng.choice([0.06, 0.08, 0.1, 0.12], len(signers))[row],
        leaks=leaks[row],
        leaking_reps=leaking_reps,
    )


def _first_day(months: Array) -> Array:
    firsts = months.astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray((firsts - START).astype(int))


def products_of(accounts: Accounts, account: Array, slot: Array) -> Array:
    """Return the product in a slot (0 to 5) of an account's assortment: its families, two products in each."""
    family = accounts.families[account, slot // ASSORTMENT]
    return np.asarray(family * len(SERIES) + (account + slot % ASSORTMENT) % len(SERIES))


def agreed_prices(contracts: Contracts, contract: Array, product: Array) -> Array:
    """Return the agreed price of a product in a contract."""
    return np.asarray((list_prices()[product] * (1 - contracts.off[contract])).round(2))


def contract_tables(team: Team, accounts: Accounts, contracts: Contracts, seed: int) -> dict[str, Columns]:
    """Return contracts and contract_terms."""
    rng = stream(seed, team.division, "contract tables")
    return {"contracts": _contracts(team, accounts, contracts, rng), "contract_terms": _terms(accounts, contracts, rng)}


def _contracts(team: Team, accounts: Accounts, contracts: Contracts, rng: np.random.Generator) -> Columns:
    count = len(contracts.keys)
    running = contracts.end > LAST
    status = np.where(running, "active", np.where(contracts.successor >= 0, "renewed", "ended")).astype(object)
    yearly = accounts.value * 365 / np.minimum(accounts.gap, 120) * rng.uniform(0.8, 1.1, len(accounts.keys))
    owner = team.seller(accounts.rep[contracts.account], np.minimum(contracts.end, LAST))
    return {
        "contract_id": contracts.keys,
        "account_id": accounts.keys[contracts.account],
        "owner_id": team.keys[owner],
        "status": status,
        "start_date": dates(contracts.start),
        "end_date": dates(contracts.end),
        "contract_term_months": np.full(count, 12.0),
        "notice_days": pick(rng, (30, 60, 90), count).astype(float),
        "annual_amount": (yearly[contracts.account] * rng.choice([0.9, 1.0, 1.0, 1.1], count)).round(-2),
        "currency": np.full(count, CURRENCY, dtype=object),
        "renewed_by_contract_id": named(contracts.keys, contracts.successor),
        "signed_date": dates(np.minimum(contracts.start - SIGNED_BEFORE, LAST)),
    }


def _terms(accounts: Accounts, contracts: Contracts, rng: np.random.Generator) -> Columns:
    """A quality and a logistics term for each contract, and the price of each product in the assortment."""
    count, slots = len(contracts.keys), 3 * ASSORTMENT
    every, slot = np.arange(count), np.tile(np.arange(slots), count)
    priced = np.repeat(every, slots)
    product = products_of(accounts, contracts.account[priced], slot)
    contract = np.concatenate([every, every, priced])
    sizes = (count, count, len(priced))
    columns = {
        "contract_id": contracts.keys[contract],
        "term_type": np.repeat(np.array(["quality", "logistics", "price"], dtype=object), sizes),
        "product_id": named(keys("P", 30), np.concatenate([np.full(2 * count, -1), product])),
        "agreed_value": np.concatenate(
            [np.full(count, 0.98), np.zeros(count), agreed_prices(contracts, priced, product)]
        ),
        "unit": np.repeat(np.array(["accepted share", "days late", f"{CURRENCY} per unit"], dtype=object), sizes),
        "tolerance": np.concatenate([np.full(count, 0.005), rng.choice([0.0, 1.0, 2.0], count), np.zeros(len(priced))]),
    }
    order = np.lexsort((np.arange(len(contract)), contract))
    return {name: values[order] for name, values in columns.items()}
