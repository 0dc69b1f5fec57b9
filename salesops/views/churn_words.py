"""The sentences of the churn page: who is lost, what a call is taken to do, and what holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from salesops.models.churn.result import Churn
from salesops.models.churn.review import ChurnReview
from salesops.models.churn.save_rate import FEWEST
from salesops.views import words

REASONS = ("reason_1", "reason_2", "reason_3")

# what the tests hold the models against outside any book of a company
HELD_AGAINST = (
    "Outside this book the models are held against two public data sets. On IBM Telco (7,043 clients) they reach a "
    "ROC-AUC of .843 or more on clients they have not seen; but that set is one snapshot without dates, so it cannot "
    "prove temporal validity. On CDNOW (2,357 customers), scored on a day "
    "and held against the 13 weeks after it, the method in use reaches .79 or more."
)


def lost(r: ChurnReview, *, noun: bool = False) -> str:
    """Return what lost means here, in words."""
    if r.now.setting == "contracts":
        return "contracts not renewed" if noun else "not to be renewed"
    ahead = words.plural(r.now.horizon_days, "day")
    return f"clients who buy nothing in {ahead}" if noun else f"to buy nothing in the next {ahead}"


def unit(found: Churn, count: float | None = None) -> str:
    """Return "412 clients" or "31 contracts", or the bare plural."""
    one = "contract" if found.setting == "contracts" else "client"
    return f"{one}s" if count is None else words.plural(count, one)


def span(low: float, high: float, *, money: str | None = None) -> str:
    """Return "22 to 41", or an amount of `money` (a currency) with its ends."""
    if money is None:
        return f"{words.number(low)} to {words.number(high)}"
    return f"{words.money(low)} to {words.money(high, currency=money)}"


def headline(r: ChurnReview) -> str:
    """Say how many clients and how much money are expected to be lost, with intervals; or that it cannot be told."""
    now, risk = r.now, r.now.at_risk
    if now.table.empty:
        return f"There is nobody to score on {words.day(now.as_of)}. {_all_silent(now) or now.why}".strip()
    if not now.usable or words.is_missing(risk.clients):
        return f"{ended(now.why)} Those silent for longest against their own rhythm are listed below."
    of = unit(now, len(r.counted))
    bring = "they bring" if now.setting == "contracts" else "they would bring"
    in_time = "a year" if now.setting == "contracts" else f"in {words.plural(now.horizon_days, 'day')}"
    return (
        f"{words.number(risk.clients)} of {of} are expected {lost(r)} "
        f"({span(risk.clients_low, risk.clients_high)}); {bring} {words.money(risk.value, currency=r.currency)} "
        f"{in_time} ({span(risk.value_low, risk.value_high, money=r.currency)})."
    )


def _all_silent(now: Churn) -> str:
    """Say that every client was silent for too long to be scored; "" if not."""
    silent = now.left_out.get("silent for longer than the window", 0)
    if not silent or now.left_out.get("in other segments", 0):
        return ""
    verb = "has" if silent == 1 else "have"
    return (
        f"{unit(now, silent)} {verb} bought before, but nothing in the last {words.plural(now.window_days, 'day')}: "
        "here they count as lost already."
    )


def plan_sentences(r: ChurnReview) -> Iterator[str]:
    """Say what the calls cost and bring, who is left alone, and which figures are assumptions."""
    calls, terms, counts = r.calls, r.terms, r.calls.counts
    if not r.now.usable:
        yield "Without a chance to leave there is no expected profit: nobody is picked, and the list is no call list."
        return
    each = words.money(terms.contact_cost + terms.incentive, currency=r.currency)
    yield (
        f"{words.plural(counts['call'], 'call')} at {each} at most each, "
        f"{words.money(calls.cost, currency=r.currency)} in all. Expected profit: "
        f"{words.money(calls.profit, currency=r.currency)}."
    )
    if counts["beyond"]:
        limits = [
            *([f"the budget of {words.money(terms.budget, currency=r.currency)}"] if terms.budget else []),
            *([f"the capacity of {words.plural(terms.capacity, 'call')}"] if terms.capacity else []),
        ]
        yield f"{words.number(counts['beyond'])} more are worth a call, but lie beyond {words.and_list(limits)}."
    if counts["control"]:
        names = list(calls.table[calls.table.arm == "control"].account_name)
        listed = words.and_list(names, limit=8)
        yield f"Do not call {listed}: left alone by chance, so that the calls can be judged."
    if counts["left alone"]:
        yield f"Held out of a play of the playbook, and not called either: {words.number(counts['left alone'])}."
    if counts["usual pause"]:
        yield f"In the usual pause of the year, and not called: {words.number(counts['usual pause'])}."
    yield saved_sentence(r)
    yield (
        f"Also assumed, as parameters: {words.money(terms.contact_cost, currency=r.currency)} a call, "
        f"{words.money(terms.incentive, currency=r.currency)} of incentive to each who stays, "
        f"{words.percent(terms.margin)} margin, and {words.plural(terms.kept_days, 'day')} of sales from a client kept."
    )


def saved_sentence(r: ChurnReview) -> str:
    """Say whether the save rate is measured or assumed, and what the controls of last time say."""
    saved, rate = r.saved, words.percent(r.terms.save_rate)
    sides = (
        f"{words.number(saved.called_lost)} of {words.number(saved.called)} called were lost, "
        f"{words.number(saved.control_lost)} of {words.number(saved.control)} left alone by chance"
    )
    ends = f"({_signed(saved.low)} to {_signed(saved.high)})"
    if saved.measured:
        return f"The save rate of {rate} is measured {ends}: {sides}."
    if saved.called + saved.control + saved.waiting == 0:
        return f"The save rate of {rate} is an assumption: no call has been logged yet."
    if saved.called + saved.control == 0:
        waiting = words.plural(saved.waiting, "logged client")
        return f"The save rate of {rate} is an assumption: too early to say, {waiting} are not yet due."
    return (
        f"The save rate of {rate} is an assumption. Too early to say: {sides}; it takes {FEWEST} on either side, "
        f"and {words.number(saved.waiting)} are not yet due."
    )


def reasons(row: Mapping[Any, Any], *, limit: int = 3) -> str:
    """Return the first reasons of a row as sentences; how long it has been silent where there are none."""
    found = [row[name] for name in REASONS[:limit] if not words.is_missing(row.get(name)) and row[name]]
    if found:
        return " ".join(ended(str(reason)) for reason in found)
    if words.is_missing(row.get("hiatus_days")):
        return ""
    gap = row.get("own_gap_days")
    rhythm = "" if words.is_missing(gap) else f"; its own gap is {words.plural(round(float(gap)), 'day')}"  # type: ignore[arg-type]  # known
    return f"Last purchase {words.plural(row['hiatus_days'], 'day')} ago{rhythm}."


def contract(row: Mapping[Any, Any]) -> str:
    """Return which contract a row is about, as a sentence with a space after it; "" for a client."""
    if words.is_missing(row.get("contract_id")):
        return ""
    return f"Contract {row['contract_id']} ends on {words.day(row['end_date'])}. "


def owner(row: Mapping[Any, Any]) -> str:
    """Return who calls; a vacant place is said."""
    name = row.get("owner_name")
    if words.is_missing(name) or not name:
        return "no owner: name one"
    return f"{name} has left: name a new owner" if row.get("vacant") else str(name)


def next_step(row: Mapping[Any, Any], *, currency: str) -> str:
    """Return owner, day, play and expected profit of one call as a line."""
    play = row.get("play_name")
    doing = "" if words.is_missing(play) or not play else f" Play: {play} ({row['channel']})."
    profit = f" Expected profit {words.money(row['profit'], currency=currency)}."
    return f"{owner(row)}, by {words.day(row['by'])}.{doing}{profit}"


def _signed(share: float) -> str:
    return f"−{words.percent(-share)}" if share < 0 else words.percent(share)


def ended(sentence: str) -> str:
    """Return a sentence with a capital and a full stop."""
    text = sentence.strip()
    text = f"{text[:1].upper()}{text[1:]}"
    return text if not text or text[-1] in ".?!" else f"{text}."
