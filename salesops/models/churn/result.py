"""What the churn models give: scores with reasons, and the backtest that says how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

Setting = Literal["orders", "contracts", "accounts"]
WITHOUT_ORDER = "clients without a purchase by order: by a contract, by returns or by deals of more than a year ago"


@dataclass(frozen=True)
class ChurnBacktest:
    """How each method did on slices of time that it had not seen.

    Attributes
    ----------
    scores : pandas.DataFrame
        A row for each test slice and method, the newest slice first: cut (date), newest (boolean), method (one of
        `methods.METHODS`), n (units that could be lost), lost (how many of them), base_rate (fraction), auc, auc_low,
        auc_high (ROC-AUC with a 95% interval by bootstrap over clients), pr_auc, brier, ece (mean |predicted −
        observed| over bins, 0–1), bias (predicted ÷ observed losses − 1), lift, lift_low, lift_high (share lost in the
        top tenth ÷ base_rate), calls (count), profit (money: what the method's calls would have brought on the page's
        own terms), chosen (boolean), note (why a figure is NaN; "" otherwise).
    calibration : pandas.DataFrame
        Of the chosen method, all test slices together, by bins of equal size: predicted (mean, 0–1), observed
        (share lost), low, high (95% interval, Wilson), n.
    cuts : pandas.DataFrame
        One row a slice of time: cut (date), n, lost, role ("train", "test").
    predictions : pandas.DataFrame
        Of the chosen method on the test slices: account_id, [contract_id], cut, p, churned (boolean). Each is scored
        by a model that knew only what was known at its cut.
    auc : float
        ROC-AUC of the chosen method, mean over the slices; NaN where none can be ranked.
    auc_low, auc_high : float
        Where that of the next slice is expected in 9 of 10 cases.
    gain_of_full : float
        ROC-AUC of full boosting (with interactions, never used) less that of the chosen method, newest slice.
    gain_low, gain_high : float
        Its 95% interval.
    """

    scores: pd.DataFrame
    calibration: pd.DataFrame
    cuts: pd.DataFrame
    predictions: pd.DataFrame
    auc: float
    auc_low: float
    auc_high: float
    gain_of_full: float
    gain_low: float
    gain_high: float

    def profits(self) -> pd.Series:
        """Return the profit of each method's calls over all test slices together; NaN where one lacks a slice."""
        return self.scores.groupby("method", sort=False).profit.agg(lambda one: one.sum(skipna=False))


@dataclass(frozen=True)
class AtRisk:
    """What is expected to be lost by the end of the horizon, with 80% intervals.

    The interval holds the chance of each client (losses as independent draws) and the doubt about calibration seen
    in the backtest. NaN where nothing could be estimated.

    Attributes
    ----------
    clients, clients_low, clients_high : float
        Number of clients, contracts or accounts.
    value, value_low, value_high : float
        Money: value_at_risk of those lost.
    """

    clients: float
    clients_low: float
    clients_high: float
    value: float
    value_low: float
    value_high: float


@dataclass(frozen=True)
class Quiet:
    """How many will buy nothing in the next horizon: most of them buy slowly, or pause, and are not lost.

    Attributes
    ----------
    clients : int
        Who bought in the year before the day, with or without a rhythm.
    silent, silent_low, silent_high : float
        How many of them are expected to buy nothing, with an 80% interval; NaN with too little history.
    """

    clients: int
    silent: float
    silent_low: float
    silent_high: float


@dataclass(frozen=True)
class Churn:
    """The result of `churn`.

    Attributes
    ----------
    setting : {"orders", "contracts", "accounts"}
        What is scored. "orders": clients with a rhythm; lost is as `models.rhythm` says. "contracts": contracts with a
        term; lost is not renewed. "accounts": accounts whose contracts have no term; lost is that the last one ends.
    as_of : date
        Last day of which anything is known.
    horizon_days : int
        How far ahead it looks.
    own_horizon : bool
        Whether that follows from the clients' own rhythms, and was not asked for.
    table : pandas.DataFrame
        One row a client with a rhythm, account, or contract whose day of action lies in the horizon or has passed while
        the contract runs, the highest p_churn first: account_id, account_name, owner_id (of the contract, else of the
        account; empty if none), [contract_id, end_date, action_date, others_run], segment (the usual segments, ""
        where none), p_churn (0–1: the chance to be lost at the end of the horizon; 0 where that is too early by the
        client's own gaps; NaN if not usable), logit (log-odds of p_churn), state (orders: lost, in its usual pause,
        overdue or in its rhythm; "" otherwise), at_stake (boolean: it could be lost by then), may_call (boolean),
        hiatus_days (days since the last purchase), lost_after (days of silence beyond which it is lost),
        hiatus_ratio (hiatus_days ÷ the 95% point of the own gaps), value_at_risk (money: sales of the last 365 days ×
        horizon ÷ 365, at least 0, of a newer client at its pace so far; annual amount under contract), reason_1 to
        reason_3 (sentences, "" where there is none), and the columns of `features`.
    others : pandas.DataFrame
        Orders: clients without a rhythm who bought in the year before, the longest silent first: account_id,
        account_name, owner_id, segment, hiatus_days, orders (count), by_deals (share of the purchases),
        value_at_risk, chance, chance_low, chance_high, compared (as `others.chances_of_another`).
    quiet : Quiet or None
        Orders: who will buy nothing in the horizon, lost or not.
    outcomes : pandas.DataFrame
        What is known of earlier cuts: account_id, [contract_id], cut, churned (1 lost, 0 not).
    features : pandas.DataFrame
        The dictionary of the features, by name: unit, meaning, used (boolean: it went into the model), missing
        (fraction of the table).
    contributions : pandas.DataFrame
        By the rows of `table`: account_id, [contract_id], base, and a column a feature (log-odds). base + their sum
        = logit for those at stake. Empty if no model is in use.
    model : str
        "logistic", "additive boosting", or the rule in use; "" if not usable.
    usable : bool
        Whether p_churn could be estimated. Where it could not, the table lists the clients by hiatus_ratio.
    why : str
        Why this model, or why none, in words.
    backtest : ChurnBacktest
        Its tables are empty where there is no slice to test on.
    drivers : pandas.DataFrame
        By weight: feature, weight (mean |contribution|, log-odds), sentence (association, not cause).
    at_risk : AtRisk
        Expected loss by the end of the horizon.
    left_out : dict
        Counts of what is not in `table`, by reason.
    notes : tuple of str
        What a reader should know: tables that the book lacks, features without values, suspicious features.
    """

    setting: Setting
    as_of: date
    horizon_days: int
    own_horizon: bool
    table: pd.DataFrame
    others: pd.DataFrame
    quiet: Quiet | None
    outcomes: pd.DataFrame
    features: pd.DataFrame
    contributions: pd.DataFrame
    model: str
    usable: bool
    why: str
    backtest: ChurnBacktest
    drivers: pd.DataFrame
    at_risk: AtRisk
    left_out: dict[str, int]
    notes: tuple[str, ...] = ()


SCORES = (
    "cut", "newest", "method", "n", "lost", "base_rate", "auc", "auc_low", "auc_high", "pr_auc", "brier", "ece", "bias",
    "lift", "lift_low", "lift_high", "calls", "profit", "chosen", "note",
)  # fmt: skip  # three lines read better than twenty
CALIBRATION = ("predicted", "observed", "low", "high", "n")
CUTS = ("cut", "n", "lost", "role")
PREDICTIONS = ("account_id", "cut", "p", "churned")


def no_backtest() -> ChurnBacktest:
    """Return the backtest of a book that has no slice to test on."""
    scores, calibration, cuts, predictions = (
        pd.DataFrame(columns=list(names)) for names in (SCORES, CALIBRATION, CUTS, PREDICTIONS)
    )
    return ChurnBacktest(scores, calibration, cuts, predictions, *[float("nan")] * 6)
