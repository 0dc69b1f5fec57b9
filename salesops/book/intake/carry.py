"""What a replaced book knew of its deals lives on as history in the book that takes its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from salesops.book.connection import connect
from salesops.book.horizon import default_as_of
from salesops.book.intake.names import literal, quoted
from salesops.book.intake.report import rows_text
from salesops.book.intake.write import write_table
from salesops.book.schema import KNOWN_FIELDS, OPPORTUNITIES, OPPORTUNITY_HISTORY
from salesops.book.source import Book, open_book
from salesops.errors import BookError, IntakeError, first_few

_SHOWN = 4


def carry_history(dest: Path, folder: Path, *, own: bool) -> tuple[str, ...]:
    """Write the opportunity_history that follows from two exports: what the old book knew, and what changed.

    Kept are the old book's rows whose deals still exist. If the new book's last date lies after the old
    book's, each deal that both hold adds rows for the fields that a snapshot asks for (`KNOWN_FIELDS`):

    - the old value, at the end of the old book's last date, where the history does not have it: for deals
      open then, and for closed ones that changed since (from the day on which they closed);
    - the new value where it differs, from the new book's last date, or from the day on which the deal closed.

    A deal entered as closed some days late counts as closed from that day, so what was recorded of it after
    that day is dropped.

    Parameters
    ----------
    dest : Path
        The book that is to be replaced; it need not exist.
    folder : Path
        The new book, complete but for this table.
    own : bool
        The export has a history of its own: nothing is written.

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
        old, new = _previous(con, dest), replace(open_book(folder), con=con)
        for name, book in (("_old", old), ("_new", new)):
            con.raw_sql(f"CREATE TEMP VIEW {name} AS {con.compile(book.table('opportunities'))}")
        return _vanished(con) + (() if own else _carry(con, old, new, folder))
    finally:
        con.disconnect()


def _previous(con: Any, dest: Path) -> Book:
    """Open the book that is to be replaced, and see that each table can be read."""
    try:
        book = replace(open_book(dest), con=con)
        for name in book.names:
            book.table(name)
    except BookError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise IntakeError(
            f"The book at '{dest}' cannot be read, so what it knew cannot be kept: {reason}. Nothing was written. "
            "Name another folder, or move that book away."
        ) from None
    return book


def _vanished(con: Any) -> tuple[str, ...]:
    gone = "FROM _old ANTI JOIN _new USING (opportunity_id)"
    number = con.raw_sql(f"SELECT count(*) {gone}").fetchone()[0]
    if not number:
        return ()
    first = con.raw_sql(f"SELECT opportunity_id {gone} ORDER BY 1 LIMIT {_SHOWN}").fetchall()
    deals = "1 deal of the previous book is" if number == 1 else f"{number:,} deals of the previous book are"
    return (f"opportunities: {deals} not in the new one: {first_few((key for (key,) in first), number)}",)


def _carry(con: Any, old: Book, new: Book, folder: Path) -> tuple[str, ...]:
    before, after = _last_day(old), _last_day(new)
    later = before is not None and after is not None and after > before
    _compare(con, old, new.config.time_zone)
    steps = _steps(before, after, new.config.time_zone) if before and after and later else "FROM _kept WHERE false"
    con.raw_sql(
        f"CREATE TEMP TABLE _grown AS FROM _kept UNION ALL ({steps}) ORDER BY opportunity_id, field_name, valid_from"
    )
    rows = con.raw_sql("SELECT count(*) FROM _grown").fetchone()[0]
    if rows:
        columns = [column.name for column in OPPORTUNITY_HISTORY.columns if column.required]
        write_table(con, "_grown", columns, folder / "opportunity_history.parquet")
    changes = con.raw_sql("SELECT count(*) FROM _fields WHERE was <> now").fetchone()[0]
    return _told(changes, rows, before, after)


def _last_day(book: Book) -> date | None:
    try:
        return default_as_of(book)
    except BookError:  # nothing in it has a date
        return None


def _compare(con: Any, old: Book, zone: str) -> None:
    """Make _kept (the old history that still holds) and _fields (a row a deal and field that matters).

    _fields: opportunity_id, was_closed and closed_before (in the old book), closed_since (the day on which a
    deal closed that the old book has open), field_name, was, now, last (the value that _kept ends with).
    """
    values = ", ".join(
        f"{{'field_name': {literal(field)}, 'was': {_plain('o', field)}, 'now': {_plain('n', field)}}}"
        for field in KNOWN_FIELDS
    )
    con.raw_sql(
        "CREATE TEMP VIEW _both AS SELECT opportunity_id, o.is_closed AS was_closed, o.close_date AS closed_before, "
        f"CASE WHEN n.is_closed AND NOT o.is_closed THEN n.close_date END AS closed_since, [{values}] AS fields "
        "FROM _old o JOIN _new n USING (opportunity_id)"
    )
    history = con.compile(old.table("opportunity_history"))
    con.raw_sql(
        "CREATE TEMP TABLE _kept AS SELECT opportunity_id, field_name, coalesce(new_value, '') AS new_value, "
        f"valid_from FROM ({history}) JOIN _both USING (opportunity_id) "
        f"WHERE closed_since IS NULL OR valid_from < {_start('closed_since', zone)}"
    )
    con.raw_sql(
        "CREATE TEMP VIEW _fields AS SELECT * FROM "
        "(SELECT * EXCLUDE (fields), unnest(fields, recursive := true) FROM _both) "
        "LEFT JOIN (SELECT opportunity_id, field_name, arg_max(new_value, valid_from) AS last FROM _kept GROUP BY ALL) "
        "USING (opportunity_id, field_name) WHERE NOT was_closed OR was <> now"
    )


def _plain(book: str, field: str) -> str:
    """Return SQL for a value as the history writes it: 1234.5, 2026-03-31, or nothing."""
    text = f"CAST({book}.{quoted(field)} AS VARCHAR)"
    if OPPORTUNITIES.column(field).type == "number":
        text = f"regexp_replace({text}, '\\.0$', '')"
    return f"coalesce({text}, '')"


def _steps(before: date, after: date, zone: str) -> str:
    """Return a query for the rows to add, between the last dates of the two books."""
    old_day, new_day = f"DATE '{before}'", f"DATE '{after}'"
    # the end of one day and the start of another: no row of an earlier import has the same instant
    old_end = f"{_start(f'{old_day} + 1', zone)} - INTERVAL 1 MICROSECOND"
    late = f"coalesce(closed_since <= {old_day}, false)"
    return f"""
        SELECT opportunity_id, field_name, was, CASE WHEN last IS NULL AND was_closed
            THEN {_start(f"least(closed_before, {old_day})", zone)} ELSE {old_end} END
        FROM _fields
        WHERE NOT {late} AND (was <> coalesce(last, '') OR (last IS NULL AND was <> now))
        UNION ALL
        SELECT opportunity_id, field_name, now, {_start(f"coalesce(closed_since, {new_day})", zone)}
        FROM _fields
        WHERE now <> CASE WHEN {late} THEN coalesce(last, was) ELSE was END"""


def _start(day: str, zone: str) -> str:
    """Return SQL for the instant at which a day begins."""
    return f"timezone({literal(zone)}, CAST({day} AS TIMESTAMP))"


def _told(changes: int, rows: int, before: date | None, after: date | None) -> tuple[str, ...]:
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
