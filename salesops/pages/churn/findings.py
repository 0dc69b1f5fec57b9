"""All that a manager asks about churn on a day: who may leave, whom to call, and whether the scores still hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, cast

import numpy as np
import pandas as pd

from salesops.book.playbook import read_log
from salesops.book.playbook.log import FILE
from salesops.book.playbook.read import beside
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.metrics.contracts import GRACE_DAYS, account_spells, recurring_by_month, renewal_rate
from salesops.models.churn.calls import Calls, Terms, plan_calls
from salesops.models.churn.churn import Asked, churn
from salesops.models.churn.health import Alerts, Drift, alerts_came_true, calibration_drift, drift
from salesops.models.churn.others import worth_a_talk
from salesops.models.churn.outcomes import still_there
from salesops.models.churn.result import Churn
from salesops.models.churn.save_rate import SaveRate, save_rate
from salesops.models.churn.survival import Survival, contract_histories, order_histories, survival
from salesops.models.plays.hold_out import CALL
from salesops.models.results import plain
from salesops.models.rhythm import YEAR, client_rhythms
from salesops.pages.churn.call_sheet import CallSheet, call_sheet
from salesops.periods import Period


@dataclass(frozen=True)
class ChurnReview:
    """The result of `churn_review`.

    Attributes
    ----------
    company, currency : str
        Whose clients, and the currency of all money.
    now, before : Churn
        The scores on the day, and those of one horizon earlier (accounts: and the grace), made from what was known
        then.
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
    months : pandas.DataFrame
        Contracts: as `metrics.contracts.recurring_by_month` gives it; empty for orders.
    renewals : dict
        Contracts: as `metrics.contracts.renewal_rate` gives it, for the year up to the day; empty for orders.
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
    months: pd.DataFrame
    renewals: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def lost_now(self) -> int:
        """How many are lost already, by their own rhythm: a fact of the day."""
        return int((self.now.table.state == "lost").sum())

    @property
    def newest(self) -> pd.DataFrame:
        """The scores of every method on the newest test slice, by method; empty without one."""
        scores = self.now.backtest.scores
        return scores[scores.newest.astype(bool)].set_index("method") if len(scores) else scores.set_index("method")

    def results(self) -> dict[str, Any]:
        """Return the numbers that the page states, fit for JSON; NaN is None."""
        now, risk, test, quiet = self.now, self.now.at_risk, self.now.backtest, self.now.quiet
        numbers = {
            "clients": len(now.table),
            "lost_now": self.lost_now,
            "expected_lost": risk.clients,
            "expected_lost_low": risk.clients_low,
            "expected_lost_high": risk.clients_high,
            "money_at_risk": risk.value,
            "money_at_risk_low": risk.value_low,
            "money_at_risk_high": risk.value_high,
            "without_rhythm": len(now.others),
            "money_without_rhythm": float(now.others.value_at_risk.sum()) if len(now.others) else 0.0,
            "buying_nothing": quiet.silent if quiet else np.nan,
            "buying_nothing_low": quiet.silent_low if quiet else np.nan,
            "buying_nothing_high": quiet.silent_high if quiet else np.nan,
            "calls": len(self.calls.called),
            "talks": self.calls.counts["talk"],
            "calls_profit": self.calls.profit,
            "calls_cost": self.calls.cost,
            "controls": self.calls.counts["control"],
            "save_rate": self.terms.save_rate,
            "auc": test.auc,
            "auc_low": test.auc_low,
            "auc_high": test.auc_high,
            "drift": self.drift.psi,
            "alerts": self.came.alerts,
            "alerts_came_true": self.came.share,
            **{f"renewals_{name}": value for name, value in self.renewals.items()},
            **self._year(),
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
            "backtest": [plain(row) for row in self.newest.reset_index().to_dict("records")],
            "drivers": [str(name) for name in now.drivers.feature.head(5)],
        }

    def _year(self) -> dict[str, Any]:
        """Return what the last year did to money and accounts under contract."""
        if self.months.empty:
            return {}
        year, last = self.months.tail(12), self.months.iloc[-1]
        counts = {name: int(year[name].sum()) for name in ("new_accounts", "reactivated", "lost")}
        return {f"accounts_{name}": value for name, value in counts.items()} | {
            "grr": last.grr_year,
            "nrr": last.nrr_year,
        }


def churn_review(
    book: Book, as_of: date, terms: Terms, *, setting: str = "", horizon_days: int = 0, segment: str = ""
) -> ChurnReview:
    """Score the clients of a day, plan the calls, and hold the scores of one horizon earlier against what came.

    Parameters
    ----------
    as_of : date
        Last day that counts.
    terms : Terms
        What a call is taken to do and to cost, and its limits.
    setting, horizon_days, segment
        As `churn` takes them.

    Raises
    ------
    ChurnError
        If there is no such setting or segment.
    PeriodError
        If the horizon is longer than ten years.
    """
    asked = cast(Asked, setting)
    now = churn(book, as_of, setting=asked, horizon_days=horizon_days, segment=segment, terms=terms)
    earlier = as_of - timedelta(days=now.horizon_days + (GRACE_DAYS if now.setting == "accounts" else 0))
    before = churn(book, earlier, setting=now.setting, horizon_days=now.horizon_days, segment=segment, terms=terms)
    saved, log_note = _saved(book, now, terms)
    terms = replace(terms, save_rate=saved.value)
    sheet = call_sheet(book, as_of, horizon_days=now.horizon_days)
    contracts = now.setting != "orders"
    year = Period(as_of - timedelta(days=YEAR - 1), as_of)
    return ChurnReview(
        company=book.company,
        currency=book.currency,
        now=now,
        before=before,
        terms=terms,
        calls=_calls(now, terms, sheet),
        saved=saved,
        drift=drift(*(found.table.p_churn[found.table.at_stake] for found in (before, now))),
        slices=calibration_drift(now.backtest.predictions),
        came=_alerts_that_came_true(before, now, terms),
        survival=_survival(book, now),
        months=recurring_by_month(book, as_of).to_pandas() if contracts else pd.DataFrame(),
        renewals=renewal_rate(book, year, as_of).to_pandas().iloc[0].to_dict() if contracts else {},
        notes=(*sheet.notes, *log_note),
    )


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
    stayed = still_there(book, now.as_of, now.setting, known, days=now.horizon_days)
    return save_rate(known, stayed, now.as_of, days=now.horizon_days, assumed=terms.save_rate), note


def _calls(now: Churn, terms: Terms, sheet: CallSheet) -> Calls:
    known, others = (_on_sheet(_with_worth(table, now, terms), now, sheet) for table in (now.table, now.others))
    if now.setting == "contracts":
        # the contract's own day of action comes before any cadence, unless it has passed
        due, today = pd.to_datetime(known.action_date), pd.Timestamp(now.as_of)
        known = known.assign(by=due.where(due >= today, today))
    # nothing hurries a talk: the play's own cadence gives its day
    talks = worth_a_talk(others.assign(by=others.due.fillna(others.by)), now.horizon_days) if len(others) else None
    return plan_calls(known, terms, left_alone=sheet.left_alone, others=talks)


def _on_sheet(table: pd.DataFrame, now: Churn, sheet: CallSheet) -> pd.DataFrame:
    """Add owner, play and day of each call; who owns a contract calls about it."""
    if "account_id" not in table:
        return table
    known = table.drop(columns=[name for name in sheet.table if name in table and name != "owner_id"])
    people = sheet.table.drop(columns="owner_id")
    # an empty column of texts merges with nothing
    found = people.reindex(known.account_id.astype(object)).set_axis(known.index)
    known = known.join(found)
    named = known.owner_id.map(sheet.people.user_name)
    left = known.owner_id.map(sheet.people.left).astype("boolean").fillna(False).astype(bool)
    by = pd.to_datetime(known.by).fillna(pd.Timestamp(now.as_of))
    return known.assign(owner_name=named, vacant=named.isna() | left, by=by)


def _with_worth(table: pd.DataFrame, scored: Churn, terms: Terms) -> pd.DataFrame:
    """Add what each client brings in terms.kept_days: value_at_risk is that of the horizon, or of a contract's year."""
    if "value_at_risk" not in table:
        return table
    span = scored.horizon_days if scored.setting == "orders" else YEAR
    return table.assign(worth=table.value_at_risk.astype(float) * terms.kept_days / span)


def _alerts_that_came_true(before: Churn, now: Churn, terms: Terms) -> Alerts:
    """Hold whom these terms would have called then against what is known now of the same clients at that cut."""
    scored = _with_worth(before.table.assign(row=before.table.index, worth=0.0), before, terms)
    if scored.empty:
        return alerts_came_true(pd.Series(dtype=bool), pd.DataFrame({"p": [], "churned": []}))
    chosen = scored.index.isin(plan_calls(scored, terms).chosen.row)
    keys = ["contract_id"] if "contract_id" in scored else ["account_id"]
    known = now.outcomes if "contract_id" in scored else now.outcomes[now.outcomes.cut == pd.Timestamp(before.as_of)]
    churned = scored[keys].merge(known[[*keys, "churned"]], on=keys, how="left").churned.set_axis(scored.index)
    # without a score there was no alert, and nothing to hold against what came
    known = pd.DataFrame({"p": scored.p_churn.astype(float), "churned": churned.where(scored.p_churn.notna())})
    return alerts_came_true(pd.Series(chosen, scored.index), known)


def _survival(book: Book, now: Churn) -> Survival:
    if now.setting != "orders":
        return survival(contract_histories(account_spells(book, now.as_of).to_pandas(), now.as_of))
    clients = client_rhythms(book, now.as_of, horizon_days=now.horizon_days)
    return survival(order_histories(clients[clients.rhythm], now.as_of))
