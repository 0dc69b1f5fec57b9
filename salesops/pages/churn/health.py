"""The churn page, page two: how long clients stay, calibration, drivers, and whether the scores still hold."""

from __future__ import annotations

from typing import Any

from salesops import words
from salesops.pages.churn import words as say
from salesops.pages.churn.findings import ChurnReview
from salesops.views import table as t
from salesops.views.blocks import Block, absent, note, nothing, sentence, together

MOST_DRIVERS = 8
MONTHS = 12


def cohorts(r: ChurnReview) -> Block:
    """Say how long clients stay, and show it by the time of their start."""
    shown = r.survival.cohorts.assign(ends=[_ends(row) for row in r.survival.cohorts.itertuples()])
    columns = [
        t.text("cohort", "Started"),
        t.number("clients", "Clients"),
        t.number("lost", "Lost"),
        t.share("year", "There after a year", note="ends"),
        t.number("median_days", "Half gone by, days", phone=False),
    ]
    table = t.table(
        shown,
        columns,
        caption="Kaplan–Meier, with 95% intervals. Cohorts of fewer than ten clients are in the first line only."
        + ("" if r.now.setting != "orders" else " Days count from the purchase that made a rhythm known."),
        empty="No curve.",
    )
    return together(sentence(_staying(r)), table)


def retention(r: ChurnReview) -> Block:
    """Say what the last year did to the money under contract, and show it by month; nothing for orders."""
    if r.months.empty:
        return nothing()
    shown = r.months.tail(MONTHS)
    scale = words.scale_for(shown.amount, currency=r.currency)
    columns = [
        t.day("month", "End of"),
        t.number("accounts", "Accounts"),
        t.number("lost", "Lost"),
        t.number("reactivated", "Back", phone=False),
        t.number("new_accounts", "New", phone=False),
        t.amount("amount", "Yearly", scale=scale),
        t.amount("upgrade", "Upgrade", scale=scale, phone=False),
        t.amount("downgrade", "Downgrade", scale=scale, phone=False),
        t.amount("churn", "Churn", scale=scale, phone=False),
        t.share("grr_year", "GRR", phone=False),
        t.share("nrr_year", "NRR", phone=False),
    ]
    table = t.table(
        shown,
        columns,
        caption=f"Yearly money under contract, in {scale.unit}. Lost: the last contract ended without a successor; "
        "back: had been lost. GRR and NRR against the same month a year before, each account at most at its own amount "
        "of then for GRR.",
    )
    return together(sentence(_retained(r)), table)


def calibration(r: ChurnReview) -> Block:
    """Say whether foretold shares came true in every slice of time that was tested, and show them."""
    slices = r.slices
    if slices.empty:
        return absent("Calibration cannot be shown: nothing could be tested.")
    off = slices[~slices.holds.astype(bool)]
    told = words.plural(len(slices), "test slice")
    said = (
        f"In {words.number(len(off))} of {told} the losses lie outside what chance allows."
        if len(off)
        else f"In all {told} the losses lie within what chance allows."
    )
    shown = slices.assign(
        day=[words.day(cut) for cut in slices.cut],
        ends=[f"{_two(row.low)} to {_two(row.high)}" for row in slices.itertuples()],
    )
    columns = [
        t.text("day", "Scored on"),
        t.number("clients", say.unit(r.now).capitalize()),
        t.number("expected", "Foretold"),
        t.number("observed", "Lost"),
        t.number("ratio", "Lost ÷ foretold", decimals=2, note="ends"),
    ]
    table = t.table(
        shown, columns, caption="Each slice was scored by what was known then. 1 is as foretold; 95% interval."
    )
    return together(sentence(said), table)


def drivers(r: ChurnReview) -> Block:
    """Show what the scores stand on, strongest first."""
    if r.now.drivers.empty:
        return absent("There are no drivers to show: no model is in use.")
    shown = r.now.drivers.head(MOST_DRIVERS)
    columns = [
        t.text("sentence", "What goes with being lost"),
        t.number("weight", "Weight", decimals=2),
    ]
    return t.table(
        shown,
        columns,
        caption="Weight: mean size of its part in the log-odds. Association, not cause.",
    )


def health(r: ChurnReview, *, logged: int | None) -> Block:
    """Say whether scores have drifted, whether the alerts of one horizon ago came true, and what calls did.

    Parameters
    ----------
    logged : int or None
        How many clients were written into the log for this page; None if that was not asked.
    """
    return note(_drift(r), _alert_words(r), say.saved_sentence(r), _logged(r, logged))


def _retained(r: ChurnReview) -> str:
    """Say the renewal rate, GRR, NRR and how many accounts left in the year up to the day."""
    last, year, rate = r.months.iloc[-1], r.months.tail(MONTHS), r.renewals
    lost, back = int(year.lost.sum()), int(year.reactivated.sum())
    said = f"In the last {words.plural(len(year), 'month')} {words.plural(lost, 'account was', 'accounts were')} lost"
    said += f", and {words.number(back)} came back." if back else "."
    if not words.is_missing(last.grr_year):
        said += (
            f" Of the yearly money of {words.number(r.months.accounts.iloc[-1 - MONTHS])} accounts of a year before, "
            f"{words.percent(last.grr_year)} is retained without upgrades (GRR) and {words.percent(last.nrr_year)} "
            "with them (NRR)."
        )
    if not rate.get("up"):
        return f"{said} No contract with a term was up for renewal."
    return (
        f"{said} {words.number(rate['renewed'])} of {words.plural(rate['up'], 'contract')} that were up were renewed "
        f"({words.percent(rate['rate'])}; by amount {words.percent(rate['amount_rate'])}); "
        f"{words.number(rate['downsell'])} ended as a downsell, while others of the client ran on, and "
        f"{words.number(rate['left'])} as the client’s last."
    )


def _staying(r: ChurnReview) -> str:
    """Say how many are still there after a year, and how the cohorts differ."""
    cohorts = r.survival.cohorts
    if cohorts.empty:
        return "Nobody has been in view long enough for a curve."
    new = f" Too new to be judged: {words.plural(r.survival.too_new, 'client')}." if r.survival.too_new else ""
    row = cohorts.iloc[0]
    who = "client with a rhythm" if r.now.setting == "orders" else "account"
    if words.is_missing(row.year):
        return f"No {who} has been in view for a year yet.{new}"
    many = words.plural(row.clients, who, who.replace("client", "clients").replace("account", "accounts"))
    ends = f" ({words.percent(row.year_low)} to {words.percent(row.year_high)})"
    if row.year_low == row.year_high:  # nobody was lost within the year: the method gives no interval
        ends = ""
    are = "is" if row.clients == 1 else "are"
    return f"After a year {words.percent(row.year)}{ends} of {many} {are} still there.{new}"


def _drift(r: ChurnReview) -> str:
    """Say whether the scores have moved since one horizon ago."""
    found = r.drift
    then = words.day(r.before.as_of)
    if words.is_missing(found.psi):
        return f"Drift cannot be told: there are no scores on {then}, or none today."
    told = (
        f"population stability index {words.number(found.psi, decimals=2)}; without any change it stays below "
        f"{words.number(found.chance, decimals=2)} in 19 of 20 cases"
    )
    if found.verdict == "too few to say":
        return f"Scores of {then} against today: too few to say ({told})."
    moved = {"steady": "are steady", "moved a little": "have moved a little", "moved a lot": "have moved a lot"}
    return f"The scores {moved[found.verdict]} since {then}: {told}."


def _alert_words(r: ChurnReview) -> str:
    """Say how many of those the earlier date would have called were lost."""
    found, then = r.came, words.day(r.before.as_of)
    if not r.before.usable:
        return f"There were no scores on {then}: {say.ended(r.before.why)}"
    if not found.alerts:
        return f"Nobody picked for a call on {then} has a known outcome yet."
    was = "was" if found.lost == 1 else "were"
    return (
        f"Of {words.number(found.alerts)} that these terms would have picked on {then}, {words.number(found.lost)} "
        f"{was} lost since: {words.percent(found.share)} ({words.percent(found.low)} to {words.percent(found.high)}); "
        f"{words.percent(found.expected)} was foretold. Of all scored then, {words.percent(found.everyone)} were lost."
    )


def _logged(r: ChurnReview, logged: int | None) -> str:
    if logged is None:
        days = words.plural(r.now.horizon_days, "day")
        return f"Run with log=true to write down who is called and who is left alone, to judge the calls in {days}."
    return f"Written into play_log.csv: {words.plural(logged, 'client')} to call or to leave alone, not logged before."


def _ends(row: object) -> str:
    low, high = (getattr(row, name) for name in ("year_low", "year_high"))
    return "" if words.is_missing(low) else f"{words.percent(low)} to {words.percent(high)}"


def _two(value: Any) -> str:
    return words.number(value, decimals=2)
