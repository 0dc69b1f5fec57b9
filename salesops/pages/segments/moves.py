"""Who moved between segments, how the earlier segments fared, and each segment's plays."""

from __future__ import annotations

import pandas as pd

from salesops import words
from salesops.models.plays import lift_sentences
from salesops.models.segments import TOO_FEW
from salesops.models.segments.migration import ABSENT, GONE
from salesops.pages.segments.findings import CustomerSegments
from salesops.views import table as t
from salesops.views.blocks import Block, absent, note, nothing, report_of, sentence, together

MOST_MOVES = 12
MOST_NAMES = 30
ENOUGH = 10


def moves(s: CustomerSegments) -> Block:
    """Say how many moved, and show the transitions between segments with their intervals, most frequent first."""
    if s.before.table.empty:
        return note(f"Nobody had bought by {words.day(s.before.as_of)}, so nobody can have moved since.")
    both = s.now.table.account_id.isin(s.before.table.account_id).sum()
    new = len(s.now.table) - both
    arrived = f" {words.plural(new, 'customer')} came new." if new else ""
    found = _moves(s)
    if found.empty:
        return sentence(f"None of {words.plural(both, 'customer')} changed segment.{arrived}")
    most = found.iloc[0]
    often = (
        f" The most frequent move: {words.number(most.customers)} of {words.number(most.of)} from “{most.before}” to "
        f"“{most.after}”."
        if (found.customers == most.customers).sum() == 1
        else ""
    )
    said = sentence(
        f"{words.number(len(s.movers))} of {words.plural(both, 'customer')} changed segment between "
        f"{words.day(s.before.as_of)} and {words.day(s.now.as_of)}.{arrived}{often}"
    )
    return together(said, _moves_table(found))


def _moves_table(moves: pd.DataFrame) -> Block:
    shown = moves.head(MOST_MOVES)
    shown = shown.assign(range=[_range(*ends) for ends in zip(shown.low, shown.high, strict=True)])
    rest = len(moves) - len(shown)
    more = f" {words.plural(rest, 'rarer move')} not shown." if rest else ""
    columns = [
        t.text("before", "From"),
        t.text("after", "To"),
        t.number("customers", "Moved"),
        t.number("of", "Of", phone=False),
        t.share("share", "Share"),
        t.text("range", "95% interval", phone=False),
    ]
    return t.table(shown, columns, caption=f"Share of the segment they left, with its interval.{more}")


def movers_table(s: CustomerSegments) -> Block:
    """Name who moved, those who spent most first."""
    scale = words.scale_for(s.movers.total.head(MOST_NAMES), currency=s.currency)
    rest = len(s.movers) - MOST_NAMES
    more = f" {words.plural(rest, 'smaller customer')} not shown." if rest > 0 else ""
    columns = [
        t.text("account_name", "Customer", leads="leads"),
        t.text("before", "From"),
        t.text("after", "To"),
        t.number("days_since", "Days since", phone=False),
        t.amount("total", "Spent", scale=scale, phone=False),
    ]
    return t.table(
        s.movers.head(MOST_NAMES).assign(leads=lambda each: report_of("account", each.account_id)),
        columns,
        caption=f"Money spent in all, in {scale.unit}, largest first.{more}",
        empty="Nobody moved.",
    )


def since_words(s: CustomerSegments) -> Block:
    """Say whether the earlier segments told who would buy."""
    told = s.since[(s.since.customers >= ENOUGH) & (s.since.segment.astype(str) != TOO_FEW)]
    if len(told) < 2:
        return note("Too few customers stood in two segments on the earlier date to tell whether segments differ.")
    best, worst = told.nlargest(1, "rate").iloc[0], told.nsmallest(1, "rate").iloc[0]
    apart = "by more than chance" if best.low > worst.high else "not by more than chance"
    return sentence(
        f"Of those in “{best.segment}” on {words.day(s.before.as_of)}, {words.percent(best.rate)} "
        f"({_range(best.low, best.high)}) have bought since; of those in “{worst.segment}”, "
        f"{words.percent(worst.rate)} ({_range(worst.low, worst.high)}). The two differ {apart}."
    )


def segment_plays(s: CustomerSegments) -> Block:
    """Say whether each segment has a play of its own, and show the three most frequent ones of each."""
    if not s.plays.version:
        return absent(" ".join(s.plays.notes))
    alike = [
        f"“{play}” is the most frequent play of {words.and_list([f'“{name}”' for name in segments])}: "
        "between these the segment changes little."
        for play, segments in s.plays.alike
    ]
    said = alike or ["Each segment has another most frequent play."]
    return together(note(f"Playbook {s.plays.version}.", *said, *s.plays.notes), _segment_plays_table(s))


def _segment_plays_table(s: CustomerSegments) -> Block:
    rows = s.plays.by_segment.groupby("segment", observed=True, sort=False).head(3)
    columns = [
        t.text("segment", "Segment"),
        t.text("play_name", "Play"),
        t.number("clients", "Clients"),
        t.share("share", "Of the segment"),
    ]
    return t.table(rows, columns, caption="The three most frequent plays of each segment.")


def plays(s: CustomerSegments, *, logged: int | None) -> Block:
    """Show each play's clients, hold-out, channel and cadence, in the order in which plays are tried; and if it paid.

    Nothing without a playbook.

    Parameters
    ----------
    logged : int or None
        How many plays were written into the log for this page; None if that was not asked.
    """
    return together(_plays_table(s), *_lifts(s, logged)) if s.plays.version else nothing()


def _plays_table(s: CustomerSegments) -> Block:
    columns = [
        t.text("play_name", "Play"),
        t.number("clients", "Clients"),
        t.number("held_out", "Held out"),
        t.text("channel", "Channel", phone=False),
        t.text("owner", "Who acts", phone=False),
        t.number("cadence_days", "Every, days", phone=False),
    ]
    return t.table(
        s.plays.by_play,
        columns,
        caption="In the order in which plays are tried. Who is held out is left alone, so that the play can be judged. "
        "Days from contact to contact are medians.",
        empty="No plays.",
    )


def _moves(s: CustomerSegments) -> pd.DataFrame:
    rows = s.migration.transitions
    moved = rows[(rows.before.astype(str) != rows.after.astype(str)) & (rows.customers > 0)]
    moved = moved[(moved.before != ABSENT) & (moved.after != GONE)]
    return moved.sort_values(["customers", "before", "after"], ascending=[False, True, True])


def _range(low: float, high: float) -> str:
    return f"{words.percent(low)} to {words.percent(high)}"


def _lifts(s: CustomerSegments, logged: int | None) -> list[Block]:
    found = lift_sentences(s.plays.lift) or ["The log of plays holds none that can be judged."]
    if logged is None:
        return [*map(sentence, found), note("Run with log=true to write down today’s plays, to judge them in 90 days.")]
    changed = words.plural(logged, "client")
    return [*map(sentence, found), note(f"Written into play_log.csv: {changed} whose play is not the one logged last.")]
