"""One import from start to end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from salesops.book.finding import Finding
from salesops.book.intake.account import Account, table_result, unused_files
from salesops.book.intake.breaches import refusals, set_aside_blank, set_aside_broken
from salesops.book.intake.carry import carry_history
from salesops.book.intake.convert import Bound, bind, stage
from salesops.book.intake.doubled import REASON, doubled_rows
from salesops.book.intake.files import list_items
from salesops.book.intake.links import look_up, name_managers
from salesops.book.intake.mapfile import Map, TableMap, read_map
from salesops.book.intake.orphans import follow_left_out
from salesops.book.intake.report import Intake
from salesops.book.intake.sources import Sources
from salesops.book.intake.views import Views
from salesops.book.intake.write import check_destination, new_folder, write_rejected, write_settings, write_table
from salesops.book.rejected import DOUBLED, EMPTIED, write_counts
from salesops.book.replacement import settle_replacement
from salesops.book.schema import SCHEMA
from salesops.book.source import connect
from salesops.errors import IntakeError, MapError, did_you_mean, system_repair

_LISTED = 40


def import_book(
    map_name_or_path: str | Path, source: Path, dest: Path, *, set_aside: bool = False, replace: bool = False
) -> Intake:
    """Turn a company's export into a book.

    Parameters
    ----------
    map_name_or_path : str or Path
        A map that comes with the project ("salesforce"), or the path of one, ending in .toml.
    source : Path
        A folder, or one file: CSV, TSV, TXT, XLSX, Parquet, SQLite or DuckDB.
    dest : Path
        Folder of the book: a Parquet file a table, book.toml, and rejected/ with the rows set aside.
    set_aside : bool
        Set rows aside that break a rule, instead of refusing the import.
    replace : bool
        Put the new book in the place of one that an earlier import wrote. What that one knew of its deals
        becomes history, unless the export brings its own (`salesops.book.intake.carry`).

    Returns
    -------
    Intake
        What was read, written, renamed, filled in and set aside.

    Raises
    ------
    MapError
        If the map is wrong, or its SQL does not fit the source.
    IntakeError
        If the source or its rows cannot be trusted, or `dest` cannot be written. Nothing is written then.
    """
    map_ = read_map(map_name_or_path)
    con = connect()
    try:
        settle_replacement(dest)
        check_destination(dest, source, replace=replace)
        return _import(con, map_, source, dest, set_aside=set_aside)
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        place = getattr(error, "filename", None) or dest
        repair = system_repair(error) if isinstance(error, OSError) else "Free space or memory, and try again."
        text = f"The import stopped at '{place}': {reason}. Nothing was written. {repair}"
        raise IntakeError(text.rstrip()) from None
    except RuntimeError as error:
        if "interrupted" in str(error).lower():  # so DuckDB reports Ctrl-C
            con.con.interrupt()  # else the query is worked through before the connection closes
            raise KeyboardInterrupt from None
        raise
    finally:
        con.disconnect()


def _import(con: Any, map_: Map, source: Path, dest: Path, *, set_aside: bool) -> Intake:
    con.raw_sql("SET autoinstall_known_extensions = false")
    con.raw_sql("SET memory_limit = '3GB'")  # what does not fit is spilled to disk
    sources = Sources(con, source, map_, list_items(source), str(map_.book.get("time_zone", "UTC")))
    views = Views(con, sources)
    chosen, skipped = _choose(map_, views)
    tables = {name: _bind(con, map_, definitions, views) for name, definitions in chosen.items()}
    _refuse_unbound(tables)
    account = Account(con, map_, sources, tables)
    _convert(account, set_aside=set_aside)
    findings = refusals(con, tables)
    if findings:
        raise IntakeError(_refusal(findings, set_aside=set_aside))
    results = tuple(table_result(account, name) for name in tables)
    if not any(result.rows_out for result in results):
        raise IntakeError("No row is left to import. Nothing was written.")
    doubled = [found for bound in tables.values() if (found := doubled_rows(con, bound))]
    account.warnings.extend(str(found) for found in doubled)
    with new_folder(dest) as folder:
        for result in results:
            _write(con, tables[result.name], folder, rejected=bool(result.set_aside), rows=result.rows_out)
        if any(result.set_aside for result in results):
            write_counts(folder, [(r.name, reason, rows, r.rows_in) for r in results for reason, rows in r.set_aside])
        if account.emptied:
            rows_in = {result.name: result.rows_in for result in results}
            write_counts(folder, [(e.table, e.reason, e.rows, rows_in[e.table]) for e in account.emptied], EMPTIED)
        if doubled:
            write_counts(folder, [(found.table, REASON, found.rows, found.of) for found in doubled], DOUBLED)
        kept = write_settings(map_.book, map_.title, folder / "book.toml", previous=dest / "book.toml")
        carried = carry_history(dest, folder, own="opportunity_history" in tables)
    return Intake(
        title=map_.title, dest=dest, tables=results, skipped=skipped,
        notes=(*unused_files(sources), *kept, *carried), warnings=tuple(account.warnings),
    )  # fmt: skip  # one result


def _choose(map_: Map, views: Views) -> tuple[dict[str, list[TableMap]], tuple[str, ...]]:
    """Return for each table the definitions to try in order, and sentences about the tables left out.

    They are the first whose sources are there, and the later ones that read the same sources.
    """
    chosen: dict[str, list[TableMap]] = {}
    skipped: list[str] = []
    wanting: dict[str, list[str]] = {}
    for name, definitions in map_.tables.items():
        fitting = [table for table in definitions if not views.missing(table)]
        if fitting:
            chosen[name] = [table for table in fitting if views.reads(table) == views.reads(fitting[0])]
            continue
        absent = views.missing(definitions[-1])
        if definitions[-1].optional:
            skipped.append(f"{name}: left out, no source '{absent}'")
            continue
        wanting.setdefault(absent, []).append(name)
    if wanting:
        listed = "\n".join(f"- {', '.join(names)}: {_absent(map_, views, source)}" for source, names in wanting.items())
        raise IntakeError(
            f"The source does not have what {map_.name} needs. Nothing was written.\n{listed}\n"
            "Rename the file, or change [sources] in the map."
        )
    return chosen, tuple(skipped)


def _absent(map_: Map, views: Views, source: str) -> str:
    patterns = "', '".join(map_.sources.get(source, (source,)))
    found = [item.names[0] for item in views.sources.items]
    return f"no file, sheet or table is named like '{patterns}'. {did_you_mean(source, found)}"


def _bind(con: Any, map_: Map, definitions: list[TableMap], views: Views) -> Bound:
    """Return the first definition for which the source has all columns; the first of all if there is none."""
    first = bind(con, map_, definitions[0], views.of(definitions[0]))
    if not first.missing or len(definitions) == 1:
        return first
    later = (bind(con, map_, table, views.of(table)) for table in definitions[1:])
    return next((bound for bound in later if not bound.missing), first)


def _refuse_unbound(tables: dict[str, Bound]) -> None:
    missing = [sentence for table in tables.values() for sentence in table.missing]
    if missing:
        listed = "\n".join(f"- {sentence}" for sentence in missing)
        held = {table.view.origin.label: table.view.headers for table in tables.values() if table.missing}
        there = "\n".join(f"{label} has: {_shown(headers)}." for label, headers in held.items())
        text = f"Required columns were not found. Nothing was written.\n{listed}\n{there}"
        raise IntakeError(f"{text}\nAdd the headers of your export to the map.")
    unnamed = [sentence for table in tables.values() for sentence in table.unnamed]
    if unnamed:
        raise MapError("\n".join(unnamed))


def _shown(headers: Sequence[str]) -> str:
    more = f" and {len(headers) - _LISTED} more" if len(headers) > _LISTED else ""
    return ", ".join(headers[:_LISTED]) + more


def _convert(account: Account, *, set_aside: bool) -> None:
    con, tables = account.con, account.tables
    for name, bound in tables.items():
        stage(con, account.map, bound)
        set_aside_blank(con, bound)
        account.note(name, *bound.notes)
    for name, bound in tables.items():
        account.note(name, *look_up(con, bound, tables))
    if "users" in tables and tables["users"].derives_role:
        name_managers(con)
    account.emptied.extend(follow_left_out(con, tables))
    if set_aside:
        account.emptied.extend(set_aside_broken(con, tables))
    for cells in account.emptied:
        account.note(cells.table, str(cells))


def _refusal(findings: list[Finding], *, set_aside: bool) -> str:
    listed = "\n".join(f"- {finding}" for finding in findings)
    text = f"The import was refused. Nothing was written.\n{listed}"
    if not set_aside and any(finding.affected for finding in findings):
        text += "\nOr import the rest: with --set-aside these rows go to DEST/rejected with the reason."
    return text


def _write(con: Any, bound: Bound, folder: Path, *, rejected: bool, rows: int) -> None:
    name, origin = bound.name, bound.view.origin
    columns = [column.name for column in SCHEMA[name].columns if column.required or column.name in bound.columns]
    if rows:
        write_table(con, f"_live_{name}", columns, folder / f"{name}.parquet")
    if rejected:
        write_rejected(con, name, origin.relation, list(origin.headers), folder / "rejected" / f"{name}.csv")
