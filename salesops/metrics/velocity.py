"""Sales cycle and sales velocity."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.credits import credited_deals
from salesops.book.lines import PERSON, By, report_people, roll_up
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import Period

SUMS = ("won", "decided", "won_amount", "won_priced", "cycle_sum", "cycle_deals", "qualified", "negative", "undated")


def velocity(book: Book, period: Period, as_of: date, *, by: By = "rep", manager: str = "") -> ir.Table:
    """Return the sales cycle and what the pipeline yields per day.

    Cycle: days from created to close of deals won in the period. Velocity per day: deals open in the second
    stage or later on `as_of` × win rate × average won amount ÷ mean cycle days.

    Returns
    -------
    ir.Table
        By rep the columns of `report_people`, else the group. cycle_days (mean; null if no won deal has both
        dates), cycle_deals (deals behind it), negative (won deals that close before they were created, left
        out), undated (won deals without created date, left out), qualified (open deals in the second stage
        or later; null without a stage order), velocity (money per day; null if a part of it is unknown).
    """
    known = as_known(book, as_of)
    return known.keep(("velocity", period, by, manager), lambda: _speeds(known, period, as_of, by, manager))


def median_cycle(book: Book, period: Period, as_of: date) -> float | None:
    """Return the median days from created to close of deals won in the period; None without any."""
    known = as_known(book, as_of)
    return known.keep(("median cycle", period), lambda: _median(known, period, as_of))


def _speeds(known: Book, period: Period, as_of: date, by: By, manager: str) -> ir.Table:
    deals = credited_deals(known)
    decided = deals.is_closed & deals.close_date.between(period.start, period.cut(as_of)).fill_null(False)
    won = decided & deals.is_won
    days = deals.close_date.delta(deals.created_date, unit="day")
    timed = won & (days >= 0).fill_null(False)
    later = known.config.stage_order[1:]
    qualified = ~deals.is_closed & (deals.stage_name.isin(later) if later else ibis.literal(False)).fill_null(False)
    sums = deals.group_by(_user="user_id").aggregate(
        won=deals.share.sum(where=won),
        decided=deals.share.sum(where=decided),
        won_amount=deals.credited.sum(where=won),
        won_priced=deals.share.sum(where=won & deals.credited.notnull()),
        cycle_sum=(days * deals.share).sum(where=timed),
        cycle_deals=deals.share.sum(where=timed),
        qualified=deals.share.sum(where=qualified),
        negative=deals.share.sum(where=won & (days < 0)),
        undated=deals.share.sum(where=won & days.isnull()),
    )
    people = report_people(known, period, as_of, manager=manager)
    joined = people.left_join(sums, people.user_id == sums._user)
    filled = joined.select(*PERSON, *(joined[name].fill_null(0).name(name) for name in SUMS))
    return _ratios(roll_up(filled, by, SUMS), bool(later))


def _ratios(table: ir.Table, staged: bool) -> ir.Table:
    cycle = table.cycle_sum / table.cycle_deals.nullif(0)
    rate = table.won / table.decided.nullif(0)
    average = table.won_amount / table.won_priced.nullif(0)
    qualified = table.qualified if staged else ibis.null("float64")
    table = table.mutate(cycle_days=cycle, qualified=qualified)
    table = table.mutate(velocity=table.qualified * rate * average / table.cycle_days.nullif(0))
    return table.drop("won", "decided", "won_amount", "won_priced", "cycle_sum")


def _median(known: Book, period: Period, as_of: date) -> float | None:
    deals = known.table("opportunities")
    won = deals.filter(deals.is_won & deals.close_date.between(period.start, period.cut(as_of)))
    days = won.close_date.delta(won.created_date, unit="day")
    median = won.aggregate(m=days.median(where=days >= 0)).to_pyarrow().to_pylist()[0]["m"]
    return None if median is None else float(median)
