"""A row that names what is not there loses the name, or goes with its parent, and either is counted."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from salesops.book.check import check_book
from salesops.book.schema import SCHEMA
from salesops.book.source import open_book
from salesops.errors import IntakeError
from salesops.intake import Intake, import_book

MAP = """
[book]
currency = "EUR"
[tables.accounts]
from = "firms"
columns = { account_id = "id", account_name = "name", parent_id = "above" }
LEFT_OUT
[tables.products]
from = "goods"
columns = { product_id = "id", product_name = "id", family = "id" }
[tables.orders]
from = "orders"
columns = { order_id = "id", account_id = "firm", ordered_at = "day", contract_id = "contract" }
[tables.order_lines]
from = "lines"
columns = { order_line_id = "id", order_id = "order", product_id = "good", quantity = "n", unit_price = "price" }
[tables.contracts]
from = "contracts"
columns = { contract_id = "id", account_id = "firm" }
"""
FILES = {
    "firms": "id,name,above,gone\nA1,Acme,,no\nA2,Beta,A1,no\nA3,Gone,,yes\nA4,Delta,A3,no\n",
    "goods": "id\nP\n",
    "orders": "id,firm,day,contract\nO1,A1,2026-01-05,K1\nO2,A3,2026-01-06,\nO3,A2,2026-01-07,K3\n",
    "lines": "id,order,good,n,price\nL1,O1,P,1,5\nL2,O2,P,1,7\nL3,O3,P,2,9\n",
    "contracts": "id,firm\nK1,A1\nK3,A3\n",
}
LEFT_OUT = '[tables.accounts.leave_out]\n"gone" = "gone"'


def convert(folder: Path, left_out: str = "", *, set_aside: bool = False, **files: str) -> Intake:
    """Import the files, some of them replaced."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    for name, text in (FILES | files).items():
        (source / f"{name}.csv").write_text(text)
    (folder / "m.toml").write_text(MAP.replace("LEFT_OUT", left_out))
    return import_book(folder / "m.toml", source, folder / "book", set_aside=set_aside, replace=True)


def keys(result: Intake, table: str, column: str = "") -> list[object]:
    """Return the keys of a table that was written, or another of its columns."""
    query = f"SELECT {column or SCHEMA[table].key[0]} FROM '{result.dest / table}.parquet'"
    return [row[0] for row in duckdb.sql(query).fetchall()]


def test_rows_follow_what_the_map_leaves_out(tmp_path: Path) -> None:
    """What names a row that the map leaves out goes with it, down to the last child; an optional name is emptied."""
    result = convert(tmp_path, LEFT_OUT)
    assert [keys(result, name) for name in ("accounts", "contracts", "orders", "order_lines")] == [
        ["A1", "A2", "A4"], ["K1"], ["O1", "O3"], ["L1", "L3"],
    ]  # fmt: skip  # a table an item
    for line in (
        "  1 row: parent_id emptied, it names nothing in accounts",
        "  set aside 1: names an account_id that the map leaves out",
        "  set aside 1: names an order_id that the map leaves out",
        "  1 row: contract_id emptied, it names nothing in contracts",
    ):
        assert line in result.lines()


def test_other_orphans_still_refuse_the_import(tmp_path: Path) -> None:
    """A name that nothing in the source has is not the map's doing: the import is refused and says so."""
    with pytest.raises(IntakeError, match=r"1 of 2 rows names a contract_id that is not in contracts .*'K9'"):
        convert(tmp_path, LEFT_OUT, orders=FILES["orders"].replace("K1", "K9"))


def test_setting_aside_spares_what_may_be_empty(tmp_path: Path) -> None:
    """An order under an unknown contract is kept without it; one of an unknown customer is set aside with its lines."""
    orders = FILES["orders"].replace("K1", "K9").replace("A2", "A9")
    result = convert(tmp_path, set_aside=True, orders=orders)
    assert keys(result, "orders", "contract_id") == [None, None]
    assert [keys(result, name) for name in ("orders", "order_lines")] == [["O1", "O2"], ["L1", "L2"]]
    assert "  1 row: contract_id emptied, it names nothing in contracts" in result.lines()


def test_every_report_says_what_was_emptied(tmp_path: Path) -> None:
    """What an import emptied stands on every page, with its table, the rows and the reason, until the next import."""
    dest = convert(tmp_path, set_aside=True, orders=FILES["orders"].replace("K1", "K9")).dest
    (finding,) = [f for f in check_book(open_book(dest)) if f.rule == "emptied"]
    assert str(finding) == (
        "orders: 1 of 3 rows was changed by the import: contract_id emptied, it names nothing in contracts. "
        "Add what is missing to the export."
    )
    (dest / "rejected" / "emptied.csv").write_text("table,reason\norders,why\n")
    (finding,) = [f for f in check_book(open_book(dest)) if f.rule == "emptied"]
    assert "emptied.csv cannot be read. Import again with --replace." in str(finding)
    convert(tmp_path)
    assert [f for f in check_book(open_book(dest)) if f.rule == "emptied"] == []
