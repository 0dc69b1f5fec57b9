"""What was planted, as truth.json holds it.

Keys (rates and probabilities are fractions, money is in the book's currency, ids are keys of the book):

seed, size               what the sample was written with
rep_skill                rep → true win probability of a usual deal, before training
full_history             reps who were there all 24 months
territory_potential      territory → true yearly potential; territory_effect → log-odds added to winning
source_effect            lead source → log-odds added to winning
segments, rhythms        account → segment; account → true mean days between orders (in season for "seasonal", of the
                         first orders for "fading", whose gaps grow)
rhythm_of_segment        segment → days, spread (CV), money per order, growth of the gap from order to order
churned                  account → stopped_on (no later order), driver (late deliveries, price increase, owner change)
exposed_but_stayed       accounts with bad deliveries or a price increase who did not leave
training                 the closing training: effect (added to proposal→won of deals that enter Proposal on or after
                         completion, at most .97), attendees with their days, and the trainings without effect
price_leakage            contracts invoiced below the agreed price: rate, accounts with the money lost,
                         reps whose contracts all leak
late_deliveries          the planted problem (family, territory, from, to, rate) and the usual rate
late_accounts, late_phase   accounts that had a phase of late deliveries; its days and rate
price_increase           fraction added to the prices of the accounts with a price increase
not_renewed              contracts that ended without a successor
broken_commitments       commitments that the data breaks by their original due date
commitments              commitment → kept, missed, pending, withdrawn, declared or unproven; kept_rate is planted
left                     rep → last_day, stand_in; `left_mid_period` names the one with a quota in that quarter
ramp, no_quota, new_rep_few_deals, moved   the reps with these stories
split_deals, split_orders, pushed_four_times, foreign_deals   ids
on_time_rate             rep → true chance that an activity is done by its due date
commit_rate              rep → share of deals in the last stage that the rep commits
push_rate                rep → chance that a deal that got as far as Proposal is pushed once more when it comes due,
                         three times at most; push_factor_lost multiplies it for deals that end lost
quota_attained           share of full rep-quarters attained, calibrated
"""

from __future__ import annotations

from typing import Any

import numpy as np

from salesops.sample.accounts import DRIVERS, PRICE_SHOCK, SEGMENTS, Accounts
from salesops.sample.commitments import KEPT
from salesops.sample.company import (
    CURRENCY,
    FAMILIES,
    LAST,
    NEVER,
    POTENTIAL,
    TERRITORIES,
    Array,
    Columns,
    dates,
    keys,
)
from salesops.sample.contracts import LEAK, Contracts
from salesops.sample.deals import PUSHED_LOST, SOURCES, TERRITORY_EFFECTS, Deals, pushed_four_times
from salesops.sample.orders import (
    LATE_IN_PHASE,
    LATE_IN_PROBLEM,
    LATE_PHASE_DAYS,
    LATE_PROBLEM,
    LATE_USUALLY,
    Orders,
)
from salesops.sample.people import TRAINING_EFFECT, Team, full_history, who
from salesops.sample.quotas import ATTAINED

Truth = dict[str, Any]


def people_truth(team: Team) -> Truth:
    """Return what is planted in reps and their quotas."""
    reps = [str(key) for key in team.keys]
    leavers, movers = np.flatnonzero(team.left < NEVER), np.flatnonzero(team.moved < NEVER)
    trained = np.flatnonzero(team.trained < NEVER)
    return {
        "rep_skill": _by(reps, team.skill),
        "full_history": who(team, full_history(team)),
        "on_time_rate": _by(reps, team.on_time),
        "commit_rate": _by(reps, team.commits),
        "push_rate": _by(reps, team.pushes),
        "training": {
            "training_id": "TR-01",
            "effect": TRAINING_EFFECT,
            "attendees": {reps[rep]: _iso(team.trained[rep]) for rep in trained},
            "without_effect": ["TR-02", "TR-03"],
        },
        "left": {
            reps[rep]: {"last_day": _iso(team.left[rep]), "stand_in": reps[team.stand_in[rep]]} for rep in leavers
        },
        "left_mid_period": [reps[team.leaver]],
        "ramp": [reps[team.ramping]],
        "no_quota": [reps[team.no_quota]],
        "new_rep_few_deals": [reps[team.newcomer]],
        "moved": {reps[rep]: _iso(team.moved[rep]) for rep in movers},
    }


def account_truth(team: Team, accounts: Accounts) -> Truth:
    """Return what is planted in territories and accounts."""
    ids, gone = accounts.keys, np.flatnonzero(accounts.driver >= 0)
    exposed = (accounts.late_from < NEVER) | (accounts.price_from < NEVER)
    homes = [str(key) for key in keys("T", len(POTENTIAL), team.division)]
    return {
        "territory_potential": dict(zip(homes, POTENTIAL, strict=True)),
        "territory_effect": dict(zip(homes, TERRITORY_EFFECTS, strict=True)),
        "segments": dict(zip(ids.tolist(), accounts.segment.tolist(), strict=True)),
        "rhythms": _by(ids[accounts.rhythmic].tolist(), accounts.gap[accounts.rhythmic]),
        "churned": {
            str(ids[a]): {"stopped_on": _iso(accounts.stop[a]), "driver": DRIVERS[accounts.driver[a]]} for a in gone
        },
        "exposed_but_stayed": ids[exposed & (accounts.driver < 0)].tolist(),
        "late_accounts": ids[accounts.late_from < NEVER].tolist(),
    }


def deal_truth(deals: Deals, deal_keys: Array, credits: Columns) -> Truth:
    """Return what is planted in deals."""
    deal_ids, order_ids = credits["opportunity_id"], credits["order_id"]
    return {
        "split_deals": list(dict.fromkeys(str(key) for key in deal_ids if key is not None)),
        "split_orders": list(dict.fromkeys(str(key) for key in order_ids if key is not None)),
        "pushed_four_times": deal_keys[pushed_four_times(deals)].tolist(),
        "foreign_deals": deal_keys[deals.currency != CURRENCY].tolist(),
    }


def order_truth(team: Team, accounts: Accounts, contracts: Contracts, orders: Orders) -> Truth:
    """Return what is planted in orders and contracts."""
    leaking = np.unique(contracts.account[contracts.leaks])
    leaked = np.bincount(orders.account[orders.order], orders.leaked, len(accounts.keys))
    ended = (contracts.end <= LAST) & (contracts.successor < 0)
    return {
        "price_leakage": {
            "rate": LEAK,
            "accounts": {str(accounts.keys[a]): round(float(leaked[a]), 2) for a in leaking},
            "reps": who(team, contracts.leaking_reps),
        },
        "not_renewed": contracts.keys[ended].tolist(),
    }


def commitment_truth(verdicts: dict[str, str]) -> Truth:
    """Return what is planted in commitments."""
    broken = [key for key, verdict in verdicts.items() if verdict == "missed"]
    return {"broken_commitments": broken, "commitments": verdicts}


def company_truth(seed: int, size: str) -> Truth:
    """Return what holds for the whole company."""
    problem = {key: _iso(LATE_PROBLEM[key]) for key in ("from", "to")}
    names = {"family": FAMILIES[LATE_PROBLEM["family"]], "territory": TERRITORIES[LATE_PROBLEM["territory"]]}
    return {
        "seed": seed,
        "size": size,
        "source_effect": SOURCES,
        "rhythm_of_segment": {name: vars(rhythm) for name, rhythm in SEGMENTS.items() if name != "project"},
        "late_deliveries": {**names, **problem, "rate": LATE_IN_PROBLEM, "usual_rate": LATE_USUALLY},
        "late_phase": {"days": LATE_PHASE_DAYS, "rate": LATE_IN_PHASE},
        "price_increase": PRICE_SHOCK - 1,
        "kept_rate": KEPT,
        "push_factor_lost": PUSHED_LOST,
        "quota_attained": ATTAINED,
    }


def merge(into: Truth, part: Truth) -> None:
    """Add the truth of one more division: lists and mappings grow, single values are the same everywhere."""
    for key, value in part.items():
        if isinstance(value, dict) and key in into:
            merge(into[key], value)
        elif isinstance(value, list) and key in into:
            into[key].extend(value)
        else:
            into[key] = value


def _by(ids: list[str], values: Array) -> dict[str, float]:
    return dict(zip(ids, (round(float(value), 4) for value in values), strict=True))


def _iso(day: int) -> str:
    return str(dates(np.array([day]))[0])
