"""What calls did: those called against those left alone by chance, and the save rate that follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy.stats.contingency import relative_risk

from salesops.book.playbook import append_log, read_log
from salesops.book.playbook.read import beside
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.models.churn.calls import Calls
from salesops.models.plays import lift, play_outcomes
from salesops.models.plays.hold_out import CALL

FEWEST = 30  # clients whose days have gone by, on either side
FEWEST_LOST = 5  # of the controls: a rate of fewer is no yardstick


@dataclass(frozen=True)
class SaveRate:
    """The save rate in use, and what the log says.

    Attributes
    ----------
    value : float
        The rate in use (0–1): measured where the log is enough, else the assumption.
    measured : bool
        Whether it comes from the log.
    estimate, low, high : float
        What the log says, with its 95% interval; NaN without controls who left. An estimate below 0: more of those
        called left than of the controls.
    called, called_lost, control, control_lost, waiting : int
        Clients whose days have gone by, of these lost; waiting are not yet due.
    verdict : str
        As models.playbook.lift gives it (works, retire, too early to say, no hold-out); "" with an empty log.
    """

    value: float
    measured: bool
    estimate: float
    low: float
    high: float
    called: int
    called_lost: int
    control: int
    control_lost: int
    waiting: int
    verdict: str


def save_rate(
    log: Iterable[Mapping[str, str]], stayed: pd.DataFrame, as_of: date, *, days: int, assumed: float
) -> SaveRate:
    """Estimate the save rate from the play log: 1 − share lost of those called ÷ share lost of the controls.

    It replaces the assumption once FEWEST clients on either side are due and FEWEST_LOST controls were lost. The
    interval is that of a ratio of two risks on its logarithm (Katz, Baptista, Azen and Pike, 1978).

    Parameters
    ----------
    log : iterable of mapping
        As `salesops.book.playbook.read_log` gives it; only entries of CALL count.
    stayed : pandas.DataFrame
        account_id, ordered_on (date): purchases, or first days of contracts that renew one.
    days : int
        Days after the call within which a client must be heard of, else it is lost.
    assumed : float
        The save rate where the log is not enough.
    """
    mine = [entry for entry in log if entry["play_id"] == CALL]
    if not mine:
        return SaveRate(assumed, False, np.nan, np.nan, np.nan, 0, 0, 0, 0, 0, "")
    row = lift(play_outcomes(mine, stayed, as_of, days=days)).iloc[0]
    called, control = int(row.played), int(row.held)
    lost, control_lost = called - int(row.played_bought), control - int(row.held_bought)
    estimate, low, high = _estimate(lost, called, control_lost, control)
    measured = min(called, control) >= FEWEST and control_lost >= FEWEST_LOST
    return SaveRate(
        value=float(np.clip(estimate, 0, 1)) if measured else assumed,
        measured=measured,
        estimate=estimate,
        low=low,
        high=high,
        called=called,
        called_lost=lost,
        control=control,
        control_lost=control_lost,
        waiting=int(row.waiting),
        verdict=str(row.verdict),
    )


def log_calls(book: Book, calls: Calls, as_of: date) -> int:
    """Log beside the book who is called and who is left alone by chance, once for each account; return how many.

    Running a report again adds nothing.

    Raises
    ------
    BookError
        If the book is redacted, or the log cannot be read or written.
    """
    if book.is_redacted:
        raise BookError("Calls can be logged only by the clients' own ids. Run without redact, or without log.")
    folder = beside(book, "")
    known = {entry["account_id"] for entry in read_log(folder) if entry["play_id"] == CALL}
    chosen = calls.chosen.drop_duplicates("account_id")
    entries: list[dict[str, str | date]] = [
        {
            "logged_on": as_of,
            "account_id": str(row.account_id),
            "play_id": CALL,
            "version": "1",
            "event": "assigned",
            "arm": "hold-out" if row.arm == "control" else "play",
            "note": f"chance to leave {row.p_churn:.3f}",
        }
        for row in chosen.itertuples()
        if str(row.account_id) not in known
    ]
    return append_log(folder, entries)


def _estimate(lost: int, called: int, control_lost: int, control: int) -> tuple[float, float, float]:
    if not (called and control and control_lost):
        return np.nan, np.nan, np.nan
    risk = relative_risk(lost, called, control_lost, control)
    if not lost:
        return 1.0, np.nan, 1.0  # the logarithm has no lower end here
    ends = risk.confidence_interval(0.95)
    return 1 - float(risk.relative_risk), 1 - float(ends.high), 1 - float(ends.low)
