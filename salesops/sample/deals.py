"""How deals run: they arrive, pass stages or fail, are pushed, and change their amount on the way."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from salesops.sample.accounts import Accounts
from salesops.sample.company import (
    CURRENCY,
    LAST,
    POTENTIAL,
    RAMP,
    REPS,
    STAGES,
    START,
    Array,
    pick,
    stream,
    workday,
)
from salesops.sample.people import TRAINING_EFFECT, Team

FIRST_DAY = -270  # deals that were open when the book begins
PER_REP = 102.0  # deals of a rep who is there from FIRST_DAY to LAST
FEWEST = 88
MONTH_WEIGHTS = (0.95, 1.0, 1.2, 1.05, 1.0, 1.1, 0.85, 0.65, 1.2, 1.1, 1.15, 0.75)
SOURCES = {"Inbound": 0.15, "Outbound": -0.25, "Referral": 0.45, "Partner": 0.1, "Event": -0.1}
SOURCE_SHARES = (0.3, 0.35, 0.12, 0.13, 0.1)
TERRITORY_EFFECTS = (0.12, -0.14, -0.06, 0.1, 0.0)
STAGE_PASS = (0.70, 0.72, 0.70, 0.77)
STAGE_DAYS = (9.0, 14.0, 16.0, 12.0)
PUSHED_LOST = 1.2  # factor on the chance of one more push, for deals that end lost
SHIFTS = (21, 28, 30, 45, 60, 90)
MOST_PUSHES = 3  # but for the one deal that is pushed four times
NOT_YET = LAST + 15


@dataclass(frozen=True, eq=False)
class Deals:
    """The deals of a division, one value (or one row) a deal; NaN where something never happened.

    `rep`: who opened it. `entered`, `amounts`: per stage, the day of entry and the amount from then on.
    `end`: day on which it closes, later than LAST while open. `first_plan`: close date first planned;
    `push_on`, `push_to`: days of pushes and the close dates they set. `undated`: no close date in the first stage.
    """

    rep: Array
    account: Array
    created: Array
    source: Array
    kind: Array
    entered: Array
    amounts: Array
    end: Array
    won: Array
    first_plan: Array
    push_on: Array
    push_to: Array
    undated: Array
    currency: Array

    @property
    def closed(self) -> Array:
        """Whether the deal was decided by the last day."""
        return self.end <= LAST

    @property
    def stage(self) -> Array:
        """The last open stage that the deal has entered by the last day."""
        reached = np.where(self.entered <= LAST, np.arange(len(STAGES)), 0)
        return np.asarray(reached.max(axis=1))

    @property
    def amount(self) -> Array:
        """The amount now in force; NaN where none was ever named."""
        return np.asarray(self.amounts[np.arange(len(self.stage)), self.stage])


def run_deals(team: Team, accounts: Accounts, seed: int) -> Deals:
    """Return every deal that was open on some day of the book, sorted by the day it arrived."""
    rng = stream(seed, team.division, "deals")
    rep, created = _arrive(team, rng)
    account = _customers(accounts, rep, rng)
    source = pick(rng, tuple(SOURCES), len(rep), SOURCE_SHARES)
    kind = _kinds(accounts, account, rng)
    passes = _chances(team, accounts, rep, account, source, kind, rng)
    entered, end, won = _walk(team, rep, created, passes, rng)
    shifts = _shifts(team, rep, ~np.isnan(entered[:, 2]), won, rng)
    end = workday(end + shifts.sum(axis=1))
    entered, end = _newcomer_closes_three(team, rep, created, entered, end)
    amounts = _amounts(accounts, account, kind, entered, rng)
    first_plan, push_on, push_to = _plans(created, end, shifts, rng)
    undated = rng.random(len(rep)) < 0.05
    kept = np.flatnonzero(end >= 0)
    currency = _currencies(accounts, account, rep == team.newcomer, kept, rng)
    every = Deals(
        rep, account, created, source, kind, entered, amounts, end, won, first_plan, push_on, push_to, undated, currency
    )
    return _push_one_four_times(Deals(*(getattr(every, field.name)[kept] for field in fields(Deals))), team)


def _arrive(team: Team, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw a Poisson number of deals a rep, and their days by the season of the year and workdays."""
    days = np.arange(FIRST_DAY, LAST + 1)
    months = (START + days).astype("datetime64[M]").astype(int) % 12
    weights = np.array(MONTH_WEIGHTS)[months] * (workday(days) == days)
    curve = np.array([*RAMP, 1.0])
    rep, created = [], []
    for one in range(REPS):
        tenure = np.clip((days - team.hired[one]) // 30, 0, len(RAMP))
        own = weights * ((days >= team.hired[one]) & (days <= team.left[one])) * curve[tenure]
        share = own.sum() / weights.sum()
        count = max(rng.poisson(PER_REP * share), round(FEWEST * share), 9)
        rep.append(np.full(count, one))
        created.append(rng.choice(days, count, p=own / own.sum()))
    order = np.argsort(np.concatenate(created), kind="stable")
    return np.concatenate(rep)[order], np.concatenate(created)[order]


def _customers(accounts: Accounts, rep: Array, rng: np.random.Generator) -> Array:
    patches = len(accounts.keys) // REPS
    return np.asarray(rep + REPS * rng.integers(0, patches, len(rep)))


def _kinds(accounts: Accounts, account: Array, rng: np.random.Generator) -> Array:
    known = np.where(rng.random(len(account)) < 0.75, "expansion", "new")
    known = np.where(accounts.contracted[account] & (rng.random(len(account)) < 0.25), "renewal", known)
    return np.where(accounts.segment[account] == "project", "new", known).astype(object)


def _chances(
    team: Team, accounts: Accounts, rep: Array, account: Array, source: Array, kind: Array, rng: np.random.Generator
) -> Array:
    """Return the chance to pass each stage: its product is the rep's skill, moved by source, territory and kind."""
    skill = team.skill[rep]
    odds = np.log(skill / (1 - skill)) + np.array([SOURCES[s] for s in source])
    odds += np.array(TERRITORY_EFFECTS)[accounts.territory[account]] + 0.35 * (kind == "renewal") - 0.03
    shifts = np.linspace(-5, 5, 401)[:, None]
    base = np.log(np.array(STAGE_PASS) / (1 - np.array(STAGE_PASS)))
    by_shift = 1 / (1 + np.exp(-(base + shifts)))
    shift = np.interp(1 / (1 + np.exp(-odds)), by_shift.prod(axis=1), shifts[:, 0])
    return np.asarray(1 / (1 + np.exp(-(base + shift[:, None]))))


def _walk(
    team: Team, rep: Array, created: Array, passes: Array, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Return the days of entry into each stage, the day of the end, and whether it is a win."""
    count = len(rep)
    spent = np.array(STAGE_DAYS) * np.exp(rng.normal(0, 0.5, (count, 4)))
    spent = np.maximum(spent, 2)
    draws = rng.random((count, 4))
    skips = (rng.random(count) < 0.07) & (draws[:, 1] < passes[:, 1])
    spent[skips, 1] = 0
    entry = created[:, None] + np.concatenate([np.zeros((count, 1)), spent.cumsum(axis=1)[:, :3]], axis=1)
    trained = entry[:, 2] >= team.trained[rep]
    closing = passes[:, 2] * passes[:, 3]
    better = np.minimum(closing + TRAINING_EFFECT, 0.97) / closing
    lifted = passes.copy()
    lifted[trained, 2:] *= np.sqrt(better[trained])[:, None]
    passed = (draws < lifted).cumprod(axis=1).sum(axis=1)
    last = np.minimum(passed, 3)
    row = np.arange(count)
    end = entry[row, last] + spent[row, last] * np.where(passed == 4, 1, 1.2)
    entered = np.where(np.arange(4) <= last[:, None], workday(entry.round()), np.nan)
    entered[skips & (last >= 1), 1] = np.nan
    return entered, np.asarray(workday(np.maximum(end.round(), created + 3))), passed == 4


def _shifts(team: Team, rep: Array, offered: Array, won: Array, rng: np.random.Generator) -> Array:
    """Return the days by which each push puts a deal off, latest push first; 0 is no push. Early stages have none."""
    chance = team.pushes[rep] * np.where(won, 1, PUSHED_LOST) * offered
    pushes = np.minimum(rng.geometric(1 - chance) - 1, MOST_PUSHES)
    return rng.choice(SHIFTS, (len(rep), MOST_PUSHES + 1)) * (np.arange(MOST_PUSHES + 1) < pushes[:, None])


def _newcomer_closes_three(team: Team, rep: Array, created: Array, entered: Array, end: Array) -> tuple[Array, Array]:
    """Let the first three deals of the newcomer close by the last day, and no other."""
    entered, end = entered.copy(), end.copy()
    own = np.flatnonzero(rep == team.newcomer)
    for place, deal in enumerate(own[:3]):
        until = workday(np.array(LAST - 16 + 7 * place))
        if end[deal] > until:
            pace = (until - created[deal]) / (end[deal] - created[deal])
            entered[deal] = created[deal] + np.floor((entered[deal] - created[deal]) * pace)
            end[deal] = until
    late = own[3:]
    end[late] = np.maximum(end[late], NOT_YET)
    return workday(entered), end


def _amounts(accounts: Accounts, account: Array, kind: Array, entered: Array, rng: np.random.Generator) -> Array:
    """Return the amount in each stage: some begin without one, some are revised, some are talked down."""
    count = len(account)
    potential = np.array(POTENTIAL)[accounts.territory[account]] / np.mean(POTENTIAL)
    usual = 11_500 * np.sqrt(potential) * np.where(kind == "renewal", 1.3, 1.0)
    amounts = np.repeat((usual * np.exp(rng.normal(0, 0.85, count)))[:, None], 4, axis=1)
    amounts[:, 2:] *= np.where(rng.random(count) < 0.35, np.exp(rng.normal(-0.02, 0.18, count)), 1)[:, None]
    amounts[:, 3] *= np.where(rng.random(count) < 0.4, rng.uniform(0.88, 0.97, count), 1)
    amounts = np.asarray(np.maximum(amounts.round(-2), 300))
    unpriced = rng.random(count) < 0.12
    amounts[unpriced, 0] = np.nan
    skipped = np.isnan(entered[:, 1])
    amounts[skipped, 1] = amounts[skipped, 0]
    return amounts


def _plans(created: Array, end: Array, shifts: Array, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return the close date first planned, and the day and new date of each push, latest push first.

    The last plan lies near the true end; each push before it moved the date by its shift.
    """
    count = len(created)
    last_plan = end + rng.integers(0, 10, count)
    plans = workday(last_plan[:, None] - np.concatenate([np.zeros((count, 1)), shifts.cumsum(axis=1)], axis=1))
    on = workday(plans[:, 1:] - rng.integers(-2, 6, shifts.shape))
    real = ((shifts > 0) & (on > created[:, None] + 2)).cumprod(axis=1).astype(bool)
    first_plan = plans[np.arange(count), real.sum(axis=1)]
    return first_plan, np.where(real, on, np.nan), np.where(real, plans[:, :-1], np.nan)


def _currencies(accounts: Accounts, account: Array, spared: Array, kept: Array, rng: np.random.Generator) -> Array:
    """Let a handful of deals be in Swiss francs, which have a rate, and in Swedish crowns, which have none."""
    currency = np.full(len(account), CURRENCY, dtype=object)
    for code, country, most in (("CHF", "Switzerland", 6), ("SEK", "Sweden", 4)):
        able = kept[(accounts.country[account[kept]] == country) & ~spared[kept]]
        currency[rng.permutation(able)[:most]] = code
    return currency


def _push_one_four_times(deals: Deals, team: Team) -> Deals:
    """Give the oldest open deal of a plain rep exactly four pushes."""
    able = ~deals.closed & np.isin(deals.rep, team.plain)
    chosen = int(np.argmax(np.where(able, LAST - deals.created, -1)))
    step = int(LAST - deals.created[chosen]) // 5
    deals.push_on[chosen] = workday(deals.created[chosen] + step * np.arange(4, 0, -1))
    deals.push_to[chosen] = workday(deals.created[chosen] + step * np.arange(5, 1, -1) + 18)
    deals.first_plan[chosen] = workday(deals.created[chosen] + step + 18)
    deals.undated[chosen] = False
    return deals


def pushed_four_times(deals: Deals) -> Array:
    """Return the positions of the open deals that were pushed four times."""
    pushes = (deals.push_on <= LAST).sum(axis=1)
    return np.flatnonzero(~deals.closed & (pushes == 4))
