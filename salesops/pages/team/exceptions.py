"""The talks to have first: what stands out in a team's report."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd

from salesops.periods import Period

PUSHED_OFTEN = 3
DAYS_TO_AGREE = 7


def exceptions(
    lines: pd.DataFrame, judged: pd.DataFrame, deals: pd.DataFrame, period: Period, as_of: date, count: int = 3
) -> pd.DataFrame:
    """Return the talks to have first: the largest case of each kind, then the next largest, one a person.

    Kinds in turn: vacant (someone left with an open goal), gap (below goal without a commitment), missed (a
    commitment that was not kept; amount is the gap, NaN without one), pushed (an open deal due by the
    period's end that moved out three times or more).

    Parameters
    ----------
    lines, judged : pandas.DataFrame
        As in `models.accountability.TeamAccountability`.
    deals : pandas.DataFrame
        As `metrics.pipeline.open_deals` gives them.
    count : int
        How many to return at most.

    Returns
    -------
    pandas.DataFrame
        kind, user_id, user_name, amount (money), detail (successor, attainment, commitment_id or
        opportunity_id, by kind), next_date (a week from `as_of`, or the deal's close date if that is to come).
    """
    agree_by = as_of + timedelta(days=DAYS_TO_AGREE)
    own = lines[~lines.is_rollup & (lines.gap > 0)]
    gone = own[own.successor != ""]
    stay = own[own.successor == ""]
    missed = judged[judged.due_in_period & (judged.verdict == "missed") & ~judged.owner_id.isin(gone.user_id)]
    missed = missed.assign(
        user_id=missed.owner_id, gap=missed.owner_id.map(stay.drop_duplicates("user_id").set_index("user_id").gap)
    )
    pushed = deals[(deals.pushes >= PUSHED_OFTEN) & (pd.to_datetime(deals.close_date) <= pd.Timestamp(period.end))]
    pushed = pushed.merge(lines[["user_id", "user_name"]].drop_duplicates(), on="user_id")
    settle_by = pushed.close_date.where(pd.to_datetime(pushed.close_date) > pd.Timestamp(as_of), agree_by)
    unpromised = stay[stay.promise_metric.isna()]
    found = [
        _cases("vacant", gone, "user_name", "gap", "successor", agree_by),
        _cases("gap", unpromised, "user_name", "gap", "attainment", agree_by),
        _cases("missed", missed, "owner_name", "gap", "commitment_id", agree_by),
        _cases("pushed", pushed, "user_name", "amount", "opportunity_id", settle_by),
    ]
    return _in_turn(found, count)


def _cases(kind: str, rows: pd.DataFrame, name: str, amount: str, detail: str, next_date: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "kind": kind,
            "user_id": rows.user_id,
            "user_name": rows[name],
            "amount": rows[amount],
            "detail": rows[detail],
            "next_date": next_date,
        }
    )


def _in_turn(kinds: list[pd.DataFrame], count: int) -> pd.DataFrame:
    """Take the largest case of each kind in turn, a person only once, until there are enough."""
    waiting = [kind.sort_values(["amount", "user_id"], ascending=[False, True]).to_dict("records") for kind in kinds]
    taken: list[dict[Any, Any]] = []
    while len(taken) < count and any(waiting):
        for cases in waiting:
            people = {case["user_id"] for case in taken}
            fresh = next((case for case in cases if case["user_id"] not in people), None)
            cases[:] = [case for case in cases if fresh is not None and case["user_id"] != fresh["user_id"]]
            taken += [fresh] if fresh and len(taken) < count else []
    return pd.DataFrame(taken, columns=["kind", "user_id", "user_name", "amount", "detail", "next_date"])
