"""Who sells: reps with a true skill, their managers, who came, who left, who was trained."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from salesops.sample.company import (
    COMPANY,
    LAST,
    MANAGERS,
    NEVER,
    REPS,
    Array,
    Columns,
    dates,
    day,
    instants,
    keys,
    named,
    stream,
    workday,
)
from salesops.sample.names import addresses, people

PUSH_RATES = (0.15, 0.75)
TRAINING_EFFECT = 0.15
TRAINING_COHORTS = (day("2025-05-15"), day("2025-09-15"), day("2026-01-15"))
TERRITORY_OF_MANAGER = np.array([0, 1, 2, 3, 4, 0])


@dataclass(frozen=True, eq=False)
class Team:
    """The reps of a division, one value a rep.

    `stand_in` looks after the accounts of a rep before the first and after the last day in the job.
    `skill`: true win probability; `on_time`: true chance that an activity is done by its due date;
    `commits`: chance that a deal in the last stage is put into the commit. `trained`: day on which the
    closing training was completed. `pushes`: chance that a deal which got as far as Proposal is put off once
    more when it comes due. The last five fields name the reps with a story.
    """

    division: int
    keys: Array
    managers: Array
    head: str
    manager: Array
    earlier_manager: Array
    moved: Array
    hired: Array
    left: Array
    stand_in: Array
    skill: Array
    on_time: Array
    commits: Array
    trained: Array
    pushes: Array
    leaver: int
    ramping: int
    newcomer: int
    no_quota: int
    plain: Array

    @property
    def territory(self) -> Array:
        """Territory of each rep, today."""
        return np.asarray(TERRITORY_OF_MANAGER[self.manager])

    def seller(self, rep: Array, on: Array | int) -> Array:
        """Return who looks after what belongs to `rep` on a day."""
        there = (on >= self.hired[rep]) & (on <= self.left[rep])
        return np.where(there, rep, self.stand_in[rep])

    def manager_on(self, on: int) -> Array:
        """Return the manager of each rep on a day."""
        return np.where(on < self.moved, self.earlier_manager, self.manager)


def hire_team(seed: int, division: int) -> Team:
    """Return the reps of one division. One random order decides who gets which story."""
    rng = stream(seed, division, "people")
    order = rng.permutation(REPS)
    manager = np.arange(REPS) % MANAGERS
    hired = np.asarray(workday(-rng.integers(90, 3000, REPS)))
    left, moved = np.full(REPS, NEVER), np.full(REPS, NEVER)
    hired[order[3:6]] = day("2026-06-01"), day("2026-07-01"), day("2025-05-05")
    left[order[:3]] = day("2026-08-14"), day("2025-04-30"), day("2025-11-28")
    moved[order[7:9]] = day("2025-07-01"), day("2026-08-01")
    return Team(
        division=division,
        keys=keys("U", REPS, division, first=11),
        managers=keys("U", MANAGERS, division, first=2),
        head=str(keys("U", 1)[0]),
        manager=manager,
        earlier_manager=np.where(moved < NEVER, (manager + 1) % MANAGERS, manager),
        moved=moved,
        hired=hired,
        left=left,
        stand_in=_stand_ins(manager, order[9:]),
        skill=_skills(rng),
        on_time=np.clip(rng.normal(0.76, 0.12, REPS), 0.4, 0.97).round(4),
        commits=np.clip(rng.normal(0.6, 0.15, REPS), 0.2, 0.95).round(4),
        trained=_cohorts(rng, order[6:]),
        pushes=rng.permutation(np.linspace(*PUSH_RATES, REPS)).round(4),
        leaver=int(order[0]), ramping=int(order[3]), newcomer=int(order[4]), no_quota=int(order[6]),
        plain=order[9:],
    )  # fmt: skip  # the stories stand on one line


def _skills(rng: np.random.Generator) -> Array:
    # quantiles instead of draws: the spread of skill is the same for every seed
    normal = NormalDist(0.25, 0.125)
    return np.clip([normal.inv_cdf((i + 0.5) / REPS) for i in rng.permutation(REPS)], 0.07, 0.6).round(4)


def _stand_ins(manager: Array, plain: Array) -> Array:
    mates = [[p for p in plain if manager[p] == manager[rep] and p != rep] or [plain[0]] for rep in range(REPS)]
    return np.array([near[rep % len(near)] for rep, near in enumerate(mates)])


def _cohorts(rng: np.random.Generator, stayers: Array) -> Array:
    trained = np.full(REPS, NEVER)
    chosen = rng.permutation(stayers)[:21]
    for cohort, when in enumerate(TRAINING_COHORTS):
        trained[chosen[cohort::3]] = when
    return trained


def user_tables(team: Team, seed: int) -> dict[str, Columns]:
    """Return users, user_history and training_attendance."""
    return {
        "users": _users(team, stream(seed, team.division, "users")),
        "user_history": _user_history(team),
        "training_attendance": _attendance(team, stream(seed, team.division, "trainings")),
    }


def _users(team: Team, rng: np.random.Generator) -> Columns:
    top = 1 if team.division == 0 else 0
    ids = np.concatenate([np.array([team.head] * top, dtype=object), team.managers, team.keys])
    names = people(rng, len(ids))
    lead = np.full(MANAGERS, team.head, dtype=object)
    home = keys("T", 5, team.division)
    none = np.array([None] * top, dtype=object)
    return {
        "user_id": ids,
        "user_name": names,
        "role": np.array(["manager"] * (top + MANAGERS) + ["rep"] * REPS, dtype=object),
        "manager_id": np.concatenate([none, lead, team.managers[team.manager]]),
        "territory_id": np.concatenate([none, home[TERRITORY_OF_MANAGER], home[team.territory]]),
        "hire_date": dates(np.concatenate([np.full(top, day("2016-03-01")), _since(team), team.hired])),
        "end_date": dates(np.concatenate([np.full(top + MANAGERS, NEVER), team.left])),
        "email": addresses(names, COMPANY.split()[0].lower()),
    }


def _since(team: Team) -> Array:
    return np.asarray(workday(day("2019-01-07") + 91 * np.arange(len(team.managers))))


def _user_history(team: Team) -> Columns:
    movers = np.flatnonzero(team.moved < NEVER)
    home = keys("T", 5, team.division)
    leads = np.concatenate([team.earlier_manager, team.manager[movers]])
    since = np.concatenate([team.hired, team.moved[movers]])
    until = np.concatenate([np.minimum(team.moved - 1, team.left), team.left[movers]])
    until = np.where(until >= NEVER - 1, NEVER, until)
    return {
        "user_id": np.concatenate([team.managers, team.keys, team.keys[movers]]),
        "valid_from": dates(np.concatenate([_since(team), since])),
        "manager_id": np.concatenate([np.full(MANAGERS, team.head, dtype=object), team.managers[leads]]),
        "territory_id": home[TERRITORY_OF_MANAGER[np.concatenate([np.arange(MANAGERS), leads])]],
        "valid_to": dates(np.concatenate([np.full(MANAGERS, NEVER), until])),
    }


def _attendance(team: Team, rng: np.random.Generator) -> Columns:
    closing = np.flatnonzero(team.trained < NEVER)
    persuasion = np.sort(rng.permutation(team.plain)[:10])
    leads = np.sort(rng.permutation(team.plain)[:8])
    who = np.concatenate([closing, persuasion, leads])
    sizes = (len(closing), len(persuasion), len(leads))
    when = np.concatenate([team.trained[closing], np.full(10, day("2025-06-12")), np.full(8, day("2026-03-19"))])
    return {
        "training_id": np.repeat(np.array(["TR-01", "TR-02", "TR-03"], dtype=object), sizes),
        "user_id": team.keys[who],
        "completed_at": instants(when, np.full(len(who), 15 * 3600)),
        "score": rng.integers(55, 101, len(who)).astype(float),
        "assignment_reason": np.repeat(np.array(["random", "manager", "volunteer"], dtype=object), sizes),
    }


def full_history(team: Team) -> Array:
    """Return the positions of the reps who were there all the time."""
    return np.flatnonzero((team.hired <= 0) & (team.left > LAST))


def who(team: Team, positions: Array) -> list[str]:
    """Return the keys of reps, for truth.json."""
    return [str(key) for key in named(team.keys, positions)]
