"""The pages of contracts and follow-up: published numbers, planted ones, and books that lack something."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from books import Rows, make_book
from notebook_pages import page_of

from salesops.book.source import Book, open_book
from salesops.errors import BookError
from salesops.intake import import_book
from salesops.metrics.delivery_answers import delivery_answers
from salesops.pages.contracts.findings import ContractsReview, contracts_review
from salesops.pages.follow_up.findings import follow_up_review, workday

MAPS = Path(__file__).parent / "book" / "maps"
NOW = date(2026, 10, 31)


@pytest.fixture(scope="module")
def scms(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a book of SCMS."""
    folder = tmp_path_factory.mktemp("books") / "scms"
    import_book(MAPS / "scms.toml", shared / "data" / "scms_delivery" / "SCMS_clean_comma.csv", folder)
    return folder


@pytest.fixture(scope="module")
def olist(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a book of the sample of Olist."""
    folder = tmp_path_factory.mktemp("books") / "olist"
    import_book(MAPS / "olist.toml", shared / "data" / "olist_sample", folder)
    return folder


@pytest.fixture(scope="module")
def reviewed(sample: Path) -> ContractsReview:
    """The findings of data/sample."""
    return contracts_review(open_book(sample), NOW)


def test_scms_on_time_only(scms: Path) -> None:
    """1,186 of 10,324 lines late, 927 of 5,404 from the regional centre; in full is not judged, and no page says 0%."""
    text, results = page_of("contracts", scms, as_of="2016-06-30", months=400)
    assert (results["lines_due"], results["lines_late"], results["otif"]) == (10_324, 1_186, None)
    assert (results["contracts"], results["terms_broken"], results["leakage"], results["grr"]) == (None,) * 4
    found = contracts_review(open_book(scms), date(2016, 6, 30), months=400).late.set_index("family")
    assert {name: (row.late, row.due) for name, row in found.iterrows()} == {
        "From RDC": (927, 5_404), "Direct Drop": (259, 4_920),
    }  # fmt: skip  # reads as a table
    assert "On time only" in text
    assert "0.0%" not in text


def test_olist_scores_by_lateness(olist: Path) -> None:
    """Late days cost more than two of five points; 376 lines late of those that came; nobody’s follow-up is known."""
    day = date(2019, 6, 30)
    text, results = page_of("follow_up", olist, as_of=day.isoformat())
    assert [(row["answers"], round(row["mean"], 3)) for row in results["score_by_lateness"]] == [
        (4_859, 4.276), (101, 3.277), (87, 1.954), (79, 1.595), (77, 1.571),
    ]  # fmt: skip  # reads as a table
    assert (results["orders_delivered"], results["followed_up"], results["overdue"]) == (5_164, None, None)
    assert (results["scale"], results["nps"]) == ("csat_1_5", None)
    assert "Whom to call" not in text
    late = contracts_review(open_book(olist), day, months=400).results()
    assert late["lines_late"] - late["lines_not_come"] == 376
    orders = delivery_answers(open_book(olist), day).to_pandas()
    assert orders.about_delivery.sum() <= orders.score.notna().sum()


def test_planted_faults_are_on_page_one(reviewed: ContractsReview, sample: Path) -> None:
    """Drives in East come late, and the two planted reps leak: the page names them before the first table."""
    text, results = page_of("contracts", sample, as_of=NOW.isoformat())
    before = text[: text.index("Contracts with a broken term")]
    names = reviewed.reps.set_index("owner_id").owner_name
    assert all(name in before for name in ("Drives in East", names["U-000016"], names["U-000047"]))
    assert results["terms_broken"] == sum(reviewed.broken_by_term.values()) > 0
    assert len(results["rows"]) == results["contracts"] == 283


def test_sums_by_group_are_the_total(reviewed: ContractsReview) -> None:
    """Lines due and late by family and territory, and by month of the year, add up to all; so does the leakage."""
    r = reviewed
    assert r.late.due.sum() == r.delivery["due"]
    assert r.late.late.sum() == r.months.tail(12).late.sum() == r.delivery["due"] - r.delivery["on_time"]
    assert r.reps.leakage.sum() == pytest.approx(r.price["leakage"]) == pytest.approx(r.leaks.leakage.sum())
    assert r.contracts.price_cost.sum() == pytest.approx(r.price["leakage"], rel=0.02)
    assert (r.money.grr_year.dropna() <= r.money.nrr_year.dropna() + 1e-12).all()
    assert r.money.grr_year.dropna().between(0, 1).all()


@pytest.mark.long
def test_owners_share_the_lines(reviewed: ContractsReview, sample: Path) -> None:
    """The page of one owner holds that owner’s contracts and leaks, and no other’s."""
    own = contracts_review(open_book(sample), NOW, owner="U-000016")
    assert set(own.contracts.owner_id) == set(own.leaks.owner_id) == {"U-000016"}
    assert own.price["leakage"] == pytest.approx(float(reviewed.reps.set_index("owner_id").leakage["U-000016"]))
    with pytest.raises(BookError, match="Nobody called 'Nemo' owns"):
        contracts_review(open_book(sample), NOW, owner="Nemo")


CONTRACT = {
    "contract_id": "CT", "account_id": "K", "owner_id": "A", "start_date": "2025-01-01", "end_date": "2026-12-31",
    "contract_term_months": 24, "notice_days": 60,
}  # fmt: skip  # one row
LINE = {"order_line_id": "L", "order_id": "O", "product_id": "P", "quantity": 5, "net_amount": 50}
ORDER = {"order_id": "O", "account_id": "K", "owner_id": "A", "ordered_at": "2026-09-01"}
ORDERS: dict[str, Rows] = {"orders": [ORDER], "order_lines": [{**LINE, "promised_date": "2026-09-10"}]}
CAME = {"order_line_id": "L", "delivered_date": "2026-09-12", "quantity_delivered": 5}
PEOPLE: dict[str, Rows] = {"users": [{"user_id": "A"}], "accounts": [{"account_id": "K", "owner_id": "A"}]}
LACKING: dict[str, tuple[str, dict[str, Rows], dict[str, Any], str]] = {
    "contracts alone": (
        "contracts", {"contracts": [CONTRACT]},
        {"lines_due": None, "on_time": None, "leakage": None, "terms_broken": None, "renewals_due": 1, "grr": None},
        "nothing in the book tells if they were kept",
    ),
    "no deliveries yet": (
        "contracts", {"contracts": [CONTRACT], **ORDERS}, {"lines_due": None, "lines_late": None, "otif": None},
        "1 contract, and nothing",
    ),
    "a delivery without a line": (
        "contracts", {**ORDERS, "deliveries": [CAME, {**CAME, "order_line_id": "GONE"}]},
        {"lines_due": 1, "lines_late": 1, "contracts": None}, "1 of 1 line due came late",
    ),
    "a contract that ends before it starts": (
        "contracts", {"contracts": [{**CONTRACT, "end_date": "2024-01-01"}], **ORDERS, "deliveries": [CAME]},
        {"contracts": 0, "renewals_due": 0}, "1 contract ends before it starts and counts nowhere: CT",
    ),
    "a term without a value": (
        "contracts",
        {"contracts": [CONTRACT], "contract_terms": [{"contract_id": "CT", "term_type": "price"}], **ORDERS},
        {"leakage": None, "terms_broken": None}, "1 term has no agreed value: CT",
    ),
    "surveys without answers": (
        "follow_up", {**ORDERS, "deliveries": [CAME], "survey_responses": [{"account_id": "K", "order_id": "O"}]},
        {"asked": 1, "answered": 0, "csat": None, "nps": None, "score_by_lateness": [], "followed_up": None},
        "0 of 1 survey were answered",
    ),
    "surveys alone": (
        "follow_up", {"survey_responses": [{"account_id": "K", "score": 9, "responded_at": "2026-09-01"}] * 3},
        {"orders_delivered": None, "due": None, "asked": 3, "nps": None, "birthdays": None, "gifts_sent": None},
        "Under 5 answers there is no score",
    ),
    "birthdays alone": (
        "follow_up", {"contacts": [{"contact_id": "C", "birthday_mmdd": "11-05"}, {"birthday_mmdd": "04-31"}]},
        {"birthdays": 0, "gifts_proposed": 0, "asked": None}, "Without consent nothing is proposed",
    ),
    "an account that users do not know": (
        "follow_up", {**ORDERS, "deliveries": [CAME], "activities": [{"completed_at": "2026-01-01", "type": "call"}]},
        {"due": 1, "followed_up": 0, "overdue": 1}, "0.0% of 1 delivered order",
    ),
}  # fmt: skip  # a case reads best in few lines


@pytest.mark.parametrize("case", LACKING)
def test_what_is_not_known_is_none(tmp_path: Path, case: str) -> None:
    """A book that lacks a table or a value gives a page all the same; what nothing tells is None, never 0 or 100%."""
    page, tables, wanted, said = LACKING[case]
    make_book(tmp_path, {**PEOPLE, **tables})
    text, results = page_of(page, tmp_path, as_of=NOW.isoformat())
    assert {name: results[name] for name in wanted} == wanted
    assert said in text
    assert "nan" not in text.casefold().split()


def calling_book(folder: Path) -> Book:
    """Twelve clients of A, who has left, each with a delivery that nobody followed up; the accounts are B’s."""
    keys = [f"K{n:02}" for n in range(12)]
    tables: dict[str, Rows] = {
        "users": [{"user_id": "A", "end_date": "2026-10-01"}, {"user_id": "B", "user_name": "Bo"}],
        "accounts": [{"account_id": key, "owner_id": "B"} for key in keys],
        "orders": [{**ORDER, "order_id": key, "account_id": key} for key in keys],
        "order_lines": [{**LINE, "order_line_id": key, "order_id": key} for key in keys],
        "deliveries": [{**CAME, "order_line_id": key, "delivered_date": "2026-10-20"} for key in keys],
        "activities": [{"completed_at": "2026-01-01", "type": "call"}],
    }
    return make_book(folder, tables)


def test_calls_fit_in_a_day_and_pass_on(tmp_path: Path) -> None:
    """At most `a_day` calls stand on the first workday, the rest on the next; who left passes them to the account’s."""
    found = follow_up_review(calling_book(tmp_path), NOW, a_day=8)
    assert (len(found.today), set(found.calls.owner_name)) == (8, {"Bo"})
    assert sorted(found.calls.on) == [date(2026, 11, 2)] * 8 + [date(2026, 11, 3)] * 4
    assert [workday(date(2026, 10, 30), number) for number in (1, 6)] == [date(2026, 11, 2), date(2026, 11, 9)]
    with pytest.raises(BookError, match="a_day must be 1 or more"):
        follow_up_review(open_book(tmp_path), NOW, a_day=0)
