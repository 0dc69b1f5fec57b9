"""Whom to call first: what a call is expected to earn, within a budget, with some left alone by chance.

Only who is silent beyond the 95% point of its own gaps, and in no usual pause, is called. Places that are left may go
to clients without a rhythm, marked as worth a talk: nobody can say of them that they are about to be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from salesops.errors import ChurnError
from salesops.models.churn.profit import expected_profit
from salesops.models.plays import held_out
from salesops.models.plays.hold_out import CALL, CONTROL_SHARE

ARMS = ("call", "control", "beyond", "left alone", "not due", "not worth it", "talk", "unknown")
TALKS = 0.1  # of the list, at most


@dataclass(frozen=True)
class Terms:
    """What a call is taken to do, to cost and to be limited by.

    Attributes
    ----------
    save_rate : float
        Share of those about to leave who stay because of the call (0–1).
    contact_cost : float
        Money: cost of one call, whatever comes of it.
    incentive : float
        Money: what a client is offered to stay. Who would have stayed anyway takes it too.
    margin : float
        Profit in each unit of a client's money (0–1).
    kept_days : int
        How long a client who stays goes on bringing money.
    budget : float
        Money that may be spent at most; 0 is no limit.
    capacity : int
        Calls that can be made; 0 is no limit.
    control_share : float
        Share of those worth a call who are left alone by chance, so that the calls can be judged (0–1, below 1).

    The defaults are those of the notebook.
    """

    save_rate: float = 0.3
    contact_cost: float = 50.0
    incentive: float = 100.0
    margin: float = 0.3
    kept_days: int = 180
    budget: float = 0.0
    capacity: int = 25
    control_share: float = CONTROL_SHARE

    def __post_init__(self) -> None:
        """Raise ChurnError where a term cannot be."""
        for name in ("save_rate", "margin", "control_share"):
            value = getattr(self, name)
            if not 0 <= value <= 1 or (name == "control_share" and value == 1):
                most = "below 1" if name == "control_share" else "1"
                raise ChurnError(f"{name} must be a share from 0 to {most}, such as 0.3. Got {value}.")
        for name in ("contact_cost", "incentive", "kept_days", "budget", "capacity"):
            value = getattr(self, name)
            if not (value >= 0 and np.isfinite(value)):
                raise ChurnError(f"{name} must be 0 or more. Got {value}.")

    @property
    def most_calls(self) -> float:
        """How many calls the budget and the capacity allow: each costs contact_cost + incentive at most."""
        cost = self.contact_cost + self.incentive
        # a hair above: 3.3 of money pays three calls of 1.1
        paid = np.floor(self.budget / cost * (1 + 1e-12)) if self.budget and cost else np.inf
        return float(min(paid, self.capacity or np.inf))


@dataclass(frozen=True)
class Calls:
    """The result of `plan_calls`.

    Attributes
    ----------
    table : pandas.DataFrame
        The scores, best call first, with clv (money: worth × margin), profit (money: expected profit of a call) and
        arm: call; control (worth a call as much, left alone by chance); beyond (worth a call, after the budget or
        the capacity); left alone (held out of a play of the playbook); not due (worth a call by the figures, but not
        silent for long enough, or in its usual pause); not worth it (profit not above 0); talk (without a rhythm, and
        worth a talk); unknown (no chance or worth).
    terms : Terms
        As given.
    """

    table: pd.DataFrame
    terms: Terms

    @property
    def called(self) -> pd.DataFrame:
        """The rows to call, best first; those worth a talk stand last."""
        return self.table[self.table.arm.isin(["call", "talk"])]

    @property
    def chosen(self) -> pd.DataFrame:
        """The rows to call and their controls: what was picked by profit alone."""
        return self.table[self.table.arm.isin(["call", "control"])]

    @property
    def profit(self) -> float:
        """Money: expected profit of all calls together; none is claimed for talks."""
        return float(self.table.profit[self.table.arm == "call"].sum())

    @property
    def cost(self) -> float:
        """Money: what the calls cost at most, every incentive taken."""
        return len(self.called) * (self.terms.contact_cost + self.terms.incentive)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows are in each arm, 0 included."""
        return {arm: int((self.table.arm == arm).sum()) for arm in ARMS}


def plan_calls(
    scores: pd.DataFrame,
    terms: Terms,
    *,
    left_alone: frozenset[str] = frozenset(),
    others: pd.DataFrame | None = None,
) -> Calls:
    """Choose whom to call: the largest expected profits above 0, as far as budget and capacity reach.

    Expected profit = p·[γ(CLV − d) − f] − (1 − p)(d + f), with p the chance to leave, γ the save rate, d the
    incentive and f the cost of the call (published_results.md). Who would be called is left alone with the chance
    control_share, the same accounts on every day; the next in the list moves up. So controls and called differ by
    chance alone. Each call is charged at its most, so the budget is never overspent. Equal profits keep their order.

    Parameters
    ----------
    scores : pandas.DataFrame
        account_id, p_churn (0–1), worth (money that the client brings if it stays); may_call (boolean: due, and in no
        pause), if it is known; any further columns.
    left_alone : frozenset of str
        Accounts that another experiment holds out.
    others : pandas.DataFrame
        Clients without a rhythm, the first to talk to first: account_id, worth, and any further columns. They take
        places that are left, a tenth of the list at most.

    Raises
    ------
    ChurnError
        If a column is missing.
    """
    missing = [name for name in ("account_id", "p_churn", "worth") if name not in scores.columns]
    if missing:
        raise ChurnError(f"The scores have no column {', '.join(missing)}. Give account_id, p_churn and worth.")
    clv = scores.worth.astype(float) * terms.margin
    p = scores.p_churn.astype(float)
    profit = expected_profit(
        p, clv, save_rate=terms.save_rate, contact_cost=terms.contact_cost, incentive=terms.incentive
    )
    table = scores.assign(clv=clv, profit=profit)
    table = table.sort_values("profit", ascending=False, kind="stable", ignore_index=True)
    table = table.assign(arm=_arms(table, terms, left_alone))
    return Calls(_with_talks(table, terms, left_alone, others), terms)


def _arms(table: pd.DataFrame, terms: Terms, left_alone: frozenset[str]) -> NDArray[np.str_]:
    gain = (table.profit > 0).to_numpy(dtype=bool)
    alone = table.account_id.isin(left_alone).to_numpy(dtype=bool)
    due = table.may_call.to_numpy(dtype=bool) if "may_call" in table else np.ones(len(table), dtype=bool)
    worth_it = gain & ~alone & due
    control = worth_it & held_out(table.account_id.astype(str), CALL, terms.control_share)
    call = worth_it & ~control
    so_far = np.cumsum(call)
    # a control after the last call would not have been called either
    within, control = so_far <= terms.most_calls, control & (so_far < terms.most_calls)
    arms = {
        "call": call & within,
        "control": control,
        "beyond": worth_it,
        "not due": gain & ~due,
        "left alone": gain,
        "not worth it": table.profit.notna().to_numpy(dtype=bool),
    }
    return np.select(list(arms.values()), list(arms), "unknown")


def _with_talks(
    table: pd.DataFrame, terms: Terms, left_alone: frozenset[str], others: pd.DataFrame | None
) -> pd.DataFrame:
    if others is None or others.empty:
        return table
    calls = int((table.arm == "call").sum())
    # n of (calls + n) is a tenth at most, within what the terms allow
    places = int(min(calls * TALKS / (1 - TALKS), terms.most_calls - calls))
    free = others[~others.account_id.isin(left_alone) & (others.worth.astype(float) * terms.margin > 0)]
    talks = free.head(max(places, 0)).assign(arm="talk", profit=np.nan, p_churn=np.nan)
    return pd.concat([table, talks], ignore_index=True) if len(talks) else table
