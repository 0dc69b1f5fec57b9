"""What was promised: targets set so that the data itself keeps or breaks them at a known rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from salesops.sample.company import CURRENCY, LAST, Array, Columns, dates, day, instants, keys, stream, workday
from salesops.sample.deals import Deals
from salesops.sample.orders import Orders
from salesops.sample.people import Team
from salesops.sample.relations import contacted

KEPT = 0.64
MOVED = 0.18
WITHDRAWN = 0.05
CAUSES = ("Customer postponed", "Took longer than planned", "Waited for a colleague", "Sick leave")
WINDOWS = (  # agreed from, due: two past quarters, the running one, and what is not due yet
    ("2026-04-07", "2026-06-19"), ("2026-07-06", "2026-08-28"), ("2026-07-20", "2026-09-25"),
    ("2026-09-28", "2026-10-23"), ("2026-10-12", "2026-11-27"),
)  # fmt: skip
METRICS = (
    "activities_completed", "pipeline_created", "won_deals", "deal_won", "booked",
    "contact_made", "orders", "deal_stage",
)  # fmt: skip  # turns in this order


@dataclass(frozen=True, eq=False)
class Facts:
    """What can be promised and judged, from the other tables."""

    team: Team
    deals: Deals
    deal_keys: Array
    owner: Array
    account_keys: Array
    account_owner: Array
    orders: Orders
    contacts: tuple[Array, Array, Array]


@dataclass(frozen=True)
class Promise:
    """One metric with its target and subject."""

    metric: str
    target: str
    subject: str | None = None
    evidence: str | None = None


def gather(team: Team, deals: Deals, owner: Array, orders: Orders, rep: Array, tables: dict[str, Columns]) -> Facts:
    """Collect what promises are about; `rep` is the patch of each account."""
    return Facts(
        team, deals, tables["opportunities"]["opportunity_id"], owner, tables["accounts"]["account_id"],
        team.seller(rep, LAST), orders, contacted(tables["activities"], team),
    )  # fmt: skip  # positions follow the fields


def commitment_table(facts: Facts, seed: int) -> tuple[Columns, dict[str, str]]:
    """Return commitments, and the verdict on each: kept, missed, pending, withdrawn, declared or unproven."""
    rng = stream(seed, facts.team.division, "commitments")
    rows: list[tuple[object, ...]] = []
    verdicts: list[str] = []
    for window, (start, due) in enumerate(WINDOWS):
        active = np.flatnonzero((facts.team.hired <= day(start)) & (facts.team.left >= min(day(due), LAST)))
        for rep in active[rng.random(len(active)) < (0.5, 0.8, 0.7, 0.8, 0.6)[window]]:
            agreed, until = workday(day(start) + rng.integers(0, 10, 1))[0], day(due)
            row, verdict = _promise(facts, int(rep), (int(agreed), until), len(rows), rng)
            rows.append(row)
            verdicts.append(verdict)
    ids = keys("CM", len(rows), facts.team.division)
    return _columns(ids, rows), dict(zip((str(i) for i in ids), verdicts, strict=True))


def _promise(
    facts: Facts, rep: int, window: tuple[int, int], number: int, rng: np.random.Generator
) -> tuple[tuple[object, ...], str]:
    agreed, due = window
    team = facts.team
    keep = bool(rng.random() < KEPT)
    promise = _declared(number) if number % 23 == 11 else _measured(facts, rep, window, number, keep)
    moved = due + 14 if rng.random() < MOVED else due
    withdrawn = rng.random() < WITHDRAWN and due <= LAST
    missed = not keep and due <= LAST
    verdict = "kept" if keep else "missed"
    if withdrawn:
        verdict = "withdrawn"
    elif due > LAST:
        verdict = "pending"
    elif promise.metric not in METRICS:
        verdict = "declared" if promise.evidence else "unproven"
    cause = CAUSES[number % len(CAUSES)] if withdrawn or (missed and verdict == "missed") else None
    manager = team.managers[team.manager_on(agreed)[rep]]
    row = (
        team.keys[rep], manager, agreed, promise.metric, promise.target, promise.subject, due, moved, promise.evidence,
        due - 10 if withdrawn else np.nan, cause,
    )  # fmt: skip  # order of _columns
    return row, verdict


def _declared(number: int) -> Promise:
    # one promise in this book names nothing that proves it: the check has something to warn of
    evidence = None if number == 11 else f"DOC-{number:04d}"
    return Promise("reference_visit", "1", evidence=evidence)


def _measured(facts: Facts, rep: int, window: tuple[int, int], number: int, keep: bool) -> Promise:
    """Return a promise that the data keeps, or breaks, with the first metric that allows it."""
    for turn in range(len(METRICS)):
        metric = METRICS[(number + turn) % len(METRICS)]
        about = _SUBJECTS.get(metric)
        promise = about(facts, rep, window, keep) if about else _amount(facts, rep, window, metric, keep)
        if promise is not None:
            return promise
    return Promise("activities_completed", "0" if keep else "500")


def _amount(facts: Facts, rep: int, window: tuple[int, int], metric: str, keep: bool) -> Promise | None:
    found = _MEASURES[metric](facts, rep, window)
    money = metric in ("booked", "orders", "pipeline_created")
    if keep and found < (5000 if money else 1):
        return None
    # wide margins: the verdict does not hang on a share of a deal or on the hour of the first day
    if money:
        target = np.floor(found * 0.7 / 1000) if keep else np.ceil(found * 1.6 / 1000 + 10)
        return Promise(metric, f"{1000 * target:.0f}")
    target = max(1, np.floor(found * 0.8)) if keep else np.ceil(found * 1.3) + 1
    return Promise(metric, f"{target:.0f}")


def _within(days: Array, window: tuple[int, int]) -> Array:
    return np.asarray((days >= window[0]) & (days <= min(window[1], LAST)))


def _won(facts: Facts, rep: int, window: tuple[int, int]) -> Array:
    deals = facts.deals
    plain = deals.closed & deals.won & (deals.currency == CURRENCY)
    return np.asarray(plain & (facts.owner == rep) & _within(deals.end, window))


def _created(facts: Facts, rep: int, window: tuple[int, int]) -> float:
    own = (facts.owner == rep) & _within(facts.deals.created, window) & (facts.deals.currency == CURRENCY)
    return float(np.nansum(facts.deals.amount[own]))


def _ordered(facts: Facts, rep: int, window: tuple[int, int]) -> float:
    own = (facts.orders.owner == rep) & _within(facts.orders.day, window)
    return float(facts.orders.net[own[facts.orders.order]].sum())


def _done(facts: Facts, rep: int, window: tuple[int, int]) -> float:
    _, when, who = facts.contacts
    return float((_within(when, window) & (who == rep)).sum())


def _deal_won(facts: Facts, rep: int, window: tuple[int, int], keep: bool) -> Promise | None:
    known = facts.deals.created <= window[0]
    able = _won(facts, rep, window) if keep else (facts.owner == rep) & known & ~facts.deals.closed
    found = np.flatnonzero(able & known)
    return Promise("deal_won", "1", str(facts.deal_keys[found[0]])) if len(found) else None


def _deal_stage(facts: Facts, rep: int, window: tuple[int, int], keep: bool) -> Promise | None:
    deals = facts.deals
    known = (facts.owner == rep) & (deals.created <= window[0])
    reached = _within(deals.entered[:, 2], (window[0] + 1, window[1])) & (deals.end > window[1])
    found = np.flatnonzero(known & (reached if keep else ~deals.closed & (deals.stage < 2)))
    return Promise("deal_stage", "Proposal", str(facts.deal_keys[found[0]])) if len(found) else None


def _contact_made(facts: Facts, rep: int, window: tuple[int, int], keep: bool) -> Promise | None:
    account, when, who = facts.contacts
    own = facts.account_keys[facts.account_owner == rep]
    within = _within(when, (window[0] + 1, window[1]))
    spoken = set(account[within & (who == rep)]) if keep else set(account[_within(when, window)])
    found = [key for key in own if (key in spoken) == keep]
    return Promise("contact_made", "1", str(found[0])) if found else None


_MEASURES: dict[str, Callable[[Facts, int, tuple[int, int]], float]] = {
    "activities_completed": _done,
    "pipeline_created": _created,
    "won_deals": lambda facts, rep, window: float(_won(facts, rep, window).sum()),
    "booked": lambda facts, rep, window: float(facts.deals.amount[_won(facts, rep, window)].sum()),
    "orders": _ordered,
}
_SUBJECTS = {"deal_won": _deal_won, "deal_stage": _deal_stage, "contact_made": _contact_made}


def _columns(ids: Array, rows: list[tuple[object, ...]]) -> Columns:
    owner, partner, agreed, metric, target, subject, due, moved, evidence, withdrawn, cause = (
        np.array(values, dtype=object) for values in zip(*rows, strict=True)
    )
    hour = np.full(len(ids), 9 * 3600)
    return {
        "commitment_id": ids,
        "owner_id": owner,
        "agreed_with": partner,
        "agreed_at": instants(agreed.astype(float), hour),
        "metric": metric,
        "operator": np.full(len(ids), ">=", dtype=object),
        "target": target,
        "subject_id": subject,
        "original_due_date": dates(due.astype(float)),
        "due_date": dates(moved.astype(float)),
        "evidence_id": evidence,
        "withdrawn_at": instants(withdrawn.astype(float), hour),
        "cause": cause,
    }
