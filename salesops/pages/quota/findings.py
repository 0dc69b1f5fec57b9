"""The plan of a period: the baseline, and the saved scenarios beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from salesops.book.source import Book
from salesops.book.state import SCENARIOS
from salesops.errors import ScenarioError
from salesops.models.forecast.corrected import forecast_inputs
from salesops.models.forecast.inputs import Inputs
from salesops.models.quota.files import baseline, read_scenarios
from salesops.models.quota.outcome import Outcome, outcome
from salesops.periods import Period

MOST = 4


@dataclass(frozen=True, eq=False)
class QuotaPlan:
    """What quotas lead to, today and under the saved scenarios.

    Attributes
    ----------
    company, currency : str
        Whose plan it is, and in which money.
    folder : Path
        Where scenarios are saved.
    inputs : Inputs
        What the forecast stands on.
    today : Outcome
        The baseline.
    scenarios : tuple of Outcome
        The saved scenarios that stand beside it, at most MOST.
    refused : tuple of str
        Sentences about scenarios that are not shown.
    """

    company: str
    currency: str
    period: Period
    as_of: date
    folder: Path
    inputs: Inputs
    today: Outcome
    scenarios: tuple[Outcome, ...]
    refused: tuple[str, ...]

    def results(self) -> dict[str, Any]:
        """Return the numbers that the page states, for tests and the next report."""
        return {
            "reps": len(self.inputs.reps),
            **_numbers(self.today),
            "scenarios": {found.scenario.name: _numbers(found) for found in self.scenarios},
        }


def quota_plan(book: Book, period: Period, as_of: date, *, scenarios: str = "") -> QuotaPlan:
    """Work out the baseline and the saved scenarios of a period.

    Parameters
    ----------
    scenarios : str
        The folder of saved scenarios, or their files with commas between them; "" is the folder `scenarios`
        beside the book's tables.

    Raises
    ------
    BookError
        If nobody has a line in the period.
    """
    inputs = forecast_inputs(book, period, as_of)
    where = scenario_places(book, scenarios)
    saved, refused = read_scenarios(where, book, inputs)
    found, notes = [], list(refused)
    for name, scenario in saved.items():
        try:
            found.append(outcome(inputs, scenario))
        except ScenarioError as error:
            notes.append(f"{name}: {error}")
    if len(found) > MOST:
        left = ", ".join(one.scenario.name for one in found[MOST:])
        notes.append(f"{MOST} scenarios are shown. Left out: {left}.")
    folder = where[0] if where[0].suffix != ".toml" else where[0].parent
    today = outcome(inputs, baseline(book, period))
    return QuotaPlan(
        book.company, book.currency, period, as_of, folder, inputs, today, tuple(found[:MOST]), tuple(notes)
    )


def scenario_places(book: Book, scenarios: str = "") -> Sequence[Path]:
    """Return where scenarios are: what is named, or the folder beside the book's tables."""
    named = [Path(part.strip()) for part in scenarios.split(",") if part.strip()]
    location = Path(book.location)
    return named or [(location if location.is_dir() else location.parent) / SCENARIOS]


def _numbers(found: Outcome) -> dict[str, Any]:
    chances = found.reps.p_attain.to_numpy(float)
    values = {
        "target": found.target,
        "p_target": found.p_target,
        "p_low": found.p_low,
        "p_high": found.p_high,
        "quota_total": found.quota_total or float("nan"),  # no quota is no goal of 0
        "expected": found.expected,
        "reps_attaining": float("nan") if found.why_not or np.isnan(chances).all() else float(np.nansum(chances)),
        "fairness": found.fairness,
        "payout_p90": found.payout_p90,
    }
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
