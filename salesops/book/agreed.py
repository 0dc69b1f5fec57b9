"""Quotas in force: of several versions of a quota, the latest that was agreed."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from salesops.book.source import Book

QUOTA = ("owner_id", "period_start", "period_end", "measure", "is_rollup")


def quotas_in_force(book: Book) -> ir.Table:
    """Return the quotas that count: one version of each, with the columns of the table.

    Rows are versions of one quota if owner, period, measure and is_rollup agree. The one agreed last
    counts; of those agreed on one day, or on no known day, the one whose version comes last in the alphabet. In
    a book as known on a day, a version agreed later counts only where none was agreed by then, and then the first.
    """
    return book.keep("quotas in force", lambda: _in_force(book))


def _in_force(book: Book) -> ir.Table:
    quotas = book.table("quotas").mutate(is_rollup=lambda t: t.is_rollup.fill_null(False))
    day = quotas.agreed_at.fill_null(ibis.date(1, 1, 1)).epoch_days()
    later = day > ibis.literal(book.as_of).epoch_days() if book.as_of else ibis.literal(False)
    order = [later, later.ifelse(day, -day), quotas.version.fill_null("").desc(), quotas.quota_amount]
    nth = ibis.row_number().over(group_by=[quotas[name] for name in QUOTA], order_by=order)
    ranked = quotas.mutate(_nth=nth)
    return ranked.filter(ranked._nth == 0).drop("_nth")
