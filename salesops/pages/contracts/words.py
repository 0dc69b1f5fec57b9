"""What the page of contracts says: sentences made of what was found."""

from __future__ import annotations

import pandas as pd

from salesops import words
from salesops.metrics.contract_gaps import BACKWARDS, NO_CONTRACT, NO_TERMS, NO_VALUE, OUTSIDE, UNKNOWN
from salesops.pages.contracts.findings import ContractsReview
from salesops.pages.contracts.lines import TERMS
from salesops.pages.contracts.renewals import DECIDE

FEWEST = 5  # lines: of fewer no rate is named
_GAPS = {
    NO_TERMS: ("contract has no terms", "contracts have no terms"),
    NO_VALUE: ("term has no agreed value", "terms have no agreed value"),
    BACKWARDS: ("contract ends before it starts and counts nowhere", "contracts end before they start; none counts"),
    OUTSIDE: (
        "line was ordered outside the dates of its contract, and is judged by it",
        "lines were ordered outside the dates of their contract, and are judged by it",
    ),
    UNKNOWN: ("line names a contract that is not in the book", "lines name a contract that is not in the book"),
    NO_CONTRACT: (
        "line names no contract, although its client had one that day",
        "lines name no contract, although their client had one that day",
    ),
}
_COSTS = {"quality": "rejected", "price": "leaked", "logistics": "delivered late"}


def headline_words(r: ContractsReview) -> str:
    """Say how many terms were broken, what leaked and what came late; what nothing can tell is left out."""
    said = []
    if r.broken is not None:
        each = [f"{term} {words.number(count)}" for term, count in r.broken_by_term.items() if count]
        detail = f" ({words.and_list(each)})" if each else ""
        said.append(f"{words.plural(r.broken, 'promise')} of {words.plural(len(r.contracts), 'contract')} "
                    f"{'was' if r.broken == 1 else 'were'} broken{detail}")  # fmt: skip  # one sentence
    elif r.has["contracts"]:
        said.append(f"{words.plural(len(r.contracts), 'contract')}, and nothing in the book tells if they were kept")
    if r.delivery["due"]:
        late = r.delivery["due"] - r.delivery["on_time"]
        said.append(f"{words.number(late)} of {words.plural(r.delivery['due'], 'line')} due came late or not yet")
    undecided = int(r.renewals.undecided.sum())
    if undecided:
        said.append(f"{words.plural(undecided, 'renewal')} must be decided within {DECIDE} days")
    return f"{'; '.join(said) or 'No line was due, and no contract ran'}."


def delivery_words(r: ContractsReview) -> str:
    """Say how many lines came on time and in full, or on time only."""
    found = r.delivery
    said = f"{words.number(found['on_time'])} of {words.plural(found['due'], 'line')} due came on time"
    said += f" ({words.percent(found['on_time_rate'], decimals=1)})"
    if words.is_missing(found["otif"]):
        bare = words.plural(found["uncounted"], "line")
        said += f". On time only: of {bare} no quantity is known, so whether they came in full cannot be judged."
    else:
        said += f", {words.number(found['on_time_in_full'])} of them on time and in full "
        said += f"({words.percent(found['otif'], decimals=1)})."
    if found["not_come"]:
        said += f" Of {words.plural(found['not_come'], 'line')} nothing has come yet."
    if found["late_value"]:
        said += f" Value delivered late, or not yet: {words.money(found['late_value'], currency=r.currency)}; no loss."
    return said


def late_words(r: ContractsReview) -> str:
    """Name the families and territories that are clearly later than all lines together."""
    overall = 1 - r.delivery["on_time_rate"]
    worse = r.late[(r.late.low > overall) & (r.late.due >= FEWEST)]
    if worse.empty:
        return f"No family is clearly later in any territory than all lines together ({words.percent(overall)} late)."
    named = [f"{place_name(row)} {_rate(row, row.late, row.due)}" for _, row in worse.head(3).iterrows()]
    return f"Clearly later than all lines together ({words.percent(overall)} late): {words.and_list(named)}."


def leak_words(r: ContractsReview) -> str:
    """Say what was invoiced below agreed prices, and above them."""
    p = r.price
    said = (
        f"Invoiced were {words.percent(p['net'] / p['agreed'], decimals=1)} of the agreed prices: "
        f"{words.number(p['below'])} of {words.plural(p['lines'], 'line')} lie below, and "
        f"{words.money(p['leakage'], currency=r.currency)} leaked."
    )
    if p["listed"]:
        said += f" Against today’s list it is {words.percent(p['net_listed'] / p['listed'], decimals=1)}; "
        said += "list prices that rose since make this lower."
    if p["lines_above"]:
        said += f" {words.plural(p['lines_above'], 'line')} were invoiced above the agreed price, by "
        said += f"{words.money(p['above'], currency=r.currency)}: the client may ask for it back."
    return said


def leaking_words(r: ContractsReview) -> str:
    """Name those whose lines lie below the agreed price clearly more often than all together."""
    overall = r.price["below"] / r.price["lines"]
    worse = r.reps[(r.reps.low > overall) & (r.reps.lines >= FEWEST)]
    if worse.empty:
        return f"Nobody’s lines lie below the agreed price clearly more often than all ({words.percent(overall)})."
    named = [f"{words.isolated(row.owner_name)} {_rate(row, row.below, row.lines)}" for _, row in worse.iterrows()]
    who = words.and_list(named, limit=4)
    return f"Below the agreed price clearly more often than all ({words.percent(overall)}): {who}."


def renewal_words(r: ContractsReview) -> str:
    """Say what is up, what of it is late, and what became of those before."""
    up, undecided = r.renewals, r.renewals[r.renewals.undecided]
    past = int((up.days_left < 0).sum())
    if up.empty:
        said = "No contract with a term has its action date in the coming half year."
    else:
        said = f"{words.plural(len(up), 'contract')} must be acted on within half a year."
        if len(undecided):
            worth = undecided.value.sum(min_count=1)
            money = "" if words.is_missing(worth) else f", worth {words.money(worth, currency=r.currency)} a year,"
            said += (
                f" For {words.number(len(undecided))}{money} {DECIDE} days or less are left, and no contract follows."
            )
        said += f" Of {words.number(past)} the action date has passed." if past else ""
    if r.rate.get("up"):
        said += (
            f" In the months judged {words.number(r.rate['renewed'])} of {words.number(r.rate['up'])} that were up "
            f"were renewed ({words.percent(r.rate['rate'])}; by amount {words.percent(r.rate['amount_rate'])})."
        )
    return said


def money_words(r: ContractsReview) -> str:
    """Say GRR and NRR of the last year, and how many accounts are still there, with the interval."""
    last = r.money.iloc[-1]
    said = f"Under contract are {words.money(last.amount, currency=r.currency)} a year"
    if not words.is_missing(last.grr_year):
        said += (
            f". Of the money of a year before {words.percent(last.grr_year, decimals=1)} is retained (GRR), and with "
            f"upgrades {words.percent(last.nrr_year, decimals=1)} (NRR)"
        )
    if len(r.kept) and r.kept.cohort.iloc[0].startswith("Under"):
        row = r.kept.iloc[0]
        said += f". By accounts: {_rate(row, row.kept, row.accounts)}"
    return f"{said}."


def gap_words(gaps: pd.DataFrame) -> list[str]:
    """Return what no term can judge, a sentence a kind, with the first it is about."""
    said = []
    for kind, (one, many) in _GAPS.items():
        rows = gaps[gaps.kind == kind]
        if len(rows):
            count = int(rows.rows.sum())
            first = words.and_list(list(rows.subject), limit=3)
            said.append(f"{words.number(count)} {one if count == 1 else many}: {first}.")
    return said


def place_name(row: pd.Series) -> str:
    """Return family and territory of a row, as far as they are known."""
    family = "unknown family" if words.is_missing(row.family) else words.isolated(row.family)
    return family if words.is_missing(row.territory_name) else f"{family} in {words.isolated(row.territory_name)}"


def broken_words(row: pd.Series) -> str:
    """Return the terms that a contract broke, with the day of the first breach and what it cost."""
    said = []
    for term in TERMS:
        if row[f"{term}_broken"]:
            cost = row[f"{term}_cost"]
            what = "" if words.is_missing(cost) else f", {_COSTS[term]} {words.money(cost)}"
            said.append(f"{term} since {words.day(row[f'{term}_since'])}{what}")
    return "; ".join(said)


def days_words(left: int) -> str:
    """Return how far a day lies ahead or behind."""
    if left == 0:
        return "today"
    return f"{words.plural(-left, 'day')} ago" if left < 0 else f"in {words.plural(left, 'day')}"


def _rate(row: pd.Series, part: float, whole: float) -> str:
    ends = f"{words.percent(row.low)} to {words.percent(row.high)}"
    return f"{words.percent(row.rate)} ({words.number(part)} of {words.number(whole)}; {ends})"
