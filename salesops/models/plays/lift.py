"""Whether a play pays: its clients against those held out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from salesops.models.intervals import newcombe

WORTH = 0.05
FEWEST = 10
VERDICTS = ("works", "retire", "too early to say", "no hold-out")


def play_outcomes(
    log: Iterable[Mapping[str, str]], purchases: pd.DataFrame, as_of: date, *, days: int = 90
) -> pd.DataFrame:
    """Return what came of each assignment: did the client buy within so many days?

    Each client counts once for a play, from the day on which it was first given it, in the arm of that day,
    whether or not anything was done: what is judged is the decision to play. Overrides are no experiment and
    are left out. Assignments whose days have not all gone by are not due.

    Parameters
    ----------
    log : iterable of mapping
        As `salesops.book.playbook.read_log` gives it.
    purchases : pandas.DataFrame
        account_id, ordered_on (date); any further columns.
    days : int
        Days after the assignment within which a purchase counts; the day itself does not.

    Returns
    -------
    pandas.DataFrame
        play_id, account_id, held_out (boolean), assigned_on (date), due (boolean: the days have gone by),
        bought (boolean; of meaning only where due).
    """
    given: dict[tuple[str, str], tuple[str, str]] = {}
    for entry in log:
        if entry["event"] == "assigned":
            given.setdefault((entry["play_id"], entry["account_id"]), (entry["logged_on"], entry["arm"]))
    rows = [(*key, arm == "hold-out", on) for key, (on, arm) in given.items() if arm != "override"]
    table = pd.DataFrame(rows, columns=["play_id", "account_id", "held_out", "assigned_on"])
    table["assigned_on"] = pd.to_datetime(table.assigned_on)
    window = pd.Timedelta(days=days)
    bought = table.reset_index().merge(purchases[["account_id", "ordered_on"]], on="account_id")
    on = pd.to_datetime(bought.ordered_on)
    counted = bought[(on > bought.assigned_on) & (on <= bought.assigned_on + window) & (on <= pd.Timestamp(as_of))]
    return table.assign(
        held_out=table.held_out.astype(bool),
        due=table.assigned_on + window <= pd.Timestamp(as_of),
        bought=table.index.isin(counted["index"]),
    )


def lift(outcomes: pd.DataFrame, *, worth: float = WORTH) -> pd.DataFrame:
    """Compare the clients of each play with those held out of it.

    The verdict is "works" if the whole interval lies above 0; "retire" if all of it lies below `worth`: even at
    best the play then wins fewer purchases than are worth the work; else, or with fewer than FEWEST due clients
    on either side, "too early to say". A play that holds nobody out cannot be judged.

    Parameters
    ----------
    outcomes : pandas.DataFrame
        As `play_outcomes` gives them, of one or more plays.
    worth : float
        Least lift for which a play is kept, as a fraction: .05 is 5 more buyers among 100 clients.

    Returns
    -------
    pandas.DataFrame
        A row for each play in the order of its first client: play_id, played, played_bought, held, held_bought
        (clients whose days have gone by), played_rate, held_rate (fractions), lift (difference of the two, as
        a fraction), low, high (95% interval by Newcombe's method 10), waiting (clients not yet due), verdict.
    """
    rows = [
        {
            "play_id": play_id,
            "played": int((mine.due & ~mine.held_out).sum()),
            "played_bought": int((mine.due & ~mine.held_out & mine.bought).sum()),
            "held": int((mine.due & mine.held_out).sum()),
            "held_bought": int((mine.due & mine.held_out & mine.bought).sum()),
            "waiting": int((~mine.due).sum()),
            "any_held": bool(mine.held_out.any()),
        }
        for play_id, mine in outcomes.groupby("play_id", sort=False)
    ]
    names = ["play_id", "played", "played_bought", "held", "held_bought", "waiting", "any_held"]
    table = pd.DataFrame(rows, columns=names)
    low, high = newcombe(table.played_bought, table.played, table.held_bought, table.held)
    played_rate = table.played_bought / table.played.where(table.played > 0)
    held_rate = table.held_bought / table.held.where(table.held > 0)
    enough = (table.played >= FEWEST) & (table.held >= FEWEST)
    verdict = np.select(
        [~table.any_held.astype(bool), enough & (low > 0), enough & (high < worth)],
        ["no hold-out", "works", "retire"],
        "too early to say",
    )
    return table.assign(
        played_rate=played_rate, held_rate=held_rate, lift=played_rate - held_rate, low=low, high=high, verdict=verdict
    ).drop(columns="any_held")


def lift_sentences(table: pd.DataFrame) -> list[str]:
    """Return one sentence a play, from the result of `lift`; those without lift are named for retiring."""
    return [_sentence(row) for row in table.to_dict("records")]


def _sentence(row: Mapping[Any, Any]) -> str:
    name = f"{row['play_id']}: "
    if row["verdict"] == "no hold-out":
        return f"{name}nobody is held out, so its effect cannot be known."
    of = f"{row['played_bought']} of {row['played']} played, {row['held_bought']} of {row['held']} held out bought"
    if row["verdict"] == "too early to say":
        return f"{name}too early to say; {of}, {row['waiting']} are still waiting."
    found = f"{of}: {_points(row['lift'])} points ({_points(row['low'])} to {_points(row['high'])})"
    return f"{name}works; {found}." if row["verdict"] == "works" else f"{name}no lift, to be retired; {found}."


def _points(share: float) -> str:
    return f"{100 * share:+.0f}".replace("-", "−")
