"""The levers as people see them: the question that each belongs to, its words, unit, range and step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal

import numpy as np

from salesops.errors import ScenarioError
from salesops.models.forecast.inputs import Inputs
from salesops.models.quota import Outcome, Scenario

Kind = Literal["number", "months", "date"]
QUESTIONS = ("What is asked?", "Who sells?", "How do they sell?", "What is paid?", "What is taken for granted?")
ASK, PEOPLE, SELLING, PAY, GRANTED = QUESTIONS


@dataclass(frozen=True)
class Lever:
    """One lever.

    Attributes
    ----------
    name : str
        The field of Scenario.
    question, label, unit, help : str
        Words for people; `unit` stands behind the number.
    low, high, step : float
        Range and step of the slider, in the unit shown. The number box takes what the scenario allows.
    scale : float
        What is shown ÷ what the scenario holds: 100 for percent.
    kind : {"number", "months", "date"}
        months: the number of months until a new rep sells in full, the share rising evenly.
    optional : bool
        Empty means none, or as it is today.
    """

    name: str
    question: str
    label: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    step: float = 1.0
    scale: float = 1.0
    kind: Kind = "number"
    optional: bool = False
    help: str = ""

    def shown(self, scenario: Scenario, usual: float | None = None) -> float | str | None:
        """Return the value of a scenario as the boxes show it; `usual` stands for what the scenario leaves open."""
        value = getattr(scenario, self.name)
        if self.kind == "date":
            return value.isoformat() if value else ""
        if value is None:
            return usual
        return float(len(value)) if self.kind == "months" else round(value * self.scale, 6)

    def value(self, shown: Any) -> Any:
        """Return what the scenario takes for what a person gave. Raises ScenarioError if it is no such thing."""
        if shown is None or shown == "":
            if self.optional:
                return None
            raise ScenarioError(f"{self.label} must be a number. It is empty.")
        if self.kind == "date":
            return _day(self.label, shown)
        number = _number(self.label, shown)
        if self.name == "hires" or self.kind == "months":
            if number != int(number) or not 0 <= number <= 60:
                raise ScenarioError(f"{self.label} must be a whole number from 0 to 60. Got {number:g}.")
            months = int(number)
            return months if self.name == "hires" else tuple((n + 1) / (months + 1) for n in range(months))
        return number / self.scale


def levers_of(inputs: Inputs, today: Outcome) -> tuple[Lever, ...]:
    """Return the levers; the ranges of money are those of this company."""
    return tuple(_levers(*(_round(value) for value in _sizes(inputs, today))))


def changed(scenario: Scenario, start: Scenario) -> tuple[str, ...]:
    """Return the names of what differs between two scenarios, of levers, quotas and moves."""
    names = (field.name for field in fields(Scenario) if field.name not in ("name", "company", "book"))
    return tuple(name for name in names if getattr(scenario, name) != getattr(start, name))


def _levers(most: float, pay: float, budget: float) -> Iterator[Lever]:
    percent: dict[str, Any] = {"unit": "%", "scale": 100.0}
    yield Lever("target", ASK, "Company target", "money", 0, most, most / 200, optional=True,
                help="Empty: the sum of today’s quotas.")  # fmt: skip  # a lever a block
    yield Lever("over_assignment", ASK, "Over-assignment", low=-30, high=50, step=1, optional=True, **percent,
                help="Rep quotas together, above the target. Scales the quotas that are not fixed.")  # fmt: skip
    yield Lever("hires", PEOPLE, "New hires", "reps", 0, 20, 1)
    yield Lever("hire_date", PEOPLE, "They start on", kind="date", optional=True, help="Empty: tomorrow.")
    yield Lever("ramp", PEOPLE, "Ramp", "months", 0, 18, 1, kind="months", optional=True,
                help="Months until a new rep sells in full. Empty: the book’s ramp.")  # fmt: skip
    yield Lever("attrition", PEOPLE, "Attrition a year", low=0, high=60, step=1, **percent)
    yield Lever("backfill_days", PEOPLE, "Backfill after", "days", 0, 365, 5)
    yield Lever("win_rate", SELLING, "Win rate", low=50, high=200, step=1, help="Of today’s.", **percent)
    yield Lever("deal_size", SELLING, "Deal size", low=50, high=200, step=1, help="Of today’s.", **percent)
    yield Lever("discount", SELLING, "Extra discount", low=0, high=40, step=1, **percent)
    yield Lever("cycle", SELLING, "Sales cycle", low=40, high=200, step=1, help="Of today’s.", **percent)
    yield Lever("commission_rate", PAY, "Commission", low=0, high=30, step=0.5, **percent, help="Of what is booked.")
    yield Lever("threshold", PAY, "Paid from", low=0, high=100, step=5, **percent, help="Of the quota.")
    yield Lever("accelerator", PAY, "Above quota", "×", 1, 4, 0.1, help="Multiple of the commission above the quota.")
    yield Lever("cap", PAY, "Capped at", low=100, high=400, step=5, optional=True, **percent,
                help="Of the quota. Empty: no cap.")  # fmt: skip
    yield Lever("pay", PAY, "Pay per rep", "money", 0, pay, pay / 100, help="For the period, whatever is booked.")
    yield Lever("budget", PAY, "Budget for commission", "money", 0, budget, budget / 100, optional=True)
    yield Lever("discount_lift", GRANTED, "Wins gained by a discount", "× discount", 0, 3, 0.1,
                help="An assumption, not an estimate.")  # fmt: skip
    yield Lever("shock", GRANTED, "Shock that all share", low=0, high=40, step=1, optional=True, **percent,
                help="Good and bad times hit all deals at once. Empty: as past forecasts teach it.")  # fmt: skip
    yield Lever("quota_response", GRANTED, "Effort follows the quota", low=0, high=100, step=5, **percent,
                help="More new business for a higher quota. Off at 0: evidence conflicts.")  # fmt: skip


def _sizes(inputs: Inputs, today: Outcome) -> tuple[float, float, float]:
    """Return the largest target, pay of a rep, and budget that a slider offers."""
    goal = np.nanmax([today.target, today.p90, today.quota_total, 1.0])
    return 2 * goal, goal / max(len(inputs.reps), 1), goal / 5


def _round(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power = 10 ** np.floor(np.log10(max(value, 1.0)))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= value))


def _day(label: str, shown: Any) -> date:
    try:
        return date.fromisoformat(str(shown))
    except ValueError:
        raise ScenarioError(f"{label} must be a date such as 2026-10-15. Got {shown!r}.") from None


def _number(label: str, shown: Any) -> float:
    try:
        found = float(shown)
    except (TypeError, ValueError):
        found = float("nan")
    if isinstance(shown, bool) or not np.isfinite(found):
        raise ScenarioError(f"{label} must be a number. Got {shown!r}.")
    return found
