"""What the page of follow-up says: sentences made of what was found."""

from __future__ import annotations

import pandas as pd

from salesops import words
from salesops.book.scale import NPS
from salesops.pages.follow_up.answers import AGAIN, FEWEST
from salesops.pages.follow_up.findings import LISTED, FollowUpReview

SCALES = {
    NPS: "0 to 10", "csat_1_5": "1 to 5", "csat_1_7": "1 to 7", "csat_0_100": "0 to 100", "ces_1_7": "1 to 7 (effort)",
}  # fmt: skip  # reads as a table
IDEA = "a datebook with the company’s name"


def headline_words(r: FollowUpReview) -> str:
    """Say how many delivered orders were followed up, and how many calls are to be made."""
    if not r.has["deliveries"]:
        return "The book holds no deliveries, so nothing tells which orders to follow up."
    found = r.counts
    if not found["due"]:
        return f"{words.plural(found['delivered'], 'order')} delivered; of none the {r.days} days are over."
    if not r.has["contacts_done"]:
        return (
            f"{words.plural(found['due'], 'order was', 'orders were')} delivered more than {r.days} days ago. The book "
            "holds no calls or visits, so whether they were followed up is not known."
        )
    share = words.percent(found["followed_up"] / found["due"], decimals=1)
    said = f"{share} of {words.plural(found['due'], 'delivered order')} were followed up within {r.days} days"
    calls = len(r.today)
    return f"{said}; {words.plural(calls, 'call')} for {words.day(r.calls.on.min())}." if calls else f"{said}."


def follow_up_words(r: FollowUpReview) -> str:
    """Say both counts, what was missed, and whose orders are followed up clearly less than all."""
    found = r.counts
    overall, missed = found["followed_up"] / found["due"], found["due"] - found["followed_up"]
    said = (
        f"Followed up in time: {words.number(found['followed_up'])} of {words.number(found['due'])} orders "
        f"({words.percent(overall, decimals=1)}), by a contact that names the order, or neither order nor deal. "
        f"Counting also a contact about another order of the client: {words.number(found['by_account'])} "
        f"({words.percent(found['by_account'] / found['due'], decimals=1)}). Missed: {words.number(missed)}, "
        "with those for which nobody planned anything."
    )
    worse = r.owners[r.owners.high < overall]
    if r.owner_id or worse.empty:
        return said
    named = [f"{words.isolated(row.owner_name)} {rate(row)}" for _, row in worse.iterrows()]
    return f"{said} Clearly below all together: {words.and_list(named, limit=3)}."


def satisfaction_words(r: FollowUpReview) -> str:
    """Say how many answered, and the score on its own scale; none from few answers."""
    a = r.answers
    said = (
        f"{words.number(a.answered)} of {words.plural(a.asked, 'survey')} were answered "
        f"({words.percent(a.answered / a.asked)}). "
    )
    if not a.answered:
        return said.strip()
    if a.on_scale < FEWEST:
        return f"{said}Under {FEWEST} answers there is no score."
    on = f"on the scale {SCALES.get(a.scale, a.scale)}"
    other = a.answered - a.on_scale
    if a.nps is not None:
        said += f"Net promoter score: {words.number(100 * a.nps)} {on}."
    elif a.csat is not None:
        said += f"Satisfied: {words.percent(a.csat)} give at least four fifths of the top {on}."
    else:
        said += f"Neither NPS nor satisfaction can be read {on}."
    return f"{said} Left out, on other scales: {words.plural(other, 'answer')}." if other else said


def lateness_words(r: FollowUpReview) -> str:
    """Say what lateness goes with."""
    bands = r.answers.lateness
    late = bands[bands.days != "on time"]
    total = int(bands.answers.sum())
    one, many = "answer is about a delivery", "answers are about a delivery"
    said = f"{words.plural(total, one, many)} of which it is known how late it came."
    if len(late) == len(bands) or late.empty:
        return said
    first, worst = bands.iloc[0], late.sort_values("mean").iloc[0]
    days = "15 or more days" if worst.days == "15 or more" else f"{worst.days} days"
    return (
        f"{said} On time the mean score is {words.number(first['mean'], decimals=2)}, at {days} late "
        f"{words.number(worst['mean'], decimals=2)}. Other things may have gone wrong with late orders too."
    )


def recovery_words(r: FollowUpReview) -> str:
    """Compare those who were contacted after a low score with those who were not."""
    rows = {bool(row.contacted): row for _, row in r.answers.recovery.iterrows()}
    who = {True: f"of those contacted within {r.days} days", False: "of the others"}
    parts = [f"{rate(rows[key], 'bought', 'answers')} {whom}" for key, whom in who.items() if key in rows]
    said = f"After a low score these ordered again within {AGAIN} days: {words.and_list(parts)}."
    if len(rows) == 2 and rows[True].low <= rows[False].high and rows[False].low <= rows[True].high:
        said += " The intervals overlap: the difference may be luck."
    return f"{said} Who is contacted is no draw, so this is no proof of what a call does."


def gift_words(r: FollowUpReview) -> str:
    """Say whose birthday comes, who agreed, and whom the rules leave out."""
    b = r.birthdays
    if not b["on_file"]:
        return "No birthday is on file."
    said = (
        f"{words.plural(b['on_file'], 'birthday')} on file, {words.number(b['agreed'])} of contacts who agreed to be "
        f"congratulated, {words.number(b['soon'])} of these in the coming 30 days."
    )
    if not b["agreed"]:
        return f"{said} Without consent nothing is proposed."
    if b["official"]:
        said += f" Left out as officials: {words.number(b['official'])}."
    if b["given"]:
        said += f" A gift is planned or was given lately to {words.number(b['given'])}."
    cap, approver = r.rules["cap"], r.rules["approver"]
    if len(r.gifts):
        under = f", for at most {words.money(cap, currency=r.currency)}" if cap is not None else ""
        by = f" {words.isolated(approver)} must approve." if approver else ""
        said += f" Proposed to {words.number(len(r.gifts))}: {IDEA}{under}.{by}"
        if cap is None or not approver:
            said += " Set cap and approver under [gifts] in book.toml."
    return said


def limits(r: FollowUpReview) -> list[str]:
    """Return what the numbers leave out, a sentence each."""
    said = [f"Data up to {words.day(r.as_of)}. All orders of the book up to then are counted."]
    if r.has["deliveries"]:
        said.append("An order of which a line has not come is not delivered yet, and in neither side of a rate.")
    if r.has["contacts_done"]:
        said.append(f"The list of calls holds orders delivered in the last {LISTED} days, each client once.")
    if r.birthdays["no_day"]:
        said.append(f"Birthdays on file that are no day of a year, as 31 April: {r.birthdays['no_day']:,}.")
    if r.has["birthdays"]:
        said.append("Gifts are proposed here; approving them, and what they cost, is not in the book.")
    return said


def when(left: int) -> str:
    """Return how long a call may still wait."""
    if left < 0:
        return f"{words.plural(-left, 'day')} overdue"
    return "last day" if left == 0 else f"{words.plural(left, 'day')} left"


def rate(row: pd.Series, part: str = "followed_up", whole: str = "due") -> str:
    """Return a share with its counts and interval."""
    ends = f"{words.percent(row.low)} to {words.percent(row.high)}"
    return f"{words.percent(row.rate)} ({words.number(row[part])} of {words.number(row[whole])}; {ends})"
