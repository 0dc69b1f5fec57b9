"""All that a manager asks about churn on a day: who may leave, whom to call, and whether the scores still hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, cast, get_args

import numpy as np
import pandas as pd

from salesops.book.playbook import read_log
from salesops.book.playbook.log import FILE
from salesops.book.playbook.read import beside
from salesops.book.source import Book
from salesops.errors import BookError, ChurnError, did_you_mean
from salesops.models.churn.call_sheet import CallSheet, call_sheet
from salesops.models.churn.calls import CALL, Calls, Terms, plan_calls
from salesops.models.churn.churn import MOST_DAYS, check_days, churn
from salesops.models.churn.health import Alerts, Drift, alerts_came_true, calibration_drift, drift
from salesops.models.churn.outcomes import contract_table, outcomes, still_there
from salesops.models.churn.result import Churn, Setting
from salesops.models.churn.save_rate import SaveRate, save_rate
from salesops.models.churn.survival import Survival, contract_histories, order_histories, survival
from salesops.models.churn.units import GRACE_DAYS
from salesops.models.customers import customer_summary
from salesops.models.plain import plain

YEAR = 365


@dataclass(frozen=True)
class ChurnReview:
    """The result of `churn_review`.

    Attributes
    ----------
    company, currency : str
        Whose clients, and the currency of all money.
    now, before : Churn
        The scores on the day, and those of one horizon earlier, made from what was known then.
    terms : Terms
        What a call is taken to do and to cost; its save_rate is the measured one where `saved.measured`.
    calls : Calls
        Whom to call; the table of `now` with owner, play and day of each call (as `call_sheet` gives them), worth
        (money that the client brings in terms.kept_days), clv, profit and arm.
    saved : SaveRate
        What earlier calls did, from the play log.
    drift : Drift
        The scores of `before` against those of `now`.
    slices : pandas.DataFrame
        Lost against foretold: as `calibration_drift` gives it, for the test slices of the backtest.
    came : Alerts
        Whom the earlier date would have called, against what happened since.
    survival : Survival
        How long clients stay, by cohort.
    notes : tuple of str
        What the plays and the log brought to light.
    """

    company: str
    currency: str
    now: Churn
    before: Churn
    terms: Terms
    calls: Calls
    saved: SaveRate
    drift: Drift
    slices: pd.DataFrame
    came: Alerts
    survival: Survival
    notes: tuple[str, ...]

    @property
    def counted(self) -> pd.DataFrame:
        """The rows of `now` that are not in their usual pause: those whose silence would be a loss."""
        return _counted(self.now)

    @property
    def newest(self) -> pd.DataFrame:
        """The scores of every method on the newest test slice, by method; empty without one."""
        scores = self.now.backtest.scores
        return scores[scores.newest.astype(bool)].set_index("method") if len(scores) else scores.set_index("method")

    def results(self) -> dict[str, Any]:
        """Return the numbers that the page states, fit for JSON; NaN is None."""
        now, risk, newest = self.now, self.now.at_risk, self.newest
        chosen = newest[newest.chosen.astype(bool)] if len(newest) else newest
        numbers = {
            "clients": len(self.counted),
            "usual_pause": len(now.table) - len(self.counted),
            "expected_lost": risk.clients,
            "expected_lost_low": risk.clients_low,
            "expected_lost_high": risk.clients_high,
            "money_at_risk": risk.value,
            "money_at_risk_low": risk.value_low,
            "money_at_risk_high": risk.value_high,
            "calls": len(self.calls.called),
            "calls_profit": self.calls.profit,
            "calls_cost": self.calls.cost,
            "controls": self.calls.counts["control"],
            "save_rate": self.terms.save_rate,
            "auc": float(chosen.auc.iloc[0]) if len(chosen) else np.nan,
            "auc_hiatus": float(newest.auc.get("hiatus", np.nan)) if len(newest) else np.nan,
            "drift": self.drift.psi,
            "alerts": self.came.alerts,
            "alerts_came_true": self.came.share,
        }
        return {
            "as_of": now.as_of.isoformat(),
            "setting": now.setting,
            "horizon_days": now.horizon_days,
            "usable": now.usable,
            "model": now.model,
            "save_rate_measured": self.saved.measured,
            **plain(numbers),
            "left_out": plain(now.left_out),
            "arms": dict(self.calls.counts),
            "backtest": [plain(row) for row in newest.reset_index().to_dict("records")],
            "drivers": [str(name) for name in now.drivers.feature.head(5)],
        }


def churn_review(
    book: Book, as_of: date, terms: Terms, *, setting: str = "orders", horizon_days: int = 90, segment: str = ""
) -> ChurnReview:
    """Score the clients of a day, plan the calls, and hold the scores of one horizon earlier against what came.

    Parameters
    ----------
    as_of : date
        Last day that counts.
    terms : Terms
        What a call is taken to do and to cost, and its limits.
    setting : {"orders", "contracts"}
        What lost means: no purchase within the horizon, or a contract not renewed.
    horizon_days : int
        How far ahead to look.
    segment : str
        Only clients of this segment; "" means all.

    Raises
    ------
    ChurnError
        If there is no such setting or segment.
    PeriodError
        If the horizon is shorter than a day, or longer than ten years.
    """
    if setting not in get_args(Setting):
        raise ChurnError(f"There is no setting '{setting}'. {did_you_mean(setting, get_args(Setting))}")
    now, before = (
        churn(book, day, setting=cast(Setting, setting), horizon_days=horizon_days, segment=segment)
        for day in (as_of, _earlier(as_of, horizon_days))
    )
    saved, log_note = _saved(book, now, terms)
    terms = replace(terms, save_rate=saved.value)
    sheet = call_sheet(book, as_of, horizon_days=horizon_days)
    return ChurnReview(
        company=book.company,
        currency=book.currency,
        now=now,
        before=before,
        terms=terms,
        calls=_calls(now, terms, sheet),
        saved=saved,
        drift=drift(_counted(before).p_churn, _counted(now).p_churn),
        slices=calibration_drift(now.backtest.predictions),
        came=_came(book, before, as_of, terms),
        survival=_survival(book, now),
        notes=(*sheet.notes, *log_note),
    )


def _earlier(as_of: date, horizon_days: int) -> date:
    check_days("horizon", horizon_days, MOST_DAYS)
    return as_of - timedelta(days=horizon_days)


def _saved(book: Book, now: Churn, terms: Terms) -> tuple[SaveRate, tuple[str, ...]]:
    """Return what the log says of earlier calls; a log that cannot be read is named, and the assumption holds."""
    note: tuple[str, ...] = ()
    log: list[dict[str, str]] = []
    try:
        log = read_log(beside(book, FILE).parent)
    except BookError as error:
        note = (f"The play log cannot be used, so the save rate is the assumption. {error}",)
    log = [entry for entry in log if entry["play_id"] == CALL]
    accounts = set(book.table("accounts").select("account_id").to_pandas().account_id)
    known = [entry for entry in log if entry["account_id"] in accounts]
    if len(known) < len(log):
        note = (*note, f"{len(log) - len(known):,} of {len(log):,} logged calls name no account of this book.")
    stayed = still_there(book, now.as_of, now.setting)
    return save_rate(known, stayed, now.as_of, days=now.horizon_days, assumed=terms.save_rate), note


def _calls(now: Churn, terms: Terms, sheet: CallSheet) -> Calls:
    table = now.table.drop(columns=[name for name in sheet.table if name in now.table])
    known = table.merge(sheet.table, left_on="account_id", right_index=True, how="left")
    known = known.assign(vacant=known.vacant.fillna(True).astype(bool))
    if now.setting == "contracts":
        # the contract's own day of action comes before any cadence, unless it has passed
        due, today = pd.to_datetime(known.action_date), pd.Timestamp(now.as_of)
        known = known.assign(by=due.where(due >= today, today))
    return plan_calls(_with_worth(known, now, terms), terms, left_alone=sheet.left_alone)


def _with_worth(table: pd.DataFrame, scored: Churn, terms: Terms) -> pd.DataFrame:
    """Add what each client brings in terms.kept_days: value_at_risk is that of the horizon, or of a contract's year."""
    span = YEAR if scored.setting == "contracts" else scored.horizon_days
    return table.assign(worth=table.value_at_risk.astype(float) * terms.kept_days / span)


def _came(book: Book, before: Churn, as_of: date, terms: Terms) -> Alerts:
    scored = _with_worth(before.table.assign(row=before.table.index), before, terms)
    chosen = scored.index.isin(plan_calls(scored, terms).chosen.row)
    lost = outcomes(book, before, as_of)
    # without a score there was no alert, and nothing to hold against what came
    judged = scored.p_churn.notna() & scored.index.isin(_counted(before).index)
    known = pd.DataFrame({"p": scored.p_churn.astype(float), "churned": lost.where(judged)})
    return alerts_came_true(pd.Series(chosen, scored.index), known)


def _counted(scored: Churn) -> pd.DataFrame:
    return scored.table[~scored.table.usual_pause.astype(bool)]


def _survival(book: Book, now: Churn) -> Survival:
    if now.setting == "contracts":
        return survival(contract_histories(contract_table(book, now.as_of), now.as_of, grace_days=GRACE_DAYS))
    customers = customer_summary(book, now.as_of)
    return survival(order_histories(customers, now.as_of, horizon_days=now.horizon_days))
