"""Small exports that once gave a wrong number, each with its right value worked out by hand."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900
from test_maps_history import ask, booked, convert

from salesops.book.check import check_book
from salesops.book.source import open_book
from salesops.intake import Intake, import_book
from salesops.metrics.attainment import attainment
from salesops.periods import parse_period

MAP = """
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
opportunity_id = "No"
owner_id = "Rep"
stage_name = "Stage"
amount = "Value"
created_date = "Opened"
close_date = "Closed"
"""


def warnings(result: Intake) -> list[str]:
    """Return what check says of a book."""
    return [str(finding) for finding in check_book(open_book(result.dest))]


@pytest.mark.parametrize(
    ("epoch", "opened", "closed"),
    [
        (CALENDAR_MAC_1904, (44562, 43889), (44594, 44650)),
        (CALENDAR_WINDOWS_1900, (46024, 45351), (46056, 46112)),
    ],
    ids=["1904", "1900"],
)
def test_days_as_plain_numbers(
    tmp_path: Path, epoch: dt.datetime, opened: tuple[int, int], closed: tuple[int, int]
) -> None:
    """A workbook says whether it counts days from 1904 or 1900: the same days come out, also of cells with a format."""
    book = openpyxl.Workbook()
    book.epoch = epoch
    book.active.title = "deals"
    book.active.append(["No", "Rep", "Stage", "Value", "Opened", "Closed"])
    for number in range(2):
        book.active.append([number, "Kim", "Won", 100, opened[number], closed[number]])
    book.active.append([2, "Kim", "Won", 100, dt.date(2026, 1, 2), dt.date(2026, 2, 3)])
    book.save(tmp_path / "deals.xlsx")
    (tmp_path / "m.toml").write_text(MAP)
    result = import_book(tmp_path / "m.toml", tmp_path / "deals.xlsx", tmp_path / "book")
    days = [(dt.date(2026, 1, 2), dt.date(2026, 2, 3)), (dt.date(2024, 2, 29), dt.date(2026, 3, 31))]
    assert ask(result, "SELECT created_date, close_date FROM {opportunities} ORDER BY opportunity_id") == [
        *days,
        days[0],
    ]


REPORT = (
    '"Opportunity ID","Opportunity Name","Account Name","Opportunity Owner","Stage","Amount Currency","Amount",'
    '"Amount (converted) Currency","Amount (converted)","Close Date"\n'
    '"006A","Deal A","Ada","Ann","Closed Won","GBP","100.00","USD","130.00","3/20/2026"\n'
    '"006B","Deal B","Ada","Ann","Closed Won","USD","50.00","USD","50.00","3/21/2026"\n'
    '"Grand Totals (2 records)","","","","","","","","",""\n"","","","","","USD","180.00","","",""\n'
    '"Confidential Information - Do Not Distribute"\n'
    '"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n'
)


def test_a_report_that_converts(tmp_path: Path) -> None:
    """The currency to which a report converts is the company's: 50 USD count, 100 GBP wait for a rate, totals go."""
    result = convert(tmp_path, "salesforce", report1=REPORT)
    book = open_book(result.dest)
    (team,) = attainment(book, parse_period("2026-Q1"), dt.date(2026, 3, 31), by="team").to_pyarrow().to_pylist()
    assert (book.currency, team["booked"]) == ("USD", 50)
    assert any("1 of 2 rows is not in USD: 1 in GBP (100) left out of totals" in text for text in warnings(result))
    assert any(
        "4 rows after the data were left out as a report footer: 'Grand Totals (2 rec" in line
        for line in result.lines()
    )


def test_totals_fall_off_in_a_sheet_too(tmp_path: Path) -> None:
    """The same report as XLSX gives the same deals."""
    book = openpyxl.Workbook()
    for cells in csv.reader(REPORT.splitlines()):
        book.active.append([cell or None for cell in cells])
    (tmp_path / "export").mkdir()
    book.save(tmp_path / "export" / "report1.xlsx")
    result = import_book("salesforce", tmp_path / "export", tmp_path / "book")
    assert ask(result, "SELECT opportunity_id, amount FROM {opportunities} ORDER BY 1") == [("006A", 100), ("006B", 50)]


def test_fractions_in_a_column_of_percent(tmp_path: Path) -> None:
    """0.6 in Salesforce's percent column is 0.6%, and that no chance is above 1% is a warning."""
    deals = (
        "Id,Account Name,OwnerId,StageName,Amount,CloseDate,CreatedDate,Probability\n"
        "006A,Ada,Ann,Proposal,100,2026-03-20,2026-01-05,0.6\n006B,Ada,Ann,Proposal,50,2026-03-21,2026-01-05,0.25\n"
    )
    result = convert(tmp_path, "salesforce", opportunity=deals)
    assert any("no probability is above 1%: the highest is 0.60%" in text for text in warnings(result))


DEALS = "FROM {opportunities} ORDER BY 1"
CASES = {
    "thousands-point-only": ("map.toml", f"SELECT amount {DEALS}", [(750,), (3000,), (12500,)]),
    "xlsx-1904-plain-numbers": (
        "map.toml", f"SELECT created_date::VARCHAR, close_date::VARCHAR {DEALS}",
        [("2024-02-29", "2026-03-31"), ("2026-01-02", "2026-02-03")],
    ),
    "connector-deleted-rows": ("salesforce", f"SELECT sum(amount) {DEALS}", [(1000,)]),
    "connector-history-names": ("salesforce", "SELECT count(*) FROM {opportunity_history}", [(6,)]),
    "pipedrive-times": (
        "pipedrive", f"SELECT opportunity_id, close_date::VARCHAR, is_closed {DEALS}",
        [("1", "2026-03-31", True), ("2", "2026-06-30", False), ("3", "2026-03-03", True)],
    ),
    "salesforce-15-18-ids": (
        "salesforce", "SELECT account_name, amount FROM {opportunities} JOIN {accounts} USING (account_id) ORDER BY 1",
        [("Ada", 1000), ("Bea", 200)],
    ),
    "salesforce-converted": ("salesforce", f"SELECT currency, amount {DEALS}", [("GBP", 100), ("USD", 50)]),
    "probability-fraction-in-percent-column": ("salesforce", f"SELECT probability {DEALS}", [(0.0025,), (0.006,)]),
}  # fmt: skip  # reads as a table


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_the_shared_cases(shared: Path, tmp_path: Path, case: str) -> None:
    """The cases that came from outside give their right values."""
    map_, query, expected = CASES[case]
    folder = shared / "cases" / case
    result = import_book(folder / map_ if map_.endswith(".toml") else map_, folder / "export", tmp_path / "book")
    assert ask(result, query) == expected


def test_the_shared_case_of_an_owner(shared: Path, tmp_path: Path) -> None:
    """Ann keeps the 1,000 of March."""
    result = import_book("salesforce", shared / "cases" / "salesforce-owner-history" / "export", tmp_path / "book")
    assert booked(result, "2026-Q1", dt.date(2026, 3, 31)) == {"005A": 1000, "005B": 0}


def test_the_shared_case_of_two_ids(shared: Path) -> None:
    """Two deals equal in all but the id, and two accounts of one name, are two warnings."""
    found = check_book(open_book(shared / "cases" / "deal-exported-twice-with-two-ids" / "book"))
    assert {finding.rule for finding in found} >= {"equal but for the id", "one name"}
