"""Who buys: accounts with a true rhythm, what they buy, at what price, and why some stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.sample.company import (
    COUNTRIES,
    FAMILIES,
    LAST,
    NEVER,
    POTENTIAL,
    REPS,
    TERRITORIES,
    Array,
    Columns,
    blank,
    dates,
    day,
    instants,
    keys,
    named,
    pick,
    stream,
)
from salesops.sample.names import addresses, firms, people, titles
from salesops.sample.people import Team

PRICE_SHOCK = 1.12
DRIVERS = ("late deliveries", "price increase", "owner change")


@dataclass(frozen=True)
class Rhythm:
    """How a segment buys: share of accounts, days between orders, their spread (CV), money per order,
    and the factor by which the days grow from order to order."""

    share: float
    gap: float
    cv: float
    value: float
    growth: float = 1.0


SEGMENTS = {
    "steady": Rhythm(0.32, 21, 0.25, 900),
    "seasonal": Rhythm(0.14, 11, 0.2, 2600),
    "lumpy": Rhythm(0.13, 95, 0.5, 8000),
    "fading": Rhythm(0.11, 16, 0.25, 350, 1.13),
    "project": Rhythm(0.30, NEVER, 0.25, 0),
}


@dataclass(frozen=True, eq=False)
class Accounts:
    """The accounts of a division, one value an account.

    `rep`: the rep whose patch it is. `gap`, `value`: its own mean days between orders and money per order.
    `start`, `stop`: days between which it buys; `stop` is NEVER unless it churns, for `driver` (a position in
    DRIVERS, else -1). `late_from`, `price_from`: when its bad deliveries and its price increase begin.
    """

    keys: Array
    names: Array
    rep: Array
    territory: Array
    country: Array
    trade: Array
    segment: Array
    gap: Array
    value: Array
    start: Array
    stop: Array
    driver: Array
    late_from: Array
    price_from: Array
    discount: Array
    families: Array
    contracted: Array

    @property
    def rhythmic(self) -> Array:
        """Positions of the accounts that order by themselves, not by deals alone."""
        return np.flatnonzero(self.segment != "project")


def settle_accounts(team: Team, seed: int, count: int) -> Accounts:
    """Return the accounts of one division."""
    rng = stream(seed, team.division, "accounts")
    rep = np.arange(count) % REPS
    territory = team.territory[rep]
    country = np.array([pick(rng, COUNTRIES[t], 1, (0.6, 0.25, 0.15))[0] for t in territory], dtype=object)
    names, trade = firms(rng, country)
    segment = pick(rng, tuple(SEGMENTS), count, [rhythm.share for rhythm in SEGMENTS.values()])
    gap = np.array([SEGMENTS[s].gap for s in segment]) * np.exp(rng.normal(0, 0.08, count))
    start = np.where(rng.random(count) < 0.85, rng.integers(0, 15, count), rng.integers(15, 400, count))
    stop, driver, late_from, price_from = _drive_away(team, rep, segment, start, rng)
    rhythmic = segment != "project"
    return Accounts(
        keys=keys("A", count, team.division),
        names=names,
        rep=rep,
        territory=territory,
        country=country,
        trade=trade,
        segment=segment,
        gap=gap.round(2),
        value=np.array([SEGMENTS[s].value for s in segment]) * np.exp(rng.normal(0, 0.16, count)),
        start=start,
        stop=stop,
        driver=driver,
        late_from=late_from,
        price_from=price_from,
        discount=rng.choice([0, 0, 0.03, 0.05, 0.08, 0.1], count),
        families=rng.permuted(np.tile(np.arange(len(FAMILIES)), (count, 1)), axis=1)[:, :3],
        contracted=rhythmic & (price_from == NEVER) & (rng.random(count) < 0.4),
    )


def _drive_away(
    team: Team, rep: Array, segment: Array, start: Array, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Return stop, driver, late_from and price_from. About a third of those with a reason stay."""
    count = len(rep)
    stop, driver = np.full(count, NEVER), np.full(count, -1)
    late_from, price_from = np.full(count, NEVER), np.full(count, NEVER)
    able = rng.permutation(np.flatnonzero(np.isin(segment, ["steady", "lumpy", "seasonal"]) & (start < 15)))
    left = able[team.left[rep[able]] < NEVER]
    leaving = left[rng.random(len(left)) < 0.55]
    stop[leaving] = team.left[rep[leaving]] + rng.integers(15, 75, len(leaving))
    driver[leaving] = DRIVERS.index("owner change")
    others = able[team.left[rep[able]] == NEVER]
    exposed, shocked = np.array_split(others[: max(6, count // 10)], 2)
    late_from[exposed] = rng.integers(day("2025-03-01"), day("2026-05-01"), len(exposed))
    price_from[shocked] = rng.integers(day("2025-03-01"), day("2026-06-01"), len(shocked))
    for which, since, wait in ((exposed, late_from, 100), (shocked, price_from, 70)):
        goes = which[rng.random(len(which)) < 0.68]
        stop[goes] = since[goes] + wait + rng.integers(0, 30, len(goes))
        driver[goes] = DRIVERS.index("late deliveries" if which is exposed else "price increase")
    stop[stop > LAST - 45] = NEVER
    driver[stop == NEVER] = -1
    return stop, driver, late_from, price_from


def account_tables(team: Team, accounts: Accounts, seed: int) -> dict[str, Columns]:
    """Return territories, accounts and contacts."""
    rng = stream(seed, team.division, "contacts")
    return {
        "territories": _territories(team, rng),
        "accounts": _accounts(team, accounts, rng),
        "contacts": _contacts(team, accounts, rng),
    }


def _territories(team: Team, rng: np.random.Generator) -> Columns:
    # what planners believe is near the truth, not equal to it
    believed = np.array(POTENTIAL) * rng.uniform(0.9, 1.1, len(POTENTIAL))
    after = f" {team.division + 1}" if team.division else ""
    return {
        "territory_id": keys("T", len(TERRITORIES), team.division),
        "territory_name": np.array([name + after for name in TERRITORIES], dtype=object),
        "potential_amount": believed.round(-4),
    }


def _accounts(team: Team, accounts: Accounts, rng: np.random.Generator) -> Columns:
    count = len(accounts.keys)
    size = np.exp(rng.normal(4.6, 1.1, count)).round()
    parent = np.where(rng.random(count) < 0.04, np.arange(count) - REPS, -1)
    created = np.where(accounts.start < 15, -rng.integers(30, 2500, count), accounts.start - rng.integers(1, 60, count))
    return {
        "account_id": accounts.keys,
        "account_name": accounts.names,
        "owner_id": team.keys[team.seller(accounts.rep, LAST)],
        "parent_id": named(accounts.keys, parent),
        "industry": accounts.trade,
        "number_of_employees": np.maximum(size, 4),
        "annual_revenue": (size * rng.uniform(90_000, 260_000, count)).round(-5),
        "country": accounts.country,
        "created_date": dates(created),
    }


def _contacts(team: Team, accounts: Accounts, rng: np.random.Generator) -> Columns:
    """One to three people an account; the first contact of an account stands first."""
    each = rng.choice([1, 2, 3], len(accounts.keys), p=[0.45, 0.4, 0.15])
    account = np.repeat(np.arange(len(each)), each)
    count = len(account)
    names = people(rng, count)
    birthday = np.datetime64("2023-01-01") + rng.integers(0, 365, count).astype("timedelta64[D]")
    told = rng.random(count) < 0.45
    agreed = np.where(told & (rng.random(count) < 0.6), -rng.integers(-LAST, 600, count), NEVER)
    return {
        "contact_id": keys("C", count, team.division),
        "account_id": accounts.keys[account],
        "contact_name": names,
        "title": titles(rng, count),
        "email": addresses(names, "customer"),
        "birthday_mmdd": blank(np.char.partition(birthday.astype(str), "-")[:, 2], ~told),
        "birthday_optin_at": instants(agreed, rng.integers(8 * 3600, 15 * 3600, count)),
    }
