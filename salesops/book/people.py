"""Who reports to whom."""

from __future__ import annotations

from collections import defaultdict

import ibis
import ibis.expr.types as ir

from salesops.book.source import Book
from salesops.errors import BookError, did_you_mean, first_few
from salesops.periods import Period


def people_in(known: Book, period: Period) -> ir.Table:
    """Return the users with the manager and the territory that they had on the last day of a period.

    Who moves later is still counted where they were, so that a team's actual stands against the goal of the same
    people. Where `user_history` does not know a user by then, the manager is that of the table.

    Parameters
    ----------
    known : Book
        As known on the report's as-of date; moves after it are not in it.
    """
    if not known.has("user_history"):
        return known.table("users")
    return known.keep(("people in", period), lambda: _people_in(known, period))


def with_history(users: ir.Table, history: ir.Table) -> ir.Table:
    """Return the users with the manager and the territory that a history of them gives last."""
    last = history.group_by(_user="user_id").aggregate(
        _manager=history.manager_id.argmax(history.valid_from),
        _territory=history.territory_id.argmax(history.valid_from),
    )
    joined = users.left_join(last, users.user_id == last._user)
    return joined.mutate(
        manager_id=joined._user.notnull().ifelse(joined._manager, joined.manager_id),
        territory_id=ibis.coalesce(joined._territory, joined.territory_id),
    ).drop("_user", "_manager", "_territory")


def team_of(users: ir.Table, manager: str) -> tuple[str, ...]:
    """Return the user ids of a manager and of everyone below, at any depth, sorted.

    Parameters
    ----------
    users : ir.Table
        With user_id, user_name and manager_id.
    manager : str
        The manager's user_id, or a user_name that only one user has.

    Raises
    ------
    BookError
        If nobody, or more than one user of that name, is meant.
    """
    rows = users.select("user_id", "user_name", "manager_id").to_pyarrow().to_pylist()
    reports = defaultdict(list)
    for row in rows:
        reports[row["manager_id"]].append(row["user_id"])
    team: set[str] = set()
    waiting = [_id_of(manager, {row["user_id"]: row["user_name"] for row in rows})]
    while waiting:
        user = waiting.pop()
        if user not in team:
            team.add(user)
            waiting.extend(reports[user])
    return tuple(sorted(team))


def user_id_of(users: ir.Table, asked: str) -> str:
    """Return the user_id of someone who is asked for by id, or by a user_name that only one user has.

    Raises
    ------
    BookError
        If nobody, or more than one user of that name, is meant.
    """
    rows = users.select("user_id", "user_name").to_pyarrow().to_pylist()
    return _id_of(asked, {row["user_id"]: row["user_name"] for row in rows})


def user_names(book: Book) -> dict[str, str]:
    """Return the name of every user by id."""
    return dict(book.keep("user names", lambda: _names(book)))


def manager_cycles(users: ir.Table) -> list[tuple[str, ...]]:
    """Return the circles of users who report to each other, each from its first id upwards, sorted.

    Parameters
    ----------
    users : ir.Table
        With user_id and manager_id.
    """
    rows = users.select("user_id", "manager_id").to_pyarrow().to_pylist()
    manager_of = {row["user_id"]: row["manager_id"] for row in rows}
    cycles = []
    seen: set[str] = set()
    for start in sorted(user for user in manager_of if user is not None):
        path: dict[str, int] = {}
        user = start
        while user in manager_of and user not in seen and user not in path:
            path[user] = len(path)
            user = manager_of[user]
        if user in path:
            cycles.append(_from_first(list(path)[path[user] :]))
        seen.update(path)
    return sorted(cycles)


def _people_in(known: Book, period: Period) -> ir.Table:
    history = known.table("user_history")
    return with_history(known.table("users"), history.filter(history.valid_from <= period.end))


def _names(book: Book) -> list[list[str]]:
    rows = book.table("users").select("user_id", "user_name").order_by("user_id").to_pyarrow().to_pylist()
    return [[row["user_id"], row["user_name"]] for row in rows]


def _id_of(manager: str, names: dict[str, str]) -> str:
    if manager in names:
        return manager
    ids = sorted(user for user, name in names.items() if name == manager)
    if not ids:
        known = {word for pair in names.items() for word in pair if word}
        raise BookError(f"users: no user has the id or name '{manager}'. {did_you_mean(manager, known)}")
    if len(ids) > 1:
        raise BookError(
            f"users: {len(ids)} users are named '{manager}'. Give the user_id instead: {first_few(ids, len(ids))}."
        )
    return ids[0]


def _from_first(cycle: list[str]) -> tuple[str, ...]:
    first = cycle.index(min(cycle))
    return tuple(cycle[first:] + cycle[:first])
