"""What happens around the deals and orders: calls, follow-ups, gifts, and what customers answer when asked."""

from __future__ import annotations

import numpy as np

from salesops.sample.accounts import Accounts
from salesops.sample.company import (
    FOLLOW_UP_DAYS,
    LAST,
    START,
    Array,
    Columns,
    blank,
    dates,
    instants,
    keys,
    pick,
    stream,
    workday,
)
from salesops.sample.deals import Deals
from salesops.sample.orders import Orders
from salesops.sample.people import Team

FOLLOW_UPS_CREATED = 0.86
PLANNED_BEFORE = 7  # days before an activity is due
SUBJECTS = {
    "call": ("Check the need", "Answer questions", "Agree the next step"),
    "email": ("Send the data sheet", "Confirm the dates", "Send references"),
    "meeting": ("Show the product", "Walk through the plant", "Review the offer"),
    "follow_up": ("Ask how the delivery went",),
    "gift": ("Birthday card",),
}
OUTCOMES = ("Reached", "Interested", "Asked for time", "No answer")
PRAISE = ("Quick and friendly.", "Everything as ordered.", "Good advice, thank you.", "Très bon contact.")
BLAME = ("Delivery came late again.", "Nobody told us about the delay.", "Price went up.", "Zu spät geliefert.")


def relation_tables(
    team: Team, accounts: Accounts, deals: Deals, orders: Orders, tables: dict[str, Columns], seed: int
) -> dict[str, Columns]:
    """Return activities and survey_responses; `tables` holds the contacts and opportunities made before."""
    rng = stream(seed, team.division, "relations")
    contacts, deal_keys = tables["contacts"], tables["opportunities"]["opportunity_id"]
    parts = [
        _follow_ups(team, accounts, orders, contacts, rng),
        _deal_work(team, accounts, deals, deal_keys, contacts, rng),
        _gifts(team, accounts, contacts, rng),
    ]
    return {
        "activities": _numbered(parts, team.division),
        "survey_responses": _surveys(team, accounts, orders, contacts, rng),
    }


def _follow_ups(team: Team, accounts: Accounts, orders: Orders, contacts: Columns, rng: np.random.Generator) -> Columns:
    last = orders.last_delivery
    order = np.flatnonzero(~np.isnan(last) & (rng.random(len(last)) < FOLLOW_UPS_CREATED))
    account = orders.account[order]
    keeper = team.seller(accounts.rep[account], orders.day[order])
    owner = np.where(orders.owner[order] >= 0, orders.owner[order], keeper)
    owner = np.where(team.left[owner] < last[order] + FOLLOW_UP_DAYS, team.stand_in[owner], owner)
    kind = np.full(len(order), "follow_up", dtype=object)
    columns = _work(team, kind, owner, last[order] + FOLLOW_UP_DAYS, last[order] + 1, rng)
    return columns | {
        "account_id": accounts.keys[account],
        "contact_id": _contact(accounts, account, contacts, rng),
        "order_id": orders.keys[order],
    }


def _deal_work(
    team: Team, accounts: Accounts, deals: Deals, deal_keys: Array, contacts: Columns, rng: np.random.Generator
) -> Columns:
    """A meeting for each deal that was qualified, calls and mails on the way, and the next call of open deals."""
    until = np.minimum(deals.end, LAST)
    met = np.flatnonzero(~np.isnan(deals.entered[:, 1]) & (deals.entered[:, 1] <= LAST))
    along = np.repeat(np.arange(len(until)), 1 + rng.poisson(1.2, len(until)))
    ahead = np.flatnonzero(~deals.closed & (rng.random(len(until)) < 0.7))
    deal = np.concatenate([met, along, ahead])
    due = np.concatenate([
        np.minimum(deals.entered[met, 1] + rng.integers(1, 9, len(met)), until[met]),
        deals.created[along] + np.floor((until - deals.created)[along] * rng.random(len(along))),
        LAST + rng.integers(2, 16, len(ahead)),
    ])  # fmt: skip  # one line a part
    kind = np.concatenate([
        np.full(len(met), "meeting", dtype=object),
        pick(rng, ("call", "email"), len(along)),
        np.full(len(ahead), "call", dtype=object),
    ])  # fmt: skip
    owner = team.seller(deals.rep[deal], due)
    # work from before the book's first day is not in it
    kept = due >= 0
    columns = _work(team, kind[kept], owner[kept], due[kept], deals.created[deal[kept]], rng)
    account = deals.account[deal[kept]]
    return columns | {
        "account_id": accounts.keys[account],
        "contact_id": _contact(accounts, account, contacts, rng),
        "opportunity_id": deal_keys[deal[kept]],
    }


def _gifts(team: Team, accounts: Accounts, contacts: Columns, rng: np.random.Generator) -> Columns:
    """A card on each birthday after the person agreed to be congratulated."""
    agreed = np.flatnonzero(~np.isnat(contacts["birthday_optin_at"]))
    contact = np.tile(agreed, 2)
    year = np.repeat(["2025-", "2026-"], len(agreed)).astype(object)
    birthday = (year + contacts["birthday_mmdd"][contact]).astype("datetime64[D]")
    wanted = (birthday > contacts["birthday_optin_at"][contact]) & (birthday <= START + LAST + 14)
    contact, due = contact[wanted], (birthday[wanted] - START).astype(int)
    account = np.searchsorted(accounts.keys, contacts["account_id"][contact])
    kind = np.full(len(contact), "gift", dtype=object)
    columns = _work(team, kind, team.seller(accounts.rep[account], due), due, due - 5, rng)
    return columns | {"account_id": accounts.keys[account], "contact_id": contacts["contact_id"][contact]}


def _work(team: Team, kind: Array, owner: Array, due: Array, earliest: Array, rng: np.random.Generator) -> Columns:
    """Return what all activities have. A rep is on time with the own chance; else late, or never."""
    count = len(kind)
    due = workday(due)
    draw = rng.random(count)
    early = np.maximum(workday(due - rng.integers(0, 5, count)), np.minimum(earliest, due))
    late = workday(due + 3 + rng.integers(0, 17, count))
    on_time = draw < team.on_time[owner]
    never = draw > 1 - 0.35 * (1 - team.on_time[owner])
    done = np.where(on_time, early, np.where(never, np.nan, late))
    done = np.where(done <= LAST, done, np.nan)
    turn = rng.integers(0, 3, count)
    subject = np.array([SUBJECTS[k][n % len(SUBJECTS[k])] for k, n in zip(kind, turn, strict=True)])
    outcome = pick(rng, OUTCOMES, count, (0.4, 0.25, 0.15, 0.2))
    spoken = ~np.isnan(done) & ~np.isin(kind, ["gift", "email"])
    return {
        "type": kind,
        "owner_id": team.keys[owner],
        "due_date": dates(due),
        "completed_at": instants(done, rng.integers(7, 16, count) * 3600 + rng.integers(0, 60, count) * 60),
        "subject": subject.astype(object),
        "outcome": blank(outcome, ~spoken),
        "created_date": dates(np.minimum(np.fmin(due - PLANNED_BEFORE, done), LAST)),
    }


def _contact(accounts: Accounts, account: Array, contacts: Columns, rng: np.random.Generator) -> Array:
    """Return one of the contacts of each account."""
    first = np.searchsorted(contacts["account_id"], accounts.keys)
    each = np.diff(np.append(first, len(contacts["account_id"])))
    return np.asarray(contacts["contact_id"][first[account] + rng.integers(0, each[account])])


def _numbered(parts: list[Columns], division: int) -> Columns:
    """Put the parts together, by due date, and number them; a column that a part lacks is empty there."""
    names = dict.fromkeys(name for part in parts for name in part)
    nothing = [np.full(len(part["type"]), None, dtype=object) for part in parts]
    both = list(zip(parts, nothing, strict=True))
    columns = {name: np.concatenate([part.get(name, none) for part, none in both]) for name in names}
    order = np.argsort(columns["due_date"], kind="stable")
    return {"activity_id": keys("AC", len(order), division)} | {name: v[order] for name, v in columns.items()}


def _surveys(team: Team, accounts: Accounts, orders: Orders, contacts: Columns, rng: np.random.Generator) -> Columns:
    """One in three delivered orders is asked about; two in five answer; late deliveries cost three points."""
    last = orders.last_delivery
    order = np.flatnonzero((last + 7 <= LAST) & (rng.random(len(last)) < 0.3))
    count = len(order)
    was_late = np.zeros(len(last), dtype=bool)
    np.logical_or.at(was_late, orders.order, orders.late)
    sent = workday(last[order]) + 7
    answered = np.where(rng.random(count) < 0.42, sent + rng.integers(0, 10, count), np.nan)
    answered = np.where(answered <= LAST, answered, np.nan)
    score = np.clip((8.3 - 3.2 * was_late[order] + rng.normal(0, 1.3, count)).round(), 0, 10)
    says = np.where(score >= 7, pick(rng, PRAISE, count), pick(rng, BLAME, count))
    silent = np.isnan(answered)
    account = orders.account[order]
    return {
        "survey_id": keys("S", count, team.division),
        "account_id": accounts.keys[account],
        "order_id": orders.keys[order],
        "contact_id": _contact(accounts, account, contacts, rng),
        "sent_at": instants(sent, np.full(count, 8 * 3600)),
        "responded_at": instants(answered, rng.integers(9, 16, count) * 3600),
        "score": np.where(silent, np.nan, score),
        "comment": blank(says, silent | (rng.random(count) < 0.65)),
    }


def contacted(activities: Columns, team: Team) -> tuple[Array, Array, Array]:
    """Return account key, day and rep of each completed activity."""
    done = ~np.isnat(activities["completed_at"])
    when = (activities["completed_at"][done].astype("datetime64[D]") - START).astype(int)
    rep = np.searchsorted(team.keys, activities["owner_id"][done])
    return activities["account_id"][done], when, rep
