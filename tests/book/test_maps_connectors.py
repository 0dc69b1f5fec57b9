"""HubSpot as a connector writes it, and odd exports of HubSpot and Pipedrive: invented, with the public names."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from test_maps_history import CHANGES, ask, convert, history, salesforce

from salesops.book.check import check_book
from salesops.book.source import open_book
from salesops.errors import IntakeError
from salesops.intake.mapfile import read_map

HUBSPOT = {
    "deal": (
        "deal_id,deal_pipeline_id,deal_pipeline_stage_id,is_deleted,owner_id,_fivetran_synced,property_dealname,"
        "property_amount,property_closedate,property_createdate,property_dealtype,property_hs_deal_stage_probability\n"
        "101,default,8019,false,11,2026-07-01 03:00:00,Big,1000,2026-03-20 10:00:00,2026-01-05 09:00:00,newbusiness,1\n"
        "102,default,8012,false,12,2026-07-01 03:00:00,Open,500.5,2026-08-31 00:00:00,2026-02-01 09:00:00,,0.4\n"
        "103,default,closedlost,false,11,2026-07-01 03:00:00,Lost,700,2026-04-02 00:00:00,2026-02-01 09:00:00,,0\n"
        "104,default,8019,true,11,2026-07-01 03:00:00,Gone,9000,2026-03-20 10:00:00,2026-01-05 09:00:00,,1\n"
    ),
    "deal_company": (
        "deal_id,company_id,_fivetran_synced,type_id,category,_fivetran_deleted\n"
        "101,200,2026-07-01,341,HUBSPOT_DEFINED,false\n101,201,2026-07-01,5,HUBSPOT_DEFINED,false\n"
        "102,200,2026-07-01,5,HUBSPOT_DEFINED,false\n103,200,2026-07-01,5,HUBSPOT_DEFINED,true\n"
        "104,202,2026-07-01,5,HUBSPOT_DEFINED,false\n"
    ),
    "deal_pipeline_stage": (
        "stage_id,pipeline_id,label,active,closed_won,is_closed,display_order,probability,_fivetran_deleted\n"
        "8011,default,Qualified,true,false,false,0,0.2,false\n8012,default,Proposal,true,false,false,1,0.4,false\n"
        "8019,default,Signed,true,true,true,2,1,false\nclosedlost,default,Gone elsewhere,true,false,true,3,0,false\n"
        "8011,old,Qualified before,true,false,false,0,0.2,true\n"
    ),
    "deal_pipeline": "pipeline_id,label,active,display_order\ndefault,Sales,true,0\n",
    "deal_property_history": (
        "deal_id,name,timestamp,value,source,source_id,_fivetran_synced,_fivetran_active,_fivetran_start,_fivetran_end\n"
        "101,dealstage,2026-01-05 09:00:00.123 UTC,8011,CRM,,2026-07-01,false,2026-01-05 09:00:00,2026-03-20 09:59:59\n"
        "101,dealstage,2026-03-20 10:00:00.123 UTC,8019,CRM,,2026-07-01,true,2026-03-20 10:00:00,9999-12-31 23:59:59\n"
        "101,amount,2026-01-05 09:00:00.123 UTC,900,CRM,,2026-07-01,false,2026-01-05 09:00:00,2026-03-01 08:59:59\n"
        "101,amount,2026-03-01 09:00:00.123 UTC,1000,CRM,,2026-07-01,true,2026-03-01 09:00:00,9999-12-31 23:59:59\n"
        "101,closedate,2026-01-05 09:00:00.123 UTC,1774958400000,CRM,,2026-07-01,false,2026-01-05 09:00:00,\n"
        "101,closedate,2026-03-20 10:00:00.123 UTC,2026-03-20T10:00:00Z,CRM,,2026-07-01,true,2026-03-20 10:00:00,\n"
        "101,hubspot_owner_id,2026-01-05 09:00:00.123 UTC,12,CRM,,2026-07-01,false,2026-01-05 09:00:00,\n"
        "101,hubspot_owner_id,2026-05-05 09:00:00.123 UTC,11,CRM,,2026-07-01,true,2026-05-05 09:00:00,\n"
        "101,dealname,2026-01-05 09:00:00.123 UTC,Big,CRM,,2026-07-01,true,2026-01-05 09:00:00,\n"
        "104,amount,2026-01-05 09:00:00.123 UTC,9000,CRM,,2026-07-01,true,2026-01-05 09:00:00,\n"
        "999,amount,2026-01-05 09:00:00.123 UTC,9000,CRM,,2026-07-01,true,2026-01-05 09:00:00,\n"
    ),
    "company": (
        "id,portal_id,is_deleted,_fivetran_synced,property_name,property_industry,property_createdate,property_country\n"
        "200,1,false,2026-07-01,Ada,RETAIL,2025-12-01 00:00:00,DE\n201,1,false,2026-07-01,Bea,,2025-12-02 00:00:00,FR\n"
        "202,1,true,2026-07-01,Cy,,2025-12-02 00:00:00,FR\n"
    ),
    "owner": (
        "owner_id,_fivetran_synced,portal_id,type,email,first_name,last_name,active_user_id\n"
        "11,2026-07-01,1,PERSON,ann@x.com,Ann,Ahr,1\n12,2026-07-01,1,PERSON,ben@x.com,Ben,Bo,2\n13,2026-07-01,1,PERSON,cy@x.com,,,\n"
    ),
    "contact": (
        "id,_fivetran_deleted,property_email,property_firstname,property_lastname,property_associatedcompanyid\n"
        "301,false,cy@ada.com,Cy,Cole,200\n302,true,dee@ada.com,Dee,Doe,200\n303,false,,Eve,,\n"
    ),
    "engagement": (
        "id,type,owner_id,timestamp,active,_fivetran_synced\n1,CALL,11,2026-03-01 09:00:00,true,2026-07-01 03:00:00\n"
        "2,MEETING,11,2026-03-02 09:00:00,true,2026-07-01 03:00:00\n"
        "3,TASK,12,2026-08-02 09:00:00,true,2026-07-01 03:00:00\n"
        "4,NOTE,12,2026-03-02 09:00:00,true,2026-07-01 03:00:00\n"
        "5,MEETING,12,2026-09-02 09:00:00,true,2026-07-01 03:00:00\n"
        "6,EMAIL,,2026-03-02 09:00:00,true,2026-07-01 03:00:00\n"
        "7,CALL,11,2026-03-01 09:00:00,false,2026-07-01 03:00:00\n"
    ),
    "engagement_call": "engagement_id,_fivetran_synced,body,disposition,status\n1,2026-07-01 03:00:00,hi,,COMPLETED\n",
    "engagement_meeting": (
        "engagement_id,_fivetran_synced,title,start_time,end_time,meeting_outcome\n"
        "2,2026-07-01 03:00:00,Kick-off,2026-03-02 09:00:00,2026-03-02 10:00:00,COMPLETED\n"
        "5,2026-07-01 03:00:00,Later,2026-09-02 09:00:00,2026-09-02 10:00:00,\n"
    ),
    "engagement_task": (
        "engagement_id,_fivetran_synced,completion_date,status,subject,task_type\n"
        "3,2026-07-01,,NOT_STARTED,Ring up,CALL\n"
    ),
    "engagement_company": "engagement_id,company_id,_fivetran_synced\n1,200,2026-07-01\n",
    "engagement_deal": "engagement_id,deal_id,_fivetran_synced\n2,101,2026-07-01\n",
    "engagement_contact": "engagement_id,contact_id,_fivetran_synced\n1,301,2026-07-01\n",
}


@pytest.mark.long
@pytest.mark.parametrize("named", ["{}", "hubspot_{}", "{}_data", "HS_{}"])
def test_hubspot_tables_of_a_connector(tmp_path: Path, named: str) -> None:
    """Deals get company, stage and state from the tables beside them; deleted rows are left out, people stay."""
    result = convert(tmp_path, "hubspot", **{named.format(name): text for name, text in HUBSPOT.items()})
    query = (
        "SELECT opportunity_id, account_id, owner_id, type, stage_name, amount, probability, created_date, close_date, "
        "is_closed, is_won FROM {opportunities} ORDER BY 1"
    )
    assert ask(result, query) == [
        ("101", "201", "11", "new", "Signed", 1000, 1, dt.date(2026, 1, 5), dt.date(2026, 3, 20), True, True),
        ("102", "200", "12", None, "Proposal", 500.5, 0.4, dt.date(2026, 2, 1), dt.date(2026, 8, 31), False, False),
        ("103", None, "11", None, "Gone elsewhere", 700, 0, dt.date(2026, 2, 1), dt.date(2026, 4, 2), True, False),
    ]
    assert ask(result, "SELECT * EXCLUDE (role, manager_id, hire_date) FROM {users} ORDER BY 1") == [
        ("11", "Ann Ahr", "ann@x.com"), ("12", "Ben Bo", "ben@x.com"), ("13", "cy@x.com", "cy@x.com"),
    ]  # fmt: skip  # reads as a table
    assert ask(result, "SELECT account_id, account_name, industry, country FROM {accounts} ORDER BY 1") == [
        ("200", "Ada", "RETAIL", "DE"),
        ("201", "Bea", None, "FR"),
    ]
    assert ask(result, "SELECT contact_id, account_id, contact_name FROM {contacts}") == [("301", "200", "Cy Cole")]
    assert [finding for finding in check_book(open_book(result.dest)) if finding.severity == "error"] == []


def test_hubspot_history_of_a_connector(tmp_path: Path) -> None:
    """Each property that changed is history: stages by their label, with what they say of the deal, and days."""
    result = convert(tmp_path, "hubspot", **HUBSPOT)
    first, won = dt.date(2026, 1, 5), dt.date(2026, 3, 20)
    assert history(result, "stage_name", "101") == [("Qualified", first), ("Signed", won)]
    assert history(result, "is_won", "101") == [("false", first), ("true", won)]
    assert history(result, "is_closed", "101") == [("false", first), ("true", won)]
    assert history(result, "close_date", "101") == [("2026-03-31", first), ("2026-03-20", won)]
    assert history(result, "owner_id", "101") == [("12", first), ("11", dt.date(2026, 5, 5))]
    assert history(result, "amount", "101") == [("900", first), ("1000", dt.date(2026, 3, 1))]
    assert ask(result, "SELECT DISTINCT opportunity_id FROM {opportunity_history}") == [("101",)]


def test_hubspot_stages_of_a_connector(tmp_path: Path) -> None:
    """Without the history of properties, deal_stage tells in which stage a deal was."""
    files = {name: text for name, text in HUBSPOT.items() if name != "deal_property_history"}
    files["deal_stage"] = (
        "deal_id,value,date_entered,source,_fivetran_active,_fivetran_start,_fivetran_end\n"
        "101,8011,2026-01-05 09:00:00,CRM,false,2026-01-05 09:00:00,2026-03-20 09:59:59\n"
        "101,8019,2026-03-20 10:00:00,CRM,true,2026-03-20 10:00:00,9999-12-31 23:59:59\n"
    )
    result = convert(tmp_path, "hubspot", **files)
    assert [value for value, _ in history(result, "stage_name", "101")] == ["Qualified", "Signed"]
    assert [value for value, _ in history(result, "is_won", "101")] == ["false", "true"]


def test_hubspot_versions_of_deals(tmp_path: Path) -> None:
    """A deal table in history mode: the active rows are today's deals, all rows are the history."""
    files = {name: text for name, text in HUBSPOT.items() if name != "deal_property_history"}
    files["deal"] = (
        "deal_id,deal_pipeline_stage_id,owner_id,property_amount,property_closedate,property_createdate,"
        "_fivetran_start,_fivetran_active\n"
        "101,8011,12,900,2026-03-31 00:00:00,2026-01-05 09:00:00,2026-01-05 09:00:00,false\n"
        "101,8019,11,1000,2026-03-20 10:00:00,2026-01-05 09:00:00,2026-03-20 10:00:00,true\n"
    )
    result = convert(tmp_path, "hubspot", **files)
    assert ask(result, "SELECT opportunity_id, owner_id, amount, is_won FROM {opportunities}") == [
        ("101", "11", 1000, True)
    ]
    assert [value for value, _ in history(result, "owner_id", "101")] == ["12", "11"]
    assert [value for value, _ in history(result, "is_closed", "101")] == ["false", "true"]


def test_hubspot_activities_of_a_connector(tmp_path: Path) -> None:
    """Calls, meetings and tasks, done or due; a meeting after the last sync is not done, a note is no activity."""
    result = convert(tmp_path, "hubspot", **HUBSPOT)
    query = (
        "SELECT activity_id, type, owner_id, account_id, opportunity_id, contact_id, due_date, "
        "CAST(timezone('UTC', completed_at) AS DATE), subject FROM {activities} ORDER BY 1"
    )
    assert ask(result, query) == [
        ("1", "call", "11", "200", None, "301", dt.date(2026, 3, 1), dt.date(2026, 3, 1), None),
        ("2", "meeting", "11", "201", "101", None, dt.date(2026, 3, 2), dt.date(2026, 3, 2), "Kick-off"),
        ("3", "call", "12", None, None, None, dt.date(2026, 8, 2), None, "Ring up"),
        ("5", "meeting", "12", None, None, None, dt.date(2026, 9, 2), None, "Later"),
    ]
    (activities,) = (table for table in result.tables if table.name == "activities")
    assert dict(activities.set_aside) == {"without an owner": 1}


def test_hubspot_engagements_of_the_newer_tables(tmp_path: Path) -> None:
    """Where engagement holds only id and type, the tables beside it have owner, time and state."""
    files = HUBSPOT | {
        "engagement": "id,type,portal_id\n1,CALL,1\n2,MEETING,1\n3,TASK,1\n4,EMAIL,1\n5,EMAIL,1\n",
        "engagement_call": "engagement_id,type,property_hs_timestamp,property_hubspot_owner_id,property_hs_call_title\n"
        "1,CALL,2026-03-01 09:00:00,11,Hello\n",
        "engagement_meeting": "engagement_id,property_hs_timestamp,property_hubspot_owner_id,property_hs_meeting_title,"
        "property_hs_meeting_outcome\n2,2026-03-02 09:00:00,11,Demo,NO_SHOW\n",
        "engagement_task": "engagement_id,property_hs_timestamp,property_hubspot_owner_id,property_hs_task_subject,"
        "property_hs_task_status,property_hs_task_type,property_hs_task_completion_date\n"
        "3,2026-03-04 09:00:00,12,Offer,COMPLETED,TODO,2026-03-05 09:00:00\n",
        "engagement_email": "engagement_id,property_hs_timestamp,property_hubspot_owner_id,property_hs_email_subject,"
        "property_hs_email_direction\n4,2026-03-06 09:00:00,12,Re,EMAIL\n5,2026-03-06 09:00:00,12,Re,INCOMING_EMAIL\n",
    }
    result = convert(tmp_path, "hubspot", **files)
    query = "SELECT activity_id, type, owner_id, CAST(timezone('UTC', completed_at) AS DATE), subject FROM {activities}"
    assert sorted(ask(result, query)) == [
        ("1", "call", "11", dt.date(2026, 3, 1), "Hello"),
        ("2", "meeting", "11", None, "Demo"),
        ("3", "follow_up", "12", dt.date(2026, 3, 5), "Offer"),
        ("4", "email", "12", dt.date(2026, 3, 6), "Re"),
    ]


def test_hubspot_deal_table_alone(tmp_path: Path) -> None:
    """Without the tables beside it a deal has ids of stage and owner, and is won by its property or the stage's id."""
    deal = (
        "deal_id,deal_pipeline_stage_id,owner_id,property_amount,property_closedate,property_hs_is_closed,"
        "property_hs_is_closed_won\n1,closedwon,11,10,2026-03-20,,\n2,8019,11,20,2026-03-20,true,true\n3,8011,12,30,,,\n"
    )
    result = convert(tmp_path, "hubspot", deal=deal)
    assert ask(result, "SELECT opportunity_id, owner_id, stage_name, is_won FROM {opportunities} ORDER BY 1") == [
        ("1", "11", "closedwon", True), ("2", "11", "8019", True), ("3", "12", "8011", False),
    ]  # fmt: skip  # reads as a table
    assert ask(result, "SELECT user_name FROM {users} ORDER BY 1") == [("11",), ("12",)]


def test_a_hubspot_export_without_a_company_column(tmp_path: Path) -> None:
    """Deals that name no company are imported without accounts, and that is said."""
    deals = "Record ID,Deal Name,Deal Stage,Amount,Deal owner,Close Date\n1,A,Closed Won,10,Ann,2026-01-10 10:00\n"
    result = convert(tmp_path, "hubspot", **{"hubspot-crm-exports-all-deals": deals})
    assert ask(result, "SELECT opportunity_id, amount FROM {opportunities}") == [("1", 10)]
    assert "accounts: left out, hubspot-crm-exports-all-deals.csv names none" in result.lines()
    assert [finding for finding in check_book(open_book(result.dest)) if finding.severity == "error"] == []


PIPEDRIVE = (
    "Deal - ID,Deal - Title,Deal - Owner,Deal - Stage,Deal - Status,Deal - Value,Deal - Deal created,Deal - Won time,"
    "Deal - Lost time,Deal - Expected close date\n"
)


def test_pipedrive_closes_a_deal_by_its_status(tmp_path: Path) -> None:
    """Won: the time of winning. Lost: of losing. Open, though won once: the expected day. Deleted: set aside."""
    deals = (
        f"{PIPEDRIVE}1,A,Kim,Negotiation,Won,1000,2026-01-05 09:00:00,2026-03-31 22:10:00,,2026-03-15\n"
        "2,B,Kim,Negotiation,Open,500,2026-01-05 09:00:00,2026-02-01 10:00:00,,2026-06-30\n"
        "3,C,Kim,Proposal,Lost,700,2026-01-05 09:00:00,2026-02-02 10:00:00,2026-03-03 10:00:00,2026-06-30\n"
        "4,D,Kim,Proposal,deleted,9000,2026-01-05 09:00:00,,,2026-06-30\n"
        "5,E,Kim,Proposal,won,1,2026-01-05 09:00:00,,,2026-06-30\n"
    )
    result = convert(tmp_path, "pipedrive", deals=deals)
    assert ask(result, "SELECT opportunity_id, is_won, close_date FROM {opportunities} ORDER BY 1") == [
        ("1", True, dt.date(2026, 3, 31)),
        ("2", False, dt.date(2026, 6, 30)),
        ("3", False, dt.date(2026, 3, 3)),
        ("5", True, dt.date(2026, 6, 30)),
    ]
    said = "  1 row: close_date where Won without 'Deal - Won time', taken from 'Deal - Expected close date'"
    assert said in result.lines()


def test_pipedrive_without_an_organization_column(tmp_path: Path) -> None:
    """Deals that name no organization are imported without accounts."""
    result = convert(
        tmp_path, "pipedrive", deals=f"{PIPEDRIVE}1,A,Kim,Proposal,Open,10,2026-01-05 09:00:00,,,2026-06-30\n"
    )
    assert ask(result, "SELECT opportunity_id FROM {opportunities}") == [("1",)]
    assert not (result.dest / "accounts.parquet").exists()


def test_a_file_that_lacks_a_needed_column_is_named(tmp_path: Path) -> None:
    """A file that is named like a source but has not its headers is named with what it lacks and what it has."""
    with pytest.raises(
        IntakeError, match=r"Opportunity.csv is named like it, but has no column 'StageName' or 'Stage'"
    ):
        salesforce(tmp_path, Opportunity="Id,OwnerId,Amount\n006A,005A,1\n")


def test_a_log_alone_is_no_file_of_deals(tmp_path: Path) -> None:
    """Files of a history are never taken for the deals."""
    with pytest.raises(
        IntakeError, match=r"opportunities: OpportunityFieldHistory.csv is named like it, but has no col"
    ):
        convert(
            tmp_path,
            "salesforce",
            User="Id,Name\n005A,Ann\n",
            OpportunityFieldHistory=f"{CHANGES}1,006A,Owner,a,b,2026-01-01\n",
        )


def test_every_query_of_a_shipped_map_can_do_without_optional_sources() -> None:
    """Optional sources declare their columns: SQL sees them, and no rows, where the export has none."""
    for name in ("hubspot", "salesforce", "pipedrive"):
        optional = [source for source in read_map(name).sources.values() if source.optional]
        assert all(source.columns for source in optional)
