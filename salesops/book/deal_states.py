"""What a deal's history says of its state: open, won or lost, from an instant on."""

from __future__ import annotations

import re
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.book.source import Book
from salesops.book.values import Format, local_date, to_type

Says = tuple[bool | None, bool | None]

OPEN: Says = (False, False)
WON: Says = (True, True)
LOST: Says = (True, False)

_WON_WORD = re.compile(r"\bwon\b|closed ?won", re.IGNORECASE)
_LOST_WORD = re.compile(r"\blost\b|closed ?lost", re.IGNORECASE)


def stage_states(book: Book) -> dict[str, Says]:
    """Return for each stage, of deals or of their history, whether a deal in it is closed, and whether it is won.

    `[stages]` of book.toml goes before. Else a stage says what all deals say that are in it today; None where they
    differ. A stage that no deal is in any more says "won" or "lost" if its name does, else "open".
    """
    return {stage: (closed, won) for stage, closed, won in book.keep("stage states", lambda: _stage_states(book))}


def state_changes(book: Book) -> ir.Table:
    """Return the rows of the history that say of a deal whether it is closed, or whether it is won.

    Rows of the fields is_closed and is_won say it outright, and before a stage of the same instant; rows of
    stage_name say what `stage_states` says of the stage.

    Returns
    -------
    ir.Table
        opportunity_id, at (instant), rank (instant; the rows in order), outright (boolean), closed, won (boolean; null
        where the row does not say), closes (boolean: the first row that says closed since the deal was last open).
    """
    return book.keep("state changes", lambda: _state_changes(book))


def unsure_states(book: Book, as_of: date) -> int:
    """Count the deals whose state on a day is today's for want of a better word, though their stage changed since."""
    silent = [stage for stage, says in stage_states(book).items() if says[0] is None]
    history = book.table("opportunity_history")
    day = local_date(history.valid_from, book.config.time_zone)
    stages = history.filter(history.field_name == "stage_name").mutate(_day=day)
    then = stages._day <= as_of
    last = stages.group_by("opportunity_id").aggregate(
        stage=stages.new_value.argmax(stages.valid_from, where=then), later=(~then).any()
    )
    told = state_changes(book)
    outright = told.filter(told.outright).select("opportunity_id")
    unsure = last.filter(last.stage.isin(silent) & last.later).anti_join(outright, "opportunity_id")
    return int(unsure.count().to_pyarrow().as_py()) if silent else 0


def _stage_states(book: Book) -> list[list[Any]]:
    deals, history = book.table("opportunities"), book.table("opportunity_history")
    groups = deals.group_by("stage_name").aggregate(
        deals=deals.count(), closed=deals.is_closed.sum(), won=deals.is_won.sum()
    )
    today = {row["stage_name"]: row for row in groups.to_pyarrow().to_pylist()}
    past = history.filter(history.field_name == "stage_name").select("new_value").distinct().to_pyarrow().to_pylist()
    names = sorted({*today, *(row["new_value"] for row in past)} - {None})
    return [[name, *(_config_says(book, name) or _counted(today.get(name)) or _worded(name))] for name in names]


def _config_says(book: Book, stage: str) -> Says | None:
    """Return what book.toml says of a stage; `*` in a name stands for any text."""
    for state, says in (("won", WON), ("lost", LOST), ("open", OPEN)):
        patterns = book.config.stages.get(state, ())
        if any(fnmatchcase(stage.strip().casefold(), pattern.strip().casefold()) for pattern in patterns):
            return says
    return None


def _counted(row: dict[str, int] | None) -> Says | None:
    if row is None:
        return None
    closed, won = (_all_or_none(row[name], row["deals"]) for name in ("closed", "won"))
    return closed, None if closed is None else won


def _all_or_none(part: int | None, whole: int) -> bool | None:
    return {0: False, whole: True}.get(part or 0)


def _worded(stage: str) -> Says:
    if _WON_WORD.search(stage):
        return WON
    return LOST if _LOST_WORD.search(stage) else OPEN


def _state_changes(book: Book) -> ir.Table:
    history = book.table("opportunity_history")
    rows = ibis.union(_by_stage(book, history), _outright(book, history))
    rows = rows.filter(rows.closed.notnull() | rows.won.notnull())
    before = rows.closed.lag().over(
        group_by=[rows.opportunity_id, rows.closed.notnull()], order_by=[rows.at, rows.outright]
    )
    # of two words of one instant the outright one is the later
    rank = rows.outright.ifelse(rows.at + ibis.interval(microseconds=1), rows.at)
    return rows.mutate(rank=rank, closes=(rows.closed & ~before.fill_null(False)).fill_null(False))


def _by_stage(book: Book, history: ir.Table) -> ir.Table:
    words = [{"_stage": stage, "closed": closed, "won": won} for stage, (closed, won) in stage_states(book).items()]
    schema = {"_stage": "string", "closed": "boolean", "won": "boolean"}
    said = ibis.memtable(words, schema=schema)
    stages = history.filter(history.field_name == "stage_name")
    joined = stages.inner_join(said, stages.new_value == said._stage)
    return joined.select("opportunity_id", "closed", "won", at="valid_from", outright=ibis.literal(False))


def _outright(book: Book, history: ir.Table) -> ir.Table:
    told = history.filter(history.field_name.isin(("is_closed", "is_won")))
    yes = to_type(told.new_value, "boolean", Format())
    won = told.field_name == "is_won"
    return told.select(
        "opportunity_id",
        # what is won is closed, and what is open is not won
        closed=(won & ~yes).ifelse(ibis.null("boolean"), yes),
        won=(won | ~yes).ifelse(yes, ibis.null("boolean")),
        at="valid_from",
        outright=ibis.literal(True),
    )
