"""One import from start to end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from salesops.book.connection import connect, database_files
from salesops.book.encoding import WARNING
from salesops.book.finding import Finding
from salesops.book.rejected import COUNTS, DOUBLED, EMPTIED, NOT_READ, READINGS, write_counts
from salesops.book.replacement import settle_replacement
from salesops.book.scale import proposed_scale
from salesops.book.schema import SCHEMA
from salesops.errors import IntakeError, MapError, did_you_mean, system_repair
from salesops.intake.account import Account, table_result, unused_files
from salesops.intake.breaches import refusals, set_aside_blank, set_aside_broken
from salesops.intake.carry import carry_history
from salesops.intake.convert import Bound, bind, stage
from salesops.intake.doubled import REASON, Doubled, doubled_rows
from salesops.intake.files import Item, list_items
from salesops.intake.history import unfold_history
from salesops.intake.links import look_up, name_managers
from salesops.intake.mapfile import Map, TableMap, read_map
from salesops.intake.marks import leave_out_idle
from salesops.intake.names import HISTORY, found_headers
from salesops.intake.orphans import follow_left_out
from salesops.intake.report import Intake, TableResult
from salesops.intake.sources import Sources
from salesops.intake.views import Views
from salesops.intake.write import check_destination, new_folder, write_rejected, write_settings, write_table

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
        becomes history, unless the export brings its own (`salesops.intake.carry`).

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
    try:
        settle_replacement(dest)
        check_destination(dest, source, replace=replace)
        items = list_items(source)
        with new_folder(dest) as folder, _connection(items, folder) as con:
            sources = Sources(con, source, map_, items, str(map_.book.get("time_zone", "UTC")))
            return _import(sources, dest, folder, set_aside=set_aside)
    except (OSError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        place = getattr(error, "filename", None) or dest
        repair = system_repair(error) if isinstance(error, OSError) else "Free space or memory, and try again."
        text = f"The import stopped at '{place}': {reason}. Nothing was written. {repair}"
        raise IntakeError(text.rstrip()) from None


@contextmanager
def _connection(items: Sequence[Item], folder: Path) -> Iterator[Any]:
    """Give a connection that reads the items of a source and writes to a folder, and to nothing else."""
    files = [file for path in dict.fromkeys(item.path for item in items) for file in database_files(path)]
    con = connect(files=files, folders=[folder], memory="3GB")  # what does not fit is spilled to disk
    try:
        yield con
    except RuntimeError as error:
        if "interrupted" in str(error).lower():  # so DuckDB reports Ctrl-C
            con.con.interrupt()  # else the query is worked through before the connection closes
            raise KeyboardInterrupt from None
        raise
    finally:
        con.disconnect()


def _import(sources: Sources, dest: Path, folder: Path, *, set_aside: bool) -> Intake:
    con, map_ = sources.con, sources.map
    views = Views(con, sources)
    chosen, skipped = _choose(map_, views)
    map_ = _with_home_currency(con, map_, chosen, views)
    tables = {name: _bind(con, map_, definitions, views) for name, definitions in chosen.items()}
    unnamed = [name for name, bound in tables.items() if _names_nothing(bound)]
    skipped += tuple(f"{name}: left out, {tables.pop(name).view.origin.label} names none" for name in unnamed)
    _refuse_unbound(tables)
    account = Account(con, map_, sources, tables)
    _convert(account, set_aside=set_aside)
    findings = refusals(con, tables)
    if findings:
        raise IntakeError(*_refusal(findings, set_aside=set_aside))
    results = tuple(table_result(account, name) for name in tables)
    if not any(result.rows_out for result in results):
        raise IntakeError("No row is left to import. Nothing was written.")
    doubled = [found for bound in tables.values() if (found := doubled_rows(con, bound, sources))]
    account.warnings.extend(str(found) for found in doubled)
    account.warnings.extend(note for result in results for note in result.notes if WARNING in note)
    for result in results:
        _write(con, tables[result.name], folder, rejected=bool(result.set_aside), rows=result.rows_out)
    _write_counts(account, results, doubled, folder)
    before, scale = dest / "book.toml", _proposed_scale(con, tables)
    settings = {**map_.book, **_stages(map_, tables)}
    kept = write_settings(settings, map_.title, folder / "book.toml", previous=before, proposed=scale)
    carried = carry_history(dest, folder, own=any(r.name == HISTORY and r.rows_out for r in results))
    return Intake(
        title=map_.title, dest=dest, tables=results, skipped=skipped,
        notes=(*unused_files(sources), *kept, *carried), warnings=tuple(account.warnings),
    )  # fmt: skip  # one result


def _stages(map_: Map, tables: Mapping[str, Bound]) -> dict[str, Any]:
    """Return the map's words for won and lost stages as a setting, where the source has no words of its own for it."""
    deals = tables.get("opportunities")
    if deals is None or not map_.won or deals.columns["is_won"].headers:
        return {}
    return {"stages": {"won": list(map_.won), "lost": list(map_.lost)}}


def _write_counts(account: Account, results: Sequence[TableResult], doubled: Sequence[Doubled], folder: Path) -> None:
    """Write beside the book what every page is to say of the import."""
    rows_in = {result.name: result.rows_in for result in results}
    counts = {
        COUNTS: [
            (result.name, reason, rows, result.rows_in) for result in results for reason, rows in result.set_aside
        ],
        EMPTIED: [(cells.table, cells.reason, cells.rows, rows_in[cells.table]) for cells in account.emptied],
        DOUBLED: [(found.table, REASON, found.rows, found.of) for found in doubled],
        READINGS: [
            (name, f"{reading.column} {reading.words}", reading.cells, rows)
            for name, rows in rows_in.items()
            for reading in account.tables[name].readings
        ],
        NOT_READ: account.not_read,
    }
    for name, rows in counts.items():
        if rows:
            write_counts(folder, rows, name)


def _proposed_scale(con: Any, tables: dict[str, Bound]) -> dict[str, tuple[Any, str]]:
    """Return the scale that the scores suggest, as a setting of the book with a sentence about it."""
    if "survey_responses" not in tables or "scale" in tables["survey_responses"].columns:
        return {}
    query = "SELECT count(score), min(score), max(score) FROM _live_survey_responses"
    count, lowest, highest = con.raw_sql(query).fetchone()
    scale = proposed_scale(count, lowest, highest) if count else ""
    if not scale:
        return {}
    told = (
        f"survey_responses: {count:,} scores from {lowest:g} to {highest:g}, taken for the scale {scale}. If that is "
    )
    return {"surveys": ({"scale": scale}, told + 'wrong, say it in book.toml: [surveys] scale = "…"')}


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
        raise IntakeError(
            f"The source does not have what {map_.name} needs. Nothing was written.",
            *(f"- {', '.join(names)}: {_absent(map_, views, source)}" for source, names in wanting.items()),
            "Rename the file, or change [sources] in the map.",
        )
    return chosen, tuple(skipped)


def _absent(map_: Map, views: Views, source: str) -> str:
    near = views.sources.named_like(source)
    if near:
        missing = "; ".join(f"no column '{wanted}'" for wanted in views.sources.lacks(near[0], source))
        return f"{near[0].label} is named like it, but has {missing}. It has: {_shown(views.sources.headers(near[0]))}."
    patterns = "', '".join(views.sources.declared(source).names)
    found = [item.names[0] for item in views.sources.items]
    return f"no file, sheet or table is named like '{patterns}'. {did_you_mean(source, found)}"


def _with_home_currency(con: Any, map_: Map, chosen: dict[str, list[TableMap]], views: Views) -> Map:
    """Return the map with the currency to which the source of the deals converts, where the map names none."""
    if not map_.home_currency or "currency" in map_.book or "opportunities" not in chosen:
        return map_
    view = views.of(chosen["opportunities"][0])
    for header in found_headers(map_.home_currency, view.headers):
        code = f"upper(trim(CAST({view.cells[header]} AS VARCHAR)))"
        query = f"SELECT DISTINCT {code} FROM {view.relation} WHERE regexp_full_match({code}, '[A-Z]{{3}}')"
        codes = [row[0] for row in con.raw_sql(query).fetchall()]
        if len(codes) == 1:
            return dataclasses.replace(map_, book={**map_.book, "currency": codes[0]})
    return map_


def _bind(con: Any, map_: Map, definitions: list[TableMap], views: Views) -> Bound:
    """Return the first definition for which the source has all columns; the first of all if there is none."""
    first = bind(con, map_, definitions[0], views.of(definitions[0]))
    if not first.missing or len(definitions) == 1:
        return first
    later = (bind(con, map_, table, views.of(table)) for table in definitions[1:])
    return next((bound for bound in later if not bound.missing), first)


def _names_nothing(bound: Bound) -> bool:
    """Tell whether an optional table is made of rows that another file names, and the file has no column of its key."""
    return bound.map.optional and bound.map.distinct and SCHEMA[bound.name].key[0] not in bound.columns


def _refuse_unbound(tables: dict[str, Bound]) -> None:
    missing = [sentence for table in tables.values() for sentence in table.missing]
    if missing:
        held = {table.view.origin.label: table.view.headers for table in tables.values() if table.missing}
        raise IntakeError(
            "Required columns were not found. Nothing was written.",
            *(f"- {sentence}" for sentence in missing),
            *(f"{label} has: {_shown(headers)}." for label, headers in held.items()),
            "Add the headers of your export to the map.",
        )
    unnamed = [sentence for table in tables.values() for sentence in table.unnamed]
    if unnamed:
        raise MapError(*unnamed)


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
    if HISTORY in tables:
        account.note(HISTORY, *unfold_history(con, account.map, tables))
    if "users" in tables:
        leave_out_idle(con, tables)
    if "users" in tables and tables["users"].derives_role:
        name_managers(con)
    account.emptied.extend(follow_left_out(con, tables))
    if set_aside:
        account.emptied.extend(set_aside_broken(con, tables))
    for cells in account.emptied:
        account.note(cells.table, str(cells))


def _refusal(findings: list[Finding], *, set_aside: bool) -> Iterator[str]:
    yield "The import was refused. Nothing was written."
    yield from (f"- {finding}" for finding in findings)
    if not set_aside and any(finding.affected for finding in findings):
        yield "Or import the rest: with --set-aside these rows go to DEST/rejected with the reason."


def _write(con: Any, bound: Bound, folder: Path, *, rejected: bool, rows: int) -> None:
    name, origin = bound.name, bound.view.origin
    columns = [column.name for column in SCHEMA[name].columns if column.required or column.name in bound.columns]
    if rows:
        write_table(con, f"_live_{name}", columns, folder / f"{name}.parquet")
    if rejected:
        write_rejected(con, name, origin.relation, list(origin.headers), folder / "rejected" / f"{name}.csv")
