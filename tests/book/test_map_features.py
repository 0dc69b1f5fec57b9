"""What a map can say beyond columns: sources with needs and queries, shared renames, cases, a log of changes."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from test_intake_columns import convert
from test_maps import BLOCKS
from test_maps_history import ask, history

from salesops.errors import IntakeError, MapError
from salesops.intake.mapfile import read_map

DEALS = """
[book]
currency = "EUR"
[stages]
won = ["Won"]
[tables.users]
from = "deals"
distinct = true
columns = { user_id = "Rep", user_name = "Rep" }
[tables.opportunities]
from = "deals"
[tables.opportunities.columns]
opportunity_id = "Deal No"
owner_id = "Rep"
stage_name = "Phase"
amount = "Value"
created_date = "Opened"
"""
FILE = "Deal No,Rep,Phase,Value,Opened\nD1,Ben,Won,1000,2026-01-05\n"


def test_the_log_of_the_readme_works(tmp_path: Path) -> None:
    """A log with old and new values: the first old value holds from the day of entry, owners are found by name."""
    (block,) = [block for block in BLOCKS if "[tables.opportunity_history]" in block]
    log = (
        'Deal No,Changed on,What,Old,New\nD1,2026-03-01,Rep,Ann,Ben\nD1,2026-02-01,Value,"900,00","1.000,50"\n'
        "D1,2026-02-03,Due,31.03.2026,30.04.2026\nD1,2026-02-01,Colour,red,blue\n"
    )
    text = DEALS.replace('from = "deals"\ndistinct', 'from = "people"\ndistinct')
    result = convert(tmp_path, f"{text}\n{block}", deals=FILE, changes=log, people="Rep\nAnn\nBen\n")
    entry = dt.date(2026, 1, 5)
    assert history(result, "owner_id", "D1") == [("Ann", entry), ("Ben", dt.date(2026, 3, 1))]
    assert history(result, "amount", "D1") == [("900", entry), ("1000.5", dt.date(2026, 2, 1))]
    assert history(result, "close_date", "D1") == [("2026-03-31", entry), ("2026-04-30", dt.date(2026, 2, 3))]
    assert "  1 row of fields that no report reads" in result.lines()


def test_amounts_of_a_log_may_be_in_thousands(tmp_path: Path) -> None:
    """3.000 in a log of amounts is three thousand, as it is in a column of money, and that is said."""
    (block,) = [block for block in BLOCKS if "[tables.opportunity_history]" in block]
    log = "Deal No,Changed on,What,Old,New\nD1,2026-02-01,Value,900,3.000\nD1,2026-02-02,Value,3.000,12.500\n"
    result = convert(tmp_path, f"{DEALS}\n{block}", deals=FILE, changes=log)
    assert [value for value, _ in history(result, "amount", "D1")] == ["900", "3000", "12500"]
    assert "  2 rows: amount like '3.000', read as 3,000" in result.lines()


def test_a_deal_without_day_of_entry_has_its_first_value_always(tmp_path: Path) -> None:
    """Where nobody knows when a deal was entered, the value before its first change holds before all days."""
    (block,) = [block for block in BLOCKS if "[tables.opportunity_history]" in block]
    log = "Deal No,Changed on,What,Old,New\nD1,2026-03-01,Phase,Offer,Won\n"
    result = convert(tmp_path, f"{DEALS}\n{block}", deals=FILE.replace("2026-01-05", ""), changes=log)
    assert history(result, "stage_name", "D1") == [("Offer", dt.date(1900, 1, 1)), ("Won", dt.date(2026, 3, 1))]


def test_the_recipes_for_states_work(tmp_path: Path) -> None:
    """Dynamics dates a deal by its status, Odoo archives a lost deal: both by the README's lines."""
    (dates,) = [block.strip() for block in BLOCKS if "Actual Close Date" in block]
    (lost,) = [block.strip() for block in BLOCKS if "Active" in block]
    text = DEALS.partition("[tables.opportunities]")[0] + (
        '[tables.opportunities]\nfrom = "deals"\n[tables.opportunities.columns]\nopportunity_id = "No"\n'
        f'owner_id = "Rep"\nstage_name = "Stage"\namount = "Value"\n{dates}\n{lost}\n'
    )
    deals = (
        "No,Rep,Stage,Value,Status,Actual Close Date,Est. Close Date,Active\n1,A,Won,5,Won,2026-02-01,2026-03-01,True\n"
        "2,A,Offer,5,Open,2026-02-01,2026-03-01,True\n3,A,Offer,5,Lost,2026-02-02,2026-03-01,False\n"
    )
    query = "SELECT opportunity_id, close_date, is_closed, is_won FROM {opportunities} ORDER BY 1"
    assert ask(convert(tmp_path, text, deals=deals), query) == [
        ("1", dt.date(2026, 2, 1), True, True),
        ("2", dt.date(2026, 3, 1), False, False),
        ("3", dt.date(2026, 2, 2), True, False),
    ]


SHARED = """
[values.lands]
Deutschland = "DE"
"n/a" = ""
[tables.accounts]
from = "firms"
[tables.accounts.columns]
account_id = "id"
account_name = "id"
country = { from = "home", values = "lands" }
industry = { from = "land", values = "lands" }
"""


def test_renames_that_columns_share_are_written_once(tmp_path: Path) -> None:
    """values = "NAME" takes those of [values.NAME], and each column counts its own."""
    result = convert(tmp_path, SHARED, firms="id,home,land\n1,Deutschland,n/a\n2,FR,deutschland\n")
    assert ask(result, "SELECT country, industry FROM {accounts} ORDER BY account_id") == [("DE", None), ("FR", "DE")]
    assert "  1 row: country 'Deutschland' → 'DE'" in result.lines()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SHARED.replace('"lands" }', '"land" }'), r"there is no \[values.land\]. Did you mean 'lands'"),
        (SHARED.replace('from = "home"', 'from = "home", by = "id"'), 'country: by = "Status" goes with from = { Won'),
        (f'ids = "hubspot"\n{SHARED}', "ids must be 'salesforce'"),
        (f'[sources]\nfirms = {{ name = "x" }}\n{SHARED}', "an unknown key 'name'. Did you mean 'names'"),
        (f'[sources]\nfirms = {{ select = "SELECT 1", names = "x" }}\n{SHARED}', "a query,. has an unknown key 'name"),
    ],
)  # fmt: skip  # reads as a table
def test_what_is_wrong_in_such_a_map_is_said(tmp_path: Path, text: str, message: str) -> None:
    """Each mistake names the file, the key and the repair."""
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(MapError, match=message):
        read_map(tmp_path / "m.toml")


SOURCES = """
[sources]
deals = { names = ["deal*"], needs = ["Deal No", ["Rep", "Owner"]] }
[sources.links]
names = ["link*"]
columns = { deal = ["Deal No", "deal_id"], firm = "Firm", note = "Note" }
optional = true
[sources.first]
select = "SELECT deal, min(firm) AS firm FROM links GROUP BY deal"
"""
QUERY = 'SELECT "Deal No", Rep, Phase, Value, Opened, firm AS account_id FROM deals LEFT JOIN first ON deal = "Deal No"'
LINKED = SOURCES + DEALS.replace(
    '[tables.opportunities]\nfrom = "deals"', f"[tables.opportunities]\nselect = '''{QUERY}'''"
)


def test_a_query_sees_declared_columns_whatever_the_file_calls_them(tmp_path: Path) -> None:
    """A source has the columns that the map declares, as text; without its file it has no rows."""
    query = "SELECT opportunity_id, account_id FROM {opportunities}"
    assert ask(convert(tmp_path, LINKED, deals=FILE), query) == [("D1", None)]
    for head in ("Deal No,Firm", "DEAL_ID,firm,more"):
        rows = "D1,07\nD1,12\n" if head.endswith("Firm") else "D1,07,x\nD1,12,y\n"
        assert ask(convert(tmp_path, LINKED, deals=FILE, links=f"{head}\n{rows}"), query) == [("D1", "07")]


def test_a_source_is_told_by_its_headers(tmp_path: Path) -> None:
    """Of two files that a pattern fits, the one with the needed headers is meant; none is named with what it lacks."""
    other = "Deal No,Firm\nD1,x\n"
    result = convert(tmp_path, SOURCES + DEALS, deal_firms=other, deals=FILE)
    assert ask(result, "SELECT opportunity_id FROM {opportunities}") == [("D1",)]
    assert "not used: deal_firms.csv" in result.lines()
    (tmp_path / "source" / "deals.csv").unlink()
    message = "deal_firms.csv is named like it, but has no column 'Rep' or 'Owner'. It has: Deal No, Firm."
    with pytest.raises(IntakeError, match=re.escape(message)):
        convert(tmp_path, SOURCES + DEALS)


def test_a_header_is_found_in_sql_in_another_spelling(tmp_path: Path) -> None:
    """IsTest in a condition finds is_test, and other columns of that name stay their own."""
    test = 'leave_out = { "a test" = { sql = "IsTest", optional = true } }'
    text = DEALS.replace("[tables.opportunities.columns]", f"{test}\n[tables.opportunities.columns]")
    head, row = FILE.splitlines()
    deals = f"{head},is_test\n{row},true\nD2{row[2:]},false\n"
    assert ask(convert(tmp_path, text, deals=deals), "SELECT opportunity_id FROM {opportunities}") == [("D2",)]


def test_files_read_as_one_agree_where_they_show_how(tmp_path: Path) -> None:
    """A file without decimals is read like the one with decimal commas; two that differ are refused."""
    text = '[sources]\nfirms = ["firm*"]\n[tables.accounts]\nfrom = "firms"\n[tables.accounts.columns]\n'
    text += 'account_id = "id"\naccount_name = "id"\nannual_revenue = "sales"\ncreated_date = "since"\n'
    files = {"firm1": "id;sales;since\n1;10;\n", "firm2": "id;sales;since\n2;1,5;31.12.2025\n"}
    result = convert(tmp_path, text, **files)
    query = "SELECT annual_revenue, created_date FROM {accounts} ORDER BY account_id"
    assert ask(result, query) == [(10, None), (1.5, dt.date(2025, 12, 31))]
    with pytest.raises(IntakeError, match="write numbers or dates differently"):
        convert(tmp_path, text, firm3="id;sales;since\n3;1.25;\n")
