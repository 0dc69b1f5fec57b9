"""What shipped maps make of the past: changes, states and versions of deals, in exports and in a connector's tables."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from salesops.book.source import open_book
from salesops.errors import IntakeError
from salesops.intake import Intake, import_book
from salesops.metrics.attainment import attainment
from salesops.periods import parse_period

USERS = "Id,Name,Email\n005A,Ann,a@x.com\n005B,Ben,b@x.com\n"
ACCOUNTS = "Id,Name,OwnerId\n001A,Ada,005B\n"
DEALS = (
    "Id,AccountId,Name,OwnerId,StageName,Amount,CloseDate,CreatedDate,IsClosed,IsWon\n"
    "006A,001A,A,005B,Closed Won,1000,2026-03-20,2026-01-05T10:00:00.000Z,true,true\n"
    "006B,001A,B,005B,Closed Won,200,2026-06-10,2026-01-05T10:00:00.000Z,true,true\n"
)
CHANGES = "Id,OpportunityId,Field,OldValue,NewValue,CreatedDate\n"


def convert(folder: Path, map_name: str, *, set_aside: bool = False, **files: str) -> Intake:
    """Import CSV files given as text by a shipped map."""
    source = folder / "export"
    source.mkdir(exist_ok=True)
    for stem, text in files.items():
        (source / f"{stem}.csv").write_text(text, encoding="utf-8")
    return import_book(map_name, source, folder / "book", replace=True, set_aside=set_aside)


def salesforce(folder: Path, *, set_aside: bool = False, **files: str) -> Intake:
    """Import a Salesforce export: users, an account and deals, unless other files are given."""
    return convert(
        folder, "salesforce", set_aside=set_aside, **{"User": USERS, "Account": ACCOUNTS, "Opportunity": DEALS, **files}
    )


def ask(result: Intake, query: str) -> list[tuple[object, ...]]:
    """Query the tables that were written: {users} stands for the file."""
    files = {path.stem: f"'{path}'" for path in result.dest.glob("*.parquet")}
    return duckdb.sql(query.format(**files)).fetchall()


def history(result: Intake, field: str, deal: str = "006A") -> list[tuple[object, ...]]:
    """Return the values of a field of a deal with the days on which they began."""
    return ask(
        result,
        "SELECT new_value, CAST(timezone('UTC', valid_from) AS DATE) FROM {opportunity_history} "
        f"WHERE field_name = '{field}' AND opportunity_id = '{deal}' ORDER BY valid_from",
    )


def booked(result: Intake, period: str, day: dt.date) -> dict[str, float]:
    """Return what each rep has booked in a period, as known on a day."""
    lines = attainment(open_book(result.dest), parse_period(period), day).to_pyarrow().to_pylist()
    return {line["user_id"]: line["booked"] for line in lines}


def test_the_owner_before_the_first_change(tmp_path: Path) -> None:
    """Ben took the deal over in May: by the old value Ann keeps the 1,000 of March, on that page and on later ones.

    Salesforce logs a change of owner twice, by name and by id.
    """
    changes = (
        f"{CHANGES}1,006A,StageName,Proposal,Closed Won,2026-03-20T09:00:00.000Z\n"
        "2,006A,Owner,Ann,Ben,2026-05-05T09:00:00.000Z\n3,006A,Owner,005A,005B,2026-05-05T09:00:00.000Z\n"
    )
    result = salesforce(tmp_path, OpportunityFieldHistory=changes)
    assert history(result, "owner_id") == [("005A", dt.date(2026, 1, 5)), ("005B", dt.date(2026, 5, 5))]
    assert "  2 values from the beginning, by the first old value" in result.lines()
    for day in (dt.date(2026, 3, 31), dt.date(2026, 6, 30)):
        assert booked(result, "2026-Q1", day) == {"005A": 1000, "005B": 0}


@pytest.mark.parametrize("first", ["005A", "Ann", "a@x.com"])
def test_an_owner_is_found_by_id_name_or_address(tmp_path: Path, first: str) -> None:
    """Whatever a log calls a user, it is that user."""
    result = salesforce(tmp_path, OpportunityFieldHistory=f"{CHANGES}1,006A,Owner,{first},Ben,2026-05-05T09:00:00Z\n")
    assert [value for value, _ in history(result, "owner_id")] == ["005A", "005B"]


def test_owners_who_are_no_users(tmp_path: Path) -> None:
    """Who is in no file of users is unknown, and said so; the last owner is today's, whatever the log calls them."""
    changes = (
        f"{CHANGES}1,006A,Owner,Zoe,Yan,2026-02-05T09:00:00Z\n2,006A,Owner,Yan,B. Ennis,2026-05-05T09:00:00Z\n"
        "3,006B,Owner,Ann,Ben,2026-02-05T09:00:00Z\n"
    )
    result = salesforce(tmp_path, OpportunityFieldHistory=changes)
    assert history(result, "owner_id") == [("", dt.date(2026, 2, 5)), ("005B", dt.date(2026, 5, 5))]
    assert "  2 rows: the new owner is not in users, and unknown where no other row tells" in result.lines()


def test_two_changes_in_one_second(tmp_path: Path) -> None:
    """Of A to B and B to C at one instant C is what came, in whatever order the rows stand, and A was before."""
    rows = ["1,006A,StageName,A,B,2026-02-01T09:00:00Z\n", "2,006A,StageName,B,C,2026-02-01T09:00:00Z\n"]
    for order in (rows, rows[::-1]):
        result = salesforce(tmp_path, OpportunityFieldHistory=CHANGES + "".join(order))
        assert history(result, "stage_name") == [("A", dt.date(2026, 1, 5)), ("C", dt.date(2026, 2, 1))]


def test_values_are_kept_as_a_book_writes_them(tmp_path: Path) -> None:
    """Amounts, dates and chances of a log become 1234.5, 2026-04-30 and a fraction; other fields are counted."""
    changes = (
        f'{CHANGES}1,006A,Amount,900,"1,234.50",2026-02-01T09:00:00Z\n2,006A,CloseDate,3/31/2026,4/30/2026,2026-02-01T09:00:00Z\n'
        "3,006A,Probability,10,60%,2026-02-01T09:00:00Z\n4,006A,NextStep,call,write,2026-02-01T09:00:00Z\n"
        "5,006A,created,,,2026-01-05T10:00:00Z\n6,006A,Amount,1234.5,,2026-02-02T09:00:00Z\n"
    )
    result = salesforce(tmp_path, OpportunityFieldHistory=changes)
    assert [value for value, _ in history(result, "amount")] == ["900", "1234.5", ""]
    assert [value for value, _ in history(result, "close_date")] == ["2026-03-31", "2026-04-30"]
    assert [value for value, _ in history(result, "probability")] == ["0.1", "0.6"]
    assert "  2 rows of fields that no report reads" in result.lines()
    assert not (result.dest / "rejected").exists()


def test_a_value_that_its_field_cannot_hold(tmp_path: Path) -> None:
    """An amount that is no number refuses the import, or is set aside, with its row and cell."""
    changes = f"{CHANGES}1,006A,Amount,900,1000,2026-02-01T09:00:00Z\n2,006A,Amount,1000,lots,2026-02-02T09:00:00Z\n"
    with pytest.raises(IntakeError, match=r"has a new_value that is no value of its field \(first: row 2 'lots'\)"):
        salesforce(tmp_path, OpportunityFieldHistory=changes)
    result = salesforce(tmp_path, OpportunityFieldHistory=changes, set_aside=True)
    assert [value for value, _ in history(result, "amount")] == ["900", "1000"]


def test_changes_and_states_of_one_export(tmp_path: Path) -> None:
    """A full export has both: states give stage, amount and date from the first day on, the log gives the owner."""
    states = (
        "Id,OpportunityId,StageName,Amount,CloseDate,Probability,CreatedDate\n"
        "1,006A,Proposal,900,2026-03-31,40,2026-01-05T10:00:00Z\n"
        "2,006A,Closed Won,1000,2026-03-20,100,2026-03-20T10:00:00Z\n"
    )
    changes = (
        f"{CHANGES}1,006A,StageName,Proposal,Closed Won,2026-03-20T10:00:00Z\n"
        "2,006A,Owner,Ann,Ben,2026-05-05T09:00:00Z\n"
    )
    result = salesforce(tmp_path, OpportunityHistory=states, OpportunityFieldHistory=changes)
    assert history(result, "stage_name") == [("Proposal", dt.date(2026, 1, 5)), ("Closed Won", dt.date(2026, 3, 20))]
    assert [value for value, _ in history(result, "probability")] == ["0.4", "1"]
    assert [value for value, _ in history(result, "owner_id")] == ["005A", "005B"]


CONNECTOR_USERS = "id,name,_fivetran_deleted\n005A,Ann,false\n005B,Ben,false\n005C,Cas,true\n005D,Dan,true\n"


def test_connector_names_in_the_history(tmp_path: Path) -> None:
    """snake_case names are the same columns: two states of a deal are six values."""
    deals = (
        "id,account_id,name,owner_id,stage_name,amount,close_date,created_date,is_closed,is_won\n"
        "006A,001A,A,005A,Closed Won,1000,2026-03-20,2026-01-05,true,true\n"
    )
    states = (
        "id,opportunity_id,created_date,stage_name,amount,close_date\n"
        "1,006A,2026-01-05 10:00:00,Proposal,900,2026-03-31\n"
        "2,006A,2026-03-20 10:00:00,Closed Won,1000,2026-03-20\n"
    )
    result = convert(
        tmp_path, "salesforce", USER=CONNECTOR_USERS, ACCOUNT="id,name,owner_id\n001A,Ada,005A\n", OPPORTUNITY=deals,
        OPPORTUNITY_HISTORY=states,
    )  # fmt: skip  # one export
    assert ask(result, "SELECT count(*) FROM {opportunity_history}") == [(6,)]
    changes = (
        "id,opportunity_id,field,old_value,new_value,created_date\n"
        "1,006A,StageName,Proposal,Closed Won,2026-03-20 10:00:00\n"
    )
    (tmp_path / "export" / "OPPORTUNITY_HISTORY.csv").unlink()
    result = convert(tmp_path, "salesforce", OPPORTUNITY_FIELD_HISTORY=changes)
    assert [value for value, _ in history(result, "stage_name")] == ["Proposal", "Closed Won"]


def test_rows_that_are_marked_as_deleted(tmp_path: Path) -> None:
    """is_deleted and _fivetran_deleted leave rows out of every table, but people whom other rows name stay."""
    deals = (
        "id,account_id,name,owner_id,stage_name,amount,close_date,created_date,is_closed,is_won,is_deleted,_fivetran_deleted\n"
        "006A,001A,A,005C,Closed Won,1000,2026-03-20,2026-01-05,true,true,false,false\n"
        "006B,001A,B,005A,Closed Won,200,2026-02-10,2026-01-05,true,true,true,true\n"
        "006C,001A,C,005A,Closed Won,50,2026-02-10,2026-01-05,true,true,false,true\n"
        "006D,001Z,D,005A,Closed Won,3,2026-02-10,2026-01-05,true,true,false,false\n"
    )
    accounts = "id,name,owner_id,is_deleted\n001A,Ada,005A,false\n001Z,Gone,005A,true\n"
    tasks = (
        "id,owner_id,account_id,subject,activity_date,is_deleted\n00T1,005A,001A,Call,2026-01-06,false\n"
        "00T2,005A,001A,Call,2026-01-06,true\n"
    )
    result = convert(tmp_path, "salesforce", USER=CONNECTOR_USERS, ACCOUNT=accounts, OPPORTUNITY=deals, TASK=tasks)
    assert ask(result, "SELECT opportunity_id, account_id FROM {opportunities} ORDER BY 1") == [
        ("006A", "001A"),
        ("006D", None),
    ]
    assert ask(result, "SELECT user_id FROM {users} ORDER BY 1") == [("005A",), ("005B",), ("005C",)]
    assert ask(result, "SELECT activity_id FROM {activities}") == [("00T1",)]
    assert "  set aside 1: deleted in the source, says _fivetran_deleted" in result.lines()


@pytest.mark.parametrize(
    ("mark", "gone", "kept"),
    [
        ("IsDeleted", "TRUE", "false"), ("Is Deleted", "1", "0"), ("is_deleted", "Yes", "No"), ("is_deleted", "t", ""),
        ("_fivetran_deleted", "true", ""), ("_fivetran_active", "false", "true"), ("_sdc_deleted_at", "2026-02-01", ""),
        ("_ab_cdc_deleted_at", "2026-02-01T10:00:00Z", ""),
    ],
)  # fmt: skip  # reads as a table
def test_the_marks_of_systems_and_connectors(tmp_path: Path, mark: str, gone: str, kept: str) -> None:
    """However a source says that a row is deleted, it counts nowhere, and whose it was is said."""
    head, first, second = DEALS.splitlines()
    result = salesforce(tmp_path, Opportunity=f"{head},{mark}\n{first},{gone}\n{second},{kept}\n")
    assert ask(result, "SELECT opportunity_id FROM {opportunities}") == [("006B",)]
    assert f"  set aside 1: deleted in the source, says {mark}" in result.lines()


VERSIONS = (
    "id,account_id,name,owner_id,stage_name,amount,close_date,created_date,is_closed,is_won,probability,is_deleted,"
    "_fivetran_start,_fivetran_end,_fivetran_active,_fivetran_synced\n"
    "006A,001A,A,005B,Proposal,900,2026-03-31 00:00:00,2026-01-05 08:00:00,false,false,50,false,"
    "2026-01-05 08:00:00,2026-03-20 09:59:59,false,2026-07-01\n"
    "006A,001A,A,005B,Closed Won,1000,2026-03-20 00:00:00,2026-01-05 08:00:00,true,true,100,false,"
    "2026-03-20 10:00:00,2026-05-05 08:59:59,false,2026-07-01\n"
    "006A,001A,A,005A,Closed Won,1000,2026-03-20 00:00:00,2026-01-05 08:00:00,true,true,100,false,"
    "2026-05-05 09:00:00,9999-12-31 23:59:59,true,2026-07-01\n"
    "006D,001A,D,005B,Proposal,5000,2026-02-20 00:00:00,2026-01-05 08:00:00,false,false,10,true,"
    "2026-02-20 10:00:00,9999-12-31 23:59:59,true,2026-07-01\n"
    "006E,001A,E,005B,Proposal,6000,2026-02-20 00:00:00,2026-01-05 08:00:00,false,false,10,false,"
    "2026-02-20 10:00:00,2026-04-01 00:00:00,false,2026-07-01\n"
)


@pytest.mark.parametrize("beside", ["", "OPPORTUNITY_HISTORY"])
def test_versions_that_a_connector_keeps(tmp_path: Path, beside: str) -> None:
    """Active rows are today's, all rows are the history, whether they stand in the table itself or in one beside it."""
    accounts = (
        "id,name,owner_id,_fivetran_start,_fivetran_end,_fivetran_active\n"
        "001A,Ada Ltd,005B,2026-01-01 00:00:00,2026-02-01 00:00:00,false\n"
        "001A,Ada GmbH,005B,2026-02-01 00:00:01,9999-12-31 23:59:59,true\n"
    )
    files = {"USER": CONNECTOR_USERS, "ACCOUNT": accounts, beside or "OPPORTUNITY": VERSIONS}
    if beside:
        head, *rows = VERSIONS.splitlines()
        files["OPPORTUNITY"] = "\n".join([head, *(row for row in rows if ",true,2026-07-01" in row), ""])
    result = convert(tmp_path, "salesforce", **files)
    query = "SELECT opportunity_id, owner_id, amount, is_won FROM {opportunities}"
    assert ask(result, query) == [("006A", "005A", 1000, True)]
    assert ask(result, "SELECT account_name FROM {accounts}") == [("Ada GmbH",)]
    first, won, handed = dt.date(2026, 1, 5), dt.date(2026, 3, 20), dt.date(2026, 5, 5)
    assert history(result, "is_won") == [("false", first), ("true", won)]
    assert history(result, "close_date") == [("2026-03-31", first), ("2026-03-20", won)]
    assert history(result, "owner_id") == [("005B", first), ("005A", handed)]
    assert ask(result, "SELECT DISTINCT opportunity_id FROM {opportunity_history}") == [("006A",)]
    reasons = dict(next(table for table in result.tables if table.name == "opportunity_history").set_aside)
    assert reasons == {"names an opportunity_id that the map leaves out": 1, "of a deal that is no longer there": 1}
    for day in (dt.date(2026, 3, 31), dt.date(2026, 6, 30)):
        assert booked(result, "2026-Q1", day)["005B"] == 1000


def test_seeds_of_a_connector(shared: Path, tmp_path: Path) -> None:
    """The tables of fivetran/dbt_salesforce: by hand, 4 users and 1 account are left, all deals are deleted.

    Of 10 users 5 are deleted and 1 is not active; of 10 accounts 9 are deleted; the keys of the rest do not join.
    """
    source = shared / "data" / "fivetran_seeds" / "salesforce"
    result = import_book("salesforce", source, tmp_path / "book", set_aside=True)
    rows = {table.name: (table.rows_in, table.rows_out) for table in result.tables}
    assert rows == {
        "users": (10, 4), "accounts": (10, 1), "contacts": (4, 0), "opportunities": (10, 0),
        "opportunity_history": (10, 0), "activities": (20, 0),
    }  # fmt: skip  # reads as a table
    aside = {table.name: dict(table.set_aside) for table in result.tables}
    gone = "deleted in the source, says "
    assert aside["users"] == {f"{gone}_fivetran_deleted": 5, f"{gone}_fivetran_active": 1}
    assert aside["accounts"] == {f"{gone}is_deleted": 9}
    assert aside["opportunities"] == {f"{gone}is_deleted": 10}


def test_ids_of_two_lengths_are_one(tmp_path: Path) -> None:
    """15 characters are completed by the letters that check their case: ...ZaB is AAV, ...Zab is AAF."""
    result = convert(
        tmp_path, "salesforce",
        User="Id,Name\n0055e00000QrstuAAB,Ann\n",
        Account="Id,Name,OwnerId\n0015e00000XyZaBAAV,Ada,0055e00000QrstuAAB\n0015e00000XyZabAAF,Bea,0055e00000QrstuAAB\n",
        Opportunity="Id,AccountId,Name,OwnerId,StageName,Amount,CloseDate,CreatedDate\n"
        "0065e00000AbCdE,0015e00000XyZaB,Deal A,0055e00000Qrstu,Closed Won,1000,2026-03-20,2026-01-05T10:00:00.000Z\n"
        "0065e00000AbCde,0015e00000XyZab,Deal B,0055e00000QrstuAAB,Closed Won,200,2026-03-10,2026-01-05T10:00:00Z\n",
        OpportunityFieldHistory=f"{CHANGES}1,0065e00000AbCdEAAV,Owner,0055e00000Qrstu,0055e00000Qrstu,2026-02-01T00:00Z\n",
    )  # fmt: skip  # one export
    query = "SELECT account_name, amount FROM {opportunities} JOIN {accounts} USING (account_id) ORDER BY 1"
    assert ask(result, query) == [("Ada", 1000), ("Bea", 200)]
    assert ask(result, "SELECT DISTINCT new_value FROM {opportunity_history}") == [("0055e00000QrstuAAB",)]
    assert "  1 row: owner_id of 15 characters completed to 18" in result.lines()


def test_a_name_of_15_letters_is_no_id(tmp_path: Path) -> None:
    """A report without ids names owners and accounts: 15 letters are not completed."""
    report = (
        "Opportunity Name,Account Name,Opportunity Owner,Stage,Amount,Close Date\n"
        "Roof,ChristopherSmit,AnnabelleMiller,Closed Won,5,2026-01-20\n"
    )
    result = convert(tmp_path, "salesforce", report1=report)
    assert ask(result, "SELECT account_id, owner_id FROM {opportunities}") == [("ChristopherSmit", "AnnabelleMiller")]
