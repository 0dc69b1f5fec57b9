"""The page of follow-up, block by block: whom to call, what was missed, what clients answer, and birthdays."""

from __future__ import annotations

import altair as alt
import pandas as pd
from altair.utils.schemapi import debug_mode

from salesops import words
from salesops.pages.follow_up import words as say
from salesops.pages.follow_up.findings import FollowUpReview
from salesops.views import table as t
from salesops.views.blocks import Block, absent, definitions, headline, kpis, nothing, sentence, together
from salesops.views.look import ACCENT, SOFT, finish

MOST = 40  # rows of a table
MONTHS = 12
_WHOLE = debug_mode(False)  # Altair checks the whole chart when it is shown; its parts need no check of their own


def page_head(r: FollowUpReview) -> Block:
    """Show the rate of follow-up in one sentence, and the calls of the day."""
    whose = f" · {r.owners.owner_name.iloc[0]}" if r.owner_id and len(r.owners) else ""
    return headline(
        say.headline_words(r),
        eyebrow=f"Follow-up · {r.company}{whose}",
        meta=f"As of {words.day(r.as_of)}. Follow-up is due within {words.plural(r.days, 'day')} of the delivery.",
    )


def key_figures(r: FollowUpReview) -> Block:
    """Show the figures that are known."""
    a, found, shown = r.answers, r.counts, []
    if r.judged:
        share = words.percent(found["followed_up"] / found["due"], decimals=1)
        also = words.percent(found["by_account"] / found["due"], decimals=1)
        shown.append(("Followed up in time", share, f"{also} with contacts about other orders"))
        shown.append(("Missed", words.number(found["due"] - found["followed_up"]), f"of {found['due']:,} orders due"))
    if a.nps is not None:
        shown.append(("NPS", words.number(100 * a.nps), words.plural(a.on_scale, "answer")))
    if a.csat is not None:
        shown.append(("Satisfied", words.percent(a.csat), words.plural(a.on_scale, "answer")))
    if a.asked:
        shown.append(("Answered", words.percent(a.answered / a.asked), f"of {words.plural(a.asked, 'survey')}"))
    if r.birthdays["agreed"]:
        shown.append(("Birthdays", words.number(r.birthdays["soon"]), f"{len(r.gifts)} gifts proposed"))
    return kpis(shown)


def calls(r: FollowUpReview) -> Block:
    """Show whom to call on the next workday, at most `a_day` for each person, and say when the rest comes."""
    if not r.has["contacts_done"]:
        return absent("Nothing tells which contacts were made, so nobody can be listed for a call.")
    rows = r.today.head(MOST).assign(
        when=[say.when(left) for left in r.today.head(MOST).left],
        owner=[f"{name} (left)" if left else name for name, left in
               zip(r.today.owner_name.fillna("nobody").head(MOST), r.today.owner_left.head(MOST), strict=True)],
    )  # fmt: skip  # one list
    columns = [
        t.text("account_name", "Client", note="order_id"),
        t.text("owner", "Who calls"),
        t.day("delivered_on", "Delivered", phone=False),
        t.day("until", "Call by", note="when"),
    ]
    rest = f" The first {MOST} of {len(r.today):,}." if len(r.today) > MOST else ""
    caption = f"Calls for {words.day(r.calls.on.min())}, at most {r.a_day} for each person.{rest}"
    table = t.table(rows, columns, caption=caption, empty="Every client was contacted since the last delivery.")
    later = r.calls[r.calls.on > r.calls.on.min()]
    if later.empty:
        return table
    days = [f"{words.number(len(part))} on {words.day(on)}" for on, part in later.groupby("on")]
    return together(table, sentence(f"The rest stands with its day: {words.and_list(days, limit=5)}."))


def followed_up(r: FollowUpReview) -> Block:
    """Say both counts of follow-up, and show them by owner, lowest first."""
    if not r.judged:
        why = "no order is due yet" if r.has["contacts_done"] else "nothing tells which contacts were made"
        return absent(f"The rate of follow-up is not known: {why}.")
    rows = r.owners.head(12).assign(ends=_ends(r.owners.head(12)), owner=r.owners.owner_name.head(12).fillna("nobody"))
    columns = [
        t.text("owner", "Owner"),
        t.number("due", "Orders due"),
        t.number("missed", "Missed", phone=False),
        t.share("rate", "Followed up", note="ends"),
    ]
    more = f" The first {len(rows)} of {len(r.owners):,}." if len(r.owners) > len(rows) else ""
    caption = f"Lowest share first, with 95% intervals: where they overlap, the order may be luck.{more}"
    table = nothing() if r.owner_id else t.table(rows, columns, caption=caption)
    return together(sentence(say.follow_up_words(r)), table)


@_WHOLE
def trend(r: FollowUpReview) -> alt.LayerChart | Block:
    """Draw the share of orders followed up by month of delivery; nothing without two months."""
    rows = r.months.tail(MONTHS).assign(month=pd.to_datetime(r.months.month.tail(MONTHS)))
    if not r.judged or len(rows) < 2:
        return nothing()
    x = alt.X("month:T", title=None, axis=alt.Axis(format="%b %y", tickCount=6, grid=False))
    axis = alt.Axis(format=".0%", tickCount=5)
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(rows)
    lines = base.mark_rule(color=SOFT).encode(
        x, alt.Y("low:Q", title="Followed up", axis=axis, scale=scale), alt.Y2("high")
    )
    dots = base.mark_point(size=45, filled=True, opacity=1, color=ACCENT).encode(x, alt.Y("rate:Q", scale=scale))
    said = [f"{words.day(row.month).split(' ', 1)[1]}, {words.percent(row.rate)}" for row in rows.itertuples()]
    title = f"Followed up, by month of delivery: {said[-1]} of the orders that are due"
    return finish(
        alt.layer(lines, dots), title=title, description=f"{title}. {'; '.join(said)}. With 95% intervals.", height=240
    )


def satisfaction(r: FollowUpReview) -> Block:
    """Say the score on its scale, and show it by quarter."""
    if not r.has["survey_responses"]:
        return absent("The book holds no surveys, so nothing tells how satisfied clients are.")
    if not r.answers.asked:
        return absent("Nobody was asked up to this day.")
    rows = r.answers.quarters.tail(8)
    rows = rows.assign(ends=_ends(rows), quarter=rows.quarter.str.replace("Q", " Q"))
    columns = [
        t.text("quarter", "Quarter"),
        t.number("answers", "Answers"),
        t.number("mean", "Mean score", decimals=2, phone=False),
        t.share("rate", "Unhappy", note="ends"),
    ]
    caption = "By quarter of the answer, with 95% intervals; a quarter with fewer than five answers has no row."
    table = t.table(rows, columns, caption=caption, empty="No quarter has five answers.")
    return together(sentence(say.satisfaction_words(r)), table)


def lateness(r: FollowUpReview) -> Block:
    """Show the mean score by how late the order came."""
    rows = r.answers.lateness
    if rows.empty:
        return absent("No answer is about a delivery with a promised day.")
    ends = [
        "" if words.is_missing(row.low) else f"{row.low:.2f} to {row.high:.2f}" for row in rows.itertuples()
    ]  # fmt: skip  # one list
    columns = [
        t.text("days", "Days late"),
        t.number("answers", "Answers"),
        t.number("mean", "Mean score", decimals=2, note="ends"),
    ]
    caption = f"Mean score on the scale {say.SCALES.get(r.answers.scale, '')}, with 95% intervals."
    return together(sentence(say.lateness_words(r)), t.table(rows.assign(ends=ends), columns, caption=caption))


def recovery(r: FollowUpReview) -> Block:
    """Say what followed a low score, with and without a contact."""
    if r.answers.recovery.empty:
        return absent("What follows a low score is not known: there is none, or nothing tells who was contacted.")
    return sentence(say.recovery_words(r))


def gifts(r: FollowUpReview) -> Block:
    """Say whose birthday comes, and show the gifts proposed."""
    if not r.has["birthdays"]:
        return absent("The book holds no birthdays.")
    if r.gifts.empty:
        return sentence(say.gift_words(r))
    rows = r.gifts.assign(
        on=[words.day(day).rsplit(" ", 1)[0] for day in r.gifts.next_on],
        owner=r.gifts.owner_name.fillna("nobody"),
        state="proposed",
    )
    columns = [
        t.text("contact_name", "Contact"),
        t.text("account_name", "Client", phone=False),
        t.text("on", "Birthday"),
        t.text("owner", "Owner"),
        t.tag("state", "State"),
    ]
    table = t.table(rows.head(MOST), columns, caption="Gifts proposed, by birthday. The year is never known.")
    return together(sentence(say.gift_words(r)), table)


def limits(r: FollowUpReview) -> list[str]:
    """Return what the numbers leave out, a sentence each."""
    return say.limits(r)


def how_defined(r: FollowUpReview) -> Block:
    """Show the definitions behind the page."""
    return definitions(
        [
            ("Delivered", "the day on which the last line of the order came"),
            ("Followed up", f"a completed call, email, meeting or follow-up from that day to {r.days} days after"),
            ("Due", "delivered, and its days are over"),
            ("Unhappy", "6 of 10 or less; on other scales below the middle"),
            ("Satisfied", "four fifths of the top of the scale or more; NPS only from the scale 0 to 10"),
            ("Days late", "the latest line of the order against its promised day; by day"),
            ("Officials", "contacts whose title, or whose account’s industry, [gifts] in book.toml excludes"),
        ]
    )


def _ends(rows: pd.DataFrame) -> list[str]:
    return [f"{words.percent(row.low)} to {words.percent(row.high)}" for row in rows.itertuples()]
