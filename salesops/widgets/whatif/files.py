"""Files of the what-if: scenarios in a folder, quotas as CSV, quotas to the book; each whole or not at all."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from salesops.book.new_quotas import add_quota_version
from salesops.book.source import Book
from salesops.errors import ScenarioError
from salesops.files import file_in
from salesops.models.forecast.inputs import Inputs
from salesops.models.quota import Outcome, Scenario, write_scenario
from salesops.models.quota.files import book_key, from_toml
from salesops.widgets.files import export_csv

_NO_NAME = re.compile(r'[/\\:*?"<>|\x00-\x1f]+')


def save(scenario: Scenario, folder: Path, *, known: Scenario | None) -> Path:
    """Write a scenario to a file of its name and return the path; a file with another scenario is left alone.

    Parameters
    ----------
    known : Scenario or None
        What was saved or read under this name before, and may be replaced.

    Raises
    ------
    ScenarioError
        If the name makes no file, or the file holds something else.
    """
    path = file_in(folder, _NO_NAME.sub(" ", scenario.name), ".toml", error=ScenarioError)
    if path.exists() and known is None:
        raise ScenarioError(f"'{path}' is there already, with another scenario. Choose another name.")
    with suppress(OSError):  # what it cannot make, it cannot write to: said below
        folder.mkdir(parents=True, exist_ok=True)
    write_scenario(scenario, path)
    return path


def read_text(text: str, where: str, book: Book, inputs: Inputs) -> Scenario:
    """Read a scenario that somebody shared. Raises ScenarioError if it is of another book, period or version."""
    found = from_toml(text, where)
    if found.book != book_key(book):
        raise ScenarioError(
            f"{where} was made for another book: that of '{found.company}'. This is the book of '{book.company}'. "
            "Open the scenario with its own book."
        )
    period = inputs.period
    if (found.period_start, found.period_end) != (period.start, period.end):
        raise ScenarioError(
            f"{where} is about {found.period_start}..{found.period_end}, not {period}. Open it with its own period."
        )
    return found


def export_quotas(found: Outcome, today: Any, folder: Path, name: str) -> Path:
    """Write each rep's quota under a scenario to a new CSV file that no spreadsheet takes for formulas.

    Columns: user_id, user_name, territory_id, quota_today and quota (money), p_attain (0 to 1), period_start,
    period_end, scenario.
    """
    reps = found.reps.iloc[: len(today)]
    table = pd.DataFrame(
        {
            "user_id": reps.user_id, "user_name": reps.user_name, "territory_id": reps.territory_id,
            "quota_today": today, "quota": reps.quota.round(2), "p_attain": reps.p_attain.round(4),
            "period_start": found.scenario.period_start, "period_end": found.scenario.period_end,
            "scenario": found.scenario.name,
        }
    )  # fmt: skip  # in the order of the columns
    return export_csv(table, folder, name, what="table of quotas")


def quotas_to_book(book: Book, inputs: Inputs, found: Outcome, name: str) -> str:
    """Add the quotas of a scenario to the book as a new version, agreed on the day of the what-if.

    Raises
    ------
    BookError
        As `add_quota_version` says.
    """
    reps = found.reps.iloc[: len(inputs.reps)]
    given = {user: float(quota) for user, quota in zip(reps.user_id, reps.quota, strict=True) if np.isfinite(quota)}
    return add_quota_version(
        book, given, inputs.period, measure=inputs.measure, name=name or found.scenario.name, agreed_on=inputs.as_of
    )
