"""Follow-ups by orders, answers by days late, and birthdays to come, against rows counted by hand."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from books import Row, Rows, by, make_book, records
from conftest import CALM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salesops.book.source import Book, open_book
from salesops.metrics.birthdays import birthdays
from salesops.metrics.delivery_answers import delivery_answers
from salesops.metrics.follow_ups import follow_ups

NOW = date(2026, 3, 31)
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[*CALM, HealthCheck.function_scoped_fixture])


def delivered(key: str, account: str, *days: str | None, promised: str = "2026-03-10", **more: Any) -> dict[str, Rows]:
    """An order of one line for each day of delivery; None: that line has not come."""
    return {
        "orders": [{"order_id": key, "account_id": account, "ordered_at": "2026-02-01", **more}],
        "order_lines": [
            {"order_line_id": f"{key}{n}", "order_id": key, "quantity": 1, "promised_date": promised}
            for n in range(len(days))
        ],
        "deliveries": [
            {"order_line_id": f"{key}{n}", "delivered_date": day, "quantity_delivered": 1}
            for n, day in enumerate(days) if day
        ],
    }  # fmt: skip  # a table a key


def together(*parts: dict[str, Rows]) -> dict[str, Rows]:
    tables: dict[str, Rows] = {}
    for part in parts:
        for name, rows in part.items():
            tables.setdefault(name, []).extend(rows)
    return tables


def contact(account: str, day: str, kind: str = "call", **more: Any) -> Row:
    return {"account_id": account, "completed_at": f"{day}T10:00:00Z", "type": kind, **more}


def test_which_contact_follows_up_which_order(tmp_path: Path) -> None:
    """One in time that names the order, or neither order nor deal, counts; no task at all counts as missed."""
    keys = ("named", "general", "deal", "other", "late", "gift", "nothing", "twice")
    orders = [delivered(key, key, "2026-03-01", "2026-03-05") for key in keys]
    orders += [delivered("young", "young", "2026-03-30"), delivered("part", "part", "2026-03-01", None)]
    activities = [
        contact("named", "2026-03-19", order_id="named"), contact("general", "2026-03-05"),
        contact("deal", "2026-03-10", opportunity_id="D"), contact("other", "2026-03-10", order_id="another"),
        contact("late", "2026-03-20"), contact("gift", "2026-03-10", "gift"),
        {"account_id": "nothing", "type": "call", "due_date": "2026-03-10"}, contact("twice", "2026-03-04"),
    ]  # fmt: skip  # a rule a row
    found = by(follow_ups(make_book(tmp_path, together(*orders, {"activities": activities})), NOW), "order_id")
    assert {key for key, row in found.items() if row["followed_up"]} == {"named", "general"}
    assert {key for key, row in found.items() if row["by_account"]} == {"named", "general", "other"}
    assert [key for key, row in found.items() if not row["due"]] == ["young"]
    assert "part" not in found
    assert found["late"]["touched_on"] == date(2026, 3, 20)


def test_sample_follow_ups_agree_with_sql(sample: Path) -> None:
    """5,725 of 8,694 orders due are followed up, 6,260 with contacts about other orders of the client."""
    rows = follow_ups(open_book(sample), date(2026, 10, 31)).to_pandas()
    due = rows[rows.due]
    assert (len(rows), len(due), due.followed_up.sum(), due.by_account.sum()) == (8_913, 8_694, 5_725, 6_260)


def test_an_answer_is_about_a_delivery_or_a_broken_promise(tmp_path: Path) -> None:
    """An answer before delivery and promised day is about neither; days late are of the latest line."""
    orders = together(delivered("late", "K", "2026-03-08", "2026-03-13"), delivered("none", "K", None))
    answers = [
        {"survey_id": key, "account_id": "K", "order_id": order, "sent_at": "2026-02-02", "responded_at": day,
         "score": score}
        for key, order, day, score in (
            ("before", "late", "2026-03-09", 2), ("promise broken", "late", "2026-03-11", 3),
            ("after", "late", "2026-03-13", 9), ("waiting", "none", "2026-03-11", 1),
            ("no order", None, "2026-03-11", 8),
            ("outside", "late", "2026-03-14", 11), ("silent", "late", None, None),
        )
    ]  # fmt: skip  # a rule a row
    more = {"survey_responses": answers, "activities": [contact("K", "2026-03-20")]}
    found = by(delivery_answers(make_book(tmp_path, {**orders, **more}), NOW), "survey_id")
    about = {key: row["days_late"] for key, row in found.items() if row["about_delivery"]}
    assert about == {"promise broken": 3, "after": 3, "waiting": None}
    assert (found["outside"]["score"], found["silent"]["unhappy"]) == (None, None)
    assert {key for key, row in found.items() if not row["contacted"]} == {"outside", "silent"}


@pytest.mark.parametrize(("leap_day", "on"), [("02-28", date(2026, 2, 28)), ("03-01", date(2026, 3, 1))])
def test_birthdays_to_come(tmp_path: Path, leap_day: str, on: date) -> None:
    """January is seen in December, 29 February falls as book.toml says, 31 April on no day; officials are known."""
    contacts = [
        {"contact_id": key, "account_id": account, "birthday_mmdd": mmdd, "title": title,
         "birthday_optin_at": "2025-01-01" if agreed else None}
        for key, account, mmdd, title, agreed in (
            ("january", "K", "01-05", None, True), ("leap", "K", "02-29", None, True),
            ("no day", "K", "04-31", None, True),
            ("text", "K", "May", None, True), ("mayor", "K", "01-06", "Deputy MAYOR", True),
            ("clerk", "G", "01-06", "Clerk", True), ("manager", "K", "01-06", "Administrator", True),
            ("silent", "K", "01-07", None, False), ("nobody's", None, "01-08", None, True),
            ("given", "K", "01-09", None, True),
        )
    ]  # fmt: skip  # a rule a row
    tables = {
        "contacts": contacts,
        "accounts": [{"account_id": "K", "industry": "Mining"}, {"account_id": "G", "industry": "Government"}],
        "activities": [{"type": "gift", "contact_id": "given", "due_date": "2026-01-08"}],
    }
    book = make_book(tmp_path, tables, gifts={"leap_day": leap_day})
    found = by(birthdays(book, date(2025, 12, 10)), "contact_id")
    soon = [key for key, row in found.items() if row["soon"] and row["agreed"]]
    assert sorted(soon) == ["clerk", "given", "january", "manager", "mayor", "nobody's"]
    assert sorted(key for key, row in found.items() if row["official"]) == ["clerk", "mayor"]
    assert [key for key, row in found.items() if row["given"]] == ["given"]
    assert (found["no day"]["next_on"], found["text"]["next_on"], found["leap"]["next_on"]) == (None, None, on)
    assert by(birthdays(book, date(2028, 2, 1)), "contact_id")["leap"]["next_on"] == date(2028, 2, 29)


def drawn_book(folder: Path, drawn: list[tuple[int, int | None]], *, shift: int = 0, cancelled: bool = False) -> Book:
    """Orders of one client as drawn (day of delivery, days until a contact about it), all moved by `shift` days."""
    first = date(2026, 1, 1) + timedelta(days=shift)
    parts, activities = [], []
    for n, (day, after) in enumerate(drawn):
        on = first + timedelta(days=day)
        ordered = (on - timedelta(days=3)).isoformat()
        parts.append(
            delivered(f"O{n}", "K", on.isoformat(), promised=on.isoformat(), ordered_at=ordered, status="done")
        )
        if after is not None:
            activities.append(contact("K", (on + timedelta(days=after)).isoformat(), order_id=f"O{n}"))
    if cancelled:
        parts.append(delivered("X", "K", first.isoformat(), ordered_at=first.isoformat(), status="cancelled"))
    return make_book(folder, together(*parts, {"activities": activities}))


@pytest.mark.long
@FEW
@given(
    drawn=st.lists(st.tuples(st.integers(0, 60), st.none() | st.integers(0, 30)), min_size=1, max_size=6),
    weeks=st.integers(1, 30),
)
def test_weeks_and_cancelled_orders_change_no_count(
    tmp_path_factory: pytest.TempPathFactory, drawn: Any, weeks: int
) -> None:
    """All dates some weeks later, and a cancelled order, change no count."""
    folder, end = tmp_path_factory.mktemp("orders"), date(2026, 4, 30)

    def counts(book: Book, day: date) -> list[tuple[Any, ...]]:
        names = ("order_id", "due", "followed_up", "by_account")
        return sorted(tuple(row[name] for name in names) for row in records(follow_ups(book, day)))

    whole = counts(drawn_book(folder / "whole", drawn), end)
    assert len(whole) == len(drawn)
    assert all(by_account or not followed for _, _, followed, by_account in whole)
    moved = drawn_book(folder / "moved", drawn, shift=7 * weeks)
    assert counts(moved, end + timedelta(weeks=weeks)) == whole
    assert counts(drawn_book(folder / "void", drawn, cancelled=True), end) == whole
