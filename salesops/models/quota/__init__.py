"""The quota what-if: levers in one scenario, what they do to reps, company and pay in one outcome."""

from salesops.errors import ScenarioError
from salesops.models.quota.files import baseline, read_scenario, write_scenario
from salesops.models.quota.outcome import Outcome, outcome
from salesops.models.quota.scenario import Move, Scenario

__all__ = [
    "Move",
    "Outcome",
    "Scenario",
    "ScenarioError",
    "baseline",
    "outcome",
    "read_scenario",
    "write_scenario",
]
