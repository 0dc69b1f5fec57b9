"""Deals that a new export no longer holds stay in the book as deleted, with what they name, for earlier reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from salesops.book.schema import SCHEMA, Column
from salesops.book.source import Book, open_book
from salesops.errors import first_few
from salesops.intake.names import quoted
from salesops.intake.write import write_table

_SHOWN = 4
# what a deal leads to, and the ids asked for: each table before those that name its rows
_NAMED = {
    "users": "SELECT owner_id FROM _gone UNION SELECT user_id FROM _gone_credits "
    "UNION SELECT new_value FROM _gone_owners",
    "products": "SELECT product_id FROM _gone",
    "accounts": "SELECT account_id FROM _gone",
}


def keep_vanished(con: Any, old: Book, folder: Path) -> tuple[str, ...]:
    """Add the deals of the old book that a new one lacks to its files, as deleted; say which.

    With them come the people, accounts, products and credits that they name, and the people that the history of
    any deal names, as far as the new book lacks them.

    Parameters
    ----------
    con : Ibis connection
        To DuckDB; temporary tables are made in it.
    old : Book
        The book to be replaced, on `con`.
    folder : Path
        The new book.
    """
    new = replace(open_book(folder), con=con)
    for name in ("opportunities", "opportunity_history", "credits", "territories", *_NAMED):
        for age, book in (("old", old), ("new", new)):
            con.raw_sql(f"CREATE TEMP VIEW _{age}_{name} AS {con.compile(book.table(name))}")
    con.raw_sql(
        "CREATE TEMP TABLE _gone AS FROM _old_opportunities ANTI JOIN _new_opportunities USING (opportunity_id)"
    )
    con.raw_sql("CREATE TEMP VIEW _gone_credits AS FROM _old_credits SEMI JOIN _gone USING (opportunity_id)")
    con.raw_sql("CREATE TEMP VIEW _gone_owners AS FROM _old_opportunity_history WHERE field_name = 'owner_id'")
    for name, ids in _NAMED.items():
        key = SCHEMA[name].key[0]
        lacking = f"FROM _old_{name} WHERE {key} IN ({ids}) AND {key} NOT IN (SELECT {key} FROM _new_{name})"
        con.raw_sql(f"CREATE TEMP TABLE _kept_{name} AS {lacking}")
    for name in _NAMED:
        _add(con, old, new, name, f"_kept_{name}", folder)
    _add(con, old, new, "credits", "_gone_credits", folder)
    con.raw_sql("UPDATE _gone SET is_deleted = true")
    _add(con, old, new, "opportunities", "_gone", folder)
    return _new_ones(con)


def _new_ones(con: Any) -> tuple[str, ...]:
    """Say which deals have vanished since the old book."""
    already = "(SELECT opportunity_id FROM _old_opportunities WHERE is_deleted)"
    gone = f"FROM _gone WHERE opportunity_id NOT IN {already}"
    number = con.raw_sql(f"SELECT count(*) {gone}").fetchone()[0]
    if not number:
        return ()
    first = con.raw_sql(f"SELECT opportunity_id {gone} ORDER BY 1 LIMIT {_SHOWN}").fetchall()
    deals = "1 deal of the previous book is" if number == 1 else f"{number:,} deals of the previous book are"
    listed = first_few((key for (key,) in first), number)
    return (f"opportunities: {deals} not in the new one, and counted as deleted: {listed}",)


def _add(con: Any, old: Book, new: Book, name: str, rows: str, folder: Path) -> None:
    """Add rows to a table of the new book; what they name and the new book lacks, they name no more."""
    if not con.raw_sql(f"SELECT count(*) FROM {rows}").fetchone()[0]:
        return
    schema = SCHEMA[name]
    columns = [
        column
        for column in schema.columns
        if column.required or old.has(name, column.name) or new.has(name, column.name) or column.name == "is_deleted"
    ]
    cells = ", ".join(f"{_cell(column)} AS {quoted(column.name)}" for column in columns)
    there = "SELECT * REPLACE (coalesce(is_deleted, false) AS is_deleted)" if name == "opportunities" else "SELECT *"
    both = f"{there} FROM _new_{name} UNION ALL BY NAME SELECT {cells} FROM {rows}"
    con.raw_sql(f"CREATE TEMP VIEW _all_{name} AS {both}")
    path = folder / f"{name}.parquet"
    grown = path.with_suffix(".grown")
    write_table(con, f"_all_{name}", [column.name for column in columns], grown)
    grown.replace(path)


def _cell(column: Column) -> str:
    table, _, key = column.references.partition(".")
    cell = quoted(column.name)
    if not table or column.filled:
        return cell
    kept = f" UNION SELECT {key} FROM _kept_{table}" if table in _NAMED else ""
    known = f"SELECT {key} FROM _new_{table}{kept}"
    return f"CASE WHEN {cell} IN ({known}) THEN {cell} END"
