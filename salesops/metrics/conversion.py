"""Stage conversion: of the deals that reached a stage, how many went further."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from salesops.book.lines import report_people
from salesops.book.snapshot import as_known
from salesops.book.source import Book
from salesops.book.values import local_date
from salesops.periods import Period

COUNTS = ("entered", "advanced", "lost", "still_open")


def stage_conversion(
    book: Book, period: Period, as_of: date, *, users: tuple[str, ...] = (), manager: str = ""
) -> ir.Table:
    """Return, for each stage, what became of the deals that reached it in the period.

    A deal reached a stage when `opportunity_history` first shows it there or later, so a skipped stage
    counts as reached. Winning comes after the last stage. Deals still open in the stage are censored: they
    are counted apart and are in neither side of the conversion.

    Parameters
    ----------
    users : tuple of str
        Only deals owned by these users; () means everyone on the report.

    Returns
    -------
    ir.Table
        position (0 for the first stage), stage_name, entered (deals that reached the stage in the period),
        advanced (reached a later one by `as_of`), lost (closed without), still_open (censored), conversion
        (advanced ÷ (advanced + lost); null if nothing was decided). Empty without a stage order in book.toml
        or without history.
    """
    if stages_need(book):
        return _nothing()
    known = as_known(book, as_of)
    owners = known.keep(
        ("stage conversion by owner", period), lambda: _by_owner(known, period.start, period.cut(as_of))
    )
    if users:
        return _summed(owners, users).order_by("position")
    key = ("stage conversion", period, manager)
    people = report_people(known, period, as_of, manager=manager).user_id
    return known.keep(key, lambda: _summed(owners, people)).order_by("position")


def stages_need(book: Book) -> str:
    """Return what stage conversion lacks in this book, in words; "" if nothing."""
    order = "" if book.config.stage_order else "a stage order in book.toml"
    history = "" if book.has("opportunity_history") else "a history of stages: opportunity_history"
    return " and ".join(part for part in (order, history) if part)


def _nothing() -> ir.Table:
    columns = {"position": "int64", "stage_name": "string", "entered": "int64", "advanced": "int64", "lost": "int64"}
    return ibis.memtable([], schema=ibis.schema({**columns, "still_open": "int64", "conversion": "float64"}))


def _by_owner(known: Book, start: date, cut: date) -> ir.Table:
    """One row for each owner and stage that deals reached, and one of zeros without owner for each stage."""
    names = enumerate(known.config.stage_order)
    stages = ibis.memtable(list(names), schema={"position": "int64", "stage_name": "string"})
    both = _reached(known, known.config.stage_order).cross_join(stages)
    day = ibis.cases(*((both.position == n, both[f"_{n}"]) for n in range(len(known.config.stage_order))))
    cohort = both.filter(both.owner_id.notnull() & day.between(start, cut))
    further = cohort._furthest > cohort.position
    counts = cohort.group_by("owner_id", "position", "stage_name").aggregate(
        entered=cohort.count(),
        advanced=further.sum().fill_null(0),
        lost=(~further & cohort.is_closed).sum().fill_null(0),
        still_open=(~further & ~cohort.is_closed).sum().fill_null(0),
    )
    zeros = stages.mutate(owner_id=ibis.null("string"), **{name: ibis.literal(0, type="int64") for name in COUNTS})
    return ibis.union(zeros.select(counts.columns), counts)


def _reached(known: Book, order: tuple[str, ...]) -> ir.Table:
    """One row a deal: for each stage n, `_n` is the first day at it or later; `_furthest` the last position."""
    deals = known.table("opportunities")
    history = known.table("opportunity_history")
    stages = history.filter(history.field_name == "stage_name")
    place = stages.new_value.cases(*((name, n) for n, name in enumerate(order)), else_=-1)
    placed = stages.mutate(_place=place)
    day = local_date(placed.valid_from, known.config.time_zone)
    columns = {f"_{n}": day.min(where=placed._place >= n) for n in range(len(order))}
    firsts = placed.group_by(_deal="opportunity_id").aggregate(**columns, _furthest=placed._place.max())
    joined = deals.inner_join(firsts, deals.opportunity_id == firsts._deal)
    won_on = joined.is_won.ifelse(joined.close_date, ibis.null("date"))
    days = {f"_{n}": ibis.least(joined[f"_{n}"], won_on) for n in range(len(order))}
    furthest = joined.is_won.ifelse(len(order), joined._furthest)
    return joined.select("owner_id", "is_closed", **days, _furthest=furthest)


def _summed(owners: ir.Table, people: tuple[str, ...] | ir.Value) -> ir.Table:
    rows = owners.filter(owners.owner_id.isnull() | owners.owner_id.isin(people))
    table = rows.group_by("position", "stage_name").aggregate(**{name: rows[name].sum() for name in COUNTS})
    return table.mutate(conversion=table.advanced / (table.advanced + table.lost).nullif(0))
