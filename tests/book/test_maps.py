"""The maps that come with the project, on real data and on small exports, and the README that teaches them."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import duckdb
import pytest

from salesops.book.check import check_book
from salesops.book.horizon import resolve
from salesops.book.source import open_book
from salesops.intake import Intake, import_book, shipped_maps
from salesops.intake.mapfile import SHIPPED, read_map
from salesops.metrics.attainment import attainment

README = SHIPPED / "README.md"
BLOCKS = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def imported(folder: Path, name: str, **files: str) -> Intake:
    """Import CSV files given as text by a shipped map, and see that the book has no errors."""
    source = folder / "export"
    source.mkdir(exist_ok=True)
    for stem, text in files.items():
        (source / f"{stem}.csv").write_text(text, encoding="utf-8")
    result = import_book(name, source, folder / "book", replace=True)
    assert [finding for finding in check_book(open_book(result.dest)) if finding.severity == "error"] == []
    return result


def ask(result: Intake, query: str) -> list[tuple[object, ...]]:
    """Query the tables that were written: {users} stands for the file."""
    files = {path.stem: f"'{path}'" for path in result.dest.glob("*.parquet")}
    return duckdb.sql(query.format(**files)).fetchall()


def test_the_shipped_maps_can_be_read() -> None:
    """Six maps come with the project; each is valid and has a title."""
    assert shipped_maps() == ("adventureworks", "hubspot", "maven_crm", "online_retail_2", "pipedrive", "salesforce")
    assert all(read_map(name).title for name in shipped_maps())


def lines_of(text: str) -> int:
    """Count the lines that are neither blank nor comment."""
    return sum(1 for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


def test_a_map_is_short() -> None:
    """Six tables of Maven CRM take 40 lines, and the README's complete map takes 20."""
    assert lines_of((SHIPPED / "maven_crm.toml").read_text(encoding="utf-8")) <= 40
    assert lines_of(BLOCKS[0]) <= 20


@pytest.fixture(scope="module")
def maven(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Intake:
    """Maven CRM, imported."""
    return import_book("maven_crm", shared / "data" / "maven_crm", tmp_path_factory.mktemp("maven") / "book")


def test_maven_deals(maven: Intake) -> None:
    """Won 4,238, lost 2,473, won value 10,005,534; open deals keep empty amounts, lost ones their 0."""
    query = "SELECT count(*), sum(amount), count(amount) FROM {opportunities} GROUP BY is_closed, is_won ORDER BY 1"
    assert ask(maven, query) == [(2089, None, 0), (2473, 0, 2473), (4238, 10005534, 4238)]


def test_maven_tells_what_a_reader_must_know(maven: Intake) -> None:
    """The renamed product, the deals without account, and the empty dates and amounts are named with their counts."""
    for line in (
        "  1,480 rows: product_id 'GTXPro' → 'GTX Pro'",
        "  1,425 of 8,800 opportunities have no account_id",
        "  2,089 of 8,800 opportunities have no amount",
        "  500 of 8,800 opportunities have no created_date",
        "  12 rows: industry 'technolgy' → 'technology'",
        "  1 row: country 'Philipines' → 'Philippines'",
    ):
        assert line in maven.lines()


def test_maven_people_and_accounts(maven: Intake) -> None:
    """35 agents and 6 managers, 5 agents without a deal; revenue in money, 15 accounts with a parent."""
    assert ask(maven, "SELECT role, count(*) FROM {users} GROUP BY 1 ORDER BY 1") == [("manager", 6), ("rep", 35)]
    idle = "SELECT count(*) FROM {users} WHERE role = 'rep' AND user_id NOT IN (SELECT owner_id FROM {opportunities})"
    assert ask(maven, idle) == [(5,)]
    acme = "SELECT annual_revenue FROM {accounts} WHERE account_name = 'Acme Corporation'"
    assert ask(maven, acme) == [(1_100_040_000,)]
    assert ask(maven, "SELECT count(parent_id) FROM {accounts}") == [(15,)]


def test_maven_history(maven: Intake) -> None:
    """Every engaged deal has its first day in Engaging, every closed one its close."""
    query = "SELECT new_value, count(*) FROM {opportunity_history} GROUP BY 1 ORDER BY 1"
    assert ask(maven, query) == [("Engaging", 8300), ("Lost", 2473), ("Won", 4238)]


def test_maven_has_no_errors(maven: Intake) -> None:
    """The book of Maven CRM passes every check that would refuse a report."""
    assert [finding for finding in check_book(open_book(maven.dest)) if finding.severity == "error"] == []


@pytest.fixture(scope="module")
def adventure(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Intake:
    """AdventureWorks, imported."""
    source = shared / "data" / "adventureworks_dw"
    return import_book("adventureworks", source, tmp_path_factory.mktemp("aw") / "book")


SALES = "{order_lines} l JOIN {orders} o USING (order_id)"


def test_adventureworks_totals(adventure: Intake) -> None:
    """Quotas 95,714,000 of 17 people; reseller sales 80,450,596.98; internet sales 29,358,677.22 without a rep."""
    query = "SELECT count(*), sum(quota_amount), count(DISTINCT owner_id) FROM {quotas}"
    assert ask(adventure, query) == [(163, 95_714_000, 17)]
    sums = "SELECT round(sum(net_amount), 2), count(DISTINCT order_id)"
    query = f"{sums} FROM {SALES} GROUP BY owner_id IS NULL ORDER BY 2"
    assert ask(adventure, query) == [(80_450_596.98, 3796), (29_358_677.22, 27659)]


def test_adventureworks_last_period(adventure: Intake) -> None:
    """2013-09-29..2013-12-28: quota 10,359,000, orders of reps 8,935,377, and nobody attains."""
    period = "period_start = DATE '2013-09-29' AND period_end = DATE '2013-12-28'"
    assert ask(adventure, f"SELECT count(*), sum(quota_amount) FROM {{quotas}} WHERE {period}") == [(17, 10_359_000)]
    actual = (
        f"SELECT owner_id, sum(net_amount) AS actual FROM {SALES} WHERE owner_id IS NOT NULL "
        "AND CAST(ordered_at AS DATE) BETWEEN DATE '2013-09-29' AND DATE '2013-12-28' GROUP BY 1"
    )
    assert ask(adventure, f"SELECT round(sum(actual)) FROM ({actual})") == [(8_935_377,)]
    attained = f"FROM {{quotas}} q JOIN ({actual}) a USING (owner_id) WHERE {period} AND actual >= quota_amount"
    assert ask(adventure, f"SELECT count(*) {attained}") == [(0,)]


def test_adventureworks_attainment(adventure: Intake) -> None:
    """Over all rep-periods the median attainment is .848 and no quota is without sales: period_end is right."""
    actual = (
        f"(SELECT sum(net_amount) FROM {SALES} WHERE o.owner_id = q.owner_id "
        "AND CAST(o.ordered_at AS DATE) BETWEEN q.period_start AND q.period_end)"
    )
    query = f"SELECT round(median({actual} / quota_amount), 3), count({actual}) FROM {{quotas}} q"
    assert ask(adventure, query) == [(0.848, 163)]


def test_adventureworks_people(adventure: Intake) -> None:
    """17 with quotas, 3 of them managers, and the superior above them; every manager_id is a user."""
    assert ask(adventure, "SELECT role, count(*) FROM {users} GROUP BY 1 ORDER BY 1") == [("manager", 4), ("rep", 14)]
    tops = "SELECT user_name FROM {users} WHERE manager_id IS NULL"
    assert ask(adventure, tops) == [("Brian Welcker",)]


def test_adventureworks_birthdays(adventure: Intake) -> None:
    """18,484 birthdays as month and day, 11 on 29 February, none with an opt-in."""
    query = "SELECT count(*), count(*) FILTER (birthday_mmdd = '02-29'), max(length(birthday_mmdd)) FROM {contacts}"
    assert ask(adventure, query) == [(18_484, 11, 5)]


def test_adventureworks_has_no_errors(adventure: Intake) -> None:
    """The book of AdventureWorks passes every check that would refuse a report; no source row is set aside."""
    assert [finding for finding in check_book(open_book(adventure.dest)) if finding.severity == "error"] == []
    assert all(not table.set_aside for table in adventure.tables)


@pytest.fixture(scope="module")
def retail(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Intake:
    """Online Retail II, imported."""
    source = shared / "data" / "online_retail_2"
    return import_book("online_retail_2", source, tmp_path_factory.mktemp("retail") / "book")


def test_online_retail_names_what_it_leaves_out(retail: Intake) -> None:
    """Doubled rows, duplicates, rows without customer and cancellations are told with the published counts."""
    assert set(retail.tables[-1].set_aside) == {
        ("second copy of a row of 1 to 9 December 2010, which both sheets hold", 22_523),
        ("equal to an earlier row in every cell", 34_335 - 22_523),
        ("no sale but a fee, an adjustment, a sample or a test", 346),
        ("without a customer", 234_938),
    }
    assert (retail.tables[-1].rows_in, retail.tables[-1].rows_out) == (1_067_371, 797_752)
    for line in (
        "  34,335 rows: equal to an earlier row in every cell, the second copies of December 2010 among them, 0 of",
        "  243,007 rows: without a customer, 0 of them kept",
        "  19,494 rows: of cancellations (invoices with C), which reduce what the customer bought, 18,335 of them kept",
    ):
        assert any(told.startswith(line) for told in retail.lines())


def test_online_retail_adds_up_to_the_penny(retail: Intake) -> None:
    """Σ Quantity × Price of the file, 19,287,250.568, is that of the book and of each reason for leaving rows out."""
    (book,) = ask(retail, "SELECT sum((quantity * unit_price)::DECIMAL(18, 3)) FROM {order_lines}")
    rejected = retail.dest / "rejected" / "order_lines.csv"
    query = (
        "SELECT reason, sum((Quantity::DECIMAL(18, 3) * Price::DECIMAL(18, 3))::DECIMAL(18, 3)) "
        f"FROM read_csv('{rejected}', all_varchar = true) GROUP BY ALL ORDER BY 1"
    )
    left_out = [float(str(amount)) for _, amount in ask(retail, query)]
    assert left_out == [54_228.42, -410_771.579, 377_488.45, 2_971_683.23]
    assert float(str(book[0])) == 16_294_622.047
    assert round(16_294_622.047 + sum(left_out), 3) == 19_287_250.568


def test_online_retail_is_a_sound_book(retail: Intake) -> None:
    """No error; every order has lines; each product stands once however its code is written."""
    assert [finding for finding in check_book(open_book(retail.dest)) if finding.severity == "error"] == []
    empty = "SELECT count(*) FROM {orders} WHERE order_id NOT IN (SELECT order_id FROM {order_lines})"
    assert ask(retail, empty) == [(0,)]
    query = "SELECT family, count(*) FROM {products} GROUP BY 1 ORDER BY 1"
    assert ask(retail, query) == [("Goods", 4635), ("Manual entries", 2), ("Postage", 3)]
    assert ask(retail, "SELECT count(*), count(country) FROM {accounts}") == [(5942, 5935)]
    assert ask(retail, "SELECT count(*) FROM {orders} WHERE status = 'cancellation'") == [(7846,)]


def test_online_retail_sheet_by_sheet(tmp_path: Path) -> None:
    """Two sheets are read as one: a row in both stands once, in lower or upper case it is one product."""
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    doubled = "536365,85123a,HEART,6,2010-12-01 08:26,2.55,17850,United Kingdom\n"
    first = (
        "489434,85123A,HEART,2,2009-12-01 07:45,2.55,17850,EIRE\n"
        "489434,85123A,HEART,2,2009-12-01 07:45,2.55,17850,EIRE\n"
        "C489449,22423,STAND,-1,2009-12-01 10:33,12.75,17850,United Kingdom\n"
        "489450,22423,STAND,1,2009-12-01 10:34,12.75,,United Kingdom\n"
        "489451,BANK CHARGES,Bank Charges,1,2009-12-01 10:35,15,17850,United Kingdom\n"
    )
    result = imported(
        tmp_path, "online_retail_2", **{"Year 2009-2010": header + first + doubled, "Year 2010-2011": header + doubled}
    )
    assert dict(result.tables[-1].set_aside) == {
        "equal to an earlier row in every cell": 1,
        "without a customer": 1,
        "no sale but a fee, an adjustment, a sample or a test": 1,
        "second copy of a row of 1 to 9 December 2010, which both sheets hold": 1,
    }
    query = "SELECT order_id, product_id, round(quantity * unit_price, 2) FROM {order_lines} ORDER BY 1"
    assert ask(result, query) == [("489434", "85123A", 5.1), ("536365", "85123A", 15.3), ("C489449", "22423", -12.75)]
    query = "SELECT order_id, account_id, CAST(ordered_at AS DATE)::VARCHAR, status FROM {orders} ORDER BY 1"
    assert ask(result, query) == [
        ("489434", "17850", "2009-12-01", None),
        ("536365", "17850", "2010-12-01", None),
        ("C489449", "17850", "2009-12-01", "cancellation"),
    ]
    assert ask(result, "SELECT account_name, country FROM {accounts}") == [("Customer 17850", "United Kingdom")]


SALESFORCE = {
    "Opportunity": "Id,AccountId,OwnerId,Name,StageName,Amount,Probability,CloseDate,CreatedDate,IsClosed,IsWon\n"
    "0061,0011,0051,Roof,Closed Won,1000.5,100,2026-01-20,2025-11-02T09:30:00.000+0000,true,true\n"
    "0062,0011,0052,Wall,Prospecting,,10,2026-03-31,2025-12-01T10:00:00.000Z,false,false\n",
    "OpportunityFieldHistory": "Id,OpportunityId,Field,OldValue,NewValue,CreatedDate\n"
    "1,0061,StageName,Prospecting,Closed Won,2026-01-20T10:00:00.000Z\n"
    "2,0061,Owner,x,y,2026-01-20T10:00:00.000Z\n"
    "3,0062,CloseDate,2026-01-31,2026-03-31,2026-01-25T10:00:00.000Z\n",
    "Account": "Id,Name,OwnerId,ParentId,Industry,NumberOfEmployees,BillingCountry\n0011,Acme,0051,,Building,12,DE\n",
    "User": "Id,Name,Email,ManagerId\n0051,Ann Lee,a@x.com,0053\n0052,Bob Ray,b@x.com,0053\n0053,Cid Oh,c@x.com,\n",
    "Contact": "Id,AccountId,Name,Email,Title,Birthdate\n0031,0011,Dee Dy,d@acme.com,CEO,1980-02-29\n0032,,No,n@x,,\n",
    "Task": "Id,WhoId,WhatId,AccountId,OwnerId,Subject,ActivityDate,TaskSubtype,CompletedDateTime\n"
    "00T1,0031,0061,0011,0051,Call,2026-01-10,Call,2026-01-10T10:00:00.000Z\n00T2,,,,0052,Do,2026-01-11,Task,\n",
    "Event": "Id,WhoId,WhatId,AccountId,OwnerId,Subject,ActivityDate,EventSubtype\n"
    "00U1,0031,0011,0011,0052,Demo,2026-01-12,Event\n",
    "Contract": "Id,AccountId,OwnerId,Status,StartDate,EndDate,ContractTerm,OwnerExpirationNotice\n"
    "8001,0011,0051,Activated,2025-01-01,2025-12-31,12,30\n",
}


def test_salesforce_data_export(tmp_path: Path) -> None:
    """A folder of API-named files gives linked tables: stages, percent, history, tasks and events, contracts."""
    result = imported(tmp_path, "salesforce", **SALESFORCE)
    query = "SELECT opportunity_id, owner_id, amount, probability, created_date, is_won FROM {opportunities} ORDER BY 1"
    assert ask(result, query) == [
        ("0061", "0051", 1000.5, 1.0, dt.date(2025, 11, 2), True),
        ("0062", "0052", None, 0.1, dt.date(2025, 12, 1), False),
    ]
    query = "SELECT field_name, new_value, valid_from::DATE FROM {opportunity_history} ORDER BY 1, 3"
    assert ask(result, query) == [
        ("close_date", "2026-01-31", dt.date(2025, 12, 1)),
        ("close_date", "2026-03-31", dt.date(2026, 1, 25)),
        ("owner_id", "0051", dt.date(2026, 1, 20)),
        ("stage_name", "Prospecting", dt.date(2025, 11, 2)),
        ("stage_name", "Closed Won", dt.date(2026, 1, 20)),
    ]
    query = "SELECT activity_id, type, contact_id, opportunity_id FROM {activities} ORDER BY 1"
    assert ask(result, query) == [
        ("00T1", "call", "0031", "0061"),
        ("00T2", "follow_up", None, None),
        ("00U1", "meeting", "0031", None),
    ]
    assert ask(result, "SELECT birthday_mmdd FROM {contacts}") == [("02-29",)]
    assert ask(result, "SELECT contract_term_months, notice_days FROM {contracts}") == [(12, 30)]
    assert ask(result, "SELECT user_id FROM {users} WHERE role = 'manager'") == [("0053",)]


def test_salesforce_users_that_are_no_people(tmp_path: Path) -> None:
    """Programs and guests are left out by UserType and named; where the column is absent everyone is taken."""
    users = SALESFORCE["User"].replace("\n", ",Standard\n").replace("ManagerId,Standard", "ManagerId,UserType")
    more = "0054,Automated Process,,,AutomatedProcess\n0055,Site Guest User,,,Guest\n"
    result = imported(tmp_path, "salesforce", **{**SALESFORCE, "User": users + more})
    assert ask(result, "SELECT user_id FROM {users} ORDER BY 1") == [("0051",), ("0052",), ("0053",)]
    assert dict(result.tables[0].set_aside) == {"no person but a program or a guest, by UserType": 2}


def test_salesforce_states_of_deals(tmp_path: Path) -> None:
    """OpportunityHistory has a row for each state: what changed from one to the next becomes history."""
    states = (
        "Id,OpportunityId,StageName,Amount,CloseDate,CreatedDate\n"
        "1,0061,Prospecting,,2026-01-31,2025-11-02T09:30:00.000Z\n"
        "2,0061,Proposal,900.5,2026-01-31,2025-12-01T10:00:00.000Z\n"
        "3,0061,Proposal,1000.5,2026-01-31,2025-12-01T10:00:00.000Z\n"
        "4,0061,Closed Won,1000.5,2026-01-20,2026-01-20T10:00:00.000Z\n"
    )
    files = {name: text for name, text in SALESFORCE.items() if "History" not in name}
    result = imported(tmp_path, "salesforce", **files, OpportunityHistory=states)
    query = "SELECT field_name, new_value, valid_from::DATE FROM {opportunity_history} ORDER BY 1, 3"
    first, second, third = dt.date(2025, 11, 2), dt.date(2025, 12, 1), dt.date(2026, 1, 20)
    assert ask(result, query) == [
        ("amount", "1000.5", second), ("close_date", "2026-01-31", first), ("close_date", "2026-01-20", third),
        ("stage_name", "Prospecting", first), ("stage_name", "Proposal", second), ("stage_name", "Closed Won", third),
    ]  # fmt: skip  # a change an item


@pytest.mark.parametrize("name", ["salesforce", "hubspot", "pipedrive"])
def test_goals_and_rates_beside_the_export(tmp_path: Path, name: str) -> None:
    """quotas.csv names owners as people do, fx_rates.csv the rates; the book's currency is that of most rows."""
    headers = {
        "salesforce": "Opportunity ID,Opportunity Owner,Account Name,Amount,Amount Currency,Close Date,Stage",
        "hubspot": "Record ID,Deal owner,Company Name,Amount,Currency,Close Date,Deal Stage",
        "pipedrive": "Deal - ID,Deal - Owner,Organization,Deal - Value,Deal - Currency,Deal - Won time,Deal - Stage",
    }
    rows = [("1", "100,EUR,2026-01-20", True), ("2", "10,GBP,2026-01-21", True), ("3", "5,EUR,", False)]
    lines = [f"{key},Ann Lee,Acme,{cells},{'Closed Won' if won else 'Open'}" for key, cells, won in rows]
    if name == "pipedrive":
        lines = [f"{line},{'Won' if won else 'Open'}" for line, (_, _, won) in zip(lines, rows, strict=True)]
        headers[name] += ",Deal - Status"
    result = imported(
        tmp_path,
        name,
        **{"opportunities" if name == "salesforce" else "deals": "\n".join([headers[name], *lines])},
        quotas="owner_id,period_start,period_end,quota_amount,currency\nAnn Lee,2026-01-01,2026-03-31,200,EUR\n",
        fx_rates="currency,date,rate\nGBP,2026-01-01,1.2\n",
    )
    book = open_book(result.dest)
    period, as_of = resolve(book, "2026-Q1", "2026-03-31")
    (line,) = attainment(book, period, as_of).to_pyarrow().to_pylist()
    assert (book.currency, line["quota"], line["booked"]) == ("EUR", 200.0, 112.0)


def test_salesforce_deleted_rows(tmp_path: Path) -> None:
    """Deals in the recycle bin, which an export of all rows holds, count nowhere, and how many is said."""
    head, won, open_ = SALESFORCE["Opportunity"].splitlines()
    text = f"{head},IsDeleted,Type\n{won},true,New Business\n{open_},false,Existing Business\n"
    files = {**SALESFORCE, "Opportunity": text}
    del files["OpportunityFieldHistory"], files["Task"], files["Event"]
    result = imported(tmp_path, "salesforce", **files)
    assert ask(result, "SELECT opportunity_id, type FROM {opportunities}") == [("0062", "expansion")]
    assert "  set aside 1: deleted in the source, says IsDeleted" in result.lines()


def test_salesforce_report_alone(tmp_path: Path) -> None:
    """One report of opportunities with labels, names and a footer is enough: users and accounts come from it."""
    text = (
        "Opportunity Owner,Account Name,Opportunity Name,Stage,Probability (%),Amount Currency,Amount,Close Date,"
        'Created Date\nAnn Lee,Acme,Roof,Closed Won,100,EUR,"1,000.50",1/20/2026,11/2/2025\n'
        "Bob Ray,,Wall,Prospecting,10,EUR,,3/31/2026,12/1/2025\n"
        "\nConfidential Information - Do Not Distribute\nCopyright 2026\n"
    )
    (tmp_path / "report17.csv").write_text(text)
    result = import_book("salesforce", tmp_path / "report17.csv", tmp_path / "book")
    query = "SELECT owner_id, account_id, amount, currency, close_date, is_won FROM {opportunities} ORDER BY 1"
    assert ask(result, query) == [
        ("Ann Lee", "Acme", 1000.5, "EUR", dt.date(2026, 1, 20), True),
        ("Bob Ray", None, None, "EUR", dt.date(2026, 3, 31), False),
    ]
    assert "contracts: left out, no source 'contracts'" in result.skipped


HUBSPOT = (
    "Record ID,Deal Name,Deal Stage,Amount,Deal owner,Associated Company IDs,Associated Company,Close Date,"
    "Create Date\n"
    '101,Roof,Closed Won,"1,250.50",Ann Lee,9001;9002,Acme;Beta,2026-01-20 14:00,2025-11-02 09:30\n'
    "102,Wall,Appointment Scheduled,,Bob Ray,9001,Acme,2026-03-31 00:00,2025-12-01 10:00\n"
    "103,Door,Closed Lost,300,Ann Lee,,,2026-01-10 08:00,2025-12-05 10:00\n"
)


def test_hubspot_deals_alone(tmp_path: Path) -> None:
    """Deals alone give users and accounts; of joined company ids the first is kept, and counted."""
    result = imported(tmp_path, "hubspot", **{"hubspot-crm-exports-all-deals-2026-02-01": HUBSPOT})
    query = "SELECT opportunity_id, owner_id, account_id, amount, is_closed, is_won FROM {opportunities} ORDER BY 1"
    assert ask(result, query) == [
        ("101", "Ann Lee", "9001", 1250.5, True, True),
        ("102", "Bob Ray", "9001", None, False, False),
        ("103", "Ann Lee", None, 300.0, True, False),
    ]
    assert ask(result, "SELECT account_id, account_name FROM {accounts}") == [("9001", "Acme")]
    assert "  1 row: account_id names several, the first is kept" in result.lines()


def test_hubspot_words_for_nothing_and_pipelines(tmp_path: Path) -> None:
    """'(No value)' is an empty cell in any column; the pipeline behind a stage does not hide that a deal is won."""
    text = HUBSPOT.replace("Closed Won", "Closed Won (Sales Pipeline)").replace("Closed Lost", "Closed Lost (Renewals)")
    text = text.replace("Appointment Scheduled,,", "Appointment Scheduled (Sales Pipeline),(No value),")
    companies = "Record ID,Company name,Number of Employees,Industry\n9001,Acme,(No value),(no value)\n"
    contacts = "Record ID,First Name,Last Name,Email,Associated Company IDs\n1,,,c@x,9001\n2,,,,9001\n"
    result = imported(tmp_path, "hubspot", deals=text, companies=companies, contacts=contacts)
    query = "SELECT opportunity_id, amount, is_closed, is_won FROM {opportunities} ORDER BY 1"
    assert ask(result, query) == [
        ("101", 1250.5, True, True), ("102", None, False, False), ("103", 300.0, True, False),
    ]  # fmt: skip  # one deal an item
    assert ask(result, "SELECT number_of_employees, industry FROM {accounts}") == [(None, None)]
    assert ask(result, "SELECT contact_name FROM {contacts} ORDER BY contact_id") == [("c@x",), ("2",)]
    assert "  deals.csv: 1 cell with '(No value)' or 'No value' or '--' read as empty" in result.lines()


def test_hubspot_folder(tmp_path: Path) -> None:
    """With companies, contacts and owners, owners given by name or e-mail become their ids."""
    result = imported(
        tmp_path,
        "hubspot",
        deals=HUBSPOT,
        companies="Record ID,Company name,Company owner,Industry\n9001,Acme,Ann Lee,Wood\n9002,Beta,bob@x.com,Steel\n",
        owners="owner_id,email,first_name,last_name\n7,ann@x.com,Ann,Lee\n8,bob@x.com,Bob,Ray\n",
        contacts="Record ID,First Name,Last Name,Email,Associated Company IDs\n1,Cy,Dee,c@x,9001\n2,El,Eff,e@x,\n",
    )
    assert ask(result, "SELECT owner_id FROM {opportunities} ORDER BY opportunity_id") == [("7",), ("8",), ("7",)]
    assert ask(result, "SELECT account_name, owner_id FROM {accounts} ORDER BY 1") == [("Acme", "7"), ("Beta", "8")]
    assert ask(result, "SELECT contact_name, account_id FROM {contacts}") == [("Cy Dee", "9001")]


def test_pipedrive_namesakes_and_deleted_deals(tmp_path: Path) -> None:
    """Two organizations of one name are told apart by the id in the deals; deleted deals are left out and counted."""
    result = imported(
        tmp_path,
        "pipedrive",
        deals="Deal - ID,Deal - Organization,Deal - Organization ID,Deal - Owner,Deal - Value,Deal - Stage,"
        "Deal - Status,Deal - Won time\n1,Acme,7,Ann Lee,1000,Proposal,Won,2026-02-03 11:00:00\n"
        "2,Acme,8,Ann Lee,500,Proposal,Won,2026-02-04 11:00:00\n3,Acme,8,Ann Lee,700,Proposal,Deleted,\n",
        organizations="Organization - ID,Organization - Name,Organization - Owner\n7,Acme,Ann Lee\n8,Acme,Ann Lee\n",
    )
    query = "SELECT opportunity_id, account_id, is_won FROM {opportunities} ORDER BY 1"
    assert ask(result, query) == [("1", "7", True), ("2", "8", True)]
    assert "  set aside 1: deleted in Pipedrive" in result.lines()


def test_pipedrive(tmp_path: Path) -> None:
    """Deals and activities linked by name; status tells won from lost; the date that fits closes the deal."""
    result = imported(
        tmp_path,
        "pipedrive",
        deals="Deal - ID,Deal - Title,Deal - Organization,Deal - Owner,Deal - Value,Deal - Currency of Value,"
        "Deal - Stage,Deal - Status,Deal - Deal created,Deal - Won time,Deal - Lost time,Deal - Expected close date,"
        "Deal - Probability\n"
        "1,A,Acme,Ann Lee,1000,EUR,Proposal,Won,2026-01-02 10:00:00,2026-02-03 11:00:00,,2026-02-28,60\n"
        "2,B,Beta,Bob Ray,500,EUR,Contact made,Open,2026-01-05 10:00:00,,,2026-03-31,20\n"
        "3,C,Acme,Ann Lee,700,EUR,Proposal,Lost,2026-01-06 10:00:00,,2026-01-30 09:00:00,2026-02-15,\n",
        activities="Activity - ID,Activity - Subject*,Activity - Type,Activity - Due date,Activity - Assigned to user,"
        "Activity - Marked as done time,Organization\n"
        "1,Call Acme,Call,2026-01-10,Ann Lee,2026-01-10 12:00:00,Acme\n2,Eat,Lunch,2026-01-12,Cid Oh,,Beta\n",
    )
    query = "SELECT opportunity_id, close_date, is_closed, is_won, probability FROM {opportunities} ORDER BY 1"
    assert ask(result, query) == [
        ("1", dt.date(2026, 2, 3), True, True, 0.6),
        ("2", dt.date(2026, 3, 31), False, False, 0.2),
        ("3", dt.date(2026, 1, 30), True, False, None),
    ]
    assert ask(result, "SELECT user_id FROM {users} ORDER BY 1") == [("Ann Lee",), ("Bob Ray",), ("Cid Oh",)]
    assert ask(result, "SELECT type, account_id FROM {activities} ORDER BY 1") == [
        ("call", "Acme"),
        ("meeting", "Beta"),
    ]


def test_the_first_example_of_the_readme_works(tmp_path: Path) -> None:
    """A newcomer who copies the complete map imports the file it describes."""
    (tmp_path / "m.toml").write_text(BLOCKS[0], encoding="utf-8")
    (tmp_path / "deals.csv").write_text(
        "Deal No;Customer;Rep;Phase;Value;Opened;Closed\n1;Müller;Ann;Signed;1.250,50;13.01.2026;20.01.2026\n"
        "2;;Bob;Offer;;14.01.2026;\n3;Müller;Ann;No decision;10;15.01.2026;31.01.2026\n",
        encoding="cp1252",
    )
    result = import_book(tmp_path / "m.toml", tmp_path / "deals.csv", tmp_path / "book")
    query = "SELECT account_id, amount, close_date, is_closed, is_won FROM {opportunities} ORDER BY opportunity_id"
    assert ask(result, query) == [
        ("Müller", 1250.5, dt.date(2026, 1, 20), True, True),
        (None, None, None, False, False),
        ("Müller", 10, dt.date(2026, 1, 31), True, False),
    ]


def test_the_recipes_of_the_readme_work(tmp_path: Path) -> None:
    """The recipes for managers, quotas by month and flat orders give the rows that they promise."""
    recipes = {name: next(b for b in BLOCKS[1:] if f"[tables.{name}]" in b) for name in ("users", "quotas", "orders")}
    text = '[book]\ncurrency = "EUR"\n' + "\n".join(recipes.values())
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    source = tmp_path / "in"
    source.mkdir()
    (source / "staff.csv").write_text("Rep,Manager\nAnn,Cid\nBob,Cid\n")
    (source / "targets.csv").write_text("Rep,2026-01,2026-02\nAnn,10,20\nBob,,30\n")
    lines = "1,A,2026-01-05,x,2,3\n1,A,2026-01-05,y,1,4\n"
    (source / "invoices.csv").write_text(f"Invoice,Customer,Date,Article,Qty,Price\n{lines}")
    result = import_book(tmp_path / "m.toml", source, tmp_path / "book")
    assert ask(result, "SELECT user_id, role, manager_id FROM {users} ORDER BY 1") == [
        ("Ann", "rep", "Cid"),
        ("Bob", "rep", "Cid"),
        ("Cid", "manager", None),
    ]
    assert ask(result, "SELECT owner_id, period_start, period_end, quota_amount FROM {quotas} ORDER BY 1, 2") == [
        ("Ann", dt.date(2026, 1, 1), dt.date(2026, 1, 31), 10),
        ("Ann", dt.date(2026, 2, 1), dt.date(2026, 2, 28), 20),
        ("Bob", dt.date(2026, 2, 1), dt.date(2026, 2, 28), 30),
    ]
    assert ask(result, "SELECT count(*) FROM {orders}") == [(1,)]
    assert ask(result, "SELECT order_line_id, order_id, quantity * unit_price FROM {order_lines} ORDER BY 1") == [
        ("1-1", "1", 6),
        ("1-2", "1", 4),
    ]


def test_the_recipe_for_groups_works(tmp_path: Path) -> None:
    """A report by rep with titles and totals of groups gives each order its rep, and no total is an order."""
    (block,) = [block for block in BLOCKS if "title or total" in block]
    (tmp_path / "m.toml").write_text('[book]\ncurrency = "EUR"\n' + block, encoding="utf-8")
    rows = "Ann,,,\n,2026-01-05,1,A\n,2026-01-06,2,A\nTotal for Ann,,,\nBob,,,\n,2026-01-07,3,B\nTotal for Bob,,,\n"
    (tmp_path / "report.csv").write_text(f",Date,Num,Customer\n{rows}TOTAL,,,\n")
    result = import_book(tmp_path / "m.toml", tmp_path / "report.csv", tmp_path / "book")
    assert ask(result, "SELECT order_id, owner_id FROM {orders} ORDER BY 1") == [
        ("1", "Ann"),
        ("2", "Ann"),
        ("3", "Bob"),
    ]
