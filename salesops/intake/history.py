"""The history of deals: from the changes that a system logged, or the states that it kept, to a value and its day.

Of a deal whose first change is logged the value before it is known too: it holds from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import ibis
import ibis.expr.types as ir

from salesops.book.columns import Column
from salesops.book.detect import WORDS, detect_format
from salesops.book.readings import Reading, number_readings
from salesops.book.schema import OPPORTUNITIES
from salesops.book.values import MARKS, Format, to_type
from salesops.errors import BookError, IntakeError
from salesops.intake.convert import Bound, make_live
from salesops.intake.ids import completed
from salesops.intake.mapfile import ColumnMap, Map
from salesops.intake.names import HISTORY, STATES, literal
from salesops.intake.report import rows_text

UNREAD = "_unread_history"
_STAGED = f"_staged_{HISTORY}"
_ALWAYS = "TIMESTAMPTZ '1900-01-01 00:00:00+00'"


def unfold_history(con: Any, map_: Map, tables: Mapping[str, Bound]) -> list[str]:
    """Turn the staged rows of a history into a row for each deal, field and value; return sentences for the report.

    Changes become the value that they lead to, and the first one also the value that it came from; states become
    a row for each field that is another than in the state before. Values are written as a book writes them, names
    of owners as ids. Rows of other fields are left away.
    """
    bound = tables[HISTORY]
    con.raw_sql(f"ALTER TABLE {_STAGED} RENAME TO _read_{HISTORY}")
    read = con.table(f"_read_{HISTORY}")
    form, readings = _form_of_changes(con, map_, bound)
    parts = [*_changes(read, bound, form), *_states(read, bound)]
    con.raw_sql(f"CREATE TABLE _said AS {con.compile(ibis.union(*parts) if len(parts) > 1 else parts[0])}")
    con.raw_sql(f"CREATE TABLE {UNREAD} AS SELECT _row, shown FROM _said WHERE shown IS NOT NULL")
    unknown = _name_owners(con, map_, tables)
    begun = _settle(con, tables)
    versions = any(source.every_version for name, source in map_.sources.items() if name in bound.view.sources)
    if versions and "opportunities" in tables:
        _reject_gone(con)
    from_beginning = f"{begun:,} value{'' if begun == 1 else 's'} from the beginning, by the first old value"
    return [*readings, *_of_other_fields(con, read, bound), *([from_beginning] if begun else []), *unknown]


def _form_of_changes(con: Any, map_: Map, bound: Bound) -> tuple[Format, list[str]]:
    """Return how the values of a log are written: as its amounts and days show it, else as the rest of the source.

    The column of new values holds all kinds, so that the source as a whole does not tell. Amounts that can be read in
    two ways are read like those of deals, and a sentence says so.
    """
    origin, cells = bound.view.origin, [name for name in ("new_value", "old_value") if name in bound.columns]
    form = origin.form
    readings: dict[str, Reading] = {}
    if "field_name" not in bound.columns or not origin.cells:
        return form, []
    for key, field in (("decimal", "amount"), ("day_first", "close_date")):
        con.raw_sql(f"CREATE OR REPLACE TEMP TABLE _logged AS FROM _read_{HISTORY} WHERE field_name = '{field}'")
        try:
            found = detect_format(con.con, "_logged", cells, name=HISTORY, european=False, chosen={})
        except BookError as error:
            raise IntakeError(str(error).replace("in book.toml", "in [csv] of the map")) from None
        if key in found.shown and key not in origin.shown:
            form = replace(form, **{key: getattr(found, key)})
        elif key == "decimal" and key not in origin.shown:
            amounts: dict[str, Column] = {name: OPPORTUNITIES.column("amount") for name in cells}
            said = number_readings(found.groups, amounts, str(map_.book.get("currency", "")))
            readings = {reading.words: reading for reading in reversed(said)}
    if any(reading.thousands for reading in readings.values()):
        form = replace(form, decimal=MARKS[form.decimal])
    return form, [f"{rows_text(reading.cells)}: amount {words}" for words, reading in readings.items()]


def _changes(read: ir.Table, bound: Bound, form: Format) -> Iterator[ir.Table]:
    """Yield the rows that say what one field changed to."""
    if not {"field_name", "new_value"} <= set(bound.columns):
        return
    percent = bound.map.columns.get("probability", ColumnMap()).percent
    rows = read.filter(read.field_name.isin(STATES))
    old = rows.old_value if "old_value" in bound.columns else ibis.null("string")
    value, before = (_as_a_book_writes(rows.field_name, cell, form, percent=percent) for cell in (rows.new_value, old))
    unread = rows.new_value.notnull() & value.isnull()
    yield rows.select(
        "_row", "opportunity_id", "field_name", "valid_from", new_value=value.fill_null(""), old_value=before,
        state=ibis.literal(False), shown=unread.ifelse(rows.new_value, ibis.null("string")),
    )  # fmt: skip  # one row


def _states(read: ir.Table, bound: Bound) -> Iterator[ir.Table]:
    """Yield for each field the rows that say what it was."""
    rows = read.filter(read.field_name.isnull() & read.valid_from.notnull())
    for field in STATES:
        if field in bound.columns:
            yield rows.select(
                "_row", "opportunity_id", field_name=ibis.literal(field), valid_from=rows.valid_from,
                new_value=_written(rows[field]).fill_null(""), old_value=ibis.null("string"),
                state=ibis.literal(True), shown=ibis.null("string"),
            )  # fmt: skip  # one row


def _as_a_book_writes(field: ir.Value, cell: ir.Value, form: Format, *, percent: bool) -> ir.Value:
    """Return the text of a value as a book writes it: 1234.5, 2026-03-31, true; null where it cannot be read."""
    number = to_type(cell.re_replace(f"^{WORDS}|{WORDS}$", ""), "number", form)  # EUR 1.234,50
    share = number / 100 if percent else number
    share = cell.strip().endswith("%").ifelse(number, share)
    by_type = {
        "number": _written((field == "probability").ifelse(share, number)),
        "date": _written(to_type(cell, "date", form)),
        "boolean": _written(to_type(cell, "boolean", form)),
    }
    cases = [
        (field.isin([name for name in STATES if OPPORTUNITIES.column(name).type == kind]), text)
        for kind, text in by_type.items()
    ]
    return ibis.cases(*cases, else_=cell)


def _written(value: ir.Value) -> ir.Value:
    text = value.cast("string")
    return text.re_replace(r"\.0$", "") if value.type().is_floating() else text


def _name_owners(con: Any, map_: Map, tables: Mapping[str, Bound]) -> list[str]:
    """Turn owners into ids of users; who is none of them is nobody. Return a sentence about these."""
    if "users" not in tables:
        return []
    how = tables[HISTORY].map.columns
    names = how.get("new_value", ColumnMap()).lookup or how.get("owner_id", ColumnMap()).lookup
    for column in ("new_value", "old_value"):
        con.raw_sql(f"UPDATE _said SET {column} = {completed(map_.ids, column)} WHERE field_name = 'owner_id'")
        for name in names:
            con.raw_sql(
                f"UPDATE _said SET {column} = found.id FROM (SELECT lower(trim({name})) AS name, min(user_id) AS id "
                f"FROM _live_users WHERE {name} IS NOT NULL GROUP BY 1 HAVING count(DISTINCT user_id) = 1) found "
                f"WHERE field_name = 'owner_id' AND lower(trim({column})) = found.name "
                f"AND {column} NOT IN (SELECT user_id FROM _live_users WHERE user_id IS NOT NULL)"
            )
    nobody = "field_name = 'owner_id' AND {} <> '' AND {} NOT IN (SELECT user_id FROM _live_users WHERE user_id <> '')"
    kept = "SEMI JOIN _live_opportunities USING (opportunity_id)" if "opportunities" in tables else ""
    found = con.raw_sql(f"SELECT count(*) FROM _said {kept} WHERE {nobody.format(*['new_value'] * 2)}").fetchone()[0]
    for column, empty in (("new_value", "''"), ("old_value", "NULL")):
        con.raw_sql(f"UPDATE _said SET {column} = {empty} WHERE {nobody.format(column, column)}")
    return [f"{rows_text(found)}: the new owner is not in users, and unknown where no other row tells"] if found else []


def _settle(con: Any, tables: Mapping[str, Bound]) -> int:
    """Make the staged table: for each deal, field and instant the last value, without repeats.

    Return how many values hold from the beginning: the day of entry, or always where it is not known.
    """
    zone = literal(tables[HISTORY].view.origin.form.time_zone)
    entry = f"timezone({zone}, CAST(created_date AS TIMESTAMP))"
    start = f"CASE WHEN created_date IS NOT NULL THEN least({entry}, valid_from - INTERVAL 1 MICROSECOND) END"
    deals = "SELECT NULL AS opportunity_id, NULL::DATE AS created_date, NULL AS owner_id WHERE false"
    if "opportunities" in tables:
        deals = "SELECT opportunity_id, created_date, owner_id FROM _live_opportunities"
    con.raw_sql(f"""
        CREATE TABLE _settled AS
        WITH deal AS ({deals}),
        said AS (
            SELECT *, list(old_value) OVER same AS olds, list(new_value) OVER same AS news FROM _said
            WINDOW same AS (PARTITION BY opportunity_id, field_name, valid_from)),
        one AS (
            -- of several values at one instant, one that another row changed again is passed
            FROM said QUALIFY row_number() OVER (PARTITION BY opportunity_id, field_name, valid_from
                ORDER BY state DESC, list_contains(olds, new_value), new_value = '', _row DESC) = 1),
        first AS (
            SELECT *, list_filter(olds, lambda old: old <> '' AND NOT list_contains(news, old))[1] AS before FROM one
            QUALIFY row_number() OVER (PARTITION BY opportunity_id, field_name ORDER BY valid_from) = 1),
        every AS (
            SELECT _row, opportunity_id, field_name, before AS new_value, true AS begins,
                   coalesce({start}, {_ALWAYS}) AS valid_from
            FROM first LEFT JOIN deal USING (opportunity_id) WHERE before IS NOT NULL AND valid_from IS NOT NULL
            UNION ALL BY NAME
            -- whoever came last is the owner of today, whatever the log calls them
            SELECT _row, opportunity_id, field_name, false AS begins, valid_from,
                   CASE WHEN field_name = 'owner_id' AND new_value = ''
                        AND row_number() OVER (PARTITION BY opportunity_id, field_name ORDER BY valid_from DESC) = 1
                        THEN coalesce(owner_id, '') ELSE new_value END AS new_value
            FROM one LEFT JOIN deal USING (opportunity_id))
        SELECT *, NULL::TIMESTAMPTZ AS valid_to
        FROM every JOIN (SELECT _row, _cell_valid_from FROM _read_{HISTORY}) USING (_row)
        -- that a value was empty at first says nothing, but that nobody knows who was the owner does
        QUALIFY new_value IS DISTINCT FROM
            coalesce(lag(new_value) OVER (PARTITION BY opportunity_id, field_name ORDER BY valid_from),
                     CASE WHEN field_name <> 'owner_id' THEN '' END)
        ORDER BY opportunity_id, field_name, valid_from""")
    con.raw_sql(f"CREATE TABLE {_STAGED} AS SELECT * EXCLUDE (begins) FROM _settled")
    make_live(con, HISTORY)
    return int(con.raw_sql("SELECT count(*) FROM _settled WHERE begins").fetchone()[0])


def _reject_gone(con: Any) -> None:
    """Set aside the versions of deals of which no version is today's."""
    con.raw_sql(
        f"INSERT INTO _rejected_{HISTORY} SELECT DISTINCT _row, 'of a deal that is no longer there', NULL "
        f"FROM {_STAGED} WHERE opportunity_id NOT IN "
        "(SELECT trim(CAST(opportunity_id AS VARCHAR)) FROM _raw_opportunities WHERE opportunity_id IS NOT NULL)"
    )


def _of_other_fields(con: Any, read: ir.Table, bound: Bound) -> Iterator[str]:
    states = any(field in bound.columns for field in STATES)
    nothing = read.field_name.isnull() & (read.valid_from.isnull() if states else ibis.literal(True))
    other = int(con.to_pyarrow(read.filter(nothing).count()).as_py())
    if other:
        yield f"{rows_text(other)} of fields that no report reads"
