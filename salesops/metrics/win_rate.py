"""Win rate: deals won of those decided."""

from __future__ import annotations

from datetime import date

import ibis.expr.types as ir

from salesops.book.credits import credited_deals
from salesops.book.lines import PERSON, By, report_people, roll_up
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.periods import Period

SUMS = ("won", "lost", "won_amount", "lost_amount", "lost_without_amount", "no_rate")


def win_rate(book: Book, period: Period, as_of: date, *, by: By = "rep", manager: str = "") -> ir.Table:
    """Return won ÷ (won + lost) among deals closed in the period and not after `as_of`.

    Counts weigh each deal by the credited share, so that a split deal counts once in all. Open deals are in
    neither side.

    Returns
    -------
    ir.Table
        By rep the columns of `report_people`, else the group. won, lost, decided (credited counts), win_rate
        (by count; null if nothing was decided), won_amount, lost_amount (money), win_rate_amount (by amount;
        null where no lost deal has a value, since some systems drop it), lost_without_amount (lost deals whose
        amount is null or zero; those without a rate are not among them), average_deal (mean amount of won
        deals), no_rate (deals whose currency has no rate).
    """
    known = as_known(book, as_of)
    return known.keep(("win rate", period, by, manager), lambda: _rates(known, period, as_of, by, manager))


def _rates(known: Book, period: Period, as_of: date, by: By, manager: str) -> ir.Table:
    deals = credited_deals(known)
    deals = deals.filter(deals.is_closed & deals.close_date.between(period.start, period.cut(as_of)))
    bare = ~deals.is_won & (deals.amount.fill_null(0) == 0)
    sums = deals.group_by(_user="user_id").aggregate(
        won=deals.share.sum(where=deals.is_won),
        lost=deals.share.sum(where=~deals.is_won),
        won_amount=deals.credited.sum(where=deals.is_won),
        lost_amount=deals.credited.sum(where=~deals.is_won),
        lost_without_amount=deals.share.sum(where=bare),
        no_rate=deals.share.sum(where=deals.no_rate),
        lost_priced=deals.share.sum(where=~deals.is_won & (deals.value.fill_null(0) != 0)),
        won_priced=deals.share.sum(where=deals.is_won & deals.credited.notnull()),
    )
    people = report_people(known, period, as_of, manager=manager)
    joined = people.left_join(sums, people.user_id == sums._user)
    names = (*SUMS, "lost_priced", "won_priced")
    filled = joined.select(*PERSON, *(joined[name].fill_null(0).name(name) for name in names))
    return _ratios(roll_up(filled, by, names))


def _ratios(table: ir.Table) -> ir.Table:
    decided = table.won + table.lost
    both = table.won_amount + table.lost_amount
    known = (table.lost == 0) | (table.lost_priced > 0)
    return table.mutate(
        decided=decided,
        win_rate=table.won / decided.nullif(0),
        win_rate_amount=known.ifelse(table.won_amount / both.nullif(0), None),
        average_deal=table.won_amount / table.won_priced.nullif(0),
    ).drop("lost_priced", "won_priced")
