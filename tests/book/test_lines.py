"""For whom a report has a line."""

from __future__ import annotations

import random
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import examples
import pytest
from books import Row, Rows, by, make_book, records
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.lines import report_lines, report_managers, report_people, report_users, roll_up, usual_measure
from salesops.book.redact import redacted
from salesops.book.source import Book
from salesops.errors import BookError
from salesops.periods import parse_period

QUARTER = parse_period("2026-Q1")
END = date(2026, 3, 31)


def user(key: str, manager: str | None = None, **more: Any) -> Row:
    return {"user_id": key, "manager_id": manager, **more}


def deal(owner: str, **more: Any) -> Row:
    return {"owner_id": owner, "amount": 100, "created_date": "2026-01-02", **more}


def closed(owner: str, day: str, **more: Any) -> Row:
    return deal(owner, close_date=day, is_closed=True, **more)


def quota(owner: str, **more: Any) -> Row:
    return {"owner_id": owner, "period_start": "2026-01-01", "period_end": "2026-03-31", "quota_amount": 900, **more}


def people(book: Book, as_of: date = END, *, manager: str = "") -> set[str]:
    return set(by(report_people(book, QUARTER, as_of, manager=manager), "user_id"))


def lines(book: Book, as_of: date = END) -> dict[Any, Row]:
    return by(report_lines(book, QUARTER, as_of), "user_id", "measure", "is_rollup")


def test_active_reps_have_a_line(tmp_path: Path) -> None:
    """A rep hired on or before the period's end and not left before its start has a line; a manager as such none."""
    users = [
        user("always"),
        user("last day", hire_date="2026-03-31"),
        user("too late", hire_date="2026-04-01"),
        user("first day", end_date="2026-01-01"),
        user("gone", end_date="2025-12-31"),
        user("manager", role="manager"),
    ]
    assert people(make_book(tmp_path, {"users": users})) == {"always", "last day", "first day"}


def test_who_is_hired_later_has_a_line_only_with_a_quota_agreed_by_then(tmp_path: Path) -> None:
    """On a report of the past nobody stands who was not there; but whose goal was agreed by then starts with it."""
    users = [user(name, hire_date="2026-03-01") for name in ("hired later", "agreed", "agreed later", "agreed ever")]
    quotas = [
        quota("agreed", agreed_at="2026-01-31"),
        quota("agreed later", agreed_at="2026-02-01"),
        quota("agreed ever"),
    ]
    book = make_book(tmp_path, {"users": [*users, user("there")], "quotas": quotas})
    assert people(book, date(2026, 1, 31)) == {"there", "agreed", "agreed ever"}
    assert people(book, date(2026, 3, 1)) == {"there", "agreed", "agreed ever", "hired later", "agreed later"}


def test_deals_and_orders_give_a_line_to_anyone(tmp_path: Path) -> None:
    """Who owns or is credited with a deal or order in the period has a line, in office or not, rep or manager."""
    gone = {"end_date": "2025-06-30"}
    keys = ("won", "lost", "due", "credited", "ordered", "credited order", "handed on", "before", "after", "created")
    tables: dict[str, Rows] = {
        "users": [*(user(key, **gone) for key in keys), user("boss", role="manager"), user("clerk", role="manager")],
        "opportunities": [
            closed("won", "2026-01-01", is_won=True),
            closed("lost", "2026-03-31"),
            deal("due", close_date="2026-03-31"),
            closed("handed on", "2026-02-01", opportunity_id="split", is_won=True),
            closed("boss", "2026-02-01", is_won=True),
            closed("before", "2025-12-31", created_date="2025-01-01"),
            deal("after", close_date="2026-04-01"),
            deal("created"),
        ],
        "orders": [
            {"order_id": "O1", "owner_id": "ordered", "ordered_at": "2026-03-31T23:00:00Z"},
            {"order_id": "O2", "ordered_at": "2026-01-01"},
            {"order_id": "O3", "owner_id": "before", "ordered_at": "2025-12-31"},
        ],
        "credits": [
            {"opportunity_id": "split", "user_id": "credited", "share": 1},
            {"order_id": "O2", "user_id": "credited order", "share": 1},
        ],
    }
    expected = {"won", "lost", "due", "credited", "ordered", "credited order", "handed on", "boss"}
    assert people(make_book(tmp_path, tables)) == expected


def test_deals_count_up_to_as_of(tmp_path: Path) -> None:
    """What closes or is ordered after as_of gives no line yet; a deal that is due later in the period does."""
    tables: dict[str, Rows] = {
        "users": [user(key, role="manager") for key in ("closed", "later", "due", "buyer", "later buyer")],
        "opportunities": [
            closed("closed", "2026-02-15", is_won=True),
            closed("later", "2026-02-16", is_won=True),
            deal("due", close_date="2026-03-20"),
        ],
        "orders": [
            {"owner_id": "buyer", "ordered_at": "2026-02-15T22:00:00Z"},
            {"owner_id": "later buyer", "ordered_at": "2026-02-16T00:00:00Z"},
        ],
    }
    assert people(make_book(tmp_path, tables), date(2026, 2, 15)) == {"closed", "due", "buyer"}


def test_quota_gives_a_line_to_leavers_and_managers(tmp_path: Path) -> None:
    """Whoever has a quota in the period has a line, so that the goal of a vacant territory is not dropped."""
    tables: dict[str, Rows] = {
        "users": [user("left", end_date="2025-06-30"), user("boss", role="manager"), user("other", role="manager")],
        "quotas": [quota("left"), quota("boss"), quota("other", period_start="2026-04-01", period_end="2026-06-30")],
    }
    found = lines(make_book(tmp_path, tables))
    assert {key[0]: row["quota"] for key, row in found.items()} == {"left": 900.0, "boss": 900.0}


def test_rep_without_deals_or_quota_has_a_line(tmp_path: Path) -> None:
    """A rep with neither deals nor quota appears, without a quota, and does not vanish."""
    book = make_book(tmp_path, {"users": [user("idle"), user("busy")], "quotas": [quota("busy")]})
    found = lines(book)
    assert found["idle", "bookings", False]["quota"] is None
    assert found["idle", "bookings", False]["quotas_left_out"] == 0
    assert len(found) == 2


def test_two_measures_are_two_lines(tmp_path: Path) -> None:
    """The quota row's measure decides what counts: a person with quotas in both has two lines, never one sum."""
    quotas = [quota("A"), quota("A", measure="orders", quota_amount=50), quota("B", measure="orders")]
    found = lines(make_book(tmp_path, {"users": [user("A"), user("B"), user("C")], "quotas": quotas}))
    assert {key[:2]: row["quota"] for key, row in found.items()} == {
        ("A", "bookings"): 900.0,
        ("A", "orders"): 50.0,
        ("B", "orders"): 900.0,
        ("C", "orders"): None,
    }


def test_rollup_is_a_line_of_its_own(tmp_path: Path) -> None:
    """A manager's rollup is shown beside the own quota; a manager who sells nothing needs no second line."""
    tables: dict[str, Rows] = {
        "users": [user("player", role="manager"), user("coach", role="manager"), user("seller", role="manager")],
        "quotas": [
            quota("player"),
            quota("player", is_rollup=True, quota_amount=5000, period_end="2026-03-30"),
            quota("coach", is_rollup=True),
            quota("seller", is_rollup=True),
        ],
        "opportunities": [closed("seller", "2026-02-01", is_won=True)],
    }
    found = lines(make_book(tmp_path, tables))
    assert {(key[0], key[2]): row["quota"] for key, row in found.items()} == {
        ("player", False): 900.0,
        ("player", True): 5000.0,
        ("coach", True): 900.0,
        ("seller", True): 900.0,
        ("seller", False): None,
    }


def test_quota_without_owner_takes_nobody_s_line(tmp_path: Path) -> None:
    """A quota that names nobody is an error of the data; the lines of all others stay."""
    users = [user("A"), user("boss", role="manager")]
    quotas = [quota("A"), quota(None), quota(None, is_rollup=True)]  # type: ignore[arg-type]  # the error in the data
    assert set(lines(make_book(tmp_path, {"users": [*users, user("idle")], "quotas": quotas}))) == {
        ("A", "bookings", False),
        ("idle", "bookings", False),
    }


TREE = [
    user("top", None, role="manager", user_name="Tess"),
    user("mid", "top", role="manager", user_name="Max"),
    user("low", "mid", role="manager"),
    user("rep 1", "low"),
    user("rep 2", "mid"),
    user("rep 3", "top"),
    user("outside"),
]


@pytest.mark.parametrize(
    ("manager", "team"),
    [
        ("", {"rep 1", "rep 2", "rep 3", "outside", "low"}),
        ("top", {"rep 1", "rep 2", "rep 3", "low"}),
        ("Max", {"rep 1", "rep 2", "low"}),
        ("low", {"rep 1", "low"}),
        ("rep 2", {"rep 2"}),
    ],
)
def test_manager_means_everyone_below(tmp_path: Path, manager: str, team: set[str]) -> None:
    """manager=X, by id or name, means X and everyone below at any depth who has a line."""
    book = make_book(tmp_path, {"users": TREE, "quotas": [quota("low")]})
    assert people(book, manager=manager) == team
    assert {row[0] for row in report_users(book, QUARTER, END, manager=manager)} == team


def test_managers_are_those_with_someone_below_who_has_a_line(tmp_path: Path) -> None:
    """By name, at any depth, as of the period; nobody without such a team, in a circle once, and no one unknown."""
    found = report_managers(make_book(tmp_path / "tree", {"users": TREE, "quotas": [quota("low")]}), QUARTER, END)
    assert [row[0] for row in found] == ["low", "mid", "top"]
    circle = [user("A", "B", role="manager"), user("B", "A", role="manager"), user("R", "A"), user("S", "nobody")]
    assert report_managers(make_book(tmp_path / "circle", {"users": circle}), QUARTER, END) == [("A", "A"), ("B", "B")]


def test_unknown_manager_is_refused(tmp_path: Path) -> None:
    """A manager whom the book does not know is an error with the nearest name."""
    with pytest.raises(BookError, match=r"no user has the id or name 'Maxx'\. Did you mean 'Max'\?"):
        report_people(make_book(tmp_path, {"users": TREE}), QUARTER, END, manager="Maxx")


def test_team_is_that_of_the_period(tmp_path: Path) -> None:
    """With user_history, a report of last quarter goes by who reported to whom then, also when run a year later."""
    history = [
        {"user_id": "R", "valid_from": "2025-01-01", "manager_id": "old"},
        {"user_id": "R", "valid_from": "2026-05-01", "manager_id": "new"},
    ]
    users = [user("old", role="manager"), user("new", role="manager"), user("R", "new")]
    book = make_book(tmp_path, {"users": users, "user_history": history})
    assert people(book, manager="old") == {"R"}
    assert people(book, manager="new") == set()
    assert people(book, date(2027, 6, 1), manager="old") == {"R"}
    assert people(book, date(2027, 6, 1), manager="new") == set()
    spring = parse_period("2026-Q2")
    assert {row["user_id"] for row in records(report_people(book, spring, spring.end, manager="new"))} == {"R"}


def test_people_are_listed_by_name(tmp_path: Path) -> None:
    """The people of a report come by name, those of the same name by id."""
    users = [user("3", user_name="Bo"), user("2", user_name="Ann"), user("1", user_name="Bo")]
    found = report_users(make_book(tmp_path, {"users": users}), QUARTER, END)
    assert found == [("2", "Ann"), ("1", "Bo"), ("3", "Bo")]


@pytest.mark.parametrize(
    ("tables", "measure"),
    [
        ({"opportunities": []}, "bookings"),
        ({"opportunities": [], "orders": []}, "bookings"),
        ({"orders": []}, "orders"),
        ({"users": []}, "bookings"),
        ({"quotas": [], "orders": []}, "orders"),
        ({"opportunities": [], "quotas": [quota("A", measure="orders")]}, "orders"),
        ({"quotas": [quota("A", measure="orders"), quota("B"), quota("C")]}, "bookings"),
        ({"quotas": [quota("A", measure="orders"), quota("A")]}, "bookings"),
        (
            {
                "quotas": [
                    quota("A", measure="orders"),
                    *(quota(key, period_start="2025-01-01", period_end="2025-12-31") for key in "BC"),
                ]
            },
            "orders",
        ),
    ],
)
def test_usual_measure(tmp_path: Path, tables: dict[str, Rows], measure: str) -> None:
    """Quotas of the period decide, then other quotas; without any: bookings where there are deals, else orders."""
    assert usual_measure(make_book(tmp_path, tables), QUARTER) == measure


def test_roll_up_sums_the_lines(tmp_path: Path) -> None:
    """Lines sum by manager, territory, team or person, and by further columns if asked; nothing falls out."""
    users = [user("A", "M", territory_id="N"), user("B", "M", territory_id="S"), user("C", None, territory_id="S")]
    quotas = [quota("A"), quota("B", quota_amount=100), quota("C", quota_amount=10, measure="orders")]
    table = report_lines(make_book(tmp_path, {"users": users, "quotas": quotas}), QUARTER, END)
    assert roll_up(table, "rep", ("quota",)) is table
    assert by(roll_up(table, "manager", ("quota",)), "manager_id") == {
        "M": {"manager_id": "M", "quota": 1000.0},
        None: {"manager_id": None, "quota": 10.0},
    }
    sums = by(roll_up(table, "territory", ("quota",)), "territory_id")
    assert {key: row["quota"] for key, row in sums.items()} == {"N": 900.0, "S": 110.0}
    assert records(roll_up(table, "team", ("quota",))) == [{"quota": 1010.0}]
    sums = by(roll_up(table, "team", ("quota",), ("measure",)), "measure")
    assert {key: row["quota"] for key, row in sums.items()} == {"bookings": 1000.0, "orders": 10.0}


def test_redacted_book_has_the_same_lines(tmp_path: Path) -> None:
    """Pseudonyms change who is named on the lines, not how many there are nor the goals."""
    tables: dict[str, Rows] = {"users": TREE, "quotas": [quota("rep 1"), quota("low", is_rollup=True)]}
    book = make_book(tmp_path, tables)
    plain, hidden = (report_lines(b, QUARTER, END) for b in (book, redacted(book)))
    assert sorted(map(str, (row["quota"] for row in records(plain)))) == sorted(
        map(str, (row["quota"] for row in records(hidden)))
    )


KEYS = st.sampled_from(["top", "mid", "low", "rep 1", "rep 2", "rep 3", "outside"])
DAYS = st.dates(date(2025, 12, 1), date(2026, 4, 30))


@pytest.mark.long
@settings(max_examples=examples.of(8), deadline=None)
@given(
    st.lists(st.tuples(KEYS, DAYS, st.booleans()), max_size=6),
    st.sets(st.tuples(KEYS, st.sampled_from(["bookings", "orders"]), st.booleans()), max_size=5),
    st.randoms(),
)
def test_order_of_rows_changes_nothing(
    deals: list[tuple[str, date, bool]], quotas: set[tuple[str, str, bool]], rng: random.Random
) -> None:
    """The lines of a report are the same in whatever order the tables are written."""
    tables: dict[str, Rows] = {
        "users": TREE,
        "opportunities": [
            deal(key, opportunity_id=f"D{n}", close_date=day, is_closed=done)
            for n, (key, day, done) in enumerate(deals)
        ],
        "quotas": [quota(key, measure=measure, is_rollup=rollup) for key, measure, rollup in sorted(quotas)],
    }
    shuffled = {name: rng.sample(rows, len(rows)) for name, rows in tables.items()}
    with tempfile.TemporaryDirectory() as folder:
        first, second = make_book(Path(folder, "a"), tables), make_book(Path(folder, "b"), shuffled)
        assert lines(first) == lines(second)
