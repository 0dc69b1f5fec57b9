"""What the browser is told: once how the face is made, and after each step what it shows. All words come from here."""

from __future__ import annotations

from typing import Any

import numpy as np

from salesops import words
from salesops.models.forecast.sums import GRID
from salesops.models.quota import Outcome, Scenario
from salesops.pages.quota.words import LINES, change_words, headline_words, outcome_words
from salesops.widgets.whatif.levers import QUESTIONS, Lever, changed
from salesops.widgets.whatif.state import COMPARED, WhatIf

Message = dict[str, Any]


def setup(state: WhatIf) -> Message:
    """Return what never changes: the words of the levers, and the reps."""
    inputs, currency = state.inputs, state.book.currency
    reps = inputs.reps
    units = {"money": currency}
    return {
        "title": f"{state.book.company} · {inputs.period}, as of {words.day(inputs.as_of)}",
        "currency": currency,
        "questions": QUESTIONS,
        "levers": [
            {
                "name": lever.name, "question": lever.question, "label": lever.label, "kind": lever.kind,
                "unit": units.get(lever.unit, lever.unit), "low": lever.low, "high": lever.high, "step": lever.step,
                "optional": lever.optional, "help": lever.help, "today": _today(state, lever),
            }
            for lever in state.levers.values()
        ],
        "reps": [
            [user, name, "" if words.is_missing(place) else str(place)]
            for user, name, place in zip(reps.user_id, reps.user_name, reps.territory_id, strict=True)
        ],
        "today": _rounded(state.quotas_today),
        "base": _chances(state.outcome(state.start), len(reps)),
        "lines": list(LINES.values()),
        "compared": COMPARED,
    }  # fmt: skip  # a lever in three lines


def shown(state: WhatIf, said: str = "", *, alert: bool = False, coarse: bool = False) -> Message:
    """Return what the face shows now; `said` is what came of the last step, or with `alert` what went wrong."""
    base, now = state.outcome(state.start), state.outcome(state.now, coarse=coarse)
    count, currency = len(state.inputs.reps), state.book.currency
    different = set(state.changed)
    before, after, change = (
        outcome_words(base, currency), outcome_words(now, currency), change_words(base, now, currency)
    )  # fmt: skip  # three of a kind
    return {
        "headline": headline_words(base, now, currency, same=not different),
        "rows": [[before[name], after[name], change[name]] for name in LINES],
        "levers": {
            lever.name: [_value(state, lever), lever.name in different, lever.name in state.locked]
            for lever in state.levers.values()
        },
        "quotas": _rounded(now.reps.quota.to_numpy(float)[:count]),
        "chances": _chances(now, count),
        "percents": [words.chance(value) for value in now.reps.p_attain.to_numpy(float)[:count]],
        "fixed": [user for user, _ in state.now.quotas],
        "locked": sorted(state.locked),
        "payout": _payout(base, now, state.now),
        "moves": [[move.giver, move.receiver, words.percent(move.share)] for move in state.now.moves],
        "saved": [[name, name in state.compared, name == state.now.name] for name in state.saved],
        "compare": _compare(state),
        "name": "" if state.now.name == state.start.name else state.now.name,
        "notes": [*now.notes, *state.refused],
        "undo": state.can_undo,
        "redo": state.can_redo,
        "changed": _changes(state, state.now),
        "said": said,
        "alert": alert,
        "exact": not coarse,
        **({} if coarse else {"kept": state.kept()}),
        "grid": GRID,
    }


def _today(state: WhatIf, lever: Lever) -> str:
    value = lever.shown(state.start, _usual(state, lever))
    if value is None or value == "":
        return "none" if lever.name in ("cap", "budget") else "as it is"
    return str(value) if isinstance(value, str) else _plain(value)


def _value(state: WhatIf, lever: Lever) -> float | str | None:
    return lever.shown(state.now, _usual(state, lever))


def _usual(state: WhatIf, lever: Lever) -> float | None:
    """Return what holds where the scenario leaves a lever open."""
    today = state.outcome(state.start)
    if lever.name == "ramp":
        return float(len(state.inputs.ramp))
    known = {
        "target": today.target,
        "over_assignment": today.over_assignment * lever.scale,
        "shock": state.inputs.level.shock * lever.scale,
    }.get(lever.name)
    return round(known, 0 if abs(known) >= 1000 else 1) if known is not None and np.isfinite(known) else None


def _payout(base: Outcome, now: Outcome, scenario: Scenario) -> Message:
    rows = [_rounded([one.payout_p10, one.payout_p50, one.payout_p90]) for one in (base, now)]
    top = max(0.0, *(row[2] or 0.0 for row in rows), scenario.budget or 0.0)
    return {"rows": rows, "budget": scenario.budget, "top": top}


def _compare(state: WhatIf) -> Message:
    """Return the table of the baseline, the scenario under way and the saved ones side by side."""
    listed = [("Baseline", state.start), ("Now", state.now), *((name, state.saved[name]) for name in state.compared)]
    columns = [outcome_words(state.outcome(one), state.book.currency) for _, one in listed] if state.compared else []
    return {
        "heads": [name for name, _ in listed] if columns else [],
        "rows": [[LINES[name], *(column[name] for column in columns)] for name in LINES] if columns else [],
        "changed": [_changes(state, one) for _, one in listed] if columns else [],
    }


def _changes(state: WhatIf, scenario: Scenario) -> str:
    """Say what a scenario changes against the baseline."""
    said = []
    for name in changed(scenario, state.start):
        lever = state.levers.get(name)
        if lever is not None:
            value = lever.shown(scenario)
            number = _plain(value) if isinstance(value, float) else str(value or "none")
            said.append(f"{lever.label.lower()} {number}{'%' if lever.unit == '%' else ''}")
        elif name == "quotas":
            said.append(words.plural(len(scenario.quotas), "fixed quota"))
        elif name == "moves":
            said.append(words.plural(len(scenario.moves), "move"))
    return f"{words.and_list(said)}." if said else "Nothing is changed."


def _plain(value: float) -> str:
    return words.number(value, decimals=0 if value == int(value) else 1)


def _rounded(values: Any) -> list[float | None]:
    return [round(float(value), 2) if np.isfinite(value) else None for value in values]


def _chances(found: Outcome, count: int) -> list[float | None]:
    values = found.reps.p_attain.to_numpy(float)[:count]
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]
