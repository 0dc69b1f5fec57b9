"""One client's page: every fact against a book counted by hand, what comes next, and whom it may name."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from books import Row, Rows, make_book

import salesops.book.shelf as shelf
from salesops.book.redact import redacted
from salesops.book.source import Book, open_book
from salesops.errors import BookError, PeriodError
from salesops.pages.client.findings import client_page
from salesops.pages.client.history import by_quarter
from salesops.pages.client.people import birthdays
from salesops.pages.client.result import ClientPage
from salesops.pages.client.rhythm_state import rhythm_of

NOW = date(2026, 6, 30)


def order(key: str, account: str, day: str, amount: float, product: str = "P1", **more: object) -> tuple[Row, Row]:
    """An order with one line of as many units as its amount has tens."""
    head = {"order_id": key, "account_id": account, "ordered_at": day, "owner_id": more.pop("owner", "A")}
    head["contract_id"] = more.pop("contract", None)
    units = amount / 10
    line = {"order_line_id": key, "order_id": key, "product_id": product, "quantity": units, "unit_price": 10, **more}
    return head, line


ORDERS = [
    order("O1", "K", "2025-05-01", 100),
    order("O2", "K", "2026-01-10", 200),
    order("O3", "K", "2026-02-09", 300, promised_date="2026-04-01"),
    order("O4", "K", "2026-03-13", 400, "P2", promised_date="2026-06-10", contract="CT"),
    order("O5", "K", "2026-04-12", 500, promised_date="2026-06-10"),
    order("R1", "K", "2026-04-20", -50),
    order("F1", "K", "2026-07-20", 9000),
    order("S1", "SECRET", "2026-06-01", 5000, "P3", owner="B"),
    order("S2", "N", "2026-06-01", 70, owner="B"),
]
TABLES: dict[str, Rows] = {
    "users": [
        {"user_id": "A", "user_name": "Ann", "end_date": "2026-05-31"},
        {"user_id": "B", "user_name": "Bob"},
    ],
    "accounts": [
        {"account_id": "K", "account_name": "Kay", "owner_id": "B", "industry": "Rail", "country": "Austria"},
        {"account_id": "SECRET", "account_name": "Secret Ltd", "owner_id": "A"},
        {"account_id": "N", "account_name": "Twin", "owner_id": "B"},
        {"account_id": "N2", "account_name": "twin", "owner_id": "B"},
        {"account_id": "LATER", "account_name": "Later", "created_date": "2026-07-01"},
    ],
    "products": [
        {"product_id": "P1", "product_name": "Pipe", "family": "Pipes"},
        {"product_id": "P2", "product_name": "Valve", "family": "Valves"},
        {"product_id": "P3", "product_name": "Seal", "family": "Seals"},
    ],
    "orders": [head for head, _ in ORDERS],
    "order_lines": [line for _, line in ORDERS],
    "deliveries": [
        {"order_line_id": "O3", "delivered_date": "2026-04-01", "quantity_delivered": 20, "quantity_rejected": 0},
        {"order_line_id": "O4", "delivered_date": "2026-06-12", "quantity_delivered": 40, "quantity_rejected": 3},
        {"order_line_id": "O5", "delivered_date": "2026-06-15", "quantity_delivered": 50, "quantity_rejected": 0},
    ],
    "contracts": [
        {"contract_id": "CT", "account_id": "K", "start_date": "2025-09-01", "end_date": "2026-08-31",
         "notice_days": 30, "annual_amount": 1200},
        {"contract_id": "OLD", "account_id": "K", "start_date": "2024-09-01", "end_date": "2025-08-31",
         "notice_days": 30, "renewed_by_contract_id": "CT"},
        {"contract_id": "NEXT", "account_id": "K", "start_date": "2026-09-01", "end_date": "2027-08-31"},
        {"contract_id": "C2", "account_id": "SECRET", "start_date": "2026-01-01", "end_date": "2026-07-01"},
    ],
    "contract_terms": [
        {"contract_id": "CT", "term_type": "logistics", "agreed_value": 1, "unit": "days late", "tolerance": 1},
        {"contract_id": "CT", "term_type": "quality", "agreed_value": 0.98, "unit": "accepted share"},
        {"contract_id": "CT", "term_type": "price", "product_id": "P1", "agreed_value": 9, "unit": "EUR"},
    ],
    "survey_responses": [
        {"survey_id": "V1", "account_id": "K", "sent_at": "2026-05-01", "responded_at": "2026-05-02", "score": 3},
        {"survey_id": "V2", "account_id": "K", "sent_at": "2026-01-20", "responded_at": "2026-01-21", "score": 2},
        {"survey_id": "V3", "account_id": "K", "sent_at": "2026-06-20", "responded_at": "2026-07-02", "score": 1},
        {"survey_id": "V4", "account_id": "K", "sent_at": "2026-04-02", "responded_at": "2026-04-05", "score": 6},
    ],
    "contacts": [
        {"contact_id": "X1", "account_id": "K", "contact_name": "Xi", "birthday_mmdd": "07-15",
         "birthday_optin_at": "2025-01-01"},
        {"contact_id": "X2", "account_id": "K", "contact_name": "No", "birthday_mmdd": "07-15"},
        {"contact_id": "X3", "account_id": "K", "contact_name": "Soon", "birthday_mmdd": "07-15",
         "birthday_optin_at": "2026-07-01"},
        {"contact_id": "X4", "account_id": "K", "contact_name": "Far", "birthday_mmdd": "08-15",
         "birthday_optin_at": "2025-01-01"},
        {"contact_id": "X5", "account_id": "K", "contact_name": "Odd", "birthday_mmdd": "13-45",
         "birthday_optin_at": "2025-01-01"},
    ],
    "activities": [
        {"activity_id": "T1", "account_id": "K", "owner_id": "A", "contact_id": "X1", "due_date": "2026-04-08",
         "completed_at": "2026-04-08", "subject": "Ask", "outcome": "Reached"},
        {"activity_id": "T2", "account_id": "K", "owner_id": "B", "type": "gift", "completed_at": "2026-06-20"},
        {"activity_id": "T3", "account_id": "K", "owner_id": "B", "due_date": "2026-06-20"},
        {"activity_id": "T4", "account_id": "K", "owner_id": "B", "due_date": "2026-07-04"},
        {"activity_id": "T5", "account_id": "SECRET", "owner_id": "B", "completed_at": "2026-06-29"},
    ],
    "commitments": [
        {"commitment_id": f"C{n}", "owner_id": "B", "agreed_with": "A", "agreed_at": "2026-06-01",
         "metric": "contact_made", "target": "1", "subject_id": subject, "original_due_date": due, "due_date": due}
        for n, (subject, due) in enumerate([("K", "2026-07-10"), ("X1", "2026-06-20"), ("SECRET", "2026-07-09")])
    ],
}  # fmt: skip  # rows stay together


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return make_book(tmp_path_factory.mktemp("client"), TABLES)


@pytest.fixture(scope="module")
def kay(book: Book) -> ClientPage:
    return client_page(book, "kay", NOW)


@pytest.mark.long
def test_sales_by_quarter_and_year(kay: ClientPage) -> None:
    """Sales are net of returns and stop at the day; a return is no purchase; the year before has its own sum."""
    told = {(row.year, row.place): (row.purchases, row.value) for row in kay.quarters.itertuples()}
    assert told == {
        ("2025", 1): (0, 0.0), ("2025", 2): (1, 100.0), ("2025", 3): (0, 0.0), ("2025", 4): (0, 0.0),
        ("2026", 1): (3, 900.0), ("2026", 2): (1, 450.0),
    }  # fmt: skip  # quarters of a year stay together
    assert (kay.purchases, kay.client["total"], kay.year_value, kay.year_before) == (5, 1450, 1350, 100)


def test_fiscal_quarters_have_the_year_in_which_they_end() -> None:
    """With a year from April, 30 June 2026 lies in the first quarter of the year that ends in 2027."""
    days = pd.DataFrame({"day": pd.to_datetime(["2026-04-12"]), "value": [450.0], "is_purchase": [True]})
    table = by_quarter(days, NOW, 4)
    assert table[["year", "place"]].values.tolist() == [["FY2026", place] for place in (1, 2, 3, 4)] + [["FY2027", 1]]
    assert list(table.value) == [0, 0, 0, 0, 450]


def test_own_rhythm(kay: ClientPage) -> None:
    """Gaps of 254, 30, 32 and 30 days have the median 31; four are too few for a rhythm, so nothing is expected."""
    assert (kay.rhythm.median_gap, kay.rhythm.spread) == (31, 57.5)
    assert (kay.rhythm.state, kay.rhythm.expected) == ("no rhythm known", None)
    assert kay.results()["last_purchase"] == "2026-04-12"


STANDING = {"median_gap": 31, "gap_spread": 5, "late_after": 36.0, "lost_after": 90.0}


@pytest.mark.parametrize(
    ("state", "as_of", "overdue"),
    [("in its rhythm", "2026-05-18", 0), ("overdue", "2026-05-19", 1), ("lost", "2026-07-12", 55)],
)
def test_days_follow_from_the_own_gaps(state: str, as_of: str, overdue: int) -> None:
    """12 April + 31 days is 13 May; late after 36 days is from 18 May on, and lost after 90 from 11 July on."""
    r = rhythm_of({**STANDING, "rhythm": state}, date(2026, 4, 12), date.fromisoformat(as_of))
    assert (r.state, r.latest, r.lost_on, r.overdue_days) == (state, date(2026, 5, 18), date(2026, 7, 11), overdue)
    assert r.expected == (None if state == "lost" else date(2026, 5, 13))


def test_rhythm_of_few_purchases() -> None:
    """Without a purchase, and without a known rhythm, no day is expected and none makes a loss."""
    nothing = {"median_gap": None, "gap_spread": None, "late_after": None, "lost_after": None, "rhythm": None}
    assert rhythm_of(nothing, None, NOW).state == "never bought"
    few = rhythm_of({**nothing, "median_gap": 10.0}, date(2026, 6, 1), NOW)
    assert (few.state, few.median_gap, few.expected, few.lost_on) == ("no rhythm known", 10, None, None)


def test_families_bought_and_not(kay: ClientPage) -> None:
    """Families stand with net money and its share; the one that only others buy with the share of peers."""
    told = [(row.family, row.value, round(row.share, 4)) for row in kay.families.itertuples()]
    assert told == [("Pipes", 1050, round(1050 / 1450, 4)), ("Valves", 400, round(400 / 1450, 4))]
    assert kay.open_families[["family", "peers", "peers_buying", "peer_share"]].values.tolist() == [
        ["Seals", 2, 1, 0.5]
    ]


def test_contract_that_runs(kay: ClientPage) -> None:
    """Only the running contract stands: to act by its end less 30 days, with what was agreed in words."""
    (contract,) = kay.agreements.to_dict("records")
    assert (contract["contract_id"], contract["annual_amount"], contract["renewed"]) == ("CT", 1200, False)
    assert (contract["action_date"], contract["days_left"]) == (pd.Timestamp("2026-08-01"), 32)
    assert contract["terms"] == (
        "Quality: 0.98 accepted share. Logistics: 1 days late, tolerance 1. Prices agreed for 1 product."
    )


@pytest.mark.long
def test_contract_that_ended_last_stands_where_none_runs(book: Book) -> None:
    """Before CT began, its forerunner is the one that runs or ended last; afterwards CT ended last."""
    assert list(client_page(book, "K", date(2025, 8, 31)).agreements.contract_id) == ["OLD"]
    after = client_page(book, "SECRET", date(2026, 8, 1)).agreements
    assert after[["contract_id", "runs"]].values.tolist() == [["C2", False]]


def test_deliveries_that_went_wrong(kay: ClientPage) -> None:
    """O3 lacks 10 units, O5 came 5 days late; O4 came in the 2 days that its contract allows, 3 were rejected."""
    assert (kay.otif["due"], kay.otif["on_time_in_full"], kay.otif["otif"]) == (3, 1, pytest.approx(1 / 3))
    assert (kay.otif["on_time"], kay.otif["uncounted"]) == (2, 0)
    told = kay.lines[["product_name", "what", "days_late"]].values.tolist()
    assert told == [["Pipe", "missing", 90], ["Valve", "rejected", 0], ["Pipe", "late", 5]]
    assert list(kay.lines.recent) == [False, True, True]


def test_low_answers_without_recovery(kay: ClientPage) -> None:
    """The 3 of 2 May waits; the 6 of 5 April was recovered by a call and an order; 2 is too old, 1 not known yet."""
    assert kay.low_answers[["score", "state"]].values.tolist() == [[3, "no contact in time"]]
    assert (kay.answers["asked"], kay.answers["answered"], kay.answers["last_score"]) == (4, 3, 3)
    assert kay.answers["nps"] is None


def test_birthdays_need_consent_and_have_no_year(kay: ClientPage) -> None:
    """Only who agreed by the day, and is due within 30 days, is named: by month and day."""
    assert kay.birthdays.to_dict("records") == [{"contact_name": "Xi", "month": 7, "day": 15, "days_left": 15}]


@pytest.mark.parametrize(
    ("mmdd", "as_of", "days_left"),
    [("01-10", "2026-12-20", 21), ("02-29", "2026-02-20", 8), ("02-29", "2028-02-20", 9), ("06-30", "2026-06-30", 0)],
)
def test_birthdays_at_the_turn_of_years(tmp_path: Path, mmdd: str, as_of: str, days_left: int) -> None:
    """A birthday after New Year is found before it; 29 February is 28 February in other years; today counts."""
    contact = {"account_id": "K", "birthday_mmdd": mmdd, "birthday_optin_at": "2020-01-01"}
    small = make_book(tmp_path, {"accounts": [{"account_id": "K"}], "contacts": [contact]})
    assert list(birthdays(small, "K", date.fromisoformat(as_of)).days_left) == [days_left]


def test_contacts_and_promises(kay: ClientPage) -> None:
    """Done activities come newest first, open ones by date; promises on the client and its people, pending first."""
    assert list(kay.touches.activity_id) == ["T2", "T1", "T3", "T4"]
    assert list(kay.touches.spoken) == [False, True, False, False]
    assert list(kay.touches.overdue) == [False, False, True, False]
    told = kay.promises[["subject_name", "verdict", "owner_name"]].values.tolist()
    assert told == [["Kay", "pending", "Bob"], ["Xi", "missed", "Bob"]]


def test_change_of_owner(kay: ClientPage, book: Book) -> None:
    """Ann, who took the last order, left: 13% to 18% of a year's sales are at stake, and Bob has not called yet."""
    owner = kay.owner
    assert (owner.name, owner.before, owner.before_left, owner.first_contact) == ("Bob", "Ann", date(2026, 5, 31), None)
    assert owner.exposure == (pytest.approx(0.13 * 1350), pytest.approx(0.18 * 1350))
    orphan = client_page(book, "SECRET", NOW)
    assert (orphan.owner.left, orphan.step.rule) == (date(2026, 5, 31), "orphaned")
    assert client_page(book, "N", NOW).owner.exposure is None


def test_page_names_no_other_client(kay: ClientPage) -> None:
    """No field of the page holds the id or name of another account."""
    text = " ".join(value.to_csv() if isinstance(value, pd.DataFrame) else str(value) for value in vars(kay).values())
    assert "Kay" in text
    assert "SECRET" not in text
    assert "Secret" not in text


def test_results_are_json_without_nan(kay: ClientPage) -> None:
    """Results hold numbers, texts and ISO dates; what is not known is null."""
    results = json.loads(json.dumps(kay.results(), allow_nan=False))
    assert (results["p_active"], results["value"], results["play_id"]) == (None, None, None)
    assert (results["action_date"], results["open_lines"], results["step_rule"]) == ("2026-08-01", 3, "unhappy")


RULES: list[tuple[str, str, dict[str, Rows], tuple[str, str | None]]] = [
    ("K", "contract", {"survey_responses": []}, ("meeting", "2026-08-01")),
    ("K", "missing", {"survey_responses": [], "contracts": []}, ("call", "2026-06-30")),
    ("K", "in touch", {"survey_responses": [], "contracts": [], "deliveries": []}, ("call", None)),
    ("N2", "first order", {}, ("meeting", None)),
]


@pytest.mark.long
@pytest.mark.parametrize(("account", "rule", "changes", "step"), RULES)
def test_rules_without_a_playbook(
    tmp_path: Path, account: str, rule: str, changes: dict[str, Rows], step: tuple[str, str | None]
) -> None:
    """Without a playbook the first rule that holds gives the step; taking its cause away gives the next."""
    tables = {name: rows for name, rows in {**TABLES, **changes}.items() if rows}
    page = client_page(make_book(tmp_path, tables), account, NOW)
    assert (page.step.rule, page.step.kind) == (rule, step[0])
    assert page.results()["step_by"] == step[1]


@pytest.mark.long
@pytest.mark.parametrize(("as_of", "rule"), [("2026-02-20", "expected"), ("2026-03-20", "overdue")])
def test_expected_and_overdue(tmp_path: Path, as_of: str, rule: str) -> None:
    """With five gaps of 30 days the next purchase is expected on 2 March, and overdue afterwards."""
    days = [date(2026, 1, 31) - timedelta(days=30 * n) for n in range(6)]
    bought = [order(f"O{n}", "K", day.isoformat(), 10) for n, day in enumerate(days)]
    book = make_book(tmp_path, {"orders": [head for head, _ in bought], "order_lines": [line for _, line in bought]})
    page = client_page(book, "K", date.fromisoformat(as_of))
    assert (page.step.rule, page.rhythm.expected) == (rule, date(2026, 3, 2))


@pytest.mark.long
def test_who_may_be_called_has_the_day_of_the_call_list(tmp_path: Path) -> None:
    """Silent beyond its own gaps: the play is due today, as on the churn page; silent for a year, nothing is held."""
    days = [date(2026, 1, 31) - timedelta(days=30 * n) for n in range(6)]
    bought = [order(f"O{n}", "K", day.isoformat(), 10) for n, day in enumerate(days)]
    spoken = [{"activity_id": "T", "account_id": "K", "type": "call", "completed_at": "2026-03-19"}]
    tables = {"orders": [head for head, _ in bought], "order_lines": [line for _, line in bought], "activities": spoken}
    book = make_book(tmp_path, tables)
    (tmp_path / "playbook.toml").write_text(PLAYBOOK % 0, encoding="utf-8")
    late = client_page(book, "K", date(2026, 3, 20), control_share=0)
    assert (late.client["may_call"], late.step.kind, late.step.by) == (True, "call", date(2026, 3, 20))
    held = [client_page(book, "K", day, control_share=0.999) for day in (date(2026, 3, 20), date(2027, 3, 20))]
    assert [page.held_from_calls for page in held] == [True, False]


PLAYBOOK = """
version = "1"
[[plays]]
id = "all"
name = "Stay in touch"
channel = "call"
cadence = 1.0
floor_days = 7
ceiling_days = 90
offer = "Help"
owner = "account owner"
stop = "Bought"
stop_after = 3
why = "{account_name} spent {total}."
hold_out = %s
"""


@pytest.mark.long
def test_play_runs_from_the_last_contact(tmp_path: Path) -> None:
    """The play's 31 days run from the call of 8 April, so it is due at once; a gift is no contact."""
    book = make_book(tmp_path, TABLES)
    (tmp_path / "playbook.toml").write_text(PLAYBOOK % 0, encoding="utf-8")
    page = client_page(book, "K", NOW)
    assert page.play is not None
    assert (page.play["why"], page.play["cadence_days"], page.play["owner"]) == (
        "Kay spent 1.45\N{NO-BREAK SPACE}k\N{NO-BREAK SPACE}EUR.",
        31,
        "account owner",
    )
    assert (page.step.kind, page.step.by, page.step.rule) == ("call", NOW, "play")
    early = client_page(book, "K", date(2026, 4, 15))
    assert early.step.by == date(2026, 5, 9)


@pytest.mark.long
def test_held_out_client_is_left_alone(tmp_path: Path) -> None:
    """A client that is held out gets no channel and no day."""
    book = make_book(tmp_path, TABLES)
    (tmp_path / "playbook.toml").write_text(PLAYBOOK % 0.9, encoding="utf-8")
    pages = [client_page(book, account, NOW) for account in ("K", "SECRET", "N", "N2")]
    held = [page for page in pages if page.play and page.play["arm"] == "hold-out"]
    assert held
    assert {(page.step.kind, page.step.by) for page in held} == {("none", None)}


@pytest.mark.long
def test_every_day_has_its_own_page(book: Book) -> None:
    """Pages of several days in one process never mix: each shows the sales known on its day."""
    days = {date(2026, 2, 1): 300, date(2026, 7, 20): 10450}
    assert {day: client_page(book, "K", day).client["total"] for day in days} == days


def test_first_by_name_among_those_who_bought(book: Book) -> None:
    """Without a name the page is that of the first buyer by name."""
    assert client_page(book, "", NOW).account_name == "Kay"
    assert client_page(book, "", date(2025, 4, 30)).purchases == 0


def test_unknown_account_gets_a_suggestion(book: Book) -> None:
    """A name that no client has is refused, with the nearest one."""
    with pytest.raises(BookError, match=r"No client known by 2026-06-30 has the id or name 'Kaye'. Did you mean 'Kay'"):
        client_page(book, "Kaye", NOW)


def test_account_of_later_is_not_known_yet(book: Book) -> None:
    """An account that was entered after the day is refused by its name."""
    with pytest.raises(BookError, match=r"The account 'LATER' was not known yet on 2026-06-30. Choose a later day."):
        client_page(book, "LATER", NOW)


def test_two_of_one_name_need_an_id(book: Book) -> None:
    """A name that two accounts share is refused, with their ids; an id is never ambiguous."""
    with pytest.raises(BookError, match=r"2 clients or more are called 'twin'. Use the id: N, N2."):
        client_page(book, "twin", NOW)
    assert client_page(book, "N2", NOW).account_id == "N2"


def test_horizon_under_a_week_is_refused(book: Book) -> None:
    """A horizon of 0 weeks looks nowhere."""
    with pytest.raises(PeriodError, match=r"The horizon must be 1 to 520 weeks. Got 0."):
        client_page(book, "K", NOW, horizon_weeks=0)


def test_nobody_known_yet(tmp_path: Path) -> None:
    """Before the first account and order there is no client to show."""
    head, line = order("O1", "K", "2026-01-01", 10)
    book = make_book(tmp_path, {"orders": [head], "order_lines": [line]})
    with pytest.raises(BookError, match=r"The book knows no client by 2025-12-31. Choose a later day"):
        client_page(book, "", date(2025, 12, 31))


def test_account_without_orders(book: Book) -> None:
    """Who never bought has a page: no sales, no rhythm, peers' families, and the first order as the step."""
    page = client_page(book, "N2", NOW)
    assert (page.purchases, page.year_value, page.rhythm.state) == (0, 0, "never bought")
    assert page.families.empty
    assert sorted(page.open_families.family) == ["Pipes", "Seals", "Valves"]
    json.dumps(page.results(), allow_nan=False)


def test_book_of_orders_alone(tmp_path: Path) -> None:
    """One customer of a book without any other table has a page; the estimates say why they are absent."""
    bought = [order("O1", "K", "2026-01-01", 10), order("O2", "K", "2026-02-01", 10)]
    book = make_book(tmp_path, {"orders": [head for head, _ in bought], "order_lines": [line for _, line in bought]})
    page = client_page(book, "", NOW)
    assert (page.account_name, page.purchases, page.tables) == ("K", 2, ("orders",))
    assert page.estimates["why_not"] == "Estimates need 50 customers or more who bought by this date; the book has 1."
    for frame in (page.agreements, page.lines, page.low_answers, page.touches, page.promises, page.birthdays):
        assert frame.empty
    assert page.otif["otif"] is None
    json.dumps(page.results(), allow_nan=False)


def test_more_returned_than_bought(tmp_path: Path) -> None:
    """A client whose returns exceed its purchases has a negative total and no share of families above 1."""
    bought = [order("O1", "K", "2026-01-01", 10), order("R1", "K", "2026-02-01", -100)]
    tables = {"orders": [head for head, _ in bought], "order_lines": [line for _, line in bought]}
    page = client_page(make_book(tmp_path, {**tables, "products": TABLES["products"]}), "K", NOW)
    assert (page.client["total"], page.year_value, page.purchases) == (-90, -90, 1)
    assert page.families.share.isna().all()
    json.dumps(page.results(), allow_nan=False)


def test_redacted_page_holds_pseudonyms(book: Book) -> None:
    """The redacted page has the same numbers under pseudonyms, without names, words of people or birthdays."""
    hidden = redacted(book)
    key = next(row.account_id for row in hidden.table("accounts").to_pandas().itertuples() if row.industry == "Rail")
    page = client_page(hidden, key, NOW)
    assert (page.year_value, page.purchases, len(page.promises)) == (1350, 5, 2)
    assert page.birthdays.empty
    text = " ".join(value.to_csv() if isinstance(value, pd.DataFrame) else str(value) for value in vars(page).values())
    assert not [name for name in ("Kay", "Ann", "Bob", "Xi", "Ask", "Reached") if name in text]


@pytest.mark.long
def test_shelf_gives_the_same_page_and_is_filled_once(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a shelf every client's numbers are those without one, and after the first page nothing is built."""
    day, accounts = date(2026, 10, 31), [f"A-{n:06d}" for n in (1, 300, 597)]
    monkeypatch.delenv(shelf.VARIABLE, raising=False)
    plain = open_book(sample)
    expected = [client_page(plain, account, day).results() for account in accounts]
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path))
    client_page(open_book(sample), accounts[0], day)
    filled = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    found: list[dict[str, Any]] = [client_page(open_book(sample), account, day).results() for account in accounts]
    assert found == expected
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == filled
