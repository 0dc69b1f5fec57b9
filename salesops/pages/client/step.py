"""What to do next with a client, and why: the play of the playbook, or fixed rules where there is none."""

from __future__ import annotations

from datetime import timedelta

from salesops.pages.client.result import ClientPage, NextStep

NOTICE = 60  # days before the action date of a contract from which on it comes first


def next_step(page: ClientPage) -> NextStep:
    """Return what comes next: the play's channel and day; without a playbook the first rule below that holds.

    An unhappy client is never left alone; else who is held out of the calls is not called here either.
    """
    if page.held_from_calls and not _unhappy(page):
        return NextStep("none", None, "held out")
    if page.play:
        return _from_play(page)
    for rule in (_orphaned, _unhappy, _contract, _overdue, _missing, _first_order, _expected):
        step = rule(page)
        if step:
            return step
    return NextStep("call", None, "in touch")


def _from_play(page: ClientPage) -> NextStep:
    """The play's cadence runs from the last contact; a purchase that is expected sooner is not waited for.

    Who may be on the call list of the churn page has a day there, which is today.
    """
    play = page.play or {}
    kind = play["channel"]
    if kind == "none" or play["cadence_days"] is None:
        return NextStep(kind, None, "play")
    if page.client["may_call"]:
        return NextStep(kind, page.as_of, "play")
    spoken = page.touches.done_on[page.touches.spoken]
    due = spoken.max().date() + timedelta(days=round(play["cadence_days"])) if len(spoken) else page.as_of
    expected = page.rhythm.expected
    return NextStep(kind, max(min(due, expected or due), page.as_of), "play")


def _orphaned(page: ClientPage) -> NextStep | None:
    return NextStep("hand over", page.as_of, "orphaned") if page.owner.left else None


def _unhappy(page: ClientPage) -> NextStep | None:
    waiting = page.low_answers[page.low_answers.contacted_on.isna()]
    return NextStep("call", page.as_of, "unhappy") if len(waiting) else None


def _contract(page: ClientPage) -> NextStep | None:
    open_ = page.agreements[page.agreements.runs & ~page.agreements.renewed]
    due = open_[open_.term & open_.days_left.between(0, NOTICE)]
    return NextStep("meeting", due.action_date.min().date(), "contract") if len(due) else None


def _overdue(page: ClientPage) -> NextStep | None:
    return NextStep("call", page.as_of, "overdue") if page.rhythm.late else None


def _missing(page: ClientPage) -> NextStep | None:
    return NextStep("call", page.as_of, "missing") if (page.lines.what == "missing").any() else None


def _first_order(page: ClientPage) -> NextStep | None:
    return None if page.client["is_client"] else NextStep("meeting", None, "first order")


def _expected(page: ClientPage) -> NextStep | None:
    expected = page.rhythm.expected
    return NextStep("email", max(expected, page.as_of), "expected") if expected else None
