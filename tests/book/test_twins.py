"""What check says of one thing under two ids, ids that a spreadsheet has rounded, and shares that are all tiny."""

from __future__ import annotations

from pathlib import Path

import pytest

from salesops.book.check import check_book
from salesops.book.source import open_book
from salesops.errors import IntakeError
from salesops.intake import import_book

HEAD = "opportunity_id,account_id,owner_id,stage_name,amount,currency,created_date,close_date,is_closed,is_won"
ACCOUNTS = "account_id,account_name,owner_id\nx,Acme GmbH,a\ny,Bolt,a\n"


def findings(folder: Path, rule: str, **tables: str) -> list[str]:
    """Write a book of these tables and return what check says by a rule."""
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    return [str(finding) for finding in check_book(open_book(folder)) if finding.rule == rule]


def deals(*rows: str, more: str = "") -> str:
    """Return a table of deals."""
    return "\n".join([HEAD + more, *rows, ""])


def test_deals_equal_in_all_but_the_id(tmp_path: Path) -> None:
    """Three deals of one customer, day and amount are told, with what they count too much if they are one."""
    same = "x,a,Won,100,EUR,2026-01-05,2026-02-10,true,true"
    other = same.replace("100", "101")
    (finding,) = findings(
        tmp_path, "equal but for the id", opportunities=deals(f"1,{same}", f"2,{same}", f"3,{other}", f"4,{same}")
    )
    assert finding == (
        "opportunities: 3 of 4 rows are equal to another in all but the id, which counts 200 too much if they are one "
        "(first: 1 = 2 = 4). Keep one of each in the source."
    )


@pytest.mark.parametrize(
    ("cells", "more"),
    [
        (("x,a,Won,,EUR,2026-01-05,2026-02-10,true,true", "x,a,Won,,EUR,2026-01-05,2026-02-10,true,true"), ""),
        (("x,a,Open,5,EUR,2026-01-05,,false,false", "x,a,Open,5,EUR,2026-01-05,,false,false"), ""),
        (("x,a,Won,5,EUR,2026-01-05,2026-02-10,true,true,Roof", "x,a,Won,5,EUR,2026-01-05,2026-02-10,true,true,Wall"),
         ",Deal name"),
    ],
    ids=["no amount", "no date", "another name"],
)  # fmt: skip  # reads as a table
def test_deals_that_say_too_little_or_have_a_name(tmp_path: Path, cells: tuple[str, str], more: str) -> None:
    """Without an amount or a day deals are not called equal, nor where a name tells them apart."""
    rows = [f"{number},{text}" for number, text in enumerate(cells)]
    assert findings(tmp_path, "equal but for the id", opportunities=deals(*rows, more=more)) == []


def test_accounts_of_one_name(tmp_path: Path) -> None:
    """Case and spaces make no other name."""
    text = f"{ACCOUNTS}z, ACME  gmbh ,a\nw,,a\nv,,a\n"
    (finding,) = findings(tmp_path, "one name", accounts=text)
    assert finding.startswith("accounts: 2 of 5 rows have the name of another account; reports take each for a client")
    assert "'ACME  gmbh' (x, z)" in finding


def test_no_names_reach_a_redacted_page(tmp_path: Path) -> None:
    """Names stand among the first keys, which pseudonyms leave out."""
    findings(tmp_path, "one name", accounts=ACCOUNTS.replace("Bolt", "Acme GmbH"))
    found = check_book(open_book(tmp_path))
    assert all("Acme" not in finding.found + finding.repair for finding in found)


@pytest.mark.parametrize(("table", "column"), [("opportunities", "opportunity_id"), ("accounts", "owner_id")])
def test_ids_that_a_spreadsheet_rounded(tmp_path: Path, table: str, column: str) -> None:
    """1.2E+19 is no id: it is told with its count, for keys and for references."""
    texts = {
        "users": "user_id,user_name,role,manager_id,hire_date\na,Ann,rep,,\n1.2E+19,Ben,rep,,\n",
        "accounts": ACCOUNTS.replace("Bolt,a", "Bolt,1.2E+19"),
        "opportunities": deals(
            "1.23457E+11,x,a,Won,5,EUR,2026-01-05,2026-02-10,true,true",
            "1E10,x,a,Won,6,EUR,2026-01-05,2026-02-10,true,true",
        ),
    }
    found = findings(tmp_path, f"{column} damaged", **texts)
    damaged = next(finding for finding in found if finding.startswith(table))
    assert f"1 of 2 rows has an {column} that a spreadsheet has rounded to a number" in damaged
    assert "Format the column as text in the spreadsheet before it is filled, and export again" in damaged


CONTRACTS = """
[tables.accounts]
from = "deals"
distinct = true
columns = { account_id = "firm", account_name = "firm" }
[tables.contracts]
from = "deals"
[tables.contracts.columns]
contract_id = { sql = "number || '-' || _row" }
account_id = "firm"
currency = { default = "EUR" }
"""


@pytest.mark.parametrize(
    "cells", [["1.2E+19", "1.2E+19"], ["12", "13"], ["1.2e+19", "x7"], ["99999999999999999999", "1"]]
)
def test_sql_on_rounded_numbers_never_crashes(tmp_path: Path, cells: list[str]) -> None:
    """A column of numbers too large for 64 bits is text in SQL, as the source has it."""
    (tmp_path / "deals.csv").write_text("number,firm\n" + "".join(f"{cell},A\n" for cell in cells))
    (tmp_path / "m.toml").write_text(CONTRACTS)
    result = import_book(tmp_path / "m.toml", tmp_path / "deals.csv", tmp_path / "book")
    ids = open_book(result.dest).table("contracts").contract_id.to_pyarrow().to_pylist()
    assert sorted(ids) == sorted(f"{cell}-{row}" for row, cell in enumerate(cells, start=1))


def test_large_numbers_that_are_no_ids_stay_numbers(tmp_path: Path) -> None:
    """SQL can compute with 1E+06 and with a number beyond 64 bits."""
    (tmp_path / "deals.csv").write_text("firm,size\nA,1E+06\nB,2.5E+06\n")
    text = '[tables.accounts]\nfrom = "deals"\n[tables.accounts.columns]\naccount_id = "firm"\naccount_name = "firm"\n'
    (tmp_path / "m.toml").write_text(text + 'annual_revenue = { sql = "size * 2" }\n')
    result = import_book(tmp_path / "m.toml", tmp_path / "deals.csv", tmp_path / "book")
    assert sorted(open_book(result.dest).table("accounts").annual_revenue.to_pyarrow().to_pylist()) == [2e6, 5e6]


def test_rounded_ids_that_collide_say_why(tmp_path: Path) -> None:
    """Two ids rounded to one refuse the import with the true reason."""
    (tmp_path / "deals.csv").write_text("number,firm\n1.2E+19,A\n1.2E+19,A\n")
    (tmp_path / "m.toml").write_text(CONTRACTS.replace("{ sql = \"number || '-' || _row\" }", '"number"'))
    with pytest.raises(
        IntakeError, match=r"repeats the contract_id .*A spreadsheet has rounded it\. Format the column"
    ):
        import_book(tmp_path / "m.toml", tmp_path / "deals.csv", tmp_path / "book")


@pytest.mark.parametrize(
    ("chances", "told"), [(["0.006", "0.0025", ""], True), (["0.006", "0.5"], False), (["0", "0"], False)]
)
def test_chances_that_are_all_below_one_percent(tmp_path: Path, chances: list[str], told: bool) -> None:
    """Fractions that were taken for percent are told: no chance of any deal is above 1%."""
    rows = [f"{n},x,a,Open,{n},EUR,2026-01-05,2026-09-10,false,false,{chance}" for n, chance in enumerate(chances)]
    found = findings(tmp_path, "tiny probability", opportunities=deals(*rows, more=",probability"))
    expected = (
        "opportunities: no probability is above 1%: the highest is 0.60%. Leave percent = true out of the map where "
        "the source has fractions from 0 to 1."
    )
    assert found == ([expected] if told else [])
