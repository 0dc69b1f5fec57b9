"""What is ordered and delivered: each account in its own rhythm, with planted late deliveries and leaked prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.sample.accounts import PRICE_SHOCK, SEGMENTS, Accounts
from salesops.sample.company import (
    CURRENCY,
    LAST,
    NEVER,
    PRICE_LIST_DAY,
    PRICE_LIST_RISE,
    SERIES,
    Array,
    Columns,
    dates,
    day,
    instants,
    keys,
    list_prices,
    named,
    stream,
    workday,
)
from salesops.sample.contracts import ASSORTMENT, LEAK, Contracts, agreed_prices, products_of
from salesops.sample.deals import Deals
from salesops.sample.people import Team

LATE_USUALLY = 0.06
LATE_PROBLEM = {"family": 2, "territory": 2, "from": day("2025-11-01"), "to": day("2026-02-28")}
LATE_IN_PROBLEM = 0.6
LATE_PHASE_DAYS = 130
LATE_IN_PHASE = 0.8
SEASONS = (day("2025-03-01"), day("2025-09-01"), day("2026-03-01"), day("2026-09-01"))
PER_SEASON = 5
MOST_ORDERS = 64


@dataclass(frozen=True, eq=False)
class Orders:
    """Orders of a division by day, and their lines.

    `deal`, `contract`: positions, -1 for none. `owner`: -1 for a house sale. `order` is the order of a line;
    `delivered`: day, NaN while open. `leaked`: money below the agreed price on a line.
    """

    keys: Array
    account: Array
    day: Array
    second: Array
    owner: Array
    deal: Array
    contract: Array
    order: Array
    product: Array
    quantity: Array
    unit_price: Array
    discount: Array
    promised: Array
    delivered: Array
    late: Array
    leaked: Array

    @property
    def net(self) -> Array:
        """Money of each line."""
        return np.asarray((self.quantity * self.unit_price * (1 - self.discount)).round(2))

    @property
    def last_delivery(self) -> Array:
        """Day on which the last line of each order came; NaN while a line is open."""
        last = np.full(len(self.keys), -np.inf)
        np.maximum.at(last, self.order, np.where(np.isnan(self.delivered), np.inf, self.delivered))
        return np.where(np.isinf(last), np.nan, last)


def take_orders(team: Team, accounts: Accounts, deals: Deals, contracts: Contracts, seed: int) -> Orders:
    """Return every order up to the last day: of the rhythms, and of won deals of accounts without one."""
    rng = stream(seed, team.division, "orders")
    account, when, deal = _by_rhythm(accounts, deals, rng)
    project, after, won = _by_deal(accounts, deals, rng)
    account, when, deal = (np.concatenate(p) for p in ((account, project), (when, after), (deal, won)))
    order = np.lexsort((account, when))
    account, when, deal = account[order], when[order], deal[order]
    contract = contracts.on(account, when)
    owner = np.where((deal < 0) & (rng.random(len(when)) < 0.02), -1, team.seller(accounts.rep[account], when))
    lines = _lines(accounts, deals, contracts, (account, when, deal, contract), rng)
    return Orders(
        keys("O", len(when), team.division), account, when, rng.integers(6 * 3600, 16 * 3600, len(when)),
        owner, deal, contract, *lines,
    )  # fmt: skip  # positions follow the fields


def _by_rhythm(accounts: Accounts, deals: Deals, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return account, day and deal of the repeat orders. A won deal is what the next order within 60 days calls off."""
    buyers = accounts.rhythmic
    days = np.where((accounts.segment[buyers] == "seasonal")[:, None], _seasonal(accounts, buyers, rng), np.inf)
    days = np.where(np.isinf(days), _regular(accounts, buyers, rng), days)
    days = days.round()
    real = (days >= accounts.start[buyers][:, None]) & (days <= np.minimum(accounts.stop[buyers], LAST)[:, None])
    row, column = np.nonzero(real)
    account, when = buyers[row], days[row, column].astype(int)
    order = np.lexsort((when, account))
    account, when = account[order], when[order]
    won = np.flatnonzero(deals.closed & deals.won & (deals.currency == CURRENCY))
    place = np.searchsorted(account * 10_000 + when, deals.account[won] * 10_000 + deals.end[won], side="right")
    place = np.minimum(place, len(account) - 1)
    near = (account[place] == deals.account[won]) & (when[place] - deals.end[won] <= 60)
    deal = np.full(len(account), -1)
    deal[place[near]] = won[near]
    return account, when, deal


def _regular(accounts: Accounts, buyers: Array, rng: np.random.Generator) -> Array:
    cv = np.array([SEGMENTS[s].cv for s in accounts.segment[buyers]])
    growth = np.array([SEGMENTS[s].growth for s in accounts.segment[buyers]])
    mean = accounts.gap[buyers][:, None] * growth[:, None] ** np.arange(MOST_ORDERS)
    gaps = mean * rng.gamma(1 / cv[:, None] ** 2, cv[:, None] ** 2, mean.shape)
    gaps[:, 0] *= rng.random(len(buyers))
    days = accounts.start[buyers][:, None] + gaps.cumsum(axis=1)
    days[accounts.segment[buyers] == "seasonal"] = np.inf
    return np.asarray(days)


def _seasonal(accounts: Accounts, buyers: Array, rng: np.random.Generator) -> Array:
    count, cv = len(buyers), SEGMENTS["seasonal"].cv
    begins = np.array(SEASONS)[None, :, None] + rng.integers(0, 8, (count, len(SEASONS), 1))
    gaps = accounts.gap[buyers][:, None, None] * rng.gamma(1 / cv**2, cv**2, (count, len(SEASONS), PER_SEASON))
    gaps[:, :, 0] = 0
    days = np.full((count, MOST_ORDERS), np.inf)
    days[:, : len(SEASONS) * PER_SEASON] = (begins + gaps.cumsum(axis=2)).reshape(count, -1)
    return days


def _by_deal(accounts: Accounts, deals: Deals, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    own = (accounts.segment[deals.account] == "project") & (deals.currency == CURRENCY)
    won = np.flatnonzero(deals.closed & deals.won & own)
    after = deals.end[won].astype(int) + rng.integers(1, 11, len(won))
    real = after <= LAST
    return deals.account[won][real], after[real], won[real]


def _lines(
    accounts: Accounts, deals: Deals, contracts: Contracts, heads: tuple[Array, ...], rng: np.random.Generator
) -> tuple[Array, ...]:
    """Return the fields of Orders that describe lines, from account, day, deal and contract of the orders."""
    account, when, deal, contract = heads
    each = np.minimum(1 + rng.poisson(1.3, len(when)), 3 * ASSORTMENT)
    order = np.repeat(np.arange(len(when)), each)
    place = np.arange(len(order)) - np.repeat(each.cumsum() - each, each)
    slot = (rng.integers(0, 6, len(when))[order] + place) % (3 * ASSORTMENT)
    product = products_of(accounts, account[order], slot)
    price, discount, agreed = _prices(accounts, contracts, account[order], when[order], contract[order], product)
    value = accounts.value[account] * np.exp(rng.normal(0, 0.22, len(when)))
    project = accounts.segment[account] == "project"
    value[project] = deals.amount[deal[project]]
    wanted = value[order] / each[order] / (price * (1 - discount)) * np.exp(rng.normal(0, 0.2, len(order)))
    quantity = np.maximum(wanted.round(), 1)
    promised = workday(when[order] + rng.integers(6, 15, len(order)))
    delivered, late = _deliver(accounts, account[order], product, promised, when[order], rng)
    leaked = np.where(contract[order] >= 0, (agreed - price) * quantity, 0.0).round(2)
    return order, product, quantity, price, discount, promised, delivered, late, leaked


def _prices(
    accounts: Accounts, contracts: Contracts, account: Array, when: Array, contract: Array, product: Array
) -> tuple[Array, Array, Array]:
    """Return the price invoiced, the discount shown, and the price agreed (of contracts only)."""
    usual = list_prices()[product] / np.where(when < PRICE_LIST_DAY, PRICE_LIST_RISE, 1.0)
    usual = usual * np.where(when >= accounts.price_from[account], PRICE_SHOCK, 1.0)
    agreed = agreed_prices(contracts, np.maximum(contract, 0), product)
    bound = contract >= 0
    leaks = contracts.leaks[np.maximum(contract, 0)]
    price = np.where(bound, np.where(leaks, agreed * (1 - LEAK), agreed), usual).round(2)
    return price, np.where(bound, 0.0, accounts.discount[account]), agreed


def _deliver(
    accounts: Accounts, account: Array, product: Array, promised: Array, when: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the day of delivery, and whether it was late."""
    since = accounts.late_from[account]
    phase = (promised >= since) & (promised < since + LATE_PHASE_DAYS) & (since < NEVER)
    problem = product // len(SERIES) == LATE_PROBLEM["family"]
    problem &= accounts.territory[account] == LATE_PROBLEM["territory"]
    problem &= (promised >= LATE_PROBLEM["from"]) & (promised <= LATE_PROBLEM["to"])
    chance = np.select([phase, problem], [LATE_IN_PHASE, LATE_IN_PROBLEM], LATE_USUALLY)
    late = rng.random(len(promised)) < chance
    early = np.maximum(promised - rng.integers(0, 4, len(promised)), when + 1)
    delivered = np.where(late, promised + 2 + rng.geometric(0.16, len(promised)), early).astype(float)
    return np.where(delivered <= LAST, delivered, np.nan), late


def order_tables(
    team: Team, accounts: Accounts, contracts: Contracts, deal_keys: Array, orders: Orders, seed: int
) -> dict[str, Columns]:
    """Return orders, order_lines and deliveries."""
    rng = stream(seed, team.division, "order tables")
    line_keys = keys("L", len(orders.order), team.division)
    done = ~np.isnan(orders.last_delivery)
    return {
        "orders": {
            "order_id": orders.keys,
            "account_id": accounts.keys[orders.account],
            "owner_id": named(team.keys, orders.owner),
            "opportunity_id": named(deal_keys, orders.deal),
            "contract_id": named(contracts.keys, orders.contract),
            "ordered_at": instants(orders.day, orders.second),
            "currency": np.full(len(orders.keys), CURRENCY, dtype=object),
            "status": np.where(done, "delivered", "open").astype(object),
        },
        "order_lines": {
            "order_line_id": line_keys,
            "order_id": orders.keys[orders.order],
            "product_id": keys("P", 30)[orders.product],
            "quantity": orders.quantity,
            "unit_price": orders.unit_price,
            "discount": orders.discount,
            "net_amount": orders.net,
            "promised_date": dates(orders.promised),
            "status": np.where(np.isnan(orders.delivered), "open", "delivered").astype(object),
        },
        "deliveries": _deliveries(orders, line_keys, team.division, rng),
    }


def _deliveries(orders: Orders, line_keys: Array, division: int, rng: np.random.Generator) -> Columns:
    """One delivery a line; one in forty comes short."""
    line = np.flatnonzero(~np.isnan(orders.delivered))
    ordered = orders.quantity[line]
    short = rng.random(len(line)) < 0.025
    came = np.where(short, np.maximum(np.floor(ordered * 0.8), 1), ordered)
    faulty = rng.random(len(line)) < 0.03
    return {
        "delivery_id": keys("D", len(line), division),
        "order_line_id": line_keys[line],
        "delivered_date": dates(orders.delivered[line]),
        "quantity_delivered": came,
        "quantity_rejected": np.where(faulty, np.minimum(np.ceil(came * 0.1), came), 0.0),
    }
