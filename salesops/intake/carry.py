"""What a replaced book knew of its deals lives on as history in the book that takes its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from salesops.book.connection import connect
from salesops.book.horizon import last_day
from salesops.book.schema import KNOWN_FIELDS, OPPORTUNITIES, OPPORTUNITY_HISTORY, VALUE_FIELDS
from salesops.book.source import Book, open_book
from salesops.errors import BookError, IntakeError
from salesops.intake.names import literal, quoted
from salesops.intake.report import rows_text
from salesops.intake.vanished import keep_vanished
from salesops.intake.write import write_table

_ALWAYS = "DATE '1900-01-01'"  # before any deal was entered


def carry_history(dest: Path, folder: Path, *, own: bool) -> tuple[str, ...]:
    """Hand on what the book to be replaced knew of its deals: those that vanished, and what changed.

    A deal that the new export no longer holds stays, as deleted from the new book's last date on, with the
    accounts, people and credits that it names. Of the other deals the old book's history is kept. If the new
    book's last date lies after the old book's, each deal that both hold adds rows for the fields that a snapshot
    asks for (`KNOWN_FIELDS`):

    - the old values, at the end of the old book's last date, where the history does not have them: for deals
      open then, and for closed ones in which anything changed (from the day on which they closed). The first
      owner known counts from the day of entry;
    - the new value where it differs, from the new book's last date; for a deal that closed between the two
      dates, from the day on which it closed. What was dated before the old book's last date was open on it.

    Parameters
    ----------
    dest : Path
        The book that is to be replaced; it need not exist.
    folder : Path
        The new book, complete but for this table.
    own : bool
        The export has a history of its own: only what concerns vanished deals is added to it.

    Returns
    -------
    tuple of str
        Sentences: the deals that vanished, and the changes recorded.

    Raises
    ------
    IntakeError
        If the book at `dest` cannot be read.
    """
    if not (dest / "opportunities.parquet").is_file():
        return ()
    files = [*dest.glob("*.parquet"), *folder.glob("*.parquet")]
    con = connect(files=files, folders=[folder], memory="1GB")  # the import holds its own tables meanwhile
    try:
        old = _previous(con, dest)
        before, after = last_day(old), last_day(open_book(folder))
        vanished = keep_vanished(con, old, folder)
        new = open_book(folder).through(con)
        for name, book in (("_old", old), ("_new", new)):
            con.raw_sql(f"CREATE TEMP VIEW {name} AS {con.compile(book.table('opportunities'))}")
        return vanished + _carry(con, old, new, folder, (before, after), own=own)
    finally:
        con.disconnect()


def _previous(con: Any, dest: Path) -> Book:
    """Open the book that is to be replaced, and see that each table can be read."""
    try:
        book = open_book(dest).through(con)
        for name in book.names:
            book.table(name)
    except BookError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise IntakeError(
            f"The book at '{dest}' cannot be read, so what it knew cannot be kept: {reason}. Nothing was written. "
            "Name another folder, or move that book away."
        ) from None
    return book


def _carry(
    con: Any, old: Book, new: Book, folder: Path, days: tuple[date | None, date | None], *, own: bool
) -> tuple[str, ...]:
    before, after = days
    later = before is not None and after is not None and after > before
    zone = new.config.time_zone
    _compare(con, old, new, zone, own=own)
    steps = _steps(before, after if later else before, zone) if before and after else "FROM _kept WHERE false"
    # without a later date nothing can be said of a change, but that a deal is gone
    said = "true" if later and not own else "field_name = 'is_deleted'"
    con.raw_sql(
        f"CREATE TEMP TABLE _grown AS FROM _kept UNION ALL (FROM ({steps}) WHERE {said}) "
        "ORDER BY opportunity_id, field_name, valid_from"
    )
    rows = con.raw_sql("SELECT count(*) FROM _grown").fetchone()[0]
    if rows:
        columns = [column.name for column in OPPORTUNITY_HISTORY.columns if column.required]
        write_table(con, "_grown", columns, folder / "opportunity_history.parquet")
    if own:
        return ()
    changes = con.raw_sql("SELECT count(*) FROM _fields WHERE was <> now AND NOT starts_with(field_name, 'is_')")
    return _changes_told(changes.fetchone()[0], rows, before, after)


def _compare(con: Any, old: Book, new: Book, zone: str, *, own: bool) -> None:
    """Make _kept (the history so far) and _fields (a row a deal and field that matters).

    _fields: opportunity_id, created_date, was_closed and closed_before (in the old book), closed_since (the day on
    which a deal closed that the old book has open), field_name, was, now, last (the value that _kept ends with).
    """
    values = ", ".join(
        f"{{'field_name': {literal(field)}, 'was': {_as_text('o', field)}, 'now': {_as_text('n', field)}}}"
        for field in KNOWN_FIELDS
    )
    con.raw_sql(
        "CREATE TEMP VIEW _both AS SELECT opportunity_id, n.created_date, o.is_closed AS was_closed, "
        "o.close_date AS closed_before, n.is_deleted AS gone, "
        f"CASE WHEN n.is_closed AND NOT o.is_closed THEN n.close_date END AS closed_since, [{values}] AS fields "
        "FROM _old o JOIN _new n USING (opportunity_id)"
    )
    histories = [con.compile(old.table("opportunity_history").semi_join(new.table("opportunities"), "opportunity_id"))]
    if own:  # what the export says of a deal goes before, all of it
        histories = [
            f"SELECT h.* FROM ({histories[0]}) h JOIN _both b USING (opportunity_id) WHERE b.gone",
            con.compile(new.table("opportunity_history")),
        ]
    every = " UNION ALL BY NAME ".join(f"({history})" for history in histories)
    con.raw_sql(
        "CREATE TEMP TABLE _kept AS SELECT DISTINCT opportunity_id, field_name, coalesce(new_value, '') AS new_value, "
        f"valid_from FROM ({every})"
    )
    listed = ", ".join(literal(field) for field in VALUE_FIELDS)
    con.raw_sql(
        "CREATE TEMP VIEW _fields AS SELECT * FROM "
        "(SELECT * EXCLUDE (fields), unnest(fields, recursive := true), "
        "len(list_filter(fields, lambda f: f.was <> f.now)) > 0 AS changed FROM _both) "
        "LEFT JOIN (SELECT opportunity_id, field_name, arg_max(new_value, valid_from) AS last FROM _kept GROUP BY ALL) "
        "USING (opportunity_id, field_name) "
        f"WHERE was <> now OR ((changed OR NOT was_closed) AND field_name IN ({listed}))"
    )


def _as_text(book: str, field: str) -> str:
    """Return SQL for a value as the history writes it: 1234.5, 2026-03-31, true, or nothing."""
    text = f"CAST({book}.{quoted(field)} AS VARCHAR)"
    kind = OPPORTUNITIES.column(field).type
    if kind == "number":
        text = f"regexp_replace({text}, '\\.0$', '')"
    return f"coalesce({text}, '{'false' if kind == 'boolean' else ''}')"


def _steps(before: date, after: date, zone: str) -> str:
    """Return a query for the rows to add, between the last dates of the two books."""
    old_day, new_day = f"DATE '{before}'", f"DATE '{after}'"
    # the end of one day and the start of another: no row of an earlier import has the same instant
    old_end = f"{_start(f'{old_day} + 1', zone)} - INTERVAL 1 MICROSECOND"
    new_start = _start(new_day, zone) if after > before else old_end
    return f"""
        SELECT opportunity_id, field_name, was, CASE
            WHEN last IS NULL AND field_name = 'owner_id' THEN {_start(f"coalesce(created_date, {_ALWAYS})", zone)}
            WHEN last IS NULL AND was_closed THEN {_start(f"least(closed_before, {old_day})", zone)}
            ELSE {old_end} END
        FROM _fields
        WHERE was <> coalesce(last, '') OR (last IS NULL AND was <> now)
        UNION ALL
        SELECT opportunity_id, field_name, now, CASE
            WHEN closed_since > {old_day} AND field_name <> 'is_deleted'
            THEN {_start(f"least(closed_since, {new_day})", zone)}
            ELSE {new_start} END
        FROM _fields
        WHERE now <> was"""


def _start(day: str, zone: str) -> str:
    """Return SQL for the instant at which a day begins."""
    return f"timezone({literal(zone)}, CAST({day} AS TIMESTAMP))"


def _changes_told(changes: int, rows: int, before: date | None, after: date | None) -> tuple[str, ...]:
    table, counted = "opportunity_history", f"{changes:,} change{'' if changes == 1 else 's'}"
    if before and after and after > before:
        return (f"{table}: {counted} since {before} recorded, {rows_text(rows)} in all",) if rows else ()
    kept = (f"{table}: {rows_text(rows)} kept from the previous book",) if rows else ()
    if not changes:
        return kept
    if before is None or after is None:
        why = f"the {'previous' if before is None else 'new'} book has no dated row"
    else:
        why = f"the last date in the new book, {after}, is not after {before}, the last in the previous one"
    return (*kept, f"{table}: {counted} not recorded, because {why}")
