"""The saved scenarios of a folder: those that fit a book and a period, and why the others do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from salesops.book.source import Book
from salesops.errors import ScenarioError
from salesops.models.forecast.inputs import Inputs
from salesops.models.quota.files import read_scenario
from salesops.models.quota.levers import check_fits
from salesops.models.quota.scenario import Scenario


def read_scenarios(where: Sequence[Path], book: Book, inputs: Inputs) -> tuple[dict[str, Scenario], tuple[str, ...]]:
    """Return the scenarios of this book and period, by name, and a sentence for each file that holds none.

    Parameters
    ----------
    where : sequence of Path
        Files, and folders whose TOML files are meant. A folder that is not there holds nothing. Of two scenarios of
        one name the later one has its file's name behind it.
    """
    paths = [path for one in where for path in (sorted(one.glob("*.toml")) if _is_folder(one) else [one])]
    found: dict[str, Scenario] = {}
    refused = []
    for path in paths:
        try:
            scenario = read_scenario(path, book, inputs.period)
            check_fits(inputs, scenario)
        except ScenarioError as error:
            refused.append(str(error))
            continue
        found |= named(scenario, path.stem, found)
    return found, tuple(refused)


def named(scenario: Scenario, stem: str, others: Mapping[str, Scenario]) -> dict[str, Scenario]:
    """Return a scenario under a name that no other has: its own, or with its file's name behind it."""
    name = scenario.name or stem
    if name in others and others[name] != scenario:
        name = f"{name} ({stem})"
    return {name: replace(scenario, name=name)}


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.suffix != ".toml"
