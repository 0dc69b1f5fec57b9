"""The tables of deals: opportunities as they stand, and the history of every change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.sample.accounts import Accounts
from salesops.sample.company import (
    LAST,
    SERIES,
    STAGES,
    Array,
    Columns,
    blank,
    dates,
    instants,
    keys,
    named,
    pick,
    stream,
)
from salesops.sample.deals import Deals
from salesops.sample.orders import Orders
from salesops.sample.people import Team

PROBABILITIES = (0.1, 0.25, 0.5, 0.75)
CATEGORIES = ("Pipeline", "Pipeline", "Best Case", "Best Case")
LOST_REASONS = ("Price", "Competitor", "No decision", "No budget", "Timing", "Missing feature")
NEXT_STEPS = ("Call the buyer", "Send the proposal", "Book a site visit", "Meet the plant manager", "Agree the terms")
HOUR = 3600
SPLITS = ((0.5, 0.5), (0.7, 0.3), (0.6, 0.4), (0.4, 0.35, 0.25))
SHARED_DEALS = 12
SHARED_ORDERS = 2


@dataclass(frozen=True, eq=False)
class Ledger:
    """What the tables of deals share: keys, and the owner today or, for closed deals, at the close."""

    ids: Array
    owner: Array
    committed: Array


def open_ledger(team: Team, deals: Deals, seed: int) -> Ledger:
    """Number the deals, find their owners, and decide which ones the owner commits in the last stage."""
    rng = stream(seed, team.division, "ledger")
    owner = team.seller(deals.rep, np.minimum(deals.end, LAST))
    committed = rng.random(len(owner)) < team.commits[deals.rep]
    return Ledger(keys("OPP", len(owner), team.division), owner, committed)


def deal_tables(team: Team, accounts: Accounts, deals: Deals, ledger: Ledger, seed: int) -> dict[str, Columns]:
    """Return opportunities and opportunity_history."""
    rng = stream(seed, team.division, "deal tables")
    return {
        "opportunities": _opportunities(team, accounts, deals, ledger, rng),
        "opportunity_history": _history(team, deals, ledger, rng),
    }


def _opportunities(team: Team, accounts: Accounts, deals: Deals, ledger: Ledger, rng: np.random.Generator) -> Columns:
    count, closed, won = len(ledger.ids), deals.closed, deals.closed & deals.won
    product = accounts.families[deals.account, 0] * len(SERIES) + rng.integers(0, len(SERIES), count)
    next_step, reason = pick(rng, NEXT_STEPS, count), pick(rng, LOST_REASONS, count)
    return {
        "opportunity_id": ledger.ids,
        "account_id": accounts.keys[deals.account],
        "owner_id": team.keys[ledger.owner],
        "product_id": keys("P", 30)[product],
        "type": deals.kind,
        "stage_name": _today(deals, np.array(STAGES, dtype=object)[deals.stage], "Closed Won", "Closed Lost"),
        "amount": deals.amount,
        "currency": deals.currency,
        "probability": _today(deals, np.array(PROBABILITIES)[deals.stage], 1.0, 0.0),
        "created_date": dates(deals.created),
        "close_date": dates(_close_dates(deals)),
        "is_closed": closed,
        "is_won": won,
        "forecast_category": _today(deals, _categories(ledger, deals.stage), "Closed", "Omitted"),
        "lead_source": deals.source,
        "next_step": blank(next_step, closed | (rng.random(count) < 0.2)),
        "lost_reason": blank(reason, ~closed | won),
        "is_deleted": np.zeros(count, dtype=bool),
    }


def _today(deals: Deals, while_open: Array, if_won: str | float, if_lost: str | float) -> Array:
    return np.where(deals.closed, np.where(deals.won, if_won, if_lost), while_open)


def _categories(ledger: Ledger, stage: Array) -> Array:
    usual = np.array(CATEGORIES, dtype=object)[stage]
    return np.where(ledger.committed & (stage == 3), "Commit", usual)


def _close_dates(deals: Deals) -> Array:
    pushed = np.where(deals.push_on <= LAST, deals.push_to, -np.inf).max(axis=1)
    planned = np.where(np.isinf(pushed), deals.first_plan, pushed)
    planned = np.where(deals.undated & (deals.stage == 0), np.nan, planned)
    return np.where(deals.closed, deals.end, planned)


@dataclass(frozen=True, eq=False)
class Changes:
    """New values of one field: which deal, on which day at which second, and the value as text (or None)."""

    field: str
    deal: Array
    day: Array
    second: Array
    value: Array


def _history(team: Team, deals: Deals, ledger: Ledger, rng: np.random.Generator) -> Columns:
    """Every change up to the last day, in the order in which it happened to each deal."""
    minute = rng.integers(0, HOUR, len(ledger.ids))
    changes = [
        *_stage_changes(deals, ledger, minute), *_amount_changes(deals, minute), *_close_date_changes(deals, minute),
        *_owner_changes(team, deals, minute),
    ]  # fmt: skip  # one list, two lines
    field = np.concatenate([np.full(len(c.deal), c.field, dtype=object) for c in changes])
    deal, day, second, value = (
        np.concatenate([getattr(c, name) for c in changes]) for name in ("deal", "day", "second", "value")
    )
    order = np.lexsort((field, second, day, deal))
    order = order[day[order] <= LAST]
    since = instants(day[order], second[order])
    return {
        "opportunity_id": ledger.ids[deal[order]],
        "field_name": field[order],
        "new_value": value[order],
        "valid_from": since,
        "valid_to": _valid_to(deal[order], field[order], since),
    }


def _valid_to(deal: Array, field: Array, since: Array) -> Array:
    order = np.lexsort((since, field, deal))
    same = (deal[order][1:] == deal[order][:-1]) & (field[order][1:] == field[order][:-1])
    until = np.full(len(order), np.datetime64("NaT", "s"))
    until[order[:-1]] = np.where(same, since[order][1:], np.datetime64("NaT", "s"))
    return until


def _stage_changes(deals: Deals, ledger: Ledger, minute: Array) -> list[Changes]:
    """Stage, probability and forecast category change together."""
    changes: list[Changes] = []
    fields = ("stage_name", "probability", "forecast_category")
    for stage, (name, chance) in enumerate(zip(STAGES, PROBABILITIES, strict=True)):
        deal = np.flatnonzero(~np.isnan(deals.entered[:, stage]))
        at = minute[deal] + (8 + stage) * HOUR
        values = (_same(name, deal), _same(str(chance), deal), _categories(ledger, np.full(len(minute), stage))[deal])
        for field, value in zip(fields, values, strict=True):
            new = _category_moves(deals, ledger, deal, stage) if field == "forecast_category" else slice(None)
            changes.append(Changes(field, deal[new], deals.entered[deal[new], stage], at[new], value[new]))
    for won, values_ in ((True, ("Closed Won", "1.0", "Closed")), (False, ("Closed Lost", "0.0", "Omitted"))):
        deal = np.flatnonzero(deals.won == won)
        at = minute[deal] + 14 * HOUR
        changes += [Changes(f, deal, deals.end[deal], at, _same(v, deal)) for f, v in zip(fields, values_, strict=True)]
    return changes


def _category_moves(deals: Deals, ledger: Ledger, deal: Array, stage: int) -> Array:
    """Tell which deals get another category on entering a stage."""
    if stage in (0, 2):
        return np.ones(len(deal), dtype=bool)
    return np.asarray(ledger.committed[deal] & (stage == 3))


def _same(value: str, deal: Array) -> Array:
    return np.full(len(deal), value, dtype=object)


def _amount_changes(deals: Deals, minute: Array) -> list[Changes]:
    every = np.arange(len(minute))
    changes = [Changes("amount", every, deals.created, minute + 8 * HOUR, _money(deals.amounts[:, 0]))]
    for stage in (1, 2, 3):
        before, after = deals.amounts[:, stage - 1], deals.amounts[:, stage]
        deal = np.flatnonzero(~np.isnan(deals.entered[:, stage]) & (before != after))
        at = minute[deal] + (8 + stage) * HOUR
        changes.append(Changes("amount", deal, deals.entered[deal, stage], at, _money(after[deal])))
    return changes


def _money(amounts: Array) -> Array:
    return np.array([None if np.isnan(amount) else f"{amount:.0f}" for amount in amounts], dtype=object)


def _close_date_changes(deals: Deals, minute: Array) -> list[Changes]:
    """Undated deals get their first close date when they are qualified; earlier pushes did not happen on paper."""
    every = np.arange(len(minute))
    first = blank(_iso(deals.first_plan), deals.undated)
    changes = [Changes("close_date", every, deals.created, minute + 8 * HOUR, first)]
    named_on = np.where(deals.undated, np.fmin(deals.entered[:, 1], deals.entered[:, 2]), np.nan)
    standing = np.where(deals.push_on < named_on[:, None], deals.push_to, -np.inf).max(axis=1)
    standing = np.where(np.isinf(standing), deals.first_plan, standing)
    deal = np.flatnonzero(~np.isnan(named_on))
    changes.append(Changes("close_date", deal, named_on[deal], minute[deal] + 9 * HOUR, _iso(standing[deal])))
    on_paper = ~deals.undated[:, None] | (deals.push_on >= named_on[:, None])
    deal, push = np.nonzero(~np.isnan(deals.push_on) & on_paper)
    at = minute[deal] + 12 * HOUR
    changes.append(Changes("close_date", deal, deals.push_on[deal, push], at, _iso(deals.push_to[deal, push])))
    at = minute + 14 * HOUR
    return [*changes, Changes("close_date", every, deals.end, at, _iso(deals.end))]


def _iso(days: Array) -> Array:
    return dates(days).astype(str).astype(object)


def _owner_changes(team: Team, deals: Deals, minute: Array) -> list[Changes]:
    """Open deals of a rep who left went to the stand-in on the day after."""
    left = team.left[deals.rep]
    deal = np.flatnonzero(left < np.minimum(deals.end, LAST))
    at = minute[deal] + 8 * HOUR
    stand_in = named(team.keys, team.stand_in[deals.rep[deal]])
    return [
        Changes("owner_id", deal, deals.created[deal], at, team.keys[deals.rep[deal]]),
        Changes("owner_id", deal, left[deal] + 1, at, stand_in),
    ]


def credit_table(team: Team, deals: Deals, deal_keys: Array, owner: Array, orders: Orders, seed: int) -> Columns:
    """Return credits: a dozen closed deals and two orders; the owner comes first and has the largest share."""
    rng = stream(seed, team.division, "credits")
    closed = rng.permutation(np.flatnonzero(deals.closed & np.isin(owner, team.plain)))[:SHARED_DEALS]
    own = rng.permutation(np.flatnonzero(np.isin(orders.owner, team.plain) & (orders.deal < 0)))[:SHARED_ORDERS]
    rows: list[tuple[object, object, object, float]] = []
    for place, (deal, order, first) in enumerate(
        [(deal_keys[d], None, owner[d]) for d in np.sort(closed)]
        + [(None, orders.keys[o], orders.owner[o]) for o in np.sort(own)]
    ):
        shares = SPLITS[place % len(SPLITS)]
        start = int(np.flatnonzero(team.plain == first)[0])
        mates = [team.plain[(start + turn) % len(team.plain)] for turn in range(len(shares))]
        rows += [(deal, order, team.keys[mate], share) for mate, share in zip(mates, shares, strict=True)]
    deal_ids, order_ids, users, parts = (np.array(values, dtype=object) for values in zip(*rows, strict=True))
    return {"opportunity_id": deal_ids, "order_id": order_ids, "user_id": users, "share": parts.astype(float)}
