"""Who belongs to a manager's team, and who manages in a circle."""

from __future__ import annotations

import examples
import ibis
import ibis.expr.types as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesops.book.people import manager_cycles, team_of
from salesops.errors import BookError


def users(*rows: tuple[str, str, str | None]) -> ir.Table:
    """Return a users table from (user_id, user_name, manager_id)."""
    schema = ibis.schema({"user_id": "string", "user_name": "string", "manager_id": "string"})
    return ibis.memtable([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


COMPANY = users(
    ("U1", "Ada", None), ("U2", "Bo", "U1"), ("U3", "Cy", "U2"),
    ("U4", "Bo", "U3"), ("U5", "Di", "U1"), ("U6", "Ed", None),
)  # fmt: skip  # a company in two lines


@pytest.mark.parametrize(
    ("manager", "team"),
    [("U1", ("U1", "U2", "U3", "U4", "U5")), ("U2", ("U2", "U3", "U4")), ("Cy", ("U3", "U4")), ("U6", ("U6",))],
)
def test_team_is_the_manager_and_everyone_below(manager: str, team: tuple[str, ...]) -> None:
    """A team holds its manager and all below at any depth, by id or by name."""
    assert team_of(COMPANY, manager) == team


def test_unknown_manager_names_the_nearest() -> None:
    """A name that nobody has is refused with the nearest one."""
    with pytest.raises(BookError, match=r"no user has the id or name 'Adda'\. Did you mean 'Ada'\?"):
        team_of(COMPANY, "Adda")


def test_name_of_two_users_lists_their_ids() -> None:
    """A name that two users have is refused with both ids."""
    with pytest.raises(BookError, match=r"2 users are named 'Bo'\. Give the user_id instead: U2, U4\."):
        team_of(COMPANY, "Bo")


def test_id_goes_before_name() -> None:
    """A word that is one user's id and another's name means the id."""
    assert team_of(users(("U1", "U2", None), ("U2", "Ann", None)), "U2") == ("U2",)


def test_team_in_a_circle_ends() -> None:
    """Users who manage each other are one team; the walk ends."""
    assert team_of(users(("U1", "Ann", "U2"), ("U2", "Bo", "U1")), "U1") == ("U1", "U2")


def test_deep_hierarchy_needs_no_recursion() -> None:
    """Ten thousand levels are walked like three."""
    chain = users(*((f"U{n}", f"N{n}", f"U{n - 1}" if n else None) for n in range(10_000)))
    assert len(team_of(chain, "U0")) == 10_000
    assert manager_cycles(chain) == []


def test_cycles_are_named_once_each() -> None:
    """Each circle is given once, from its first id along the managers; those below it are not in it."""
    table = users(
        ("U3", "c", "U1"), ("U1", "a", "U2"), ("U2", "b", "U3"),
        ("U9", "below", "U1"), ("U5", "self", "U5"), ("U6", "x", "gone"),
    )  # fmt: skip  # a company in two lines
    assert manager_cycles(table) == [("U1", "U2", "U3"), ("U5",)]


@settings(deadline=None, max_examples=examples.of(30))
@given(st.lists(st.integers(-1, 9), min_size=1, max_size=10))
def test_cycles_are_exactly_who_returns_to_oneself(managers: list[int]) -> None:
    """A user is in a circle if and only if following managers leads back to that user."""
    table = users(*((f"U{n}", f"N{n}", f"U{m}" if m >= 0 else None) for n, m in enumerate(managers)))
    returning = set()
    for start in range(len(managers)):
        at = start
        for _ in managers:
            at = managers[at] if 0 <= at < len(managers) else -1
            if at == start:
                returning.add(f"U{start}")
    assert {user for cycle in manager_cycles(table) for user in cycle} == returning
