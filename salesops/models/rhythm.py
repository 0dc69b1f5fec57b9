"""When a client is lost: its own rhythm of purchases, and the silence that goes beyond it.

Leaving is not the same as buying slowly. At the end of a horizon a client is *lost* if it has bought nothing in it and
has been silent for longer than all of these: the horizon, the 95% point of its own gaps between purchases, its longest
gap so far, and in its first year the pause that is usual for its kind at that season. Only who has FEWEST_GAPS gaps or
more has a rhythm, and only who has one can be lost. Who buys by deals has none: a deal comes when there is a need.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.metrics.account_sales import daily_sales
from salesops.metrics.purchases import by_day

FEWEST_GAPS = 5
SHORTEST_HORIZON = 90  # days
YEAR = 365
WEEK = 7
LATE, LONGEST = 0.8, 0.95  # points of the own gaps: overdue beyond the first, lost not before the second
SURE = 3.0  # standard errors from which on a growth of the gaps counts
MOST_GROWTH = 0.4  # of the logarithm, from gap to gap: half as long again
UNUSUAL = 5  # times the usual gap: less is no pause but an uneven rhythm
STATES = {"lost": "lost", "in_pause": "in its usual pause", "overdue": "overdue"}
IN_RHYTHM, NO_RHYTHM = "in its rhythm", "no rhythm known"
FEWEST_PEERS = 5  # beside the client itself
RHYTHM = ("gaps", "median_gap", "kind", "growth", "gap_80", "gap_95", "longest_gap", "gap_then", "by_deals")


def purchase_days(book: Book, as_of: date) -> ir.Table:
    """Return account_id, day, value, is_purchase and by_deal of each client and day with a sale; computed once."""
    return as_known(book, as_of).keep(("purchase days", as_of), lambda: by_day(daily_sales(book, as_of)))


def rhythms(days: ir.Table, units: ir.Table) -> ir.Table:
    """Return the rhythm of each client at its cut.

    Gaps that grow count as they grow: where the logarithm of the gaps rises from one to the next by SURE standard
    errors or more, each gap is carried forward at that pace to the one that runs at the cut.

    Parameters
    ----------
    days : ir.Table
        As `purchase_days` gives them.
    units : ir.Table
        unit_id, account_id, cut (date).

    Returns
    -------
    ir.Table
        unit_id; gaps (count), median_gap (days), kind (the pace: a whole number, two for each doubling of the median
        gap), growth (of the logarithm from gap to gap; 0 where it is not sure),
        gap_80, gap_95 (days: points of the grown gaps, interpolated), longest_gap (days, grown), gap_then (days: the
        gap that ran a year before the cut; null where it was no client yet); null without a gap;
        by_deals (share of the purchase days that came from deals).
    """
    bought = days.filter(days.is_purchase & days.account_id.notnull())
    before = bought.day.lag().over(group_by=bought.account_id, order_by=bought.day)
    place = ibis.row_number().over(group_by=bought.account_id, order_by=bought.day)
    bought = bought.select(
        _account="account_id", day="day", deal="by_deal", gap=bought.day.delta(before, unit="day"), place=place
    )
    both = units.inner_join(bought, [units.account_id == bought._account, bought.day <= units.cut])
    age = both.cut.delta(both.day, unit="day")
    then = (age <= YEAR) & (age + both.gap > YEAR)
    both = both.select("unit_id", "gap", "place", "deal", then=then, log=both.gap.cast("float64").ln())
    trend = _trend(both)
    grown = both.filter(both.gap.notnull()).inner_join(trend, "unit_id")
    grown = grown.mutate(grown=grown.gap * (grown.growth * (grown.gaps + 1 - grown.place)).exp())
    points = grown.group_by("unit_id").aggregate(
        median_gap=grown.gap.median(),
        gap_80=grown.grown.quantile(LATE),
        gap_95=grown.grown.quantile(LONGEST),
        longest_gap=grown.grown.max(),
        gap_then=grown.gap.max(where=grown.then),
    )
    joined = trend.left_join(points, "unit_id")
    return joined.mutate(kind=_kind(joined.median_gap)).select("unit_id", *RHYTHM)


def client_rhythms(book: Book, as_of: date, *, horizon_days: int = 0) -> pd.DataFrame:
    """Return the rhythm of every client that ever bought, and how it stands on a day.

    Parameters
    ----------
    horizon_days : int
        Days; 0: `usual_horizon` of those who bought in the year before.

    Returns
    -------
    pandas.DataFrame
        account_id, known_since (date: the purchase that made the FEWEST_GAPS-th gap), last_purchase (date), and the
        columns of `rhythms` and of `judged`.
    """
    known = as_known(book, as_of)
    table: pd.DataFrame = known.keep(("client rhythms", as_of), lambda: _clients(book, as_of)).to_pandas()
    table = table.sort_values("account_id", ignore_index=True)
    for name in ("known_since", "last_purchase", "first_purchase"):
        table[name] = pd.to_datetime(table[name])
    table = table.assign(
        hiatus_days=(pd.Timestamp(as_of) - table.last_purchase).dt.days,
        tenure_days=(pd.Timestamp(as_of) - table.first_purchase).dt.days,
    )
    horizon = horizon_days or usual_horizon(table[table.hiatus_days < YEAR])
    pauses = usual_pauses(purchase_days(book, as_of), [as_of], horizon_days=horizon)
    day = pd.Series(pd.Timestamp(as_of), table.index)
    return judged(table.assign(usual_pause=kinds_pause(table, pauses, day)), horizon).assign(horizon_days=horizon)


def kinds_pause(table: pd.DataFrame, pauses: pd.DataFrame, day: pd.Series) -> pd.Series:
    """Return the pause that is usual for each client's kind at the season of its last purchase, in its first year.

    Parameters
    ----------
    table : pandas.DataFrame
        kind, last_purchase (date), tenure_days.
    pauses : pandas.DataFrame
        As `usual_pauses` gives them.
    day : pandas.Series
        The day on which each is looked at, one of those of `pauses`.
    """
    season = pd.to_datetime(table.last_purchase).dt.month
    asked = pd.DataFrame({"cut": day, "kind": table.kind, "season": season}, table.index)
    joined = asked.merge(pauses, on=["cut", "kind", "season"], how="left").set_axis(table.index)
    return joined.usual_pause.astype(float).where(table.tenure_days < YEAR)


def judged(table: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """Add how each client stands at its cut, by its own rhythm.

    Parameters
    ----------
    table : pandas.DataFrame
        The columns of `rhythms`, hiatus_days, tenure_days (days since the last and the first purchase), usual_pause
        (`kinds_pause`).

    Returns
    -------
    pandas.DataFrame
        With rhythm (boolean: one is known), lost_after (days of silence beyond which it is lost); and, false without a
        rhythm, at_stake (it could be lost at the end of the horizon), lost, overdue (silent for longer than the 80%
        point of its gaps), in_pause (that, but no longer than its longest gap, and a year ago it was in a pause too: a
        gap of the horizon or longer, and UNUSUAL times its median; who was no client then has had one before; or in its
        first year no longer than its kind pauses), may_call (silent for longer than the 95% point, and in no pause);
        state (lost, in its usual pause, overdue, in its rhythm, no rhythm known).
    """
    rhythm, silent, after = has_rhythm(table), table.hiatus_days, lost_after(table, horizon_days)
    # of who was no client a year ago, any earlier pause tells
    pause = table.gap_then.astype(float).fillna(table.longest_gap)
    own = (pause >= horizon_days) & (pause >= UNUSUAL * table.median_gap) & (silent <= table.longest_gap)
    in_pause = rhythm & (silent > table.gap_80) & (own | (silent <= table.usual_pause))
    flags = {
        "lost": rhythm & (silent > after),
        "in_pause": in_pause,
        "overdue": rhythm & (silent > table.gap_80),
    }
    state = pd.Series(NO_RHYTHM, table.index, dtype=object).mask(rhythm, IN_RHYTHM)
    for name in ("overdue", "in_pause", "lost"):
        state = state.mask(flags[name], STATES[name])
    return table.assign(
        rhythm=rhythm,
        lost_after=after,
        at_stake=rhythm & (silent + horizon_days > after),
        may_call=rhythm & ~in_pause & (silent > table.gap_95),
        state=state,
        **flags,
    )


def usual_pauses(days: ir.Table, dates: Sequence[date], *, horizon_days: int) -> pd.DataFrame:
    """Return the pause that is usual for each kind of client at each season, as known on each of some days.

    A kind are the clients of one pace, as `rhythms` numbers it. A season is a month of any year. A pause is usual if at
    least half of the kind that bought in it, and more than FEWEST_PEERS, then paused for longer than the horizon and
    came back by that day; its length is the 95% point of theirs.

    Returns
    -------
    pandas.DataFrame
        cut (date), kind, season (1–12), usual_pause (days): only where one is usual.
    """
    bought = days.filter(days.is_purchase & days.account_id.notnull())
    after = bought.day.lead().over(group_by=bought.account_id, order_by=bought.day)
    bought = bought.select("account_id", "day", after=after)
    cuts = ibis.memtable({"cut": list(dates)}, schema={"cut": "date"})
    both = bought.join(cuts, bought.day <= cuts.cut)
    gone = both.after.isnull() | (both.after > both.cut)
    both = both.mutate(pause=gone.ifelse(ibis.null("date"), both.after).delta(both.day, unit="day"))
    kinds = both.group_by("account_id", "cut").aggregate(kind=_kind(both.pause.median()))
    by_month = both.group_by("account_id", "cut", season=both.day.month()).aggregate(pause=both.pause.max())
    joined = by_month.inner_join(kinds, ["account_id", "cut"])
    joined = joined.filter(joined.kind.notnull())
    paused = (joined.pause > horizon_days).fill_null(False)
    sums = joined.group_by("cut", "kind", "season").aggregate(
        peers=joined.count(), share=paused.mean(), usual_pause=joined.pause.quantile(LONGEST, where=paused)
    )
    usual = sums.filter((sums.peers > FEWEST_PEERS) & (sums.share >= 0.5))
    found: pd.DataFrame = usual.select("cut", "kind", "season", "usual_pause").to_pandas()
    return found.assign(cut=pd.to_datetime(found.cut))


def has_rhythm(table: pd.DataFrame) -> pd.Series:
    """Tell who has a rhythm: FEWEST_GAPS gaps or more, and no more than half of the purchases by deals."""
    return (table.gaps >= FEWEST_GAPS) & (table.by_deals <= 0.5)


def lost_after(table: pd.DataFrame, horizon_days: int) -> pd.Series:
    """Return the days of silence beyond which a client is lost: the longest of the horizon and its own gaps.

    Parameters
    ----------
    table : pandas.DataFrame
        gap_95, longest_gap (days), as `rhythms` gives them; usual_pause (days; NaN where none counts), if there is one.
    horizon_days : int
        Days; no shorter silence is a loss.
    """
    own = [name for name in ("gap_95", "longest_gap", "usual_pause") if name in table]
    return table[own].astype(float).max(axis=1).fillna(0).clip(lower=horizon_days)


def is_lost(silence_days: pd.Series, bought: pd.Series, lost_after_days: pd.Series) -> pd.Series:
    """Tell who is lost at the end of a horizon: nothing bought in it, and silent for longer than `lost_after`."""
    return ~bought & (silence_days > lost_after_days)


def usual_horizon(table: pd.DataFrame) -> int:
    """Return the horizon that fits the clients with a rhythm: the median of their 95% points, in whole weeks.

    At least SHORTEST_HORIZON days, also where nobody has a rhythm.
    """
    points = table.gap_95[has_rhythm(table)].dropna()
    weeks = round(float(points.median()) / WEEK) if len(points) else 0
    return max(SHORTEST_HORIZON, WEEK * weeks)


def _clients(book: Book, as_of: date) -> ir.Table:
    days = purchase_days(book, as_of)
    bought = days.filter(days.is_purchase & days.account_id.notnull())
    bought = bought.mutate(
        place=ibis.row_number().over(group_by=bought.account_id, order_by=bought.day),
    )
    each = bought.group_by("account_id").aggregate(
        first_purchase=bought.day.min(),
        last_purchase=bought.day.max(),
        known_since=bought.day.min(where=bought.place == FEWEST_GAPS),
    )
    units = each.select("account_id", unit_id="account_id", cut=ibis.literal(as_of))
    own = rhythms(days, units)
    return each.inner_join(own, each.account_id == own.unit_id).drop("unit_id")


def _trend(both: ir.Table) -> ir.Table:
    """Return unit_id, gaps, by_deals and growth: the slope of the logarithm of the gaps on their number."""
    gap, x, y = both.gap.notnull(), both.place.cast("float64"), both.log
    sums = both.group_by("unit_id").aggregate(
        gaps=both.gap.count(), by_deals=both.deal.mean(),
        sx=x.sum(where=gap), sy=y.sum(), sxx=(x * x).sum(where=gap), sxy=(x * y).sum(), syy=(y * y).sum(),
    )  # fmt: skip  # the sums of a straight line
    n = sums.gaps.cast("float64").nullif(0)
    across, along, over = (
        sums.sxx - sums.sx * sums.sx / n, sums.sxy - sums.sx * sums.sy / n, sums.syy - sums.sy * sums.sy / n
    )  # fmt: skip
    slope = along / across.nullif(0)
    rest = ibis.greatest(over - slope * along, 0) / (n - 2).nullif(0)
    sure = (sums.gaps >= FEWEST_GAPS) & (slope > 0) & (slope * slope * across >= SURE**2 * rest)
    growth = sure.fill_null(False).ifelse(ibis.least(slope, MOST_GROWTH), 0.0)
    return sums.select("unit_id", "gaps", "by_deals", growth=growth)


def _kind(median_gap: ir.Value) -> ir.Value:
    return (2 * median_gap.cast("float64").log2()).round().cast("int64")
