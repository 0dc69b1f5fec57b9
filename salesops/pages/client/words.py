"""The sentences of a client's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from salesops import words
from salesops.pages.client.result import ClientPage
from salesops.pages.client.rhythm_state import LOST, NEVER, OVERDUE, PAUSE

_VERBS = {"meeting": "Meet {}", "call": "Call {}", "email": "Write to {}", "self-service": "Point {} to self-service"}
_TYPES = {"call": "Call", "email": "E-mail", "meeting": "Meeting", "follow_up": "Follow-up", "gift": "Gift"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HELD = "by chance, to show what the calls of the churn page do"
_TOPICS = {"orphaned": "owner", "unhappy": "low answer", "missing": "missing delivery", "in touch": "no date"}


def next_sentence(p: ClientPage) -> str:
    """Return what to do next and why, in one or two sentences."""
    if p.step.rule == "held out":
        return f"Leave {p.account_name} alone: {_standing(p)}, and it is held out of the calls {_HELD}."
    if p.play:
        return _play_sentence(p)
    return _RULES[p.step.rule](p)


def step_words(p: ClientPage) -> str:
    """Return the play in full, or the rule that stands in for one, and where the churn page's calls stay away."""
    apart = p.held_from_calls and p.step.rule != "held out"
    return f"{_step(p)} It is held out of the calls {_HELD}: speak of the low answer alone." if apart else _step(p)


def _step(p: ClientPage) -> str:
    play = p.play
    if p.step.rule == "held out":
        return f"Without that it could be called, since {_standing(p)}. What has a date is done all the same."
    if not play:
        rule = _TOPICS.get(p.step.rule, p.step.rule)
        return f"This book has no playbook, so a fixed rule gives the step: “{rule}”."
    if play["arm"] == "hold-out":
        return f"Its reason would be: {play['why']} What has a date is done all the same."
    cadence = f" every {words.plural(_half_even(play['cadence_days']), 'day')}" if play["cadence_days"] else ""
    chosen = f" Chosen by a person: {play['override_reason']}." if play["arm"] == "override" else ""
    return (
        f"Play “{play['play_name']}”: {play['channel']}{cadence}, by {_who(p)}. "
        f"Offer: {_stop(play['offer'])} Stop when: {_stop(play['stop'])} "
        f"Or after {words.plural(play['stop_after'], 'action')} without an outcome.{chosen}"
    )


def owner_words(p: ClientPage) -> str:
    """Say who looks after the client, and what is at stake where that person left."""
    owner = p.owner
    if not owner.user_id:
        return "No owner is named."
    if owner.left:
        said = f"Owner: {owner.name}, who left on {words.day(owner.left)}. Name a new one."
    elif owner.before:
        first = f"first contact {words.day(owner.first_contact)}" if owner.first_contact else "no contact yet"
        said = f"Owner: {owner.name}, after {owner.before} left on {words.day(owner.before_left)}; {first}."
    else:
        return f"Owner: {owner.name}."
    low, high = owner.exposure or (0.0, 0.0)
    stake = f"{words.money(low)} to {words.money(high, currency=p.currency)}"
    return f"{said} Expected loss from the change: {stake} a year." if high else said


def lateness(p: ClientPage) -> str:
    """Say in a few words how the client stands by its own rhythm."""
    r = p.rhythm
    if r.state == OVERDUE:
        return f"overdue by {words.plural(r.overdue_days, 'day')}"
    if r.expected is None:
        return r.state
    return from_now((r.expected - p.as_of).days) if r.expected > p.as_of else "due now"


def rhythm_words(p: ClientPage) -> str:
    """Say how the client stands by its own gaps, and from when on its silence is a loss."""
    r = p.rhythm
    if r.state == NEVER:
        return "No order so far." if p.client["is_client"] else "Nothing bought yet."
    if r.median_gap is None:
        return "One purchase so far: there is no gap to go by."
    days = words.plural(_half_even(r.median_gap), "day")
    gap = f"{words.plural(p.purchases, 'purchase')}, {f'{days} apart' if p.purchases == 2 else f'one every {days}'}"
    if r.latest is None or r.lost_on is None:
        return f"{gap}. No rhythm is known, since it has too few gaps or buys by deals: it is never called lost."
    silent = words.plural(p.client["days_since"], "day")
    if r.state == LOST:
        return f"{gap}. Silent for {silent}: after {words.day(r.lost_on)} that is a loss by its own rhythm."
    late = "is overdue since" if r.state == OVERDUE else "would be overdue after"
    day = words.day(r.latest) if r.state != PAUSE else ""
    said = f"It {late} {day}" if day else "It is in its usual pause"
    return f"{gap}. {said}, and counts as lost after {words.day(r.lost_on)}."


def whitespace_words(p: ClientPage) -> str:
    """Say what peers buy and the client does not, the most usual first."""
    rows = p.open_families
    if rows.empty:
        return "It buys every family that its peers buy." if len(p.families) else "No peer has bought anything yet."
    said = [f"{row.family} ({words.percent(row.peer_share)})" for row in rows.head(3).itertuples()]
    who = f"in {p.client['industry']}" if bool(rows.same_industry.iloc[0]) else "in all industries"
    peers = words.plural(rows.peers.iloc[0], "peer")
    return f"Not bought, with the share of {peers} {who} that buy it: {words.and_list(said)}."


def otif_words(p: ClientPage) -> str:
    """Say how many order lines came on time and in full; on time only, where a delivery names no quantity."""
    if "deliveries" not in p.tables:
        return "This book holds no deliveries."
    if not p.otif["due"]:
        return "No order line with a promised date was due in the last 365 days."
    lines = words.plural(p.otif["due"], "order line")
    if p.otif["uncounted"]:
        return (
            f"On time only: {p.otif['on_time']:,} of {lines} in 365 days ({words.percent(p.otif['on_time_rate'])}). "
            f"Whether {words.plural(p.otif['uncounted'], 'line')} came in full is not known: no quantity stands there."
        )
    return (
        f"On time and in full: {p.otif['on_time_in_full']:,} of {lines} in 365 days ({words.percent(p.otif['otif'])})."
    )


def answer_words(p: ClientPage, fewest: int) -> str:
    """Say what the client answered last, and how often it answers."""
    a = p.answers
    if "survey_responses" not in p.tables:
        return "This book holds no surveys."
    if not a["answered"]:
        return f"No answer to {words.plural(a['asked'], 'survey')}." if a["asked"] else "It was never asked."
    if words.is_missing(a["last_answer"]):
        return f"{a['answered']:,} of {words.plural(a['asked'], 'survey')} answered; when is not known."
    last = f"Last answer {score_words(a['last_score'], a['last_top'])} on {words.day(a['last_answer'])}; "
    count = f"{a['answered']:,} of {words.plural(a['asked'], 'survey')} answered."
    scores = [
        *([f"Net promoter score {words.number(100 * a['nps'])}."] if a["nps"] is not None else []),
        *([f"Content, with at least 80% of the scale: {words.percent(a['csat'])}."] if a["csat"] is not None else []),
    ]
    return " ".join([f"{last}{count}", *(scores or [f"No score under {fewest} answers."])])


def score_words(score: float, top: float) -> str:
    """Say a score with the top of its scale: 8 of 10."""
    return f"{words.number(score)} of {words.number(top)}"


def line_words(row: Any) -> str:
    """Say what went wrong with an order line."""
    product = row.product_name if isinstance(row.product_name, str) else "a product"
    late = words.plural(row.days_late, "day")
    if row.what == "missing" and words.is_missing(row.quantity):
        return f"{product}: nothing came yet"
    if row.what == "missing":
        return f"{product}: {words.number(row.quantity - row.delivered)} of {words.number(row.quantity)} missing"
    if row.what == "late":
        return f"{product}: {late} late" if row.days_late else f"{product}: in part too late"
    of = "" if words.is_missing(row.delivered) else f" of {words.number(row.delivered)}"
    return f"{product}: {words.number(row.rejected)}{of} rejected"


def activity_words(row: Any) -> str:
    """Return an activity in words: "Call: ask for the order"."""
    kind = _TYPES.get(row.type, str(row.type))
    return f"{kind}: {row.subject}" if isinstance(row.subject, str) and row.subject else kind


def contact_words(row: Any) -> str:
    """Return a completed activity in words: "Call: check the need, with Ann Lee (Reached)"."""
    who = f", with {row.contact_name}" if isinstance(row.contact_name, str) else ""
    came = f" ({row.outcome})" if isinstance(row.outcome, str) and row.outcome else ""
    return f"{activity_words(row)}{who}{came}"


def contract_words(row: Any, currency: str) -> str:
    """Say what a contract is worth, when it ends, until when to act, and what was agreed."""
    amount = "amount not known, " if words.is_missing(row.annual_amount) else ""
    said = amount or f"{words.money(row.annual_amount, currency=currency)} a year, "
    if not row.runs:
        ended = ", while others ran on: a downsell" if row.others_run else " and was not renewed"
        said += f"ended on {words.day(row.end_date)}{', renewed' if row.renewed else ended}."
    elif words.is_missing(row.end_date):
        said += f"runs since {words.day(row.start_date)}, without an end."
    elif row.renewed:
        said += f"ends on {words.day(row.end_date)}, renewed."
    elif not row.term:
        said += f"ends on {words.day(row.end_date)}."
    else:
        act = f"act by {words.day(row.action_date)}, {from_now(int(row.days_left))}"
        said += f"ends on {words.day(row.end_date)}: {act}."
    return f"{said} {row.terms}".strip()


def trust_words(p: ClientPage) -> list[str]:
    """Say how far to trust the chance to buy and the value, against naive forecasts."""
    if not p.estimates["usable"]:
        return [p.estimates["why_not"]]
    rows = {row["forecast"]: row for row in p.estimates["backtest"]}
    said = ["Chance to buy and value are estimates of one model of all clients; value is before any cost."]
    model, naive = rows.get("probability active", {}), rows.get("time since last purchase", {})
    if model.get("auc") is None or naive.get("auc") is None:
        return [*said, "There are too few clients of before to hold the model against what came."]
    better = words.ranking(model, naive)
    bias = rows["expected purchases"]["bias"]
    off = (
        ""
        if bias is None
        else f" It foretold {words.percent(abs(bias))} too {'many' if bias > 0 else 'few'} purchases."
    )
    return [
        *said,
        f"{p.horizon_weeks} weeks ago the model ranked buyers {better} the time since the last purchase does: "
        f"AUC {model['auc']:.2f} against {naive['auc']:.2f}.{off}",
    ]


def month_day(month: int, day: int) -> str:
    """Return a day of any year: "12 Nov"."""
    return f"{day} {_MONTHS[month - 1]}"


def from_now(days: int) -> str:
    """Return "in 12 days", "today" or "3 days ago"."""
    if not days:
        return "today"
    return f"in {words.plural(days, 'day')}" if days > 0 else f"{words.plural(-days, 'day')} ago"


def _play_sentence(p: ClientPage) -> str:
    play, name = p.play or {}, p.account_name
    if play["arm"] == "hold-out":
        return f"Leave {name} alone: it is held out of the play “{play['play_name']}”, to show whether the play works."
    if p.step.kind not in _VERBS:
        return f"Leave {name} alone. {play['why']}"
    when = "now" if p.step.by in (None, p.as_of) else f"by {words.day(p.step.by)}"
    return f"{_VERBS[p.step.kind].format(name)} {when}. {play['why']}"


def _who(p: ClientPage) -> str:
    who = (p.play or {})["owner"]
    return f"the account owner, {p.owner.name}" if who == "account owner" and p.owner.name else who


def _stop(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _half_even(value: float | None) -> int | None:
    """Round as plays do, so that one page never shows two lengths of one gap."""
    return None if value is None else round(value)


def _low(p: ClientPage) -> str:
    waiting = p.low_answers[p.low_answers.contacted_on.isna()].iloc[0]
    on = words.day(waiting.answered_on)
    return f"it answered {score_words(waiting.score, waiting.top)} on {on}, and nobody has been in touch since"


def _ending(p: ClientPage) -> str:
    rows = p.agreements[p.agreements.runs & ~p.agreements.renewed & p.agreements.term]
    first = rows[rows.days_left >= 0].sort_values("action_date").iloc[0]
    return f"contract {first.contract_id} ends on {words.day(first.end_date)} and nothing renews it yet"


def _missing(p: ClientPage) -> str:
    count = int((p.lines.what == "missing").sum())
    return words.plural(count, "order line is", "order lines are")


def _orphaned(p: ClientPage) -> str:
    return f"Name a new owner for {p.account_name}: {p.owner.name} left on {words.day(p.owner.left)}."


def _unhappy(p: ClientPage) -> str:
    return f"Call {p.account_name} now: {_low(p)}."


def _contract(p: ClientPage) -> str:
    return f"Meet {p.account_name} by {words.day(p.step.by)}: {_ending(p)}."


def _overdue(p: ClientPage) -> str:
    return f"Call {p.account_name} now: {_standing(p)}."


def _not_delivered(p: ClientPage) -> str:
    return f"Call {p.account_name} now: {_missing(p)} not delivered in full."


def _first_order(p: ClientPage) -> str:
    return f"Win the first order of {p.account_name}: it has not bought yet."


def _expected(p: ClientPage) -> str:
    return f"Offer {p.account_name} the usual order by {words.day(p.step.by)}: it buys every {_gap(p)}."


def _in_touch(p: ClientPage) -> str:
    if p.rhythm.state == NEVER:
        return f"Stay in touch with {p.account_name}: it has {_ties(p)}, and no order is expected on a day."
    why = "it is in its usual pause" if p.rhythm.state == PAUSE else "no purchase is expected on a day"
    return f"Stay in touch with {p.account_name}: {why}."


def _ties(p: ClientPage) -> str:
    running = int(p.agreements.runs.sum())
    if running:
        return words.plural(running, "running contract")
    return words.plural(p.won.deals, "won deal") if p.won.deals else "contracts that have ended"


def _standing(p: ClientPage) -> str:
    silent = words.plural(p.client["days_since"], "day")
    how = "lost by its own rhythm" if p.rhythm.state == LOST else "overdue"
    return f"it buys every {_gap(p)}, has been silent for {silent}, and is {how}"


def _gap(p: ClientPage) -> str:
    return words.plural(_half_even(p.rhythm.median_gap), "day")


_RULES: dict[str, Callable[[ClientPage], str]] = {
    "orphaned": _orphaned,
    "unhappy": _unhappy,
    "contract": _contract,
    "overdue": _overdue,
    "missing": _not_delivered,
    "first order": _first_order,
    "expected": _expected,
    "in touch": _in_touch,
}
