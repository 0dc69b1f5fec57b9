"""What the churn models give: scores with reasons, and the backtest that says how far to trust them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pandas as pd

Setting = Literal["orders", "contracts"]


@dataclass(frozen=True)
class ChurnBacktest:
    """How each method did on slices of time that it had not seen.

    Attributes
    ----------
    scores : pandas.DataFrame
        A row for each test slice and method, the newest slice first: cut (date), newest (boolean), method ("base
        rate", "hiatus", "tenure", "BTYD P(active)", "logistic", "additive boosting", "full boosting"), n (clients or
        contracts), lost (how many of them), base_rate (fraction), auc, auc_low, auc_high (ROC-AUC with a 95% interval
        by bootstrap over clients), pr_auc, brier, ece (mean |predicted − observed| over bins, 0–1), bias (predicted ÷
        observed losses − 1), lift, lift_low, lift_high (share lost in the top tenth ÷ base_rate), profit, profit_low,
        profit_high (money: what calling the tenth with the highest expected profit would have brought; see
        `profit`), chosen (boolean), note (why a figure is NaN; "" otherwise).
    calibration : pandas.DataFrame
        Of the chosen method, all test slices together, by bins of equal size: predicted (mean, 0–1), observed
        (share lost), low, high (95% interval, Wilson), n.
    cuts : pandas.DataFrame
        One row a slice of time: cut (date), n, lost, role ("train", "test").
    predictions : pandas.DataFrame
        Of the chosen method on the test slices: account_id, [contract_id], cut, p, churned (boolean). Each is scored
        by a model that knew only what was known at its cut.
    gain_of_full : float
        ROC-AUC of full boosting (with interactions, never used) less that of the chosen method, newest slice.
    gain_low, gain_high : float
        Its 95% interval.
    profit : dict
        The assumptions under `profit`: save_rate, contact_cost, incentive.
    """

    scores: pd.DataFrame
    calibration: pd.DataFrame
    cuts: pd.DataFrame
    predictions: pd.DataFrame
    gain_of_full: float
    gain_low: float
    gain_high: float
    profit: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class AtRisk:
    """What is expected to be lost within the horizon, with 80% intervals.

    Clients in their usual pause are not counted: they are likely not to order, and likely to come back. The interval
    holds the chance of each client (losses as independent draws) and the doubt about calibration seen
    in the backtest. NaN where nothing could be estimated.

    Attributes
    ----------
    clients, clients_low, clients_high : float
        Number of clients (orders) or contracts.
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
class Churn:
    """The result of `churn`.

    Attributes
    ----------
    setting : {"orders", "contracts"}
        "orders": lost means no purchase within the horizon. "contracts": lost means not renewed.
    as_of : date
        Last day of which anything is known.
    horizon_days : int
        How far ahead it looks.
    window_days : int
        Orders: a client counts if it bought within so many days before the day. Contracts: 0.
    table : pandas.DataFrame
        One row a client (orders), or a contract whose day of action lies in the horizon or has passed while the
        contract runs (contracts), the highest p_churn first and usual pauses last: account_id, account_name, owner_id
        (of the account, today's; empty if none), [contract_id, end_date, action_date], segment (the usual segments,
        "" where none), p_churn (0–1; NaN if not usable), logit (log-odds of p_churn), usual_pause (boolean: a client
        of a year or more that did not order in the same stretch of last year either, came back after a pause of the
        horizon or more, and is not silent for longer than ever before; only where such clients have in fact been
        silent in the past; false for contracts), hiatus_days (days since the last purchase), own_gap_days (the
        client's own median gap; NaN with one purchase), hiatus_ratio (hiatus_days ÷ own_gap_days; ÷ the median gap of
        all with one purchase), value_at_risk (money: the client's sales of the last 365 days × horizon ÷ 365, at
        least 0, of a newer client at its pace so far; annual amount of the contract), reason_1 to reason_3
        (sentences, "" where there is none), and the columns of `features`.
    features : pandas.DataFrame
        The dictionary of the features, by name: unit, meaning, used (boolean: it went into the model), missing
        (fraction of the table).
    contributions : pandas.DataFrame
        By the rows of `table`: account_id, [contract_id], base, and a column a feature (log-odds). base + their sum
        = logit. Empty if not usable.
    model : str
        "logistic", "additive boosting", "hiatus rule"; "" if not usable.
    usable : bool
        Whether p_churn could be estimated. Where it could not, the table lists the clients by hiatus_ratio.
    why : str
        Why this model, or why none, in words.
    backtest : ChurnBacktest
        Its tables are empty where there is no slice to test on.
    drivers : pandas.DataFrame
        By weight: feature, weight (mean |contribution|, log-odds), sentence (association, not cause).
    at_risk : AtRisk
        Expected loss within the horizon.
    left_out : dict
        Counts of what is not in `table`, by reason.
    notes : tuple of str
        What a reader should know: tables that the book lacks, features without values, suspicious features.
    """

    setting: Setting
    as_of: date
    horizon_days: int
    window_days: int
    table: pd.DataFrame
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
    "lift", "lift_low", "lift_high", "profit", "profit_low", "profit_high", "chosen", "note",
)  # fmt: skip  # three lines read better than twenty-one
CALIBRATION = ("predicted", "observed", "low", "high", "n")
CUTS = ("cut", "n", "lost", "role")
PREDICTIONS = ("account_id", "cut", "p", "churned")


def no_backtest() -> ChurnBacktest:
    """Return the backtest of a book that has no slice to test on."""
    scores, calibration, cuts, predictions = (
        pd.DataFrame(columns=list(names)) for names in (SCORES, CALIBRATION, CUTS, PREDICTIONS)
    )
    nothing = float("nan")
    return ChurnBacktest(scores, calibration, cuts, predictions, nothing, nothing, nothing)
