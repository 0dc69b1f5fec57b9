"""Churn results for tests: clients drawn, scored with the chance by which they are lost, and reviewed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from salesops.models.churn.calls import Terms, plan_calls
from salesops.models.churn.health import alerts_came_true, calibration_drift, drift
from salesops.models.churn.others import worth_a_talk
from salesops.models.churn.result import AtRisk, Churn, ChurnBacktest, Quiet, Setting, no_backtest
from salesops.models.churn.save_rate import save_rate
from salesops.models.churn.survival import order_histories, survival
from salesops.pages.churn.findings import ChurnReview

DAY = date(2026, 10, 31)
HORIZON = 90
TERMS = Terms(save_rate=0.3, contact_cost=50, incentive=100, margin=0.4, capacity=25)
METHODS = (
    "call the largest", "hiatus", "own rhythm", "tenure", "BTYD P(active)", "logistic", "additive boosting",
    "full boosting",
)  # fmt: skip  # two lines read better than eight


def made_churn(
    count: int = 400,
    *,
    seed: int = 1,
    setting: Setting = "orders",
    day: date = DAY,
    usable: bool = True,
    **changes: Any,
) -> Churn:
    """A result of `churn`: chances of .02 to .9, reasons, and a backtest in which the logistic is in use.

    Every seventh client is lost already; orders have ten clients without a rhythm.
    """
    table = _table(count, seed, setting, day)
    p = table.p_churn.to_numpy()
    spread = 1.2816 * float(np.sqrt((p * (1 - p)).sum()))
    at_risk = AtRisk(p.sum(), p.sum() - spread, p.sum() + spread, *(table.value_at_risk @ p * np.array([1, 0.8, 1.25])))
    nothing = float("nan")
    given: dict[str, Any] = {
        "setting": setting,
        "as_of": day,
        "horizon_days": HORIZON,
        "own_horizon": setting == "orders",
        "others": _others() if setting == "orders" else pd.DataFrame(),
        "quiet": Quiet(count + 10, 140.0, 120.0, 160.0) if setting == "orders" else None,
        "outcomes": pd.DataFrame(columns=["account_id", "cut", "churned"]),
        "table": table
        if usable
        else table.assign(p_churn=nothing, logit=nothing, reason_1="", reason_2="", reason_3=""),
        "features": pd.DataFrame({"unit": ["days"], "meaning": ["days since"], "used": [True], "missing": [0.0]}),
        "contributions": pd.DataFrame(),
        "model": "logistic" if usable else "",
        "usable": usable,
        "why": "it beat the days since the last purchase" if usable else f"Too few to model: {count} clients.",
        "backtest": _backtest(count, seed, day) if usable else no_backtest(),
        "drivers": _drivers() if usable else _drivers().head(0),
        "at_risk": at_risk if usable else AtRisk(*[nothing] * 6),
        "left_out": {"silent for more than a year": 12, "in other segments": 0},
        "notes": ("This book has no deliveries.",),
    }
    return Churn(**{**given, **changes})


def made_review(
    now: Churn | None = None, before: Churn | None = None, terms: Terms = TERMS, **changes: Any
) -> ChurnReview:
    """A review of these results, with owners and plays, of which some places are vacant."""
    now = now or made_churn()
    before = before or made_churn(seed=2, setting=now.setting, day=DAY - timedelta(days=HORIZON), usable=now.usable)
    number = np.arange(len(now.table))
    table = now.table.assign(
        owner_name=[None if n % 10 == 3 else f"Rep {n % 7}" for n in number],
        vacant=(number % 10 == 3) | (number % 10 == 4),
        play_name="Win back",
        channel="call",
        play_why="It fell silent.",
        by=pd.Timestamp(now.as_of) + pd.to_timedelta(number % 9, unit="D"),
        worth=now.table.value_at_risk * 2,
    )
    lost = pd.Series(
        np.random.default_rng(3).uniform(size=len(before.table)) < before.table.p_churn, before.table.index
    )
    known = pd.DataFrame({"p": before.table.p_churn, "churned": lost.astype(float).where(before.table.p_churn.notna())})
    given: dict[str, Any] = {
        "company": "Made & Co",
        "currency": "EUR",
        "now": now,
        "before": before,
        "terms": terms,
        "calls": plan_calls(table, terms, others=_talks(now)),
        "saved": save_rate(
            [], pd.DataFrame({"account_id": [], "ordered_on": []}), DAY, days=90, assumed=terms.save_rate
        ),
        "drift": drift(before.table.p_churn, now.table.p_churn),
        "slices": calibration_drift(now.backtest.predictions),
        "came": alerts_came_true(known.p > 0.5, known),
        "survival": survival(order_histories(_histories(now), now.as_of)),
        "months": pd.DataFrame(),
        "renewals": {},
        "notes": (),
    }
    return ChurnReview(**{**given, **changes})


def _table(count: int, seed: int, setting: Setting, day: date) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    hiatus, gap = rng.integers(1, 120, count), rng.integers(8, 60, count).astype(float)
    p = np.clip(rng.beta(0.6, 3, count), 0.02, 0.9)
    table = pd.DataFrame(
        {
            "account_id": [f"A{n:04}" for n in range(count)],
            "account_name": [f"Client {n}" for n in range(count)],
            "owner_id": "U1",
            "segment": "",
            "p_churn": p,
            "logit": np.log(p / (1 - p)),
            "state": np.where(np.arange(count) % 7, "overdue", "lost") if setting == "orders" else "",
            "at_stake": True,
            "may_call": True,
            "hiatus_days": hiatus,
            "lost_after": 90.0,
            "median_gap": gap,
            "hiatus_ratio": hiatus / (2 * gap),
            "value_at_risk": rng.gamma(2, 2000, count),
            "reason_1": [f"price {days} up; others 31" for days in hiatus],
            "reason_2": "3 of 10 deliveries came late; others have 1",
            "reason_3": "",
        }
    )
    if setting == "contracts":
        ends = pd.Timestamp(day) + pd.to_timedelta(rng.integers(30, 120, count), unit="D")
        names = [f"C{n:04}" for n in range(count)]
        table = table.assign(
            contract_id=names,
            end_date=ends,
            action_date=ends - pd.Timedelta(days=30),
            others_run=np.arange(count) % 2 == 0,
        )
    return table.sort_values("p_churn", ascending=False, ignore_index=True)


def _backtest(count: int, seed: int, day: date) -> ChurnBacktest:
    rng = np.random.default_rng(seed)
    cuts = [day - timedelta(days=HORIZON * n) for n in (1, 2)]
    rows = [_score(cut, cut == cuts[0], method, n, count) for cut in cuts for n, method in enumerate(METHODS)]
    p = rng.beta(0.6, 3, 2 * count)
    predictions = pd.DataFrame(
        {
            "account_id": [f"A{n:04}" for n in range(count)] * 2,
            "cut": np.repeat(np.array(cuts, dtype=object), count),
            "p": p,
            "churned": rng.uniform(size=2 * count) < p,
        }
    )
    group = pd.qcut(predictions.p, 8, labels=False)
    by = predictions.groupby(group).agg(predicted=("p", "mean"), observed=("churned", "mean"), n=("p", "size"))
    half = 1.96 * np.sqrt(by.observed * (1 - by.observed) / by.n)
    calibration = by.assign(low=(by.observed - half).clip(lower=0), high=(by.observed + half).clip(upper=1))
    slices = pd.DataFrame({"cut": cuts, "n": count, "lost": count // 6, "role": "test"})
    return ChurnBacktest(pd.DataFrame(rows), calibration, slices, predictions, 0.8, 0.72, 0.88, 0.004, -0.01, 0.02)


def _score(cut: date, newest: bool, method: str, place: int, count: int) -> dict[str, Any]:
    auc = 0.5 if method == "call the largest" else 0.7 + 0.02 * place
    return {
        "cut": cut, "newest": newest, "method": method, "n": count, "lost": count // 6, "base_rate": 1 / 6, "auc": auc,
        "auc_low": auc - 0.05, "auc_high": auc + 0.05, "pr_auc": 0.4, "brier": 0.11, "ece": 0.02, "bias": -0.03,
        "lift": 2.5 + place / 10, "lift_low": 2.0, "lift_high": 4.0, "calls": 25.0, "profit": 5_000.0 + 100 * place,
        "chosen": method == "logistic", "note": "",
    }  # fmt: skip  # one row


def _drivers() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "feature": ["hiatus_days", "late_share"],
            "weight": [0.81, 0.33],
            "sentence": ["days since the last purchase", "share of late deliveries"],
        }
    )


def _histories(now: Churn) -> pd.DataFrame:
    day = pd.Timestamp(now.as_of)
    number = np.arange(len(now.table))
    first = day - pd.to_timedelta(100 + 37 * number % 900, unit="D")
    last = first + pd.to_timedelta((day - first).days * (number % 5 + 1) // 5, unit="D")
    return pd.DataFrame(
        {"account_id": now.table.account_id, "known_since": first, "last_purchase": last, "lost_after": float(HORIZON)}
    )


def _talks(now: Churn) -> pd.DataFrame | None:
    if now.others.empty:
        return None
    owner = {"owner_name": "Rep 1", "vacant": False, "play_name": "Win back", "channel": "call"}
    others = now.others.assign(worth=now.others.value_at_risk * 2, by=pd.Timestamp(now.as_of), **owner)
    return worth_a_talk(others, now.horizon_days)


def _others() -> pd.DataFrame:
    number = np.arange(10)
    return pd.DataFrame(
        {
            "account_id": [f"B{n:04}" for n in number],
            "account_name": [f"Project {n}" for n in number],
            "owner_id": "U1",
            "segment": "",
            "hiatus_days": 300 - 20 * number,
            "orders": 1 + number % 3,
            "by_deals": np.where(number % 2, 1.0, 0.0),
            "value_at_risk": 1000.0 + number,
            "chance": 0.4,
            "chance_low": 0.3,
            "chance_high": 0.5,
            "compared": 80,
        }
    )
