"""A small export and its map, for the tests of the import."""

from __future__ import annotations

from pathlib import Path

import duckdb

from salesops.intake import Intake, import_book

MAP = """
title = "Test CRM"
[book]
company = "Acme"
currency = "EUR"
[stages]
won = ["Won"]
lost = ["Lost"]
[tables.users]
from = "users"
columns = { user_id = "id", user_name = "name", manager_id = "boss" }
[tables.opportunities]
from = "deals"
columns = { opportunity_id = "id", owner_id = "rep", stage_name = "stage", amount = "amount", close_date = "closed" }
"""
USERS = "id,name,boss\nu1,Ann,u2\nu2,Bob,\n"
DEALS = "id,rep,stage,amount,closed\nD1,u1,Won,100,2026-01-10\nD2,u1,Lost,0,2026-01-11\nD3,u2,Open,,\n"


def write_export(folder: Path) -> Path:
    """Write users.csv and deals.csv into folder/export, and the map beside it; return folder/export."""
    export = folder / "export"
    export.mkdir()
    (export / "users.csv").write_text(USERS)
    (export / "deals.csv").write_text(DEALS)
    (folder / "map.toml").write_text(MAP)
    return export


def run(export: Path, **options: bool) -> Intake:
    """Import the export to the folder `book` beside it."""
    return import_book(export.parent / "map.toml", export, export.parent / "book", **options)


def rows(table: Path) -> list[tuple[object, ...]]:
    """Return the rows of a Parquet file."""
    return duckdb.sql(f"FROM '{table}'").fetchall()
