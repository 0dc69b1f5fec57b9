"""The order of rows in tests: what was asked for, or one that nobody can have meant."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from books import Row, make_book, records
from hypothesis import given
from hypothesis import strategies as st
from unasked import stirred

USERS: list[Row] = [{"user_id": f"{n:02}", "territory_id": "NS"[n % 2]} for n in range(20)]


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return (
        make_book(tmp_path_factory.mktemp("users"), {"users": USERS}).table("users").select("user_id", "territory_id")
    )


def ids(table: Any) -> list[str]:
    return [row["user_id"] for row in records(table)]


def test_rows_without_an_order_come_in_a_strange_one(users: Any) -> None:
    """A join, or what is stored of it, comes in an order that is neither that of its tables nor that of its keys."""
    joined = users.inner_join(users.select("user_id"), "user_id")
    assert sorted(ids(joined)) == sorted(ids(users))
    assert ids(joined) != sorted(ids(users))
    assert ids(joined.cache()) == ids(joined)


@given(data=st.data())
def test_the_strange_order_is_that_of_the_rows(data: st.DataObject) -> None:
    """However the database gives the rows, they come in the same order: a test that fails by it fails each time."""
    import ibis

    rows = [(row["user_id"], row["territory_id"]) for row in USERS]
    found = []
    for given_rows in (rows, data.draw(st.permutations(rows))):
        con = ibis.duckdb.from_connection(duckdb.connect())
        values = ", ".join(f"('{key}', '{land}')" for key, land in given_rows)
        con.raw_sql(f"create table users as from (values {values}) as u(user_id, territory_id)")
        found.append(ids(con.table("users").distinct()))
    assert found[0] == found[1]


def test_an_order_that_was_asked_for_is_kept(users: Any) -> None:
    """Rows come by the columns asked for; those that are equal in them come in a strange order."""
    both, one = users.order_by("territory_id", "user_id"), users.order_by("territory_id").select("user_id")
    assert ids(both) == sorted(ids(users), key=lambda key: ("NS"[int(key) % 2], key))
    assert ids(one) != ids(both)
    assert [int(key) % 2 for key in ids(one)] == [0] * 10 + [1] * 10


def test_a_stored_table_and_a_sum_are_left_alone(users: Any) -> None:
    """The order of a table is known, and a sum is one row: their queries stay as they are."""
    for table in (users, users.aggregate(n=users.count())):
        assert stirred(table) is table
