"""What an outcome of the quota what-if says, line by line; the page and the widget show the same words."""

from __future__ import annotations

import numpy as np

from salesops import words
from salesops.models.quota import Outcome

LINES = {
    "p_target": "Chance that the company makes its target",
    "target": "Company target",
    "quota_total": "Rep quotas together",
    "over_assignment": "Over-assignment",
    "expected": "Expected in all",
    "range": "In 80 of 100 cases",
    "attaining": "Reps expected to make their quota",
    "fairness": "Fairness: spread of P(attain) between territories",
    "concentration": "Brought by the best fifth of reps",
    "payout": "Commission, expected",
    "payout_range": "Commission, in 80 of 100 cases",
    "payout_at_risk": "Commission at risk above the budget",
    "pay": "Pay",
    "cost_of_sales": "Cost of sales",
}


def outcome_words(found: Outcome, currency: str) -> dict[str, str]:
    """Return the value of each of LINES as people read it; what is not known reads "–"."""
    chances = found.reps.p_attain.to_numpy(float)
    some = 0 if found.why_not else int(np.isfinite(chances).sum())
    return {
        "p_target": _chance(found),
        "target": words.money(found.target, currency=currency),
        "quota_total": words.money(found.quota_total, currency=currency) if found.quota_total else words.MISSING,
        "over_assignment": words.percent(found.over_assignment) if found.quota_total else words.MISSING,
        "expected": words.money(found.expected, currency=currency),
        "range": _range(found.p10, found.p90, currency),
        "attaining": f"{words.number(np.nansum(chances), decimals=1)} of {some}" if some else words.MISSING,
        "fairness": _points(found.fairness),
        "concentration": words.percent(found.concentration),
        "payout": words.money(found.payout, currency=currency),
        "payout_range": _range(found.payout_p10, found.payout_p90, currency),
        "payout_at_risk": _at_risk(found.payout_at_risk, currency),
        "pay": words.money(found.pay, currency=currency),
        "cost_of_sales": words.percent(found.cost_of_sales, decimals=1),
    }


def change_words(before: Outcome, now: Outcome, currency: str) -> dict[str, str]:
    """Return how each of LINES changed, with its sign; "" where nothing changed or nothing can be compared."""
    found = {}
    for name in LINES:
        old, new = (getattr(one, name, float("nan")) for one in (before, now))
        off = new - old
        if name in ("p_target", "fairness", "over_assignment", "concentration", "cost_of_sales"):
            shown = _points(off, signed=True)
        else:
            shown = words.money(abs(off), currency=currency) if np.isfinite(off) else ""
            shown = f"{'+' if off > 0 else '−'}{shown}"
        found[name] = shown if np.isfinite(off) and abs(off) > 1e-9 and shown.strip("+−0 points") else ""
    return found


def headline_words(before: Outcome, now: Outcome, currency: str, *, same: bool) -> str:
    """Say the company's chance, today and under the scenario."""
    if not np.isfinite(now.target):
        return "There is no target and no quota yet. Give a target, or type quotas, to see who can make them."
    goal = words.money(now.target, currency=currency)
    if not np.isfinite(now.p_target):
        return f"The chance to reach {goal} is not known: {now.why_not}"
    if now.target <= now.closed:
        return f"The company has reached {goal}: what is closed is enough."
    said = f"The company reaches {goal} with a chance of {_chance(now)}."
    if same or not np.isfinite(before.p_target):
        return said
    if now.target != before.target:
        old = words.money(before.target, currency=currency)
        return f"{said} Today: {old} with {_chance(before)}."
    return f"{said} Today: {_chance(before)}."


def _chance(found: Outcome) -> str:
    if found.target <= found.closed:
        return "made it"
    return words.chance_in_doubt(found.p_target, found.p_low, found.p_high)


def _range(low: float, high: float, currency: str) -> str:
    if words.is_missing(low):
        return words.MISSING
    if low == high:
        return words.money(low, currency=currency)
    return f"{words.money(low)} to {words.money(high, currency=currency)}"


def _points(value: float, *, signed: bool = False) -> str:
    if words.is_missing(value):
        return words.MISSING
    shown = words.number(value * 100, decimals=0 if abs(value) >= 0.1 else 1)
    return f"{'+' if signed and value > 0 else ''}{shown} points"


def _at_risk(value: float, currency: str) -> str:
    if words.is_missing(value):
        return words.MISSING
    return "none" if value <= 0 else words.money(value, currency=currency)
